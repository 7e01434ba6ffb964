//! Clocks that jump, and a process that is put to sleep. Each test has a process of its own.
#![cfg(all(target_os = "linux", feature = "net"))]

#[allow(dead_code, reason = "shared with other tests")]
mod common;

use common::child::{Process, is_child};
use common::{LIMIT, run, watchdog};
use onward::{Missed, set_interval_with, set_timeout, stop};
use std::cell::RefCell;
use std::path::PathBuf;
use std::process::Command;
use std::rc::Rc;
use std::thread;
use std::time::{Duration, Instant, SystemTime};

const PERIOD: Duration = Duration::from_millis(20);
/// For how long the process is stopped.
const STOPPED: Duration = Duration::from_millis(500);

fn signal(process: u32, name: &str) {
    let (name, process) = (format!("-{name}"), process.to_string());
    assert!(Command::new("kill").args([name, process]).status().expect("kill exists").success());
}

fn state(process: u32) -> char {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).expect("it runs");
    let (_, fields) = stat.rsplit_once(") ").expect("the name is in parentheses");
    fields.chars().next().expect("a state")
}

#[test]
fn a_process_that_was_stopped_catches_up_as_each_interval_says_and_no_timer_is_early() {
    let _watched = watchdog(LIMIT);
    let mut child = Process::start("child_that_is_stopped");
    child.told("beats");
    signal(child.id(), "STOP");
    while state(child.id()) != 'T' {
        thread::yield_now();
    }
    thread::sleep(STOPPED);
    signal(child.id(), "CONT");
    child.ends_well();
}

/// When an interval has beaten, counted from its start.
type Beats = Rc<RefCell<Vec<Duration>>>;

fn beat(missed: Missed, began: Instant) -> Beats {
    let beats = Beats::default();
    let noted = Rc::clone(&beats);
    set_interval_with(PERIOD, missed, move |_| noted.borrow_mut().push(began.elapsed())).unref();
    beats
}

/// The beat before the longest gap.
fn last_before_the_stop(beats: &[Duration]) -> usize {
    let gap = |at: &usize| beats[at + 1] - beats[*at];
    (0..beats.len() - 1).max_by_key(gap).expect("several beats")
}

#[test]
#[ignore = "a process of its own"]
fn child_that_is_stopped() {
    if !is_child() {
        return;
    }
    let began = Instant::now();
    let all: Rc<RefCell<Vec<Beats>>> = Rc::default();
    let known = Rc::clone(&all);
    run(move || {
        known
            .borrow_mut()
            .extend([Missed::Skip, Missed::Burst, Missed::Delay].map(|m| beat(m, began)));
        set_timeout(5 * PERIOD, || println!("beats"));
        // It falls into the stop.
        set_timeout(STOPPED / 2, move || assert!(began.elapsed() >= STOPPED / 2));
        // It is interrupted by it, and not prolonged.
        set_timeout(4 * STOPPED, move || {
            assert!(began.elapsed() >= 4 * STOPPED);
            stop();
        });
        Ok(())
    });
    let lived = began.elapsed();
    let [skip, burst, delay] = [0, 1, 2].map(|at| all.borrow()[at].take());
    let number = |at: Duration| u32::try_from(at.as_nanos() / PERIOD.as_nanos()).unwrap();

    // One beat for all that it has missed, and on the beat again.
    let before = last_before_the_stop(&skip);
    assert!(skip[before + 1] - skip[before] >= STOPPED - PERIOD, "{skip:?}");
    for three in skip.windows(3) {
        // A late one does not delay the next, but the one after that is a period later.
        assert!(three[2] - three[0] >= PERIOD, "more than one beat in a period: {skip:?}");
    }
    assert!(skip.len() <= (number(lived) - number(STOPPED) + 2) as usize, "{skip:?}");

    // Each that it has missed, none early.
    for (at, beat) in (1..).zip(&burst) {
        assert!(*beat >= PERIOD * at, "beat {at} is early: {burst:?}");
    }
    let before = last_before_the_stop(&burst);
    let due = number(burst[before + 1]) as usize;
    assert!(due > before + 20, "{burst:?}");
    assert!(burst[due - 1] - burst[before + 1] < STOPPED, "made up for in one go: {burst:?}");
    let made_up = |at: &usize| number(burst[*at]) as usize <= at + 2;
    assert!((before + 2..burst.len()).any(|at| made_up(&at)), "{burst:?}");

    // A whole period after each.
    for two in delay.windows(2) {
        assert!(two[1] - two[0] >= PERIOD, "{delay:?}");
    }
}

/// Where distributions keep the library that shows a process other clocks. Its wrapper is not asked: it needs
/// semaphores, which a sandbox may not have, and leaves them behind.
fn faketime() -> Option<PathBuf> {
    const NAME: &str = "faketime/libfaketime.so.1";
    let architectures = std::fs::read_dir("/usr/lib").into_iter().flatten().flatten();
    let folders = architectures.map(|entry| entry.path());
    let more = ["/usr/lib", "/usr/lib64", "/usr/local/lib"].map(PathBuf::from);
    folders.chain(more).map(|folder| folder.join(NAME)).find(|library| library.is_file())
}

#[test]
fn a_wall_clock_that_jumps_has_no_effect() {
    let Some(library) = faketime() else {
        assert!(std::env::var_os("ONWARD_REQUIRE_FAKETIME").is_none(), "there is no faketime");
        return eprintln!("not tested: there is no faketime");
    };
    let _watched = watchdog(LIMIT);
    let clock = std::env::temp_dir().join(format!("onward-clock-{}", std::process::id()));
    std::fs::write(&clock, "+0").expect("a temporary file");
    let environment = [
        ("LD_PRELOAD", library.as_os_str()),
        ("FAKETIME_DONT_FAKE_MONOTONIC", "1".as_ref()),
        ("FAKETIME_NO_CACHE", "1".as_ref()),
        ("FAKETIME_TIMESTAMP_FILE", clock.as_os_str()),
    ];
    let child = Process::start_with("child_whose_clock_jumps", &environment);
    let id = child.id();
    child.ends_well();
    std::fs::remove_file(&clock).expect("it was there");
    for left in ["faketime_shm_", "sem.faketime_sem_"] {
        // The library's own, if there was shared memory to be had.
        let _ = std::fs::remove_file(format!("/dev/shm/{left}{id}"));
    }
}

#[test]
#[ignore = "a process of its own"]
fn child_whose_clock_jumps() {
    const DAY: Duration = Duration::from_secs(24 * 3600);
    if !is_child() {
        return;
    }
    let clock = std::env::var_os("FAKETIME_TIMESTAMP_FILE").expect("the test sets it");
    let jump = move |to: &str| std::fs::write(&clock, to).expect("it can be written");
    run(move || {
        let (real, wall) = (Instant::now(), SystemTime::now());
        set_timeout(DAY, || unreachable!("it is not tomorrow")).unref();
        let mut beats = 0_u32;
        set_interval_with(PERIOD, Missed::Burst, move |timer| {
            beats += 1;
            // None is early, and none is left out.
            let due = real.elapsed().as_nanos() / PERIOD.as_nanos();
            assert!(u128::from(beats) <= due, "beat {beats} of {due}");
            match beats {
                5 => jump("+10d"),
                6..10 => assert!(SystemTime::now() > wall + 9 * DAY, "the clock has jumped"),
                10 => jump("-10d"),
                11..15 => assert!(SystemTime::now() < wall - 9 * DAY, "and back"),
                15 => drop(timer.cancel()),
                _ => {}
            }
        });
        Ok(())
    });
}
