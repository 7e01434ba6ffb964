//! The one engine between readiness and datagrams, for UDP and for Unix sockets.
//!
//! A datagram is whole or not there at all, has a sender, and may be empty: so this is no byte stream, and an
//! error is no end. [`life`] has what a socket is, from its first descriptor to its `Close`; [`receiving`] tells
//! what has come; [`sending`] sends at once or from the [`queue`].

#[cfg(target_os = "linux")]
mod batch;
mod handles;
mod life;
mod queue;
#[cfg(any(target_os = "linux", target_os = "android"))]
mod raw;
mod receiving;
mod sending;
mod stats;
mod sys;
#[cfg(unix)]
mod unix;

pub(super) use handles::handle;
pub(super) use life::{
    Datagrams, Endpoint, attach, close, fail_later, hear, hold, pause, ready, refused, release,
    resume, set_connected,
};
pub(super) use queue::Done;
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(super) use raw::{set_coalescing, set_source_v6};
pub(super) use sending::{fail_waiting, send, send_all, send_segments};
pub use stats::DatagramStats;
#[cfg(unix)]
pub(super) use unix::UnixHandle;
