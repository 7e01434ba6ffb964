//! A process that forks while it has a loop. Each test has a process of its own, which forks.
#![cfg(all(target_os = "linux", feature = "fs", feature = "net", feature = "process"))]

#[allow(dead_code, reason = "shared with other tests")]
mod common;

use common::child::{Process, descriptors, is_child};
use common::{ANY, LIMIT, plain};
use onward::events::*;
use onward::net::{Server, Socket};
use onward::process::{signals, spawn};
use onward::{ErrorKind, EventLoop, Handle, set_interval, set_timeout, stop};
use std::cell::{Cell, RefCell};
use std::io::{Read as _, Write as _};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::time::Duration;

#[derive(Clone, Copy, PartialEq)]
enum Side {
    Child,
    Parent(i32),
}

/// Goes on twice.
fn fork() -> Side {
    // SAFETY: the other threads of this process wait for this one to end, and hold no locks but such that
    // the C library puts in order for a child. The child ends by `exit`, and so never joins them.
    match unsafe { libc::fork() } {
        -1 => panic!("{}", std::io::Error::last_os_error()),
        0 => {
            // SAFETY: no pointers are involved. Who hangs is ended.
            unsafe { libc::alarm(u32::try_from(LIMIT.as_secs()).unwrap()) };
            Side::Child
        }
        child => Side::Parent(child),
    }
}

/// Ends a child: well, if its test went well.
fn exit(test: impl FnOnce()) -> ! {
    let well = catch_unwind(AssertUnwindSafe(test)).is_ok();
    // SAFETY: it does not come back. Nothing of the parent's may be dropped or flushed here.
    unsafe { libc::_exit(if well { 0 } else { 1 }) }
}

/// What became of a child, if it has ended: its status and its signal.
fn ended(child: i32, options: i32) -> Option<(i32, i32)> {
    let mut status = 0;
    // SAFETY: the status is written to a variable that is there.
    let found = unsafe { libc::waitpid(child, &raw mut status, options) };
    assert!(found == 0 || found == child, "{}", std::io::Error::last_os_error());
    let signal = if libc::WIFSIGNALED(status) { libc::WTERMSIG(status) } else { 0 };
    (found == child).then(|| (libc::WEXITSTATUS(status), signal))
}

#[track_caller]
fn ends_well(child: i32) {
    assert_eq!(ended(child, 0), Some((0, 0)));
}

/// A server that echoes, and a client that stops the loop whenever it hears something.
fn echo(event_loop: &EventLoop) -> (Server, Socket) {
    event_loop.enter(|| {
        let server = Server::listen(ANY).unwrap();
        server.on(Connection, |_, socket| {
            socket.on(Data, |socket, chunk| _ = socket.write(chunk));
        });
        let client = Socket::connect(server.local_addr()).unwrap();
        client.on(Data, |_, chunk| {
            assert_eq!(chunk, b"hello");
            stop();
        });
        set_timeout(LIMIT, || unreachable!("it takes too long")).unref();
        (server, client)
    })
}

#[track_caller]
fn hears_itself(event_loop: &EventLoop, client: &Socket) {
    client.write("hello");
    event_loop.run().unwrap();
}

#[test]
fn a_child_that_was_forked_off_is_told_so_and_its_parent_goes_on() {
    Process::start("child_that_forks_between_two_runs").ends_well();
}

#[test]
#[ignore = "a process of its own"]
fn child_that_forks_between_two_runs() {
    if !is_child() {
        return;
    }
    let event_loop = EventLoop::new().unwrap();
    let (server, client) = echo(&event_loop);
    hears_itself(&event_loop, &client);
    let open = descriptors().unwrap();

    match fork() {
        Side::Child => exit(move || {
            let refused = [
                event_loop.run().unwrap_err(),
                // Turn by turn it would cost too much to ask each time.
                (0..64).find_map(|_| event_loop.run_nowait().err()).unwrap(),
                event_loop.run_until(async {}).unwrap_err(),
                event_loop.enter(|| Handle::current().unwrap_err()),
                event_loop.enter(|| Server::listen(ANY).unwrap_err()),
                event_loop.enter(|| Socket::connect(server.local_addr()).unwrap_err()),
                event_loop.enter(|| signals().unwrap_err()),
            ];
            assert!(refused.iter().all(|error| error.kind() == ErrorKind::Forked), "{refused:?}");
            let told = "listen: its event loop is that of the parent process";
            assert_eq!(refused[4].to_string(), told);

            // What it closes, and what the loop closes for it, are its own descriptors.
            event_loop.enter(|| client.on(Close, |_, _| unreachable!("nobody is told")));
            event_loop.enter(|| server.close());
            drop(event_loop);
            // The poller and the waker stay; the server and both ends of the connection are closed.
            assert_eq!(descriptors().unwrap(), open - 3);

            // And it may have a loop of its own.
            let own = EventLoop::new().unwrap();
            let (server, client) = echo(&own);
            hears_itself(&own, &client);
            own.enter(|| server.close());
        }),
        Side::Parent(child) => ends_well(child),
    }

    // The sockets are still registered, and so is the server.
    hears_itself(&event_loop, &client);
    let mut guest = plain(server.local_addr());
    guest.write_all(b"guest").unwrap();
    hears_itself(&event_loop, &client);
    hears_itself(&event_loop, &client);
    guest.read_exact(&mut [0; 5]).unwrap();
    assert_eq!(server.connections(), 2);
}

#[test]
fn a_child_that_returns_from_the_callback_in_which_it_was_forked_off_does_not_run_on() {
    Process::start("child_that_forks_in_a_callback").ends_well();
}

#[test]
#[ignore = "a process of its own"]
fn child_that_forks_in_a_callback() {
    if !is_child() {
        return;
    }
    let event_loop = EventLoop::new().unwrap();
    let (server, client) = echo(&event_loop);
    hears_itself(&event_loop, &client);

    let side = Rc::new(Cell::new(Side::Parent(0)));
    let beats = Rc::new(Cell::new(0));
    let (known, counted) = (Rc::clone(&side), Rc::clone(&beats));
    event_loop.enter(|| {
        set_interval(Duration::from_millis(1), move |timer| {
            counted.set(counted.get() + 1);
            match known.get() {
                Side::Parent(0) => {
                    known.set(fork());
                    if known.get() == Side::Child {
                        // What would be seen by the parent's poller is refused at once.
                        let refused = Socket::connect(server.local_addr()).unwrap_err();
                        assert_eq!(refused.kind(), ErrorKind::Forked);
                        // Nor does it see who leaves behind its last wait.
                        let late = client.clone();
                        onward::set_immediate(move || late.destroy());
                    }
                }
                // It beats on until it is found out.
                Side::Child => {}
                Side::Parent(child) => {
                    if let Some(ended) = ended(child, libc::WNOHANG) {
                        assert_eq!(ended, (0, 0));
                        timer.cancel();
                        client.write("hello");
                    }
                }
            }
        });
    });
    let result = event_loop.run();
    if side.get() == Side::Child {
        exit(|| {
            assert_eq!(result.unwrap_err().kind(), ErrorKind::Forked);
            assert!(beats.get() <= 66, "{} beats", beats.get());
            drop(event_loop);
        });
    }
    // It has heard itself.
    result.unwrap();
}

#[test]
fn what_a_child_that_was_forked_off_gets_as_a_signal_is_not_told_to_its_parent() {
    Process::start("child_that_forks_and_listens").ends_well();
}

#[test]
#[ignore = "a process of its own"]
fn child_that_forks_and_listens() {
    if !is_child() {
        return;
    }
    let raise = || signal_hook::low_level::raise(libc::SIGUSR1).unwrap();
    let event_loop = EventLoop::new().unwrap();
    let told = Rc::new(RefCell::new(Vec::new()));
    let signals = event_loop.enter(|| signals().unwrap());
    let log = Rc::clone(&told);
    event_loop.enter(|| signals.on(User1, move |_, ()| log.borrow_mut().push("told")));

    match fork() {
        Side::Child => exit(|| {
            for _ in 0..3 {
                raise();
            }
        }),
        Side::Parent(child) => ends_well(child),
    }
    for _ in 0..3 {
        event_loop.run_nowait().unwrap();
    }
    assert!(told.borrow().is_empty());

    // A child whose signals nobody listens for has the default again, its parent has not.
    match fork() {
        Side::Child => exit(|| {
            event_loop.enter(|| signals.close());
            raise();
        }),
        Side::Parent(child) => assert_eq!(ended(child, 0), Some((0, libc::SIGUSR1))),
    }
    raise();
    event_loop.run_nowait().unwrap();
    assert_eq!(*told.borrow(), ["told"]);
}

#[test]
fn a_child_with_a_loop_of_its_own_has_threads_of_its_own() {
    Process::start("child_whose_pool_had_threads_before").ends_well();
}

#[test]
#[ignore = "a process of its own"]
fn child_whose_pool_had_threads_before() {
    if !is_child() {
        return;
    }
    let works = |event_loop: &EventLoop, count: u64| {
        event_loop.enter(|| {
            for n in 0..count {
                onward::spawn_blocking(move || n).then(move |told| assert_eq!(told.unwrap(), n));
            }
        });
        event_loop.run().unwrap();
    };
    let event_loop = EventLoop::new().unwrap();
    works(&event_loop, 20);
    let before = onward::pool::stats();
    assert!(before.idle > 0 && before.idle == before.threads, "{before:?}");
    match fork() {
        Side::Child => exit(|| {
            let own = EventLoop::new().unwrap();
            assert_eq!(onward::pool::stats().threads, 0);
            works(&own, 20);
        }),
        Side::Parent(child) => {
            works(&event_loop, 20);
            ends_well(child);
        }
    }
}

#[test]
fn a_child_that_was_forked_off_leaves_its_parents_children_alone() {
    Process::start("child_that_forks_while_it_has_children").ends_well();
}

#[test]
#[ignore = "a process of its own"]
fn child_that_forks_while_it_has_children() {
    if !is_child() {
        return;
    }
    let event_loop = EventLoop::new().unwrap();
    let ended = Rc::new(Cell::new(None));
    let known = Rc::clone(&ended);
    let child = event_loop.enter(|| spawn("cat", [""; 0]).unwrap());
    event_loop.enter(|| {
        child.on(Close, move |_, status| known.set(Some(status)));
        child.stdout().unwrap().on(Data, |_, chunk| assert_eq!(chunk, b"hello"));
    });
    event_loop.run_nowait().unwrap();

    match fork() {
        Side::Child => exit(|| {
            let refused = event_loop.enter(|| spawn("true", [""; 0]).unwrap_err());
            assert_eq!(refused.kind(), ErrorKind::Forked);
            drop(child);
            drop(event_loop);
            // Nor does a loop of its own wait for them, or tell what becomes of them.
            let own = EventLoop::new().unwrap();
            own.enter(|| spawn("true", [""; 0]).map(drop)).unwrap();
            own.run().unwrap();
        }),
        Side::Parent(forked) => ends_well(forked),
    }
    assert_eq!(ended.get(), None);
    event_loop.enter(|| child.stdin().unwrap().end_with("hello"));
    event_loop.run().unwrap();
    assert!(ended.get().flatten().is_some_and(|status| status.success()));
}

#[test]
fn a_child_that_was_forked_off_leaves_its_parents_files_and_watches_alone() {
    Process::start("child_that_forks_while_it_watches").ends_well();
}

#[test]
#[ignore = "a process of its own"]
fn child_that_forks_while_it_watches() {
    if !is_child() {
        return;
    }
    let dir = std::env::temp_dir().join(format!("onward-fork-{}", std::process::id()));
    std::fs::create_dir(&dir).unwrap();
    let (settings, news) = (dir.join("settings"), dir.join("news"));
    std::fs::write(&settings, "old").unwrap();
    let event_loop = EventLoop::new().unwrap();
    let opened = Rc::new(Cell::new(0));
    let (watcher, file) = event_loop.enter(|| {
        let watcher = onward::fs::watch(&dir).unwrap();
        let file = onward::fs::WriteOptions::new().replace(true).open(&settings).unwrap();
        let both = [(); 2].map(|()| Rc::clone(&opened));
        let [one, other] = both;
        let open = |opened: &Cell<u32>| {
            opened.set(opened.get() + 1);
            if opened.get() == 2 {
                stop();
            }
        };
        watcher.on(Open, move |_, ()| open(&one));
        file.on(Open, move |_, ()| open(&other));
        set_timeout(LIMIT, || unreachable!("it takes too long")).unref();
        (watcher, file)
    });
    event_loop.run().unwrap();

    match fork() {
        Side::Child => exit(|| {
            drop((watcher, file));
            drop(event_loop);
        }),
        Side::Parent(forked) => ends_well(forked),
    }
    let seen = Rc::new(Cell::new(false));
    let known = Rc::clone(&seen);
    event_loop.enter(|| {
        file.end_with("new");
        file.on(Finish, move |_, ()| std::fs::write(&news, "").unwrap());
        watcher.on(Created, move |watcher, path| {
            known.set(path.ends_with("news"));
            if known.get() {
                watcher.close();
            }
        });
    });
    event_loop.run().unwrap();
    assert!(seen.get());
    assert_eq!(std::fs::read(&settings).unwrap(), b"new");
    std::fs::remove_dir_all(dir).unwrap();
}
