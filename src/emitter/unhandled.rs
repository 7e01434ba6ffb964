//! An error that nobody took.

use core::error::Error;
use core::fmt;

/// An error that no listener took, handed back by
/// [`emit_error`](crate::EventEmitter::emit_error).
///
/// ```
/// use onward::events;
///
/// events! { Room { error std::num::ParseIntError } }
/// let error = "x".parse::<u8>().unwrap_err();
/// let unhandled = Room::new().emit_error(error.clone()).unwrap_err();
/// assert_eq!(unhandled.to_string(), "unhandled error of Room: invalid digit found in string");
/// assert_eq!(unhandled.into_inner(), error);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use = "an error that nobody took should not be lost here"]
pub struct Unhandled<X> {
    emitter: &'static str,
    error: X,
}

impl<X> Unhandled<X> {
    pub(crate) fn new(emitter: &'static str, error: X) -> Self {
        Self { emitter, error }
    }

    /// The name of the type that emitted it.
    pub fn emitter(&self) -> &'static str {
        self.emitter
    }

    /// The error.
    pub fn error(&self) -> &X {
        &self.error
    }

    /// The error, by value.
    pub fn into_inner(self) -> X {
        self.error
    }
}

impl<X: fmt::Display> fmt::Display for Unhandled<X> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "unhandled error of {}: {}", self.emitter, self.error)
    }
}

/// The text of the error is part of this one's, so [`source`](Error::source) is what lies behind it.
impl<X: Error> Error for Unhandled<X> {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.error.source()
    }
}
