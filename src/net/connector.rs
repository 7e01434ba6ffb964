//! How names become connections.

use super::hook::{Hook, hook};
use super::socket::{Socket, SocketOptions};
use crate::error::Result;
use std::fmt;
use std::future::Future;
use std::net::SocketAddr;
use std::panic::Location;
use std::time::Duration;

/// How long an attempt is alone before the next begins beside it: the Connection Attempt Delay that RFC 8305
/// recommends.
const DELAY: Duration = Duration::from_millis(250);
/// The least that the RFC allows. Less would have all addresses called at once.
const SHORTEST_DELAY: Duration = Duration::from_millis(10);

/// Which of a name's addresses are tried, and in which order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Family {
    /// All, IPv4 and IPv6 in turn, beginning with what the resolver says first.
    #[default]
    Any,
    /// All in turn, beginning with IPv4.
    V4First,
    /// All in turn, beginning with IPv6.
    V6First,
    /// Those for IPv4 only.
    V4,
    /// Those for IPv6 only.
    V6,
}

/// What an attempt has to know of a [`Connector`].
#[derive(Clone)]
pub(super) struct Plan {
    pub(super) hook: Option<Hook>,
    pub(super) delay: Duration,
    family: Family,
    only_first: bool,
}

impl Plan {
    pub(super) const DEFAULT: Self =
        Self { hook: None, delay: DELAY, family: Family::Any, only_first: false };

    /// The addresses to be tried, in their order.
    pub(super) fn arrange(&self, found: &[SocketAddr]) -> Vec<SocketAddr> {
        let is_first = |address: &&SocketAddr| match self.family {
            Family::Any => found.first().is_some_and(|first| first.is_ipv6() == address.is_ipv6()),
            Family::V4First | Family::V4 => address.is_ipv4(),
            Family::V6First | Family::V6 => address.is_ipv6(),
        };
        let alone = matches!(self.family, Family::V4 | Family::V6);
        let mut first = found.iter().filter(is_first).copied();
        let mut second = found.iter().filter(|address| !alone && !is_first(address)).copied();
        let mut all = Vec::with_capacity(found.len());
        loop {
            let pair = (first.next(), second.next());
            all.extend(pair.0);
            all.extend(pair.1);
            if pair == (None, None) {
                break;
            }
        }
        let most = if self.only_first { 1 } else { all.len() };
        all.truncate(most);
        all
    }
}

/// Makes connections in a way of its own: how names are looked up, and how their addresses are tried.
///
/// [`Socket::connect`] does without: names are looked up by the system, on the [blocking pool](crate::pool), each once for
/// all that ask meanwhile, and remembered for five seconds ([`lookup`](super::lookup())). Of several addresses, the next is
/// called 250 ms after the one before, or as soon as one has failed, and the first that answers is taken (RFC 8305, "happy
/// eyeballs"). None is given up before that.
///
/// ```
/// use onward::{events::*, net::{Connector, Server}};
/// use std::time::Duration;
///
/// onward::run(|| {
///     let server = Server::listen("127.0.0.1:0")?;
///     server.on(Connection, |server, _| server.close());
///
///     // Nobody listens at the first address.
///     let port = server.local_addr().port().unwrap_or(0);
///     let addresses = vec![([127, 0, 0, 2], port).into(), ([127, 0, 0, 1], port).into()];
///     let connector = Connector::new().attempt_delay(Duration::from_millis(100)).lookup(move |host, _| {
///         assert_eq!(host, "db.internal");
///         let addresses = addresses.clone();
///         async move { Ok(addresses) }
///     });
///     let socket = connector.connect(format!("db.internal:{port}"))?;
///     socket.on(ConnectionAttemptFailed, |_, (address, error)| println!("{address}: {error}"));
///     socket.on(Connect, |socket, ()| socket.destroy());
///     Ok(())
/// })?;
/// # Ok::<(), onward::Error>(())
/// ```
#[derive(Clone)]
#[must_use = "nothing is connected before `connect`"]
pub struct Connector {
    options: SocketOptions,
    plan: Plan,
}

impl Default for Connector {
    fn default() -> Self {
        Self::new()
    }
}

impl Connector {
    /// One that does as [`Socket::connect`] does.
    pub const fn new() -> Self {
        Self { options: SocketOptions::new(), plan: Plan::DEFAULT }
    }

    /// What its sockets are told, be it before an attempt begins: the address to connect from, how long it may take, ..
    pub const fn options(mut self, options: SocketOptions) -> Self {
        self.options = options;
        self
    }

    /// Which of a name's addresses are tried, and in which order.
    pub const fn family(mut self, family: Family) -> Self {
        self.plan.family = family;
        self
    }

    /// How long an attempt is alone before the next one begins beside it: 250 ms unless set, and 10 ms at least.
    #[doc(alias = "autoSelectFamilyAttemptTimeout")]
    pub fn attempt_delay(mut self, delay: Duration) -> Self {
        self.plan.delay = delay.max(SHORTEST_DELAY);
        self
    }

    /// Has only the first of a name's addresses tried.
    #[doc(alias = "autoSelectFamily")]
    pub const fn only_first(mut self, only: bool) -> Self {
        self.plan.only_first = only;
        self
    }

    /// Has names looked up by `lookup`, which is handed the host and the port, and gives a future of the addresses. It is
    /// called inside of [`connect`](Self::connect), for names only, and what it says is not remembered. Its future runs on
    /// the loop, and is dropped when nobody waits for it any more. [`set_lookup`](super::set_lookup) does that for all
    /// sockets of a loop.
    pub fn lookup<F>(mut self, lookup: impl Fn(&str, u16) -> F + 'static) -> Self
    where
        F: Future<Output = Result<Vec<SocketAddr>>> + 'static,
    {
        self.plan.hook = Some(hook(lookup));
        self
    }

    /// Connects; see [`Socket::connect`].
    ///
    /// # Errors
    ///
    /// Those of [`Socket::connect`]. If all of several addresses have failed, it is one error that names them all
    /// ([`Error::causes`](crate::Error::causes)).
    #[track_caller]
    pub fn connect(&self, address: impl fmt::Display) -> Result<Socket> {
        let (address, origin) = (address.to_string(), Location::caller());
        Socket::connect_with(self.options, self.plan.clone(), &address, origin)
    }
}

impl fmt::Debug for Connector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connector")
            .field("options", &self.options)
            .field("family", &self.plan.family)
            .field("attempt_delay", &self.plan.delay)
            .field("only_first", &self.plan.only_first)
            .field("lookup", &self.plan.hook.is_some())
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::{Connector, Family, Plan, SHORTEST_DELAY};
    use std::net::SocketAddr;
    use std::time::Duration;

    fn arranged(plan: &Plan, found: &[&str]) -> Vec<String> {
        let found: Vec<SocketAddr> = found.iter().map(|text| text.parse().unwrap()).collect();
        plan.arrange(&found).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn families_take_turns_from_the_one_that_comes_first() {
        let (a, b, c) = ("[::1]:1", "[::2]:1", "[::3]:1");
        let (d, e) = ("127.0.0.1:1", "127.0.0.2:1");
        let of = |family, found: &[&str]| arranged(&Connector::new().family(family).plan, found);
        assert_eq!(of(Family::Any, &[a, b, c, d, e]), [a, d, b, e, c]);
        assert_eq!(of(Family::Any, &[d, e, a]), [d, a, e]);
        assert_eq!(of(Family::V4First, &[a, b, c, d]), [d, a, b, c]);
        assert_eq!(of(Family::V6First, &[d, e, a]), [a, d, e]);
        assert_eq!(of(Family::V6First, &[d, e]), [d, e]);
        assert_eq!(of(Family::V4, &[a, d, b, e]), [d, e]);
        assert_eq!(of(Family::V6, &[d]), Vec::<String>::new());
        assert_eq!(of(Family::Any, &[]), Vec::<String>::new());
        let first = Connector::new().only_first(true).family(Family::V4First);
        assert_eq!(arranged(&first.plan, &[a, b, d, e]), [d]);
    }

    #[test]
    fn the_delay_is_never_shorter_than_the_rfc_allows() {
        assert_eq!(Connector::new().attempt_delay(Duration::ZERO).plan.delay, SHORTEST_DELAY);
        let long = Duration::from_secs(3600);
        assert_eq!(Connector::new().attempt_delay(long).plan.delay, long);
    }
}
