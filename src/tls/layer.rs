//! `rustls` between a socket's bytes and the system's.
//!
//! The engine above knows nothing of it. What it is told to send it may offer again: so bytes count as sent when the
//! system has taken all that became of them, and until then they wait where all that waits does.

use super::pump::Pump;
use crate::error::{Error, ErrorKind};
use crate::event_loop::Interest;
use crate::net::{Below, Layer};
use rustls::Connection;
use std::cell::{RefCell, RefMut};
use std::io::{self, IoSlice, Read as _, Write as _};

/// An encrypted connection.
pub(super) struct Tls {
    /// In use while `rustls` calls code of the program's, such as a verifier of certificates. Whoever comes then finds
    /// that there is nothing to be had, for now.
    state: RefCell<State>,
    /// The name that the server was asked for, of a client.
    asked: Option<Box<str>>,
}

struct State {
    tls: Connection,
    /// What the system gave, and `tls` has not taken.
    pump: Pump,
    /// Bytes that were taken to be sent, and do not count as sent yet.
    owed: usize,
    /// There may be more to read than the system knows of, or the end is behind what was read.
    holds: bool,
    /// What went wrong behind what was read.
    error: Option<io::Error>,
    /// The peer was told that no more will come.
    finished: bool,
}

impl Tls {
    pub(super) fn new(tls: impl Into<Connection>, asked: Option<Box<str>>) -> Self {
        let (tls, pump) = (tls.into(), Pump::default());
        let state = State { tls, pump, owed: 0, holds: false, error: None, finished: false };
        Self { state: RefCell::new(state), asked }
    }

    /// Looks at the connection; no user code may run in here.
    pub(super) fn with<T>(&self, f: impl FnOnce(&Connection, Option<&str>) -> T) -> Option<T> {
        self.ask(|state| f(&state.tls, self.asked.as_deref()))
    }

    fn ask<T>(&self, f: impl FnOnce(&State) -> T) -> Option<T> {
        self.state.try_borrow().ok().map(|state| f(&state))
    }

    fn state(&self) -> io::Result<RefMut<'_, State>> {
        self.state.try_borrow_mut().map_err(|_| would_block())
    }
}

/// In the guise that the engine takes errors in.
fn failed(cause: rustls::Error) -> io::Error {
    Error::new(ErrorKind::Tls, "tls").because(cause).into()
}

/// The peer is gone without a word: whether that was all, nobody knows.
fn cut_off() -> io::Error {
    Error::new(ErrorKind::PrematureClose, "tls").into()
}

fn is_gone(error: &io::Error) -> bool {
    use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset};
    matches!(error.kind(), BrokenPipe | ConnectionAborted | ConnectionReset)
}

/// There may be more, and whoever asks is to ask again; but not for ever.
fn interrupted() -> io::Error {
    io::ErrorKind::Interrupted.into()
}

fn would_block() -> io::Error {
    io::ErrorKind::WouldBlock.into()
}

/// Calls to the system that one read makes at most: one for what there is, and one to hear that this was all. A peer may
/// say a lot that comes to little or nothing, such as new keys; the others should have their turns.
const CALLS: usize = 2;

/// What was asked of the system, and decrypted.
enum Fed {
    Some,
    /// The system has no more for now.
    Last,
    /// There is none.
    Blocked,
}

impl State {
    /// Sends what is encrypted.
    fn flush(&mut self, mut below: Below<'_>) -> io::Result<()> {
        while self.tls.wants_write() {
            match self.tls.write_tls(&mut below) {
                Ok(0) => return Err(would_block()),
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Has `tls` take some of what has come. What goes wrong behind something to read is kept until that is read.
    fn feed(&mut self, below: Below<'_>, most: usize) -> io::Result<Fed> {
        let mut last = false;
        if self.pump.is_empty() {
            match self.pump.fill(below, most) {
                Ok(filled) => last = !filled,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(Fed::Blocked),
                Err(error) => return Err(error),
            }
        }
        let fed = self.decrypt();
        // What it has to answer by itself need not wait for somebody who writes; and if something is wrong, the
        // peer is told so.
        match self.flush(below) {
            Err(error) if fed.is_ok() && error.kind() != io::ErrorKind::WouldBlock => {
                self.error = Some(error);
            }
            _ => {}
        }
        match fed {
            Err(error) if self.tls.is_handshaking() => return Err(error),
            Err(error) => self.error = Some(error),
            Ok(()) => {}
        }
        Ok(if last && self.pump.is_empty() { Fed::Last } else { Fed::Some })
    }

    /// Decrypts, until there is something to read.
    fn decrypt(&mut self) -> io::Result<()> {
        loop {
            self.tls.read_tls(&mut self.pump)?;
            let state = self.tls.process_new_packets().map_err(failed)?;
            let enough = state.plaintext_bytes_to_read() > 0 || state.peer_has_closed();
            if enough || self.pump.is_empty() {
                return Ok(());
            }
        }
    }

    /// What is decrypted. 0: the peer has ended.
    fn take(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.tls.reader().read(buffer).map_err(|error| match error.kind() {
            io::ErrorKind::UnexpectedEof => cut_off(),
            _ => error,
        })
    }

    /// Fills the buffer as far as it can; then there is either no more, or `holds` says so.
    fn receive(&mut self, below: Below<'_>, buffer: &mut [u8]) -> io::Result<usize> {
        let mut filled = 0;
        let end = self.fill(below, buffer, &mut filled);
        let blocks = end.as_ref().is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock);
        self.holds = filled > 0 && !blocks;
        match end {
            Err(error) if filled == 0 => Err(error),
            // What came before the end is told before.
            Err(error) if !blocks => {
                self.error = Some(error);
                Ok(filled)
            }
            _ => Ok(filled),
        }
    }

    /// Until it is full, and there may be more; or there is none, or the end. Says how far it is filled.
    fn fill(&mut self, below: Below<'_>, buffer: &mut [u8], filled: &mut usize) -> io::Result<()> {
        let (mut exhausted, mut calls) = (false, 0);
        while *filled < buffer.len() {
            match self.take(&mut buffer[*filled..]) {
                Ok(0) => break,
                Ok(count) => *filled += count,
                Err(error) if error.kind() != io::ErrorKind::WouldBlock => return Err(error),
                Err(blocks) => {
                    if let Some(error) = self.error.take() {
                        return Err(error);
                    }
                    // Whoever gets nothing has to have heard it from the system.
                    if exhausted && *filled > 0 {
                        return Err(blocks);
                    }
                    let asks = self.pump.is_empty();
                    if asks && calls == CALLS {
                        return if *filled > 0 { Ok(()) } else { Err(interrupted()) };
                    }
                    calls += usize::from(asks);
                    match self.feed(below, buffer.len() - *filled)? {
                        Fed::Some => {}
                        Fed::Last => exhausted = true,
                        Fed::Blocked => return Err(blocks),
                    }
                }
            }
        }
        Ok(())
    }
}

impl Layer for Tls {
    fn open(&self, below: Below<'_>) -> io::Result<bool> {
        let state = &mut *self.state()?;
        loop {
            match state.flush(below) {
                Ok(()) if !state.tls.is_handshaking() => {
                    state.holds = true;
                    return Ok(true);
                }
                Ok(()) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(false),
                Err(error) => return Err(error),
            }
            if let Fed::Blocked = state.feed(below, Pump::MOST)? {
                return Ok(false);
            }
            // The end comes as nothing that was read.
            if state.pump.has_ended() && state.tls.is_handshaking() {
                return Err(cut_off());
            }
        }
    }

    fn opening(&self) -> Interest {
        match self.ask(|state| state.tls.wants_write()) {
            Some(true) => Interest::WRITE,
            Some(false) => Interest::READ,
            // Who goes on with it says so then.
            None => Interest::NONE,
        }
    }

    fn receive(&self, below: Below<'_>, buffer: &mut [u8]) -> io::Result<usize> {
        let state = &mut *self.state()?;
        if state.tls.is_handshaking() {
            return Err(would_block());
        }
        state.receive(below, buffer)
    }

    fn at_end(&self, below: Below<'_>) -> io::Result<bool> {
        let state = &mut *self.state()?;
        for _ in 0..=CALLS {
            let told = state.tls.process_new_packets().map_err(failed)?;
            if told.plaintext_bytes_to_read() > 0 {
                state.holds = true;
                return Ok(false);
            }
            if told.peer_has_closed() {
                return Ok(true);
            }
            if state.pump.has_ended() {
                return Err(cut_off());
            }
            if let Some(error) = state.error.take() {
                return Err(error);
            }
            if let Fed::Blocked = state.feed(below, Pump::MOST)? {
                return Err(would_block());
            }
        }
        Err(interrupted())
    }

    fn send(&self, below: Below<'_>, chunks: &[IoSlice<'_>]) -> io::Result<usize> {
        let state = &mut *self.state()?;
        if state.tls.is_handshaking() {
            return Err(would_block());
        }
        state.flush(below)?;
        if state.owed > 0 {
            return Ok(std::mem::take(&mut state.owed));
        }
        let taken = match chunks {
            [one] => state.tls.writer().write(one)?,
            all => state.tls.writer().write_vectored(all)?,
        };
        let sent = state.flush(below);
        if sent.as_ref().is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock) {
            state.owed = taken;
        }
        sent.map(|()| taken)
    }

    fn finish(&self, below: Below<'_>) -> io::Result<()> {
        let state = &mut *self.state()?;
        if !state.finished {
            state.finished = true;
            state.tls.send_close_notify();
        }
        match state.flush(below) {
            // The peer has gone already: there is nobody to tell, and nothing was lost by that.
            Err(error) if is_gone(&error) => Ok(()),
            result => result,
        }
    }

    fn push(&self, below: Below<'_>) -> io::Result<()> {
        self.state()?.flush(below)
    }

    fn holds(&self) -> bool {
        self.ask(|state| state.holds) == Some(true)
    }

    fn lags(&self) -> bool {
        self.ask(|state| state.tls.wants_write()) == Some(true)
    }

    fn owes(&self) -> usize {
        self.ask(|state| state.owed).unwrap_or(0)
    }

    fn disown(&self) -> usize {
        self.state().map_or(0, |mut state| std::mem::take(&mut state.owed))
    }
}
