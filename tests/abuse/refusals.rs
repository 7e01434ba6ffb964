//! What the system refuses: to watch a descriptor.

use crate::common::child::{Process, is_child};
use crate::common::{ANY, LIMIT, Log, plain, run};
use onward::events::*;
use onward::net::{Server, Socket};
use onward::process::signals;
use std::fs::File;
use std::io::{Read as _, Write as _};
use std::os::fd::AsRawFd as _;

#[test]
fn what_the_poller_refuses_is_the_error_of_that_source_and_of_no_other() {
    for child in ["socket", "server", "signal"] {
        Process::start(&format!("abuse::refusals::child_with_a_{child}_that_is_refused"))
            .ends_well();
    }
}

/// The number that the next descriptor gets.
fn next_descriptor() -> u32 {
    let free = File::open("/dev/null").expect("it is always there");
    u32::try_from(free.as_raw_fd()).expect("it is open")
}

/// Takes the descriptor that has just become free, and would be refused again.
fn occupy() {
    std::mem::forget(File::open("/dev/null"));
}

/// From here on, this thread cannot add the descriptor to a poller.
fn refuse_to_watch(descriptor: u32) {
    use libc::{
        BPF_ABS, BPF_JEQ, BPF_JMP, BPF_K, BPF_LD, BPF_RET, BPF_W, EPOLL_CTL_ADD,
        PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP, SECCOMP_MODE_FILTER, SECCOMP_RET_ALLOW,
        SECCOMP_RET_ERRNO,
    };
    let step = |code: u32, jt, jf, k| libc::sock_filter { code: code as u16, jt, jf, k };
    let load = |at| step(BPF_LD | BPF_W | BPF_ABS, 0, 0, at);
    let unless = |value, skip| step(BPF_JMP | BPF_JEQ | BPF_K, 0, skip, value);
    // The low halves of the arguments: they are 64 bits wide, from the 16th byte on.
    let low = if cfg!(target_endian = "little") { 16 } else { 20 };
    let call = u32::try_from(libc::SYS_epoll_ctl).expect("a small number");
    let mut filter = [
        load(0),
        unless(call, 5),
        load(low + 8),
        unless(EPOLL_CTL_ADD as u32, 3),
        load(low + 16),
        unless(descriptor, 1),
        step(BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ERRNO | libc::ENOSPC as u32),
        step(BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW),
    ];
    let program = libc::sock_fprog { len: filter.len() as u16, filter: filter.as_mut_ptr() };
    // SAFETY: the program and its length are right, and the kernel copies it.
    let done = unsafe {
        libc::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0
            && libc::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &raw const program) == 0
    };
    assert!(done, "no filter: {}", std::io::Error::last_os_error());
}

/// What is told of the refusal, by whom.
fn is_refusal(error: &onward::Error, target: &str) -> bool {
    error.raw_os_error() == Some(libc::ENOSPC) && error.target() == Some(target)
}

#[test]
#[ignore = "a process of its own"]
fn child_with_a_socket_that_is_refused() {
    if !is_child() {
        return;
    }
    let log = Log::default();
    let noted = log.clone();
    run(move || {
        let server = Server::listen(ANY)?;
        let address = server.local_addr();
        server.on(Connection, |_, socket| {
            socket.on(Error, |_, _| {});
            socket.pipe(&socket);
        });
        let echoed = |socket: Socket| {
            socket.write("x");
            socket.on(Data, |socket, _| socket.end());
        };
        echoed(Socket::connect(address)?);
        refuse_to_watch(next_descriptor());
        let refused = Socket::connect(address)?;
        noted.watch(&refused);
        refused.on(Error, move |_, error| {
            assert!(is_refusal(error, &address.to_string()), "{error}");
        });
        refused.on(Close, move |_, _| {
            occupy();
            // The others know nothing of it.
            let next = Socket::connect(address).unwrap();
            let server = server.clone();
            next.on(Close, move |_, had_error| {
                assert!(!had_error);
                server.close();
            });
            echoed(next);
        });
        Ok(())
    });
    log.assert(&["error StorageFull", "close true"]);
}

#[test]
#[ignore = "a process of its own"]
fn child_with_a_server_that_is_refused() {
    if !is_child() {
        return;
    }
    let log = Log::default();
    let noted = log.clone();
    run(move || {
        refuse_to_watch(next_descriptor());
        let refused = Server::listen(ANY)?;
        let address = refused.local_addr().to_string();
        refused.on(Connection, |_, _| unreachable!());
        let told = noted.clone();
        refused.on(Error, move |server, error| {
            assert!(is_refusal(error, &address), "{error}");
            told.note("error");
            server.close();
            occupy();
        });
        refused.on(Close, move |_, ()| noted.note("close"));
        let other = Server::listen(ANY)?;
        let mut guest = plain(other.local_addr());
        guest.write_all(b"x")?;
        other.on(Connection, move |server, socket| {
            server.close();
            socket.pipe(&socket);
            let mut guest = guest.try_clone().unwrap();
            onward::spawn_blocking(move || {
                guest.read_exact(&mut [0]).unwrap();
                guest.shutdown(std::net::Shutdown::Write)
            })
            .then(|done| done.unwrap().unwrap());
        });
        Ok(())
    });
    log.assert(&["error", "close"]);
}

#[test]
#[ignore = "a process of its own"]
fn child_with_a_signal_that_is_refused() {
    if !is_child() {
        return;
    }
    let log = Log::default();
    let noted = log.clone();
    run(move || {
        refuse_to_watch(next_descriptor());
        let signals = signals()?;
        signals.on(User1, |_, ()| unreachable!());
        let other = noted.clone();
        // Signals alone do not keep the loop.
        let keep = onward::set_timeout(2 * LIMIT, || unreachable!());
        signals.on(User2, move |signals, ()| {
            other.note("told");
            signals.close();
            keep.cancel();
        });
        signals.on(Error, move |signals, error| {
            assert!(is_refusal(error, "SIGUSR1"), "{error}");
            noted.note(format!("error, left {signals:?}"));
            signal_hook::low_level::raise(libc::SIGUSR2).unwrap();
        });
        Ok(())
    });
    log.assert(&["error, left [User2]", "told"]);
}
