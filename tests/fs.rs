//! File streams, on real files: FIFOs, devices and descriptors as Linux has them.
#![cfg(target_os = "linux")]

mod fs {
    mod fifo;
    mod life;
    mod pipes;
    mod read;
    mod support;
    mod write;
}
