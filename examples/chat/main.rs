//! A chat server for any number of `nc` clients and browsers: emitter, sockets, files, signals, HTTP and WebSockets in
//! one program.
//!
//!     cargo run --release --example chat -- [--listen 127.0.0.1:7000] [--unix chat.sock] [--log chat.log]
//!                                           [--http 127.0.0.1:8000] [--heartbeat SECONDS]
//!     nc 127.0.0.1 7000        # in other terminals; the first line you type is your name
//!     nc -U chat.sock          # the same room, by a Unix socket
//!     http://127.0.0.1:8000    # the same room, in the browser
//!
//! `/who` lists the people, `/quit` leaves, Ctrl-C (at the server) says goodbye to all and ends.
//! A client that never reads is cut off once 256 KiB wait for it; nobody else notices. A browser that does not
//! answer a ping within a heartbeat, 30 seconds, is cut off too.

mod hall;
#[path = "../support/hyper.rs"]
mod support;
mod terminal;
mod web;

use hall::{Closed, Hall, Joined, Left, Room, Said};
use onward::events::*;
use onward::fs::WriteStream;
use onward::net::Server;
use std::rc::Rc;
use std::time::Duration;

/// What may wait for a client that is slow to read.
const PATIENCE: usize = 256 * 1024;
const LONGEST_LINE: usize = 4096;
/// How long a goodbye may take.
const FAREWELL: Duration = Duration::from_secs(1);

struct Options {
    listen: String,
    unix: Option<String>,
    log: Option<String>,
    http: Option<String>,
    heartbeat: Duration,
}

fn main() -> onward::Result<()> {
    let options = options().unwrap_or_else(|wrong| {
        eprintln!(
            "chat: {wrong}\nusage: chat [--listen HOST:PORT] [--unix PATH] [--log FILE] \
             [--http HOST:PORT] [--heartbeat SECONDS]"
        );
        std::process::exit(2);
    });
    onward::run(|| open(&options))
}

fn options() -> Result<Options, String> {
    let mut options = Options {
        listen: "127.0.0.1:7000".into(),
        unix: None,
        log: None,
        http: None,
        heartbeat: Duration::from_secs(30),
    };
    let mut args = std::env::args().skip(1);
    while let Some(option) = args.next() {
        let value = args.next().ok_or_else(|| format!("{option} wants a value"));
        match option.as_str() {
            "--listen" => options.listen = value?,
            "--unix" => options.unix = Some(value?),
            "--log" => options.log = Some(value?),
            "--http" => options.http = Some(value?),
            "--heartbeat" => {
                let seconds = value?.parse().map(Duration::try_from_secs_f64);
                options.heartbeat = seconds
                    .ok()
                    .and_then(Result::ok)
                    .ok_or_else(|| format!("{option} wants a number of seconds"))?;
            }
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
    hall::announce(&hall);
    if let Some(path) = &options.log {
        keep_transcript(&hall.room, path)?;
    }
    for server in &servers {
        let hall = Rc::clone(&hall);
        server.on(Error, |_, error| eprintln!("{error}"));
        server.on(Connection, move |_, socket| terminal::welcome(&hall, &socket));
    }
    let mut places: Vec<_> = servers.iter().map(|it| it.local_addr().to_string()).collect();
    if let Some(address) = &options.http {
        let server = web::open(&hall, address, options.heartbeat)?;
        places.push(format!("http://{}/", server.local_addr()));
        servers.push(server);
    }
    close_on_signal(hall, servers)?;
    // Not before all is ready, the end included: who reads this may want that at once.
    places.iter().for_each(|place| println!("chatting on {place}"));
    Ok(())
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

/// Ctrl-C, or a polite kill: nobody new comes in, goodbye to who is here, and out.
fn close_on_signal(hall: Rc<Hall>, servers: Vec<Server>) -> onward::Result<()> {
    let close = move || {
        let guests: usize = servers.iter().map(Server::connections).sum();
        println!("\nclosing, goodbye to {guests}");
        hall.clear();
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
