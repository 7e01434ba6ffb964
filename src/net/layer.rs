//! What may stand between the bytes of a socket and the system: descriptors that go with them, or a layer that
//! makes others of them, such as encryption.

#[cfg(unix)]
use super::passing::Passing;
#[cfg(any(unix, feature = "tls"))]
use super::sys;
#[cfg(feature = "tls")]
use crate::event_loop::Interest;
use socket2::Socket;
#[cfg(feature = "tls")]
use std::any::Any;
use std::io::{self, IoSlice};

/// What few sockets have.
pub(super) enum Beside {
    /// Descriptors may come or go with the bytes.
    #[cfg(unix)]
    Passing(Passing),
    #[cfg(feature = "tls")]
    Layer(Box<dyn Layer>),
}

#[allow(unused_variables, reason = "where there is neither")]
impl Beside {
    pub(super) fn receive(&self, socket: &Socket, buffer: &mut [u8]) -> io::Result<usize> {
        match *self {
            #[cfg(unix)]
            Self::Passing(ref passing) => passing.receive(sys::borrow(socket), buffer),
            #[cfg(feature = "tls")]
            Self::Layer(ref layer) => layer.receive(Below(socket), buffer),
        }
    }

    pub(super) fn send(&self, socket: &Socket, chunks: &[IoSlice<'_>]) -> io::Result<usize> {
        match *self {
            #[cfg(unix)]
            Self::Passing(ref passing) => passing.send(sys::borrow(socket), chunks),
            #[cfg(feature = "tls")]
            Self::Layer(ref layer) => layer.send(Below(socket), chunks),
        }
    }
}

/// A layer between a socket's bytes and the system's. What its calls mean is what those of
/// [`ByteHandle`](crate::io::ByteHandle) do.
#[cfg(feature = "tls")]
pub(crate) trait Layer: Any {
    /// Goes on with what has to be said before bytes may flow, until it has to wait. `true`: they may.
    fn open(&self, below: Below<'_>) -> io::Result<bool>;
    fn opening(&self) -> Interest;
    /// A read that does not fill the buffer has taken all that the system had, or has found the end.
    fn receive(&self, below: Below<'_>, buffer: &mut [u8]) -> io::Result<usize>;
    fn at_end(&self, below: Below<'_>) -> io::Result<bool>;
    fn send(&self, below: Below<'_>, chunks: &[IoSlice<'_>]) -> io::Result<usize>;
    /// Says that no more will come, before the system does.
    fn finish(&self, below: Below<'_>) -> io::Result<()>;
    fn push(&self, below: Below<'_>) -> io::Result<()>;
    fn holds(&self) -> bool;
    fn lags(&self) -> bool;
    fn owes(&self) -> usize;
    fn disown(&self) -> usize;
}

/// What is below a layer: the system.
#[cfg(feature = "tls")]
#[derive(Clone, Copy)]
pub(crate) struct Below<'a>(pub(super) &'a Socket);

#[cfg(feature = "tls")]
impl io::Read for Below<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        sys::receive(self.0, buffer)
    }
}

#[cfg(feature = "tls")]
impl io::Write for Below<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        sys::send(self.0, bytes)
    }

    fn write_vectored(&mut self, chunks: &[IoSlice<'_>]) -> io::Result<usize> {
        match chunks {
            [one] => sys::send(self.0, one),
            all => sys::send_vectored(self.0, all),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
