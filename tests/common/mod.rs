//! What the tests with real sockets share: deadlines, records of events, peers in threads.

use onward::events::*;
use onward::net::{Address, Server, Socket};
use onward::{Error, ErrorKind, Result};
use std::cell::{Cell, RefCell};
use std::fmt::Debug;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream, ToSocketAddrs};
use std::rc::Rc;
use std::sync::mpsc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

#[cfg(target_os = "linux")]
pub(crate) mod child;
pub(crate) mod pattern;

/// Far more than any test takes, even on a busy machine.
pub(crate) const LIMIT: Duration = Duration::from_secs(30);

/// The port is the system's choice.
pub(crate) const ANY: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

/// Where nobody listens, and nobody else will: the port is taken, by a socket that does not, as long as the process lives.
pub(crate) fn nobody() -> SocketAddr {
    let taken = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None);
    let taken = taken.expect("a socket");
    taken.bind(&ANY.into()).expect("a free port");
    let address = taken.local_addr().ok().and_then(|address| address.as_socket());
    std::mem::forget(taken);
    address.expect("an address")
}

/// The same for datagrams: it hears itself alone, until it turns to somebody else.
pub(crate) fn deaf() -> std::net::UdpSocket {
    let socket = std::net::UdpSocket::bind(ANY).expect("a free port");
    socket.connect(socket.local_addr().expect("an address")).expect("it may talk to itself");
    socket.set_read_timeout(Some(LIMIT)).expect("a timeout");
    socket
}

/// Runs a loop which has to end by itself, and well.
pub(crate) fn run(setup: impl FnOnce() -> Result<()>) {
    run_within(LIMIT, setup).expect("the loop ends well");
}

/// Runs a loop which has to end by itself before `limit` has passed.
pub(crate) fn run_within(limit: Duration, setup: impl FnOnce() -> Result<()>) -> Result<()> {
    let _watch = watchdog(limit * 2);
    let late = Rc::new(Cell::new(false));
    let told = Rc::clone(&late);
    let result = onward::run(move || {
        let stop = move || {
            told.set(true);
            onward::stop();
        };
        onward::set_timeout(limit, stop).unref();
        setup()
    });
    assert!(!late.get(), "the loop had not ended after {limit:?}");
    result
}

/// Ends the whole process if this is not dropped in time: a loop that spins stops at no timer.
pub(crate) fn watchdog(limit: Duration) -> mpsc::Sender<()> {
    let (alive, watched) = mpsc::channel::<()>();
    let test = thread::current().name().unwrap_or("a test").to_string();
    thread::spawn(move || {
        if watched.recv_timeout(limit) == Err(mpsc::RecvTimeoutError::Timeout) {
            eprintln!("{test} hangs");
            std::process::abort();
        }
    });
    alive
}

/// What happened, in order. Clones share it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Log(Rc<RefCell<Vec<String>>>);

impl Log {
    pub(crate) fn note(&self, what: impl Into<String>) {
        self.0.borrow_mut().push(what.into());
    }

    /// Bytes that came. How they were cut up is the kernel's business: neighbours are put together.
    pub(crate) fn data(&self, chunk: &[u8]) {
        let (mut notes, text) = (self.0.borrow_mut(), String::from_utf8_lossy(chunk));
        match notes.last_mut() {
            Some(last) if last.starts_with("data ") => last.push_str(&text),
            _ => notes.push(format!("data {text}")),
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.0.borrow().len()
    }

    /// Notes every event of a socket.
    pub(crate) fn watch(&self, socket: &Socket) {
        self.watch_all_but_data(socket);
        let log = self.clone();
        socket.on(Data, move |_, chunk| log.data(chunk));
    }

    /// Notes every event of a socket but `Data`, listening to which starts the flow.
    pub(crate) fn watch_all_but_data(&self, socket: &Socket) {
        let noting = |what: &'static str| {
            let log = self.clone();
            move |_: &Socket, ()| log.note(what)
        };
        socket.on(Connect, noting("connect"));
        socket.on(End, noting("end"));
        socket.on(Drain, noting("drain"));
        socket.on(Finish, noting("finish"));
        socket.on(Timeout, noting("timeout"));
        let log = self.clone();
        socket.on(Error, move |_, error| log.note(format!("error {}", sort(error))));
        let log = self.clone();
        socket.on(Close, move |_, had_error| log.note(format!("close {had_error}")));
    }

    pub(crate) fn ends_with(&self, expected: &[&str]) -> bool {
        let notes = self.0.borrow();
        notes.len() >= expected.len() && notes[notes.len() - expected.len()..] == *expected
    }

    /// Is this all that happened?
    #[track_caller]
    pub(crate) fn assert(&self, expected: &[&str]) {
        assert_eq!(*self.0.borrow(), expected);
    }
}

/// What went wrong, in a word. Which way a peer went away depends on who noticed first.
fn sort(error: &Error) -> String {
    match (error.kind(), error.io_kind()) {
        (ErrorKind::Io, _) if error.is_disconnect() => "disconnect".into(),
        (ErrorKind::Io, Some(kind)) => format!("{kind:?}"),
        (kind, _) => format!("{kind:?}"),
    }
}

/// The same, with a record of what happens.
pub(crate) fn logged(setup: impl FnOnce(Log) -> Result<()>) -> Log {
    let log = Log::default();
    let seen = log.clone();
    run(move || setup(log));
    seen
}

/// A server on the loop that hands its first guest to `serve`, and closes.
pub(crate) fn serve_one(serve: impl Fn(&Socket) + 'static) -> Result<Address> {
    let server = Server::listen(ANY)?;
    server.on(Connection, move |server, socket| {
        server.close();
        serve(&socket);
    });
    Ok(server.local_addr())
}

/// A socket of the loop's own, connected to a plain one in a thread.
pub(crate) fn connect_to<T: Send + 'static>(
    talk: impl FnOnce(TcpStream) -> T + Send + 'static,
) -> Result<(Socket, JoinHandle<T>)> {
    let (address, thread) = host(talk);
    Ok((Socket::connect(address)?, thread))
}

/// A plain server in a thread, for one guest.
pub(crate) fn host<T: Send + 'static>(
    talk: impl FnOnce(TcpStream) -> T + Send + 'static,
) -> (SocketAddr, JoinHandle<T>) {
    let listener = TcpListener::bind(ANY).expect("a free port");
    let address = listener.local_addr().expect("an address");
    let thread = thread::spawn(move || {
        let (stream, _) = listener.accept().expect("a guest");
        drop(listener);
        talk(with_limits(stream))
    });
    (address, thread)
}

/// A plain client in a thread.
pub(crate) fn guest<T: Send + 'static>(
    address: impl ToSocketAddrs + Send + 'static,
    talk: impl FnOnce(TcpStream) -> T + Send + 'static,
) -> JoinHandle<T> {
    thread::spawn(move || talk(plain(address)))
}

/// A plain client, here and now.
pub(crate) fn plain(address: impl ToSocketAddrs) -> TcpStream {
    with_limits(TcpStream::connect(address).expect("somebody listens"))
}

fn with_limits(stream: TcpStream) -> TcpStream {
    stream.set_read_timeout(Some(LIMIT)).expect("a timeout");
    stream.set_write_timeout(Some(LIMIT)).expect("a timeout");
    stream
}

/// Closes a connection so that its peer gets a reset.
pub(crate) fn reset(stream: TcpStream) {
    let stream = socket2::Socket::from(stream);
    stream.set_linger(Some(Duration::ZERO)).expect("SO_LINGER");
}

/// Writes until the peer does not take any more; says how much that was.
pub(crate) fn write_until_held(mut stream: &TcpStream) -> usize {
    stream.set_nonblocking(true).expect("non-blocking");
    let (chunk, mut total) = ([b'x'; 64 * 1024], 0);
    let error = loop {
        match io::Write::write(&mut stream, &chunk) {
            Ok(count) => total += count,
            Err(error) => break error,
        }
    };
    assert_eq!(error.kind(), io::ErrorKind::WouldBlock);
    stream.set_nonblocking(false).expect("blocking");
    total
}

/// How many turns the loop has made.
pub(crate) fn turns() -> u64 {
    let handle = format!("{:?}", onward::Handle::current().expect("a loop"));
    let (_, rest) = handle.split_once("turns: ").expect("turns are told");
    let digits = rest.split(|c: char| !c.is_ascii_digit()).next();
    digits.and_then(|digits| digits.parse().ok()).expect("a number")
}

/// Calls `then` after `window`, with the number of turns that the loop made meanwhile.
pub(crate) fn count_turns(window: Duration, then: impl FnOnce(u64) + 'static) {
    let before = turns();
    onward::set_timeout(window, move || then(turns() - before));
}

/// Calls `then` on the loop with what a thread sends, once the loop has looked at its sockets again.
pub(crate) fn when<T: Send + 'static>(told: mpsc::Receiver<T>, then: impl FnOnce(T) + 'static) {
    let wait = move || told.recv_timeout(LIMIT);
    onward::spawn_blocking(wait).then(|told| {
        let told = told.expect("waiting does not panic").expect("the thread tells it");
        next_turn(move || then(told));
    });
}

/// Calls `then` in the next turn, after it has polled.
pub(crate) fn next_turn(then: impl FnOnce() + 'static) {
    onward::set_immediate(|| {
        onward::set_immediate(then);
    });
}

#[track_caller]
pub(crate) fn join<T: Debug>(thread: JoinHandle<T>) -> T {
    thread.join().expect("the thread ends well")
}
