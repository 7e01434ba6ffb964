//! What sockets for datagrams promise, with real ones. Each file holds one concern.
#![cfg(feature = "net")]

#[allow(dead_code, reason = "shared with other tests")]
mod common;

mod datagrams {
    mod batches;
    mod connected;
    mod lives;
    mod messages;
    mod node_parity;
    mod options;
    mod sending;
    #[cfg(target_os = "linux")]
    mod starved;
    mod support;
    #[cfg(unix)]
    mod unix;
}
