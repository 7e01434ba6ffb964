//! `destroy`, wherever it is called.

use crate::common::{connect_to, guest, join, logged, run, serve_one};
use onward::events::*;
use onward::net::Socket;
use std::io::{Read as _, Write as _};
use std::rc::Rc;

/// A client whose peer sends something and ends.
fn talked_to() -> onward::Result<Socket> {
    let talk = |mut stream: std::net::TcpStream| {
        // The client may be gone before it is all sent.
        let _ = stream.write_all(&[b'x'; 200_000]);
        let _ = stream.read(&mut [0]);
    };
    connect_to(talk).map(|(client, _)| client)
}

#[test]
fn destroy_while_connecting_tells_close_and_nothing_else() {
    let seen = logged(move |log| {
        let client = talked_to()?;
        log.watch(&client);
        client.write("x");
        client.destroy();
        assert!(client.is_destroyed(), "at once");
        client.destroy();
        log.assert(&[]);
        Ok(())
    });
    seen.assert(&["close false"]);
}

#[test]
fn destroy_while_a_name_is_looked_up_tells_close_and_nothing_else() {
    let seen = logged(move |log| {
        let client = Socket::connect("name.invalid:80")?;
        log.watch(&client);
        client.destroy();
        Ok(())
    });
    seen.assert(&["close false"]);
}

#[test]
fn destroy_in_the_connect_listener_tells_close_and_nothing_else() {
    let seen = logged(move |log| {
        let client = talked_to()?;
        log.watch(&client);
        client.write("x");
        client.on(Connect, |client, ()| client.destroy());
        Ok(())
    });
    seen.assert(&["connect", "close false"]);
}

#[test]
fn destroy_in_the_data_listener_stops_the_data_of_this_very_batch() {
    let seen = logged(move |log| {
        let client = talked_to()?;
        log.watch_all_but_data(&client);
        client.on(Data, move |client, _| {
            log.note("some data");
            client.destroy();
        });
        Ok(())
    });
    seen.assert(&["connect", "some data", "close false"]);
}

#[test]
fn destroy_in_the_end_listener_tells_close_and_no_finish() {
    let seen = logged(move |log| {
        let (client, _) = connect_to(drop)?;
        log.watch(&client);
        client.on(End, |client, ()| client.destroy());
        Ok(())
    });
    seen.assert(&["connect", "end", "close false"]);
}

#[test]
fn destroy_in_the_connection_listener_tells_close_and_nothing_else() {
    let seen = logged(move |log| {
        let address = serve_one(move |socket| {
            log.watch(socket);
            socket.destroy();
        })?;
        drop(guest(address, |mut stream| stream.write_all(b"hello?")));
        Ok(())
    });
    seen.assert(&["close false"]);
}

#[test]
fn destroy_in_the_drain_listener_tells_close_and_no_finish() {
    let seen = logged(move |log| {
        let (client, _) = connect_to(|mut stream| stream.read_to_end(&mut Vec::new()))?;
        log.watch(&client);
        client.set_high_water(1);
        client.write("x");
        client.on(Drain, |client, ()| {
            client.end();
            client.destroy();
        });
        Ok(())
    });
    seen.assert(&["connect", "drain", "close false"]);
}

#[test]
fn destroy_drops_what_waits_to_be_sent() {
    let seen = logged(move |log| {
        let (client, _) = connect_to(|mut stream| stream.read_to_end(&mut Vec::new()))?;
        log.watch(&client);
        client.on(Connect, |client, ()| {
            while client.write([0; 50_000]) {}
            client.end();
            client.destroy();
            assert_eq!((client.queued(), client.needs_drain()), (0, false));
        });
        Ok(())
    });
    seen.assert(&["connect", "close false"]);
}

#[test]
fn what_listeners_capture_is_dropped_after_close_even_what_captures_the_socket_itself() {
    let token = Rc::new(());
    let held = Rc::clone(&token);
    run(move || {
        let client = talked_to()?;
        let cycle = (client.clone(), Rc::clone(&held));
        client.on(Data, move |_, _| {
            assert!(!cycle.0.is_destroyed() && Rc::strong_count(&cycle.1) > 1)
        });
        let (on_end, on_drain, on_close) = (Rc::clone(&held), Rc::clone(&held), Rc::clone(&held));
        client.on(Drain, move |_, ()| drop(Rc::clone(&on_drain)));
        client.once(End, move |_, ()| drop(on_end));
        client.on(Close, move |_, _| drop(Rc::clone(&on_close)));
        client.end();
        Ok(())
    });
    assert_eq!(Rc::strong_count(&token), 1);
}

#[test]
fn a_handle_that_is_kept_keeps_no_listener_alive_after_close() {
    let token = Rc::new(());
    let held = Rc::clone(&token);
    run(move || {
        let client = talked_to()?;
        let (kept, count) = (client.clone(), Rc::clone(&held));
        client.on(Data, move |client, _| {
            let _ = &count;
            client.destroy();
        });
        client.once(Close, move |_, _| {
            onward::set_immediate(move || {
                assert_eq!(Rc::strong_count(&held), 2, "the test's and this closure's");
                drop(kept);
            });
        });
        Ok(())
    });
    assert_eq!(Rc::strong_count(&token), 1);
}

#[test]
fn the_descriptor_is_closed_when_close_is_told() {
    let (ended, when_ended) = std::sync::mpsc::channel();
    run(move || {
        let (client, peer) = connect_to(move |mut stream| {
            let read = stream.read(&mut [0]);
            ended.send(()).expect("the loop waits");
            read.expect("the end")
        })?;
        client.on(Connect, |client, ()| client.destroy());
        client.once(Close, move |_, _| {
            when_ended.recv().expect("the peer hears of it while the listener still runs");
            assert_eq!(join(peer), 0);
        });
        Ok(())
    });
}
