//! What a child writes, collected.

use super::Child;
use crate::emitter::Emitter as _;
use crate::emitter::names::{Close, Data, Error as Failed, Exit};
use crate::error::{Error, ErrorKind, Result};
use crate::event_loop::Timer;
use crate::process::pipe::PipeReader;
use std::cell::{Cell, RefCell};
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::process::ExitStatus;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

/// What a child wrote, and how it ended.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Output {
    /// How it ended.
    pub status: ExitStatus,
    /// What it wrote; nothing, if that did not come here.
    pub stdout: Vec<u8>,
    /// What it wrote of errors and progress; nothing, if that did not come here.
    pub stderr: Vec<u8>,
    /// Did it write more, which was passed over? See [`cut_output`](super::Command::cut_output).
    pub is_cut: bool,
}

/// A child whose output is collected, from [`Command::output`](super::Command::output): call [`then`](Self::then), or
/// await it.
///
/// Dropped before its end, it tells the child to end, and hears no more of it.
///
/// ```
/// # #[cfg(unix)] {
/// use onward::process::Command;
///
/// onward::run(|| {
///     let sorting = Command::new("sort").input("pear\napple\n").output()?;
///     sorting.then(|output| assert_eq!(output.unwrap().stdout, b"apple\npear\n"));
///     Ok(())
/// })?;
/// # } Ok::<(), onward::Error>(())
/// ```
#[must_use = "the child is told to end when this is dropped: call `then`, or await it"]
pub struct Collecting {
    child: Child,
    state: Rc<State>,
    /// Somebody will be called back.
    left: bool,
}

struct State {
    most: usize,
    cuts: bool,
    is_cut: Cell<bool>,
    stdout: RefCell<Vec<u8>>,
    stderr: RefCell<Vec<u8>>,
    error: RefCell<Option<Error>>,
    /// When what the child has left behind is not waited for any more.
    limit: Cell<Option<Timer>>,
    outcome: RefCell<Option<Result<Output>>>,
    then: RefCell<Then>,
}

#[derive(Default)]
enum Then {
    #[default]
    Nothing,
    Call(Box<dyn FnOnce(Result<Output>)>),
    Wake(Waker),
}

impl Collecting {
    pub(super) fn new(child: Child, most: usize, cuts: bool) -> Self {
        let state = Rc::new(State {
            most,
            cuts,
            is_cut: Cell::new(false),
            stdout: RefCell::default(),
            stderr: RefCell::default(),
            error: RefCell::default(),
            limit: Cell::new(None),
            outcome: RefCell::default(),
            then: RefCell::default(),
        });
        collect(&child, child.stdout(), &state, |state| &state.stdout);
        collect(&child, child.stderr(), &state, |state| &state.stderr);
        let failed = Rc::clone(&state);
        child.on(Failed, move |child, error| failed.fail(child, error.clone()));
        child.on(Exit, |child, _| {
            // A grandchild may hold its streams for as long as it likes.
            if child.is_timed_out() || child.0.failed.get() {
                forget_streams(child);
            }
        });
        state.limit(&child);
        let closed = Rc::clone(&state);
        child.on(Close, move |child, status| closed.done(child, status));
        Self { child, state, left: false }
    }

    /// The child.
    #[must_use]
    pub fn child(&self) -> &Child {
        &self.child
    }

    /// Calls back when the child has ended, and all that it wrote has come.
    ///
    /// The callback runs on the loop, never from inside of this call. If the loop ends before, it is dropped.
    pub fn then(mut self, then: impl FnOnce(Result<Output>) + 'static) {
        self.left = true;
        let outcome = self.state.outcome.take();
        match outcome {
            Some(outcome) => {
                let (handle, origin) = (&self.child.0.handle, self.child.0.origin);
                handle.next_tick_from(origin, move || then(outcome));
            }
            None => drop(self.state.then.replace(Then::Call(Box::new(then)))),
        }
    }
}

/// Collects what comes from one of its streams.
fn collect(
    child: &Child,
    stream: Result<PipeReader>,
    state: &Rc<State>,
    of: fn(&State) -> &RefCell<Vec<u8>>,
) {
    // Where there is no pipe, it goes elsewhere.
    let Ok(stream) = stream else { return };
    let (state, kept) = (Rc::clone(state), Rc::clone(state));
    let writer = child.clone();
    stream.on(Failed, move |_, error| kept.fail(&writer, error.clone()));
    let child = child.clone();
    stream.on(Data, move |_, chunk| {
        let mut all = of(&state).borrow_mut();
        let room = state.most - all.len();
        all.extend_from_slice(&chunk[..chunk.len().min(room)]);
        drop(all);
        if chunk.len() > room {
            state.has_too_much(&child);
        }
    });
}

/// Nobody wants to know what else it writes.
fn forget_streams(child: &Child) {
    [child.stdout(), child.stderr()].iter().flatten().for_each(PipeReader::destroy);
}

impl State {
    /// The child has no limit any more when it has ended, but its streams may not.
    fn limit(self: &Rc<Self>, child: &Child) {
        let inner = &*child.0;
        let Some(limit) = inner.manner.limit.filter(|_| child.is_running()) else { return };
        let (state, late) = (Rc::clone(self), child.clone());
        let timer = inner.handle.set_timeout_from(inner.origin, limit, move || {
            state.limit.set(None);
            if !late.is_running() {
                state.fail(&late, Error::new(ErrorKind::TimedOut, "run").on(&late));
            }
        });
        // The streams hold the loop.
        self.limit.set(Some(timer.unref()));
    }

    fn has_too_much(&self, child: &Child) {
        if self.cuts {
            self.is_cut.set(true);
        } else {
            let error = Error::new(ErrorKind::TooLong, "collect output").on(child);
            self.fail(child, error);
        }
    }

    /// The first error counts.
    fn fail(&self, child: &Child, error: Error) {
        self.error.borrow_mut().get_or_insert(error);
        // It is waited for, whether it heeds that or not.
        let _ = child.terminate();
        forget_streams(child);
    }

    fn done(&self, child: &Child, status: Option<ExitStatus>) {
        self.limit.take().map(Timer::cancel);
        let late = child.is_timed_out().then(|| Error::new(ErrorKind::TimedOut, "run").on(child));
        let outcome = match (self.error.take().or(late), status) {
            (None, Some(status)) => Ok(Output {
                status,
                stdout: self.stdout.take(),
                stderr: self.stderr.take(),
                is_cut: self.is_cut.get(),
            }),
            (error, _) => {
                let gone = || Error::new(ErrorKind::Destroyed, "run").on(child);
                Err(error.unwrap_or_else(gone))
            }
        };
        match self.then.take() {
            Then::Call(then) => then(outcome),
            then => {
                self.outcome.replace(Some(outcome));
                if let Then::Wake(waker) = then {
                    waker.wake();
                }
            }
        }
    }
}

impl Future for Collecting {
    type Output = Result<Output>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let outcome = self.state.outcome.take();
        if let Some(outcome) = outcome {
            self.left = true;
            return Poll::Ready(outcome);
        }
        let waker = Then::Wake(context.waker().clone());
        let before = self.state.then.replace(waker);
        drop(before);
        Poll::Pending
    }
}

/// Nobody waits for it any more.
impl Drop for Collecting {
    fn drop(&mut self) {
        if !self.left {
            // It may have become another user's; then it runs on. And what it has left behind may have its streams.
            let _ = self.child.terminate();
            forget_streams(&self.child);
        }
    }
}

impl fmt::Debug for Collecting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Collecting").field(&self.child).finish()
    }
}
