//! Those children of a loop whose end is told by `SIGCHLD`, which does not say whose.

use super::{Child, Inner};
use crate::emitter::Emitter as _;
use crate::emitter::names::{ChildChanged, Error as Failed};
use crate::error::Result;
use crate::event_loop::{Handle, Origin};
use crate::process::signal::{Signals, signals};
use std::cell::RefCell;
use std::panic::Location;
use std::rc::{Rc, Weak};

thread_local! {
    static LAST: RefCell<Weak<Reaper>> = const { RefCell::new(Weak::new()) };
}

/// Lives as long as a child has it.
pub(super) struct Reaper {
    handle: Handle,
    signals: Signals,
    origin: Origin,
    children: RefCell<Vec<Weak<Inner>>>,
}

/// That of a loop.
pub(super) fn of(handle: &Handle) -> Result<Rc<Reaper>> {
    let last = LAST.with_borrow(Weak::upgrade);
    if let Some(reaper) = last.filter(|reaper| reaper.handle.is_same(handle)) {
        return Ok(reaper);
    }
    let reaper = Rc::new(Reaper {
        handle: handle.clone(),
        signals: handle.enter(signals)?,
        origin: Location::caller(),
        children: RefCell::default(),
    });
    let [told, failed] = [Rc::downgrade(&reaper), Rc::downgrade(&reaper)];
    reaper.signals.on(ChildChanged, move |_, ()| {
        told.upgrade().iter().for_each(look);
    });
    reaper.signals.on(Failed, move |_, _| {
        let children = failed.upgrade().map(|reaper| reaper.children());
        children.iter().flatten().for_each(Child::look_from_time_to_time);
    });
    LAST.set(Rc::downgrade(&reaper));
    Ok(reaper)
}

impl Reaper {
    pub(super) fn add(&self, child: &Child) {
        let mut children = self.children.borrow_mut();
        // Those that have gone leave their place to those that come, before there are twice as many.
        if children.len() == children.capacity() {
            children.retain(|child| child.strong_count() > 0);
        }
        children.push(Rc::downgrade(&child.0));
    }

    fn children(&self) -> Vec<Child> {
        let running = |child: &Child| !child.0.over.get();
        let all = self.children.borrow();
        all.iter().filter_map(Weak::upgrade).map(Child).filter(running).collect()
    }
}

/// Some child has ended.
fn look(reaper: &Rc<Reaper>) {
    let others = Others(reaper);
    reaper.children().iter().for_each(Child::look);
    std::mem::forget(others);
    reaper
        .children
        .borrow_mut()
        .retain(|child| child.upgrade().is_some_and(|child| !child.over.get()));
}

/// If a listener of one panics, the others are looked at all the same: no signal comes again for them.
struct Others<'a>(&'a Rc<Reaper>);

impl Drop for Others<'_> {
    fn drop(&mut self) {
        let reaper = Rc::clone(self.0);
        self.0.handle.defer(self.0.origin, move || look(&reaper));
    }
}

impl Drop for Reaper {
    fn drop(&mut self) {
        self.signals.close();
    }
}

#[cfg(test)]
mod tests {
    use crate::emitter::Emitter as _;
    use crate::emitter::names::{Close, Exit};
    use crate::event_loop::{EventLoop, set_timeout};
    use crate::process::{Signal, spawn};
    use rustix::process::{Pid, WaitId, WaitIdOptions, waitid};
    use std::cell::Cell;
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::rc::Rc;
    use std::time::Duration;

    #[test]
    fn a_listener_that_panics_keeps_no_other_child_from_closing() {
        let (closed, bad) = (Rc::new(Cell::new(0)), Rc::new(Cell::new(true)));
        let event_loop = EventLoop::new().unwrap();
        event_loop.enter(|| {
            let children: Vec<_> = (0..3).map(|_| spawn("cat", [""; 0]).unwrap()).collect();
            for child in &children {
                child.watch_otherwise();
                let (closed, bad) = (Rc::clone(&closed), Rc::clone(&bad));
                child.on(Exit, move |_, _| assert!(!bad.take(), "the first"));
                child.on(Close, move |_, _| closed.set(closed.get() + 1));
            }
            set_timeout(Duration::from_millis(5), move || {
                // All end before anybody looks, so that they are found by one signal.
                for child in &children {
                    let id = child.id().and_then(|id| Pid::from_raw(id.try_into().unwrap()));
                    child.kill(Signal::Kill).unwrap();
                    let ended = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
                    waitid(WaitId::Pid(id.unwrap()), ended).unwrap();
                }
            });
            set_timeout(Duration::from_secs(30), || panic!("it hangs")).unref();
        });
        let run = || catch_unwind(AssertUnwindSafe(|| event_loop.run()));
        assert!(run().is_err());
        run().unwrap().unwrap();
        assert_eq!(closed.get(), 3);
    }
}
