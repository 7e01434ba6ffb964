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
        let reaction = self.reaction.take();
        let Some(mut reaction) = reaction else { return self.drain() };
        reaction(&self, readiness);
        self.reaction.replace(Some(reaction));
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
fn one_that_another_one_of_the_same_batch_removes_hears_nothing() {
    let stage = Stage::new();
    let [first, second] = ["first", "second"].map(|name| stage.probe(name, READ, Trigger::Level));
    first.at(3, READ);
    second.at(3, READ);
    first.reacts(move |first, _| {
        first.drain();
        second.remove();
    });
    assert_eq!(stage.turns(1), "first:r");
    assert_eq!(stage.core().registry.borrow().stale(), 1);
}

#[test]
fn those_that_close_in_one_turn_leave_the_driver_together_before_the_first_of_them_does() {
    let stage = Stage::new();
    let [first, second] = ["first", "second"].map(|name| stage.probe(name, READ, Trigger::Level));
    let never = stage.probe("never", Interest::NONE, Trigger::Level);
    first.at(3, READ);
    second.at(3, READ);
    let also = [second, never];
    first.reacts(move |first, _| {
        assert_eq!(first.stage.script.said(), "add add");
        first.close();
        also.iter().for_each(Probe::close);
        assert_eq!(first.stage.script.said(), "");
    });
    let told = "first:r first closes delete delete second closes  never closes ";
    assert_eq!(stage.turns(1), told);
    assert_eq!(stage.core().registry.borrow().len(), 0);
}

#[test]
fn what_closes_before_a_wait_has_left_the_driver_by_then() {
    let stage = Stage::new();
    let [closes, stays] = ["closes", "stays"].map(|name| stage.probe(name, READ, Trigger::Level));
    stage.event_loop.run_nowait().unwrap();
    assert_eq!(stage.script.said(), "add add");
    closes.at(0, READ);
    stays.at(0, READ);
    closes.close();
    closes.close();
    assert_eq!(stage.turns(1), "stays:r closes closes delete closes closes ");
    assert_eq!(stage.core().registry.borrow().stale(), 0);
}

#[test]
fn what_closes_as_its_loop_ends_has_left_the_driver_before() {
    let stage = Stage::new();
    let probe = stage.probe("a", READ, Trigger::Level);
    stage.event_loop.run_nowait().unwrap();
    assert_eq!(stage.script.said(), "add");
    probe.close();
    stage.core().end();
    assert_eq!(stage.log.take().join(" "), "a closes delete");
}

#[test]
fn one_that_comes_in_the_place_and_with_the_number_of_a_removed_one_hears_nothing_of_its_readiness()
{
    let stage = Stage::new();
    let first = stage.probe("first", READ, Trigger::Level);
    let second = stage.probe("second", READ, Trigger::Level);
    first.at(3, READ);
    second.at(3, READ);
    let index = second.key.get().index;
    let (keeps, mine) = (Rc::new(RefCell::new(Some(second))), stage.clone());
    let newcomers = Rc::new(RefCell::new(Vec::new()));
    let kept = Rc::clone(&newcomers);
    first.reacts(move |first, _| {
        first.drain();
        let second = keeps.take().unwrap();
        second.remove();
        drop(second); // closed: the system may give its number to the next
        kept.borrow_mut().push(mine.probe("third", READ, Trigger::Level));
    });
    assert_eq!(stage.turns(1), "first:r");
    assert_ne!(
        newcomers.borrow()[0].key.get().index,
        index,
        "the place is taken until the turn ends"
    );
    let next = stage.probe("fourth", READ, Trigger::Level);
    assert_eq!(next.key.get().index, index, "and free from then on");
    // A driver that tells of the removed one even now tells the one that has its place, for nothing.
    stage.script.at(4, Step::Report(index, READ));
    assert_eq!(stage.turns(1), "fourth:r");
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
fn a_hot_source_leaves_a_thousand_quiet_ones_and_the_timers_their_turn() {
    let stage = Stage::new();
    let hot = stage.probe("hot", READ, Trigger::Edge);
    hot.at(0, READ);
    // It never comes to the end of what it has.
    hot.reacts(|hot, _| hot.stage.event_loop.handle.again(hot.key.get(), READ));
    let quiet: Vec<_> = (0..1_000).map(|_| stage.probe("q", READ, Trigger::Edge)).collect();
    assert_eq!(stage.turns(2), "hot:r hot:r");
    quiet.iter().for_each(|quiet| quiet.at(0, READ));
    stage.event_loop.handle.set_timeout(Duration::ZERO, stage.noting("timer"));
    stage.event_loop.handle.set_immediate(stage.noting("immediate"));
    let told = stage.turns(1);
    // Without edges the hot one is ready again as it was before; with them it asks to be told behind the others.
    let (first, last) = if Driver::EDGES {
        ("timer q:r q:r", "q:r hot:r immediate")
    } else {
        ("timer hot:r q:r", "q:r q:r immediate")
    };
    assert!(told.starts_with(first) && told.ends_with(last), "{told}");
    assert_eq!((told.matches("q:r").count(), told.matches("hot:r").count()), (1_000, 1));
    assert_eq!(stage.core().now(), 0, "and no time has passed");
}

#[test]
fn one_that_is_told_again_and_of_an_edge_is_told_once_in_a_turn_and_that_it_may_write_at_once() {
    let stage = Stage::new();
    let hot = stage.probe("hot", READ | WRITE, Trigger::Edge);
    let quiet = stage.probe("quiet", READ, Trigger::Edge);
    hot.at(0, READ);
    hot.reacts(|hot, _| hot.stage.event_loop.handle.again(hot.key.get(), READ));
    assert_eq!(stage.turns(2), "hot:r hot:r");
    // More comes for it before something comes for the other one, which is served first nevertheless.
    hot.at(0, READ);
    quiet.at(0, READ);
    let told = stage.turns(1);
    assert_eq!(told.matches("hot").count(), 1, "{told}");
    if Driver::EDGES {
        assert_eq!(told, "quiet:r hot:r");
        hot.at(0, READ | WRITE);
        quiet.at(0, READ);
        assert_eq!(stage.turns(1), "hot:w quiet:r hot:r");
    }
    assert_eq!(stage.turns(1).matches("hot").count(), 1);
}

#[test]
fn one_that_stands_in_line_when_another_one_panics_is_told_in_a_later_turn_and_once() {
    let stage = Stage::new();
    let hot = stage.probe("hot", READ, Trigger::Edge);
    let other = stage.probe("other", READ, Trigger::Edge);
    hot.at(0, READ);
    hot.reacts(|hot, _| hot.stage.event_loop.handle.again(hot.key.get(), READ));
    assert_eq!(stage.turns(1), "hot:r");
    other.at(0, READ);
    hot.at(0, READ);
    other.reacts(|other, _| {
        other.drain();
        panic!("on purpose");
    });
    let turn = std::panic::AssertUnwindSafe(|| stage.event_loop.run_once());
    assert!(std::panic::catch_unwind(turn).is_err());
    stage.log.take();
    for _ in 0..3 {
        assert_eq!(stage.turns(1).matches("hot:r").count(), 1);
    }
}

#[test]
fn when_one_panics_those_behind_it_are_told_in_a_later_turn() {
    let stage = Stage::new();
    let probes = ["a", "b", "c"].map(|name| stage.probe(name, READ, Trigger::Edge));
    probes.iter().for_each(|probe| probe.at(2, READ));
    let mut panics = true;
    probes[1].reacts(move |probe, _| {
        probe.drain();
        assert!(!std::mem::take(&mut panics), "on purpose");
    });
    let turn = std::panic::AssertUnwindSafe(|| stage.event_loop.run_once());
    assert!(std::panic::catch_unwind(turn).is_err());
    assert_eq!(stage.log.take().join(" "), "a:r b:r");
    // Its reaction went with the panic; nobody knows how far it came, so it is told again.
    let told = stage.turns(1);
    assert!(told.ends_with("c:r"), "{told}");
    assert!(!told.contains("a:r"), "{told}");
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
