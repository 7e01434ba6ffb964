//! What a row seldom needs, in an allocation of its own: who came while an emit walked, who is blocked, who watches.
//!
//! It is taken out of the row while something is done with it, which runs no code of the user's.

use alloc::boxed::Box;
use alloc::rc::Rc;
use alloc::vec::Vec;
use core::any::Any;
use core::ptr::NonNull;

use super::kind::KindRef;
use super::row::Row;
use super::slot::RawSlot;
use super::special::Special;

/// What a row seldom needs.
#[derive(Default)]
pub(super) struct Aside {
    /// Added while an emit walked; each by itself, so that they stay where they are.
    pub(super) late: Vec<NonNull<RawSlot>>,
    pub(super) blocked: Vec<Blocked>,
    pub(super) special: Option<Rc<Special>>,
    /// How deep emits may be nested, if it has been said.
    pub(super) max_depth: Option<u32>,
    /// Who is told of removals, if somebody ever wanted to be: a `Weak<Watch<_>>`.
    pub(super) watch: Option<Box<dyn Any>>,
}

/// A listener that is blocked.
pub(super) struct Blocked {
    pub(super) key: i64,
    pub(super) times: usize,
    /// What its slot gets back.
    pub(super) kind: KindRef,
}

/// Does something with what is aside, if anything is.
pub(super) fn look_aside<R: Default>(row: &Row, work: impl FnOnce(&mut Aside) -> R) -> R {
    let Some(mut aside) = row.aside.take() else { return R::default() };
    let result = work(&mut aside);
    row.aside.set(Some(aside));
    result
}

/// Puts something aside.
pub(super) fn put_aside(row: &Row, work: impl FnOnce(&mut Aside)) {
    let mut aside = row.aside.take().unwrap_or_default();
    work(&mut aside);
    row.aside.set(Some(aside));
}

/// How many slots are late.
#[inline]
pub(super) fn count_late(row: &Row) -> usize {
    if row.aside_is_empty() { 0 } else { look_aside(row, |aside| aside.late.len()) }
}

/// Does somebody want to be told of removals?
#[inline]
pub(super) fn is_watched(row: Row) -> bool {
    !row.aside_is_empty() && look_aside(&row, |aside| aside.watch.is_some())
}

/// Is it out of use because it is blocked?
#[cold]
pub(super) fn is_blocked(row: &Row, slot: &RawSlot) -> bool {
    look_aside(row, |aside| aside.blocked.iter().any(|blocked| blocked.key == slot.key))
}

/// Blocks a listener, or blocks it once more. Says whether it is one.
pub(super) fn block_once_more(row: &Row, slot: &RawSlot) -> bool {
    let (key, times) = (slot.key, 1);
    if let Some(kind) = slot.block() {
        put_aside(row, |aside| aside.blocked.push(Blocked { key, times, kind }));
        return true;
    }
    look_aside(row, |aside| {
        let blocked = aside.blocked.iter_mut().find(|blocked| blocked.key == key);
        blocked.map(|blocked| blocked.times += 1).is_some()
    })
}
