//! The least that it can cost: a vector of boxed closures, called in a loop by the one who owns it. It can neither be
//! re-entered nor changed while it runs.

use crate::peer::{Counter, Payload, Peer};

type Listener = Box<dyn FnMut(&Payload)>;

pub struct Limit(Vec<Listener>);

impl Peer for Limit {
    const NAME: &'static str = "`Vec<Box<dyn FnMut>>`";
    const ANY_ORDER: bool = false;
    type Handle = ();

    fn new() -> Self {
        Self(Vec::new())
    }

    #[inline]
    fn on(&mut self, _: usize, counter: Counter) {
        self.0.push(Box::new(move |payload| counter.count(payload)));
    }

    #[inline]
    fn off(&mut self, _: usize, (): ()) {
        self.0.pop();
    }

    #[inline]
    fn emit(&mut self, _: usize, payload: &'static Payload) {
        for listener in &mut self.0 {
            listener(payload);
        }
    }

    /// The listener before this one goes now, so that `emit` stays the plain loop.
    #[inline]
    fn once(&mut self, _: usize, counter: Counter) {
        self.0.clear();
        let mut counter = Some(counter);
        self.0.push(Box::new(move |payload| {
            if let Some(counter) = counter.take() {
                counter.count(payload);
            }
        }));
    }
}
