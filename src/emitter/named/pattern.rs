//! Patterns of names.

use alloc::borrow::Cow;
use alloc::string::String;
use core::error::Error;
use core::fmt;
use core::marker::PhantomData;

/// Many names at once, of events that carry a `T`.
///
/// A name is read as segments with a `.` between them, and so is a pattern. A segment `*` stands for any
/// one segment, `**` for any number of them, none included; all others stand for themselves.
///
/// | pattern | matches | but not |
/// |---|---|---|
/// | `chat.*` | `chat.ada` | `chat`, `chat.ada.left` |
/// | `chat.**` | `chat`, `chat.ada`, `chat.ada.left` | `chatter` |
/// | `**.error` | `error`, `disk.error` | `error.disk` |
/// | `*.*` | `chat.ada` | `chat` |
///
/// A listener is handed the name that was matched, and the payload:
///
/// ```
/// use onward::emitter::named::{Name, NamedEmitter, Pattern};
///
/// let emitter = NamedEmitter::new();
/// emitter.on(Pattern::<str>::new("chat.*")?, |_, (name, line)| println!("{name}: {line}"));
/// assert!(emitter.emit(Name::<str>::new("chat.ada"), "hello").handled());
/// # Ok::<(), onward::emitter::named::BadPattern>(())
/// ```
pub struct Pattern<T: ?Sized + 'static> {
    text: Cow<'static, str>,
    payload: PhantomData<fn(&T)>,
}

impl<T: ?Sized + 'static> Pattern<T> {
    /// Reads a pattern.
    ///
    /// # Errors
    ///
    /// If a `*` is only a part of a segment. A pattern without any is fine: it matches one name.
    ///
    /// ```
    /// use onward::emitter::named::Pattern;
    ///
    /// let bad = Pattern::<str>::new("chat.a*").unwrap_err();
    /// assert_eq!(bad.to_string(), "bad pattern `chat.a*`: `a*` is neither `*`, `**`, nor without a `*`");
    /// ```
    pub fn new(text: impl Into<Cow<'static, str>>) -> Result<Self, BadPattern> {
        let text = text.into();
        let bad = |segment: &&str| segment.contains('*') && !matches!(*segment, "*" | "**");
        match text.split('.').find(bad).map(String::from) {
            Some(segment) => Err(BadPattern { pattern: text.into_owned(), segment }),
            None => Ok(Self { text, payload: PhantomData }),
        }
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Does it match this name?
    ///
    /// It takes one look at the name, or as many as it has segments if there is a `**`.
    ///
    /// ```
    /// use onward::emitter::named::Pattern;
    ///
    /// let errors = Pattern::<str>::new("**.error")?;
    /// assert!(errors.matches("disk.sda.error"));
    /// assert!(!errors.matches("disk.sda"));
    /// # Ok::<(), onward::emitter::named::BadPattern>(())
    /// ```
    pub fn matches(&self, name: &str) -> bool {
        let (mut pattern, mut name) = (self.text.split('.'), name.split('.'));
        // What comes after the last `**`, and the part of the name that it has not taken.
        let mut again = None;
        loop {
            let fits = match pattern.next() {
                Some("**") => {
                    again = Some((pattern.clone(), name.clone()));
                    true
                }
                Some(segment) => name.next().is_some_and(|part| segment == "*" || segment == part),
                None if name.next().is_none() => return true,
                None => false,
            };
            if !fits {
                // The last `**` takes one segment more.
                let Some((after, rest)) = &mut again else { return false };
                if rest.next().is_none() {
                    return false;
                }
                (pattern, name) = (after.clone(), rest.clone());
            }
        }
    }
}

impl<T: ?Sized + 'static> Clone for Pattern<T> {
    fn clone(&self) -> Self {
        Self { text: self.text.clone(), payload: PhantomData }
    }
}

/// By the text: two patterns that match the same names may be different ones.
impl<T: ?Sized + 'static> PartialEq for Pattern<T> {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl<T: ?Sized + 'static> Eq for Pattern<T> {}

impl<T: ?Sized + 'static> fmt::Debug for Pattern<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Pattern").field(&self.text).finish()
    }
}

impl<T: ?Sized + 'static> fmt::Display for Pattern<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// A text that is no pattern: a `*` is only a part of a segment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadPattern {
    pattern: String,
    segment: String,
}

impl BadPattern {
    /// The text as a whole.
    pub fn pattern(&self) -> &str {
        &self.pattern
    }

    /// The first segment that is wrong.
    pub fn segment(&self) -> &str {
        &self.segment
    }
}

impl fmt::Display for BadPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { pattern, segment } = self;
        write!(f, "bad pattern `{pattern}`: `{segment}` is neither `*`, `**`, nor without a `*`")
    }
}

impl Error for BadPattern {}
