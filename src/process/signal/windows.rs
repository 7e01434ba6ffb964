//! Windows has Ctrl-C, and its like: a thread hears of them, and posts to all loops that listen.

use super::kind::Signal;
use super::{Inner, Signals};
use crate::event_loop::{Handle, Hook, Remote};
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::io;
use std::rc::{Rc, Weak};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What a process that Ctrl-C has ended gives as its status, `STATUS_CONTROL_C_EXIT`.
const ENDED_BY_CTRL_C: i32 = -0x3FFF_FEC6;

/// Who listens for Ctrl-C, in all loops of the process.
static HEARERS: Mutex<Hearers> =
    Mutex::new(Hearers { all: BTreeMap::new(), number: 0, is_set_up: false });

struct Hearers {
    all: BTreeMap<u64, Hearer>,
    number: u64,
    /// Is there the thread that hears of it? It stays: nobody can take it back.
    is_set_up: bool,
}

struct Hearer {
    remote: Remote,
    /// It has been posted and not told yet: those that come meanwhile are the same.
    posted: Arc<AtomicBool>,
}

thread_local! {
    /// Those of this thread's loops, for what is posted to find.
    static HERE: RefCell<BTreeMap<u64, Weak<Inner>>> = const { RefCell::new(BTreeMap::new()) };
}

fn hearers() -> MutexGuard<'static, Hearers> {
    HEARERS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Is called on a thread of its own.
fn ctrl_c() {
    let hearers = hearers();
    if hearers.all.is_empty() {
        drop(hearers);
        // As the system does by default.
        std::process::exit(ENDED_BY_CTRL_C);
    }
    for (&number, hearer) in &hearers.all {
        let posted = Arc::clone(&hearer.posted);
        if !posted.swap(true, Ordering::SeqCst) {
            // If its loop has just ended, there is nobody to tell.
            let _ = hearer.remote.post(move || {
                posted.store(false, Ordering::SeqCst);
                tell(number);
            });
        }
    }
}

fn tell(number: u64) {
    let inner = HERE.with_borrow(|here| here.get(&number).and_then(Weak::upgrade));
    if let Some(inner) = inner {
        Signals(inner).tell(Signal::Interrupt);
    }
}

/// One signal that is watched. All but Ctrl-C never come.
pub(super) struct Watch {
    pub(super) signal: Signal,
    number: u64,
    hook: Cell<Option<Hook>>,
}

impl Watch {
    pub(super) fn start(signal: Signal, of: &Rc<Inner>) -> io::Result<Rc<Self>> {
        let number = if signal == Signal::Interrupt { hear(of)? } else { 0 };
        let ending = Ending(Rc::clone(of));
        // It is dropped with the loop, whichever way that ends.
        let hook = of.handle.at_exit(move || drop(ending));
        Ok(Rc::new(Self { signal, number, hook: Cell::new(Some(hook)) }))
    }

    pub(super) fn end(&self, _: &Handle) {
        hearers().all.remove(&self.number);
        // While the thread ends there may be none any more.
        let _ = HERE.try_with(|here| here.borrow_mut().remove(&self.number));
        self.hook.take().map(Hook::remove);
    }
}

fn hear(of: &Rc<Inner>) -> io::Result<u64> {
    let mut hearers = hearers();
    if !hearers.is_set_up {
        ctrlc::try_set_handler(ctrl_c).map_err(io::Error::other)?;
        hearers.is_set_up = true;
    }
    hearers.number += 1;
    let number = hearers.number;
    let remote = of.handle.remote().unref();
    hearers.all.insert(number, Hearer { remote, posted: Arc::default() });
    HERE.with_borrow_mut(|here| here.insert(number, Rc::downgrade(of)));
    Ok(number)
}

/// Ends the watches with their loop, and keeps who tells them until then.
struct Ending(Rc<Inner>);

impl Drop for Ending {
    fn drop(&mut self) {
        if self.0.handle.is_over() {
            Signals(Rc::clone(&self.0)).close();
        }
    }
}
