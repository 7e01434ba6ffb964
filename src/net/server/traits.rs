//! What a server has in common with other emitters and sources.

use super::{Inner, Server};
use crate::emitter::{Downgrade, Emitter, Listeners, Recall};
use crate::error::Error;
use crate::event_loop::{Buffer, Description, Descriptor, Interest, ResourceKind, Source};
use crate::net::sys;
use std::fmt;
use std::io;
use std::rc::Rc;

impl Downgrade for Server {
    fn downgrade(&self) -> impl Fn() -> Option<Self> + 'static {
        let inner = Rc::downgrade(&self.0);
        move || inner.upgrade().map(Self)
    }
}

impl Emitter for Server {
    fn listeners(&self) -> &Listeners<Self> {
        &self.0.emitter
    }

    fn recall(&self) -> Option<Recall<Self>> {
        Some(Recall::new(self.downgrade()))
    }
}

impl Source for Inner {
    fn describe(&self) -> Description {
        let unix = self.address.is_unix();
        let kind = if unix { ResourceKind::UnixServer } else { ResourceKind::TcpServer };
        Description { kind, target: self.address.to_string() }
    }

    fn observe(&self) {
        self.emitter.observe();
    }

    fn lend(&self, to: &mut dyn FnMut(Descriptor<'_>) -> io::Result<()>) -> io::Result<()> {
        self.listener.borrow().as_ref().map_or(Ok(()), |listener| to(sys::borrow(listener)))
    }

    fn ready(self: Rc<Self>, _: Interest, _: &mut Buffer) {
        Server(self).accept();
    }

    fn refused(self: Rc<Self>, error: io::Error) {
        let server = Server(self);
        server.tell_error(Error::io("watch", error).on(server.local_addr()));
        server.close();
    }

    fn shut(self: Rc<Self>) {
        Server(self).close();
    }

    fn abandon(self: Rc<Self>) {
        self.stop_listening();
        self.emitter.clear();
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = if self.is_listening() { "" } else { ", closed" };
        write!(f, "Server({}{state}, {} connections)", self.0.address, self.connections())
    }
}

impl fmt::Display for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Server {}", self.0.address)
    }
}
