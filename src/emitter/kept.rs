//! Payloads that outlive their emit: how what was lent becomes owned.

use alloc::borrow::ToOwned;
use core::marker::PhantomData;

use super::event::{Declared, Event};

/// An event of `S` that one can wait for: its payload can be kept until somebody asks.
///
/// A listener is lent the payload while the emit goes on. What waits, such as
/// [`next`](crate::Waiting::next) or [`stream`](crate::Waiting::stream), is asked later, so it takes a
/// payload of its own:
///
/// | declared as | kept as |
/// |---|---|
/// | `()` | `()` |
/// | `&str` | `String` |
/// | `&[T]`, where `T: Clone` | `Vec<T>` |
/// | any other `&T` | `T::Owned` of [`ToOwned`]; that is `T`, where `T: Clone` |
/// | `T`, a value | `T` |
/// | several parts | a tuple, each part by its own rule |
///
/// Every event of which this can be said is `Waitable`, there is nothing to implement. The others can
/// be listened for as ever, but to wait for them does not compile: a `&mut T`, a `&dyn Trait`, a `&T`
/// that cannot be cloned.
///
/// ```compile_fail,E0277
/// use onward::{Emitter, Waiting, events};
///
/// events! { Letter { Rules(&mut Vec<String>) } }
/// let next = Letter::new().next(Rules); // a `&mut` is over when the emit is
/// ```
///
/// ```compile_fail,E0277
/// use onward::{Emitter, Waiting, events};
///
/// struct Key;
/// events! { Door { Opened(&Key) } }
/// let next = Door::new().next(Opened); // `Key` is not `Clone`
/// ```
///
/// As a bound, for functions that wait for an event of any emitter that has it:
///
/// ```
/// use onward::{Emitter, Waiting};
/// use onward::emitter::{Gone, Waitable};
/// use onward::events::Close;
///
/// async fn closed<S: Emitter>(source: &S) -> Result<(), Gone>
/// where
///     Close: Waitable<S>,
/// {
///     source.next(Close).await.map(drop)
/// }
/// ```
pub trait Waitable<S: Declared>: Event<S> {
    /// The payload as it is kept.
    type Owned: 'static;

    /// Makes the payload one's own: borrowed parts are cloned, values are moved.
    fn own(payload: Self::Payload<'_>) -> Self::Owned;
}

impl<S: Declared, E: Event<S>> Waitable<S> for E
where
    E::Shape: Kept + for<'a> Keep<E::Payload<'a>>,
{
    type Owned = <E::Shape as Kept>::Owned;

    fn own(payload: Self::Payload<'_>) -> Self::Owned {
        <E::Shape as Keep<_>>::keep(payload)
    }
}

/// A part of a payload that is declared as `&T`.
#[derive(Debug)]
pub struct ByRef<T: ?Sized>(PhantomData<T>);

/// A part of a payload that is declared as `&mut T`. Nothing keeps it.
#[derive(Debug)]
pub struct ByMut<T: ?Sized>(PhantomData<T>);

/// A part of a payload that is declared as a value.
#[derive(Debug)]
pub struct ByValue<T>(PhantomData<T>);

/// The shape of a payload that can be kept.
#[diagnostic::on_unimplemented(
    message = "this event cannot be waited for: its payload cannot be kept",
    label = "`{Self}` cannot be kept",
    note = "who waits keeps the payload: a `&mut T` cannot be kept, nor a `&T` without `Clone`; `on` gets both"
)]
pub trait Kept {
    /// As what it is kept.
    type Owned: 'static;
}

/// The shape of a payload `P` that can be kept.
#[diagnostic::on_unimplemented(
    message = "this event cannot be waited for: its payload cannot be kept",
    label = "`{P}` cannot be kept",
    note = "who waits keeps the payload: a `&mut T` cannot be kept, nor a `&T` without `Clone`; `on` gets both"
)]
pub trait Keep<P>: Kept {
    /// Clones what is borrowed, moves what is owned.
    fn keep(payload: P) -> Self::Owned;
}

#[diagnostic::do_not_recommend]
impl<T: ?Sized + ToOwned<Owned: 'static>> Kept for ByRef<T> {
    type Owned = T::Owned;
}

#[diagnostic::do_not_recommend]
impl<T: ?Sized + ToOwned<Owned: 'static>> Keep<&T> for ByRef<T> {
    fn keep(payload: &T) -> T::Owned {
        payload.to_owned()
    }
}

#[diagnostic::do_not_recommend]
impl<T: 'static> Kept for ByValue<T> {
    type Owned = T;
}

#[diagnostic::do_not_recommend]
impl<T: 'static> Keep<T> for ByValue<T> {
    fn keep(payload: T) -> T {
        payload
    }
}

macro_rules! tuples {
    ($(($($shape:ident $payload:ident)*))*) => {$(
        #[diagnostic::do_not_recommend]
        impl<$($shape: Kept),*> Kept for ($($shape,)*) {
            type Owned = ($($shape::Owned,)*);
        }

        #[diagnostic::do_not_recommend]
        #[allow(non_snake_case, clippy::unused_unit, reason = "the parts have the names of their types")]
        impl<$($shape: Keep<$payload>, $payload),*> Keep<($($payload,)*)> for ($($shape,)*) {
            fn keep(($($payload,)*): ($($payload,)*)) -> Self::Owned {
                ($($shape::keep($payload),)*)
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
