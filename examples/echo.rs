//! An echo server and nothing else, for measuring.
//!
//!     cargo run --release --example echo -- PORT [echo|sink] [BUFFER]
//!
//! Port 0 takes any free one. `sink` reads and drops. BUFFER is taken for the sake of other servers that
//! are called the same way: this one reads 64 KiB at a time.

use onward::{
    events::*,
    net::{Server, Socket},
};
use std::env;

/// Reads no more until all that was written is on its way. Few ever have to, and none has a listener for it before.
#[cold]
fn wait(socket: &Socket) {
    socket.pause();
    socket.once(Drain, |socket, ()| socket.resume());
}

fn main() -> onward::Result<()> {
    let mut args = env::args().skip(1);
    let port = args.next().unwrap_or_else(|| "0".into());
    let sink = args.next().is_some_and(|mode| mode == "sink");

    onward::run(|| {
        let server = Server::listen(format!("127.0.0.1:{port}"))?;
        println!("listening on {}", server.local_addr());
        server.on(Error, |_, error| eprintln!("{error}"));
        server.on(Connection, move |_, socket| {
            socket.on(Error, |_, _| {}); // clients come and go as they like
            if let Err(error) = socket.set_no_delay(true) {
                eprintln!("{error}");
            }
            if sink {
                socket.resume();
                return;
            }
            socket.on(Data, |socket, chunk| {
                if !socket.write(chunk) {
                    wait(socket);
                }
            });
        });
        Ok(())
    })
}
