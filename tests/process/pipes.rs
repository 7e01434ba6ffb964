//! What children read and write, as streams.

use super::support::{Log, run, script};
use onward::events::*;
use onward::process::spawn;
use onward::stream::{Collector, Source, pipeline};
use std::cell::RefCell;
use std::rc::Rc;

/// Bytes that repeat themselves nowhere near.
fn noise(length: usize) -> Vec<u8> {
    let mut state = 1_u32;
    let next = |_| {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        state as u8
    };
    (0..length).map(next).collect()
}

#[test]
fn children_stand_in_pipelines_and_all_bytes_arrive_in_order() {
    let all = noise(3 << 20);
    let (kept, expected) = (Rc::new(RefCell::new(None)), all.clone());
    let result = Rc::clone(&kept);
    run(move || {
        let first = spawn("cat", [""; 0])?;
        let second = spawn("sh", script("cat"))?;
        let source = Source::from_iter(all.chunks(10_007).map(<[u8]>::to_vec).collect::<Vec<_>>())?;
        source.pipe(&first.stdin()?);
        first.stdout()?.pipe(&second.stdin()?);
        let collected = Collector::new();
        let sink = collected.sink()?;
        pipeline(&second.stdout()?, &sink, move |outcome| {
            result.replace(Some((outcome.is_ok(), collected.bytes())));
        });
        Ok(())
    });
    let (well, collected) = kept.take().expect("it is through");
    assert!(well && collected == expected);
}

#[test]
fn lines_of_a_child_come_one_by_one() {
    let log = Log::default();
    let kept = log.clone();
    run(move || {
        let child = spawn("sh", script("printf 'one\\ntwo\\nthr'; printf 'ee\\n'"))?;
        child.stdout()?.on_line(move |_, line| log.note(line));
        Ok(())
    });
    kept.assert("one, two, three");
}

#[test]
fn a_write_that_has_to_wait_says_so_drains_and_finishes() {
    let log = Log::default();
    let kept = log.clone();
    run(move || {
        let child = spawn("sh", script("exec cat >/dev/null"))?;
        let stdin = child.stdin()?;
        log.writer("stdin", &stdin);
        assert!(!stdin.write_then(vec![b'x'; 1 << 20], |written| assert!(written.is_ok())));
        assert!(stdin.needs_drain() && stdin.queued() > 0);
        // Nothing more fits before the child goes on.
        stdin.write("\n");
        stdin.once(Drain, |stdin, ()| {
            assert_eq!((stdin.queued(), stdin.bytes_written()), (0, (1 << 20) + 1));
            stdin.end_with("the end");
        });
        Ok(())
    });
    kept.assert("stdin drains, stdin finishes, stdin closes false");
}

#[test]
fn a_child_is_held_up_by_who_does_not_read() {
    run(|| {
        // It writes more than any pipe holds, and is counted only as it is read.
        let child = spawn("sh", script("head -c 1000000 /dev/zero"))?;
        let stdout = child.stdout()?;
        stdout.on(Data, |stdout, _| {
            let stdout = stdout.clone();
            stdout.pause();
            onward::set_immediate(move || stdout.resume());
        });
        stdout.on(End, |stdout, ()| assert_eq!(stdout.bytes_read(), 1_000_000));
        Ok(())
    });
}

#[test]
fn a_reader_that_is_destroyed_is_a_broken_pipe_to_the_child() {
    let log = Log::default();
    let kept = log.clone();
    run(move || {
        let child = spawn("yes", [""; 0])?;
        log.child(&child);
        child.stdout()?.once(Data, |stdout, _| stdout.destroy());
        Ok(())
    });
    kept.assert("spawn, exit signal 13, close signal 13");
}

#[test]
fn streams_are_for_futures_too() {
    use futures_lite::{AsyncReadExt as _, AsyncWriteExt as _};
    run(|| {
        onward::spawn_or_fail(async {
            let child = spawn("tr", ["a-z", "A-Z"])?;
            let mut stdin = onward::io::writer(&child.stdin()?);
            let mut stdout = onward::io::reader(&child.stdout()?);
            stdin.write_all(b"loud").await?;
            stdin.close().await?;
            let mut text = String::new();
            stdout.read_to_string(&mut text).await?;
            assert_eq!(text, "LOUD");
            Ok(())
        });
        Ok(())
    });
}

#[test]
fn handles_are_equal_if_they_are_the_same_stream() {
    run(|| {
        let (one, two) = (spawn("true", [""; 0])?, spawn("true", [""; 0])?);
        assert_eq!(one.stdout()?, one.stdout()?);
        assert_ne!(one.stdout()?, two.stdout()?);
        assert_ne!(one.stdout()?, one.stderr()?);
        assert_eq!(one.stdin()?, one.stdin()?);
        assert_ne!(one, two);
        Ok(())
    });
}
