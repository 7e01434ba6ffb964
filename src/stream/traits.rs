//! What makes a type a readable or a writable stream.

use super::newline::lines;
use super::pieces::Pieces;
use super::pipe::{Concerned, PipeOptions, connect};
use super::prefix::{Prefix, frames};
use crate::emitter::names::{self as events, Close, Data, Drain, End, ErrorMonitor, Finish, Line};
use crate::emitter::{Downgrade, Emitter, Event, Listener};
use crate::error::Error;
use bytes::Bytes;
use std::any::Any;
use std::rc::{Rc, Weak};

/// What a readable stream can be told. Implement it, and declare the events that [`Readable`]
/// names, to make a stream of your own readable.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no stream to read from",
    label = "nothing can be read from this",
    note = "the first of a pipeline is read, the last is written to, those between are both"
)]
pub trait ReadControl: Emitter + Clone {
    /// No more `Data`, from this moment on.
    fn pause(&self);
    /// `Data` may come.
    fn resume(&self);
    /// No `Data` until it is released as often as it was held, whatever [`resume`](Self::resume) says.
    /// Pipes use it: the source waits for the slowest sink.
    fn hold(&self);
    /// Undoes one [`hold`](Self::hold).
    fn release(&self);
    /// Has it told its `End`? A pipe from it ends at once then.
    fn has_ended(&self) -> bool;
    /// Ends it at once: only `Close` follows.
    fn destroy(&self);
    /// Has it been destroyed? Then its `Close` has come or is about to.
    fn is_destroyed(&self) -> bool;

    /// Somebody keeps its chunks, and would rather have them as they are than copy them; or no longer does.
    #[doc(hidden)]
    fn have_kept(&self, _wanted: bool) {}

    /// The chunk that is being told, if its memory can be kept.
    #[doc(hidden)]
    fn kept(&self, _chunk: &[u8]) -> Option<Bytes> {
        None
    }
}

/// What a writable stream can be told. Implement it, and declare the events that [`Writable`]
/// names, to make a stream of your own writable.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no stream to write to",
    label = "nothing can be written to this",
    note = "the first of a pipeline is read, the last is written to, those between are both"
)]
pub trait WriteControl: Emitter + Clone {
    /// Takes a chunk; `false` asks to wait for `Drain` before the next.
    fn write_chunk(&self, chunk: &[u8]) -> bool;

    /// Does it always keep what is written to it for a while?
    #[doc(hidden)]
    fn keeps_chunks(&self) -> bool {
        false
    }

    /// The same, for a chunk that can be kept as it is.
    #[doc(hidden)]
    fn write_kept(&self, chunk: Bytes) -> bool {
        self.write_chunk(&chunk)
    }

    /// It may take what comes from `source` by itself, as long as `heard` is held, and nobody else hears of it.
    #[doc(hidden)]
    fn draw_from(&self, _source: &dyn Any, _heard: Weak<()>) {}

    /// Nothing more will be written.
    fn end(&self);
    /// Has it told its `Finish`? Then [`finished`](super::finished) does not wait for it. `false` unless said otherwise.
    fn is_finished(&self) -> bool {
        false
    }
    /// Ends it at once: only `Close` follows.
    fn destroy(&self);
    /// Has it been destroyed? Then its `Close` has come or is about to.
    fn is_destroyed(&self) -> bool;
}

/// What a [`Pausable`](crate::emitter::Pausable) stream gives: holds it and releases it, and does not keep it alive.
pub(crate) fn holds<R: ReadControl + Downgrade>(stream: &R) -> impl Fn(bool) + 'static {
    let find = stream.downgrade();
    move |hold| {
        let stream = find();
        stream.iter().for_each(if hold { R::hold } else { R::release });
    }
}

/// A stream of bytes to read.
///
/// Every [`ReadControl`] is one that emits [`Data`]`(&[u8])`, [`End`]`()`, an
/// [error](crate::events::Error), and [`Close`]`(bool)`.
pub trait Readable: ReadControl {
    /// Writes all that comes from here to `to`, no faster than `to` takes it, and ends `to` when this
    /// ends. Gives `to` back, for the next pipe.
    ///
    /// # Errors
    ///
    /// Each end emits its own errors, so each wants an `Error` listener. When either end closes early,
    /// by an error or not, the other one is destroyed: nothing is left open. Who wants one result
    /// for both takes [`pipeline`](super::pipeline).
    ///
    /// # Ordering
    ///
    /// `to` is ended by the `End` of this; its `Finish` and `Close` come later.
    fn pipe<W: Writable>(&self, to: &W) -> W {
        self.pipe_with(to, PipeOptions::new())
    }

    /// As [`pipe`](Self::pipe), with options.
    fn pipe_with<W: Writable>(&self, to: &W, options: PipeOptions) -> W {
        connect(self, to, options, Concerned::default());
        to.clone()
    }

    /// Calls `f` with each line that is read, and with this stream: [`lines`] for those who answer.
    ///
    /// What is given back can be told [how long](Pieces::max) a line may be, be paused, and tells errors and the end.
    ///
    /// ```
    /// use onward::{events::*, stream::Duplex};
    ///
    /// onward::run(|| {
    ///     let (client, server) = Duplex::pair()?;
    ///     let lines = server.on_line(|server, name| {
    ///         server.write(format!("hello, {name}\n"));
    ///     });
    ///     lines.max(100).on(End, |_, ()| println!("they have said all"));
    ///     server.on(End, |server, ()| server.end());
    ///     client.on_line(|client, line| {
    ///         assert_eq!(line, "hello, ada");
    ///         client.end();
    ///     });
    ///     client.write("ada\n");
    ///     Ok(())
    /// })?;
    /// # Ok::<(), onward::Error>(())
    /// ```
    #[track_caller]
    fn on_line(&self, mut f: impl FnMut(&Self, &str) + 'static) -> Pieces {
        let (lines, stream) = (lines(self), self.clone());
        lines.on(Line, move |_, line| f(&stream, line));
        lines
    }

    /// Calls `f` with each message that is read, and with this stream: [`frames`] for those who answer.
    ///
    /// ```
    /// use onward::{events::*, stream::{Duplex, Prefix}};
    ///
    /// onward::run(|| {
    ///     let (client, server) = Duplex::pair()?;
    ///     server.on_frame(Prefix::U16, |server, ping| {
    ///         assert_eq!(ping, b"ping");
    ///         server.end_with(b"\0\x04pong");
    ///     });
    ///     client.write(Prefix::U16.frame("ping")?);
    ///     client.on_frame(Prefix::U16, |client, _| client.end());
    ///     Ok(())
    /// })?;
    /// # Ok::<(), onward::Error>(())
    /// ```
    #[track_caller]
    fn on_frame(&self, prefix: Prefix, mut f: impl FnMut(&Self, &[u8]) + 'static) -> Pieces {
        let (frames, stream) = (frames(self, prefix), self.clone());
        frames.on(Data, move |_, frame| f(&stream, frame));
        frames
    }

    #[doc(hidden)]
    fn hear(&self, ear: Rc<dyn ReadEar>, takes_errors: bool) -> Vec<Listener>;

    /// All but the data, without starting the flow; errors are taken.
    #[doc(hidden)]
    fn hear_end(&self, ear: Rc<dyn ReadEar>) -> Vec<Listener>;
}

/// A stream of bytes to write.
///
/// Every [`WriteControl`] is one that emits [`Drain`]`()`, [`Finish`]`()`, an
/// [error](crate::events::Error), and [`Close`]`(bool)`.
pub trait Writable: WriteControl {
    #[doc(hidden)]
    fn hear(&self, ear: Rc<dyn WriteEar>, takes_errors: bool) -> Vec<Listener>;
}

/// Who hears what happens to a readable.
#[doc(hidden)]
pub trait ReadEar: 'static {
    fn data(&self, chunk: &[u8]);
    fn ended(&self);
    fn failed(&self, error: &Error);
    fn closed(&self);

    /// Held by the listener of `Data`, as long as there is one.
    fn token(&self) -> Option<Rc<()>> {
        None
    }
}

/// Who hears what happens to a writable.
#[doc(hidden)]
pub trait WriteEar: 'static {
    fn drained(&self);
    fn finished(&self);
    fn failed(&self, error: &Error);
    fn closed(&self);
}

impl<R> Readable for R
where
    R: ReadControl,
    Data: for<'a> Event<R, Payload<'a> = &'a [u8]>,
    End: for<'a> Event<R, Payload<'a> = ()>,
    events::Error: for<'a> Event<R, Payload<'a> = &'a Error>,
    ErrorMonitor: for<'a> Event<R, Payload<'a> = &'a Error>,
    Close: for<'a> Event<R, Payload<'a> = bool>,
{
    fn hear(&self, ear: Rc<dyn ReadEar>, takes_errors: bool) -> Vec<Listener> {
        let mut listeners = ends_of(self, Rc::clone(&ear));
        if takes_errors {
            listeners.push(self.on(events::Error, |_, _| {}));
        }
        let token = ear.token();
        listeners.push(self.on(Data, move |_, chunk| {
            let _held = &token;
            ear.data(chunk);
        }));
        listeners
    }

    fn hear_end(&self, ear: Rc<dyn ReadEar>) -> Vec<Listener> {
        let mut listeners = ends_of(self, ear);
        listeners.push(self.on(events::Error, |_, _| {}));
        listeners
    }
}

fn ends_of<R>(stream: &R, ear: Rc<dyn ReadEar>) -> Vec<Listener>
where
    R: ReadControl,
    End: for<'a> Event<R, Payload<'a> = ()>,
    ErrorMonitor: for<'a> Event<R, Payload<'a> = &'a Error>,
    Close: for<'a> Event<R, Payload<'a> = bool>,
{
    let (on_error, on_close) = (Rc::clone(&ear), Rc::clone(&ear));
    vec![
        stream.on(ErrorMonitor, move |_, error| on_error.failed(error)),
        stream.once(End, move |_, ()| ear.ended()),
        stream.once(Close, move |_, _| on_close.closed()),
    ]
}

impl<W> Writable for W
where
    W: WriteControl,
    Drain: for<'a> Event<W, Payload<'a> = ()>,
    Finish: for<'a> Event<W, Payload<'a> = ()>,
    events::Error: for<'a> Event<W, Payload<'a> = &'a Error>,
    ErrorMonitor: for<'a> Event<W, Payload<'a> = &'a Error>,
    Close: for<'a> Event<W, Payload<'a> = bool>,
{
    fn hear(&self, ear: Rc<dyn WriteEar>, takes_errors: bool) -> Vec<Listener> {
        let (on_drain, on_error, on_close) = (Rc::clone(&ear), Rc::clone(&ear), Rc::clone(&ear));
        let mut listeners = vec![
            self.on(Drain, move |_, ()| on_drain.drained()),
            self.once(Finish, move |_, ()| ear.finished()),
            self.on(ErrorMonitor, move |_, error| on_error.failed(error)),
            self.once(Close, move |_, _| on_close.closed()),
        ];
        if takes_errors {
            listeners.push(self.on(events::Error, |_, _| {}));
        }
        listeners
    }
}
