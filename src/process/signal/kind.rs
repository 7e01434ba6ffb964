//! The signals that are told: their events, their names, their numbers.

use super::Signals;
use crate::emitter::names::{
    ChildChanged, Continued, Hangup, Interrupt, Quit, Resize, Terminate, User1, User2,
};
use crate::emitter::{Emitter as _, Event};
use std::any::TypeId;
use std::fmt;

macro_rules! signals {
    ($($event:ident $name:ident)*) => {
        /// A signal, by the name of its event.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(super) enum Signal {
            $($event,)*
        }

        impl Signal {
            /// The signal that an event tells, if it tells one.
            pub(super) fn of<E: Event<Signals>>() -> Option<Self> {
                let event = TypeId::of::<E>();
                let all = [$((TypeId::of::<$event>(), Self::$event),)*];
                all.into_iter().find(|(of, _)| *of == event).map(|(_, signal)| signal)
            }

            /// The system's number for it.
            #[cfg(unix)]
            pub(super) fn number(self) -> i32 {
                match self {
                    $(Self::$event => signal_hook::consts::$name,)*
                }
            }

            pub(super) fn has_listeners(self, signals: &Signals) -> bool {
                match self {
                    $(Self::$event => signals.listener_count($event) != 0,)*
                }
            }

            pub(super) fn tell(self, signals: &Signals) {
                match self {
                    $(Self::$event => signals.0.emitter.emit(signals, $event, ()),)*
                };
            }
        }

        /// As everybody calls it: `SIGINT`.
        impl fmt::Display for Signal {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(match self {
                    $(Self::$event => stringify!($name),)*
                })
            }
        }
    };
}

signals! {
    Interrupt SIGINT
    Terminate SIGTERM
    Hangup SIGHUP
    Quit SIGQUIT
    User1 SIGUSR1
    User2 SIGUSR2
    ChildChanged SIGCHLD
    Resize SIGWINCH
    Continued SIGCONT
}
