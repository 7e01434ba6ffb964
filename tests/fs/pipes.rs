//! From file to file.

use super::support::{Dir, Log, descriptors, hash, noise, run};
use onward::ErrorKind;
use onward::events::*;
use onward::fs::{ReadStream, WriteOptions, WriteStream};
use onward::stream::{PipeOptions, pipeline};
use std::cell::RefCell;
use std::rc::Rc;

#[test]
fn fifty_megabytes_arrive_as_they_were() {
    let dir = Dir::new();
    let bytes = noise(50_000_000, 12);
    let from = dir.file("from", &bytes);
    let to = dir.path("to");
    run(|| {
        let target = ReadStream::open(&from)?.pipe(&WriteStream::create(&to)?);
        let most = Rc::new(RefCell::new(0));
        let seen = Rc::clone(&most);
        target.on(Drain, move |target, ()| assert_eq!(target.queued(), 0));
        let source = ReadStream::open(&from)?;
        source.on(Data, move |_, _| {
            let queued = target.queued();
            seen.replace_with(|most| queued.max(*most));
        });
        source.on(Close, move |_, _| assert!(*most.borrow() <= 512 * 1024, "{most:?}"));
        Ok(())
    })
    .unwrap();
    assert_eq!(hash(&std::fs::read(to).unwrap()), hash(&bytes));
}

#[test]
fn when_one_end_fails_the_other_closes() {
    let dir = Dir::new();
    let (read, wrote) = (Log::default(), Log::default());
    run(|| {
        let (from, to) =
            (ReadStream::open(dir.path("missing"))?, WriteStream::create(dir.path("to"))?);
        read.edges(&from);
        wrote.write(&to);
        from.pipe(&to);
        Ok(())
    })
    .unwrap();
    assert!(read.all().starts_with("error(open missing: "), "{}", read.all());
    assert!(["close(false)", "open close(false)"].contains(&&*wrote.all()), "{}", wrote.all());

    let path = dir.file("from", noise(1_000_000, 13));
    let (read, wrote) = (Log::default(), Log::default());
    run(|| {
        let (from, to) = (ReadStream::open(&path)?, WriteStream::create("/dev/full")?);
        read.edges(&from);
        wrote.write(&to);
        from.pipe(&to);
        Ok(())
    })
    .unwrap();
    assert_eq!(read.all(), "open close(false)");
    let full = "open error(write full: No space left on device (os error 28)) close(true)";
    assert_eq!(wrote.all(), full);
    assert_eq!(descriptors(&path), 0);
}

#[test]
fn a_pipeline_has_one_result() {
    let dir = Dir::new();
    let from = dir.file("from", noise(1_000_000, 14));
    let result = |from: &std::path::Path, to: &std::path::Path| {
        let result = Rc::new(RefCell::new(None));
        let kept = Rc::clone(&result);
        run(|| {
            pipeline(&ReadStream::open(from)?, &WriteStream::create(to)?, move |result| {
                assert!(kept.replace(Some(result)).is_none());
            });
            Ok(())
        })
        .unwrap();
        result.take().unwrap()
    };
    result(&from, &dir.path("to")).unwrap();
    assert!(std::fs::read(&from).unwrap() == std::fs::read(dir.path("to")).unwrap());
    assert!(result(&dir.path("missing"), &dir.path("to")).unwrap_err().is_not_found());
    let error = result(&from, "/dev/full".as_ref()).unwrap_err();
    assert_eq!(error.io_kind(), Some(std::io::ErrorKind::StorageFull));
}

#[test]
fn an_early_close_is_a_result_too() {
    let dir = Dir::new();
    let from = dir.file("from", noise(1_000_000, 15));
    let result = Rc::new(RefCell::new(None));
    let kept = Rc::clone(&result);
    run(|| {
        let source = ReadStream::open(from)?;
        source.once(Data, |source, _| source.destroy());
        pipeline(&source, &WriteStream::create(dir.path("to"))?, move |result| {
            kept.replace(Some(result));
        });
        Ok(())
    })
    .unwrap();
    let error = result.take().unwrap().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::PrematureClose);
}

#[test]
fn a_sink_that_is_not_ended_can_be_piped_to_again() {
    let dir = Dir::new();
    let (one, two) = (dir.file("one", "one "), dir.file("two", "two"));
    let to = dir.path("to");
    run(|| {
        let sink = WriteStream::create(&to)?;
        let first = ReadStream::open(one)?;
        first.pipe_with(&sink, PipeOptions::new().end(false));
        first.on(Close, move |_, _| drop(ReadStream::open(&two).unwrap().pipe(&sink)));
        Ok(())
    })
    .unwrap();
    assert_eq!(std::fs::read(to).unwrap(), b"one two");
}

#[test]
fn a_source_waits_for_the_slowest_of_its_sinks() {
    let dir = Dir::new();
    let from = dir.file("from", noise(2_000_000, 16));
    run(|| {
        let source = ReadStream::open(&from)?;
        source.pipe(&WriteOptions::new().high_water(1).open(dir.path("slow"))?);
        source.pipe(&WriteStream::create(dir.path("fast"))?);
        Ok(())
    })
    .unwrap();
    let all = std::fs::read(from).unwrap();
    assert!(std::fs::read(dir.path("slow")).unwrap() == all);
    assert!(std::fs::read(dir.path("fast")).unwrap() == all);
}
