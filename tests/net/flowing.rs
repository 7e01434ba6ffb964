//! Pause, resume, and who waits meanwhile.

use crate::common::{connect_to, join, logged, next_turn, run, when, write_until_held};
use onward::events::*;
use onward::net::Socket;
use onward::{Result, set_immediate};
use std::cell::Cell;
use std::io::Write as _;
use std::net::TcpStream;
use std::rc::Rc;
use std::sync::mpsc;

const MEGABYTE: usize = 1 << 20;

/// A socket that is prepared, whose peer acts, and which then shows what it made of that.
fn after_peer<T: Send + 'static>(
    prepare: impl FnOnce(&Socket),
    act: impl FnOnce(&mut TcpStream) -> T + Send + 'static,
    then: impl FnOnce(&Socket, T) + 'static,
) -> Result<()> {
    let (sender, told) = mpsc::channel();
    let (client, thread) = connect_to(move |mut stream| {
        let outcome = act(&mut stream);
        sender.send((outcome, stream)).expect("the loop waits for it");
    })?;
    prepare(&client);
    when(told, move |(outcome, stream)| {
        then(&client, outcome);
        drop(stream);
        join(thread);
    });
    Ok(())
}

#[test]
fn no_data_comes_after_a_pause_even_in_the_middle_of_a_batch() {
    let chunks = Rc::new(Cell::new(0_u32));
    let seen = Rc::clone(&chunks);
    run(move || {
        let (client, _) =
            connect_to(|mut stream| stream.write_all(&vec![1; 4 * MEGABYTE]).expect("it is read"))?;
        let paused = Rc::new(Cell::new(false));
        client.on(Data, move |client, _| {
            assert!(!paused.replace(true), "data after pause");
            chunks.set(chunks.get() + 1);
            client.pause();
            assert!(client.is_paused());
            // There is more in the kernel now, and it stays there for a turn.
            let (client, paused) = (client.clone(), Rc::clone(&paused));
            next_turn(move || {
                paused.set(false);
                client.resume();
            });
        });
        client.on(Close, |client, _| assert_eq!(client.bytes_read(), 4 * MEGABYTE as u64));
        Ok(())
    });
    assert!(seen.get() > 16, "{} chunks", seen.get());
}

#[test]
fn what_is_not_read_waits_in_the_kernel_and_makes_the_peer_wait() {
    let seen = logged(move |log| {
        let prepare = |client: &Socket| {
            client.pause();
            client.on(Data, |_, _| {});
            log.watch_all_but_data(client);
        };
        after_peer(
            prepare,
            |stream| write_until_held(stream),
            |client, held| {
                assert_eq!(client.bytes_read(), 0);
                client.resume();
                client.on(Close, move |client, _| assert_eq!(client.bytes_read(), held as u64));
            },
        )
    });
    seen.assert(&["connect", "end", "finish", "close false"]);
}

#[test]
fn a_pause_does_not_swallow_the_end() {
    let seen = logged(move |log| {
        let at_work = log.clone();
        let prepare = move |client: &Socket| {
            log.watch(client);
            client.pause();
        };
        let act = |stream: &mut TcpStream| {
            stream.write_all(b"last words").expect("there is room");
            stream.shutdown(std::net::Shutdown::Write).expect("it is open");
        };
        after_peer(prepare, act, move |client, ()| {
            at_work.assert(&["connect"]);
            client.resume();
        })
    });
    seen.assert(&["connect", "data last words", "end", "finish", "close false"]);
}

#[test]
fn a_pause_before_any_data_listener_wins_over_it() {
    let seen = logged(move |log| {
        let at_work = log.clone();
        let prepare = move |client: &Socket| {
            client.pause();
            log.watch(client);
        };
        after_peer(
            prepare,
            |stream| stream.write_all(b"x").expect("there is room"),
            move |client, ()| {
                at_work.assert(&["connect"]);
                assert!(client.is_paused());
                client.resume();
            },
        )
    });
    seen.assert(&["connect", "data x", "end", "finish", "close false"]);
}

#[test]
fn without_a_data_listener_nothing_is_read_until_there_is_one() {
    let seen = logged(move |log| {
        let at_work = log.clone();
        let act = |stream: &mut TcpStream| {
            stream.write_all(b"x").expect("there is room");
            stream.shutdown(std::net::Shutdown::Write).expect("it is open");
        };
        after_peer(
            move |client| log.watch_all_but_data(client),
            act,
            move |client, ()| {
                at_work.assert(&["connect"]);
                assert_eq!((client.bytes_read(), client.is_paused()), (0, false));
                client.on(Data, move |_, chunk| at_work.data(chunk));
            },
        )
    });
    seen.assert(&["connect", "data x", "end", "finish", "close false"]);
}

#[test]
fn the_last_of_pause_and_resume_before_the_connection_stands_decides() {
    for paused in [false, true] {
        let seen = logged(move |log| {
            let at_work = log.clone();
            let prepare = move |client: &Socket| {
                log.watch(client);
                if paused {
                    client.resume();
                    client.pause();
                } else {
                    client.pause();
                    client.resume();
                }
            };
            let act = |stream: &mut TcpStream| stream.write_all(b"x").expect("there is room");
            after_peer(prepare, act, move |client, ()| {
                if paused {
                    at_work.assert(&["connect"]);
                }
                client.resume();
            })
        });
        seen.assert(&["connect", "data x", "end", "finish", "close false"]);
    }
}

#[test]
fn close_waits_for_a_slow_reader_to_read_all_and_the_end() {
    let read = Rc::new(Cell::new(0));
    let seen = Rc::clone(&read);
    run(move || {
        let (client, _) =
            connect_to(|mut stream| stream.write_all(&vec![1; 2 * MEGABYTE]).expect("it is read"))?;
        client.end();
        let ended = Rc::new(Cell::new(false));
        let at_close = Rc::clone(&ended);
        client.on(Data, move |client, chunk| {
            read.set(read.get() + chunk.len());
            client.pause();
            let client = client.clone();
            set_immediate(move || client.resume());
        });
        client.on(End, move |_, ()| ended.set(true));
        client.on(Close, move |_, _| assert!(at_close.get()));
        Ok(())
    });
    assert_eq!(seen.get(), 2 * MEGABYTE);
}
