//! Kinds of listeners: what is done with a closure of some type, and how it is called.
//!
//! # Invariants
//!
//! 1. A [`KindRef`] points to a whole [`Callable`] that lives for ever.
//! 2. A kind's twin drops closures of the same type, and is a `Callable` of the same `S` and `E`.
#![allow(
    unsafe_code,
    reason = "a closure whose type is forgotten, in a slot of its list: see slot.rs"
)]

use core::marker::PhantomData;
use core::mem::{self, MaybeUninit};
use core::ptr;

use super::aside::is_watched;
use super::dump::ListenerKind;
use super::event::{Declared, Event};
use super::list::{count_used_up, note};
use super::row::Row;
use super::slot::RawSlot;
use super::walk::Outermost;
use super::watch;

/// Closures of up to this size are stored in the slot.
pub(super) const WORDS: usize = 3;

/// Of pointers, which closures are mostly made of: moving them as integers would lose what they point to.
pub(super) type Words = [MaybeUninit<*const ()>; WORDS];

/// Calls the closure of a slot. What an emit is given comes where that has it already: the second and the third, here and
/// there.
///
/// # Safety
///
/// The slot has the kind that this comes from, it is in the row or late for it, and stays where it is until this
/// returns, as does the row. Its closure does not run (unless it is re-entrant).
type Call<S, E> = unsafe fn(&RawSlot, &S, <E as Event<S>>::Payload<'_>, Row);

/// Calls the closure of a slot, and those of the slots behind it as long as they are of its kind, each with
/// the payload lent, until the row's own frame says stop. Says which slot comes next.
///
/// # Safety
///
/// As for [`Call`], of each slot before the frame's `stop`. The emit is the outermost and the innermost.
pub(super) type Run<S, E> =
    unsafe fn(*const RawSlot, &S, <E as Event<S>>::Payload<'_>, Row) -> *const RawSlot;

/// What a listener that decides for itself has decided, see `Slot::deciding`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It took the event.
    Taken,
    /// The event was not for it.
    Missed,
    /// What it needs is in use, further down the stack.
    Busy,
    /// What it needs is gone for good: it is to be removed.
    Over,
    /// It stops the emit.
    Stopped,
}

/// What depends on the closure's type only, but for how to call it.
pub(super) struct Kind {
    /// Moves the closure out of these words, then drops it, which may run any code of the user's.
    ///
    /// # Safety
    ///
    /// They hold a closure of this kind, which is not used again.
    pub(super) drop: unsafe fn(*const Words),
    /// Its twin for a listener that is not to be called, which knows how to drop the same closure, and whose call
    /// does nothing. `None`: it is one.
    pub(super) twin: Option<KindRef>,
    /// May run while it runs.
    pub(super) reentrant: bool,
    /// How it was added.
    pub(super) how: ListenerKind,
}

/// A kind, and how to call its closures.
#[repr(C)]
pub(super) struct Callable<S: Declared, E: Event<S>> {
    kind: Kind,
    /// For the one listener of an outermost emit.
    pub(super) alone: Call<S, E>,
    pub(super) call: Call<S, E>,
    /// Where it pays to have one.
    pub(super) run: Option<Run<S, E>>,
}

/// Points to a whole [`Callable`] that lives for ever, of some `S` and `E`.
#[derive(Clone, Copy)]
pub(super) struct KindRef(*const Kind);

impl KindRef {
    pub(super) const fn new<S: Declared, E: Event<S>>(callable: &'static Callable<S, E>) -> Self {
        Self(ptr::from_ref(callable).cast())
    }

    /// The whole of which it is the head.
    #[inline(always)]
    pub(super) fn callable<S: Declared, E: Event<S>>(self) -> *const Callable<S, E> {
        self.0.cast()
    }

    #[inline(always)]
    pub(super) fn is(self, other: Self) -> bool {
        ptr::eq(self.0, other.0)
    }

    #[inline(always)]
    pub(super) fn get(self) -> &'static Kind {
        // SAFETY: invariant 1; a `Callable` begins with its kind.
        unsafe { &*self.0 }
    }
}

impl<S: Declared, E: Event<S>> Callable<S, E> {
    /// For closures of a type `F`, in words, which are called as `K` says.
    const fn new<F, K: Calls<S, E>>(run: Option<Run<S, E>>, how: ListenerKind) -> Self {
        let drop = drop_words::<F>;
        let twin = KindRef::new(
            const {
                let how = ListenerKind::On; // of no use: that of a blocked one is kept with its block
                let kind = Kind { drop: drop_words::<F>, twin: None, reentrant: false, how };
                &Self { kind, call: call::<S, E, Pass>, alone: alone::<S, E, Pass>, run: None }
            },
        );
        let reentrant = matches!(how, ListenerKind::Reentrant);
        // What is owned is cloned for each listener, so that none is called on with it.
        let run = if E::LENT { run } else { None };
        let kind = Kind { drop, twin: Some(twin), reentrant, how };
        Self { kind, call: call::<S, E, K>, alone: alone::<S, E, K>, run }
    }
}

/// How closures of a kind are called.
trait Calls<S: Declared, E: Event<S>> {
    /// # Safety
    ///
    /// As for [`Call`].
    unsafe fn call(slot: &RawSlot, source: &S, payload: E::Payload<'_>, row: Row);
}

/// Calls a listener.
///
/// # Safety
///
/// As for [`Call`].
unsafe fn call<S: Declared, E: Event<S>, K: Calls<S, E>>(
    slot: &RawSlot,
    source: &S,
    payload: E::Payload<'_>,
    row: Row,
) {
    // SAFETY: as the caller promises.
    unsafe { K::call(slot, source, payload, row) };
}

/// Calls the one listener of an outermost emit, which has ended if this panics. So what listens and cannot panic, as
/// few lines can not, costs the emit no thought of it.
///
/// # Safety
///
/// As for [`Call`]; and the row's own frame is of that emit.
unsafe fn alone<S: Declared, E: Event<S>, K: Calls<S, E>>(
    slot: &RawSlot,
    source: &S,
    payload: E::Payload<'_>,
    row: Row,
) {
    let emit = Outermost { row };
    // SAFETY: as the caller promises.
    unsafe { K::call(slot, source, payload, row) };
    mem::forget(emit);
}

/// Calls the slots from the first on, as long as they are like it, and the row's own frame does not say stop.
///
/// # Safety
///
/// As for [`Run`].
unsafe fn run<S: Declared, E: Event<S>, K: Calls<S, E>>(
    mut slot: *const RawSlot,
    source: &S,
    mut payload: E::Payload<'_>,
    row: Row,
) -> *const RawSlot {
    // SAFETY: what is before `stop` is a slot, and `stop` is no earlier than this one was, or no address of a slot.
    // They stay where they are until this returns, as does the row.
    unsafe {
        let kind = (*slot).kind();
        loop {
            row.own.at.set(slot);
            K::call(&*slot, source, E::lend(&mut payload), row);
            slot = slot.add(1);
            if slot >= row.own.stop.get() || !(*slot).kind().is(kind) {
                return slot;
            }
        }
    }
}

/// One that is not to be called: it has been removed, or is blocked.
struct Pass;

impl<S: Declared, E: Event<S>> Calls<S, E> for Pass {
    unsafe fn call(slot: &RawSlot, _: &S, _: E::Payload<'_>, row: Row) {
        note(row, slot, Verdict::Missed);
    }
}

pub(super) const fn fits<F>() -> bool {
    size_of::<F>() <= size_of::<Words>() && align_of::<F>() <= align_of::<Words>()
}

/// # Safety
///
/// The words hold an `F`, which is not used again.
unsafe fn drop_words<F>(words: *const Words) {
    // SAFETY: as the caller promises.
    drop(unsafe { words.cast::<F>().read() });
}

/// The kinds, by what the closure can do.
pub(super) struct Repeated<F>(PhantomData<F>);
pub(super) struct Reentrant<F>(PhantomData<F>);
pub(super) struct Once<F>(PhantomData<F>);

impl<F> Repeated<F> {
    pub(super) const fn callable<S: Declared, E: Event<S>>() -> Callable<S, E>
    where
        F: for<'a> FnMut(&S, E::Payload<'a>),
    {
        Callable::new::<F, Self>(Some(run::<S, E, Self>), ListenerKind::On)
    }
}

impl<S: Declared, E: Event<S>, F> Calls<S, E> for Repeated<F>
where
    F: for<'a> FnMut(&S, E::Payload<'a>),
{
    #[inline(always)]
    unsafe fn call(slot: &RawSlot, source: &S, payload: E::Payload<'_>, _: Row) {
        // SAFETY: the listener was in use, so the words hold an `F`; it does not run, so this is the only
        // reference to it. If it is removed meanwhile, it stays where it is until this has returned.
        let listener = unsafe { &mut *slot.words.get().cast::<F>() };
        listener(source, payload);
    }
}

impl<F> Reentrant<F> {
    pub(super) const fn callable<S: Declared, E: Event<S>>() -> Callable<S, E>
    where
        F: for<'a> Fn(&S, E::Payload<'a>),
    {
        Callable::new::<F, Self>(Some(run::<S, E, Self>), ListenerKind::Reentrant)
    }
}

impl<S: Declared, E: Event<S>, F> Calls<S, E> for Reentrant<F>
where
    F: for<'a> Fn(&S, E::Payload<'a>),
{
    #[inline(always)]
    unsafe fn call(slot: &RawSlot, source: &S, payload: E::Payload<'_>, _: Row) {
        // SAFETY: the listener was in use, so the words hold an `F`, to which there are shared references
        // only. If it is removed meanwhile, it stays where it is until the last of its runs has returned.
        let listener = unsafe { &*slot.words.get().cast::<F>() };
        listener(source, payload);
    }
}

impl<F> Once<F> {
    pub(super) const fn callable<S: Declared, E: Event<S>>() -> Callable<S, E>
    where
        F: for<'a> FnOnce(&S, E::Payload<'a>),
    {
        Callable::new::<F, Self>(None, ListenerKind::Once)
    }
}

/// Removes, then calls.
impl<S: Declared, E: Event<S>, F> Calls<S, E> for Once<F>
where
    F: for<'a> FnOnce(&S, E::Payload<'a>),
{
    #[inline(always)]
    unsafe fn call(slot: &RawSlot, source: &S, payload: E::Payload<'_>, row: Row) {
        slot.retire();
        let is_told = count_used_up(row, slot);
        // SAFETY: the listener was in use, so the words hold an `F`; having retired it, we own it.
        let listener = unsafe { slot.words.get().cast::<F>().read() };
        if is_told {
            return call_watched::<S, E>(slot, row, source, payload, listener);
        }
        listener(source, payload);
    }
}

pub(super) struct Counted<F> {
    pub(super) left: usize,
    pub(super) listener: F,
}

impl<F> Counted<F> {
    pub(super) const fn callable<S: Declared, E: Event<S>>() -> Callable<S, E>
    where
        F: for<'a> FnMut(&S, E::Payload<'a>),
    {
        Callable::new::<Self, Self>(None, ListenerKind::Many)
    }
}

/// Counts, removes if that was the last time, then calls.
impl<S: Declared, E: Event<S>, F> Calls<S, E> for Counted<F>
where
    F: for<'a> FnMut(&S, E::Payload<'a>),
{
    #[inline(always)]
    unsafe fn call(slot: &RawSlot, source: &S, payload: E::Payload<'_>, row: Row) {
        // SAFETY: as in `Repeated`.
        let counted = unsafe { &mut *slot.words.get().cast::<Self>() };
        counted.left -= 1;
        if counted.left > 0 {
            return (counted.listener)(source, payload);
        }
        slot.retire();
        let is_told = count_used_up(row, slot);
        // SAFETY: as in `Once`; the reference above is not used any more.
        let mut counted = unsafe { slot.words.get().cast::<Self>().read() };
        if is_told {
            return call_watched::<S, E>(slot, row, source, payload, counted.listener);
        }
        (counted.listener)(source, payload);
    }
}

/// Calls a listener that is used up, when there is somebody to be told before.
#[cold]
fn call_watched<S: Declared, E: Event<S>>(
    slot: &RawSlot,
    row: Row,
    source: &S,
    payload: E::Payload<'_>,
    listener: impl for<'a> FnOnce(&S, E::Payload<'a>),
) {
    watch::tell_gone::<S, E>(row, slot, source);
    listener(source, payload);
}

pub(super) struct Deciding<F>(PhantomData<F>);

impl<F> Deciding<F> {
    pub(super) const fn callable<S: Declared, E: Event<S>>() -> Callable<S, E>
    where
        F: for<'a> FnMut(&S, E::Payload<'a>) -> Verdict,
    {
        Callable::new::<F, Self>(None, ListenerKind::Conditional)
    }
}

impl<S: Declared, E: Event<S>, F> Calls<S, E> for Deciding<F>
where
    F: for<'a> FnMut(&S, E::Payload<'a>) -> Verdict,
{
    #[inline(always)]
    unsafe fn call(slot: &RawSlot, source: &S, payload: E::Payload<'_>, row: Row) {
        // SAFETY: as in `Repeated`.
        let listener = unsafe { &mut *slot.words.get().cast::<F>() };
        let verdict = listener(source, payload);
        if verdict != Verdict::Taken {
            let removed = note(row, slot, verdict);
            if removed && is_watched(row) {
                watch::tell_gone::<S, E>(row, slot, source);
            }
        }
    }
}
