//! `pipe` between sockets.

use crate::common::pattern::Pattern;
use crate::common::{
    ANY, LIMIT, Log, connect_to, guest, host, join, logged, next_turn, nobody, reset, run,
    serve_one,
};
use onward::events::*;
use onward::net::Address;
use onward::net::{Server, Socket};
use onward::stream::PipeOptions;
use std::cell::Cell;
use std::io::{Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::rc::Rc;
use std::thread;
use std::time::Duration;

const MEGABYTE: usize = 1 << 20;

/// Sends so many bytes of the pattern, and ends.
fn send_pattern(mut stream: &TcpStream, total: usize) {
    let mut pattern = Pattern::new();
    while pattern.place() < total {
        let left = total - pattern.place();
        stream.write_all(pattern.next(left)).expect("it is read");
    }
    stream.shutdown(Shutdown::Write).expect("it is open");
}

/// Reads to the end, checks each byte, and rests after each megabyte.
fn read_slowly(mut stream: &TcpStream) -> usize {
    let (mut pattern, mut buffer) = (Pattern::new(), vec![0; 32 * 1024]);
    loop {
        let before = pattern.place() / MEGABYTE;
        match stream.read(&mut buffer).expect("a chunk or the end") {
            0 => return pattern.place(),
            count => pattern.check(&buffer[..count]),
        }
        if pattern.place() / MEGABYTE > before {
            thread::sleep(Duration::from_millis(1));
        }
    }
}

#[test]
fn fifty_megabytes_echo_unchanged_through_a_bounded_queue_to_a_slow_reader() {
    const TOTAL: usize = 50 * MEGABYTE;
    let most_queued = Rc::new(Cell::new(0));
    let seen = Rc::clone(&most_queued);
    run(move || {
        let address = serve_one(move |socket| {
            socket.pipe(socket);
            let most_queued = Rc::clone(&most_queued);
            socket
                .on(Data, move |socket, _| most_queued.set(most_queued.get().max(socket.queued())));
            socket.on(Close, |socket, had_error| {
                assert!(!had_error);
                assert_eq!(
                    (socket.bytes_read(), socket.bytes_written()),
                    (TOTAL as u64, TOTAL as u64)
                );
            });
        })?;
        let client = guest(address, |stream| {
            thread::scope(|scope| {
                scope.spawn(|| send_pattern(&stream, TOTAL));
                read_slowly(&stream)
            })
        });
        onward::spawn_blocking(|| join(client))
            .then(|read| assert_eq!(read.expect("no panic"), TOTAL));
        Ok(())
    });
    // Less than high water before the last read, which is of at most 64 KiB.
    assert!(seen.get() <= 128 * 1024, "{} bytes were queued", seen.get());
}

/// A server that connects each guest to `upstream`, both ways, and hears the first one out.
fn proxy(upstream: SocketAddr, near: Log, far: Log) -> onward::Result<Address> {
    let server = Server::listen(ANY)?;
    server.on(Connection, move |server, guest| {
        server.close();
        let out = Socket::connect(upstream).expect("an address");
        near.watch_all_but_data(&guest);
        far.watch_all_but_data(&out);
        guest.set_half_open(true);
        out.set_half_open(true);
        guest.pipe(&out).pipe(&guest);
    });
    Ok(server.local_addr())
}

/// A proxy between two threads; what they made of it, and the events of its sockets.
fn talk_through_proxy<A: Send + std::fmt::Debug + 'static, B: Send + std::fmt::Debug + 'static>(
    ask: impl FnOnce(TcpStream) -> A + Send + 'static,
    answer: impl FnOnce(TcpStream) -> B + Send + 'static,
) -> (A, B, Log, Log) {
    let (near, far) = (Log::default(), Log::default());
    let (at_near, at_far) = (near.clone(), far.clone());
    let (upstream, answering) = host(answer);
    let asking = Rc::new(Cell::new(None));
    let started = Rc::clone(&asking);
    run(move || {
        started.set(Some(guest(proxy(upstream, at_near, at_far)?, ask)));
        Ok(())
    });
    (join(asking.take().expect("it was started")), join(answering), near, far)
}

#[test]
fn a_proxy_of_two_pipes_passes_everything_both_ways_and_both_ends() {
    const TOTAL: usize = 4 * MEGABYTE;
    let both = |stream: TcpStream| {
        thread::scope(|scope| {
            scope.spawn(|| send_pattern(&stream, TOTAL));
            read_slowly(&stream)
        })
    };
    let (asked, answered, near, far) = talk_through_proxy(both, both);
    assert_eq!((asked, answered), (TOTAL, TOTAL));
    assert!(near.ends_with(&["close false"]) && far.ends_with(&["close false"]));
}

#[test]
fn a_proxy_keeps_the_way_back_open_when_the_question_has_ended() {
    let ask = |mut stream: TcpStream| {
        stream.write_all(b"why?").expect("it is read");
        stream.shutdown(Shutdown::Write).expect("it is open");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("an answer");
        answer
    };
    let answer = |mut stream: TcpStream| {
        let mut question = String::new();
        stream.read_to_string(&mut question).expect("a question");
        stream.write_all(b"because").expect("it is read");
        question
    };
    let (answer, question, near, far) = talk_through_proxy(ask, answer);
    assert_eq!((question.as_str(), answer.as_str()), ("why?", "because"));
    near.assert(&["end", "finish", "close false"]);
    far.assert(&["connect", "finish", "end", "close false"]);
}

#[test]
fn when_the_guest_of_a_proxy_is_reset_its_upstream_is_closed() {
    let ask = |mut stream: TcpStream| {
        stream.write_all(b"x").expect("it is read");
        stream.read_exact(&mut [0]).expect("all stands");
        reset(stream);
    };
    let answer = |mut stream: TcpStream| {
        stream.write_all(b"x").expect("it is read");
        stream.read_to_end(&mut Vec::new()).expect("the end")
    };
    let ((), read, near, far) = talk_through_proxy(ask, answer);
    assert_eq!(read, 1);
    near.assert(&["error disconnect", "close true"]);
    far.assert(&["connect", "close false"]);
}

#[test]
fn when_the_upstream_of_a_proxy_is_reset_its_guest_is_closed() {
    let ask = |mut stream: TcpStream| {
        stream.write_all(b"x").expect("it is read");
        stream.read_to_end(&mut Vec::new()).expect("the end")
    };
    let answer = |mut stream: TcpStream| {
        stream.read_exact(&mut [0]).expect("all stands");
        reset(stream);
    };
    let (read, (), near, far) = talk_through_proxy(ask, answer);
    assert_eq!(read, 0);
    near.assert(&["close false"]);
    far.assert(&["connect", "error disconnect", "close true"]);
}

#[test]
fn when_the_upstream_of_a_proxy_refuses_its_guest_is_closed() {
    let (near, far) = (Log::default(), Log::default());
    let (at_near, at_far) = (near.clone(), far.clone());
    run(move || {
        let address = proxy(nobody(), at_near, at_far)?;
        let client = Socket::connect(address)?;
        client.resume();
        Ok(())
    });
    near.assert(&["close false"]);
    far.assert(&["error ConnectionRefused", "close true"]);
}

#[test]
fn destroying_one_end_of_a_pipe_closes_the_other() {
    for which in 0..2 {
        let (from_log, to_log) = (Log::default(), Log::default());
        let (seen_from, seen_to) = (from_log.clone(), to_log.clone());
        run(move || {
            let address = serve_one(Socket::resume)?;
            let (idle, _) = connect_to(|mut stream| stream.read(&mut [0]))?;
            let from = Socket::connect(address)?;
            from_log.watch_all_but_data(&from);
            to_log.watch_all_but_data(&idle);
            assert_eq!(from.pipe(&idle), idle);
            let doomed = if which == 0 { from } else { idle };
            doomed.on(Connect, |socket, ()| {
                let socket = socket.clone();
                next_turn(move || socket.destroy());
            });
            Ok(())
        });
        seen_from.assert(&["connect", "close false"]);
        seen_to.assert(&["connect", "close false"]);
    }
}

#[test]
fn piping_from_or_to_a_socket_that_is_closed_already_closes_the_other() {
    for which in 0..2 {
        let seen = logged(move |log| {
            let gone = Socket::connect("127.0.0.1:1")?;
            gone.on(Error, |_, _| {});
            let (open, _) = connect_to(|mut stream| stream.read(&mut [0]))?;
            log.watch_all_but_data(&open);
            gone.on(Close, move |gone, _| {
                let (gone, open) = (gone.clone(), open.clone());
                next_turn(move || {
                    drop(if which == 0 { gone.pipe(&open) } else { open.pipe(&gone) })
                });
            });
            Ok(())
        });
        seen.assert(&["connect", "close false"]);
    }
}

#[test]
fn a_source_with_two_sinks_waits_for_the_slower_one() {
    const TOTAL: usize = 24 * MEGABYTE;
    let (held, when_held) = std::sync::mpsc::channel();
    let (fast_address, fast_peer) = host(|stream| read_slowly(&stream));
    let (slow_address, slow_peer) = host(move |stream| {
        when_held.recv_timeout(LIMIT).expect("the slow sink fills up");
        read_slowly(&stream)
    });
    let (source_address, source_peer) = host(|stream| send_pattern(&stream, TOTAL));
    run(move || {
        let source = Socket::connect(source_address)?;
        let (fast, slow) = (Socket::connect(fast_address)?, Socket::connect(slow_address)?);
        source.pipe(&fast).resume();
        source.pipe(&slow).resume();
        let (sinks, mut held) = ([fast, slow.clone()], Some(held));
        source.on(Data, move |source, _| {
            for sink in &sinks {
                let taken = sink.bytes_written() + sink.queued() as u64;
                assert_eq!(
                    taken,
                    source.bytes_read(),
                    "both get everything, and nothing ahead of the other"
                );
                assert!(sink.queued() < 128 * 1024, "{} bytes queued", sink.queued());
            }
            if sinks[1].needs_drain() {
                if let Some(held) = held.take() {
                    held.send(()).expect("the peer waits for it");
                }
            }
        });
        Ok(())
    });
    join(source_peer);
    assert_eq!((join(fast_peer), join(slow_peer)), (TOTAL, TOTAL));
}

#[test]
fn a_drain_does_not_undo_the_users_own_pause() {
    let (address, peer) = host(|stream| read_slowly(&stream));
    let (source_address, source_peer) = host(|stream| send_pattern(&stream, 8 * MEGABYTE));
    run(move || {
        let (source, sink) = (Socket::connect(source_address)?, Socket::connect(address)?);
        source.pipe(&sink).resume();
        let paused = Rc::new(Cell::new(false));
        let checking = Rc::clone(&paused);
        source.on(Data, move |_, _| assert!(!checking.get(), "data while paused"));
        let user = source.clone();
        sink.on(Drain, move |_, ()| {
            user.pause();
            paused.set(true);
            let (user, paused) = (user.clone(), Rc::clone(&paused));
            next_turn(move || {
                paused.set(false);
                user.resume();
            });
        });
        Ok(())
    });
    join(source_peer);
    assert_eq!(join(peer), 8 * MEGABYTE);
}

#[test]
fn a_sink_that_is_not_to_be_ended_takes_one_source_after_the_other() {
    let log = Log::default();
    let seen = log.clone();
    let (address, peer) = host(|mut stream| {
        let mut all = String::new();
        stream.read_to_string(&mut all).expect("text");
        all
    });
    run(move || {
        let sink = Socket::connect(address)?;
        log.watch(&sink);
        let (first, _) = host(|mut stream| stream.write_all(b"one, "));
        let (second, _) = host(|mut stream| stream.write_all(b"two"));
        let source = Socket::connect(first)?;
        source.pipe_with(&sink, PipeOptions::new().end(false));
        source.on(Close, move |_, _| {
            assert!(!sink.is_destroyed());
            assert_eq!(sink.listener_count(Drain), 1, "the pipe has left");
            Socket::connect(second).expect("an address").pipe(&sink);
        });
        Ok(())
    });
    assert_eq!(join(peer), "one, two");
    seen.assert(&["connect", "finish", "end", "close false"]);
}

#[test]
fn piping_from_a_socket_that_has_ended_already_ends_the_sink() {
    let seen = logged(move |log| {
        let (source, _) = connect_to(drop)?;
        let (sink, _) = connect_to(|mut stream| stream.read(&mut [0]))?;
        log.watch(&sink);
        source.set_half_open(true);
        source.resume();
        source.on(End, move |source, ()| {
            let (source, sink) = (source.clone(), sink.clone());
            next_turn(move || {
                source.pipe(&sink);
                source.end();
            });
        });
        Ok(())
    });
    seen.assert(&["connect", "finish", "end", "close false"]);
}
