//! Sockets as streams of futures.

use crate::common::{connect_to, join, serve_one};
use onward::net::Socket;
use onward::{ErrorKind, block_on, events::*, sleep, spawn, timeout};
use std::io::{Read as _, Write as _};
use std::time::Duration;

const TOTAL: usize = 8 << 20;

#[test]
fn a_stream_that_blocks_holds_the_peer_and_loses_nothing() {
    let read = block_on(async {
        let (client, peer) = connect_to(|mut stream| {
            let bytes: Vec<u8> = (0..TOTAL).map(|at| (at % 251) as u8).collect();
            stream.write_all(&bytes).expect("somebody reads");
        })
        .expect("an address");
        let mut chunks = client.stream(Data).capacity(2).block();
        let mut read = 0;
        while let Some(chunk) = chunks.next().await {
            assert!(chunk.iter().enumerate().all(|(at, byte)| *byte == ((read + at) % 251) as u8));
            read += chunk.len();
            assert!(chunks.lag() <= 2, "{} wait", chunks.lag());
            // Somebody who takes his time.
            sleep(Duration::from_micros(100)).await;
        }
        assert_eq!(chunks.dropped(), 0);
        join(peer);
        read
    });
    assert_eq!(read.expect("it ends by itself"), TOTAL);
}

#[test]
fn a_stream_that_blocks_does_not_undo_the_users_own_pause() {
    block_on(async {
        let (client, peer) = connect_to(|mut stream| {
            stream.write_all(&vec![1; 1 << 20]).expect("somebody reads");
        })
        .expect("an address");
        let mut chunks = client.stream(Data).capacity(1).block();
        let first = chunks.next().await.expect("it sends");
        client.pause();
        let mut read = first.len();
        // What was taken before the pause is given, and no more.
        while let Ok(Some(chunk)) = timeout(Duration::from_millis(20), chunks.next()).await {
            read += chunk.len();
        }
        assert!(read < 1 << 20 && client.is_paused());
        client.resume();
        while let Some(chunk) = chunks.next().await {
            read += chunk.len();
        }
        assert_eq!(read, 1 << 20);
        join(peer);
    })
    .expect("it ends by itself");
}

#[test]
fn a_conversation_between_two_futures() {
    let said = block_on(async {
        let address = serve_one(|socket| {
            let mut chunks = socket.stream(Data).block();
            let socket = socket.clone();
            spawn(async move {
                while let Some(chunk) = chunks.next().await {
                    socket.write(chunk.to_ascii_uppercase());
                }
                socket.end();
            });
        })
        .expect("a port");
        let client = Socket::connect(address).expect("an address");
        client.next(Connect).await.expect("somebody listens");
        let answer = client.next(Data);
        client.write("hello");
        let answer = answer.await.expect("it answers");
        client.end();
        client.next(Close).await.expect("it closes");
        answer
    });
    assert_eq!(said.expect("it ends by itself"), b"HELLO");
}

#[test]
fn a_time_limit_on_what_a_peer_says() {
    block_on(async {
        let (client, peer) =
            connect_to(|mut stream| stream.read_to_end(&mut Vec::new()).expect("the end"))
                .expect("an address");
        let late = timeout(Duration::from_millis(5), client.next(Data)).await;
        assert_eq!(late.expect_err("it says nothing").kind(), ErrorKind::TimedOut);
        client.destroy();
        client.next(Close).await.expect("it closes");
        join(peer);
    })
    .expect("it ends by itself");
}
