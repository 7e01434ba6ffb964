//! The system calls of a message, where nothing stands between the handle and the system.
#![allow(unsafe_code, reason = "two questions for each call, where a borrow has six")]

use super::duplex::Duplex;
use super::seams::ByteHandle;
use crate::event_loop::Written;
use std::io;

impl<H: ByteHandle> Duplex<H> {
    /// The open handle, if it is [plain](ByteHandle::is_plain).
    ///
    /// # Safety
    ///
    /// As long as it is used nothing runs but a call of it.
    #[inline(always)]
    unsafe fn plain(&self) -> Option<&H> {
        // SAFETY: so nobody changes it, or takes it away, meanwhile: a plain handle knows nothing of this.
        let bytes = unsafe { self.bytes.try_borrow_unguarded() };
        bytes.ok()?.as_ref().filter(|bytes| bytes.is_plain())
    }

    /// Receives once. `None`: it is not plain, and nothing has happened.
    #[inline(always)]
    pub(super) fn receive_plainly(&self, buffer: &mut [u8]) -> Option<io::Result<usize>> {
        // SAFETY: it receives, and that is all.
        Some(unsafe { self.plain() }?.receive(buffer))
    }

    /// Sends what a callback has [written](crate::event_loop::Handle::written), of which there is some, once. `None`: it is not
    /// plain, and nothing has happened.
    #[inline(always)]
    pub(super) fn send_plainly(&self, written: &Written) -> Option<io::Result<usize>> {
        // SAFETY: it sends, and that is all.
        unsafe { Some(self.plain()?.send(written.get())) }
    }
}
