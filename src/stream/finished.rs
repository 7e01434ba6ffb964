//! When a stream is through, and how it went: Node's `finished`.

use super::traits::{ReadEar, Readable, Writable, WriteEar};
use crate::emitter::Subscription;
use crate::error::{Error, ErrorKind, Result};
use crate::event_loop::Handle;
use std::cell::{Cell, RefCell};
use std::rc::Rc;

/// Calls `then` when all has been read: with `Ok` at its `End`, or with its error, or with
/// [`ErrorKind::PrematureClose`] when it closes before its `End`.
///
/// Its errors count as heard, until then. It does not start the flow; somebody else has to read. One that has been
/// destroyed already gives [`ErrorKind::PrematureClose`].
///
/// ```
/// use onward::{events::*, stream::{Source, ended}};
///
/// onward::run(|| {
///     let source = Source::from_iter(["hello"])?;
///     ended(&source, |result| assert!(result.is_ok()));
///     source.resume();
///
///     let source = Source::new()?;
///     ended(&source, |result| assert_eq!(result.unwrap_err().to_string(), "the tape tore"));
///     source.fail(onward::Error::other("the tape tore"));
///     Ok(())
/// })?;
/// # Ok::<(), onward::Error>(())
/// ```
pub fn ended<R: Readable>(stream: &R, then: impl FnOnce(Result<()>) + 'static) {
    let watch = Watch::new(1, then);
    if stream.is_destroyed() {
        return watch.gone();
    }
    if stream.has_ended() {
        return later(move || watch.through());
    }
    let listeners = stream.hear_end(Rc::clone(&watch) as Rc<dyn ReadEar>);
    watch.keep(listeners.into_iter().map(|listener| stream.guard(listener)));
}

/// Calls `then` when all that was written has been taken: with `Ok` at its `Finish`, or with its error, or with
/// [`ErrorKind::PrematureClose`] when it closes before its `Finish`.
///
/// Its errors count as heard, until then. One that has been destroyed already gives [`ErrorKind::PrematureClose`].
///
/// ```
/// use onward::stream::{Sink, finished};
///
/// onward::run(|| {
///     let sink = Sink::new(|_| {})?;
///     finished(&sink, |result| assert!(result.is_ok()));
///     sink.end_with("hello");
///
///     let sink = Sink::new(|_| {})?;
///     finished(&sink, |result| assert_eq!(result.unwrap_err().kind(), onward::ErrorKind::PrematureClose));
///     sink.destroy();
///     Ok(())
/// })?;
/// # Ok::<(), onward::Error>(())
/// ```
pub fn finished<W: Writable>(stream: &W, then: impl FnOnce(Result<()>) + 'static) {
    let watch = Watch::new(1, then);
    if stream.is_destroyed() {
        return watch.gone();
    }
    if stream.is_finished() {
        return later(move || watch.through());
    }
    let listeners = stream.hear(Rc::clone(&watch) as Rc<dyn WriteEar>, true);
    watch.keep(listeners.into_iter().map(|listener| stream.guard(listener)));
}

/// Calls `then` when both directions are through: all has been read, and all that was written has been taken.
///
/// It is [`ended`] and [`finished`] in one, for sockets and other duplex streams.
///
/// ```
/// use onward::stream::{Duplex, both_finished};
///
/// onward::run(|| {
///     let (client, server) = Duplex::pair()?;
///     both_finished(&client, |result| assert!(result.is_ok()));
///     client.resume();
///     client.end_with("hello");
///     server.resume();
///     server.end_with("and goodbye");
///     Ok(())
/// })?;
/// # Ok::<(), onward::Error>(())
/// ```
pub fn both_finished<S: Readable + Writable>(stream: &S, then: impl FnOnce(Result<()>) + 'static) {
    let watch = Watch::new(2, then);
    let (reading, writing) = (Rc::clone(&watch), watch);
    ended(stream, move |result| reading.settle(result));
    finished(stream, move |result| writing.settle(result));
}

type Then = Box<dyn FnOnce(Result<()>)>;

struct Watch {
    left: Cell<u32>,
    then: Cell<Option<Then>>,
    error: RefCell<Option<Error>>,
    /// On streams that may live on.
    listeners: RefCell<Vec<Subscription>>,
}

impl Watch {
    fn new(directions: u32, then: impl FnOnce(Result<()>) + 'static) -> Rc<Self> {
        Rc::new(Self {
            left: Cell::new(directions),
            then: Cell::new(Some(Box::new(then))),
            error: RefCell::new(None),
            listeners: RefCell::default(),
        })
    }

    fn keep(&self, listeners: impl Iterator<Item = Subscription>) {
        self.listeners.borrow_mut().extend(listeners);
    }

    /// The first that goes wrong counts, or the last that goes well.
    fn settle(&self, result: Result<()>) {
        self.left.set(self.left.get().saturating_sub(1));
        if result.is_err() || self.left.get() == 0 {
            drop(self.listeners.take());
            self.then.take().into_iter().for_each(|then| then(result.clone()));
        }
    }

    fn through(&self) {
        self.settle(Ok(()));
    }

    fn close(&self) {
        let early = || Error::new(ErrorKind::PrematureClose, "finish");
        let error = self.error.take().unwrap_or_else(early);
        self.settle(Err(error));
    }

    /// It is closed already; not from inside of the call that asks.
    fn gone(self: Rc<Self>) {
        later(move || self.close());
    }

    fn note(&self, error: &Error) {
        self.error.borrow_mut().get_or_insert_with(|| error.clone());
    }
}

/// Streams without a loop have no later.
fn later(f: impl FnOnce() + 'static) {
    match Handle::current() {
        Ok(handle) => handle.next_tick(f),
        Err(_) => f(),
    }
}

impl ReadEar for Watch {
    fn data(&self, _: &[u8]) {}

    fn ended(&self) {
        self.through();
    }

    fn failed(&self, error: &Error) {
        self.note(error);
    }

    fn closed(&self) {
        self.close();
    }
}

impl WriteEar for Watch {
    fn drained(&self) {}

    fn finished(&self) {
        self.through();
    }

    fn failed(&self, error: &Error) {
        self.note(error);
    }

    fn closed(&self) {
        self.close();
    }
}
