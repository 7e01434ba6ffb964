//! The process itself: its signals.

#[cfg(unix)]
mod signal;

#[cfg(unix)]
pub use signal::{SignalEvent, Signals, signals};
