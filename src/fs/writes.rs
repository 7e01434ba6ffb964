//! Writing to a file, beyond `write` and `end`; and what is given back in the end.

use super::life;
use super::waiters::Until;
use super::write::WriteStream;
use super::writing::{self, Piece};
use crate::error::Result;
use bytes::Bytes;
use std::fs::File;

impl WriteStream {
    /// As [`write`](Self::write), for bytes that can be given away: a `Vec<u8>`, a `String`, a `&'static str` or
    /// `[u8]`, a [`Bytes`]. They are kept as they are and not copied.
    ///
    /// ```
    /// use onward::fs::WriteStream;
    ///
    /// # let path = std::env::temp_dir().join(format!("onward-doc-owned-{}", std::process::id()));
    /// # let picture = path.clone();
    /// onward::run(|| {
    ///     let file = WriteStream::create(picture)?;
    ///     file.write_owned("P5 1000 1000 255\n");
    ///     file.write_owned(vec![128; 1_000_000]);
    ///     file.end();
    ///     Ok(())
    /// })?;
    /// assert_eq!(std::fs::metadata(&path)?.len(), 1_000_017);
    /// # std::fs::remove_file(path)?;
    /// # Ok::<(), onward::Error>(())
    /// ```
    #[allow(clippy::must_use_candidate, reason = "small files need not ask")]
    pub fn write_owned(&self, bytes: impl Into<Bytes>) -> bool {
        writing::write(self, Piece::Kept(bytes.into()))
    }

    /// As [`write`](Self::write), and has `then` called with what became of it: `Ok` when the system has all of these
    /// bytes. A power failure may still lose them: see [`write_durable`](Self::write_durable).
    ///
    /// # Ordering
    ///
    /// Callbacks come in the order of the writes, and never from inside of this call. Those of one piece of the
    /// pool's work come after its `Drain`, and before `Finish`. One that fails comes before the stream's `Error`
    /// and `Close`.
    ///
    /// # Errors
    ///
    /// To `then`: the error that ended the stream, the system's or
    /// [`WriteAfterEnd`](crate::ErrorKind::WriteAfterEnd), which is an error event too;
    /// [`Destroyed`](crate::ErrorKind::Destroyed) if [`destroy`](Self::destroy) came before, which is not;
    /// [`QueueFull`](crate::ErrorKind::QueueFull) for a chunk that was [dropped](crate::stream::WhenFull::Drop). What
    /// was in the pool's hands already when the stream was destroyed is written, and `Ok`. If the loop ends before any
    /// of this, the callback is dropped.
    ///
    /// ```
    /// use onward::{events::*, fs::WriteStream};
    ///
    /// onward::run(|| {
    ///     let full = WriteStream::create("/dev/full")?;
    ///     full.write_then("x", |written| println!("{}", written.unwrap_err()));
    ///     full.on(Error, |_, error| println!("the same: {error}"));
    ///     Ok(())
    /// })?;
    /// # Ok::<(), onward::Error>(())
    /// ```
    #[allow(clippy::must_use_candidate, reason = "who has a callback need not ask")]
    pub fn write_then(
        &self,
        bytes: impl AsRef<[u8]>,
        then: impl FnOnce(Result<()>) + 'static,
    ) -> bool {
        writing::write_then(self, Until::Written, Box::new(then), |file| file.write(bytes))
    }

    /// [`write_owned`](Self::write_owned) with the callback of [`write_then`](Self::write_then).
    #[allow(clippy::must_use_candidate, reason = "who has a callback need not ask")]
    pub fn write_owned_then(
        &self,
        bytes: impl Into<Bytes>,
        then: impl FnOnce(Result<()>) + 'static,
    ) -> bool {
        writing::write_then(self, Until::Written, Box::new(then), |file| file.write_owned(bytes))
    }

    /// As [`write_then`](Self::write_then), but `then` is called when the bytes are on the disk (`fdatasync`): they
    /// outlive a power failure, if the disk keeps its word.
    ///
    /// Writes that wait at the same time share one `fdatasync`, so that a thousand of them cost little more than one.
    /// FIFOs and devices have none: there it is as `write_then`.
    ///
    /// # Ordering
    ///
    /// Among themselves in the order of the writes; behind those callbacks of `write_then` that are due at the same time.
    ///
    /// # Errors
    ///
    /// As `write_then`. A disk that fails is an error event (`sync`), and nobody hears `Ok` of what it may have lost.
    ///
    /// ```
    /// use onward::fs::WriteStream;
    ///
    /// # let path = std::env::temp_dir().join(format!("onward-doc-durable-{}", std::process::id()));
    /// # let journal = path.clone();
    /// onward::run(|| {
    ///     let journal = WriteStream::append(journal)?;
    ///     for order in 1..=100 {
    ///         journal.write_durable(format!("order {order}\n"), move |durable| match durable {
    ///             Ok(()) => println!("order {order} will not be forgotten"),
    ///             Err(error) => println!("order {order} is not taken: {error}"),
    ///         });
    ///     }
    ///     journal.end();
    ///     Ok(())
    /// })?;
    /// # std::fs::remove_file(path)?;
    /// # Ok::<(), onward::Error>(())
    /// ```
    #[doc(alias("fsync", "fdatasync"))]
    #[allow(clippy::must_use_candidate, reason = "who has a callback need not ask")]
    pub fn write_durable(
        &self,
        bytes: impl AsRef<[u8]>,
        then: impl FnOnce(Result<()>) + 'static,
    ) -> bool {
        writing::write_then(self, Until::Durable, Box::new(then), |file| file.write(bytes))
    }

    /// Has `then` called when all that was written to this stream so far is on the disk.
    ///
    /// ```
    /// use onward::fs::WriteStream;
    ///
    /// # let path = std::env::temp_dir().join(format!("onward-doc-sync-{}", std::process::id()));
    /// # let journal = path.clone();
    /// onward::run(|| {
    ///     let journal = WriteStream::create(journal)?;
    ///     journal.write("many");
    ///     journal.write("words");
    ///     journal.sync(move |result| assert!(result.is_ok()));
    ///     Ok(())
    /// })?;
    /// # std::fs::remove_file(path)?;
    /// # Ok::<(), onward::Error>(())
    /// ```
    pub fn sync(&self, then: impl FnOnce(Result<()>) + 'static) {
        let nothing = |file: &Self| !file.needs_drain();
        writing::write_then(self, Until::Durable, Box::new(then), nothing);
    }

    /// Writes nothing until [`uncork`](Self::uncork) is called as often: what is written meanwhile goes to the file in
    /// as few system calls as it can. [`end`](Self::end) uncorks it altogether.
    ///
    /// What is written in one callback goes together anyway. What waits counts as queued, so a `write` may say `false`;
    /// its `Drain` comes after the `uncork`.
    ///
    /// ```
    /// use onward::fs::WriteStream;
    ///
    /// # let path = std::env::temp_dir().join(format!("onward-doc-cork-{}", std::process::id()));
    /// # let file = path.clone();
    /// onward::run(|| {
    ///     let file = WriteStream::create(file)?;
    ///     file.cork();
    ///     file.write("header, ");
    ///     onward::set_immediate(move || {
    ///         file.write("body");
    ///         file.uncork(); // both at once
    ///         file.end();
    ///     });
    ///     Ok(())
    /// })?;
    /// assert_eq!(std::fs::read(&path)?, b"header, body");
    /// # std::fs::remove_file(path)?;
    /// # Ok::<(), onward::Error>(())
    /// ```
    pub fn cork(&self) {
        self.0.corks.set(self.0.corks.get().saturating_add(1));
        life::update(self);
    }

    /// Undoes one [`cork`](Self::cork); the last one has it written.
    pub fn uncork(&self) {
        self.0.corks.set(self.0.corks.get().saturating_sub(1));
        life::update(self);
    }

    /// Chunks that were [dropped](crate::stream::WhenFull::Drop).
    #[must_use]
    pub fn dropped_chunks(&self) -> u64 {
        self.0.queue.borrow().dropped().0
    }

    /// Bytes of the chunks that were [dropped](crate::stream::WhenFull::Drop).
    #[must_use]
    pub fn dropped_bytes(&self) -> u64 {
        self.0.queue.borrow().dropped().1
    }

    /// Gives the file back, open, and ends this stream: only `Close` follows. Who wants all to be written before asks for
    /// it after `Finish`, of a stream that does not [close by itself](super::WriteOptions::auto_close).
    ///
    /// A FIFO, terminal or device is given back as a non-blocking descriptor.
    ///
    /// # Errors
    ///
    /// [`InvalidInput`](crate::ErrorKind::InvalidInput), and the stream goes on if somebody has another handle of it: it
    /// is not open, or not any more; something waits to be written, or is being written.
    ///
    /// ```
    /// use onward::{events::*, fs::WriteOptions};
    /// use std::{fs::File, io::{Seek, Write}};
    ///
    /// # let path = std::env::temp_dir().join(format!("onward-doc-into-{}", std::process::id()));
    /// # let file = path.clone();
    /// onward::run(|| {
    ///     let file = WriteOptions::new().auto_close(false).open_file(File::create(file)?)?;
    ///     file.end_with("????, world");
    ///     file.on(Finish, |file, ()| {
    ///         let mut file = file.clone().into_std().unwrap();
    ///         file.rewind().unwrap();
    ///         file.write_all(b"good").unwrap();
    ///     });
    ///     Ok(())
    /// })?;
    /// assert_eq!(std::fs::read(&path)?, b"good, world");
    /// # std::fs::remove_file(path)?;
    /// # Ok::<(), onward::Error>(())
    /// ```
    pub fn into_std(self) -> Result<File> {
        let waits = self.queued() > 0 || !self.0.waiters.is_empty();
        life::hand_back(&self, waits || self.0.beside.borrow().is_some())
    }
}
