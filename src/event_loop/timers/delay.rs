//! Delays as they are kept for when a timer is set anew, in four bytes.

/// A delay: exact up to a second, then rounded up, to the microsecond for a quarter of an hour, to the millisecond for a
/// week. So a timer that is set anew is never early, and late by a millionth at most.
///
/// The upper two bits are the unit, the others count.
#[derive(Clone, Copy, Debug)]
pub(super) struct Delay(u32);

const UNITS: [u64; 4] = [1, 1_000, 1_000_000, 1_000_000_000];
const COUNT: u32 = 30;
/// More than thirty years: for ever.
const NEVER: u32 = u32::MAX;

impl Delay {
    #[inline]
    pub(super) fn new(delay: u64) -> Self {
        match u32::try_from(delay) {
            Ok(count) if count < 1 << COUNT => Self(count),
            _ => Self::long(delay),
        }
    }

    fn long(delay: u64) -> Self {
        let fits = |(unit, nanoseconds): (u32, u64)| {
            let count = u32::try_from(delay.div_ceil(nanoseconds)).ok()?;
            (count < 1 << COUNT).then_some(Self(unit << COUNT | count))
        };
        (0..).zip(UNITS).find_map(fits).unwrap_or(Self(NEVER))
    }

    pub(super) fn get(self) -> u64 {
        let (unit, count) = (self.0 >> COUNT, self.0 & ((1 << COUNT) - 1));
        if self.0 == NEVER { u64::MAX } else { UNITS[unit as usize] * u64::from(count) }
    }
}

#[cfg(test)]
mod tests {
    use super::Delay;

    #[test]
    fn a_delay_is_never_shorter_than_it_was_and_hardly_longer() {
        let (second, mut delay) = (1_000_000_000, 1_u64);
        while let Some(next) = delay.checked_mul(3) {
            for delay in [delay - 1, delay, delay + 1] {
                let kept = Delay::new(delay).get();
                let close = kept.wrapping_sub(delay) <= delay / 1_000_000;
                assert!(close || kept == u64::MAX && delay > second << 30, "{delay}: {kept}");
            }
            delay = next;
        }
        let day = 86_400 * second;
        for exact in [0, 1, second, 3_600 * second, 10 * day, 10_000 * day, u64::MAX] {
            assert_eq!(Delay::new(exact).get(), exact);
        }
        for edge in [1 << 30, 1_000 << 30, 1_000_000 << 30, second << 30] {
            for delay in [edge - 1, edge, edge + 1] {
                assert!(Delay::new(delay).get() >= delay);
            }
        }
    }
}
