//! Answers to what has just come: parts of it, with what else the callback and its ticks write, byte for byte.

use crate::common::{connect_to, join, run};
use onward::events::*;
use onward::net::Socket;
use onward::next_tick;
use std::cell::{Cell, RefCell};
use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpStream};
use std::rc::Rc;
use std::time::Duration;

const WAYS: usize = 9;

/// Answers in one of some ways; says with what.
fn answer(socket: &Socket, chunk: &[u8], way: usize) -> Vec<u8> {
    let (first, rest) = chunk.split_at(chunk.len() / 2);
    match way {
        0 => {
            socket.write(chunk);
            chunk.to_vec()
        }
        1 => {
            socket.write(first);
            socket.write(rest);
            chunk.to_vec()
        }
        2 => {
            socket.write("header ");
            socket.write(chunk);
            [b"header ", chunk].concat()
        }
        3 => {
            socket.write(chunk);
            socket.write_owned(vec![7; 3_000]);
            [chunk, &[7; 3_000]].concat()
        }
        4 => {
            socket.write(chunk);
            socket.write([7; 20_000]);
            [chunk, &[7; 20_000]].concat()
        }
        5 => {
            let (later, rest) = (socket.clone(), rest.to_vec());
            next_tick(move || _ = later.write(rest));
            socket.write(first);
            chunk.to_vec()
        }
        6 => {
            socket.write(rest);
            socket.cork();
            socket.write(first);
            socket.uncork();
            [rest, first].concat()
        }
        7 => {
            socket.write_then(chunk, |sent| sent.expect("sent"));
            socket.write(chunk);
            [chunk, chunk].concat()
        }
        _ => {
            socket.write(rest);
            assert!(socket.queued() <= rest.len());
            socket.write(first);
            [rest, first].concat()
        }
    }
}

/// Says something anew as soon as the answer to what it said before begins; gives back all answers.
fn ask(mut stream: TcpStream) -> Vec<u8> {
    let (mut answers, mut buffer) = (Vec::new(), vec![0; 64 * 1024]);
    let lengths = [1, 2, 64, 4_096, 4_097, 16_384, 16_385, 70_000];
    for round in 0..8 * WAYS * 2 {
        let message: Vec<u8> = (0..lengths[round % 8]).map(|at| (at * 7 + round) as u8).collect();
        stream.write_all(&message).expect("sent");
        let count = stream.read(&mut buffer).expect("an answer");
        answers.extend_from_slice(&buffer[..count]);
    }
    stream.shutdown(Shutdown::Write).expect("an end");
    stream.read_to_end(&mut answers).expect("the rest");
    answers
}

#[track_caller]
fn assert_answered(prepare: impl Fn(&Socket) + 'static) {
    let expected = Rc::new(RefCell::new(Vec::new()));
    let (noted, asked) = (Rc::clone(&expected), Rc::new(RefCell::new(None)));
    let peer = Rc::clone(&asked);
    run(move || {
        let (socket, asking) = connect_to(ask)?;
        prepare(&socket);
        peer.replace(Some(asking));
        let way = Cell::new(0);
        socket.on(Data, move |socket, chunk| {
            let way = way.replace((way.get() + 1) % WAYS);
            noted.borrow_mut().extend(answer(socket, chunk, way));
        });
        Ok(())
    });
    let answers = join(asked.take().expect("it has begun"));
    let expected = expected.borrow();
    assert_eq!(answers.len(), expected.len());
    assert!(answers == *expected, "byte for byte");
}

#[test]
fn whatever_is_written_comes_in_its_order() {
    assert_answered(|_| {});
}

#[test]
fn whatever_is_written_comes_in_its_order_where_silence_is_told() {
    assert_answered(|socket| socket.set_timeout(Duration::from_secs(60)));
}

#[test]
fn whatever_is_written_comes_in_its_order_where_each_write_is_sent_at_once() {
    assert_answered(|socket| socket.set_autocork(false));
}

#[test]
fn whatever_is_written_comes_in_its_order_from_a_small_queue() {
    assert_answered(|socket| socket.set_high_water(1));
}
