//! File streams, whole files and directories, on real files: FIFOs, devices and descriptors as Linux has them.
#![cfg(target_os = "linux")]

#[path = "common/child.rs"]
#[allow(dead_code, reason = "others need more of it")]
mod child;

mod fs {
    mod bad_days;
    mod cached;
    mod entries;
    mod fifo;
    mod follow;
    mod life;
    mod many;
    mod names;
    mod node_parity;
    mod operations;
    mod panics;
    mod pipes;
    mod positions;
    mod read;
    mod support;
    mod temporary;
    mod terminal;
    mod troubles;
    mod watch;
    mod watch_tree;
    mod whole;
    mod write;
    mod writes;
}
