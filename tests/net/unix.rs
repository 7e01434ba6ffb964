//! Unix sockets: the same sockets and servers, with paths.

use crate::common::{LIMIT, Log, logged, run};
use onward::events::*;
use onward::net::{Address, Server, ServerOptions, Socket, SocketOptions};
use onward::{ErrorKind, Result};
use std::fs;
use std::io::{Read as _, Write as _};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

/// A folder of its own for each test, which goes with it.
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn new() -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        // A socket's path is short.
        let path = std::env::temp_dir().join(format!("onward-{}-{number}", std::process::id()));
        fs::create_dir(&path).expect("a new folder");
        Self(path)
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A server that lets `serve` talk to its first guest, and closes.
fn serve_at(path: &Path, serve: impl Fn(&Socket) + 'static) -> Result<Server> {
    let server = Server::listen_path(path)?;
    server.on(Connection, move |server, socket| {
        server.close();
        serve(&socket);
    });
    Ok(server)
}

#[test]
fn a_conversation_through_a_path_tells_the_events_of_tcp() {
    let folder = Folder::new();
    let path = folder.path("a.sock");
    let (host, guest) = (Log::default(), Log::default());
    let (hosting, asking, at) = (host.clone(), guest.clone(), path.clone());
    run(move || {
        serve_at(&at, move |socket| {
            hosting.watch(socket);
            socket.write("welcome ");
        })?;
        let client = Socket::connect_path(&at)?;
        asking.watch(&client);
        client.write("hel");
        client.end_with("lo");
        Ok(())
    });
    host.assert(&["data hello", "end", "finish", "close false"]);
    guest.assert(&["connect", "finish", "data welcome ", "end", "close false"]);
    assert!(!path.exists());
}

#[test]
fn plain_clients_and_plain_servers_are_understood() {
    let folder = Folder::new();
    let path = folder.path("a.sock");
    let at = path.clone();
    run(move || {
        serve_at(&at, |socket| {
            socket.pipe(socket);
        })?;
        let client = std::thread::spawn(move || {
            let mut stream = UnixStream::connect(path).expect("somebody listens");
            stream.set_read_timeout(Some(LIMIT)).expect("a timeout");
            stream.write_all(b"hello").expect("it is read");
            stream.shutdown(std::net::Shutdown::Write).expect("it is open");
            let mut answer = String::new();
            stream.read_to_string(&mut answer).expect("an answer");
            answer
        });
        onward::spawn_blocking(move || client.join().expect("it ends well"))
            .then(|answer| assert_eq!(answer.expect("an answer"), "hello"));
        Ok(())
    });
}

#[test]
fn nobody_at_the_path_is_an_error_event_that_names_it() {
    let folder = Folder::new();
    let (missing, left) = (folder.path("missing"), folder.path("left"));
    drop(UnixListener::bind(&left).expect("a free path"));
    for (path, kind) in [(missing, "NotFound"), (left, "ConnectionRefused")] {
        let seen = logged(move |log| {
            let client = Socket::connect_path(&path)?;
            log.watch(&client);
            client.prepend(Error, move |_, error| {
                assert_eq!(error.target(), Some(&*format!("unix:{}", path.display())));
                assert_eq!(error.operation(), "connect");
            });
            log.assert(&[]);
            Ok(())
        });
        seen.assert(&[&format!("error {kind}"), "close true"]);
    }
}

#[test]
fn paths_that_no_system_takes_are_errors_at_once() {
    run(|| {
        for path in [String::new(), "a\0b".into(), format!("/{}", "x".repeat(200))] {
            let listening = Server::listen_path(&path).map(drop);
            let connecting = Socket::connect_path(&path).map(drop);
            for (operation, result) in [("listen", listening), ("connect", connecting)] {
                let error = result.expect_err("it is refused");
                assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error}");
                assert_eq!(error.operation(), operation);
            }
        }
        Ok(())
    });
}

#[test]
fn a_path_that_cannot_be_listened_at_is_an_error_that_says_why() {
    let folder = Folder::new();
    run(|| {
        let missing = Server::listen_path(folder.path("no/such.sock")).expect_err("no folder");
        assert!(missing.is_not_found(), "{missing}");
        let file = folder.path("file");
        fs::write(&file, "kept").expect("a file");
        let taken = Server::listen_path(&file).expect_err("something is there");
        assert!(taken.is_addr_in_use(), "{taken}");
        assert_eq!(taken.target(), Some(&*format!("unix:{}", file.display())));
        assert_eq!(fs::read(&file).expect("it is there"), b"kept");
        Ok(())
    });
}

#[test]
fn the_file_is_gone_as_soon_as_the_server_is_closed() {
    let folder = Folder::new();
    let path = folder.path("a.sock");
    run(|| {
        for _ in 0..3 {
            let server = Server::listen_path(&path)?;
            assert!(path.exists());
            server.close();
            assert!(!path.exists());
        }
        Ok(())
    });
    let event_loop = onward::EventLoop::new().expect("a loop");
    event_loop.enter(|| Server::listen_path(&path).expect("it is free"));
    assert!(path.exists());
    drop(event_loop);
    assert!(!path.exists(), "a loop that ends closes its servers");
}

#[test]
fn addresses_of_unix_sockets_are_paths_and_can_be_connected_to_as_text() {
    let folder = Folder::new();
    let path = folder.path("a.sock");
    run(move || {
        let at = path.clone();
        let server = serve_at(&path, move |socket| {
            assert_eq!(
                socket.local_addr().and_then(|own| own.path().map(Path::to_path_buf)),
                Some(at.clone())
            );
            assert_eq!(socket.peer_addr().map(|peer| peer.to_string()), Some("unix:".into()));
            socket.end();
            socket.resume();
        })?;
        let address = server.local_addr();
        assert_eq!(address.to_string(), format!("unix:{}", path.display()));
        assert_eq!((address.ip(), address.port(), address.path()), (None, None, Some(&*path)));
        assert!(address.is_unix());
        assert_eq!(address.to_string().parse::<Address>()?, address);
        let client = Socket::connect(address)?;
        client.on(Connect, move |client, ()| assert_eq!(client.peer_addr(), Some(address)));
        client.resume();
        Ok(())
    });
}

#[cfg(target_os = "linux")]
#[test]
fn abstract_names_have_no_file() {
    let name = format!("onward-test-{}", std::process::id());
    let seen = logged(move |log| {
        let server = Server::listen(format!("unix:@{name}"))?;
        assert_eq!(server.local_addr().abstract_name(), Some(name.as_bytes()));
        assert_eq!(server.local_addr().path(), None);
        let taken = Server::listen_path(format!("\0{name}")).expect_err("it is taken");
        assert!(taken.is_addr_in_use());
        assert_eq!(taken.target(), Some(&*format!("unix:@{name}")));
        server.on(Connection, |server, socket| {
            server.close();
            socket.end_with("hi");
            socket.resume();
        });
        log.watch(&Socket::connect(server.local_addr())?);
        Ok(())
    });
    seen.assert(&["connect", "data hi", "end", "finish", "close false"]);
}

#[test]
fn a_socket_that_was_left_behind_is_in_use_unless_it_may_be_replaced() {
    let folder = Folder::new();
    let path = folder.path("a.sock");
    run(|| {
        drop(UnixListener::bind(&path)?);
        let refused = Server::listen_path(&path).expect_err("it is there");
        assert!(refused.is_addr_in_use(), "{refused}");
        assert!(path.exists());
        let replacing = ServerOptions::new().replace(true);
        let server = replacing.listen_path(&path)?;
        server.on(Connection, |server, socket| {
            server.close();
            socket.end_with("new");
            socket.resume();
        });
        Socket::connect_path(&path)?.on(Data, |_, chunk| assert_eq!(chunk, b"new"));
        Ok(())
    });
    assert!(!path.exists());
}

#[test]
fn a_socket_that_somebody_listens_at_is_never_replaced() {
    let folder = Folder::new();
    let path = folder.path("a.sock");
    run(|| {
        let listener = UnixListener::bind(&path)?;
        let refused = ServerOptions::new().replace(true).listen_path(&path);
        assert!(refused.is_err_and(|error| error.is_addr_in_use()));
        UnixStream::connect(&path)?;
        drop(listener);
        Ok(())
    });
}

#[test]
fn what_is_no_socket_is_never_replaced() {
    let folder = Folder::new();
    let (file, link) = (folder.path("file"), folder.path("link"));
    fs::write(&file, "kept").expect("a file");
    std::os::unix::fs::symlink(folder.path("nowhere"), &link).expect("a link");
    run(|| {
        for path in [&file, &link] {
            let refused = ServerOptions::new().replace(true).listen_path(path);
            assert!(refused.is_err_and(|error| error.is_addr_in_use()), "{}", path.display());
        }
        Ok(())
    });
    assert_eq!(fs::read(&file).expect("it is there"), b"kept");
    assert!(fs::symlink_metadata(&link).is_ok());
}

#[test]
fn a_file_that_is_not_this_servers_any_more_stays() {
    let folder = Folder::new();
    let path = folder.path("a.sock");
    run(|| {
        let first = Server::listen_path(&path)?;
        fs::remove_file(&path)?;
        let second = Server::listen_path(&path)?;
        first.close();
        assert!(path.exists(), "it is the second one's");
        second.close();
        assert!(!path.exists());
        Ok(())
    });
}

#[test]
fn the_file_has_the_permissions_that_are_asked_for() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = Folder::new();
    let path = folder.path("a.sock");
    run(|| {
        for mode in [0o600, 0o666] {
            let server = ServerOptions::new().mode(mode).listen_path(&path)?;
            assert_eq!(fs::metadata(&path)?.permissions().mode() & 0o777, mode);
            server.close();
        }
        Ok(())
    });
}

#[test]
fn options_that_only_tcp_has_are_passed_over() {
    let folder = Folder::new();
    let path = folder.path("a.sock");
    let seen = logged(move |log| {
        let options = SocketOptions::new()
            .no_delay(true)
            .tos(0x10)
            .keep_alive(onward::net::KeepAlive::after(Duration::from_secs(9)))
            .local_addr("127.0.0.1:0".parse().expect("an address"))
            .send_buffer(10_000);
        let server = ServerOptions::new()
            .reuse_port(true)
            .only_v6(true)
            .sockets(options)
            .listen_path(&path)?;
        server.on(Connection, |server, socket| {
            server.close();
            socket.set_no_delay(true).expect("nothing happens");
            socket.end_with("hello");
            socket.resume();
        });
        log.watch(&options.connect_path(&path)?);
        Ok(())
    });
    seen.assert(&["connect", "data hello", "end", "finish", "close false"]);
}

/// A listener with a queue for one guest, and the guest who waits in it.
fn crowded(path: &Path) -> (UnixListener, UnixStream) {
    let listener = socket2::Socket::new(socket2::Domain::UNIX, socket2::Type::STREAM, None);
    let listener = listener.expect("a socket");
    listener.bind(&socket2::SockAddr::unix(path).expect("a path")).expect("a free path");
    listener.listen(0).expect("it is bound");
    (listener.into(), UnixStream::connect(path).expect("room for one"))
}

#[cfg(target_os = "linux")]
#[test]
fn a_client_waits_until_there_is_room_in_the_queue() {
    let folder = Folder::new();
    let path = folder.path("a.sock");
    let seen = logged(move |log| {
        let (listener, first) = crowded(&path);
        let late = Socket::connect_path(&path)?;
        late.end_with("late");
        log.watch(&late);
        let log = log.clone();
        onward::set_timeout(Duration::from_millis(5), move || {
            log.assert(&[]);
            let server = Server::from_std(listener).expect("it listens");
            drop(first);
            let mut guests = 0;
            server.on(Connection, move |server, socket| {
                guests += 1;
                if guests == 2 {
                    server.close();
                }
                socket.on(Data, |_, chunk| assert_eq!(chunk, b"late"));
            });
        });
        Ok(())
    });
    seen.assert(&["connect", "finish", "end", "close false"]);
}

#[cfg(target_os = "linux")]
#[test]
fn a_client_that_waits_for_room_too_long_or_is_destroyed_gives_up() {
    let folder = Folder::new();
    let path = folder.path("a.sock");
    let seen = logged(move |log| {
        let (listener, first) = crowded(&path);
        let options = SocketOptions::new().connect_timeout(Duration::from_millis(10));
        let late = options.connect_path(&path)?;
        log.watch(&late);
        let other = Socket::connect_path(&path)?;
        late.on(Close, move |_, _| {
            other.destroy();
            drop((listener.local_addr(), first.peer_addr()));
        });
        Ok(())
    });
    seen.assert(&["error TimedOut", "close true"]);
}

/// The system vouches for the peer.
#[cfg(target_os = "linux")]
#[test]
fn who_is_on_the_other_side_is_known() {
    let folder = Folder::new();
    let path = folder.path("a.sock");
    run(move || {
        serve_at(&path, |socket| {
            let peer = socket.peer_credentials().expect("it is a Unix socket");
            assert_eq!(peer.process, i32::try_from(std::process::id()).expect("a number"));
            assert_eq!(peer.user, rustix::process::getuid().as_raw());
            assert_eq!(peer.group, rustix::process::getgid().as_raw());
            socket.end();
            socket.resume();
        })?;
        let client = Socket::connect_path(&path)?;
        assert_eq!(client.peer_credentials(), None, "not before it stands");
        client.resume();
        client.on(Close, |client, _| assert_eq!(client.peer_credentials(), None));
        let tcp = Socket::connect("127.0.0.1:1")?;
        tcp.on(Error, |tcp, _| assert_eq!(tcp.peer_credentials(), None));
        Ok(())
    });
}

#[test]
fn a_dump_names_unix_servers_and_sockets_by_their_paths() {
    use onward::event_loop::ResourceKind;
    let folder = Folder::new();
    let path = folder.path("a.sock");
    run(move || {
        let expected = Some(format!("unix:{}", path.display()));
        serve_at(&path, move |socket| {
            let dump = onward::inspect::dump();
            let sockets = dump.resources.iter().filter(|r| r.kind == ResourceKind::UnixSocket);
            let targets: Vec<_> = sockets.map(|socket| socket.target.clone()).collect();
            assert_eq!(targets, [expected.clone(), expected.clone()]);
            assert_eq!(
                format!("{socket:?}"),
                format!("Socket({})", expected.clone().unwrap_or_default())
            );
            socket.end();
            socket.resume();
        })?;
        Socket::connect_path(&path)?.resume();
        Ok(())
    });
}
