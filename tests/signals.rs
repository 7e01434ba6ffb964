//! Signals as events. Each test runs in a process of its own, so that none hears another's signals.
#![cfg(all(unix, feature = "process"))]

use onward::events::*;
use onward::{ErrorKind, next_tick, process, set_immediate, set_timeout, stop};
use std::cell::Cell;
use std::fmt::Display;
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Command, Stdio};
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

const NEVER: Duration = Duration::from_secs(3600);
/// A child that lives longer than this has failed.
const DEADLINE: Duration = Duration::from_secs(60);
const CHILD: &str = "ONWARD_TEST_CHILD";

const HUP: i32 = 1;
const INT: i32 = 2;
const TERM: i32 = 15;

/// What a child said, and the signal that ended it, if one did.
type Outcome = (String, Option<i32>);

/// Runs a test's body in a child process; in the child, this is where it ends.
#[track_caller]
fn in_child(name: &str, body: impl FnOnce() -> onward::Result<()>) -> Outcome {
    if std::env::var_os(CHILD).is_some() {
        onward::run(body).unwrap();
        say("ended");
        std::process::exit(0);
    }
    // Who runs the tests may ignore these, and children inherit that; what is handled starts anew.
    for signal in [HUP, INT, TERM] {
        signal_hook::flag::register(signal, Arc::default()).unwrap();
    }
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", name, "--nocapture"]).env(CHILD, "1");
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let began = Instant::now();
    while child.try_wait().unwrap().is_none() {
        if began.elapsed() > DEADLINE {
            child.kill().unwrap();
        }
        std::thread::sleep(Duration::from_millis(2));
    }
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    let said: Vec<_> =
        said.lines().filter_map(|line| line.split_once("> ")).map(|(_, word)| word).collect();
    let failed = output.status.code().is_some_and(|code| code != 0);
    assert!(!failed, "{said:?} {}", String::from_utf8_lossy(&output.stderr));
    (said.join(" "), output.status.signal())
}

fn say(what: impl Display) {
    println!("> {what}");
}

/// Sends this process a signal, as a shell would; it has arrived when this returns.
fn raise(signal: &str) {
    let command = format!("kill -{signal} {}", std::process::id());
    assert!(Command::new("sh").args(["-c", &command]).status().unwrap().success());
}

#[test]
fn each_signal_is_told_by_its_own_event() {
    let outcome = in_child("each_signal_is_told_by_its_own_event", || {
        let signals = process::signals()?;
        signals.on(Interrupt, |_, ()| {
            say("interrupt");
            raise("TERM");
        });
        signals.on(Terminate, |_, ()| {
            say("terminate");
            raise("HUP");
        });
        signals.on(Hangup, |signals, ()| {
            say(format!("hangup {signals:?}"));
            stop();
        });
        set_timeout(NEVER, || unreachable!());
        next_tick(|| raise("INT"));
        Ok(())
    });
    assert_eq!(outcome, ("interrupt terminate hangup [2, 15, 1] ended".into(), None));
}

/// Listens for all but one signal, and raises that one.
#[track_caller]
fn raise_unheard(name: &str, signal: &'static str) -> Outcome {
    in_child(name, move || {
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
    let outcome = in_child("asking_for_the_signals_without_listening_changes_nothing", || {
        let signals = process::signals()?;
        signals.on(Error, |_, _| unreachable!());
        set_timeout(NEVER, move || _ = &signals);
        next_tick(|| raise("INT"));
        Ok(())
    });
    assert_eq!(outcome, (String::new(), Some(INT)));
}

#[test]
fn listening_does_not_keep_the_loop_alive() {
    let outcome = in_child("listening_does_not_keep_the_loop_alive", || {
        let signals = process::signals()?;
        signals.on(Interrupt, |_, ()| unreachable!());
        signals.on(Hangup, |_, ()| unreachable!());
        Ok(())
    });
    assert_eq!(outcome, ("ended".into(), None));
}

#[test]
fn a_program_that_is_told_to_end_can_end_in_order() {
    let outcome = in_child("a_program_that_is_told_to_end_can_end_in_order", || {
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
fn one_that_is_listened_for_once_is_told_once_and_stays_without_effect() {
    let outcome =
        in_child("one_that_is_listened_for_once_is_told_once_and_stays_without_effect", || {
            // The handle of the signals is dropped right here.
            process::signals()?.once(Interrupt, |_, ()| {
                say("once");
                raise("INT");
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
    let outcome = in_child("several_listeners_of_several_handles_all_hear", || {
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
    let outcome = in_child("after_close_nothing_is_told_and_listening_again_works", || {
        let signals = process::signals()?;
        signals.on(Interrupt, |_, ()| unreachable!("it is closed before"));
        signals.close();
        signals.close();
        assert_eq!(format!("{signals:?}"), "[]");
        // Without effect now: not told, and no longer deadly.
        raise("INT");
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
    let outcome = in_child("close_in_a_listener_silences_those_after_it", || {
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
    let outcome = in_child("signals_that_come_while_the_loop_is_busy_are_told_afterwards", || {
        let signals = process::signals()?;
        let told = Rc::new(Cell::new(0));
        let count = Rc::clone(&told);
        signals.on(Interrupt, move |_, ()| count.set(count.get() + 1));
        signals.on(Hangup, move |_, ()| {
            assert!((1..=5).contains(&told.get()));
            stop();
        });
        set_timeout(NEVER, || unreachable!());
        next_tick(|| {
            (0..5).for_each(|_| raise("INT"));
            set_timeout(Duration::from_millis(20), || raise("HUP"));
        });
        Ok(())
    });
    assert_eq!(outcome, ("ended".into(), None));
}

#[test]
fn what_listeners_capture_is_dropped_with_the_loop_however_it_ends() {
    let outcome =
        in_child("what_listeners_capture_is_dropped_with_the_loop_however_it_ends", || {
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
                    let ended = std::panic::catch_unwind(std::panic::AssertUnwindSafe(run));
                    assert_eq!(ended.is_err(), panics);
                    Rc::strong_count(&alive)
                });
                say(format!("left {}", thread.join().unwrap()));
            }
            Ok(())
        });
    assert_eq!(outcome, ("left 1 left 1 ended".into(), None));
}

#[test]
fn outside_of_a_loop_there_are_no_signals() {
    let error = process::signals().unwrap_err();
    assert_eq!((error.kind(), error.operation()), (ErrorKind::NotInLoop, "watch signals"));
}

/// Signals that interrupt the loop's wait, and that the loop knows nothing of.
#[cfg(target_os = "linux")]
#[test]
fn a_wait_that_a_signal_interrupts_is_taken_up_again() {
    use std::sync::atomic::{AtomicBool, Ordering};

    let outcome = in_child("a_wait_that_a_signal_interrupts_is_taken_up_again", || {
        const LONG: Duration = Duration::from_millis(100);
        let caught = Arc::new(AtomicBool::new(false));
        signal_hook::flag::register(signal_hook::consts::SIGUSR1, Arc::clone(&caught)).unwrap();
        // A thread's own number makes the kernel choose that thread.
        let thread = std::fs::read_link("/proc/thread-self").unwrap();
        let thread = thread.file_name().unwrap().to_str().unwrap().to_string();
        let state = format!("/proc/self/task/{thread}/stat");
        let remote = onward::remote();
        std::thread::spawn(move || {
            for _ in 0..20 {
                // Not before it waits.
                while !std::fs::read_to_string(&state).unwrap().contains(") S ") {
                    std::thread::yield_now();
                }
                let command = format!("kill -USR1 {thread}");
                assert!(Command::new("sh").args(["-c", &command]).status().unwrap().success());
                while !caught.swap(false, Ordering::SeqCst) {
                    std::thread::yield_now();
                }
            }
            let count = || {
                let shown = format!("{:?}", onward::Handle::current().unwrap());
                let (_, turns) = shown.split_once("turns: ").unwrap();
                let turns: u32 = turns.split(',').next().unwrap().parse().unwrap();
                // Each interrupted wait ends a turn, and there is no more than that. The portable
                // poller takes it up by itself.
                let least = if cfg!(onward_force_polling) { 1 } else { 3 };
                assert!((least..=30).contains(&turns), "{shown}");
                say("posted");
            };
            remote.post(count).unwrap();
        });
        let began = Instant::now();
        set_timeout(LONG, move || {
            assert!(began.elapsed() >= LONG);
            say("timer");
        });
        Ok(())
    });
    let orders = ["posted timer ended", "timer posted ended"];
    assert!(orders.contains(&outcome.0.as_str()), "{outcome:?}");
    assert_eq!(outcome.1, None);
}
