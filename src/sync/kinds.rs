//! What the ways to listen make of a user's closure: one that is told its seat, and says what it did with
//! the event; and their names, as types.

use super::node::Sort;
use crate::emitter::ListenerKind;

macro_rules! sorts {
    ($($name:ident)*) => {$(
        pub(super) struct $name;

        impl Sort for $name {
            const KIND: ListenerKind = ListenerKind::$name;
        }
    )*};
}

sorts! { On Once Many Conditional }

/// Called every time.
macro_rules! repeat {
    ($listener:ident) => {
        move |_: &Seat<'_, Self, E>, source: &Self, payload: E::Payload<'_>| {
            $listener(source, payload);
            Verdict::Taken
        }
    };
}

/// Removed, then called.
macro_rules! once {
    ($listener:ident) => {{
        let mut listener = Some($listener);
        move |seat: &Seat<'_, Self, E>, source: &Self, payload: E::Payload<'_>| {
            let Some(listener) = listener.take_if(|_| seat.leave(source)) else {
                return Verdict::Missed;
            };
            listener(source, payload);
            Verdict::Taken
        }
    }};
}
