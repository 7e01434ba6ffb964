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
use onward::net::{Connector, Server, Socket, SocketOptions, UdpOptions};
use onward::{EventLoop, set_immediate, set_timeout};
use std::cell::Cell;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

const ANY: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 0);
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
    /// So that nobody ever listens there.
    _taken: socket2::Socket,
    /// What was told of clients and of guests: how many came, and how many closed.
    clients: (Cell<usize>, Cell<usize>),
    guests: (Cell<usize>, Cell<usize>),
    /// Writes with callbacks, and callbacks that have come.
    written: (Cell<usize>, Cell<usize>),
    echoed: Cell<usize>,
    errors: Cell<usize>,
    big: Rc<Vec<u8>>,
}

fn bump(count: &Cell<usize>) {
    count.set(count.get() + 1);
}

/// Checks what every socket promises: at most one error, then one close, and nothing after that. Of what it gives back,
/// the error goes to a future.
fn watch(socket: &Socket, soak: &Rc<Soak>, closed: impl Fn(&Rc<Soak>) + 'static) -> Rc<Cell<bool>> {
    let (failed, pulled) = (Rc::new(Cell::new(false)), Rc::new(Cell::new(false)));
    let silent = Rc::clone(&pulled);
    let (seen, counted) = (Rc::clone(&failed), Rc::clone(soak));
    socket.on(Error, move |_, _| {
        assert!(!seen.replace(true), "a second error");
        bump(&counted.errors);
    });
    let (soak, over) = (Rc::clone(soak), Cell::new(false));
    socket.on(Close, move |_, had_error| {
        assert!(!over.replace(true), "a second close");
        assert_eq!(had_error && !silent.get(), failed.get());
        closed(&soak);
    });
    pulled
}

/// A guest of the server: an echo, unless fate has something else in store.
fn serve(socket: &Socket, soak: &Rc<Soak>) {
    bump(&soak.guests.0);
    let pulled = watch(socket, soak, |soak| bump(&soak.guests.1));
    match soak.dice.roll(13) {
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
        5 => {
            // It breaks off in the middle of what it says.
            write_some(socket, soak, MUCH);
            let socket = socket.clone();
            set_timeout(soak.dice.moment(), move || socket.reset_and_destroy());
        }
        6 => {
            // It says that it is through, reads on for a while, and breaks off.
            socket.end();
            socket.resume();
            let socket = socket.clone();
            set_timeout(soak.dice.moment(), move || socket.reset_and_destroy());
        }
        7 => {
            // It stalls in the middle, and goes on, if the other side waits for it.
            let counted = Rc::clone(soak);
            socket.on(Data, move |socket, _| {
                socket.pause();
                let socket = socket.clone();
                set_timeout(counted.dice.moment(), move || socket.resume());
            });
            destroy_later(socket, soak);
        }
        8 => {
            // Nobody wants what comes; the other side is watched for its end.
            socket.pause();
            socket.on(Hangup, |socket, ()| socket.discard_input());
            destroy_later(socket, soak);
        }
        9 => pull(socket, soak, &pulled),
        _ => drop(socket.pipe(socket)),
    }
}

/// Writes with callbacks, each of which has to come.
fn write_some(socket: &Socket, soak: &Rc<Soak>, bytes: usize) {
    socket.cork();
    for part in [1, bytes, 10] {
        bump(&soak.written.0);
        let soak = Rc::clone(soak);
        socket.write_owned_then(vec![b'y'; part], move |_| bump(&soak.written.1));
    }
    if soak.dice.roll(2) == 0 {
        socket.uncork();
    }
}

/// Leaves event mode: a future reads a little, answers, and may give up in the middle.
fn pull(socket: &Socket, soak: &Rc<Soak>, pulled: &Cell<bool>) {
    use futures_lite::{AsyncReadExt as _, AsyncWriteExt as _};
    let Ok(mut stream) = socket.clone().into_io() else { return };
    pulled.set(true);
    let (moment, polite) = (soak.dice.moment(), soak.dice.roll(2) == 0);
    onward::spawn(onward::timeout(moment, async move {
        let mut buffer = [0; 16];
        while matches!(stream.read(&mut buffer).await, Ok(1..)) {
            if stream.write_all(b"pulled").await.is_err() {
                return;
            }
        }
        if polite {
            let _ = stream.close().await;
        }
    }));
}

/// Datagrams, to somebody and to nobody; a socket that is closed with some of them on their way.
fn talk(soak: &Rc<Soak>) {
    let socket = UdpOptions::new().coalesce(soak.dice.roll(2) == 0).bind(ANY).expect("a free port");
    socket.on(Error, |_, _| {});
    let here = socket.local_addr().expect("it is bound");
    socket.send_segments([b'z'; 100], 9, if soak.dice.roll(2) == 0 { here } else { soak.nobody });
    if soak.dice.roll(2) == 0 {
        let _ = socket.connect(soak.nobody);
        socket.send("is anybody there?");
    }
    let mut left = soak.dice.roll(13);
    socket.on(Message, move |socket, _| {
        left = left.saturating_sub(1);
        if left == 0 {
            socket.close();
        }
    });
    set_timeout(soak.dice.moment(), move || socket.close());
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
    let pulled = watch(&socket, soak, |soak| {
        bump(&soak.clients.1);
        let soak = Rc::clone(soak);
        set_immediate(move || next(&soak));
    });
    live(&socket, soak, &pulled);
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

fn live(socket: &Socket, soak: &Rc<Soak>, pulled: &Cell<bool>) {
    match soak.dice.roll(13) {
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
        7 => {
            write_some(socket, soak, 100_000);
            socket.end();
            socket.resume();
            destroy_later(socket, soak);
        }
        8 => pull(socket, soak, pulled),
        9 => {
            talk(soak);
            destroy_later(socket, soak);
        }
        _ => {
            let (soak, mut heard) = (Rc::clone(soak), 0);
            socket.write("hello ");
            socket.end_with("echo");
            socket.on(Data, move |_, chunk| {
                heard += chunk.len();
                soak.echoed.set(soak.echoed.get() + chunk.len());
                // An echo, or what somebody says who does not listen.
                let others = chunk.iter().any(|byte| b"ypd".contains(byte));
                assert!(heard <= "hello echo".len() || others);
            });
        }
    }
}

/// So many connections on a loop of their own, which has to end by itself.
fn soak(connections: usize, seed: u64) {
    let event_loop = EventLoop::new().expect("a loop");
    let soaked = event_loop.enter(|| {
        set_timeout(Duration::from_secs(300 + connections as u64 / 100), || {
            panic!("it takes too long: {:#?}", inspect::dump());
        })
        .unref();
        let taken = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None);
        let taken = taken.expect("a socket");
        taken.bind(&ANY.into()).expect("a free port");
        let nobody = taken.local_addr().ok().and_then(|address| address.as_socket());
        let server = Server::listen(ANY).expect("a free port");
        let soak = Rc::new(Soak {
            dice: Dice(Cell::new(seed)),
            left: Cell::new(connections),
            address: server.local_addr().as_socket_addr().expect("an IP address"),
            nobody: nobody.expect("an address"),
            _taken: taken,
            server: server.clone(),
            clients: Default::default(),
            guests: Default::default(),
            written: Default::default(),
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
    let (written, told) = counts(&soaked.written);
    assert_eq!(written, told, "callbacks of writes");
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
