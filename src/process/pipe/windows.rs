//! Windows: the poller knows sockets only, so other threads read all, and write to children.

use super::fed::Fed;
use crate::event_loop::Descriptor;
use crate::io::ByteHandle;
use std::cell::{Cell, RefCell};
use std::fs::File;
use std::io::{self, IoSlice, IsTerminal as _, Write as _};
use std::os::windows::io::{AsHandle, OwnedHandle};
use std::sync::Arc;

/// Bytes that one thread writes at once.
const PIECE: usize = 64 * 1024;

/// A handle that bytes come from, or go to.
pub(crate) struct Bytes {
    file: Arc<File>,
    fed: RefCell<Fed>,
    /// Shared with others, as the standard streams are: written at once, however long that takes.
    shared: bool,
    /// What another thread is to write, or writes.
    leaving: RefCell<Option<Vec<u8>>>,
    writes: Cell<bool>,
    failed: Cell<Option<io::Error>>,
}

impl Bytes {
    fn new(file: OwnedHandle, shared: bool) -> Self {
        Self {
            file: Arc::new(File::from(file)),
            fed: RefCell::default(),
            shared,
            leaving: RefCell::default(),
            writes: Cell::new(false),
            failed: Cell::new(None),
        }
    }

    /// This process's end of a pipe.
    #[allow(clippy::unnecessary_wraps, reason = "elsewhere it can fail")]
    pub(in crate::process) fn ours(end: impl Into<OwnedHandle>) -> io::Result<Self> {
        Ok(Self::new(end.into(), false))
    }

    /// A standard stream.
    pub(in crate::process) fn shared(stream: impl AsHandle, _: bool) -> io::Result<Self> {
        Ok(Self::new(stream.as_handle().try_clone_to_owned()?, true))
    }

    pub(super) fn is_fed(&self) -> bool {
        true
    }

    pub(super) fn refused(&self) {}

    /// Is there nothing to be told of what another thread has read?
    pub(super) fn is_hungry(&self) -> bool {
        self.fed.borrow().is_empty()
    }

    pub(super) fn fill(&self, read: io::Result<Vec<u8>>) {
        self.fed.borrow_mut().fill(read);
    }

    /// What another thread reads from, and writes to.
    pub(super) fn file(&self) -> Arc<File> {
        Arc::clone(&self.file)
    }

    /// What another thread shall write now, if it does not do so already.
    pub(super) fn take_leaving(&self) -> Option<Vec<u8>> {
        if self.writes.get() {
            return None;
        }
        let piece = self.leaving.take();
        self.writes.set(piece.is_some());
        piece
    }

    /// It was written.
    pub(super) fn has_left(&self, written: io::Result<()>) {
        self.writes.set(false);
        self.failed.set(written.err());
    }

    pub(super) fn is_terminal(&self) -> bool {
        self.file.is_terminal()
    }

    pub(super) fn terminal_size(&self) -> Option<(u16, u16)> {
        None
    }

    /// Standard streams never ask for it.
    pub(super) fn wait_writable(&self) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }
}

impl ByteHandle for Bytes {
    const SHORT_READ_IS_ALL: bool = false;

    fn receive(&self, buffer: &mut [u8]) -> io::Result<usize> {
        self.fed.borrow_mut().receive(buffer)
    }

    /// Nobody has looked.
    fn at_end(&self) -> io::Result<bool> {
        Err(io::ErrorKind::WouldBlock.into())
    }

    fn send(&self, bytes: &[u8]) -> io::Result<usize> {
        if self.shared {
            return (&*self.file).write(bytes);
        }
        if let Some(error) = self.failed.take() {
            return Err(error);
        }
        let mut leaving = self.leaving.borrow_mut();
        if self.writes.get() || leaving.is_some() {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        let piece = &bytes[..bytes.len().min(PIECE)];
        *leaving = Some(piece.to_vec());
        Ok(piece.len())
    }

    fn send_vectored(&self, chunks: &[IoSlice<'_>]) -> io::Result<usize> {
        let first = chunks.iter().find(|chunk| !chunk.is_empty());
        first.map_or(Ok(0), |first| self.send(first))
    }

    fn finish(&self) -> io::Result<()> {
        Ok(())
    }

    fn descriptor(&self) -> Option<Descriptor<'_>> {
        None
    }
}
