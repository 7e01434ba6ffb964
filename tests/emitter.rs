//! The rules of the emitter, one by one. Each file holds one concern.

mod emitter {
    mod depth;
    mod drops;
    mod errors;
    mod failing;
    mod intercepting;
    #[cfg(feature = "std")]
    mod isolation;
    mod model;
    #[cfg(feature = "named")]
    mod named;
    mod node;
    #[cfg(feature = "named")]
    mod patterns;
    mod payloads;
    mod relaying;
    mod rules;
    mod snapshot;
    mod storage;
    mod streams;
    mod subscribing;
    pub(crate) mod support;
    mod waiting;
}
