//! Threads that wait for each other: no circle of them is for ever.

use std::sync::{Arc, Barrier};
use std::thread;

use onward::emitter::Event;
use onward::events;
use onward::sync::Emitter;

use super::support::{Log, in_time, noting};

events! { sync Game { Ping(u32), Pong(u32), Pang(u32) } }

fn last(game: &Game) -> [usize; 3] {
    [game.emit(Ping, 0).called, game.emit(Pong, 0).called, game.emit(Pang, 0).called]
}

/// Adds a listener which, the first time, meets the others and then emits `next`. Notes what that did.
fn pass<E: Event<Game>, N>(game: &Game, event: E, next: N, meet: &Arc<Barrier>, log: &Log)
where
    N: for<'a> Event<Game, Payload<'a> = u32> + Send,
{
    let (meet, log) = (Arc::clone(meet), log.clone());
    let mut first = true;
    game.on(event, move |game: &Game, _| {
        if std::mem::take(&mut first) {
            meet.wait();
            let emitted = game.emit(next, 1);
            log.note(format!("{}{}", emitted.called, emitted.skipped));
        }
    });
}

#[test]
fn two_threads_that_want_each_others_event() {
    in_time(|| {
        for _ in 0..200 {
            let (game, log) = (Game::new(), Log::default());
            let meet = Arc::new(Barrier::new(2));
            pass(&game, Ping, Pong, &meet, &log);
            pass(&game, Pong, Ping, &meet, &log);
            let others = Log::default();
            game.on(Ping, noting!(others, "x"));
            game.on(Pong, noting!(others, "x"));
            thread::scope(|threads| {
                let ping = threads.spawn(|| game.emit(Ping, 0));
                let pong = threads.spawn(|| game.emit(Pong, 0));
                for emit in [ping, pong] {
                    let emitted = emit.join().expect("no panic");
                    assert_eq!((emitted.called, emitted.skipped), (2, 0));
                }
            });
            // Who was lent the turn called all but the one that ran; the other one waited, and called both.
            let mut noted: Vec<_> = log.take().split(' ').map(str::to_owned).collect();
            noted.sort();
            assert_eq!(noted, ["11", "20"]);
            assert_eq!(others.take(), "x x x x");
            assert_eq!(last(&game), [2, 2, 0], "all turns are free again");
        }
    });
}

#[test]
fn three_threads_in_a_circle() {
    in_time(|| {
        for _ in 0..200 {
            let (game, log) = (Game::new(), Log::default());
            let meet = Arc::new(Barrier::new(3));
            pass(&game, Ping, Pong, &meet, &log);
            pass(&game, Pong, Pang, &meet, &log);
            pass(&game, Pang, Ping, &meet, &log);
            thread::scope(|threads| {
                threads.spawn(|| game.emit(Ping, 0));
                threads.spawn(|| game.emit(Pong, 0));
                threads.spawn(|| game.emit(Pang, 0));
            });
            let mut noted: Vec<_> = log.take().split(' ').map(str::to_owned).collect();
            noted.sort();
            assert_eq!(noted, ["01", "10", "10"]);
            assert_eq!(last(&game), [1, 1, 1]);
        }
    });
}

#[test]
fn a_turn_that_was_lent_may_be_nested_in_and_changed() {
    in_time(|| {
        let (game, log) = (Game::new(), Log::default());
        let meet = Arc::new(Barrier::new(2));
        let depth = Log::default();
        for (n, this) in [0, 1].into_iter().enumerate() {
            let (meet, log, depth) = (Arc::clone(&meet), log.clone(), depth.clone());
            let mut first = true;
            let listener = move |game: &Game, payload: u32| {
                if std::mem::take(&mut first) {
                    meet.wait();
                    let next = if this == 0 { game.emit(Pong, 1) } else { game.emit(Ping, 1) };
                    log.note(format!("{}{}", next.called, next.skipped));
                } else {
                    depth.note(format!("{n}{payload}"));
                }
            };
            if this == 0 {
                game.on(Ping, listener)
            } else {
                game.on(Pong, listener)
            };
        }
        let d = depth.clone();
        let nests = move |game: &Game, payload: u32| {
            if payload == 1 {
                // Nested in an emit that may have been lent its turn.
                let emitted = [game.emit(Ping, 2), game.emit(Pong, 2)];
                d.note(format!("{}", emitted.map(|emitted| emitted.skipped).iter().sum::<usize>()));
                game.once(Ping, |_, _| {});
                game.once(Pong, |_, _| {});
                game.remove_all_of(Pang);
            }
        };
        game.on(Pong, nests.clone());
        game.on(Ping, nests);
        game.on(Pang, |_, _| {});
        thread::scope(|threads| {
            threads.spawn(|| game.emit(Ping, 0));
            threads.spawn(|| game.emit(Pong, 0));
        });
        let mut noted: Vec<_> = log.take().split(' ').map(str::to_owned).collect();
        noted.sort();
        assert_eq!(noted, ["11", "20"]);
        // Each of the two passed emits added a listener for once, and the second one used up the first's.
        assert_eq!(game.emit(Ping, 3).called, 3);
        assert_eq!(last(&game), [2, 3, 0]);
    });
}

#[test]
fn a_panic_gives_back_a_turn_that_was_lent() {
    in_time(|| {
        for _ in 0..100 {
            let (game, log) = (Game::new(), Log::default());
            let meet = Arc::new(Barrier::new(2));
            pass(&game, Ping, Pong, &meet, &log);
            pass(&game, Pong, Ping, &meet, &log);
            let panics = |_: &Game, payload: u32| assert!(payload != 1, "on purpose");
            game.on(Ping, panics);
            game.on(Pong, panics);
            thread::scope(|threads| {
                let both =
                    [threads.spawn(|| game.emit(Ping, 0)), threads.spawn(|| game.emit(Pong, 0))];
                let panics = both.map(|emit| emit.join().is_err());
                assert_eq!(panics, [true, true], "each passed on a one");
            });
            assert_eq!(last(&game), [2, 2, 0]);
        }
    });
}
