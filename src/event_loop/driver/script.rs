//! What a simulated driver is to tell, and when: for the crate's own tests.
//!
//! A [`Scripted`] descriptor is known to the script alone. It becomes ready when a step says so, and stays so until
//! another one, or its source, says that it is drained. Of each level that is wanted the loop hears in each wait, of an
//! edge once, in the order in which they came to be ready. What a step *reports* is told as it is, to whoever stands
//! at that place: so readiness can be spurious, or come too late.

use super::system::Ready;
use crate::event_loop::source::{Descriptor, Interest, Trigger};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io;
use std::rc::Rc;

/// What happens at a certain time.
pub(crate) enum Step {
    /// A descriptor comes to be ready for this, besides what it is ready for.
    Ready(u64, Interest),
    /// It is not ready any more.
    Drained(u64),
    /// A place of the registry is told this, whatever is so.
    Report(u32, Interest),
    /// The wait ends without anything, as a signal makes it.
    Break,
    /// The wait fails.
    Fail(io::ErrorKind),
    /// From here on, this descriptor is refused.
    Refuse(u64),
}

struct Scripted {
    descriptor: u64,
    is: Interest,
    told: Option<(u32, Interest, Trigger)>,
    /// An edge that has not been told yet.
    fresh: bool,
    refused: bool,
}

#[derive(Default)]
struct State {
    steps: BTreeMap<(u64, u64), Step>,
    /// How many steps there have been.
    count: u64,
    /// In the order in which they came to be ready.
    scripted: Vec<Scripted>,
    breaks: bool,
    said: Vec<String>,
}

/// Clones share it.
#[derive(Clone, Default)]
pub(crate) struct Script(Rc<RefCell<State>>);

fn number(descriptor: Descriptor<'_>) -> u64 {
    #[cfg(unix)]
    let raw = std::os::fd::AsRawFd::as_raw_fd(&descriptor).unsigned_abs().into();
    #[cfg(windows)]
    let raw = std::os::windows::io::AsRawSocket::as_raw_socket(&descriptor);
    raw
}

impl Script {
    /// A descriptor that is the script's from now on; its number is what the steps name it by.
    pub(crate) fn claim(&self, descriptor: Descriptor<'_>) -> u64 {
        let descriptor = number(descriptor);
        let (is, told, fresh, refused) = (Interest::NONE, None, false, false);
        self.0.borrow_mut().scripted.push(Scripted { descriptor, is, told, fresh, refused });
        descriptor
    }

    /// It is closed: its number may come again.
    pub(crate) fn release(&self, descriptor: u64) {
        self.0.borrow_mut().scripted.retain(|one| one.descriptor != descriptor);
    }

    pub(crate) fn at(&self, when: u64, step: Step) {
        let mut state = self.0.borrow_mut();
        let number = state.count;
        state.count += 1;
        state.steps.insert((when, number), step);
    }

    /// What the loop has told its driver since the last time.
    pub(crate) fn said(&self) -> String {
        std::mem::take(&mut self.0.borrow_mut().said).join(" ")
    }

    /// The descriptor is not ready any more: its source has taken all.
    pub(crate) fn drain(&self, descriptor: u64) {
        self.0.borrow_mut().perform(Step::Drained(descriptor), &mut Ready::default()).unwrap();
    }

    /// It is not ready for this any more; for the rest it is as before.
    pub(crate) fn exhaust(&self, descriptor: u64, what: Interest) {
        let mut state = self.0.borrow_mut();
        let one = state.scripted.iter_mut().find(|one| one.descriptor == descriptor);
        one.into_iter().for_each(|one| one.is = one.is.without(what));
    }

    /// Interest is told, or taken back. `None`: it is not one of those here.
    pub(crate) fn tell(
        &self,
        descriptor: Descriptor<'_>,
        told: Option<(u32, Interest, Trigger)>,
    ) -> Option<io::Result<()>> {
        let (mut state, descriptor) = (self.0.borrow_mut(), number(descriptor));
        let one = state.scripted.iter_mut().find(|one| one.descriptor == descriptor)?;
        if one.refused && told.is_some() {
            return Some(Err(io::ErrorKind::PermissionDenied.into()));
        }
        let verb = match (one.told, told) {
            (None, Some(_)) => "add",
            (Some(_), Some(_)) => "modify",
            (_, None) => "delete",
        };
        (one.told, one.fresh) = (told, true);
        state.said.push(verb.to_string());
        Some(Ok(()))
    }

    /// Does what is to happen until now, and adds what is ready.
    pub(crate) fn happen(&self, now: u64, ready: &mut Ready) -> io::Result<()> {
        let mut state = self.0.borrow_mut();
        while let Some(entry) = state.steps.first_entry().filter(|entry| entry.key().0 <= now) {
            let step = entry.remove();
            state.perform(step, ready)?;
        }
        for one in &mut state.scripted {
            let Some((index, interest, trigger)) = one.told else { continue };
            let is = one.is & interest.with_end();
            if !is.is_none() && (one.fresh || trigger == Trigger::Level) {
                one.fresh = false;
                ready.push(index, is);
            }
        }
        Ok(())
    }

    /// When the next step is.
    pub(crate) fn next(&self) -> Option<u64> {
        self.0.borrow().steps.first_key_value().map(|((when, _), _)| *when)
    }

    /// Is this wait to end with nothing?
    pub(crate) fn take_break(&self) -> bool {
        std::mem::take(&mut self.0.borrow_mut().breaks)
    }
}

impl State {
    fn perform(&mut self, step: Step, ready: &mut Ready) -> io::Result<()> {
        let of = |state: &mut Self, descriptor| {
            state.scripted.iter().position(|one| one.descriptor == descriptor)
        };
        match step {
            Step::Ready(descriptor, is) => {
                if let Some(at) = of(self, descriptor) {
                    let mut one = self.scripted.remove(at);
                    (one.is, one.fresh) = (one.is | is, true);
                    self.scripted.push(one);
                }
            }
            Step::Drained(descriptor) => {
                of(self, descriptor)
                    .into_iter()
                    .for_each(|at| self.scripted[at].is = Interest::NONE);
            }
            Step::Refuse(descriptor) => {
                of(self, descriptor).into_iter().for_each(|at| self.scripted[at].refused = true);
            }
            Step::Report(index, readiness) => ready.push(index, readiness),
            Step::Break => self.breaks = true,
            Step::Fail(kind) => return Err(kind.into()),
        }
        Ok(())
    }
}
