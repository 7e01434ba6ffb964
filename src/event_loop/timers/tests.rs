//! The order of timers, and what they cost.

use super::{Key, Kind, Missed, SMALL, Seat, Timers, UNARMED};
use crate::event_loop::slab::Slab;
use std::collections::{BTreeMap, BTreeSet};

fn add(timers: &mut Timers, at: u64) -> Key {
    timers.add(0, at, Kind::Once, Seat::NONE)
}

#[test]
fn random_schedules_and_cancels_come_out_in_the_order_of_a_sorted_set() {
    let (mut timers, mut model, mut keys) = (Timers::new(), BTreeSet::new(), Vec::new());
    let mut seed = 0x9e37_79b9_u64;
    let mut random = move |below: u64| {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        seed % below
    };
    for serial in 0..20_000_u32 {
        let deadline = random(500);
        let key = add(&mut timers, deadline);
        model.insert((deadline, serial, key.index));
        keys.push((deadline, serial, key));
        if random(3) == 0 {
            let at = usize::try_from(random(keys.len() as u64)).unwrap();
            let (deadline, serial, key) = keys.swap_remove(at);
            assert!(timers.cancel(key).is_some());
            assert!(timers.cancel(key).is_none(), "a cancelled timer is gone");
            assert!(model.remove(&(deadline, serial, key.index)));
        }
    }
    assert_eq!(timers.counted(), model.len());
    let watermark = timers.watermark();
    for (deadline, _, index) in model {
        if let Some(before) = deadline.checked_sub(1) {
            assert!(timers.pop_due(before, watermark).is_none());
        }
        let due = timers.pop_due(deadline, watermark).unwrap();
        assert_eq!((due.deadline, due.key.index), (deadline, index));
    }
    assert!(timers.pop_due(u64::MAX, watermark).is_none());
    assert_eq!(timers.counted(), 0);
}

#[test]
fn nothing_is_early_and_what_was_scheduled_in_a_pass_waits_for_the_next() {
    let mut timers = Timers::new();
    add(&mut timers, 10);
    let watermark = timers.watermark();
    assert!(timers.pop_due(9, watermark).is_none());
    let watermark = timers.watermark();
    timers.add(10, 0, Kind::Once, Seat::NONE);
    assert!(timers.pop_due(10, watermark).is_some());
    assert!(timers.pop_due(10, watermark).is_none());
    let watermark = timers.watermark();
    assert!(timers.pop_due(10, watermark).is_some());
    let watermark = timers.watermark();
    assert!(timers.pop_due(u64::MAX, watermark).is_none());
}

#[test]
fn an_interval_that_makes_up_for_missed_beats_lets_others_that_are_due_by() {
    let mut timers = Timers::new();
    let burst = timers.add(0, 1, Kind::Every(Missed::Burst), Seat::NONE);
    let other = add(&mut timers, 5);
    for beat in 1..=5 {
        let watermark = timers.watermark();
        let due = timers.pop_due(5, watermark).unwrap();
        assert_eq!((due.key, due.deadline), (burst, beat));
        timers.again(&due, 5);
        if beat == 1 {
            assert_eq!(timers.pop_due(5, watermark).unwrap().key, other);
            assert!(!timers.is_empty(), "it waits for the next pass");
        }
        assert!(timers.pop_due(5, watermark).is_none());
        assert_eq!(timers.next_deadline(), Some(beat + 1));
    }
}

#[test]
fn the_dead_are_never_many_more_than_the_living() {
    let mut timers = Timers::new();
    let idle = add(&mut timers, 1_000);
    for now in 0..10_000 {
        assert!(timers.refresh(idle, now));
        let short = timers.add(now, 5_000, Kind::Once, Seat::NONE);
        assert!(timers.cancel(short).is_some());
        let entries = timers.heap.len() + timers.fresh.len();
        assert!(entries <= SMALL + 1, "{entries} entries");
    }
    assert_eq!(timers.next_deadline(), Some(9_999 + 1_000));
    assert!(!timers.is_empty());
    assert!(timers.cancel(idle).is_some());
    assert_eq!((timers.next_deadline(), timers.is_empty()), (None, true));
}

/// Timers in whatever state: sorted in, fresh, cancelled, set anew, swept and numbered anew.
#[test]
fn the_order_is_that_of_a_sorted_map_whatever_happens_between() {
    let mut seed = 0x2545_f491_4f6c_dd1d_u64;
    let mut random = move |below: u64| {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        seed % below
    };
    let (mut timers, mut model, mut live) = (Timers::new(), BTreeMap::new(), Vec::new());
    let (mut now, mut order) = (0, 0_u64);
    for round in 0..2_000 {
        if round % 500 == 250 {
            timers.sort_in();
            timers.serial = UNARMED - 5;
        }
        for _ in 0..random(100) {
            let delay = random(50);
            let key = timers.add(now, delay, Kind::Once, Seat::NONE);
            order += 1;
            model.insert((now + delay, order), key.index);
            live.push((key, delay, (now + delay, order)));
        }
        // Sometimes nearly all of them go before anybody looks.
        let changes = random(live.len() as u64 + 1);
        for _ in 0..changes {
            let at = usize::try_from(random(live.len() as u64)).unwrap();
            let (key, delay, was) = live[at];
            assert_eq!(model.remove(&was), Some(key.index));
            if random(5) == 0 {
                assert!(timers.refresh(key, now));
                order += 1;
                live[at].2 = (now + delay, order);
                model.insert(live[at].2, key.index);
            } else {
                assert!(timers.cancel(key).is_some());
                live.swap_remove(at);
            }
        }
        assert_eq!(timers.is_empty(), model.is_empty());
        let listed: BTreeSet<_> = timers.list().filter_map(|timer| timer.deadline).collect();
        assert_eq!(listed, model.keys().map(|(deadline, _)| *deadline).collect());
        if random(3) == 0 {
            now += random(20);
            let watermark = timers.watermark();
            while let Some(due) = timers.pop_due(now, watermark) {
                let ((deadline, order), index) = model.pop_first().unwrap();
                assert_eq!((due.deadline, due.key.index), (deadline, index));
                live.retain(|(_, _, at)| *at != (deadline, order));
            }
            assert_eq!(timers.next_deadline(), model.keys().next().map(|(deadline, _)| *deadline));
            assert!(timers.next_deadline().is_none_or(|next| next > now));
        }
        assert_eq!((timers.len(), timers.counted()), (model.len(), model.len()));
    }
}

#[test]
fn what_is_cancelled_before_anybody_looks_is_swept_by_and_by() {
    let mut timers = Timers::new();
    let kept = add(&mut timers, 7);
    for _ in 0..10_000 {
        let key = add(&mut timers, 5);
        assert!(timers.cancel(key).is_some());
        assert!(timers.fresh.len() <= SMALL + 1, "{} entries", timers.fresh.len());
    }
    let others: Vec<Key> = (0..10_000).map(|_| add(&mut timers, 7)).collect();
    others[1..].iter().for_each(|key| assert!(timers.cancel(*key).is_some()));
    assert!(timers.fresh.len() <= SMALL + 1, "{} entries", timers.fresh.len());
    let watermark = timers.watermark();
    let due = [(); 3].map(|()| timers.pop_due(7, watermark).map(|due| due.key));
    assert_eq!(due, [Some(kept), Some(others[0]), None]);
}

#[test]
fn the_order_outlives_the_numbers() {
    let mut timers = Timers::new();
    timers.serial = UNARMED - 3;
    let keys: Vec<Key> = [7, 5, 5, 7, 5, 7].map(|at| add(&mut timers, at)).into();
    assert!(timers.serial < 10, "they were numbered anew");
    assert!(timers.cancel(keys[2]).is_some());
    let watermark = timers.watermark();
    let mut order = Vec::new();
    while let Some(due) = timers.pop_due(7, watermark) {
        order.push(keys.iter().position(|key| *key == due.key).unwrap());
    }
    assert_eq!(order, [1, 4, 0, 3, 5]);
}

#[test]
fn a_timer_is_small() {
    let of_each = size_of::<super::Entry>() + Slab::<super::Timer>::PLACE;
    assert_eq!(Slab::<super::Timer>::PLACE, 20);
    assert!(of_each <= 64, "{of_each} bytes beside its closure");
}

#[test]
fn a_delay_without_end_never_overflows() {
    let mut timers = Timers::new();
    let key = timers.add(5, u64::MAX, Kind::Once, Seat::NONE);
    assert_eq!(timers.next_deadline(), Some(u64::MAX));
    assert!(timers.refresh(key, 7));
    assert!(timers.cancel(key).is_some());
}
