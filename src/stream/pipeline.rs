//! Several streams in a row, with one result for all; and one stream for several.

use super::pipe::{Concerned, Group, PipeOptions, Verdict, connect};
use super::traits::{Readable, Writable};
use crate::error::Result;
use std::cell::Cell;
use std::rc::Rc;

/// Pipes `from` to `to`, and calls `done` when all are through: Node's `pipeline`.
///
/// `to` is a stream to write, or a tuple of up to eight: all but the last are read from, too, and each is piped to the
/// next.
///
/// `done` gets the first error of any of them, or [`ErrorKind::PrematureClose`](crate::ErrorKind::PrematureClose) when
/// one closed before all was said, or `Ok` when all has gone through, and the last has closed. Their errors count as heard.
/// When one closes early, all are destroyed.
///
/// ```
/// use onward::fs::{ReadStream, WriteStream};
/// use onward::stream::pipeline;
///
/// let copy = std::env::temp_dir().join("onward-doc-copy");
/// let path = copy.clone();
/// onward::run(move || {
///     pipeline(&ReadStream::open("Cargo.toml")?, &WriteStream::create(path)?, |result| match result {
///         Ok(()) => println!("copied"),
///         Err(error) => println!("not copied: {error}"),
///     });
///     Ok(())
/// })?;
/// assert_eq!(std::fs::read("Cargo.toml")?, std::fs::read(&copy)?);
/// # std::fs::remove_file(copy)?;
/// # Ok::<(), onward::Error>(())
/// ```
///
/// With something in between:
///
/// ```
/// use onward::stream::{Duplex, Sink, Source, pipeline};
///
/// onward::run(|| {
///     let words = Source::from_iter(["to ", "be ", "or ", "not"])?;
///     let upper = Duplex::transform(|chunk, out| out.push(chunk.to_ascii_uppercase()))?;
///     let short = Duplex::transform(|chunk, out| out.push(&chunk[..1]))?;
///     let screen = Sink::new(|chunk| print!("{}", String::from_utf8_lossy(chunk)))?;
///     pipeline(&words, (&upper, &short, &screen), |result| assert!(result.is_ok()));
///     Ok(())
/// })?;
/// # Ok::<(), onward::Error>(())
/// ```
pub fn pipeline<R: Readable>(from: &R, to: impl Stages, done: impl FnOnce(Result<()>) + 'static) {
    let verdict = Verdict::new(to.links(), done);
    to.connect_from(from, &verdict);
}

/// Where a [`pipeline`] leads: a stream to write, or a tuple of streams each of which is piped to the next.
#[diagnostic::on_unimplemented(
    message = "a pipeline cannot lead to `{Self}`",
    label = "not a stream to write, and not a tuple of up to eight that ends in one",
    note = "give references: `pipeline(&from, (&between, &to), |result| ..)`"
)]
pub trait Stages {
    #[doc(hidden)]
    fn links(&self) -> usize;
    #[doc(hidden)]
    fn connect_from<R: Readable>(&self, from: &R, verdict: &Rc<Verdict>);
}

fn link<R: Readable, W: Writable>(from: &R, to: &W, verdict: &Rc<Verdict>) {
    let concerned = Concerned { verdict: Some(Rc::clone(verdict)), group: None };
    connect(from, to, PipeOptions::new(), concerned);
}

impl<W: Writable> Stages for &W {
    fn links(&self) -> usize {
        1
    }

    fn connect_from<R: Readable>(&self, from: &R, verdict: &Rc<Verdict>) {
        link(from, *self, verdict);
    }
}

/// Several streams that all get the same.
pub trait Sinks {
    #[doc(hidden)]
    fn count(&self) -> usize;
    #[doc(hidden)]
    fn connect_all<R: Readable>(&self, from: &R, group: &Group);
}

fn branch<R: Readable, W: Writable>(from: &R, to: &W, group: &Group) {
    let concerned = Concerned { verdict: None, group: Some(Rc::clone(group)) };
    connect(from, to, PipeOptions::new(), concerned);
}

impl<W: Writable> Sinks for &[W] {
    fn count(&self) -> usize {
        self.len()
    }

    fn connect_all<R: Readable>(&self, from: &R, group: &Group) {
        self.iter().for_each(|to| branch(from, to, group));
    }
}

impl<W: Writable, const N: usize> Sinks for &[W; N] {
    fn count(&self) -> usize {
        N
    }

    fn connect_all<R: Readable>(&self, from: &R, group: &Group) {
        self.iter().for_each(|to| branch(from, to, group));
    }
}

macro_rules! tuples {
    ($($between:ident)* ; $last:ident) => {
        impl<$($between: Readable + Writable,)* $last: Writable> Stages for ($(&$between,)* &$last,) {
            fn links(&self) -> usize {
                [$(stringify!($between),)* stringify!($last)].len()
            }

            #[allow(non_snake_case)]
            fn connect_from<First: Readable>(&self, from: &First, verdict: &Rc<Verdict>) {
                let ($($between,)* $last,) = *self;
                tuples!(@link verdict from $($between)* $last);
            }
        }

        impl<$($between: Writable,)* $last: Writable> Sinks for ($(&$between,)* &$last,) {
            fn count(&self) -> usize {
                [$(stringify!($between),)* stringify!($last)].len()
            }

            #[allow(non_snake_case)]
            fn connect_all<First: Readable>(&self, from: &First, group: &Group) {
                let ($($between,)* $last,) = *self;
                $(branch(from, $between, group);)*
                branch(from, $last, group);
            }
        }
    };
    (@link $verdict:ident $from:ident $to:ident $($rest:ident)*) => {
        link($from, $to, $verdict);
        tuples!(@link $verdict $to $($rest)*);
    };
    (@link $verdict:ident $from:ident) => {};
}

tuples! { ; A }
tuples! { A ; B }
tuples! { A B ; C }
tuples! { A B C ; D }
tuples! { A B C D ; E }
tuples! { A B C D E ; F }
tuples! { A B C D E F ; G }
tuples! { A B C D E F G ; H }

/// Pipes `from` to several streams at once, a tuple of up to eight or a slice: all get the same, and `from` waits for
/// the slowest of them.
///
/// One that closes early leaves the others going; when the last has closed early, `from` is destroyed. When `from`
/// closes early, all are destroyed. Each stream emits its own errors, as with [`pipe`](Readable::pipe).
///
/// ```
/// use onward::stream::{Sink, Source, tee};
///
/// onward::run(|| {
///     let (mut bytes, mut chunks) = (0, 0);
///     let count_bytes = Sink::new(move |chunk| bytes += chunk.len())?;
///     let count_chunks = Sink::new(move |_| chunks += 1)?;
///     tee(&Source::from_iter(["hello, ", "world"])?, (&count_bytes, &count_chunks));
///     Ok(())
/// })?;
/// # Ok::<(), onward::Error>(())
/// ```
pub fn tee<R: Readable>(from: &R, to: impl Sinks) {
    let group = Rc::new(Cell::new(to.count()));
    to.connect_all(from, &group);
}
