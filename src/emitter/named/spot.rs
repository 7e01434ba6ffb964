//! Names, keys and patterns as what the emitter and its neighbours share takes events: to wait for, and to relay.

use alloc::boxed::Box;
use alloc::rc::{Rc, Weak};
use core::cell::{Cell, OnceCell};
use core::panic::Location;

use super::emitter::NamedEmitter;
use super::entry::{Held, Keyed};
use super::key::{Find, Key, Select};
use super::payload::Carried;
use super::seat::seat_of;
use crate::emitter::emission::Emitted;
use crate::emitter::list::Place;
use crate::emitter::listener::{Listener, Subscription};
use crate::emitter::next::Gone;
use crate::emitter::relaying::{Downgrade, End, EventOf, RaisedBy};
use crate::emitter::slot::Slot;
use crate::emitter::special::Watch;
use crate::emitter::spot::Spot;

impl<X: Select> Spot<NamedEmitter> for X {
    type Event = X::Event;

    fn add(
        self,
        source: &NamedEmitter,
        place: Place,
        location: &'static Location<'static>,
        slot: impl FnOnce(Listener, &'static Location<'static>) -> Slot<NamedEmitter, X::Event>,
    ) -> Listener {
        source.core().add(source, self, place, location, slot)
    }

    fn off(source: &NamedEmitter, listener: Listener) -> bool {
        source.off(listener)
    }

    fn guard(source: &NamedEmitter, listener: Listener) -> Subscription {
        source.guard(listener)
    }

    fn gone(&self) -> Gone {
        Gone::new("NamedEmitter", self.text())
    }
}

impl Downgrade for NamedEmitter {
    fn downgrade(&self) -> impl Fn() -> Option<Self> + 'static {
        let core = Rc::downgrade(self.core());
        move || core.upgrade().map(Self::of)
    }
}

impl<F: Find + 'static> EventOf<NamedEmitter> for F {
    fn end(self) -> Box<dyn End<NamedEmitter>> {
        Box::new(Named { key: Cell::new(Some(self.into_key())), entry: OnceCell::new() })
    }
}

impl<F: Find + Clone + 'static> RaisedBy<NamedEmitter> for F {
    type Payload<'a> = &'a <F::Key as Key>::Payload;

    fn raise(&self, target: &NamedEmitter, payload: Self::Payload<'_>) -> Emitted {
        target.emit_by(self, payload)
    }
}

/// A key to which a relay leads. Its entry stays as long as the relay does, which the entry's list keeps.
struct Named<K: Key> {
    key: Cell<Option<K>>,
    entry: OnceCell<Weak<Keyed<K>>>,
}

impl<K: Key> Named<K> {
    fn entry(&self) -> Option<Rc<Keyed<K>>> {
        self.entry.get()?.upgrade()
    }
}

#[allow(private_interfaces, reason = "as the trait says")]
impl<K: Key> End<NamedEmitter> for Named<K> {
    fn count(&self, _: &NamedEmitter) -> usize {
        self.entry().map_or(0, |entry| entry.list.count())
    }

    fn watch(&self, target: &NamedEmitter, watch: Rc<dyn Watch>) {
        let (core, Some(key)) = (target.core(), self.key.take()) else { return };
        let held = Held { core, entry: seat_of(core, key) };
        let entry = &held.entry;
        core.configure::<Carried<K::Payload>>(&**entry);
        let _ = self.entry.set(Rc::downgrade(entry));
        if !entry.list.is_idle() && !entry.list.is_special() {
            // Who walks has not counted, and does not end as most do.
            entry.state.kept.set(Some(Rc::clone(entry) as _));
        }
        entry.list.watch_count(watch);
    }

    fn released(&self, target: &NamedEmitter) {
        if let (Some(core), Some(entry)) = (target.made(), self.entry()) {
            drop(Held { core, entry });
        }
    }
}
