//! The one engine between readiness and a stream, for every non-blocking byte handle.

mod duplex;

pub(crate) use duplex::{
    ByteHandle, Duplex, Endpoint, attach, destroy, end, establish, hold, listen, pause, ready,
    release, resume, write,
};
