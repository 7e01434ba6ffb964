//! One signal that is watched: its handler writes a byte to a pipe, which the loop reads.

use super::caught::Catch;
use super::kind::Signal;
use super::{Inner, Signals};
use crate::error::Error;
use crate::event_loop::{
    Buffer, Description, Descriptor, Handle, Interest, Key, ResourceKind, Source, Trigger,
};
use std::cell::{Cell, RefCell};
use std::io::{self, Read as _};
use std::os::fd::AsFd as _;
use std::os::unix::net::UnixStream;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

pub(super) struct Watch {
    pub(super) signal: Signal,
    /// Who tells it; let go when the watch ends.
    of: RefCell<Option<Rc<Inner>>>,
    pipe: UnixStream,
    /// Has it come? The pipe alone cannot tell: a child that was forked off has it too, and the handler.
    came: Arc<AtomicBool>,
    catch: Cell<Option<Catch>>,
    key: Cell<Option<Key>>,
}

impl Watch {
    pub(super) fn start(signal: Signal, of: &Rc<Inner>) -> io::Result<Rc<Self>> {
        let (read, write) = UnixStream::pair()?;
        read.set_nonblocking(true)?;
        write.set_nonblocking(true)?;
        let came = Arc::new(AtomicBool::new(false));
        let catch = Catch::start(signal.number(), Arc::clone(&came), write)?;
        let watch = Rc::new(Self {
            signal,
            of: RefCell::new(Some(Rc::clone(of))),
            pipe: read,
            came,
            catch: Cell::new(Some(catch)),
            key: Cell::new(None),
        });
        let source = Rc::clone(&watch) as Rc<dyn Source>;
        let key = of.handle.add_source(source, Trigger::Level, of.origin);
        of.handle.count_source(key, false);
        of.handle.want(key, Interest::READ);
        watch.key.set(Some(key));
        Ok(watch)
    }

    fn owner(&self) -> Option<Rc<Inner>> {
        self.of.borrow().clone()
    }

    pub(super) fn end(&self, handle: &Handle) {
        drop(self.catch.take());
        drop(self.of.take());
        if let Some(key) = self.key.take() {
            handle.remove_source(key);
        }
    }
}

impl Source for Watch {
    fn describe(&self) -> Description {
        Description { kind: ResourceKind::Signal, target: self.signal.to_string() }
    }

    fn observe(&self) {
        self.owner().into_iter().for_each(|of| of.emitter.observe());
    }

    fn lend(&self, to: &mut dyn FnMut(Descriptor<'_>) -> io::Result<()>) -> io::Result<()> {
        to(self.pipe.as_fd())
    }

    fn ready(self: Rc<Self>, _: Interest, _: &mut Buffer) {
        let mut pipe = &self.pipe;
        while matches!(pipe.read(&mut [0; 64]), Ok(1..)) {}
        // After the pipe is empty: what comes from here on writes to it again.
        let came = self.came.swap(false, Ordering::SeqCst);
        if let Some(of) = self.owner().filter(|_| came) {
            let (signals, watch) = (Signals(of), Rc::clone(&self));
            let handle = signals.0.handle.clone();
            handle.behind_poll(signals.0.origin, move || {
                // Not if its last listener has gone meanwhile.
                if watch.owner().is_some() {
                    signals.0.handle.about(|| watch.clone());
                    signals.tell(watch.signal);
                }
            });
        }
    }

    fn refused(self: Rc<Self>, error: io::Error) {
        if let Some(of) = self.owner() {
            let signals = Signals(of);
            // It would be caught, and nobody would hear of it.
            signals.forget(&self);
            signals.tell_error(Error::io("watch signal", error).on(self.signal));
        }
    }

    fn shut(self: Rc<Self>) {
        if let Some(of) = self.owner() {
            Signals(of).close();
        }
    }
}
