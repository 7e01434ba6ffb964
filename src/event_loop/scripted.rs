//! Tests of what a turn does with readiness: which, in which order, and what comes too late. The driver is a script.

use super::core::Core;
use super::driver::script::{Script, Step};
use super::driver::{Driver, World};
use super::handle::Handle;
use super::memory::Buffer;
use super::source::{Description, Descriptor, Interest, ResourceKind, Source, Trigger};
use super::{EventLoop, Key};
use crate::error::ErrorKind;
use std::cell::{Cell, RefCell};
use std::io;
use std::net::UdpSocket;
use std::panic::Location;
use std::rc::Rc;
use std::time::Duration;

mod flowing;
mod leaving;
mod line;

const READ: Interest = Interest::READ;
const WRITE: Interest = Interest::WRITE;

type Reaction = Box<dyn FnMut(&Rc<Probe>, Interest)>;

/// A loop by a script, and what has happened on it.
#[derive(Clone)]
struct Stage {
    event_loop: Rc<EventLoop>,
    script: Script,
    log: Rc<RefCell<Vec<String>>>,
}

/// A source whose descriptor the script has. It notes its name, and for what it is ready.
struct Probe {
    name: &'static str,
    stage: Stage,
    /// A real one, that nobody watches: only its number counts.
    socket: UdpSocket,
    descriptor: u64,
    key: Cell<Key>,
    reaction: RefCell<Option<Reaction>>,
}

impl Stage {
    fn new() -> Self {
        let script = Script::default();
        let (mine, patience) = (script.clone(), Duration::ZERO);
        let driver = || Driver::simulated(patience, Duration::ZERO).map(|it| it.scripted(mine));
        let event_loop = Rc::new(EventLoop::on(driver).unwrap());
        Self { event_loop, script, log: Rc::default() }
    }

    fn core(&self) -> &Core {
        &self.event_loop.handle.0
    }

    fn note(&self, what: impl Into<String>) {
        self.log.borrow_mut().push(what.into());
    }

    fn noting(&self, what: &'static str) -> impl Fn() + 'static + use<> {
        let log = Rc::clone(&self.log);
        move || log.borrow_mut().push(what.into())
    }

    fn probe(&self, name: &'static str, interest: Interest, trigger: Trigger) -> Rc<Probe> {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        let descriptor = self.script.claim(lent(&socket));
        let (stage, key, reaction) = (self.clone(), Cell::new(Key::NOBODY), RefCell::default());
        let probe = Rc::new(Probe { name, stage, socket, descriptor, key, reaction });
        let source = Rc::clone(&probe);
        probe.key.set(self.event_loop.handle.add_source(source, trigger, Location::caller()));
        self.event_loop.handle.want(probe.key.get(), interest);
        probe
    }

    /// So many turns, none of which waits for longer than it takes to the next step.
    fn turns(&self, count: usize) -> String {
        for _ in 0..count {
            self.event_loop.run_once().unwrap();
        }
        self.log.take().join(" ")
    }
}

impl Probe {
    fn reacts(self: &Rc<Self>, reaction: impl FnMut(&Rc<Self>, Interest) + 'static) {
        self.reaction.replace(Some(Box::new(reaction)));
    }

    /// Takes all there is.
    fn drain(&self) {
        self.stage.script.drain(self.descriptor);
    }

    fn want(&self, interest: Interest) {
        self.stage.event_loop.handle.want(self.key.get(), interest);
    }

    fn remove(&self) {
        self.stage.event_loop.handle.remove_source(self.key.get());
    }

    /// It is over, and closes at the end of the turn.
    fn close(self: &Rc<Self>) {
        let (handle, probe) = (self.stage.event_loop.handle.clone(), Rc::clone(self));
        handle.retire_source(self.key.get());
        handle.at_close(Location::caller(), move || {
            probe.stage.note(format!("{} closes", probe.name));
            let said = probe.stage.script.said();
            probe.stage.note(said);
        });
    }

    fn react(self: &Rc<Self>, readiness: Interest) {
        let reaction = self.reaction.take();
        let Some(mut reaction) = reaction else { return self.drain() };
        reaction(self, readiness);
        self.reaction.replace(Some(reaction));
    }

    fn at(&self, when: u64, is: Interest) {
        self.stage.script.at(when, Step::Ready(self.descriptor, is));
    }
}

fn lent(socket: &UdpSocket) -> Descriptor<'_> {
    #[cfg(unix)]
    return std::os::fd::AsFd::as_fd(socket);
    #[cfg(windows)]
    return std::os::windows::io::AsSocket::as_socket(socket);
}

impl Source for Probe {
    fn describe(&self) -> Description {
        Description { kind: ResourceKind::TcpSocket, target: self.name.into() }
    }

    fn lend(&self, to: &mut dyn FnMut(Descriptor<'_>) -> io::Result<()>) -> io::Result<()> {
        to(lent(&self.socket))
    }

    fn ready(self: Rc<Self>, readiness: Interest, _: &mut Buffer) {
        let sort = [("r", readiness.reads()), ("w", readiness.writes()), ("e", readiness.ends())];
        let letters: String =
            sort.into_iter().filter(|(_, is)| *is).map(|(letter, _)| letter).collect();
        self.stage.note(format!("{}:{letters}", self.name));
        self.react(readiness);
    }

    fn readable(self: Rc<Self>, _: &mut Buffer) {
        self.stage.note(format!("{}:flows", self.name));
        self.react(READ);
        self.stage.event_loop.handle.settle();
    }

    fn refused(self: Rc<Self>, error: io::Error) {
        self.stage.note(format!("{} refused: {:?}", self.name, error.kind()));
    }

    fn shut(self: Rc<Self>) {
        self.remove();
        self.reaction.take();
    }
}

impl Drop for Probe {
    fn drop(&mut self) {
        self.stage.script.release(self.descriptor);
    }
}

#[test]
fn a_batch_is_told_in_the_order_in_which_it_came_with_ticks_between() {
    let stage = Stage::new();
    let probes = ["a", "b", "c"].map(|name| stage.probe(name, READ | WRITE, Trigger::Level));
    for (probe, is) in [(&probes[2], READ), (&probes[0], WRITE), (&probes[1], READ | WRITE)] {
        probe.at(5, is);
        let log = Rc::clone(&stage.log);
        probe.reacts(move |probe, _| {
            probe.drain();
            let (log, name) = (Rc::clone(&log), probe.name);
            probe
                .stage
                .event_loop
                .handle
                .next_tick(move || log.borrow_mut().push(format!("{name}'")));
        });
    }
    stage.event_loop.handle.set_immediate(stage.noting("immediate"));
    let late = stage.noting("timer");
    stage.event_loop.handle.set_timeout(Duration::from_nanos(5), late);
    stage.script.at(6, Step::Break);
    assert_eq!(stage.turns(1), "immediate");
    // The clock stands at 5 when the wait returns: the timer is due in the turn after.
    assert_eq!(stage.turns(2), "c:r c' a:w a' b:rw b' timer");
}

#[test]
fn a_level_is_told_each_turn_until_it_is_drained_and_an_edge_once() {
    let stage = Stage::new();
    let level = stage.probe("level", READ, Trigger::Level);
    let edge = stage.probe("edge", READ, Trigger::Edge);
    for probe in [&level, &edge] {
        probe.at(1, READ);
        probe.reacts(|_, _| ());
    }
    let edges = if Driver::EDGES { "" } else { " edge:r" };
    assert_eq!(stage.turns(1), "level:r edge:r");
    assert_eq!(stage.turns(2), format!("level:r{edges} level:r{edges}"));
    level.drain();
    edge.drain();
    edge.at(9, READ);
    assert_eq!(stage.turns(1), "edge:r");
}

#[test]
fn what_was_told_while_nobody_wanted_it_is_told_when_somebody_does() {
    let stage = Stage::new();
    let probe = stage.probe("edge", READ, Trigger::Edge);
    probe.at(0, READ);
    probe.reacts(|probe, _| {
        // It has read some, and pauses.
        probe.stage.event_loop.handle.again(probe.key.get(), READ);
        probe.want(Interest::NONE);
    });
    assert_eq!(stage.turns(1), "edge:r");
    stage.event_loop.handle.set_immediate(|| ());
    assert_eq!(stage.turns(1), "");
    probe.want(READ);
    assert_eq!(stage.turns(1), "edge:r");
}

#[test]
fn the_driver_is_told_once_a_turn_what_is_wanted_in_the_end() {
    let stage = Stage::new();
    let probe = stage.probe("a", READ, Trigger::Level);
    let other = stage.probe("b", READ, Trigger::Level);
    for _ in 0..3 {
        probe.want(Interest::NONE);
        probe.want(READ | WRITE);
    }
    other.want(Interest::NONE);
    stage.event_loop.run_nowait().unwrap();
    assert_eq!(stage.script.said(), "add");
    probe.want(READ);
    probe.want(READ | WRITE);
    stage.event_loop.run_nowait().unwrap();
    assert_eq!(stage.script.said(), "");
    probe.want(Interest::NONE);
    other.want(WRITE);
    stage.event_loop.run_nowait().unwrap();
    assert_eq!(stage.script.said(), "delete add");
    other.want(READ);
    stage.event_loop.run_nowait().unwrap();
    assert_eq!(stage.script.said(), "modify");
    other.remove();
    assert_eq!(stage.script.said(), "delete");
}

#[test]
fn readiness_that_nobody_waits_for_reaches_nobody() {
    let stage = Stage::new();
    let probe = stage.probe("a", READ, Trigger::Level);
    stage.script.at(1, Step::Report(probe.key.get().index, WRITE));
    stage.script.at(1, Step::Report(77, Interest::ALL));
    stage.script.at(2, Step::Report(probe.key.get().index, READ));
    assert_eq!(stage.turns(1), "");
    assert_eq!(stage.turns(1), "a:r");
    assert_eq!(stage.core().registry.borrow().stale(), 1);
}

#[test]
fn what_it_stops_to_want_in_the_same_batch_is_not_told() {
    let stage = Stage::new();
    let [first, second] = ["first", "second"].map(|name| stage.probe(name, READ, Trigger::Level));
    first.at(3, READ);
    second.at(3, READ);
    let paused = Rc::clone(&second);
    first.reacts(move |first, _| {
        first.drain();
        paused.want(Interest::NONE);
    });
    assert_eq!(stage.turns(1), "first:r");
    second.want(READ);
    assert_eq!(stage.turns(1), "second:r", "it is still so");
}

#[test]
fn a_wait_that_ends_early_makes_no_timer_early() {
    let stage = Stage::new();
    let handle = stage.event_loop.handle();
    handle.set_timeout(Duration::from_nanos(10), stage.noting("timer"));
    for when in [3, 3, 9] {
        stage.script.at(when, Step::Break);
    }
    let mut times = Vec::new();
    while stage.event_loop.run_once().unwrap() {
        times.push(stage.core().now());
    }
    assert_eq!(stage.log.take(), ["timer"]);
    // Both breaks at 3 happen in one wait. What a jump brings up ends the wait that jumped.
    assert_eq!(times, [3, 3, 9, 9, 10]);
}

#[test]
fn a_wait_that_fails_ends_the_run_with_the_error_and_not_the_loop() {
    let stage = Stage::new();
    stage.event_loop.handle.set_timeout(Duration::from_nanos(10), stage.noting("timer"));
    stage.script.at(4, Step::Fail(io::ErrorKind::OutOfMemory));
    let error = stage.event_loop.run().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Io);
    assert_eq!(error.io_kind(), Some(io::ErrorKind::OutOfMemory));
    assert_eq!((stage.core().now(), stage.log.borrow().len()), (4, 0));
    stage.event_loop.run().unwrap();
    assert_eq!(stage.log.take(), ["timer"]);
}

#[test]
fn a_descriptor_that_is_refused_is_told_so_and_the_others_are_served() {
    let stage = Stage::new();
    let [bad, good] = ["bad", "good"].map(|name| stage.probe(name, READ, Trigger::Level));
    stage.script.at(0, Step::Refuse(bad.descriptor));
    bad.want(Interest::NONE);
    good.at(1, READ);
    stage.event_loop.run_nowait().unwrap();
    bad.want(READ);
    assert_eq!(stage.turns(1), "bad refused: PermissionDenied good:r");
}

#[test]
fn the_clock_stops_at_each_step_and_at_each_deadline() {
    let stage = Stage::new();
    let probe = stage.probe("a", READ | WRITE, Trigger::Level);
    probe.at(7, READ);
    probe.at(20, WRITE | READ | Interest::ENDING);
    let log = Rc::clone(&stage.log);
    probe.reacts(move |probe, _| {
        probe.drain();
        log.borrow_mut().push(format!("at {}", probe.stage.core().now()));
    });
    let (handle, log): (Handle, _) = (stage.event_loop.handle(), Rc::clone(&stage.log));
    let clock = handle.clone();
    handle.set_timeout(Duration::from_nanos(13), move || {
        log.borrow_mut().push(format!("timer at {}", clock.now().as_nanos()));
    });
    assert_eq!(stage.turns(3), "a:r at 7 timer at 13 a:rwe at 20");
    let stuck = stage.event_loop.run_once().unwrap_err();
    assert_eq!(stuck.kind(), ErrorKind::Deadlock);
    assert_eq!(stage.core().driver.world().map(World::now), Some(20));
}
