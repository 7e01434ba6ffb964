//! The files below a directory over HTTP, in whole or in ranges: hyper on our sockets, `ReadStream` for the bodies.
//!
//!     cargo run --release --example serve -- [DIR] [--listen 127.0.0.1:8080] [--patience SECONDS] [--grace SECONDS]
//!     curl 127.0.0.1:8080/                         # its index.html, or what stands in it
//!     curl -r 0-99 127.0.0.1:8080/film.mp4         # the first hundred bytes; -r -100: the last
//!     curl -C - -O 127.0.0.1:8080/film.mp4         # what is missing of a copy that was broken off
//!
//! A file is read as fast as its client takes it, so that neither its length nor a client's slowness costs memory. One
//! that becomes shorter meanwhile ends in a connection that breaks off. What begins with a dot is neither served nor
//! listed, and links that lead out of the directory are not followed; whoever may change the tree while it is served can
//! still get around that, between two looks.
//!
//! Who takes longer than the patience, 30 seconds, for a head, or takes nothing of an answer for twice as long, is cut
//! off. Ctrl-C lets the answers that are being made come to their end, within the grace, 5 seconds, and ends.

mod body;
mod conditions;
mod listing;
mod paths;
mod ranges;
mod site;
#[path = "../support/hyper.rs"]
mod support;

use hyper::service::service_fn;
use onward::net::ServerOptions;
use onward::{events::*, process};
use site::Site;
use std::convert::Infallible;
use std::path::PathBuf;
use std::rc::Rc;
use std::time::Duration;

/// Each has two descriptors while a file is sent.
const MOST_CLIENTS: usize = 1000;

struct Options {
    root: PathBuf,
    listen: String,
    patience: Duration,
    grace: Duration,
}

fn main() -> onward::Result<()> {
    let options = options().unwrap_or_else(|wrong| {
        eprintln!(
            "serve: {wrong}\nusage: serve [DIR] [--listen HOST:PORT] [--patience SECONDS] [--grace SECONDS]"
        );
        std::process::exit(2);
    });
    onward::run(|| {
        onward::spawn_or_fail(open(options));
        Ok(())
    })
}

fn options() -> Result<Options, String> {
    let mut options = Options {
        root: ".".into(),
        listen: "127.0.0.1:8080".into(),
        patience: Duration::from_secs(30),
        grace: Duration::from_secs(5),
    };
    let mut args = std::env::args_os().skip(1);
    while let Some(arg) = args.next() {
        let Some(option) = arg.to_str().filter(|arg| arg.starts_with("--")) else {
            options.root = arg.into();
            continue;
        };
        if !["--listen", "--patience", "--grace"].contains(&option) {
            return Err(format!("no such option: {option}"));
        }
        let value = args.next().and_then(|value| value.into_string().ok());
        let value = value.ok_or_else(|| format!("{option} wants a value"))?;
        if option == "--listen" {
            options.listen = value;
            continue;
        }
        let seconds = value.parse().ok().and_then(|it| Duration::try_from_secs_f64(it).ok());
        let seconds = seconds.ok_or_else(|| format!("{option} wants a number of seconds"))?;
        *(if option == "--grace" { &mut options.grace } else { &mut options.patience }) = seconds;
    }
    Ok(options)
}

async fn open(options: Options) -> onward::Result<()> {
    let Options { root, listen, patience, grace } = options;
    let site = Rc::new(Site::open(&root).await?);
    let server = ServerOptions::new().max_connections(MOST_CLIENTS).listen(listen)?;
    let ready = format!("serving on {}; {}", server.local_addr(), site.root().display());
    server.on(Error, |_, error| eprintln!("serve: {error}"));
    server.on(Connection, move |_, socket| {
        let site = Rc::clone(&site);
        // Nothing of an answer is taken. Whatever else takes too long has been told so before.
        socket.set_timeout(2 * patience);
        socket.on(Timeout, |socket, ()| socket.destroy());
        onward::spawn(async move {
            let service = service_fn(|request| {
                let site = Rc::clone(&site);
                async move { Ok::<_, Infallible>(site::answer(&site, &request).await) }
            });
            if let Err(error) = support::serve(socket, patience, service).await {
                eprintln!("serve: {error}");
            }
        });
    });

    let signals = process::signals()?;
    let close = move || {
        println!("closing, {} connections may come to their end", server.connections());
        server.shutdown(grace);
    };
    signals.once(Terminate, {
        let close = close.clone();
        move |_, ()| close()
    });
    signals.once(Interrupt, move |_, ()| close());
    println!("{ready}"); // which includes the end
    Ok(())
}
