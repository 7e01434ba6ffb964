//! Bad input, bad peers and bad luck: TCP has to come out of it in order. Each file holds one concern.
#![cfg(feature = "net")]

#[allow(dead_code, reason = "shared with other tests")]
mod common;

#[cfg(all(target_os = "linux", feature = "process"))]
#[path = "../examples/echo.rs"]
mod echo;

mod abuse {
    mod addresses;
    #[cfg(target_os = "linux")]
    mod descriptors;
    mod idle;
    mod panics;
    #[cfg(all(target_os = "linux", feature = "process"))]
    mod processes;
    mod resets;
}
