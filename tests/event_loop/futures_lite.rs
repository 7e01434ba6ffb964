//! What others have written for futures and streams, on this loop.

use super::support::{NEVER, in_time};
use futures_lite::{FutureExt as _, StreamExt as _, future, pin, stream};
use onward::events::*;
use onward::net::{Server, Socket};
use onward::{block_on, interval, set_immediate, sleep, spawn, spawn_blocking};
use std::rc::Rc;
use std::time::Duration;

const MS: Duration = Duration::from_millis(1);

onward::events! { Room { Said(&str) } }

#[test]
fn the_first_of_two_futures_wins_and_the_other_is_dropped() {
    in_time(|| {
        let slow = async {
            sleep(NEVER).await;
            "slow"
        };
        let quick = async {
            sleep(MS).await;
            "quick"
        };
        // It would wait an hour if the slow one were not dropped.
        assert_eq!(block_on(slow.or(quick)).unwrap(), "quick");
    });
}

#[test]
fn futures_of_every_kind_go_on_side_by_side() {
    in_time(|| {
        let sum = block_on(async {
            let task = spawn(async {
                future::yield_now().await;
                1
            });
            let work = spawn_blocking(|| 20);
            let (task, work) = future::zip(task, work).await;
            task.unwrap() + work.unwrap()
        });
        assert_eq!(sum.unwrap(), 21);
    });
}

#[test]
fn a_panic_of_a_future_can_be_caught() {
    in_time(|| {
        let caught = block_on(async {
            let burst = async {
                sleep(MS).await;
                panic!("on purpose");
            };
            std::panic::AssertUnwindSafe(burst).catch_unwind().await.is_err()
        });
        assert!(caught.unwrap());
    });
}

#[test]
fn beats_are_a_stream_like_any_other() {
    in_time(|| {
        let beats = block_on(async {
            let numbers = stream::iter(1..);
            interval(MS).zip(numbers).map(|(_, number)| number).take(3).collect::<Vec<_>>().await
        });
        assert_eq!(beats.unwrap(), [1, 2, 3]);
    });
}

#[test]
fn events_are_a_stream_like_any_other() {
    in_time(|| {
        let lines = block_on(async {
            let room = Rc::new(Room::new());
            let lines = room.stream(Said).capacity(4).filter(|line| line != "noise");
            let speaker = Rc::clone(&room);
            set_immediate(move || {
                for line in ["hello", "noise", "bye"] {
                    speaker.emit(Said, line);
                }
            });
            pin!(lines);
            let mut heard = Vec::new();
            while let Some(line) = lines.next().await {
                heard.push(line);
                if heard.len() == 2 {
                    break;
                }
            }
            heard
        });
        assert_eq!(lines.unwrap(), ["hello", "bye"]);
    });
}

/// A client and its server in one function, each a future.
#[test]
fn sockets_are_streams_of_their_chunks() {
    in_time(|| {
        let said = block_on(async {
            let server = Server::listen("127.0.0.1:0")?;
            let (address, mut guests) = (server.local_addr(), server.stream(Connection));
            let serve = async {
                let guest = guests.next().await.expect("one comes");
                let mut chunks = guest.stream(Data);
                while let Some(chunk) = chunks.next().await {
                    guest.write(&chunk);
                }
            };
            let ask = async {
                let socket = Socket::connect(address)?;
                let mut chunks = socket.stream(Data);
                socket.write("hello");
                let echo = chunks.next().await.expect("it comes back");
                socket.end();
                assert_eq!(chunks.next().await, None, "and nothing else, until it has closed");
                Ok::<_, onward::Error>(echo)
            };
            future::zip(serve, ask).await.1
        });
        assert_eq!(said.unwrap().unwrap(), b"hello");
    });
}
