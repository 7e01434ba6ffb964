//! Looking names up, for everybody.

use super::address::Address;
use super::resolve::{Resolver, Ticket};
use crate::error::{Error, ErrorKind, Result};
use crate::event_loop::{Handle, Origin};
use std::cell::{Cell, RefCell};
use std::fmt;
use std::future::Future;
use std::net::SocketAddr;
use std::panic::Location;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

/// Looks up what `HOST:PORT` stands for, as the system does for all programs: on the [blocking pool](crate::pool),
/// without holding up the loop.
///
/// Whoever asks for the same name meanwhile shares the answer, and for five seconds (one, if there is no such name) it is
/// remembered. A number needs no looking up. If the loop has a [way of its own](super::set_lookup), that is asked instead.
///
/// # Errors
///
/// At once: not an address, or not in a loop. Later: those of [`Lookup`].
///
/// ```
/// use onward::net;
///
/// onward::run(|| {
///     net::lookup("localhost:80")?.then(|found| match found {
///         Ok(addresses) => assert!(addresses[0].ip().is_loopback()),
///         Err(error) => eprintln!("{error}"),
///     });
///     onward::spawn_or_fail(async {
///         let addresses = net::lookup("127.0.0.1:80")?.await?;
///         assert_eq!(addresses, ["127.0.0.1:80".parse().unwrap()]);
///         Ok(())
///     });
///     Ok(())
/// })?;
/// # Ok::<(), onward::Error>(())
/// ```
#[doc(alias = "dns.lookup")]
#[track_caller]
pub fn lookup(address: impl fmt::Display) -> Result<Lookup> {
    look_up(address, true, Location::caller())
}

/// As [`lookup`], but always by the system, also if the loop has a [way of its own](super::set_lookup): that may want to ask
/// it.
///
/// # Errors
///
/// Those of [`lookup`].
///
/// ```
/// use onward::net;
///
/// onward::run(|| {
///     net::set_lookup(|_, _| async { Ok(vec![]) })?;
///     net::system_lookup("localhost:80")?.then(|found| assert!(found.is_ok_and(|found| found.len() > 0)));
///     Ok(())
/// })?;
/// # Ok::<(), onward::Error>(())
/// ```
#[track_caller]
pub fn system_lookup(address: impl fmt::Display) -> Result<Lookup> {
    look_up(address, false, Location::caller())
}

fn look_up(address: impl fmt::Display, by_hook: bool, origin: Origin) -> Result<Lookup> {
    let handle = Handle::for_operation("look up")?;
    let state = Rc::new(State::default());
    let mut lookup = Lookup { state, ticket: None, handle, origin };
    match Address::parse("look up", address)? {
        Address::Number(number) => lookup.state.done(Ok(vec![number])),
        Address::Name(host, port) => {
            let (asked, handle) = (format!("{host}:{port}"), &lookup.handle);
            let asker = Asker(Some(Rc::clone(&lookup.state)));
            let (resolver, name) = (Resolver::of(handle), (&*host, port));
            let answer = if by_hook { resolver.ask(&host, port) } else { None };
            lookup.ticket = resolver.find(handle, origin, name, answer, move |found| {
                asker.tell(found.map_err(|error| error.on(asked)));
            });
        }
    }
    Ok(lookup)
}

/// The addresses of a name, in the order in which the system would try them; made by [`lookup`].
///
/// They go to a callback, by [`then`](Self::then), or to whoever awaits them. Dropped, it is given up, unless others wait
/// for the same name.
///
/// # Errors
///
/// The system's, for a name that nobody knows, or a network that does not answer;
/// [`ErrorKind::LoopGone`], that the loop has ended.
#[must_use = "nobody gets the addresses: call `then`, or await it"]
pub struct Lookup {
    state: Rc<State>,
    ticket: Option<Ticket>,
    handle: Handle,
    origin: Origin,
}

#[derive(Default)]
struct State {
    found: Cell<Option<Result<Vec<SocketAddr>>>>,
    waker: RefCell<Option<Waker>>,
}

impl State {
    fn done(&self, found: Result<Vec<SocketAddr>>) {
        self.found.set(Some(found));
        let waker = self.waker.take();
        waker.into_iter().for_each(Waker::wake);
    }
}

/// Waits for the answer; dropped before, it says that none will come.
struct Asker(Option<Rc<State>>);

impl Asker {
    fn tell(mut self, found: Result<Vec<SocketAddr>>) {
        self.0.take().into_iter().for_each(|state| state.done(found.clone()));
    }
}

impl Drop for Asker {
    fn drop(&mut self) {
        let gone = || Err(Error::new(ErrorKind::LoopGone, "look up"));
        self.0.take().into_iter().for_each(|state| state.done(gone()));
    }
}

impl Lookup {
    /// Calls `then` with the addresses, later. The loop waits for that.
    pub fn then(self, then: impl FnOnce(Result<Vec<SocketAddr>>) + 'static) {
        let (handle, origin) = (self.handle.clone(), self.origin);
        handle.spawn_from(origin, async move { then(self.await) });
    }
}

impl Future for Lookup {
    type Output = Result<Vec<SocketAddr>>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        if let Some(found) = self.state.found.take() {
            return Poll::Ready(found);
        }
        if self.handle.is_over() {
            return Poll::Ready(Err(Error::new(ErrorKind::LoopGone, "look up")));
        }
        let before = self.state.waker.replace(Some(context.waker().clone()));
        drop(before);
        Poll::Pending
    }
}

impl Drop for Lookup {
    fn drop(&mut self) {
        if let Some(ticket) = self.ticket.take() {
            ticket.give_back();
        }
    }
}

impl fmt::Debug for Lookup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lookup").finish_non_exhaustive()
    }
}
