//! How many bytes a second may come.

use super::traits::{ReadEar, Readable};
use crate::error::Error;
use crate::event_loop::{Handle, Origin, Timer};
use std::cell::Cell;
use std::fmt;
use std::panic::Location;
use std::rc::Rc;
use std::time::Duration;

/// So many bytes a second, for one stream or for several that share them: a token bucket.
///
/// A cheap handle: clones are the same bucket. Streams that are limited by it get as many bytes a second as it gives,
/// all together, one after the other; a pipe from such a stream is as fast as that.
///
/// It lets a chunk pass that is there, and then holds the stream until the time for it is over, so that nothing is
/// copied or cut. Over time the rate is exact; at any moment it may be ahead by one chunk of each stream, and by what
/// [`burst`](Self::burst) allows.
///
/// ```
/// use onward::events::*;
/// use onward::stream::{Rate, Source};
///
/// onward::run(|| {
///     let slow = Rate::per_second(100_000).burst(0);
///     let source = Source::from_iter([[0; 1000]; 3])?;
///     slow.limit(&source);
///     let began = onward::now();
///     source.on(End, move |_, ()| assert!((onward::now() - began).as_millis() >= 30));
///     Ok(())
/// })?;
/// # Ok::<(), onward::Error>(())
/// ```
#[derive(Clone)]
pub struct Rate(Rc<Cell<Bucket>>);

/// When all that has passed will have been paid for, in nanoseconds by the loop's clock. What is paid for in advance
/// is the burst.
#[derive(Clone, Copy, Debug)]
struct Bucket {
    per_second: u64,
    burst: u64,
    paid_until: i128,
}

impl Bucket {
    fn price(&self, bytes: u64) -> i128 {
        i128::from(bytes) * 1_000_000_000 / i128::from(self.per_second.max(1))
    }

    /// Lets that many bytes pass, and says for how long nothing may come then.
    fn spend(&mut self, bytes: u64, now: u64) -> u64 {
        let now = i128::from(now);
        let earliest = now - self.price(self.burst);
        self.paid_until = self.paid_until.max(earliest) + self.price(bytes);
        u64::try_from((self.paid_until - now).max(0)).unwrap_or(u64::MAX)
    }
}

impl Rate {
    /// That many bytes a second, at least one. As many may come at once after a time of rest, unless
    /// [`burst`](Self::burst) says otherwise.
    #[must_use]
    pub fn per_second(bytes: u64) -> Self {
        let bucket = Bucket { per_second: bytes, burst: bytes, paid_until: i128::MIN / 2 };
        Self(Rc::new(Cell::new(bucket)))
    }

    /// How many bytes may come at once after a time of rest, beyond the one chunk that always may.
    #[must_use]
    pub fn burst(self, bytes: u64) -> Self {
        self.0.set(Bucket { burst: bytes, ..self.0.get() });
        self
    }

    /// Lets `stream` have no more than that, from now on. It starts the flow, as any listener for `Data` does.
    ///
    /// The loop waits for a stream that is held back by it.
    ///
    /// # Panics
    ///
    /// Outside of a loop, since there is no clock to go by.
    ///
    /// ```
    /// use onward::net::Server;
    /// use onward::stream::Rate;
    /// # use onward::events::*;
    ///
    /// # fn main() -> onward::Result<()> { onward::run(|| {
    /// let server = Server::listen("127.0.0.1:0")?;
    /// let all_guests = Rate::per_second(10_000_000);
    /// server.on(Connection, move |_, guest| {
    ///     all_guests.limit(&guest);
    ///     Rate::per_second(1_000_000).limit(&guest); // and each
    ///     guest.pipe(&guest);
    /// });
    /// # server.close();
    /// # Ok(()) }) }
    /// ```
    #[track_caller]
    pub fn limit<R: Readable>(&self, stream: &R) {
        let handle = match Handle::current() {
            Ok(handle) => handle,
            Err(error) => panic!("{error}"),
        };
        let meter = Meter {
            stream: stream.clone(),
            rate: self.clone(),
            handle,
            origin: Location::caller(),
            paying: Rc::default(),
        };
        stream.hear(Rc::new(meter), false);
    }
}

/// Sees the chunks of a stream, and holds it.
struct Meter<R> {
    stream: R,
    rate: Rate,
    handle: Handle,
    origin: Origin,
    /// Until it has paid for the last chunk.
    paying: Rc<Cell<Option<Timer>>>,
}

impl<R: Readable> ReadEar for Meter<R> {
    fn data(&self, chunk: &[u8]) {
        let mut bucket = self.rate.0.get();
        let now = u64::try_from(self.handle.now().as_nanos()).unwrap_or(u64::MAX);
        let wait = bucket.spend(chunk.len() as u64, now);
        self.rate.0.set(bucket);
        let before = self.paying.take();
        if wait == 0 || before.is_some() {
            return self.paying.set(before);
        }
        self.stream.hold();
        let (stream, paying) = (self.stream.clone(), Rc::clone(&self.paying));
        let wait = Duration::from_nanos(wait);
        let timer = self.handle.set_timeout_from(self.origin, wait, move || {
            paying.set(None);
            stream.release();
        });
        self.paying.set(Some(timer));
    }

    fn ended(&self) {}

    fn failed(&self, _: &Error) {}

    /// Nobody waits for what is gone.
    fn closed(&self) {
        self.paying.take().map(Timer::cancel);
    }
}

impl fmt::Debug for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Bucket { per_second, burst, .. } = self.0.get();
        write!(f, "Rate({per_second} bytes a second, {burst} at once)")
    }
}

#[cfg(test)]
mod tests {
    use super::Rate;

    #[test]
    fn a_bucket_gives_the_burst_at_once_and_then_the_rate() {
        let mut bucket = Rate::per_second(1000).burst(10).0.get();
        assert_eq!(bucket.spend(10, 5_000_000), 0);
        assert_eq!(bucket.spend(1, 5_000_000), 1_000_000);
        assert_eq!(bucket.spend(1, 6_000_000), 1_000_000);
        // After a long rest there is the burst again, and no more.
        assert_eq!(bucket.spend(10, u64::MAX / 2), 0);
        assert_eq!(bucket.spend(1, u64::MAX / 2), 1_000_000);
        // Fractions are kept.
        let mut bucket = Rate::per_second(3).burst(0).0.get();
        let waits: u64 = (0..3).map(|_| bucket.spend(1, 0)).max().unwrap();
        assert!((999_999_999..=1_000_000_000).contains(&waits), "{waits}");
    }

    #[test]
    fn no_number_overflows() {
        let mut bucket = Rate::per_second(0).burst(u64::MAX).0.get();
        assert_eq!(bucket.spend(u64::MAX, u64::MAX), 0);
        assert_eq!(bucket.spend(u64::MAX, u64::MAX), u64::MAX);
    }
}
