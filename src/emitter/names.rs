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
    /// No more data will come: the other side has ended, or the file has.
    End
    /// The write queue is empty again, after a `write` said `false`.
    Drain
    /// All that was written has been handed to the system, and the writing side is shut.
    Finish
    /// Something failed. Every error has to be listened for: one that nobody takes is
    /// handed back, and on a loop it stops the program.
    Error
    /// Sees every error before the listeners of [`Error`] do, and does not count as one.
    ErrorMonitor
    /// It is over: the last event there is.
    Close
    /// The server accepts connections from here on.
    Listening
    /// Somebody has connected.
    Connection
    /// The connection stands.
    Connect
    /// The file is open.
    Open
    /// Ctrl-C, or `SIGINT`.
    Interrupt
    /// A request to end, `SIGTERM`.
    Terminate
    /// The terminal went away, `SIGHUP`.
    Hangup
}
