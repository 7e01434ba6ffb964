//! Addresses that cannot be.

use crate::common::{ANY, run, serve_one};
use onward::net::{Server, Socket};
use onward::{ErrorKind, events::*};
use std::io;
use std::net::TcpListener;

#[test]
fn what_is_no_address_is_refused_at_once_and_named() {
    let wrong = [
        "",
        ":",
        "80",
        "host",
        ":80",
        "127.0.0.1",
        "127.0.0.1:",
        "127.0.0.1:65536",
        "127.0.0.1:-1",
        "127.0.0.1:http",
        "::1:80",
        "[::1:80",
        "[::1]",
        "http://example.org:80",
        "a b:80",
        "a\n:80",
        "a\0:80",
        "127.0.0.1:80:80",
    ];
    run(|| {
        for address in wrong {
            for (operation, error) in [
                ("listen", Server::listen(address).map(drop).expect_err(address)),
                ("connect", Socket::connect(address).map(drop).expect_err(address)),
            ] {
                assert_eq!(
                    (error.kind(), error.operation()),
                    (ErrorKind::InvalidInput, operation),
                    "{address:?}"
                );
                assert_eq!(error.target(), Some(address));
            }
        }
        Ok(())
    });
}

#[test]
fn names_are_not_listened_on() {
    run(|| {
        let error = Server::listen("example.org:80").expect_err("a name");
        assert_eq!(
            error.to_string(),
            "listen example.org:80: not a number: names are not looked up to listen"
        );
        Ok(())
    });
}

#[test]
fn a_port_in_use_is_an_error_that_names_the_address() {
    run(|| {
        let taken = TcpListener::bind(ANY)?;
        let address = taken.local_addr()?;
        let error = Server::listen(address).expect_err("it is taken");
        assert!(error.is_addr_in_use());
        assert!(error.to_string().starts_with(&format!("listen {address}: ")), "{error}");
        Ok(())
    });
}

#[test]
fn an_address_of_another_machine_is_an_error_that_names_it() {
    run(|| {
        // Reserved for documentation: nobody has it, and nothing is sent there.
        let error = Server::listen("192.0.2.1:0").expect_err("not of this machine");
        assert_eq!(error.io_kind(), Some(io::ErrorKind::AddrNotAvailable));
        assert!(error.to_string().starts_with("listen 192.0.2.1:0: "), "{error}");
        Ok(())
    });
}

#[test]
fn a_port_that_is_not_permitted_is_an_error_that_names_it() {
    // Who may listen there (an administrator, say) has nothing to see.
    let Err(refused) = TcpListener::bind("127.0.0.1:1") else { return };
    run(move || {
        let error = Server::listen("127.0.0.1:1").expect_err("the standard library may not either");
        assert_eq!(error.io_kind(), Some(refused.kind()));
        assert!(error.to_string().starts_with("listen 127.0.0.1:1: "), "{error}");
        Ok(())
    });
}

#[test]
fn version_six_addresses_work_where_the_machine_has_them() {
    if TcpListener::bind("[::1]:0").is_err() {
        return;
    }
    run(|| {
        let server = Server::listen("[::1]:0")?;
        assert!(server.local_addr().ip().is_some_and(|ip| ip.is_ipv6()));
        server.on(Connection, |server, socket| {
            server.close();
            socket.pipe(&socket);
        });
        let client = Socket::connect(server.local_addr())?;
        client.end_with("six");
        client.on(Data, |_, chunk| assert_eq!(chunk, b"six"));
        client.on(Close, |client, had_error| {
            assert_eq!((client.bytes_read(), had_error), (3, false))
        });
        Ok(())
    });
}

#[test]
fn a_server_on_all_addresses_is_reached_by_one_of_them() {
    run(|| {
        let server = Server::listen("0.0.0.0:0")?;
        server.on(Connection, |server, socket| {
            server.close();
            socket.destroy();
        });
        let client =
            Socket::connect(format!("localhost:{}", server.local_addr().port().unwrap_or(0)))?;
        client.resume();
        Ok(())
    });
}

#[test]
fn a_failed_attempt_leaves_the_loop_as_it_was() {
    run(|| {
        for _ in 0..100 {
            assert!(Server::listen("192.0.2.1:0").is_err());
            assert!(Socket::connect("nonsense").is_err());
        }
        let client = Socket::connect(serve_one(|socket| drop(socket.pipe(socket)))?)?;
        client.end();
        client.resume();
        Ok(())
    });
}
