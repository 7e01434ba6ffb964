//! What keeps a loop alive, and how it comes to its end.

use super::support::{NEVER, connected, in_time, make_loop, trace};
use onward::events::*;
use onward::net::{Server, Socket};
use onward::{
    Error, ErrorKind, EventLoop, Handle, fail, next_tick, set_immediate, set_interval, set_timeout,
    stop,
};
use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

#[test]
fn a_loop_with_nothing_on_it_ends_at_once() {
    in_time(|| {
        onward::run(|| Ok(())).unwrap();
        let event_loop = EventLoop::new().unwrap();
        for _ in 0..3 {
            event_loop.run().unwrap();
        }
    });
}

#[test]
fn nothing_that_was_unrefed_keeps_the_loop_alive() {
    let noted = trace(|log| {
        set_timeout(NEVER, || unreachable!()).unref();
        set_interval(NEVER, |_| unreachable!()).unref();
        set_immediate(|| unreachable!()).unref();
        let server = Server::listen("127.0.0.1:0")?;
        server.unref();
        let log = log.clone();
        server.on(Close, move |_, ()| log.note("closed"));
        let _remote = onward::remote().unref();
        Ok(())
    });
    // The loop ended by itself and then closed what was still open.
    assert_eq!(noted, "closed");
}

#[test]
fn ref_makes_the_loop_wait_again() {
    let noted = trace(|log| {
        let timer = set_timeout(Duration::from_millis(5), log.noting("timer"));
        assert!(timer.has_ref());
        assert!(!timer.unref().unref().has_ref());
        assert!(timer.ref_().ref_().has_ref());
        Ok(())
    });
    assert_eq!(noted, "timer");
}

#[test]
fn sockets_that_were_unrefed_before_and_after_they_connected_do_not_count() {
    let noted = trace(|log| {
        let server = Server::listen("127.0.0.1:0")?;
        let on = log.clone();
        let client = connected(&server, move |client, accepted| {
            for (name, socket) in [("client", &client), ("accepted", &accepted)] {
                let log = on.clone();
                socket.on(Close, move |_, had_error| log.note(format!("{name} {had_error}")));
                socket.resume();
            }
            accepted.unref();
            on.note("connected");
        });
        client.unref();
        let log = log.clone();
        server.on(Connection, |server, _| server.close());
        server.on(Close, move |_, ()| log.note("server"));
        Ok(())
    });
    assert!(noted.starts_with("connected "), "{noted}");
    assert!(noted.contains("client false") && noted.contains("accepted false"), "{noted}");
    assert!(noted.ends_with(" server"), "{noted}");
}

#[test]
fn stop_finishes_the_turn_and_leaves_the_rest_undone() {
    let noted = trace(|log| {
        let log1 = log.clone();
        set_timeout(Duration::ZERO, move || {
            stop();
            next_tick(log1.noting("tick"));
            set_timeout(Duration::ZERO, || unreachable!("that would be the next turn"));
            log1.note("stopped");
        });
        set_timeout(Duration::ZERO, log.noting("timer"));
        let log2 = log.clone();
        set_immediate(move || {
            log2.note("immediate");
            set_immediate(|| unreachable!("that would be the next turn"));
        });
        let server = Server::listen("127.0.0.1:0")?;
        server.on(Close, {
            let log = log.clone();
            move |_, ()| log.note("close")
        });
        server.close();
        Ok(())
    });
    assert_eq!(noted, "stopped tick timer immediate close");
}

#[test]
fn stop_does_not_wait_for_anything() {
    in_time(|| {
        onward::run(|| {
            set_timeout(NEVER, || unreachable!());
            let server = Server::listen("127.0.0.1:0")?;
            server.on(Listening, |_, ()| stop());
            Ok(())
        })
        .unwrap();
    });
}

#[test]
fn a_loop_that_was_stopped_goes_on_where_it_was() {
    in_time(|| {
        let (event_loop, log) = make_loop();
        event_loop.enter(|| {
            stop();
            set_immediate(log.noting("immediate"));
            set_timeout(Duration::ZERO, log.noting("timer"));
            next_tick(log.noting("tick"));
        });
        event_loop.run().unwrap();
        assert_eq!(log.take(), "tick");
        event_loop.run().unwrap();
        assert_eq!(log.take(), "timer immediate");
    });
}

#[test]
fn the_first_of_two_errors_comes_out_after_all_closes() {
    in_time(|| {
        let (log, seen) = (super::support::Log::default(), Rc::new(RefCell::new(None)));
        let (noted, kept) = (log.clone(), Rc::clone(&seen));
        let ended = onward::run(|| {
            let server = Server::listen("127.0.0.1:0")?;
            server.on(Close, move |_, ()| noted.note("closed"));
            set_timeout(Duration::ZERO, || fail(Error::other("first")));
            set_immediate(|| fail(Error::other("second")));
            kept.replace(Some(server));
            Ok(())
        });
        // When the error is out, everything is over already.
        assert_eq!(log.take(), "closed");
        let error = ended.unwrap_err();
        assert_eq!((error.to_string().as_str(), error.kind()), ("first", ErrorKind::Other));
        assert!(!seen.take().unwrap().is_listening());
    });
}

#[test]
fn an_error_of_the_setup_comes_out_after_all_closes() {
    in_time(|| {
        let log = super::support::Log::default();
        let noted = log.clone();
        let ended = onward::run(|| {
            let server = Server::listen("127.0.0.1:0")?;
            server.on(Close, move |_, ()| noted.note("closed"));
            set_timeout(NEVER, || unreachable!());
            Server::listen("nonsense").map(drop)
        });
        assert_eq!(log.take(), "closed");
        assert_eq!(ended.unwrap_err().kind(), ErrorKind::InvalidInput);
    });
}

#[test]
fn fail_in_the_setup_counts_too_and_a_failed_loop_can_be_run_again() {
    in_time(|| {
        let (event_loop, log) = make_loop();
        event_loop.enter(|| {
            fail(Error::other("early"));
            set_immediate(log.noting("immediate"));
        });
        assert_eq!(event_loop.run().unwrap_err().to_string(), "early");
        assert_eq!(log.take(), "");
        event_loop.run().unwrap();
        assert_eq!(log.take(), "immediate");
    });
}

#[test]
fn an_error_that_comes_up_while_the_loop_ends_is_not_lost() {
    in_time(|| {
        let ended = onward::run(|| {
            let server = Server::listen("127.0.0.1:0")?;
            server.on(Close, |_, ()| fail(Error::other("in the last moment")));
            set_immediate(stop);
            Ok(())
        });
        assert_eq!(ended.unwrap_err().to_string(), "in the last moment");
    });
}

#[test]
fn an_error_event_that_nobody_listens_for_is_not_lost_when_it_comes_up_while_the_loop_ends() {
    in_time(|| {
        let ended = onward::run(|| {
            let server = Server::listen("127.0.0.1:0")?;
            connected(&server, |client, accepted| {
                // Closed in the last turn's close phase, the other one breaks only after it.
                client.on(Close, move |_, _| {
                    accepted.end();
                    accepted.write("written after the end");
                });
                client.destroy();
                stop();
            });
            Ok(())
        });
        assert_eq!(ended.unwrap_err().kind(), ErrorKind::Unhandled);
    });
}

#[test]
fn a_loop_that_is_dropped_closes_everything_and_says_so() {
    in_time(|| {
        let (event_loop, log) = make_loop();
        let server = event_loop.enter(|| {
            let server = Server::listen("127.0.0.1:0").unwrap();
            let on = log.clone();
            connected(&server, move |client, accepted| {
                for (name, socket) in [("client", &client), ("accepted", &accepted)] {
                    let log = on.clone();
                    socket.on(Close, move |_, had_error| {
                        log.note(format!("{name} {had_error}"));
                        next_tick(log.noting(&format!("{name}'")));
                    });
                }
                stop();
            });
            server.on(Close, {
                let log = log.clone();
                move |_, ()| log.note("server")
            });
            server
        });
        event_loop.run().unwrap();
        assert_eq!(log.take(), "");
        assert_eq!(server.connections(), 1);
        drop(event_loop);
        let noted = log.take();
        let mut words: Vec<_> = noted.split("' ").collect();
        assert_eq!(words.pop(), Some("server"), "{noted}");
        words.sort_unstable();
        assert_eq!(words, ["accepted false accepted", "client false client"]);
        assert_eq!(server.connections(), 0);
        assert!(!server.is_listening());
    });
}

#[test]
fn a_socket_whose_name_is_being_looked_up_hears_its_close_when_the_loop_ends() {
    let noted = trace(|log| {
        let socket = Socket::connect("name.invalid:1")?;
        let log = log.clone();
        socket.on(Close, move |_, had_error| log.note(format!("close {had_error}")));
        stop();
        Ok(())
    });
    assert_eq!(noted, "close false");
}

#[test]
fn what_opens_anew_in_each_close_does_not_keep_the_loop_from_ending() {
    in_time(|| {
        fn open(count: Rc<RefCell<u32>>) {
            let Ok(server) = Server::listen("127.0.0.1:0") else { return };
            server.on(Close, move |_, ()| {
                *count.borrow_mut() += 1;
                open(Rc::clone(&count));
            });
        }
        let count = Rc::new(RefCell::new(0));
        let counted = Rc::clone(&count);
        onward::run(|| {
            open(counted);
            stop();
            Ok(())
        })
        .unwrap();
        assert!((1..100).contains(&*count.borrow()));
    });
}

#[test]
fn a_handle_that_outlives_its_loop_neither_runs_nor_keeps_anything() {
    in_time(|| {
        let (event_loop, log) = make_loop();
        let handle = event_loop.handle();
        drop(event_loop);
        assert!(format!("{handle:?}").contains("Ended"));
        let capture = |what: &str| log.on_drop(what);
        let (timer, immediate, tick) = (capture("timer"), capture("immediate"), capture("tick"));
        handle.set_timeout(Duration::ZERO, move || timer.touch());
        handle.set_immediate(move || immediate.touch());
        handle.next_tick(move || tick.touch());
        handle.stop();
        handle.fail(Error::other("too late"));
        assert_eq!(log.take(), "timer immediate tick");
        assert_eq!(Handle::current().unwrap_err().kind(), ErrorKind::NotInLoop);
    });
}
