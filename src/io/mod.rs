//! The one engine between readiness and a stream, for non-blocking byte handles.

mod corking;
mod duplex;
mod reading;
#[cfg(test)]
mod simulated;
mod writing;

pub(crate) use corking::{cork, dispatch, send_waiting, set_autocork, uncork};
pub(crate) use duplex::{
    ByteHandle, Duplex, Endpoint, attach, destroy, enroll, establish, hold, listen, pause, ready,
    release, resume,
};
pub(crate) use writing::{end, write, write_chunk, write_then};
