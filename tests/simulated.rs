//! Timers and their order on a loop with a clock of its own: exact to the nanosecond, and at once. What needs the real
//! clock stands in `tests/event_loop`.
#![cfg(feature = "testing")]

mod simulated {
    mod advancing;
    mod intervals;
    mod model;
    mod outside;
    mod programs;
    mod racing;
    mod streams;
    mod stuck;
    mod support;
    mod time;
    mod timers;
    mod waiting;
}
