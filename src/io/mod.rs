//! Streams for what is made for futures: [`AsyncIo`] is what [`Socket::into_io`](crate::net::Socket::into_io) gives.
//!
//! Each stream of bytes on the loop, whatever it is made of, has the same engine between readiness and its events.
//! It lives here, and has no public face of its own.

mod async_io;
mod corking;
mod duplex;
mod hangup;
mod pulling;
mod reading;
#[cfg(test)]
mod simulated;
mod writing;

pub use async_io::AsyncIo;

pub(crate) use async_io::into_io;
pub(crate) use corking::{cork, dispatch, send_waiting, set_autocork, uncork};
pub(crate) use duplex::{
    ByteHandle, Duplex, Endpoint, attach, destroy, enroll, establish, hold, listen, pause, ready,
    release, resume,
};
pub(crate) use hangup::{await_hangup, discard_input};
pub(crate) use writing::{end, write, write_chunk, write_then};
