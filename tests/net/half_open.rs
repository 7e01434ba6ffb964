//! One side has ended, the other one goes on.

use crate::common::{Log, host, join, next_turn, run};
use onward::events::*;
use onward::net::Socket;
use std::io::{Read as _, Write as _};
use std::net::Shutdown;
use std::sync::mpsc;

#[test]
fn a_half_open_socket_writes_on_after_the_peers_end_and_closes_after_its_own() {
    let log = Log::default();
    let seen = log.clone();
    let (address, peer) = host(|mut stream| {
        stream.write_all(b"question").expect("it is read");
        stream.shutdown(Shutdown::Write).expect("it is open");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("an answer");
        answer
    });
    run(move || {
        let client = Socket::connect(address)?;
        client.set_half_open(true);
        log.watch(&client);
        client.on(End, move |client, ()| {
            client.write("an ");
            let (client, log) = (client.clone(), log.clone());
            next_turn(move || {
                log.assert(&["connect", "data question", "end"]);
                assert!(!client.is_destroyed());
                client.end_with("answer");
            });
        });
        Ok(())
    });
    seen.assert(&["connect", "data question", "end", "finish", "close false"]);
    assert_eq!(join(peer), "an answer");
}

#[test]
fn half_open_can_still_be_decided_in_the_end_listener() {
    let log = Log::default();
    let seen = log.clone();
    let (address, peer) = host(|mut stream| {
        stream.shutdown(Shutdown::Write).expect("it is open");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("an answer");
        answer
    });
    run(move || {
        let client = Socket::connect(address)?;
        log.watch(&client);
        client.on(End, |client, ()| {
            client.set_half_open(true);
            let client = client.clone();
            next_turn(move || client.end_with("late"));
        });
        Ok(())
    });
    seen.assert(&["connect", "end", "finish", "close false"]);
    assert_eq!(join(peer), "late");
}

#[test]
fn after_its_own_end_a_socket_reads_on_until_the_peer_ends() {
    let log = Log::default();
    let seen = log.clone();
    let (address, peer) = host(|mut stream| {
        let mut all = Vec::new();
        stream.read_to_end(&mut all).expect("the end");
        stream.write_all(b"you said ").expect("it is read");
        stream.write_all(&all).expect("it is read");
    });
    run(move || {
        let client = Socket::connect(address)?;
        log.watch(&client);
        client.end_with("hi");
        Ok(())
    });
    seen.assert(&["connect", "finish", "data you said hi", "end", "close false"]);
    join(peer);
}

#[test]
fn a_socket_that_nobody_made_half_open_ends_with_its_peer_once_all_is_sent() {
    /// More than the kernel takes while nobody reads.
    const LOTS: usize = 12 << 20;
    let (ended, when_ended) = mpsc::channel();
    let log = Log::default();
    let seen = log.clone();
    let (address, peer) = host(move |mut stream| {
        stream.shutdown(Shutdown::Write).expect("it is open");
        when_ended.recv().expect("the end is told");
        let mut all = Vec::new();
        stream.read_to_end(&mut all).expect("the end");
        all.len()
    });
    run(move || {
        let client = Socket::connect(address)?;
        log.watch(&client);
        client.on(Connect, |client, ()| {
            client.write(vec![1; LOTS]);
        });
        client.on(End, move |_, ()| ended.send(()).expect("the peer waits"));
        Ok(())
    });
    seen.assert(&["connect", "end", "finish", "close false"]);
    assert_eq!(join(peer), LOTS);
}
