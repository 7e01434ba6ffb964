//! Payloads that are owned until their emit: how what was kept is lent again.

use alloc::borrow::ToOwned;
use core::borrow::Borrow;

use super::event::{Declared, Event};
use super::kept::{ByMut, ByRef, ByValue};

/// An event of `S` whose payload can be owned, so that it can be emitted later.
///
/// | declared as | owned as |
/// |---|---|
/// | `()` | `()` |
/// | `&str` | `String` |
/// | `&[T]`, where `T: Clone` | `Vec<T>` |
/// | any other `&T` | `T::Owned` of [`ToOwned`]; that is `T`, where `T: Clone` |
/// | `&mut T` | `T`; what listeners made of it is dropped in the end |
/// | `T`, a value | `T` |
/// | several parts | a tuple, each part by its own rule |
///
/// Every event of which this can be said is `Deferrable`, there is nothing to implement. The others have a
/// `&dyn Trait`, or a `&T` that cannot be cloned.
pub trait Deferrable<S: Declared>: Event<S> {
    /// The payload, owned.
    type Owned: 'static;

    /// Lends it to `emit`.
    #[doc(hidden)]
    fn with<T>(payload: Self::Owned, emit: impl FnOnce(Self::Payload<'_>) -> T) -> T;
}

impl<S: Declared, E: Event<S>> Deferrable<S> for E
where
    E::Shape: Hold + for<'a> Lend<'a, E::Payload<'a>>,
{
    type Owned = <E::Shape as Hold>::Owned;

    fn with<T>(payload: Self::Owned, emit: impl FnOnce(Self::Payload<'_>) -> T) -> T {
        let mut held = E::Shape::hold(payload);
        emit(E::Shape::lend(&mut held))
    }
}

/// The shape of a payload that can be owned.
#[diagnostic::on_unimplemented(
    message = "this event cannot be emitted later: its payload cannot be owned",
    label = "`{Self}` cannot be owned"
)]
pub trait Hold {
    /// As what it waits.
    type Owned: 'static;
    /// As what it is held while it is lent.
    type Held;
    /// Gets it ready to be lent.
    fn hold(owned: Self::Owned) -> Self::Held;
}

/// The shape of a payload `P` that can be owned.
#[diagnostic::on_unimplemented(
    message = "this event cannot be emitted later: its payload cannot be owned",
    label = "`{P}` cannot be owned"
)]
pub trait Lend<'a, P>: Hold {
    /// Is called once for each that is held.
    fn lend(held: &'a mut Self::Held) -> P;
}

impl<T: ?Sized + ToOwned<Owned: 'static>> Hold for ByRef<T> {
    type Owned = T::Owned;
    type Held = T::Owned;

    fn hold(owned: T::Owned) -> T::Owned {
        owned
    }
}

impl<'a, T: ?Sized + ToOwned<Owned: 'static>> Lend<'a, &'a T> for ByRef<T> {
    fn lend(held: &'a mut T::Owned) -> &'a T {
        (*held).borrow()
    }
}

impl<T: 'static> Hold for ByMut<T> {
    type Owned = T;
    type Held = T;

    fn hold(owned: T) -> T {
        owned
    }
}

impl<'a, T: 'static> Lend<'a, &'a mut T> for ByMut<T> {
    fn lend(held: &'a mut T) -> &'a mut T {
        held
    }
}

impl<T: 'static> Hold for ByValue<T> {
    type Owned = T;
    type Held = Option<T>;

    fn hold(owned: T) -> Option<T> {
        Some(owned)
    }
}

impl<'a, T: 'static> Lend<'a, T> for ByValue<T> {
    fn lend(held: &'a mut Option<T>) -> T {
        held.take().expect("it is lent once")
    }
}

macro_rules! tuples {
    ($(($($shape:ident $payload:ident)*))*) => {$(
        impl<$($shape: Hold),*> Hold for ($($shape,)*) {
            type Owned = ($($shape::Owned,)*);
            type Held = ($($shape::Held,)*);

            #[allow(non_snake_case, clippy::unused_unit, reason = "the parts have the names of their types")]
            fn hold(($($shape,)*): Self::Owned) -> Self::Held {
                ($($shape::hold($shape),)*)
            }
        }

        #[allow(non_snake_case, clippy::unused_unit, reason = "the parts have the names of their types")]
        impl<'a, $($shape: Lend<'a, $payload>, $payload),*> Lend<'a, ($($payload,)*)> for ($($shape,)*) {
            fn lend(($($shape,)*): &'a mut Self::Held) -> ($($payload,)*) {
                ($($shape::lend($shape),)*)
            }
        }
    )*};
}

tuples! {
    ()
    (A P A1 P1)
    (A P A1 P1 A2 P2)
    (A P A1 P1 A2 P2 A3 P3)
    (A P A1 P1 A2 P2 A3 P3 A4 P4)
    (A P A1 P1 A2 P2 A3 P3 A4 P4 A5 P5)
    (A P A1 P1 A2 P2 A3 P3 A4 P4 A5 P5 A6 P6)
    (A P A1 P1 A2 P2 A3 P3 A4 P4 A5 P5 A6 P6 A7 P7)
    (A P A1 P1 A2 P2 A3 P3 A4 P4 A5 P5 A6 P6 A7 P7 A8 P8)
    (A P A1 P1 A2 P2 A3 P3 A4 P4 A5 P5 A6 P6 A7 P7 A8 P8 A9 P9)
    (A P A1 P1 A2 P2 A3 P3 A4 P4 A5 P5 A6 P6 A7 P7 A8 P8 A9 P9 A10 P10)
    (A P A1 P1 A2 P2 A3 P3 A4 P4 A5 P5 A6 P6 A7 P7 A8 P8 A9 P9 A10 P10 A11 P11)
}
