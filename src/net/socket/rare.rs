//! What few sockets have: settings, timers, a connection in the making. Most have none of it, and no memory for it.

use super::idle::{self, Idle};
#[cfg(feature = "tls")]
use super::layered;
use super::{Inner, SocketOptions};
use crate::event_loop::Timer;
use crate::net::connect::Dial;
use crate::net::place::Address;
#[cfg(unix)]
use crate::net::place::show_path;
use crate::net::socket::Socket;
use std::cell::{Cell, RefCell};
use std::net::SocketAddr;
#[cfg(unix)]
use std::path::Path;

pub(super) struct Rare {
    pub(super) options: Cell<SocketOptions>,
    /// Options were set while it was connecting.
    pub(super) late: Cell<bool>,
    /// The Unix socket that it connects to.
    #[cfg(unix)]
    pub(super) path: RefCell<Option<Box<Path>>>,
    /// This side's address, once somebody has asked.
    pub(super) local: Cell<Option<Address>>,
    /// The peer's, if it has no short form.
    pub(super) peer: Cell<Option<SocketAddr>>,
    pub(super) dial: RefCell<Option<Box<Dial>>>,
    /// When something happened, if somebody wants to know.
    pub(super) active: Cell<u64>,
    pub(super) idle: RefCell<Option<Idle>>,
    /// Until when it has to stand.
    pub(super) connecting: Cell<Option<Timer>>,
    /// To be destroyed as soon as all is sent.
    pub(super) soon: Cell<bool>,
    /// What is to stand between its bytes and the system's when it is connected.
    #[cfg(feature = "tls")]
    pub(super) layer: RefCell<Option<layered::Coming>>,
}

impl Default for Rare {
    fn default() -> Self {
        Self {
            options: Cell::default(),
            late: Cell::default(),
            #[cfg(unix)]
            path: RefCell::default(),
            local: Cell::default(),
            peer: Cell::default(),
            dial: RefCell::default(),
            active: Cell::new(idle::NEVER),
            idle: RefCell::default(),
            connecting: Cell::default(),
            soon: Cell::default(),
            #[cfg(feature = "tls")]
            layer: RefCell::default(),
        }
    }
}

impl Inner {
    /// What few sockets have; from now on this one has it.
    pub(super) fn rare(&self) -> &Rare {
        self.duplex.beside()
    }

    /// The same, if this one has it.
    pub(super) fn known(&self) -> Option<&Rare> {
        self.duplex.known_beside()
    }

    /// The path that it has connected to, or that its server listens at.
    pub(super) fn unix_target(&self) -> Option<String> {
        #[cfg(unix)]
        if self.unix {
            let path = self.known().and_then(|rare| rare.path.borrow().as_deref().map(show_path));
            return path.or_else(|| self.local_addr().map(|local| local.to_string()));
        }
        None
    }
}

impl Socket {
    /// A connection in the making; from now on it is one.
    pub(in crate::net) fn set_dial(&self, dial: Dial) {
        self.0.rare().dial.replace(Some(Box::new(dial)));
    }

    /// The connection in the making, if it is one.
    pub(in crate::net) fn dial(&self) -> Option<&RefCell<Option<Box<Dial>>>> {
        self.0.known().map(|rare| &rare.dial)
    }
}
