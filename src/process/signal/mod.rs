//! Signals as events.

#[cfg(unix)]
mod caught;
mod kind;
#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

#[cfg(unix)]
use self::unix::Watch;
#[cfg(windows)]
use self::windows::Watch;

use self::kind::Signal;
use crate::emitter::Downgrade;
use crate::emitter::names::{
    ChildChanged, Continued, Hangup, Interrupt, ListenerRemoved, Quit, Resize, Terminate, User1,
    User2,
};
use crate::emitter::{Emitter, Event, EventEmitter, Listeners, Recall};
use crate::error::{Error, Result};
use crate::event_loop::{Handle, Origin};
use std::cell::RefCell;
use std::fmt;
use std::panic::Location;
use std::rc::{Rc, Weak};

crate::events! {
    pub for Signals {
        use Interrupt(),
        use Terminate(),
        use Hangup(),
        use Quit(),
        use User1(),
        use User2(),
        use ChildChanged(),
        use Resize(),
        use Continued(),
        error Error,
        /// All events of the [`Signals`].
        enum SignalEvent,
    }
}

/// The signals of this process, from [`signals`].
///
/// # Events
///
/// | event | signal | usually | if nobody listens |
/// |---|---|---|---|
/// | [`Interrupt`] | `SIGINT` | Ctrl-C | ends the process |
/// | [`Terminate`] | `SIGTERM` | `kill`, a service manager | ends the process |
/// | [`Hangup`] | `SIGHUP` | the terminal was closed; read the configuration anew | ends the process |
/// | [`Quit`] | `SIGQUIT` | Ctrl-\ | ends the process, and leaves a core |
/// | [`User1`], [`User2`] | `SIGUSR1`, `SIGUSR2` | what the program says | ends the process |
/// | [`ChildChanged`] | `SIGCHLD` | a child has ended, was stopped, or goes on | nothing |
/// | [`Resize`] | `SIGWINCH` | the terminal has another size | nothing |
/// | [`Continued`] | `SIGCONT` | `fg`: redraw the screen | nothing |
///
/// None carries anything. An [`Error`](crate::events::Error) tells that the system refused to watch a signal, which then does
/// what it does by default.
///
/// # While somebody listens
///
/// A signal with a listener no longer does what it does by default: a program that listens for [`Interrupt`] ends
/// when it decides to. That counts for the whole process: several [`Signals`], and several loops on several threads, are
/// all told.
///
/// **When the last listener of a signal has gone, whichever way it went, or its loop has ended, the signal
/// does again what it did before.** So a second Ctrl-C ends a program whose listener, by `once`, takes too long
/// over the first. One that was ignored when the first listened, as by `nohup`, is ignored again (on Linux; elsewhere it
/// does what the system does by default), and one that the program had caught by other means goes there.
///
/// Who listens to all events, by [`on_any`](crate::Watching::on_any), is no listener of a signal.
///
/// Listening for signals does not keep the loop alive.
///
/// # Ordering
///
/// Signals are told behind the sockets that were ready in the same turn, and before what other threads posted. They do not
/// queue up: those of one kind that come before the loop gets to them are told as one, and those of different kinds
/// in any order. One that comes while it is listened for is not lost, be it before the first turn; it is not told any
/// more if its last listener has gone by then.
///
/// # Windows
///
/// Ctrl-C and Ctrl-Break are [`Interrupt`]. The other signals do not exist; to listen for them does no harm. The first
/// to listen takes over the handler of the `ctrlc` crate, which a program cannot have as well. When the console
/// is closed the system ends the process at once.
///
/// # After a fork
///
/// What a child that was forked off gets is not told to this process.
#[derive(Clone)]
pub struct Signals(Rc<Inner>);

struct Inner {
    handle: Handle,
    emitter: EventEmitter<Signals>,
    watches: RefCell<Vec<Rc<Watch>>>,
    /// Lives in the listener that hears of those who go.
    minder: RefCell<Weak<()>>,
    /// Where it was asked for.
    origin: Origin,
}

/// The signals of this process, as an emitter.
///
/// # Errors
///
/// [`ErrorKind::NotInLoop`](crate::ErrorKind::NotInLoop).
///
/// ```
/// use onward::{events::*, net::Server, process};
///
/// onward::run(|| {
///     let server = Server::listen("127.0.0.1:0")?;
///     let signals = process::signals()?;
///     # let stop = server.clone();
///     signals.on(Hangup, |_, ()| println!("reading the configuration"));
///     signals.once(Interrupt, move |_, ()| {
///         println!("goodbye, as soon as the last guest has gone"); // and a second Ctrl-C ends it at once
///         server.close();
///     });
///     # stop.close();
///     Ok(())
/// })?;
/// # Ok::<(), onward::Error>(())
/// ```
#[track_caller]
pub fn signals() -> Result<Signals> {
    let (handle, origin) = (Handle::for_operation("watch signals")?, Location::caller());
    let emitter = EventEmitter::new();
    let (watches, minder) = (RefCell::default(), RefCell::default());
    Ok(Signals(Rc::new(Inner { handle, emitter, watches, minder, origin })))
}

impl Signals {
    /// Drops all listeners: the signals do again what they do by default, unless others listen. Whoever listens
    /// anew is told again.
    pub fn close(&self) {
        self.end(self.0.watches.take());
        self.0.emitter.clear();
    }

    fn end(&self, watches: Vec<Rc<Watch>>) {
        watches.into_iter().for_each(|watch| watch.end(&self.0.handle));
    }

    fn watch(&self, signal: Signal) {
        if self.0.handle.is_over() {
            return;
        }
        self.mind();
        // Who is told of new listeners may have removed them all, or added more.
        let is_watched = self.0.watches.borrow().iter().any(|watch| watch.signal == signal);
        if is_watched || !signal.has_listeners(self) {
            return;
        }
        match Watch::start(signal, &self.0) {
            Ok(watch) => self.0.watches.borrow_mut().push(watch),
            Err(error) => {
                let (failed, error) = (self.clone(), Error::io("watch signal", error).on(signal));
                self.0.handle.next_tick_from(self.0.origin, move || failed.tell_error(error));
            }
        }
    }

    /// Listens for those who go, if it does not.
    fn mind(&self) {
        if self.0.minder.borrow().strong_count() == 0 {
            let alive = Rc::new(());
            self.0.minder.replace(Rc::downgrade(&alive));
            self.on_reentrant(ListenerRemoved, move |signals, _| {
                let _ = &alive;
                signals.sweep();
            });
        }
    }

    /// Ends the watches that nobody listens for any more.
    fn sweep(&self) {
        let watches = self.0.watches.take();
        let (heard, unheard) =
            watches.into_iter().partition(|watch| watch.signal.has_listeners(self));
        self.0.watches.replace(heard);
        self.end(unheard);
    }

    /// Ends one watch, whether it is listened for or not.
    #[cfg(unix)]
    fn forget(&self, watch: &Rc<Watch>) {
        self.0.watches.borrow_mut().retain(|other| !Rc::ptr_eq(other, watch));
        watch.end(&self.0.handle);
    }

    fn tell(&self, signal: Signal) {
        signal.tell(self);
        // Those who go were not heard of if somebody has removed the listener for that.
        self.sweep();
    }

    fn tell_error(&self, error: Error) {
        if let Err(unhandled) = self.0.emitter.emit_error(self, error) {
            self.0.handle.fail(Error::unhandled("Signals", unhandled.into_inner()));
        }
    }
}

impl Downgrade for Signals {
    fn downgrade(&self) -> impl Fn() -> Option<Self> + 'static {
        let inner = Rc::downgrade(&self.0);
        move || inner.upgrade().map(Self)
    }
}

impl Emitter for Signals {
    fn listeners(&self) -> &Listeners<Self> {
        &self.0.emitter
    }

    fn recall(&self) -> Option<Recall<Self>> {
        Some(Recall::new(self.downgrade()))
    }

    fn listener_added<E: Event<Self>>(&self, _: E) {
        if let Some(signal) = Signal::of::<E>() {
            self.watch(signal);
        }
    }
}

/// The signals that are listened for.
impl fmt::Debug for Signals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let watches = self.0.watches.borrow();
        f.debug_list().entries(watches.iter().map(|watch| watch.signal)).finish()
    }
}
