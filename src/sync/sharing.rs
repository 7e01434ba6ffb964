//! How futures and streams share things with their listeners on other threads.

use std::sync::Arc;

use super::handles::Subscription;
use super::primitives::{Mutex, lock};
use crate::emitter::Sharing;

/// Shared between threads.
#[derive(Clone, Copy, Debug)]
#[allow(unnameable_types, reason = "for the types of futures and streams")]
pub struct Threads(());

impl Sharing for Threads {
    type Pointer<T> = Arc<T>;
    type Cell<T> = Mutex<T>;
    type Guard = Subscription;
    type Pausing<S> = ();

    fn share<T>(value: T) -> Arc<T> {
        Arc::new(value)
    }

    fn cell<T>(value: T) -> Mutex<T> {
        Mutex::new(value)
    }

    fn with<T, R>(cell: &Mutex<T>, look: impl FnOnce(&mut T) -> R) -> R {
        look(&mut lock(cell))
    }
}
