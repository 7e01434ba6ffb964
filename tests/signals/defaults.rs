//! What a signal does when nobody listens for it any more.

use super::support::{
    HUP, INT, NEVER, QUIT, TERM, end_by, in_child, in_child_of, never, raise, raise_here, say,
};
use onward::events::*;
use onward::process::{Signals, signals};
use onward::{EventLoop, next_tick, set_immediate, set_timeout, stop};
use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

/// Has somebody listen for a signal, and go; then it ends the process.
#[track_caller]
fn ends_the_process_after(name: &str, listen_and_go: impl FnOnce(&Signals)) {
    let outcome = in_child(&format!("signals::defaults::{name}"), || {
        let signals = signals()?;
        listen_and_go(&signals);
        assert_eq!(format!("{signals:?}"), "[]");
        next_tick(move || {
            let _signals = signals;
            say("gone");
            end_by("INT");
        });
        Ok(())
    });
    assert_eq!(outcome, ("gone".into(), Some(INT)));
}

#[test]
fn a_signal_whose_listener_is_removed_ends_the_program_again() {
    ends_the_process_after(
        "a_signal_whose_listener_is_removed_ends_the_program_again",
        |signals| {
            let listener = signals.on(Interrupt, never);
            assert_eq!(format!("{signals:?}"), "[Interrupt]");
            assert!(signals.off(listener));
        },
    );
}

#[test]
fn a_signal_whose_listeners_are_all_removed_ends_the_program_again() {
    ends_the_process_after(
        "a_signal_whose_listeners_are_all_removed_ends_the_program_again",
        |signals| {
            for _ in 0..2 {
                signals.on(Interrupt, never);
                signals.prepend_once(Interrupt, never);
                signals.remove_all();
                signals.on(Interrupt, never);
                signals.remove_all_of(Interrupt);
                signals.on(Interrupt, never);
                signals.close();
            }
        },
    );
}

#[test]
fn a_signal_whose_guard_is_dropped_ends_the_program_again() {
    ends_the_process_after("a_signal_whose_guard_is_dropped_ends_the_program_again", |signals| {
        let guard = signals.on_scoped(Interrupt, never);
        let (next, stream) = (signals.next(Interrupt), signals.stream(Interrupt));
        drop(guard);
        drop(next);
        assert_eq!(format!("{signals:?}"), "[Interrupt]");
        drop(stream);
    });
}

#[test]
fn a_signal_whose_listener_goes_as_it_comes_ends_the_program_again() {
    ends_the_process_after(
        "a_signal_whose_listener_goes_as_it_comes_ends_the_program_again",
        |signals| {
            // Whoever watches the listeners may remove them before the signal is watched.
            let watching = signals.on(ListenerAdded, |signals, added| {
                if added.is(ListenerRemoved) {
                    signals.remove_all_of(Interrupt);
                }
            });
            signals.on(Interrupt, never);
            signals.off(watching);
        },
    );
}

#[test]
fn a_second_interrupt_ends_a_program_that_listens_once_also_while_the_listener_runs() {
    let name = "a_second_interrupt_ends_a_program_that_listens_once_also_while_the_listener_runs";
    let outcome = in_child(&format!("signals::defaults::{name}"), || {
        signals()?.once(Interrupt, |_, ()| {
            say("first");
            end_by("INT");
        });
        set_timeout(NEVER, || unreachable!());
        next_tick(|| raise("INT"));
        Ok(())
    });
    assert_eq!(outcome, ("first".into(), Some(INT)));
}

#[test]
fn a_signal_does_nothing_as_long_as_one_of_several_listens() {
    let name = "a_signal_does_nothing_as_long_as_one_of_several_listens";
    let outcome = in_child(&format!("signals::defaults::{name}"), || {
        let told = Rc::new(RefCell::new(Vec::new()));
        let all = [signals()?, signals()?, signals()?];
        let listeners = all.clone().map(|signals| {
            let told = Rc::clone(&told);
            signals.on(Interrupt, move |_, ()| told.borrow_mut().push(()))
        });
        let mut round = 0;
        onward::set_interval(Duration::from_millis(1), move |timer| {
            let heard = told.take().len();
            if round > 0 {
                say(heard);
                assert!(all[round - 1].off(listeners[round - 1]));
            }
            if round == 3 {
                say("nobody");
                timer.cancel();
                end_by("INT");
            }
            round += 1;
            raise_here(INT);
        });
        Ok(())
    });
    assert_eq!(outcome, ("3 2 1 nobody".into(), Some(INT)));
}

/// Another signal than that of Ctrl-C, listened for twice, ends the process as it would have.
#[track_caller]
fn ends_as_by_default(name: &str, signal: &'static str, number: i32) {
    let outcome = in_child(&format!("signals::defaults::{name}"), || {
        let signals = signals()?;
        for _ in 0..2 {
            let listeners = [
                signals.on(Terminate, never),
                signals.on(Hangup, never),
                signals.on(Quit, never),
                signals.on(User1, never),
                signals.on(User2, never),
            ];
            assert!(listeners.into_iter().all(|listener| signals.off(listener)));
        }
        set_immediate(move || end_by(signal));
        Ok(())
    });
    assert_eq!(outcome, (String::new(), Some(number)));
}

#[test]
fn a_terminate_ends_the_program_again() {
    ends_as_by_default("a_terminate_ends_the_program_again", "TERM", TERM);
}

#[test]
fn a_hangup_ends_the_program_again() {
    ends_as_by_default("a_hangup_ends_the_program_again", "HUP", HUP);
}

#[test]
fn a_quit_ends_the_program_again() {
    ends_as_by_default("a_quit_ends_the_program_again", "QUIT", QUIT);
}

#[test]
fn a_user_signal_ends_the_program_again() {
    let number = signal_hook::consts::SIGUSR1;
    ends_as_by_default("a_user_signal_ends_the_program_again", "USR1", number);
}

#[test]
fn the_other_user_signal_ends_the_program_again() {
    let number = signal_hook::consts::SIGUSR2;
    ends_as_by_default("the_other_user_signal_ends_the_program_again", "USR2", number);
}

#[test]
fn signals_that_are_ignored_by_default_are_so_again() {
    let name = "signals_that_are_ignored_by_default_are_so_again";
    let outcome = in_child(&format!("signals::defaults::{name}"), || {
        let signals = signals()?;
        signals.on(ChildChanged, never);
        signals.on(Resize, never);
        signals.on(Continued, never);
        signals.remove_all();
        use signal_hook::consts::{SIGCHLD, SIGCONT, SIGWINCH};
        [SIGCHLD, SIGWINCH, SIGCONT].into_iter().for_each(raise_here);
        Ok(())
    });
    assert_eq!(outcome, ("ended".into(), None));
}

#[cfg(target_os = "linux")]
#[test]
fn a_signal_that_was_ignored_is_told_while_somebody_listens_and_ignored_again() {
    let name = "a_signal_that_was_ignored_is_told_while_somebody_listens_and_ignored_again";
    let body = || {
        onward::run(|| {
            signals()?.once(Hangup, |_, ()| {
                say("told");
                raise_here(HUP);
                say("ignored");
                stop();
            });
            next_tick(|| raise("HUP"));
            set_timeout(NEVER, || unreachable!());
            Ok(())
        })
        .unwrap();
        raise_here(HUP);
    };
    // What `nohup` does.
    let script = "trap '' HUP; exec \"$0\" \"$@\"";
    let outcome = in_child_of(script, &format!("signals::defaults::{name}"), body);
    assert_eq!(outcome, ("told ignored ended".into(), None));
}

#[cfg(target_os = "linux")]
#[test]
fn a_signal_that_the_program_catches_by_other_means_goes_there_in_any_case() {
    let name = "a_signal_that_the_program_catches_by_other_means_goes_there_in_any_case";
    let outcome = in_child(&format!("signals::defaults::{name}"), || {
        let other = Arc::new(AtomicBool::new(false));
        signal_hook::flag::register(signal_hook::consts::SIGUSR1, Arc::clone(&other))?;
        let raised = move || {
            raise_here(signal_hook::consts::SIGUSR1);
            assert!(other.swap(false, Ordering::SeqCst));
        };
        let keep = set_timeout(NEVER, || unreachable!());
        signals()?.once(User1, move |_, ()| {
            say("told");
            raised();
            keep.cancel();
            set_timeout(Duration::from_millis(50), || say("later"));
        });
        next_tick(|| raise("USR1"));
        Ok(())
    });
    assert_eq!(outcome, ("told later ended".into(), None));
}

/// Runs a loop that listens for the signal of Ctrl-C, and ends in some way; then the signal ends the process.
#[track_caller]
fn ends_the_process_after_a_loop(name: &str, run: impl FnOnce()) {
    let name = format!("signals::defaults::{name}");
    let outcome = in_child_of("exec \"$0\" \"$@\"", &name, || {
        run();
        say("over");
        end_by("INT");
    });
    assert_eq!(outcome, ("over".into(), Some(INT)));
}

#[test]
fn a_signal_ends_the_program_when_the_loop_that_listened_has_ended() {
    ends_the_process_after_a_loop(
        "a_signal_ends_the_program_when_the_loop_that_listened_has_ended",
        || {
            let kept = RefCell::new(None);
            onward::run(|| {
                let signals = signals()?;
                signals.on(Interrupt, never);
                kept.replace(Some(signals));
                set_timeout(NEVER, || unreachable!());
                next_tick(stop);
                Ok(())
            })
            .unwrap();
            // Whoever has kept the handle does not keep the signal.
            let signals = kept.take().unwrap();
            assert_eq!(signals.listener_count(Interrupt), 0);
            signals.on(Interrupt, never);
        },
    );
}

#[test]
fn a_signal_ends_the_program_when_the_loop_that_listened_has_ended_in_a_panic() {
    ends_the_process_after_a_loop(
        "a_signal_ends_the_program_when_the_loop_that_listened_has_ended_in_a_panic",
        || {
            let run = || {
                onward::run(|| {
                    signals()?.on(Interrupt, never);
                    set_immediate(|| panic!("on purpose"));
                    Ok(())
                })
            };
            assert!(catch_unwind(AssertUnwindSafe(run)).is_err());
        },
    );
}

#[test]
fn a_signal_ends_the_program_when_the_last_of_several_loops_has_ended() {
    ends_the_process_after_a_loop(
        "a_signal_ends_the_program_when_the_last_of_several_loops_has_ended",
        || {
            let (told, tells) = mpsc::channel();
            let remotes: Vec<_> = (0..3)
                .map(|_| {
                    let (told, (ready, is_ready)) = (told.clone(), mpsc::channel());
                    let thread = thread::spawn(move || {
                        onward::run(|| {
                            signals()?.on(Interrupt, move |_, ()| told.send(()).unwrap());
                            ready.send(onward::remote()).unwrap();
                            Ok(())
                        })
                        .unwrap();
                    });
                    (is_ready.recv().unwrap(), thread)
                })
                .collect();
            let mut left = remotes.len();
            for (remote, thread) in remotes {
                raise("INT");
                (0..left).for_each(|_| tells.recv().unwrap());
                remote.post(stop).unwrap();
                thread.join().unwrap();
                left -= 1;
            }
            assert!(tells.try_recv().is_err());
        },
    );
}

#[cfg(target_os = "linux")]
#[test]
fn listening_again_and_again_leaves_nothing_behind() {
    let name = "listening_again_and_again_leaves_nothing_behind";
    let outcome = in_child_of("exec \"$0\" \"$@\"", &format!("signals::defaults::{name}"), || {
        let descriptors = || std::fs::read_dir("/proc/self/fd").unwrap().count();
        let event_loop = EventLoop::new().unwrap();
        event_loop.enter(|| {
            let signals = signals().unwrap();
            let before = descriptors();
            for _ in 0..1000 {
                let (listener, other) =
                    (signals.on(Interrupt, never), signals.on_scoped(Hangup, never));
                assert_eq!(descriptors(), before + 4);
                signals.off(listener);
                drop(other);
            }
            assert_eq!(descriptors(), before);
        });
        event_loop.run().unwrap();
    });
    assert_eq!(outcome, ("ended".into(), None));
}
