//! The order of the listeners of one event: each has a key, by which its list is sorted.

/// Where a listener is added.
#[derive(Clone, Copy)]
pub(crate) enum Place {
    /// Before all others; one after the other.
    Intercepting,
    Front,
    /// Between front and back; groups ascending, in a group one after the other.
    Group(i16),
    Back,
}

impl Place {
    /// Keys of the back begin here; those of the front end at its negative.
    const BACK: i64 = 1 << 62;
    /// Registrations fit in below that, one every microsecond for half a year.
    const GROUP_BITS: u32 = 44;

    /// Where a listener with this key stands.
    pub(super) fn of(key: i64) -> Self {
        match key {
            key if key < Self::LISTENING => Self::Intercepting,
            key if key <= -Self::BACK => Self::Front,
            key if key >= Self::BACK => Self::Back,
            key => Self::Group((key >> Self::GROUP_BITS) as i16),
        }
    }

    /// The key of an interceptor is less than this.
    pub(super) const LISTENING: i64 = -Self::BACK - Self::BACK / 2;

    /// The number of a registration, by its key.
    pub(super) fn number(key: i64) -> i64 {
        match Self::of(key) {
            Self::Intercepting => key - i64::MIN,
            Self::Front => -Self::BACK - key,
            Self::Group(group) => key - (i64::from(group) << Self::GROUP_BITS),
            Self::Back => key - Self::BACK,
        }
    }

    /// The key by which a list is sorted, for the `number`-th registration of an emitter.
    pub(crate) fn key(self, number: i64) -> i64 {
        match self {
            Self::Intercepting => i64::MIN + number,
            Self::Front => -Self::BACK - number,
            Self::Group(group) => (i64::from(group) << Self::GROUP_BITS) + number,
            Self::Back => Self::BACK + number,
        }
    }
}
