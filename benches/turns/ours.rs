use super::{MILLION, begin, delays};
use onward::{EventLoop, next_tick, set_timeout, spawn};
use std::cell::Cell;
use std::future::poll_fn;
use std::rc::Rc;
use std::sync::mpsc;
use std::task::Poll;
use std::thread;

fn counter() -> Rc<Cell<u64>> {
    Rc::new(Cell::new(0))
}

pub(super) fn cancel() -> u64 {
    let delays = delays(MILLION, 1_000, 60_000);
    begin();
    let event_loop = EventLoop::new().expect("a loop");
    event_loop.enter(|| {
        let count = counter();
        let timers: Vec<_> = delays
            .iter()
            .map(|delay| {
                let count = Rc::clone(&count);
                set_timeout(*delay, move || count.set(count.get() + 1))
            })
            .collect();
        assert!(timers.into_iter().all(onward::Timer::cancel));
    });
    MILLION
}

pub(super) fn fire() -> u64 {
    let count = counter();
    let hits = Rc::clone(&count);
    onward::run(move || {
        for delay in delays(100_000, 1, 50) {
            let hits = Rc::clone(&hits);
            set_timeout(delay, move || hits.set(hits.get() + 1));
        }
        Ok(())
    })
    .expect("it ends well");
    count.get()
}

pub(super) fn posts() -> u64 {
    thread_local! {
        static COUNT: Cell<u64> = const { Cell::new(0) };
    }
    onward::run(|| {
        let remote = onward::remote();
        thread::spawn(move || {
            for i in 0..MILLION {
                let job = move || COUNT.set(COUNT.get() + 1 + (i >> 40));
                remote.post(job).expect("the loop runs");
            }
        });
        Ok(())
    })
    .expect("it ends well");
    COUNT.get()
}

pub(super) fn rtt() -> u64 {
    const TRIPS: u64 = 20_000;
    type Remote = onward::Remote;
    thread_local! {
        static OTHER: std::cell::RefCell<Option<Remote>> = const { std::cell::RefCell::new(None) };
        static LEFT: Cell<u64> = const { Cell::new(TRIPS) };
    }
    fn there() {
        OTHER.with_borrow(|other| other.as_ref().expect("set").post(back).expect("it runs"));
    }
    fn back() {
        LEFT.set(LEFT.get() - 1);
        if LEFT.get() > 0 {
            OTHER.with_borrow(|other| other.as_ref().expect("set").post(there).expect("it runs"));
        } else {
            drop(OTHER.take());
        }
    }
    onward::run(|| {
        let (here, (sender, received)) = (onward::remote(), mpsc::channel());
        thread::spawn(move || {
            onward::run(move || {
                OTHER.set(Some(here));
                // This loop lives as long as the other has a remote to it.
                sender.send(onward::remote()).expect("it waits");
                onward::Handle::current()?.before_exit(|| drop(OTHER.take()));
                Ok(())
            })
            .expect("it ends well");
        });
        OTHER.set(Some(received.recv().expect("it starts")));
        next_tick(|| {
            OTHER.with_borrow(|other| other.as_ref().expect("set").post(there).expect("it runs"));
        });
        Ok(())
    })
    .expect("it ends well");
    TRIPS
}

pub(super) fn chain() -> u64 {
    fn next(count: Rc<Cell<u64>>) {
        if count.get() < MILLION {
            count.set(count.get() + 1);
            next_tick(move || next(count));
        }
    }
    let count = counter();
    let first = Rc::clone(&count);
    onward::run(move || {
        next(first);
        Ok(())
    })
    .expect("it ends well");
    count.get()
}

pub(super) fn burst() -> u64 {
    let count = counter();
    let hits = Rc::clone(&count);
    onward::run(move || {
        for _ in 0..MILLION {
            let hits = Rc::clone(&hits);
            next_tick(move || hits.set(hits.get() + 1));
        }
        Ok(())
    })
    .expect("it ends well");
    count.get()
}

pub(super) fn tasks() -> u64 {
    let count = counter();
    let hits = Rc::clone(&count);
    onward::run(move || {
        for _ in 0..MILLION {
            let hits = Rc::clone(&hits);
            spawn(async move { hits.set(hits.get() + 1) });
        }
        Ok(())
    })
    .expect("it ends well");
    count.get()
}

/// Each turn is caused by a wake-up: that of the future for which the loop runs.
pub(super) fn iter() -> u64 {
    let event_loop = EventLoop::new().expect("a loop");
    let mut left = MILLION;
    let turns = poll_fn(|context| {
        left -= 1;
        if left == 0 {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    });
    event_loop.run_until(turns).expect("it runs");
    MILLION
}

/// A turn that another loop, of which this one is a part, asks for.
pub(super) fn nowait() -> u64 {
    let event_loop = EventLoop::new().expect("a loop");
    for _ in 0..MILLION {
        event_loop.run_nowait().expect("it runs");
    }
    MILLION
}
