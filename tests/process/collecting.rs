//! What children write, collected.

use super::support::{run, script};
use onward::process::{Command, Stdio};
use onward::{ErrorKind, Result, block_on, spawn_or_fail, timeout};
use std::future::Future;
use std::os::unix::process::ExitStatusExt as _;
use std::time::Duration;

#[test]
fn all_that_a_child_writes_is_collected_with_how_it_has_ended() {
    run(|| {
        let mut command = Command::new("sh");
        let collecting = command.args(script("echo out; echo err >&2; exit 9")).output()?;
        assert_eq!(collecting.child().to_string(), "sh");
        collecting.then(|output| {
            let output = output.unwrap();
            assert_eq!(output.status.code(), Some(9));
            assert_eq!((&*output.stdout, &*output.stderr), (&b"out\n"[..], &b"err\n"[..]));
            assert!(!output.is_cut);
        });
        Ok(())
    });
}

#[test]
fn the_future_gives_the_same_and_a_child_reads_what_it_is_given_however_much_that_is() {
    run(|| {
        spawn_or_fail(async {
            let all: Vec<u8> = (0..500_000_u32).flat_map(u32::to_le_bytes).collect();
            let mut command = Command::new("cat");
            command.input(all.clone()).max_output(1 << 30);
            let output = command.output()?.await?;
            assert!(output.stdout == all && output.status.success());
            // The command can be used again.
            assert!(command.output()?.await?.stdout == all);
            Ok(())
        });
        Ok(())
    });
}

#[test]
fn a_child_that_wants_less_input_makes_no_error() {
    run(|| {
        let mut command = Command::new("head");
        command.args(["-c", "3"]).input(vec![b'x'; 10 << 20]).output()?.then(|output| {
            assert_eq!(output.unwrap().stdout, b"xxx");
        });
        Command::new("true").input(vec![b'x'; 10 << 20]).output()?.then(|output| {
            assert!(output.unwrap().status.success());
        });
        Ok(())
    });
}

#[test]
fn a_child_without_input_reads_nothing() {
    run(|| {
        Command::new("cat").output()?.then(|output| assert_eq!(output.unwrap().stdout, b""));
        Ok(())
    });
}

#[test]
fn more_than_the_cap_is_an_error_that_ends_the_child() {
    run(|| {
        let mut command = Command::new("yes");
        command.max_output(1000).output()?.then(|output| {
            let error = output.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::TooLong);
            assert_eq!(error.to_string(), "collect output yes: longer than it may be");
        });
        // As much as the cap is not more.
        let mut command = Command::new("printf");
        command.arg("12345").max_output(5).output()?.then(|output| {
            assert_eq!(output.unwrap().stdout, b"12345");
        });
        Ok(())
    });
}

#[test]
fn or_is_passed_over() {
    run(|| {
        let mut command = Command::new("head");
        command.args(["-c", "1000000", "/dev/zero"]).max_output(1000).cut_output(true);
        command.output()?.then(|output| {
            let output = output.unwrap();
            assert!(output.is_cut && output.status.success());
            assert_eq!(output.stdout, [0; 1000]);
        });
        Ok(())
    });
}

#[test]
fn one_that_takes_too_long_is_an_error_whatever_its_children_do() {
    run(|| {
        let mut command = Command::new("sh");
        // What it leaves behind has its streams.
        command.args(script("sleep 1000 & echo $!; wait")).detached(true);
        command.timeout(Duration::from_millis(20)).output()?.then(|output| {
            let error = output.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::TimedOut);
            assert_eq!(error.to_string(), "run sh: it took too long");
        });
        Ok(())
    });
}

#[test]
fn one_that_cannot_be_made_is_an_error() {
    let result: Result<()> = run_block(async {
        let error = Command::new("no-such-program").output()?.await.unwrap_err();
        assert!(error.is_not_found() && error.target() == Some("no-such-program"));
        Ok(())
    });
    result.unwrap();
}

fn run_block<T>(future: impl Future<Output = Result<T>>) -> Result<T> {
    let _watch = super::support::watchdog();
    block_on(future)?
}

#[test]
fn a_callback_that_comes_late_is_called_all_the_same() {
    run(|| {
        let collecting = Command::new("true").output()?;
        let child = collecting.child().clone();
        let held = std::cell::Cell::new(Some(collecting));
        use onward::events::*;
        child.on(Close, move |_, _| {
            // It is done by now.
            let collecting = held.take().unwrap();
            onward::set_immediate(move || {
                let inside = std::rc::Rc::new(std::cell::Cell::new(true));
                let known = std::rc::Rc::clone(&inside);
                collecting.then(move |output| {
                    assert!(output.unwrap().status.success());
                    assert!(!known.get(), "not from inside of the call");
                });
                inside.set(false);
            });
        });
        Ok(())
    });
}

#[test]
fn who_gives_up_waiting_has_the_child_end() {
    run_block(async {
        use onward::events::*;
        let collecting = Command::new("sleep").arg("1000").output()?;
        let ended = collecting.child().next(Exit);
        assert!(timeout(Duration::from_millis(5), collecting).await.is_err());
        assert_eq!(ended.await.expect("it ends").signal(), Some(15));
        Ok(())
    })
    .unwrap();
}

#[test]
fn what_goes_elsewhere_is_not_collected() {
    run(|| {
        let mut command = Command::new("sh");
        command.args(script("echo gone; echo here >&2")).stdout(Stdio::null());
        command.output()?.then(|output| {
            let output = output.unwrap();
            assert_eq!((&*output.stdout, &*output.stderr), (&b""[..], &b"here\n"[..]));
        });
        Ok(())
    });
}

/// Its child leaves something behind that has its streams, and has ended by the time that it is heard of.
const LEAVES: &str = "sleep 50 & echo left";

/// Less than that takes, and far more than anything else does.
const SOON: Duration = Duration::from_secs(40);

#[test]
fn who_gives_up_waiting_does_not_wait_for_what_the_child_has_left() {
    let since = std::time::Instant::now();
    run(|| {
        use onward::events::*;
        let collecting = Command::new("sh").args(script(LEAVES)).output()?;
        let child = collecting.child().clone();
        let held = std::cell::Cell::new(Some(collecting));
        child.on(Exit, move |_, _| drop(held.take()));
        Ok(())
    });
    assert!(since.elapsed() < SOON);
}

#[test]
fn one_that_leaves_what_takes_too_long_is_an_error_too() {
    let since = std::time::Instant::now();
    run(|| {
        let mut command = Command::new("sh");
        command.args(script(LEAVES)).timeout(Duration::from_millis(500));
        command.output()?.then(|output| {
            assert_eq!(output.unwrap_err().kind(), ErrorKind::TimedOut);
        });
        Ok(())
    });
    assert!(since.elapsed() < SOON);
}
