//! What this process does with a signal: one table for all its loops.
//!
//! The registry of handlers that the crates of the field share never takes its handler off a signal again.
//! So the handler of the first who listens does what the system would, for as long as nobody listens: the signal
//! ends the process then, with the status of one that it ended.

use signal_hook::low_level::{pipe, unregister};
use signal_hook::{SigId, flag};
use std::collections::BTreeMap;
use std::io;
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// Every signal that somebody has listened for.
static ALL: Mutex<BTreeMap<i32, Fate>> = Mutex::new(BTreeMap::new());

struct Fate {
    catches: usize,
    /// Nobody listens: the handler does as the system does by default.
    unheard: Arc<AtomicBool>,
}

impl Fate {
    /// Of a signal that nobody has listened for yet.
    fn of(number: i32) -> io::Result<Self> {
        let unheard = Arc::new(AtomicBool::new(true));
        // One that was ignored, or that others have caught, is theirs again when nobody listens here.
        if is_default(number) {
            flag::register_conditional_default(number, Arc::clone(&unheard))?;
        }
        Ok(Self { catches: 0, unheard })
    }
}

/// Does the system do with this signal what it does by default?
#[cfg(target_os = "linux")]
fn is_default(number: i32) -> bool {
    let Ok(status) = std::fs::read_to_string("/proc/self/status") else { return true };
    let is_in = |name| {
        let mask = status.lines().find_map(|line| line.strip_prefix(name));
        let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
        mask.is_some_and(|mask| mask >> (number - 1) & 1 == 1)
    };
    !is_in("SigIgn:") && !is_in("SigCgt:")
}

/// There is no way to ask that is safe.
#[cfg(not(target_os = "linux"))]
fn is_default(_: i32) -> bool {
    true
}

/// As long as this lives, a signal is noted and does nothing else.
pub(super) struct Catch {
    number: i32,
    ids: [SigId; 2],
}

impl Catch {
    /// From here on the signal sets `came`, and then writes to the pipe.
    pub(super) fn start(number: i32, came: Arc<AtomicBool>, to: UnixStream) -> io::Result<Self> {
        let mut all = ALL.lock().unwrap_or_else(PoisonError::into_inner);
        if let std::collections::btree_map::Entry::Vacant(place) = all.entry(number) {
            place.insert(Fate::of(number)?);
        }
        let noting = flag::register(number, came)?;
        let writing = pipe::register(number, to).inspect_err(|_| _ = unregister(noting))?;
        if let Some(fate) = all.get_mut(&number) {
            fate.catches += 1;
            // Not before somebody hears it.
            fate.unheard.store(false, Ordering::SeqCst);
        }
        Ok(Self { number, ids: [noting, writing] })
    }
}

impl Drop for Catch {
    fn drop(&mut self) {
        let mut all = ALL.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(fate) = all.get_mut(&self.number) {
            fate.catches -= 1;
            // Before the last stops to hear it.
            fate.unheard.store(fate.catches == 0, Ordering::SeqCst);
        }
        self.ids.into_iter().for_each(|id| _ = unregister(id));
    }
}
