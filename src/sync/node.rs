//! A node: one registered listener, with its closure in it, in one allocation.
//!
//! # Invariants
//!
//! 1. A [`Ptr`] comes from [`Owned`], the one owner of a node, and is good as long as that lives.
//! 2. `call` is called with a node as whose kind it was made.
//! 3. A closure that is an `FnMut` is only called by who has the turn of the row and has found that it
//!    does not run; so it runs once at a time. One that is an `Fn` is `Sync`, and may run on any thread.
#![allow(unsafe_code, reason = "one allocation and one indirect call per listener, see row.rs")]

use core::cell::UnsafeCell;
use core::panic::Location;
use core::ptr::NonNull;

use super::core::Core;
use super::primitives::{AtomicI64, AtomicPtr, Ordering};
use super::stamp;
use super::walk::Emit;
use crate::emitter::{Declared, Event, ListenerKind};

/// What a listener has done with an event.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(usize)]
pub(super) enum Verdict {
    /// It was not for it.
    Missed = 0,
    /// The only one with the lowest bit, by which an emit counts.
    Taken = 1,
    /// Nobody else is to get it.
    Stopped = 2,
}

/// How a listener was added, as a type.
pub(super) trait Sort {
    const KIND: ListenerKind;
}

/// Calls the closure of a node. Says what became of the event.
///
/// # Safety
///
/// By the invariants above: the pointer is good, and the closure may run now.
type Call<S, E> =
    unsafe fn(*const Node<S, E>, &Emit<'_, S>, <E as Event<S>>::Payload<'_>) -> Verdict;

/// What depends on the closure's type only.
struct Kind<S: Declared, E: Event<S>> {
    drop: unsafe fn(NonNull<Node<S, E>>),
    listener: ListenerKind,
}

/// One registered listener; its closure lies behind it.
#[repr(C)]
pub(super) struct Node<S: Declared, E: Event<S>> {
    /// The following one. A node that has been unlinked still leads on.
    pub(super) next: AtomicPtr<Self>,
    /// When and where it was registered, and whether it is silent: see [`stamp`].
    stamp: AtomicI64,
    call: Call<S, E>,
    pub(super) prev: AtomicPtr<Self>,
    pub(super) location: &'static Location<'static>,
    kind: &'static Kind<S, E>,
}

#[repr(C)]
struct Full<S: Declared, E: Event<S>, F> {
    node: Node<S, E>,
    listener: UnsafeCell<F>,
}

/// A node in its row, as its own listener sees it.
pub(super) struct Seat<'a, S: Declared, E: Event<S>> {
    core: &'a Core<S>,
    node: &'a Node<S, E>,
}

impl<S: Declared, E: Event<S>> Seat<'_, S, E> {
    /// Removes the listener. `false` if somebody else has.
    pub(super) fn leave(&self, source: &S) -> bool {
        self.core.remove_of::<E>(Some(source), self.number())
    }

    /// The number of its registration.
    pub(super) fn number(&self) -> i64 {
        self.node.number()
    }
}

/// Points to a node that somebody owns.
pub(super) struct Ptr<S: Declared, E: Event<S>>(pub(super) NonNull<Node<S, E>>);

/// Owns a node. Dropping it drops the closure, which may run any code of the user's.
pub(super) struct Owned<S: Declared, E: Event<S>>(NonNull<Node<S, E>>);

// SAFETY: closures are `Send`, by the bounds of the two constructors, and nothing else in a node belongs
// to a thread. Who runs them, and when, is the affair of invariant 3.
unsafe impl<S: Declared, E: Event<S>> Send for Ptr<S, E> {}
// SAFETY: the same.
unsafe impl<S: Declared, E: Event<S>> Send for Owned<S, E> {}

impl<S: Declared, E: Event<S>> Owned<S, E> {
    /// For a listener that runs once at a time, and is told where it sits.
    pub(super) fn exclusive<K: Sort, F>(listener: F, location: &'static Location<'static>) -> Self
    where
        F: for<'a> FnMut(&Seat<'_, S, E>, &S, E::Payload<'a>) -> Verdict + Send + 'static,
    {
        let kind = const { &Kind { drop: drop_full::<S, E, F>, listener: K::KIND } };
        Self::put(listener, kind, call_mut::<S, E, F>, location)
    }

    /// For a listener that may run any number of times at once.
    pub(super) fn reentrant<F>(listener: F, location: &'static Location<'static>) -> Self
    where
        F: for<'a> Fn(&S, E::Payload<'a>) + Send + Sync + 'static,
    {
        let kind =
            const { &Kind { drop: drop_full::<S, E, F>, listener: ListenerKind::Reentrant } };
        Self::put(listener, kind, call_ref::<S, E, F>, location)
    }

    fn put<F>(
        listener: F,
        kind: &'static Kind<S, E>,
        call: Call<S, E>,
        location: &'static Location<'static>,
    ) -> Self {
        let node = Node {
            next: AtomicPtr::new(core::ptr::null_mut()),
            stamp: AtomicI64::new(stamp::UNSET),
            call,
            prev: AtomicPtr::new(core::ptr::null_mut()),
            location,
            kind,
        };
        let full = Box::leak(Box::new(Full { node, listener: UnsafeCell::new(listener) }));
        // The pointer is to all of it, though it shows the node only.
        Self(NonNull::from(full).cast())
    }

    /// Where it was registered.
    pub(super) fn location(&self) -> &'static Location<'static> {
        // SAFETY: we own the node.
        unsafe { self.0.as_ref() }.location
    }

    /// Hands the node to a row, which gets it back by [`reclaim`](Self::reclaim), with its stamp.
    pub(super) fn release(self, stamp: i64) -> Ptr<S, E> {
        // SAFETY: we own the node.
        unsafe { self.0.as_ref() }.stamp.store(stamp, Ordering::Relaxed);
        let ptr = Ptr(self.0);
        core::mem::forget(self);
        ptr
    }

    /// # Safety
    ///
    /// The pointer was released, is reclaimed once, and nobody looks at the node any more.
    pub(super) unsafe fn reclaim(ptr: Ptr<S, E>) -> Self {
        Self(ptr.0)
    }
}

impl<S: Declared, E: Event<S>> Drop for Owned<S, E> {
    fn drop(&mut self) {
        // SAFETY: we own the node, and nobody has any other pointer to it that will be used.
        unsafe { (self.0.as_ref().kind.drop)(self.0) }
    }
}

impl<S: Declared, E: Event<S>> Clone for Ptr<S, E> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<S: Declared, E: Event<S>> Copy for Ptr<S, E> {}

impl<S: Declared, E: Event<S>> Node<S, E> {
    pub(super) fn is_reentrant(&self) -> bool {
        self.kind() == ListenerKind::Reentrant
    }

    pub(super) fn kind(&self) -> ListenerKind {
        self.kind.listener
    }

    /// The number of its registration.
    pub(super) fn number(&self) -> i64 {
        stamp::number(self.stamp.load(Ordering::Relaxed))
    }

    /// By what the list is sorted.
    pub(super) fn key(&self) -> i64 {
        stamp::key(self.stamp.load(Ordering::Relaxed))
    }

    pub(super) fn intercepts(&self) -> bool {
        stamp::intercepts(self.stamp.load(Ordering::Relaxed))
    }

    /// Has it been removed, or is it blocked, or newer than that?
    #[inline(always)]
    pub(super) fn is_passed_over(&self, newest: i64) -> bool {
        self.stamp.load(Ordering::Relaxed) > newest
    }

    /// Has it not called any more, or again; by who has the lock of the row's book.
    pub(super) fn set_silent(&self, silent: bool) {
        let stamp = self.stamp.load(Ordering::Relaxed);
        self.stamp.store(stamp::silenced(stamp, silent), Ordering::Release);
    }

    /// Calls the listener.
    ///
    /// # Safety
    ///
    /// By the invariants above: the pointer is good, and the closure may run now.
    #[inline(always)]
    pub(super) unsafe fn call(
        this: *const Self,
        emit: &Emit<'_, S>,
        payload: E::Payload<'_>,
    ) -> Verdict {
        // SAFETY: as the caller promises.
        unsafe { ((*this).call)(this, emit, payload) }
    }
}

unsafe fn drop_full<S: Declared, E: Event<S>, F>(node: NonNull<Node<S, E>>) {
    // SAFETY: the node came from a box of this type, in `put`, and is used no more.
    drop(unsafe { Box::from_raw(node.cast::<Full<S, E, F>>().as_ptr()) });
}

unsafe fn call_mut<S: Declared, E: Event<S>, F>(
    node: *const Node<S, E>,
    emit: &Emit<'_, S>,
    payload: E::Payload<'_>,
) -> Verdict
where
    F: for<'a> FnMut(&Seat<'_, S, E>, &S, E::Payload<'a>) -> Verdict,
{
    // SAFETY: by invariant 2 it is an `F`, and by invariant 3 this is the only reference to it.
    let listener = unsafe {
        let full = node.cast::<Full<S, E, F>>();
        &mut *UnsafeCell::raw_get(&raw const (*full).listener)
    };
    // SAFETY: the pointer is good.
    let node = unsafe { &*node };
    listener(&Seat { core: emit.core, node }, emit.source, payload)
}

unsafe fn call_ref<S: Declared, E: Event<S>, F>(
    node: *const Node<S, E>,
    emit: &Emit<'_, S>,
    payload: E::Payload<'_>,
) -> Verdict
where
    F: for<'a> Fn(&S, E::Payload<'a>),
{
    // SAFETY: by invariant 2 it is an `F`, to which there are shared references only, and it is `Sync`.
    let listener = unsafe { &*(*node.cast::<Full<S, E, F>>()).listener.get() };
    listener(emit.source, payload);
    Verdict::Taken
}
