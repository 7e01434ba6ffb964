//! Which event comes when.

use crate::common::{ANY, Log, connect_to, logged, run, serve_one};
use onward::net::{Server, Socket};
use onward::{Result, events::*, next_tick, set_immediate};
use std::cell::Cell;
use std::io::Write as _;
use std::rc::Rc;

/// A server that lets `serve` talk to its guest, and the records of both sides.
fn converse(serve: fn(&Socket), ask: fn(&Socket)) -> (Log, Log) {
    let (host, guest) = (Log::default(), Log::default());
    let (hosting, asking) = (host.clone(), guest.clone());
    run(move || {
        let address = serve_one(move |socket| {
            hosting.watch(socket);
            serve(socket);
        })?;
        let client = Socket::connect(address)?;
        asking.watch(&client);
        ask(&client);
        Ok(())
    });
    (host, guest)
}

#[test]
fn when_the_client_ends_first_the_server_hears_all_of_it_then_the_end() {
    let (host, guest) = converse(|_| {}, |client| client.end_with("hello"));
    host.assert(&["data hello", "end", "finish", "close false"]);
    guest.assert(&["connect", "finish", "end", "close false"]);
}

#[test]
fn when_the_server_ends_first_the_client_hears_all_of_it_then_the_end() {
    let (host, guest) = converse(|socket| socket.end_with("hello"), |_| {});
    host.assert(&["finish", "end", "close false"]);
    guest.assert(&["connect", "data hello", "end", "finish", "close false"]);
}

#[test]
fn what_is_written_before_the_connection_stands_arrives_in_order() {
    let ask = |client: &Socket| {
        client.write("a");
        client.write("b");
        client.on(Connect, |client, ()| {
            client.write("d");
            client.end();
        });
        client.write("c");
        assert_eq!((client.queued(), client.bytes_written()), (3, 0));
    };
    let (host, guest) = converse(|_| {}, ask);
    host.assert(&["data abcd", "end", "finish", "close false"]);
    guest.assert(&["connect", "finish", "end", "close false"]);
}

#[test]
fn an_end_before_the_connection_stands_still_connects_sends_and_ends() {
    let (host, guest) = converse(
        |socket| {
            socket.write("x");
        },
        Socket::end,
    );
    host.assert(&["end", "finish", "close false"]);
    guest.assert(&["connect", "finish", "data x", "end", "close false"]);
}

#[test]
fn what_is_written_in_the_end_listener_and_in_its_ticks_is_still_sent() {
    let serve = |socket: &Socket| {
        socket.on(End, |socket, ()| {
            socket.write("1");
            let socket = socket.clone();
            next_tick(move || {
                socket.write("2");
            });
        });
    };
    let (host, guest) = converse(serve, |client| {
        client.end();
        client.set_half_open(true);
    });
    host.assert(&["end", "finish", "close false"]);
    guest.assert(&["connect", "finish", "data 12", "end", "close false"]);
}

#[test]
fn ticks_run_between_the_listeners_of_two_events() {
    let seen = logged(move |log| {
        let (client, _) = connect_to(|mut stream| stream.write_all(b"x").expect("it is read"))?;
        let note = move |what: &'static str| {
            let log = log.clone();
            move || {
                log.note(what);
                next_tick(move || log.note(format!("tick after {what}")));
            }
        };
        let (on_data, on_end, on_close) = (note("data"), note("end"), note("close"));
        client.once(Data, move |_, _| on_data());
        client.once(End, move |_, ()| on_end());
        client.once(Close, move |_, _| on_close());
        Ok(())
    });
    seen.assert(&["data", "tick after data", "end", "tick after end", "close", "tick after close"]);
}

/// Says whether a call is being made, to listeners that must not run inside of one.
#[derive(Clone, Default)]
struct Inside(Rc<Cell<Option<&'static str>>>);

impl Inside {
    fn call<T>(&self, what: &'static str, call: impl FnOnce() -> T) -> T {
        let before = self.0.replace(Some(what));
        let result = call();
        self.0.set(before);
        result
    }

    fn check(&self, event: &str) {
        assert_eq!(self.0.get(), None, "{event} came from inside of a call");
    }

    fn watch(&self, socket: &Socket) {
        let check = |event: &'static str| {
            let inside = self.clone();
            move || inside.check(event)
        };
        let (connect, data, end, drain) =
            (check("connect"), check("data"), check("end"), check("drain"));
        let (finish, error, close) = (check("finish"), check("error"), check("close"));
        socket.on(Connect, move |_, ()| connect());
        socket.on(Data, move |_, _| data());
        socket.on(End, move |_, ()| end());
        socket.on(Drain, move |_, ()| drain());
        socket.on(Finish, move |_, ()| finish());
        socket.on(Error, move |_, _| error());
        socket.on(Close, move |_, _| close());
    }

    /// Everything one can do to a socket, the wrong things last.
    fn mistreat(&self, socket: &Socket) {
        self.watch(socket);
        self.call("write", || socket.write("x"));
        self.call("write a lot", || socket.write(vec![0; 4 << 20]));
        self.call("pause", || socket.pause());
        self.call("resume", || socket.resume());
        self.call("end", || socket.end());
        self.call("write after end", || socket.write("x"));
        self.call("destroy", || socket.destroy());
        self.call("end after destroy", || socket.end());
    }

    fn connect(&self, address: impl std::fmt::Display) -> Result<Socket> {
        let socket = self.call("connect", || Socket::connect(address))?;
        self.watch(&socket);
        Ok(socket)
    }
}

#[test]
fn no_event_comes_from_inside_of_the_call_that_causes_it() {
    let inside = Inside::default();
    run(move || {
        let server = inside.call("listen", || Server::listen(ANY))?;
        let (on_listening, on_close) = (inside.clone(), inside.clone());
        server.on(Listening, move |_, ()| on_listening.check("listening"));
        server.on(Close, move |_, ()| on_close.check("server close"));
        let mut guests = 0;
        let serving = inside.clone();
        server.on(Connection, move |server, socket| {
            serving.check("connection");
            guests += 1;
            serving.mistreat(&socket);
            if guests == 2 {
                serving.call("close", || server.close());
            }
        });
        // One that is mistreated at once, one as soon as it stands, and two that cannot connect.
        inside.mistreat(&inside.connect(server.local_addr())?);
        let mistreating = inside.clone();
        for _ in 0..2 {
            let mistreating = mistreating.clone();
            inside
                .connect(server.local_addr())?
                .on(Connect, move |socket, ()| mistreating.mistreat(socket));
        }
        inside.connect("127.0.0.1:1")?;
        inside.connect("224.0.0.1:1")?;
        Ok(())
    });
}

#[test]
fn error_comes_directly_before_close_and_nothing_after_whatever_one_does() {
    let (seen, seen_after) = (Log::default(), Log::default());
    let (log, after) = (seen.clone(), seen_after.clone());
    run(move || {
        let socket = Socket::connect("127.0.0.1:1")?;
        log.watch(&socket);
        socket.on(Close, move |socket, _| {
            let (socket, after) = (socket.clone(), after.clone());
            set_immediate(move || {
                after.watch(&socket);
                assert!(!socket.write("x"));
                socket.end_with("y");
                socket.pause();
                socket.resume();
                socket.destroy();
                socket.unref();
                socket.ref_();
            });
        });
        Ok(())
    });
    seen.assert(&["error ConnectionRefused", "close true"]);
    seen_after.assert(&[]);
}
