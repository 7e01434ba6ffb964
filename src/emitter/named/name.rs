//! Names with a payload type.

use alloc::borrow::Cow;
use alloc::string::String;
use core::cmp::Ordering;
use core::fmt;
use core::hash::{Hash, Hasher};
use core::marker::PhantomData;

use super::key::{Find, Key};
use super::name_ref::NameRef;
use super::ours::Ours;

/// The name of an event, and the type of what it carries.
///
/// Written down in a constant or made at run time; names with the same text are the same:
///
/// ```
/// use onward::emitter::named::Name;
///
/// const CHAT: Name<str> = Name::new("chat");
/// assert_eq!(CHAT, Name::owned(String::from("chat")));
/// assert_eq!(CHAT.as_str(), "chat");
/// ```
///
/// The type is part of it: `Name<str>` and `Name<u32>` of the same text name two events that have nothing
/// to do with each other. So a listener never meets a payload of another type.
///
/// Every text is a name, the empty one too. [`Pattern`](super::Pattern) reads it as segments with a
/// `.` between them.
pub struct Name<T: ?Sized + 'static> {
    text: Cow<'static, str>,
    payload: PhantomData<fn(&T)>,
}

impl<T: ?Sized + 'static> Name<T> {
    /// A name that is known when the program is written.
    pub const fn new(text: &'static str) -> Self {
        Self { text: Cow::Borrowed(text), payload: PhantomData }
    }

    /// A name that is made at run time.
    ///
    /// ```
    /// use onward::emitter::named::{Name, NamedEmitter};
    ///
    /// struct Move { x: i32 }
    ///
    /// let (rooms, id) = (NamedEmitter::new(), 7);
    /// rooms.on(Name::<Move>::owned(format!("room-{id}")), |_, step| assert_eq!(step.x, 1));
    /// assert!(rooms.emit(Name::<Move>::new("room-7"), &Move { x: 1 }).handled());
    /// ```
    pub fn owned(text: impl Into<String>) -> Self {
        Self { text: Cow::Owned(text.into()), payload: PhantomData }
    }

    /// A name in a text that is somebody else's: to emit to it copies nothing.
    ///
    /// ```
    /// use onward::emitter::named::{Name, NamedEmitter};
    ///
    /// let emitter = NamedEmitter::new();
    /// emitter.on(Name::<str>::new("chat"), |_, line| assert_eq!(line, "hello"));
    ///
    /// let message = "chat hello";
    /// let (name, line) = message.split_once(' ').unwrap();
    /// assert!(emitter.emit(Name::<str>::borrowed(name), line).handled());
    /// ```
    pub const fn borrowed(text: &str) -> NameRef<'_, T> {
        NameRef::new(text)
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl<T: ?Sized + 'static> Key for Name<T> {
    type Payload = T;
    const EQ: Ours<Self> = Ours::YES;

    #[inline]
    fn name(&self) -> Option<&str> {
        Some(&self.text)
    }
}

/// A name that is wanted again later.
impl<T: ?Sized + 'static> Find for &Name<T> {
    type Key = Name<T>;
    const OURS: Ours<Self> = Ours::YES;

    #[inline]
    fn write_hash<H: Hasher>(&self, hasher: &mut H) {
        write_text(hasher, &self.text);
    }

    #[inline]
    fn finds(&self, key: &Name<T>) -> bool {
        is_same(&self.text, &key.text)
    }

    fn event_name(&self) -> Option<&str> {
        Some(&self.text)
    }

    fn into_key(self) -> Name<T> {
        self.clone()
    }
}

/// No mark at the end, which [`str`]'s own hash has and which costs as much again: nothing else is hashed along with
/// a name.
#[inline]
pub(super) fn write_text<H: Hasher>(hasher: &mut H, text: &str) {
    hasher.write(text.as_bytes());
}

/// Most names are short, and compared by two words; to call what compares any number of bytes costs as much as to hash
/// them.
#[inline(always)]
pub(super) fn is_same(a: &str, b: &str) -> bool {
    let (a, b) = (a.as_bytes(), b.as_bytes());
    if a.len() != b.len() {
        return false;
    }
    match (a.first_chunk::<8>(), b.first_chunk::<8>(), a.last_chunk::<8>(), b.last_chunk::<8>()) {
        (Some(a_first), Some(b_first), Some(a_last), Some(b_last)) if a.len() <= 16 => {
            a_first == b_first && a_last == b_last
        }
        _ => a == b,
    }
}

// By hand, since what derives would write asks the same of `T`.

impl<T: ?Sized + 'static> Clone for Name<T> {
    fn clone(&self) -> Self {
        Self { text: self.text.clone(), payload: PhantomData }
    }
}

impl<T: ?Sized + 'static> PartialEq for Name<T> {
    #[inline]
    fn eq(&self, other: &Self) -> bool {
        is_same(&self.text, &other.text)
    }
}

impl<T: ?Sized + 'static> Eq for Name<T> {}

impl<T: ?Sized + 'static> PartialOrd for Name<T> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<T: ?Sized + 'static> Ord for Name<T> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.text.cmp(&other.text)
    }
}

impl<T: ?Sized + 'static> Hash for Name<T> {
    #[inline]
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        write_text(hasher, &self.text);
    }
}

impl<T: ?Sized + 'static> fmt::Debug for Name<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Name").field(&self.text).finish()
    }
}

impl<T: ?Sized + 'static> fmt::Display for Name<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}
