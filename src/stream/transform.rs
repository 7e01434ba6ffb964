//! Streams whose one side is made from the other: transforms, and pipes in memory.

use super::duplex::Duplex;
use super::life::{self, Inner, Stream};
use super::outcome::{Done, Outcome};
use crate::error::{Error, Result};
use std::cell::RefCell;
use std::io;
use std::rc::{Rc, Weak};

impl Duplex {
    /// What is read from it is what `f` pushes for each chunk that is written: Node's `Transform`. Its end is passed on.
    ///
    /// `f` gets a chunk and the stream itself, to push to; how often it does so, if at all, is its own affair. An `Err`
    /// destroys the stream with that error.
    ///
    /// # Backpressure
    ///
    /// It works both ways. While more than [`set_high_water`](Self::set_high_water) bytes wait to be read, `f` gets no
    /// other chunk; what is written meanwhile waits, and `write` says `false` in time.
    ///
    /// # Errors
    ///
    /// Not in a loop.
    ///
    /// ```
    /// use onward::{events::*, stream::Duplex};
    ///
    /// onward::run(|| {
    ///     let twice = Duplex::transform(|chunk, out| {
    ///         out.push(chunk);
    ///         out.push(chunk);
    ///     })?;
    ///     let mut heard = 0;
    ///     twice.on(Data, move |_, chunk| heard += chunk.len());
    ///     twice.end_with("hello");
    ///     Ok(())
    /// })?;
    /// # Ok::<(), onward::Error>(())
    /// ```
    #[track_caller]
    pub fn transform<O: Outcome>(mut f: impl FnMut(&[u8], &Self) -> O + 'static) -> Result<Self> {
        let transform = Self::new(move |out, chunk, done| {
            take(out, f(chunk, out).into_result(), done);
        })?;
        transform.before_finish(|out, done| finish(out, Ok(()), done));
        Ok(transform)
    }

    /// The same with something that both closures may change: `f` takes the chunks, and `flush` may push a rest when
    /// all has been written.
    ///
    /// # Errors
    ///
    /// Not in a loop.
    ///
    /// ```
    /// use onward::{events::*, stream::{Duplex, Source}};
    ///
    /// onward::run(|| {
    ///     let count = Duplex::transform_with(
    ///         0,
    ///         |count, chunk, _| *count += chunk.len(),
    ///         |count, out| out.push(count.to_string()),
    ///     )?;
    ///     Source::from_iter(["hello, ", "world"])?.pipe(&count);
    ///     count.on(Data, |_, count| assert_eq!(count, b"12"));
    ///     Ok(())
    /// })?;
    /// # Ok::<(), onward::Error>(())
    /// ```
    #[track_caller]
    pub fn transform_with<T: 'static, O: Outcome, P: Outcome>(
        state: T,
        mut f: impl FnMut(&mut T, &[u8], &Self) -> O + 'static,
        flush: impl FnOnce(&mut T, &Self) -> P + 'static,
    ) -> Result<Self> {
        // Only one of the two runs at a time, and never inside of itself.
        let state = Rc::new(RefCell::new(Some(state)));
        let kept = Rc::clone(&state);
        let transform = Self::new(move |out, chunk, done| {
            let Some(mut lent) = state.take() else { return drop(done) };
            let outcome = f(&mut lent, chunk, out).into_result();
            state.replace(Some(lent));
            take(out, outcome, done);
        })?;
        transform.before_finish(move |out, done| {
            let outcome =
                kept.take().map_or(Ok(()), |mut state| flush(&mut state, out).into_result());
            finish(out, outcome, done);
        });
        Ok(transform)
    }

    /// What is written to it is what is read from it: Node's `PassThrough`. For a place to listen in the middle of a
    /// pipe, for a buffer between two streams, or where a stream is wanted before it is known what comes.
    ///
    /// # Errors
    ///
    /// Not in a loop.
    ///
    /// ```
    /// use onward::{events::*, stream::Duplex};
    ///
    /// onward::run(|| {
    ///     let passage = Duplex::pass_through()?;
    ///     passage.on(Data, |_, chunk| assert_eq!(chunk, b"hello"));
    ///     passage.end_with("hello");
    ///     Ok(())
    /// })?;
    /// # Ok::<(), onward::Error>(())
    /// ```
    #[track_caller]
    pub fn pass_through() -> Result<Self> {
        Self::transform(|chunk, out| out.push(chunk))
    }

    /// The two ends of a pipe in memory: what is written to one is read from the other, with backpressure. As good as a
    /// socket, and for the tests of what talks over sockets. Both live as long as there is a handle to one of them.
    ///
    /// [`end`](Self::end) at one end is `End` at the other. An end that is destroyed is `End` at the other, too, and
    /// what is written there from then on fails as with a socket whose peer is gone
    /// ([`is_disconnect`](crate::Error::is_disconnect)).
    ///
    /// # Errors
    ///
    /// Not in a loop.
    ///
    /// ```
    /// use onward::{events::*, stream::Duplex};
    ///
    /// onward::run(|| {
    ///     let (client, server) = Duplex::pair()?;
    ///     server.pipe(&server); // echoes
    ///     client.on(Data, |_, echo| assert_eq!(echo, b"hello"));
    ///     client.end_with("hello");
    ///     Ok(())
    /// })?;
    /// # Ok::<(), onward::Error>(())
    /// ```
    #[track_caller]
    pub fn pair() -> Result<(Self, Self)> {
        let (to_far, to_near) = (Rc::new(Peer::default()), Rc::new(Peer::default()));
        let near = Self::end_of_pair(Rc::clone(&to_far))?;
        let far = Self::end_of_pair(Rc::clone(&to_near))?;
        to_far.0.replace(Rc::downgrade(&far.0));
        to_near.0.replace(Rc::downgrade(&near.0));
        life::join(&near, &far);
        Ok((near, far))
    }

    #[track_caller]
    fn end_of_pair(peer: Rc<Peer>) -> Result<Self> {
        let ending = Rc::clone(&peer);
        // Dropped with the closure, when this end is closed.
        let hang_up = HangUp(Rc::clone(&peer));
        let end = Self::new(move |_, chunk, done| {
            let _ = &hang_up;
            match peer.open() {
                Some(peer) => take(&peer, peer.push(chunk).into_result(), done),
                None => done.fail(Error::io("write", io::ErrorKind::BrokenPipe.into())),
            }
        })?;
        end.before_finish(move |_, done| {
            ending.end();
            done.ok();
        });
        Ok(end)
    }
}

/// A chunk has been pushed on: it counts as accepted when there is room for the next.
fn take(out: &Duplex, outcome: Result<()>, done: Done) {
    let outlet = &out.0.core.outlet;
    if outcome.is_err() || outlet.has_room() || out.is_destroyed() {
        return done.with(outcome);
    }
    if let Some(writer) = done.put_off() {
        outlet.await_room(writer);
    }
}

fn finish(out: &Duplex, outcome: Result<()>, done: Done) {
    if outcome.is_ok() {
        out.end_push();
    }
    done.with(outcome);
}

/// The other end of a pipe in memory.
#[derive(Default)]
struct Peer(RefCell<Weak<Inner<Duplex>>>);

impl Peer {
    fn open(&self) -> Option<Duplex> {
        let peer = self.0.borrow().upgrade().map(Duplex::from_inner);
        peer.filter(|peer| !peer.is_destroyed() && !peer.0.core.outlet.has_ended())
    }

    fn end(&self) {
        self.open().iter().for_each(Duplex::end_push);
    }
}

struct HangUp(Rc<Peer>);

impl Drop for HangUp {
    fn drop(&mut self) {
        self.0.end();
    }
}
