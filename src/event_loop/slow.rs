//! Callbacks that take too long: who is told, and what is seen of them meanwhile.
//!
//! Nobody reads a clock unless somebody wants to be told. Then each call at the bottom of the stack has a
//! [`Frame`]: what is called, and since when. Listeners that emitters call inside of it pass by
//! [`call_listener`], which keeps the slowest; the emitters are brought here by `inspect`.

use super::core::Core;
use super::counters::CallbackKind;
use super::memory::Buffer;
use super::queues::Origin;
use super::source::{Interest, Source};
use super::tokens::core_of;
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Instant;

/// A callback that took too long.
pub(crate) struct Slowness {
    pub(crate) kind: CallbackKind,
    /// In nanoseconds.
    pub(crate) took: u64,
    pub(crate) origin: Option<Origin>,
    pub(crate) source: Option<Rc<dyn Source>>,
    pub(crate) listener: Option<Listener>,
}

/// The slowest of the listeners that were called.
#[derive(Clone, Copy)]
pub(crate) struct Listener {
    pub(crate) origin: Origin,
    /// In nanoseconds, without what listeners took that it called itself.
    pub(crate) took: u64,
}

/// What is being called.
struct Frame {
    kind: CallbackKind,
    origin: Option<Origin>,
    source: Option<Rc<dyn Source>>,
    began: u64,
}

type Callback = Rc<RefCell<dyn FnMut(&Slowness)>>;

struct Hook {
    number: u64,
    threshold: u64,
    callback: Callback,
}

/// Who wants to be told, and what is being called.
#[derive(Default)]
pub(crate) struct Slow {
    on: Cell<bool>,
    hooks: RefCell<Vec<Hook>>,
    number: Cell<u64>,
    frame: RefCell<Option<Frame>>,
}

thread_local! {
    static LISTENERS: Listeners = const { Listeners {
        watching: Cell::new(0),
        slowest: Cell::new(None),
        inner: Cell::new(0),
    } };
}

/// What is seen of the listeners in a frame.
struct Listeners {
    /// How many hooks there are on this thread.
    watching: Cell<usize>,
    slowest: Cell<Option<Listener>>,
    /// What listeners took that the running listener called, in nanoseconds.
    inner: Cell<u64>,
}

impl Listeners {
    fn begin(&self) {
        self.slowest.set(None);
        self.inner.set(0);
    }
}

/// Does somebody on this thread want to know of slow callbacks?
pub(crate) fn is_watching() -> bool {
    LISTENERS.try_with(|all| all.watching.get() != 0).unwrap_or(false)
}

/// Calls a listener that was registered at `origin`, and looks how long it takes.
pub(crate) fn call_listener(origin: Origin, listener: &mut dyn FnMut()) {
    let outer = LISTENERS.try_with(|all| all.inner.replace(0)).unwrap_or(0);
    let began = Instant::now();
    listener();
    let took = u64::try_from(began.elapsed().as_nanos()).unwrap_or(u64::MAX);
    let _ = LISTENERS.try_with(|all| {
        let own = took.saturating_sub(all.inner.replace(outer.saturating_add(took)));
        if all.slowest.get().is_none_or(|slowest| slowest.took < own) {
            all.slowest.set(Some(Listener { origin, took: own }));
        }
    });
}

impl Slow {
    #[inline(always)]
    pub(super) fn is_on(&self) -> bool {
        self.on.get()
    }

    /// What is being called is about this source.
    pub(super) fn about(&self, source: Rc<dyn Source>) {
        let mut frame = self.frame.borrow_mut();
        let before = frame.as_mut().and_then(|frame| frame.source.replace(source));
        drop(frame);
        drop(before);
    }

    fn renew(&self) {
        self.on.set(!self.hooks.borrow().is_empty());
    }

    /// Nobody is told any more.
    pub(super) fn clear(&self) {
        let hooks = self.hooks.take();
        self.renew();
        watch(|watching| watching.saturating_sub(hooks.len()));
        drop(hooks);
    }
}

fn watch(change: impl FnOnce(usize) -> usize) {
    let _ = LISTENERS.try_with(|all| all.watching.set(change(all.watching.get())));
}

/// Has `f` told of callbacks that take `threshold` nanoseconds or more. Gives its number.
pub(super) fn add(core: &Core, threshold: u64, f: impl FnMut(&Slowness) + 'static) -> u64 {
    let slow = &core.slow;
    let number = slow.number.get();
    if core.is_over() {
        return number;
    }
    slow.number.set(number + 1);
    slow.hooks.borrow_mut().push(Hook { number, threshold, callback: Rc::new(RefCell::new(f)) });
    slow.renew();
    watch(|watching| watching + 1);
    // From here on callbacks are looked at also if they leave nothing to do.
    core.unsettled.set(true);
    core.registry.borrow_mut().watch(true);
    let sources = core.registry.borrow().sources();
    sources.iter().for_each(|source| source.observe());
    number
}

/// Takes a hook back, in the loop that it belongs to.
pub(crate) fn remove(serial: u32, number: u64) -> bool {
    let Some(core) = core_of(serial) else { return false };
    let mut hooks = core.slow.hooks.borrow_mut();
    let at = hooks.iter().position(|hook| hook.number == number);
    let removed = at.map(|at| hooks.remove(at));
    drop(hooks);
    core.slow.renew();
    core.registry.borrow_mut().watch(core.slow.is_on());
    if removed.is_some() {
        watch(|watching| watching.saturating_sub(1));
    }
    removed.is_some()
}

/// Puts the frame back that was there before, whether the call returns or panics.
struct Outer<'a> {
    slow: &'a Slow,
    frame: Option<Frame>,
}

impl Drop for Outer<'_> {
    fn drop(&mut self) {
        self.slow.frame.replace(self.frame.take());
    }
}

impl Core {
    /// Calls something while somebody watches.
    #[cold]
    #[inline(never)]
    pub(super) fn call_watched(
        &self,
        kind: CallbackKind,
        origin: Option<Origin>,
        source: Option<Rc<dyn Source>>,
        callback: impl FnOnce(),
    ) {
        let frame = Frame { kind, origin, source, began: self.now() };
        let outer = self.slow.frame.replace(Some(frame));
        let outer = Outer { slow: &self.slow, frame: outer };
        let _ = LISTENERS.try_with(Listeners::begin);
        callback();
        let frame = self.slow.frame.take();
        drop(outer);
        frame.into_iter().for_each(|frame| self.look(&frame));
    }

    /// Tells a source what it is ready for, while somebody watches.
    #[cold]
    pub(super) fn ready_watched(
        &self,
        index: u32,
        source: Rc<dyn Source>,
        readiness: Interest,
        buffer: &mut Buffer,
    ) {
        let origin = self.registry.borrow().birth(index).map(|birth| birth.origin);
        let watched = Some(Rc::clone(&source));
        self.call_watched(CallbackKind::Source, origin, watched, || {
            source.ready(readiness, buffer)
        });
    }

    /// The same as [`run_unsettled`](Self::run_unsettled), while somebody watches. Comes also from inside of a
    /// frame, where something has been told and there is more to tell.
    #[cold]
    pub(super) fn run_unsettled_watched(&self) {
        let outer = self.slow.frame.take();
        outer.iter().for_each(|frame| self.look(frame));
        let mut outer = Outer { slow: &self.slow, frame: outer };
        loop {
            while let Some(tick) = self.next_tick() {
                self.call_watched(CallbackKind::Tick, Some(tick.origin()), None, || tick.run());
            }
            let Some(task) = self.next_task() else { break };
            let origin = *task.metadata();
            self.call_watched(CallbackKind::Future, Some(origin), None, || _ = task.run());
        }
        if let Some(frame) = &mut outer.frame {
            frame.began = self.now();
            let _ = LISTENERS.try_with(Listeners::begin);
        }
    }

    /// Was it too slow? Then tells so.
    fn look(&self, frame: &Frame) {
        let took = self.now().saturating_sub(frame.began);
        let told = |all: &[Hook]| -> Vec<(u64, Callback)> {
            let told = all.iter().filter(|hook| hook.threshold <= took);
            told.map(|hook| (hook.number, Rc::clone(&hook.callback))).collect()
        };
        let told = told(&self.slow.hooks.borrow());
        if told.is_empty() {
            return;
        }
        let &Frame { kind, origin, ref source, .. } = frame;
        let listener = LISTENERS.try_with(|all| all.slowest.get()).unwrap_or(None);
        let slowness = Slowness { kind, took, origin, source: source.clone(), listener };
        for (number, callback) in told {
            // One that another has removed meanwhile is not called any more.
            if self.slow.hooks.borrow().iter().any(|hook| hook.number == number) {
                // A report that runs is not told of itself: it runs in no frame.
                if let Ok(mut callback) = callback.try_borrow_mut() {
                    callback(&slowness);
                }
            }
        }
    }
}
