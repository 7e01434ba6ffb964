//! Events that few of many emitters have listeners for. Of a hundred thousand sockets hardly one is asked whether its name
//! has been looked up: such events are declared as `seldom`, and their lists stand together, behind one pointer.

use alloc::boxed::Box;
use core::cell::OnceCell;

/// The lists of events that few of many emitters have listeners for: one pointer, until one of them has.
#[allow(unnameable_types, missing_debug_implementations, reason = "for what `events!` writes")]
pub struct Seldom<T>(OnceCell<Box<T>>);

impl<T: Default> Seldom<T> {
    /// They, if they have been made.
    #[inline]
    pub fn get(&self) -> Option<&T> {
        self.0.get().map(|lists| &**lists)
    }

    /// They, made if they have not been.
    pub fn made(&self) -> &T {
        self.0.get_or_init(Box::default)
    }
}

impl<T> Default for Seldom<T> {
    fn default() -> Self {
        Self(OnceCell::new())
    }
}

/// Makes an emitter's table: the lists of its events, each where its event was declared to have it.
#[doc(hidden)]
#[macro_export]
macro_rules! __lists {
    ($emitter:ident $({ $kind:ident [$($path:tt)*] $event:ident })*) => {
        #[doc(hidden)]
        #[derive(Default)]
        #[allow(dead_code, non_snake_case, unnameable_types, missing_debug_implementations)]
        pub struct __Table {
            $($event: $crate::__lists!(@field common $kind [$crate::emitter::List<$emitter, $($path)*>]),)*
            __seldom: $crate::__lists!(@seldoms $($kind)*),
        }

        #[derive(Default)]
        #[allow(dead_code, non_snake_case)]
        struct __Seldom {
            $($event: $crate::__lists!(@field seldom $kind [$crate::emitter::List<$emitter, $($path)*>]),)*
        }

        impl $crate::emitter::Table for __Table {
            const EVENTS: u16 = <[&str]>::len(&[$(::core::stringify!($event),)*]) as u16;

            fn list(&self, index: u16) -> ::core::option::Option<&dyn $crate::emitter::AnyList> {
                $(
                    if index == __Index::$event as u16 {
                        let list = $crate::__lists!(@known $kind self, $event)?;
                        return ::core::option::Option::Some(list);
                    }
                )*
                ::core::option::Option::None
            }

            #[inline]
            fn raw(&self, index: u16) -> ::core::option::Option<&$crate::emitter::RawList> {
                $(
                    if index == __Index::$event as u16 {
                        let list = $crate::__lists!(@known $kind self, $event)?;
                        return ::core::option::Option::Some(list);
                    }
                )*
                ::core::option::Option::None
            }

            fn each(&self, mut work: impl ::core::ops::FnMut(&$crate::emitter::RawList)) {
                $(
                    if let ::core::option::Option::Some(list) = $crate::__lists!(@known $kind self, $event) {
                        work(list);
                    }
                )*
            }
        }
    };

    // Where a list is.
    (@field common seldom $type:tt) => { () };
    (@field common seldom_monitor $type:tt) => { () };
    (@field common $kind:ident [$($type:tt)*]) => { $($type)* };
    (@field seldom seldom [$($type:tt)*]) => { $($type)* };
    (@field seldom seldom_monitor [$($type:tt)*]) => { $($type)* };
    (@field seldom $kind:ident $type:tt) => { () };

    // Nothing, if there are none.
    (@seldoms) => { () };
    (@seldoms seldom $($kind:ident)*) => { $crate::emitter::Seldom<__Seldom> };
    (@seldoms $first:ident $($kind:ident)*) => { $crate::__lists!(@seldoms $($kind)*) };

    // The list; if it has not been made, there is none, or it is made.
    (@known seldom $table:expr, $event:ident) => {
        $table.__seldom.get().map(|seldom| &seldom.$event)
    };
    (@known seldom_monitor $table:expr, $event:ident) => {
        $crate::__lists!(@known seldom $table, $event)
    };
    (@known $kind:ident $table:expr, $event:ident) => {
        ::core::option::Option::Some(&$table.$event)
    };

    (@made seldom $table:expr, $event:ident) => { &$table.__seldom.made().$event };
    (@made seldom_monitor $table:expr, $event:ident) => { &$table.__seldom.made().$event };
    (@made $kind:ident $table:expr, $event:ident) => { &$table.$event };
}
