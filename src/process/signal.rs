//! Signals as events.

use crate::emitter::Downgrade;
use crate::emitter::names::{Hangup, Interrupt, Terminate};
use crate::emitter::{Emitter, Event, EventEmitter, Listeners, Recall};
use crate::error::{Error, Result};
use crate::event_loop::{
    Description, Descriptor, Handle, Interest, Key, Origin, ResourceKind, Source, Trigger,
};
use signal_hook::SigId;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::low_level::{pipe, unregister};
use std::any::TypeId;
use std::cell::{Cell, RefCell};
use std::fmt;
use std::io::{self, Read as _};
use std::os::fd::AsFd as _;
use std::os::unix::net::UnixStream;
use std::panic::Location;
use std::rc::Rc;

crate::events! {
    pub for Signals {
        use Interrupt(),
        use Terminate(),
        use Hangup(),
        error Error,
        /// All events of the [`Signals`].
        enum SignalEvent,
    }
}

/// The signals of this process, from [`signals`].
///
/// # Events
///
/// | event | signal | usually |
/// |---|---|---|
/// | [`Interrupt`] | `SIGINT` | Ctrl-C |
/// | [`Terminate`] | `SIGTERM` | `kill`, a service manager |
/// | [`Hangup`] | `SIGHUP` | the terminal was closed |
///
/// A signal with a listener no longer does what it does by default: a program that listens for
/// [`Interrupt`] ends when it decides to. A signal that nobody ever listened for keeps its default.
/// Signals that come while the loop is busy are told when it is not; several of one kind may be told
/// as one. Listening for signals does not keep the loop alive. When the loop has ended, signals that were
/// listened for stay without effect.
///
/// An [`Error`](crate::events::Error) tells that the system refused to watch a signal.
#[derive(Clone)]
pub struct Signals(Rc<Inner>);

struct Inner {
    handle: Handle,
    emitter: EventEmitter<Signals>,
    watches: RefCell<Vec<Rc<Watch>>>,
    /// Where it was asked for.
    origin: Origin,
}

/// One signal that is watched: its handler writes a byte to a pipe, which the loop reads.
struct Watch {
    signal: i32,
    /// Who tells it; let go when the watch ends.
    of: RefCell<Option<Rc<Inner>>>,
    pipe: UnixStream,
    id: Cell<Option<SigId>>,
    key: Cell<Option<Key>>,
}

/// The signals of this process, as an emitter.
///
/// # Errors
///
/// [`ErrorKind::NotInLoop`](crate::ErrorKind::NotInLoop).
///
/// ```
/// use onward::{events::*, process};
///
/// onward::run(|| {
///     process::signals()?.once(Interrupt, |_, ()| println!("goodbye"));
///     Ok(())
/// })?;
/// # Ok::<(), onward::Error>(())
/// ```
#[track_caller]
pub fn signals() -> Result<Signals> {
    let (handle, origin) = (Handle::for_operation("watch signals")?, Location::caller());
    let emitter = EventEmitter::new();
    Ok(Signals(Rc::new(Inner { handle, emitter, watches: RefCell::default(), origin })))
}

impl Signals {
    /// Watches no signal any more, and drops all listeners. The signals stay without effect.
    pub fn close(&self) {
        for watch in self.0.watches.take() {
            watch.end(&self.0.handle);
        }
        self.0.emitter.clear();
    }

    fn watch(&self, signal: i32) {
        let over = self.0.handle.is_over();
        if over || self.0.watches.borrow().iter().any(|watch| watch.signal == signal) {
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

    fn tell(&self, signal: i32) {
        match signal {
            SIGINT => self.0.emitter.emit(self, Interrupt, ()),
            SIGTERM => self.0.emitter.emit(self, Terminate, ()),
            _ => self.0.emitter.emit(self, Hangup, ()),
        };
    }

    fn tell_error(&self, error: Error) {
        if let Err(unhandled) = self.0.emitter.emit_error(self, error) {
            self.0.handle.fail(Error::unhandled("Signals", unhandled.into_inner()));
        }
    }
}

impl Watch {
    fn start(signal: i32, of: &Rc<Inner>) -> io::Result<Rc<Self>> {
        let (read, write) = UnixStream::pair()?;
        read.set_nonblocking(true)?;
        write.set_nonblocking(true)?;
        let id = pipe::register(signal, write)?;
        let (id, key) = (Cell::new(Some(id)), Cell::new(None));
        let watch =
            Rc::new(Self { signal, of: RefCell::new(Some(Rc::clone(of))), pipe: read, id, key });
        let source = Rc::clone(&watch) as Rc<dyn Source>;
        let key = of.handle.add_source(source, Trigger::Level, of.origin);
        of.handle.count_source(key, false);
        of.handle.want(key, Interest::READ);
        watch.key.set(Some(key));
        Ok(watch)
    }

    fn owner(&self) -> Option<Rc<Inner>> {
        self.of.borrow().clone()
    }

    fn end(&self, handle: &Handle) {
        self.id.take().map(unregister);
        drop(self.of.take());
        if let Some(key) = self.key.take() {
            handle.remove_source(key);
        }
    }
}

impl Source for Watch {
    fn describe(&self) -> Description {
        let name = match self.signal {
            SIGINT => "SIGINT".into(),
            SIGTERM => "SIGTERM".into(),
            SIGHUP => "SIGHUP".into(),
            other => other.to_string(),
        };
        Description { kind: ResourceKind::Signal, target: name }
    }

    fn observe(&self) {
        self.owner().into_iter().for_each(|of| of.emitter.observe());
    }

    fn lend(&self, to: &mut dyn FnMut(Descriptor<'_>) -> io::Result<()>) -> io::Result<()> {
        to(self.pipe.as_fd())
    }

    fn ready(self: Rc<Self>, _: Interest) {
        let (mut pipe, mut came) = (&self.pipe, false);
        while matches!(pipe.read(&mut [0; 64]), Ok(1..)) {
            came = true;
        }
        if let Some(of) = self.owner().filter(|_| came) {
            let (signals, signal) = (Signals(of), self.signal);
            let handle = signals.0.handle.clone();
            handle.behind_poll(signals.0.origin, move || {
                signals.0.handle.about(|| self);
                signals.tell(signal);
            });
        }
    }

    fn refused(self: Rc<Self>, error: io::Error) {
        if let Some(of) = self.owner() {
            Signals(of).tell_error(Error::io("watch signal", error).on(self.signal));
        }
    }

    fn shut(self: Rc<Self>) {
        if let Some(of) = self.owner() {
            Signals(of).close();
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
        let inner = Rc::downgrade(&self.0);
        Some(Recall::new(move || inner.upgrade().map(Self)))
    }

    fn listener_added<E: Event<Self>>(&self, _: E) {
        let event = TypeId::of::<E>();
        let signals = [
            (TypeId::of::<Interrupt>(), SIGINT),
            (TypeId::of::<Terminate>(), SIGTERM),
            (TypeId::of::<Hangup>(), SIGHUP),
        ];
        if let Some((_, signal)) = signals.into_iter().find(|(of, _)| *of == event) {
            self.watch(signal);
        }
    }
}

impl fmt::Debug for Signals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let watches = self.0.watches.borrow();
        f.debug_list().entries(watches.iter().map(|watch| watch.signal)).finish()
    }
}
