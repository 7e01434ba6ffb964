//! When the callbacks of writes come, on real sockets: the engine's own tests have it on a network by a script.

use super::node_parity::{Listen, on_each};
use crate::common::{Log, logged, nobody};
use onward::events::*;
use onward::net::{ServerOptions, Socket};

/// More than the kernel takes from somebody whose peer does not read.
const MUCH: usize = 8 << 20;

/// Writes it, and notes what becomes of it.
fn write(socket: &Socket, log: &Log, name: &'static str, bytes: Vec<u8>) -> bool {
    let log = log.clone();
    socket.write_owned_then(bytes, move |sent| {
        log.note(match sent {
            Ok(()) => format!("{name} sent"),
            Err(error) if error.is_disconnect() => format!("{name} disconnect"),
            Err(error) => match error.io_kind() {
                Some(kind) => format!("{name} {kind:?}"),
                None => format!("{name} {:?}", error.kind()),
            },
        });
    })
}

/// What a client does on its connection to a server that handles its guest so.
fn connected(
    listen: Listen,
    serve: impl Fn(&Socket) + 'static,
    client: impl Fn(&Socket, &Log) + 'static,
) -> Log {
    logged(move |log| {
        let server = listen(ServerOptions::new())?;
        server.on(Connection, move |server, socket| {
            server.close();
            serve(&socket);
        });
        let socket = Socket::connect(server.local_addr())?;
        log.watch(&socket);
        socket.on(Connect, move |socket, ()| client(socket, &log));
        Ok(())
    })
}

#[test]
fn drain_comes_before_the_callbacks_of_its_flush_and_these_in_the_order_of_their_writes() {
    on_each(|listen| {
        let seen = connected(
            listen,
            |socket| socket.resume(),
            |socket, log| {
                assert!(!write(socket, log, "first", vec![1; MUCH]));
                assert!(!write(socket, log, "second", vec![2; 1]));
                assert!(!write(socket, log, "empty", Vec::new()));
                socket.on(Drain, |socket, ()| assert_eq!(socket.queued(), 0));
                let log = log.clone();
                socket.on(Drain, move |socket, ()| {
                    write(socket, &log, "third", vec![3; 1]);
                    socket.end();
                });
            },
        );
        let told = ["connect", "drain", "first sent", "second sent", "empty sent", "third sent"];
        seen.assert(&[&told[..], &["finish", "end", "close false"]].concat());
    });
}

#[test]
fn ending_tells_no_drain_but_the_callbacks_and_then_finish() {
    on_each(|listen| {
        let seen = connected(
            listen,
            |socket| socket.resume(),
            |socket, log| {
                assert!(!write(socket, log, "first", vec![1; MUCH]));
                write(socket, log, "second", vec![2; 1]);
                socket.end();
            },
        );
        seen.assert(&["connect", "first sent", "second sent", "finish", "end", "close false"]);
    });
}

#[test]
fn when_the_peer_breaks_off_each_callback_hears_of_it_and_then_there_is_one_error() {
    on_each(|listen| {
        let seen = connected(
            listen,
            // It takes a part, and goes with the rest unread.
            |socket| _ = socket.on(Data, |socket, _| socket.reset_and_destroy()),
            |socket, log| {
                write(socket, log, "first", vec![1; MUCH]);
                write(socket, log, "second", vec![2; 1]);
            },
        );
        let failed = ["first disconnect", "second disconnect", "error disconnect", "close true"];
        seen.assert(&[&["connect"][..], &failed].concat());
    });
}

#[test]
fn after_its_end_a_write_tells_its_callback_and_then_breaks_the_socket() {
    on_each(|listen| {
        let seen = connected(
            listen,
            |socket| socket.resume(),
            |socket, log| {
                write(socket, log, "in time", vec![1; 1]);
                socket.end();
                assert!(!write(socket, log, "late", vec![2; 1]));
                log.note("returned");
            },
        );
        let told = ["connect", "returned", "in time sent", "late WriteAfterEnd"];
        seen.assert(&[&told[..], &["error WriteAfterEnd", "close true"]].concat());
    });
}

#[test]
fn what_waits_when_it_is_destroyed_and_what_is_written_then_is_told_without_an_error() {
    on_each(|listen| {
        let seen = connected(
            listen,
            |socket| socket.resume(),
            |socket, log| {
                write(socket, log, "first", vec![1; MUCH]);
                write(socket, log, "second", vec![2; 1]);
                socket.destroy();
                assert!(!write(socket, log, "late", vec![3; 1]));
                log.note("returned");
            },
        );
        let told = ["first Destroyed", "second Destroyed", "late Destroyed", "close false"];
        seen.assert(&[&["connect", "returned"][..], &told].concat());
    });
}

#[test]
fn what_was_written_to_a_connection_that_comes_to_nothing_hears_why() {
    let seen = logged(|log| {
        let socket = Socket::connect(nobody())?;
        log.watch(&socket);
        write(&socket, &log, "first", vec![1; 1]);
        write(&socket, &log, "second", vec![2; 1]);
        Ok(())
    });
    let failed = ["first ConnectionRefused", "second ConnectionRefused"];
    seen.assert(&[&failed[..], &["error ConnectionRefused", "close true"]].concat());
}
