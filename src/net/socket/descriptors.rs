//! What only Unix sockets have: descriptors that are handed over, and peers that the system vouches for.

#[cfg(unix)]
use super::Socket;
#[cfg(unix)]
use crate::error::{Error, ErrorKind, Result};
#[cfg(unix)]
use crate::event_loop::Interest;
#[cfg(unix)]
use crate::io::{ByteHandle, Endpoint as _};
#[cfg(unix)]
use crate::net::passing::Passing;
#[cfg(unix)]
use std::os::fd::OwnedFd;

/// Who is on the other side of a Unix socket, as the system knows it from when the connection was made.
#[cfg(target_os = "linux")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Credentials {
    /// The process.
    pub process: i32,
    /// The user.
    pub user: u32,
    /// The user's group.
    pub group: u32,
}

#[cfg(unix)]
impl Socket {
    /// Writes, and hands over a descriptor with the first of the bytes: another socket, a file, a pipe. The peer
    /// has it when it has read that byte; if it is a `Socket` too, [`Descriptor`](crate::events::Descriptor) tells. It is
    /// closed here once it is sent.
    ///
    /// As with [`write`](Self::write), `false` asks to wait for `Drain`.
    ///
    /// # Errors
    ///
    /// It is no Unix socket, it is not open, or there are no bytes, which a descriptor cannot do without. Else as
    /// [`write`](Self::write), with events.
    ///
    /// ```
    /// use onward::{events::*, net::{Server, Socket}};
    /// use std::io::Write as _;
    /// use std::os::unix::net::UnixStream;
    ///
    /// let path = std::env::temp_dir().join(format!("onward-doc-{}.passing", std::process::id()));
    /// onward::run(|| {
    ///     let server = Server::listen_path(&path)?;
    ///     server.on(Connection, |server, socket| {
    ///         server.close();
    ///         socket.on(Descriptor, |_, passed| {
    ///             let Some(descriptor) = passed.take() else { return };
    ///             let mut stream = UnixStream::from(descriptor);
    ///             stream.write_all(b"got it").expect("there is room");
    ///         });
    ///         socket.resume();
    ///     });
    ///     let (near, far) = UnixStream::pair()?;
    ///     let client = Socket::connect_path(&path)?;
    ///     client.write_with_descriptor("take this", far)?;
    ///     client.end();
    ///     Socket::from_std(near)?.on(Data, |_, chunk| assert_eq!(chunk, b"got it"));
    ///     Ok(())
    /// })?;
    /// # Ok::<(), onward::Error>(())
    /// ```
    #[doc(alias = "SCM_RIGHTS")]
    pub fn write_with_descriptor(
        &self,
        bytes: impl AsRef<[u8]>,
        descriptor: impl Into<OwnedFd>,
    ) -> Result<bool> {
        let (duplex, bytes) = (&self.0.duplex, bytes.as_ref());
        let wrong = |what: &'static str| {
            let error = Error::new(ErrorKind::InvalidInput, "pass descriptor").on(self.target());
            Err(error.because(what))
        };
        if !self.0.unix {
            return wrong("only Unix sockets can");
        }
        if bytes.is_empty() {
            return wrong("it has to go with a byte");
        }
        if self.is_ended() {
            return wrong("written to after end");
        }
        #[cfg(feature = "tls")]
        if self.has_layer() {
            return wrong("it is encrypted");
        }
        let descriptor = descriptor.into();
        self.0.duplex.set_special();
        let noted = duplex.with_bytes_mut(|raw| {
            let sent = duplex.sent();
            raw.pass_descriptors(sent);
            let byte = sent + duplex.queued() as u64;
            if let Some(passing) = raw.passing() {
                passing.push(byte, descriptor);
            }
        });
        if self.is_destroyed() || noted.is_none() {
            return wrong("it is not open");
        }
        let numbered = || duplex.sent() + duplex.queued() as u64;
        let before = numbered();
        let go_on = self.write(bytes);
        if numbered() != before + bytes.len() as u64 {
            // They were dropped, for too much waits; and so is what was to go with them.
            duplex.with_bytes(|raw| raw.passing().map(|passing| passing.take_back(before)));
        }
        Ok(go_on)
    }

    /// Who is on the other side of a Unix socket; `None` of TCP, and when it is not open. On Linux only.
    ///
    /// ```
    /// use onward::{events::*, net::{Server, Socket}};
    ///
    /// onward::run(|| {
    ///     let server = Server::listen("unix:@onward-doc-credentials")?;
    ///     server.on(Connection, |server, socket| {
    ///         server.close();
    ///         let process = socket.peer_credentials().map(|peer| peer.process);
    ///         assert_eq!(process, i32::try_from(std::process::id()).ok());
    ///         socket.destroy();
    ///     });
    ///     Socket::connect(server.local_addr())?.resume();
    ///     Ok(())
    /// })?;
    /// # Ok::<(), onward::Error>(())
    /// ```
    #[cfg(target_os = "linux")]
    #[doc(alias = "SO_PEERCRED")]
    #[must_use]
    pub fn peer_credentials(&self) -> Option<Credentials> {
        if !self.0.unix || !self.0.duplex.is_ready() {
            return None;
        }
        let asked = self.0.duplex.with_bytes(|raw| rustix::net::sockopt::socket_peercred(&**raw));
        let peer = asked?.ok()?;
        Some(Credentials {
            process: peer.pid.as_raw_nonzero().get(),
            user: peer.uid.as_raw(),
            group: peer.gid.as_raw(),
        })
    }

    /// Tells the descriptors that came with the bytes that are about to be told.
    pub(super) fn tell_descriptors(&self) {
        use crate::emitter::names::Descriptor;
        let cut_short = self.0.duplex.with_bytes(|raw| raw.passing().map(Passing::was_cut_short));
        if cut_short.flatten() == Some(true) {
            // Who reads thinks that a short read took all there was.
            self.0.duplex.again(Interest::READ);
        }
        let next = || self.0.duplex.with_bytes(|raw| raw.passing()?.next()).flatten();
        while let Some(mut passed) = next() {
            self.0.emitter.emit(self, Descriptor, &mut passed);
        }
    }

    /// Descriptors are asked for from here on.
    pub(super) fn take_descriptors(&self) {
        // What is encrypted takes none, and whoever asks may stand in its way.
        if self.0.duplex.with_bytes(ByteHandle::is_plain) != Some(true) {
            return;
        }
        let sent = self.0.duplex.sent();
        self.0.duplex.set_special();
        self.0.duplex.with_bytes_mut(|raw| raw.pass_descriptors(sent));
    }
}
