//! When the system gives no more threads. Linux only, where the address space can be limited for a while: a
//! thread's stack does not fit then, whoever runs this.

use super::support::{Log, in_child};
use onward::{ErrorKind, EventLoop, pool, spawn_blocking};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::sync::mpsc;
use std::time::Duration;

/// Less than the stack of a thread.
const LITTLE: u64 = 1 << 20;

/// No thread can be started for the time of `f`.
fn without_threads<T>(f: impl FnOnce() -> T) -> T {
    let before = getrlimit(Resource::As);
    let pages = std::fs::read_to_string("/proc/self/statm").unwrap();
    let pages: u64 = pages.split(' ').next().unwrap().parse().unwrap();
    let most = pages * rustix::param::page_size() as u64 + LITTLE;
    setrlimit(Resource::As, Rlimit { current: Some(most), maximum: before.maximum }).unwrap();
    let result = f();
    setrlimit(Resource::As, before).unwrap();
    result
}

/// Work that hangs until the sender is dropped, and is known to have begun.
fn hang() -> mpsc::Sender<()> {
    let ((go, gone), (begin, begun)) = (mpsc::channel::<()>(), mpsc::channel());
    spawn_blocking(move || {
        begin.send(()).unwrap();
        let _ = gone.recv();
    })
    .then(|result| result.unwrap());
    begun.recv_timeout(Duration::from_secs(20)).unwrap();
    go
}

#[test]
fn without_any_thread_work_is_refused_and_the_next_one_tries_again() {
    let name =
        "event_loop::pool_limits::without_any_thread_work_is_refused_and_the_next_one_tries_again";
    in_child(name, || {
        let (event_loop, log) = (EventLoop::new().unwrap(), Log::default());
        let (called, noting) = (log.clone(), log.clone());
        event_loop.enter(|| {
            let awaited = without_threads(|| {
                spawn_blocking(|| unreachable!("who should do it")).then(
                    move |result: Result<(), _>| {
                        let error = result.unwrap_err();
                        assert_eq!(error.kind(), ErrorKind::Io);
                        assert_eq!(error.io_kind(), Some(std::io::ErrorKind::WouldBlock));
                        called.note(error.to_string());
                    },
                );
                spawn_blocking(|| -> () { unreachable!("nor this") })
            });
            assert_eq!(log.take(), "", "also that is told later");
            onward::spawn(async move {
                let error = awaited.await.unwrap_err();
                assert_eq!(error.operation(), "start a pool thread");
                noting.note(spawn_blocking(|| "healed").await.unwrap());
            });
        });
        event_loop.run().unwrap();
        let said = log.take();
        assert!(
            said.starts_with("start a pool thread: Resource temporarily unavailable"),
            "{said}"
        );
        assert!(said.ends_with(" healed"), "{said}");
        let stats = pool::stats();
        assert_eq!((stats.failed_starts, stats.user.refused, stats.user.done), (2, 2, 1));
    });
}

#[test]
fn one_thread_does_the_work_of_many_if_there_are_no_more() {
    let name = "event_loop::pool_limits::one_thread_does_the_work_of_many_if_there_are_no_more";
    in_child(name, || {
        let (event_loop, log) = (EventLoop::new().unwrap(), Log::default());
        let go = event_loop.enter(|| {
            let go = hang();
            without_threads(|| {
                for n in 0..100 {
                    let log = log.clone();
                    spawn_blocking(move || n).then(move |n| log.note(n.unwrap().to_string()));
                }
            });
            go
        });
        assert_eq!((pool::stats().threads, pool::stats().user.queued), (1, 100));
        drop(go);
        event_loop.run().unwrap();
        // By one thread, so in order.
        let expected: Vec<_> = (0..100).map(|n| n.to_string()).collect();
        assert_eq!(log.take(), expected.join(" "));
        assert_eq!((pool::stats().threads, pool::stats().user.refused), (1, 0));
    });
}

#[test]
fn a_name_is_not_left_to_wait_for_threads_that_may_never_be_free() {
    let name =
        "event_loop::pool_limits::a_name_is_not_left_to_wait_for_threads_that_may_never_be_free";
    in_child(name, || {
        use onward::{events::*, net::Socket};
        // Too long for a name: it takes no net to find that out.
        let name = format!("{}.invalid:80", "a".repeat(64));
        let (event_loop, log) = (EventLoop::new().unwrap(), Log::default());
        let look_up = || {
            let socket = Socket::connect(&name).unwrap();
            let (failed, name) = (log.clone(), name.clone());
            socket.on(Error, move |_, error| {
                assert_eq!(error.target(), Some(name.as_str()));
                failed.note(error.operation());
            });
        };
        let go = event_loop.enter(|| {
            let go = hang();
            without_threads(look_up);
            go
        });
        let run_until_noted = || {
            while log.len() == 0 {
                event_loop.run_once().unwrap();
            }
            log.take()
        };
        assert_eq!(run_until_noted(), "start a pool thread");
        // Now that there are threads again it can be looked up, whoever hangs.
        event_loop.enter(look_up);
        assert_eq!(run_until_noted(), "look up");
        assert_eq!((pool::stats().dns.refused, pool::stats().dns.done), (1, 1));
        drop(go);
        event_loop.run().unwrap();
    });
}
