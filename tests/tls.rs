//! What encrypted connections promise, with real ones. Each file holds one concern.
#![cfg(feature = "tls")]

#[allow(dead_code, reason = "shared with other tests")]
mod common;

mod tls {
    mod agreed;
    mod async_io;
    mod errors;
    mod flowing;
    mod order;
    #[cfg(unix)]
    mod real;
    mod reentrant;
    mod servers;
    mod support;
    mod upgrades;
}
