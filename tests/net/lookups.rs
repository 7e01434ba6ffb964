//! A loop's own way to look up names.

use crate::common::{ANY, Log, logged, next_turn, run};
use onward::events::*;
use onward::net::{self, Connector, Server, Socket, UdpSocket};
use onward::{ErrorKind, EventLoop, Result};
use std::cell::{Cell, RefCell};
use std::io;
use std::net::SocketAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;

/// Has all names stand for this address, and notes who asked.
fn all_are(address: SocketAddr, log: &Log) -> Result<()> {
    let log = log.clone();
    net::set_lookup(move |host, port| {
        log.note(format!("ask {host} {port}"));
        async move { Ok(vec![address]) }
    })
}

fn server() -> Result<SocketAddr> {
    let server = Server::listen(ANY)?;
    server.on(Connection, |server, socket| {
        server.close();
        socket.end();
        socket.resume();
    });
    Ok(server.local_addr().as_socket_addr().expect("an IP address"))
}

#[test]
fn every_socket_of_the_loop_connects_by_it() {
    let seen = logged(move |log| {
        let address = server()?;
        all_are(address, &log)?;
        let socket = Socket::connect("db.internal:80")?;
        log.note("called");
        let told = log.clone();
        socket.on(Lookup, move |_, found| {
            assert_eq!(found, [address]);
            told.note("lookup");
        });
        log.watch(&socket);
        Ok(())
    });
    let events = ["lookup", "connect", "end", "finish", "close false"];
    seen.assert(&[&["ask db.internal 80", "called"][..], &events].concat());
}

#[test]
fn who_looks_up_and_who_sends_datagrams_gets_its_answer_too() {
    let seen = logged(move |log| {
        let peer = UdpSocket::bind(ANY)?;
        let there = peer.local_addr().expect("it is bound");
        all_are(there, &log)?;
        let told = log.clone();
        net::lookup("one.internal:1")?.then(move |found| {
            assert_eq!(found.expect("an answer"), [there]);
            told.note("found");
        });
        let socket = UdpSocket::new()?;
        socket.connect("two.internal:2")?;
        assert!(!socket.send("hello"), "it waits until it is known where to");
        peer.on(Message, move |peer, (bytes, _)| {
            assert_eq!((bytes, socket.peer_addr()), (&b"hello"[..], Some(there)));
            socket.close();
            peer.close();
        });
        Ok(())
    });
    seen.assert(&["ask one.internal 1", "ask two.internal 2", "found"]);
}

#[test]
fn numbers_are_no_names_and_a_connector_keeps_its_own() {
    let seen = logged(move |log| {
        let address = server()?;
        all_are(([127, 0, 0, 1], 1).into(), &log)?;
        net::lookup(address)?.then(move |found| assert_eq!(found.expect("a number"), [address]));
        let own = Connector::new().lookup(move |_, _| async move { Ok(vec![address]) });
        log.watch(&own.connect("db.internal:80")?);
        Ok(())
    });
    seen.assert(&["connect", "end", "finish", "close false"]);
}

#[test]
fn it_can_be_changed_by_itself_and_taken_back_and_asks_the_system_for_the_rest() {
    let seen = logged(move |log| {
        let told = log.clone();
        net::set_lookup(move |_, _| {
            told.note("first");
            all_are(([127, 0, 0, 9], 9).into(), &told).expect("there is a loop");
            async { Ok(vec![([127, 0, 0, 8], 8).into()]) }
        })?;
        onward::spawn_or_fail(async move {
            let ask = |name: &str| net::lookup(format!("{name}:80"));
            assert_eq!(ask("a.internal")?.await?, [([127, 0, 0, 8], 8).into()]);
            assert_eq!(ask("b.internal")?.await?, [([127, 0, 0, 9], 9).into()]);
            assert!(net::system_lookup("localhost:80")?.await?[0].ip().is_loopback());
            net::reset_lookup()?;
            assert!(ask("localhost")?.await?[0].ip().is_loopback());
            Ok(())
        });
        Ok(())
    });
    seen.assert(&["first", "ask b.internal 80"]);
}

#[test]
fn what_goes_wrong_in_it_is_the_error_of_who_asked() {
    let seen = logged(move |log| {
        net::set_lookup(|_, _| async { Err(io::Error::other("no more numbers").into()) })?;
        let expected = |error: &onward::Error| {
            assert_eq!(error.target(), Some("db.internal:80"));
            assert!(error.to_string().contains("no more numbers"), "{error}");
        };
        let socket = Socket::connect("db.internal:80")?;
        socket.on(Error, move |_, error| expected(error));
        log.watch(&socket);
        net::lookup("db.internal:80")?.then(move |found| expected(&found.expect_err("none")));
        let datagrams = UdpSocket::bind(ANY)?;
        datagrams.connect("db.internal:80")?;
        datagrams.on(Error, move |socket, error| {
            expected(error);
            socket.close();
        });
        Ok(())
    });
    seen.assert(&["error Other", "close true"]);
}

#[test]
fn no_address_is_an_error_as_well() {
    run(|| {
        net::set_lookup(|_, _| async { Ok(vec![]) })?;
        let socket = Socket::connect("db.internal:80")?;
        socket.on(Error, |_, error| assert_eq!(error.io_kind(), Some(io::ErrorKind::NotFound)));
        let datagrams = UdpSocket::new()?;
        datagrams.connect("db.internal:80")?;
        datagrams.on(Error, |socket, error| {
            assert_eq!(error.io_kind(), Some(io::ErrorKind::NotFound));
            socket.close();
        });
        Ok(())
    });
}

#[test]
fn one_that_panics_does_so_in_the_call_that_asks_and_nothing_has_begun() {
    run(|| {
        net::set_lookup(|host, _| {
            assert!(host != "bad.internal", "as planned");
            async { Ok(vec![([127, 0, 0, 1], 9).into()]) }
        })?;
        let datagrams = UdpSocket::bind(ANY)?;
        let panics = |call: &dyn Fn() -> Result<()>| {
            catch_unwind(AssertUnwindSafe(call)).expect_err("it panics");
        };
        panics(&|| Socket::connect("bad.internal:80").map(drop));
        panics(&|| net::lookup("bad.internal:80").map(drop));
        panics(&|| datagrams.connect("bad.internal:80"));
        // It has no peer, and waits for none.
        assert!(datagrams.send_to("x", ([127, 0, 0, 1], 9)) && datagrams.peer_addr().is_none());
        datagrams.connect("good.internal:80")?;
        datagrams.on(Connect, |socket, ()| socket.close());
        Ok(())
    });
}

#[test]
fn its_futures_go_with_those_who_asked_and_the_loop_does_not_wait_for_them() {
    struct Gone(Rc<Cell<usize>>);
    impl Drop for Gone {
        fn drop(&mut self) {
            self.0.set(self.0.get() + 1);
        }
    }
    let gone = Rc::new(Cell::new(0));
    let counted = Rc::clone(&gone);
    run(move || {
        let counting = Rc::clone(&counted);
        net::set_lookup(move |_, _| {
            let gone = Gone(Rc::clone(&counting));
            async move {
                let _kept = gone;
                std::future::pending().await
            }
        })?;
        let (socket, datagrams) = (Socket::connect("a.internal:80")?, UdpSocket::new()?);
        datagrams.connect("b.internal:80")?;
        let lookup = net::lookup("c.internal:80")?;
        next_turn(move || {
            assert_eq!(counted.get(), 0);
            socket.destroy();
            datagrams.close();
            drop(lookup);
        });
        Ok(())
    });
    assert_eq!(gone.get(), 3);
}

#[test]
fn each_loop_has_its_own_and_drops_it_with_itself() {
    let kept = Rc::new(RefCell::new(()));
    let (first, second) = (EventLoop::new().expect("a loop"), EventLoop::new().expect("a loop"));
    let captured = Rc::clone(&kept);
    first.enter(|| {
        let lookup = move |_: &str, _: u16| {
            let _kept = &captured;
            async { Ok(vec![([127, 0, 0, 9], 9).into()]) }
        };
        net::set_lookup(lookup).expect("there is a loop");
    });
    second.enter(|| {
        let found = net::lookup("localhost:80").expect("an address");
        found.then(|found| assert_ne!(found.expect("known"), [([127, 0, 0, 9], 9).into()]));
    });
    second.run().expect("it ends well");
    assert_eq!(Rc::strong_count(&kept), 2);
    first.run().expect("it ends well");
    drop(first);
    assert_eq!(Rc::strong_count(&kept), 1);
    for outside in [net::set_lookup(|_, _| async { Ok(vec![]) }), net::reset_lookup()] {
        assert_eq!(outside.expect_err("no loop").kind(), ErrorKind::NotInLoop);
    }
}

#[test]
fn one_whose_future_panics_is_an_error_of_who_asked() {
    let event_loop = EventLoop::new().unwrap();
    let log = Log::default();
    event_loop
        .enter(|| {
            let connector = Connector::new().lookup(|_, _| async { panic!("on purpose") });
            log.watch(&connector.connect("db.internal:80")?);
            net::set_lookup(|_, _| async { panic!("on purpose") })?;
            let socket = UdpSocket::new()?;
            socket.connect("db.internal:80")?;
            let told = log.clone();
            socket.send_then("x", move |sent| told.note(format!("sent {}", sent.is_ok())));
            let told = log.clone();
            socket.on(Error, move |socket, error| {
                told.note(format!("udp {:?}", error.kind()));
                socket.close();
            });
            let told = log.clone();
            let lookup = net::lookup("db.internal:80")?;
            lookup.then(move |found| told.note(format!("found {}", found.is_ok())));
            let stop = event_loop.handle();
            onward::set_timeout(crate::common::LIMIT, move || stop.stop()).unref();
            Result::<()>::Ok(())
        })
        .unwrap();
    let panics = std::iter::repeat_with(|| catch_unwind(AssertUnwindSafe(|| event_loop.run())));
    assert_eq!(panics.take_while(std::result::Result::is_err).count(), 3);
    log.assert(&["sent false", "udp Cancelled", "found false", "error Cancelled", "close true"]);
}

#[test]
fn those_who_wait_for_a_name_hear_of_it_in_the_order_in_which_they_asked() {
    let seen = logged(move |log| {
        let sockets: Vec<_> = (0..4)
            .map(|number| {
                let socket = Socket::connect("LOCALHOST:1").expect("an address");
                let told = log.clone();
                socket.on(Lookup, move |socket, _| {
                    told.note(format!("{number}"));
                    socket.destroy();
                });
                socket.on(Error, move |_, _| {});
                socket
            })
            .collect();
        sockets[0].destroy();
        Ok(())
    });
    seen.assert(&["1", "2", "3"]);
}
