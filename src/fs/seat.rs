//! A stream's seat in the loop's registry.

use super::life::{self, FileStream};
use super::sys::{self, Kind};
use crate::event_loop::{Buffer, Description, Descriptor, Interest, Source};
use std::cell::RefCell;
use std::fs::File;
use std::io;
use std::rc::{Rc, Weak};
use std::sync::Arc;

/// Where the open file is. The pool has it too while it works on it.
pub(super) type Slot = RefCell<Option<Arc<File>>>;

/// What the registry keeps. It keeps the stream alive only while the poller may call for it.
pub(super) struct Seat<S: FileStream> {
    file: Rc<Slot>,
    stream: Weak<S::Inner>,
    awaited: RefCell<Option<S>>,
}

impl<S: FileStream> Seat<S> {
    pub(super) fn new(file: Rc<Slot>, stream: &S) -> Self {
        Self { file, stream: Rc::downgrade(stream.inner()), awaited: RefCell::new(None) }
    }

    pub(super) fn is_awaited(&self) -> bool {
        self.awaited.borrow().is_some()
    }

    /// Keeps the stream, or lets it go.
    pub(super) fn await_readiness(&self, stream: Option<S>) {
        let before = self.awaited.replace(stream);
        drop(before);
    }

    fn stream(&self) -> Option<S> {
        self.stream.upgrade().map(S::from_inner)
    }
}

impl<S: FileStream> Source for Seat<S> {
    fn describe(&self) -> Description {
        let target = self.stream().map(|stream| stream.life().target()).unwrap_or_default();
        Description { kind: S::KIND, target }
    }

    fn observe(&self) {
        self.stream().into_iter().for_each(|stream| stream.observe());
    }

    fn lend(&self, to: &mut dyn FnMut(Descriptor<'_>) -> io::Result<()>) -> io::Result<()> {
        self.file.borrow().as_deref().map_or(Ok(()), |file| sys::lend(file, to))
    }

    fn ready(self: Rc<Self>, _: Interest, _: &mut Buffer) {
        if let Some(stream) = self.stream() {
            stream.advance(true);
        }
    }

    /// Devices that are always ready are not watched: then the pool serves them.
    fn refused(self: Rc<Self>, _: io::Error) {
        let Some(stream) = self.stream() else { return };
        let life = stream.life();
        life.wait_for(Interest::NONE, None);
        life.way.set(stream.way(Kind::Regular));
        life::update(&stream);
    }

    fn shut(self: Rc<Self>) {
        if let Some(stream) = self.stream() {
            // There is no time for the pool to do it.
            drop(stream.left_over());
            life::destroy(&stream, None);
            // Nobody will hear of what the pool still does for it.
            life::close(&stream);
        }
    }

    fn abandon(self: Rc<Self>) {
        self.stream().iter().for_each(life::leave);
    }
}
