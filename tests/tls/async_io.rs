//! Encrypted sockets that have left event mode.

use super::support::{acceptor, blocking, connector, serve_one};
use crate::common::pattern::Pattern;
use crate::common::{Log, guest, run};
use futures_lite::io::{copy, split};
use futures_lite::{AsyncReadExt as _, AsyncWriteExt as _, future};
use onward::ErrorKind;
use onward::net::Socket;
use onward::{Error, events::*};
use std::io::{self, Read as _, Write as _};
use std::net::Shutdown;

fn inner(error: &io::Error) -> ErrorKind {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<Error>());
    inner.expect("an error of ours").kind()
}

/// An echo, by a copy of itself.
fn echo(socket: &Socket) {
    let stream = socket.clone().into_io().expect("nobody listens");
    onward::spawn_or_fail(async move {
        let (reader, mut writer) = split(stream);
        copy(reader, &mut writer).await?;
        Ok(writer.close().await?)
    });
}

#[test]
fn futures_read_and_write_what_is_decrypted_and_encrypted() {
    const CHUNKS: usize = 100;
    let log = Log::default();
    run(move || {
        let address = serve_one(acceptor(), &log, echo)?;
        // Before it is secure, or even stands: reading and writing wait for that.
        let stream = connector().connect(address)?.into_io()?;
        onward::spawn_or_fail(async move {
            let (mut reader, mut writer) = split(stream);
            let writing = async move {
                let mut pattern = Pattern::new();
                for _ in 0..CHUNKS {
                    writer.write_all(pattern.next(50_000)).await?;
                }
                writer.close().await
            };
            let reading = async move {
                // Less than a record at a time.
                let (mut pattern, mut buffer, mut total) = (Pattern::new(), [0; 777], 0);
                loop {
                    match reader.read(&mut buffer).await? {
                        0 => break io::Result::Ok(total),
                        count => pattern.check(&buffer[..count]),
                    }
                    total += 1;
                }
            };
            let (wrote, read) = future::zip(writing, reading).await;
            wrote?;
            assert!(read? > CHUNKS);
            Ok(())
        });
        Ok(())
    });
}

#[test]
fn a_handshake_that_fails_is_told_to_who_reads() {
    let log = Log::default();
    run(move || {
        let address = serve_one(acceptor(), &log, |_| panic!("nobody is secure"))?;
        let socket = connector().server_name("elsewhere.example").connect(address)?;
        let mut stream = socket.into_io()?;
        onward::spawn_or_fail(async move {
            let error = stream.read(&mut [0]).await.expect_err("it is somebody else");
            assert_eq!(inner(&error), ErrorKind::Tls);
            Ok(())
        });
        Ok(())
    });
}

#[test]
fn who_is_cut_off_hears_it_after_the_last_byte() {
    let log = Log::default();
    run(move || {
        let address = serve_one(acceptor(), &log, |socket| {
            let mut stream = socket.clone().into_io().expect("nobody listens");
            onward::spawn_or_fail(async move {
                let mut all = Vec::new();
                let error = stream.read_to_end(&mut all).await.expect_err("it is cut off");
                assert_eq!((inner(&error), &*all), (ErrorKind::PrematureClose, &b"half"[..]));
                Ok(())
            });
        })?;
        guest(address.as_socket_addr().unwrap(), |stream| {
            let mut tls = blocking(stream);
            tls.write_all(b"half").expect("it stands");
            tls.flush().expect("it stands");
            // Without a goodbye, and without a reset.
            tls.sock.shutdown(Shutdown::Write).expect("it stands");
            let _ = tls.sock.read_to_end(&mut Vec::new());
        });
        Ok(())
    });
}

#[test]
fn a_write_that_is_given_up_does_not_garble_the_next() {
    // The first is too much for the system; who gives it up and writes something else sends that.
    let log = Log::default();
    run(move || {
        let address = serve_one(acceptor(), &log, |socket| {
            socket.pause();
            let socket = socket.clone();
            onward::set_timeout(std::time::Duration::from_millis(100), move || {
                let (xs, ys) = (std::cell::Cell::new(0), std::cell::Cell::new(0));
                let (xs, ys) = (std::rc::Rc::new(xs), std::rc::Rc::new(ys));
                let (counted, last) = (xs.clone(), ys.clone());
                socket.on(Data, move |_, chunk| {
                    let x = chunk.iter().take_while(|byte| **byte == b'x').count();
                    assert!(x == 0 || ys.get() == 0);
                    assert!(chunk[x..].iter().all(|byte| *byte == b'y'));
                    xs.set(xs.get() + x);
                    ys.set(ys.get() + chunk.len() - x);
                });
                socket.on(End, move |_, ()| {
                    assert!(counted.get() > 0);
                    assert_eq!(last.get(), 100_000);
                });
                socket.resume();
            });
        })?;
        let mut stream = connector().connect(address)?.into_io()?;
        onward::spawn_or_fail(async move {
            // From here on it is secure.
            stream.write_all(b"x").await?;
            let xs = vec![b'x'; 64 << 20];
            let much = async {
                stream.write_all(&xs).await.expect("it stands");
                panic!("the system takes all of it");
            };
            let pause = onward::sleep(std::time::Duration::from_millis(50));
            future::or(much, async {
                pause.await;
            })
            .await;
            stream.write_all(&[b'y'; 100_000]).await?;
            stream.flush().await?;
            stream.close().await?;
            let mut rest = Vec::new();
            stream.read_to_end(&mut rest).await?;
            Ok(())
        });
        Ok(())
    });
}
