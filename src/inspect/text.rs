//! How things are written for people.

use std::fmt;
use std::time::Duration;

/// A time with as many digits as anybody reads: `1.25s`, `310ms`, `87µs`.
pub(super) struct Short(pub(super) Duration);

impl fmt::Display for Short {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let time = self.0;
        if time >= Duration::from_secs(1) {
            write!(f, "{:.2}s", time.as_secs_f64())
        } else if time >= Duration::from_millis(1) {
            write!(f, "{}ms", time.as_millis())
        } else {
            write!(f, "{}µs", time.as_micros())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Short;
    use std::time::Duration;

    #[test]
    fn times_are_short() {
        let short = |nanoseconds| Short(Duration::from_nanos(nanoseconds)).to_string();
        assert_eq!(short(1_250_700_000), "1.25s");
        assert_eq!(short(310_900_000), "310ms");
        assert_eq!((short(87_000), short(12)), ("87µs".into(), "0µs".into()));
    }
}
