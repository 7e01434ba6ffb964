//! A socket on which nothing happens, and one that takes too long to connect.
//!
//! A read or a write stores the time, nothing else; and that only if somebody wants to know. The timer that
//! comes too early for it is set anew.

use super::{Inner, Socket};
use crate::emitter::names::Timeout;
use crate::error::{Error, ErrorKind};
use crate::event_loop::{Source, Timer};
use crate::io::{self as engine, Endpoint as _};
use std::rc::Rc;
use std::time::Duration;

/// Nobody wants to know when something happened.
pub(super) const NEVER: u64 = u64::MAX;

/// Somebody wants to know when nothing has happened for so long.
pub(super) struct Idle {
    after: u64,
    timer: Timer,
    /// Bytes that had moved when somebody last looked.
    seen: u64,
    /// With those that waited then: they are on their way, and no sign of life by themselves.
    expected: u64,
    /// The silence that was told already: nothing has happened since this time.
    told: Option<u64>,
}

impl Socket {
    /// After how long without anything read or written to tell [`Timeout`](crate::events::Timeout); zero
    /// for never, which is so unless set.
    ///
    /// It is only told: what to do is yours. It is told once for each silence. A connection that is being
    /// made counts as one on which nothing happens, and so does one whose peer does not read what
    /// waits; as long as bytes of that move, something happens. The loop does not wait for it.
    ///
    /// ```
    /// use onward::{events::*, net::{Server, Socket}};
    /// use std::time::Duration;
    ///
    /// onward::run(|| {
    ///     let server = Server::listen("127.0.0.1:0")?;
    ///     server.on(Connection, |server, socket| {
    ///         server.close();
    ///         socket.set_timeout(Duration::from_millis(5));
    ///         socket.on(Timeout, |socket, ()| socket.end_with("Are you still there?"));
    ///         socket.resume();
    ///     });
    ///     let client = Socket::connect(server.local_addr())?;
    ///     client.on(Data, |_, chunk| assert_eq!(chunk, b"Are you still there?"));
    ///     Ok(())
    /// })?;
    /// # Ok::<(), onward::Error>(())
    /// ```
    pub fn set_timeout(&self, after: Duration) {
        self.stop_idling();
        let after = u64::try_from(after.as_nanos()).unwrap_or(NEVER);
        if after == 0 || self.is_destroyed() {
            return;
        }
        self.0.duplex.set_special();
        let rare = self.0.rare();
        rare.active.set(self.handle().nanoseconds());
        let (timer, seen) = (self.set_idle_timer(after), self.0.moved());
        rare.idle.replace(Some(Idle { after, timer, seen, expected: seen, told: None }));
    }

    /// Something has happened.
    #[inline]
    pub(super) fn touch(&self) {
        if self.0.duplex.is_special() {
            self.0.note_activity();
        }
    }

    /// Nothing will be told any more.
    pub(super) fn stop_idling(&self) {
        let Some(rare) = self.0.known() else { return };
        rare.active.set(NEVER);
        let idle = rare.idle.take();
        if let Some(idle) = idle {
            idle.timer.cancel();
        }
    }

    fn set_idle_timer(&self, after: u64) -> Timer {
        let (inner, origin) = (Rc::downgrade(&self.0), self.0.duplex.origin());
        let delay = Duration::from_nanos(after);
        let due = move || inner.upgrade().map(Socket).iter().for_each(Self::idle_timer_is_due);
        self.handle().set_timeout_from(origin, delay, due).unref()
    }

    fn idle_timer_is_due(&self) {
        if self.is_destroyed() {
            return;
        }
        let (now, moved) = (self.handle().nanoseconds(), self.0.moved());
        let rare = self.0.rare();
        let mut known = rare.idle.borrow_mut();
        let Some(idle) = &mut *known else { return };
        if moved != idle.seen && moved != idle.expected {
            // Something went out, or came in by another door, since somebody last looked.
            rare.active.set(now);
        }
        idle.seen = moved;
        let active = rare.active.get();
        let (after, silence) = (idle.after, now.saturating_sub(active));
        let tells = silence >= after && idle.told != Some(active);
        if tells {
            idle.told = Some(active);
        }
        let rest = if silence < after { after - silence } else { after };
        drop(known);
        // In front of the listeners: they may set another one.
        let timer = self.set_idle_timer(rest);
        if let Some(idle) = &mut *rare.idle.borrow_mut() {
            idle.timer = timer;
        }
        if tells {
            self.handle().about(|| Rc::clone(&self.0) as Rc<dyn Source>);
            engine::dispatch(self, || _ = self.0.emitter.emit(self, Timeout, ()));
        }
    }

    /// It has to stand before that has passed.
    pub(super) fn limit_connecting(&self, limit: Duration) {
        self.limit_opening("connect", limit);
    }

    /// The same for what is done until it stands.
    pub(super) fn limit_opening(&self, operation: &'static str, limit: Duration) {
        let (inner, origin) = (Rc::downgrade(&self.0), self.0.duplex.origin());
        let timer = self.handle().set_timeout_from(origin, limit, move || {
            if let Some(socket) = inner.upgrade().map(Socket) {
                let late = Error::new(ErrorKind::TimedOut, operation).on(socket.target());
                engine::destroy(&socket, Some(late));
            }
        });
        self.0.rare().connecting.set(Some(timer.unref()));
    }

    /// It stands, or never will.
    pub(super) fn stop_limit(&self) {
        let timer = self.0.known().and_then(|rare| rare.connecting.take());
        if let Some(timer) = timer {
            timer.cancel();
        }
    }
}

impl Inner {
    /// Something has happened, and somebody may want to know.
    #[cold]
    #[inline(never)]
    fn note_activity(&self) {
        let Some(rare) = self.known().filter(|rare| rare.active.get() != NEVER) else { return };
        rare.active.set(self.duplex.handle.nanoseconds());
        let (moved, waiting) = (self.moved(), self.duplex.queued() as u64);
        if let Some(idle) = &mut *rare.idle.borrow_mut() {
            (idle.seen, idle.expected) = (moved, moved.wrapping_add(waiting));
        }
    }

    /// Bytes, in both directions.
    fn moved(&self) -> u64 {
        self.duplex.received().wrapping_add(self.duplex.sent())
    }
}
