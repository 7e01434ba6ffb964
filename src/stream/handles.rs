//! What all streams that do no input or output have in common, as cheap handles that emit.

/// All that a handle is, but for its events and its methods.
macro_rules! handle {
    ($name:ident: $($side:ident)*) => {
        impl Stream for $name {
            fn inner(&self) -> &Rc<Inner<Self>> {
                &self.0
            }

            fn from_inner(inner: Rc<Inner<Self>>) -> Self {
                Self(inner)
            }

            $(crate::stream::handles::$side! {})*

            fn tell_error(&self, error: Error) {
                if let Err(unhandled) = self.0.emitter.emit_error(self, error) {
                    self.0.core.handle.fail(Error::unhandled(self, unhandled.into_inner()));
                }
            }

            fn tell_close(&self, had_error: bool) {
                self.0.emitter.emit(self, Close, had_error);
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
                if TypeId::of::<E>() == TypeId::of::<Data>() {
                    outlet::changed(self, Flow::listen);
                }
            }
        }

        impl crate::abort::Abortable for $name {
            fn destroy_with(&self, error: Error) {
                life::destroy(self, Some(error), None);
            }
            fn when_closed(&self, then: impl FnOnce() + 'static) {
                crate::abort::when_closed(self, then);
            }
        }

        impl Drop for $name {
            fn drop(&mut self) {
                life::handle_dropped(self);
            }
        }

        crate::emitter::handle!($name, "stream");

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&life::place(self))
            }
        }
    };
}

macro_rules! tells_reads {
    () => {
        fn tell_data(&self, chunk: &[u8]) {
            self.0.emitter.emit(self, Data, chunk);
        }

        fn tell_end(&self) {
            self.0.emitter.emit(self, End, ());
        }
    };
}

macro_rules! tells_writes {
    () => {
        fn tell_drain(&self) {
            self.0.emitter.emit(self, Drain, ());
        }

        fn tell_finish(&self) {
            self.0.emitter.emit(self, Finish, ());
        }
    };
}

macro_rules! never_reads {
    () => {
        fn tell_data(&self, _: &[u8]) {}

        fn tell_end(&self) {}
    };
}

macro_rules! never_writes {
    () => {
        fn tell_drain(&self) {}

        fn tell_finish(&self) {}
    };
}

/// What a pipe asks of a stream that is read.
macro_rules! read_control {
    ($name:ident) => {
        impl ReadControl for $name {
            fn pause(&self) {
                self.pause();
            }
            fn resume(&self) {
                self.resume();
            }
            fn hold(&self) {
                self.0.core.outlet.flow.hold();
            }
            fn release(&self) {
                outlet::changed(self, |flow| {
                    flow.release();
                    true
                });
            }
            fn has_ended(&self) -> bool {
                self.0.core.outlet.flow.has_ended()
            }
            fn destroy(&self) {
                self.destroy();
            }
            fn is_destroyed(&self) -> bool {
                self.is_destroyed()
            }
        }

        /// A stream of `Data` that blocks does not let it flow while it is full.
        impl Pausable for $name {
            fn pauser(&self) -> impl Fn(bool) + 'static {
                crate::stream::holds(self)
            }
        }
    };
}

/// What a pipe asks of a stream that is written to; `$finished` says whether it has told its `Finish`.
macro_rules! write_control {
    ($name:ident: $finished:expr) => {
        impl crate::stream::WriteControl for $name {
            fn write_chunk(&self, chunk: &[u8]) -> bool {
                self.write(chunk)
            }
            fn end(&self) {
                self.end();
            }
            fn is_finished(&self) -> bool {
                let finished: fn(&Self) -> bool = $finished;
                finished(self)
            }
            fn destroy(&self) {
                self.destroy();
            }
            fn is_destroyed(&self) -> bool {
                self.is_destroyed()
            }
        }
    };
}

pub(crate) use write_control;
pub(super) use {handle, never_reads, never_writes, read_control, tells_reads, tells_writes};
