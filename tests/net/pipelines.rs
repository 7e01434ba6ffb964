//! `pipeline`: one result for both ends.

use crate::common::{Log, connect_to, host, join, logged, next_turn, reset};
use onward::events::*;
use onward::net::Socket;
use onward::stream::pipeline;
use onward::{ErrorKind, Result};
use std::io::{Read as _, Write as _};
use std::net::TcpStream;

/// Notes the result, and that there is but one.
fn note(log: &Log) -> impl FnOnce(Result<()>) + 'static {
    let log = log.clone();
    move |result| match result.map_err(|error| (error.kind(), error.operation())) {
        Ok(()) => log.note("done"),
        // Who notices it first, the reader or the writer, is the kernel's business.
        Err((ErrorKind::Io, "read" | "write")) => log.note("failed"),
        Err((kind, operation)) => log.note(format!("{operation} {kind:?}")),
    }
}

fn wait_for_the_end(mut stream: TcpStream) {
    // However it comes.
    let _ = stream.read_to_end(&mut Vec::new());
}

/// What is told of a pipe between two sockets, each with the peer that it is given.
fn piped<A: Send + 'static, B: Send + 'static>(
    from: impl FnOnce(TcpStream) -> A + Send + 'static,
    to: impl FnOnce(TcpStream) -> B + Send + 'static,
    meddle: impl FnOnce(&Socket, &Socket) + 'static,
) -> Log {
    logged(move |log| {
        let ((from, _), (to, _)) = (connect_to(from)?, connect_to(to)?);
        pipeline(&from, &to, note(&log));
        meddle(&from, &to);
        Ok(())
    })
}

#[test]
fn a_pipeline_is_done_when_all_is_through() {
    let (address, peer) = host(|mut stream| {
        let mut all = Vec::new();
        stream.read_to_end(&mut all).expect("the end");
        all.len()
    });
    let seen = logged(move |log| {
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
    let from = |mut stream: TcpStream| {
        stream.read_exact(&mut [0]).expect("it stands");
        reset(stream);
    };
    piped(from, wait_for_the_end, |from, _| {
        from.write("x");
    })
    .assert(&["failed"]);
}

#[test]
fn a_pipeline_to_a_socket_that_is_reset_gives_that_error_and_none_is_unhandled() {
    // The sender fails some time, too: its peer goes away.
    let from = |mut stream: TcpStream| while stream.write_all(&[1; 100_000]).is_ok() {};
    let to = |mut stream: TcpStream| {
        stream.read_exact(&mut [0; 100_000]).expect("a lot comes");
        reset(stream);
    };
    piped(from, to, |_, _| {}).assert(&["failed"]);
}

#[test]
fn a_pipeline_one_end_of_which_is_destroyed_has_closed_too_early() {
    for which in 0..2 {
        let meddle = move |from: &Socket, to: &Socket| {
            let doomed = if which == 0 { from } else { to };
            doomed.on(Connect, |doomed, ()| doomed.destroy());
        };
        piped(wait_for_the_end, wait_for_the_end, meddle).assert(&["pipe PrematureClose"]);
    }
}

#[test]
fn a_pipeline_whose_ends_are_closed_already_says_so() {
    for (from_is_closed, to_is_closed) in [(true, false), (false, true), (true, true)] {
        let seen = logged(move |log| {
            let ends = [from_is_closed, to_is_closed].map(|closed| {
                let (end, _) = connect_to(wait_for_the_end).expect("an address");
                if closed {
                    end.destroy();
                }
                end
            });
            next_turn(move || pipeline(&ends[0], &ends[1], note(&log)));
            Ok(())
        });
        assert_eq!(seen.len(), 1, "from closed: {from_is_closed}, to closed: {to_is_closed}");
        seen.assert(&["pipe PrematureClose"]);
    }
}
