//! How pieces are cut out of what is read, told, and kept while they are paused.

use super::pieces::{Inner, Pieces};
use super::readable::Flow;
use super::split::{Cutter, Piece, Splitter};
use super::traits::ReadEar;
use crate::emitter::Emitter as _;
use crate::emitter::names::{Close, Data, End, Line};
use crate::error::{Error, ErrorKind};

impl Pieces {
    pub(super) fn flow_changed(&self, change: impl FnOnce(&Flow) -> bool) {
        if change(&self.0.flow) {
            self.go_on_later();
            self.0.balance();
        }
    }

    /// What was left, and what could not be told, comes once the running callback is through.
    fn go_on_later(&self) {
        let waits = self.0.stream_ended.get() || !self.0.backlog.borrow().is_empty();
        if !waits || !self.0.flow.is_flowing() || self.0.scheduled.replace(true) {
            return;
        }
        let pieces = self.clone();
        self.0.later(move || pieces.go_on());
    }

    fn go_on(&self) {
        self.0.scheduled.set(false);
        let backlog = self.0.backlog.take();
        self.cut(&backlog);
        if self.0.stream_ended.get() && self.0.backlog.borrow().is_empty() {
            self.finish();
        }
        self.0.balance();
    }

    /// Tells the pieces in a chunk; from where it is paused on, they are kept.
    fn cut(&self, mut chunk: &[u8]) {
        let inner = &*self.0;
        while !chunk.is_empty() && !inner.destroyed.get() {
            if !inner.flow.is_flowing() {
                inner.backlog.borrow_mut().extend_from_slice(chunk);
                return inner.balance();
            }
            let Some(cut) = inner.with_cutter(|cutter| cutter.cut(chunk)) else {
                return inner.backlog.borrow_mut().extend_from_slice(chunk);
            };
            let (rest, piece) = match cut {
                Ok(Piece::Unfinished) => return,
                Ok(Piece::Here { taken, told }) => {
                    let rest = Rest(self, &chunk[taken..]);
                    self.tell(&chunk[told]);
                    (rest, None)
                }
                Ok(Piece::Held { taken, piece, told }) => {
                    let rest = Rest(self, &chunk[taken..]);
                    self.tell(&piece[told]);
                    (rest, Some(piece))
                }
                Err(error) => return self.abort(Some(error)),
            };
            chunk = rest.1;
            std::mem::forget(rest);
            if let Some(piece) = piece {
                inner.with_cutter(|cutter| cutter.recycle(piece));
            }
        }
    }

    fn tell(&self, piece: &[u8]) {
        let emitter = &self.0.emitter;
        emitter.emit(self, Data, piece);
        if self.listener_count(Line) == 0 || self.0.destroyed.get() {
            return;
        }
        match std::str::from_utf8(piece) {
            Ok(line) => drop(emitter.emit(self, Line, line)),
            Err(error) if self.0.strict.get() => {
                self.abort(Some(Error::new(ErrorKind::Malformed, "read line").because(error)));
            }
            Err(_) => drop(emitter.emit(self, Line, &String::from_utf8_lossy(piece))),
        }
    }

    /// The stream has ended, and all but the last piece has been told.
    fn finish(&self) {
        let inner = &*self.0;
        if inner.destroyed.get() {
            return;
        }
        let Some(last) = inner.with_cutter(Cutter::finish) else { return self.go_on_later() };
        match last {
            Err(error) => return self.abort(Some(error)),
            Ok(Some((piece, told))) => {
                let rest = Rest(self, &[]);
                self.tell(&piece[told]);
                std::mem::forget(rest);
            }
            Ok(None) => {}
        }
        // It may have been paused at the last piece.
        if inner.flow.is_flowing() && !inner.destroyed.get() {
            inner.flow.end();
            // Even if a listener panics.
            let _closing = Closing(self);
            inner.emitter.emit(self, End, ());
        }
    }

    /// Ends it before its time.
    pub(super) fn abort(&self, error: Option<Error>) {
        let inner = &*self.0;
        if inner.destroyed.get() {
            return;
        }
        if inner.keeps_stream.get() {
            inner.stream.pause();
        }
        let had_error = error.is_some();
        if let Some(error) = error {
            let pieces = self.clone();
            inner.at_close(move || pieces.tell_error(error));
        }
        let pieces = self.clone();
        self.close_with(had_error, move || {
            if !pieces.0.keeps_stream.get() {
                pieces.0.stream.destroy();
            }
        });
    }

    fn tell_error(&self, error: Error) {
        if let Err(unhandled) = self.0.emitter.emit_error(self, error) {
            let error = Error::unhandled(self, unhandled.into_inner());
            self.0.handle.iter().for_each(|handle| handle.fail(error.clone()));
        }
    }

    pub(super) fn close(&self, had_error: bool) {
        self.close_with(had_error, || {});
    }

    fn close_with(&self, had_error: bool, also: impl FnOnce() + 'static) {
        let inner = &*self.0;
        if inner.destroyed.replace(true) {
            return;
        }
        inner.flow.end();
        inner.backlog.take();
        let pieces = self.clone();
        inner.at_close(move || {
            also();
            // Even if a listener panics.
            let _over = Over(&pieces);
            pieces.0.emitter.emit(&pieces, Close, had_error);
        });
        // Nothing more is heard of the stream, which may go on.
        drop(inner.listening.take());
        inner.balance();
    }
}

/// The end has been told.
struct Closing<'a>(&'a Pieces);

impl Drop for Closing<'_> {
    fn drop(&mut self) {
        self.0.close(self.0.0.stream_failed.get());
    }
}

/// When the last event has been told, the listeners go.
struct Over<'a>(&'a Pieces);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.0.emitter.clear();
    }
}

/// What comes after the piece that is being told: if a listener panics it is kept.
struct Rest<'p, 'c>(&'p Pieces, &'c [u8]);

impl Drop for Rest<'_, '_> {
    fn drop(&mut self) {
        self.0.0.backlog.borrow_mut().extend_from_slice(self.1);
        self.0.0.balance();
        self.0.go_on_later();
    }
}

impl Inner {
    /// Has something done by the cutter, which asks code of the program's. `None`: it is just at work.
    fn with_cutter<T>(&self, f: impl FnOnce(&mut Cutter<Box<dyn Splitter>>) -> T) -> Option<T> {
        struct PutBack<'a>(&'a Inner, Option<Cutter<Box<dyn Splitter>>>);
        impl Drop for PutBack<'_> {
            fn drop(&mut self) {
                self.0.cutter.set(self.1.take());
            }
        }
        let mut lent = PutBack(self, Some(self.cutter.take()?));
        let cutter = lent.1.as_mut()?;
        cutter.max = self.max.get();
        Some(f(cutter))
    }

    /// Holds the stream as long as nothing of it can be told.
    pub(super) fn balance(&self) {
        let waits = !self.flow.is_flowing() || !self.backlog.borrow().is_empty();
        let hold = waits && !self.destroyed.get();
        if self.holding.replace(hold) == hold {
            return;
        }
        if hold { self.stream.hold() } else { self.stream.release() }
    }

    fn later(&self, f: impl FnOnce() + 'static) {
        match &self.handle {
            Some(handle) => handle.next_tick_from(self.origin, f),
            None => f(),
        }
    }

    fn at_close(&self, f: impl FnOnce() + 'static) {
        match &self.handle {
            Some(handle) => handle.at_close(self.origin, f),
            None => f(),
        }
    }
}

impl ReadEar for Pieces {
    fn data(&self, chunk: &[u8]) {
        if self.0.backlog.borrow().is_empty() {
            self.cut(chunk);
        } else {
            self.0.backlog.borrow_mut().extend_from_slice(chunk);
        }
    }

    fn ended(&self) {
        self.0.stream_ended.set(true);
        if self.0.flow.is_flowing() && self.0.backlog.borrow().is_empty() {
            self.finish();
        }
    }

    fn failed(&self, _: &Error) {
        self.0.stream_failed.set(true);
    }

    fn closed(&self) {
        // Who was paused may still want to hear the rest.
        if !self.0.stream_ended.get() {
            self.close(self.0.stream_failed.get());
        }
    }
}
