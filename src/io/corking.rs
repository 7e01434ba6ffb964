//! Several writes in one system call: those of one callback, or those between `cork` and `uncork`.

use super::duplex::Duplex;
use super::gathering::{flush_gathered, flush_kept};
use super::seams::{ByteHandle, Endpoint};
use super::state::Fact;
use super::writing::{offer, told_of_flush};

/// A callback of a stream runs, or is about to. Small writes that it makes on this stream are held, and go out together
/// when it has returned and its ticks have run.
pub(super) struct Dispatch<'a, E: Endpoint>(&'a E);

impl<'a, E: Endpoint> Dispatch<'a, E> {
    #[inline]
    pub(super) fn begin(endpoint: &'a E) -> Self {
        let duplex = endpoint.duplex();
        if duplex.state.is(Fact::UNSURE) {
            duplex.look_ahead();
        } else {
            duplex.state.clear(Fact::OUTSIDE);
        }
        Self(endpoint)
    }

    /// The same if it is [sure](Fact::UNSURE) that what is written may be gathered.
    #[inline(always)]
    pub(super) fn begin_plain(endpoint: &'a E) -> Self {
        endpoint.duplex().state.clear(Fact::OUTSIDE);
        Self(endpoint)
    }

    /// The callback has returned: runs the ticks, and sends what was written.
    #[inline(always)]
    pub(super) fn settle(self) {
        let (endpoint, duplex) = (self.0, self.0.duplex());
        let written = duplex.handle.written(); // which does not change when ticks run: so it is looked for once
        duplex.handle.settle();
        std::mem::forget(self);
        if !duplex.state.is(Fact::GATHERS) {
            return flush_other(endpoint);
        }
        flush_gathered(endpoint, written);
    }
}

/// It has written nothing, or something that lies in the queue.
#[cold]
#[inline(never)]
fn flush_other<E: Endpoint>(endpoint: &E) {
    let duplex = endpoint.duplex();
    duplex.state.set(Fact::OUTSIDE);
    if duplex.state.is(Fact::KEEPS) {
        flush_kept(endpoint);
    }
}

/// A callback that panicked, or none at all. What it wrote is sent in the next turn.
impl<E: Endpoint> Drop for Dispatch<'_, E> {
    fn drop(&mut self) {
        let duplex = self.0.duplex();
        duplex.state.set(Fact::OUTSIDE);
        // The loop's memory is for others again.
        if duplex.queue().is_held() {
            let endpoint = self.0.clone();
            duplex.handle.defer(duplex.origin(), move || flush_kept(&endpoint));
        }
    }
}

/// Calls back, runs the ticks, and sends what was written meanwhile.
#[inline(never)]
pub(crate) fn dispatch<E: Endpoint>(endpoint: &E, tell: impl FnOnce()) {
    let dispatch = Dispatch::begin(endpoint);
    tell();
    dispatch.settle();
}

pub(crate) fn set_autocork<E: Endpoint>(endpoint: &E, wanted: bool) {
    let duplex = endpoint.duplex();
    duplex.state.put(Fact::AUTOCORK, wanted);
    duplex.state.set(Fact::UNSURE);
    if !wanted && !duplex.state.replace(Fact::OUTSIDE, true) {
        send_waiting(endpoint);
    }
}

/// Nothing is sent until it is uncorked as often.
pub(crate) fn cork<E: Endpoint>(endpoint: &E) {
    let duplex = endpoint.duplex();
    let corks = &duplex.rare().corks;
    corks.set(corks.get().saturating_add(1));
    duplex.state.set(Fact::CORKED);
    // What the callback wrote before waits with the rest.
    duplex.state.set(Fact::OUTSIDE);
    duplex.unhold();
    duplex.update_interest();
}

/// Undoes one [`cork`]; the last one sends.
pub(crate) fn uncork<E: Endpoint>(endpoint: &E) {
    let Some(rare) = endpoint.duplex().known() else { return };
    match rare.corks.get() {
        0 => {}
        1 => uncork_wholly(endpoint),
        more => rare.corks.set(more - 1),
    }
}

pub(super) fn uncork_wholly<E: Endpoint>(endpoint: &E) {
    let duplex = endpoint.duplex();
    if duplex.clear_corks() {
        duplex.state.set(Fact::UNSURE);
        send_waiting(endpoint);
        duplex.update_interest();
    }
}

impl<H: ByteHandle> Duplex<H> {
    /// Undoes all corks, if there are any.
    pub(super) fn clear_corks(&self) -> bool {
        self.known().iter().for_each(|rare| rare.corks.set(0));
        self.state.replace(Fact::CORKED, false)
    }
}

/// Sends what waits, now; events that come of it are told later.
pub(crate) fn send_waiting<E: Endpoint>(endpoint: &E) {
    let duplex = endpoint.duplex();
    let nothing = duplex.queue().is_empty();
    if nothing
        || duplex.state.is(Fact::CONNECTING)
        || duplex.state.is(Fact::BROKEN)
        || duplex.state.is(Fact::CORKED)
    {
        return;
    }
    if offer(endpoint) && duplex.queue().is_watched() {
        let later = endpoint.clone();
        duplex.handle.next_tick_from(duplex.origin(), move || told_of_flush(&later));
    }
}
