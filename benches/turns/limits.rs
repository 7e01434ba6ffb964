use super::{MILLION, begin, delays};
use rustix::event::epoll::{self, CreateFlags, Event, EventData, EventFlags};
use rustix::event::{EventfdFlags, Timespec, eventfd};
use std::cell::{Cell, RefCell};
use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::os::fd::OwnedFd;
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Instant;

/// A heap with lazy removal: what is dead goes when it is half of all.
pub(super) fn cancel() -> u64 {
    let delays = delays(MILLION, 1_000, 60_000);
    begin();
    let start = Instant::now();
    let (mut heap, mut live) = (BinaryHeap::new(), Vec::new());
    for delay in delays {
        heap.push(Reverse((start + delay, live.len())));
        live.push(true);
    }
    let mut dead = 0;
    for at in 0..live.len() {
        live[at] = false;
        dead += 1;
        if dead * 2 > heap.len() && heap.len() > 64 {
            heap.retain(|Reverse((_, at))| live[*at]);
            dead = 0;
        }
    }
    MILLION
}

pub(super) fn fire() -> u64 {
    let (start, hits) = (Instant::now(), Rc::new(Cell::new(0)));
    let mut heap = BinaryHeap::new();
    let mut callbacks: Vec<Option<Box<dyn FnOnce()>>> = Vec::new();
    for delay in delays(100_000, 1, 50) {
        heap.push(Reverse((start + delay, callbacks.len())));
        let hits = Rc::clone(&hits);
        callbacks.push(Some(Box::new(move || hits.set(hits.get() + 1))));
    }
    while let Some(Reverse((deadline, _))) = heap.peek() {
        thread::sleep(deadline.saturating_duration_since(Instant::now()));
        let now = Instant::now();
        while let Some(Reverse((_, at))) = heap.peek().filter(|Reverse((due, _))| *due <= now) {
            if let Some(callback) = callbacks[*at].take() {
                callback();
            }
            heap.pop();
        }
    }
    hits.get()
}

/// An epoll instance with one eventfd.
struct Bell {
    epoll: OwnedFd,
    event: OwnedFd,
    rung: AtomicBool,
}

impl Bell {
    fn new() -> Arc<Self> {
        let epoll = epoll::create(CreateFlags::CLOEXEC).expect("epoll");
        let event = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK).expect("eventfd");
        let flags = EventFlags::IN | EventFlags::ET;
        epoll::add(&epoll, &event, EventData::new_u64(0), flags).expect("it is new");
        Arc::new(Self { epoll, event, rung: AtomicBool::new(false) })
    }

    fn write(&self) {
        rustix::io::write(&self.event, &1_u64.to_ne_bytes()).expect("it counts far");
    }

    fn ring(&self) {
        if !self.rung.swap(true, Ordering::AcqRel) {
            self.write();
        }
    }

    fn wait(&self) {
        self.wait_for(None);
        self.rung.store(false, Ordering::SeqCst);
    }

    fn wait_for(&self, timeout: Option<&Timespec>) {
        let mut events = [Event { flags: EventFlags::empty(), data: EventData::new_u64(0) }];
        epoll::wait(&self.epoll, &mut events, timeout).expect("it waits");
    }
}

type Job = Box<dyn FnOnce(&mut u64) + Send>;

pub(super) fn posts() -> u64 {
    let (bell, queue) = (Bell::new(), Arc::new(Mutex::new(Vec::<Job>::new())));
    let (ringing, filling) = (Arc::clone(&bell), Arc::clone(&queue));
    let thread = thread::spawn(move || {
        for i in 0..MILLION {
            filling.lock().expect("no panic").push(Box::new(move |n| *n += 1 + (i >> 40)));
            ringing.ring();
        }
    });
    let (mut count, mut batch) = (0, Vec::new());
    while count < MILLION {
        bell.wait();
        std::mem::swap(&mut batch, &mut *queue.lock().expect("no panic"));
        batch.drain(..).for_each(|job| job(&mut count));
    }
    thread.join().expect("no panic");
    count
}

pub(super) fn rtt() -> u64 {
    const TRIPS: u64 = 20_000;
    let (here, there) = (Bell::new(), Bell::new());
    let (answering, asked) = (Arc::clone(&here), Arc::clone(&there));
    let thread = thread::spawn(move || {
        for _ in 0..TRIPS {
            asked.wait();
            answering.write();
        }
    });
    for _ in 0..TRIPS {
        there.write();
        here.wait();
    }
    thread.join().expect("no panic");
    TRIPS
}

type Tick = Box<dyn FnOnce(&Ticks)>;

#[derive(Default)]
struct Ticks(RefCell<VecDeque<Tick>>);

impl Ticks {
    fn push(&self, tick: impl FnOnce(&Self) + 'static) {
        self.0.borrow_mut().push_back(Box::new(tick));
    }

    fn run(&self) {
        loop {
            let tick = self.0.borrow_mut().pop_front();
            let Some(tick) = tick else { return };
            tick(self);
        }
    }
}

pub(super) fn chain() -> u64 {
    fn next(ticks: &Ticks, count: Rc<Cell<u64>>) {
        if count.get() < MILLION {
            count.set(count.get() + 1);
            ticks.push(move |ticks| next(ticks, count));
        }
    }
    let (ticks, count) = (Ticks::default(), Rc::new(Cell::new(0)));
    next(&ticks, Rc::clone(&count));
    ticks.run();
    count.get()
}

pub(super) fn burst() -> u64 {
    let (ticks, count) = (Ticks::default(), Rc::new(Cell::new(0)));
    for _ in 0..MILLION {
        let count = Rc::clone(&count);
        ticks.push(move |_| count.set(count.get() + 1));
    }
    ticks.run();
    count.get()
}

pub(super) fn iter() -> u64 {
    let (bell, now) = (Bell::new(), Timespec { tv_sec: 0, tv_nsec: 0 });
    for _ in 0..MILLION {
        bell.wait_for(Some(&now));
    }
    MILLION
}
