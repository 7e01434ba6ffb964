use super::WriteQueue;
use bytes::Bytes;

fn all(queue: &WriteQueue) -> Vec<u8> {
    queue.gather(&[], |slices| slices.iter().flat_map(|slice| slice.to_vec()).collect())
}

#[test]
fn what_goes_in_comes_out_in_order_however_it_is_taken() {
    let mut seed = 7_u64;
    let mut random = move |below: usize| {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        usize::try_from(seed % below as u64).unwrap()
    };
    let (mut queue, mut written, mut read) = (WriteQueue::new(), Vec::new(), Vec::new());
    for round in 0..4_000_usize {
        let size = random([10, 3_000, 40_000][round % 3]);
        let chunk: Vec<u8> = (0..size).map(|i| (i ^ round) as u8).collect();
        written.extend_from_slice(&chunk);
        match random(4) {
            0 => _ = queue.push_chunk(Bytes::from(chunk)),
            1 if queue.hold(&chunk, Vec::new).is_some() => {}
            2 => match queue.hold_chunk(Bytes::from(chunk)) {
                Ok(_) => {}
                Err(chunk) => _ = queue.push_chunk(chunk),
            },
            _ => _ = queue.push(&chunk),
        }
        if let Some(single) = queue.single() {
            assert_eq!(single, all(&queue));
        }
        let there = all(&queue);
        let take = random(there.len() + 1);
        read.extend_from_slice(&there[..take]);
        queue.consume(take);
        if random(3) == 0 {
            queue.unhold();
        }
        let mut full = queue.len() > 1 << 20;
        while full {
            let there = all(&queue);
            queue.consume(there.len());
            read.extend_from_slice(&there);
            full = !queue.is_empty();
        }
        assert_eq!(queue.len(), written.len() - read.len());
        assert!(written[read.len()..].starts_with(&all(&queue)));
    }
    assert!(written.starts_with(&read));
    let taken: Vec<u8> = queue.take().into_iter().flatten().collect();
    assert_eq!(taken, written[read.len()..]);
}

#[test]
fn drain_is_told_once_and_only_to_who_was_told_to_wait() {
    let mut queue = WriteQueue::new();
    queue.set_high_water(10);
    assert!(queue.push(b"12345"));
    queue.consume(5);
    assert!(!queue.drained());
    assert!(!queue.push(b"1234567890"));
    assert!(!queue.drained());
    queue.consume(10);
    assert!(queue.drained());
    assert!(!queue.drained());
}

#[test]
fn the_cap_is_kept_to_the_byte() {
    let mut queue = WriteQueue::new();
    queue.set_cap(4);
    assert!(!queue.has_room(5));
    assert_eq!(queue.hold(b"12345", Vec::new), None);
    assert!(queue.has_room(4) && queue.push(b"1234"));
    assert!(!queue.has_room(1) && queue.has_room(0));
    assert_eq!(queue.len(), 4);
}

#[test]
fn what_is_held_is_no_backpressure_until_it_was_offered() {
    let mut queue = WriteQueue::new();
    queue.set_high_water(4);
    assert_eq!(queue.hold(b"12345", Vec::new), Some(true));
    assert!(queue.is_held() && !queue.waits());
    queue.consume(2);
    queue.unhold();
    assert!(queue.waits());
    assert_eq!(queue.hold(b"6", Vec::new), None, "the system is to take the others first");
    assert_eq!((queue.push(b"6"), all(&queue)), (false, b"3456".to_vec()));
}

#[test]
fn what_is_owned_and_large_is_not_copied() {
    let mut queue = WriteQueue::new();
    let large = vec![7; 100_000];
    let place = large.as_ptr();
    queue.push(b"small");
    queue.push_chunk(large.into());
    queue.push(b"small");
    queue.gather(&[], |slices| {
        assert_eq!(slices.iter().map(|slice| slice.len()).collect::<Vec<_>>(), [5, 100_000, 5]);
        assert_eq!(slices[1].as_ptr(), place);
    });
    queue.consume(6);
    queue.gather(&[], |slices| assert_eq!(slices[0].as_ptr(), place.wrapping_add(1)));
}

#[test]
fn a_queue_that_has_nothing_and_was_told_nothing_has_no_memory() {
    let mut queue = WriteQueue::new();
    assert!(queue.body.is_none() && queue.is_plain());
    queue.push(b"12345");
    queue.consume(5);
    assert!(queue.body.is_none(), "all is gone");
    queue.hold(b"12345", Vec::new);
    assert_eq!(queue.recycle(), b"");
    assert!(queue.body.is_none(), "what was held is gone");
    queue.push(b"12345");
    queue.clear();
    assert!(queue.body.is_none(), "nobody wants it any more");
    queue.set_cap(3);
    queue.push(b"123");
    queue.consume(3);
    assert!(!queue.has_room(4), "what was set stays");
}
