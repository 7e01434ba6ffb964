//! onward: events that are declared, and events that are found by name.

use onward::Emitter;
use onward::emitter::Listener;
use onward::emitter::named::{Name, NamedEmitter};

use crate::peer::{Counter, NAMES, Payload, Peer};

onward::events! {
    Bench {
        E0(&Payload), E1(&Payload), E2(&Payload), E3(&Payload), E4(&Payload), E5(&Payload), E6(&Payload), E7(&Payload),
    }
}

pub struct Typed(Bench);

/// Which of the eight it is, is known at compile time in a program; here it is asked for, unless the methods are inlined
/// where it is known.
macro_rules! with {
    ($number:expr, $event:ident => $code:expr) => {
        match $number {
            0 => {
                let $event = E0;
                $code
            }
            1 => {
                let $event = E1;
                $code
            }
            2 => {
                let $event = E2;
                $code
            }
            3 => {
                let $event = E3;
                $code
            }
            4 => {
                let $event = E4;
                $code
            }
            5 => {
                let $event = E5;
                $code
            }
            6 => {
                let $event = E6;
                $code
            }
            _ => {
                let $event = E7;
                $code
            }
        }
    };
}

impl Peer for Typed {
    const NAME: &'static str = "**onward**";
    const KEYED: bool = true;
    type Handle = Listener;

    fn new() -> Self {
        Self(Bench::new())
    }

    #[inline(always)]
    fn on(&mut self, event: usize, counter: Counter) -> Listener {
        with!(event, e => self.0.on(e, move |_, payload| counter.count(payload)))
    }

    #[inline(always)]
    fn off(&mut self, _: usize, listener: Listener) {
        self.0.off(listener);
    }

    #[inline(always)]
    fn emit(&mut self, event: usize, payload: &'static Payload) {
        with!(event, e => self.0.emit(e, payload));
    }

    #[inline(always)]
    fn once(&mut self, event: usize, counter: Counter) {
        with!(event, e => self.0.once(e, move |_, payload| counter.count(payload)));
    }
}

pub struct Named(NamedEmitter);

impl Peer for Named {
    const NAME: &'static str = "**onward**, by name";
    const KEYED: bool = true;
    type Handle = Listener;

    fn new() -> Self {
        Self(NamedEmitter::new())
    }

    #[inline]
    fn on(&mut self, event: usize, counter: Counter) -> Listener {
        self.0.on(Name::<Payload>::borrowed(NAMES[event]), move |_, payload| counter.count(payload))
    }

    #[inline]
    fn off(&mut self, _: usize, listener: Listener) {
        self.0.off(listener);
    }

    #[inline]
    fn emit(&mut self, event: usize, payload: &'static Payload) {
        self.0.emit(Name::<Payload>::borrowed(NAMES[event]), payload);
    }

    #[inline]
    fn once(&mut self, event: usize, counter: Counter) {
        self.0.once(Name::<Payload>::borrowed(NAMES[event]), move |_, payload| {
            counter.count(payload)
        });
    }
}
