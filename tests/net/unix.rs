//! Unix sockets: the same sockets and servers, with paths.

use crate::common::{LIMIT, Log, run};
use onward::events::*;
use onward::net::{Address, Server, Socket};
use onward::{ErrorKind, Result};
use std::fs;
use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

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
    drop(std::os::unix::net::UnixListener::bind(&left).expect("a free path"));
    for (path, kind) in [(missing, "NotFound"), (left, "ConnectionRefused")] {
        let log = Log::default();
        let seen = log.clone();
        run(move || {
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
    let log = Log::default();
    let seen = log.clone();
    run(move || {
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
