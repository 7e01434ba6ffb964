//! Children that are told to end.

use super::support::{Log, NEVER, run, script};
use onward::abort::{AbortController, Abortable as _};
use onward::events::*;
use onward::process::{Command, Signal, Stdio, spawn};
use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

/// Does not end when it is asked to, and says when it has ceased to.
const DEAF: &str = "trap '' TERM; echo deaf; while :; do sleep 0.01; done";

#[test]
fn a_signal_ends_a_child_and_later_ones_find_nobody() {
    let log = Log::default();
    let kept = log.clone();
    run(move || {
        let child = Command::new("sleep").arg("1000").stdio(Stdio::null).spawn()?;
        log.child(&child);
        assert!(!child.is_killed());
        assert!(child.kill(Signal::User1)?);
        assert!(child.is_killed() && child.is_running());
        child.on(Close, |child, _| assert!(!child.kill(Signal::Terminate).unwrap()));
        Ok(())
    });
    kept.assert("spawn, exit signal 10, close signal 10");
}

#[test]
fn a_child_may_do_with_a_signal_what_it_likes() {
    // Not of a hang-up, which who runs this may have ignored, and then shells ignore it too (`nohup`).
    let log = Log::default();
    let kept = log.clone();
    run(move || {
        let child = spawn(
            "sh",
            script("trap 'echo usr; exit 5' USR1; echo ready; while :; do sleep 0.01; done"),
        )?;
        log.child(&child);
        let told = child.clone();
        let mut lines = Vec::new();
        child.stdout()?.on_line(move |_, line| {
            lines.push(line.to_owned());
            match lines.len() {
                1 => assert!(told.kill(Signal::User1).unwrap()),
                _ => assert_eq!(lines, ["ready", "usr"]),
            }
        });
        Ok(())
    });
    kept.assert("spawn, exit 5, close 5");
}

#[test]
fn one_that_does_not_end_when_it_is_told_to_is_killed() {
    let log = Log::default();
    let kept = log.clone();
    run(move || {
        let mut command = Command::new("sh");
        command.args(script(DEAF)).detached(true).kill_after(Duration::from_millis(50));
        let child = command.spawn()?;
        log.child(&child);
        let deaf = child.clone();
        child.stdout()?.on_line(move |_, _| assert!(deaf.terminate().unwrap()));
        Ok(())
    });
    kept.assert("spawn, exit signal 9, close signal 9");
}

#[test]
fn one_that_ends_when_it_is_told_to_is_not_killed() {
    let log = Log::default();
    let kept = log.clone();
    run(move || {
        let mut command = Command::new("sleep");
        // Not Ctrl-C's: shells have what they start behind an `&` ignore that.
        let child = command.arg("1000").kill_signal(Signal::User1).kill_after(NEVER).spawn()?;
        log.child(&child);
        assert!(child.terminate()?);
        Ok(())
    });
    // And nothing waits for the time that it was given.
    let number = if cfg!(target_os = "linux") { 10 } else { 30 };
    kept.assert(&format!("spawn, exit signal {number}, close signal {number}"));
}

#[test]
fn one_that_takes_too_long_is_told_to_end() {
    let log = Log::default();
    let kept = log.clone();
    run(move || {
        let child = Command::new("sleep").arg("1000").timeout(Duration::from_millis(5)).spawn()?;
        log.child(&child);
        child.on(Exit, |child, _| assert!(child.is_timed_out() && child.is_killed()));
        let quick = Command::new("true").timeout(NEVER).spawn()?;
        quick.on(Close, |child, _| assert!(!child.is_timed_out() && !child.is_killed()));
        Ok(())
    });
    kept.assert("spawn, exit signal 15, close signal 15");
}

#[test]
fn one_that_takes_too_long_and_does_not_heed_is_killed() {
    // If the shell needs all of its time to become deaf, it is given more.
    for limit in [30, 300, 3_000, 30_000] {
        let (log, is_deaf) = (Log::default(), Rc::new(Cell::new(false)));
        let (kept, deaf) = (log.clone(), Rc::clone(&is_deaf));
        run(move || {
            let mut command = Command::new("sh");
            command.args(script(DEAF)).detached(true);
            command.timeout(Duration::from_millis(limit)).kill_after(Duration::from_millis(50));
            let child = command.spawn()?;
            log.child(&child);
            child.stdout()?.on_line(move |_, _| deaf.set(true));
            child.on(Exit, |child, _| assert!(child.is_timed_out() && child.is_killed()));
            Ok(())
        });
        if is_deaf.get() {
            kept.assert("spawn, exit signal 9, close signal 9");
            return;
        }
    }
    panic!("it never became deaf");
}

#[test]
fn one_that_is_aborted_tells_the_error_then_how_it_has_ended() {
    let log = Log::default();
    let kept = log.clone();
    run(move || {
        let controller = AbortController::new();
        let child = spawn("cat", [""; 0])?;
        child.abort_on(&controller.signal());
        log.child(&child);
        child.on(Error, |child, error| {
            assert_eq!(error.to_string(), "abort cat: enough of it");
            assert!(child.is_killed());
        });
        child.on(Spawn, move |_, ()| controller.abort_because("enough of it"));
        Ok(())
    });
    kept.assert("spawn, error Aborted, exit signal 15, close signal 15");
}

#[test]
fn one_that_has_ended_is_not_aborted_and_a_signal_that_was_aborted_ends_it_at_once() {
    let (early, late) = (Log::default(), Log::default());
    let (kept_early, kept_late) = (early.clone(), late.clone());
    run(move || {
        let before = AbortController::new();
        before.abort();
        let child = spawn("cat", [""; 0])?;
        early.child(&child);
        child.abort_on(&before.signal());

        let after = AbortController::new();
        let child = spawn("true", [""; 0])?;
        late.child(&child);
        child.abort_on(&after.signal());
        child.on(Close, move |_, _| after.abort());
        Ok(())
    });
    let all = kept_early.all();
    assert!(all.contains("error Aborted, exit signal 15, close signal 15"), "{all}");
    kept_late.assert("spawn, exit 0, close 0");
}

#[test]
fn a_detached_child_has_a_group_of_its_own_which_can_be_killed() {
    let log = Log::default();
    let kept = log.clone();
    run(move || {
        // The grandchild has the stream, so that its end is seen.
        let mut command = Command::new("sh");
        command.args(script("sleep 1000 & echo ready; wait")).detached(true);
        let child = command.spawn()?;
        log.child(&child);
        log.all_but_data("stdout", &child.stdout()?);
        let told = child.clone();
        child.stdout()?.on_line(move |_, _| assert!(told.kill_group(Signal::Kill).unwrap()));
        Ok(())
    });
    let all = kept.all();
    assert!(all.starts_with("spawn, ") && all.ends_with(", close signal 9"), "{all}");
    assert!(all.contains("stdout ends") && all.contains("stdout closes false"), "{all}");
}

#[test]
fn a_child_that_stops_is_not_taken_for_one_that_has_ended() {
    let log = Log::default();
    let kept = log.clone();
    run(move || {
        let child = spawn("cat", [""; 0])?;
        log.child(&child);
        let stopped = child.clone();
        // The system tells of it, by a signal that others may listen for too; it may stop while this still runs.
        let signals = onward::process::signals()?;
        signals.once(ChildChanged, move |_, ()| {
            assert!(stopped.is_running());
            stopped.stdin().unwrap().end();
            stopped.kill(Signal::Continue).unwrap();
        });
        assert!(child.kill(Signal::Stop)?);
        Ok(())
    });
    kept.assert("spawn, exit 0, close 0");
}

#[test]
fn one_that_is_told_to_end_again_and_again_has_no_more_time_for_it() {
    let log = Log::default();
    let kept = log.clone();
    run(move || {
        let mut command = Command::new("sh");
        command.args(script(DEAF)).detached(true).kill_after(Duration::from_millis(200));
        let child = command.spawn()?;
        log.child(&child);
        let deaf = child.clone();
        child.stdout()?.on_line(move |_, _| {
            let (deaf, mut left) = (deaf.clone(), 1_500);
            onward::set_interval(Duration::from_millis(20), move |timer| {
                left -= 1;
                let told = deaf.terminate().unwrap();
                assert!(left > 0, "it has had all the time in the world");
                if !told {
                    timer.cancel();
                }
            });
        });
        Ok(())
    });
    kept.assert("spawn, exit signal 9, close signal 9");
}
