//! Watching a socket: all its events in one enum, who listens to it, and nothing after its `Close`.

use crate::common::{Log, run, serve_one};
use onward::events::*;
use onward::net::{ServerEvent, Socket, SocketEvent};
use std::cell::Cell;
use std::rc::Rc;

#[test]
fn all_events_of_a_socket_come_in_their_order_and_nothing_after_the_last() {
    let log = Log::default();
    let to = log.clone();
    run(move || {
        let address = serve_one(|socket| socket.end_with("hello"))?;
        let client = Socket::connect(address)?;
        let added = to.clone();
        client.on(ListenerRemoved, move |_, removed| added.note(removed.event()));
        client.on_any(move |client, event| match event {
            SocketEvent::Lookup(found) => to.note(format!("lookup {found:?}")),
            SocketEvent::ConnectionAttempt(to_where) => {
                assert_eq!(*to_where, address.as_socket_addr().expect("an IP address"));
                to.note("attempt");
            }
            SocketEvent::ConnectionAttemptFailed(_, error) => to.note(error.to_string()),
            SocketEvent::Connect => to.note("connect"),
            SocketEvent::Data(chunk) => to.note(String::from_utf8_lossy(chunk)),
            SocketEvent::End => to.note("end"),
            SocketEvent::Drain => to.note("drain"),
            SocketEvent::Finish => to.note("finish"),
            SocketEvent::Timeout => to.note("timeout"),
            SocketEvent::Shutdown => to.note("shutdown"),
            SocketEvent::Descriptor(_) => to.note("descriptor"),
            SocketEvent::Hangup => to.note("hangup"),
            SocketEvent::Error(error) => to.note(error.to_string()),
            SocketEvent::Close(had_error) => {
                to.note(format!("close {had_error}"));
                assert!(client.is_destroyed());
            }
            other => panic!("{other:?}"),
        });
        client.once(Data, |_, _| {});
        client.end();
        Ok(())
    });
    log.assert(&["attempt", "connect", "finish", "Data", "hello", "end", "close false"]);
}

/// To listen to all does not make it read; a guard finds its socket again.
#[test]
fn a_listener_to_all_lets_no_data_flow_and_a_guard_tells_what_it_removes() {
    let log = Log::default();
    let to = log.clone();
    run(move || {
        let address = serve_one(|socket| {
            socket.on(Error, |_, _| {}); // its guest leaves without having read
            socket.end_with("hello");
        })?;
        let client = Socket::connect(address)?;
        let told = to.clone();
        client.on(ListenerRemoved, move |client, removed| {
            assert_eq!((removed.is(Drain), client.listener_count(Drain)), (true, 0));
            told.note("removed");
        });
        drop(client.on_scoped(Drain, |_, ()| {}));
        client.on_any(move |client, event| {
            to.note(event.name());
            if let SocketEvent::Connect = event {
                let client = client.clone();
                onward::set_immediate(move || client.destroy());
            }
        });
        Ok(())
    });
    log.assert(&["removed", "ConnectionAttempt", "Connect", "Close"]);
}

#[test]
fn all_events_of_a_server() {
    let (log, guests) = (Log::default(), Rc::new(Cell::new(0)));
    let (to, count) = (log.clone(), Rc::clone(&guests));
    run(move || {
        let server = onward::net::Server::listen("127.0.0.1:0")?;
        server.on(Connection, |server, socket| {
            socket.destroy();
            server.close();
        });
        server.on_any(move |server, event| match event {
            ServerEvent::Listening => drop(Socket::connect(server.local_addr())),
            ServerEvent::Connection(socket) => {
                assert!(socket.is_destroyed());
                count.set(count.get() + 1);
            }
            ServerEvent::Dropped(..) => to.note("dropped"),
            ServerEvent::Close => to.note("close"),
            ServerEvent::Error(error) => panic!("{error}"),
        });
        Ok(())
    });
    log.assert(&["close"]);
    assert_eq!(guests.get(), 1);
}
