//! eventemitter3's tests, as far as they say something that Node's do not.

use super::support::*;
use onward::Emitter;

mod emit {
    use super::*;
    use std::cell::Cell;
    use std::rc::Rc;

    #[test]
    fn it_says_whether_anybody_was_called() {
        let room = Room::new();
        assert!(!room.emit(Joined, "").handled());
        let listener = room.on(Joined, |_, _| {});
        assert!(room.emit(Joined, "").handled());
        room.off(listener);
        assert!(!room.emit(Joined, "").handled());
    }

    #[test]
    fn order_holds_over_on_and_once_and_over_what_each_captured() {
        let (room, log) = (Room::new(), Log::default());
        let pattern = ["foo", "baz", "bar", "banana"];
        for (n, word) in pattern.into_iter().enumerate() {
            if n % 2 == 0 {
                add(&room, &log, word);
            } else {
                room.once(Joined, noting!(log, word));
            }
        }
        room.emit(Joined, "");
        assert_eq!(log.take(), "foo baz bar banana");
        room.emit(Joined, "");
        assert_eq!(log.take(), "foo bar");
    }

    #[test]
    fn one_and_four_once_listeners_get_up_to_twelve_arguments() {
        onward::events! { Caller { All(u8, u8, u8, u8, u8, u8, u8, u8, u8, u8, u8, u8) } }
        for listeners in [1, 4] {
            let (caller, sum) = (Caller::new(), Rc::new(Cell::new(0)));
            for _ in 0..listeners {
                let sum = Rc::clone(&sum);
                caller.once(All, move |_, (a, b, c, d, e, f, g, h, i, j, k, l)| {
                    assert_eq!([a, b, c, d, e, f], [1, 2, 3, 4, 5, 6]);
                    sum.set(sum.get() + u32::from(g + h + i + j + k + l));
                });
            }
            let all = (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12);
            assert_eq!(caller.emit(All, all).called, listeners);
            assert_eq!(caller.emit(All, all).called, 0);
            assert_eq!(sum.get() as usize, 57 * listeners);
        }
    }
}

mod once {
    use super::*;

    #[test]
    fn emitted_again_from_inside_it_is_called_once() {
        let (room, log) = (Room::new(), Log::default());
        let l = log.clone();
        room.once(Closed, move |room, ()| {
            l.note("once");
            room.emit(Closed, ());
        });
        room.emit(Closed, ());
        assert_eq!(log.take(), "once");
    }

    #[test]
    fn mixed_with_on_over_five_emits() {
        let (room, log) = (Room::new(), Log::default());
        add(&room, &log, "multi");
        room.once(Joined, noting!(log, "foo"));
        room.once(Joined, noting!(log, "bar"));
        let called = [0; 5].map(|_| room.emit(Joined, "").called);
        assert_eq!(called, [3, 1, 1, 1, 1]);
        assert_eq!(log.take(), "multi foo bar multi multi multi multi");
        assert_eq!(room.listener_count(Joined), 1);
    }
}

mod remove {
    use super::*;

    /// There it is by function, by context and by flag; here each registration has a handle.
    #[test]
    fn each_by_its_handle_in_whatever_order() {
        let (room, log) = (Room::new(), Log::default());
        let on = add(&room, &log, "on");
        let once = room.once(Joined, noting!(log, "once"));
        let other = room.once(Closed, noting!(log, "other"));
        assert!(room.off(once));
        assert_eq!((room.listener_count(Joined), room.event_names().len()), (1, 2));
        assert!(room.off(other));
        assert_eq!(room.event_names(), ["Joined"]);
        assert!(room.off(on));
        assert!(room.event_names().is_empty());
        room.emit(Joined, "");
        assert_eq!(log.take(), "");
    }

    #[test]
    fn it_can_be_used_again_when_all_are_gone() {
        let (room, log) = (Room::new(), Log::default());
        for _ in 0..3 {
            add(&room, &log, "again");
            room.emit(Joined, "");
            room.remove_all();
            room.emit(Joined, "");
        }
        assert_eq!(log.take(), "again again again");
    }
}
