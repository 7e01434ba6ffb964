//! Tests of the engine on a network by a script: when what comes, how much is taken at once, and what breaks. Time is
//! the loop's own, so that each run is exact, and over at once.

mod answers;
mod exact;
mod portions;
mod pulls;
mod schedules;
mod steps;

use super::duplex::Duplex;
use super::seams::{ByteHandle, Endpoint};
use crate::error::Error;
use crate::event_loop::{
    Buffer, Description, Descriptor, EventLoop, Handle, Interest, ResourceKind, Script, Source,
    Step,
};
use proptest::prelude::{ProptestConfig, Strategy};
use proptest::test_runner::{RngAlgorithm, TestRng, TestRunner};
use std::cell::RefCell;
use std::collections::VecDeque;
use std::io::{self, IoSlice};
use std::net::TcpListener;
use std::panic::Location;
use std::rc::Rc;

/// What comes from the other side.
#[derive(Clone, Debug)]
pub(super) enum Arrival {
    Bytes(Vec<u8>),
    End,
    Reset,
}

/// What the system makes of a call that sends.
#[derive(Clone, Copy, Debug)]
pub(super) enum Answer {
    /// Takes so many bytes at most.
    Take(usize),
    /// Takes none, for so many nanoseconds.
    Block(u64),
    Interrupt,
    Break,
}

/// The other side, and the system between.
#[derive(Default)]
pub(super) struct Wire {
    script: Script,
    descriptor: u64,
    came: VecDeque<Arrival>,
    interrupts: usize,
    answers: VecDeque<Answer>,
    blocked_until: u64,
    /// All that was taken.
    pub(super) sent: Vec<u8>,
    /// What was asked of the system, a word for each call that sends.
    pub(super) calls: Vec<String>,
    pub(super) finished: bool,
    broken: bool,
}

/// A handle whose descriptor is real, but whose readiness and bytes are not.
pub(super) struct Line {
    socket: TcpListener,
    handle: Handle,
    wire: Rc<RefCell<Wire>>,
}

impl Wire {
    fn send(&mut self, now: u64, slices: &[&[u8]]) -> io::Result<usize> {
        let total: usize = slices.iter().map(|slice| slice.len()).sum();
        if self.broken {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        let blocked = now < self.blocked_until;
        let answer = if blocked { None } else { self.answers.pop_front() };
        let most = match answer {
            None if blocked => 0,
            None => usize::MAX,
            Some(Answer::Take(most)) => most,
            Some(Answer::Interrupt) => return Err(io::ErrorKind::Interrupted.into()),
            Some(Answer::Break) => {
                self.broken = true;
                return Err(io::ErrorKind::ConnectionReset.into());
            }
            Some(Answer::Block(time)) => {
                self.blocked_until = now + time;
                let ready = Step::Ready(self.descriptor, Interest::WRITE);
                self.script.at(self.blocked_until, ready);
                0
            }
        };
        let count = total.min(most);
        if count == 0 && total > 0 {
            self.calls.push(format!("{total} blocks"));
            self.script.exhaust(self.descriptor, Interest::WRITE);
            return Err(io::ErrorKind::WouldBlock.into());
        }
        let lengths: Vec<String> = slices.iter().map(|slice| slice.len().to_string()).collect();
        if count < total {
            // It took what it had room for: it is going to say when there is more.
            self.script.exhaust(self.descriptor, Interest::WRITE);
            self.script.at(now + 1, Step::Ready(self.descriptor, Interest::WRITE));
        }
        let part = if count < total { format!(" takes {count}") } else { String::new() };
        self.calls.push(lengths.join("+") + &part);
        self.sent.extend(slices.iter().flat_map(|slice| slice.iter()).take(count));
        Ok(count)
    }

    fn receive(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.interrupts > 0 {
            self.interrupts -= 1;
            return Err(io::ErrorKind::Interrupted.into());
        }
        // A stream knows no borders: all that has come is taken.
        let mut count = 0;
        while count < buffer.len() {
            match self.came.front_mut() {
                Some(Arrival::Bytes(bytes)) => {
                    let taken = bytes.len().min(buffer.len() - count);
                    buffer[count..count + taken].copy_from_slice(&bytes[..taken]);
                    bytes.drain(..taken);
                    count += taken;
                    if bytes.is_empty() {
                        self.came.pop_front();
                    }
                }
                Some(Arrival::End) => return Ok(count),
                Some(Arrival::Reset) if count == 0 => {
                    self.came.clear();
                    self.broken = true;
                    return Err(io::ErrorKind::ConnectionReset.into());
                }
                Some(Arrival::Reset) => return Ok(count),
                None if count == 0 => {
                    self.script.exhaust(self.descriptor, Interest::READ);
                    return Err(io::ErrorKind::WouldBlock.into());
                }
                None => {
                    self.script.exhaust(self.descriptor, Interest::READ);
                    return Ok(count);
                }
            }
        }
        Ok(count)
    }
}

impl Wire {
    /// Is the end, or a reset, among what has come and was not read?
    pub(super) fn has_gone(&self) -> bool {
        self.came.iter().any(|arrival| !matches!(arrival, Arrival::Bytes(_)))
    }
}

impl Line {
    fn now(&self) -> u64 {
        u64::try_from(self.handle.now().as_nanos()).unwrap()
    }
}

impl ByteHandle for Line {
    fn receive(&self, buffer: &mut [u8]) -> io::Result<usize> {
        self.wire.borrow_mut().receive(buffer)
    }

    fn at_end(&self) -> io::Result<bool> {
        let mut wire = self.wire.borrow_mut();
        match wire.came.front() {
            Some(Arrival::End) => Ok(true),
            Some(Arrival::Bytes(_)) => Ok(false),
            Some(Arrival::Reset) | None => wire.receive(&mut [0]).map(|_| false),
        }
    }

    fn send(&self, bytes: &[u8]) -> io::Result<usize> {
        self.wire.borrow_mut().send(self.now(), &[bytes])
    }

    fn send_vectored(&self, chunks: &[IoSlice<'_>]) -> io::Result<usize> {
        let chunks: Vec<&[u8]> = chunks.iter().map(|chunk| &**chunk).collect();
        self.wire.borrow_mut().send(self.now(), &chunks)
    }

    fn finish(&self) -> io::Result<()> {
        self.wire.borrow_mut().finished = true;
        Ok(())
    }

    fn has_hung_up(&self) -> bool {
        self.wire.borrow().has_gone()
    }

    fn descriptor(&self) -> Option<Descriptor<'_>> {
        #[cfg(unix)]
        return Some(std::os::fd::AsFd::as_fd(&self.socket));
        #[cfg(windows)]
        return Some(std::os::windows::io::AsSocket::as_socket(&self.socket));
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        let (script, descriptor) = {
            let wire = self.wire.borrow();
            (wire.script.clone(), wire.descriptor)
        };
        script.release(descriptor);
    }
}

/// What a stream tells.
#[derive(Clone, Debug)]
pub(super) enum Told<'a> {
    Connect,
    Data(&'a [u8]),
    End,
    Drain,
    Finish,
    Hangup,
    Error(Error),
    Close(bool),
}

/// Writes as a socket does.
pub(super) fn say(stream: &Stream, bytes: &[u8]) -> bool {
    super::keep(stream, bytes) || super::write(stream, bytes)
}

type Reaction = Box<dyn FnMut(&Stream, &Told<'_>)>;

/// A stream on such a line.
#[derive(Clone)]
pub(super) struct Stream(Rc<Inner>);

pub(super) struct Inner {
    duplex: Duplex<Line>,
    reaction: RefCell<Option<Reaction>>,
}

impl Stream {
    fn tell(&self, told: Told<'_>) {
        let reaction = self.0.reaction.take();
        let Some(mut reaction) = reaction else { return };
        reaction(self, &told);
        self.0.reaction.borrow_mut().get_or_insert(reaction);
    }
}

impl Endpoint for Stream {
    type Bytes = Line;

    fn duplex(&self) -> &Duplex<Line> {
        &self.0.duplex
    }
    fn source(&self) -> Rc<dyn Source> {
        Rc::clone(&self.0) as Rc<dyn Source>
    }
    fn target(&self) -> String {
        "line".into()
    }
    fn tell_data(&self, chunk: &[u8]) {
        self.tell(Told::Data(chunk));
    }
    fn tell_end(&self) {
        self.tell(Told::End);
    }
    fn tell_drain(&self) {
        self.tell(Told::Drain);
    }
    fn tell_finish(&self) {
        self.tell(Told::Finish);
    }
    fn tell_hangup(&self) {
        self.tell(Told::Hangup);
    }
    fn tell_error(&self, error: Error) {
        self.tell(Told::Error(error));
    }
    fn tell_close(&self, had_error: bool) {
        self.tell(Told::Close(had_error));
        self.0.reaction.take();
    }
}

impl Source for Inner {
    fn describe(&self) -> Description {
        Description { kind: ResourceKind::TcpSocket, target: "line".into() }
    }

    fn lend(&self, to: &mut dyn FnMut(Descriptor<'_>) -> io::Result<()>) -> io::Result<()> {
        self.duplex.lend(to)
    }

    fn ready(self: Rc<Self>, readiness: Interest, buffer: &mut Buffer) {
        let stream = Stream(self);
        if stream.0.duplex.is_ready() {
            super::ready(&stream, readiness, buffer);
        } else {
            super::establish(&stream, || stream.tell(Told::Connect));
        }
    }

    fn readable(self: Rc<Self>, buffer: &mut Buffer) {
        super::readable(&Stream(self), buffer);
    }

    fn refused(self: Rc<Self>, error: io::Error) {
        panic!("{error}");
    }

    fn shut(self: Rc<Self>) {
        super::destroy(&Stream(self), None);
    }

    fn abandon(self: Rc<Self>) {
        drop(self.duplex.detach());
        self.reaction.take();
    }
}

/// A network, and one stream on it.
pub(super) struct Net {
    pub(super) event_loop: Rc<EventLoop>,
    pub(super) stream: Stream,
    pub(super) wire: Rc<RefCell<Wire>>,
    script: Script,
    pub(super) log: Rc<RefCell<Vec<String>>>,
}

impl Net {
    /// The stream stands `ready`, or it connects as soon as the loop runs.
    pub(super) fn new(ready: bool) -> Self {
        let script = Script::default();
        let event_loop = Rc::new(EventLoop::scripted(&script).unwrap());
        Self::on(event_loop, script, Rc::default(), ready)
    }

    /// Another stream on the same loop, with the same log.
    pub(super) fn beside(&self) -> Self {
        Self::on(Rc::clone(&self.event_loop), self.script.clone(), Rc::clone(&self.log), true)
    }

    fn on(
        event_loop: Rc<EventLoop>,
        script: Script,
        log: Rc<RefCell<Vec<String>>>,
        ready: bool,
    ) -> Self {
        let handle = event_loop.handle();
        let stream = Stream(Rc::new(Inner {
            duplex: Duplex::new(handle.clone(), Location::caller()),
            reaction: RefCell::default(),
        }));
        let wire = Rc::new(RefCell::new(Wire { script: script.clone(), ..Wire::default() }));
        let line = Line {
            socket: TcpListener::bind("127.0.0.1:0").unwrap(),
            handle,
            wire: Rc::clone(&wire),
        };
        let descriptor = script.claim(line.descriptor().expect("a socket"));
        wire.borrow_mut().descriptor = descriptor;
        script.at(0, Step::Ready(descriptor, Interest::WRITE));
        super::attach(&stream, line, ready);
        Self { event_loop, stream, wire, script, log }
    }

    /// Notes all that is told, and calls `react` with it.
    pub(super) fn react(&self, mut react: impl FnMut(&Stream, &Told<'_>) + 'static) {
        let log = Rc::clone(&self.log);
        self.stream.0.reaction.replace(Some(Box::new(move |stream, told| {
            let mut notes = log.borrow_mut();
            match told {
                Told::Connect => notes.push("connect".into()),
                Told::Data(chunk) => notes.push(format!("data {}", chunk.len())),
                Told::End => notes.push("end".into()),
                Told::Drain => notes.push("drain".into()),
                Told::Finish => notes.push("finish".into()),
                Told::Hangup => notes.push("hangup".into()),
                Told::Error(error) => notes.push(format!("error {}", word(error))),
                Told::Close(had_error) => notes.push(format!("close {had_error}")),
            }
            drop(notes);
            react(stream, told);
        })));
    }

    /// Something comes at this time.
    pub(super) fn arrive(&self, when: u64, arrival: Arrival) {
        let time = std::time::Duration::from_nanos(when);
        self.event_loop.handle().set_timeout(time, self.arriving(arrival));
    }

    /// Called, it comes.
    pub(super) fn arriving(&self, arrival: Arrival) -> impl FnOnce() + 'static {
        let (wire, handle) = (Rc::clone(&self.wire), self.event_loop.handle());
        let script = self.script.clone();
        let descriptor = self.wire.borrow().descriptor;
        move || {
            let readiness = match arrival {
                Arrival::Bytes(_) => Interest::READ,
                Arrival::End => Interest::READ | Interest::ENDING,
                Arrival::Reset => Interest::ALL,
            };
            wire.borrow_mut().came.push_back(arrival);
            let now = u64::try_from(handle.now().as_nanos()).unwrap();
            script.at(now, Step::Ready(descriptor, readiness));
        }
    }

    pub(super) fn answer(&self, answers: impl IntoIterator<Item = Answer>) {
        self.wire.borrow_mut().answers.extend(answers);
    }

    pub(super) fn interrupt(&self, times: usize) {
        self.wire.borrow_mut().interrupts += times;
    }

    pub(super) fn note(
        &self,
        what: &'static str,
    ) -> impl FnOnce(crate::error::Result<()>) + 'static {
        let log = Rc::clone(&self.log);
        move |result| {
            let told = result.as_ref().map_or_else(word, |()| "ok".into());
            log.borrow_mut().push(format!("{what} {told}"));
        }
    }

    /// At this time.
    pub(super) fn at(&self, when: u64, f: impl FnOnce(&Stream) + 'static) {
        let stream = self.stream.clone();
        self.event_loop
            .handle()
            .set_timeout(std::time::Duration::from_nanos(when), move || f(&stream));
    }

    /// Runs until nothing is left. A loop that spins is found out.
    pub(super) fn run(&self) -> String {
        let mut turns = 0;
        while self.event_loop.run_once().unwrap() {
            turns += 1;
            assert!(turns < 20_000, "it spins: {:?}", self.log);
        }
        self.log.take().join(", ")
    }

    pub(super) fn calls(&self) -> String {
        std::mem::take(&mut self.wire.borrow_mut().calls).join(", ")
    }
}

/// Holds the test against so many random values, unless `PROPTEST_CASES` says otherwise. A failure prints the smallest
/// value that it found, and the seed that finds it again.
pub(super) fn for_all<S: Strategy>(values: &S, cases: u32, test: impl Fn(&S::Value)) {
    let seed = std::env::var("ONWARD_SEED").ok().and_then(|seed| seed.parse().ok());
    let seed: u64 = seed.unwrap_or_else(|| {
        let now = std::time::UNIX_EPOCH.elapsed().unwrap_or_default();
        u64::try_from(now.as_nanos() % u128::from(u64::MAX)).unwrap_or_default()
    });
    let mut config = ProptestConfig { failure_persistence: None, ..ProptestConfig::default() };
    if std::env::var_os("PROPTEST_CASES").is_none() {
        config.cases = cases;
    }
    let bytes = [seed.to_le_bytes(); 4].concat();
    let mut runner =
        TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &bytes));
    let found = runner.run(values, |value| {
        test(&value);
        Ok(())
    });
    if let Err(failure) = found {
        panic!("{failure}\nONWARD_SEED={seed} finds it again");
    }
}

fn word(error: &Error) -> String {
    match error.io_kind() {
        Some(kind) => format!("{kind:?}"),
        None => format!("{:?}", error.kind()),
    }
}
