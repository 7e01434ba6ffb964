//! Looking into a loop: what it has done, what it does with its time, what keeps it alive, what holds it up.
//!
//! | to know | ask | Node |
//! |---|---|---|
//! | what it has done, and what waits | [`stats`] | |
//! | how busy it is | [`utilization`] | `performance.eventLoopUtilization()` |
//! | why the program does not end | [`dump`] | `process.getActiveResourcesInfo()`, wtfnode |
//! | which callback holds everybody up | [`on_slow`] | |
#![cfg_attr(
    feature = "histogram",
    doc = "| how late callbacks are | [`monitor_delay`] | `monitorEventLoopDelay()` |"
)]
#![cfg_attr(
    not(feature = "histogram"),
    doc = "| how late callbacks are | `monitor_delay`, with the feature `histogram` | `monitorEventLoopDelay()` |"
)]
//!
//! The functions here ask the loop that the thread is in; [`Stats::of`], [`Utilization::of`] and [`Dump::of`]
//! ask any loop of this thread.
//!
//! # What it costs
//!
//! Everything is counted where it happens, by an addition, and read when somebody asks. The loop reads the
//! clock around its waits only after the first [`stats`] or [`utilization`], and around each callback only
//! while there is an [`on_slow`] hook. Emitters do not know of any of it: with such a hook they call their
//! listeners one by one on a longer way, without one they are as fast as ever.
//!
//! ```
//! use onward::inspect;
//! use std::time::Duration;
//!
//! onward::run(|| {
//!     inspect::on_slow(Duration::from_millis(50), |slow| eprintln!("{slow}"));
//!     onward::set_interval(Duration::from_secs(60), |_| {
//!         println!("{:?}\n{}", inspect::stats(), inspect::dump());
//!     })
//!     .unref();
//!     Ok(())
//! })?;
//! # Ok::<(), onward::Error>(())
//! ```

#[cfg(feature = "histogram")]
mod delay;
mod dump;
mod slow;
mod stats;
mod text;
mod utilization;

#[cfg(feature = "histogram")]
pub use delay::{LoopDelay, monitor_delay};
pub use dump::{Dump, Resource, dump};
pub use slow::{SlowCallback, SlowHook, SlowListener, on_slow};
pub use stats::{Pending, Stats, stats};
pub use utilization::{Utilization, utilization};

pub use crate::event_loop::{CallbackKind, ResourceKind};
