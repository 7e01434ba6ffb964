//! The seam to the operating system's poller.
//!
//! A driver supplies:
//!
//! - `Driver::new() -> io::Result<Driver>`
//! - `add`, `modify`, `delete`: interest of a descriptor, and how often to tell of it, by a `u32` that
//!   comes back with each readiness; `delete` comes before the descriptor is closed
//! - `descriptor()`, where it has one: readable when `wait` would not wait
//! - `EDGES: bool`: does it know `Trigger::Edge`? Then readiness that comes with the other side's end, or
//!   after it, has `ENDING`, and `modify` tells what is so at that time. Else all is `Trigger::Level`
//! - `wait(timeout, &mut Vec<(u32, Interest)>)`: appends what is ready; an error or a hang-up counts
//!   as ready for everything; may return early with nothing; never returns before a wake-up or a
//!   readiness that had happened is told
//! - `waker() -> io::Result<Waker>`, and `Waker: Send + Sync` with `wake()`, which ends the current
//!   or the next `wait`
//!
//! One is chosen here at build time. `--cfg onward_force_polling` takes the portable one on Linux too.

#[cfg(all(target_os = "linux", not(onward_force_polling)))]
mod epoll;
#[cfg(all(target_os = "linux", not(onward_force_polling)))]
pub(crate) use epoll::{Driver, Waker};

#[cfg(not(all(target_os = "linux", not(onward_force_polling))))]
mod portable;
#[cfg(not(all(target_os = "linux", not(onward_force_polling))))]
pub(crate) use portable::{Driver, Waker};
