//! A chat server for any number of `nc` clients: emitter, sockets, files and signals in one program.
//!
//!     cargo run --release --example chat -- [--listen 127.0.0.1:7000] [--log chat.log]
//!     nc 127.0.0.1 7000        # in other terminals; the first line you type is your name
//!
//! `/who` lists the people, `/quit` leaves, Ctrl-C (at the server) says goodbye to all and ends.
//! A client that never reads is cut off once 256 KiB wait for it; nobody else notices.

use onward::events::*;
use onward::fs::WriteStream;
use onward::net::{Server, Socket};
use onward::stream::lines;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

/// What may wait for a client that is slow to read.
const PATIENCE: usize = 256 * 1024;
const LONGEST_LINE: usize = 4096;
const LONGEST_NAME: usize = 20;
/// How long a goodbye may take.
const FAREWELL: Duration = Duration::from_secs(1);

onward::events! {
    /// The room, and what happens in it.
    Room {
        /// Somebody came in.
        Joined(&str),
        /// A line was said: who, and what.
        Said(&str, &str),
        /// Somebody went.
        Left(&str),
    }
}

/// The room, the people in it, and everybody who has connected, with a name or not yet.
#[derive(Default)]
struct Hall {
    room: Room,
    members: RefCell<BTreeMap<String, Socket>>,
    connections: RefCell<Vec<Socket>>,
}

struct Options {
    listen: String,
    log: Option<String>,
}

fn main() -> onward::Result<()> {
    let options = options().unwrap_or_else(|wrong| {
        eprintln!("chat: {wrong}\nusage: chat [--listen HOST:PORT] [--log FILE]");
        std::process::exit(2);
    });
    onward::run(|| open(&options))
}

fn options() -> Result<Options, String> {
    let mut options = Options { listen: "127.0.0.1:7000".into(), log: None };
    let mut args = std::env::args().skip(1);
    while let Some(option) = args.next() {
        let value = args.next().ok_or_else(|| format!("{option} wants a value"));
        match option.as_str() {
            "--listen" => options.listen = value?,
            "--log" => options.log = Some(value?),
            _ => return Err(format!("no such option: {option}")),
        }
    }
    Ok(options)
}

fn open(options: &Options) -> onward::Result<()> {
    let hall = Rc::new(Hall::default());
    let server = Server::listen(&options.listen)?;
    let address = server.local_addr();
    let port = address.port().map_or_else(String::new, |port| port.to_string());
    let host = address.ip().map_or_else(String::new, |ip| ip.to_string());
    println!("chatting on {address}; join with: nc {host} {port}");

    announce(&hall);
    if let Some(path) = &options.log {
        keep_transcript(&hall.room, &server, path)?;
    }
    close_on_signal(&hall, &server)?;
    server.on(Error, |_, error| eprintln!("{error}"));
    server.on(Connection, move |_, socket| welcome(&hall, &socket));
    Ok(())
}

/// Tells everybody in the room what happens in it.
fn announce(hall: &Rc<Hall>) {
    let teller = || {
        let hall = Rc::downgrade(hall);
        move |line: String| {
            let Some(hall) = hall.upgrade() else { return };
            for socket in hall.members.borrow().values() {
                socket.write(&line);
            }
        }
    };
    let (joined, said, left) = (teller(), teller(), teller());
    hall.room.on(Joined, move |_, who| joined(format!("* {who} joined\n")));
    hall.room.on(Said, move |_, (who, line)| said(format!("{who}: {line}\n")));
    hall.room.on(Left, move |_, who| left(format!("* {who} left\n")));
}

/// Appends what happens to a file, until the server has closed.
fn keep_transcript(room: &Room, server: &Server, path: &str) -> onward::Result<()> {
    let log = WriteStream::append(path)?;
    log.on(Error, |_, error| eprintln!("no transcript from here on: {error}"));
    let writer = || {
        let log = log.clone();
        move |line: String| {
            log.write(line);
        }
    };
    let (joined, said, left) = (writer(), writer(), writer());
    room.on(Joined, move |_, who| joined(format!("* {who} joined\n")));
    room.on(Said, move |_, (who, line)| said(format!("{who}: {line}\n")));
    room.on(Left, move |_, who| left(format!("* {who} left\n")));
    server.once(Close, move |_, ()| log.end());
    Ok(())
}

/// Somebody is at the door.
fn welcome(hall: &Rc<Hall>, socket: &Socket) {
    hall.connections.borrow_mut().push(socket.clone());
    socket.set_max_queued(PATIENCE);
    socket.write("Welcome! Your name? ");

    let guest = Rc::new(RefCell::new(Guest { hall: hall.clone(), name: None }));
    let (speaking, rambling, ending, closing) =
        (guest.clone(), guest.clone(), guest.clone(), guest);
    // The socket is kept for a last word to who says too much at once.
    let lines = lines(socket).max(LONGEST_LINE).keep_stream();
    let answering = socket.clone();
    lines.on(Line, move |lines, line| {
        speaking.borrow_mut().line(&answering, &printable(line));
        if answering.is_ended() {
            lines.pause(); // that was the last line we wanted to hear
        }
    });
    lines.on(End, move |_, ()| ending.borrow_mut().leave());
    let answering = socket.clone();
    lines.on(Error, move |_, _| {
        rambling.borrow_mut().leave();
        see_off(&answering, "* that line is too long, goodbye\n");
    });
    socket.on(Error, |_, error| eprintln!("{error}"));
    socket.on(Close, move |socket, _| closing.borrow_mut().close(socket));
}

/// Somebody whose lines we read.
struct Guest {
    hall: Rc<Hall>,
    name: Option<String>,
}

impl Guest {
    fn line(&mut self, socket: &Socket, line: &str) {
        match (&self.name, line) {
            (_, "/quit") => {
                self.leave();
                see_off(socket, "* goodbye\n");
            }
            (_, "/who") => {
                let names: Vec<String> = self.hall.members.borrow().keys().cloned().collect();
                socket.write(format!("* {} here: {}\n", names.len(), names.join(", ")));
            }
            (None, name) => self.introduce(socket, name),
            (Some(_), "") => {}
            (Some(name), line) => {
                self.hall.room.emit(Said, (name, line));
            }
        }
    }

    fn introduce(&mut self, socket: &Socket, name: &str) {
        let wrong = match name {
            "" => Some("You need a name."),
            _ if name.starts_with('/') => Some("First your name."),
            _ if name.chars().count() > LONGEST_NAME => Some("That is too long for a name."),
            _ if self.hall.members.borrow().contains_key(name) => Some("That name is taken."),
            _ => None,
        };
        if let Some(wrong) = wrong {
            socket.write(format!("{wrong} Your name? "));
            return;
        }
        self.hall.members.borrow_mut().insert(name.into(), socket.clone());
        self.name = Some(name.into());
        self.hall.room.emit(Joined, name);
    }

    fn leave(&mut self) {
        if let Some(name) = self.name.take() {
            self.hall.members.borrow_mut().remove(&name);
            self.hall.room.emit(Left, &name);
        }
    }

    fn close(&mut self, socket: &Socket) {
        self.leave();
        self.hall.connections.borrow_mut().retain(|other| other != socket);
    }
}

/// A last word, and out.
fn see_off(socket: &Socket, word: &str) {
    if socket.is_ended() {
        return; // seen off before
    }
    socket.pause();
    socket.once(Finish, |socket, ()| socket.destroy());
    socket.end_with(word);
}

/// What clients send is shown on other people's terminals: no control characters.
fn printable(line: &str) -> String {
    line.trim().replace(char::is_control, "\u{fffd}")
}

/// Ctrl-C, or a polite kill: nobody new comes in, goodbye to who is here, and out.
fn close_on_signal(hall: &Rc<Hall>, server: &Server) -> onward::Result<()> {
    let closer = || {
        let (hall, server) = (hall.clone(), server.clone());
        move || {
            server.close();
            let connections = hall.connections.borrow().clone();
            println!("\nclosing, goodbye to {}", connections.len());
            hall.members.borrow_mut().clear();
            connections.iter().for_each(|socket| see_off(socket, "* the room closes, goodbye\n"));
            // Who does not read cannot hold us up.
            onward::set_timeout(FAREWELL, move || connections.iter().for_each(Socket::destroy))
                .unref();
        }
    };
    let signals = onward::process::signals()?;
    let (on_interrupt, on_terminate) = (closer(), closer());
    signals.once(Interrupt, move |_, ()| on_interrupt());
    signals.once(Terminate, move |_, ()| on_terminate());
    Ok(())
}
