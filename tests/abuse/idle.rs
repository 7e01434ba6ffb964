//! Connections in odd states cost nothing while nothing happens: the loop sleeps.

use crate::common::{Log, connect_to, count_turns, logged, reset, when};
use onward::events::*;
use onward::net::Socket;
use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpStream};
use std::sync::mpsc;
use std::time::Duration;

/// How long the loop is watched, and how many turns it may make meanwhile. One that spins makes thousands.
const WINDOW: Duration = Duration::from_millis(60);
const FEW: u64 = 8;

/// The events of a socket that is prepared, and does `begin` once it stands. Then its peer acts, after
/// which the loop has to sleep, and `then` goes on. What the peer gives back lives until then.
fn sleeps_after(
    prepare: impl FnOnce(&Socket),
    begin: fn(&Socket),
    act: impl FnOnce(TcpStream) -> Option<TcpStream> + Send + 'static,
    then: impl FnOnce(&Socket) + 'static,
) -> Log {
    logged(move |log| {
        let ((stand, stands), (sender, acted)) = (mpsc::channel(), mpsc::channel());
        let (client, _) = connect_to(move |stream| {
            stands.recv().expect("it stands some time");
            sender.send(act(stream)).expect("the loop waits for it");
        })?;
        log.watch_all_but_data(&client);
        prepare(&client);
        client.on(Connect, move |client, ()| {
            begin(client);
            stand.send(()).expect("the peer waits for it");
        });
        when(acted, move |stream| {
            count_turns(WINDOW, move |turns| {
                assert!(turns <= FEW, "{turns} turns");
                then(&client);
                drop(stream);
            });
        });
        Ok(())
    })
}

fn nothing(_: &Socket) {}

/// With far more than the kernel takes while nobody reads.
fn fill(client: &Socket) {
    client.set_max_queued(32 << 20);
    assert!(!client.write(vec![0; 16 << 20]));
}

/// What most of them are.
fn read_and_half_open(client: &Socket) {
    client.set_half_open(true);
    client.resume();
}

fn reset_it(stream: TcpStream) -> Option<TcpStream> {
    reset(stream);
    None
}

fn end_it(stream: TcpStream) -> Option<TcpStream> {
    stream.shutdown(Shutdown::Write).expect("it is open");
    Some(stream)
}

#[test]
fn a_reset_while_paused_is_told_when_it_is_resumed() {
    let log = sleeps_after(Socket::pause, nothing, reset_it, Socket::resume);
    log.assert(&["connect", "error disconnect", "close true"]);
}

#[test]
fn a_reset_of_a_socket_that_nobody_reads_is_told_when_somebody_does() {
    let log = sleeps_after(nothing, nothing, reset_it, Socket::resume);
    log.assert(&["connect", "error disconnect", "close true"]);
}

#[test]
fn a_reset_of_a_socket_that_is_half_open_is_told_when_it_writes() {
    let act = |stream: TcpStream| end_it(stream).and_then(reset_it);
    let write = |client: &Socket| assert!(!client.write("x"));
    let log = sleeps_after(read_and_half_open, nothing, act, write);
    assert!(log.ends_with(&["error disconnect", "close true"]), "{log:?}");
}

#[test]
fn a_reset_while_there_is_only_something_to_write_is_told_at_once() {
    let log = sleeps_after(Socket::pause, fill, reset_it, nothing);
    log.assert(&["connect", "error disconnect", "close true"]);
}

#[test]
fn a_half_open_socket_sleeps_until_it_ends() {
    let log = sleeps_after(read_and_half_open, nothing, end_it, Socket::end);
    log.assert(&["connect", "end", "finish", "close false"]);
}

#[test]
fn a_half_open_socket_with_a_full_queue_sleeps_until_it_is_read() {
    let log = sleeps_after(read_and_half_open, fill, end_it, Socket::destroy);
    log.assert(&["connect", "end", "close false"]);
}

#[test]
fn a_socket_that_ended_and_is_paused_sleeps_while_its_peer_is_gone() {
    let act = |mut stream: TcpStream| {
        stream.read_to_end(&mut Vec::new()).expect("the end");
        None
    };
    let log = sleeps_after(Socket::pause, Socket::end, act, Socket::resume);
    log.assert(&["connect", "finish", "end", "close false"]);
}

#[test]
fn a_peer_that_does_not_read_lets_the_loop_sleep() {
    let log = sleeps_after(Socket::resume, fill, Some, Socket::destroy);
    log.assert(&["connect", "close false"]);
}

#[test]
fn an_idle_connection_lets_the_loop_sleep() {
    let log = sleeps_after(Socket::resume, nothing, Some, Socket::destroy);
    log.assert(&["connect", "close false"]);
}

#[test]
fn an_urgent_byte_neither_wakes_for_ever_nor_is_taken_for_data() {
    let log = Log::default();
    let data = log.clone();
    let listen = move |client: &Socket| {
        client.on(Data, move |_, chunk| data.data(chunk));
    };
    let act = |stream: TcpStream| {
        let stream = socket2::Socket::from(stream);
        stream.send_out_of_band(b"!").expect("it is sent");
        let mut stream = TcpStream::from(stream);
        stream.write_all(b"calm").expect("there is room");
        Some(stream)
    };
    sleeps_after(listen, nothing, act, Socket::destroy).assert(&["connect", "close false"]);
    log.assert(&["data calm"]);
}
