//! What is measured, the same code for every library that is written in Rust.

use std::collections::VecDeque;
use std::hint::black_box;

use crate::peer::{Counter, PAYLOAD, Peer};

/// Does its work so many times.
pub type Work = Box<dyn FnMut(u64)>;

/// Each with its heading.
pub const ITEMS: [(&str, &str); 9] = [
    ("emit0", "emit to nobody"),
    ("emit1", "to 1"),
    ("emit10", "to 10"),
    ("emit100", "to 100"),
    ("ev8", "one of 8 events"),
    ("churn1", "on + off, 1 live"),
    ("churn1k", "1,000 live"),
    ("oldest1k", "oldest of 1,000"),
    ("once", "once + emit"),
];

/// Makes an item ready; none, if the library cannot do it.
pub fn make<P: Peer>(item: &str) -> Option<Work> {
    Some(match item {
        "emit0" => emit::<P>(0),
        "emit1" => emit::<P>(1),
        "emit10" => emit::<P>(10),
        "emit100" => emit::<P>(100),
        "ev8" => events::<P>(),
        "churn1" => churn::<P>(1, false),
        "churn1k" => churn::<P>(1000, false),
        "oldest1k" if P::ANY_ORDER => churn::<P>(1000, true),
        "once" => once::<P>(),
        _ => return None,
    })
}

fn calls(counters: &[Counter]) -> u64 {
    counters.iter().map(|counter| counter.calls()).sum()
}

fn emit<P: Peer>(listeners: usize) -> Work {
    let counters = Counter::row(listeners);
    let mut peer = P::new();
    let handles: Vec<_> = counters.iter().map(|&counter| peer.on(0, counter)).collect();
    Box::new(move |times| {
        let before = calls(&counters);
        let peer = black_box(&mut peer);
        for _ in 0..times {
            peer.emit(0, black_box(&PAYLOAD));
        }
        assert_eq!(calls(&counters) - before, times * handles.len() as u64, "{}", P::NAME);
    })
}

/// Always inlined: to choose among the events at run time is no part of what is measured.
#[inline(always)]
fn emit_one<P: Peer>(peers: &mut [P], event: usize) {
    let peer = if P::KEYED { &mut peers[0] } else { &mut peers[event] };
    peer.emit(event, black_box(&PAYLOAD));
}

fn events<P: Peer>() -> Work {
    let counters = Counter::row(8);
    let objects = if P::KEYED { 1 } else { 8 };
    let mut peers: Vec<P> = (0..objects).map(|_| P::new()).collect();
    let handles: Vec<_> = counters
        .iter()
        .enumerate()
        .map(|(n, &counter)| peers[n % objects].on(n, counter))
        .collect();
    Box::new(move |times| {
        let before = calls(&counters);
        let peers = black_box(&mut peers[..]);
        // Each in a line of its own: in a program, which event it is stands in the source.
        for _ in 0..times / 8 {
            emit_one(peers, 0);
            emit_one(peers, 1);
            emit_one(peers, 2);
            emit_one(peers, 3);
            emit_one(peers, 4);
            emit_one(peers, 5);
            emit_one(peers, 6);
            emit_one(peers, 7);
        }
        (0..times as usize % 8).for_each(|event| emit_one(peers, event));
        assert_eq!(calls(&counters) - before, times, "{} has {}", P::NAME, handles.len());
    })
}

fn churn<P: Peer>(live: usize, oldest: bool) -> Work {
    let counters = Counter::row(live + 1);
    let mut peer = P::new();
    let mut handles: VecDeque<_> = counters[..live].iter().map(|&c| peer.on(0, c)).collect();
    handles.reserve(1);
    Box::new(move |times| {
        let counter = black_box(counters[live]);
        {
            let peer = black_box(&mut peer);
            for _ in 0..times {
                let mut handle = peer.on(0, counter);
                if oldest {
                    handles.push_back(handle);
                    handle = handles.pop_front().expect("just pushed");
                }
                peer.off(0, handle);
            }
        }
        // In the measure too, and too seldom to matter: as many as ever are live.
        let before = calls(&counters);
        peer.emit(0, &PAYLOAD);
        assert_eq!(calls(&counters) - before, live as u64, "{}", P::NAME);
    })
}

fn once<P: Peer>() -> Work {
    let counters = Counter::row(1);
    let mut peer = P::new();
    Box::new(move |times| {
        let before = calls(&counters);
        let peer = black_box(&mut peer);
        for _ in 0..times {
            peer.once(0, black_box(counters[0]));
            peer.emit(0, black_box(&PAYLOAD));
        }
        assert_eq!(calls(&counters) - before, times, "{}", P::NAME);
    })
}
