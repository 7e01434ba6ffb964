//! Adding, removing, counting, and the order of calls.

use super::support::*;
use onward::Emitter;

mod test_event_emitter_add_listeners {
    use super::*;

    #[test]
    fn arguments_arrive_as_they_were_given() {
        let (room, log) = (Room::new(), Log::default());
        let l = log.clone();
        room.on(Said, move |_, (who, line)| l.note(format!("{who}: {line}")));
        assert!(room.emit(Said, ("ada", "b")).handled());
        assert_eq!(log.take(), "ada: b");
    }

    #[test]
    fn a_listener_hears_of_its_own_event_only() {
        let (room, log) = (Room::new(), Log::default());
        add(&room, &log, "joined");
        room.on(Closed, noting!(log, "closed"));
        room.emit(Closed, ());
        assert_eq!(log.take(), "closed");
    }
}

mod test_event_emitter_modify_in_emit {
    use super::*;

    /// Adds a listener that notes its name and removes itself.
    fn add_passing(room: &Room, log: &Log, name: &'static str) {
        let (later, log) = (Later::new(), log.clone());
        let handle = later.clone();
        later.set(room.on(Closed, move |room, ()| {
            log.note(name);
            assert!(room.off(handle.get()));
        }));
    }

    #[test]
    fn what_is_added_waits_for_the_next_emit_and_what_removes_itself_is_gone() {
        let (room, log, later) = (Room::new(), Log::default(), Later::new());
        let (l, handle) = (log.clone(), later.clone());
        later.set(room.on(Closed, move |room, ()| {
            l.note("callback1");
            add_passing(room, &l, "callback2");
            add_passing(room, &l, "callback3");
            assert!(room.off(handle.get()));
        }));
        assert_eq!(room.listener_count(Closed), 1);
        for (called, left) in [("callback1", 2), ("callback2 callback3", 0), ("", 0)] {
            room.emit(Closed, ());
            assert_eq!((log.take().as_str(), room.listener_count(Closed)), (called, left));
        }
    }

    #[test]
    fn removing_all_inside_leaves_none() {
        let room = Room::new();
        room.on(Closed, |room, ()| {
            room.on(Closed, |_, ()| {});
            room.on(Closed, |_, ()| {});
            room.remove_all_of(Closed);
        });
        room.emit(Closed, ());
        assert_eq!(room.listener_count(Closed), 0);
    }

    #[test]
    fn listeners_that_remove_themselves_do_not_hide_the_others() {
        let (room, log) = (Room::new(), Log::default());
        add_passing(&room, &log, "callback2");
        add_passing(&room, &log, "callback3");
        assert_eq!(room.listener_count(Closed), 2);
        room.emit(Closed, ());
        assert_eq!((log.take().as_str(), room.listener_count(Closed)), ("callback2 callback3", 0));
    }
}

mod test_event_emitter_remove_listeners {
    use super::*;

    #[test]
    fn it_removes_that_one_only() {
        let (room, log) = (Room::new(), Log::default());
        let first = add(&room, &log, "1");
        add(&room, &log, "2");
        assert!(room.off(first));
        room.emit(Joined, "");
        assert_eq!(log.take(), "2");
    }

    #[test]
    fn it_says_whether_there_was_one_and_minds_nothing_else() {
        let (room, other, log) = (Room::new(), Room::new(), Log::default());
        let joined = add(&room, &log, "1");
        let elsewhere = add(&other, &log, "elsewhere");
        assert!(!room.off(elsewhere), "it listens to another emitter");
        assert_eq!(room.listener_count(Joined), 1);
        assert!(room.off(joined));
        assert!(!room.off(joined), "it is gone already");
        assert_eq!(room.listener_count(Joined), 0);
    }

    /// Node calls it in that emit still. See `onward::emitter::from_node`.
    #[test]
    fn differs_a_listener_that_an_earlier_one_removes_is_not_called_any_more() {
        let (room, log, later) = (Room::new(), Log::default(), Later::new());
        let (l, handle) = (log.clone(), later.clone());
        room.on(Joined, move |room, _| {
            l.note("3");
            room.off(handle.get());
        });
        later.set(add(&room, &log, "4"));
        room.emit(Joined, "");
        assert_eq!(log.take(), "3", "Node: 3 4");
        room.emit(Joined, "");
        assert_eq!(log.take(), "3");
    }

    #[test]
    fn order_is_kept_over_removal() {
        let (room, log) = (Room::new(), Log::default());
        let first = add(&room, &log, "1");
        add(&room, &log, "2");
        room.off(first);
        add(&room, &log, "1");
        room.emit(Joined, "");
        assert_eq!(log.take(), "2 1");
    }

    /// Node removes the latest of several registrations of one function; here each has its own handle.
    #[test]
    fn the_same_function_twice_is_two_listeners() {
        fn count(room: &Room, (): ()) {
            assert_eq!(room.listener_count(Closed), 2);
        }
        let room = Room::new();
        let first = room.on(Closed, count);
        let second = room.on(Closed, count);
        assert_eq!(room.emit(Closed, ()).called, 2);
        assert!(room.off(first));
        assert_eq!(room.listener_count(Closed), 1);
        assert!(room.off(second));
        assert_eq!(room.listener_count(Closed), 0);
    }
}

mod test_event_emitter_remove_all_listeners {
    use super::*;

    #[test]
    fn of_one_event() {
        let (room, log) = (Room::new(), Log::default());
        add(&room, &log, "joined");
        room.on(Closed, noting!(log, "closed"));
        room.on(Closed, noting!(log, "closed again"));
        room.remove_all_of(Closed);
        assert_eq!((room.listener_count(Joined), room.listener_count(Closed)), (1, 0));
        assert!(!room.emit(Closed, ()).handled());
        room.emit(Joined, "");
        assert_eq!(log.take(), "joined");
    }

    #[test]
    fn of_all_events() {
        let (room, log) = (Room::new(), Log::default());
        add(&room, &log, "joined");
        room.on(Said, |_, _| {});
        room.on(Closed, |_, ()| {});
        room.remove_all();
        assert!(room.event_names().is_empty());
        assert!(!room.emit(Joined, "").handled());
        assert_eq!(log.take(), "");
    }

    #[test]
    fn where_there_is_nothing() {
        let room = Room::new();
        room.remove_all();
        room.remove_all_of(Joined);
        room.on(Joined, |_, _| {});
        room.remove_all_of(Closed);
        assert_eq!(room.event_names(), ["Joined"]);
        room.remove_all();
        room.remove_all();
        assert!(room.event_names().is_empty());
    }
}

mod test_event_emitter_once {
    use super::*;
    use std::cell::Cell;
    use std::rc::Rc;

    #[test]
    fn four_emits_make_one_call() {
        let (room, log) = (Room::new(), Log::default());
        room.once(Joined, noting!(log, "hello"));
        let called = ["a", "b", "c", "d"].map(|name| room.emit(Joined, name).called);
        assert_eq!((log.take().as_str(), called), ("hello", [1, 0, 0, 0]));
    }

    #[test]
    fn it_can_be_removed_before() {
        let room = Room::new();
        let remove = room.once(Joined, |_, _| unreachable!("removed"));
        assert!(room.off(remove));
        assert!(!room.emit(Joined, "").handled());
    }

    #[test]
    fn two_of_them_and_a_nested_emit_make_one_call_each() {
        let (room, calls) = (Room::new(), Rc::new(Cell::new(0)));
        for _ in 0..2 {
            let calls = Rc::clone(&calls);
            room.once(Closed, move |room, ()| {
                room.emit(Closed, ());
                calls.set(calls.get() + 1);
            });
        }
        room.emit(Closed, ());
        assert_eq!(calls.get(), 2);
    }

    #[test]
    fn no_to_four_arguments_arrive_and_only_once() {
        onward::events! { Caller { Zero(), One(u8), Two(u8, u8), Three(u8, u8, u8), Four(u8, u8, u8, u8) } }
        let (caller, log) = (Caller::new(), Log::default());
        let l = log.clone();
        caller.once(Zero, move |_, ()| l.note("()"));
        let l = log.clone();
        caller.once(One, move |_, args| l.note(format!("{args:?}")));
        let l = log.clone();
        caller.once(Two, move |_, args| l.note(format!("{args:?}")));
        let l = log.clone();
        caller.once(Three, move |_, args| l.note(format!("{args:?}")));
        let l = log.clone();
        caller.once(Four, move |_, args| l.note(format!("{args:?}")));
        for _ in 0..2 {
            caller.emit(Zero, ());
            caller.emit(One, 1);
            caller.emit(Two, (1, 2));
            caller.emit(Three, (1, 2, 3));
            caller.emit(Four, (1, 2, 3, 4));
        }
        assert_eq!(log.take(), "() 1 (1, 2) (1, 2, 3) (1, 2, 3, 4)");
    }
}

mod test_event_emitter_prepend {
    use super::*;

    #[test]
    fn prepended_once_then_prepended_then_added() {
        let (room, log) = (Room::new(), Log::default());
        room.on(Closed, noting!(log, "on"));
        room.prepend(Closed, noting!(log, "prepend"));
        room.prepend_once(Closed, noting!(log, "prepend_once"));
        room.emit(Closed, ());
        assert_eq!(log.take(), "prepend_once prepend on");
        room.emit(Closed, ());
        assert_eq!(log.take(), "prepend on");
    }
}

mod test_event_emitter_listeners {
    use super::*;

    /// There is no list of functions to hand out: a closure cannot be called from two places. What there is
    /// to see of a listener is where it was registered.
    #[test]
    fn differs_the_listeners_are_shown_as_places() {
        let room = Room::new();
        room.on(Joined, |_, _| {});
        room.once(Joined, |_, _| {});
        let before = format!("{room:#?}");
        assert_eq!(before.matches("listeners.rs:").count(), 2, "{before}");
        room.remove_all();
        assert_eq!(before.matches("listeners.rs:").count(), 2, "it was a copy");
        assert_eq!(format!("{room:#?}"), "Room");
    }
}

mod test_event_emitter_listeners_side_effects {
    use super::*;

    #[test]
    fn to_ask_makes_no_entry() {
        let room = Room::new();
        assert_eq!(room.listener_count(Joined), 0);
        assert!(room.event_names().is_empty());
        assert!(!room.emit(Joined, "").handled());
        room.remove_all_of(Joined);
        assert!(room.event_names().is_empty());
        room.on(Closed, |_, ()| {});
        assert_eq!(room.listener_count(Joined), 0);
        assert_eq!(room.event_names(), ["Closed"]);
    }
}

mod test_event_emitter_listener_count {
    use super::*;

    #[test]
    fn it_counts_each_event_by_itself_and_once_listeners_too() {
        let room = Room::new();
        room.on(Joined, |_, _| {});
        room.on(Joined, |_, _| {});
        room.once(Joined, |_, _| {});
        room.on(Closed, |_, ()| {});
        let counts = |room: &Room| {
            (room.listener_count(Joined), room.listener_count(Closed), room.listener_count(Said))
        };
        assert_eq!(counts(&room), (3, 1, 0));
        room.emit(Joined, "");
        assert_eq!(counts(&room), (2, 1, 0));
    }

    #[test]
    fn it_is_exact_inside_of_a_listener() {
        let room = Room::new();
        room.once(Closed, |room, ()| assert_eq!(room.listener_count(Closed), 2));
        room.on(Closed, |room, ()| assert_eq!(room.listener_count(Closed), 2));
        room.once(Closed, |room, ()| assert_eq!(room.listener_count(Closed), 1));
        assert_eq!(room.listener_count(Closed), 3);
        room.emit(Closed, ());
        assert_eq!(room.listener_count(Closed), 1);
    }
}

mod test_events_list {
    use super::*;

    #[test]
    fn names_come_in_order_of_first_registration_and_go_with_the_last_listener() {
        let room = Room::new();
        assert!(room.event_names().is_empty());
        let closed = room.on(Closed, |_, ()| {});
        room.once(Joined, |_, _| {});
        room.prepend(Said, |_, _| {});
        room.prepend(Joined, |_, _| {});
        assert_eq!(room.event_names(), ["Closed", "Joined", "Said"]);
        room.off(closed);
        assert_eq!(room.event_names(), ["Joined", "Said"]);
        room.on(Closed, |_, ()| {});
        room.emit(Joined, "");
        assert_eq!(room.event_names(), ["Joined", "Said", "Closed"]);
    }
}

mod test_event_emitter_num_args {
    use super::*;

    #[test]
    fn no_to_five_arguments_with_one_listener_and_with_two() {
        onward::events! {
            Caller {
                Zero(), One(u8), Two(u8, u8), Three(u8, u8, u8), Four(u8, u8, u8, u8), Five(u8, u8, u8, u8, u8),
            }
        }
        for listeners in 1..=2 {
            let (caller, log) = (Caller::new(), Log::default());
            for _ in 0..listeners {
                let l = log.clone();
                caller.on(Zero, move |_, ()| l.note("0"));
                let l = log.clone();
                caller.on(One, move |_, a| l.note(a.to_string()));
                let l = log.clone();
                caller.on(Two, move |_, (a, b)| l.note((a + b).to_string()));
                let l = log.clone();
                caller.on(Three, move |_, (a, b, c)| l.note((a + b + c).to_string()));
                let l = log.clone();
                caller.on(Four, move |_, (a, b, c, d)| l.note((a + b + c + d).to_string()));
                let l = log.clone();
                caller.on(Five, move |_, (a, b, c, d, e)| l.note((a + b + c + d + e).to_string()));
            }
            caller.emit(Zero, ());
            caller.emit(One, 1);
            caller.emit(Two, (1, 2));
            caller.emit(Three, (1, 2, 3));
            caller.emit(Four, (1, 2, 3, 4));
            caller.emit(Five, (1, 2, 3, 4, 5));
            let expected = ["0 1 3 6 10 15", "0 0 1 1 3 3 6 6 10 10 15 15"][listeners - 1];
            assert_eq!(log.take(), expected);
        }
    }
}

mod test_event_emitter_subclass {
    use super::*;
    use onward::{EventEmitter, Listeners};

    #[derive(Default)]
    struct Door {
        emitter: EventEmitter<Self>,
        opened: std::cell::Cell<u32>,
    }
    onward::events! { for Door { Opened() } }

    impl Emitter for Door {
        fn listeners(&self) -> &Listeners<Self> {
            &self.emitter
        }
    }

    impl Door {
        fn open(&self) -> bool {
            self.emitter.emit(self, Opened, ()).handled()
        }
    }

    #[test]
    fn a_type_of_its_own_is_what_its_listeners_are_handed() {
        let door = Door::default();
        door.on(Opened, |door, ()| door.opened.set(door.opened.get() + 1));
        assert!(door.open());
        assert_eq!(door.opened.get(), 1);
    }

    #[test]
    fn it_may_emit_before_anybody_listened() {
        assert!(!Door::default().open());
    }

    #[test]
    fn two_of_them_share_nothing() {
        let (front, back) = (Door::default(), Door::default());
        front.on(Opened, |door, ()| door.opened.set(1));
        assert_eq!((front.listener_count(Opened), back.listener_count(Opened)), (1, 0));
        assert!(!back.open());
        assert!(front.open());
        assert_eq!((front.opened.get(), back.opened.get()), (1, 0));
    }
}
