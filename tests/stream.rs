//! What streams without input or output promise. Each file holds one concern.
#![cfg(feature = "event-loop")]

mod stream {
    mod codecs;
    mod duplexes;
    mod model;
    mod node_parity;
    mod pipelines;
    mod properties;
    mod rates;
    mod sinks;
    mod sources;
    mod support;
}
