//! The rules of the emitter for many threads, one by one. Each file holds one concern.

mod sync {
    mod alone;
    mod bounds;
    mod circles;
    mod drops;
    mod ending;
    mod habits;
    mod handles;
    mod relaying;
    mod relaying_threads;
    mod routing;
    mod stress;
    pub(crate) mod support;
    mod threads;
    mod waiting;
    mod watching;
}
