//! Listeners that fail on a loop: an error that nobody takes ends it.

use super::support::{Log, in_time};
use onward::events::*;
use onward::{ErrorKind, set_immediate};
use std::error::Error as _;

onward::events! { Till { Rung(u32), error std::fmt::Error } }

#[test]
fn an_error_that_nobody_takes_comes_out_of_run() {
    in_time(|| {
        let log = Log::default();
        let (noted, after) = (log.clone(), log.clone());
        let ended = onward::run(move || {
            let till = Till::new();
            till.on_try(Rung, |_, _| Err(std::fmt::Error));
            till.on(Rung, move |_, n| noted.note(n.to_string()));
            set_immediate(move || {
                assert_eq!(till.emit(Rung, 7).called, 2);
                after.note("emitted");
            });
            onward::set_timeout(std::time::Duration::from_secs(3600), || ());
            Ok(())
        });
        let error = ended.expect_err("it ended the loop");
        assert_eq!(error.kind(), ErrorKind::Unhandled);
        assert_eq!(error.target(), Some("Till"));
        assert!(error.to_string().starts_with("unhandled error of Till: "), "{error}");
        assert!(error.source().is_some_and(|source| source.is::<std::fmt::Error>()));
        assert_eq!(log.take(), "7 emitted");
    });
}

#[test]
fn one_that_somebody_takes_does_not() {
    in_time(|| {
        onward::run(|| {
            let till = Till::new();
            till.on_try(Rung, |_, _| Err(std::fmt::Error));
            till.on(Error, |_, _| {});
            till.emit(Rung, 1);
            Ok(())
        })
        .expect("it was taken");
    });
}

#[test]
fn one_in_the_setup_does_too() {
    in_time(|| {
        let ended = onward::run(|| {
            let till = Till::new();
            till.on_try(Rung, |_, _| Err(std::fmt::Error));
            till.emit(Rung, 1);
            Ok(())
        });
        assert_eq!(ended.unwrap_err().kind(), ErrorKind::Unhandled);
    });
}

#[test]
fn outside_of_a_loop_the_listener_panics() {
    in_time(|| {
        onward::run(|| Ok(())).unwrap();
        let till = Till::new();
        till.on_try(Rung, |_, _| Err(std::fmt::Error));
        let said = super::support::panic_of(|| till.emit(Rung, 1));
        assert!(said.starts_with("unhandled error of Till: "), "{said}");
    });
}
