//! Sources that can be asked to wait.

use super::subscribing::Emitter;

/// An emitter that can stop emitting for a while, without losing anything. A stream of its events can
/// then be bounded and complete: see [`Events::block`](super::Events::block).
///
/// ```
/// use std::cell::Cell;
/// use std::rc::Rc;
///
/// use onward::emitter::Pausable;
/// use onward::{Emitter, Waiting, EventEmitter, Listeners, events};
///
/// /// A handle; clones are the same feed.
/// #[derive(Clone, Default)]
/// struct Feed(Rc<Inner>);
///
/// #[derive(Default)]
/// struct Inner { emitter: EventEmitter<Feed>, paused: Cell<bool> }
///
/// events! { for Feed { Item(u32) } }
///
/// impl Emitter for Feed {
///     fn listeners(&self) -> &Listeners<Feed> {
///         &self.0.emitter
///     }
/// }
///
/// impl Pausable for Feed {
///     fn pauser(&self) -> impl Fn(bool) + 'static {
///         let feed = Rc::downgrade(&self.0); // it does not keep the feed alive
///         move |pause| if let Some(feed) = feed.upgrade() { feed.paused.set(pause) }
///     }
/// }
///
/// let feed = Feed::default();
/// let items = feed.stream(Item).capacity(2).block();
/// feed.0.emitter.emit(&feed, Item, 1);
/// assert!(!feed.0.paused.get());
/// feed.0.emitter.emit(&feed, Item, 2);
/// assert!(feed.0.paused.get()); // the stream is full
/// drop(items);
/// assert!(!feed.0.paused.get());
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be paused",
    label = "not `Pausable`",
    note = "a stream that blocks pauses its source; choose what is to be lost by `overflow`, or `strict`"
)]
pub trait Pausable: Emitter {
    /// Gives a closure that pauses the source if it is called with `true`, and lets it go on if it is
    /// called with `false`.
    ///
    /// The closure must not keep the source alive: it should hold a weak reference, and do nothing
    /// when the source is gone. It is called from inside of listeners. Events that the source emits
    /// between the call and the moment at which it really rests are taken.
    fn pauser(&self) -> impl Fn(bool) + 'static;
}
