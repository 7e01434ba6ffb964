//! When there are no descriptors left, and whether all come back.

use crate::common::child::{Process, cpu_hundredths, descriptors, is_child};
use crate::common::{ANY, LIMIT, plain, reset, run, turns};
use onward::net::Address;
use onward::net::{Server, Socket};
use onward::{ErrorKind, events::*};
use std::cell::{Cell, RefCell};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::rc::Rc;
use std::thread;
use std::time::{Duration, Instant};

/// The descriptors that the server may have.
const FEW: usize = 1000;
/// All connections of the test. More at once than there are descriptors, fewer than wait in the kernel.
const CONNECTIONS: usize = 20_000;
const FIRST_BATCH: usize = 1300;
const BATCH: usize = 1100;

#[test]
fn twenty_thousand_connections_to_a_server_with_a_thousand_descriptors_are_all_served() {
    // The clients need more descriptors than a process may have by default.
    Process::start_limited("abuse::descriptors::child_that_floods", 3000).ends_well();
}

#[test]
fn two_thousand_connections_leave_no_descriptor_behind() {
    Process::start("abuse::descriptors::child_that_connects_again_and_again").ends_well();
}

#[test]
fn a_panic_leaves_no_descriptor_behind() {
    Process::start("abuse::descriptors::child_that_panics_with_open_pipes").ends_well();
}

#[test]
fn a_loop_that_cannot_be_made_says_why_and_leaves_no_descriptor_behind() {
    Process::start_limited("abuse::descriptors::child_that_has_none_left", 64).ends_well();
}

#[test]
#[ignore = "a process of its own"]
fn child_that_has_none_left() {
    if !is_child() {
        return;
    }
    let open = || std::fs::File::open("/dev/null");
    let mut files = Vec::new();
    while let Ok(file) = open() {
        files.push(file);
    }
    let mut failed = 0;
    let event_loop = loop {
        match onward::EventLoop::new() {
            Ok(event_loop) => break event_loop,
            Err(error) => {
                assert_eq!(
                    (error.kind(), error.operation()),
                    (ErrorKind::OutOfDescriptors, "create event loop")
                );
                assert!(error.raw_os_error().is_some(), "{error}");
            }
        }
        // As many are free as before, and then one more.
        let free: Vec<_> = (0..failed).map(|_| open().expect("it was free before")).collect();
        assert!(open().is_err());
        drop(free);
        failed += 1;
        files.pop();
    };
    assert!(failed >= 2, "a loop needs a poller and a waker");
    event_loop.enter(|| onward::set_immediate(|| println!("it runs")));
    event_loop.run().expect("it needs no more");
}

#[test]
#[ignore = "a process of its own"]
fn child_that_serves() {
    if !is_child() {
        return;
    }
    onward::run(|| {
        let server = Server::listen(ANY)?;
        println!("listening on {}", server.local_addr());
        server.on(Error, |_, error| println!("error {:?}", error.kind()));
        server.on(Connection, |server, socket| {
            socket.on(Error, |_, _| {});
            let server = server.clone();
            socket.on(Data, move |socket, chunk| {
                if chunk == b"close" {
                    return server.close();
                }
                let report = (chunk == b"report").then(|| Report::of(&server).to_line());
                socket.write(report.as_ref().map_or(chunk, String::as_bytes));
            });
        });
        Ok(())
    })
    .expect("the server ends well");
}

/// What the server says of itself, over a connection that it accepted while it still could.
struct Control {
    stream: BufReader<TcpStream>,
}

#[derive(Debug)]
struct Report {
    turns: u64,
    descriptors: usize,
    connections: usize,
}

impl Report {
    fn of(server: &Server) -> Self {
        Self {
            turns: turns(),
            descriptors: descriptors().unwrap_or(FEW),
            connections: server.connections(),
        }
    }

    fn to_line(&self) -> String {
        format!("{} {} {}\n", self.turns, self.descriptors, self.connections)
    }

    fn from_line(line: &str) -> Self {
        let mut numbers = line.split_whitespace().map(|number| number.parse().expect("a number"));
        let mut next = || numbers.next().expect("three numbers");
        let (turns, descriptors, connections) = (next(), next(), next());
        Self { turns: turns as u64, descriptors, connections }
    }
}

impl Control {
    fn report(&mut self) -> Report {
        self.stream.get_mut().write_all(b"report").expect("it is read");
        let mut line = String::new();
        self.stream.read_line(&mut line).expect("a report");
        Report::from_line(&line)
    }

    /// Asks until it is as it was.
    fn wait_for(&mut self, descriptors: usize) {
        let start = Instant::now();
        loop {
            let report = self.report();
            if report.descriptors == descriptors && report.connections == 1 {
                return;
            }
            assert!(start.elapsed() < LIMIT, "wanted {descriptors} descriptors: {report:?}");
            thread::sleep(Duration::from_millis(1));
        }
    }
}

fn echo(mut client: &TcpStream) {
    client.write_all(b"x").expect("it is read");
    client.read_exact(&mut [0]).expect("an echo");
}

fn connect_many(address: SocketAddr, count: usize) -> Vec<TcpStream> {
    (0..count).map(|_| plain(address)).collect()
}

#[test]
#[ignore = "a process of its own"]
fn child_that_floods() {
    if !is_child() {
        return;
    }
    let mut server = Process::start_limited("abuse::descriptors::child_that_serves", FEW);
    let address = server.told("listening on ").parse().expect("an address");
    let mut control = Control { stream: BufReader::new(plain(address)) };
    let baseline = control.report().descriptors;

    let clients = connect_many(address, FIRST_BATCH);
    assert_eq!(server.told("error "), format!("{:?}", ErrorKind::OutOfDescriptors));
    // It is full, says so once, serves those it has, and sleeps.
    echo(&clients[0]);
    let (before, cpu) = (control.report(), cpu_hundredths(server.id()));
    thread::sleep(Duration::from_secs(1));
    let (after, cpu) = (control.report(), cpu_hundredths(server.id()) - cpu);
    assert!(after.turns - before.turns < 50, "{before:?} {after:?}");
    assert!(cpu < 20, "{cpu} % of a processor for nothing");
    assert!(after.descriptors <= FEW && after.connections > FEW - 50, "{after:?}");

    clients.into_iter().for_each(|client| echo(&client));
    control.wait_for(baseline);
    let mut left = CONNECTIONS - FIRST_BATCH;
    while left > 0 {
        let clients = connect_many(address, BATCH.min(left));
        left -= clients.len();
        clients.into_iter().for_each(|client| echo(&client));
    }
    control.wait_for(baseline);
    control.stream.get_mut().write_all(b"close").expect("it is read");
    drop(control);
    server.ends_well();
}

#[test]
#[ignore = "a process of its own"]
fn child_that_connects_again_and_again() {
    const AT_ONCE: usize = 20;
    if !is_child() {
        return;
    }
    run(|| {
        let server = Server::listen(ANY)?;
        let address = server.local_addr();
        let mut guests = 0_usize;
        server.on(Connection, move |_, socket| {
            guests += 1;
            socket.on(Error, |_, error| assert!(error.is_disconnect(), "{error}"));
            match guests % 3 {
                0 => socket.destroy(),
                1 => drop(socket.pipe(&socket)),
                _ => socket.resume(),
            }
        });
        let (baseline, mut rounds) = (Cell::new(None), 0);
        let idle = Rc::new(RefCell::new(()));
        onward::set_interval(Duration::from_millis(1), move |timer| {
            if server.connections() > 0 || Rc::strong_count(&idle) > 1 {
                return;
            }
            let now = descriptors().expect("one is free");
            assert_eq!(baseline.replace(Some(now)).unwrap_or(now), now, "after {rounds} rounds");
            rounds += 1;
            if rounds > 2000 / AT_ONCE {
                timer.cancel();
                return server.close();
            }
            for number in 0..AT_ONCE {
                open_and_close(address, number, Rc::clone(&idle));
            }
        });
        Ok(())
    });
}

/// A connection that ends in one of several ways, and then drops the token.
fn open_and_close(address: Address, number: usize, token: Rc<RefCell<()>>) {
    if number % 5 == 0 {
        return reset(plain(address));
    }
    let client = Socket::connect(address).expect("an address");
    client.on(Error, |_, error| assert!(error.is_disconnect(), "{error}"));
    client.resume();
    client.end_with("x");
    if number % 5 == 1 {
        client.destroy();
    }
    client.once(Close, move |_, _| drop(token));
}

#[test]
#[ignore = "a process of its own"]
fn child_that_panics_with_open_pipes() {
    if !is_child() {
        return;
    }
    let mut baseline = None;
    for round in 0..5 {
        let ended = std::panic::catch_unwind(|| {
            onward::run(|| {
                let server = Server::listen(ANY)?;
                server.on(Connection, |_, socket| drop(socket.pipe(&socket)));
                let client = Socket::connect(server.local_addr())?;
                client.write("x");
                let own = client.clone();
                client.on(Data, move |_, _| panic!("on purpose, with {own:?}"));
                Ok(())
            })
        });
        assert!(ended.is_err());
        let now = descriptors().expect("one is free");
        assert_eq!(*baseline.get_or_insert(now), now, "after {round} panics more");
    }
}
