//! All events of an emitter in one enum, for those who listen to all.

use core::fmt;

use super::core::Core;
use super::event::{Declared, Event, Family};
use super::list::List;

/// Any event of an emitter, with its payload by reference: the enum that
/// [`events!`](crate::events!) makes of the events.
///
/// Its `Debug` writes the payload too, each part as its own `Debug` does, or `_` if it has none.
pub trait AnyEvent: Copy + fmt::Debug {
    /// The event's name.
    fn name(&self) -> &'static str;
}

/// The event that all events are, to those who listen to all.
#[derive(Clone, Copy, Debug)]
#[allow(unnameable_types, reason = "for the storage of emitters")]
pub struct Any;

/// What those who listen to all are told.
#[allow(unnameable_types, missing_debug_implementations, reason = "for the storage of emitters")]
pub struct Heard<'a, S: Declared> {
    pub(crate) event: S::Any<'a>,
    /// The newest registration when the emit began: those after it are not called.
    pub(crate) newest: i64,
}

impl<S: Declared> Event<S> for Any {
    type Payload<'a> = Heard<'a, S>;
    type Shape = ();
    const NAME: &'static str = "any";
    const INDEX: u16 = u16::MAX - 3;
    const BUILT_IN: bool = true;
    const LENT: bool = true;

    fn lend<'a>(heard: &'a mut Heard<'_, S>) -> Heard<'a, S> {
        Heard { event: S::shorten(heard.event), newest: heard.newest }
    }

    fn any<'a>(_: &'a Heard<'_, S>) -> Option<S::Any<'a>> {
        None
    }

    fn list(core: &Core<S>) -> &List<S, Self> {
        &core.watch().any
    }

    fn row<F: Family>(_: &S::Rows<F>) -> &F::Row<S, Self> {
        unreachable!("it has none of those that are declared")
    }

    fn watched<F: Family>(watch: &F::Watch<S>) -> Option<&F::Row<S, Self>> {
        Some(F::any_event(watch))
    }
}

/// A part of a payload, to be written by its `Debug` if it has one: `(&Part(x)).written()` finds
/// [`Written`] if it can, else [`Unwritten`].
#[allow(unnameable_types, missing_debug_implementations, reason = "for what `events!` writes")]
pub struct Part<'a, T: ?Sized>(pub &'a T);

/// For a part that has a `Debug`.
#[allow(unnameable_types, reason = "for what `events!` writes")]
pub trait Written {
    /// As `Debug` has it.
    fn written(&self) -> &dyn fmt::Debug;
}

/// For one that has none.
#[allow(unnameable_types, reason = "for what `events!` writes")]
pub trait Unwritten {
    /// As `_`.
    fn written(&self) -> &dyn fmt::Debug;
}

impl<T: fmt::Debug + ?Sized> fmt::Debug for Part<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl<T: fmt::Debug + ?Sized> Written for Part<'_, T> {
    fn written(&self) -> &dyn fmt::Debug {
        self
    }
}

/// Is written as `_`.
struct Unknown;

impl fmt::Debug for Unknown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("_")
    }
}

impl<T: ?Sized> Unwritten for &Part<'_, T> {
    fn written(&self) -> &dyn fmt::Debug {
        &Unknown
    }
}

/// Makes the enum. It reads the payloads type by type, into `{ [attributes] Name ((a &'a T) (b &'a U)) }`.
#[doc(hidden)]
#[macro_export]
macro_rules! __any {
    ($head:tt $life:lifetime $never:tt $done:tt { monitor $($ignored:tt)* } $($rest:tt)*) => {
        $crate::__any! { $head $life $never $done $($rest)* }
    };
    ($head:tt $life:lifetime $never:tt $done:tt { seldom_monitor $($ignored:tt)* } $($rest:tt)*) => {
        $crate::__any! { $head $life $never $done $($rest)* }
    };
    ($head:tt $life:lifetime $never:tt [$($done:tt)*] { $kind:ident $attrs:tt $event:ident () } $($rest:tt)*) => {
        $crate::__any! { $head $life $never [$($done)* { $attrs $event }] $($rest)* }
    };
    ($head:tt $life:lifetime $never:tt $done:tt { $kind:ident $attrs:tt $event:ident $payload:tt } $($rest:tt)*) => {
        $crate::__any! {
            @part $head $life $done $attrs $event [] [a b c d e f g h i j k l] $payload $($rest)*
        }
    };

    // The parts of one payload. `&'static T` is a value like any other.
    (@part $head:tt $life:lifetime [$($done:tt)*] $attrs:tt $event:ident [$($part:tt)*] $names:tt () $($rest:tt)*) => {
        $crate::__any! { $head $life [] [$($done)* { $attrs $event ($($part)*) }] $($rest)* }
    };
    (@part $head:tt $life:lifetime $done:tt $attrs:tt $event:ident [$($part:tt)*] [$name:ident $($names:ident)*]
        (& $static:lifetime $type:ty $(, $($parts:tt)*)?) $($rest:tt)*
    ) => {
        $crate::__any! { @part $head $life $done $attrs $event
            [$($part)* ($name & $life & $static $type)] [$($names)*] ($($($parts)*)?) $($rest)* }
    };
    (@part $head:tt $life:lifetime $done:tt $attrs:tt $event:ident [$($part:tt)*] [$name:ident $($names:ident)*]
        (&mut $type:ty $(, $($parts:tt)*)?) $($rest:tt)*
    ) => {
        $crate::__any! { @part $head $life $done $attrs $event
            [$($part)* ($name & $life $type)] [$($names)*] ($($($parts)*)?) $($rest)* }
    };
    (@part $head:tt $life:lifetime $done:tt $attrs:tt $event:ident [$($part:tt)*] [$name:ident $($names:ident)*]
        (& $type:ty $(, $($parts:tt)*)?) $($rest:tt)*
    ) => {
        $crate::__any! { @part $head $life $done $attrs $event
            [$($part)* ($name & $life $type)] [$($names)*] ($($($parts)*)?) $($rest)* }
    };
    (@part $head:tt $life:lifetime $done:tt $attrs:tt $event:ident [$($part:tt)*] [$name:ident $($names:ident)*]
        ($type:ty $(, $($parts:tt)*)?) $($rest:tt)*
    ) => {
        $crate::__any! { @part $head $life $done $attrs $event
            [$($part)* ($name & $life $type)] [$($names)*] ($($($parts)*)?) $($rest)* }
    };

    // All together. A lifetime that no variant has is given one that there are no values of.
    ([$(#[$attr:meta])* [$vis:vis] $name:ident] $life:lifetime [$($never:ident)?]
        [$({ [$($event_attr:tt)*] $event:ident $(($(($part:ident $type:ty))+))? })*]
    ) => {
        $(#[$attr])*
        #[allow(dead_code, missing_docs, unnameable_types)]
        #[allow(clippy::exhaustive_enums, clippy::enum_variant_names, clippy::borrowed_box)]
        $vis enum $name<$life> {
            $(
                $($event_attr)*
                #[doc = ""]
                #[doc = ::core::concat!("The event `", ::core::stringify!($event), "`.")]
                $event $(($($type),+))?,
            )*
            $(
                #[doc(hidden)]
                $never(::core::convert::Infallible, ::core::marker::PhantomData<&$life ()>),
            )?
        }

        impl ::core::marker::Copy for $name<'_> {}

        impl ::core::clone::Clone for $name<'_> {
            fn clone(&self) -> Self {
                *self
            }
        }

        #[allow(dead_code)]
        impl $name<'_> {
            /// The event's name.
            pub fn name(&self) -> &'static str {
                match *self {
                    $(Self::$event { .. } => ::core::stringify!($event),)*
                    $(Self::$never(never, _) => match never {},)?
                }
            }
        }

        impl $crate::emitter::AnyEvent for $name<'_> {
            fn name(&self) -> &'static str {
                $name::name(self)
            }
        }

        /// Writes the payload too, each part as its own `Debug` does, or `_` if it has none.
        impl ::core::fmt::Debug for $name<'_> {
            #[allow(unused_imports, unused_mut)]
            fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                use $crate::emitter::{Unwritten as _, Written as _};
                match *self {
                    $(Self::$event $(($($part),+))? => {
                        let mut out = f.debug_tuple(::core::stringify!($event));
                        $($(out.field((&$crate::emitter::Part($part)).written());)+)?
                        out.finish()
                    })*
                    $(Self::$never(never, _) => match never {},)?
                }
            }
        }
    };
}
