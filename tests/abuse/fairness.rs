//! One peer that never stops talking does not keep the loop from the others.

use crate::common::child::{Process, is_child};
use crate::common::{ANY, LIMIT, plain, run, turns};
use onward::events::*;
use onward::net::Address;
use onward::net::Server;
use onward::{Handle, stop};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::net::{getpeername, getsockname};
use std::cell::{Cell, RefCell};
use std::io::Write as _;
use std::net::{SocketAddr, TcpStream};
use std::os::fd::{BorrowedFd, RawFd};
use std::rc::Rc;
use std::thread;

const QUIET: usize = 1000;
/// In how many turns all have to be served.
const ROUNDS: u64 = 30;
/// What one of them gets in a turn; an eighth of it, as long as others have little.
const SHARE: usize = 64 * 1024;

#[test]
fn a_hot_socket_and_a_thousand_quiet_ones_are_all_served_in_every_turn() {
    Process::start_limited("abuse::fairness::child_with_a_hot_socket", 3000).ends_well();
}

/// What the server's side of each connection has heard.
#[derive(Default)]
struct Heard {
    quiet: Cell<usize>,
    hot: Cell<usize>,
}

/// The descriptors of the server's side of all connections.
fn accepted(server: Address) -> Vec<RawFd> {
    let all = std::fs::read_dir("/proc/self/fd").expect("a descriptor is free");
    let all = all.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    let is_accepted = |number: &RawFd| {
        // SAFETY: nothing is done with it but to ask; a number that is not open is an error.
        let descriptor = unsafe { BorrowedFd::borrow_raw(*number) };
        let own = getsockname(descriptor).ok().and_then(|own| SocketAddr::try_from(own).ok());
        own.is_some_and(|own| server == own) && getpeername(descriptor).is_ok()
    };
    all.filter(is_accepted).collect()
}

/// Waits until there is something to read on all of them.
fn wait_for_all(descriptors: &[RawFd]) {
    let limit = Timespec::try_from(LIMIT).expect("it is not long");
    for &number in descriptors {
        // SAFETY: the loop closes none of them before its end.
        let descriptor = unsafe { BorrowedFd::borrow_raw(number) };
        let ready = poll(&mut [PollFd::new(&descriptor, PollFlags::IN)], Some(&limit));
        assert_eq!(ready.expect("it is open"), 1);
    }
}

/// Fills what the kernel takes.
fn top_up(mut peer: &TcpStream) {
    while peer.write(&[b'x'; 64 * 1024]).is_ok() {}
}

#[test]
#[ignore = "a process of its own"]
fn child_with_a_hot_socket() {
    if !is_child() {
        return;
    }
    run(|| {
        let server = Server::listen(ANY)?;
        let heard = Rc::new(Heard::default());
        let counted = Rc::clone(&heard);
        server.on(Connection, move |_, socket| {
            let heard = Rc::clone(&counted);
            socket.on(Data, move |_, chunk| {
                let heard = if chunk == b"q" { &heard.quiet } else { &heard.hot };
                heard.set(heard.get() + chunk.len());
            });
        });
        let address = server.local_addr();
        let peers: Rc<RefCell<Vec<TcpStream>>> = Rc::default();
        let (connected, begun) = (Rc::clone(&peers), Rc::new(Cell::new(None)));
        let known = RefCell::new(Vec::new());
        let began = Rc::clone(&begun);
        let handle = Handle::current()?;
        handle.before_poll(move || {
            let mut peers = connected.borrow_mut();
            // Not more at once than wait in the kernel.
            let missing = QUIET + 1 - peers.len();
            (0..missing.min(100)).for_each(|_| peers.push(plain(address)));
            if server.connections() <= QUIET {
                return;
            }
            let mut known = known.borrow_mut();
            if known.is_empty() {
                *known = accepted(address);
                peers[0].set_nonblocking(true).expect("non-blocking");
                began.set(Some(turns()));
            }
            top_up(&peers[0]);
            peers[1..].iter_mut().for_each(|peer| peer.write_all(b"q").expect("room"));
            wait_for_all(&known);
        });
        handle.after_poll(move || {
            let Some(began) = begun.get() else { return };
            let (quiet, hot) = (heard.quiet.take(), heard.hot.take());
            assert_eq!(quiet, QUIET);
            // What comes while a turn goes on may be told in it, behind all that waited: once more, since they are all
            // told by then.
            let most = 2 * if turns() == began { SHARE } else { SHARE / 8 };
            assert!((1..=most).contains(&hot), "{hot} bytes in a turn");
            if turns() - began == ROUNDS {
                stop();
            }
        });
        Ok(())
    });
}

#[test]
fn whoever_has_much_is_served_a_buffer_full_in_each_turn() {
    const PEERS: usize = 4;
    const BYTES: usize = 4 << 20;
    let received = Rc::new(Cell::new(0));
    let counted = Rc::clone(&received);
    run(move || {
        let server = Server::listen(ANY)?;
        let address = server.local_addr();
        server.on(Connection, move |server, socket| {
            let (received, turn) = (Rc::clone(&counted), Cell::new((0, 0)));
            socket.on(Data, move |_, chunk| {
                let (last, before) = turn.get();
                let bytes = chunk.len() + if last == turns() { before } else { 0 };
                assert!(bytes <= SHARE, "{bytes} bytes in a turn");
                turn.set((turns(), bytes));
                received.set(received.get() + chunk.len());
            });
            if server.connections() == PEERS {
                server.close();
            }
        });
        for _ in 0..PEERS {
            let mut peer = plain(address);
            thread::spawn(move || peer.write_all(&vec![1; BYTES]));
        }
        Ok(())
    });
    assert_eq!(received.get(), PEERS * BYTES);
}
