//! The order of a turn, as Node's documentation of its event loop tells it.
//!
//!     cargo run --release --example timers
//!
//! Ticks run right after the callback that asked for them; then come timers, immediates, and last the
//! close callbacks. From inside of an I/O callback an immediate always comes before a timer.

use onward::events::*;
use onward::net::Server;
use onward::{next_tick, set_immediate, set_timeout};
use std::time::Duration;

fn main() -> onward::Result<()> {
    onward::run(|| {
        set_timeout(Duration::ZERO, || {
            println!("3. timer");
            next_tick(|| println!("4. tick of the timer, before the next timer"));
        });
        set_timeout(Duration::ZERO, || println!("5. second timer"));

        let server = Server::listen("127.0.0.1:0")?;
        server.on(Close, |_, ()| println!("8. close"));
        set_immediate(move || {
            println!("6. immediate");
            server.close();
            next_tick(|| println!("7. tick of the immediate, before the close"));
        });

        next_tick(|| println!("2. tick of the setup"));
        println!("1. setup");
        Ok(())
    })
}
