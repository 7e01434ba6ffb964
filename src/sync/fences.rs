//! A pair of fences of which one costs nothing, as long as the other one is seldom needed.
//!
//! A thread that writes one thing and then reads another is seen by its processor in the other order, unless a fence
//! stands between: and that takes as long as many calls. The two threads that want to see each other do not have to pay alike.
//! A [`light`] fence only binds the compiler. A [`heavy`] one has the system put a full fence into whatever each thread of
//! the process is doing, between two of its instructions (`membarrier`, on Linux). So of one thread that writes `a`, passes a
//! light fence and reads `b`, and another one that writes `b`, passes a heavy fence and reads `a`, at least one sees what
//! the other has written, as if both had passed a fence.
//!
//! `loom` and Miri know nothing of systems: there both are what they stand for.

#[cfg(all(feature = "membarrier", any(onward_loom, miri)))]
pub(super) use modelled::{are_granted, heavy, light};
#[cfg(any(not(feature = "membarrier"), not(any(onward_loom, miri, target_os = "linux"))))]
pub(super) use nothing::{are_granted, heavy, light};
#[cfg(all(feature = "membarrier", not(any(onward_loom, miri)), target_os = "linux"))]
pub(super) use system::{are_granted, heavy, light};

/// Can there be such fences at all, here?
pub(super) const POSSIBLE: bool =
    cfg!(all(feature = "membarrier", any(onward_loom, miri, target_os = "linux")));

#[cfg(any(not(feature = "membarrier"), not(any(onward_loom, miri, target_os = "linux"))))]
mod nothing {
    pub(in crate::sync) fn are_granted() -> bool {
        false
    }

    pub(in crate::sync) fn light() {}

    pub(in crate::sync) fn heavy() {}
}

#[cfg(all(feature = "membarrier", any(onward_loom, miri)))]
mod modelled {
    #[cfg(not(onward_loom))]
    use core::sync::atomic::{Ordering, fence};
    #[cfg(onward_loom)]
    use loom::sync::atomic::{Ordering, fence};

    pub(in crate::sync) fn are_granted() -> bool {
        true
    }

    pub(in crate::sync) fn light() {
        fence(Ordering::SeqCst);
    }

    pub(in crate::sync) fn heavy() {
        fence(Ordering::SeqCst);
    }
}

#[cfg(all(feature = "membarrier", not(any(onward_loom, miri)), target_os = "linux"))]
mod system {
    use core::sync::atomic::{Ordering, compiler_fence, fence};
    use core::time::Duration;
    use rustix::thread::{MembarrierCommand, membarrier};
    use std::sync::OnceLock;

    /// Long enough for whatever a processor has still to write, by far.
    const LONG: Duration = Duration::from_millis(10);

    /// Has the system granted heavy fences? It is asked, and tried, once for all; a child process inherits the grant.
    pub(in crate::sync) fn are_granted() -> bool {
        static GRANTED: OnceLock<bool> = OnceLock::new();
        *GRANTED.get_or_init(|| {
            membarrier(MembarrierCommand::RegisterPrivateExpedited).is_ok()
                && membarrier(MembarrierCommand::PrivateExpedited).is_ok()
        })
    }

    /// Has the compiler leave what comes before it there, and what comes after.
    #[inline(always)]
    pub(in crate::sync) fn light() {
        compiler_fence(Ordering::SeqCst);
    }

    /// Passes when every other thread of the process has passed a full fence since it began.
    pub(in crate::sync) fn heavy() {
        fence(Ordering::SeqCst);
        if membarrier(MembarrierCommand::PrivateExpedited).is_err() {
            // It was granted, and is not any more: the program has shut itself into a sandbox meanwhile. What a
            // thread had written before it last looked is on its way, and no processor keeps that to itself so long.
            std::thread::sleep(LONG);
        }
        fence(Ordering::SeqCst);
    }
}
