//! Has it changed since somebody last had it?

use hyper::StatusCode;
use hyper::header::{
    AsHeaderName, HeaderMap, IF_MATCH, IF_MODIFIED_SINCE, IF_NONE_MATCH, IF_RANGE,
    IF_UNMODIFIED_SINCE,
};
use std::fs::Metadata;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// What changes again so soon may have the same time.
const FRESH: Duration = Duration::from_secs(2);

/// How to tell whether a file is still the same.
pub(crate) struct Marks {
    /// Its length and time, in quotes.
    tag: String,
    /// It was changed just now: the tag may stand for more than one state.
    weak: bool,
    /// In whole seconds, as HTTP tells it.
    modified: SystemTime,
}

impl Marks {
    pub(crate) fn of(known: &Metadata) -> Self {
        let now = SystemTime::now();
        let modified = known.modified().unwrap_or(UNIX_EPOCH);
        let age = match modified.duration_since(UNIX_EPOCH) {
            Ok(age) => format!("{:x}", age.as_nanos()),
            Err(before) => format!("-{:x}", before.duration().as_nanos()),
        };
        // Nobody is told of changes to come, and HTTP knows no time before this one.
        let seconds = modified.min(now).duration_since(UNIX_EPOCH).map_or(0, |it| it.as_secs());
        Self {
            tag: format!("\"{:x}-{age}\"", known.len()),
            weak: now.duration_since(modified).map_or(true, |age| age < FRESH),
            modified: UNIX_EPOCH + Duration::from_secs(seconds),
        }
    }

    pub(crate) fn etag(&self) -> String {
        format!("{}{}", if self.weak { "W/" } else { "" }, self.tag)
    }

    pub(crate) fn last_modified(&self) -> String {
        httpdate::fmt_http_date(self.modified)
    }

    /// What the conditions of a request come to: 412 or 304, or nothing. Each date counts only where there is no tag.
    pub(crate) fn answer(&self, headers: &HeaderMap) -> Option<StatusCode> {
        let since = |name| date(headers, name).map(|date| self.modified > date);
        let other = match self.is_among(headers, IF_MATCH, true) {
            Some(is_among) => !is_among,
            None => since(IF_UNMODIFIED_SINCE) == Some(true),
        };
        if other {
            return Some(StatusCode::PRECONDITION_FAILED);
        }
        let known = match self.is_among(headers, IF_NONE_MATCH, false) {
            Some(is_among) => is_among,
            None => since(IF_MODIFIED_SINCE) == Some(false),
        };
        known.then_some(StatusCode::NOT_MODIFIED)
    }

    /// May a part be sent to who has another part already?
    pub(crate) fn allow_ranges(&self, headers: &HeaderMap) -> bool {
        let Some(value) = headers.get(IF_RANGE) else { return true };
        let same_tag = value.as_bytes() == self.tag.as_bytes();
        let same_date = || date(headers, IF_RANGE) == Some(self.modified);
        !self.weak && (same_tag || same_date())
    }

    /// Is it one of those that a header names, if there is that header? `strictly`: byte for byte.
    fn is_among(
        &self,
        headers: &HeaderMap,
        name: impl AsHeaderName,
        strictly: bool,
    ) -> Option<bool> {
        let mut values = headers.get_all(name).iter().peekable();
        values.peek()?;
        let is_this = |tag: &str| match tag.strip_prefix("W/") {
            Some(weak) => !strictly && weak == self.tag,
            None => tag == "*" || (tag == self.tag && !(strictly && self.weak)),
        };
        // Ours have no commas in them.
        Some(
            values
                .filter_map(|it| it.to_str().ok())
                .flat_map(|it| it.split(','))
                .any(|it| is_this(it.trim())),
        )
    }
}

fn date(headers: &HeaderMap, name: impl AsHeaderName) -> Option<SystemTime> {
    httpdate::parse_http_date(headers.get(name)?.to_str().ok()?).ok()
}
