//! Listeners that panic: it passes out of `run`, and what is left is in order.

use crate::common::{ANY, Log, connect_to, guest, join, run};
use onward::net::{Server, Socket};
use onward::{EventLoop, events::*};
use std::io::{Read as _, Write as _};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc;

/// The text of the panic that comes out of a call, if there is one.
fn panic_of<T>(call: impl FnOnce() -> T) -> Option<String> {
    let panic = catch_unwind(AssertUnwindSafe(call)).err()?;
    panic
        .downcast_ref::<&str>()
        .map(ToString::to_string)
        .or_else(|| panic.downcast_ref::<String>().cloned())
}

#[test]
fn a_panic_in_a_data_listener_passes_out_of_run_and_the_next_loop_works() {
    let log = Log::default();
    for round in 0..3 {
        let seen = log.clone();
        let panic = panic_of(|| {
            onward::run(|| {
                let server = Server::listen(ANY)?;
                server.on(Connection, |_, socket| {
                    socket.on(Data, |_, _| panic!("on purpose"));
                });
                let client = Socket::connect(server.local_addr())?;
                client.write("x");
                client.on(Close, move |_, _| seen.note("close"));
                Ok(())
            })
        });
        assert_eq!(panic.as_deref(), Some("on purpose"), "round {round}");
    }
    run(|| {
        let (client, peer) =
            connect_to(|mut stream| stream.read_to_end(&mut Vec::new()).expect("the end"))?;
        client.end_with("fine again");
        client.resume();
        onward::spawn_blocking(|| join(peer)).then(|read| assert_eq!(read.expect("no panic"), 10));
        Ok(())
    });
}

/// Where a socket or its server may have a listener that panics.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Place {
    Connection,
    Data,
    End,
    Finish,
    Error,
    Close,
    Tick,
}

fn once_panicking(place: Place, here: Place) -> impl FnMut() {
    let mut armed = place == here;
    move || assert!(!std::mem::take(&mut armed), "on purpose")
}

/// A conversation on one loop, with a panic in one place: run again, the loop ends by itself and all closes.
fn goes_on_after_a_panic_in(place: Place) {
    let event_loop = EventLoop::new().expect("a loop");
    let log = Log::default();
    event_loop.enter(|| {
        let server = Server::listen(ANY).expect("a port");
        let client = guest(server.local_addr(), move |mut stream| {
            stream.write_all(b"x").expect("it is read");
            if place == Place::Error {
                return crate::common::reset(stream);
            }
            stream.shutdown(std::net::Shutdown::Write).expect("it is open");
            let _ = stream.read_to_end(&mut Vec::new());
        });
        drop(client);
        let closing = log.clone();
        server.on(Close, move |_, ()| closing.note("server close"));
        let (mut connection, log) = (once_panicking(place, Place::Connection), log.clone());
        server.on(Connection, move |server, socket| {
            server.close();
            let at = |here| once_panicking(place, here);
            let (mut data, mut end, mut finish) =
                (at(Place::Data), at(Place::End), at(Place::Finish));
            let (mut error, mut close, tick) =
                (at(Place::Error), at(Place::Close), at(Place::Tick));
            socket.on(Data, move |_, _| data());
            socket.on(End, move |_, ()| end());
            socket.on(Finish, move |_, ()| finish());
            socket.on(Error, move |_, _| error());
            let closing = log.clone();
            socket.on(Close, move |_, _| closing.note("socket close"));
            socket.on(Close, move |_, _| close());
            let mut tick = Some(tick);
            socket.on(End, move |_, ()| tick.take().into_iter().for_each(onward::next_tick));
            connection();
        });
        onward::set_timeout(crate::common::LIMIT, || std::process::abort()).unref();
    });
    assert_eq!(panic_of(|| event_loop.run()).as_deref(), Some("on purpose"), "{place:?}");
    event_loop.enter(|| {
        let (late, stop) = (log.clone(), event_loop.handle());
        onward::set_timeout(crate::common::LIMIT, move || {
            late.note("still open after all this time");
            stop.stop();
        })
        .unref();
    });
    event_loop.run().unwrap_or_else(|error| panic!("after a panic in {place:?}: {error}"));
    assert!(
        log.ends_with(&["socket close", "server close"]),
        "after a panic in {place:?}: {log:?}"
    );
}

#[test]
fn after_a_panic_in_a_connection_listener_the_loop_can_be_run_again() {
    goes_on_after_a_panic_in(Place::Connection);
}

#[test]
fn after_a_panic_in_a_data_listener_the_loop_can_be_run_again() {
    goes_on_after_a_panic_in(Place::Data);
}

#[test]
fn after_a_panic_in_an_end_listener_the_loop_can_be_run_again() {
    goes_on_after_a_panic_in(Place::End);
}

#[test]
fn after_a_panic_in_a_tick_of_an_end_listener_the_loop_can_be_run_again() {
    goes_on_after_a_panic_in(Place::Tick);
}

#[test]
fn after_a_panic_in_a_finish_listener_the_loop_can_be_run_again() {
    goes_on_after_a_panic_in(Place::Finish);
}

#[test]
fn after_a_panic_in_an_error_listener_the_loop_can_be_run_again() {
    goes_on_after_a_panic_in(Place::Error);
}

#[test]
fn after_a_panic_in_a_close_listener_the_loop_can_be_run_again() {
    goes_on_after_a_panic_in(Place::Close);
}

#[test]
#[cfg(target_os = "linux")]
fn after_a_panic_in_a_listener_of_the_last_words_of_a_broken_connection_it_closes() {
    let event_loop = EventLoop::new().expect("a loop");
    let log = Log::default();
    let ((full, when_full), (gone, when_gone)) = (mpsc::channel(), mpsc::channel());
    event_loop.enter(|| {
        let (client, _) = connect_to(move |mut stream| {
            when_full.recv().expect("the queue fills up");
            stream.write_all(b"too large").expect("there is room");
            crate::common::reset(stream);
            gone.send(()).expect("the loop waits for it");
        })
        .expect("an address");
        log.watch(&client);
        let mut panics = true;
        client.on(Data, move |_, _| assert!(!std::mem::take(&mut panics), "on purpose"));
        client.once(Connect, move |client, ()| {
            while client.write([0; 50_000]) {}
            full.send(()).expect("the peer waits for it");
            // The loop hears of all of it at once.
            when_gone.recv().expect("the peer answers");
        });
    });
    assert_eq!(panic_of(|| event_loop.run()).as_deref(), Some("on purpose"));
    event_loop.enter(|| {
        let stop = event_loop.handle();
        onward::set_timeout(crate::common::LIMIT, move || stop.stop()).unref();
    });
    event_loop.run().expect("it goes on");
    log.assert(&["connect", "data too large", "error disconnect", "close true"]);
}
