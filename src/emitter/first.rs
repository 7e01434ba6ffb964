//! The first of several events.

use core::future::Future;
use core::pin::Pin;
use core::task::{Context, Poll};

use super::next::{Next, NextOrError};
use super::sharing::Sharing;

/// Waits for the first of two, three or four events, and says which one it was.
///
/// It takes a tuple of what [`next`](crate::Waiting::next) and
/// [`next_or_error`](crate::Waiting::next_or_error) return, of the same emitter or of different ones.
/// All of them have been listening since they were made. The others are dropped, and their listeners
/// with them; if they are handed over as `&mut`, they go on waiting, for the next round. (The one that
/// won has had its event. To see each event of a kind, take a [`stream`](crate::Waiting::stream).)
///
/// ```
/// # use std::{future::Future, pin::pin, task::{Context, Poll, Waker}};
/// # fn block_on<F: Future>(future: F) -> F::Output {
/// #     let (mut future, mut cx) = (pin!(future), Context::from_waker(Waker::noop()));
/// #     loop { if let Poll::Ready(output) = future.as_mut().poll(&mut cx) { return output } }
/// # }
/// use onward::emitter::{OneOf2, first};
/// use onward::{Emitter, Waiting, events};
///
/// events! { Room { Joined(&str), Closed() } }
/// let room = Room::new();
///
/// let waiting = first((room.next(Joined), room.next(Closed)));
/// room.emit(Closed, ());
/// room.emit(Joined, "ada"); // too late
/// match block_on(waiting) {
///     OneOf2::A(joined) => println!("{} came", joined?),
///     OneOf2::B(closed) => closed?,
/// }
/// # Ok::<(), onward::emitter::Gone>(())
/// ```
///
/// # Ordering
///
/// If several have happened when it is polled, the one that happened first is taken, whatever its place
/// in the tuple is.
///
/// # Errors
///
/// An emitter that is gone is something that happened, too: the result of its future is
/// [`Gone`](super::Gone). A future that has been polled to its end before counts as gone.
#[doc(alias("race", "select"))]
pub fn first<W: Race>(waits: W) -> First<W> {
    First { waits }
}

/// The future that [`first`] returns.
#[derive(Debug)]
#[must_use = "dropping it removes the listeners; `.await` it"]
pub struct First<W> {
    waits: W,
}

/// What listens already: [`Next`], [`NextOrError`], and a `&mut` of these. Nothing else implements it.
pub trait Armed: Future + Unpin + private::Sealed {
    /// When it settled, among all that wait; counts on, and over.
    #[doc(hidden)]
    fn poll_settled(&self, cx: &Context<'_>) -> Poll<usize>;
}

/// A tuple of two to four that are [`Armed`]. Nothing else implements it.
#[diagnostic::on_unimplemented(
    message = "`first` cannot wait for `{Self}`",
    label = "not a tuple of two, three or four of what `next` or `next_or_error` returns"
)]
pub trait Race: Unpin + private::Sealed {
    /// Which one it was, and what came of it.
    type Output;

    #[doc(hidden)]
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Self::Output>;
}

mod private {
    #[allow(unnameable_types, reason = "that is the point")]
    pub trait Sealed {}
}

impl<W: Race> Future for First<W> {
    type Output = W::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<W::Output> {
        self.waits.poll(cx)
    }
}

impl<T, H: Sharing> private::Sealed for Next<T, H> {}
impl<T, X, H: Sharing> private::Sealed for NextOrError<T, X, H> {}
impl<W: private::Sealed> private::Sealed for &mut W {}

impl<T, H: Sharing> Armed for Next<T, H> {
    fn poll_settled(&self, cx: &Context<'_>) -> Poll<usize> {
        self.poll_settled(cx)
    }
}

impl<T, X, H: Sharing> Armed for NextOrError<T, X, H> {
    fn poll_settled(&self, cx: &Context<'_>) -> Poll<usize> {
        self.poll_settled(cx)
    }
}

impl<W: Armed> Armed for &mut W {
    fn poll_settled(&self, cx: &Context<'_>) -> Poll<usize> {
        (**self).poll_settled(cx)
    }
}

/// Which of them settled first. All are asked, so that each will wake the task.
fn winner<const N: usize>(settled: [Poll<usize>; N]) -> Poll<usize> {
    let mut best: Option<(usize, usize)> = None;
    for (place, settled) in settled.into_iter().enumerate() {
        let Poll::Ready(when) = settled else { continue };
        // The count starts over when it has run out of numbers.
        let earlier = |than: usize| when.wrapping_sub(than) > usize::MAX / 2;
        if best.is_none_or(|(_, than)| earlier(than)) {
            best = Some((place, when));
        }
    }
    best.map_or(Poll::Pending, |(place, _)| Poll::Ready(place))
}

macro_rules! races {
    ($($(#[$doc:meta])* $one_of:ident ($($wait:ident $place:tt)*))*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[allow(clippy::exhaustive_enums, reason = "one for each place of the tuple")]
        pub enum $one_of<$($wait),*> {
            $(
                #[doc = concat!("It was the one at place ", stringify!($place), ".")]
                $wait($wait),
            )*
        }

        impl<$($wait: Armed),*> private::Sealed for ($($wait,)*) {}

        impl<$($wait: Armed),*> Race for ($($wait,)*) {
            type Output = $one_of<$($wait::Output),*>;

            fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Self::Output> {
                match winner([$(self.$place.poll_settled(cx)),*]) {
                    $(Poll::Ready($place) => Pin::new(&mut self.$place).poll(cx).map($one_of::$wait),)*
                    _ => Poll::Pending,
                }
            }
        }
    )*};
}

races! {
    /// Which of two it was.
    OneOf2 (A 0 B 1)
    /// Which of three it was.
    OneOf3 (A 0 B 1 C 2)
    /// Which of four it was.
    OneOf4 (A 0 B 1 C 2 D 3)
}
