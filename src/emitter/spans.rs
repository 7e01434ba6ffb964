//! A span around each emit, for those who collect them with the crate `tracing`.

use core::cell::Cell;

use tracing::field::Empty;

use super::emission::Emitted;

std::thread_local! {
    /// How many emits with a span are under way.
    static NESTING: Cell<usize> = const { Cell::new(0) };
}

/// One emit with a span less is under way.
struct Leave(usize);

impl Drop for Leave {
    fn drop(&mut self) {
        let _ = NESTING.try_with(|nesting| nesting.set(self.0));
    }
}

/// Emits in a span, if somebody collects spans.
#[inline(always)]
pub(crate) fn traced(
    emitter: &'static str,
    event: &str,
    emit: impl FnOnce() -> Emitted,
) -> Emitted {
    if tracing::enabled!(target: "onward::emit", tracing::Level::TRACE) {
        in_span(emitter, event, emit)
    } else {
        emit()
    }
}

#[cold]
fn in_span(emitter: &'static str, event: &str, emit: impl FnOnce() -> Emitted) -> Emitted {
    let nesting = NESTING.try_with(|nesting| nesting.replace(nesting.get() + 1)).unwrap_or(0);
    let _leave = Leave(nesting);
    let span = tracing::trace_span!(
        target: "onward::emit",
        "emit",
        emitter,
        event,
        nesting,
        called = Empty,
        skipped = Empty,
        stopped = Empty,
    );
    let emitted = span.in_scope(emit);
    span.record("called", emitted.called);
    span.record("skipped", emitted.skipped);
    span.record("stopped", emitted.stopped);
    emitted
}
