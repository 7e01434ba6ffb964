//! Those children of a loop whose end is told by `SIGCHLD`, which does not say whose.

use super::{Child, Inner};
use crate::emitter::Emitter as _;
use crate::emitter::names::{ChildChanged, Error as Failed};
use crate::error::Result;
use crate::event_loop::Handle;
use crate::process::signal::{Signals, signals};
use std::cell::RefCell;
use std::rc::{Rc, Weak};

thread_local! {
    static LAST: RefCell<Weak<Reaper>> = const { RefCell::new(Weak::new()) };
}

/// Lives as long as a child has it.
pub(super) struct Reaper {
    handle: Handle,
    signals: Signals,
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
        children: RefCell::default(),
    });
    let [told, failed] = [Rc::downgrade(&reaper), Rc::downgrade(&reaper)];
    reaper.signals.on(ChildChanged, move |_, ()| {
        told.upgrade().iter().for_each(|reaper| reaper.look());
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

    /// Some child has ended.
    fn look(&self) {
        let children = self.children();
        children.iter().for_each(Child::look);
        self.children
            .borrow_mut()
            .retain(|child| child.upgrade().is_some_and(|child| !child.over.get()));
    }
}

impl Drop for Reaper {
    fn drop(&mut self) {
        self.signals.close();
    }
}
