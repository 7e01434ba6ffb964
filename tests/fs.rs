//! File streams, on real files.
#![cfg(unix)]

mod fs {
    mod fifo;
    mod life;
    mod pipes;
    mod read;
    mod support;
    mod write;
}
