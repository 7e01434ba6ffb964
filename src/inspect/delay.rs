//! How late a loop is.

use crate::event_loop::{Handle, Missed, Timer, here, now};
use hdrhistogram::Histogram;
use std::cell::{Cell, RefCell};
use std::fmt;
use std::rc::{Rc, Weak};
use std::time::Duration;

/// What is later than that counts as that late, in nanoseconds: an hour.
const LATEST: u64 = 3_600_000_000_000;
/// Two delays are told apart if they differ by a microsecond and by a thousandth.
const LEAST: u64 = 1_000;
const DIGITS: u8 = 3;

/// A histogram of how late a loop is with a timer of its own; from [`monitor_delay`].
///
/// It samples as long as this is there and [enabled](Self::enable).
pub struct LoopDelay {
    handle: Handle,
    state: Rc<State>,
}

struct State {
    resolution: Duration,
    histogram: RefCell<Histogram<u64>>,
    due: Cell<Duration>,
    timer: Cell<Option<Timer>>,
}

/// Samples how late the thread's loop is, each time that `resolution` has passed: Node's
/// `monitorEventLoopDelay()`. Below a millisecond counts as one.
///
/// A sample is what passed between the moment when the timer was due and the moment when it was called; Node's
/// counts the resolution in. A loop at rest is up to a millisecond late, since its wait counts whole milliseconds. A
/// callback that takes a second shows as one sample of up to a second.
///
/// The timer does not keep the loop alive.
///
/// # Panics
///
/// Outside of a loop.
///
/// ```
/// use onward::inspect;
/// use std::time::Duration;
///
/// onward::run(|| {
///     let delay = inspect::monitor_delay(Duration::from_millis(1));
///     onward::set_timeout(Duration::from_millis(20), move || {
///         println!("{delay:?}");
///         println!("99 of 100 are late by at most {:?}", delay.percentile(99.0));
///         delay.reset();
///         assert_eq!(delay.count(), 0);
///     });
///     Ok(())
/// })?;
/// # Ok::<(), onward::Error>(())
/// ```
#[doc(alias = "monitorEventLoopDelay")]
#[track_caller]
#[must_use = "it samples as long as it is there"]
pub fn monitor_delay(resolution: Duration) -> LoopDelay {
    let handle = here("inspect::monitor_delay");
    let histogram = Histogram::new_with_bounds(LEAST, LATEST, DIGITS);
    let delay = LoopDelay {
        handle,
        state: Rc::new(State {
            resolution: resolution.max(Duration::from_millis(1)),
            histogram: RefCell::new(histogram.expect("the bounds are in order")),
            due: Cell::default(),
            timer: Cell::new(None),
        }),
    };
    delay.enable();
    delay
}

impl State {
    fn sample(&self, now: Duration) {
        let late = now.saturating_sub(self.due.get());
        let late = u64::try_from(late.as_nanos()).unwrap_or(u64::MAX);
        self.histogram.borrow_mut().saturating_record(late);
        self.due.set(now + self.resolution);
    }
}

impl LoopDelay {
    /// Goes on sampling, after [`disable`](Self::disable). `false` if it did anyway.
    #[track_caller]
    #[allow(clippy::must_use_candidate, reason = "it is called for what it does")]
    pub fn enable(&self) -> bool {
        let state = &self.state;
        if state.timer.get().is_some() {
            return false;
        }
        state.due.set(self.handle.now() + state.resolution);
        let weak = Rc::downgrade(state);
        let timer = self.handle.set_interval_with(state.resolution, Missed::Delay, move |timer| {
            // One that could not be cancelled, since it was not done inside of its loop, finds out here.
            let state = Weak::upgrade(&weak).filter(|state| state.timer.get() == Some(timer));
            match state {
                Some(state) => state.sample(now()),
                None => _ = timer.cancel(),
            }
        });
        state.timer.set(Some(timer.unref()));
        true
    }

    /// Samples no more; what was sampled stays. `false` if it did not anyway.
    #[allow(clippy::must_use_candidate, reason = "it is called for what it does")]
    pub fn disable(&self) -> bool {
        let timer = self.state.timer.take();
        timer.is_some_and(|timer| {
            timer.cancel();
            true
        })
    }

    /// Forgets what was sampled.
    pub fn reset(&self) {
        self.state.histogram.borrow_mut().reset();
    }

    /// How many samples there are.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.state.histogram.borrow().len()
    }

    /// What the samples say, in nanoseconds; zero without any, of which a histogram is not so sure.
    fn ask(&self, question: impl FnOnce(&Histogram<u64>) -> f64) -> Duration {
        let histogram = self.state.histogram.borrow();
        if histogram.is_empty() {
            return Duration::ZERO;
        }
        // Of at most an hour, so that it is a duration.
        Duration::try_from_secs_f64(question(&histogram) / 1e9).unwrap_or_default()
    }

    /// The least delay; like all of these exact to a thousandth or a microsecond, and zero without samples.
    #[must_use]
    pub fn min(&self) -> Duration {
        self.ask(|histogram| histogram.min() as f64)
    }

    /// The greatest.
    #[must_use]
    pub fn max(&self) -> Duration {
        self.ask(|histogram| histogram.max() as f64)
    }

    /// The mean of all.
    #[must_use]
    pub fn mean(&self) -> Duration {
        self.ask(Histogram::mean)
    }

    /// The standard deviation.
    #[must_use]
    pub fn std_dev(&self) -> Duration {
        self.ask(Histogram::stdev)
    }

    /// The delay that so many per cent of the samples do not exceed: 50 is the median. Less than 0 counts as 0,
    /// more than 100 as 100.
    #[must_use]
    pub fn percentile(&self, percent: f64) -> Duration {
        let percent = if percent.is_nan() { 0.0 } else { percent.clamp(0.0, 100.0) };
        self.ask(|histogram| histogram.value_at_percentile(percent) as f64)
    }
}

impl Drop for LoopDelay {
    fn drop(&mut self) {
        self.disable();
    }
}

impl fmt::Debug for LoopDelay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LoopDelay")
            .field("count", &self.count())
            .field("min", &self.min())
            .field("mean", &self.mean())
            .field("median", &self.percentile(50.0))
            .field("p99", &self.percentile(99.0))
            .field("max", &self.max())
            .finish()
    }
}
