//! Options: what the system says of them afterwards, and what they make of a connection.

use crate::common::{ANY, logged, nobody, plain, run, serve_one};
use onward::events::*;
use onward::net::{KeepAlive, Server, ServerOptions, Socket, SocketOptions};
use onward::{ErrorKind, Result};
use socket2::SockRef;
use std::cell::Cell;
use std::io::Write as _;
use std::net::{Ipv6Addr, SocketAddr, TcpStream};
use std::rc::Rc;
use std::time::Duration;

const ALL: SocketOptions = SocketOptions::new()
    .no_delay(true)
    .keep_alive(KeepAlive::after(Duration::from_secs(70)).every(Duration::from_secs(7)).times(5))
    .receive_buffer(20_000)
    .send_buffer(30_000)
    .tos(0x10);

fn assert_all(stream: &TcpStream) {
    let socket = SockRef::from(stream);
    assert!(socket.tcp_nodelay().expect("asked"));
    assert!(socket.keepalive().expect("asked"));
    assert_eq!(socket.tcp_keepalive_time().expect("asked"), Duration::from_secs(70));
    assert_eq!(socket.tcp_keepalive_interval().expect("asked"), Duration::from_secs(7));
    assert_eq!(socket.tcp_keepalive_retries().expect("asked"), 5);
    // Linux takes twice as much, for what it needs itself.
    assert!((20_000..=40_000).contains(&socket.recv_buffer_size().expect("asked")));
    assert!((30_000..=60_000).contains(&socket.send_buffer_size().expect("asked")));
    assert_eq!(socket.tos_v4().expect("asked"), 0x10);
}

/// A server that keeps its guests until they end.
fn serve() -> Result<Server> {
    let server = Server::listen(ANY)?;
    server.on(Connection, |server, socket| {
        server.close();
        socket.resume();
    });
    Ok(server)
}

#[test]
fn what_a_client_is_told_the_system_knows() {
    run(|| {
        let client = ALL.connect(serve()?.local_addr())?;
        client.on(Connect, |client, ()| {
            assert_all(&client.clone().into_std().expect("it stands"));
        });
        Ok(())
    });
}

#[test]
fn what_a_server_is_told_its_sockets_have() {
    run(|| {
        let server = ServerOptions::new().sockets(ALL).listen(ANY)?;
        let client = plain(server.local_addr());
        server.on(Connection, move |server, socket| {
            server.close();
            assert_all(&socket.into_std().expect("it stands"));
            assert_eq!(client.read_timeout().expect("asked"), Some(crate::common::LIMIT));
        });
        Ok(())
    });
}

#[test]
fn an_option_that_is_set_while_it_connects_holds_once_it_stands() {
    run(|| {
        let client = Socket::connect(serve()?.local_addr())?;
        client.set_no_delay(true)?;
        client.set_keep_alive(KeepAlive::after(Duration::from_secs(9)))?;
        client.on(Connect, |client, ()| {
            client.set_keep_alive(KeepAlive::after(Duration::from_secs(8))).expect("it is taken");
            let stream: TcpStream = client.clone().into_std().expect("it stands");
            let socket = SockRef::from(&stream);
            assert!(socket.tcp_nodelay().expect("asked"));
            assert_eq!(socket.tcp_keepalive_time().expect("asked"), Duration::from_secs(8));
        });
        let other = Socket::connect(serve()?.local_addr())?;
        other.set_keep_alive(KeepAlive::after(Duration::from_secs(9)))?;
        other.set_keep_alive(None)?;
        other.on(Connect, |other, ()| {
            other.set_no_delay(true).expect("it is taken");
            other.set_no_delay(false).expect("it is taken");
            let stream: TcpStream = other.clone().into_std().expect("it stands");
            let socket = SockRef::from(&stream);
            assert!(!socket.tcp_nodelay().expect("asked") && !socket.keepalive().expect("asked"));
        });
        Ok(())
    });
}

#[test]
fn what_the_system_does_not_take_is_an_error_of_the_server_and_an_event_of_the_client() {
    let wrong = SocketOptions::new().keep_alive(KeepAlive::after(Duration::from_secs(1)).times(0));
    let seen = logged(move |log| {
        let error = ServerOptions::new().sockets(wrong).listen(ANY).expect_err("it is refused");
        assert_eq!((error.operation(), error.kind()), ("listen", ErrorKind::InvalidInput));
        let client = wrong.connect(ANY)?;
        log.watch(&client);
        let socket = Socket::connect(serve()?.local_addr())?;
        socket.on(Connect, |socket, ()| {
            let error = socket
                .set_keep_alive(KeepAlive::after(Duration::from_secs(1)).times(0))
                .expect_err("it is refused");
            assert_eq!(
                (error.operation(), error.kind()),
                ("set keep-alive", ErrorKind::InvalidInput)
            );
            socket.destroy();
        });
        Ok(())
    });
    seen.assert(&["error InvalidInput", "close true"]);
}

#[test]
fn a_client_connects_from_the_address_that_it_is_told() {
    run(|| {
        let from: SocketAddr = "127.0.0.77:0".parse().expect("an address");
        let server = Server::listen(ANY)?;
        server.on(Connection, move |server, socket| {
            server.close();
            assert_eq!(socket.peer_addr().and_then(|peer| peer.ip()), Some(from.ip()));
            socket.end();
            socket.resume();
        });
        let client = SocketOptions::new().local_addr(from).connect(server.local_addr())?;
        client.on(Connect, move |client, ()| {
            assert_eq!(client.local_addr().and_then(|own| own.ip()), Some(from.ip()));
        });
        client.resume();
        Ok(())
    });
}

#[test]
fn an_address_that_is_not_ours_to_connect_from_is_an_error_event() {
    let seen = logged(move |log| {
        let from = "203.0.113.1:0".parse().expect("an address");
        log.watch(&SocketOptions::new().local_addr(from).connect("127.0.0.1:1")?);
        Ok(())
    });
    seen.assert(&["error AddrNotAvailable", "close true"]);
}

#[test]
fn half_open_sockets_of_a_server_may_write_after_the_end() {
    run(|| {
        let options = SocketOptions::new().half_open(true);
        let server = ServerOptions::new().sockets(options).listen(ANY)?;
        server.on(Connection, |server, socket| {
            server.close();
            socket.resume();
            socket.on(End, |socket, ()| {
                let socket = socket.clone();
                onward::set_immediate(move || socket.end_with("late"));
            });
        });
        let client = Socket::connect(server.local_addr())?;
        client.end();
        client.on(Data, |_, chunk| assert_eq!(chunk, b"late"));
        Ok(())
    });
}

#[test]
fn a_server_that_pauses_on_connect_reads_nothing_before_resume() {
    let read = Rc::new(Cell::new(false));
    let then = Rc::clone(&read);
    run(move || {
        let server = ServerOptions::new().pause_on_connect(true).listen(ANY)?;
        let mut client = plain(server.local_addr());
        client.write_all(b"early").expect("there is room");
        drop(client);
        server.on(Connection, move |server, socket| {
            server.close();
            let read = Rc::clone(&then);
            socket.on(Data, move |_, chunk| {
                assert_eq!(chunk, b"early");
                read.set(true);
            });
            assert!(socket.is_paused());
            let (socket, read) = (socket.clone(), Rc::clone(&then));
            crate::common::next_turn(move || {
                assert_eq!((socket.bytes_read(), read.get()), (0, false));
                socket.resume();
            });
        });
        Ok(())
    });
    assert!(read.get());
}

#[test]
fn a_server_for_all_addresses_serves_both_kinds_unless_it_is_told_not_to() {
    if Server::listen("[::1]:0").is_err() && std::net::TcpListener::bind("[::1]:0").is_err() {
        return; // this machine has no IPv6
    }
    let seen = logged(move |log| {
        let server = Server::listen("[::]:0")?;
        let port = server.local_addr().port().unwrap_or_default();
        let to = log.clone();
        let mut guests = 0;
        server.on(Connection, move |server, socket| {
            let peer = socket.peer_addr().and_then(|peer| peer.ip()).expect("it has one");
            to.note(peer.to_string());
            socket.destroy();
            guests += 1;
            if guests == 2 {
                server.close();
            }
        });
        let four = Socket::connect(format!("127.0.0.1:{port}"))?;
        four.resume();
        four.on(Close, move |_, _| {
            Socket::connect(format!("[::1]:{port}")).expect("an address").resume();
        });

        // Nobody else may listen for version four there.
        let (only, address) = loop {
            let address = nobody();
            let options = ServerOptions::new().only_v6(true);
            if let Ok(only) = options.listen(format!("[::]:{}", address.port())) {
                break (only, address);
            }
        };
        let refused = Socket::connect(address)?;
        refused.on(Error, |_, error| {
            assert_eq!(error.io_kind(), Some(std::io::ErrorKind::ConnectionRefused));
        });
        refused.on(Close, move |_, _| only.close());
        Ok(())
    });
    seen.assert(&["::ffff:127.0.0.1", "::1"]);
    assert_eq!(Ipv6Addr::LOCALHOST.to_string(), "::1");
}

#[cfg(target_os = "linux")]
#[test]
fn servers_that_say_so_share_a_port_and_others_do_not() {
    run(|| {
        let sharing = ServerOptions::new().reuse_port(true);
        let first = sharing.listen(ANY)?;
        let second = sharing.listen(first.local_addr())?;
        assert_eq!(first.local_addr(), second.local_addr());
        assert!(Server::listen(first.local_addr()).is_err_and(|error| error.is_addr_in_use()));
        first.close();
        second.close();
        Ok(())
    });
}

/// Linux lets one more wait than it is told.
#[cfg(target_os = "linux")]
#[test]
fn no_more_than_the_backlog_wait_to_be_accepted() {
    run(|| {
        let server = ServerOptions::new().backlog(1).listen(ANY)?;
        let address = server.local_addr().as_socket_addr().expect("an IP address");
        let waiting: Vec<TcpStream> = (0..2).map(|_| plain(address)).collect();
        let late = TcpStream::connect_timeout(&address, Duration::from_millis(50));
        assert_eq!(late.expect_err("nobody answers").kind(), std::io::ErrorKind::TimedOut);
        server.close();
        drop(waiting);
        Ok(())
    });
}

#[test]
fn marks_of_the_queue_are_those_of_the_options() {
    run(|| {
        let options = SocketOptions::new().high_water(10).max_queued(20);
        let client = options.connect(serve_one(|socket| socket.resume())?)?;
        assert!(client.write([0; 9]));
        assert!(!client.write([0; 1]));
        client.write([0; 11]);
        client.on(Error, |_, error| assert_eq!(error.kind(), ErrorKind::QueueFull));
        assert!(client.is_destroyed());
        Ok(())
    });
}
