//! Whose code compares keys.

use core::fmt;
use core::marker::PhantomData;

/// Says of a `K` whether it is compared by code of this crate alone, which does not use an emitter meanwhile. Only
/// this crate can say yes, for each type by itself.
#[allow(unnameable_types, reason = "nobody has to name it")]
pub struct Ours<K: ?Sized>(bool, PhantomData<fn(&K)>);

impl<K: ?Sized> Ours<K> {
    pub(super) const NO: Self = Self(false, PhantomData);
    pub(super) const YES: Self = Self(true, PhantomData);

    #[inline(always)]
    pub(super) const fn is_ours(self) -> bool {
        self.0
    }
}

impl<K: ?Sized> Copy for Ours<K> {}

impl<K: ?Sized> Clone for Ours<K> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<K: ?Sized> fmt::Debug for Ours<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Ours").field(&self.0).finish()
    }
}
