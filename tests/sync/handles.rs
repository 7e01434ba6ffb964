//! Handles, guards and blocks.

use onward::emitter::Listener;
use onward::sync::{Emitter, Subscription, Subscriptions};

use super::support::{Closed, Joined, Log, Room, noting};

#[test]
fn off_is_exact_and_idempotent() {
    let (room, log) = (Room::new(), Log::default());
    let words = ["0", "1", "2", "3", "4"];
    let handles: Vec<_> = words.map(|word| room.on(Joined, noting!(log, word))).to_vec();
    let first = room.prepend(Joined, noting!(log, "first"));
    for handle in [handles[0], handles[4], handles[2], first] {
        assert!(room.off(handle));
        assert!(!room.off(handle));
    }
    assert_eq!(room.emit(Joined, "").called, 2);
    assert_eq!(log.take(), "1 3");
}

#[test]
fn a_handle_is_never_taken_for_another() {
    let (room, other, log) = (Room::new(), Room::new(), Log::default());
    let old = room.on(Joined, noting!(log, "old"));
    assert!(!other.off(old), "one without any listener");
    other.on(Joined, noting!(log, "other"));
    assert!(!other.off(old), "another emitter's");
    assert_eq!(other.off_and_wait(old), Ok(false));
    room.remove_all();
    room.on(Joined, noting!(log, "new"));
    assert!(!room.off(old), "a later one in the same place");
    let local = onward_local();
    assert!(!room.off(local), "an emitter's for one thread");
    assert_eq!((room.listener_count(Joined), other.listener_count(Joined)), (1, 1));
}

fn onward_local() -> Listener {
    use onward::Emitter as _;
    onward::events! { Local { Here() } }
    Local::new().on(Here, |_, ()| {})
}

#[test]
fn thousands_come_and_go_in_any_order() {
    let (room, log) = (Room::new(), Log::default());
    let handles: Vec<_> = (0..2000).map(|_| room.on(Joined, noting!(log, "x"))).collect();
    for step in [7, 3, 2, 1] {
        for handle in handles.iter().step_by(step) {
            room.off(*handle);
        }
        let left = handles.len()
            - (0..2000)
                .filter(|n| [7, 3, 2, 1].iter().take_while(|s| **s >= step).any(|s| n % s == 0))
                .count();
        assert_eq!((room.listener_count(Joined), room.emit(Joined, "").called), (left, left));
    }
    let last = room.on(Joined, noting!(log, "last"));
    assert!(room.off(last));
}

#[test]
fn a_subscription_ends_with_its_scope_unless_forgotten() {
    let (room, log) = (Room::new(), Log::default());
    let kept = {
        let _scoped = room.on_scoped(Joined, noting!(log, "scoped"));
        let guarded = room.guard(room.prepend(Joined, noting!(log, "guarded")));
        let forgotten = room.on_scoped(Joined, noting!(log, "forgotten"));
        room.emit(Joined, "");
        assert_eq!(log.take(), "guarded scoped forgotten");
        assert_eq!(guarded.listener(), guarded.forget());
        forgotten.forget()
    };
    room.emit(Joined, "");
    assert_eq!(log.take(), "guarded forgotten");
    assert!(room.off(kept));
}

#[test]
fn subscriptions_go_to_another_thread_and_end_there() {
    let (room, log) = (Room::new(), Log::default());
    let mut bag: Subscriptions = [room.on_scoped(Joined, noting!(log, "a"))].into_iter().collect();
    bag.extend([room.on_scoped(Closed, |_, ()| {})]);
    std::thread::scope(|threads| threads.spawn(move || drop(bag)).join()).expect("no panic");
    assert!(room.event_names().is_empty());
}

#[test]
fn handles_never_keep_an_emitter_alive() {
    let (room, log) = (Room::new(), Log::default());
    let captured = log.on_drop("dropped");
    let subscription: Subscription = room.on_scoped(Joined, move |_, _| captured.touch());
    let blocked = room.block(subscription.listener());
    let clone = room.clone();
    drop(room);
    assert_eq!(log.take(), "", "a clone has the same listeners");
    drop(clone);
    assert_eq!(log.take(), "dropped");
    drop((blocked, subscription));
}

#[test]
fn blocks_are_counted() {
    let (room, log) = (Room::new(), Log::default());
    for reentrant in [false, true] {
        let listener = if reentrant {
            room.on_reentrant(Joined, noting!(log, "a"))
        } else {
            room.on(Joined, noting!(log, "a"))
        };
        let (one, two) = (room.block(listener), room.block(listener));
        assert_eq!((room.emit(Joined, "").called, room.listener_count(Joined)), (0, 1));
        drop(one);
        assert_eq!(room.emit(Joined, "").called, 0);
        drop(two);
        assert_eq!(room.emit(Joined, "").called, 1);
        let block = room.block(listener);
        assert!(room.off(listener), "a blocked one can be removed");
        drop(block);
        drop(room.block(listener));
        assert_eq!((room.emit(Joined, "").called, room.listener_count(Joined)), (0, 0));
    }
}

#[test]
fn a_once_that_is_blocked_waits_for_its_time() {
    let (room, log) = (Room::new(), Log::default());
    let listener = room.once(Joined, noting!(log, "once"));
    let block = room.block(listener);
    room.emit(Joined, "");
    drop(block);
    assert_eq!([room.emit(Joined, "").called, room.emit(Joined, "").called], [1, 0]);
}
