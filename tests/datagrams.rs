//! What sockets for datagrams promise, with real ones. Each file holds one concern.
//!
//! None of them starts a process: for a moment it has what was closed here open, and a Unix socket that is gone still takes datagrams.
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
    mod support;
    #[cfg(unix)]
    mod unix;
}
