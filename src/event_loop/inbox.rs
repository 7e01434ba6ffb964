//! Where other threads leave work for the loop.

use super::driver::Waker;
use super::mail::{Letter, Mail};
use super::primitives::{AtomicBool, AtomicUsize, Mutex, MutexGuard, Ordering, lock};
use super::queues::Origin;

/// Ends the loop's current wait, or its next.
pub(crate) trait Wakes {
    fn wake(&self);
}

impl Wakes for Waker {
    fn wake(&self) {
        Self::wake(self);
    }
}

#[derive(Default)]
struct State {
    mail: Mail,
    closed: bool,
    /// The loop waits, or is about to, and nobody has woken it yet.
    waits: bool,
}

/// A queue behind a lock that is held for a push or a swap, never for a call.
///
/// No wake-up is lost, and few are made: the loop says under the lock that it is going to wait, and only if
/// there is nothing in the queue; the first who puts something in after that wakes it.
///
/// `model` below checks it in all orders in which threads can meet here.
pub(crate) struct Inbox<W = Waker> {
    state: Mutex<State>,
    /// Has something been put in? A hint, that saves a busy loop the lock.
    filled: AtomicBool,
    waker: W,
    /// How many remotes want the loop to go on.
    holds: AtomicUsize,
}

impl<W: Wakes> Inbox<W> {
    pub(crate) fn new(waker: W) -> Self {
        let (filled, holds) = (AtomicBool::new(false), AtomicUsize::new(0));
        Self { state: Mutex::new(State::default()), filled, waker, holds }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    /// Leaves what `letter` makes, unless the loop has ended.
    pub(crate) fn post<F>(&self, content: F, letter: impl FnOnce(F) -> Letter) -> Result<(), F> {
        let mut state = self.state();
        if state.closed {
            return Err(content);
        }
        state.mail.push(letter(content));
        self.tell(state);
        Ok(())
    }

    /// Leaves a closure, unless the loop has ended.
    #[inline]
    pub(crate) fn post_job<F>(&self, job: F, origin: Origin) -> Result<(), F>
    where
        F: FnOnce() + Send + 'static,
    {
        let mut state = self.state();
        if state.closed {
            return Err(job);
        }
        state.mail.push_job(job, origin);
        self.tell(state);
        Ok(())
    }

    /// Something has been put in.
    #[inline]
    fn tell(&self, mut state: MutexGuard<'_, State>) {
        if state.mail.len() == 1 {
            self.filled.store(true, Ordering::Relaxed);
            if std::mem::take(&mut state.waits) {
                drop(state);
                self.waker.wake();
            }
        }
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.state().closed
    }

    /// May the loop wait? From here on, a letter wakes it.
    pub(crate) fn may_wait(&self) -> bool {
        let mut state = self.state();
        state.waits = state.mail.is_empty();
        state.waits
    }

    /// Might there be a letter? One that is missed here is found before the loop waits.
    #[inline]
    pub(crate) fn is_filled(&self) -> bool {
        self.filled.load(Ordering::Relaxed)
    }

    /// Takes all letters, behind those in `to`.
    pub(crate) fn collect(&self, to: &mut Mail) {
        let mut state = self.state();
        state.waits = false;
        self.filled.store(false, Ordering::Relaxed);
        to.append(&mut state.mail);
    }

    /// The loop has ended: no more letters. Those not read are dropped.
    pub(crate) fn close(&self) {
        let mut state = self.state();
        state.closed = true;
        let mail = std::mem::take(&mut state.mail);
        drop(state);
        drop(mail);
    }

    pub(crate) fn wake(&self) {
        self.waker.wake();
    }

    pub(crate) fn hold(&self) {
        self.holds.fetch_add(1, Ordering::Relaxed);
    }

    /// The last one to let go wakes the loop, which may have nothing left to wait for.
    pub(crate) fn let_go(&self) {
        if self.holds.fetch_sub(1, Ordering::Release) == 1 {
            self.waker.wake();
        }
    }

    /// How many remotes hold the loop.
    pub(crate) fn holds(&self) -> usize {
        self.holds.load(Ordering::Acquire)
    }

    /// How many letters nobody has collected yet.
    pub(crate) fn len(&self) -> usize {
        self.state().mail.len()
    }

    /// Where the closures among them were posted.
    pub(crate) fn origins(&self) -> Vec<Origin> {
        self.state().mail.origins()
    }

    pub(crate) fn is_held(&self) -> bool {
        self.holds.load(Ordering::Acquire) != 0
    }
}

/// With `--cfg onward_loom`, see `tests/loom.rs`: all orders in which threads can meet here.
#[cfg(all(test, onward_loom))]
pub(super) mod model {
    use super::{Inbox, Letter, Mail, Wakes};
    use crate::event_loop::primitives::{Condvar, Mutex, lock, wait};
    use crate::event_loop::queues::sent;
    use loom::sync::atomic::{AtomicUsize, Ordering::SeqCst};
    use loom::thread;
    use std::panic::Location;
    use std::sync::Arc;

    /// Runs all orders of a model in which a thread is interrupted so many times.
    pub(crate) fn check(interruptions: usize, model: impl Fn() + Sync + Send + 'static) {
        let mut builder = loom::model::Builder::new();
        builder.preemption_bound = Some(interruptions);
        builder.check(model);
    }

    /// What a driver waits for: a bell that has been rung before ends the next wait.
    pub(crate) struct Bell {
        rung: Mutex<bool>,
        news: Condvar,
    }

    impl Bell {
        pub(crate) fn new() -> Self {
            Self { rung: Mutex::new(false), news: Condvar::new() }
        }

        fn wait(&self) {
            let mut rung = lock(&self.rung);
            while !*rung {
                rung = wait(&self.news, rung);
            }
            *rung = false;
        }
    }

    impl Wakes for Arc<Bell> {
        fn wake(&self) {
            *lock(&self.rung) = true;
            self.news.notify_one();
        }
    }

    /// The turns of a loop, as far as they concern its inbox: wait, then read what is there. Who waits for ever
    /// is found by `loom`.
    pub(crate) fn turns(inbox: &Inbox<Arc<Bell>>, mut read: impl FnMut(Letter) -> bool) {
        let mut letters = Mail::default();
        loop {
            if inbox.may_wait() {
                inbox.waker.wait();
            }
            if inbox.is_filled() {
                inbox.collect(&mut letters);
            }
            while let Some(letter) = letters.pop() {
                if !read(letter) {
                    return;
                }
            }
        }
    }

    fn inbox() -> Arc<Inbox<Arc<Bell>>> {
        Arc::new(Inbox::new(Arc::new(Bell::new())))
    }

    /// A letter that counts its call, or, if it is dropped, its drop.
    fn counting(run: &Arc<AtomicUsize>, dropped: &Arc<AtomicUsize>) -> Letter {
        struct OnDrop(Arc<AtomicUsize>, bool);
        impl Drop for OnDrop {
            fn drop(&mut self) {
                self.0.fetch_add(usize::from(!self.1), SeqCst);
            }
        }
        let (run, dropped) = (Arc::clone(run), OnDrop(Arc::clone(dropped), false));
        let job = move || {
            let mut whole = dropped;
            whole.1 = true;
            run.fetch_add(1, SeqCst);
        };
        Letter::Job(sent(job, Location::caller()))
    }

    #[test]
    fn no_post_is_lost_and_none_runs_twice() {
        check(3, || {
            let (inbox, run) = (inbox(), Arc::new(AtomicUsize::new(0)));
            let threads = [0, 1].map(|_| {
                let (inbox, run) = (Arc::clone(&inbox), Arc::clone(&run));
                let none = Arc::new(AtomicUsize::new(0));
                thread::spawn(move || {
                    for _ in 0..2 {
                        assert!(inbox.post((), |()| counting(&run, &none)).is_ok());
                    }
                })
            });
            let mut left = 4;
            turns(&inbox, |letter| {
                let Letter::Job(job) = letter else { unreachable!() };
                job.run();
                left -= 1;
                left > 0
            });
            assert_eq!(run.load(SeqCst), 4);
            threads.map(|thread| thread.join().expect("no panic"));
        });
    }

    #[test]
    fn a_close_that_races_with_posts_gives_each_back_or_drops_it() {
        check(3, || {
            let inbox = inbox();
            let [run, dropped] = [(); 2].map(|()| Arc::new(AtomicUsize::new(0)));
            let threads = [0, 1].map(|_| {
                let (inbox, run) = (Arc::clone(&inbox), Arc::clone(&run));
                let dropped = Arc::clone(&dropped);
                thread::spawn(move || {
                    let posted = inbox.post((), |()| counting(&run, &dropped));
                    usize::from(posted.is_err())
                })
            });
            let mut letters = Mail::default();
            inbox.collect(&mut letters);
            std::iter::from_fn(|| letters.pop()).for_each(|letter| {
                let Letter::Job(job) = letter else { unreachable!() };
                job.run();
            });
            inbox.close();
            assert!(inbox.is_closed());
            let back: usize = threads.map(|thread| thread.join().expect("no panic")).iter().sum();
            assert_eq!(run.load(SeqCst) + dropped.load(SeqCst) + back, 2);
        });
    }

    #[test]
    fn the_last_who_holds_the_loop_wakes_it() {
        check(3, || {
            let inbox = inbox();
            let threads = [0, 1].map(|_| {
                inbox.hold();
                let inbox = Arc::clone(&inbox);
                thread::spawn(move || inbox.let_go())
            });
            while inbox.is_held() {
                if inbox.may_wait() {
                    inbox.waker.wait();
                }
            }
            threads.map(|thread| thread.join().expect("no panic"));
        });
    }
}
