//! Thousands of connections, most of which meet with some misfortune; afterwards nothing is left of any of them.
//!
//! 4,000 connections unless `ONWARD_SOAK=100000` says otherwise. A run prints its seed, which `ONWARD_SOAK_SEED` repeats.
//! A binary of its own, since it counts what it allocates, and its descriptors.
#![cfg(all(feature = "net", target_os = "linux"))]

#[path = "common/counting.rs"]
mod counting;

use counting::bytes;
use onward::events::*;
use onward::inspect;
use onward::net::{Connector, Server, Socket, SocketOptions};
use onward::{EventLoop, set_immediate, set_timeout};
use std::cell::Cell;
use std::net::{SocketAddr, TcpListener};
use std::rc::Rc;
use std::time::Duration;

/// Connections at a time.
const AT_ONCE: usize = 40;
const DEFAULT: usize = 4_000;
/// More than the kernel takes from somebody whose peer does not read.
const MUCH: usize = 8 * 1024 * 1024;

/// Numbers that look random, the same for the same seed.
struct Dice(Cell<u64>);

impl Dice {
    fn roll(&self, sides: u64) -> u64 {
        // xorshift64*
        let mut state = self.0.get();
        state ^= state >> 12;
        state ^= state << 25;
        state ^= state >> 27;
        self.0.set(state);
        (state.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) % sides
    }

    /// Up to two milliseconds.
    fn moment(&self) -> Duration {
        Duration::from_micros(self.roll(2_000))
    }
}

struct Soak {
    dice: Dice,
    left: Cell<usize>,
    server: Server,
    address: SocketAddr,
    nobody: SocketAddr,
    /// What was told of clients and of guests: how many came, and how many closed.
    clients: (Cell<usize>, Cell<usize>),
    guests: (Cell<usize>, Cell<usize>),
    echoed: Cell<usize>,
    errors: Cell<usize>,
    big: Rc<Vec<u8>>,
}

fn bump(count: &Cell<usize>) {
    count.set(count.get() + 1);
}

/// Checks what every socket promises: at most one error, then one close, and nothing after that.
fn watch(socket: &Socket, soak: &Rc<Soak>, closed: impl Fn(&Rc<Soak>) + 'static) {
    let failed = Rc::new(Cell::new(false));
    let (seen, counted) = (Rc::clone(&failed), Rc::clone(soak));
    socket.on(Error, move |_, _| {
        assert!(!seen.replace(true), "a second error");
        bump(&counted.errors);
    });
    let (soak, over) = (Rc::clone(soak), Cell::new(false));
    socket.on(Close, move |_, had_error| {
        assert!(!over.replace(true), "a second close");
        assert_eq!(had_error, failed.get());
        closed(&soak);
    });
}

/// A guest of the server: an echo, unless fate has something else in store.
fn serve(socket: &Socket, soak: &Rc<Soak>) {
    bump(&soak.guests.0);
    watch(socket, soak, |soak| bump(&soak.guests.1));
    match soak.dice.roll(8) {
        0 => socket.destroy(),
        1 => socket.reset_and_destroy(),
        2 => destroy_later(socket, soak),
        3 => {
            // It never reads, nor says anything.
            socket.pause();
            destroy_later(socket, soak);
        }
        4 => {
            // It says its word when the other side has had its own.
            socket.set_half_open(true);
            socket.resume();
            socket.on(End, |socket, ()| socket.end_with("after the end"));
        }
        _ => drop(socket.pipe(socket)),
    }
}

fn destroy_later(socket: &Socket, soak: &Rc<Soak>) {
    let socket = socket.clone();
    set_timeout(soak.dice.moment(), move || socket.destroy());
}

/// The next client, and after its end one more, as long as there are some to come.
fn next(soak: &Rc<Soak>) {
    if soak.left.get() == 0 {
        return soak.server.close();
    }
    soak.left.set(soak.left.get() - 1);
    bump(&soak.clients.0);
    let socket = connect(soak);
    watch(&socket, soak, |soak| {
        bump(&soak.clients.1);
        let soak = Rc::clone(soak);
        set_immediate(move || next(&soak));
    });
    live(&socket, soak);
}

/// To the server, most of them; some by a name that stands for several addresses, some to nobody.
fn connect(soak: &Rc<Soak>) -> Socket {
    let by_name = |addresses: Vec<SocketAddr>| {
        let connector = Connector::new().attempt_delay(Duration::from_millis(10));
        let connector = connector.lookup(move |_, _| {
            let addresses = addresses.clone();
            async move { Ok(addresses) }
        });
        connector.connect("soak.internal:80")
    };
    let connected = match soak.dice.roll(10) {
        0 => Socket::connect(soak.nobody),
        1 => by_name(vec![soak.nobody, soak.address]),
        2 => by_name(vec![soak.nobody, soak.nobody, soak.nobody]),
        3 => by_name(vec![soak.address, soak.address]),
        4 => {
            let limit = Duration::from_micros(1 + soak.dice.roll(500));
            SocketOptions::new().connect_timeout(limit).connect(soak.address)
        }
        _ => Socket::connect(soak.address),
    };
    connected.expect("an address")
}

fn live(socket: &Socket, soak: &Rc<Soak>) {
    match soak.dice.roll(9) {
        0 => socket.destroy(),
        1 => destroy_later(socket, soak),
        2 => socket.reset_and_destroy(),
        3 => drop(socket.on(Connect, |socket, ()| socket.reset_and_destroy())),
        4 => {
            // More than can be sent, to be dropped.
            socket.write(soak.big.as_slice());
            destroy_later(socket, soak);
        }
        5 => drop(socket.on(ConnectionAttempt, |socket, _| socket.destroy())),
        6 => {
            // It ends first, and hears the other out.
            socket.end_with("hello");
            socket.resume();
        }
        _ => {
            let (soak, mut heard) = (Rc::clone(soak), 0);
            socket.write("hello ");
            socket.end_with("echo");
            socket.on(Data, move |_, chunk| {
                heard += chunk.len();
                soak.echoed.set(soak.echoed.get() + chunk.len());
                assert!(heard <= "hello echo".len() || chunk.ends_with(b"end"));
            });
        }
    }
}

/// So many connections on a loop of their own, which has to end by itself.
fn soak(connections: usize, seed: u64) {
    let event_loop = EventLoop::new().expect("a loop");
    let soaked = event_loop.enter(|| {
        set_timeout(Duration::from_secs(20 + connections as u64 / 100), || {
            panic!("it takes too long: {:#?}", inspect::dump());
        })
        .unref();
        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        let nobody = TcpListener::bind(any).and_then(|listener| listener.local_addr());
        let server = Server::listen(any).expect("a free port");
        let soak = Rc::new(Soak {
            dice: Dice(Cell::new(seed)),
            left: Cell::new(connections),
            address: server.local_addr().as_socket_addr().expect("an IP address"),
            nobody: nobody.expect("a free port"),
            server: server.clone(),
            clients: Default::default(),
            guests: Default::default(),
            echoed: Cell::new(0),
            errors: Cell::new(0),
            big: Rc::new(vec![b'x'; MUCH]),
        });
        let host = Rc::clone(&soak);
        server.on(Connection, move |_, socket| serve(&socket, &host));
        (0..AT_ONCE).for_each(|_| next(&soak));
        soak
    });
    event_loop.run().expect("no error is left");
    let stats = event_loop.enter(inspect::dump);
    // The watch over all of it is the only thing that is left.
    assert_eq!(stats.resources.len(), 1, "{stats:#?}");
    let counts = |(came, closed): &(Cell<usize>, Cell<usize>)| (came.get(), closed.get());
    assert_eq!(counts(&soaked.clients), (connections, connections));
    let (came, closed) = counts(&soaked.guests);
    assert_eq!(came, closed);
    assert!(came > connections / 4 && soaked.errors.get() > connections / 20);
    assert!(soaked.echoed.get() > connections / 4, "some were lucky");
}

fn descriptors() -> usize {
    // The list itself is open while it is read.
    std::fs::read_dir("/proc/self/fd").expect("there is /proc").count() - 1
}

fn setting(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().expect("a number"))
}

#[test]
fn connections_that_break_in_all_ways_leave_no_descriptor_source_timer_or_byte_behind() {
    let connections = setting("ONWARD_SOAK").map_or(DEFAULT, |count| count as usize);
    let seed = setting("ONWARD_SOAK_SEED").unwrap_or_else(|| {
        let now = std::time::UNIX_EPOCH.elapsed().expect("after 1970");
        now.as_nanos() as u64 | 1
    });
    println!("{connections} connections, ONWARD_SOAK_SEED={seed}");
    // What is made once for the process, and stays.
    soak(AT_ONCE * 10, seed);
    let (open, held) = (descriptors(), bytes());
    soak(connections, seed);
    assert_eq!(descriptors(), open, "descriptors");
    assert_eq!(bytes() - held, 0, "bytes");
}
