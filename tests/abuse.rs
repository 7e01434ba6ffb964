//! Bad input, bad peers and bad luck: sockets have to come out of it in order. Each file holds one concern.
#![cfg(feature = "net")]

#[allow(dead_code, reason = "shared with other tests")]
mod common;

mod abuse {
    mod addresses;
    #[cfg(target_os = "linux")]
    mod descriptors;
    #[cfg(target_os = "linux")]
    mod fairness;
    mod idle;
    mod narrow;
    mod panics;
    #[cfg(all(target_os = "linux", feature = "process"))]
    mod refusals;
    mod resets;
    #[cfg(all(target_os = "linux", feature = "process"))]
    mod signals;
    #[cfg(target_os = "linux")]
    mod starved;
}
