//! The life of a child.
//!
//! ```text
//!   spawn() ──> runs ──────────────────────────> over ──────────────────────────> closed
//!      │         its end is noticed, and it is    ^    its streams have closed
//!      │         collected: Exit                  │
//!      └─ it cannot be made: Error ───────────────┘
//! ```

use super::command::Command;
use super::watch::Watch;
use super::{Child, Inner, Streams, orphans};
use crate::emitter::EventEmitter;
use crate::emitter::names::{Close, Exit, Spawn};
use crate::error::{Error, ErrorKind, Result};
use crate::event_loop::{
    Buffer, Description, Descriptor, Handle, Interest, Origin, ResourceKind, Source, Timer, Trigger,
};
use crate::process::pipe::{Bytes, Name, Owner, PipeReader, PipeWriter};
use std::cell::{Cell, RefCell};
use std::io;
use std::panic::Location;
use std::process::{Child as Process, ExitStatus};
use std::rc::Rc;

impl Child {
    /// Starts a program, or tells soon that it could not be started.
    #[track_caller]
    pub(super) fn start(command: &mut Command) -> Result<Self> {
        let (handle, origin) = (Handle::for_operation("spawn")?, Location::caller());
        let program: Rc<str> = command.program().into();
        orphans::sweep();
        let spawned = command.inner.spawn();
        if let Err(error) = &spawned {
            // Not the system's word, but Rust's: a zero byte in what may have none.
            if error.kind() == io::ErrorKind::InvalidInput && error.raw_os_error().is_none() {
                let invalid = Error::new(ErrorKind::InvalidInput, "spawn").on(&program);
                return Err(invalid.because(error.to_string()));
            }
        }
        let child = Self::make(handle, origin, program, command);
        match spawned {
            Ok(process) => child.begin(process, command),
            Err(error) => child.fail(error, command),
        }
        Ok(child)
    }

    fn make(handle: Handle, origin: Origin, program: Rc<str>, command: &Command) -> Self {
        let child = Self(Rc::new(Inner {
            handle,
            origin,
            emitter: EventEmitter::new(),
            program,
            id: Cell::new(None),
            process: RefCell::new(None),
            watch: Watch::default(),
            key: Cell::new(None),
            counted: Cell::new(true),
            streams: RefCell::default(),
            open: Cell::new(0),
            status: Cell::new(None),
            over: Cell::new(false),
            closing: Cell::new(false),
            failed: Cell::new(false),
            error: RefCell::default(),
            manner: command.manner,
            killed: Cell::new(false),
            timed_out: Cell::new(false),
            limit: Cell::new(None),
            patience: Cell::new(None),
        }));
        let source = Rc::clone(&child.0) as Rc<dyn Source>;
        child.0.key.set(Some(child.0.handle.add_source(source, Trigger::Level, origin)));
        child
    }

    /// It runs.
    fn begin(&self, mut process: Process, command: &Command) {
        let (inner, id) = (&*self.0, process.id());
        let streams = Streams {
            stdin: process.stdin.take().map(|end| self.writer(Some(Bytes::ours(end)))),
            stdout: process.stdout.take().map(|end| self.reader("stdout", Some(Bytes::ours(end)))),
            stderr: process.stderr.take().map(|end| self.reader("stderr", Some(Bytes::ours(end)))),
        };
        inner.id.set(Some(id));
        inner.process.replace(Some(process));
        command.give_input(streams.stdin.as_ref());
        inner.streams.replace(streams);
        if self.watch(id) {
            let key = inner.key.get();
            key.into_iter().for_each(|key| inner.handle.want(key, Interest::READ));
        }
        if let Some(limit) = inner.manner.limit {
            let late = self.clone();
            let timer = inner.handle.set_timeout_from(inner.origin, limit, move || late.is_late());
            // The child itself holds the loop.
            inner.limit.set(Some(timer.unref()));
        }
        let child = self.clone();
        inner.handle.next_tick_from(inner.origin, move || {
            child.about();
            child.0.emitter.emit(&child, Spawn, ());
        });
    }

    /// It could not be made.
    fn fail(&self, error: io::Error, command: &Command) {
        self.give_up(command.explain(error, &self.0.program));
        let [stdin, stdout, stderr] = command.piped();
        self.0.streams.replace(Streams {
            stdin: stdin.then(|| self.writer(None)),
            stdout: stdout.then(|| self.reader("stdout", None)),
            stderr: stderr.then(|| self.reader("stderr", None)),
        });
        self.0.over.set(true);
        let child = self.clone();
        self.0.handle.at_close(self.0.origin, move || child.after_end());
    }

    fn writer(&self, end: Option<io::Result<Bytes>>) -> PipeWriter {
        self.0.open.set(self.0.open.get() + 1);
        let name = Name::of("stdin", Rc::clone(&self.0) as Rc<dyn Owner>);
        PipeWriter::of_child(self.0.handle.clone(), self.0.origin, name, end)
    }

    fn reader(&self, stream: &'static str, end: Option<io::Result<Bytes>>) -> PipeReader {
        self.0.open.set(self.0.open.get() + 1);
        let name = Name::of(stream, Rc::clone(&self.0) as Rc<dyn Owner>);
        PipeReader::of_child(self.0.handle.clone(), self.0.origin, name, end)
    }

    /// Tells an error, the first one only; a child that runs is told to end.
    pub(super) fn give_up(&self, error: Error) {
        if self.0.closing.get() || self.0.failed.replace(true) {
            return;
        }
        self.0.error.replace(Some(error));
        // Who cannot be told to end is waited for.
        let _ = self.terminate();
        let child = self.clone();
        self.0.handle.at_close(self.0.origin, move || child.tell_error());
    }

    fn tell_error(&self) {
        let Some(error) = self.0.error.take() else { return };
        self.about();
        if let Err(unhandled) = self.0.emitter.emit_error(self, error) {
            self.0.handle.fail(Error::unhandled(self, unhandled.into_inner()));
        }
        self.0.handle.settle();
    }

    fn is_late(&self) {
        self.0.limit.take();
        self.0.timed_out.set(true);
        // As above.
        let _ = self.terminate();
    }

    /// Has it ended?
    pub(super) fn look(&self) {
        let ended = match self.0.process.borrow_mut().as_mut() {
            Some(process) => process.try_wait(),
            None => return,
        };
        match ended {
            Ok(None) => {}
            Ok(status) => self.ended(status),
            // Somebody else has collected it.
            Err(error) => {
                self.0.over.set(true);
                self.give_up(Error::io("wait", error).on(&self.0.program));
                self.ended(None);
            }
        }
    }

    fn ended(&self, status: Option<ExitStatus>) {
        self.let_go();
        self.0.status.set(status);
        let stdin = self.0.streams.borrow().stdin.clone();
        stdin.iter().for_each(PipeWriter::destroy);
        // In front of the listeners, so that it comes even if one of them panics.
        let child = self.clone();
        self.0.handle.at_close(self.0.origin, move || child.after_end());
        // It may have ended before the turn has.
        self.tell_error();
        if let Some(status) = status {
            self.about();
            self.0.emitter.emit(self, Exit, status);
            self.0.handle.settle();
        }
    }

    /// Nothing is left to wait for but its streams.
    fn let_go(&self) -> Option<Process> {
        self.0.over.set(true);
        if let Some(key) = self.0.key.take() {
            self.0.handle.remove_source(key);
        }
        self.0.watch.end();
        self.0.limit.take().map(Timer::cancel);
        self.0.patience.take().map(Timer::cancel);
        self.0.process.take()
    }

    /// What nobody reads is read, so that it comes to an end.
    fn after_end(&self) {
        if let Some(key) = self.0.key.take() {
            self.0.handle.remove_source(key);
        }
        let readers = {
            let streams = self.0.streams.borrow();
            [streams.stdout.clone(), streams.stderr.clone()]
        };
        let unread = readers.iter().flatten().filter(|reader| reader.is_unasked());
        unread.for_each(PipeReader::resume);
        self.close_if_done();
    }

    fn close_if_done(&self) {
        if !self.0.over.get() || self.0.open.get() > 0 || self.0.closing.replace(true) {
            return;
        }
        let child = self.clone();
        self.0.handle.at_close(self.0.origin, move || {
            // Even if a listener panics.
            let _over = Over(&child.0);
            child.about();
            child.0.emitter.emit(&child, Close, child.0.status.get());
        });
    }

    /// What runs now is about this child.
    fn about(&self) {
        self.0.handle.about(|| Rc::clone(&self.0) as Rc<dyn Source>);
    }
}

/// When the last event has been told, the listeners go.
struct Over<'a>(&'a Inner);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.emitter.clear();
    }
}

impl Owner for Inner {
    fn program(&self) -> Rc<str> {
        Rc::clone(&self.program)
    }

    fn stream_closed(self: Rc<Self>) {
        self.open.set(self.open.get() - 1);
        Child(self).close_if_done();
    }
}

impl Source for Inner {
    fn describe(&self) -> Description {
        let id = self.id.get().map(|id| format!(", {id}")).unwrap_or_default();
        Description { kind: ResourceKind::Child, target: format!("{}{id}", self.program) }
    }

    fn observe(&self) {
        self.emitter.observe();
    }

    fn lend(&self, to: &mut dyn FnMut(Descriptor<'_>) -> io::Result<()>) -> io::Result<()> {
        self.watch.lend(to)
    }

    fn ready(self: Rc<Self>, _: Interest, _: &mut Buffer) {
        Child(self).look();
    }

    /// The poller has no room for it: others shall tell.
    fn refused(self: Rc<Self>, _: io::Error) {
        Child(self).watch_otherwise();
    }

    /// The child may run on.
    fn shut(self: Rc<Self>) {
        let child = Child(self);
        child.let_go().into_iter().for_each(orphans::leave);
        child.close_if_done();
    }

    fn abandon(self: Rc<Self>) {
        let child = Child(self);
        child.let_go().into_iter().for_each(orphans::leave);
        let streams = child.0.streams.take();
        drop(streams);
        child.0.emitter.clear();
    }
}
