//! Signals and the turns of the loop: what comes early, what comes together, who comes first.

use super::support::{INT, NEVER, in_child, raise, raise_here, say};
use onward::events::*;
use onward::net::{Server, Socket};
use onward::process::signals;
use onward::{next_tick, remote, set_immediate, set_timeout, stop};
use std::io::Write as _;
use std::net::TcpStream;
use std::sync::mpsc;
use std::thread;

#[test]
fn a_signal_that_comes_before_the_first_turn_is_told() {
    let name = "signals::loops::a_signal_that_comes_before_the_first_turn_is_told";
    let outcome = in_child(name, || {
        signals()?.on(Interrupt, |_, ()| {
            say("told");
            stop();
        });
        raise_here(INT);
        set_immediate(|| say("immediate"));
        set_timeout(NEVER, || unreachable!());
        Ok(())
    });
    assert_eq!(outcome, ("told immediate ended".into(), None));
}

#[test]
fn signals_of_one_kind_that_come_before_the_loop_gets_to_them_are_told_as_one() {
    let name = "signals::loops::signals_of_one_kind_that_come_before_the_loop_gets_to_them_are_told_as_one";
    let outcome = in_child(name, || {
        let mut told = 0;
        signals()?.on(Interrupt, move |_, ()| {
            told += 1;
            say(told);
            if told == 1 {
                set_immediate(|| raise_here(INT));
            } else {
                // A third one would come in the next turn.
                set_immediate(|| _ = set_immediate(stop));
            }
        });
        set_timeout(NEVER, || unreachable!());
        // More than a pipe holds.
        next_tick(|| (0..3000).for_each(|_| raise_here(INT)));
        Ok(())
    });
    assert_eq!(outcome, ("1 2 ended".into(), None));
}

#[test]
fn signals_are_told_behind_the_sockets_of_their_turn_and_before_posts_and_immediates() {
    let name = "signals::loops::signals_are_told_behind_the_sockets_of_their_turn_and_before_posts_and_immediates";
    let outcome = in_child(name, || {
        // It is watched before the socket is.
        signals()?.on(Interrupt, |_, ()| {
            say("signal");
            next_tick(|| say("tick"));
        });
        let server = Server::listen("127.0.0.1:0")?;
        let peer = TcpStream::connect(server.local_addr())?;
        server.on(Connection, move |server, socket| {
            server.close();
            let mut peer = peer.try_clone().unwrap();
            socket.on(Data, |socket: &Socket, chunk| {
                say(format!("data {}", chunk.len()));
                socket.destroy();
            });
            set_immediate(move || {
                // All of it is there when the loop looks the next time.
                raise_here(INT);
                peer.write_all(b"hello").unwrap();
                let remote = remote();
                remote.post(|| say("post")).unwrap();
                set_immediate(|| say("immediate"));
            });
        });
        Ok(())
    });
    assert_eq!(outcome, ("data 5 signal tick post immediate ended".into(), None));
}

#[test]
fn every_loop_that_listens_is_told_and_one_that_does_not_is_left_alone() {
    let name =
        "signals::loops::every_loop_that_listens_is_told_and_one_that_does_not_is_left_alone";
    let outcome = in_child(name, || {
        let (ready, is_ready) = mpsc::channel();
        let threads: Vec<_> = (0..4)
            .map(|number| {
                let ready = ready.clone();
                thread::spawn(move || {
                    let mut told = 0;
                    onward::run(|| {
                        let signals = signals()?;
                        if number != 0 {
                            signals.on(User1, move |_, ()| {
                                told += 1;
                                assert_eq!(told, 1);
                                set_immediate(stop);
                            });
                        }
                        signals.on(User2, |_, ()| stop());
                        set_timeout(NEVER, || unreachable!());
                        ready.send(()).unwrap();
                        Ok(())
                    })
                    .unwrap();
                    number
                })
            })
            .collect();
        (0..4).for_each(|_| is_ready.recv().unwrap());
        raise("USR1");
        let mut threads = threads.into_iter();
        let quiet = threads.next().unwrap();
        threads.for_each(|thread| say(thread.join().unwrap()));
        assert!(!quiet.is_finished());
        raise("USR2");
        say(quiet.join().unwrap());
        Ok(())
    });
    assert_eq!(outcome, ("1 2 3 0 ended".into(), None));
}

#[test]
fn a_listener_that_goes_before_its_signal_is_told_is_not_called() {
    let name = "signals::loops::a_listener_that_goes_before_its_signal_is_told_is_not_called";
    let outcome = in_child(name, || {
        let signals = signals()?;
        let listener = signals.on(Interrupt, |_, ()| unreachable!());
        next_tick(move || {
            raise_here(INT);
            assert!(signals.off(listener));
            // One who comes later does not hear of what came before.
            signals.on(Interrupt, |_, ()| unreachable!());
            set_immediate(|| say("quiet"));
        });
        Ok(())
    });
    assert_eq!(outcome, ("quiet ended".into(), None));
}
