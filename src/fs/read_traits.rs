//! What others see in a `ReadStream`.

use super::life::{self, FileStream, Life, Over, Way};
use super::read::{Inner, ReadStream};
use super::reading;
use super::sys::{Is, Kind};
use crate::abort::{Abortable, when_closed};
use crate::emitter::names::{Close, Data, Open};
use crate::emitter::{Downgrade, Emitter, Event, Listeners, Pausable, Recall};
use crate::error::Error;
use crate::event_loop::{Interest, ResourceKind};
use crate::stream::{Flow, ReadControl, holds};
use bytes::Bytes;
use std::any::TypeId;
use std::fmt;
use std::rc::Rc;

impl Downgrade for ReadStream {
    fn downgrade(&self) -> impl Fn() -> Option<Self> + 'static {
        let inner = Rc::downgrade(&self.0);
        move || inner.upgrade().map(Self)
    }
}

impl Emitter for ReadStream {
    fn listeners(&self) -> &Listeners<Self> {
        &self.0.emitter
    }

    fn recall(&self) -> Option<Recall<Self>> {
        Some(Recall::new(self.downgrade()))
    }

    fn listener_added<E: Event<Self>>(&self, _: E) {
        if TypeId::of::<E>() == TypeId::of::<Data>() {
            self.flow_changed(Flow::listen);
        }
    }
}

impl FileStream for ReadStream {
    type Inner = Inner;

    const KIND: ResourceKind = ResourceKind::ReadStream;

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
        self.0.length.set((is.kind == Kind::Regular).then_some(is.length));
    }

    fn is_dormant(&self) -> bool {
        self.0.follow.as_ref().is_some_and(|follow| follow.is_asleep())
    }

    fn has_ready(&self) -> bool {
        self.0.has_ready()
    }

    fn way(&self, kind: Kind) -> Way {
        let position = self.0.position.get();
        match kind {
            Kind::Regular => {
                // A file that we opened is nobody else's, so reads need not move its position.
                let ours = self.path().is_some() && self.0.life.way.get() == Way::Opening;
                self.0.position.set(position.or_else(|| ours.then_some(0)));
                Way::Cached
            }
            // Cannot be read from there; the system shall say so.
            Kind::Stream if position.is_some() => Way::Pool,
            Kind::Stream => Way::Polled,
        }
    }

    fn interest(&self) -> Interest {
        Interest::when(Interest::READ, self.0.flow.is_flowing())
    }

    fn is_due(&self) -> bool {
        // To close, once `End` was told; or to tell that, which the poller knows nothing of.
        let closes = self.0.flow.has_ended() && self.0.options.auto_close;
        closes || self.0.has_had_all() && self.0.flow.is_flowing()
    }

    fn advance(&self, ready: bool) {
        reading::advance(self, ready);
    }

    fn abandon(&self) {
        self.0.flow.end();
        self.0.ahead.take();
        let sink = self.0.sink.take();
        drop(sink);
        self.0.follow.iter().for_each(|follow| follow.forget());
    }

    fn forget_all(&self) {
        self.0.emitter.clear();
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

/// A stream of `Data` that blocks does not read on while it is full; the file stream's own
/// [`pause`](ReadStream::pause) stays what it is.
impl Pausable for ReadStream {
    fn pauser(&self) -> impl Fn(bool) + 'static {
        holds(self)
    }
}

impl ReadControl for ReadStream {
    fn pause(&self) {
        self.pause();
    }
    fn resume(&self) {
        self.resume();
    }
    fn hold(&self) {
        self.0.flow.hold();
        life::update(self);
    }
    fn release(&self) {
        self.0.flow.release();
        life::update(self);
    }
    fn has_ended(&self) -> bool {
        self.0.flow.has_ended()
    }
    fn have_kept(&self, wanted: bool) {
        let keepers = self.0.keepers.get();
        self.0.keepers.set(if wanted { keepers + 1 } else { keepers.saturating_sub(1) });
    }
    fn kept(&self, chunk: &[u8]) -> Option<Bytes> {
        let lent = self.0.lent.borrow();
        lent.as_ref().filter(|lent| std::ptr::eq(&lent[..], chunk)).cloned()
    }
    fn destroy(&self) {
        self.destroy();
    }
    fn is_destroyed(&self) -> bool {
        self.is_destroyed()
    }
}

impl Drop for ReadStream {
    fn drop(&mut self) {
        life::handle_dropped(self);
    }
}

impl fmt::Debug for ReadStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let paused = if self.is_paused() { ", paused" } else { "" };
        write!(f, "ReadStream({}{}{paused})", self.0.life.target(), self.0.life.state())
    }
}

impl fmt::Display for ReadStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ReadStream {}", self.0.life.target())
    }
}

impl Abortable for ReadStream {
    fn destroy_with(&self, error: Error) {
        life::destroy(self, Some(error));
    }
    fn when_closed(&self, then: impl FnOnce() + 'static) {
        when_closed(self, then);
    }
}
