//! Those who watch: who listens, and all that is emitted, on several threads.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};
use std::thread;

use onward::emitter::{ListenerKind, Position, on_leak};
use onward::events;
use onward::events::{Error, ListenerAdded, ListenerLeak, ListenerRemoved};
use onward::sync::{Emitter, EventEmitter, Listeners, Routing, Waiting, Watching};

use super::support::{Closed, Joined, Log, Moved, Room, in_time, noting};

const THREADS: usize = 4;
const TIMES: usize = if cfg!(miri) { 20 } else { 500 };

fn watch(room: &Room, log: &Log) {
    let l = log.clone();
    room.on(ListenerAdded, move |_, added| l.note(format!("+{}{}", added.event(), added.others())));
    let l = log.clone();
    room.on(ListenerRemoved, move |_, gone| l.note(format!("-{}{}", gone.event(), gone.others())));
}

#[test]
fn every_way_to_listen_is_told_before_and_every_end_after() {
    let (room, log) = (Room::new(), Log::default());
    watch(&room, &log);
    log.take();
    let a = room.on(Joined, |_, _| {});
    room.once(Joined, noting!(log, "once"));
    room.many(Joined, 1, |_, _| {});
    assert_eq!(log.take(), "+Joined0 +Joined1 +Joined2");
    room.emit(Joined, "");
    assert_eq!(log.take(), "-Joined2 once -Joined1", "before it runs for the last time");
    assert!(room.off(a));
    assert!(!room.off(a));
    assert_eq!(log.take(), "-Joined0");
    room.on_reentrant(Closed, |_, ()| {});
    room.intercept(Closed, |_, ()| std::ops::ControlFlow::Continue(()));
    room.on_any(|_, _| {});
    assert_eq!(log.take(), "+Closed0 +Closed1 +any0");
    let object = Arc::new(());
    room.on_weak(Moved, &object, |_, _, _| {});
    drop(object);
    room.emit(Moved, String::new());
    assert_eq!(log.take(), "+Moved0 -Moved0");
    room.remove_all_of(Closed);
    assert_eq!(log.take(), "-Closed1 -Closed0", "the last first");
    room.many(Closed, 0, |_, ()| {});
    assert_eq!(log.take(), "+Closed0 -Closed0");
}

#[test]
fn what_is_told_names_the_listener_and_its_place() {
    let (room, log) = (Room::new(), Log::default());
    let told = Arc::new(Mutex::new(Vec::new()));
    let t = Arc::clone(&told);
    room.on(ListenerRemoved, move |_, gone| {
        assert!(gone.is(Joined) && !gone.is(Closed) && !gone.is_any());
        t.lock().expect("no panic in here").push((gone.listener(), gone.location().line()));
    });
    let l = log.clone();
    room.on(ListenerAdded, move |_, added| l.note(added.location().line().to_string()));
    let (listener, line) = (room.on(Joined, |_, _| {}), line!());
    assert_eq!(log.take(), line.to_string());
    room.off(listener);
    assert_eq!(*told.lock().expect("no panic in here"), [(Some(listener), line)]);
}

#[test]
fn guards_futures_and_streams_tell_at_once() {
    let (room, log) = (Room::new(), Log::default());
    watch(&room, &log);
    log.take();
    drop(room.on_scoped(Joined, |_, _| {}));
    drop(room.next(Closed));
    let stream = room.stream(Moved);
    thread::spawn(move || drop(stream)).join().expect("no panic");
    assert_eq!(log.take(), "+Joined0 -Joined0 +Closed0 -Closed0 +Moved0 -Moved0");
    let next = room.next(Joined);
    room.emit(Joined, "");
    drop(next);
    assert_eq!(log.take(), "+Joined0 -Joined0");
}

/// One that does not say how it is found.
struct Door {
    emitter: EventEmitter<Self>,
}

events! { for Door { Opened(), Shut() } }

impl Emitter for Door {
    fn listeners(&self) -> &Listeners<Self> {
        &self.emitter
    }
}

#[test]
fn one_that_cannot_be_found_tells_when_it_is_at_hand_again() {
    let (door, log) = (Door { emitter: EventEmitter::new() }, Log::default());
    let l = log.clone();
    door.on(ListenerRemoved, move |_, gone| l.note(format!("-{}{}", gone.event(), gone.others())));
    drop(door.on_scoped(Opened, |_, ()| {}));
    assert_eq!(log.take(), "");
    door.emitter.emit(&door, Shut, ());
    assert_eq!(log.take(), "-Opened0", "by an emit, be it of another event");
    door.emitter.emit(&door, Shut, ());
    drop(door.on_scoped(Opened, |_, ()| {}));
    let listener = door.on(Shut, |_, ()| {});
    assert_eq!(log.take(), "-Opened0", "or as a listener comes");
    drop(door.on_scoped(Opened, |_, ()| {}));
    door.off(listener);
    assert_eq!(log.take(), "-Opened0 -Shut0", "or as one goes, in their order");
    drop(door.on_scoped(Opened, |_, ()| {}));
    door.emitter.clear();
    assert_eq!(log.take(), "", "who ends it does so without a word");
}

#[test]
fn remove_all_tells_the_last_first_and_its_own_at_the_end() {
    let (room, log) = (Room::new(), Log::default());
    room.on(Joined, |_, _| {});
    watch(&room, &log);
    room.on(Closed, |_, ()| {});
    room.on(Joined, |_, _| {});
    log.take();
    room.remove_all();
    assert_eq!(log.take(), "-Joined1 -Joined0 -ListenerAdded0 -Closed0");
    assert!(room.event_names().is_empty());
    assert_eq!(format!("{}", room.dump()), "Room: nobody listens");
}

#[test]
fn a_watcher_may_add_and_remove_and_panic() {
    let (room, log) = (Room::new(), Log::default());
    room.on(ListenerAdded, |room, added| {
        if added.is(Joined) && added.others() == 0 {
            room.on(Joined, |_, _| {}); // stands in front of it
            room.on(Closed, |_, ()| {});
        }
        assert!(!added.is(Moved), "no movers");
    });
    room.on(Joined, noting!(log, "second"));
    assert_eq!(room.event_names(), ["ListenerAdded", "Joined", "Closed"]);
    assert_eq!(room.listener_count(Joined), 2);
    let on = std::panic::AssertUnwindSafe(|| room.on(Moved, |_, _| {}));
    assert!(std::panic::catch_unwind(on).is_err());
    assert_eq!(room.listener_count(Moved), 0, "it was told before, and nobody has been added");
    assert_eq!(room.emit(Joined, "").called, 2);
}

#[test]
fn a_query_makes_no_watcher() {
    let room = Room::new();
    assert_eq!(room.listener_count(ListenerAdded), 0);
    room.on(Joined, |_, _| {});
    assert_eq!(room.listener_count(ListenerAdded), 0);
    assert_eq!(room.event_names(), ["Joined"]);
    assert_eq!(format!("{room:?}"), "Room { Joined: 1 }");
}

/// The count that watchers see goes up and down one by one, and the source runs if somebody listens.
#[test]
fn a_source_starts_and_stops_in_order_whatever_threads_do() {
    in_time(|| {
        let (room, runs) = (Room::new(), Arc::new(AtomicBool::new(false)));
        let changes = Arc::new(AtomicUsize::new(0));
        let (r, c) = (Arc::clone(&runs), Arc::clone(&changes));
        room.on(ListenerAdded, move |_, added| {
            if added.is(Joined) && added.others() == 0 {
                assert!(!r.swap(true, Ordering::Relaxed), "it ran already");
                c.fetch_add(1, Ordering::Relaxed);
            }
        });
        let r = Arc::clone(&runs);
        room.on(ListenerRemoved, move |_, gone| {
            if gone.is(Joined) && gone.others() == 0 {
                assert!(r.swap(false, Ordering::Relaxed), "it did not run");
            }
        });
        thread::scope(|threads| {
            for t in 0..THREADS {
                let (room, runs) = (&room, &runs);
                threads.spawn(move || {
                    for n in 0..TIMES {
                        match (n + t) % 3 {
                            0 => {
                                let listener = room.on(Joined, |_, _| {});
                                assert!(runs.load(Ordering::Relaxed), "somebody listens");
                                room.off(listener);
                            }
                            1 => drop(room.on_scoped(Joined, |_, _| {})),
                            _ => {
                                room.once(Joined, |_, _| {});
                                room.emit(Joined, "");
                            }
                        }
                    }
                });
            }
        });
        room.remove_all_of(Joined);
        assert!(!runs.load(Ordering::Relaxed) && changes.load(Ordering::Relaxed) != 0);
    });
}

#[test]
fn adding_in_an_emit_and_being_told_elsewhere_is_no_deadlock() {
    in_time(|| {
        let room = Room::new();
        // Each thread holds a turn that a watcher of the other one's wants.
        room.on(ListenerAdded, |room, _| _ = room.emit(Closed, ()));
        room.on(ListenerRemoved, |room, _| _ = room.emit(Joined, "from a watcher"));
        room.on(Closed, |room, ()| drop(room.on_scoped(Moved, |_, _| {})));
        room.on(Joined, |room, name| {
            if name.is_empty() {
                drop(room.on_scoped(Moved, |_, _| {}));
            }
        });
        thread::scope(|threads| {
            threads.spawn(|| (0..TIMES).for_each(|_| _ = room.emit(Closed, ())));
            threads.spawn(|| (0..TIMES).for_each(|_| _ = room.emit(Joined, "")));
            (0..TIMES).for_each(|_| drop(room.on_scoped(Moved, |_, _| {})));
        });
        assert_eq!(room.listener_count(Moved), 0);
    });
}

#[test]
fn on_any_hears_all_after_the_listeners_and_counts_as_nobody() {
    let (room, log) = (Room::new(), Log::default());
    let l = log.clone();
    let any = room.on_any(move |_, event| l.note(format!("{event:?}")));
    room.on(Joined, noting!(log, "listener"));
    assert_eq!(room.emit(Joined, "ada").called, 1);
    assert_eq!(room.emit(Moved, "there".into()).called, 0);
    assert_eq!(room.emit(Closed, ()).called, 0);
    assert_eq!(log.take(), r#"listener Joined("ada") Moved("there") Closed"#);
    assert!(room.emit_error("flood".into()).is_err());
    assert_eq!(log.take(), r#"Error("flood")"#, "once, not as ErrorMonitor");
    assert_eq!(room.event_names(), ["Joined"]);
    assert!(room.off(any));
    room.emit(Joined, "bob");
    assert_eq!(log.take(), "listener");
    room.on_any(noting!(log, "any"));
    room.intercept(Joined, |_, _| std::ops::ControlFlow::Break(()));
    room.emit(Joined, "eve");
    assert_eq!(log.take(), "", "what was stopped is heard by nobody");
}

#[test]
fn one_added_during_an_emit_does_not_hear_it_and_what_it_emits_itself_neither() {
    let (room, log) = (Room::new(), Log::default());
    let l = log.clone();
    room.once(Joined, move |room, _| {
        let (outer, inner) = (l.clone(), l.clone());
        room.on_any(move |room, event| {
            outer.note(format!("1{}", event.name()));
            if event.name() == "Joined" {
                room.emit(Closed, ());
            }
        });
        room.on_any(move |_, event| inner.note(format!("2{}", event.name())));
    });
    room.emit(Joined, "");
    assert_eq!(log.take(), "");
    room.emit(Joined, "");
    assert_eq!(log.take(), "1Joined 2Closed 2Joined");
}

#[test]
fn on_any_hears_an_events_emits_in_the_order_of_its_listeners() {
    in_time(|| {
        let (room, log, all) = (Room::new(), Log::default(), Log::default());
        let (l, a) = (log.clone(), all.clone());
        room.on(Joined, move |_, name| l.note(name));
        room.on_any(move |_, event| a.note(format!("{event:?}")));
        thread::scope(|threads| {
            for t in 0..THREADS {
                let room = &room;
                threads.spawn(move || {
                    (0..TIMES).for_each(|n| _ = room.emit(Joined, &format!("{t}:{n}")));
                });
            }
        });
        let wrapped =
            log.take().split(' ').map(|name| format!("Joined({name:?})")).collect::<Vec<_>>();
        assert_eq!(all.take(), wrapped.join(" "));
    });
}

#[test]
fn on_any_that_comes_and_goes_while_others_emit() {
    in_time(|| {
        let (room, heard) = (Room::new(), Arc::new(AtomicUsize::new(0)));
        room.on(Joined, |_, _| {});
        room.on_reentrant(Closed, |_, ()| {});
        thread::scope(|threads| {
            for _ in 0..2 {
                threads.spawn(|| {
                    for _ in 0..TIMES {
                        assert_eq!(room.emit(Joined, "").called, 1);
                        assert_eq!(room.emit(Closed, ()).called, 1);
                    }
                });
            }
            for _ in 0..TIMES / 5 {
                let h = Arc::clone(&heard);
                let any = room.on_any(move |_, _| _ = h.fetch_add(1, Ordering::Relaxed));
                let before = heard.load(Ordering::Relaxed);
                room.emit(Moved, String::new());
                assert!(heard.load(Ordering::Relaxed) > before, "it hears what begins now");
                assert_eq!(room.off_and_wait(any), Ok(true));
                let after = heard.load(Ordering::Relaxed);
                room.emit(Moved, String::new());
                assert_eq!(heard.load(Ordering::Relaxed), after);
            }
        });
    });
}

#[test]
fn suspiciously_many_are_told_once_wherever_they_were_added() {
    let (room, log) = (Room::new(), Log::default());
    room.set_max_listeners(3);
    let l = log.clone();
    room.on(ListenerLeak, move |_, leak| {
        assert_eq!((leak.emitter(), leak.event(), leak.limit()), ("Room", "Joined", 3));
        assert_eq!(leak.places().iter().map(|(_, times)| times).sum::<usize>(), leak.count());
        l.note(leak.count().to_string());
    });
    thread::scope(|threads| {
        for _ in 0..THREADS {
            threads.spawn(|| (0..3).for_each(|_| _ = room.on(Joined, |_, _| {})));
        }
    });
    assert_eq!(log.take(), "4");
    room.remove_all_of(Joined);
    (0..4).for_each(|_| _ = room.on(Joined, |_, _| {}));
    assert_eq!(log.take(), "4", "again after all have gone");
}

/// What is told is of the moment in which the one too many came, whatever others do until somebody hears of it.
#[test]
fn suspiciously_many_are_counted_in_one_moment() {
    for _ in 0..TIMES {
        let (room, log) = (Room::new(), Log::default());
        room.set_max_listeners(2);
        let l = log.clone();
        room.on(ListenerLeak, move |_, leak| {
            let places: usize = leak.places().iter().map(|(_, times)| times).sum();
            assert_eq!((places, leak.count() > leak.limit()), (leak.count(), true));
            l.note("told");
        });
        thread::scope(|threads| {
            for _ in 0..THREADS {
                threads.spawn(|| {
                    let mine = room.on(Joined, |_, _| {});
                    room.set_max_listeners(3);
                    room.on(Joined, |_, _| {});
                    room.off(mine);
                });
            }
        });
        assert_eq!(log.take(), "told");
    }
}

#[test]
fn without_a_listener_the_hook_of_the_thread_is_told() {
    let told = thread::spawn(|| {
        let told = std::rc::Rc::new(std::cell::Cell::new(0));
        let t = std::rc::Rc::clone(&told);
        on_leak(move |leak| t.set(leak.count()));
        let room = Room::new();
        room.set_max_listeners(1);
        room.on_reentrant(Closed, |_, ()| {});
        room.on(Closed, |_, ()| {});
        told.get()
    });
    assert_eq!(told.join().expect("no panic"), 2);
}

#[test]
fn a_dump_says_how_and_where_each_stands() {
    let room = Room::new();
    let quiet = room.on(Joined, |_, _| {});
    let _block = room.block(quiet);
    room.prepend_once(Joined, |_, _| {});
    room.on_group(Joined, -7, |room, _| {
        let dump = room.dump();
        let running: Vec<_> = dump.events[0].listeners.iter().map(|l| l.running).collect();
        assert_eq!(running, [false, true, false, false], "the once has gone: {dump}");
    });
    room.many(Joined, 2, |_, _| {});
    room.intercept(Joined, |_, _| std::ops::ControlFlow::Continue(()));
    room.on_reentrant(Closed, |_, ()| {});
    room.on_try(Error, |_, _| Ok(()));
    room.on_any(|_, _| {});
    let dump = room.dump();
    assert_eq!(dump.emitter, "Room");
    let events: Vec<_> = dump.events.iter().map(|event| event.event.as_str()).collect();
    assert_eq!(events, ["Joined", "Closed", "Error", "any"]);
    let listeners = dump.events[0].listeners.iter();
    let seen: Vec<_> = listeners.map(|l| (l.kind, l.position(), l.blocked)).collect();
    assert_eq!(
        seen,
        [
            (ListenerKind::Conditional, Position::Intercepting, false),
            (ListenerKind::Once, Position::Front, false),
            (ListenerKind::On, Position::Group(-7), false),
            (ListenerKind::On, Position::Back, true),
            (ListenerKind::Many, Position::Back, false),
        ]
    );
    assert_eq!(dump.events[1].listeners[0].kind, ListenerKind::Reentrant);
    room.emit(Joined, "");
}

#[test]
fn a_panic_of_who_is_told_does_not_keep_others_waiting() {
    in_time(|| {
        let room = Room::new();
        let (tell, told) = channel();
        room.on(ListenerRemoved, move |_, gone| {
            tell.send(()).expect("the test waits");
            assert!(!gone.is(Joined), "told");
        });
        let (joined, closed) = (room.on(Joined, |_, _| {}), room.on(Closed, |_, ()| {}));
        thread::scope(|threads| {
            let panics = threads.spawn(|| room.off(joined));
            told.recv().expect("it is told");
            // Waits for its turn, or comes after it.
            assert!(room.off(closed));
            assert!(panics.join().is_err());
        });
        assert_eq!(room.listener_count(Joined) + room.listener_count(Closed), 0);
    });
}
