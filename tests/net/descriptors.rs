//! Descriptors that are handed over through Unix sockets, at their place in the stream.

use crate::common::{LIMIT, Log, logged, run};
use onward::ErrorKind;
use onward::events::*;
use onward::net::Socket;
use std::cell::{Cell, RefCell};
use std::fs::File;
use std::io::{Read as _, Seek as _, Write as _};
use std::os::unix::net::UnixStream;
use std::rc::Rc;

/// Two sockets of the loop's, connected to one another.
fn pair() -> onward::Result<(Socket, Socket)> {
    let (near, far) = UnixStream::pair()?;
    Ok((Socket::from_std(near)?, Socket::from_std(far)?))
}

/// A file with that in it.
fn file_with(text: &str) -> File {
    use std::sync::atomic::{AtomicU32, Ordering};
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let path = std::env::temp_dir().join(format!("onward-passed-{}-{number}", std::process::id()));
    let mut options = File::options();
    let mut file = options.read(true).write(true).create_new(true).open(&path).expect("a file");
    std::fs::remove_file(path).expect("it is there");
    file.write_all(text.as_bytes()).expect("there is room");
    file.rewind().expect("a file");
    file
}

fn read(descriptor: std::os::fd::OwnedFd) -> String {
    let mut text = String::new();
    File::from(descriptor).read_to_string(&mut text).expect("a file");
    text
}

/// Notes what comes, and what is in the files that come.
fn watch(socket: &Socket, log: &Log) {
    log.watch(socket);
    let log = log.clone();
    socket.on(Descriptor, move |_, passed| {
        log.note(format!("file {}", passed.take().map_or_else(String::new, read)));
    });
}

#[test]
fn a_descriptor_comes_before_the_chunk_with_the_byte_that_it_goes_with() {
    let seen = logged(move |log| {
        let (near, far) = pair()?;
        watch(&far, &log);
        near.write("before ");
        let later = near.clone();
        far.once(Data, move |_, _| {
            assert!(later.write_with_descriptor("with ", file_with("one")).expect("it is open"));
            later.write("after ");
            assert!(later.write_with_descriptor("two", file_with("two")).expect("it is open"));
            later.end();
        });
        Ok(())
    });
    seen.assert(&[
        "data before ",
        "file one",
        "data with ",
        "file two",
        "data after two",
        "end",
        "finish",
        "close false",
    ]);
}

#[test]
fn descriptors_keep_their_place_when_the_peer_is_slow() {
    const ROUNDS: usize = 8;
    const CHUNK: usize = 200_000;
    let (came, bytes) = (Rc::new(RefCell::new(Vec::new())), Rc::new(Cell::new(0)));
    let (noting, counting) = (Rc::clone(&came), Rc::clone(&bytes));
    run(move || {
        let (near, far) = pair()?;
        for round in 0..ROUNDS {
            near.write_with_descriptor(vec![b'0'; CHUNK], file_with(&round.to_string()))?;
        }
        assert!(near.queued() > 0, "the kernel does not take so much");
        near.end();
        let read_so_far = Rc::clone(&counting);
        far.on(Descriptor, move |_, passed| {
            let text = passed.take().map_or_else(String::new, read);
            noting.borrow_mut().push((text, read_so_far.get()));
        });
        far.on(Data, move |_, chunk| counting.set(counting.get() + chunk.len()));
        Ok(())
    });
    assert_eq!(bytes.get(), ROUNDS * CHUNK);
    let came = came.take();
    assert_eq!(came.len(), ROUNDS);
    for (round, (text, before)) in came.iter().enumerate() {
        assert_eq!(*text, round.to_string());
        // It is told with the chunk that holds its byte.
        assert!(*before <= round * CHUNK && round * CHUNK < before + 64 * 1024, "{before}");
    }
}

#[test]
fn what_nobody_takes_or_asks_for_is_closed() {
    for listens in [true, false] {
        let (mut open, passed) = UnixStream::pair().expect("a pair");
        run(move || {
            let (near, far) = pair()?;
            near.write_with_descriptor("x", passed)?;
            near.end();
            if listens {
                far.on(Descriptor, |_, _| {});
            }
            far.resume();
            Ok(())
        });
        // Nobody has the other end any more.
        assert_eq!(open.read(&mut [0]).expect("the end"), 0);
    }
}

#[test]
fn what_was_not_sent_is_closed_with_the_socket() {
    let (mut open, passed) = UnixStream::pair().expect("a pair");
    run(move || {
        let (near, far) = pair()?;
        near.write(vec![0; 4 << 20]);
        near.write_with_descriptor("x", passed)?;
        assert!(near.queued() > 0);
        near.destroy();
        far.destroy();
        Ok(())
    });
    assert_eq!(open.read(&mut [0]).expect("the end"), 0);
}

#[test]
fn a_connection_can_be_passed_on_and_served_by_who_gets_it() {
    let seen = logged(move |log| {
        let (near, far) = pair()?;
        let server = onward::net::Server::listen(crate::common::ANY)?;
        server.on(Connection, move |server, socket| {
            server.close();
            let stream: std::net::TcpStream = socket.into_std().expect("nothing waits");
            near.write_with_descriptor("x", stream).expect("it is open");
            near.end();
        });
        far.on(Descriptor, |_, passed| {
            let stream = passed.take().map(std::net::TcpStream::from).expect("it came");
            Socket::from_std(stream).expect("it stands").end_with("served elsewhere");
        });
        far.resume();
        let client = Socket::connect(server.local_addr())?;
        log.watch(&client);
        Ok(())
    });
    seen.assert(&["connect", "data served elsewhere", "end", "finish", "close false"]);
}

#[test]
fn what_cannot_be_passed_is_an_error_at_once() {
    let refused = |socket: &Socket, bytes: &str, why: &str| {
        let result = socket.write_with_descriptor(bytes, file_with("x"));
        let error = result.expect_err("it is refused");
        assert_eq!((error.kind(), error.operation()), (ErrorKind::InvalidInput, "pass descriptor"));
        assert!(error.to_string().contains(why), "{error}");
    };
    run(move || {
        let (near, far) = pair()?;
        refused(&near, "", "with a byte");
        near.end();
        refused(&near, "x", "after end");
        near.destroy();
        far.destroy();
        refused(&far, "x", "not open");
        let tcp = Socket::connect("127.0.0.1:1")?;
        tcp.on(Error, |_, _| {});
        refused(&tcp, "x", "only Unix sockets");
        Ok(())
    });
}

#[test]
fn descriptors_that_were_written_before_the_connection_stands_go_too() {
    let log = Log::default();
    let seen = log.clone();
    let folder = crate::net::unix::Folder::new();
    let path = folder.path("a.sock");
    run(move || {
        let server = onward::net::Server::listen_path(&path)?;
        server.on(Connection, move |server, socket| {
            server.close();
            watch(&socket, &log);
        });
        let client = Socket::connect_path(&path)?;
        client.write("a");
        client.write_with_descriptor("b", file_with("file"))?;
        client.end();
        client.resume();
        Ok(())
    });
    seen.assert(&["file file", "data ab", "end", "finish", "close false"]);
}

#[test]
fn what_goes_with_bytes_that_nobody_is_told_of_is_closed_at_once() {
    for pulls in [false, true] {
        run(move || {
            let (mut open, passed) = UnixStream::pair()?;
            let (near, far) = pair()?;
            far.on(Descriptor, |_, _| unreachable!("nobody is told of it"));
            near.write_with_descriptor("x", passed)?;
            let reading = if pulls {
                let mut far = far.into_io()?;
                Some(onward::spawn(async move {
                    use futures_lite::AsyncReadExt as _;
                    far.read_exact(&mut [0]).await.expect("a byte");
                    far
                }))
            } else {
                far.discard_input();
                None
            };
            // Nobody has the other end any more, while the connection stands.
            open.set_read_timeout(Some(LIMIT))?;
            let wait = move || open.read(&mut [0]);
            onward::spawn_blocking(wait).then(move |read| {
                assert_eq!(read.expect("no panic").expect("the end"), 0);
                near.end();
                drop(reading);
            });
            Ok(())
        });
    }
}
