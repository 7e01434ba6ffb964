//! The histogram of how late the loop is.

use super::support::{in_time, make_loop, spin};
use onward::inspect::{LoopDelay, monitor_delay};
use onward::{set_interval, set_timeout};
use std::rc::Rc;
use std::time::Duration;

const MS: Duration = Duration::from_millis(1);

/// Calls `then` once it has so many samples.
fn when(delay: &Rc<LoopDelay>, samples: u64, then: impl FnOnce(&LoopDelay) + 'static) {
    let (delay, mut then) = (Rc::clone(delay), Some(then));
    set_interval(MS, move |timer| {
        if delay.count() >= samples {
            timer.cancel();
            then.take().expect("it is called once")(&delay);
        }
    });
}

#[test]
fn what_holds_the_loop_up_shows_as_delay() {
    in_time(|| {
        onward::run(|| {
            let delay = Rc::new(monitor_delay(MS));
            set_timeout(Duration::ZERO, || spin(30 * MS));
            when(&delay, 5, |delay| {
                // It was due a millisecond after it was set, at the latest when half of that was over.
                assert!(delay.max() >= 15 * MS, "{delay:?}");
                assert!(delay.min() <= delay.percentile(50.0), "{delay:?}");
                assert!(delay.percentile(50.0) <= delay.percentile(99.0), "{delay:?}");
                assert_eq!(delay.percentile(100.0), delay.max(), "{delay:?}");
                assert_eq!(delay.percentile(1e9), delay.max(), "{delay:?}");
                assert_eq!(delay.percentile(f64::NAN), delay.percentile(-1.0), "{delay:?}");
                let mean = delay.mean();
                assert!(delay.min() <= mean + MS && mean <= delay.max(), "{delay:?}");
                assert!(delay.std_dev() > Duration::ZERO, "{delay:?}");
            });
            Ok(())
        })
        .unwrap();
    });
}

#[test]
fn it_does_not_keep_the_loop_alive() {
    in_time(|| {
        let (event_loop, _) = make_loop();
        let delay = event_loop.enter(|| monitor_delay(MS));
        assert!(!event_loop.is_alive());
        event_loop.run().unwrap();
        drop(event_loop);
        assert_eq!(delay.count(), 0);
        assert!(delay.disable(), "it does not know that there is nobody any more");
    });
}

#[test]
fn without_samples_all_is_zero() {
    in_time(|| {
        onward::run(|| {
            let delay = monitor_delay(MS);
            let all = [delay.min(), delay.max(), delay.mean(), delay.std_dev()];
            assert_eq!(all, [Duration::ZERO; 4]);
            assert_eq!(delay.percentile(50.0), Duration::ZERO);
            Ok(())
        })
        .unwrap();
    });
}

#[test]
fn it_is_disabled_and_enabled_and_reset() {
    in_time(|| {
        onward::run(|| {
            let delay = Rc::new(monitor_delay(MS));
            assert!(!delay.enable(), "it is");
            let kept = Rc::clone(&delay);
            when(&delay, 1, move |delay| {
                assert!(delay.disable() && !delay.disable());
                let count = delay.count();
                set_timeout(10 * MS, move || {
                    assert_eq!(kept.count(), count);
                    kept.reset();
                    assert_eq!((kept.count(), kept.max()), (0, Duration::ZERO));
                    assert!(kept.enable());
                    when(&kept, 2, |delay| assert!(delay.count() >= 2));
                });
            });
            Ok(())
        })
        .unwrap();
    });
}

#[test]
fn one_that_was_dropped_elsewhere_leaves_no_timer_behind() {
    in_time(|| {
        let (event_loop, _) = make_loop();
        let delay = event_loop.enter(|| monitor_delay(MS));
        drop(delay); // not inside of its loop
        event_loop.enter(|| set_timeout(10 * MS, || {}));
        event_loop.run().unwrap();
        assert_eq!(onward::inspect::Stats::of(&event_loop.handle()).pending.timers, 0);
    });
}
