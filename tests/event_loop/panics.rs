//! A panic in a callback passes on out of `run`, and the loop can be run again.

use super::support::{Log, connected, in_time, make_loop, panic_of, post_from_thread};
use onward::events::*;
use onward::net::Server;
use onward::{EventLoop, next_tick, set_immediate, set_interval, set_timeout, stop};
use std::rc::Rc;
use std::time::Duration;

const MS: Duration = Duration::from_millis(1);

/// Sets something up that panics once, among other things; gives what ran before and after it.
#[track_caller]
fn around(setup: impl FnOnce(&Log) + Send + 'static) -> (String, String) {
    in_time(move || {
        let (event_loop, log) = make_loop();
        event_loop.enter(|| setup(&log));
        assert_eq!(panic_of(|| event_loop.run()), "oops");
        let before = log.take();
        event_loop.run().unwrap();
        (before, log.take())
    })
}

#[test]
fn a_timer_that_panics_is_gone_and_the_others_fire() {
    let (before, after) = around(|log| {
        set_timeout(Duration::ZERO, log.ticking("first"));
        set_timeout(Duration::ZERO, || panic!("oops"));
        set_timeout(Duration::ZERO, log.ticking("third"));
        set_immediate(log.noting("immediate"));
    });
    assert_eq!((before.as_str(), after.as_str()), ("first first'", "third third' immediate"));
}

#[test]
fn an_interval_that_panics_is_over_even_if_it_refreshed_itself() {
    for refreshes in [false, true] {
        let (before, after) = around(move |log| {
            let (log, capture) = (log.clone(), log.on_drop("dropped"));
            set_interval(MS, move |timer| {
                capture.touch();
                log.note("beat");
                if refreshes {
                    timer.refresh();
                }
                panic!("oops");
            });
        });
        assert_eq!((before.as_str(), after.as_str()), ("beat dropped", ""));
    }
}

#[test]
fn an_immediate_that_panics_is_gone_and_the_others_run() {
    let (before, after) = around(|log| {
        set_immediate(log.noting("first"));
        set_immediate(|| panic!("oops"));
        set_immediate(log.noting("third"));
    });
    assert_eq!((before.as_str(), after.as_str()), ("first", "third"));
}

#[test]
fn a_tick_that_panics_is_gone_and_the_others_run_first_when_it_goes_on() {
    let (before, after) = around(|log| {
        let noted = log.clone();
        set_timeout(Duration::ZERO, move || {
            next_tick(noted.noting("first"));
            next_tick(|| panic!("oops"));
            next_tick(noted.noting("third"));
        });
        set_timeout(Duration::ZERO, log.noting("timer"));
    });
    assert_eq!((before.as_str(), after.as_str()), ("first", "third timer"));
}

#[test]
fn a_posted_closure_that_panics_is_gone_and_the_others_run() {
    thread_local! {
        static NOTED: std::cell::RefCell<String> = const { std::cell::RefCell::new(String::new()) };
    }
    in_time(|| {
        let event_loop = EventLoop::new().unwrap();
        let remote = event_loop.remote().unref();
        remote.post(|| NOTED.with_borrow_mut(|noted| noted.push_str("first"))).unwrap();
        remote.post(|| panic!("oops")).unwrap();
        remote.post(|| NOTED.with_borrow_mut(|noted| noted.push_str(" third"))).unwrap();
        assert_eq!(panic_of(|| event_loop.run()), "oops");
        assert_eq!(NOTED.with_borrow(Clone::clone), "first");
        event_loop.run().unwrap();
        assert_eq!(NOTED.take(), "first third");
        // It still wakes.
        event_loop.enter(|| post_from_thread(onward::remote(), || NOTED.set("posted".into())));
        event_loop.run().unwrap();
        assert_eq!(NOTED.take(), "posted");
    });
}

#[test]
fn a_listener_that_panics_leaves_its_socket_and_the_others_in_order() {
    let (before, after) = around(|log| {
        let server = Server::listen("127.0.0.1:0").unwrap();
        let on = log.clone();
        connected(&server, move |client, accepted| {
            let (log, sender, mut first) = (on.clone(), client.clone(), true);
            accepted.on(Data, move |accepted, chunk| {
                if std::mem::take(&mut first) {
                    let sender = sender.clone();
                    set_immediate(move || sender.end_with("2"));
                    panic!("oops");
                }
                log.note(String::from_utf8_lossy(chunk));
                accepted.end();
            });
            let log = on.clone();
            accepted.on(Close, move |_, _| log.note("closed"));
            client.write("1");
        })
        .resume();
        server.on(Connection, |server, _| server.close());
        server.on(Close, {
            let log = log.clone();
            move |_, ()| log.note("server")
        });
    });
    assert_eq!((before.as_str(), after.as_str()), ("", "2 closed server"));
}

#[test]
fn a_close_listener_that_panics_does_not_make_the_server_wait_for_ever() {
    let (before, after) = around(|log| {
        let server = Server::listen("127.0.0.1:0").unwrap();
        connected(&server, |_, accepted| {
            accepted.on(Close, |_, _| panic!("oops"));
            accepted.destroy();
        })
        .resume();
        server.on(Connection, |server, _| server.close());
        server.on(Close, {
            let log = log.clone();
            move |_, ()| log.note("server")
        });
    });
    assert_eq!((before.as_str(), after.as_str()), ("", "server"));
}

#[test]
fn a_panic_after_stop_and_after_fail_does_not_lose_what_was_said() {
    in_time(|| {
        let (event_loop, log) = make_loop();
        event_loop.enter(|| {
            set_timeout(Duration::ZERO, || {
                onward::fail(onward::Error::other("failed"));
                panic!("oops");
            });
            set_timeout(Duration::ZERO, log.noting("timer"));
        });
        assert_eq!(panic_of(|| event_loop.run()), "oops");
        assert_eq!(event_loop.run().unwrap_err().to_string(), "failed");
        event_loop.run().unwrap();
        assert_eq!(log.take(), "timer");
    });
}

#[test]
fn a_panic_out_of_run_leaves_no_loop_behind_and_drops_what_was_on_it() {
    in_time(|| {
        let log = Log::default();
        let captures = [log.on_drop("timer"), log.on_drop("server")];
        let said = panic_of(|| {
            onward::run(|| {
                let [timer, listener] = captures;
                set_timeout(10_000 * MS, move || timer.touch());
                let server = Server::listen("127.0.0.1:0")?;
                server.on(Close, move |_, ()| listener.touch());
                set_immediate(|| panic!("oops"));
                Ok(())
            })
        });
        assert_eq!(said, "oops");
        assert!(onward::Handle::current().is_err());
        let noted = log.take();
        assert!(noted.contains("timer") && noted.contains("server"), "{noted}");
        onward::run(|| Ok(())).unwrap();
    });
}

#[test]
fn a_panic_in_the_last_close_still_ends_the_loop_for_other_threads() {
    in_time(|| {
        let (event_loop, log) = make_loop();
        let remote = event_loop.remote();
        let capture = log.on_drop("dropped");
        event_loop.enter(|| {
            let server = Server::listen("127.0.0.1:0").unwrap();
            server.on(Close, |_, ()| panic!("oops"));
            set_timeout(10_000 * MS, move || capture.touch());
            stop();
        });
        event_loop.run().unwrap();
        assert_eq!(panic_of(|| drop(event_loop)), "oops");
        assert!(remote.is_closed());
        assert!(remote.post(|| unreachable!("nobody is there to call it")).is_err());
        assert_eq!(log.take(), "dropped");
    });
}

#[test]
fn a_loop_that_is_run_from_a_destructor_of_a_panic_is_in_order() {
    in_time(|| {
        let (event_loop, log) = make_loop();
        let shared = Rc::new(event_loop);
        event_loop_with_panic(&shared, &log);
        assert_eq!(panic_of(|| shared.run()), "oops");
        shared.run().unwrap();
        assert_eq!(log.take(), "from drop");
    });
}

fn event_loop_with_panic(event_loop: &Rc<EventLoop>, log: &Log) {
    // As the panic passes, a capture's destructor adds to the very queues that run.
    let log = log.clone();
    let on_drop = super::support::OnDrop::new(move || {
        let noting = log.noting("from drop");
        set_immediate(move || next_tick(noting));
    });
    event_loop.enter(|| {
        set_immediate(move || {
            on_drop.touch();
            panic!("oops");
        })
    });
}
