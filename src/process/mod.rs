//! The process itself: its signals.

#[cfg(any(unix, windows))]
mod signal;

#[cfg(any(unix, windows))]
pub use signal::{SignalEvent, Signals, signals};
