//! A slot: one registered listener, with its closure in it.
//!
//! A closure of up to [`WORDS`] words lives in the slot itself, so that subscribing allocates nothing and
//! an emit finds everything in one row of memory; a larger one is boxed, and the slot holds the box.
//!
//! What is done with a closure of some type, its [`Kind`](super::kind::Kind) knows. Rows hold slots whose types are forgotten, so
//! that removing and sweeping is compiled once for all events; [`Slot`] remembers the event, and a list takes
//! only slots of its own.
//!
//! # Invariants
//!
//! 1. As long as its kind is not [gone](RawSlot::is_gone), a slot owns a closure of the type that the kind was made
//!    for, and it is in `words`. Whoever makes the kind gone owns the closure from then on.
//! 2. The kind of a slot that came from a `Slot<S, E>` is that of a `Callable<S, E>`.
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
use super::kind::{
    Callable, Counted, Deciding, KindRef, Once, Reentrant, Repeated, Run, WORDS, Words, fits,
};
use super::row::Row;

pub(super) use super::kind::Verdict;

/// One registered listener.
pub(super) struct RawSlot {
    kind: Cell<KindRef>,
    pub(super) words: UnsafeCell<Words>,
    pub(super) key: i64,
    pub(super) location: &'static Location<'static>,
}

/// A listener of an event.
pub(super) struct Slot<S: Declared, E: Event<S>> {
    pub(super) raw: RawSlot,
    event: PhantomData<fn(&S, E)>,
}

/// The captures of a listener that has been removed. They go when this is dropped, which may run any
/// code of the user's.
#[must_use]
pub(super) struct Captures {
    words: Words,
    kind: KindRef,
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
                Self::put(listener, const { &Repeated::<F>::callable() }, key, location)
            } else {
                Self::put(
                    Box::new(listener),
                    const { &Repeated::<Box<F>>::callable() },
                    key,
                    location,
                )
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
                Self::put(listener, const { &Reentrant::<F>::callable() }, key, location)
            } else {
                Self::put(
                    Box::new(listener),
                    const { &Reentrant::<Box<F>>::callable() },
                    key,
                    location,
                )
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
                Self::put(listener, const { &Once::<F>::callable() }, key, location)
            } else {
                Self::put(Box::new(listener), const { &Once::<Box<F>>::callable() }, key, location)
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
                    const { &Counted::<F>::callable() },
                    key,
                    location,
                )
            } else {
                let listener = Box::new(listener);
                Self::put(
                    Counted { left: times, listener },
                    const { &Counted::<Box<F>>::callable() },
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
                Self::put(listener, const { &Deciding::<F>::callable() }, key, location)
            } else {
                Self::put(
                    Box::new(listener),
                    const { &Deciding::<Box<F>>::callable() },
                    key,
                    location,
                )
            }
        }
    }

    #[inline(always)]
    fn put<F>(
        listener: F,
        callable: &'static Callable<S, E>,
        key: i64,
        location: &'static Location<'static>,
    ) -> Self {
        assert!(fits::<F>(), "checked by the callers, who box what does not fit");
        let mut words: Words = [MaybeUninit::uninit(); WORDS];
        // SAFETY: it fits, in size and in alignment, and the words belong to nobody yet.
        unsafe { words.as_mut_ptr().cast::<F>().write(listener) };
        let kind = Cell::new(KindRef::new(callable));
        let raw = RawSlot { kind, words: UnsafeCell::new(words), key, location };
        Self { raw, event: PhantomData }
    }
}

impl RawSlot {
    /// Is it not to be called? It has been removed, or is blocked.
    #[inline(always)]
    pub(super) fn is_gone(&self) -> bool {
        self.kind.get().get().twin.is_none()
    }

    /// Takes a listener out of use, and hands out its kind. Its closure stays in the words; whoever calls this
    /// sees to it that it is dropped, or put back into use by [`unblock`](Self::unblock).
    #[inline]
    pub(super) fn retire(&self) -> Option<KindRef> {
        let kind = self.kind.get();
        self.kind.set(kind.get().twin?);
        Some(kind)
    }

    /// Blocks it: it is not called, and keeps its closure. Hands out what [`unblock`](Self::unblock) wants; if it is
    /// neither unblocked nor reaped, its captures are lost.
    pub(super) fn block(&self) -> Option<KindRef> {
        self.retire()
    }

    /// # Safety
    ///
    /// It was blocked, the kind comes from [`block`](Self::block), and it has not been reaped.
    pub(super) unsafe fn unblock(&self, kind: KindRef) {
        self.kind.set(kind);
    }

    /// How it was added, unless it is [gone](Self::is_gone).
    pub(super) fn how(&self) -> ListenerKind {
        self.kind.get().get().how
    }

    pub(super) fn is_reentrant(&self) -> bool {
        self.kind.get().get().reentrant
    }

    /// Calls the listener, unless it is gone: then the list is told that it has missed the event.
    ///
    /// # Safety
    ///
    /// The slot came from a `Slot<S, E>` and is in this row, or late for it. Both stay where they are until this
    /// returns, and the listener does not run, unless it is [re-entrant](Self::is_reentrant).
    #[inline(always)]
    pub(super) unsafe fn call<S: Declared, E: Event<S>>(
        &self,
        row: Row,
        source: &S,
        payload: E::Payload<'_>,
    ) {
        let callable = self.kind.get().callable::<S, E>();
        // SAFETY: by invariant 2 it is one, and the caller answers for the rest.
        unsafe { ((*callable).call)(self, source, payload, row) }
    }

    /// Calls the listener, which is the only one, for an outermost emit: if it panics, that has ended.
    ///
    /// # Safety
    ///
    /// As for [`call`](Self::call), and the row's own frame is of that emit.
    #[inline(always)]
    pub(super) unsafe fn call_alone<S: Declared, E: Event<S>>(
        &self,
        row: Row,
        source: &S,
        payload: E::Payload<'_>,
    ) {
        let callable = self.kind.get().callable::<S, E>();
        // SAFETY: by invariant 2 it is one, and the caller answers for the rest.
        unsafe { ((*callable).alone)(self, source, payload, row) }
    }

    /// How to call this one and those behind it, if the next one has the same closure and is before `stop`.
    ///
    /// # Safety
    ///
    /// The slot came from a `Slot<S, E>`, as did all from there to `stop`, which is behind it.
    #[inline(always)]
    pub(super) unsafe fn run_from<S: Declared, E: Event<S>>(
        slot: *const Self,
        stop: *const Self,
    ) -> Option<Run<S, E>> {
        let next = slot.wrapping_add(1);
        // SAFETY: both are slots; by invariant 2 it is a `Callable`.
        unsafe {
            if !E::LENT || next == stop || !(*next).kind().is((*slot).kind()) {
                return None;
            }
            (*(*slot).kind().callable::<S, E>()).run
        }
    }

    #[inline(always)]
    pub(super) fn kind(&self) -> KindRef {
        self.kind.get()
    }

    /// Takes a listener out of use that does not run. Runs no code of the user's.
    #[inline]
    pub(super) fn remove(&self) -> Option<Captures> {
        let kind = self.retire()?;
        // SAFETY: the listener was in use, so its closure is there and ours now; nobody has a reference to it, for it
        // does not run. A closure can be moved by moving its bytes.
        let words = unsafe { self.words.get().read() };
        Some(Captures { words, kind })
    }

    /// Drops the closure of a listener, which may run any code of the user's. It is moved out of the slot before, so
    /// that the place may be used for another one meanwhile.
    ///
    /// # Safety
    ///
    /// The slot is in use, its listener does not run, and it has been taken out of its row, of which it still holds
    /// the place.
    #[inline(always)]
    pub(super) unsafe fn discard(slot: *const Self) {
        // SAFETY: as the caller promises, the closure is there, and ours. Nothing of the slot is used later on.
        unsafe { ((*slot).kind.get().get().drop)((*slot).words.get()) }
    }

    /// Takes a listener out of use that runs; says whether it was in use. Its captures are left for
    /// [`reap`](Self::reap).
    pub(super) fn condemn(&self) -> bool {
        self.retire().is_some()
    }

    /// The captures of a listener that was condemned while it ran, and has returned.
    ///
    /// # Safety
    ///
    /// It was condemned, does not run any more, and has not been reaped.
    pub(super) unsafe fn reap(&self) -> Captures {
        // SAFETY: whoever condemned it left the closure to us, and it does not run. The twin drops it as well.
        Captures { words: unsafe { self.words.get().read() }, kind: self.kind.get() }
    }
}

impl Drop for Captures {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: the words were moved out of a slot of this kind, whose closure we own.
        unsafe { (self.kind.get().drop)(&self.words) }
    }
}
