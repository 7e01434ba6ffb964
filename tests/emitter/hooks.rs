//! The hook that is called for each registration.

use std::cell::Cell;

use onward::Emitter;

/// The hook sees every way to listen, after the registration.
#[test]
fn listener_added_is_called_for_every_way_to_listen() {
    use onward::emitter::Event;
    use onward::{EventEmitter, Listeners, events};

    struct Tap {
        emitter: EventEmitter<Self>,
        added: Cell<usize>,
    }
    events! { for Tap { Drop() } }
    impl Emitter for Tap {
        fn listeners(&self) -> &Listeners<Self> {
            &self.emitter
        }
        fn listener_added<E: Event<Self>>(&self, event: E) {
            self.added.set(self.added.get() + 1);
            assert_eq!(self.listener_count(event), self.added.get());
        }
    }
    let tap = Tap { emitter: EventEmitter::new(), added: Cell::new(0) };
    tap.on(Drop, |_, ()| {});
    tap.once(Drop, |_, ()| {});
    tap.prepend(Drop, |_, ()| {});
    tap.on_reentrant(Drop, |_, ()| {});
    tap.on_scoped(Drop, |_, ()| {}).forget();
    assert_eq!(tap.added.get(), 5);
}
