//! How much each of several streams is read in a turn.

use super::{Arrival, Net, Told};
use crate::io::{destroy, resume, write};
use std::cell::{Cell, RefCell};
use std::rc::Rc;

const WHOLE: usize = 64 * 1024;
/// What who has much gets beside others, and for how many turns.
const SMALL: usize = WHOLE / 8;
const TURNS: usize = 256;

/// A stream that flows, and ends when all is over.
fn flowing(net: Net) -> Net {
    net.react(|_, _| {});
    resume(&net.stream);
    net.at(1_000_000, |stream| destroy(stream, None));
    net
}

/// So many bytes come at this time.
fn send(net: &Net, when: u64, bytes: usize) {
    // In pieces, for what is left of each is moved with each read.
    let mut left = bytes;
    while left > 0 {
        let piece = left.min(SMALL);
        net.arrive(when, Arrival::Bytes(vec![0; piece]));
        left -= piece;
    }
}

/// What is read in turn, and how often.
fn told(parts: &[(usize, usize)]) -> String {
    let each = parts.iter().flat_map(|&(size, times)| std::iter::repeat_n(size, times));
    let all: Vec<String> = each.map(|size| format!("data {size}")).collect();
    all.join(", ")
}

fn run(net: &Net) -> String {
    net.run().split(", close").next().unwrap_or_default().into()
}

#[test]
fn who_has_much_is_read_a_whole_buffer_in_each_turn_as_long_as_it_is_alone() {
    let hot = flowing(Net::new(true));
    send(&hot, 10, 3 * WHOLE + 100);
    send(&hot, 20, 64);
    send(&hot, 30, 2 * WHOLE + 100);
    assert_eq!(run(&hot), told(&[(WHOLE, 3), (100, 1), (64, 1), (WHOLE, 2), (100, 1)]));
}

#[test]
fn beside_one_that_has_little_it_gets_an_eighth_of_that_and_all_of_it_again_afterwards() {
    // The first message of a stream comes the long way, the next ones the short way.
    for before in 0..3 {
        let hot = flowing(Net::new(true));
        let quiet = flowing(hot.beside());
        (0..before).for_each(|when| send(&quiet, when as u64, 1));
        send(&hot, 10, WHOLE + TURNS * SMALL + WHOLE + 100);
        send(&quiet, 10, 64);
        let after = [(WHOLE, 1), (64, 1), (SMALL, TURNS), (WHOLE, 1), (100, 1)];
        assert_eq!(run(&hot), told(&[&[(1, before)], &after[..]].concat()));
    }
}

#[test]
fn what_one_that_has_had_much_brings_last_is_no_message() {
    let hot = flowing(Net::new(true));
    let other = flowing(hot.beside());
    send(&hot, 10, 6 * WHOLE);
    send(&other, 10, WHOLE + 100);
    // But in the fourth turn it has one.
    let (message, mut turn) = (Cell::new(Some(other.arriving(Arrival::Bytes(vec![0; 64])))), 0);
    hot.react(move |_, _| {
        turn += 1;
        if turn == 4 {
            message.take().into_iter().for_each(|comes| comes());
        }
    });
    // One that has more to come stands behind those who are told, where edges are told. Elsewhere it is told as it was.
    let edges =
        cfg!(all(any(target_os = "linux", target_os = "android"), not(onward_force_polling)));
    let fourth = if edges { [(64, 1), (WHOLE, 1)] } else { [(WHOLE, 1), (64, 1)] };
    let around = ([(WHOLE, 3), (100, 1), (WHOLE, 2)], [(SMALL, 8)]);
    assert_eq!(run(&hot), told(&[&around.0[..], &fourth, &around.1].concat()));
}

/// Which of two streams is told, in order, from the moment when there is more of both than they get in so many turns:
/// how many buffers in a row each time.
fn in_a_row(answers: bool) -> Vec<usize> {
    let one = Net::new(true);
    let two = one.beside();
    let rows = Rc::new(RefCell::new(Vec::<(char, usize)>::new()));
    for (net, name) in [(&one, 'a'), (&two, 'b')] {
        let rows = Rc::clone(&rows);
        net.react(move |stream, told| {
            let Told::Data(chunk) = told else { return };
            if answers {
                write(stream, chunk);
            }
            let mut rows = rows.borrow_mut();
            match rows.last_mut() {
                Some((last, times)) if *last == name => *times += 1,
                _ => rows.push((name, 1)),
            }
        });
        resume(&net.stream);
        net.at(1_000_000, |stream| destroy(stream, None));
        send(net, 10, (TURNS + 4 * 8) * WHOLE);
    }
    one.run();
    let rows = rows.borrow();
    rows.iter().map(|&(_, times)| times).collect()
}

#[test]
fn who_answers_is_read_some_buffers_in_a_row_once_nobody_has_had_little_for_a_while() {
    let rows = in_a_row(true);
    assert_eq!(rows[..2 * TURNS], [1; 2 * TURNS], "all get as much as they can be sure of");
    assert_eq!(rows[2 * TURNS..], [8; 2 * 4]);
}

#[test]
fn who_only_reads_gets_a_buffer_in_each_turn() {
    assert_eq!(in_a_row(false), [1; 2 * (TURNS + 4 * 8)]);
}
