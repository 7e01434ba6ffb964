//! Timers: when they are due, in which order, and how they are taken back. On the real clock; `tests/simulated` has
//! what is exact.

use super::support::{NEVER, in_child, in_time, make_loop, spin, trace};
use onward::events::*;
use onward::net::Server;
use onward::{EventLoop, Timer, next_tick, set_immediate, set_timeout};
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::{Duration, Instant};

const MS: Duration = Duration::from_millis(1);

#[test]
fn timers_fire_by_deadline_and_equal_ones_as_they_were_set() {
    let noted = trace(|log| {
        for (name, delay) in [("c", 600), ("a1", 0), ("b", 300), ("a2", 0), ("a3", 0)] {
            set_timeout(delay * MS, log.noting(name));
        }
        Ok(())
    });
    assert_eq!(noted, "a1 a2 a3 b c");
}

#[test]
fn no_timer_is_early_even_one_set_late_in_a_turn() {
    in_time(|| {
        let early = Rc::new(Cell::new(0));
        onward::run(|| {
            for delay in
                [0, 100, 900, 999, 1_000, 1_001, 1_500, 3_333, 10_000].map(Duration::from_micros)
            {
                let counted = Rc::clone(&early);
                set_immediate(move || {
                    spin(MS);
                    let began = Instant::now();
                    set_timeout(delay, move || {
                        counted.set(counted.get() + usize::from(began.elapsed() < delay));
                    });
                });
            }
            Ok(())
        })
        .unwrap();
        assert_eq!(early.get(), 0);
    });
}

#[test]
fn timers_in_a_chain_each_wait_their_time() {
    in_time(|| {
        fn chain(left: u32, ran: Rc<Cell<u32>>) {
            let began = Instant::now();
            set_timeout(MS, move || {
                assert!(began.elapsed() >= MS);
                ran.set(ran.get() + 1);
                if left > 0 {
                    chain(left - 1, ran);
                }
            });
        }
        let ran = Rc::new(Cell::new(0));
        let counted = Rc::clone(&ran);
        onward::run(|| {
            chain(50, counted);
            Ok(())
        })
        .unwrap();
        assert_eq!(ran.get(), 51);
    });
}

#[test]
fn refresh_of_one_that_is_over_does_nothing() {
    let noted = trace(|log| {
        let over = set_timeout(Duration::ZERO, log.noting("once"));
        let gone = set_timeout(NEVER, || unreachable!());
        assert!(gone.cancel());
        set_timeout(MS, move || assert!(!over.refresh() && !gone.refresh()));
        Ok(())
    });
    assert_eq!(noted, "once");
}

#[test]
fn a_timer_can_be_taken_back_once_and_not_while_it_runs() {
    let noted = trace(|log| {
        let me: Rc<Cell<Option<Timer>>> = Rc::default();
        let (known, log1) = (Rc::clone(&me), log.clone());
        me.set(Some(set_timeout(Duration::ZERO, move || {
            let me = known.get().unwrap();
            log1.note(format!("{} {} {}", me.cancel(), me.refresh(), me.has_ref()));
        })));
        let other = set_timeout(Duration::ZERO, || unreachable!("it was taken back"));
        assert!(other.cancel());
        assert!(!other.cancel());
        Ok(())
    });
    assert_eq!(noted, "false false false");
}

#[test]
fn a_tick_between_two_timers_that_are_due_can_take_the_second_back() {
    let noted = trace(|log| {
        let second: Rc<Cell<Option<Timer>>> = Rc::default();
        let (known, log1) = (Rc::clone(&second), log.clone());
        set_timeout(Duration::ZERO, move || {
            next_tick(move || log1.note(known.get().unwrap().cancel().to_string()));
        });
        second.set(Some(set_timeout(Duration::ZERO, || unreachable!("it was taken back"))));
        set_timeout(Duration::ZERO, log.noting("third"));
        Ok(())
    });
    assert_eq!(noted, "true third");
}

#[test]
fn a_stale_handle_never_meets_the_timer_that_has_its_place_now() {
    let noted = trace(|log| {
        let old = set_timeout(Duration::ZERO, || unreachable!("it was taken back"));
        assert!(old.cancel());
        let new = set_timeout(Duration::ZERO, log.noting("new"));
        assert_ne!(old, new);
        assert!(!old.cancel() && !old.refresh() && !old.has_ref());
        assert_eq!(old.unref(), old);
        assert!(new.has_ref());
        Ok(())
    });
    assert_eq!(noted, "new");
}

#[test]
fn a_handle_of_another_loop_and_one_used_outside_of_any_do_nothing() {
    in_time(|| {
        let ((one, log), (other, _)) = (make_loop(), make_loop());
        let (timer, immediate) = one.enter(|| {
            (
                set_timeout(Duration::ZERO, log.noting("timer")),
                set_immediate(log.noting("immediate")),
            )
        });
        other.enter(|| {
            // It stands where the first one stands, on the other loop.
            let theirs = set_timeout(Duration::ZERO, || unreachable!("it is taken back"));
            let immediately = set_immediate(|| unreachable!("it is taken back"));
            assert!(!timer.cancel() && !timer.refresh() && !timer.has_ref() && !immediate.cancel());
            assert!(theirs.cancel() && immediately.cancel());
        });
        assert!(!timer.cancel() && !timer.refresh() && !timer.has_ref() && !immediate.cancel());
        assert_eq!(timer.unref().ref_(), timer);
        std::thread::spawn(move || assert!(!timer.cancel())).join().unwrap();
        one.run().unwrap();
        assert_eq!(log.take(), "timer immediate");
    });
}

#[test]
fn a_handle_can_be_used_by_what_a_thread_drops_as_it_ends() {
    struct CancelOnDrop(Timer);
    impl Drop for CancelOnDrop {
        fn drop(&mut self) {
            assert!(!self.0.cancel());
            assert!(!self.0.refresh());
        }
    }
    thread_local! {
        static LAST: RefCell<Option<CancelOnDrop>> = const { RefCell::new(None) };
    }
    // What a thread drops last must not panic: that ends the process.
    let name = "event_loop::timers::a_handle_can_be_used_by_what_a_thread_drops_as_it_ends";
    in_child(name, || {
        let thread = std::thread::spawn(|| {
            // What is used first is dropped last.
            LAST.with_borrow(|_| ());
            let event_loop = EventLoop::new().unwrap();
            let timer = event_loop.enter(|| set_timeout(NEVER, || ()));
            LAST.set(Some(CancelOnDrop(timer)));
        });
        thread.join().unwrap();
    });
}

#[test]
fn a_timer_that_always_sets_itself_again_starves_nobody() {
    in_time(|| {
        fn again(until: Rc<Cell<bool>>, rounds: Rc<Cell<u64>>) {
            rounds.set(rounds.get() + 1);
            if !until.get() {
                set_timeout(Duration::ZERO, move || again(until, rounds));
            }
        }
        let (heard, rounds) = (Rc::new(Cell::new(false)), Rc::new(Cell::new(0)));
        let (until, counted) = (Rc::clone(&heard), Rc::clone(&rounds));
        onward::run(move || {
            let server = Server::listen("127.0.0.1:0")?;
            again(Rc::clone(&until), counted);
            super::support::connected(&server, move |client, accepted| {
                accepted.on(Data, move |accepted, _| {
                    until.set(true);
                    accepted.destroy();
                });
                client.end_with("heard");
                client.resume();
            });
            server.on(Connection, |server, _| server.close());
            Ok(())
        })
        .unwrap();
        assert!(heard.get());
        assert!(rounds.get() > 2);
    });
}

#[test]
fn a_hundred_thousand_timers_due_together_and_half_of_them_taken_back_fire_exactly() {
    in_time(|| {
        let fired = Rc::new(Cell::new(0_u32));
        onward::run(|| {
            let all: Rc<RefCell<Vec<Timer>>> = Rc::default();
            for n in 0..100_000_usize {
                let (all, fired) = (Rc::clone(&all), Rc::clone(&fired));
                let timer = set_timeout(Duration::ZERO, {
                    let all = Rc::clone(&all);
                    move || {
                        assert!(n % 2 == 0);
                        assert!(all.borrow()[n + 1].cancel());
                        fired.set(fired.get() + 1);
                    }
                });
                all.borrow_mut().push(timer);
            }
            Ok(())
        })
        .unwrap();
        assert_eq!(fired.get(), 50_000);
    });
}
