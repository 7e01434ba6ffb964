//! Signals that interrupt the loop's wait, and that the loop knows nothing of.
#![cfg(target_os = "linux")]

use super::support::{in_child, say};
use onward::events::*;
use onward::net::{Server, Socket};
use onward::{set_interval, set_timeout};
use std::cell::Cell;
use std::process::Command;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

#[test]
fn a_wait_that_a_signal_interrupts_is_taken_up_again() {
    use std::sync::atomic::AtomicBool;

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

static CAUGHT: AtomicUsize = AtomicUsize::new(0);

extern "C" fn catch(_: libc::c_int) {
    CAUGHT.fetch_add(1, Ordering::Relaxed);
}

/// Has a signal interrupt whatever waits: it is not taken up again by the system itself.
fn interrupt_by(signal: libc::c_int) {
    // SAFETY: all zeros is a valid action, and the handler does nothing but count.
    let done = unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        action.sa_sigaction = catch as extern "C" fn(libc::c_int) as libc::sighandler_t;
        libc::sigaction(signal, &raw const action, std::ptr::null_mut())
    };
    assert_eq!(done, 0);
}

#[test]
fn in_a_storm_of_signals_nothing_is_lost_and_no_timer_is_early_or_put_off() {
    let name = "in_a_storm_of_signals_nothing_is_lost_and_no_timer_is_early_or_put_off";
    let outcome = in_child(&format!("signals::waits::{name}"), || {
        const LONG: Duration = Duration::from_millis(200);
        const TOTAL: usize = 4 << 20;
        interrupt_by(libc::SIGUSR1);
        // SAFETY: no pointers are involved. It is this thread that is to be interrupted.
        let thread = unsafe { libc::pthread_self() };
        let over = Arc::new(());
        let watching = Arc::clone(&over);
        let storm = std::thread::spawn(move || {
            while Arc::strong_count(&watching) > 1 {
                // SAFETY: the thread waits for this one before it ends.
                assert_eq!(unsafe { libc::pthread_kill(thread, libc::SIGUSR1) }, 0);
                std::thread::yield_now();
            }
        });

        let server = Server::listen("127.0.0.1:0")?;
        server.on(Connection, |server, socket| {
            server.close();
            socket.pipe(&socket);
        });
        let client = Socket::connect(server.local_addr())?;
        let sent: Vec<u8> = (0..TOTAL).map(|at| (at % 251) as u8).collect();
        client.set_max_queued(2 * TOTAL);
        client.write(&sent[..]);
        let came = Cell::new(0);
        client.on(Data, move |client, chunk| {
            let at = came.get();
            assert_eq!(chunk, &sent[at..at + chunk.len()]);
            came.set(at + chunk.len());
            if came.get() == TOTAL {
                say("all");
                client.end();
            }
        });

        let (began, beats) = (Instant::now(), Rc::new(Cell::new(0_u32)));
        let counted = Rc::clone(&beats);
        let beat = set_interval(Duration::from_millis(1), move |_| {
            counted.set(counted.get() + 1);
            assert!(began.elapsed() >= Duration::from_millis(1) * counted.get());
        });
        // One that began to wait anew whenever it is interrupted would never come: the storm waits for it.
        let keep = Cell::new(Some((over, storm)));
        set_timeout(LONG, move || {
            assert!(began.elapsed() >= LONG && beats.get() > 0);
            set_interval(Duration::from_millis(1), move |timer| {
                if CAUGHT.load(Ordering::Relaxed) > 100 {
                    let (over, storm) = keep.take().unwrap();
                    drop(over);
                    storm.join().unwrap();
                    beat.cancel();
                    timer.cancel();
                    say("timer");
                }
            });
        });
        Ok(())
    });
    let orders = ["all timer ended", "timer all ended"];
    assert!(orders.contains(&outcome.0.as_str()), "{outcome:?}");
}
