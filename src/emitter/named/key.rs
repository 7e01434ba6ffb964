//! What an event can be found by.

use alloc::rc::Rc;
use alloc::string::String;
use alloc::vec::Vec;
use core::any::Any;
use core::fmt::Debug;
use core::hash::{Hash, Hasher};

use super::core::Core;
use super::emitter::NamedEmitter;
use super::entry::{Entry, Seat};
use super::ours::Ours;
use crate::emitter::event::Event;
use crate::emitter::kept::Waitable;

/// A type whose values are events: each value is one, and all carry the same type of payload.
///
/// ```
/// use onward::emitter::named::{Key, NamedEmitter};
///
/// /// A player's score has changed.
/// #[derive(Debug, PartialEq, Eq, Hash)]
/// struct Player(u32);
///
/// impl Key for Player {
///     type Payload = u32;
/// }
///
/// let game = NamedEmitter::new();
/// game.on(Player(7), |_, score| println!("seven has {score}"));
/// assert!(game.emit(Player(7), &10).handled());
/// assert!(!game.emit(Player(8), &10).handled());
/// ```
///
/// Values of two types are never the same event, whatever they look like.
///
/// The emitter compares keys while it looks for one, and holds no borrow meanwhile: an `Eq` may use it as a listener
/// may. What it adds under an equal key need not become the same event.
pub trait Key: Debug + Hash + Eq + 'static {
    /// What the listeners are handed a reference to.
    type Payload: ?Sized + 'static;

    /// The name under which [patterns](super::Pattern) see this event. A key without one, as keys
    /// are if this is not written, is seen by none.
    ///
    /// ```
    /// use onward::emitter::named::{Key, NamedEmitter, Pattern};
    ///
    /// #[derive(Debug, PartialEq, Eq, Hash)]
    /// struct Topic(&'static str);
    ///
    /// impl Key for Topic {
    ///     type Payload = str;
    ///     fn name(&self) -> Option<&str> {
    ///         Some(self.0)
    ///     }
    /// }
    ///
    /// let press = NamedEmitter::new();
    /// press.on(Pattern::<str>::new("news.*")?, |_, (topic, line)| println!("{topic}: {line}"));
    /// assert!(press.emit(Topic("news.sport"), "two to one").handled());
    /// # Ok::<(), onward::emitter::named::BadPattern>(())
    /// ```
    fn name(&self) -> Option<&str> {
        None
    }

    #[doc(hidden)]
    const EQ: Ours<Self> = Ours::NO;

    /// Is it an event that every emitter raises itself, and nobody else?
    #[doc(hidden)]
    const BUILT_IN: bool = false;
}

/// Finds one event: the [`Key`] itself, or something that stands for it.
///
/// It is implemented for all keys, and for `&Name<T>` and [`NameRef`](super::NameRef). Implement it for a
/// borrowed form of a key of your own, if to make one costs something:
///
/// ```
/// use onward::emitter::named::{Find, Key, NamedEmitter};
/// use std::hash::{Hash, Hasher};
///
/// #[derive(Debug, PartialEq, Eq, Hash)]
/// struct Topic(String);
///
/// impl Key for Topic {
///     type Payload = str;
/// }
///
/// struct TopicRef<'a>(&'a str);
///
/// impl Find for TopicRef<'_> {
///     type Key = Topic;
///     fn write_hash<H: Hasher>(&self, hasher: &mut H) {
///         self.0.hash(hasher);
///     }
///     fn finds(&self, key: &Topic) -> bool {
///         self.0 == key.0
///     }
///     fn event_name(&self) -> Option<&str> {
///         None
///     }
///     fn into_key(self) -> Topic {
///         Topic(self.0.into())
///     }
/// }
///
/// let press = NamedEmitter::new();
/// press.on(Topic("news".into()), |_, line| println!("{line}"));
/// assert!(press.emit(TopicRef("news"), "two to one").handled());
/// ```
pub trait Find {
    /// What it stands for.
    type Key: Key;

    /// Writes what the key's [`Hash`] would write.
    fn write_hash<H: Hasher>(&self, hasher: &mut H);

    /// Is this the key?
    fn finds(&self, key: &Self::Key) -> bool;

    /// What the key's [`name`](Key::name) would say.
    fn event_name(&self) -> Option<&str>;

    /// The key.
    fn into_key(self) -> Self::Key;

    #[doc(hidden)]
    const OURS: Ours<Self> = Ours::NO;
}

impl<K: Key> Find for K {
    type Key = K;
    const OURS: Ours<Self> = K::EQ;

    #[inline]
    fn write_hash<H: Hasher>(&self, hasher: &mut H) {
        self.hash(hasher);
    }

    #[inline]
    fn finds(&self, key: &K) -> bool {
        self == key
    }

    #[inline]
    fn event_name(&self) -> Option<&str> {
        self.name()
    }

    #[inline]
    fn into_key(self) -> K {
        self
    }
}

/// What can be listened for: a [`Name`](super::Name), any other [`Key`], what stands for one, or a
/// [`Pattern`](super::Pattern). Nothing else implements it.
pub trait Select {
    #[doc(hidden)]
    type Event: Event<NamedEmitter>;

    #[doc(hidden)]
    const BUILT_IN: bool = false;

    /// Where a listener goes, made if need be.
    #[doc(hidden)]
    fn seat(self, core: &Core) -> Rc<dyn Seat<Self::Event>>;

    /// The lists that there are.
    #[doc(hidden)]
    fn entries(&self, core: &Core) -> Vec<Rc<dyn Entry>>;

    /// For people.
    #[doc(hidden)]
    fn text(&self) -> String;

    /// Does this entry belong to it?
    #[doc(hidden)]
    fn is(&self, found: &dyn Any) -> bool;
}

/// What a listener is handed: `&T`; for a [`Pattern`](super::Pattern) the name too, `(&str, &T)`.
pub type Payload<'a, S> = <<S as Select>::Event as Event<NamedEmitter>>::Payload<'a>;

/// The payload as it is kept by who [waits](Waitable): `String` for a `Name<str>`; for a
/// [`Pattern`](super::Pattern) the name too, `(String, String)`.
pub type Owned<S> = <<S as Select>::Event as Waitable<NamedEmitter>>::Owned;
