//! The event loop from outside: order, timers, ends, errors, threads. Each file holds one concern.
#![cfg(feature = "net")]

mod event_loop {
    mod async_listeners;
    mod awaiting_work;
    mod blocking;
    mod captures;
    mod channels;
    mod driving;
    mod ends;
    mod errors;
    mod failing;
    mod futures;
    mod futures_lite;
    mod idle;
    mod immediates;
    mod intervals;
    mod later;
    #[cfg(feature = "named")]
    mod named;
    mod nesting;
    mod observing;
    #[cfg(feature = "histogram")]
    mod observing_delay;
    mod observing_dump;
    mod observing_slow;
    mod observing_walks;
    mod order;
    mod panics;
    mod pool;
    #[cfg(target_os = "linux")]
    mod pool_limits;
    mod pool_troubles;
    mod remotes;
    mod sleeping;
    mod sources;
    mod support;
    mod time;
    mod timers;
}
