//! What keeps the loop going, and what does not.

use crate::common::{
    ANY, LIMIT, Log, connect_to, host, logged, next_turn, run, run_within, serve_one,
};
use onward::net::{Address, Server, Socket};
use onward::{EventLoop, events::*};
use std::io::Read as _;
use std::sync::mpsc;
use std::time::Duration;

#[test]
fn the_loop_ends_by_itself_when_all_is_closed() {
    run(|| {
        let address = serve_one(|socket| drop(socket.pipe(socket)))?;
        let client = Socket::connect(address)?;
        client.end_with("x");
        client.resume();
        Ok(())
    });
}

#[test]
fn an_unrefd_server_does_not_keep_the_loop() {
    run(|| {
        let server = Server::listen(ANY)?;
        server.unref();
        Ok(())
    });
}

#[test]
fn the_connections_of_an_unrefd_server_keep_the_loop() {
    let seen = logged(move |log| {
        let server = Server::listen(ANY)?;
        server.unref();
        let client = Socket::connect(server.local_addr())?;
        server.on(Connection, move |_, socket| {
            client.destroy();
            log.watch(&socket);
        });
        Ok(())
    });
    seen.assert(&["end", "finish", "close false"]);
}

#[test]
fn a_server_that_is_refd_again_keeps_the_loop() {
    let seen = logged(move |log| {
        let server = Server::listen(ANY)?;
        server.unref();
        server.unref();
        server.ref_();
        onward::set_timeout(Duration::from_millis(1), move || {
            log.note("still here");
            server.close();
        })
        .unref();
        Ok(())
    });
    seen.assert(&["still here"]);
}

#[test]
fn an_unrefd_socket_does_not_keep_the_loop_in_whichever_state() {
    let (over, when_over) = mpsc::channel::<()>();
    let (address, _) = host(move |stream| {
        assert!(when_over.recv().is_err(), "nothing is sent");
        drop(stream);
    });
    run(move || {
        let client = Socket::connect(address)?;
        client.unref();
        // It is told all the same that the loop has ended.
        client.once(Close, move |_, _| drop(over));
        Ok(())
    });
    run(|| {
        let (done, when_done) = mpsc::channel::<()>();
        let (client, _) = connect_to(move |_stream| when_done.recv().is_err())?;
        client.on(Data, |_, _| {});
        client.on(Connect, |client, ()| {
            client.unref();
        });
        client.once(Close, move |_, _| drop(done));
        Ok(())
    });
}

#[test]
fn what_is_left_open_when_the_loop_ends_is_closed_and_hears_so() {
    let (log, server_log) = (Log::default(), Log::default());
    let (seen, seen_server) = (log.clone(), server_log.clone());
    let ended = run_within(LIMIT, move || {
        let server = Server::listen(ANY)?;
        server.on(Close, move |_, ()| server_log.note("close"));
        let client = Socket::connect(server.local_addr())?;
        log.watch(&client);
        server.on(Connection, |_, socket| {
            socket.resume();
            next_turn(|| onward::fail(onward::Error::other("enough")));
        });
        Ok(())
    });
    assert_eq!(ended.expect_err("it failed").to_string(), "enough");
    seen.assert(&["connect", "close false"]);
    seen_server.assert(&["close"]);
}

#[test]
fn what_a_failing_setup_has_opened_is_closed() {
    let log = Log::default();
    let seen = log.clone();
    let mut address = Address::from(ANY);
    let ended = run_within(LIMIT, || {
        let server = Server::listen(ANY)?;
        address = server.local_addr();
        server.on(Close, move |_, ()| log.note("close"));
        Server::listen("nonsense").map(drop)
    });
    assert!(ended.is_err());
    seen.assert(&["close"]);
    run(|| Server::listen(address).map(|server| server.close()));
}

#[test]
fn a_loop_that_is_run_again_goes_on_where_it_stopped() {
    let event_loop = EventLoop::new().expect("a loop");
    let log = Log::default();
    let (address, peer) = host(|mut stream| stream.read_to_end(&mut Vec::new()).expect("the end"));
    event_loop.enter(|| {
        let client = Socket::connect(address).expect("an address");
        log.watch(&client);
        client.on(Connect, |client, ()| {
            client.write("x");
            onward::stop();
        });
    });
    event_loop.run().expect("it was stopped");
    log.assert(&["connect"]);
    drop(event_loop);
    log.assert(&["connect", "close false"]);
    assert_eq!(crate::common::join(peer), 1);
}

#[test]
fn a_socket_outlives_its_loop_without_harm() {
    let mut left = None;
    run(|| {
        let client = Socket::connect(ANY)?;
        client.on(Error, |_, _| {});
        left = Some((client, Server::listen(ANY)?));
        onward::stop();
        Ok(())
    });
    let (client, server) = left.take().expect("it was set up");
    assert!(client.is_destroyed() && !server.is_listening());
    assert!(!client.write("x"));
    client.end();
    client.pause();
    client.resume();
    client.destroy();
    client.unref();
    server.ref_();
    server.close();
    assert_eq!((client.queued(), client.local_addr(), server.connections()), (0, None, 0));
}

#[test]
fn a_socket_that_only_writes_closes_when_its_peer_has_ended() {
    let log = Log::default();
    let seen = log.clone();
    // Nobody waits for its data, so nobody can be waiting for more.
    run(move || {
        let address = serve_one(move |socket| {
            log.watch_all_but_data(socket);
            socket.end_with("hello and goodbye");
        })?;
        let client = Socket::connect(address)?;
        client.resume();
        Ok(())
    });
    seen.assert(&["finish", "end", "close false"]);
}
