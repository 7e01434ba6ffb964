//! Random networks and programs, each again and again: something happens in its first callback, in its second, and
//! so on: that is about a thousand for each.

use super::for_all;
use super::schedules::{Act, Schedule, hold_to_the_contract, schedule};

/// The same, and these at the beginning of the callback of that number.
fn with(schedule: &Schedule, callback: usize, acts: &[Act]) -> Schedule {
    let mut changed = schedule.clone();
    changed.reacting.splice(0..0, acts.iter().map(|act| (callback, *act)));
    changed
}

fn at_every_step(acts: &[Act]) {
    for_all(&schedule(), 80, |schedule| {
        let callbacks = hold_to_the_contract(schedule);
        // With large numbers of small pieces there is nothing new after some.
        for callback in 0..callbacks.min(12) {
            hold_to_the_contract(&with(schedule, callback, acts));
        }
    });
}

#[test]
fn it_may_be_destroyed_at_every_step() {
    at_every_step(&[Act::Destroy]);
}

#[test]
fn it_may_be_ended_at_every_step() {
    at_every_step(&[Act::WriteThen(10), Act::End]);
}

#[test]
fn it_may_be_paused_at_every_step_and_is_told_of_a_peer_that_goes() {
    at_every_step(&[Act::Await, Act::Pause]);
}

#[test]
fn what_comes_may_be_thrown_away_from_every_step_on() {
    at_every_step(&[Act::Discard]);
}
