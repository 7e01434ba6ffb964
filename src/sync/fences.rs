//! A pair of fences of which one costs nothing, as long as the other one is seldom needed.
//!
//! A thread that writes one thing and then reads another is seen by its processor in the other order, unless a fence
//! stands between: and that takes as long as many calls. The two threads that want to see each other do not have to pay alike.
//! A [`light`] fence only binds the compiler. A [`heavy`] one has the system put a full fence into whatever each thread of
//! the process is doing, between two of its instructions (`membarrier`, on Linux). So of one thread that writes `a`, passes a
//! light fence and reads `b`, and another one that writes `b`, passes a heavy fence and reads `a`, at least one sees what
//! the other has written, as if both had passed a fence.
//!
//! `loom` knows nothing of systems: there both are what they stand for.

/// Can there be such fences at all, here?
pub(super) const POSSIBLE: bool =
    cfg!(all(feature = "membarrier", any(onward_loom, all(target_os = "linux", not(miri)))));

/// Has the compiler leave what comes before it there, and what comes after.
#[inline(always)]
pub(super) fn light() {
    #[cfg(not(onward_loom))]
    core::sync::atomic::compiler_fence(core::sync::atomic::Ordering::SeqCst);
    #[cfg(onward_loom)]
    loom::sync::atomic::fence(loom::sync::atomic::Ordering::SeqCst);
}

#[cfg(onward_loom)]
pub(super) use modelled::{are_granted, heavy};
#[cfg(not(all(feature = "membarrier", target_os = "linux", not(miri), not(onward_loom))))]
#[cfg(not(onward_loom))]
pub(super) use nothing::{are_granted, heavy};
#[cfg(all(feature = "membarrier", target_os = "linux", not(miri), not(onward_loom)))]
pub(super) use system::{are_granted, heavy};

#[cfg(onward_loom)]
mod modelled {
    pub(in crate::sync) fn are_granted() -> bool {
        super::POSSIBLE
    }

    pub(in crate::sync) fn heavy() {
        loom::sync::atomic::fence(loom::sync::atomic::Ordering::SeqCst);
    }
}

#[cfg(not(onward_loom))]
#[cfg(not(all(feature = "membarrier", target_os = "linux", not(miri))))]
mod nothing {
    pub(in crate::sync) fn are_granted() -> bool {
        false
    }

    pub(in crate::sync) fn heavy() {}
}

#[cfg(all(feature = "membarrier", target_os = "linux", not(miri), not(onward_loom)))]
mod system {
    use core::sync::atomic::{Ordering, fence};
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
