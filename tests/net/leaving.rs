//! Peers that go while nobody reads, and sockets that have heard enough.

use crate::common::{ANY, LIMIT, Log, connect_to, guest, host, join, logged, run, serve_one};
use onward::events::*;
use onward::net::{Server, Socket};
use std::cell::Cell;
use std::io::{Read as _, Write as _};
use std::net::Shutdown;
use std::rc::Rc;
use std::time::Duration;

#[cfg(all(any(target_os = "linux", target_os = "android"), not(onward_force_polling)))]
mod hangups {
    use super::*;
    use crate::common::{count_turns, reset, when};
    use std::sync::mpsc;

    fn noting_hangup(log: &Log, socket: &Socket) {
        let log = log.clone();
        socket.on(Hangup, move |_, ()| log.note("hangup"));
    }

    #[test]
    fn a_paused_socket_hears_that_the_peer_has_ended_and_then_reads_all_of_it() {
        let seen = logged(move |log| {
            let (client, peer) = connect_to(|mut stream| {
                stream.write_all(b"last words").expect("it stands");
                stream.shutdown(Shutdown::Write).expect("it stands");
                stream.read(&mut [0]).expect("the end")
            })?;
            log.watch(&client);
            noting_hangup(&log, &client);
            client.pause();
            client.on(Hangup, |client, ()| {
                let client = client.clone();
                count_turns(Duration::from_millis(20), move |turns| {
                    assert!(turns < 50, "{turns} turns while it was paused");
                    client.resume();
                });
            });
            client.once(Close, move |_, _| assert_eq!(join(peer), 0));
            Ok(())
        });
        seen.assert(&["connect", "hangup", "data last words", "end", "finish", "close false"]);
    }

    #[test]
    fn a_paused_socket_hears_of_a_reset() {
        let seen = logged(move |log| {
            let (client, peer) = connect_to(|mut stream| {
                stream.read_exact(&mut [0]).expect("a byte");
                reset(stream);
            })?;
            log.watch(&client);
            noting_hangup(&log, &client);
            client.write("x");
            client.pause();
            client.on(Hangup, |client, ()| client.resume());
            client.once(Close, move |_, _| join(peer));
            Ok(())
        });
        seen.assert(&["connect", "hangup", "error disconnect", "close true"]);
    }

    #[test]
    fn who_listens_late_hears_of_it_and_only_once() {
        let seen = logged(move |log| {
            let (tell, told) = mpsc::channel();
            let (client, peer) = connect_to(move |stream| {
                stream.shutdown(Shutdown::Both).expect("it stands");
                tell.send(()).expect("it is waited for");
            })?;
            log.watch_all_but_data(&client);
            client.pause();
            when(told, move |()| {
                noting_hangup(&log, &client);
                onward::set_timeout(Duration::from_millis(10), move || {
                    noting_hangup(&log, &client);
                    onward::set_timeout(Duration::from_millis(10), move || client.destroy());
                });
            });
            drop(peer);
            Ok(())
        });
        seen.assert(&["connect", "hangup", "close false"]);
    }

    #[test]
    fn a_socket_that_flows_is_told_of_the_end_alone() {
        let seen = logged(move |log| {
            let (client, peer) = connect_to(|mut stream| stream.write_all(b"hello"))?;
            log.watch(&client);
            noting_hangup(&log, &client);
            client.once(Close, move |_, _| join(peer).expect("it stood"));
            Ok(())
        });
        seen.assert(&["connect", "data hello", "end", "finish", "close false"]);
    }

    #[test]
    fn something_urgent_is_no_hangup() {
        let seen = logged(move |log| {
            let (go, gone) = mpsc::channel::<()>();
            let (client, peer) = connect_to(move |stream| {
                let stream = socket2::Socket::from(stream);
                stream.send_out_of_band(b"!").expect("it stands");
                gone.recv_timeout(LIMIT).expect("it is told");
            })?;
            log.watch_all_but_data(&client);
            noting_hangup(&log, &client);
            client.pause();
            client.on(Connect, move |client, ()| {
                let (client, go) = (client.clone(), go.clone());
                count_turns(Duration::from_millis(20), move |turns| {
                    assert!(turns < 50, "{turns} turns while it was paused");
                    go.send(()).expect("it waits");
                    client.destroy();
                });
            });
            client.once(Close, move |_, _| join(peer));
            Ok(())
        });
        seen.assert(&["connect", "close false"]);
    }
}

#[test]
fn what_nobody_reads_keeps_a_socket_open_until_it_is_resumed() {
    let seen = logged(move |log| {
        let (client, peer) = connect_to(|mut stream| {
            stream.write_all(b"unread").expect("it stands");
            stream.shutdown(Shutdown::Write).expect("it stands");
            stream.read(&mut [0]).expect("the end")
        })?;
        log.watch(&client);
        client.pause();
        client.end();
        client.on(Finish, move |client, ()| {
            let (client, log) = (client.clone(), log.clone());
            onward::set_timeout(Duration::from_millis(20), move || {
                log.assert(&["connect", "finish"]);
                client.resume();
            });
        });
        client.once(Close, move |_, _| assert_eq!(join(peer), 0));
        Ok(())
    });
    seen.assert(&["connect", "finish", "data unread", "end", "close false"]);
}

#[test]
fn input_that_is_discarded_is_not_told_and_does_not_keep_it_open() {
    let seen = logged(move |log| {
        let address = serve_one(move |socket| {
            log.watch(socket);
            socket.discard_input();
            socket.resume();
            socket.on(Data, |_, _| unreachable!("it is thrown away"));
            socket.on(Close, |socket, _| assert_eq!(socket.bytes_read(), 3_000_000));
        })?;
        guest(address, |mut stream| stream.write_all(&vec![b'.'; 3_000_000]));
        Ok(())
    });
    seen.assert(&["end", "finish", "close false"]);
}

#[test]
fn discarding_in_the_middle_stops_data_at_once() {
    let told = Rc::new(Cell::new(0));
    let seen = Rc::clone(&told);
    run(move || {
        let address = serve_one(move |socket| {
            let told = Rc::clone(&told);
            socket.on(Data, move |socket, chunk| {
                told.set(told.get() + chunk.len());
                socket.discard_input();
            });
            socket.on(Close, |socket, had_error| {
                assert_eq!((socket.bytes_read(), had_error), (3_000_000, false));
            });
        })?;
        guest(address, |mut stream| stream.write_all(&vec![b'.'; 3_000_000]));
        Ok(())
    });
    assert!((1..=64 * 1024).contains(&seen.get()), "one chunk, not {}", seen.get());
}

#[test]
fn destroy_soon_sends_all_and_waits_for_nobody() {
    let log = Log::default();
    let seen = log.clone();
    let (address, peer) = host(|mut stream| {
        let mut all = Vec::new();
        // It never ends itself.
        stream.read_to_end(&mut all).expect("all of it");
        all.len()
    });
    run(move || {
        let client = Socket::connect(address)?;
        log.watch(&client);
        client.write_owned(vec![b'.'; 3_000_000]);
        client.destroy_soon();
        assert!(!client.is_destroyed());
        Ok(())
    });
    seen.assert(&["connect", "finish", "close false"]);
    assert_eq!(join(peer), 3_000_000);
}

#[test]
fn destroy_soon_after_finish_is_soon() {
    let seen = logged(move |log| {
        let (over, is_over) = std::sync::mpsc::channel();
        let server = Server::listen(ANY)?;
        server.on(Connection, move |server, socket| {
            server.close();
            let log = log.clone();
            log.watch(&socket);
            socket.end();
            let over = over.clone();
            socket.on(Close, move |_, _| over.send(()).expect("the peer waits"));
            socket.on(Finish, move |socket, ()| {
                let (socket, log) = (socket.clone(), log.clone());
                onward::set_timeout(Duration::from_millis(1), move || {
                    socket.destroy_soon();
                    log.note("called");
                });
            });
        });
        guest(server.local_addr(), move |mut stream| {
            // Its end comes after ours is over.
            let _ = stream.read_to_end(&mut Vec::new());
            let _ = is_over.recv_timeout(LIMIT);
        });
        Ok(())
    });
    seen.assert(&["finish", "called", "close false"]);
}
