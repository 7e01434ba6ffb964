//! Signals that interrupt the loop's wait, and that the loop knows nothing of.
#![cfg(target_os = "linux")]

use super::support::{in_child, say};
use onward::set_timeout;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

#[test]
fn a_wait_that_a_signal_interrupts_is_taken_up_again() {
    use std::sync::atomic::{AtomicBool, Ordering};

    let outcome =
        in_child("signals::waits::a_wait_that_a_signal_interrupts_is_taken_up_again", || {
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
