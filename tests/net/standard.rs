//! From the standard library's sockets, and back to them.

use crate::common::{ANY, LIMIT, join, logged, plain, run};
use onward::ErrorKind;
use onward::events::*;
use onward::net::{Server, Socket};
use socket2::SockRef;
use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::rc::Rc;
use std::thread;
use std::time::Duration;

#[test]
fn a_listener_and_its_connections_that_were_made_elsewhere_serve_as_others_do() {
    let seen = logged(move |log| {
        let listener = TcpListener::bind(ANY)?;
        let address = listener.local_addr()?;
        let server = Server::from_std(listener)?;
        assert_eq!(server.local_addr(), address);
        server.on(Connection, |server, socket| {
            server.close();
            socket.pipe(&socket);
        });
        let client = Socket::from_std(TcpStream::connect(address)?)?;
        assert_eq!(client.peer_addr().and_then(|peer| peer.as_socket_addr()), Some(address));
        log.watch(&client);
        client.end_with("hello");
        Ok(())
    });
    seen.assert(&["finish", "data hello", "end", "close false"]);
}

#[test]
fn a_connection_that_is_handed_back_goes_on_in_a_thread_and_nothing_unread_is_lost() {
    let seen = logged(move |log| {
        let server = Server::listen(ANY)?;
        let mut client = plain(server.local_addr());
        client.write_all(b"unread").expect("there is room");
        server.on(Connection, move |server, socket| {
            server.close();
            log.watch_all_but_data(&socket);
            socket.write("first ");
            let mut stream: TcpStream = socket.clone().into_std().expect("nothing waits");
            assert!(socket.is_destroyed() && !socket.write("no more"));
            log.assert(&[]);
            let talk = thread::spawn(move || {
                let mut unread = [0; 6];
                stream.read_exact(&mut unread).expect("it is there");
                stream.write_all(b"second").expect("there is room");
                unread
            });
            onward::spawn_blocking(move || join(talk))
                .then(|unread| assert_eq!(unread.expect("it ends well"), *b"unread"));
        });
        server.on(Close, |server, ()| assert_eq!(server.connections(), 0));
        let heard = thread::spawn(move || {
            let mut all = String::new();
            client.read_to_string(&mut all).expect("the end");
            all
        });
        onward::spawn_blocking(move || join(heard))
            .then(|heard| assert_eq!(heard.expect("it ends well"), "first second"));
        Ok(())
    });
    seen.assert(&["close false"]);
}

#[test]
fn who_ended_first_hears_the_end_of_a_connection_that_somebody_else_has_too() {
    let seen = logged(move |log| {
        let listener = TcpListener::bind(ANY)?;
        let mut client = plain(listener.local_addr()?);
        let (stream, _) = listener.accept()?;
        let kept = stream.try_clone()?;
        let socket = Socket::from_std(stream)?;
        log.watch(&socket);
        client.shutdown(Shutdown::Write)?;
        socket.on(Close, move |_, _| {
            assert_eq!(client.read(&mut [0]).expect("it hears the end"), 0);
            kept.local_addr().expect("it is still open");
        });
        Ok(())
    });
    seen.assert(&["end", "finish", "close false"]);
}

/// A server's connection whose client has ended first: what `then` adds hears of it, and it comes to its end in order.
fn after_the_client_has_ended(
    listen: fn() -> onward::Result<Server>,
    then: fn(&Socket, Rc<TcpStream>),
) {
    let seen = logged(move |log| {
        let server = listen()?;
        let client = Rc::new(plain(server.local_addr()));
        client.shutdown(Shutdown::Write)?;
        server.on(Connection, move |server, socket| {
            server.close();
            log.watch(&socket);
            then(&socket, Rc::clone(&client));
        });
        Ok(())
    });
    seen.assert(&["end", "finish", "close false"]);
}

fn hears_the_end(mut client: &TcpStream) {
    assert_eq!(client.read(&mut [0]).expect("it hears the end"), 0);
}

#[test]
fn a_connection_that_has_ended_both_ways_is_handed_back_with_its_end_told() {
    after_the_client_has_ended(
        || Server::listen(ANY),
        |socket, client| {
            socket.on(Finish, move |socket, ()| {
                let stream: TcpStream = socket.clone().into_std().expect("nothing waits");
                hears_the_end(&client);
                drop(stream);
            });
        },
    );
}

#[test]
fn who_ended_first_is_not_reset_although_the_listener_was_told_to_reset() {
    after_the_client_has_ended(
        || {
            let listener = TcpListener::bind(ANY)?;
            SockRef::from(&listener).set_linger(Some(Duration::ZERO))?;
            Server::from_std(listener)
        },
        |socket, client| {
            socket.on(Close, move |_, _| hears_the_end(&client));
        },
    );
}

/// A system call less, where it says the same.
#[test]
#[cfg(target_os = "linux")]
fn who_ended_first_is_told_the_end_by_the_close_that_follows() {
    after_the_client_has_ended(
        || Server::listen(ANY),
        |socket, client| {
            let before = Rc::clone(&client);
            socket.on(Finish, move |_, ()| {
                before.set_nonblocking(true).expect("it is open");
                let none = (&*before).read(&mut [0]).expect_err("it is not told yet");
                assert_eq!(none.kind(), std::io::ErrorKind::WouldBlock);
                before.set_nonblocking(false).expect("it is open");
            });
            socket.on(Close, move |_, _| hears_the_end(&client));
        },
    );
}

#[test]
fn a_socket_with_something_in_its_queue_or_not_connected_is_not_handed_back() {
    let refused = |socket: &Socket, why: &str| {
        let error = socket.clone().into_std::<TcpStream>().map(drop).expect_err("it is refused");
        assert_eq!((error.kind(), error.operation()), (ErrorKind::InvalidInput, "hand back"));
        assert!(error.to_string().contains(why), "{error}");
    };
    run(move || {
        let server = Server::listen(ANY)?;
        server.on(Connection, |server, socket| {
            server.close();
            socket.resume();
        });
        let client = Socket::connect(server.local_addr())?;
        refused(&client, "not connected");
        client.on(Connect, move |client, ()| {
            client.write(vec![0; 12 << 20]);
            assert!(client.queued() > 0);
            refused(client, "bytes wait");
            assert!(!client.is_destroyed());
            client.destroy();
            refused(client, "not connected");
        });
        Ok(())
    });
}

#[test]
fn a_listener_that_is_handed_back_still_listens_and_the_server_closes() {
    let seen = logged(move |log| {
        let server = Server::listen(ANY)?;
        let to = log.clone();
        server.on(Listening, move |_, ()| to.note("listening"));
        server.on(Close, move |_, ()| log.note("close"));
        let again = server.clone();
        let listener: TcpListener = server.into_std()?;
        assert!(!again.is_listening());
        let error = again.into_std::<TcpListener>().map(drop).expect_err("it is gone");
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        let mut client = plain(listener.local_addr()?);
        client.write_all(b"hello").expect("there is room");
        let (mut stream, _) = listener.accept()?;
        stream.set_read_timeout(Some(LIMIT))?;
        let mut heard = [0; 5];
        stream.read_exact(&mut heard)?;
        assert_eq!(&heard, b"hello");
        Ok(())
    });
    seen.assert(&["close"]);
}

#[cfg(unix)]
mod unix {
    use super::{logged, run};
    use crate::net::unix::Folder;
    use onward::events::*;
    use onward::net::{Server, Socket};
    use std::net::{TcpListener, TcpStream};
    use std::os::unix::net::{UnixListener, UnixStream};

    #[test]
    fn unix_sockets_come_and_go_too_and_the_other_kind_is_refused() {
        let folder = Folder::new();
        let path = folder.path("a.sock");
        let seen = logged(move |log| {
            let server = Server::from_std(UnixListener::bind(&path)?)?;
            assert_eq!(server.local_addr().path(), Some(&*path));
            assert!(server.clone().into_std::<TcpListener>().is_err());
            server.on(Connection, |server, socket| {
                server.close();
                assert!(socket.clone().into_std::<TcpStream>().is_err());
                let stream: UnixStream = socket.into_std().expect("nothing waits");
                Socket::from_std(stream).expect("it stands").end_with("hello");
            });
            let client = Socket::from_std(UnixStream::connect(&path)?)?;
            log.watch(&client);
            client.on(Close, move |_, _| assert!(path.exists(), "whoever made it removes it"));
            Ok(())
        });
        seen.assert(&["data hello", "end", "finish", "close false"]);
    }

    #[test]
    fn a_path_that_is_handed_back_keeps_its_file() {
        let folder = Folder::new();
        let path = folder.path("a.sock");
        run(|| {
            let listener: UnixListener = Server::listen_path(&path)?.into_std()?;
            assert!(path.exists());
            UnixStream::connect(&path)?;
            drop(listener.accept()?);
            Ok(())
        });
        assert!(path.exists());
    }
}
