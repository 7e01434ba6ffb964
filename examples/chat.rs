//! A chat server for any number of `nc` clients: emitter, sockets, files and signals in one program.
//!
//!     cargo run --release --example chat -- [--listen 127.0.0.1:7000] [--unix chat.sock] [--log chat.log]
//!     nc 127.0.0.1 7000        # in other terminals; the first line you type is your name
//!     nc -U chat.sock          # the same room, by a Unix socket
//!
//! `/who` lists the people, `/quit` leaves, Ctrl-C (at the server) says goodbye to all and ends.
//! A client that never reads is cut off once 256 KiB wait for it; nobody else notices.

use onward::events::*;
use onward::fs::WriteStream;
use onward::net::{Server, Socket};
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
        /// The last one has gone, and nobody comes any more.
        Closed(),
    }
}

/// The room, and the people in it.
#[derive(Default)]
struct Hall {
    room: Room,
    members: RefCell<BTreeMap<String, Socket>>,
}

struct Options {
    listen: String,
    unix: Option<String>,
    log: Option<String>,
}

fn main() -> onward::Result<()> {
    let options = options().unwrap_or_else(|wrong| {
        eprintln!("chat: {wrong}\nusage: chat [--listen HOST:PORT] [--unix PATH] [--log FILE]");
        std::process::exit(2);
    });
    onward::run(|| open(&options))
}

fn options() -> Result<Options, String> {
    let mut options = Options { listen: "127.0.0.1:7000".into(), unix: None, log: None };
    let mut args = std::env::args().skip(1);
    while let Some(option) = args.next() {
        let value = args.next().ok_or_else(|| format!("{option} wants a value"));
        match option.as_str() {
            "--listen" => options.listen = value?,
            "--unix" => options.unix = Some(value?),
            "--log" => options.log = Some(value?),
            _ => return Err(format!("no such option: {option}")),
        }
    }
    Ok(options)
}

fn open(options: &Options) -> onward::Result<()> {
    let hall = Rc::new(Hall::default());
    let mut servers = vec![Server::listen(&options.listen)?];
    if let Some(path) = &options.unix {
        servers.push(Server::listen(format!("unix:{path}"))?);
    }
    announce(&hall);
    if let Some(path) = &options.log {
        keep_transcript(&hall.room, path)?;
    }
    for server in &servers {
        let hall = Rc::clone(&hall);
        server.on(Error, |_, error| eprintln!("{error}"));
        server.on(Connection, move |_, socket| welcome(&hall, &socket));
        println!("chatting on {}", server.local_addr());
    }
    close_on_signal(hall, servers)
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

/// Appends what happens to a file.
fn keep_transcript(room: &Room, path: &str) -> onward::Result<()> {
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
    room.once(Closed, move |_, ()| log.end());
    Ok(())
}

/// Somebody is at the door.
fn welcome(hall: &Rc<Hall>, socket: &Socket) {
    socket.set_max_queued(PATIENCE);
    socket.write("Welcome! Your name? ");

    let guest = Rc::new(RefCell::new(Guest { hall: hall.clone(), name: None }));
    let (speaking, rambling, ending, leaving) =
        (guest.clone(), guest.clone(), guest.clone(), guest);
    let lines = socket.on_line(move |socket, line| {
        speaking.borrow_mut().line(socket, &printable(line));
    });
    // The socket is kept for a last word to who says too much at once.
    let lines = lines.max(LONGEST_LINE).keep_stream();
    lines.on(End, move |_, ()| ending.borrow_mut().leave());
    let answering = socket.clone();
    lines.on(Error, move |_, _| {
        rambling.borrow_mut().leave();
        see_off(&answering, "* that line is too long, goodbye\n");
    });
    socket.on(Error, |_, error| eprintln!("{error}"));
    socket.on(Close, move |_, _| leaving.borrow_mut().leave());
    socket.on(Shutdown, |socket, ()| see_off(socket, "* the room closes, goodbye\n"));
}

/// Somebody whose lines we read.
struct Guest {
    hall: Rc<Hall>,
    name: Option<String>,
}

impl Guest {
    fn line(&mut self, socket: &Socket, line: &str) {
        if socket.is_ended() {
            return; // the one before was the last that we wanted to hear
        }
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
}

/// A last word, and out.
fn see_off(socket: &Socket, word: &str) {
    if socket.is_ended() {
        return; // seen off before
    }
    socket.pause();
    socket.write(word);
    socket.destroy_soon();
}

/// What clients send is shown on other people's terminals: no control characters.
fn printable(line: &str) -> String {
    line.trim().replace(char::is_control, "\u{fffd}")
}

/// Ctrl-C, or a polite kill: nobody new comes in, goodbye to who is here, and out.
fn close_on_signal(hall: Rc<Hall>, servers: Vec<Server>) -> onward::Result<()> {
    let close = move || {
        let guests: usize = servers.iter().map(Server::connections).sum();
        println!("\nclosing, goodbye to {guests}");
        hall.members.borrow_mut().clear();
        // Who does not read cannot hold us up.
        let ends: Vec<_> = servers.iter().map(|server| server.shutdown(FAREWELL)).collect();
        let hall = hall.clone();
        onward::spawn_or_fail(async move {
            for end in ends {
                end.await?;
            }
            hall.room.emit(Closed, ());
            Ok(())
        });
    };
    let signals = onward::process::signals()?;
    signals.once(Interrupt, {
        let close = close.clone();
        move |_, ()| close()
    });
    signals.once(Terminate, move |_, ()| close());
    Ok(())
}
