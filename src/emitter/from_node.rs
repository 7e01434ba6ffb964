//! For those who know Node's `EventEmitter`: its words beside ours, and where this one decides otherwise.
//!
//! ```js
//! class Room extends EventEmitter {}
//! const room = new Room();
//! room.on('joined', name => console.log(`hello ${name}`));
//! room.once('closed', () => console.log('good night'));
//! room.emit('joined', 'ada');
//! room.emit('closed');
//! ```
//!
//! ```
//! use onward::{Emitter, events};
//!
//! events! { Room { Joined(&str), Closed() } }
//! let room = Room::new();
//! room.on(Joined, |_, name| println!("hello {name}"));
//! room.once(Closed, |_, ()| println!("good night"));
//! room.emit(Joined, "ada");
//! room.emit(Closed, ());
//! ```
//!
//! # The words
//!
//! | Node | here |
//! |---|---|
//! | `class Room extends EventEmitter` | [`events!`](crate::events!), or [`EventEmitter`] in a type of your own |
//! | `on`, `addListener` | [`on`](Emitter::on) |
//! | `once` | [`once`](Emitter::once) |
//! | `prependListener`, `prependOnceListener` | [`prepend`](Emitter::prepend), [`prepend_once`](Emitter::prepend_once); between those in front and the others there are [groups](Emitter::on_group) |
//! | `off(name, f)`, `removeListener(name, f)` | [`off(listener)`](Emitter::off), with what `on` returned |
//! | `removeAllListeners(name)`, `removeAllListeners()` | [`remove_all_of(Joined)`](Emitter::remove_all_of), [`remove_all()`](Emitter::remove_all) |
//! | `emit(name, ...args)`, and what it returns | `emit(Joined, payload)`, [`Emitted::handled`] |
//! | `listenerCount(name)`, `eventNames()` | [`listener_count(Joined)`](Emitter::listener_count), [`event_names()`](Emitter::event_names) |
//! | `listeners(name)`, `rawListeners(name)` | [`dump()`](Watching::dump), or `{room:#?}`: where each was registered |
//! | `newListener`, `removeListener` (the events) | [`ListenerAdded`](crate::events::ListenerAdded), [`ListenerRemoved`](crate::events::ListenerRemoved) |
//! | `setMaxListeners(n)`, `getMaxListeners()`, `defaultMaxListeners` | [`set_max_listeners`](Watching::set_max_listeners), [`max_listeners`](Watching::max_listeners), [`set_default_max_listeners`](super::set_default_max_listeners) |
//! | `MaxListenersExceededWarning` | [`ListenerLeak`](crate::events::ListenerLeak), with the places of the registrations |
//! | an `async` listener, `captureRejections` | `on_async`, `on_try_async`, in a loop: `onward::OnAsync` |
//! | `process.nextTick(() => room.emit(..))` | `room.emit_later(Joined, ..)`, in a loop |
//! | `try` and `catch` around each listener | [`Options`](super::Options)`::isolate_panics`; [`on_try`](Routing::on_try) for a listener that returns an error |
//! | `emit('error', e)` | `emit_error(e)`, see [`EventEmitter::emit_error`] |
//! | `errorMonitor` | [`ErrorMonitor`](crate::events::ErrorMonitor) |
//! | `this` in a listener | its first argument |
//! | `await once(room, 'joined')` | [`next_or_error(Joined).await`](Waiting::next_or_error), or [`next`](Waiting::next), which leaves errors alone |
//! | `for await (const [name] of on(room, 'joined'))` | [`stream_or_error(Joined)`](Waiting::stream_or_error), or [`stream`](Waiting::stream) |
//! | `Promise.race([once(..), once(..)])` | [`first`](super::first()), which says which one it was |
//! | `AbortSignal.timeout(ms)` | `onward::timeout(duration, room.next(Joined))`, in a loop |
//! | `{ highWaterMark }` of `events.on`, which pauses the emitter | [`stream(..).capacity(n).block()`](super::Events::block), for a [`Pausable`](super::Pausable) |
//! | `{ signal }`, `addAbortListener` | drop the future, the stream, or the [`Subscription`](super::Subscription) of [`on_scoped`](Emitter::on_scoped); many at once in a bag of [`Subscriptions`](super::Subscriptions) |
//! | `{ weak }`, in Node's own `EventTarget` | [`on_weak`](Emitter::on_weak), [`on_state`](Emitter::on_state) |
//! | `many`, `onAny`, `listenTo` of EventEmitter2 | [`many`](Emitter::many), [`on_any`](Watching::on_any), [`relay`](Routing::relay) |
//! | its wildcards, `on('chat.*', ..)` | [`NamedEmitter::on_pattern`](super::named::NamedEmitter::on_pattern) |
//! | `emitAsync` of EventEmitter2 | `room.emit_async(Joined, ..).await`, or `emit_serial`, in a loop |
//! | an emitter for several worker threads | `events! { sync Room { .. } }`, see [`onward::sync`](crate::sync) |
//! | a name made at run time, a symbol | [`NamedEmitter`](super::named::NamedEmitter) with a [`Name`](super::named::Name) or a [`Key`](super::named::Key) |
//!
//! # What is the same
//!
//! Listeners run in the order of registration, before `emit` returns. What is added during an emit runs in the next
//! one. `once` removes, then calls, so of two `once` listeners and a nested emit each is called once. What throws, or
//! panics, passes out of `emit`, and the listeners after it are not called. An error monitor runs first and does not
//! count as a handler. An event leaves `event_names` with its last listener.
//!
//! The tests in `tests/node_parity` ask for all of this. Each has the name of the file in Node's suite that it answers.
//!
//! # What differs, and why
//!
//! | | Node | here | since |
//! |---|---|---|---|
//! | a listener that an earlier one removes during an emit | is called in that emit still | is not called any more, unless [`Removal::Snapshot`](super::Removal::Snapshot) is chosen | who has removed a listener may have freed what it needs; the DOM, Qt and Boost do the same |
//! | a listener that emits its own event | is entered again | is skipped, and [`Emitted::skipped`] says so; [`on_reentrant`](Emitter::on_reentrant) is entered | an `FnMut` cannot be entered twice |
//! | an error that nobody listens for | is thrown out of `emit` | is handed back, as `Err(`[`Unhandled`](super::Unhandled)`)` | the caller decides, and the compiler reminds it |
//! | `emit('error')` from anywhere | is allowed | only who has the [`EventEmitter`] raises events of a type of its own | subscribing is everyone's, raising is not |
//! | what an error may be | anything; what is no `Error` is wrapped | what the declaration says, which may be anything | |
//! | a wrong name, a wrong argument | nothing happens, or `undefined` arrives | does not compile | |
//! | `on` and its like return | the emitter, to chain | a [`Listener`](super::Listener), for `off` | closures have no identity to be removed by |
//! | one function added twice | `off` removes the latest of the two | each has its own handle | |
//! | `listeners(name)` | copies of the functions | places in the source | an `FnMut` cannot be called from two places |
//! | how many listeners are suspect | more than 10 | more than 1,000; 0 is never here too | a server's events have many listeners, and a leak passes any number |
//! | `setMaxListeners(n)` returns | the emitter | nothing | |
//! | a `newListener` listener that adds a listener of its own event | is entered again | is not, as with any `on` | |
//! | what is added during `removeAllListeners` | may go with the rest | stays | |
//! | emits that go round in a circle | overflow the stack | panic with the chain of events by name, see [`Options`](super::Options) | |
//! | arguments | all listeners share the objects | a `&T` is shared, a `&mut T` lent in turn, a value cloned for all but the last | ownership |
//! | `events.once`, and the emitter is gone | stays pending for ever | ends with [`Gone`](super::Gone) | |
//! | two `await once(..)` in turn, and two events at once | the second is missed | is not, if both are made before the first is awaited | they listen from the moment they are made |
//! | `events.on` | queues without bound | is bounded; [`Events`](super::Events) says what a full queue does | memory |
//! | several `next()` of one iterator at once | are served in turn | cannot be: `next` borrows the stream | |
//! | `addListener`, `removeListener` | are other names of `on` and `off` | there are none | one name for one thing |
//!
//! The first of these in code:
//!
//! ```
//! use std::cell::Cell;
//! use std::rc::Rc;
//! use onward::{Emitter, events};
//!
//! events! { Room { Closed() } }
//! let (room, second) = (Room::new(), Rc::new(Cell::new(None)));
//! let removed = Rc::clone(&second);
//! room.on(Closed, move |room, ()| {
//!     if let Some(second) = removed.take() {
//!         room.off(second);
//!     }
//! });
//! second.set(Some(room.on(Closed, |_, ()| println!("Node prints this, once"))));
//! assert_eq!(room.emit(Closed, ()).called, 1);
//! ```

#[allow(unused_imports, reason = "for the links above")]
use super::{Emitted, Emitter, EventEmitter, Routing, Waiting, Watching};
