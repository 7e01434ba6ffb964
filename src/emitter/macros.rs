//! `events!`: from a list of events to unit types, their payloads, and a table of lists.
//!
//! It goes in three steps. `events!` makes the emitter itself, if it is to. `__events!` reads the
//! entries one by one, brings each into the form `{ kind [attributes] [path] Name (payload) }`,
//! and declares them all. `__event!` reads the payload of one, type by type, into `(kind index
//! type)`, and implements `Event`.

/// Declares what an emitter emits, and with it the emitter.
///
/// ```
/// use onward::{Emitter, events};
///
/// events! {
///     /// What happens in a chat room.
///     pub Room {
///         /// Somebody came in.
///         Joined(&str),
///         /// A line was said: by whom, and what.
///         Said(&str, &str),
///         /// The rules are about to be read out, and may still be changed.
///         Rules(&mut Vec<String>),
///         /// The room has moved to another address.
///         Moved(String),
///         /// It is over.
///         Closed(),
///         error std::io::Error,
///     }
/// }
///
/// let room = Room::new();
/// room.on(Said, |_, (who, line)| println!("{who}: {line}"));
/// room.on(Rules, |_, rules| rules.push("no shouting".into()));
/// room.once(Closed, |_, ()| println!("that was it"));
///
/// room.emit(Said, ("ada", "hi"));
/// let mut rules = vec![];
/// room.emit(Rules, &mut rules);
/// assert_eq!(rules, ["no shouting"]);
/// room.emit(Closed, ());
/// ```
///
/// This makes a unit type of each event, with the visibility of the emitter, and
///
/// ```text
/// pub struct Room { .. }            Clone (clones share the listeners), Debug, Default, Emitter
///     pub fn new() -> Room
///     pub fn with_options(options: Options<Room>) -> Room
///     pub fn emit(&self, event, payload) -> Emitted
///     pub fn emit_later(&self, event, payload) -> Result<()>         (feature `event-loop`)
///     pub fn emit_error(&self, error: std::io::Error) -> Result<Emitted, Unhandled<std::io::Error>>
/// ```
///
/// # Payloads
///
/// | declared as | a listener gets | if there are several listeners |
/// |---|---|---|
/// | `Closed()` | `()` | |
/// | `Joined(&str)`, any `&T` | `&str` | each gets the same reference |
/// | `Rules(&mut T)` | `&mut T` | one after another; each sees what those before it did |
/// | `Moved(T)` | `T` | all but the last get a clone, the last gets the value |
/// | `Said(&str, &str)`, up to twelve | `(&str, &str)` | each part by its own rule |
///
/// # Errors
///
/// A line `error T` declares [`Error`](crate::events::Error) and
/// [`ErrorMonitor`](crate::events::ErrorMonitor), both with the payload `&T`, and adds `emit_error`.
///
/// # All events in one
///
/// A line `enum RoomEvent` gives a name to the enum of all events, which
/// [`on_any`](crate::Watching::on_any) hands over: `RoomEvent::Joined(&str)`, `RoomEvent::Closed`. It is as
/// visible as the emitter, and what is written above the line becomes its documentation.
///
/// # Shared events
///
/// `use Path(..)` takes an event type that exists already, such as those in
/// [`onward::events`](mod@crate::events), instead of making one. What it carries is this emitter's own affair:
///
/// ```
/// use onward::{Emitter, events, events::Data};
///
/// events! { Lines { use Data(&str), use onward::events::End() } }
/// Lines::new().on(Data, |_, line| println!("{line}"));
/// ```
///
/// # For many threads
///
/// `events! { pub sync Room { .. } }` makes an emitter that is `Send` and `Sync`, of the module
/// [`sync`](crate::sync): declared alike, with the same methods.
///
/// # Emitters of your own making
///
/// `events! { for Door { .. } }` declares the events of a type that exists already; with
/// `pub for Door` the events are public. It makes no `emit`, so that only `Door` itself can raise
/// them: see [`EventEmitter`](crate::EventEmitter).
#[macro_export]
macro_rules! events {
    ($vis:vis for $emitter:ident { $($events:tt)* }) => {
        $crate::__events! { @next existing [$vis,] $emitter [] $($events)* }
    };
    ($(#[$attr:meta])* $vis:vis sync $emitter:ident { $($events:tt)* }) => {
        $crate::__events! { @emitter [$(#[$attr])*] [$vis] $emitter sync }
        $crate::__events! { @next made [$vis,] $emitter [] $($events)* }
    };
    ($(#[$attr:meta])* $vis:vis $emitter:ident { $($events:tt)* }) => {
        $crate::__events! { @emitter [$(#[$attr])*] [$vis] $emitter emitter }
        $crate::__events! { @next made [$vis,] $emitter [] $($events)* }
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __events {
    (@emitter [$(#[$attr:meta])*] [$vis:vis] $emitter:ident $room:ident) => {
        $(#[$attr])*
        #[derive(Clone, Default)]
        $vis struct $emitter {
            emitter: $crate::$room::EventEmitter<$emitter>,
        }

        #[allow(dead_code)]
        impl $emitter {
            /// One that nobody listens to.
            pub fn new() -> Self {
                Self { emitter: $crate::$room::EventEmitter::new() }
            }

            /// One that nobody listens to, and that behaves as the options say.
            pub fn with_options(options: $crate::$room::Options<Self>) -> Self {
                Self { emitter: $crate::$room::EventEmitter::with_options(options) }
            }

            /// Calls the listeners of `event`.
            #[inline(always)]
            pub fn emit<E: $crate::emitter::Event<Self>>(
                &self,
                event: E,
                payload: E::Payload<'_>,
            ) -> $crate::emitter::Emitted {
                self.emitter.emit(self, event, payload)
            }
        }

        $crate::__events! { @only $room $emitter }

        impl $crate::$room::Raise for $emitter {
            fn raise<E: $crate::emitter::Event<Self>>(
                &self,
                event: E,
                payload: E::Payload<'_>,
            ) -> $crate::emitter::Emitted {
                self.emitter.emit(self, event, payload)
            }
        }

        impl ::core::fmt::Debug for $emitter {
            fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                self.emitter.debug_as(::core::stringify!($emitter), f)
            }
        }
    };

    // What the emitters for many threads and those for one thread do not share.
    (@only sync $emitter:ident) => {
        impl $crate::sync::Emitter for $emitter {
            fn listeners(&self) -> &$crate::sync::Listeners<Self> {
                &self.emitter
            }

            fn recall(&self) -> ::core::option::Option<$crate::sync::Recall<Self>> {
                let weak = self.emitter.weak();
                ::core::option::Option::Some($crate::sync::Recall::new(move || {
                    weak().map(|emitter| Self { emitter })
                }))
            }
        }

        impl $crate::sync::Downgrade for $emitter {
            fn downgrade(
                &self,
            ) -> impl ::core::ops::Fn() -> ::core::option::Option<Self> + Send + Sync + 'static {
                let weak = self.emitter.weak();
                move || weak().map(|emitter| Self { emitter })
            }
        }
    };
    (@only emitter $emitter:ident) => {
        impl $crate::emitter::Emitter for $emitter {
            fn listeners(&self) -> &$crate::emitter::Listeners<Self> {
                &self.emitter
            }

            fn recall(&self) -> ::core::option::Option<$crate::emitter::Recall<Self>> {
                ::core::option::Option::Some(self.emitter.recall_by(|emitter| Self { emitter }))
            }
        }

        $crate::__later! { $emitter }

        impl $crate::emitter::Downgrade for $emitter {
            fn downgrade(&self) -> impl ::core::ops::Fn() -> ::core::option::Option<Self> + 'static {
                let weak = self.emitter.weak();
                move || weak().map(|emitter| Self { emitter })
            }
        }
    };

    // The entries, one by one.
    (@next $form:ident $vis:tt $emitter:ident [$($entry:tt)*]) => {
        $crate::__events! { @declare $vis $emitter $($entry)* }
    };
    (@next $form:ident $vis:tt $emitter:ident [$($entry:tt)*] error $error:ty $(, $($rest:tt)*)?) => {
        $crate::__events! { @error $form $emitter $error }
        $crate::__events! {
            @next $form $vis $emitter [$($entry)*
                { shared [] [$crate::events::Error] Error (&$error) }
                { monitor [] [$crate::events::ErrorMonitor] ErrorMonitor (&$error) }
            ] $($($rest)*)?
        }
    };
    (@next $form:ident $vis:tt $emitter:ident [$($entry:tt)*]
        seldom error $error:ty $(, $($rest:tt)*)?
    ) => {
        $crate::__events! { @error $form $emitter $error }
        $crate::__events! {
            @next $form $vis $emitter [$($entry)*
                { shared [] [$crate::events::Error] Error (&$error) }
                { seldom_monitor [] [$crate::events::ErrorMonitor] ErrorMonitor (&$error) }
            ] $($($rest)*)?
        }
    };
    (@next $form:ident [$vis:vis,] $emitter:ident $entries:tt
        $(#[$attr:meta])* enum $any:ident $(, $($rest:tt)*)?
    ) => {
        $crate::__events! {
            @next $form [$vis, $any [$(#[$attr])*]] $emitter $entries $($($rest)*)?
        }
    };
    (@next $form:ident $vis:tt $emitter:ident $entries:tt $(#[$attr:meta])* use $($rest:tt)*) => {
        $crate::__events! { @path shared $form $vis $emitter $entries [$(#[$attr])*] [] $($rest)* }
    };
    // What few of many emitters have listeners for: these lists are made together, when the first of them is needed.
    (@next $form:ident $vis:tt $emitter:ident $entries:tt $(#[$attr:meta])* seldom use $($rest:tt)*) => {
        $crate::__events! { @path seldom $form $vis $emitter $entries [$(#[$attr])*] [] $($rest)* }
    };
    (@next $form:ident $vis:tt $emitter:ident [$($entry:tt)*]
        $(#[$attr:meta])* $event:ident ($($payload:tt)*) $(, $($rest:tt)*)?
    ) => {
        $crate::__events! {
            @next $form $vis $emitter
            [$($entry)* { own [$(#[$attr])*] [$event] $event ($($payload)*) }] $($($rest)*)?
        }
    };

    // The path after `use`, up to its last segment, which is the event's name.
    (@path $kind:ident $form:ident $vis:tt $emitter:ident $entries:tt $attrs:tt [$($path:tt)*]
        :: $($rest:tt)*
    ) => {
        $crate::__events! { @path $kind $form $vis $emitter $entries $attrs [$($path)* ::] $($rest)* }
    };
    (@path $kind:ident $form:ident $vis:tt $emitter:ident [$($entry:tt)*] $attrs:tt [$($path:tt)*]
        $event:ident ($($payload:tt)*) $(, $($rest:tt)*)?
    ) => {
        $crate::__events! {
            @next $form $vis $emitter
            [$($entry)* { $kind $attrs [$($path)* $event] $event ($($payload)*) }] $($($rest)*)?
        }
    };
    (@path $kind:ident $form:ident $vis:tt $emitter:ident $entries:tt $attrs:tt [$($path:tt)*]
        $segment:ident $($rest:tt)*
    ) => {
        $crate::__events! { @path $kind $form $vis $emitter $entries $attrs [$($path)* $segment] $($rest)* }
    };

    (@error existing $emitter:ident $error:ty) => {};
    (@error made $emitter:ident $error:ty) => {
        #[allow(dead_code)]
        impl $emitter {
            /// Calls the listeners of `ErrorMonitor`, then those of `Error`. If there is none of
            /// these, the error is handed back.
            pub fn emit_error(
                &self,
                error: $error,
            ) -> ::core::result::Result<
                $crate::emitter::Emitted,
                $crate::emitter::Unhandled<$error>,
            > {
                self.emitter.emit_error(self, error)
            }
        }
    };

    // All together.
    (@declare [$vis:vis, $($any:tt)*] $emitter:ident
        $({ $kind:ident $attrs:tt [$($path:tt)*] $event:ident $payload:tt })*
    ) => {
        $($crate::__events! { @type $kind [$vis] $emitter $attrs $event $payload })*
        $crate::__events! { @any named [$vis] [$($any)*] $({ $kind $attrs $event $payload })* }

        const _: () = {
            $crate::__events! { @any unnamed [pub] [$($any)*] $({ $kind $attrs $event $payload })* }

            $crate::__lists! { $emitter $({ $kind [$($path)*] $event })* }

            #[allow(non_camel_case_types, clippy::enum_variant_names)]
            enum __Index {
                $($event,)*
            }

            impl $crate::emitter::Declared for $emitter {
                const NAME: &'static str = ::core::stringify!($emitter);
                type Any<'a> = $crate::__events!(@any type 'a $($any)*);
                type Table = __Table;
                type Rows<F: $crate::emitter::Family> = __Rows<F>;

                fn shorten<'a, 'b: 'a>(event: Self::Any<'b>) -> Self::Any<'a> {
                    event
                }
            }

            impl $crate::emitter::Listed for $emitter {}

            #[allow(non_snake_case, unnameable_types, missing_debug_implementations)]
            pub struct __Rows<F: $crate::emitter::Family> {
                $($event: F::Row<$emitter, $($path)*>,)*
                __family: ::core::marker::PhantomData<fn() -> F>,
            }

            impl<F: $crate::emitter::Family> ::core::default::Default for __Rows<F> {
                fn default() -> Self {
                    Self {
                        $($event: ::core::default::Default::default(),)*
                        __family: ::core::marker::PhantomData,
                    }
                }
            }

            impl<F: $crate::emitter::Family> $crate::emitter::Rows<F> for __Rows<F> {
                fn row(&self, index: u16) -> ::core::option::Option<&F::Any> {
                    let rows: &[fn(&Self) -> &F::Any] = &[$(|rows| F::any(&rows.$event),)*];
                    rows.get(usize::from(index)).map(|row| row(self))
                }
            }

            $($crate::__event! {
                [$emitter $event [$($path)*] $kind] [] [0 1 2 3 4 5 6 7 8 9 10 11] $payload
            })*
        };
    };

    // The enum of all events, with a name or without.
    (@any named [$vis:vis] [$any:ident [$($attr:tt)*]] $($entry:tt)*) => {
        $crate::__any! { [$($attr)* [$vis] $any] 'a [__Never] [] $($entry)* }
    };
    (@any unnamed $vis:tt [] $($entry:tt)*) => {
        $crate::__any! { [#[doc(hidden)] $vis __Any] 'a [__Never] [] $($entry)* }
    };
    (@any type $life:lifetime) => { __Any<$life> };
    (@any type $life:lifetime $any:ident $attrs:tt) => { $any<$life> };
    (@any $($not_here:tt)*) => {};

    (@type shared $($ignored:tt)*) => {};
    (@type monitor $($ignored:tt)*) => {};
    (@type seldom $($ignored:tt)*) => {};
    (@type seldom_monitor $($ignored:tt)*) => {};
    (@type own [$vis:vis] $emitter:ident [$($attr:tt)*] $event:ident $payload:tt) => {
        $($attr)*
        #[doc = ""]
        #[doc = ::core::concat!(
            "An event of [`", ::core::stringify!($emitter), "`]: `",
            ::core::stringify!($event), ::core::stringify!($payload), "`.",
        )]
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
        $vis struct $event;
    };
}

/// Without a loop there is no later; with one, `src/later.rs` has this macro.
#[cfg(not(feature = "event-loop"))]
#[doc(hidden)]
#[macro_export]
macro_rules! __later {
    ($emitter:ident) => {};
}

#[doc(hidden)]
#[macro_export]
macro_rules! __event {
    // The types of the payload, one by one. `&'static T` is a value like any other.
    ($head:tt [$($part:tt)*] [$index:tt $($more:tt)*] (& $life:lifetime $type:ty $(, $($rest:tt)*)?)) => {
        $crate::__event! { $head [$($part)* (own $index &$life $type)] [$($more)*] ($($($rest)*)?) }
    };
    ($head:tt [$($part:tt)*] [$index:tt $($more:tt)*] (&mut $type:ty $(, $($rest:tt)*)?)) => {
        $crate::__event! { $head [$($part)* (mut $index $type)] [$($more)*] ($($($rest)*)?) }
    };
    ($head:tt [$($part:tt)*] [$index:tt $($more:tt)*] (& $type:ty $(, $($rest:tt)*)?)) => {
        $crate::__event! { $head [$($part)* (ref $index $type)] [$($more)*] ($($($rest)*)?) }
    };
    ($head:tt [$($part:tt)*] [$index:tt $($more:tt)*] ($type:ty $(, $($rest:tt)*)?)) => {
        $crate::__event! { $head [$($part)* (own $index $type)] [$($more)*] ($($($rest)*)?) }
    };

    // None, one, or several.
    ($head:tt [] $indices:tt ()) => {
        $crate::__event! { @impl $head payload () () () () [] }
    };
    ($head:tt [($kind:tt $index:tt $($type:tt)*)] $indices:tt ()) => {
        $crate::__event! {
            @impl $head payload
            ($crate::__event!(@type $kind 'a $($type)*))
            ($crate::__event!(@shape $kind $($type)*))
            ($crate::__event!(@lend $kind *payload, $($type)*))
            ($kind)
            [($crate::__event!(@show $kind *payload))]
        }
    };
    ($head:tt [$(($kind:tt $index:tt $($type:tt)*))*] $indices:tt ()) => {
        $crate::__event! {
            @impl $head payload
            ($($crate::__event!(@type $kind 'a $($type)*),)*)
            ($($crate::__event!(@shape $kind $($type)*),)*)
            ($($crate::__event!(@lend $kind payload.$index, $($type)*),)*)
            ($($kind)*)
            [($($crate::__event!(@show $kind payload.$index),)*)]
        }
    };

    (@impl [$emitter:ident $event:ident [$($path:tt)*] $entry:ident] $payload:ident
        $type:tt $shape:tt $lend:tt ($($kind:tt)*) $any:tt
    ) => {
        #[allow(unused_parens, clippy::unused_unit)]
        impl $crate::emitter::Event<$emitter> for $($path)* {
            type Payload<'a> = $type;
            type Shape = $shape;
            const NAME: &'static str = ::core::stringify!($event);
            const INDEX: u16 = __Index::$event as u16;
            const LENT: bool = true $(&& $crate::__event!(@lent $kind))*;

            #[inline]
            fn lend<'a>($payload: &'a mut Self::Payload<'_>) -> Self::Payload<'a> {
                let _ = &$payload;
                $lend
            }

            fn any<'a>(
                $payload: &'a Self::Payload<'_>,
            ) -> ::core::option::Option<<$emitter as $crate::emitter::Declared>::Any<'a>> {
                let _ = $payload;
                $crate::__event!(@any $entry $emitter $event $any)
            }

            #[inline]
            fn list(core: &$crate::emitter::Core<$emitter>) -> &$crate::emitter::List<$emitter, Self> {
                $crate::__lists!(@made $entry core.table(), $event)
            }

            #[inline]
            fn known(
                core: &$crate::emitter::Core<$emitter>,
            ) -> ::core::option::Option<&$crate::emitter::List<$emitter, Self>> {
                $crate::__lists!(@known $entry core.table(), $event)
            }

            #[inline]
            fn row<F: $crate::emitter::Family>(
                rows: &<$emitter as $crate::emitter::Declared>::Rows<F>,
            ) -> &F::Row<$emitter, Self> {
                &rows.$event
            }
        }
    };

    (@any monitor $($ignored:tt)*) => { ::core::option::Option::None };
    (@any seldom_monitor $($ignored:tt)*) => { ::core::option::Option::None };
    (@any $kind:ident $emitter:ident $event:ident [$($payload:tt)*]) => {
        ::core::option::Option::Some(
            <$emitter as $crate::emitter::Declared>::Any::$event $($payload)*
        )
    };

    (@type ref $life:lifetime $type:ty) => { &$life $type };
    (@type mut $life:lifetime $type:ty) => { &$life mut $type };
    (@type own $life:lifetime $type:ty) => { $type };

    (@shape ref $type:ty) => { $crate::emitter::ByRef<$type> };
    (@shape mut $type:ty) => { $crate::emitter::ByMut<$type> };
    (@shape own $type:ty) => { $crate::emitter::ByValue<$type> };

    (@lent own) => { false };
    (@lent $reference:ident) => { true };

    (@lend ref $place:expr, $type:ty) => { $place };
    (@lend mut $place:expr, $type:ty) => { &mut *$place };
    (@lend own $place:expr, $type:ty) => { <$type as ::core::clone::Clone>::clone(&$place) };

    (@show ref $place:expr) => { $place };
    (@show mut $place:expr) => { &*$place };
    (@show own $place:expr) => { &$place };
}
