//! Raising the events of a type that keeps its emitter to itself.
//~ no method named `emit` found for struct `Door`
//~ method `emit` is private
//~ field `emitter` of struct `Door` is private

use onward::Emitter;

mod house {
    use onward::{Emitter, EventEmitter, Listeners, events};

    #[derive(Default)]
    pub struct Door {
        emitter: EventEmitter<Door>,
    }

    events! { pub for Door { Opened(&str) } }

    impl Emitter for Door {
        fn listeners(&self) -> &Listeners<Door> {
            &self.emitter
        }
    }
}

fn main() {
    let door = house::Door::default();
    door.on(house::Opened, |_, _| {});
    door.emit(house::Opened, "somebody else");
    door.listeners().emit(&door, house::Opened, "somebody else");
    door.emitter.emit(&door, house::Opened, "somebody else");
}
