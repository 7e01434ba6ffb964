//! Which event comes when: as with sockets that are not encrypted, and `Secure` before all data.

use super::support::{acceptor, connector, converse, serve_one_at, watch};
use crate::common::{Log, run};
use onward::events::*;
use onward::net::Socket;

#[test]
fn when_the_client_ends_first_the_server_hears_all_of_it_then_the_end() {
    let (host, guest) =
        converse(acceptor(), connector(), |_| {}, |client| client.end_with("hello"));
    host.assert(&["data hello", "end", "finish", "close false"]);
    guest.assert(&["connect", "secure", "finish", "end", "close false"]);
}

#[test]
fn when_the_server_ends_first_the_client_hears_all_of_it_then_the_end() {
    let (host, guest) =
        converse(acceptor(), connector(), |socket| socket.end_with("hello"), |_| {});
    host.assert(&["finish", "end", "close false"]);
    guest.assert(&["connect", "secure", "data hello", "end", "finish", "close false"]);
}

#[test]
fn what_is_written_before_it_is_secure_arrives_in_order() {
    let ask = |client: &Socket| {
        client.write("a");
        client.on(Connect, |client, ()| {
            client.write("c");
            assert_eq!((client.queued(), client.bytes_written()), (3, 0));
            assert!(client.tls().is_none());
        });
        client.on(Secure, |client, ()| {
            client.write("d");
            client.end();
        });
        client.write("b");
    };
    let (host, guest) = converse(acceptor(), connector(), |_| {}, ask);
    host.assert(&["data abcd", "end", "finish", "close false"]);
    guest.assert(&["connect", "secure", "finish", "end", "close false"]);
}

#[test]
fn an_end_before_it_is_secure_still_encrypts_sends_and_ends() {
    let serve = |socket: &Socket| _ = socket.write("x");
    let (host, guest) = converse(acceptor(), connector(), serve, Socket::end);
    host.assert(&["end", "finish", "close false"]);
    guest.assert(&["connect", "secure", "finish", "data x", "end", "close false"]);
}

#[test]
fn callbacks_of_writes_come_before_finish() {
    let (log, ask_log) = (Log::default(), Log::default());
    let noting = ask_log.clone();
    let ask = move |client: &Socket| {
        let log = noting.clone();
        client.write_then("one", move |sent| log.note(format!("one {}", sent.is_ok())));
        let log = noting.clone();
        client.write_then("two", move |sent| log.note(format!("two {}", sent.is_ok())));
        client.end();
        client.on(Finish, move |_, ()| noting.note("finish"));
    };
    let (host, _) = converse(acceptor(), connector(), |_| {}, ask);
    host.assert(&["data onetwo", "end", "finish", "close false"]);
    ask_log.assert(&["one true", "two true", "finish"]);
    log.assert(&[]);
}

#[test]
fn a_side_that_is_half_open_goes_on_after_the_peers_end() {
    let serve = |socket: &Socket| {
        socket.set_half_open(true);
        socket.on(End, |socket, ()| {
            socket.write("still");
            let socket = socket.clone();
            onward::set_immediate(move || socket.end_with(" here"));
        });
    };
    let (host, guest) = converse(acceptor(), connector(), serve, |client| client.end_with("bye"));
    host.assert(&["data bye", "end", "finish", "close false"]);
    guest.assert(&["connect", "secure", "finish", "data still here", "end", "close false"]);
}

#[cfg(unix)]
#[test]
fn it_is_the_same_over_a_unix_socket() {
    let folder = std::path::Path::new(env!("CARGO_TARGET_TMPDIR"));
    let path = folder.join(format!("tls-{}.sock", std::process::id()));
    let (host, guest) = (Log::default(), Log::default());
    let (hosting, asking) = (host.clone(), guest.clone());
    run(move || {
        let noting = hosting.clone();
        let place = format!("unix:{}", path.display());
        let address = serve_one_at(place, acceptor(), &noting, move |socket| {
            watch(&hosting, socket);
        })?;
        let client = connector().connect(address)?;
        watch(&asking, &client);
        client.end_with("hello");
        Ok(())
    });
    host.assert(&["data hello", "end", "finish", "close false"]);
    guest.assert(&["connect", "secure", "finish", "end", "close false"]);
}

#[test]
fn what_waits_when_it_is_secure_and_nobody_listens_is_told_to_who_listens_later() {
    let (host, guest) = converse(
        acceptor(),
        connector(),
        |socket| socket.end_with("early"),
        |client| {
            client.pause();
            client.on(Secure, |client, ()| {
                let client = client.clone();
                let soon = std::time::Duration::from_millis(20);
                onward::set_timeout(soon, move || client.resume());
            });
        },
    );
    host.assert(&["finish", "end", "close false"]);
    guest.assert(&["connect", "secure", "data early", "end", "finish", "close false"]);
}

#[test]
fn a_client_that_only_writes_hears_of_the_end_nevertheless() {
    // Its peer's session tickets come unasked, and are no data.
    let log = Log::default();
    let noting = log.clone();
    run(move || {
        let (host, noting) = (Log::default(), noting.clone());
        let address = super::support::serve_one(acceptor(), &host, |socket| {
            socket.on(Data, |socket, _| socket.end());
        })?;
        let client = connector().connect(address)?;
        noting.watch_all_but_data(&client);
        client.write("enough");
        Ok(())
    });
    log.assert(&["connect", "end", "finish", "close false"]);
}
