//! How a child is told to end.

use super::Child;
use crate::error::{Error, Result};
use std::fmt;
use std::io;
use std::time::Duration;

/// A signal to [send](Child::kill) to a child.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Signal {
    /// `SIGHUP`: the terminal has gone; to many servers, read the configuration anew.
    Hangup,
    /// `SIGINT`: Ctrl-C.
    Interrupt,
    /// `SIGQUIT`: end, and leave a trace.
    Quit,
    /// `SIGABRT`.
    Abort,
    /// `SIGKILL`: the system ends it, whatever it says.
    Kill,
    /// `SIGUSR1`.
    User1,
    /// `SIGUSR2`.
    User2,
    /// `SIGTERM`: please end.
    Terminate,
    /// `SIGSTOP`: the system stops it, until it may `Continue`.
    Stop,
    /// `SIGCONT`.
    Continue,
    /// `SIGWINCH`: its terminal has another size.
    Resize,
}

/// As everybody calls it: `SIGINT`.
impl fmt::Display for Signal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Hangup => "SIGHUP",
            Self::Interrupt => "SIGINT",
            Self::Quit => "SIGQUIT",
            Self::Abort => "SIGABRT",
            Self::Kill => "SIGKILL",
            Self::User1 => "SIGUSR1",
            Self::User2 => "SIGUSR2",
            Self::Terminate => "SIGTERM",
            Self::Stop => "SIGSTOP",
            Self::Continue => "SIGCONT",
            Self::Resize => "SIGWINCH",
        })
    }
}

/// What a child is told when it is to end.
#[derive(Clone, Copy, Debug)]
pub(super) struct Manner {
    pub(super) signal: Signal,
    /// How long it may take over that.
    pub(super) patience: Option<Duration>,
    /// It is the first of a group of its own.
    pub(super) detached: bool,
    /// How long it may run.
    pub(super) limit: Option<Duration>,
}

impl Manner {
    pub(super) const DEFAULT: Self =
        Self { signal: Signal::Terminate, patience: None, detached: false, limit: None };
}

#[cfg(unix)]
impl Signal {
    fn raw(self) -> rustix::process::Signal {
        use rustix::process::Signal as Raw;
        match self {
            Self::Hangup => Raw::HUP,
            Self::Interrupt => Raw::INT,
            Self::Quit => Raw::QUIT,
            Self::Abort => Raw::ABORT,
            Self::Kill => Raw::KILL,
            Self::User1 => Raw::USR1,
            Self::User2 => Raw::USR2,
            Self::Terminate => Raw::TERM,
            Self::Stop => Raw::STOP,
            Self::Continue => Raw::CONT,
            Self::Resize => Raw::WINCH,
        }
    }
}

impl Child {
    /// `false`: it has ended.
    pub(super) fn send(&self, signal: Signal, group: bool) -> Result<bool> {
        if self.0.over.get() {
            return Ok(false);
        }
        match self.send_raw(signal, group) {
            Ok(sent) => {
                self.0.killed.set(self.0.killed.get() || sent);
                Ok(sent)
            }
            Err(error) => Err(Error::io("kill", error).on(self)),
        }
    }

    #[cfg(unix)]
    fn send_raw(&self, signal: Signal, group: bool) -> io::Result<bool> {
        use rustix::io::Errno;
        use rustix::process::{Pid, kill_process, kill_process_group};
        let id = self.0.id.get().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
        let Some(id) = id else { return Ok(false) };
        let sent = match group {
            true => kill_process_group(id, signal.raw()),
            false => {
                let watched = self.0.watch.send(signal.raw());
                watched.unwrap_or_else(|| kill_process(id, signal.raw()))
            }
        };
        match sent {
            Ok(()) => Ok(true),
            Err(Errno::SRCH) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    #[cfg(windows)]
    fn send_raw(&self, _: Signal, _: bool) -> io::Result<bool> {
        let mut process = self.0.process.borrow_mut();
        process.as_mut().map_or(Ok(false), |process| process.kill().map(|()| true))
    }

    /// Tells it to end, and sees to it that it does.
    pub(super) fn end(&self, signal: Signal) -> Result<bool> {
        let sent = self.send(signal, self.0.manner.detached)?;
        // From the first time on: whoever is told again has no more time for it.
        let patience = self.0.manner.patience.filter(|_| self.0.patience.get().is_none());
        if let Some(patience) = patience.filter(|_| sent && signal != Signal::Kill) {
            let child = self.clone();
            let timer = self.0.handle.set_timeout_from(self.0.origin, patience, move || {
                // Fails only if it has become somebody else's.
                let _ = child.send(Signal::Kill, child.0.manner.detached);
            });
            self.0.patience.set(Some(timer.unref()));
        }
        Ok(sent)
    }
}
