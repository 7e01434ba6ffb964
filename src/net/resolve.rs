//! Names to addresses: on the blocking pool, each name once, and remembered for a while.
//!
//! Each loop has a resolver of its own. Whoever asks for a name that is being looked up waits with those who
//! asked before; when the last of them has lost interest, it is not looked up any more.

use super::hook::{Answer, Hook, tell};
use crate::error::{Error, Result};
use crate::event_loop::{BlockingJob, Handle, JoinHandle, Origin, pool::Kind};
use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs as _};
use std::rc::Rc;
use std::time::Duration;

/// How long the addresses of a name are remembered. The system's resolver does not tell how long they hold, and
/// caches by itself; this spares a burst of connections its thread.
pub(super) const REMEMBERED: Duration = Duration::from_secs(5);
/// The same for a name that was not found: who has just made it should not wait long.
pub(super) const FORGOTTEN: Duration = Duration::from_secs(1);
/// How many names are remembered.
const NAMES: usize = 256;

/// What a name stands for, or why that is not known; the port is for the asker to add.
type Found = Result<Rc<[IpAddr]>>;
type Then = Box<dyn FnOnce(Found)>;

/// Names somebody who waits.
pub(super) enum Ticket {
    /// For the system's answer, maybe with others.
    Shared { resolver: Rc<Resolver>, host: Rc<str>, number: u64 },
    /// For that of the loop's own hook.
    Own(JoinHandle<()>),
}

struct Looking {
    job: BlockingJob,
    waiting: Vec<(u64, Then)>,
}

struct Known {
    found: Found,
    until: Duration,
}

/// Names and addresses, of one loop.
#[derive(Default)]
pub(super) struct Resolver {
    looking: RefCell<HashMap<Rc<str>, Looking>>,
    known: RefCell<HashMap<Rc<str>, Known>>,
    number: Cell<u64>,
    /// How names are looked up on this loop, if not by the system.
    hook: RefCell<Option<Hook>>,
}

thread_local! {
    /// By the serial numbers of the loops of this thread. There is seldom more than one.
    static RESOLVERS: RefCell<HashMap<u32, Rc<Resolver>>> = RefCell::default();
}

impl Resolver {
    /// That of a loop, which is this thread's.
    pub(super) fn of(handle: &Handle) -> Rc<Self> {
        let serial = handle.0.serial;
        // While the thread ends there is nothing to remember.
        let known = RESOLVERS.try_with(|resolvers| resolvers.borrow().get(&serial).cloned());
        if let Ok(Some(known)) = known {
            return known;
        }
        let new = Rc::new(Self::default());
        let kept = Rc::clone(&new);
        let _ = RESOLVERS.try_with(|resolvers| resolvers.borrow_mut().insert(serial, kept));
        handle.at_exit(move || {
            let gone = RESOLVERS.try_with(|resolvers| resolvers.borrow_mut().remove(&serial));
            drop(gone);
        });
        new
    }

    pub(super) fn hook(&self) -> Option<Hook> {
        self.hook.borrow().clone()
    }

    pub(super) fn set_hook(&self, hook: Option<Hook>) {
        let before = self.hook.replace(hook);
        drop(before);
    }

    /// Asks the loop's own hook, if there is one. It is the user's, and may panic: so it is asked before anything begins.
    pub(super) fn ask(&self, host: &str, port: u16) -> Option<Answer> {
        self.hook().map(|hook| hook(host, port))
    }

    /// Calls `then` with what a name stands for, later: by this answer, or as the system says.
    pub(super) fn find(
        self: &Rc<Self>,
        handle: &Handle,
        origin: Origin,
        (host, port): (&str, u16),
        answer: Option<Answer>,
        then: impl FnOnce(Result<Vec<SocketAddr>>) + 'static,
    ) -> Option<Ticket> {
        let Some(answer) = answer else {
            let with_port = move |ip: &IpAddr| SocketAddr::new(*ip, port);
            return self.look_up(handle, origin, host, move |found| {
                then(found.map(|found| found.iter().map(with_port).collect()));
            });
        };
        Some(Ticket::Own(handle.spawn_from(origin, tell(answer, then))))
    }

    /// Calls `then` with what `host` stands for, later: as a tick if that is known, and else when it has been looked
    /// up. It may be called although its ticket was given back, if that comes too late.
    fn look_up(
        self: &Rc<Self>,
        handle: &Handle,
        origin: Origin,
        host: &str,
        then: impl FnOnce(Found) + 'static,
    ) -> Option<Ticket> {
        let host: Rc<str> = host.to_ascii_lowercase().into();
        let known = self.known.borrow().get(&host).map(|known| (known.found.clone(), known.until));
        if let Some((found, _)) = known.filter(|(_, until)| *until > handle.now()) {
            handle.next_tick_from(origin, move || then(found));
            return None;
        }
        let number = self.number.get();
        self.number.set(number + 1);
        let waiting: (u64, Then) = (number, Box::new(then));
        let mut looking = self.looking.borrow_mut();
        if let Some(looking) = looking.get_mut(&host) {
            looking.waiting.push(waiting);
        } else {
            let job = self.begin(handle, origin, &host);
            looking.insert(Rc::clone(&host), Looking { job, waiting: vec![waiting] });
        }
        Some(Ticket::Shared { resolver: Rc::clone(self), host, number })
    }

    fn begin(self: &Rc<Self>, handle: &Handle, origin: Origin, host: &Rc<str>) -> BlockingJob {
        let name = host.to_string();
        let work = move || {
            let found = (name.as_str(), 0).to_socket_addrs()?;
            Ok(found.map(|address| address.ip()).collect::<Vec<_>>())
        };
        let (resolver, on, host) = (Rc::clone(self), handle.clone(), Rc::clone(host));
        handle.spawn_blocking_from(Kind::Dns, origin, work).then(move |found| {
            // Work that was not done says nothing about the name.
            let is_answer = found.is_ok();
            let found = found.and_then(|found: io::Result<_>| found.map_err(failed)).map(distinct);
            if is_answer {
                resolver.remember(on.now(), &host, found.clone());
            }
            resolver.found(&on, origin, &host, found);
        })
    }

    fn found(&self, handle: &Handle, origin: Origin, host: &Rc<str>, found: Found) {
        let looking = self.looking.borrow_mut().remove(host);
        // Each by itself, so that one that panics keeps no other from hearing.
        for (_, then) in looking.into_iter().flat_map(|looking| looking.waiting) {
            let found = found.clone();
            handle.next_tick_from(origin, move || then(found));
        }
    }

    fn remember(&self, now: Duration, host: &Rc<str>, found: Found) {
        let mut known = self.known.borrow_mut();
        if known.len() >= NAMES {
            known.retain(|_, known| known.until > now);
        }
        if known.len() >= NAMES {
            let oldest = known.iter().min_by_key(|(_, known)| known.until);
            let oldest = oldest.map(|(host, _)| Rc::clone(host));
            oldest.and_then(|oldest| known.remove(&oldest));
        }
        let until = now + if found.is_ok() { REMEMBERED } else { FORGOTTEN };
        known.insert(Rc::clone(host), Known { found, until });
    }
}

impl Ticket {
    /// Nobody waits here any more. If nobody else does either, the loop does not wait for the answer.
    pub(super) fn give_back(self) {
        let (resolver, host, number) = match self {
            Self::Shared { resolver, host, number } => (resolver, host, number),
            Self::Own(answer) => return answer.cancel(),
        };
        let mut looking = resolver.looking.borrow_mut();
        let Some(entry) = looking.get_mut(&host) else { return };
        let at = entry.waiting.iter().position(|(waiting, _)| *waiting == number);
        // The others keep their order.
        let gone = at.map(|at| entry.waiting.remove(at));
        let over = if entry.waiting.is_empty() { looking.remove(&host) } else { None };
        drop(looking);
        // Both drop what the user gave.
        drop(gone);
        if let Some(over) = over {
            over.job.unref().cancel();
        }
    }
}

fn failed(error: io::Error) -> Error {
    Error::io("look up", error)
}

/// In the resolver's order, each once.
fn distinct(found: Vec<IpAddr>) -> Rc<[IpAddr]> {
    let mut all: Vec<IpAddr> = Vec::with_capacity(found.len());
    for address in found {
        if !all.contains(&address) {
            all.push(address);
        }
    }
    all.into()
}
