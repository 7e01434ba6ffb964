//! What TCP sockets and servers promise, with real ones. Each file holds one concern.
#![cfg(feature = "net")]

#[allow(dead_code, reason = "shared with other tests")]
mod common;

mod net {
    mod answers;
    mod async_io;
    mod callbacks;
    mod closing;
    mod connecting;
    #[cfg(unix)]
    mod descriptors;
    mod edges;
    mod flowing;
    mod half_open;
    mod leaving;
    mod lifetimes;
    mod limits;
    mod lookups;
    mod names;
    mod node_parity;
    mod node_parity_limits;
    mod options;
    mod order;
    mod pipelines;
    mod pipes;
    mod servers;
    mod shutdown;
    mod standard;
    mod streams;
    mod timeouts;
    #[cfg(unix)]
    mod unix;
    mod watching;
    mod writing;
}
