//! What the handles of both kinds of datagram sockets have in common.

/// All that a handle is, but for its events, how it is opened, and how it is sent by. `$socket` is the system's, `$address`
/// where a datagram comes from; `Inner::over` does what is to be done when the last event has been told.
macro_rules! handle {
    ($name:ident: $socket:ty, $address:ty) => {
        impl $name {
            /// Has it been closed?
            #[must_use]
            pub fn is_closed(&self) -> bool {
                self.0.datagrams.is_closed()
            }

            /// No more messages, from this moment on. They wait in the kernel, and what it has no room for is lost.
            pub fn pause(&self) {
                engine::pause(self);
            }

            /// Messages may come, also if nobody listens for them.
            pub fn resume(&self) {
                engine::resume(self);
            }

            /// Was it paused?
            #[must_use]
            pub fn is_paused(&self) -> bool {
                self.0.datagrams.is_paused()
            }

            /// The longest datagram that is a `Message`; what is longer is [`Truncated`]. 64 KiB unless set, and no
            /// datagram is longer.
            pub fn set_max_message(&self, bytes: usize) {
                self.0.datagrams.set_most(bytes);
            }

            /// How many bytes may wait to be sent; 1 MiB unless set. A datagram that is more is refused
            /// ([`ErrorKind::QueueFull`](crate::ErrorKind::QueueFull)).
            pub fn set_max_queued(&self, bytes: usize) {
                self.0.datagrams.set_cap(bytes);
            }

            /// What it has done so far, and what waits to be sent.
            #[must_use]
            pub fn stats(&self) -> DatagramStats {
                self.0.datagrams.stats()
            }

            /// The loop need not wait for this socket.
            pub fn unref(&self) {
                self.0.datagrams.count(false);
            }

            /// The loop waits for this socket once it is bound, as it does unless told otherwise.
            pub fn ref_(&self) {
                self.0.datagrams.count(true);
            }
        }

        impl Emitter for $name {
            fn listeners(&self) -> &Listeners<Self> {
                &self.0.emitter
            }

            fn recall(&self) -> Option<Recall<Self>> {
                Some(Recall::new(self.downgrade()))
            }

            fn listener_added<E: Event<Self>>(&self, _: E) {
                if TypeId::of::<E>() == TypeId::of::<Message>() {
                    engine::hear(self);
                }
            }
        }

        impl Endpoint for $name {
            type Handle = $socket;

            fn datagrams(&self) -> &Datagrams<$socket> {
                &self.0.datagrams
            }

            fn source(&self) -> Rc<dyn Source> {
                Rc::clone(&self.0) as Rc<dyn Source>
            }

            fn target(&self) -> String {
                self.peer_addr().map_or_else(|| self.name(), |peer| peer.to_string())
            }

            fn is_heard(&self) -> bool {
                self.listener_count(Message) > 0
            }

            fn tell_listening(&self) {
                self.0.emitter.emit(self, Listening, ());
            }

            fn tell_message(&self, bytes: &[u8], from: $address) {
                self.0.emitter.emit(self, Message, (bytes, from));
            }

            fn tell_truncated(&self, bytes: &[u8], from: $address) {
                self.0.emitter.emit(self, Truncated, (bytes, from));
            }

            fn tell_drain(&self) {
                self.0.emitter.emit(self, Drain, ());
            }

            fn tell_error(&self, error: Error) {
                if let Err(unhandled) = self.0.emitter.emit_error(self, error) {
                    self.0.datagrams.handle.fail(Error::unhandled(self, unhandled.into_inner()));
                }
            }

            fn tell_close(&self) {
                // Even if a listener panics.
                struct Over<'a>(&'a Inner);
                impl Drop for Over<'_> {
                    fn drop(&mut self) {
                        self.0.over();
                    }
                }
                let _over = Over(&self.0);
                self.0.emitter.emit(self, Close, ());
            }
        }

        impl Source for Inner {
            fn describe(&self) -> Description {
                let local = self.datagrams.with_socket(<$socket>::local_addr);
                let local = local.and_then(io::Result::ok).or_else(|| self.local.get());
                let local = local.map_or_else(String::new, |local| local.to_string());
                let peer = self.peer.get().map(|peer| format!(" to {peer}")).unwrap_or_default();
                Description { kind: ResourceKind::$name, target: local + &peer }
            }

            fn observe(&self) {
                self.emitter.observe();
            }

            fn lend(&self, to: &mut dyn FnMut(Descriptor<'_>) -> io::Result<()>) -> io::Result<()> {
                self.datagrams.lend(to)
            }

            fn ready(self: Rc<Self>, readiness: Interest, _: &mut Buffer) {
                engine::ready(&$name(self), readiness);
            }

            fn refused(self: Rc<Self>, error: io::Error) {
                engine::refused(&$name(self), error);
            }

            fn shut(self: Rc<Self>) {
                $name(self).close();
            }

            fn abandon(self: Rc<Self>) {
                drop(self.datagrams.detach());
                self.over();
            }
        }

        /// A stream of `Message` that blocks leaves them to the kernel while it is full; the socket's own `pause`
        /// stays what it is.
        impl Pausable for $name {
            fn pauser(&self) -> impl Fn(bool) + 'static {
                let find = self.downgrade();
                move |pause| {
                    let socket = find();
                    socket.iter().for_each(if pause { engine::hold } else { engine::release });
                }
            }
        }

        crate::emitter::handle!($name, "socket");

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let state = if self.is_closed() { ", closed" } else { "" };
                write!(f, "{}({}{state})", stringify!($name), self.name())
            }
        }
    };
}

pub(in crate::net) use handle;
