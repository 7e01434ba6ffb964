//! Sources that come and go while the loop serves others.

use super::support::{connected, field, in_time, trace};
use onward::events::*;
use onward::net::{Server, Socket};
use onward::{Handle, set_immediate};
use std::cell::{Cell, RefCell};
use std::net::TcpStream;
use std::rc::Rc;

#[test]
fn what_was_destroyed_by_another_in_the_same_turn_hears_of_nothing_any_more() {
    let noted = trace(|log| {
        let server = Server::listen("127.0.0.1:0")?;
        let (log, sockets) = (log.clone(), Rc::new(RefCell::new(Vec::<Socket>::new())));
        let peers: Vec<TcpStream> =
            (0..2).map(|_| TcpStream::connect(server.local_addr()).unwrap()).collect();
        let peers = Cell::new(Some(peers));
        server.on(Connection, move |server, socket| {
            let (all, noted) = (Rc::clone(&sockets), log.clone());
            socket.on(Data, move |_, chunk| {
                noted.note(format!("data {}", chunk.len()));
                all.borrow().iter().for_each(Socket::destroy);
                // A new source, which must not hear what was meant for an old one.
                let fresh = Server::listen("127.0.0.1:0").unwrap();
                let noted = noted.clone();
                fresh.on(Connection, move |_, _| noted.note("stray"));
                set_immediate(move || fresh.close());
            });
            let noted = log.clone();
            socket.on(End, move |_, ()| noted.note("end"));
            let noted = log.clone();
            socket.on(Close, move |_, had_error| noted.note(format!("close {had_error}")));
            sockets.borrow_mut().push(socket);
            if sockets.borrow().len() == 2 {
                use std::io::Write as _;
                server.close();
                // Both are ready when the loop looks the next time.
                for mut peer in peers.take().unwrap() {
                    peer.write_all(b"hello").unwrap();
                }
            }
        });
        Ok(())
    });
    assert_eq!(noted, "data 5 close false close false");
}

#[cfg(target_os = "linux")]
#[test]
fn a_descriptor_that_is_closed_and_opened_anew_in_one_batch_hears_nothing_of_its_past() {
    use std::os::fd::AsRawFd as _;
    // Which number the next one gets depends on all that the process does.
    let name = "a_descriptor_that_is_closed_and_opened_anew_in_one_batch_hears_nothing_of_its_past";
    super::support::in_child(&format!("event_loop::sources::{name}"), || {
        let next = || std::fs::File::open("/dev/null").unwrap().as_raw_fd();
        onward::run(|| {
            let other = Server::listen("127.0.0.1:0")?;
            let number = next();
            let old = Server::listen("127.0.0.1:0")?;
            assert_ne!(next(), number);
            old.on(Connection, |_, _| unreachable!("it is closed before"));
            // Both are ready when the loop looks, in the order in which they came to it.
            let guests = [&other, &old].map(|server| TcpStream::connect(server.local_addr()));
            let handle = Handle::current()?;
            other.on(Connection, move |other, socket| {
                socket.destroy();
                assert!(guests.iter().all(Result::is_ok));
                let stale = field(&handle, "stale");
                old.close();
                assert_eq!(next(), number);
                let new = Server::listen("127.0.0.1:0").unwrap();
                assert_ne!(next(), number, "it has the same number");
                new.on(Connection, |_, _| unreachable!("nobody has come"));
                other.close();
                let handle = handle.clone();
                set_immediate(move || {
                    // It was told of the old one, and told nobody.
                    assert_eq!(field(&handle, "stale"), stale + 1);
                    new.close();
                });
            });
            Ok(())
        })
        .unwrap();
    });
}

#[test]
fn a_pause_from_another_callback_of_the_same_turn_counts_at_once() {
    let noted = trace(|log| {
        let server = Server::listen("127.0.0.1:0")?;
        let (log, sockets) = (log.clone(), Rc::new(RefCell::new(Vec::<Socket>::new())));
        let peers: Vec<TcpStream> =
            (0..2).map(|_| TcpStream::connect(server.local_addr()).unwrap()).collect();
        let peers = Cell::new(Some(peers));
        server.on(Connection, move |server, socket| {
            let (all, noted, mut first) = (Rc::clone(&sockets), log.clone(), true);
            socket.on(Data, move |me, _| {
                noted.note("data");
                if std::mem::take(&mut first) {
                    let others: Vec<_> =
                        all.borrow().iter().filter(|socket| *socket != me).cloned().collect();
                    others.iter().for_each(Socket::pause);
                    let noted = noted.clone();
                    set_immediate(move || {
                        noted.note("resume");
                        others.iter().for_each(Socket::resume);
                    });
                }
            });
            sockets.borrow_mut().push(socket);
            if sockets.borrow().len() == 2 {
                use std::io::Write as _;
                server.close();
                for mut peer in peers.take().unwrap() {
                    peer.write_all(b"hello").unwrap();
                }
            }
        });
        Ok(())
    });
    assert!(noted.starts_with("data resume data"), "{noted}");
}

#[test]
fn many_connections_come_and_go_and_leave_no_source_behind() {
    in_time(|| {
        let (event_loop, _) = super::support::make_loop();
        let closed = Rc::new(Cell::new(0));
        let counted = Rc::clone(&closed);
        event_loop.enter(|| {
            let server = Server::listen("127.0.0.1:0").unwrap();
            server.on(Connection, |_, socket| {
                socket.on(Data, |socket, chunk| socket.end_with(chunk));
                socket.on(Error, |_, _| {});
            });
            for _ in 0..200 {
                let client = Socket::connect(server.local_addr()).unwrap();
                client.end_with("hello");
                client.on(Data, |_, chunk| assert_eq!(chunk, b"hello"));
                let (counted, server) = (Rc::clone(&counted), server.clone());
                client.on(Close, move |_, had_error| {
                    assert!(!had_error);
                    counted.set(counted.get() + 1);
                    if counted.get() == 200 {
                        server.close();
                    }
                });
            }
        });
        event_loop.run().unwrap();
        assert_eq!(closed.get(), 200);
        assert_eq!(field(&event_loop.handle(), "sources"), 0);
        assert_eq!(field(&event_loop.handle(), "timers"), 0);
    });
}

#[test]
fn unref_and_ref_of_sources_count_once_however_often_they_are_said() {
    in_time(|| {
        onward::run(|| {
            let handle = Handle::current()?;
            let sources = move || field(&handle, "sources");
            let server = Server::listen("127.0.0.1:0")?;
            assert_eq!(sources(), 1);
            for _ in 0..3 {
                server.unref();
            }
            assert_eq!(sources(), 0);
            for _ in 0..3 {
                server.ref_();
            }
            assert_eq!(sources(), 1);
            connected(&server.clone(), move |client, accepted| {
                assert_eq!(sources(), 3);
                client.unref();
                client.destroy();
                client.ref_();
                assert_eq!(sources(), 2);
                accepted.destroy();
                accepted.unref();
                server.close();
                server.unref();
                server.ref_();
                assert_eq!(sources(), 0);
            });
            Ok(())
        })
        .unwrap();
    });
}
