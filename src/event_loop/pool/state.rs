//! Which work is next, and whether a thread is missing: pure state, without threads, locks or a clock.
//!
//! Invariant: for each kind with work in its queue there is a thread, at work for it or free. So no kind
//! can be kept waiting by the others, also if the system gives fewer threads than the quotas allow.

use super::lane::{ALL, KINDS, Kind, Lane, Ticket, Work};
use super::options::{self, PoolOptions};
use super::stats::{KindStats, PoolStats};
use std::time::{Duration, Instant};

pub(super) struct State {
    lanes: [Lane; KINDS],
    number: u64,
    /// Those that are being started are among them.
    threads: usize,
    failed_starts: u64,
    /// Whose threads they are; 0 if nobody has asked.
    process: u32,
}

impl State {
    pub(super) const NEW: Self =
        Self { lanes: [Lane::NEW; KINDS], number: 0, threads: 0, failed_starts: 0, process: 0 };

    /// Whoever takes the lock to give the pool work, or to look at it, calls this.
    pub(super) fn prepare(&mut self) -> &mut Self {
        if self.lanes[0].limit == 0 {
            self.configure(&PoolOptions::new());
        }
        self
    }

    /// Says which process this is. A child that was forked off has none of the threads that it finds here.
    pub(super) fn belong_to(&mut self, process: u32) {
        if self.process != process && self.process != 0 {
            self.threads = 0;
            for lane in &mut self.lanes {
                (lane.running, lane.queued) = (0, 0);
                // The parent does it. To drop it here would tell the parent's loops that it is done.
                std::mem::forget(std::mem::take(&mut lane.queue));
            }
        }
        self.process = process;
    }

    /// How much of what waits may be begun now.
    fn due(&self, kind: Kind) -> usize {
        let lane = &self.lanes[kind as usize];
        lane.queued.min(lane.limit.saturating_sub(lane.running))
    }

    /// Threads that have nothing to do, or are about to ask for something.
    fn free(&self) -> usize {
        self.threads - self.lanes.iter().map(|lane| lane.running).sum::<usize>()
    }

    pub(super) fn configure(&mut self, options: &PoolOptions) {
        for kind in ALL {
            let lane = &mut self.lanes[kind as usize];
            match options.quotas[kind as usize] {
                Some(quota) => lane.limit = quota,
                None if lane.limit == 0 => lane.limit = options::default(kind),
                None => {}
            }
        }
        let user = &mut self.lanes[Kind::User as usize];
        user.max_queued = options.max_queued.unwrap_or(user.max_queued);
    }

    /// Queues work, or gives it back if too much of its kind waits already.
    pub(super) fn queue(
        &mut self,
        kind: Kind,
        work: Box<dyn Work>,
        now: Instant,
    ) -> Result<Ticket, Box<dyn Work>> {
        let lane = &mut self.lanes[kind as usize];
        // What a thread is on its way for does not have to wait.
        if lane.queued + lane.running >= lane.limit.saturating_add(lane.max_queued) {
            lane.refused += 1;
            return Err(work);
        }
        self.number += 1;
        lane.push(self.number, work, now);
        Ok(Ticket { kind, number: self.number })
    }

    /// Takes back work that no thread has begun.
    pub(super) fn cancel(&mut self, ticket: Ticket) -> Option<Box<dyn Work>> {
        self.lanes[ticket.kind as usize].cancel(ticket.number)
    }

    /// Counts a thread in that is to be started, if one is missing.
    pub(super) fn starts_thread(&mut self) -> bool {
        let missing = self.free() < ALL.into_iter().map(|kind| self.due(kind)).sum();
        self.threads += usize::from(missing);
        missing
    }

    /// It could not be started. Gives what nobody will come for: of `kind`, if of any.
    pub(super) fn lacks_thread(&mut self, kind: Kind) -> Vec<Box<dyn Work>> {
        self.threads -= 1;
        self.failed_starts += 1;
        let (mut free, mut refused) = (self.free(), Vec::new());
        // Those that are free come for the others first: they had been promised.
        for kind in order(kind).into_iter().rev() {
            let lane = &mut self.lanes[kind as usize];
            if !lane.is_bare() {
                continue;
            }
            match free.checked_sub(1) {
                Some(left) => free = left,
                None => lane.refuse_all(&mut refused),
            }
        }
        refused
    }

    /// What a thread is to do that was at work for `last`: first what nobody works for, then more of the
    /// same.
    pub(super) fn next(&mut self, last: Kind, now: Instant) -> Option<(Kind, Box<dyn Work>)> {
        let kinds = || order(last).into_iter();
        let bare = kinds().find(|kind| self.lanes[*kind as usize].is_bare());
        let kind = bare.or_else(|| kinds().find(|kind| self.due(*kind) > 0))?;
        self.lanes[kind as usize].take(now).map(|work| (kind, work))
    }

    pub(super) fn finished(&mut self, kind: Kind) {
        let lane = &mut self.lanes[kind as usize];
        lane.running -= 1;
        lane.done += 1;
    }

    /// May a thread end that has had nothing to do for a while?
    pub(super) fn ends_thread(&mut self) -> bool {
        let ends = ALL.into_iter().all(|kind| self.due(kind) == 0);
        self.threads -= usize::from(ends);
        ends
    }

    pub(super) fn stats(&self, now: Instant) -> PoolStats {
        let of = |kind: Kind| {
            let lane = &self.lanes[kind as usize];
            let first = lane.queue.front();
            KindStats {
                limit: lane.limit,
                queued: lane.queued,
                running: lane.running,
                done: lane.done,
                cancelled: lane.cancelled,
                refused: lane.refused,
                total_wait: lane.total_wait,
                longest_wait: lane.longest_wait,
                oldest: first.map_or(Duration::ZERO, |it| now.saturating_duration_since(it.since)),
            }
        };
        PoolStats {
            threads: self.threads,
            idle: self.free(),
            failed_starts: self.failed_starts,
            fs: of(Kind::Fs),
            dns: of(Kind::Dns),
            user: of(Kind::User),
        }
    }
}

/// All kinds, this one first.
fn order(first: Kind) -> [Kind; KINDS] {
    let at = |step| ALL[(first as usize + step) % KINDS];
    [at(0), at(1), at(2)]
}

#[cfg(test)]
mod tests {
    use super::{KINDS, Kind, PoolOptions, State, Work};
    use crate::error::Error;
    use std::sync::{Arc, Mutex};
    use std::time::{Duration, Instant};

    type Said = Arc<Mutex<Vec<String>>>;

    struct Named(&'static str, Said);

    impl Work for Named {
        fn run(&mut self) {
            self.1.lock().unwrap().push(self.0.into());
        }
        fn refuse(&mut self, _: Error) {}
        fn withdraw(&mut self) {}
    }

    /// A state, its threads by what they are at work for, and a clock that stands still.
    struct Pool {
        state: State,
        now: Instant,
        said: Said,
    }

    impl Pool {
        fn new(each: usize) -> Self {
            let mut state = State::NEW;
            state.configure(&PoolOptions::new().fs(each).dns(each).user(each));
            Self { state, now: Instant::now(), said: Said::default() }
        }

        fn queue(&mut self, kind: Kind, name: &'static str) -> super::Ticket {
            let work = Box::new(Named(name, Arc::clone(&self.said)));
            self.state.queue(kind, work, self.now).unwrap_or_else(|_| panic!("{name} is refused"))
        }

        /// What a thread begins that comes from `last`.
        fn begin(&mut self, last: Kind) -> Option<Kind> {
            self.state.next(last, self.now).map(|(kind, mut work)| {
                work.run();
                kind
            })
        }

        fn said(&self) -> String {
            std::mem::take(&mut *self.said.lock().unwrap()).join(" ")
        }
    }

    #[test]
    fn each_kind_gets_its_quota_whatever_the_others_do() {
        for flood in [Kind::Fs, Kind::Dns, Kind::User] {
            let mut pool = Pool::new(2);
            for _ in 0..1_000 {
                pool.queue(flood, "flood");
                if pool.state.starts_thread() {
                    assert_eq!(pool.begin(flood), Some(flood));
                }
            }
            assert_eq!(pool.state.threads, 2, "as many as its quota");
            for other in super::order(flood).into_iter().skip(1) {
                for _ in 0..2 {
                    pool.queue(other, "other");
                    assert!(pool.state.starts_thread());
                    // Whichever kind it is started for.
                    assert_eq!(pool.begin(flood), Some(other));
                }
                pool.queue(other, "too much");
                assert!(!pool.state.starts_thread(), "its quota is used up");
                assert_eq!(pool.begin(flood), None);
            }
            assert_eq!(pool.state.threads, 2 * KINDS);
        }
    }

    #[test]
    fn a_thread_goes_where_nobody_works_and_else_stays_with_its_kind() {
        let mut pool = Pool::new(2);
        // The system gives two threads and no more.
        pool.queue(Kind::Fs, "a");
        pool.queue(Kind::User, "b");
        assert!(pool.state.starts_thread() && pool.state.starts_thread());
        assert_eq!(
            (pool.begin(Kind::Fs), pool.begin(Kind::Fs)),
            (Some(Kind::Fs), Some(Kind::User))
        );
        for name in ["c", "d"] {
            pool.queue(Kind::Fs, name);
            assert!(pool.state.starts_thread());
            assert!(pool.state.lacks_thread(Kind::Fs).is_empty(), "somebody works for files");
        }
        pool.state.finished(Kind::User);
        pool.queue(Kind::Dns, "e");
        assert!(pool.state.starts_thread());
        assert!(pool.state.lacks_thread(Kind::Dns).is_empty(), "somebody is free");
        assert_eq!(pool.begin(Kind::User), Some(Kind::Dns));
        pool.state.finished(Kind::Fs);
        assert_eq!(pool.begin(Kind::Fs), Some(Kind::Fs));
        assert_eq!(pool.said(), "a b e c");
    }

    #[test]
    fn without_a_thread_only_a_kind_that_nobody_works_for_is_refused() {
        let mut pool = Pool::new(2);
        pool.queue(Kind::User, "a");
        assert!(pool.state.starts_thread());
        // It is not there yet, but promised, when this fails.
        pool.queue(Kind::User, "b");
        assert!(pool.state.starts_thread());
        assert!(pool.state.lacks_thread(Kind::User).is_empty());
        pool.queue(Kind::Fs, "c");
        assert!(pool.state.starts_thread());
        assert_eq!(pool.state.lacks_thread(Kind::Fs).len(), 1, "the one was promised to the user");
        assert_eq!(pool.begin(Kind::Fs), Some(Kind::User));
        pool.queue(Kind::Fs, "d");
        assert!(pool.state.starts_thread());
        assert_eq!(pool.state.lacks_thread(Kind::Fs).len(), 1);
        let stats = pool.state.stats(pool.now);
        assert_eq!((stats.failed_starts, stats.fs.refused, stats.fs.queued), (3, 2, 0));
        assert_eq!((stats.threads, stats.user.running, stats.user.queued), (1, 1, 1));
    }

    #[test]
    fn what_relied_on_a_thread_that_could_not_be_started_is_refused_with_it() {
        let mut pool = Pool::new(1);
        pool.queue(Kind::Fs, "a");
        assert!(pool.state.starts_thread());
        // From another loop, meanwhile.
        pool.queue(Kind::Fs, "b");
        assert!(!pool.state.starts_thread());
        assert_eq!(pool.state.lacks_thread(Kind::Fs).len(), 2);
        assert_eq!(pool.state.stats(pool.now).total().queued, 0);
    }

    #[test]
    fn ten_thousand_cancelled_in_any_order_leave_the_rest_in_order() {
        let mut pool = Pool::new(1);
        let tickets: Vec<_> = (0..10_000).map(|_| pool.queue(Kind::User, "no")).collect();
        let last = ["one", "two", "three"].map(|name| pool.queue(Kind::User, name));
        let (even, odd): (Vec<_>, Vec<_>) = tickets.iter().partition(|it| it.number % 2 == 0);
        for ticket in even.iter().rev().chain(&odd) {
            assert!(pool.state.cancel(*ticket).is_some());
            assert!(pool.state.cancel(*ticket).is_none(), "once");
        }
        let lane = &pool.state.lanes[Kind::User as usize];
        assert!(
            lane.queue.len() <= 2 * crate::event_loop::pool::lane::SMALL,
            "{} dead",
            lane.queue.len()
        );
        assert!(pool.state.cancel(last[1]).is_some());
        assert!(pool.state.starts_thread());
        assert_eq!(pool.begin(Kind::User), Some(Kind::User));
        assert!(pool.state.cancel(last[0]).is_none(), "it is begun");
        pool.state.finished(Kind::User);
        assert_eq!(pool.begin(Kind::User), Some(Kind::User));
        assert_eq!(pool.said(), "one three");
        assert_eq!(pool.state.stats(pool.now).user.cancelled, 10_001);
    }

    #[test]
    fn waits_are_measured_from_the_queue_to_the_thread() {
        let mut pool = Pool::new(1);
        let cancelled = pool.queue(Kind::Dns, "x");
        pool.now += Duration::from_millis(2);
        pool.queue(Kind::Dns, "a");
        pool.queue(Kind::Dns, "b");
        assert!(pool.state.starts_thread());
        pool.now += Duration::from_millis(3);
        assert_eq!(pool.state.stats(pool.now).dns.oldest, Duration::from_millis(5));
        assert!(pool.state.cancel(cancelled).is_some());
        assert_eq!(pool.state.stats(pool.now).dns.oldest, Duration::from_millis(3));
        assert!(pool.begin(Kind::Dns).is_some());
        pool.now += Duration::from_millis(4);
        pool.state.finished(Kind::Dns);
        assert!(pool.begin(Kind::Dns).is_some());
        let stats = pool.state.stats(pool.now);
        let (dns, total) = (stats.dns, stats.total());
        assert_eq!(
            (dns.total_wait, dns.longest_wait),
            (Duration::from_millis(10), Duration::from_millis(7))
        );
        assert_eq!((dns.done, dns.running, dns.queued, dns.oldest), (1, 1, 0, Duration::ZERO));
        assert_eq!((total.done, total.running, total.longest_wait), (1, 1, dns.longest_wait));
    }

    #[test]
    fn fewer_threads_hold_for_what_comes_and_more_for_what_waits() {
        let mut pool = Pool::new(2);
        for name in ["a", "b", "c", "d"] {
            pool.queue(Kind::Fs, name);
        }
        for _ in 0..2 {
            assert!(pool.state.starts_thread());
            assert!(pool.begin(Kind::Fs).is_some());
        }
        pool.state.configure(&PoolOptions::new().fs(1));
        pool.state.finished(Kind::Fs);
        assert_eq!(pool.begin(Kind::Fs), None, "one is at work still");
        assert!(pool.state.ends_thread());
        pool.state.configure(&PoolOptions::new().fs(3));
        assert!(pool.state.starts_thread() && pool.state.starts_thread());
        assert!(!pool.state.starts_thread());
    }

    #[test]
    fn what_is_more_than_may_wait_comes_back() {
        let mut pool = Pool::new(1);
        pool.state.configure(&PoolOptions::new().max_queued(1));
        let first = pool.queue(Kind::User, "a");
        pool.queue(Kind::User, "for whom a thread is on its way");
        let work = || Box::new(Named("b", Said::default()));
        assert!(pool.state.queue(Kind::User, work(), pool.now).is_err());
        // Files are not bound by it.
        pool.queue(Kind::Fs, "c");
        pool.queue(Kind::Fs, "d");
        assert!(pool.state.cancel(first).is_some());
        assert!(
            pool.state.queue(Kind::User, work(), pool.now).is_ok(),
            "what is cancelled does not wait"
        );
        assert_eq!(pool.state.stats(pool.now).user.refused, 1);
    }
}
