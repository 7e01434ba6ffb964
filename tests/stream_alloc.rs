//! What streams ask of the allocator: nothing for a chunk, but the tick by which a transform tells it.
//!
//! A binary of its own, since it counts what it allocates. The counts are those of the thread.

#[path = "common/counting.rs"]
mod counting;

use counting::allocated;
use onward::events::*;
use onward::stream::{Duplex, Sink, Source, lines, pipeline};
use std::cell::Cell;
use std::rc::Rc;

const CHUNKS: usize = 1_000;

/// How often it asks between the hundredth chunk and the last one.
fn allocations_of_a_pipeline_of(passages: usize) -> usize {
    let (began, ended) = (Rc::new(Cell::new(0)), Rc::new(Cell::new(0)));
    let (beginning, ending) = (Rc::clone(&began), Rc::clone(&ended));
    onward::run(move || {
        let chunk: &[u8] = &[7; 1_000];
        let source = Source::from_iter((0..CHUNKS).map(move |_| chunk))?;
        let mut count = 0;
        let sink = Sink::new(move |_| {
            count += 1;
            if count == 100 {
                beginning.set(allocated());
            }
            ending.set(allocated());
        })?;
        let passage = Duplex::pass_through;
        match passages {
            0 => pipeline(&source, &sink, |_| {}),
            1 => pipeline(&source, (&passage()?, &sink), |_| {}),
            _ => pipeline(&source, (&passage()?, &passage()?, &passage()?, &sink), |_| {}),
        }
        Ok(())
    })
    .expect("it ends well");
    ended.get() - began.get()
}

/// Every 64 chunks the others have their turn, and the stream goes on in the next one.
fn allocations_of_turns(chunks: usize) -> usize {
    2 * (chunks / 64 + 1)
}

#[test]
fn a_chunk_asks_for_nothing_but_the_tick_of_each_transform() {
    let left = CHUNKS - 100;
    let turns = allocations_of_turns(left);
    for passages in [0, 1, 3] {
        let allocated = allocations_of_a_pipeline_of(passages);
        let expected = passages * left;
        assert!(
            (expected..=expected + turns).contains(&allocated),
            "{passages} passages, {left} chunks: {allocated} allocations"
        );
    }
}

#[test]
fn a_line_asks_for_nothing() {
    let most = Rc::new(Cell::new(0));
    let seen = Rc::clone(&most);
    onward::run(move || {
        let text: &[u8] = b"0123456789\nabcdefghij\nand the beginning of ";
        let source = Source::from_iter((0..CHUNKS).map(move |_| text))?;
        let (mut count, mut before) = (0, 0);
        lines(&source).on(Line, move |_, _| {
            count += 1;
            let now = allocated();
            if count > 100 {
                seen.set(seen.get() + (now - before));
            }
            before = allocated();
        });
        Ok(())
    })
    .expect("it ends well");
    assert!(most.get() <= allocations_of_turns(CHUNKS), "{} allocations", most.get());
}
