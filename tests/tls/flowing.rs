//! Many bytes, and who waits for whom.

use super::support::{acceptor, blocking, connector, converse, goodbye, serve_one};
use crate::common::pattern::Pattern;
use crate::common::{Log, guest, join, run};
use onward::net::Socket;
use onward::stream::WhenFull;
use onward::{events::*, next_tick};
use std::cell::{Cell, RefCell};
use std::io::{Read as _, Write as _};
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::mpsc;
use std::thread::JoinHandle;
use std::time::Duration;

const MUCH: usize = 8 << 20;

/// Writes the pattern, as fast as it is taken, and ends.
fn pour(socket: &Socket, total: usize) {
    let pattern = Rc::new(RefCell::new((Pattern::new(), total)));
    let pour = move |socket: &Socket| {
        let (pattern, left) = &mut *pattern.borrow_mut();
        while *left > 0 {
            let chunk = pattern.next((*left).min(50_000));
            *left -= chunk.len();
            let go_on = socket.write(chunk);
            if *left == 0 {
                socket.end();
            }
            if !go_on {
                assert!(socket.queued() > 0 && socket.needs_drain());
                return;
            }
        }
    };
    pour(socket);
    socket.on(Drain, move |socket, ()| {
        assert_eq!(socket.queued(), 0);
        pour(socket);
    });
}

/// Checks that the pattern comes.
fn drink(socket: &Socket, total: usize) {
    let pattern = RefCell::new(Pattern::new());
    let seen = Rc::new(Cell::new(0));
    let counting = Rc::clone(&seen);
    socket.on(Data, move |_, chunk| {
        pattern.borrow_mut().check(chunk);
        counting.set(counting.get() + chunk.len());
    });
    socket.on(End, move |_, ()| assert_eq!(seen.get(), total));
}

#[test]
fn much_flows_both_ways_at_once_and_nothing_is_lost() {
    let both = |socket: &Socket| {
        drink(socket, MUCH);
        pour(socket, MUCH);
        socket.on(Close, |socket, had_error| {
            assert!(!had_error);
            assert_eq!((socket.bytes_read(), socket.bytes_written()), (MUCH as u64, MUCH as u64));
        });
    };
    let log = Log::default();
    run(move || {
        let address = serve_one(acceptor(), &log, both)?;
        both(&connector().connect(address)?);
        Ok(())
    });
}

#[test]
fn an_echo_by_a_pipe_waits_for_its_reader() {
    let log = Log::default();
    run(move || {
        let address = serve_one(acceptor(), &log, |socket| _ = socket.pipe(socket))?;
        let client = connector().connect(address)?;
        drink(&client, MUCH);
        pour(&client, MUCH);
        // It stops in the middle of everything, now and then.
        let count = Cell::new(0);
        client.on(Data, move |client, _| {
            count.set(count.get() + 1);
            if count.get() % 7 == 0 {
                client.pause();
                let client = client.clone();
                onward::set_immediate(move || client.resume());
            }
        });
        Ok(())
    });
}

#[test]
fn while_it_is_paused_nothing_comes_and_the_peer_has_to_wait() {
    let log = Log::default();
    run(move || {
        let pouring = Rc::new(RefCell::new(None::<Socket>));
        let waits = Rc::clone(&pouring);
        let address = serve_one(acceptor(), &log, move |socket| {
            socket.set_max_queued(usize::MAX);
            pour(socket, 4 * MUCH);
            waits.replace(Some(socket.clone()));
        })?;
        let client = connector().connect(address)?;
        let paused = Rc::new(Cell::new(false));
        let pausing = Rc::clone(&paused);
        client.once(Data, move |client, _| {
            client.pause();
            let (client, before) = (client.clone(), client.bytes_read());
            pausing.set(true);
            onward::set_timeout(Duration::from_millis(300), move || {
                assert_eq!(client.bytes_read(), before);
                // As much as the kernels take, and no more.
                let written = pouring.take().expect("it pours").bytes_written();
                assert!(written > 0 && written < 4 * MUCH as u64, "{written}");
                pausing.set(false);
                client.resume();
            });
        });
        client.on(Data, move |client, _| assert!(!paused.get() || client.is_paused()));
        let total = Rc::new(Cell::new(0));
        let counting = Rc::clone(&total);
        client.on(Data, move |_, chunk| counting.set(counting.get() + chunk.len()));
        client.on(End, move |_, ()| assert_eq!(total.get(), 4 * MUCH));
        Ok(())
    });
}

#[test]
fn the_rest_of_a_record_is_told_when_it_is_resumed_though_nothing_new_comes() {
    // One read takes more than is told before the pause: the driver knows nothing of the rest.
    const SIZE: usize = 200_000;
    let log = Log::default();
    run(move || {
        let address = serve_one(acceptor(), &log, |socket| {
            let chunks = Cell::new(0);
            let total = Rc::new(Cell::new(0));
            let counting = Rc::clone(&total);
            socket.on(Data, move |socket, chunk| {
                counting.set(counting.get() + chunk.len());
                chunks.set(chunks.get() + 1);
                socket.pause();
                let socket = socket.clone();
                onward::set_timeout(Duration::from_millis(5), move || socket.resume());
            });
            socket.on(End, move |_, ()| assert_eq!(total.get(), SIZE));
        })?;
        let thread = guest(address.as_socket_addr().unwrap(), |stream| {
            let mut tls = blocking(stream);
            tls.write_all(&[b'x'; SIZE]).expect("it stands");
            goodbye(&mut tls);
            tls.read(&mut [0]).expect("a goodbye")
        });
        onward::spawn_blocking(move || join(thread)).then(|ended| assert_eq!(ended.unwrap(), 0));
        Ok(())
    });
}

#[test]
fn small_writes_of_one_listener_are_one_record() {
    let log = Log::default();
    run(move || {
        let address = serve_one(acceptor(), &log, |socket| {
            socket.on(Data, |socket, _| {
                socket.write("head");
                socket.write("body");
                let later = socket.clone();
                next_tick(move || later.end_with("tail"));
            });
        })?;
        let thread = guest(address.as_socket_addr().unwrap(), |stream| {
            let mut tls = blocking(stream);
            tls.write_all(b"?").expect("it stands");
            let mut buffer = [0; 100];
            // What is read at once was one record, as far as this reader looks.
            let count = tls.read(&mut buffer).expect("an answer");
            goodbye(&mut tls);
            String::from_utf8_lossy(&buffer[..count]).into_owned()
        });
        onward::spawn_blocking(move || join(thread)).then(|text| {
            assert_eq!(text.expect("it ends"), "headbodytail");
        });
        Ok(())
    });
}

/// A client in a thread that reads all there is, once it is told to begin; and what tells it.
fn reluctant(address: SocketAddr) -> (mpsc::Sender<()>, JoinHandle<Vec<u8>>) {
    let (go, begins) = mpsc::channel();
    let thread = guest(address, move |stream| {
        let mut tls = blocking(stream);
        while tls.conn.is_handshaking() {
            tls.conn.complete_io(&mut tls.sock).expect("a handshake");
        }
        begins.recv().expect("it is told");
        let mut all = Vec::new();
        tls.read_to_end(&mut all).expect("all of it");
        goodbye(&mut tls);
        all
    });
    (go, thread)
}

/// More than two kernels keep for somebody who does not read.
const TOO_MUCH: usize = 32 << 20;

#[test]
fn a_queue_that_is_full_drops_only_what_has_not_begun() {
    // Chunks that do not fit are dropped whole; those that are encrypted already are sent.
    const CHUNK: usize = 40_000;
    let log = Log::default();
    run(move || {
        let go = Rc::new(Cell::new(None));
        let asked = Rc::clone(&go);
        let address = serve_one(acceptor(), &log, move |socket| {
            socket.set_max_queued(CHUNK);
            socket.set_when_full(WhenFull::Drop);
            for number in 0..(TOO_MUCH / CHUNK) as u16 {
                socket.write(number.to_be_bytes().repeat(CHUNK / 2));
            }
            assert!(socket.dropped_chunks() > 0);
            socket.end();
            go.take().into_iter().for_each(|go: mpsc::Sender<()>| go.send(()).expect("it waits"));
        })?;
        let (go, thread) = reluctant(address.as_socket_addr().unwrap());
        asked.set(Some(go));
        onward::spawn_blocking(move || join(thread)).then(|all| {
            let all = all.expect("it ends");
            assert_eq!(all.len() % CHUNK, 0);
            let mut before = None;
            for chunk in all.chunks(CHUNK) {
                assert!(chunk.chunks(2).all(|pair| *pair == chunk[..2]), "a chunk in pieces");
                let number = u16::from_be_bytes([chunk[0], chunk[1]]);
                assert!(before < Some(number), "in order");
                before = Some(number);
            }
        });
        Ok(())
    });
}

#[test]
fn nobody_is_told_that_a_write_is_through_before_the_system_has_it() {
    let (log, told) = (Log::default(), Log::default());
    let noting = told.clone();
    run(move || {
        let go = Rc::new(Cell::new(None));
        let (asked, noting) = (Rc::clone(&go), noting.clone());
        let address = serve_one(acceptor(), &log, move |socket| {
            let (first, second, sender) = (noting.clone(), noting.clone(), socket.clone());
            // More than the system takes while nobody reads, and then a little.
            socket.set_max_queued(2 * TOO_MUCH);
            socket.write_then(vec![b'x'; TOO_MUCH], move |sent| {
                assert!(sender.bytes_written() >= TOO_MUCH as u64);
                first.note(format!("much {sent:?}"));
            });
            assert!(socket.queued() > 0);
            socket.write_then("y", move |sent| second.note(format!("little {sent:?}")));
            socket.on(Drain, |socket, ()| {
                let written = TOO_MUCH as u64 + 1;
                assert_eq!((socket.queued(), socket.bytes_written()), (0, written));
                socket.end();
            });
            go.take().into_iter().for_each(|go: mpsc::Sender<()>| go.send(()).expect("it waits"));
        })?;
        let (go, thread) = reluctant(address.as_socket_addr().unwrap());
        asked.set(Some(go));
        onward::spawn_blocking(move || join(thread))
            .then(|all| assert_eq!(all.unwrap().len(), TOO_MUCH + 1));
        Ok(())
    });
    told.assert(&["much Ok(())", "little Ok(())"]);
}

#[test]
fn input_that_nobody_wants_is_thrown_away_until_the_end() {
    let (host, guest) = converse(
        acceptor(),
        connector(),
        |socket| {
            socket.discard_input();
            socket.end_with("closed");
        },
        |client| {
            client.write(vec![b'x'; 300_000]);
            client.end();
        },
    );
    host.assert(&["finish", "end", "close false"]);
    assert!(guest.ends_with(&["close false"]), "{guest:?}");
}

#[test]
fn large_writes_one_after_the_other_all_leave_though_the_peer_says_nothing() {
    // Far more than is encrypted in one go, and no more than the kernel takes at once.
    const CHUNK: usize = 200_000;
    const CHUNKS: usize = 5;
    let log = Log::default();
    run(move || {
        let address = serve_one(acceptor(), &log, |socket| {
            let left = Cell::new(CHUNKS);
            let socket = socket.clone();
            onward::set_interval(Duration::from_millis(1), move |interval| {
                if socket.queued() > 0 {
                    return;
                }
                socket.write(vec![b'x'; CHUNK]);
                left.set(left.get() - 1);
                if left.get() == 0 {
                    socket.end();
                    interval.cancel();
                }
            });
        })?;
        let (go, thread) = reluctant(address.as_socket_addr().unwrap());
        go.send(()).expect("it waits");
        onward::spawn_blocking(move || join(thread)).then(|all| {
            assert_eq!(all.expect("it ends").len(), CHUNKS * CHUNK);
        });
        Ok(())
    });
}

#[test]
fn a_peer_that_says_a_lot_that_comes_to_little_leaves_time_for_others() {
    // New keys, of which one takes as long as a kilobyte, and nothing is told of them.
    const ROUNDS: usize = 350;
    const UPDATES: usize = 30;
    run(|| {
        let (said, when_said) = mpsc::channel();
        let server = onward::tls::Server::listen(crate::common::ANY, acceptor())?;
        let thread = guest(server.local_addr(), move |stream| {
            let mut tls = blocking(stream);
            while tls.conn.is_handshaking() {
                tls.conn.complete_io(&mut tls.sock).expect("a handshake");
            }
            for _ in 0..ROUNDS {
                for _ in 0..UPDATES {
                    tls.conn.refresh_traffic_keys().expect("it is secure");
                }
                tls.write_all(b"x").expect("it stands");
            }
            tls.conn.send_close_notify();
            tls.flush().expect("it stands");
            said.send(()).expect("the loop waits for it");
            assert_eq!(tls.read(&mut [0]).expect("a goodbye"), 0);
        });
        let (chunks, when_said) = (Rc::new(Cell::new(0)), Cell::new(Some(when_said)));
        server.on(SecureConnection, move |server, socket| {
            server.close();
            socket.pause();
            let counting = Rc::clone(&chunks);
            socket.on(Data, move |_, chunk| {
                assert!(chunk.len() < ROUNDS / 2, "{} of {ROUNDS} at once", chunk.len());
                counting.set(counting.get() + chunk.len());
            });
            let all = Rc::clone(&chunks);
            socket.on(End, move |_, ()| assert_eq!(all.get(), ROUNDS));
            let said = when_said.take().expect("there is one guest");
            crate::common::when(said, move |()| socket.resume());
        });
        onward::spawn_blocking(move || join(thread)).then(|done| done.expect("it ends"));
        Ok(())
    });
}
