//! What others see in a `WriteStream`.

use super::beside::Beside;
use super::life::{self, FileStream, Life, Over, Way};
use super::splice;
use super::sys::{Is, Kind};
use super::write::{Inner, WriteStream};
use super::writing;
use crate::abort::{Abortable, when_closed};
use crate::emitter::names::{Close, Open};
use crate::emitter::{Downgrade, Emitter, Listeners, Recall};
use crate::error::Error;
use crate::event_loop::{Interest, ResourceKind};
use crate::stream::WriteControl;
use bytes::Bytes;
use std::any::Any;
use std::fmt;
use std::rc::{Rc, Weak};

impl Downgrade for WriteStream {
    fn downgrade(&self) -> impl Fn() -> Option<Self> + 'static {
        let inner = Rc::downgrade(&self.0);
        move || inner.upgrade().map(Self)
    }
}

impl Emitter for WriteStream {
    fn listeners(&self) -> &Listeners<Self> {
        &self.0.emitter
    }

    fn recall(&self) -> Option<Recall<Self>> {
        Some(Recall::new(self.downgrade()))
    }
}

impl FileStream for WriteStream {
    type Inner = Inner;

    const KIND: ResourceKind = ResourceKind::WriteStream;

    fn observe(&self) {
        self.0.emitter.observe();
    }

    fn inner(&self) -> &Rc<Inner> {
        &self.0
    }

    fn from_inner(inner: Rc<Inner>) -> Self {
        Self(inner)
    }

    fn life(&self) -> &Life<Self> {
        &self.0.life
    }

    fn opened(&self, is: Is) {
        self.0.kind.set(is.kind);
    }

    fn keep_beside(&self, beside: Beside) {
        self.0.beside.replace(Some(beside));
    }

    fn left_over(&self) -> Option<Beside> {
        self.0.beside.take()
    }

    fn tell_unfinished(&self, error: Option<&Error>) {
        writing::tell_unfinished(self, error);
    }

    fn way(&self, kind: Kind) -> Way {
        // What has no offsets cannot be written at one; the system shall say so.
        let watched = kind == Kind::Stream && self.0.position.get().is_none();
        if watched { Way::Polled } else { Way::Pool }
    }

    fn interest(&self) -> Interest {
        Interest::when(Interest::WRITE, self.0.has_work())
    }

    fn is_due(&self) -> bool {
        self.0.is_due()
    }

    fn advance(&self, ready: bool) {
        writing::advance(self, ready);
    }

    fn abandon(&self) {
        self.0.queue.borrow_mut().clear();
        self.0.rest.take();
    }

    fn forget_all(&self) {
        self.0.emitter.clear();
        self.0.waiters.clear();
    }

    fn tell_open(&self) {
        self.0.emitter.emit(self, Open, ());
    }

    fn tell_error(&self, error: Error) {
        if let Err(unhandled) = self.0.emitter.emit_error(self, error) {
            self.0.life.handle.fail(Error::unhandled(self, unhandled.into_inner()));
        }
    }

    fn tell_close(&self, had_error: bool) {
        let _over = Over(&self.0.emitter);
        self.0.emitter.emit(self, Close, had_error);
    }
}

impl WriteControl for WriteStream {
    fn write_chunk(&self, chunk: &[u8]) -> bool {
        self.write(chunk)
    }
    fn keeps_chunks(&self) -> bool {
        true
    }
    fn write_kept(&self, chunk: Bytes) -> bool {
        self.write_owned(chunk)
    }
    fn draw_from(&self, source: &dyn Any, heard: Weak<()>) {
        splice::join(self, source, heard);
    }
    fn end(&self) {
        self.end();
    }
    fn destroy(&self) {
        self.destroy();
    }
    fn is_destroyed(&self) -> bool {
        self.is_destroyed()
    }
}

impl Drop for WriteStream {
    fn drop(&mut self) {
        life::handle_dropped(self);
    }
}

impl fmt::Debug for WriteStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "WriteStream({}{}", self.0.life.target(), self.0.life.state())?;
        match self.queued() {
            0 => f.write_str(")"),
            queued => write!(f, ", {queued} bytes queued)"),
        }
    }
}

impl fmt::Display for WriteStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "WriteStream {}", self.0.life.target())
    }
}

impl Abortable for WriteStream {
    fn destroy_with(&self, error: Error) {
        life::destroy(self, Some(error));
    }
    fn when_closed(&self, then: impl FnOnce() + 'static) {
        when_closed(self, then);
    }
}
