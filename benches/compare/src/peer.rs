//! What a library has to do to be compared.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// What every listener receives, by reference where the library allows that.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct Payload {
    pub value: u64,
    pub rest: [u64; 2],
}

pub static PAYLOAD: Payload = Payload { value: 3, rest: [1, 2] };

/// Events, for libraries that have them by name. All items but one use the first.
pub const NAMES: [&str; 8] =
    ["data", "end", "error", "close", "connect", "message", "drain", "timeout"];

/// Where a listener counts: a cell of its own, so that listeners do not wait for each other's store. It is never
/// freed. Relaxed loads and stores are plain ones to the machine, and the compiler may not merge them.
#[derive(Clone, Copy)]
pub struct Counter(&'static AtomicU64);

impl Counter {
    pub fn row(n: usize) -> Vec<Self> {
        let cells: &'static [AtomicU64] = Box::leak((0..n).map(|_| AtomicU64::new(0)).collect());
        cells.iter().map(Self).collect()
    }

    #[inline(always)]
    pub fn count(self, payload: &Payload) {
        self.0.store(self.0.load(Relaxed).wrapping_add(payload.value), Relaxed);
    }

    pub fn calls(self) -> u64 {
        self.0.load(Relaxed) / PAYLOAD.value
    }
}

/// One library.
pub trait Peer: Sized + 'static {
    const NAME: &'static str;
    /// One object has all eight events. If not, eight objects stand for them.
    const KEYED: bool = false;
    /// `off` removes whichever listener it is given, not only the newest.
    const ANY_ORDER: bool = true;
    /// What `off` takes. It is kept as long as the listener shall live.
    type Handle;

    fn new() -> Self;
    fn on(&mut self, event: usize, counter: Counter) -> Self::Handle;
    fn off(&mut self, event: usize, handle: Self::Handle);
    fn emit(&mut self, event: usize, payload: &'static Payload);
    /// For the next emit only; where the library has no such thing, in the nearest way.
    fn once(&mut self, event: usize, counter: Counter);
}
