//! Signals as events. Each test runs in a process of its own, so that none hears another's signals.
#![cfg(all(unix, feature = "process"))]

mod signals {
    mod defaults;
    mod loops;
    mod support;
    mod telling;
    mod waits;
}
