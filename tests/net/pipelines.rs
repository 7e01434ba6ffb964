//! `pipeline`: one result for both ends.

use crate::common::{Log, connect_to, host, join, next_turn, reset, run};
use onward::events::*;
use onward::net::Socket;
use onward::stream::pipeline;
use onward::{ErrorKind, Result};
use std::io::{Read as _, Write as _};

/// Notes the result, and that there is but one.
fn note(log: &Log) -> impl FnOnce(Result<()>) + 'static {
    let log = log.clone();
    move |result| match result {
        Ok(()) => log.note("done"),
        Err(error) => log.note(format!(
            "{} {}",
            error.operation(),
            if error.kind() == ErrorKind::Io {
                "failed".into()
            } else {
                format!("{:?}", error.kind())
            }
        )),
    }
}

/// What is told of a pipe between two sockets, each with the peer that it is given.
fn piped<A: Send + 'static, B: Send + 'static>(
    from: impl FnOnce(std::net::TcpStream) -> A + Send + 'static,
    to: impl FnOnce(std::net::TcpStream) -> B + Send + 'static,
    meddle: impl FnOnce(&Socket, &Socket) + 'static,
) -> Log {
    let log = Log::default();
    let seen = log.clone();
    run(move || {
        let ((from, _), (to, _)) = (connect_to(from)?, connect_to(to)?);
        pipeline(&from, &to, note(&log));
        meddle(&from, &to);
        Ok(())
    });
    seen
}

#[test]
fn a_pipeline_is_done_when_all_is_through() {
    let (address, peer) = host(|mut stream| {
        let mut all = Vec::new();
        stream.read_to_end(&mut all).expect("the end");
        all.len()
    });
    let log = Log::default();
    let seen = log.clone();
    run(move || {
        let (from, _) = connect_to(|mut stream| stream.write_all(&[1; 300_000]))?;
        let to = Socket::connect(address)?;
        to.resume();
        pipeline(&from, &to, note(&log));
        Ok(())
    });
    seen.assert(&["done"]);
    assert_eq!(join(peer), 300_000);
}

#[test]
fn a_pipeline_from_a_socket_that_is_reset_gives_that_error_and_none_is_unhandled() {
    let from = |stream: std::net::TcpStream| reset(stream);
    let to = |mut stream: std::net::TcpStream| stream.read(&mut [0]);
    piped(from, to, |_, _| {}).assert(&["read failed"]);
}
