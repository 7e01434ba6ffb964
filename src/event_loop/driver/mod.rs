//! The seam to the operating system's poller, and to its clock.
//!
//! A driver supplies:
//!
//! - `Driver::new() -> io::Result<Driver>`
//! - `now() -> u64`: nanoseconds since it was made, by the clock that its `wait` goes by
//! - `add`, `modify`, `delete`: interest of a descriptor, and how often to tell of it, by a `u32` that
//!   comes back with each readiness; `delete` comes before the descriptor is closed
//! - `descriptor()`, where it has one: readable when `wait` would not wait
//! - `EDGES: bool`: does it know `Trigger::Edge`? Then readiness that comes with the other side's end, or
//!   after it, has `ENDING`, and `modify` tells what is so at that time. Else all is `Trigger::Level`
//! - `Ready`: what is ready, as the system writes it; read one by one, as it is told. What has the place `WAKER` is a
//!   wake-up that has ended a wait, and nothing to tell
//! - `wait(timeout, &mut Ready)`: appends what is ready; an error or a hang-up counts
//!   as ready for everything; may return early with nothing; never returns before a wake-up or a
//!   readiness that had happened is told
//! - `waker() -> io::Result<Waker>`, and `Waker: Send + Sync` with `wake()`, which ends the current
//!   or the next `wait`
//!
//! One of two is chosen here at build time: `epoll` or, with `--cfg onward_force_polling` on Linux too,
//! `portable`. With the feature `testing` a third, `simulated`, stands before it: it has a clock of its own, which
//! moves when it is told to, and leaves descriptors to the one behind it. In the crate's own tests it takes
//! readiness from a script as well.

mod clock;

/// The waker's place; no source gets as far.
pub(crate) const WAKER: u32 = u32::MAX;

#[cfg(all(target_os = "linux", not(onward_force_polling)))]
mod epoll;
#[cfg(all(target_os = "linux", not(onward_force_polling)))]
use epoll as system;

#[cfg(not(all(target_os = "linux", not(onward_force_polling))))]
mod portable;
#[cfg(not(all(target_os = "linux", not(onward_force_polling))))]
use portable as system;

#[cfg(any(test, feature = "testing"))]
mod simulated;
#[cfg(any(test, feature = "testing"))]
pub(crate) use simulated::{Driver, World};

#[cfg(test)]
pub(crate) mod script;
#[cfg(all(not(test), feature = "testing"))]
#[path = "unscripted.rs"]
mod script;

#[cfg(not(any(test, feature = "testing")))]
pub(crate) use system::Driver;
pub(crate) use system::{Ready, Waker};
