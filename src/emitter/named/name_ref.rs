//! Names in texts that are borrowed.

use core::fmt;
use core::hash::Hasher;
use core::marker::PhantomData;

use super::key::Find;
use super::name::{Name, is_same, write_text};
use super::ours::Ours;

/// A [`Name`] in a text that is borrowed, from [`Name::borrowed`].
pub struct NameRef<'a, T: ?Sized + 'static> {
    text: &'a str,
    payload: PhantomData<fn(&T)>,
}

impl<'a, T: ?Sized + 'static> NameRef<'a, T> {
    pub(super) const fn new(text: &'a str) -> Self {
        Self { text, payload: PhantomData }
    }

    /// The text.
    pub const fn as_str(self) -> &'a str {
        self.text
    }
}

impl<T: ?Sized + 'static> Copy for NameRef<'_, T> {}

impl<T: ?Sized + 'static> Clone for NameRef<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T: ?Sized + 'static> fmt::Debug for NameRef<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("NameRef").field(&self.text).finish()
    }
}

impl<T: ?Sized + 'static> Find for NameRef<'_, T> {
    type Key = Name<T>;
    const OURS: Ours<Self> = Ours::YES;

    #[inline]
    fn write_hash<H: Hasher>(&self, hasher: &mut H) {
        write_text(hasher, self.text);
    }

    #[inline]
    fn finds(&self, key: &Name<T>) -> bool {
        is_same(self.text, key.as_str())
    }

    fn event_name(&self) -> Option<&str> {
        Some(self.text)
    }

    fn into_key(self) -> Name<T> {
        Name::owned(self.text)
    }
}
