//! A slot: one registered listener, with its closure in it.
//!
//! A closure of up to [`WORDS`] words lives in the slot itself, so that subscribing allocates nothing and
//! an emit finds everything in one row of memory; a larger one is boxed, and the slot holds the box.
//!
//! # Invariant
//!
//! As long as `call` is there, `words` holds a closure of the type that `kind` was made for, and that
//! nobody else owns. Whoever takes `call` away owns the closure from then on. [`Slot`] drops a closure
//! that it still owns.
#![allow(
    unsafe_code,
    reason = "a closure in its slot, measured: twice as fast as any safe way to hold it"
)]

use alloc::boxed::Box;
use core::cell::{Cell, UnsafeCell};
use core::marker::PhantomData;
use core::mem::MaybeUninit;
use core::panic::Location;

use super::dump::ListenerKind;
use super::event::{Declared, Event};
use super::list::Row;

/// Closures of up to this size are stored in the slot.
const WORDS: usize = 4;

/// Of pointers, which closures are mostly made of: moving them as integers would lose what they point to.
type Words = [MaybeUninit<*const ()>; WORDS];

/// Calls the closure of a slot.
///
/// # Safety
///
/// The slot has its `call` still, and its closure does not run (unless it is re-entrant).
type Call<S, E> = unsafe fn(&Slot<S, E>, &Row<S, E>, &S, <E as Event<S>>::Payload<'_>);

/// What a listener that decides for itself has decided, see [`Slot::deciding`].
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
}

/// What depends on the closure's type only.
struct Kind<S: Declared, E: Event<S>> {
    call: Call<S, E>,
    /// Drops the closure in these words.
    ///
    /// # Safety
    ///
    /// They hold a closure of this kind, which is not used again.
    drop: unsafe fn(*mut Words),
    /// How it was added.
    how: ListenerKind,
}

/// One registered listener.
pub(super) struct Slot<S: Declared, E: Event<S>> {
    /// None: it has been removed, or used up.
    call: Cell<Option<Call<S, E>>>,
    words: UnsafeCell<Words>,
    kind: &'static Kind<S, E>,
    pub(super) key: i64,
    pub(super) location: &'static Location<'static>,
}

/// The captures of a listener that has been removed. They go when this is dropped, which may run any
/// code of the user's.
#[must_use]
pub(super) struct Captures<S: Declared, E: Event<S>> {
    words: Words,
    kind: &'static Kind<S, E>,
}

impl<S: Declared, E: Event<S>> Slot<S, E> {
    /// For a listener that is called again and again.
    #[inline]
    pub(super) fn repeated<F>(listener: F) -> impl FnOnce(i64, &'static Location<'static>) -> Self
    where
        F: for<'a> FnMut(&S, E::Payload<'a>) + 'static,
    {
        |key, location| {
            if fits::<F>() {
                Self::put(listener, const { &Repeated::<F>::kind() }, key, location)
            } else {
                Self::put(Box::new(listener), const { &Repeated::<Box<F>>::kind() }, key, location)
            }
        }
    }

    /// For a listener that may run while it runs.
    #[inline]
    pub(super) fn reentrant<F>(listener: F) -> impl FnOnce(i64, &'static Location<'static>) -> Self
    where
        F: for<'a> Fn(&S, E::Payload<'a>) + 'static,
    {
        |key, location| {
            if fits::<F>() {
                Self::put(listener, const { &Reentrant::<F>::kind() }, key, location)
            } else {
                Self::put(Box::new(listener), const { &Reentrant::<Box<F>>::kind() }, key, location)
            }
        }
    }

    /// For a listener that is called once.
    #[inline]
    pub(super) fn once<F>(listener: F) -> impl FnOnce(i64, &'static Location<'static>) -> Self
    where
        F: for<'a> FnOnce(&S, E::Payload<'a>) + 'static,
    {
        |key, location| {
            if fits::<F>() {
                Self::put(listener, const { &Once::<F>::kind() }, key, location)
            } else {
                Self::put(Box::new(listener), const { &Once::<Box<F>>::kind() }, key, location)
            }
        }
    }

    /// For a listener that is called so many times, which are more than none.
    #[inline]
    pub(super) fn counted<F>(
        times: usize,
        listener: F,
    ) -> impl FnOnce(i64, &'static Location<'static>) -> Self
    where
        F: for<'a> FnMut(&S, E::Payload<'a>) + 'static,
    {
        move |key, location| {
            if fits::<Counted<F>>() {
                Self::put(
                    Counted { left: times, listener },
                    const { &Counted::<F>::kind() },
                    key,
                    location,
                )
            } else {
                let listener = Box::new(listener);
                Self::put(
                    Counted { left: times, listener },
                    const { &Counted::<Box<F>>::kind() },
                    key,
                    location,
                )
            }
        }
    }

    /// For a listener that says itself whether an event was for it.
    #[inline]
    pub(super) fn deciding<F>(listener: F) -> impl FnOnce(i64, &'static Location<'static>) -> Self
    where
        F: for<'a> FnMut(&S, E::Payload<'a>) -> Verdict + 'static,
    {
        |key, location| {
            if fits::<F>() {
                Self::put(listener, const { &Deciding::<F>::kind() }, key, location)
            } else {
                Self::put(Box::new(listener), const { &Deciding::<Box<F>>::kind() }, key, location)
            }
        }
    }

    #[inline]
    fn put<F>(
        listener: F,
        kind: &'static Kind<S, E>,
        key: i64,
        location: &'static Location<'static>,
    ) -> Self {
        assert!(fits::<F>(), "checked by the callers, who box what does not fit");
        let mut words: Words = [MaybeUninit::uninit(); WORDS];
        // SAFETY: it fits, in size and in alignment, and the words belong to nobody yet.
        unsafe { words.as_mut_ptr().cast::<F>().write(listener) };
        Self {
            call: Cell::new(Some(kind.call)),
            words: UnsafeCell::new(words),
            kind,
            key,
            location,
        }
    }

    /// Will it be called? Not if it was removed, and not while it is blocked.
    #[inline]
    pub(super) fn is_callable(&self) -> bool {
        self.call.get().is_some()
    }

    /// Blocks it: it is not called, and keeps its closure.
    ///
    /// # Safety
    ///
    /// Whoever blocks it calls [`unblock`](Self::unblock) before the slot is removed or dropped.
    pub(super) unsafe fn block(&self) {
        self.call.set(None);
    }

    /// # Safety
    ///
    /// It was blocked, and has not been removed.
    pub(super) unsafe fn unblock(&self) {
        self.call.set(Some(self.kind.call));
    }

    pub(super) fn is_reentrant(&self) -> bool {
        self.kind.how == ListenerKind::Reentrant
    }

    pub(super) fn how(&self) -> ListenerKind {
        self.kind.how
    }

    /// Calls the listener; `false` if it has been removed.
    ///
    /// # Safety
    ///
    /// The slot stays where it is until this returns, and the listener does not run, unless it is
    /// [re-entrant](Self::is_reentrant).
    #[inline(always)]
    pub(super) unsafe fn call(&self, row: &Row<S, E>, source: &S, payload: E::Payload<'_>) -> bool {
        let Some(call) = self.call.get() else { return false };
        // SAFETY: `call` is there, and the caller answers for the rest.
        unsafe { call(self, row, source, payload) };
        true
    }

    /// Takes a listener out of use that does not run. Runs no code of the user's.
    pub(super) fn remove(&self) -> Option<Captures<S, E>> {
        self.call.take()?;
        // SAFETY: having taken `call`, we own the closure, and nobody has a reference to it, for it does
        // not run. A closure can be moved by moving its bytes.
        let words = unsafe { self.words.get().read() };
        Some(Captures { words, kind: self.kind })
    }

    /// Takes a listener out of use that runs; says whether it was in use. Its captures are left for
    /// [`reap`](Self::reap).
    pub(super) fn condemn(&self) -> bool {
        self.call.take().is_some()
    }

    /// The captures of a listener that was condemned while it ran, and has returned.
    ///
    /// # Safety
    ///
    /// It was condemned, does not run any more, and has not been reaped.
    pub(super) unsafe fn reap(&self) -> Captures<S, E> {
        // SAFETY: whoever condemned it left the closure to us, and it does not run.
        Captures { words: unsafe { self.words.get().read() }, kind: self.kind }
    }
}

impl<S: Declared, E: Event<S>> Drop for Slot<S, E> {
    fn drop(&mut self) {
        drop(self.remove());
    }
}

impl<S: Declared, E: Event<S>> Drop for Captures<S, E> {
    fn drop(&mut self) {
        // SAFETY: the words were moved out of a slot of this kind, whose closure we own.
        unsafe { (self.kind.drop)(&mut self.words) }
    }
}

const fn fits<F>() -> bool {
    size_of::<F>() <= size_of::<Words>() && align_of::<F>() <= align_of::<Words>()
}

/// # Safety
///
/// The words hold an `F`, which is not used again.
unsafe fn drop_words<F>(words: *mut Words) {
    // SAFETY: as the caller promises.
    unsafe { words.cast::<F>().drop_in_place() }
}

/// The kinds, by what the closure can do.
struct Repeated<F>(PhantomData<F>);
struct Reentrant<F>(PhantomData<F>);
struct Once<F>(PhantomData<F>);

impl<F> Repeated<F> {
    const fn kind<S: Declared, E: Event<S>>() -> Kind<S, E>
    where
        F: for<'a> FnMut(&S, E::Payload<'a>),
    {
        Kind { call: Self::call::<S, E>, drop: drop_words::<F>, how: ListenerKind::On }
    }

    unsafe fn call<S: Declared, E: Event<S>>(
        slot: &Slot<S, E>,
        _: &Row<S, E>,
        source: &S,
        payload: E::Payload<'_>,
    ) where
        F: for<'a> FnMut(&S, E::Payload<'a>),
    {
        // SAFETY: `call` was there, so the words hold an `F`; it does not run, so this is the only
        // reference to it. If it is removed meanwhile, it stays where it is until this has returned.
        let listener = unsafe { &mut *slot.words.get().cast::<F>() };
        listener(source, payload);
    }
}

impl<F> Reentrant<F> {
    const fn kind<S: Declared, E: Event<S>>() -> Kind<S, E>
    where
        F: for<'a> Fn(&S, E::Payload<'a>),
    {
        Kind { call: Self::call::<S, E>, drop: drop_words::<F>, how: ListenerKind::Reentrant }
    }

    unsafe fn call<S: Declared, E: Event<S>>(
        slot: &Slot<S, E>,
        _: &Row<S, E>,
        source: &S,
        payload: E::Payload<'_>,
    ) where
        F: for<'a> Fn(&S, E::Payload<'a>),
    {
        // SAFETY: `call` was there, so the words hold an `F`, to which there are shared references
        // only. If it is removed meanwhile, it stays where it is until the last of its runs has returned.
        let listener = unsafe { &*slot.words.get().cast::<F>() };
        listener(source, payload);
    }
}

impl<F> Once<F> {
    const fn kind<S: Declared, E: Event<S>>() -> Kind<S, E>
    where
        F: for<'a> FnOnce(&S, E::Payload<'a>),
    {
        Kind { call: Self::call::<S, E>, drop: drop_words::<F>, how: ListenerKind::Once }
    }

    /// Removes, then calls.
    unsafe fn call<S: Declared, E: Event<S>>(
        slot: &Slot<S, E>,
        row: &Row<S, E>,
        source: &S,
        payload: E::Payload<'_>,
    ) where
        F: for<'a> FnOnce(&S, E::Payload<'a>),
    {
        slot.call.set(None);
        // SAFETY: `call` was there, so the words hold an `F`; having taken `call`, we own it.
        let listener = unsafe { slot.words.get().cast::<F>().read() };
        row.count_removed();
        if row.is_watched() {
            return call_watched(slot, row, source, payload, listener);
        }
        listener(source, payload);
    }
}

/// Calls a listener that is used up, when there is somebody to be told before.
#[cold]
fn call_watched<S: Declared, E: Event<S>>(
    slot: &Slot<S, E>,
    row: &Row<S, E>,
    source: &S,
    payload: E::Payload<'_>,
    listener: impl for<'a> FnOnce(&S, E::Payload<'a>),
) {
    row.tell_removed(slot, source);
    listener(source, payload);
}

struct Counted<F> {
    left: usize,
    listener: F,
}

impl<F> Counted<F> {
    const fn kind<S: Declared, E: Event<S>>() -> Kind<S, E>
    where
        F: for<'a> FnMut(&S, E::Payload<'a>),
    {
        Kind { call: Self::call::<S, E>, drop: drop_words::<Self>, how: ListenerKind::Many }
    }

    /// Counts, removes if that was the last time, then calls.
    unsafe fn call<S: Declared, E: Event<S>>(
        slot: &Slot<S, E>,
        row: &Row<S, E>,
        source: &S,
        payload: E::Payload<'_>,
    ) where
        F: for<'a> FnMut(&S, E::Payload<'a>),
    {
        // SAFETY: as in `Repeated`.
        let counted = unsafe { &mut *slot.words.get().cast::<Self>() };
        counted.left -= 1;
        if counted.left > 0 {
            return (counted.listener)(source, payload);
        }
        slot.call.set(None);
        // SAFETY: as in `Once`; the reference above is not used any more.
        let mut counted = unsafe { slot.words.get().cast::<Self>().read() };
        row.count_removed();
        if row.is_watched() {
            return call_watched(slot, row, source, payload, counted.listener);
        }
        (counted.listener)(source, payload);
    }
}

struct Deciding<F>(PhantomData<F>);

impl<F> Deciding<F> {
    const fn kind<S: Declared, E: Event<S>>() -> Kind<S, E>
    where
        F: for<'a> FnMut(&S, E::Payload<'a>) -> Verdict,
    {
        Kind { call: Self::call::<S, E>, drop: drop_words::<F>, how: ListenerKind::Conditional }
    }

    unsafe fn call<S: Declared, E: Event<S>>(
        slot: &Slot<S, E>,
        row: &Row<S, E>,
        source: &S,
        payload: E::Payload<'_>,
    ) where
        F: for<'a> FnMut(&S, E::Payload<'a>) -> Verdict,
    {
        // SAFETY: as in `Repeated`.
        let listener = unsafe { &mut *slot.words.get().cast::<F>() };
        let verdict = listener(source, payload);
        if verdict != Verdict::Taken {
            row.note(slot, source, verdict);
        }
    }
}
