//! What a turn is, in the plainest way: rows that are searched from end to end, and a number for the time.

use onward::Missed;
use std::collections::VecDeque;

/// A millisecond, in nanoseconds.
pub(crate) const MS: u64 = 1_000_000;

/// What a callback does. Timers and immediates are meant by number, among all that have been set.
#[derive(Clone, Debug)]
pub(crate) enum Op {
    Timeout {
        delay: u64,
        body: Vec<Self>,
    },
    Interval {
        period: u64,
        missed: Missed,
        beats: u32,
        body: Vec<Self>,
    },
    Immediate(Vec<Self>),
    Tick(Vec<Self>),
    /// A future that sleeps, and then does this.
    Sleep {
        delay: u64,
        body: Vec<Self>,
    },
    Cancel(usize),
    Refresh(usize),
    Hold(usize, bool),
    CancelImmediate(usize),
    HoldImmediate(usize, bool),
    Advance(u64),
}

/// What happened, and when.
pub(crate) type Log = Vec<(u64, String)>;

enum What {
    Once(Vec<Op>),
    Every { missed: Missed, left: u32, body: Vec<Op> },
    Wake(Vec<Op>),
}

struct Timer {
    /// What callbacks know it by.
    number: Option<usize>,
    deadline: u64,
    /// The how-manieth schedule. None while it is called, and when it is over.
    order: Option<u64>,
    delay: u64,
    is_over: bool,
    holds: bool,
    what: What,
}

struct Immediate {
    number: usize,
    holds: bool,
    body: Option<Vec<Op>>,
}

enum Task {
    Begin { delay: u64, body: Vec<Op> },
    Go(Vec<Op>),
}

#[derive(Default)]
pub(crate) struct Model {
    now: u64,
    schedules: u64,
    timers: Vec<Timer>,
    timers_known: usize,
    immediates: VecDeque<Immediate>,
    immediates_known: usize,
    ticks: VecDeque<Vec<Op>>,
    woken: VecDeque<Task>,
    tasks: usize,
    log: Log,
}

impl Model {
    /// Runs a program to its end: what happened, and how late it is.
    pub(crate) fn run(program: &[Op]) -> (Log, u64) {
        let mut model = Self::default();
        model.perform(program);
        model.settle();
        while model.is_alive() {
            model.turn();
        }
        (model.log, model.now)
    }

    fn is_alive(&self) -> bool {
        self.timers.iter().any(|timer| timer.holds && !timer.is_over)
            || self.immediates.iter().any(|one| one.holds && one.body.is_some())
            || !self.ticks.is_empty()
            || self.tasks > 0
    }

    fn turn(&mut self) {
        self.settle();
        let (now, before) = (self.now, self.schedules);
        while let Some(at) = self.first(|timer, order| timer.deadline <= now && order < before) {
            self.fire(at);
            self.settle();
        }
        if self.immediates.is_empty() && self.woken.is_empty() && self.is_alive() {
            if let Some(at) = self.first(|_, _| true) {
                self.now = self.now.max(self.timers[at].deadline);
            }
        }
        for _ in 0..self.immediates.len() {
            let one = self.immediates.pop_front().expect("only here they are taken out");
            if let Some(body) = one.body {
                self.note(format!("immediate {}", one.number));
                self.perform(&body);
                self.settle();
            }
        }
    }

    fn settle(&mut self) {
        loop {
            while let Some(body) = self.ticks.pop_front() {
                self.note("tick".into());
                self.perform(&body);
            }
            match self.woken.pop_front() {
                None => return,
                Some(Task::Begin { delay, body }) => self.set(None, delay, What::Wake(body)),
                Some(Task::Go(body)) => {
                    self.note("awake".into());
                    self.perform(&body);
                    self.tasks -= 1;
                }
            }
        }
    }

    /// The timer that stands before all others for which that is so.
    fn first(&self, is: impl Fn(&Timer, u64) -> bool) -> Option<usize> {
        let armed = self.timers.iter().enumerate().filter_map(|(at, timer)| {
            let order = timer.order.filter(|order| is(timer, *order))?;
            Some((timer.deadline, order, at))
        });
        armed.min().map(|(.., at)| at)
    }

    fn fire(&mut self, at: usize) {
        let timer = &mut self.timers[at];
        timer.order = None;
        let number = timer.number.unwrap_or_default();
        match &mut timer.what {
            What::Wake(body) => {
                let body = std::mem::take(body);
                timer.is_over = true;
                self.woken.push_back(Task::Go(body));
            }
            What::Once(body) => {
                let body = std::mem::take(body);
                timer.is_over = true;
                self.note(format!("timeout {number}"));
                self.perform(&body);
            }
            What::Every { left, body, .. } => {
                *left -= 1;
                let (is_last, body) = (*left == 0, body.clone());
                self.note(format!("interval {number}"));
                self.perform(&body);
                if is_last {
                    self.cancel(at);
                }
                self.again(at);
            }
        }
    }

    /// An interval that has been called, and was neither cancelled nor refreshed by that, has its next beat.
    fn again(&mut self, at: usize) {
        let timer = &mut self.timers[at];
        let What::Every { missed, .. } = timer.what else { return };
        if timer.is_over || timer.order.is_some() {
            return;
        }
        match missed {
            Missed::Burst => timer.deadline += timer.delay,
            Missed::Delay => timer.deadline = self.now + timer.delay,
            _ => {
                while timer.deadline <= self.now {
                    timer.deadline += timer.delay;
                }
            }
        }
        self.arm(at);
    }

    fn arm(&mut self, at: usize) {
        self.timers[at].order = Some(self.schedules);
        self.schedules += 1;
    }

    fn set(&mut self, number: Option<usize>, delay: u64, what: What) {
        let (deadline, order, is_over, holds) = (self.now + delay, None, false, true);
        self.timers.push(Timer { number, deadline, order, delay, is_over, holds, what });
        self.arm(self.timers.len() - 1);
    }

    fn set_known(&mut self, delay: u64, what: What) {
        self.set(Some(self.timers_known), delay, what);
        self.timers_known += 1;
    }

    fn cancel(&mut self, at: usize) -> bool {
        let timer = &mut self.timers[at];
        timer.order = None;
        !std::mem::replace(&mut timer.is_over, true)
    }

    fn refresh(&mut self, at: usize) -> bool {
        let timer = &mut self.timers[at];
        if timer.is_over {
            return false;
        }
        timer.deadline = self.now + timer.delay;
        self.arm(at);
        true
    }

    fn note(&mut self, what: String) {
        self.log.push((self.now, what));
    }

    /// The timer that callbacks mean by this.
    fn known(&self, number: usize) -> Option<usize> {
        let number = number.checked_rem(self.timers_known)?;
        self.timers.iter().position(|timer| timer.number == Some(number))
    }

    fn known_immediate(&mut self, number: usize) -> Option<&mut Immediate> {
        let number = number.checked_rem(self.immediates_known)?;
        let mut all = self.immediates.iter_mut();
        all.find(|one| one.number == number && one.body.is_some())
    }

    fn perform(&mut self, body: &[Op]) {
        for op in body {
            match op.clone() {
                Op::Timeout { delay, body } => self.set_known(delay, What::Once(body)),
                Op::Interval { period, missed, beats: left, body } => {
                    self.set_known(period.max(MS), What::Every { missed, left, body });
                }
                Op::Immediate(body) => {
                    let (number, holds, body) = (self.immediates_known, true, Some(body));
                    self.immediates_known += 1;
                    self.immediates.push_back(Immediate { number, holds, body });
                }
                Op::Tick(body) => self.ticks.push_back(body),
                Op::Sleep { delay, body } => {
                    self.tasks += 1;
                    self.woken.push_back(Task::Begin { delay, body });
                }
                Op::Cancel(number) => {
                    let did = self.known(number).is_some_and(|at| self.cancel(at));
                    self.note(format!("cancelled: {did}"));
                }
                Op::Refresh(number) => {
                    let did = self.known(number).is_some_and(|at| self.refresh(at));
                    self.note(format!("refreshed: {did}"));
                }
                Op::Hold(number, holds) => {
                    let timer = self.known(number).map(|at| &mut self.timers[at]);
                    timer.into_iter().for_each(|timer| timer.holds = holds);
                }
                Op::CancelImmediate(number) => {
                    let one = self.known_immediate(number);
                    let did = one.is_some_and(|one| one.body.take().is_some());
                    self.note(format!("cancelled: {did}"));
                }
                Op::HoldImmediate(number, holds) => {
                    let one = self.known_immediate(number);
                    one.into_iter().for_each(|one| one.holds = holds);
                }
                Op::Advance(by) => self.now += by,
            }
        }
    }
}
