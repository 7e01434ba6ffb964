//! Callbacks that take too long are told, with the place that they, and the listener, come from.

use super::support::{
    Log, connected, in_child, in_time, make_loop, panic_of, post_from_thread, spin,
};
use onward::events::*;
use onward::inspect::{CallbackKind, ResourceKind, SlowCallback, SlowHook, on_slow};
use onward::net::{Server, Socket};
use onward::{
    Emitter, Handle, events, next_tick, set_immediate, set_interval, set_timeout, spawn,
    spawn_blocking,
};
use std::cell::{Cell, RefCell};
use std::panic::Location;
use std::rc::Rc;
use std::time::{Duration, Instant};

const MS: Duration = Duration::from_millis(1);
/// A callback that takes so long is slow, whatever else the machine does.
const SLOW: Duration = Duration::from_millis(20);

events! {
    Room {
        Joined(&str),
        Said(String),
        Left(),
        enum RoomEvent,
    }
}

/// The line that calls this.
#[track_caller]
fn line() -> u32 {
    Location::caller().line()
}

type Reports = Rc<RefCell<Vec<SlowCallback>>>;

/// Keeps all reports of callbacks that take so long.
fn reports(threshold: Duration) -> (Reports, SlowHook) {
    let reports = Reports::default();
    let kept = Rc::clone(&reports);
    let hook = on_slow(threshold, move |slow| kept.borrow_mut().push(slow.clone()));
    (reports, hook)
}

/// The report of a callback of that kind that took as long as it is slow. On a busy machine others may have been slow too.
fn slow_of(kind: CallbackKind, reports: &Reports) -> SlowCallback {
    let reports = reports.borrow();
    let slow = reports.iter().filter(|slow| slow.kind == kind && slow.took >= SLOW);
    slow.max_by_key(|slow| slow.took).expect("one was slow").clone()
}

/// Runs `setup` in a loop with a hook that hears of everything, and gives kinds and lines in their order.
fn all_of(setup: impl FnOnce() + Send + 'static) -> Vec<(CallbackKind, u32)> {
    in_time(|| {
        let (event_loop, _) = make_loop();
        let (reports, _) = event_loop.enter(|| {
            let reports = reports(Duration::ZERO);
            setup();
            reports
        });
        event_loop.run().unwrap();
        let of = |slow: &SlowCallback| (slow.kind, slow.location.unwrap().line());
        reports.borrow().iter().map(of).collect()
    })
}

#[test]
fn each_callback_has_its_kind_and_the_place_where_it_was_registered() {
    let here = line();
    let all = all_of(|| {
        set_timeout(Duration::ZERO, || {});
        set_immediate(|| next_tick(|| {}));
        spawn(async {});
        next_tick(|| {});
    });
    let expected = [
        (CallbackKind::Tick, here + 5),
        (CallbackKind::Future, here + 4),
        (CallbackKind::Timer, here + 2),
        (CallbackKind::Immediate, here + 3),
        (CallbackKind::Tick, here + 3),
    ];
    assert_eq!(all, expected);
}

#[test]
fn intervals_and_what_comes_from_other_threads_and_hooks_do_too() {
    let here = line();
    let all = all_of(|| {
        set_interval(MS, |timer| _ = timer.cancel());
        post_from_thread(onward::remote(), || {});
        spawn_blocking(|| {}).then(|_| {});
        Handle::current().unwrap().before_exit(|| {});
    });
    let count = |kind, line| all.iter().filter(|all| **all == (kind, line)).count();
    assert_eq!(count(CallbackKind::Interval, here + 2), 1, "{all:?}");
    assert_eq!(count(CallbackKind::Blocking, here + 4), 1, "{all:?}");
    assert_eq!(count(CallbackKind::Hook, here + 5), 1, "{all:?}");
    assert_eq!(all.iter().filter(|(kind, _)| *kind == CallbackKind::Posted).count(), 1, "{all:?}");
    assert_eq!(all.len(), 4, "{all:?}");
}

#[test]
fn a_future_that_a_loop_runs_for_has_a_place_too() {
    in_time(|| {
        let (event_loop, _) = make_loop();
        let (reports, _) = event_loop.enter(|| reports(SLOW));
        let (ended, here) = (event_loop.run_until(async { spin(SLOW) }), line());
        ended.unwrap();
        let slow = slow_of(CallbackKind::Future, &reports);
        assert_eq!((slow.kind, slow.location.unwrap().line()), (CallbackKind::Future, here));
    });
}

#[test]
fn only_what_takes_as_long_as_the_threshold_is_told() {
    in_time(|| {
        let (event_loop, _) = make_loop();
        let (reports, here) = event_loop.enter(|| {
            let (reports, _) = reports(Duration::from_secs(3600));
            let kept = Rc::clone(&reports);
            on_slow(SLOW, move |slow| kept.borrow_mut().push(slow.clone()));
            set_immediate(|| {});
            let here = line();
            set_timeout(Duration::ZERO, || spin(SLOW));
            (reports, here)
        });
        event_loop.run().unwrap();
        let slow = slow_of(CallbackKind::Timer, &reports);
        assert!(slow.took >= SLOW, "{slow:?}");
        assert_eq!((slow.kind, slow.location.unwrap().line()), (CallbackKind::Timer, here + 1));
        assert!(slow.resource.is_none() && slow.target.is_none() && slow.listener.is_none());
        let place = slow.location.unwrap();
        let text = slow.to_string();
        assert!(text.starts_with("timer took "), "{text}");
        assert!(text.ends_with(&format!("ms; made at {place}")), "{text}");
    });
}

#[test]
fn the_report_comes_before_the_ticks_of_what_was_slow_which_are_told_apart() {
    let noted = super::support::trace(|log| {
        let told = log.clone();
        on_slow(Duration::ZERO, move |slow| told.note(format!("[{}]", slow.kind)));
        set_immediate(log.ticking("immediate"));
        Ok(())
    });
    assert_eq!(noted, "immediate [immediate] immediate' [tick]");
}

/// The listener that is slow, of three, on a socket that was there before anybody watched: nor does anybody in
/// another test, for that counts for new emitters.
#[test]
fn the_listener_that_took_so_long_is_named_and_the_socket_too() {
    const NAME: &str =
        "event_loop::observing_slow::the_listener_that_took_so_long_is_named_and_the_socket_too";
    in_child(NAME, || {
        let (event_loop, _) = make_loop();
        let result = Rc::new(RefCell::new(None));
        let kept = Rc::clone(&result);
        event_loop.enter(|| {
            let (server, here) = (Server::listen("127.0.0.1:0").unwrap(), line());
            connected(&server, move |client, accepted| {
                accepted.on(Data, |_, _| {});
                let (_, slow) = (accepted.on(Data, |_, _| spin(SLOW)), line());
                accepted.on(Data, |accepted, _| accepted.destroy());
                assert_eq!(accepted.listener_count(Data), 3);
                let (reports, hook) = reports(SLOW);
                let addresses = (accepted.local_addr().unwrap(), accepted.peer_addr().unwrap());
                accepted.on(Close, move |_, _| {
                    assert!(hook.remove() && !hook.remove());
                    let report = slow_of(CallbackKind::Source, &reports);
                    kept.replace(Some((report, here, slow, addresses)));
                });
                client.end_with("hello");
            });
            server.once(Connection, |server, _| server.close());
        });
        event_loop.run().unwrap();
        let (report, here, slow, (local, peer)) = result.take().unwrap();
        assert_eq!(report.kind, CallbackKind::Source);
        assert_eq!(report.resource, Some(ResourceKind::TcpSocket));
        assert_eq!(report.target, Some(format!("{local} to {peer}")));
        assert_eq!(report.location.unwrap().line(), here, "that of its server");
        let listener = report.listener.unwrap();
        assert_eq!(listener.location.line(), slow);
        assert!(listener.took >= SLOW && listener.took <= report.took, "{report:?}");
        assert!(report.to_string().contains(&format!("the listener at {}", listener.location)));
    });
}

#[test]
fn each_event_of_a_source_is_looked_at_by_itself() {
    in_time(|| {
        let (event_loop, log) = make_loop();
        let noted = log.clone();
        event_loop.enter(|| {
            let server = Server::listen("127.0.0.1:0").unwrap();
            connected(&server, move |client, accepted| {
                accepted.on(Data, |_, _| next_tick(|| {}));
                accepted.on(End, |_, ()| {});
                on_slow(Duration::ZERO, move |slow| {
                    if slow.resource == Some(ResourceKind::TcpSocket) && slow.listener.is_some() {
                        noted.note("listener");
                    }
                    if slow.kind == CallbackKind::Tick && slow.listener.is_none() {
                        noted.note("tick");
                    }
                });
                client.end_with("hello");
            });
            server.once(Connection, |server, _| server.close());
        });
        event_loop.run().unwrap();
        // `Data`, its tick, and `End`; beside them ticks of the engine's own.
        let noted = log.take();
        assert!(noted.contains("listener tick"), "{noted}");
        assert_eq!(noted.matches("listener").count(), 2, "{noted}");
    });
}

#[test]
fn a_listener_that_only_waits_for_another_is_not_the_slow_one() {
    in_time(|| {
        let (event_loop, _) = make_loop();
        let (reports, slow, timer) = event_loop.enter(|| {
            let (reports, _) = reports(SLOW);
            let (outer, inner) = (Rc::new(Room::new()), Rc::new(Room::new()));
            let told = Rc::clone(&inner);
            outer.on(Joined, move |_, name| {
                told.emit(Said, format!("hello {name}"));
            });
            let (_, slow) = (inner.on(Said, |_, _| spin(SLOW)), line());
            inner.on(Said, |_, said| assert_eq!(said, "hello ada"));
            let timer = line();
            set_timeout(Duration::ZERO, move || {
                assert_eq!(outer.emit(Joined, "ada").called, 1);
            });
            (reports, slow, timer)
        });
        event_loop.run().unwrap();
        let report = slow_of(CallbackKind::Timer, &reports);
        assert_eq!(
            (report.kind, report.location.unwrap().line()),
            (CallbackKind::Timer, timer + 1)
        );
        assert_eq!(report.listener.unwrap().location.line(), slow);
    });
}

#[test]
fn listeners_are_called_as_ever_while_somebody_watches() {
    let all = |watched: bool| {
        in_time(move || {
            let (event_loop, log) = make_loop();
            event_loop.enter(|| {
                let hook = watched.then(|| on_slow(Duration::ZERO, |_| {}));
                let room = Rc::new(Room::new());
                emit_all(&room, &log);
                hook.into_iter().for_each(|hook| assert!(hook.remove()));
                // Nobody watches any more.
                log.note("again");
                assert_eq!(room.emit(Joined, "bob").called, 2);
            });
            log.take()
        })
    };
    fn emit_all(room: &Rc<Room>, log: &Log) {
        use onward::Watching as _;
        let noted = log.clone();
        room.on(Joined, move |room, name| {
            noted.note(name);
            assert_eq!(room.emit(Joined, "nested").skipped, 1);
        });
        let noted = log.clone();
        room.once(Joined, move |_, name| noted.note(format!("once {name}")));
        let noted = log.clone();
        let any = room.on_any(move |_, event| noted.note(event.name()));
        let late = log.clone();
        room.on_reentrant(Joined, move |_, name| {
            late.note(format!("re-entrant {name}"));
        });
        let emitted = room.emit(Joined, "ada");
        log.note(format!("{emitted:?}"));
        assert!(room.off(any));
        assert_eq!(room.emit(Said, "nobody".into()).called, 0);
        room.on(Left, |room, ()| room.remove_all_of(Left));
        room.on(Left, |_, ()| unreachable!("it was removed"));
        assert_eq!(room.emit(Left, ()).called, 1);
        assert_eq!(room.emit(Left, ()).called, 0);
    }
    let (plain, watched) = (all(false), all(true));
    assert_eq!(plain, watched);
    assert!(plain.contains("once nested"), "{plain}");
}

#[test]
fn a_hook_that_was_taken_back_hears_of_nothing_and_is_dropped() {
    let noted = super::support::trace(|log| {
        let (told, dropped) = (log.clone(), log.on_drop("dropped"));
        let hook = Rc::new(Cell::new(None::<SlowHook>));
        let own = Rc::clone(&hook);
        hook.set(Some(on_slow(Duration::ZERO, move |slow| {
            dropped.touch();
            told.note(format!("[{}]", slow.kind));
            assert!(own.take().is_some_and(SlowHook::remove));
            told.note("removed");
        })));
        set_immediate(log.noting("first"));
        set_immediate(log.noting("second"));
        Ok(())
    });
    assert_eq!(noted, "first [immediate] removed dropped second");
}

#[test]
fn a_hook_may_put_things_on_the_loop_and_is_not_told_of_itself() {
    in_time(|| {
        let (event_loop, _) = make_loop();
        let count = Rc::new(Cell::new(0));
        let counted = Rc::clone(&count);
        event_loop.enter(|| {
            on_slow(SLOW, move |_| {
                counted.set(counted.get() + 1);
                spin(SLOW);
                if counted.get() < 3 {
                    next_tick(|| spin(SLOW));
                }
            });
            set_immediate(|| spin(SLOW));
        });
        event_loop.run().unwrap();
        assert_eq!(count.get(), 3);
    });
}

#[test]
fn a_panic_leaves_no_trace() {
    in_time(|| {
        let (event_loop, _) = make_loop();
        let (reports, here) = event_loop.enter(|| {
            let (reports, _) = reports(SLOW);
            let room = Rc::new(Room::new());
            room.on(Left, |_, ()| {
                spin(SLOW);
                panic!("oops");
            });
            let shared = Rc::clone(&room);
            set_immediate(move || _ = shared.emit(Left, ()));
            let here = line();
            set_immediate(|| spin(SLOW));
            (reports, here)
        });
        assert_eq!(panic_of(|| event_loop.run()), "oops");
        assert!(reports.borrow().is_empty());
        event_loop.run().unwrap();
        let report = slow_of(CallbackKind::Immediate, &reports);
        assert_eq!(report.location.unwrap().line(), here + 1);
        assert!(report.listener.is_none(), "{report:?}");
    });
}

#[test]
fn what_closes_and_who_connects_is_told() {
    in_time(|| {
        let (event_loop, _) = make_loop();
        let (reports, made, closed) = event_loop.enter(|| {
            let (server, made) = (Server::listen("127.0.0.1:0").unwrap(), line());
            server.on(Connection, |server, socket| {
                server.close();
                spin(SLOW);
                socket.destroy();
            });
            let (_, closed) = (server.on(Close, |_, ()| spin(SLOW)), line());
            let client = Socket::connect(server.local_addr()).unwrap();
            client.on(Error, |_, _| {});
            // After all of that: they are known all the same.
            (reports(SLOW).0, made, closed)
        });
        event_loop.run().unwrap();
        let reports = reports.borrow();
        let of_server = |slow: &&SlowCallback| slow.resource == Some(ResourceKind::TcpServer);
        let of_kind = |kind| reports.iter().filter(of_server).find(|slow| slow.kind == kind);
        let accepting = of_kind(CallbackKind::Source).expect("its listener was slow");
        assert_eq!(accepting.location.unwrap().line(), made);
        assert_eq!(accepting.listener.unwrap().location.line(), made + 1);
        let closing = of_kind(CallbackKind::Close).expect("slow too");
        assert_eq!(closing.location.unwrap().line(), made);
        assert_eq!(closing.listener.unwrap().location.line(), closed);
    });
}

#[cfg(feature = "fs")]
#[test]
fn a_file_is_named_by_its_path_whichever_way_it_is_read() {
    in_time(|| {
        let (event_loop, _) = make_loop();
        let (reports, opened, listens) = event_loop.enter(|| {
            let reports = reports(SLOW).0;
            let (file, opened) = (onward::fs::ReadStream::open("Cargo.toml").unwrap(), line());
            file.on(Error, |_, error| panic!("{error}"));
            let listens = line();
            file.once(Data, |_, _| spin(SLOW));
            file.once(Close, |_, _| spin(SLOW));
            (reports, opened, listens)
        });
        event_loop.run().unwrap();
        let slow: Vec<_> = reports.borrow().clone();
        let of_file = |slow: &&SlowCallback| slow.resource == Some(ResourceKind::ReadStream);
        let slow: Vec<_> = slow.iter().filter(of_file).collect();
        assert!(slow.iter().all(|slow| slow.target.as_deref() == Some("Cargo.toml")), "{slow:?}");
        assert!(slow.iter().all(|slow| slow.location.unwrap().line() == opened), "{slow:?}");
        let lines = slow.iter().filter_map(|slow| Some(slow.listener?.location.line()));
        let lines: Vec<_> = lines.filter(|line| *line > listens).collect();
        assert_eq!(lines, [listens + 1, listens + 2], "{slow:?}");
    });
}

#[cfg(all(unix, feature = "process"))]
#[test]
fn a_signal_is_named() {
    in_child("event_loop::observing_slow::a_signal_is_named", || {
        let (event_loop, _) = make_loop();
        let (reports, made) = event_loop.enter(|| {
            let (signals, made) = (onward::process::signals().unwrap(), line());
            signals.on(Hangup, |signals, ()| {
                spin(SLOW);
                signals.close();
                onward::stop();
            });
            set_interval(Duration::from_secs(60), |_| {});
            let reports = reports(SLOW).0;
            let id = std::process::id().to_string();
            std::process::Command::new("kill").args(["-HUP", &id]).status().unwrap();
            (reports, made)
        });
        event_loop.run().unwrap();
        let slow = slow_of(CallbackKind::Signal, &reports);
        assert_eq!((slow.kind, slow.resource), (CallbackKind::Signal, Some(ResourceKind::Signal)));
        assert_eq!(slow.target.as_deref(), Some("SIGHUP"));
        assert_eq!(slow.location.unwrap().line(), made);
        assert_eq!(slow.listener.unwrap().location.line(), made + 1);
    });
}

#[test]
fn no_time_is_counted_twice() {
    in_time(|| {
        let (event_loop, _) = make_loop();
        let reports = event_loop.enter(|| {
            let server = Server::listen("127.0.0.1:0").unwrap();
            let reports = reports(Duration::ZERO).0;
            connected(&server, move |client, accepted| {
                // The same readiness brings `Data`, whose tick takes long, and `End`.
                accepted.on(Data, |_, _| next_tick(|| spin(10 * SLOW)));
                accepted.on(End, |_, ()| {});
                client.end_with("hello");
            });
            server.once(Connection, |server, _| server.close());
            reports
        });
        let began = Instant::now();
        event_loop.run().unwrap();
        let all = began.elapsed();
        let reports = reports.borrow();
        let took: Duration = reports.iter().map(|slow| slow.took).sum();
        assert!(took >= 10 * SLOW && took <= all, "{took:?} of {all:?}: {reports:?}");
    });
}

#[test]
fn a_report_that_panics_leaves_the_loop_in_order() {
    in_time(|| {
        let (event_loop, log) = make_loop();
        let (beats, noted) = (Rc::new(Cell::new(0)), log.clone());
        let counted = Rc::clone(&beats);
        event_loop.enter(|| {
            let mut first = true;
            on_slow(Duration::ZERO, move |slow| {
                noted.note(slow.kind.to_string());
                assert!(!std::mem::take(&mut first), "oops");
            });
            set_interval(MS, move |timer| {
                counted.set(counted.get() + 1);
                if counted.get() == 2 {
                    timer.cancel();
                }
            });
        });
        assert_eq!(panic_of(|| event_loop.run()), "oops");
        event_loop.run().unwrap();
        assert_eq!((beats.get(), log.take().as_str()), (2, "interval interval"));
    });
}
