//! The two kinds of events that lists are made for: the payload alone, and with the name.
//!
//! A named emitter declares no events: which there are, its tables know. These types bring the payloads into the form that
//! [`List`] asks for, and nothing else of what declared events have.

use core::marker::PhantomData;

use super::emitter::NamedEmitter;
use crate::emitter::any::AnyEvent;
use crate::emitter::core::Core;
use crate::emitter::event::{Declared, Event, Family, Rows, Table};
use crate::emitter::kept::ByRef;
use crate::emitter::list::{AnyList, List, RawList};

/// Carries `&T`.
#[allow(unnameable_types, missing_debug_implementations, reason = "for the storage alone")]
pub struct Carried<T: ?Sized>(PhantomData<fn(&T)>);

/// Carries the name that a pattern has matched, and `&T`.
#[allow(unnameable_types, missing_debug_implementations, reason = "for the storage alone")]
pub struct Matched<T: ?Sized>(PhantomData<fn(&T)>);

impl<T: ?Sized + 'static> Event<NamedEmitter> for Carried<T> {
    type Payload<'a> = &'a T;
    type Shape = ByRef<T>;
    const NAME: &'static str = "(by name)";
    const INDEX: u16 = 0;
    const LENT: bool = true;

    #[inline]
    fn lend<'a>(payload: &'a mut &T) -> &'a T {
        payload
    }

    fn any(_: &Self::Payload<'_>) -> Option<NoEvent> {
        None
    }

    fn list(core: &Core<NamedEmitter>) -> &List<NamedEmitter, Self> {
        core.table().nothing()
    }

    fn row<F: Family>(rows: &NoTable) -> &F::Row<NamedEmitter, Self> {
        rows.nothing()
    }
}

impl<T: ?Sized + 'static> Event<NamedEmitter> for Matched<T> {
    type Payload<'a> = (&'a str, &'a T);
    type Shape = (ByRef<str>, ByRef<T>);
    const NAME: &'static str = "(by pattern)";
    const INDEX: u16 = 0;
    const LENT: bool = true;

    #[inline]
    fn lend<'a>(payload: &'a mut (&str, &T)) -> (&'a str, &'a T) {
        *payload
    }

    fn any(_: &Self::Payload<'_>) -> Option<NoEvent> {
        None
    }

    fn list(core: &Core<NamedEmitter>) -> &List<NamedEmitter, Self> {
        core.table().nothing()
    }

    fn row<F: Family>(rows: &NoTable) -> &F::Row<NamedEmitter, Self> {
        rows.nothing()
    }
}

impl Declared for NamedEmitter {
    const NAME: &'static str = "NamedEmitter";
    type Any<'a> = NoEvent;
    type Table = NoTable;
    type Rows<F: Family> = NoTable;

    fn shorten<'a, 'b: 'a>(event: NoEvent) -> NoEvent {
        event
    }
}

/// An event that was declared, of which there are none.
#[derive(Clone, Copy, Debug)]
#[allow(unnameable_types, clippy::exhaustive_enums, reason = "there is no value of it")]
pub enum NoEvent {}

impl AnyEvent for NoEvent {
    fn name(&self) -> &'static str {
        match *self {}
    }
}

/// The table of declared events, of which there are none.
#[derive(Default)]
#[allow(unnameable_types, missing_debug_implementations, reason = "for the storage alone")]
pub struct NoTable(());

impl NoTable {
    fn nothing(&self) -> ! {
        unreachable!(
            "only an `EventEmitter` asks its table, for events that nobody outside can name"
        )
    }
}

impl Table for NoTable {
    const EVENTS: u16 = 0;

    fn list(&self, _: u16) -> Option<&dyn AnyList> {
        None
    }

    fn raw(&self, _: u16) -> Option<&RawList> {
        None
    }

    fn each(&self, _: impl FnMut(&RawList)) {}
}

impl<F: Family> Rows<F> for NoTable {
    fn row(&self, _: u16) -> Option<&F::Any> {
        None
    }
}

impl<T: ?Sized> Copy for Carried<T> {}
impl<T: ?Sized> Copy for Matched<T> {}

impl<T: ?Sized> Clone for Carried<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T: ?Sized> Clone for Matched<T> {
    fn clone(&self) -> Self {
        *self
    }
}
