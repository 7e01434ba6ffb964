//! What the engine stands on, and whom it speaks for.

use super::duplex::Duplex;
use super::hangup::has_hung_up;
use crate::error::Error;
use crate::event_loop::{Descriptor, Interest, Source};
use std::io::{self, IoSlice};
use std::rc::Rc;

/// A non-blocking descriptor that bytes come from and go to.
pub(crate) trait ByteHandle {
    fn receive(&self, buffer: &mut [u8]) -> io::Result<usize>;
    /// Has the other side ended, with nothing left to read? Takes nothing.
    fn at_end(&self) -> io::Result<bool>;
    fn send(&self, bytes: &[u8]) -> io::Result<usize>;
    fn send_vectored(&self, chunks: &[IoSlice<'_>]) -> io::Result<usize>;
    /// Tells the other side that nothing more will come.
    fn finish(&self) -> io::Result<()>;
    /// Is the other side told so when this is closed, whatever else happens?
    fn ends_by_closing(&self) -> bool {
        false
    }
    /// `None`: the poller has no business with it, and somebody else says when it is ready.
    fn descriptor(&self) -> Option<Descriptor<'_>>;
    /// Has the other side gone, whatever is left to read? Not every system tells.
    fn has_hung_up(&self) -> bool {
        self.descriptor().is_some_and(has_hung_up)
    }
    /// Has a read that does not fill its buffer taken all there was? Of a terminal it takes a line.
    const SHORT_READ_IS_ALL: bool = true;

    /// Is there nothing between it and the system? So it is with most, and their way is compiled apart. To receive and to send
    /// runs no code but the handle's own then.
    fn is_plain(&self) -> bool {
        true
    }
    /// What it waits for until bytes may flow.
    fn opening(&self) -> Interest {
        Interest::WRITE
    }
    /// Does it hold something to read, of which the system knows nothing?
    fn holds(&self) -> bool {
        false
    }
    /// Does it hold something that the system did not take?
    fn lags(&self) -> bool {
        false
    }
    /// Offers that to the system.
    fn push(&self) -> io::Result<()> {
        Ok(())
    }
    /// Bytes of those offered last that it took, though it said that it would block: it has to be offered the
    /// same again, and counts them then.
    fn owes(&self) -> usize {
        0
    }
    /// It has taken less than it was offered, and may take more at once.
    fn takes_more(&self) -> bool {
        false
    }
    /// It will not be offered the same again. Gives the bytes that it owed, which count as sent.
    fn disown(&self) -> usize {
        0
    }
}

/// A cheap handle to a stream that has such an engine, and tells what happens to it.
pub(crate) trait Endpoint: Clone + 'static {
    type Bytes: ByteHandle;
    fn duplex(&self) -> &Duplex<Self::Bytes>;
    /// What the registry keeps.
    fn source(&self) -> Rc<dyn Source>;
    /// What errors call it.
    fn target(&self) -> String;
    fn tell_data(&self, chunk: &[u8]);
    /// Of one that is [special](super::duplex::Duplex::set_special): bytes have come, and are about to be told.
    fn before_data(&self) {}
    /// Bytes have come that are told to nobody, and so is what came with them.
    fn pass_over(&self) {}
    fn tell_end(&self);
    fn tell_drain(&self);
    fn tell_finish(&self);
    /// The other side has gone, and nobody reads.
    fn tell_hangup(&self) {}
    fn tell_error(&self, error: Error);
    /// The last that it tells.
    fn tell_close(&self, had_error: bool);
}
