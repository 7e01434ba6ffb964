//! Which bytes of a file a request asks for.

use std::ops::RangeInclusive;

/// Who asks for more gets all of it, once.
const MOST_RANGES: usize = 32;

#[derive(Debug)]
pub(crate) enum Ranges {
    /// All of it: nothing else is asked for, or what is asked for makes no sense.
    All,
    /// These, in the order in which they were asked for; at least one.
    Some(Vec<RangeInclusive<u64>>),
    /// None of those that are asked for is there.
    Missing,
}

impl Ranges {
    /// What a `Range` header asks of a file of this length: `bytes=a-b`, `a-`, `-n`, or several of them. Ranges that
    /// are more than the file together are not worth their price either.
    pub(crate) fn of(header: &str, length: u64) -> Self {
        let Some((unit, list)) = header.split_once('=') else { return Self::All };
        if !unit.trim().eq_ignore_ascii_case("bytes") {
            return Self::All;
        }
        let (mut found, mut asked) = (Vec::new(), 0);
        for range in list.split(',').map(str::trim).filter(|range| !range.is_empty()) {
            asked += 1;
            match read(range, length) {
                _ if asked > MOST_RANGES => return Self::All,
                None => return Self::All,
                Some(range) => found.extend(range),
            }
        }
        let bytes = found.iter().fold(0, |sum: u64, range| sum.saturating_add(size(range)));
        match asked {
            0 => Self::All,
            _ if found.is_empty() => Self::Missing,
            _ if bytes > length => Self::All,
            _ => Self::Some(found),
        }
    }
}

/// One range, cut to what is there; `None` if it is none, `Some(None)` if nothing of it is there.
fn read(range: &str, length: u64) -> Option<Option<RangeInclusive<u64>>> {
    let (first, last) = range.split_once('-')?;
    let (first, last) = (number(first)?, number(last)?);
    let end = length.checked_sub(1);
    Some(match (first, last) {
        (None, None) => return None,
        (None, Some(0)) => None,
        (None, Some(bytes)) => end.map(|end| length.saturating_sub(bytes)..=end),
        (Some(first), Some(last)) if last < first => return None,
        (Some(first), last) => {
            let end = end.filter(|end| first <= *end);
            end.map(|end| first..=last.unwrap_or(end).min(end))
        }
    })
}

/// A number, or none; no file is as long as those that are too large.
fn number(text: &str) -> Option<Option<u64>> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| (!text.is_empty()).then(|| text.parse().unwrap_or(u64::MAX)))
}

/// How many bytes a range has.
pub(crate) fn size(range: &RangeInclusive<u64>) -> u64 {
    range.end() - range.start() + 1
}
