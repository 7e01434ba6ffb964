//! Narrow places: one byte at a time, buffers as small as the system allows, peers that go while one is on the way.

#[cfg(target_os = "linux")]
use crate::common::child::{Process, descriptors, is_child};
use crate::common::{ANY, LIMIT, guest, join, logged, run};
use onward::events::*;
use onward::net::{Server, ServerOptions, Socket, SocketOptions};
use std::cell::RefCell;
use std::io::{Read as _, Write as _};
use std::net::Shutdown;
use std::rc::Rc;

/// Bytes in which each place can be told from its neighbours.
fn pattern(count: usize) -> Vec<u8> {
    (0..count).map(|at| (at.wrapping_mul(31) >> 4).to_le_bytes()[0]).collect()
}

#[test]
fn what_comes_byte_by_byte_and_goes_out_through_the_smallest_buffer_is_unchanged() {
    const COUNT: usize = 100_000;
    run(|| {
        // The same for what is received would have the kernel wait a fifth of a second now and then.
        let narrow = SocketOptions::new().send_buffer(1).no_delay(true);
        let server = ServerOptions::new().sockets(narrow).listen(ANY)?;
        let peer = guest(server.local_addr(), |mut stream| {
            stream.set_nodelay(true).expect("an option");
            let sent = pattern(COUNT);
            let (mut writer, expected) = (stream.try_clone().expect("a copy"), sent.clone());
            let writing = std::thread::spawn(move || {
                // Some alone, the others in pieces that fit nowhere.
                let (alone, rest) = sent.split_at(2_000);
                alone.iter().for_each(|byte| writer.write_all(&[*byte]).expect("it takes it"));
                rest.chunks(7_919).for_each(|piece| writer.write_all(piece).expect("it takes it"));
                writer.shutdown(Shutdown::Write).expect("it is open");
            });
            let mut heard = Vec::new();
            stream.read_to_end(&mut heard).expect("the end");
            join(writing);
            let differs = heard.iter().zip(&expected).position(|(one, other)| one != other);
            assert_eq!((heard.len(), differs), (COUNT, None), "changed on the way");
        });
        server.on(Connection, |server, socket| {
            server.close();
            socket.pipe(&socket);
        });
        let peer = RefCell::new(Some(peer));
        server.on(Close, move |_, ()| peer.take().into_iter().for_each(join));
        Ok(())
    });
}

/// A peer that says its word, says that it is through, and breaks off while it is answered.
#[test]
fn a_peer_that_half_closes_and_then_breaks_off_is_heard_and_is_one_error() {
    let seen = logged(|log| {
        let options = SocketOptions::new().half_open(true);
        let server = ServerOptions::new().sockets(options).listen(ANY)?;
        let peer = guest(server.local_addr(), |mut stream| {
            stream.write_all(b"question").expect("it takes it");
            stream.shutdown(Shutdown::Write).expect("it is open");
            stream.read_exact(&mut [0; 1_000]).expect("an answer");
            crate::common::reset(stream);
        });
        server.on(Connection, move |server, socket| {
            server.close();
            log.watch(&socket);
            socket.on(End, |socket, ()| {
                // More than the kernel takes.
                socket.write_owned(vec![1; 12 << 20]);
            });
        });
        let peer = RefCell::new(Some(peer));
        server.on(Close, move |_, ()| peer.take().into_iter().for_each(join));
        Ok(())
    });
    seen.assert(&["data question", "end", "error disconnect", "close true"]);
}

/// They are in the making, stand unread, or wait to be accepted when the loop ends.
#[cfg(target_os = "linux")]
#[test]
fn a_loop_that_ends_in_the_middle_of_everything_leaves_no_descriptor() {
    Process::start("abuse::narrow::child_that_ends_in_the_middle").ends_well();
}

#[cfg(target_os = "linux")]
#[test]
#[ignore = "a process of its own"]
fn child_that_ends_in_the_middle() {
    if !is_child() {
        return;
    }
    let mut before = None;
    for round in 0..20 {
        let event_loop = onward::EventLoop::new().expect("a loop");
        let kept: Rc<RefCell<Vec<Socket>>> = Rc::default();
        let keeps = Rc::clone(&kept);
        event_loop.enter(|| {
            let server = Server::listen(ANY).expect("a free port");
            server.on(Connection, move |_, socket| {
                keeps.borrow_mut().push(socket);
                if keeps.borrow().len() == 2 {
                    onward::stop();
                }
            });
            for _ in 0..4 {
                let client = Socket::connect(server.local_addr()).expect("an address");
                client.write("unread");
                client.set_timeout(LIMIT);
            }
        });
        event_loop.run().expect("it ends well");
        drop(event_loop);
        assert!(kept.borrow().iter().all(Socket::is_destroyed));
        let now = descriptors().expect("one is free");
        assert_eq!(*before.get_or_insert(now), now, "after {round} rounds more");
    }
}

/// With `IP_RECVERR` the system keeps reports apart, and says that there are some until they are taken.
#[cfg(target_os = "linux")]
#[test]
fn reports_that_nobody_asked_for_do_not_keep_the_loop_awake() {
    use crate::common::count_turns;
    use onward::net::UdpSocket;
    use std::os::fd::AsRawFd as _;
    use std::time::Duration;

    let seen = logged(|log| {
        let deaf = crate::common::deaf();
        let plain = std::net::UdpSocket::bind(ANY)?;
        let yes: libc::c_int = 1;
        // SAFETY: the option takes an integer, which is there, and that long.
        let told = unsafe {
            let value = std::ptr::from_ref(&yes).cast();
            let length = size_of::<libc::c_int>() as libc::socklen_t;
            libc::setsockopt(plain.as_raw_fd(), libc::SOL_IP, libc::IP_RECVERR, value, length)
        };
        assert_eq!(told, 0);
        let socket = UdpSocket::from_std(plain)?;
        let errors = log.clone();
        socket.on(Error, move |_, error| {
            errors.note(format!("{:?}", error.io_kind()));
        });
        socket.on(Message, |_, _| {});
        for _ in 0..3 {
            socket.send_to("is anybody there?", deaf.local_addr()?);
        }
        count_turns(Duration::from_millis(60), move |turns| {
            assert!(turns <= 10, "{turns} turns");
            socket.close();
            drop(deaf);
        });
        Ok(())
    });
    assert!(seen.len() >= 1, "an error is told");
}
