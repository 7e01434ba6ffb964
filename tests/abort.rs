//! Signals to give up, and what they end.
#![cfg(all(feature = "net", feature = "fs"))]

#[allow(dead_code, reason = "shared with other tests")]
mod common;

use common::{ANY, Log, connect_to, guest, host, run, serve_one};
use onward::abort::{AbortController, AbortSignal, Abortable as _};
use onward::events::*;
use onward::fs::{ReadStream, WriteStream};
use onward::net::{Server, Socket};
use onward::stream::pipeline;
use onward::{Error, ErrorKind};
use std::cell::Cell;
use std::io::Read as _;
use std::rc::Rc;
use std::time::Duration;

#[test]
fn an_abort_is_an_error_and_the_end_and_the_error_says_what_and_why() {
    let log = Log::default();
    let seen = log.clone();
    run(move || {
        let (client, peer) = connect_to(|mut stream| stream.read(&mut [0]))?;
        let controller = AbortController::new();
        log.watch(&client);
        client.abort_on(&controller.signal());
        client.on(Connect, move |client, ()| {
            controller.abort_because("the user has left");
            controller.abort(); // the first reason counts
            assert!(client.is_destroyed());
            log.note("called");
        });
        let peer = Cell::new(Some(peer));
        client.on(Error, move |client, error| {
            let expected = format!("abort {client}: the user has left");
            assert_eq!((error.kind(), error.to_string()), (ErrorKind::Aborted, expected));
            drop(peer.take());
        });
        Ok(())
    });
    seen.assert(&["connect", "called", "error Aborted", "close true"]);
}

#[test]
fn a_connection_in_the_making_is_given_up_without_connecting() {
    let log = Log::default();
    let seen = log.clone();
    run(move || {
        let controller = AbortController::new();
        for address in ["127.0.0.1:1", "name.invalid:80"] {
            let client = Socket::connect(address)?.abort_on(&controller.signal());
            log.watch(&client);
        }
        controller.abort();
        // Too late for this one.
        let client = Socket::connect("127.0.0.1:1")?;
        log.watch(&client);
        client.abort_on(&controller.signal());
        Ok(())
    });
    seen.assert(&[
        "error Aborted",
        "close true",
        "error Aborted",
        "close true",
        "error Aborted",
        "close true",
    ]);
}

#[test]
fn what_has_closed_leaves_nothing_with_the_signal() {
    let controller = AbortController::new();
    let signal = controller.signal();
    run(|| {
        let signal = signal.clone();
        let server = Server::listen(ANY)?.abort_on(&signal);
        let inside = signal.clone();
        server.on(Connection, move |server, socket| {
            server.close();
            socket.abort_on(&inside).end();
        });
        let client = Socket::connect(server.local_addr())?.abort_on(&signal);
        client.resume();
        ReadStream::open("Cargo.toml")?.abort_on(&signal).on(Data, |_, _| {});
        assert!(signal.listener_count(Abort) >= 3);
        Ok(())
    });
    assert_eq!(signal.listener_count(Abort), 0);
    controller.abort();
}

#[test]
fn a_server_stops_listening_and_its_connections_live_on() {
    let log = Log::default();
    let (seen, closing) = (log.clone(), log.clone());
    run(move || {
        let controller = AbortController::new();
        let server = Server::listen(ANY)?.abort_on(&controller.signal());
        server.on(Close, move |_, ()| closing.note("server close"));
        server.on(Connection, move |server, socket| {
            controller.abort();
            assert!(!server.is_listening());
            log.watch(&socket);
            socket.end();
        });
        guest(server.local_addr(), |mut stream| stream.read(&mut [0]).expect("the end"));
        Ok(())
    });
    seen.assert(&["finish", "end", "close false", "server close"]);
}

#[test]
fn a_pipeline_ends_at_both_ends_with_the_reason() {
    let path = std::env::temp_dir().join(format!("onward-abort-{}", std::process::id()));
    let (to, result) = (path.clone(), Rc::new(Cell::new(None)));
    let seen = Rc::clone(&result);
    run(move || {
        let controller = AbortController::new();
        let (from, to) = (ReadStream::open("/dev/zero")?, WriteStream::create(&to)?);
        from.abort_on(&controller.signal());
        to.abort_on(&controller.signal());
        pipeline(&from, &to, move |done| result.set(Some(done.expect_err("it has no end"))));
        to.on(Open, move |_, ()| {
            let controller = controller.clone();
            onward::set_timeout(Duration::from_millis(5), move || controller.abort());
        });
        Ok(())
    });
    let error: Error = seen.take().expect("it is told");
    assert_eq!(error.kind(), ErrorKind::Aborted, "{error}");
    std::fs::remove_file(path).expect("it was created");
}

#[test]
fn futures_are_dropped_and_give_the_reason() {
    struct Dropped(Rc<Cell<bool>>);
    impl Drop for Dropped {
        fn drop(&mut self) {
            self.0.set(true);
        }
    }
    run(|| {
        let controller = AbortController::new();
        let (signal, dropped) = (controller.signal(), Rc::new(Cell::new(false)));
        let inside = Dropped(Rc::clone(&dropped));
        onward::spawn_or_fail(async move {
            assert_eq!(signal.run(async { 7 }).await?, 7);
            assert_eq!(signal.listener_count(Abort), 0, "who is through listens no more");
            onward::set_immediate(move || controller.abort());
            let never = async move {
                let _inside = inside;
                std::future::pending::<()>().await;
            };
            let error = signal.run(never).await.expect_err("it never ends");
            assert_eq!((error.kind(), dropped.get()), (ErrorKind::Aborted, true));
            assert!(signal.check().is_err() && signal.aborted().await.kind() == ErrorKind::Aborted);
            let polled = std::future::poll_fn(|_| -> std::task::Poll<()> { unreachable!() });
            assert!(signal.run(polled).await.is_err(), "it is too late to begin");
            Ok(())
        });
        Ok(())
    });
}

#[test]
fn a_timeout_neither_keeps_the_loop_nor_outlives_its_signal() {
    run(|| {
        drop(AbortSignal::timeout(Duration::from_secs(3_600)));
        let held = AbortSignal::timeout(Duration::from_secs(3_600));
        assert!(!held.is_aborted());
        Ok(())
    });
}

#[test]
fn a_signal_that_follows_others_leaves_them_when_it_goes() {
    let (one, two) = (AbortController::new(), AbortController::new());
    let any = AbortSignal::any([&one.signal(), &two.signal()]);
    assert_eq!(one.signal().listener_count(Abort), 1);
    two.abort_because("two");
    assert_eq!(any.reason().expect("it follows").to_string(), "abort: two");
    assert_eq!(one.signal().listener_count(Abort), 0);
    one.abort_because("one");
    assert_eq!(any.reason().expect("the first").to_string(), "abort: two");
    let third = AbortController::new();
    drop(AbortSignal::any([&third.signal()]));
    assert_eq!(third.signal().listener_count(Abort), 0);
    assert!(AbortSignal::any([&third.signal(), &one.signal()]).is_aborted(), "one is already");
}

#[test]
fn another_thread_may_abort_and_it_comes_to_the_loop() {
    let log = Log::default();
    let seen = log.clone();
    let (address, _peer) = host(|mut stream| stream.read(&mut [0]));
    let mut late = None;
    run(|| {
        let controller = AbortController::new();
        let remote = controller.remote()?;
        late = Some(remote.clone());
        let client = Socket::connect(address)?.abort_on(&controller.signal());
        log.watch(&client);
        client.on(Connect, move |_, ()| {
            let remote = remote.clone();
            std::thread::spawn(move || remote.abort_because("from afar"));
        });
        Ok(())
    });
    seen.assert(&["connect", "error Aborted", "close true"]);
    late.expect("it was made").abort();
}

#[test]
fn a_listener_that_aborts_again_is_called_once() {
    let controller = AbortController::new();
    let (again, count) = (controller.clone(), Rc::new(Cell::new(0)));
    let counted = Rc::clone(&count);
    controller.signal().on(Abort, move |signal, reason| {
        counted.set(counted.get() + 1);
        again.abort_because("again");
        assert_eq!(signal.reason().expect("it is aborted").to_string(), reason.to_string());
    });
    controller.abort_because("first");
    assert_eq!((count.get(), controller.signal().listener_count(Abort)), (1, 0));
}

#[test]
fn a_stream_keeps_its_signal() {
    let log = Log::default();
    let seen = log.clone();
    run(move || {
        let address = serve_one(|socket| socket.resume())?;
        let client = Socket::connect(address)?;
        log.watch(&client);
        client.on(Connect, |client, ()| {
            client.clone().abort_on(&AbortSignal::timeout(Duration::from_millis(5)));
        });
        Ok(())
    });
    seen.assert(&["connect", "error TimedOut", "close true"]);
}
