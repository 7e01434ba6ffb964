//! The order of a turn, and ticks after every callback.

use super::support::{Log, connected, in_time, make_loop, trace};
use onward::events::*;
use onward::net::Server;
use onward::{next_tick, set_immediate, set_timeout};
use std::time::Duration;

const SOON: Duration = Duration::ZERO;

#[test]
fn a_turn_goes_from_timers_over_posts_and_immediates_to_close_callbacks() {
    let noted = trace(|log| {
        let server = Server::listen("127.0.0.1:0")?;
        let closed = log.clone();
        server.on(Close, move |_, ()| closed.ticking("close")());
        server.close();
        set_immediate(log.ticking("immediate"));
        let posted = log.ticking("timer");
        let remote = onward::remote();
        let order = log.clone();
        set_timeout(SOON, move || {
            posted();
            // What is posted now is read in this very turn.
            remote
                .post(|| POSTED.with(|log| log.borrow().as_ref().unwrap().ticking("post")()))
                .unwrap();
            POSTED.replace(Some(order));
        });
        next_tick(log.ticking("tick"));
        log.note("setup");
        Ok(())
    });
    assert_eq!(noted, "setup tick tick' timer timer' post post' immediate immediate' close close'");
}

thread_local! {
    static POSTED: std::cell::RefCell<Option<Log>> = const { std::cell::RefCell::new(None) };
}

#[test]
fn what_is_ready_is_served_between_timers_and_immediates() {
    let noted = trace(|log| {
        let server = Server::listen("127.0.0.1:0")?;
        // The kernel answers by itself: when this returns, the connection waits to be accepted.
        let client = std::net::TcpStream::connect(server.local_addr()).unwrap();
        let log = log.clone();
        set_immediate(log.ticking("immediate"));
        set_timeout(SOON, log.ticking("timer"));
        server.on(Connection, move |server, socket| {
            let _ = &client;
            log.ticking("connection")();
            socket.on(Close, {
                let log = log.clone();
                move |_, _| log.ticking("socket")()
            });
            server.on(Close, {
                let log = log.clone();
                move |_, ()| log.ticking("server")()
            });
            socket.destroy();
            server.close();
        });
        Ok(())
    });
    assert_eq!(
        noted,
        "timer timer' connection connection' immediate immediate' socket socket' server server'"
    );
}

#[test]
fn ticks_run_between_two_timers_two_immediates_two_posts_and_two_closes() {
    let noted = trace(|log| {
        for name in ["t1", "t2"] {
            set_timeout(SOON, log.ticking(name));
        }
        for name in ["i1", "i2"] {
            set_immediate(log.ticking(name));
        }
        for name in ["c1", "c2"] {
            let (server, log) = (Server::listen("127.0.0.1:0")?, log.clone());
            server.on(Close, move |_, ()| log.ticking(name)());
            server.close();
        }
        Ok(())
    });
    assert_eq!(noted, "t1 t1' t2 t2' i1 i1' i2 i2' c1 c1' c2 c2'");
}

#[test]
fn ticks_run_between_two_posts() {
    in_time(|| {
        let (event_loop, log) = make_loop();
        POSTED.replace(Some(log.clone()));
        let remote = event_loop.remote().unref();
        for name in ["p1", "p2"] {
            remote
                .post(move || POSTED.with_borrow(|log| log.as_ref().unwrap().ticking(name)()))
                .unwrap();
        }
        event_loop.run().unwrap();
        assert_eq!(log.take(), "p1 p1' p2 p2'");
    });
}

#[test]
fn ticks_run_after_the_setup_and_after_each_event_of_a_socket() {
    let noted = trace(|log| {
        let server = Server::listen("127.0.0.1:0")?;
        let log = log.clone();
        let on = log.clone();
        connected(&server, move |client, accepted| {
            let log = on.clone();
            accepted.on(Data, move |_, chunk| log.ticking(std::str::from_utf8(chunk).unwrap())());
            let log = on.clone();
            accepted.on(End, move |_, ()| log.ticking("end")());
            let log = on.clone();
            accepted.on(Finish, move |_, ()| log.ticking("finish")());
            let log = on.clone();
            accepted.on(Close, move |_, _| log.ticking("close")());
            client.end_with("data");
            client.resume();
        });
        server.on(Connection, |server, _| server.close());
        Ok(())
    });
    assert_eq!(noted, "data data' end end' finish finish' close close'");
}

#[test]
fn ticks_that_ticks_add_run_before_anything_else() {
    let noted = trace(|log| {
        fn chain(log: &Log, left: u32) {
            log.note(left.to_string());
            let log = log.clone();
            if left > 0 {
                next_tick(move || chain(&log, left - 1));
            }
        }
        set_immediate(log.noting("immediate"));
        set_timeout(SOON, log.noting("second"));
        let chained = log.clone();
        next_tick(move || chain(&chained, 3));
        next_tick(log.noting("tick"));
        Ok(())
    });
    assert_eq!(noted, "3 tick 2 1 0 second immediate");
}

#[test]
fn ticks_run_in_the_order_in_which_they_were_added_each_to_its_end() {
    let noted = trace(|log| {
        for name in ["a", "b"] {
            let log = log.clone();
            next_tick(move || {
                log.note(format!("{name}("));
                next_tick(log.noting(&format!("tick-of-{name}")));
                log.note(")");
            });
        }
        Ok(())
    });
    assert_eq!(noted, "a( ) b( ) tick-of-a tick-of-b");
}

#[test]
fn a_hundred_thousand_ticks_in_a_chain_need_no_stack() {
    in_time(|| {
        fn chain(left: u32) {
            if left > 0 {
                next_tick(move || chain(left - 1));
            }
        }
        onward::run(|| {
            chain(100_000);
            Ok(())
        })
        .unwrap();
    });
}

#[test]
fn from_a_socket_s_callback_an_immediate_always_comes_before_a_timer() {
    let noted = trace(|log| {
        let server = Server::listen("127.0.0.1:0")?;
        let client = std::net::TcpStream::connect(server.local_addr()).unwrap();
        let log = log.clone();
        server.on(Connection, move |server, socket| {
            let _ = &client;
            socket.destroy();
            set_timeout(SOON, log.ticking("timer"));
            set_immediate(log.ticking("immediate"));
            server.close();
        });
        Ok(())
    });
    assert_eq!(noted, "immediate immediate' timer timer'");
}

#[test]
fn what_a_close_callback_adds_runs_in_the_next_turn() {
    let noted = trace(|log| {
        let (server, log) = (Server::listen("127.0.0.1:0")?, log.clone());
        server.on(Close, move |_, ()| {
            log.note("close");
            let (other, log2) = (Server::listen("127.0.0.1:0").unwrap(), log.clone());
            other.on(Close, move |_, ()| log2.note("close2"));
            other.close();
            set_immediate(log.noting("immediate"));
            set_timeout(SOON, log.noting("timer"));
        });
        server.close();
        set_immediate(|| {});
        Ok(())
    });
    assert_eq!(noted, "close timer immediate close2");
}
