//! What an event is, and what an emitter declares.

use super::any::{Any, AnyEvent};
use super::core::Core;
use super::list::{AnyList, List, RawList};
use crate::emitter::names::{ListenerAdded, ListenerLeak, ListenerRemoved};

/// `Self` is an event that `S` emits, with a payload that belongs to the pair of the two.
///
/// [`events!`](crate::events!) implements it. In your own code it is a bound, for functions that serve
/// every emitter which has the event:
///
/// ```
/// use onward::emitter::Event;
/// use onward::events::Error;
/// use onward::{Emitter, events};
///
/// fn log_errors<S: Emitter, X: std::fmt::Display + 'static>(source: &S)
/// where
///     Error: for<'a> Event<S, Payload<'a> = &'a X>,
/// {
///     source.on(Error, |_, error| eprintln!("failed: {error}"));
/// }
///
/// events! { Room { error std::fmt::Error } }
/// let room = Room::new();
/// log_errors(&room);
/// assert!(room.emit_error(std::fmt::Error).is_ok());
/// ```
///
/// An event that is not declared does not compile:
///
/// ```compile_fail,E0277
/// use onward::{Emitter, events, events::Connection};
///
/// events! { Room { Joined(&str) } }
/// Room::new().on(Connection, |_, _| {}); // `Room` never emits `Connection`
/// ```
#[diagnostic::on_unimplemented(
    message = "`{S}` never emits `{Self}`",
    label = "not an event of `{S}`",
    note = "`onward::events!` declares what an emitter emits"
)]
pub trait Event<S: Declared>: Copy + 'static {
    /// What listeners are handed: `&'a T`, `&'a mut T`, a value, or a tuple of these.
    type Payload<'a>;

    /// How the parts of the payload are handed over: what [`Waitable`](super::Waitable) goes by.
    #[doc(hidden)]
    type Shape: 'static;

    /// The event's name, which is that of its type.
    const NAME: &'static str;

    #[doc(hidden)]
    const INDEX: u16;

    /// Is it one of those that every emitter has, and raises itself?
    #[doc(hidden)]
    const BUILT_IN: bool = false;

    /// Is lending as good as giving, and as cheap? So it is if the payload is made of references.
    #[doc(hidden)]
    const LENT: bool;

    /// The payload for a listener that is not the last: copied, reborrowed, or cloned.
    #[doc(hidden)]
    fn lend<'a>(payload: &'a mut Self::Payload<'_>) -> Self::Payload<'a>;

    /// The event for those who listen to all; `None` if it is not for them.
    #[doc(hidden)]
    fn any<'a>(payload: &'a Self::Payload<'_>) -> Option<S::Any<'a>>;

    /// Its list, which is made if it is not there.
    #[doc(hidden)]
    fn list(core: &Core<S>) -> &List<S, Self>;

    /// Its list, if it is there.
    #[doc(hidden)]
    fn known(core: &Core<S>) -> Option<&List<S, Self>> {
        Some(Self::list(core))
    }

    #[doc(hidden)]
    fn row<F: Family>(rows: &S::Rows<F>) -> &F::Row<S, Self>;

    /// The row of an event that every emitter has.
    #[doc(hidden)]
    fn watched<F: Family>(watch: &F::Watch<S>) -> Option<&F::Row<S, Self>> {
        let _ = watch;
        None
    }
}

/// A type for which [`events!`](crate::events!) has declared what it emits. Nothing else implements it.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not declare what it emits",
    note = "declare it with `onward::events! {{ for {Self} {{ ... }} }}`"
)]
pub trait Declared: Sized + 'static {
    /// The emitter's name, which is that of its type.
    const NAME: &'static str;

    /// Any event of this emitter: the enum that a line `enum RoomEvent` names, or one without a name.
    type Any<'a>: AnyEvent;

    #[doc(hidden)]
    type Table: Table;

    #[doc(hidden)]
    type Rows<F: Family>: Rows<F>;

    /// Shortens the lifetime, which is to be done where the type is known.
    #[doc(hidden)]
    fn shorten<'a, 'b: 'a>(event: Self::Any<'b>) -> Self::Any<'a>;
}

/// A type whose events are all declared, none found at run time.
pub trait Listed: Declared {}

/// One typed list for each event, as fields: finding an event's listeners takes no hash and no cast.
pub trait Table: Default + 'static {
    /// How many events there are.
    const EVENTS: u16;
    /// The list of the event with this [`Event::INDEX`], if it is there.
    fn list(&self, index: u16) -> Option<&dyn AnyList>;
    /// The same without the event's name: what it takes to remove a listener.
    fn raw(&self, index: u16) -> Option<&RawList>;
    /// Does something with each list that is there, in the order of their indices.
    fn each(&self, work: impl FnMut(&RawList));
}

/// Another kind of storage than [`List`], for many threads, with a row of its own for each event.
pub trait Family: 'static {
    /// The listeners of one event.
    type Row<S: Declared, E: Event<S>>: Default + Send + Sync;
    /// Any of these rows, whatever its event.
    type Any: ?Sized;
    /// The rows of the events that every emitter has.
    type Watch<S: Declared>;

    /// Forgets the event.
    fn any<S: Declared, E: Event<S>>(row: &Self::Row<S, E>) -> &Self::Any;
    /// Those who are told of listeners that come.
    fn added<S: Declared>(watch: &Self::Watch<S>) -> &Self::Row<S, ListenerAdded>;
    /// Those who are told of listeners that go.
    fn removed<S: Declared>(watch: &Self::Watch<S>) -> &Self::Row<S, ListenerRemoved>;
    /// Those who are told of suspiciously many.
    fn leaks<S: Declared>(watch: &Self::Watch<S>) -> &Self::Row<S, ListenerLeak>;
    /// Those who hear all events.
    fn any_event<S: Declared>(watch: &Self::Watch<S>) -> &Self::Row<S, Any>;
}

/// One row of a [`Family`] for each event, as fields.
pub trait Rows<F: Family>: Default + Send + Sync {
    /// The row of the event with this [`Event::INDEX`].
    fn row(&self, index: u16) -> Option<&F::Any>;
}
