//! What a stream that does no input or output has to tell, and when: written anew, without cells and closures, to
//! compare the real one with.

use onward::stream::WhenFull;
use proptest::prelude::*;
use std::collections::VecDeque;

/// The marks and the cap of the streams that are compared.
pub(crate) const HIGH_WATER: usize = 4;
pub(crate) const CAP: usize = 7;

#[derive(Clone, Copy, Debug)]
pub(crate) enum Op {
    Push(usize),
    Unshift(usize),
    EndPush,
    Listen,
    Pause,
    Resume,
    Hold,
    Release,
    /// With a callback.
    Write(usize),
    End,
    Cork,
    Uncork,
    /// The chunk that is being worked on is accepted, or fails.
    Accept,
    Refuse,
    Fail,
    Destroy,
}

pub(crate) fn ops() -> impl Strategy<Value = Vec<Vec<Op>>> {
    let op = prop_oneof![
        5 => (0..4_usize).prop_map(Op::Push),
        1 => (0..4_usize).prop_map(Op::Unshift),
        1 => Just(Op::EndPush),
        2 => Just(Op::Listen),
        1 => Just(Op::Pause),
        2 => Just(Op::Resume),
        1 => Just(Op::Hold),
        2 => Just(Op::Release),
        6 => (0..4_usize).prop_map(Op::Write),
        1 => Just(Op::End),
        1 => Just(Op::Cork),
        2 => Just(Op::Uncork),
        6 => Just(Op::Accept),
        1 => prop_oneof![4 => Just(Op::Accept), 1 => Just(Op::Refuse), 1 => Just(Op::Fail), 1 => Just(Op::Destroy)],
    ];
    prop::collection::vec(prop::collection::vec(op, 0..6), 0..10)
}

#[derive(Clone, Copy, PartialEq)]
enum Flow {
    Unasked,
    Flowing,
    Paused,
    Ended,
}

enum Tick {
    Pump,
    Progress,
    Refused(usize, &'static str),
}

/// A chunk that was written: its length, and the number of its callback.
type Written = (usize, usize);

pub(crate) struct Model {
    pub(crate) log: Vec<String>,
    when_full: WhenFull,
    flow: Flow,
    holds: usize,
    listens: bool,
    ready: VecDeque<usize>,
    push_ended: bool,
    end_told: bool,
    asked: bool,
    pump_waits: bool,
    busy: Option<Written>,
    queue: VecDeque<Written>,
    accepted: VecDeque<usize>,
    corks: usize,
    needs_drain: bool,
    write_ended: bool,
    finish_told: bool,
    progress_waits: bool,
    writes: usize,
    destroyed: bool,
    ticks: VecDeque<Tick>,
    settling: bool,
    closing: VecDeque<String>,
}

impl Model {
    pub(crate) fn new(when_full: WhenFull) -> Self {
        Self {
            log: Vec::new(),
            when_full,
            flow: Flow::Unasked,
            holds: 0,
            listens: false,
            ready: VecDeque::new(),
            push_ended: false,
            end_told: false,
            asked: false,
            pump_waits: false,
            busy: None,
            queue: VecDeque::new(),
            accepted: VecDeque::new(),
            corks: 0,
            needs_drain: false,
            write_ended: false,
            finish_told: false,
            progress_waits: false,
            writes: 0,
            destroyed: false,
            ticks: VecDeque::new(),
            settling: false,
            closing: VecDeque::new(),
        }
    }

    /// One callback of the program, and all that comes of it before the next.
    pub(crate) fn turn(&mut self, batch: &[Op]) {
        batch.iter().for_each(|op| self.apply(*op));
        self.run_ticks();
        while let Some(told) = self.closing.pop_front() {
            self.log.push(told);
        }
    }

    /// The loop ends.
    pub(crate) fn end_of_loop(&mut self) {
        self.destroy(None, false);
        self.turn(&[]);
    }

    fn apply(&mut self, op: Op) {
        match op {
            Op::Push(length) => {
                let room = self.push(length);
                self.log.push(format!("push {room}"));
            }
            Op::Unshift(_) if self.destroyed => {}
            Op::Unshift(_) if self.end_told => self.destroy(Some("WriteAfterEnd"), false),
            Op::Unshift(length) => {
                self.ready.push_front(length);
                self.schedule_pump();
            }
            Op::EndPush => {
                self.push_ended = true;
                self.schedule_pump();
            }
            Op::Listen => {
                self.listens = true;
                self.flow_to(Flow::Flowing, self.flow == Flow::Unasked);
            }
            Op::Pause => {
                self.flow_to(Flow::Paused, matches!(self.flow, Flow::Unasked | Flow::Flowing));
            }
            Op::Resume => {
                self.flow_to(Flow::Flowing, matches!(self.flow, Flow::Unasked | Flow::Paused));
            }
            Op::Hold => self.holds += 1,
            Op::Release => {
                self.holds = self.holds.saturating_sub(1);
                self.schedule_pump();
            }
            Op::Write(length) => {
                let go_on = self.write(length);
                self.log.push(format!("write {go_on}"));
            }
            Op::End if self.destroyed || self.write_ended => {}
            Op::End => {
                (self.write_ended, self.corks) = (true, 0);
                self.advance();
            }
            Op::Cork => self.corks += usize::from(!self.write_ended),
            Op::Uncork => {
                self.corks = self.corks.saturating_sub(1);
                self.advance();
            }
            Op::Accept if self.destroyed => {}
            Op::Accept => {
                if let Some((_, callback)) = self.busy.take() {
                    self.accepted.push_back(callback);
                    self.advance();
                }
            }
            Op::Refuse if self.busy.is_some() => self.destroy(Some("oops"), false),
            Op::Refuse => {}
            Op::Fail => self.destroy(Some("oops"), false),
            Op::Destroy => self.destroy(None, false),
        }
    }

    fn flow_to(&mut self, flow: Flow, allowed: bool) {
        if allowed {
            self.flow = flow;
            self.schedule_pump();
        }
    }

    fn push(&mut self, length: usize) -> bool {
        if self.destroyed {
            return false;
        }
        if self.push_ended {
            self.destroy(Some("WriteAfterEnd"), false);
            return false;
        }
        self.ready.push_back(length);
        self.asked = false;
        self.schedule_pump();
        self.ready.iter().sum::<usize>() < HIGH_WATER
    }

    fn queued(&self) -> usize {
        self.queue.iter().chain(&self.busy).map(|(length, _)| length).sum()
    }

    fn write(&mut self, length: usize) -> bool {
        self.writes += 1;
        let written = (length, self.writes);
        if self.destroyed {
            self.ticks.push_back(Tick::Refused(self.writes, "Destroyed"));
            return false;
        }
        if self.write_ended {
            self.destroy(Some("WriteAfterEnd"), true);
        } else if self.busy.is_none() && self.corks == 0 && self.queue.is_empty() {
            self.take(written);
        } else if length <= CAP.saturating_sub(self.queued()) {
            self.queue.push_back(written);
        } else {
            match self.when_full {
                WhenFull::Fail => self.destroy(Some("QueueFull"), true),
                WhenFull::Drop => self.ticks.push_back(Tick::Refused(self.writes, "QueueFull")),
                _ => self.destroy(None, true),
            }
        }
        if self.destroyed {
            return false;
        }
        let queued = self.queued();
        self.needs_drain |= queued >= HIGH_WATER;
        !self.needs_drain
    }

    fn take(&mut self, written: Written) {
        self.log.push(format!("takes {}", written.0));
        self.busy = Some(written);
    }

    fn advance(&mut self) {
        if !self.destroyed && self.busy.is_none() && self.corks == 0 {
            if let Some(next) = self.queue.pop_front() {
                self.take(next);
            }
        }
        self.schedule_progress();
    }

    fn is_idle(&self) -> bool {
        self.busy.is_none() && self.queue.is_empty()
    }

    fn schedule_progress(&mut self) {
        let to_finish = self.write_ended && !self.finish_told;
        let news = !self.accepted.is_empty() || self.is_idle() && (self.needs_drain || to_finish);
        if news && !self.destroyed && !self.progress_waits {
            self.progress_waits = true;
            self.ticks.push_back(Tick::Progress);
        }
    }

    fn flows(&self) -> bool {
        self.flow == Flow::Flowing && self.holds == 0
    }

    fn pump_is_due(&self) -> bool {
        if self.flows() {
            return !self.ready.is_empty() || self.push_ended || !self.asked;
        }
        let unasked = self.flow == Flow::Unasked && self.holds == 0;
        unasked && self.ready.is_empty() && self.push_ended
    }

    fn schedule_pump(&mut self) {
        if !self.destroyed && self.pump_is_due() && !self.pump_waits {
            self.pump_waits = true;
            self.ticks.push_back(Tick::Pump);
        }
    }

    /// Ticks that run already are not run from inside of one.
    fn settle(&mut self) {
        if !std::mem::replace(&mut self.settling, true) {
            self.run_ticks();
            self.settling = false;
        }
    }

    fn run_ticks(&mut self) {
        while let Some(tick) = self.ticks.pop_front() {
            match tick {
                Tick::Pump => self.pump(),
                Tick::Progress => self.progress(),
                Tick::Refused(number, error) => self.log.push(format!("callback {number} {error}")),
            }
        }
    }

    fn pump(&mut self) {
        while !self.destroyed {
            let chunk = if self.flows() { self.ready.pop_front() } else { None };
            if let Some(length) = chunk {
                if self.listens {
                    self.log.push(format!("data {length}"));
                }
                self.settle();
            } else if self.pump_is_due() && self.push_ended {
                (self.flow, self.end_told) = (Flow::Ended, true);
                self.log.push("end".into());
                self.close_if_done();
                return self.settle();
            } else {
                self.asked |= self.pump_is_due();
                break;
            }
        }
        self.pump_waits = false;
    }

    fn progress(&mut self) {
        self.progress_waits = false;
        if self.is_idle() && std::mem::take(&mut self.needs_drain) && !self.write_ended {
            self.log.push("drain".into());
            self.settle();
        }
        while let Some(number) = self.accepted.pop_front() {
            self.log.push(format!("callback {number} ok"));
            self.settle();
        }
        if !self.destroyed && self.is_idle() && self.write_ended && !self.finish_told {
            self.finish_told = true;
            self.log.push("finish".into());
            self.close_if_done();
            self.settle();
        }
    }

    fn close_if_done(&mut self) {
        if self.end_told && self.finish_told {
            self.destroy(None, false);
        }
    }

    /// `refused`: the last write was not let in.
    fn destroy(&mut self, error: Option<&str>, refused: bool) {
        if std::mem::replace(&mut self.destroyed, true) {
            return;
        }
        self.flow = Flow::Ended;
        self.ready.clear();
        self.needs_drain = false;
        let accepted = self.accepted.drain(..).map(|number| format!("callback {number} ok"));
        self.closing.extend(accepted);
        let waiting = self.busy.take().into_iter().chain(self.queue.drain(..));
        let last = refused.then_some((0, self.writes));
        for (_, number) in waiting.chain(last) {
            let told = error.unwrap_or("Destroyed");
            self.closing.push_back(format!("callback {number} {told}"));
        }
        self.closing.extend(error.map(|error| format!("error {error}")));
        self.closing.push_back(format!("close {}", error.is_some()));
    }
}
