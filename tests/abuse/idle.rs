//! Connections in odd states cost nothing while nothing happens: the loop sleeps.

use crate::common::{Log, connect_to, count_turns, reset, run, when};
use onward::events::*;
use onward::net::Socket;
use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpStream};
use std::sync::mpsc;
use std::time::Duration;

/// How long the loop is watched, and how many turns it may make meanwhile. One that spins makes thousands.
const WINDOW: Duration = Duration::from_millis(60);
const FEW: u64 = 8;

/// The events of a socket whose peer does `act`, after which the loop has to sleep, and `then` goes on.
/// The peer's end of the connection lives until then, if `act` gives it back.
fn sleeps_after(
    prepare: impl FnOnce(&Socket),
    act: impl FnOnce(TcpStream) -> Option<TcpStream> + Send + 'static,
    then: impl FnOnce(&Socket) + 'static,
) -> Log {
    let log = Log::default();
    let seen = log.clone();
    run(move || {
        let (sender, acted) = mpsc::channel();
        let (client, _) = connect_to(move |mut stream| {
            stream.read_exact(&mut [0]).expect("it stands");
            sender.send(act(stream)).expect("the loop waits for it");
        })?;
        log.watch_all_but_data(&client);
        client.write("x");
        prepare(&client);
        when(acted, move |stream| {
            count_turns(WINDOW, move |turns| {
                assert!(turns <= FEW, "{turns} turns");
                then(&client);
                drop(stream);
            });
        });
        Ok(())
    });
    seen
}

fn reset_it(stream: TcpStream) -> Option<TcpStream> {
    reset(stream);
    None
}

fn end_it(stream: TcpStream) -> Option<TcpStream> {
    stream.shutdown(Shutdown::Write).expect("it is open");
    Some(stream)
}

fn fill(client: &Socket) {
    client.on(Connect, |client, ()| while client.write([0; 50_000]) {});
}

#[test]
fn a_reset_while_paused_is_told_when_it_is_resumed() {
    sleeps_after(Socket::pause, reset_it, Socket::resume).assert(&[
        "connect",
        "error disconnect",
        "close true",
    ]);
}

#[test]
fn a_reset_of_a_socket_that_nobody_reads_is_told_when_somebody_does() {
    sleeps_after(|_| {}, reset_it, Socket::resume).assert(&[
        "connect",
        "error disconnect",
        "close true",
    ]);
}

#[test]
fn a_reset_of_a_socket_that_is_half_open_is_told_when_it_writes() {
    let prepare = |client: &Socket| {
        client.set_half_open(true);
        client.resume();
    };
    let act = |stream: TcpStream| end_it(stream).and_then(reset_it);
    let then = |client: &Socket| drop(client.write("x"));
    let log = sleeps_after(prepare, act, then);
    assert!(log.ends_with(&["error disconnect", "close true"]), "{log:?}");
}

#[test]
fn a_reset_while_there_is_only_something_to_write_is_told_at_once() {
    let prepare = |client: &Socket| {
        client.pause();
        fill(client);
    };
    sleeps_after(prepare, reset_it, |_| {}).assert(&["connect", "error disconnect", "close true"]);
}

#[test]
fn a_half_open_socket_sleeps_until_it_ends() {
    let prepare = |client: &Socket| {
        client.set_half_open(true);
        client.resume();
    };
    sleeps_after(prepare, end_it, Socket::end).assert(&["connect", "end", "finish", "close false"]);
}

#[test]
fn a_half_open_socket_with_a_full_queue_sleeps_until_it_is_read() {
    let prepare = |client: &Socket| {
        client.set_half_open(true);
        client.resume();
        fill(client);
    };
    sleeps_after(prepare, end_it, Socket::destroy).assert(&["connect", "end", "close false"]);
}

#[test]
fn a_socket_that_ended_and_is_paused_sleeps_while_its_peer_is_gone() {
    let prepare = |client: &Socket| {
        client.pause();
        client.end();
    };
    let act = |mut stream: TcpStream| {
        stream.read_to_end(&mut Vec::new()).expect("the end");
        None
    };
    sleeps_after(prepare, act, Socket::resume).assert(&["connect", "finish", "end", "close false"]);
}

#[test]
fn a_peer_that_does_not_read_lets_the_loop_sleep() {
    let prepare = |client: &Socket| {
        client.resume();
        fill(client);
    };
    sleeps_after(prepare, Some, Socket::destroy).assert(&["connect", "close false"]);
}

#[test]
fn an_idle_connection_lets_the_loop_sleep() {
    sleeps_after(Socket::resume, Some, Socket::destroy).assert(&["connect", "close false"]);
}

#[test]
fn an_urgent_byte_neither_wakes_for_ever_nor_is_taken_for_data() {
    let log = Log::default();
    let data = log.clone();
    let act = |stream: TcpStream| {
        let stream = socket2::Socket::from(stream);
        stream.send_out_of_band(b"!").expect("it is sent");
        let mut stream = TcpStream::from(stream);
        stream.write_all(b"calm").expect("there is room");
        Some(stream)
    };
    let prepare = move |client: &Socket| drop(client.on(Data, move |_, chunk| data.data(chunk)));
    sleeps_after(prepare, act, Socket::destroy).assert(&["connect", "close false"]);
    log.assert(&["data calm"]);
}
