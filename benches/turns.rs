//! What the loop's own work costs, against the least that it could: timers, posts, ticks, turns.
//!
//!     cargo bench --bench turns                    all groups, interleaved with their limits
//!     cargo bench --bench turns -- posts [limit]   one run of one, as a line of JSON
//!
//! Each run is a process of its own. The limit does the same work without a loop: a heap of deadlines with
//! boxed callbacks, a locked queue with an eventfd, a queue of boxed callbacks, `epoll_wait`.

#[cfg(target_os = "linux")]
#[path = "turns/linux.rs"]
mod linux;

fn main() {
    #[cfg(target_os = "linux")]
    linux::main();
    #[cfg(not(target_os = "linux"))]
    println!("the limits are Linux's own calls: nothing to measure here");
}
