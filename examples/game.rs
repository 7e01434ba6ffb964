//! A game server by UDP: players tell where they go, and 20 times a second all are told where everybody is.
//!
//!     cargo run --release --example game -- [127.0.0.1:7001]
//!     nc -u 127.0.0.1 7001     # in other terminals; type left, right, up, down
//!
//! Who says `bye`, or nothing for ten seconds, is out. Ctrl-C ends the server.

use onward::net::UdpSocket;
use onward::{events::*, process};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

const TICK: Duration = Duration::from_millis(50);
/// Ticks without a word after which a player is out.
const PATIENCE: u32 = 200;
/// A longer one is no move.
const LONGEST_MOVE: usize = 64;

#[derive(Default)]
struct Player {
    place: (i32, i32),
    silent: u32,
}

/// By the address, which is all that is known of a player.
type Players = Rc<RefCell<BTreeMap<SocketAddr, Player>>>;

fn main() -> onward::Result<()> {
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:7001".into());
    onward::run(|| open(&address))
}

fn open(address: &str) -> onward::Result<()> {
    let socket = UdpSocket::bind(address)?;
    let players = Players::default();
    socket.set_max_message(LONGEST_MOVE);
    socket.on(Listening, |socket, ()| {
        socket.local_addr().into_iter().for_each(|address| println!("playing on {address}"));
    });
    // A player who is gone is no reason to stop.
    socket.on(Error, |_, error| eprintln!("{error}"));

    let known = Rc::clone(&players);
    socket.on(Message, move |_, (bytes, from)| {
        let word = String::from_utf8_lossy(bytes);
        hear(&mut known.borrow_mut(), word.trim(), from);
    });

    let game = socket.clone();
    let ticks = onward::set_interval(TICK, move |_| {
        let mut players = players.borrow_mut();
        let picture = tick(&mut players);
        game.send_all(players.keys().map(|&player| (&picture, player)));
    });
    process::signals()?.once(Interrupt, move |_, ()| {
        println!("goodbye: {:?}", socket.stats());
        ticks.cancel();
        socket.close();
    });
    Ok(())
}

fn hear(players: &mut BTreeMap<SocketAddr, Player>, word: &str, from: SocketAddr) {
    let way = match word {
        "left" => (-1, 0),
        "right" => (1, 0),
        "up" => (0, 1),
        "down" => (0, -1),
        "bye" => {
            players.remove(&from);
            return;
        }
        _ => (0, 0),
    };
    let player = players.entry(from).or_default();
    player.silent = 0;
    player.place = (player.place.0 + way.0, player.place.1 + way.1);
}

/// One step of the game; gives what all are told.
fn tick(players: &mut BTreeMap<SocketAddr, Player>) -> String {
    players.retain(|_, player| {
        player.silent += 1;
        player.silent <= PATIENCE
    });
    let place = |(who, player): (&SocketAddr, &Player)| format!("{who} {:?}\n", player.place);
    players.iter().map(place).collect()
}
