//! Work on a pipe or a file that would block the loop, done on another thread.

use crate::error::Result;
use crate::event_loop::{Handle, Origin};

/// Files are read by the pool: that always comes to an end.
#[cfg(unix)]
pub(super) fn elsewhere<T: Send + 'static>(
    handle: &Handle,
    origin: Origin,
    counted: bool,
    work: impl FnOnce() -> T + Send + 'static,
    then: impl FnOnce(Result<T>) + 'static,
) {
    use crate::event_loop::pool;
    let job = handle.spawn_blocking_from(pool::Kind::Fs, origin, work).then(then);
    if !counted {
        job.unref();
    }
}

/// A pipe makes one wait for as long as its other end likes, which would hold up all others in a pool. So each
/// such wait has a thread.
#[cfg(windows)]
pub(super) fn elsewhere<T: Send + 'static>(
    handle: &Handle,
    origin: Origin,
    counted: bool,
    work: impl FnOnce() -> T + Send + 'static,
    then: impl FnOnce(Result<T>) + 'static,
) {
    use crate::error::Error;
    use std::cell::Cell;
    use std::rc::Rc;

    type Then<T> = Cell<Option<Box<dyn FnOnce(Result<T>)>>>;
    let then: Rc<Then<T>> = Rc::new(Cell::new(Some(Box::new(then))));
    let ticket = handle.keep(Rc::clone(&then) as Rc<dyn std::any::Any>);
    let remote = if counted { handle.remote() } else { handle.remote().unref() };
    let thread = std::thread::Builder::new().name("onward-pipe".into());
    let started = thread.spawn(move || {
        let result = work();
        // If the loop has ended, nobody wants to know.
        let _ = remote.post(move || {
            let then = ticket.find::<Then<T>>("read").ok().and_then(|then| then.take());
            if let Some(then) = then {
                then(Ok(result));
            }
        });
    });
    if let Err(error) = started {
        handle.defer(origin, move || {
            if let Some(then) = then.take() {
                then(Err(Error::io("start thread", error)));
            }
        });
    }
}
