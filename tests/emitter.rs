//! The rules of the emitter, one by one. Each file holds one concern.

mod emitter {
    mod alike;
    mod clones;
    mod combined;
    mod combined_any;
    #[cfg(feature = "std")]
    mod combined_isolated;
    mod combined_relays;
    mod depth;
    mod drops;
    mod errors;
    mod failing;
    mod hooks;
    mod intercepting;
    #[cfg(feature = "std")]
    mod isolation;
    #[cfg(feature = "named")]
    mod named;
    #[cfg(feature = "named")]
    mod named_routing;
    #[cfg(feature = "named")]
    mod named_walked;
    #[cfg(feature = "named")]
    mod named_watching;
    #[cfg(feature = "named")]
    mod patterns;
    mod payloads;
    mod ready;
    mod relaying;
    mod rules;
    mod snapshot;
    mod storage;
    mod streams;
    mod subscribing;
    pub(crate) mod support;
    mod waiting;
    mod watching;
    mod watching_any;
    mod watching_dump;
    mod watching_leaks;
    #[cfg(feature = "named")]
    mod watching_named;
    mod watching_node;
}
