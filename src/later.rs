//! Events that are emitted later, on a loop: where emitters and the loop meet.

#[cfg(feature = "named")]
use crate::emitter::named::{Find, Key, NamedEmitter};
use crate::emitter::names::Error as ErrorEvent;
use crate::emitter::{Declared, Deferrable, EventEmitter};
use crate::error::{Error, ErrorKind, Result};
use crate::event_loop::Handle;
use std::any::TypeId;
use std::borrow::Borrow;

impl<S: Declared> EventEmitter<S> {
    /// Emits right after the callback that runs now, as a [tick](crate::next_tick) of this thread's loop. `source` is
    /// a handle of the emitter that the user knows: the emitter itself, or an `Rc` of it.
    ///
    /// It is for an event that must not come from inside of the call which caused it: who has just been given
    /// the emitter has no listeners yet. The payload waits, so it is [owned](Deferrable), and lent or given to the
    /// listeners as by [`emit`](Self::emit).
    ///
    /// Types made by [`events!`](crate::events!) have `emit_later(event, payload)`.
    ///
    /// # Ordering
    ///
    /// What was put off first is emitted first, ticks of other kinds included. Who listens by then is called.
    ///
    /// # Lifetimes
    ///
    /// What waits holds `source`, so it is emitted although its handles may have been dropped meanwhile. If the loop
    /// ends before, the payload is dropped, and nobody called.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotInLoop`] outside of a loop, [`ErrorKind::LoopGone`] on one that has ended; the payload is dropped.
    ///
    /// An [`Error`](crate::events::Error) that nobody takes, when its time comes, ends the loop with
    /// [`ErrorKind::Unhandled`].
    ///
    /// ```
    /// use std::rc::Rc;
    ///
    /// use onward::{Emitter, EventEmitter, Listeners, events};
    ///
    /// struct Door { emitter: EventEmitter<Door> }
    /// events! { for Door { Opened(&str) } }
    /// impl Emitter for Door {
    ///     fn listeners(&self) -> &Listeners<Door> {
    ///         &self.emitter
    ///     }
    /// }
    ///
    /// /// Opens at once, and says so to those who listen then.
    /// fn open(who: &str) -> onward::Result<Rc<Door>> {
    ///     let door = Rc::new(Door { emitter: EventEmitter::new() });
    ///     door.emitter.emit_later(Rc::clone(&door), Opened, who.into())?;
    ///     Ok(door)
    /// }
    ///
    /// onward::run(|| {
    ///     open("ada")?.on(Opened, |_, who| println!("opened by {who}"));
    ///     Ok(())
    /// })?;
    /// # Ok::<(), onward::Error>(())
    /// ```
    #[track_caller]
    pub fn emit_later<E: Deferrable<S>>(
        &self,
        source: impl Borrow<S> + 'static,
        event: E,
        payload: E::Owned,
    ) -> Result<()> {
        let handle = Handle::for_operation("emit later")?;
        let (emitter, on) = (self.clone(), handle.clone());
        handle.next_tick(move || {
            let emitted = E::with(payload, |payload| emitter.emit(source.borrow(), event, payload));
            let is_taken = emitted.handled() || emitted.stopped;
            if TypeId::of::<E>() == TypeId::of::<ErrorEvent>() && !is_taken {
                on.fail(Error::new(ErrorKind::Unhandled, "unhandled error of").on(S::NAME));
            }
        });
        Ok(())
    }
}

#[cfg(feature = "named")]
impl NamedEmitter {
    /// Emits right after the callback that runs now, as [`EventEmitter::emit_later`] does; the payload is owned until
    /// then. Who listens by then is called.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotInLoop`] outside of a loop, [`ErrorKind::LoopGone`] on one that has ended; the payload is dropped.
    ///
    /// ```
    /// use onward::emitter::named::{Name, NamedEmitter};
    ///
    /// const CHAT: Name<str> = Name::new("chat");
    ///
    /// onward::run(|| {
    ///     let emitter = NamedEmitter::new();
    ///     emitter.emit_later(CHAT, "hello".into())?;
    ///     emitter.on(CHAT, |_, line| println!("{line}"));
    ///     Ok(())
    /// })?;
    /// # Ok::<(), onward::Error>(())
    /// ```
    pub fn emit_later<F, T>(&self, key: F, payload: T::Owned) -> Result<()>
    where
        F: Find<Key: Key<Payload = T>>,
        T: ToOwned<Owned: 'static> + ?Sized + 'static,
    {
        let (emitter, key) = (self.clone(), key.into_key());
        Handle::for_operation("emit later")?.next_tick(move || {
            emitter.emit_by(&key, payload.borrow());
        });
        Ok(())
    }
}

/// What `events!` adds to a type that it makes.
#[doc(hidden)]
#[macro_export]
macro_rules! __later {
    ($emitter:ident) => {
        #[allow(dead_code)]
        impl $emitter {
            /// Calls the listeners of `event` right after the callback that runs now, as a tick of this thread's
            /// loop.
            #[track_caller]
            pub fn emit_later<E: $crate::emitter::Deferrable<Self>>(
                &self,
                event: E,
                payload: E::Owned,
            ) -> $crate::Result<()> {
                self.emitter.emit_later(::core::clone::Clone::clone(self), event, payload)
            }

            /// Emits, and gives a future that is done when those of all async listeners are.
            #[must_use = "the async listeners are not called unless it is awaited"]
            pub fn emit_async<E: $crate::emitter::Event<Self>>(
                &self,
                event: E,
                payload: E::Payload<'_>,
            ) -> impl ::core::future::Future<Output = $crate::emitter::Emitted> + use<E> {
                self.emitter.emit_async(self, event, payload)
            }

            /// The same, one async listener after the other.
            #[must_use = "the async listeners are not called unless it is awaited"]
            pub fn emit_serial<E: $crate::emitter::Event<Self>>(
                &self,
                event: E,
                payload: E::Payload<'_>,
            ) -> impl ::core::future::Future<Output = $crate::emitter::Emitted> + use<E> {
                self.emitter.emit_serial(self, event, payload)
            }
        }
    };
}
