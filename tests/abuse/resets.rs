//! Peers that go away without a word.

use crate::common::{
    ANY, Log, connect_to, guest, host, join, logged, next_turn, plain, reset, run, serve_one, when,
};
use onward::events::*;
use onward::net::{Server, Socket};
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::sync::mpsc;
use std::time::Duration;

#[test]
fn a_reset_in_the_middle_of_a_large_write_is_one_error_and_the_close() {
    let seen = logged(move |log| {
        let address = serve_one(move |socket| {
            log.watch(socket);
            socket.write(vec![1; 10 << 20]);
        })?;
        let client = guest(address, |mut stream| {
            stream.read_exact(&mut [0; 100_000]).expect("that much comes");
            reset(stream);
        });
        drop(client);
        Ok(())
    });
    seen.assert(&["error disconnect", "close true"]);
}

#[test]
fn a_client_that_leaves_without_reading_what_it_got_is_one_error_and_the_close() {
    let seen = logged(move |log| {
        let (client, _) = connect_to(|stream| {
            // The standard library just closes; the kernel resets, for there is something unread.
            stream.peek(&mut [0]).expect("something comes");
        })?;
        log.watch(&client);
        client.write("never read");
        Ok(())
    });
    seen.assert(&["connect", "error disconnect", "close true"]);
}

#[test]
fn writing_on_and_on_to_a_peer_that_was_reset_is_one_error_and_the_close() {
    let seen = logged(move |log| {
        let (gone, when_gone) = mpsc::channel();
        let (client, _) = connect_to(move |mut stream| {
            stream.read_exact(&mut [0]).expect("it stands");
            reset(stream);
            gone.send(()).expect("the loop waits for it");
        })?;
        log.watch_all_but_data(&client);
        client.write("x");
        when(when_gone, move |()| {
            // The kernel may take a moment to pass the reset on.
            onward::set_interval(Duration::from_millis(1), move |timer| {
                if !client.write("x") {
                    assert!(!client.write("x"));
                    timer.cancel();
                }
            });
        });
        Ok(())
    });
    seen.assert(&["connect", "error disconnect", "close true"]);
}

#[test]
#[cfg(target_os = "linux")]
fn what_came_before_a_reset_is_told_before_the_error() {
    let seen = logged(move |log| {
        let (gone, when_gone) = mpsc::channel();
        let (client, _) = connect_to(move |mut stream| {
            stream.read_exact(&mut [0]).expect("it stands");
            stream.write_all(b"last words").expect("there is room");
            reset(stream);
            gone.send(()).expect("the loop waits for it");
        })?;
        client.pause();
        log.watch(&client);
        client.write("x");
        when(when_gone, move |()| client.resume());
        Ok(())
    });
    seen.assert(&["connect", "data last words", "error disconnect", "close true"]);
}

#[test]
#[cfg(target_os = "linux")]
fn an_answer_that_came_before_a_reset_is_told_even_if_there_is_more_to_write() {
    let seen = logged(move |log| {
        let ((full, when_full), (gone, when_gone)) = (mpsc::channel(), mpsc::channel());
        let (client, _) = connect_to(move |mut stream| {
            when_full.recv().expect("the queue fills up");
            stream.write_all(b"too large").expect("there is room");
            reset(stream);
            gone.send(()).expect("the loop waits for it");
        })?;
        log.watch(&client);
        client.once(Connect, move |client, ()| {
            while client.write([0; 50_000]) {}
            full.send(()).expect("the peer waits for it");
            // The loop hears of all of it at once.
            when_gone.recv().expect("the peer answers");
        });
        Ok(())
    });
    seen.assert(&["connect", "data too large", "error disconnect", "close true"]);
}

#[test]
fn a_client_that_is_gone_before_it_is_accepted_harms_nobody() {
    let seen = logged(move |log| {
        let server = Server::listen(ANY)?;
        let address = server.local_addr();
        (0..5).for_each(|_| reset(plain(address)));
        let answered = guest(address, |mut stream| {
            let mut answer = String::new();
            stream.read_to_string(&mut answer).expect("an answer");
            answer
        });
        let mut guests = 0;
        server.on(Connection, move |server, socket| {
            guests += 1;
            socket.on(Error, |_, error| assert!(error.is_disconnect(), "{error}"));
            socket.end_with("still here");
            socket.resume();
            if guests == 6 {
                server.close();
            }
        });
        server.on(Close, move |_, ()| log.note("close"));
        server.on(Error, |_, error| unreachable!("{error}"));
        onward::spawn_blocking(|| join(answered))
            .then(|answer| assert_eq!(answer.expect("no panic"), "still here"));
        Ok(())
    });
    seen.assert(&["close"]);
}

#[test]
fn a_peer_that_is_reset_while_the_connection_is_made_is_one_error_or_none() {
    for _ in 0..50 {
        let log = Log::default();
        let seen = log.clone();
        let (address, thread) = host(reset);
        run(move || {
            let client = Socket::connect(address)?;
            log.watch(&client);
            Ok(())
        });
        join(thread);
        assert!(seen.ends_with(&["error disconnect", "close true"]), "{seen:?}");
    }
}

#[test]
fn ten_connections_that_are_reset_in_one_batch_are_ten_errors() {
    const GUESTS: usize = 10;
    let seen = logged(move |log| {
        let server = Server::listen(ANY)?;
        let mut clients: Vec<TcpStream> = (0..GUESTS).map(|_| plain(server.local_addr())).collect();
        let mut guests = Vec::new();
        server.on(Connection, move |server, socket| {
            log.watch(&socket);
            guests.push(socket);
            if guests.len() == GUESTS {
                server.close();
                clients.drain(..).for_each(reset);
                // A listener may close the others, whose readiness is in the same batch.
                let all = std::mem::take(&mut guests);
                next_turn(move || drop(all));
            }
        });
        Ok(())
    });
    assert_eq!(seen.len(), 2 * GUESTS);
}

#[test]
fn destroying_all_others_in_the_first_error_of_a_batch_leaves_one_error() {
    const GUESTS: usize = 10;
    let seen = logged(move |log| {
        let server = Server::listen(ANY)?;
        let mut clients: Vec<TcpStream> = (0..GUESTS).map(|_| plain(server.local_addr())).collect();
        let guests = std::rc::Rc::new(std::cell::RefCell::new(Vec::<Socket>::new()));
        server.on(Connection, move |server, socket| {
            log.watch_all_but_data(&socket);
            let all = std::rc::Rc::clone(&guests);
            socket.on(Data, move |_, _| all.borrow().iter().for_each(Socket::destroy));
            guests.borrow_mut().push(socket);
            if guests.borrow().len() == GUESTS {
                server.close();
                for client in &mut clients {
                    client.write_all(b"x").expect("there is room");
                }
                let late = std::mem::take(&mut clients);
                server.once(Close, move |_, ()| drop(late));
            }
        });
        Ok(())
    });
    seen.assert(&["close false"; GUESTS]);
}
