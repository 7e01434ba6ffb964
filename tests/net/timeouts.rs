//! A connection on which nothing happens, and one that does not come to stand.

use crate::common::{
    ANY, LIMIT, Log, connect_to, guest, host, join, logged, next_turn, run, serve_one,
};
use onward::event_loop::ResourceKind;
use onward::events::*;
use onward::inspect::Resource;
use onward::net::{Server, ServerOptions, Socket, SocketOptions};
use onward::{ErrorKind, Handle, now};
use std::cell::{Cell, RefCell};
use std::io::{Read as _, Write as _};
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::mpsc;
use std::time::Duration;

const SHORT: Duration = Duration::from_millis(20);

/// However long its peer takes to end, it is not told of it.
fn end_in_silence(socket: &Socket) {
    socket.set_timeout(Duration::ZERO);
    socket.end();
}

#[test]
fn a_silence_is_told_once_and_closes_nothing() {
    let seen = logged(move |log| {
        let (client, peer) = connect_to(|mut stream| stream.read(&mut [0]).expect("the end"))?;
        log.watch(&client);
        client.on(Connect, |client, ()| client.set_timeout(SHORT));
        client.once(Timeout, move |client, ()| {
            assert!(!client.is_destroyed());
            // Three times as long, and it is not told again.
            let client = client.clone();
            onward::set_timeout(3 * SHORT, move || end_in_silence(&client));
        });
        drop(peer);
        Ok(())
    });
    seen.assert(&["connect", "timeout", "finish", "end", "close false"]);
}

#[test]
fn a_silence_that_is_broken_may_be_told_again() {
    let seen = logged(move |log| {
        let (client, peer) = connect_to(|mut stream| {
            let mut all = Vec::new();
            stream.read_to_end(&mut all).expect("the end");
            all.len()
        })?;
        log.watch(&client);
        client.on(Connect, |client, ()| client.set_timeout(SHORT));
        let mut told = 0;
        client.on(Timeout, move |client, ()| {
            told += 1;
            client.write("x");
            if told == 3 {
                end_in_silence(client);
            }
        });
        drop(peer);
        Ok(())
    });
    seen.assert(&["connect", "timeout", "timeout", "timeout", "finish", "end", "close false"]);
}

/// A time no later than that at which something happened last, to compare with when a silence is told.
#[derive(Clone, Default)]
pub(super) struct Last(Rc<Cell<Duration>>);

impl Last {
    /// To be called before it happens.
    fn note(&self) {
        self.0.set(now());
    }

    /// Notes whenever a count has changed by what the poller told: it was not before the loop began to wait for that.
    pub(super) fn follow(&self, count: impl Fn() -> u64 + 'static) -> onward::Result<()> {
        let (handle, last, counted) = (Handle::current()?, self.clone(), Cell::new(0));
        let waits = Rc::new(Cell::new(Duration::ZERO));
        let began = Rc::clone(&waits);
        handle.before_poll(move || waits.set(now()));
        handle.after_poll(move || {
            let now = count();
            if counted.replace(now) != now {
                last.0.set(began.get());
            }
        });
        Ok(())
    }

    pub(super) fn assert_silent_for(&self, silence: Duration) {
        let since = now() - self.0.get();
        assert!(since >= silence, "told after {since:?}");
    }
}

#[test]
fn what_comes_and_what_is_written_puts_it_off() {
    let silence = 4 * SHORT;
    let last = Last::default();
    let told = Rc::new(Cell::new(0));
    let telling = Rc::clone(&told);
    run(move || {
        let address = serve_one(|socket| {
            socket.pipe(socket);
        })?;
        let client = Socket::connect(address)?;
        client.set_timeout(silence);
        let read = client.clone();
        last.follow(move || read.bytes_read())?;
        client.on(Data, |_, _| {});
        let (writing, mut rounds) = (last.clone(), 0);
        client.on(Connect, move |client, ()| {
            let (client, last) = (client.clone(), writing.clone());
            onward::set_interval(SHORT, move |interval| {
                rounds += 1;
                last.note();
                client.write("x");
                if rounds == 10 {
                    interval.cancel();
                }
            });
        });
        client.on(Timeout, move |client, ()| {
            last.assert_silent_for(silence);
            telling.set(telling.get() + 1);
            if client.bytes_read() == 10 {
                client.end();
            }
        });
        Ok(())
    });
    assert!(told.get() > 0);
}

#[test]
fn it_is_not_told_while_a_slow_peer_takes_what_waits() {
    // More than the kernel takes at once, in small bites.
    const TOTAL: usize = 9 << 20;
    const SILENCE: Duration = Duration::from_millis(200);
    let (told, last) = (Rc::new(Cell::new(false)), Last::default());
    let lasted = Rc::clone(&told);
    let (address, peer) = host(|mut stream| {
        let (mut total, mut buffer) = (0, vec![0; 256 * 1024]);
        loop {
            // All in all longer than the silence, several times.
            std::thread::sleep(Duration::from_millis(10));
            match stream.read(&mut buffer).expect("bytes") {
                0 => return total,
                count => total += count,
            }
        }
    });
    run(move || {
        let client = Socket::connect(address)?;
        client.set_timeout(SILENCE);
        client.write(vec![1; TOTAL]);
        client.end();
        let (writer, begun) = (client.clone(), now());
        last.follow(move || writer.bytes_written())?;
        client.on(Close, move |_, _| lasted.set(now() - begun > SILENCE));
        // Even on a machine that stands still for a while: not while bytes move.
        client.on(Timeout, move |client, ()| {
            if client.queued() > 0 {
                last.assert_silent_for(SILENCE);
            }
        });
        Ok(())
    });
    assert_eq!(join(peer), TOTAL);
    assert!(told.get(), "it took longer than a silence");
}

#[test]
fn it_is_told_while_a_peer_takes_nothing_of_what_waits() {
    let log = Log::default();
    let seen = log.clone();
    let (done, wait) = mpsc::channel::<()>();
    let (address, peer) = host(move |stream| {
        let _ = wait.recv_timeout(LIMIT);
        drop(stream);
    });
    run(move || {
        let client = Socket::connect(address)?;
        log.watch(&client);
        client.on(Connect, |client, ()| client.set_timeout(SHORT));
        client.write(vec![1; 12 << 20]);
        let done = RefCell::new(Some(done));
        client.on(Timeout, move |client, ()| {
            assert!(client.queued() > 0);
            client.destroy();
            drop(done.take());
        });
        Ok(())
    });
    seen.assert(&["connect", "timeout", "close false"]);
    join(peer);
}

#[test]
fn zero_turns_it_off_and_another_time_replaces_it() {
    let seen = logged(move |log| {
        let (client, peer) = connect_to(|mut stream| stream.read(&mut [0]).expect("the end"))?;
        log.watch(&client);
        client.on(Connect, |client, ()| {
            client.set_timeout(Duration::ZERO);
            client.set_timeout(SHORT);
            client.set_timeout(LIMIT);
            client.set_timeout(SHORT);
            client.set_timeout(Duration::ZERO);
            let client = client.clone();
            onward::set_timeout(3 * SHORT, move || client.end());
        });
        drop(peer);
        Ok(())
    });
    seen.assert(&["connect", "finish", "end", "close false"]);
}

#[test]
fn nothing_is_told_after_destroy_and_a_time_that_is_set_then_does_nothing() {
    let seen = logged(move |log| {
        let (client, peer) = connect_to(|mut stream| stream.read(&mut [0]).expect("the end"))?;
        log.watch(&client);
        client.on(Connect, |client, ()| {
            client.set_timeout(Duration::from_nanos(1));
            let client = client.clone();
            next_turn(move || {
                client.destroy();
                client.set_timeout(Duration::from_nanos(1));
            });
        });
        client.on(Close, |client, _| client.set_timeout(Duration::from_nanos(1)));
        drop(peer);
        Ok(())
    });
    assert!(seen.ends_with(&["close false"]));
}

#[test]
fn the_loop_waits_for_no_silence() {
    run(|| {
        let (client, peer) = connect_to(|mut stream| stream.read(&mut [0]).expect("the end"))?;
        client.set_timeout(LIMIT * 100);
        client.unref();
        drop(peer);
        Ok(())
    });
}

#[test]
fn sockets_of_a_server_tell_silences_too() {
    let seen = logged(move |log| {
        let options = SocketOptions::new().timeout(SHORT);
        let server = ServerOptions::new().sockets(options).listen(ANY)?;
        let peer = guest(server.local_addr(), |mut stream| stream.read(&mut [0]).expect("the end"));
        server.on(Connection, move |server, socket| {
            server.close();
            log.watch(&socket);
            socket.on(Timeout, |socket, ()| end_in_silence(socket));
        });
        drop(peer);
        Ok(())
    });
    seen.assert(&["timeout", "finish", "end", "close false"]);
}

/// A server whose queue of guests is full: who comes then is not answered.
#[cfg(target_os = "linux")]
fn deaf() -> (Server, Vec<std::net::TcpStream>) {
    let server = ServerOptions::new().backlog(0).listen(ANY).expect("a free port");
    let waiting = vec![crate::common::plain(server.local_addr())];
    (server, waiting)
}

#[cfg(target_os = "linux")]
#[test]
fn a_connection_that_does_not_come_to_stand_in_time_is_one_error() {
    let seen = logged(move |log| {
        let (server, waiting) = deaf();
        let began = now();
        let client = SocketOptions::new().connect_timeout(SHORT).connect(server.local_addr())?;
        log.watch(&client);
        client.prepend(Error, move |client, error| {
            assert!(now() - began >= SHORT);
            assert_eq!((error.kind(), error.operation()), (ErrorKind::TimedOut, "connect"));
            assert_eq!(error.target(), Some(&*server.local_addr().to_string()));
            assert!(client.is_destroyed());
            server.close();
            assert_eq!(waiting.len(), 1);
        });
        Ok(())
    });
    seen.assert(&["error TimedOut", "close true"]);
}

#[cfg(target_os = "linux")]
#[test]
fn connecting_counts_as_a_silence() {
    let seen = logged(move |log| {
        let (server, waiting) = deaf();
        let client = SocketOptions::new().timeout(SHORT).connect(server.local_addr())?;
        log.watch(&client);
        client.on(Timeout, move |client, ()| {
            client.destroy();
            server.close();
            assert_eq!(waiting.len(), 1);
        });
        Ok(())
    });
    seen.assert(&["timeout", "close false"]);
}

#[test]
fn a_limit_for_connecting_is_over_once_it_stands() {
    let seen = logged(move |log| {
        let (address, peer): (SocketAddr, _) = host(|mut stream| {
            stream.write_all(b"hello").expect("it is read");
            stream.read(&mut [0]).expect("the end")
        });
        let client = SocketOptions::new().connect_timeout(LIMIT).connect(address)?;
        log.watch(&client);
        client.on(Data, |client, _| {
            let dump = onward::inspect::dump();
            let here = |timer: &&Resource| {
                timer.kind == ResourceKind::Timer
                    && timer.location.is_some_and(|location| location.file() == file!())
            };
            assert_eq!(dump.resources.iter().filter(here).count(), 0);
            client.end();
        });
        drop(peer);
        Ok(())
    });
    seen.assert(&["connect", "data hello", "finish", "end", "close false"]);
}
