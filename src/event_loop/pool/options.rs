//! How large the pool may get, by the program and by the environment.

use super::lane::{KINDS, Kind};
use super::threads;
use crate::error::{Error, ErrorKind, Result};
use std::sync::OnceLock;

/// As many as libuv has; disks seldom gain from more.
const DEFAULT: usize = 4;
/// As in libuv. More threads than this are a mistake.
const MOST: usize = 1024;
const VARIABLE: &str = "ONWARD_POOL_THREADS";

/// What the environment asks for: read once, since it must not change under those that run.
static ENVIRONMENT: OnceLock<Result<[Option<usize>; KINDS]>> = OnceLock::new();

fn environment() -> &'static Result<[Option<usize>; KINDS]> {
    ENVIRONMENT.get_or_init(|| {
        let Some(text) = std::env::var_os(VARIABLE) else { return Ok([None; KINDS]) };
        parse(&text.to_string_lossy()).map_err(|why| {
            let error = Error::new(ErrorKind::InvalidInput, "read");
            error.on(format!("{VARIABLE}={}", text.to_string_lossy())).because(why)
        })
    })
}

/// Does the environment make sense?
pub(super) fn check_environment() -> Result<()> {
    environment().clone().map(drop)
}

/// The quota of a kind that the program has not set.
pub(super) fn default(kind: Kind) -> usize {
    // If it makes no sense there is no loop, and no work.
    environment().as_ref().ok().and_then(|asked| asked[kind as usize]).unwrap_or(DEFAULT)
}

/// `8`, or `fs=8,user=16`. Nothing at all sets nothing.
fn parse(text: &str) -> Result<[Option<usize>; KINDS], &'static str> {
    let number = |text: &str| {
        let number = text.trim().parse().ok().filter(|number| (1..=MOST).contains(number));
        number.ok_or("want a number of threads from 1 to 1024, or fs=N,dns=N,user=N")
    };
    let mut asked = [None; KINDS];
    if text.trim().is_empty() {
        return Ok(asked);
    }
    if !text.contains('=') {
        return Ok([Some(number(text)?); KINDS]);
    }
    for part in text.split(',') {
        let (kind, threads) = part.split_once('=').unwrap_or((part, ""));
        let kind = match kind.trim() {
            "fs" => Kind::Fs,
            "dns" => Kind::Dns,
            "user" => Kind::User,
            _ => return Err("the kinds of work are fs, dns and user"),
        };
        if asked[kind as usize].replace(number(threads)?).is_some() {
            return Err("a kind of work is named twice");
        }
    }
    Ok(asked)
}

/// How large the blocking pool may get, see [`pool`](super). What is not set stays as it is.
///
/// ```
/// use onward::pool::{self, PoolOptions};
///
/// PoolOptions::new().user(16).max_queued(1_000).apply()?;
/// assert_eq!(pool::stats().user.limit, 16);
/// # Ok::<(), onward::Error>(())
/// ```
#[doc(alias = "UV_THREADPOOL_SIZE")]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[must_use = "nothing changes before `apply`"]
pub struct PoolOptions {
    pub(super) quotas: [Option<usize>; KINDS],
    pub(super) max_queued: Option<usize>,
}

impl PoolOptions {
    /// Those that change nothing.
    pub const fn new() -> Self {
        Self { quotas: [None; KINDS], max_queued: None }
    }

    /// So many threads, at most, for files.
    pub const fn fs(self, threads: usize) -> Self {
        self.quota(Kind::Fs, threads)
    }

    /// So many threads, at most, for looking names up.
    pub const fn dns(self, threads: usize) -> Self {
        self.quota(Kind::Dns, threads)
    }

    /// So many threads, at most, for [`spawn_blocking`](crate::spawn_blocking).
    pub const fn user(self, threads: usize) -> Self {
        self.quota(Kind::User, threads)
    }

    /// So much of [`spawn_blocking`](crate::spawn_blocking) may wait while all threads that it may have are
    /// at work; what is more is refused with [`ErrorKind::PoolFull`]. There is no such bound unless it is
    /// set.
    ///
    /// A server that has work done for each request wants one: under too much load an early "no" is worth
    /// more than a late answer.
    ///
    /// ```
    /// use onward::{ErrorKind, pool::PoolOptions, spawn_blocking};
    ///
    /// PoolOptions::new().user(1).max_queued(1).apply()?;
    /// onward::run(|| {
    ///     let (go, gone) = std::sync::mpsc::channel::<()>();
    ///     spawn_blocking(move || gone.recv()).then(drop); // it is being done
    ///     spawn_blocking(|| ()).then(|result| assert!(result.is_ok(), "it may wait"));
    ///     spawn_blocking(|| ()).then(|result| {
    ///         assert_eq!(result.unwrap_err().kind(), ErrorKind::PoolFull);
    ///         drop(go);
    ///     });
    ///     Ok(())
    /// })?;
    /// # Ok::<(), onward::Error>(())
    /// ```
    pub const fn max_queued(mut self, pieces: usize) -> Self {
        self.max_queued = Some(pieces);
        self
    }

    /// Makes them hold, from now on and for the whole process. What waits gets the threads that it may
    /// have now; what is being done is left alone, also if there may be fewer now.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`] if a number of threads is not from 1 to 1,024; then nothing has changed.
    pub fn apply(self) -> Result<()> {
        let quotas = self.quotas.iter().flatten();
        if let Some(wrong) = quotas.copied().find(|threads| !(1..=MOST).contains(threads)) {
            let error = Error::new(ErrorKind::InvalidInput, "size the blocking pool").on(wrong);
            return Err(error.because("want a number of threads from 1 to 1024"));
        }
        threads::configure(self);
        Ok(())
    }

    const fn quota(mut self, kind: Kind, threads: usize) -> Self {
        self.quotas[kind as usize] = Some(threads);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn the_environment_is_one_number_or_a_number_for_some_kinds() {
        assert_eq!(parse("8"), Ok([Some(8); 3]));
        assert_eq!(parse(" 1024 "), Ok([Some(1024); 3]));
        assert_eq!(parse("user=16"), Ok([None, None, Some(16)]));
        assert_eq!(parse("dns=2, fs = 1"), Ok([Some(1), Some(2), None]));
        assert_eq!(parse(""), Ok([None; 3]));
    }

    #[test]
    fn what_makes_no_sense_is_told() {
        for wrong in ["0", "1025", "-1", "four", "4.0", "4,4", "fs=0", "fs=", "=", "user=16,"] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
        for wrong in ["cpu=1", "fs=1,fs=2", "Fs=1", "fs=1;dns=1", "fs,dns=1"] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }
}
