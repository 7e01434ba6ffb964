//! Sockets that have left event mode, for futures.

use crate::common::pattern::Pattern;
use crate::common::{
    ANY, Log, connect_to, count_turns, guest, host, join, logged, nobody, reset, run, serve_one,
};
use futures_lite::io::{BufReader, copy, split};
use futures_lite::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, StreamExt as _};
use onward::events::*;
use onward::io::AsyncIo;
use onward::net::{Server, Socket};
use onward::{Error, ErrorKind};
use std::io::{self, IoSlice, Read as _, Write as _};
use std::net::{Shutdown, TcpStream};
use std::sync::mpsc;
use std::time::Duration;

/// Runs a future that has to end well, which nothing of the loop may outlive by much.
fn go(future: impl Future<Output = onward::Result<()>> + 'static) {
    onward::spawn_or_fail(future);
}

/// The error behind one of `std`'s.
fn inner(error: &io::Error) -> ErrorKind {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<Error>());
    inner.expect("an error of ours").kind()
}

/// So late that the connection stands on the other side too.
fn reset_after_a_byte(mut stream: TcpStream) {
    stream.read_exact(&mut [0]).expect("a byte");
    reset(stream);
}

#[test]
fn it_is_what_libraries_ask_for() {
    fn check<T: futures_lite::AsyncRead + futures_lite::AsyncWrite + Send + Unpin + 'static>() {}
    check::<AsyncIo>();
}

#[test]
fn a_copy_of_itself_is_an_echo() {
    let seen = logged(move |log| {
        let address = serve_one(move |socket| {
            log.watch_all_but_data(socket);
            let stream = socket.clone().into_io().expect("nobody listens");
            go(async move {
                let (reader, mut writer) = split(stream);
                copy(reader, &mut writer).await?;
                Ok(writer.close().await?)
            });
        })?;
        let peer = guest(address, |stream| {
            let mut writer = stream.try_clone().expect("a copy");
            let writing = std::thread::spawn(move || {
                let mut pattern = Pattern::new();
                for _ in 0..100 {
                    writer.write_all(pattern.next(50_000)).expect("somebody reads");
                }
                writer.shutdown(Shutdown::Write).expect("it stands");
                pattern.place()
            });
            let (mut reader, mut pattern) = (stream, Pattern::new());
            let mut buffer = vec![0; 60_000];
            loop {
                match reader.read(&mut buffer).expect("a chunk or the end") {
                    0 => break,
                    count => pattern.check(&buffer[..count]),
                }
            }
            assert_eq!(join(writing), pattern.place());
        });
        onward::spawn_blocking(|| join(peer)).then(|result| result.expect("the peer is content"));
        Ok(())
    });
    seen.assert(&["close false"]);
}

#[test]
fn it_can_be_had_before_it_stands_and_reads_lines_and_writes() {
    run(|| {
        let (client, peer) = connect_to(|stream| {
            let mut lines = io::BufReader::new(stream.try_clone().expect("a copy"));
            let mut line = String::new();
            io::BufRead::read_line(&mut lines, &mut line).expect("a line");
            { &stream }.write_all(b"one\ntwo\n").expect("it stands");
            line
        })?;
        let mut client = client.into_io()?;
        go(async move {
            let pieces = [IoSlice::new(b"hello "), IoSlice::new(b"there\n")];
            assert_eq!(client.write_vectored(&pieces).await?, 12);
            client.flush().await?;
            let lines: Vec<String> =
                BufReader::new(client).lines().map(|line| line.expect("a line")).collect().await;
            assert_eq!(lines, ["one", "two"]);
            assert_eq!(join(peer), "hello there\n");
            Ok(())
        });
        Ok(())
    });
}

#[test]
fn a_connection_that_fails_is_told_to_reader_and_writer_and_not_as_an_event() {
    let seen = logged(move |log| {
        let client = Socket::connect(nobody())?;
        log.watch_all_but_data(&client);
        let (mut reader, mut writer) = split(client.into_io()?);
        go(async move {
            let error = reader.read(&mut [0; 10]).await.expect_err("nobody is there");
            assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
            assert!(error.to_string().starts_with("connect "), "{error}");
            let error = writer.write(b"hello").await.expect_err("nobody is there");
            assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
            Ok(())
        });
        Ok(())
    });
    seen.assert(&["close true"]);
}

#[test]
fn after_the_peers_end_it_may_still_write_and_close_comes_when_both_are_through() {
    let log = Log::default();
    let seen = log.clone();
    let peer = {
        let (send, receive) = mpsc::channel();
        run(move || {
            let (client, peer) = connect_to(|mut stream| {
                stream.shutdown(Shutdown::Write).expect("it stands");
                let mut all = String::new();
                stream.read_to_string(&mut all).expect("text");
                all
            })?;
            log.watch_all_but_data(&client);
            let mut client = client.into_io()?;
            go(async move {
                assert_eq!(client.read(&mut [0; 10]).await?, 0);
                log.note("read the end");
                client.write_all(b"still here").await?;
                client.close().await?;
                log.note("closed");
                client.close().await?;
                client.flush().await?;
                assert_eq!(client.read(&mut [0; 10]).await?, 0, "again and again");
                let error = client.write(b"late").await.expect_err("it has ended");
                assert_eq!(inner(&error), ErrorKind::Destroyed);
                Ok(())
            });
            send.send(peer).expect("it is waited for");
            Ok(())
        });
        receive.recv().expect("it was sent")
    };
    assert_eq!(join(peer), "still here");
    seen.assert(&["connect", "read the end", "closed", "close false"]);
}

#[test]
fn a_reset_is_the_readers_error() {
    run(|| {
        let (client, peer) = connect_to(reset_after_a_byte)?;
        let mut client = client.into_io()?;
        go(async move {
            client.write_all(b"x").await?;
            let error = client.read(&mut [0; 10]).await.expect_err("it was reset");
            assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
            join(peer);
            Ok(())
        });
        Ok(())
    });
}

#[test]
fn closing_what_the_peer_has_left_is_no_error() {
    run(|| {
        let (client, peer) = connect_to(reset_after_a_byte)?;
        let mut client = client.into_io()?;
        go(async move {
            client.write_all(b"x").await?;
            client.read(&mut [0; 10]).await.expect_err("it was reset");
            join(peer);
            Ok(client.close().await?)
        });
        Ok(())
    });
}

#[test]
fn on_another_thread_it_says_so_and_dropped_there_it_closes() {
    let seen = logged(move |log| {
        let (client, peer) = connect_to(|mut stream| stream.read(&mut [0]))?;
        log.watch_all_but_data(&client);
        client.on(Connect, |client, ()| {
            let mut stream = client.clone().into_io().expect("nobody listens");
            let thread = std::thread::spawn(move || {
                let future = async {
                    let errors = [
                        stream.read(&mut [0; 10]).await.map(drop),
                        stream.write(b"hello").await.map(drop),
                        stream.flush().await,
                        stream.close().await,
                    ];
                    errors.map(|result| inner(&result.expect_err("another thread")))
                };
                let kinds = futures_lite::future::block_on(future);
                assert_eq!(kinds, [ErrorKind::WrongThread; 4]);
                assert_eq!(format!("{stream:?}"), "AsyncIo(elsewhere)");
                drop(stream);
            });
            onward::spawn_blocking(|| join(thread)).then(|result| result.expect("no panic"));
        });
        onward::spawn_blocking(|| join(peer)).then(|read| {
            assert_eq!(read.expect("no panic").expect("the end"), 0);
        });
        Ok(())
    });
    seen.assert(&["connect", "close false"]);
}

#[test]
fn what_outlives_its_loop_says_so() {
    let (address, _peer) = host(|mut stream| stream.read(&mut [0]));
    let mut left = None;
    onward::run(|| {
        let client = Socket::connect(address)?;
        client.unref();
        left = Some(client.into_io()?);
        Ok(())
    })
    .expect("it ends well");
    let mut left = left.expect("it was made");
    let error = futures_lite::future::block_on(left.read(&mut [0; 10])).expect_err("it is over");
    assert_eq!((error.kind(), inner(&error)), (io::ErrorKind::NotConnected, ErrorKind::LoopGone));
}

#[test]
fn listening_for_data_and_pulling_exclude_each_other() {
    let seen = logged(move |log| {
        let (client, peer) = connect_to(|mut stream| stream.read(&mut [0]))?;
        let listener = client.on(Data, |_, _| {});
        let refused = client.clone().into_io().expect_err("somebody listens");
        assert_eq!(refused.kind(), ErrorKind::InUse);
        client.off(listener);
        let mut stream = client.clone().into_io()?;
        let refused = client.clone().into_io().expect_err("somebody pulls");
        assert_eq!(refused.kind(), ErrorKind::InUse);
        log.watch_all_but_data(&client);
        client.resume(); // means nothing here
        client.on(Connect, |client, ()| {
            client.on(Data, |_, _| unreachable!("it is pulled"));
        });
        go(async move {
            let error = stream.read(&mut [0; 10]).await.expect_err("somebody listens");
            assert_eq!(inner(&error), ErrorKind::InUse);
            log.note("told");
            drop(peer);
            Ok(())
        });
        Ok(())
    });
    seen.assert(&["connect", "told", "close true"]);
}

#[test]
fn what_was_written_before_goes_first_and_its_callbacks_come() {
    let log = Log::default();
    let (seen, noting) = (log.clone(), log.clone());
    let (address, peer) = host(|mut stream| {
        let mut all = Vec::new();
        stream.read_to_end(&mut all).expect("bytes");
        all.len()
    });
    run(move || {
        let client = Socket::connect(address)?;
        client.write_owned_then(vec![b'.'; 3 << 20], move |result| {
            noting.note(format!("{result:?}"))
        });
        let mut stream = client.into_io()?;
        go(async move {
            stream.write_all(b"behind").await?;
            log.note("behind");
            Ok(stream.close().await?)
        });
        Ok(())
    });
    seen.assert(&["Ok(())", "behind"]);
    assert_eq!(join(peer), (3 << 20) + 6);
}

#[test]
fn a_future_that_reads_for_ever_leaves_time_for_others() {
    run(|| {
        let server = Server::listen(ANY)?;
        server.on(Connection, |server, socket| {
            server.close();
            let mut stream = socket.clone().into_io().expect("nobody listens");
            onward::spawn(async move {
                let mut buffer = [0; 10];
                while stream.read(&mut buffer).await.is_ok_and(|count| count > 0) {}
            });
            // It comes, although there is always something to read.
            onward::set_timeout(Duration::from_millis(20), move || socket.destroy());
        });
        guest(
            server.local_addr(),
            |mut stream: TcpStream| {
                while stream.write_all(&[b'x'; 64 * 1024]).is_ok() {}
            },
        );
        Ok(())
    });
}

#[test]
fn dropping_it_closes() {
    let seen = logged(move |log| {
        let (client, peer) = connect_to(|mut stream| stream.read(&mut [0]))?;
        log.watch_all_but_data(&client);
        client.on(Connect, |client, ()| drop(client.clone().into_io()));
        onward::spawn_blocking(|| join(peer)).then(|read| {
            assert_eq!(read.expect("no panic").expect("the end"), 0);
        });
        Ok(())
    });
    seen.assert(&["connect", "close false"]);
}

#[test]
#[cfg(target_os = "linux")]
fn what_came_before_it_broke_is_read_though_older_writes_wait() {
    for reads_before in [false, true] {
        let seen = logged(move |log| {
            let ((full, when_full), (gone, when_gone)) = (mpsc::channel(), mpsc::channel());
            let (client, _) = connect_to(move |mut stream| {
                when_full.recv().expect("the queue fills up");
                stream.write_all(b"too large").expect("there is room");
                reset(stream);
                gone.send(()).expect("the loop waits for it");
            })?;
            log.watch_all_but_data(&client);
            client.once(Connect, move |client, ()| {
                while client.write([0; 50_000]) {}
                let mut stream = client.clone().into_io().expect("it stands");
                full.send(()).expect("the peer waits for it");
                // The loop hears of all of it at once.
                when_gone.recv().expect("the peer answers");
                go(async move {
                    if reads_before {
                        // The system's news come while it waits for them.
                        onward::sleep(Duration::from_millis(1)).await;
                    } else {
                        stream.write_all(b"more").await.expect_err("it is broken");
                    }
                    let mut answer = Vec::new();
                    let error = stream.read_to_end(&mut answer).await.expect_err("it is broken");
                    assert_eq!(answer, b"too large");
                    let broken = [io::ErrorKind::ConnectionReset, io::ErrorKind::BrokenPipe];
                    assert!(broken.contains(&error.kind()), "{error:?}");
                    Ok(())
                });
            });
            Ok(())
        });
        seen.assert(&["connect", "close true"]);
    }
}

#[test]
fn what_was_to_be_thrown_away_is_for_who_pulls_and_makes_nobody_spin() {
    run(|| {
        let (client, peer) = connect_to(|mut stream| {
            stream.write_all(b"hello").expect("there is room");
            stream.read_to_end(&mut Vec::new()).expect("the end")
        })?;
        client.discard_input();
        let mut stream = client.into_io()?;
        onward::set_timeout(Duration::from_millis(50), move || {
            count_turns(Duration::from_millis(100), |turns| assert!(turns < 50, "{turns}"));
        });
        go(async move {
            onward::sleep(Duration::from_millis(200)).await;
            let mut hello = [0; 5];
            stream.read_exact(&mut hello).await?;
            assert_eq!(&hello, b"hello");
            stream.close().await?;
            assert_eq!(stream.read(&mut hello).await?, 0);
            assert_eq!(join(peer), 0);
            Ok(())
        });
        Ok(())
    });
}
