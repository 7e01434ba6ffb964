//! Streams for what is made for futures, and the other way round.
#![cfg(all(feature = "net", feature = "fs"))]

#[allow(dead_code, reason = "shared with other tests")]
mod common;

use common::pattern::Pattern;
use common::{Log, connect_to, join, run, serve_one};
use futures_lite::io::{Cursor, copy};
use futures_lite::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use onward::events::*;
use onward::fs::{ReadStream, WriteStream};
use onward::net::Socket;
use onward::stream::{Sink, Source};
use onward::{ErrorKind, io};
use std::cell::{Cell, RefCell};
use std::io::Read as _;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;

/// A reader and writer by a script; nothing in it never comes.
struct Scripted {
    reads: Vec<Option<std::io::Result<Vec<u8>>>>,
    writes: Vec<Option<std::io::Result<usize>>>,
    log: Log,
}

impl Scripted {
    fn new(log: &Log) -> Self {
        Self { reads: Vec::new(), writes: Vec::new(), log: log.clone() }
    }
}

/// Comes in the next turn.
fn later<T>(cx: &Context<'_>) -> Poll<T> {
    let waker = cx.waker().clone();
    onward::set_immediate(move || waker.wake());
    Poll::Pending
}

impl AsyncRead for Scripted {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<std::io::Result<usize>> {
        if self.reads.is_empty() {
            self.log.note("reads");
            return Poll::Pending;
        }
        match self.reads.remove(0) {
            None => later(cx),
            Some(Err(error)) => Poll::Ready(Err(error)),
            Some(Ok(bytes)) => {
                buffer[..bytes.len()].copy_from_slice(&bytes);
                Poll::Ready(Ok(bytes.len()))
            }
        }
    }
}

impl AsyncWrite for Scripted {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<std::io::Result<usize>> {
        if self.writes.is_empty() {
            self.log.note("writes");
            return Poll::Pending;
        }
        match self.writes.remove(0) {
            None => later(cx),
            Some(result) => {
                let count = result?.min(bytes.len());
                self.log.note(format!("write {}", String::from_utf8_lossy(&bytes[..count])));
                Poll::Ready(Ok(count))
            }
        }
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        self.log.note("flush");
        Poll::Ready(Ok(()))
    }

    fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        self.log.note("shut");
        Poll::Ready(Ok(()))
    }
}

impl Drop for Scripted {
    fn drop(&mut self) {
        self.log.note("dropped");
    }
}

fn watch_source(log: &Log, source: &Source) {
    let noting = |what: &'static str| {
        let log = log.clone();
        move |_: &Source, ()| log.note(what)
    };
    source.on(End, noting("end"));
    let log = log.clone();
    let (errors, closes) = (log.clone(), log.clone());
    source.on(Error, move |_, error| errors.note(format!("error {:?}", error.io_kind())));
    source.on(Close, move |_, had_error| closes.note(format!("close {had_error}")));
    source.on(Data, move |_, chunk| log.note(format!("data {}", String::from_utf8_lossy(chunk))));
}

fn watch_sink(log: &Log, sink: &Sink) {
    let noting = |what: &'static str| {
        let log = log.clone();
        move |_: &Sink, ()| log.note(what)
    };
    sink.on(Drain, noting("drain"));
    sink.on(Finish, noting("finish"));
    let log = log.clone();
    let errors = log.clone();
    sink.on(Error, move |_, error| errors.note(format!("error {:?}", error.io_kind())));
    sink.on(Close, move |_, had_error| log.note(format!("close {had_error}")));
}

fn inner(error: &std::io::Error) -> ErrorKind {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<onward::Error>());
    inner.expect("an error of ours").kind()
}

#[test]
fn what_a_reader_gives_is_told_to_its_end() {
    let log = Log::default();
    let seen = log.clone();
    run(move || {
        let mut reader = Scripted::new(&log);
        let interrupted = || Some(Err(std::io::ErrorKind::Interrupted.into()));
        let chunk = |text: &str| Some(Ok(text.as_bytes().to_vec()));
        reader.reads = vec![None, chunk("one"), interrupted(), None, chunk("two"), chunk("")];
        watch_source(&log, &io::source(reader)?);
        Ok(())
    });
    seen.assert(&["data one", "data two", "dropped", "end", "close false"]);
}

#[test]
fn a_readers_error_is_the_streams() {
    let log = Log::default();
    let seen = log.clone();
    run(move || {
        let mut reader = Scripted::new(&log);
        let reset = Err(std::io::ErrorKind::ConnectionReset.into());
        reader.reads = vec![Some(Ok(b"one".to_vec())), Some(reset)];
        watch_source(&log, &io::source(reader)?);
        Ok(())
    });
    seen.assert(&["data one", "dropped", "error Some(ConnectionReset)", "close true"]);
}

#[test]
fn nothing_is_read_for_who_has_paused_and_a_read_under_way_goes_with_the_stream() {
    let log = Log::default();
    let seen = log.clone();
    run(move || {
        let source = io::source(Scripted::new(&log))?;
        source.pause();
        watch_source(&log, &source);
        onward::set_timeout(Duration::from_millis(50), move || {
            log.note("resume");
            source.resume();
            onward::set_timeout(Duration::from_millis(50), move || source.destroy());
        });
        Ok(())
    });
    // Whether the reader or the stream goes first is nobody's business.
    seen.assert(&["resume", "reads", "close false", "dropped"]);
}

#[test]
fn a_sink_writes_all_of_each_chunk_in_order_and_closes_before_finish() {
    let log = Log::default();
    let seen = log.clone();
    run(move || {
        let mut writer = Scripted::new(&log);
        let interrupted = Some(Err(std::io::ErrorKind::Interrupted.into()));
        writer.writes = vec![Some(Ok(2)), None, interrupted, Some(Ok(9)), None, Some(Ok(9))];
        let sink = io::sink(writer)?;
        watch_sink(&log, &sink);
        sink.write("one");
        sink.write("two");
        sink.end();
        Ok(())
    });
    seen.assert(&[
        "write on",
        "write e",
        "write two",
        "flush",
        "shut",
        "dropped",
        "finish",
        "close false",
    ]);
}

#[test]
fn a_writers_error_is_the_streams_and_a_write_under_way_goes_with_it() {
    let log = Log::default();
    let seen = log.clone();
    run(move || {
        let mut writer = Scripted::new(&log);
        writer.writes = vec![Some(Err(std::io::ErrorKind::StorageFull.into()))];
        let sink = io::sink(writer)?;
        watch_sink(&log, &sink);
        sink.write("one");
        Ok(())
    });
    seen.assert(&["error Some(StorageFull)", "close true", "dropped"]);
}

#[test]
fn a_write_under_way_goes_with_the_stream() {
    let log = Log::default();
    let seen = log.clone();
    run(move || {
        let sink = io::sink(Scripted::new(&log))?;
        watch_sink(&log, &sink);
        sink.write("never");
        onward::set_timeout(Duration::from_millis(50), move || sink.destroy());
        Ok(())
    });
    seen.assert(&["writes", "close false", "dropped"]);
}

#[test]
fn a_file_goes_through_reader_and_writer_unharmed() {
    let path = std::env::temp_dir().join(format!("onward-io-{}", std::process::id()));
    let (from, to) = (path.with_extension("from"), path.with_extension("to"));
    let bytes = {
        let mut pattern = Pattern::new();
        (0..60).flat_map(|_| pattern.next(50_000).to_vec()).collect::<Vec<u8>>()
    };
    std::fs::write(&from, &bytes).expect("written");
    let (source, sink) = (from.clone(), to.clone());
    run(move || {
        let mut reader = io::reader(&ReadStream::open(&source)?);
        let mut writer = io::writer(&WriteStream::create(&sink)?);
        onward::spawn_or_fail(async move {
            assert_eq!(copy(&mut reader, &mut writer).await?, 3_000_000);
            writer.close().await?;
            writer.close().await?;
            writer.flush().await?;
            let error = writer.write(b"late").await.expect_err("it has ended");
            assert!(matches!(inner(&error), ErrorKind::WriteAfterEnd | ErrorKind::PrematureClose));
            assert_eq!(reader.read(&mut [0; 10]).await?, 0, "again and again");
            Ok(())
        });
        Ok(())
    });
    assert!(std::fs::read(&to).expect("written") == bytes);
    std::fs::remove_file(from).and_then(|()| std::fs::remove_file(to)).expect("they were there");
}

#[test]
fn errors_of_streams_are_those_of_their_reader_and_writer() {
    run(|| {
        let mut reader = io::reader(&ReadStream::open("no/such/file")?);
        let mut writer = io::writer(&WriteStream::create("no/such/file")?);
        let closed = Source::new()?;
        let mut early = io::reader(&closed);
        closed.destroy();
        onward::spawn_or_fail(async move {
            let error = reader.read(&mut [0; 10]).await.expect_err("it is not there");
            assert_eq!(error.kind(), std::io::ErrorKind::NotFound);
            let error = writer.close().await.expect_err("it is not there");
            assert_eq!(error.kind(), std::io::ErrorKind::NotFound);
            let error = early.read(&mut [0; 10]).await.expect_err("it was destroyed");
            assert_eq!(inner(&error), ErrorKind::PrematureClose);
            Ok(())
        });
        Ok(())
    });
}

#[test]
fn a_reader_keeps_one_chunk_and_lets_the_stream_wait() {
    run(|| {
        let told = Rc::new(Cell::new(0));
        let counted = Rc::clone(&told);
        let source = Source::pull(move |source| {
            counted.set(counted.get() + 1);
            source.push("x");
        })?;
        source.set_high_water(1);
        let mut reader = io::reader(&source);
        onward::set_timeout(Duration::from_millis(5), move || {
            assert!(told.get() <= 4, "{} were asked for, and none was read", told.get());
            onward::spawn_or_fail(async move {
                let mut buffer = [0; 100];
                reader.read_exact(&mut buffer).await?;
                assert!(buffer == [b'x'; 100] && told.get() <= 104);
                Ok(())
            });
        });
        Ok(())
    });
}

#[test]
fn dropping_a_reader_or_a_writer_that_was_not_closed_destroys_its_stream() {
    let log = Log::default();
    let seen = log.clone();
    run(move || {
        let address = serve_one(|socket| socket.resume())?;
        for reads in [true, false] {
            let client =
                if reads { Socket::connect(address)? } else { Socket::connect("127.0.0.1:1")? };
            let log = log.clone();
            client.on(Close, move |_, had_error| log.note(format!("close {had_error}")));
            if reads { drop(io::reader(&client)) } else { drop(io::writer(&client)) }
        }
        Ok(())
    });
    seen.assert(&["close false", "close false"]);
}

#[test]
fn a_pipe_from_a_reader_to_a_socket_and_back_is_whole() {
    run(|| {
        let (client, peer) = connect_to(|mut stream| {
            let mut all = Vec::new();
            stream.read_to_end(&mut all).expect("all of it");
            all
        })?;
        let bytes: Vec<u8> = {
            let mut pattern = Pattern::new();
            (0..20).flat_map(|_| pattern.next(50_000).to_vec()).collect()
        };
        io::source(Cursor::new(bytes.clone()))?.pipe(&client);
        let got = Rc::new(RefCell::new(Some((peer, bytes))));
        client.on(Close, move |_, _| {
            let (peer, bytes) = got.take().expect("once");
            assert!(join(peer) == bytes);
        });
        Ok(())
    });
}

#[test]
fn outside_of_a_loop_they_say_so() {
    let log = Log::default();
    let error: onward::Error = io::source(Scripted::new(&log)).expect_err("no loop");
    assert_eq!(error.kind(), ErrorKind::NotInLoop);
    assert_eq!(io::sink(Scripted::new(&log)).expect_err("no loop").kind(), ErrorKind::NotInLoop);
}

/// A reader that panics.
struct Panics;

impl AsyncRead for Panics {
    fn poll_read(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        _: &mut [u8],
    ) -> Poll<std::io::Result<usize>> {
        panic!("on purpose")
    }
}

#[test]
fn a_reader_that_panics_ends_its_stream() {
    let event_loop = onward::EventLoop::new().expect("a loop");
    let log = Log::default();
    event_loop.enter(|| {
        let source = io::source(Panics).expect("a stream");
        watch_source(&log, &source);
        let kept = source.clone();
        source.on(Close, move |_, _| assert!(kept.is_destroyed()));
    });
    let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| event_loop.run()));
    assert!(panicked.is_err());
    event_loop.run().expect("it goes on");
    log.assert(&["error None", "close true"]);
}

#[test]
fn closing_what_has_finished_already_is_no_error() {
    let log = Log::default();
    let told = log.clone();
    run(move || {
        let half = onward::stream::Duplex::new(|_, _, done| done.ok())?;
        half.end();
        onward::set_immediate(move || {
            onward::spawn_or_fail(async move {
                let mut writer = io::writer(&half);
                writer.close().await?;
                told.note("closed");
                half.end_push();
                half.resume();
                Ok(())
            });
        });
        Ok(())
    });
    log.assert(&["closed"]);
}
