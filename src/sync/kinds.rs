//! What the ways to listen make of a user's closure: one that is told its seat, and says whether it took
//! the event.

/// Called every time.
macro_rules! repeat {
    ($listener:ident) => {
        move |_: &Seat<'_, Self, E>, source: &Self, payload: E::Payload<'_>| {
            $listener(source, payload);
            true
        }
    };
}

/// Removed, then called.
macro_rules! once {
    ($listener:ident) => {{
        let mut listener = Some($listener);
        move |seat: &Seat<'_, Self, E>, source: &Self, payload: E::Payload<'_>| {
            let Some(listener) = listener.take_if(|_| seat.leave()) else { return false };
            listener(source, payload);
            true
        }
    }};
}
