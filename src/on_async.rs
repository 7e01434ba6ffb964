//! Listeners that are futures: where emitters and the futures of the loop meet.

use crate::emitter::failing::{self, Failure};
#[cfg(feature = "named")]
use crate::emitter::named::{Find, Key, NamedEmitter, Owned, Select};
use crate::emitter::names::{Error as ErrorEvent, ErrorMonitor};
use crate::emitter::{
    Declared, Downgrade, Emitted, Emitter, Event, EventEmitter, Listener, Waitable,
};
use crate::event_loop::{Handle, here};
use std::any::TypeId;
use std::cell::{Cell, RefCell};
use std::future::{Future, poll_fn};
use std::panic::Location;
use std::pin::Pin;
use std::rc::Rc;
use std::task::Poll;

type Started = Pin<Box<dyn Future<Output = ()>>>;
/// Calls a listener that is still there.
type Call = Box<dyn FnOnce() -> Option<Started>>;

thread_local! {
    /// The calls of the emit that is to be awaited, if one is under way.
    static COLLECTED: RefCell<Option<Vec<Call>>> = const { RefCell::new(None) };
}

/// Async listeners, for every emitter that can be held weakly: those made by [`events!`](crate::events!),
/// sockets, servers, file streams.
///
/// A listener is a function that returns a future. It is called with a payload of its own, for the
/// future outlives the emit: `String` for `&str`, see [`Waitable`].
///
/// # Ordering
///
/// An emit calls it among the others, in the order of registration. The future begins after the callback
/// that emits, as if it had been [spawned](crate::spawn): futures of several events run side by side. Who
/// has to wait for them emits with `emit_async` or `emit_serial`.
///
/// # Lifetimes
///
/// To remove the listener does not end futures that have begun.
pub trait OnAsync: Downgrade + Emitter {
    /// Calls `listener` each time that `event` is emitted, and runs the future on the loop.
    ///
    /// # Panics
    ///
    /// Outside of a loop.
    ///
    /// ```
    /// use onward::{OnAsync, events};
    /// use std::time::Duration;
    ///
    /// events! { Room { Joined(&str) } }
    ///
    /// onward::run(|| {
    ///     let room = Room::new();
    ///     room.on_async(Joined, |_, name| async move {
    ///         onward::sleep(Duration::from_millis(1)).await;
    ///         println!("{name} has settled down");
    ///     });
    ///     room.emit(Joined, "ada");
    ///     Ok(())
    /// })?;
    /// # Ok::<(), onward::Error>(())
    /// ```
    #[track_caller]
    fn on_async<E, F>(
        &self,
        event: E,
        listener: impl FnMut(&Self, E::Owned) -> F + 'static,
    ) -> Listener
    where
        E: Waitable<Self>,
        F: Future<Output = ()> + 'static,
    {
        listen(self, event, listener)
    }

    /// The same for a future that may fail: its error becomes the emitter's error event, as with
    /// [`on_try`](crate::Routing::on_try).
    ///
    /// # Errors
    ///
    /// One that nobody takes ends the loop. So does one of a listener of
    /// [`Error`](crate::events::Error), which would go round in a circle, and one that comes when the emitter
    /// is gone.
    ///
    /// # Panics
    ///
    /// Outside of a loop.
    ///
    /// ```
    /// use onward::{OnAsync, events, events::*};
    ///
    /// events! { Room { Joined(&str), error std::io::Error } }
    ///
    /// onward::run(|| {
    ///     let room = Room::new();
    ///     room.on_try_async(Joined, |_, name| async move {
    ///         onward::spawn_blocking(move || std::fs::read(format!("/no/such/{name}")))
    ///             .await
    ///             .map_err(std::io::Error::other)??;
    ///         Ok(())
    ///     });
    ///     room.on(Error, |_, error| println!("{error}"));
    ///     room.emit(Joined, "ada");
    ///     onward::set_timeout(std::time::Duration::from_millis(50), move || drop(room));
    ///     Ok(())
    /// })?;
    /// # Ok::<(), onward::Error>(())
    /// ```
    #[track_caller]
    fn on_try_async<E, F, X>(
        &self,
        event: E,
        mut listener: impl FnMut(&Self, E::Owned) -> F + 'static,
    ) -> Listener
    where
        E: Waitable<Self>,
        F: Future<Output = Result<(), X>> + 'static,
        X: Into<Box<dyn std::error::Error + Send + Sync>> + 'static,
        ErrorEvent: for<'a> Event<Self, Payload<'a> = &'a X>,
        ErrorMonitor: for<'a> Event<Self, Payload<'a> = &'a X>,
    {
        let source = Rc::new(self.downgrade());
        let raises = TypeId::of::<E>() != TypeId::of::<ErrorEvent>();
        listen(self, event, move |this: &Self, payload| {
            let (future, source) = (listener(this, payload), Rc::clone(&source));
            async move {
                let Err(error) = future.await else { return };
                match source().filter(|_| raises) {
                    Some(source) => failing::fail(&source, error),
                    None => failing::unhandled(Self::NAME, Failure::from(error.into())),
                }
            }
        })
    }
}

impl<S: Downgrade + Emitter> OnAsync for S {}

#[track_caller]
fn listen<S, E, F>(
    source: &S,
    event: E,
    listener: impl FnMut(&S, E::Owned) -> F + 'static,
) -> Listener
where
    S: Downgrade + Emitter,
    E: Waitable<S>,
    F: Future<Output = ()> + 'static,
{
    source.on(event, calling::<S, E, F>(here("on_async"), source, listener))
}

/// A listener that calls one that gives a future.
#[track_caller]
fn calling<S, E, F>(
    handle: Handle,
    source: &S,
    listener: impl FnMut(&S, E::Owned) -> F + 'static,
) -> impl for<'a> FnMut(&S, E::Payload<'a>) + 'static
where
    S: Downgrade,
    E: Waitable<S>,
    F: Future<Output = ()> + 'static,
{
    let (weak, origin) = (Rc::new(source.downgrade()), Location::caller());
    // Out of its place while it is called; only removing the listener drops it.
    let place = Rc::new(Cell::new(Some(listener)));
    move |source: &S, payload: E::Payload<'_>| {
        let payload = E::own(payload);
        if COLLECTED.with_borrow(Option::is_none) {
            if let Some(future) = call(&place, source, payload) {
                handle.spawn_from(origin, future);
            }
            return;
        }
        let (place, weak) = (Rc::downgrade(&place), Rc::clone(&weak));
        let later = move || -> Option<Started> {
            let (place, source) = (place.upgrade()?, weak()?);
            Some(Box::pin(call(&*place, &source, payload)?))
        };
        COLLECTED.with_borrow_mut(|calls| calls.get_or_insert_default().push(Box::new(later)));
    }
}

/// Calls a listener, unless it is being called.
fn call<S, P, F>(
    place: &Cell<Option<impl FnMut(&S, P) -> F>>,
    source: &S,
    payload: P,
) -> Option<F> {
    struct Back<'a, L>(&'a Cell<Option<L>>, Option<L>);
    impl<L> Drop for Back<'_, L> {
        fn drop(&mut self) {
            self.0.set(self.1.take());
        }
    }
    let mut back = Back(place, Some(place.take()?));
    back.1.as_mut().map(|listener| listener(source, payload))
}

/// Emits, and collects the calls of async listeners.
fn collect(emit: impl FnOnce() -> Emitted) -> (Emitted, Vec<Call>) {
    /// Those of an emit that this one is inside of, put back also after a panic.
    struct Outer(Option<Vec<Call>>);
    impl Drop for Outer {
        fn drop(&mut self) {
            let inner = COLLECTED.replace(self.0.take());
            drop(inner);
        }
    }
    let outer = Outer(COLLECTED.replace(Some(Vec::new())));
    let emitted = emit();
    let calls = COLLECTED.replace(Some(Vec::new())).unwrap_or_default();
    drop(outer);
    (emitted, calls)
}

async fn side_by_side((emitted, calls): (Emitted, Vec<Call>)) -> Emitted {
    let begun = calls.into_iter().filter_map(|call| call());
    let mut running: Vec<Option<Started>> = begun.map(Some).collect();
    poll_fn(|context| {
        for future in &mut running {
            if future.as_mut().is_some_and(|f| f.as_mut().poll(context).is_ready()) {
                *future = None;
            }
        }
        if running.iter().all(Option::is_none) { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
    emitted
}

async fn one_by_one((emitted, calls): (Emitted, Vec<Call>)) -> Emitted {
    for call in calls {
        if let Some(future) = call() {
            future.await;
        }
    }
    emitted
}

impl<S: Declared> EventEmitter<S> {
    /// Emits, and gives a future that is done when the futures of all [async](OnAsync) listeners are. They run side
    /// by side, inside of this future: it can be awaited on any executor, and dropping it drops them.
    ///
    /// The other listeners have been called when this returns; the async ones are called as it is first polled.
    /// One that is removed before is not.
    ///
    /// Types made by [`events!`](crate::events!) have `emit_async(event, payload)` and
    /// `emit_serial(event, payload)`.
    ///
    /// ```
    /// use onward::{OnAsync, events};
    /// use std::time::Duration;
    ///
    /// events! { Room { Closing(&str) } }
    ///
    /// onward::block_on(async {
    ///     let room = Room::new();
    ///     for guest in ["ada", "bob"] {
    ///         room.on_async(Closing, move |_, why| async move {
    ///             onward::sleep(Duration::from_millis(1)).await;
    ///             println!("{guest} has left: {why}");
    ///         });
    ///     }
    ///     room.emit_async(Closing, "it is late").await;
    ///     println!("all have left");
    /// })?;
    /// # Ok::<(), onward::Error>(())
    /// ```
    #[must_use = "the async listeners are not called unless it is awaited"]
    pub fn emit_async<E: Event<S>>(
        &self,
        source: &S,
        event: E,
        payload: E::Payload<'_>,
    ) -> impl Future<Output = Emitted> + use<S, E> {
        side_by_side(collect(|| self.emit(source, event, payload)))
    }

    /// The same one after the other: each async listener is called when the future of the one before is done.
    ///
    /// ```
    /// use onward::{OnAsync, events};
    ///
    /// events! { Server { Stopping() } }
    ///
    /// onward::block_on(async {
    ///     let server = Server::new();
    ///     server.on_async(Stopping, |_, ()| async { println!("first: take no more guests") });
    ///     server.on_async(Stopping, |_, ()| async { println!("then: save what there is") });
    ///     server.emit_serial(Stopping, ()).await;
    /// })?;
    /// # Ok::<(), onward::Error>(())
    /// ```
    #[must_use = "the async listeners are not called unless it is awaited"]
    pub fn emit_serial<E: Event<S>>(
        &self,
        source: &S,
        event: E,
        payload: E::Payload<'_>,
    ) -> impl Future<Output = Emitted> + use<S, E> {
        one_by_one(collect(|| self.emit(source, event, payload)))
    }
}

/// Async listeners, as [`OnAsync`] has them for other emitters.
#[cfg(feature = "named")]
impl NamedEmitter {
    /// Calls `listener` each time that `event` is emitted, and runs the future on the loop: see
    /// [`OnAsync::on_async`].
    ///
    /// # Panics
    ///
    /// Outside of a loop.
    ///
    /// ```
    /// use onward::emitter::named::{Name, NamedEmitter};
    ///
    /// const CHAT: Name<str> = Name::new("chat");
    ///
    /// onward::run(|| {
    ///     let emitter = NamedEmitter::new();
    ///     emitter.on_async(CHAT, |_, line: String| async move { println!("{line}") });
    ///     emitter.emit(CHAT, "hello");
    ///     Ok(())
    /// })?;
    /// # Ok::<(), onward::Error>(())
    /// ```
    #[track_caller]
    pub fn on_async<S, F>(
        &self,
        event: S,
        listener: impl FnMut(&Self, Owned<S>) -> F + 'static,
    ) -> Listener
    where
        S: Select<Event: Waitable<Self>>,
        F: Future<Output = ()> + 'static,
    {
        self.on(event, calling::<Self, S::Event, F>(here("on_async"), self, listener))
    }

    /// The same for a future that may fail: its error is emitted as `errors`, see
    /// [`OnAsync::on_try_async`].
    ///
    /// # Errors
    ///
    /// One that nobody takes ends the loop. So does one that comes when the emitter is gone.
    ///
    /// # Panics
    ///
    /// Outside of a loop.
    #[track_caller]
    pub fn on_try_async<S, R, F, X>(
        &self,
        event: S,
        errors: R,
        mut listener: impl FnMut(&Self, Owned<S>) -> F + 'static,
    ) -> Listener
    where
        S: Select<Event: Waitable<Self>>,
        R: Find<Key: Key<Payload = X>>,
        F: Future<Output = Result<(), X>> + 'static,
        X: Into<Failure> + 'static,
    {
        let (weak, errors) = (Rc::new(self.downgrade()), Rc::new(errors.into_key()));
        self.on_async(event, move |this: &Self, payload| {
            let future = listener(this, payload);
            let (weak, errors) = (Rc::clone(&weak), Rc::clone(&errors));
            async move {
                let Err(error) = future.await else { return };
                match weak() {
                    Some(source) => source.fail(&*errors, error),
                    None => failing::unhandled("NamedEmitter", error.into()),
                }
            }
        })
    }

    /// Emits, and gives a future that is done when those of all async listeners are, as
    /// [`EventEmitter::emit_async`] does.
    ///
    /// ```
    /// use onward::emitter::named::{Name, NamedEmitter};
    ///
    /// const CLOSING: Name<str> = Name::new("closing");
    ///
    /// onward::block_on(async {
    ///     let emitter = NamedEmitter::new();
    ///     emitter.on_async(CLOSING, |_, why: String| async move { println!("left: {why}") });
    ///     assert_eq!(emitter.emit_async(CLOSING, "it is late").await.called, 1);
    /// })?;
    /// # Ok::<(), onward::Error>(())
    /// ```
    #[must_use = "the async listeners are not called unless it is awaited"]
    pub fn emit_async<K: Find>(
        &self,
        key: K,
        payload: &<K::Key as Key>::Payload,
    ) -> impl Future<Output = Emitted> + use<K> {
        side_by_side(collect(|| self.emit(key, payload)))
    }

    /// The same, one async listener after the other, as [`EventEmitter::emit_serial`] does.
    #[must_use = "the async listeners are not called unless it is awaited"]
    pub fn emit_serial<K: Find>(
        &self,
        key: K,
        payload: &<K::Key as Key>::Payload,
    ) -> impl Future<Output = Emitted> + use<K> {
        one_by_one(collect(|| self.emit(key, payload)))
    }
}
