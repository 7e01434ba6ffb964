//! How listeners are called where an emit has more to do than that: an interceptor may stop it, panics are caught,
//! and somebody hears all events.

use super::core::Core;
use super::node::{Node, Verdict};
use super::options::Options;
use super::walk::Manner;
use crate::emitter::watches::Heard;
use crate::emitter::{Declared, Emitted, Event};

pub(super) struct Careful<'a, S: Declared> {
    pub(super) core: &'a Core<S>,
    /// Those that an emit has to heed.
    pub(super) options: Option<&'a Options<S>>,
    /// The newest of those who hear all events, as the emit began; if there is one.
    pub(super) any: Option<i64>,
}

impl<S: Declared, E: Event<S>> Manner<S, E> for Careful<'_, S> {
    const KEEPS: bool = true;

    fn call(
        &self,
        node: &Node<S, E>,
        source: &S,
        call: impl FnOnce() -> Verdict,
        emitted: &mut Emitted,
    ) -> bool {
        let called = match self.options {
            Some(options) => options.catch(call),
            None => Ok(call()),
        };
        match called {
            Ok(Verdict::Missed) => {}
            Ok(Verdict::Taken) => emitted.called += 1,
            Ok(Verdict::Stopped) => {
                emitted.stopped = true;
                return false;
            }
            Err(panic) => {
                emitted.called += usize::from(!node.intercepts());
                if let Some(options) = self.options {
                    options.report::<E>(source, node.location, panic);
                }
            }
        }
        true
    }

    /// Tells those who hear all events, in the turn of this one.
    fn end(&self, source: &S, payload: &E::Payload<'_>, emitted: &Emitted) {
        let Some(newest) = self.any.filter(|_| !emitted.stopped) else { return };
        if let (Some(watch), Some(event)) = (self.core.watched(), E::any(payload)) {
            watch.any.emit(self.core, source, Heard { event, newest });
        }
    }
}
