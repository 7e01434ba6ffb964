//! A listener's stamp: when and where it was registered, and whether it is silent, in one word.
//!
//! ```text
//! bit 62        61 ........... 18   17 16   15 ........ 0
//! is silent     its number          place   its group
//! ```
//!
//! So an emit asks by one comparison whether a listener is older than itself and not silent, and a listener needs
//! no second word for its place. Numbers have 44 bits: one every microsecond for half a year, as those of groups for
//! one thread.

use crate::emitter::Place;

/// It has been removed, or is blocked: greater than all that are not.
const SILENT: i64 = 1 << 62;
const NUMBER: u32 = 18;
const PLACE: i64 = (1 << NUMBER) - 1;
const GROUP: i64 = (1 << 16) - 1;

/// Of a listener that is in no row yet.
pub(super) const UNSET: i64 = 0;

/// Of the `number`-th registration of a row.
#[inline]
pub(super) fn new(place: Place, number: i64) -> i64 {
    let (kind, group) = match place {
        Place::Intercepting => (0, 0),
        Place::Front => (1, 0),
        Place::Group(group) => (2, i64::from(group) & GROUP),
        Place::Back => (3, 0),
    };
    number << NUMBER | kind << 16 | group
}

/// What is not greater than stamps of this number, or of older ones, that are not silent.
pub(super) fn newest(number: i64) -> i64 {
    number << NUMBER | PLACE
}

pub(super) fn number(stamp: i64) -> i64 {
    (stamp & !SILENT) >> NUMBER
}

pub(super) fn silenced(stamp: i64, silent: bool) -> i64 {
    if silent { stamp | SILENT } else { stamp & !SILENT }
}

/// Is it that of an interceptor?
pub(super) fn intercepts(stamp: i64) -> bool {
    stamp >> 16 & 3 == 0
}

/// The key by which a row is sorted.
pub(super) fn key(stamp: i64) -> i64 {
    let place = match stamp >> 16 & 3 {
        0 => Place::Intercepting,
        1 => Place::Front,
        2 => Place::Group((stamp & GROUP) as i16),
        _ => Place::Back,
    };
    place.key(number(stamp))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stamp_has_all_that_went_into_it() {
        let places = [
            Place::Intercepting,
            Place::Front,
            Place::Group(i16::MIN),
            Place::Group(-1),
            Place::Group(0),
            Place::Group(i16::MAX),
            Place::Back,
        ];
        for place in places {
            for n in [1, 2, (1 << 44) - 2] {
                let stamp = new(place, n);
                assert_eq!((number(stamp), key(stamp)), (n, place.key(n)));
                let silent = silenced(stamp, true);
                assert_eq!((number(silent), key(silent)), (n, place.key(n)));
                assert_eq!(silenced(silent, false), stamp);
                assert!(stamp <= newest(n) && stamp > newest(n - 1) && silent > newest(n + 1));
            }
        }
    }
}
