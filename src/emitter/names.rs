//! The names of events that many emitters share, each a unit type.

macro_rules! shared {
    ($($(#[$doc:meta])* $name:ident)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
        pub struct $name;
    )*};
}

shared! {
    /// A chunk has arrived.
    Data
    /// A line of text has come, without its end.
    Line
    /// No more data will come: the other side has ended, or the file has.
    End
    /// The write queue is empty again, after a `write` said `false`.
    Drain
    /// All that was written has been handed to the system, and the writing side is shut.
    Finish
    /// Something failed. Every error has to be listened for: one that nobody takes is
    /// handed back, and on a loop it stops the program.
    Error
    /// Sees every error that `emit_error` raises, or a listener that fails, before the listeners of
    /// [`Error`] do, and does not count as one.
    ErrorMonitor
    /// It is over: the last event there is.
    Close
    /// Whoever listens is to give up.
    Abort
    /// The server accepts connections from here on.
    Listening
    /// Somebody has connected.
    Connection
    /// The connection stands.
    Connect
    /// The connection is encrypted, and the peer is who it should be. (Node: `secureConnect`.)
    Secure
    /// Somebody has connected, and the connection is encrypted.
    SecureConnection
    /// Somebody has connected, and no encrypted connection came of it. (Node: `tlsClientError`.)
    ClientError
    /// The name has been looked up that is to be connected to.
    Lookup
    /// An address is tried, to connect there.
    ConnectionAttempt
    /// An address was tried in vain.
    ConnectionAttemptFailed
    /// Somebody connected and was turned away, for there are as many connections as there may be. (Node's word
    /// is `drop`; here that would hide Rust's `Drop`.)
    Dropped
    /// Nothing has happened for as long as [`set_timeout`](crate::net::Socket::set_timeout) said.
    Timeout
    /// The server wants to close: come to an end. A socket that nobody listens for this on is ended.
    Shutdown
    /// The peer handed over a descriptor, through a Unix socket.
    Descriptor
    /// A datagram has come.
    Message
    /// A datagram has come that is too long: only its beginning was read. Or a file that is read has become shorter.
    Truncated
    /// The name of a file that is followed belongs to another file, which is read from here on.
    Rotated
    /// The file is open.
    Open
    /// Something that stands in a directory.
    Entry
    /// A part of a tree could not be looked at; the rest goes on.
    Skipped
    /// Something is there that was not there before.
    Created
    /// What is in a file has changed, or what is known of it.
    Changed
    /// Something is there no more.
    Removed
    /// Something has another name.
    Renamed
    /// Changes may have got lost: what stands there has to be looked at anew.
    Rescan
    /// Ctrl-C, or `SIGINT`.
    Interrupt
    /// A request to end, `SIGTERM`.
    Terminate
    /// The terminal went away, `SIGHUP`; or the peer of a socket has, which nobody reads from (told
    /// on Linux and Android).
    Hangup
    /// Ctrl-\, or `SIGQUIT`: a request to end, and to leave a trace.
    Quit
    /// `SIGUSR1`, which means what the program says.
    User1
    /// `SIGUSR2`, which means what the program says.
    User2
    /// The child process runs.
    Spawn
    /// The child process has ended; its streams may still have something to say.
    Exit
    /// A child process has ended, was stopped, or goes on: `SIGCHLD`.
    ChildChanged
    /// The terminal has another size, `SIGWINCH`.
    Resize
    /// The process was stopped and goes on, `SIGCONT`.
    Continued
    /// A listener is about to be added. Every emitter has this event, and raises it itself.
    ///
    /// It carries a [`ListenerInfo`](crate::emitter::ListenerInfo). It comes **before** the listener is
    /// there: the count is still the old one, and a listener that is added meanwhile stands in front of
    /// it. It does not come for its own first listener, which is not there yet either.
    ///
    /// With [`ListenerRemoved`] a source works only as long as somebody listens:
    ///
    /// ```
    /// use onward::emitter::Emitted;
    /// use onward::events::{ListenerAdded, ListenerRemoved};
    /// use onward::{Emitter, events};
    ///
    /// events! { Sensor { Reading(f64), Started(), Stopped() } }
    /// let sensor = Sensor::new();
    /// sensor.on(ListenerAdded, |sensor, added| {
    ///     if added.is(Reading) && added.others() == 0 {
    ///         sensor.emit(Started, ()); // the first is on its way
    ///     }
    /// });
    /// sensor.on(ListenerRemoved, |sensor, removed| {
    ///     if removed.is(Reading) && removed.others() == 0 {
    ///         sensor.emit(Stopped, ()); // the last has gone
    ///     }
    /// });
    /// # use std::{cell::Cell, rc::Rc};
    /// # let runs = Rc::new(Cell::new(false));
    /// # let r = Rc::clone(&runs);
    /// # sensor.on(Started, move |_, ()| r.set(true));
    /// # let r = Rc::clone(&runs);
    /// # sensor.on(Stopped, move |_, ()| r.set(false));
    ///
    /// let display = sensor.on(Reading, |_, celsius| println!("{celsius}"));
    /// # assert!(runs.get());
    /// sensor.once(Reading, |_, celsius| println!("the first: {celsius}"));
    /// assert_eq!(sensor.emit(Reading, 20.5).called, 2);
    /// # assert!(runs.get());
    /// sensor.off(display);
    /// # assert!(!runs.get());
    /// ```
    ///
    /// Nobody else can raise it, which does not compile:
    ///
    /// ```compile_fail,E0080
    /// use onward::{Emitter, events, events::ListenerAdded};
    ///
    /// events! { Room { Joined(&str) } }
    /// Room::new().on(ListenerAdded, |room, added| { room.emit(ListenerAdded, added); });
    /// ```
    ///
    /// # Re-entrancy
    ///
    /// A listener for it may do anything. One that adds listeners itself is not told of those, since it is
    /// running; one by [`on_reentrant`](crate::Emitter::on_reentrant) is.
    ListenerAdded
    /// A listener was removed. Every emitter has this event, and raises it itself.
    ///
    /// It carries a [`ListenerInfo`](crate::emitter::ListenerInfo). It comes **after** the listener has
    /// gone, whichever way it went: by `off`, with its guard, as a `once` or `many` that is used up (before
    /// it is called for the last time), as an `on_weak` whose object is gone, or with all others. It does
    /// not come if `off` found nothing, nor when the emitter itself goes.
    ///
    /// [`remove_all`](crate::Emitter::remove_all) removes the last listener first, each with its own
    /// event, and those who listen for this event last of all.
    ///
    /// What goes with a guard, when the emitter is not at hand, is told at once by emitters that say how they
    /// are found: see [`Emitter::recall`](crate::Emitter::recall).
    ListenerRemoved
    /// An event has suspiciously many listeners. Every emitter has this event, and raises it itself.
    ///
    /// It carries a [`Leak`](crate::emitter::Leak). If nobody listens for it, the thread's
    /// hook gets it, which writes a line to the standard error unless told otherwise: see
    /// [`Watching::set_max_listeners`](crate::Watching::set_max_listeners).
    ListenerLeak
}
