//! What is told of a listener, and the events that tell it: those that every emitter has.

use alloc::borrow::Cow;
use alloc::rc::Rc;
#[cfg(feature = "named")]
use alloc::string::String;
use core::any::Any;
use core::fmt;
use core::marker::PhantomData;
use core::panic::Location;

use super::core::Core;
use super::event::{Declared, Event, Family};
use super::kept::ByRef;
use super::leaks::Leak;
use super::list::List;
use super::listener::Listener;
use super::subscribing::Emitter;
use crate::emitter::names::{ListenerAdded, ListenerLeak, ListenerRemoved};

/// A listener that is about to be added, or was removed: what
/// [`ListenerAdded`] and [`ListenerRemoved`] carry.
///
/// ```
/// use onward::{Emitter, events, events::ListenerAdded};
///
/// events! { Room { Joined(&str), Closed() } }
/// let room = Room::new();
/// room.on(ListenerAdded, |_, added| {
///     assert!(added.is(Joined) && !added.is(Closed));
///     assert_eq!((added.event(), added.others()), ("Joined", 0));
///     println!("somebody listens for {added}"); // .. for Joined, at src/main.rs:12:6
/// });
/// room.on(Joined, |_, name| println!("hello {name}"));
/// ```
pub struct ListenerInfo<S> {
    pub(super) event: Cow<'static, str>,
    index: u16,
    /// What stands for the event, if it was found at run time.
    pub(super) found: Option<Rc<dyn Any>>,
    others: usize,
    location: &'static Location<'static>,
    listener: Option<Listener>,
    of: PhantomData<fn(&S)>,
}

impl<S: Emitter> ListenerInfo<S> {
    /// Is it a listener for this event?
    pub fn is<E: Event<S>>(&self, _: E) -> bool {
        self.index == E::INDEX
    }

    /// Is it a listener for all events, by [`on_any`](crate::Watching::on_any)?
    pub fn is_any(&self) -> bool {
        self.index == <super::any::Any as Event<S>>::INDEX
    }

    /// The name of the event that it is for, or `any`.
    pub fn event(&self) -> &'static str {
        match self.event {
            Cow::Borrowed(event) => event,
            Cow::Owned(_) => "", // only of events that are found at run time, which `S` has none of
        }
    }
}

impl<S: Declared> ListenerInfo<S> {
    pub(super) fn new(
        event: &'static str,
        index: u16,
        others: usize,
        location: &'static Location<'static>,
        listener: Option<Listener>,
    ) -> Self {
        let event = Cow::Borrowed(event);
        Self { event, index, found: None, others, location, listener, of: PhantomData }
    }

    /// Of an event that was found at run time.
    #[cfg(feature = "named")]
    pub(super) fn found(
        (event, found): (String, Rc<dyn Any>),
        others: usize,
        location: &'static Location<'static>,
        listener: Option<Listener>,
    ) -> Self {
        let (event, found, index) = (Cow::Owned(event), Some(found), u16::MAX);
        Self { event, index, found, others, location, listener, of: PhantomData }
    }

    /// How many listeners the event has besides this one: 0 means that the first comes, or that the last
    /// has gone.
    pub fn others(&self) -> usize {
        self.others
    }

    /// Where it was registered.
    pub fn location(&self) -> &'static Location<'static> {
        self.location
    }

    /// What `on` returned for it. One that is about to be added has none yet.
    pub fn listener(&self) -> Option<Listener> {
        self.listener
    }
}

impl<S> Clone for ListenerInfo<S> {
    fn clone(&self) -> Self {
        Self { event: self.event.clone(), found: self.found.clone(), ..*self }
    }
}

impl<S> fmt::Debug for ListenerInfo<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ListenerInfo")
            .field("event", &self.event)
            .field("others", &self.others)
            .field("location", &format_args!("{}", self.location))
            .field("listener", &self.listener)
            .finish()
    }
}

/// `Joined, at src/main.rs:12:6`
impl<S> fmt::Display for ListenerInfo<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, at {}", self.event, self.location)
    }
}

macro_rules! built_in {
    ($($event:ident ($payload:ty) $list:ident $index:expr;)*) => {$(
        impl<S: Declared> Event<S> for $event {
            type Payload<'a> = &'a $payload;
            type Shape = ByRef<$payload>;
            const NAME: &'static str = stringify!($event);
            const INDEX: u16 = $index;
            const BUILT_IN: bool = true;
            const LENT: bool = true;

            #[inline]
            fn lend<'a>(payload: &'a mut &$payload) -> &'a $payload {
                payload
            }

            fn any<'a>(_: &'a Self::Payload<'_>) -> Option<S::Any<'a>> {
                None
            }

            fn list(core: &Core<S>) -> &List<S, Self> {
                &core.watch().$list
            }

            fn row<F: Family>(_: &S::Rows<F>) -> &F::Row<S, Self> {
                // It depends on the emitter, so that it counts only where somebody asks.
                const { assert!(S::NAME.is_empty(), "emitters for many threads have no such event") };
                unreachable!()
            }
        }
    )*};
}

built_in! {
    ListenerAdded(ListenerInfo<S>) added u16::MAX;
    ListenerRemoved(ListenerInfo<S>) removed u16::MAX - 1;
    ListenerLeak(Leak) leaks u16::MAX - 2;
}
