//! A driver may tell of a readiness once only: none of it may get lost, whatever listeners do.

use crate::common::{
    ANY, LIMIT, Log, connect_to, guest, join, next_turn, plain, run, watchdog, when,
};
use onward::net::{Server, Socket};
use onward::{EventLoop, events::*};
use std::cell::{Cell, RefCell};
use std::io::{Read as _, Write as _};
use std::net::Shutdown;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::sync::mpsc;

/// More than one turn may read of one socket.
const BURST: usize = 4 << 20;

/// Runs a loop until nothing is left, however often a listener panics; says how often that was.
fn run_through_panics(event_loop: &EventLoop) -> usize {
    let _watched = watchdog(LIMIT);
    let mut panics = 0;
    while catch_unwind(AssertUnwindSafe(|| event_loop.run())).is_err() {
        panics += 1;
    }
    panics
}

#[test]
fn a_panic_in_the_middle_of_a_batch_loses_nothing_of_the_others() {
    const GUESTS: usize = 8;
    let event_loop = EventLoop::new().expect("a loop");
    let told = Rc::new(Cell::new(0));
    let guests = event_loop.enter(|| {
        let server = Server::listen(ANY).expect("a port");
        let (told, address) = (Rc::clone(&told), server.local_addr());
        let sockets = RefCell::new(Vec::new());
        server.on(Connection, move |server, socket| {
            let told = Rc::clone(&told);
            socket.on(Data, move |socket, chunk| {
                assert_eq!(chunk, b"hello");
                told.set(told.get() + 1);
                socket.end();
                panic!("on purpose");
            });
            socket.pause();
            sockets.borrow_mut().push(socket);
            if sockets.borrow().len() == GUESTS {
                server.close();
                // They flow all at once, so that what they got makes one batch.
                sockets.borrow().iter().for_each(Socket::resume);
            }
        });
        let guests = (0..GUESTS).map(|_| {
            guest(address, |mut stream| {
                stream.write_all(b"hello").expect("somebody reads");
                stream.read_to_end(&mut Vec::new()).expect("the end")
            })
        });
        guests.collect::<Vec<_>>()
    });
    assert_eq!(run_through_panics(&event_loop), GUESTS);
    assert_eq!(told.get(), GUESTS);
    assert!(guests.into_iter().all(|guest| join(guest) == 0));
}

#[test]
fn a_panic_in_the_middle_of_a_burst_loses_nothing_of_what_is_behind() {
    let event_loop = EventLoop::new().expect("a loop");
    let log = Log::default();
    let peer = event_loop.enter(|| {
        let (client, peer) =
            connect_to(|mut stream| stream.write_all(&vec![7; BURST]).expect("somebody reads"))
                .expect("an address");
        let (seen, chunks) = (log.clone(), Cell::new(0));
        client.on(Data, move |_, _| {
            chunks.set(chunks.get() + 1);
            assert!(chunks.get() % 5 != 0, "on purpose");
        });
        client.on(Close, move |client, _| seen.note(format!("{} bytes", client.bytes_read())));
        peer
    });
    assert!(run_through_panics(&event_loop) > 1);
    log.assert(&[&format!("{BURST} bytes")]);
    join(peer);
}

#[test]
fn what_comes_while_it_is_paused_is_told_when_it_goes_on_with_the_end_behind_it() {
    let log = Log::default();
    let seen = log.clone();
    run(move || {
        let (sender, sent) = mpsc::channel();
        let (client, peer) = connect_to(move |mut stream| {
            stream.write_all(b"before").expect("room");
            stream.shutdown(Shutdown::Write).expect("open");
            sender.send(()).expect("the loop waits");
            stream.read_to_end(&mut Vec::new()).expect("the end")
        })?;
        client.pause();
        seen.watch(&client);
        when(sent, move |()| {
            // The readiness has come in a turn in which nobody wanted it.
            seen.note("resume");
            client.resume();
            onward::spawn_blocking(|| join(peer)).then(|_| {});
        });
        Ok(())
    });
    log.assert(&["connect", "resume", "data before", "end", "finish", "close false"]);
}

#[test]
fn pausing_and_resuming_in_one_callback_reads_on() {
    let told = Rc::new(Cell::new(0));
    let count = Rc::clone(&told);
    run(move || {
        let (client, _) =
            connect_to(|mut stream| stream.write_all(&vec![7; BURST]).expect("somebody reads"))?;
        client.on(Data, move |client, chunk| {
            count.set(count.get() + chunk.len());
            client.pause();
            client.resume();
        });
        Ok(())
    });
    assert_eq!(told.get(), BURST);
}

#[test]
fn a_burst_of_one_lets_the_others_be_served_in_between() {
    let log = Log::default();
    let seen = log.clone();
    run(move || {
        let (sender, sent) = mpsc::channel();
        let (hot, peer) = connect_to(move |stream| {
            let held = crate::common::write_until_held(&stream);
            sender.send(held).expect("the loop waits");
            stream.shutdown(Shutdown::Write).expect("open");
        })?;
        hot.pause();
        let (quiet_sender, quiet_sent) = mpsc::channel();
        let (quiet, other) = connect_to(move |mut stream| {
            stream.write_all(b"me too").expect("room");
            quiet_sender.send(()).expect("the loop waits");
        })?;
        quiet.pause();
        let both = move || (sent.recv().expect("it sends"), quiet_sent.recv().expect("it sends"));
        onward::spawn_blocking(both).then(move |both| {
            next_turn(move || {
                let (held, ()) = both.expect("no panic");
                assert!(held > 1 << 20, "more than a turn's worth: {held}");
                let (hot_ended, turns) = (Rc::new(Cell::new(false)), crate::common::turns());
                let ended = Rc::clone(&hot_ended);
                hot.on(End, move |_, ()| ended.set(true));
                hot.on(Data, |_, _| {});
                quiet.on(Data, move |_, chunk| {
                    assert_eq!(chunk, b"me too");
                    assert!(!hot_ended.get(), "it had to wait for all of the other's");
                    assert!(crate::common::turns() - turns < 4);
                    seen.note("served");
                });
                hot.resume();
                quiet.resume();
                onward::spawn_blocking(|| (join(peer), join(other))).then(|_| {});
            })
        });
        Ok(())
    });
    log.assert(&["served"]);
}

#[test]
#[cfg(unix)]
fn urgent_data_in_the_middle_hides_nothing_that_is_behind_it() {
    fn send_urgently(stream: &std::net::TcpStream, byte: u8) {
        let socket = socket2::SockRef::from(stream);
        assert_eq!(socket.send_out_of_band(&[byte]).expect("room"), 1);
    }
    let told = Rc::new(RefCell::new(Vec::new()));
    let bytes = Rc::clone(&told);
    run(move || {
        let (sender, sent) = mpsc::channel();
        let (client, peer) = connect_to(move |mut stream| {
            stream.write_all(b"before").expect("room");
            send_urgently(&stream, b'!');
            stream.write_all(b"after").expect("room");
            sender.send(()).expect("the loop waits");
            // It stays open: nothing but what was sent may wake the reader.
            stream.read_to_end(&mut Vec::new()).expect("the end")
        })?;
        client.pause();
        when(sent, move |()| {
            client.on(Data, move |client, chunk| {
                bytes.borrow_mut().extend_from_slice(chunk);
                if bytes.borrow().ends_with(b"after") {
                    client.end();
                }
            });
            client.resume();
            onward::spawn_blocking(|| join(peer)).then(|_| {});
        });
        Ok(())
    });
    assert_eq!(told.borrow().as_slice(), b"beforeafter");
}

#[test]
fn who_listens_late_gets_what_came_before() {
    let log = Log::default();
    let seen = log.clone();
    run(move || {
        let (sender, address) = (Server::listen(ANY)?, Cell::new(None));
        address.set(Some(sender.local_addr()));
        sender.on(Connection, move |server, socket| {
            server.close();
            let seen = seen.clone();
            // It is told that something has come, looks for the end, and finds data which nobody wants.
            next_turn(move || next_turn(move || seen.watch(&socket)));
        });
        let mut client = plain(address.get().expect("set"));
        client.write_all(b"early").expect("room");
        client.shutdown(Shutdown::Write).expect("open");
        onward::set_timeout(std::time::Duration::from_millis(1), move || drop(client));
        Ok(())
    });
    log.assert(&["data early", "end", "finish", "close false"]);
}
