//! What Node's own tests ask of an emitter, asked of this one. Each module has the name of a file of Node's suite
//! (`test/parallel/`), or of the project that the case comes from; the tests are written anew from the behaviour.
//! Where this crate decides otherwise on purpose, the test says `differs`, and `onward::emitter::from_node` has the
//! reason.

mod node_parity {
    mod errors;
    mod event_target;
    mod eventemitter3;
    mod listeners;
    #[cfg(feature = "named")]
    mod names;
    #[path = "../emitter/support.rs"]
    #[allow(dead_code, unused_imports, unused_macros, reason = "it serves other tests too")]
    mod support;
    mod upstream_bugs;
    mod waiting;
}
