//! How much of a turn goes to what is done at once, on the loop, and who waits for the next.

use crate::event_loop::{Handle, Origin};
use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::{Rc, Weak};
use std::task::Waker;

/// Bytes per turn, for all operations of a loop together: a tenth of a millisecond on a slow machine.
const BYTES_PER_TURN: usize = 256 * 1024;
/// What an operation costs besides the bytes that it moves: the time of so many.
pub(super) const BASE: usize = 2 * 1024;

thread_local! {
    static SHARE: Share = const {
        Share { turn: Cell::new(u64::MAX), left: Cell::new(0), line: RefCell::new(Weak::new()) }
    };
}

struct Share {
    turn: Cell<u64>,
    left: Cell<usize>,
    line: RefCell<Weak<Line>>,
}

/// Those who wait, first in, first out. The loop keeps it, as a closure that is due in the next turn.
struct Line {
    handle: Handle,
    waiting: RefCell<VecDeque<Rc<Place>>>,
}

/// A place in the line. Whoever drops it has left.
pub(super) struct Place {
    called: Cell<bool>,
    waker: RefCell<Option<Waker>>,
}

impl Place {
    /// Is it its turn?
    pub(super) fn is_called(&self) -> bool {
        self.called.get()
    }

    pub(super) fn wake_by(&self, waker: &Waker) {
        let before = self.waker.replace(Some(waker.clone()));
        drop(before);
    }
}

/// May something be done at once?
pub(super) fn is_free(handle: &Handle) -> bool {
    SHARE.with(|share| {
        share.begin(handle);
        share.left.get() > 0 && share.line(handle).is_none_or(|line| line.is_empty())
    })
}

/// So much has been done. If there is more to spend, the next in the line may go on.
pub(super) fn spend(handle: &Handle, cost: usize) {
    let next = SHARE.with(|share| {
        share.begin(handle);
        share.left.set(share.left.get().saturating_sub(cost));
        if share.left.get() > 0 { share.line(handle) } else { None }
    });
    if let Some(line) = next {
        line.call_next();
    }
}

/// Takes a place at the end of the line.
pub(super) fn wait(handle: &Handle, origin: Origin) -> Rc<Place> {
    let line = SHARE.with(|share| share.line(handle));
    let line = line.unwrap_or_else(|| {
        let line = Rc::new(Line { handle: handle.clone(), waiting: RefCell::default() });
        SHARE.with(|share| share.line.replace(Rc::downgrade(&line)));
        serve_next_turn(Rc::clone(&line), origin);
        line
    });
    let place = Rc::new(Place { called: Cell::new(false), waker: RefCell::new(None) });
    line.waiting.borrow_mut().push_back(Rc::clone(&place));
    place
}

/// One is called in each turn, whatever became of those who were called before: nobody has to wait for somebody
/// who does not go on. Each who does calls the next.
fn serve_next_turn(line: Rc<Line>, origin: Origin) {
    let handle = line.handle.clone();
    handle.defer(origin, move || {
        line.call_next();
        if !line.is_empty() {
            serve_next_turn(line, origin);
        }
    });
}

impl Share {
    fn begin(&self, handle: &Handle) {
        if self.turn.replace(handle.turns()) != handle.turns() {
            self.left.set(BYTES_PER_TURN);
        }
    }

    fn line(&self, handle: &Handle) -> Option<Rc<Line>> {
        self.line.borrow().upgrade().filter(|line| line.handle.is_same(handle))
    }
}

impl Line {
    fn is_empty(&self) -> bool {
        self.waiting.borrow().is_empty()
    }

    fn call_next(&self) {
        loop {
            let next = self.waiting.borrow_mut().pop_front();
            let Some(place) = next else { return };
            // Else it has left.
            if Rc::strong_count(&place) > 1 {
                place.called.set(true);
                let waker = place.waker.take();
                return waker.into_iter().for_each(Waker::wake);
            }
        }
    }
}
