//! Who is told of a signal, when, and in which order.

use super::support::{
    HUP, INT, NEVER, Outcome, TERM, end_by, in_child, in_child_of, raise, raise_here, say,
};
use onward::events::*;
use onward::process::Signals;
use onward::{ErrorKind, EventLoop, next_tick, process, set_immediate, set_timeout, stop};
use std::cell::{Cell, RefCell};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::{Command, Stdio};
use std::rc::Rc;
use std::time::Duration;

#[test]
fn each_signal_is_told_by_its_own_event() {
    /// Says that it came, and raises the next one.
    fn then(next: &'static str, what: &'static str) -> impl FnMut(&Signals, ()) + 'static {
        move |_, ()| {
            say(what);
            raise(next);
        }
    }
    let outcome = in_child("signals::telling::each_signal_is_told_by_its_own_event", || {
        let signals = process::signals()?;
        signals.on(Interrupt, then("TERM", "interrupt"));
        signals.on(Terminate, then("HUP", "terminate"));
        signals.on(Hangup, then("QUIT", "hangup"));
        signals.on(Quit, then("USR1", "quit"));
        signals.on(User1, then("USR2", "user1"));
        signals.on(User2, then("WINCH", "user2"));
        signals.on(Resize, then("CONT", "resize"));
        signals.on(Continued, |signals, ()| {
            say("continued");
            // Not before: each process that raises a signal is a child that ends.
            signals.once(ChildChanged, |signals, ()| {
                say(format!("child {signals:?}"));
                stop();
            });
            raise("CHLD");
        });
        set_timeout(NEVER, || unreachable!());
        next_tick(|| raise("INT"));
        Ok(())
    });
    let told = "interrupt terminate hangup quit user1 user2 resize continued child";
    let left = "[Interrupt, Terminate, Hangup, Quit, User1, User2, Resize, Continued]";
    assert_eq!(outcome, (format!("{told} {left} ended"), None));
}

#[test]
fn the_end_of_a_child_is_told() {
    let outcome = in_child("signals::telling::the_end_of_a_child_is_told", || {
        let mut child =
            Command::new("sh").args(["-c", "read line"]).stdin(Stdio::piped()).spawn()?;
        let input = child.stdin.take();
        let child = RefCell::new(child);
        let timer = set_timeout(NEVER, || unreachable!());
        process::signals()?.on(ChildChanged, move |signals, ()| {
            if child.borrow_mut().try_wait().unwrap().is_some() {
                say("over");
                signals.close();
                timer.cancel();
            }
        });
        next_tick(|| drop(input));
        Ok(())
    });
    assert_eq!(outcome, ("over ended".into(), None));
}

/// Listens for all but one signal, and raises that one.
#[track_caller]
fn raise_unheard(name: &str, signal: &'static str) -> Outcome {
    in_child(&format!("signals::telling::{name}"), move || {
        let signals = process::signals()?;
        if signal != "INT" {
            signals.on(Interrupt, |_, ()| unreachable!());
        }
        if signal != "TERM" {
            signals.on(Terminate, |_, ()| unreachable!());
        }
        if signal != "HUP" {
            signals.on(Hangup, |_, ()| unreachable!());
        }
        set_timeout(NEVER, || unreachable!());
        set_immediate(move || {
            say("raise");
            raise(signal);
        });
        Ok(())
    })
}

#[test]
fn an_interrupt_that_nobody_listened_for_ends_the_program() {
    let outcome = raise_unheard("an_interrupt_that_nobody_listened_for_ends_the_program", "INT");
    assert_eq!(outcome, ("raise".into(), Some(INT)));
}

#[test]
fn a_terminate_that_nobody_listened_for_ends_the_program() {
    let outcome = raise_unheard("a_terminate_that_nobody_listened_for_ends_the_program", "TERM");
    assert_eq!(outcome, ("raise".into(), Some(TERM)));
}

#[test]
fn a_hangup_that_nobody_listened_for_ends_the_program() {
    let outcome = raise_unheard("a_hangup_that_nobody_listened_for_ends_the_program", "HUP");
    assert_eq!(outcome, ("raise".into(), Some(HUP)));
}

#[test]
fn asking_for_the_signals_without_listening_changes_nothing() {
    let outcome = in_child(
        "signals::telling::asking_for_the_signals_without_listening_changes_nothing",
        || {
            let signals = process::signals()?;
            signals.on(Error, |_, _| unreachable!());
            set_timeout(NEVER, move || _ = &signals);
            next_tick(|| raise("INT"));
            Ok(())
        },
    );
    assert_eq!(outcome, (String::new(), Some(INT)));
}

#[test]
fn listening_does_not_keep_the_loop_alive() {
    let outcome = in_child("signals::telling::listening_does_not_keep_the_loop_alive", || {
        let signals = process::signals()?;
        signals.on(Interrupt, |_, ()| unreachable!());
        signals.on(Hangup, |_, ()| unreachable!());
        Ok(())
    });
    assert_eq!(outcome, ("ended".into(), None));
}

#[test]
fn a_program_that_is_told_to_end_can_end_in_order() {
    let outcome =
        in_child("signals::telling::a_program_that_is_told_to_end_can_end_in_order", || {
            let timer = set_timeout(NEVER, || unreachable!());
            process::signals()?.once(Terminate, move |_, ()| {
                say("terminate");
                assert!(timer.cancel());
                next_tick(|| say("tick"));
                set_timeout(Duration::ZERO, || say("timer"));
                // Signals come before the immediates of their turn, as posts do.
                set_immediate(|| say("immediate"));
            });
            next_tick(|| raise("TERM"));
            Ok(())
        });
    assert_eq!(outcome, ("terminate tick immediate timer ended".into(), None));
}

#[test]
fn the_handle_of_the_signals_need_not_be_kept() {
    let outcome = in_child("signals::telling::the_handle_of_the_signals_need_not_be_kept", || {
        process::signals()?.once(Interrupt, |_, ()| {
            say("once");
            process::signals().unwrap().on(Hangup, |_, ()| stop());
            raise("HUP");
        });
        set_timeout(NEVER, || unreachable!());
        next_tick(|| raise("INT"));
        Ok(())
    });
    assert_eq!(outcome, ("once ended".into(), None));
}

#[test]
fn several_listeners_of_several_handles_all_hear() {
    let outcome =
        in_child("signals::telling::several_listeners_of_several_handles_all_hear", || {
            let heard = Rc::new(Cell::new(0));
            for _ in 0..3 {
                let signals = process::signals()?;
                for _ in 0..2 {
                    let heard = Rc::clone(&heard);
                    signals.on(Hangup, move |_, ()| {
                        heard.set(heard.get() + 1);
                        if heard.get() == 6 {
                            stop();
                        }
                    });
                }
            }
            set_timeout(NEVER, || unreachable!());
            next_tick(|| raise("HUP"));
            Ok(())
        });
    assert_eq!(outcome, ("ended".into(), None));
}

#[test]
fn after_close_nothing_is_told_and_listening_again_works() {
    let outcome =
        in_child("signals::telling::after_close_nothing_is_told_and_listening_again_works", || {
            let signals = process::signals()?;
            signals.on(Interrupt, |_, ()| unreachable!("it is closed before"));
            signals.close();
            signals.close();
            assert_eq!(format!("{signals:?}"), "[]");
            signals.on(Interrupt, |signals, ()| {
                say("interrupt");
                signals.close();
            });
            let again = set_timeout(NEVER, || unreachable!());
            process::signals()?.once(Interrupt, move |_, ()| {
                say("the other");
                again.cancel();
            });
            next_tick(|| raise("INT"));
            Ok(())
        });
    assert_eq!(outcome, ("interrupt the other ended".into(), None));
}

#[test]
fn close_in_a_listener_silences_those_after_it() {
    let outcome = in_child("signals::telling::close_in_a_listener_silences_those_after_it", || {
        let signals = process::signals()?;
        signals.on(Interrupt, |signals, ()| {
            say("first");
            signals.close();
            stop();
        });
        signals.on(Interrupt, |_, ()| unreachable!("it is closed by then"));
        set_timeout(NEVER, || unreachable!());
        next_tick(|| raise("INT"));
        Ok(())
    });
    assert_eq!(outcome, ("first ended".into(), None));
}

#[test]
fn signals_that_come_while_the_loop_is_busy_are_told_afterwards() {
    let outcome = in_child(
        "signals::telling::signals_that_come_while_the_loop_is_busy_are_told_afterwards",
        || {
            let signals = process::signals()?;
            let told = Rc::new(Cell::new(0));
            let count = Rc::clone(&told);
            signals.on(Interrupt, move |_, ()| {
                // Which of two signals is caught first is not known: the other one comes when this was told.
                if count.replace(count.get() + 1) == 0 {
                    set_timeout(Duration::from_millis(20), || raise("HUP"));
                }
            });
            signals.on(Hangup, move |_, ()| {
                assert!((1..=5).contains(&told.get()));
                stop();
            });
            set_timeout(NEVER, || unreachable!());
            next_tick(|| (0..5).for_each(|_| raise("INT")));
            Ok(())
        },
    );
    assert_eq!(outcome, ("ended".into(), None));
}

#[test]
fn a_listener_that_panics_leaves_the_loop_and_the_signal_in_order() {
    let name = "signals::telling::a_listener_that_panics_leaves_the_loop_and_the_signal_in_order";
    let outcome = in_child_of("exec \"$0\" \"$@\"", name, || {
        let event_loop = EventLoop::new().unwrap();
        event_loop.enter(|| {
            let signals = process::signals().unwrap();
            let mut told = 0;
            signals.on(Interrupt, move |_, ()| {
                told += 1;
                say(told);
                assert!(told > 1, "on purpose");
                stop();
            });
            signals.once(Hangup, |_, ()| panic!("on purpose"));
            set_timeout(NEVER, || unreachable!());
            next_tick(|| raise_here(INT));
        });
        let run = || event_loop.run().unwrap();
        assert!(catch_unwind(AssertUnwindSafe(run)).is_err());
        event_loop.enter(|| next_tick(|| raise_here(HUP)));
        assert!(catch_unwind(AssertUnwindSafe(run)).is_err());
        event_loop.enter(|| next_tick(|| raise_here(INT)));
        run();
        say("in order");
        // The listener for one time has gone with its panic.
        end_by("HUP");
    });
    assert_eq!(outcome, ("1 2 in order".into(), Some(HUP)));
}

#[test]
fn what_listeners_capture_is_dropped_with_the_loop_however_it_ends() {
    let outcome = in_child(
        "signals::telling::what_listeners_capture_is_dropped_with_the_loop_however_it_ends",
        || {
            // This loop is only the frame; those that count are on threads of their own.
            for panics in [false, true] {
                let thread = std::thread::spawn(move || {
                    let alive = Rc::new(());
                    let kept = Rc::clone(&alive);
                    let run = move || {
                        onward::run(|| {
                            let signals = process::signals()?;
                            let own = signals.clone();
                            signals.on(Interrupt, move |_, ()| _ = (&kept, &own));
                            set_immediate(move || assert!(!panics, "oops"));
                            Ok(())
                        })
                    };
                    let ended = catch_unwind(AssertUnwindSafe(run));
                    assert_eq!(ended.is_err(), panics);
                    Rc::strong_count(&alive)
                });
                say(format!("left {}", thread.join().unwrap()));
            }
            Ok(())
        },
    );
    assert_eq!(outcome, ("left 1 left 1 ended".into(), None));
}

#[test]
fn outside_of_a_loop_there_are_no_signals() {
    let error = process::signals().unwrap_err();
    assert_eq!((error.kind(), error.operation()), (ErrorKind::NotInLoop, "watch signals"));
}
