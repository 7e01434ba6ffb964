//! The rules of the emitter, one by one. Each file holds one concern.

mod emitter {
    mod clones;
    mod drops;
    mod errors;
    mod hooks;
    #[cfg(feature = "named")]
    mod named;
    #[cfg(feature = "named")]
    mod patterns;
    mod payloads;
    mod rules;
    mod storage;
    mod streams;
    mod subscribing;
    pub(crate) mod support;
    mod waiting;
}
