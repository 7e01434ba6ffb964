//! What streams without input or output promise. Each file holds one concern.
#![cfg(feature = "event-loop")]

mod stream {
    mod codecs;
    mod duplexes;
    mod node_parity;
    mod pipelines;
    mod rates;
    mod sinks;
    mod sources;
    mod support;
}
