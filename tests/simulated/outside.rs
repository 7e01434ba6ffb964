//! What knows nothing of the simulated clock: threads, the blocking pool, sockets, files.

use super::support::{HOUR, Log, MS, trace};
use onward::events::*;
use onward::net::{Server, Socket};
use onward::testing::{Simulation, block_on, run};
use onward::{Waiting, set_interval, set_timeout, sleep, spawn_blocking};
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::thread;
use std::time::Duration;

#[test]
fn the_clock_stands_still_while_work_is_under_way() {
    let at = block_on(async {
        let timer =
            set_timeout(MS, || unreachable!("the work is done before a millisecond passed"));
        let work = spawn_blocking(|| thread::sleep(30 * MS)).await;
        work.unwrap();
        assert!(timer.cancel());
        onward::now()
    });
    assert_eq!(at.unwrap(), Duration::ZERO);
}

#[test]
fn the_clock_stands_still_while_somebody_may_post_and_goes_on_when_nobody_does() {
    let log = Log::default();
    let simulation = Simulation::new().unwrap().grace(Duration::ZERO);
    thread_local! { static LOG: RefCell<Option<Log>> = const { RefCell::new(None) }; }
    LOG.set(Some(log.clone()));
    simulation.enter(|| {
        set_timeout(HOUR, log.noting("timer"));
        let remote = onward::remote();
        thread::spawn(move || {
            for _ in 0..3 {
                thread::sleep(5 * MS);
                remote.post(|| LOG.with_borrow(|log| log.as_ref().unwrap().note("post"))).unwrap();
            }
        });
    });
    simulation.run().unwrap();
    assert_eq!(log.take(), "post@0ns post@0ns post@0ns timer@3600s");
}

#[test]
fn a_remote_that_is_unrefed_does_not_keep_the_clock() {
    let simulation = Simulation::new().unwrap();
    let remote = simulation.remote().unref();
    simulation.enter(|| set_timeout(HOUR, || ()));
    simulation.run().unwrap();
    assert_eq!(simulation.now(), HOUR);
    drop(remote);
}

#[test]
fn work_that_is_unrefed_does_not_keep_the_clock() {
    let simulation = Simulation::new().unwrap();
    let (go, gone) = std::sync::mpsc::channel::<()>();
    simulation.enter(|| {
        spawn_blocking(move || _ = gone.recv()).then(|_| ()).unref();
        set_timeout(HOUR, || ());
    });
    simulation.run().unwrap();
    assert_eq!(simulation.now(), HOUR);
    drop(go);
}

#[test]
fn run_for_moves_the_clock_whoever_holds_a_remote_but_waits_for_work() {
    let (simulation, log) = (Simulation::new().unwrap().grace(MS), Log::default());
    let remote = simulation.remote();
    simulation.enter(|| {
        let log = log.clone();
        set_interval(HOUR, move |timer| {
            let log = log.clone();
            spawn_blocking(|| thread::sleep(20 * MS)).then(move |_| log.note("done"));
            if onward::now() > HOUR {
                timer.cancel();
            }
        });
    });
    simulation.run_for(2 * HOUR).unwrap();
    assert_eq!(log.take(), "done@3600s done@7200s");
    assert_eq!(simulation.now(), 2 * HOUR);
    drop(remote);
}

#[test]
fn two_ends_of_a_connection_talk_while_the_clock_stands_still() {
    let log = trace(|log| {
        let server = Server::listen("127.0.0.1:0")?;
        server.on(Connection, |server, socket| {
            socket.on(Data, |socket, chunk| _ = socket.write(chunk));
            socket.on(End, |socket, ()| socket.end());
            server.close();
        });
        let client = Socket::connect(server.local_addr())?;
        // What a socket's timeout is made of: nobody has said anything for a minute.
        let quiet = set_timeout(Duration::from_secs(60), {
            let (log, client) = (log.clone(), client.clone());
            move || {
                log.note("quiet");
                client.end();
            }
        });
        let (log, mut left) = (log.clone(), 100);
        client.on(Connect, |client, ()| _ = client.write("ball"));
        client.on(Data, move |client, chunk| {
            assert!(quiet.refresh());
            left -= 1;
            if left == 0 {
                return log.note("a hundred");
            }
            client.write(chunk);
        });
        Ok(())
    });
    assert_eq!(log, "a hundred@0ns quiet@60s");
}

#[test]
fn who_talks_on_another_thread_is_waited_for_while_a_remote_says_so() {
    use std::io::{Read as _, Write as _};
    onward::events! { Room { Said(usize) } }
    let said = block_on(async {
        let server = Server::listen("127.0.0.1:0").unwrap();
        let (address, slow) = (server.local_addr(), onward::remote());
        let peer = thread::spawn(move || {
            let mut stream = std::net::TcpStream::connect(address).unwrap();
            thread::sleep(40 * MS);
            stream.write_all(b"late").unwrap();
            let mut answer = String::new();
            stream.read_to_string(&mut answer).unwrap();
            drop(slow);
            answer
        });
        let room = Rc::new(Room::new());
        let heard = room.next(Said);
        server.once(Connection, move |_, socket| {
            socket.on(Data, move |socket, chunk| {
                room.emit(Said, chunk.len());
                socket.end_with("heard");
            });
        });
        // It would be over in an instant if the clock moved.
        let said = onward::timeout(HOUR, heard).await.unwrap().unwrap();
        let at = onward::now();
        server.close();
        let answer = spawn_blocking(move || peer.join().unwrap()).await.unwrap();
        (said, at, answer)
    });
    assert_eq!(said.unwrap(), (4, Duration::ZERO, "heard".into()));
}

#[test]
fn a_descriptor_has_its_grace_before_the_clock_jumps() {
    let (simulation, log) =
        (Simulation::new().unwrap().grace(Duration::from_secs(60)), Log::default());
    simulation.enter(|| {
        let server = Server::listen("127.0.0.1:0").unwrap();
        let (log, address) = (log.clone(), server.local_addr());
        let timer = set_timeout(HOUR, || unreachable!("somebody comes before"));
        server.once(Connection, move |server, socket| {
            log.note("somebody");
            assert!(timer.cancel());
            socket.destroy();
            server.close();
        });
        thread::spawn(move || {
            thread::sleep(20 * MS);
            std::net::TcpStream::connect(address)
        });
    });
    simulation.run().unwrap();
    assert_eq!(log.take(), "somebody@0ns");
}

#[test]
fn a_quiet_server_does_not_keep_the_clock() {
    let simulation = Simulation::new().unwrap().grace(MS);
    let server = simulation.enter(|| Server::listen("127.0.0.1:0").unwrap());
    let hour = simulation.enter(|| sleep(HOUR));
    simulation.run_until(hour).unwrap();
    assert_eq!(simulation.now(), HOUR);
    simulation.enter(|| server.close());
    simulation.run().unwrap();
}

#[test]
fn a_file_is_read_without_any_time_passing() {
    let read = Rc::new(Cell::new((0, Duration::MAX)));
    let sees = Rc::clone(&read);
    run(|| {
        let file = onward::fs::ReadStream::open(file!())?;
        let length = Rc::new(Cell::new(0));
        let counts = Rc::clone(&length);
        file.on(Data, move |_, chunk| counts.set(counts.get() + chunk.len()));
        file.on(Close, move |_, _| sees.set((length.get(), onward::now())));
        set_timeout(HOUR, || ());
        Ok(())
    })
    .unwrap();
    let length = std::fs::metadata(file!()).unwrap().len();
    assert_eq!(read.get(), (usize::try_from(length).unwrap(), Duration::ZERO));
}

#[test]
fn a_future_that_a_thread_wakes_is_waited_for() {
    let (sender, receiver) = std::sync::mpsc::channel::<std::task::Waker>();
    let woken = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    let wakes = std::sync::Arc::clone(&woken);
    let thread = thread::spawn(move || {
        let waker = receiver.recv().unwrap();
        thread::sleep(20 * MS);
        wakes.store(true, std::sync::atomic::Ordering::Release);
        waker.wake();
    });
    block_on(std::future::poll_fn(|context| {
        if woken.load(std::sync::atomic::Ordering::Acquire) {
            return std::task::Poll::Ready(());
        }
        let _ = sender.send(context.waker().clone());
        std::task::Poll::Pending
    }))
    .unwrap();
    thread.join().unwrap();
}
