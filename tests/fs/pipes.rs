//! From file to file.

use super::support::{Dir, Log, descriptors, hash, noise, run};
use onward::ErrorKind;
use onward::events::*;
use onward::fs::{ReadStream, WriteOptions, WriteStream};
use onward::stream::{PipeOptions, pipeline};
use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

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

#[test]
fn a_file_goes_to_a_file_whoever_listens_when() {
    let dir = Dir::new();
    let bytes = noise(20_000_000, 17);
    let from = dir.file("from", &bytes);
    for who in ["nobody", "before", "later", "and leaves", "all", "intercepts", "tick"] {
        let to = dir.path("to");
        let heard = Rc::new(RefCell::new(0));
        run(|| {
            let source = ReadStream::open(&from)?;
            let sink = WriteStream::create(&to)?;
            let count = Rc::clone(&heard);
            let hear = move |source: &ReadStream| {
                let count = Rc::clone(&count);
                source.on(Data, move |_, chunk| *count.borrow_mut() += chunk.len())
            };
            source.pipe(&sink);
            let late = source.clone();
            match who {
                "before" => drop(hear(&source)),
                "later" => {
                    onward::set_timeout(Duration::from_millis(2), move || {
                        hear(&late);
                    });
                }
                "and leaves" => {
                    let listener = hear(&source);
                    onward::set_timeout(Duration::from_millis(2), move || {
                        late.off(listener);
                    });
                }
                "all" => {
                    let count = Rc::clone(&heard);
                    source.on_any(move |_, event| {
                        if let onward::fs::ReadEvent::Data(chunk) = event {
                            *count.borrow_mut() += chunk.len();
                        }
                    });
                }
                "intercepts" => {
                    let count = Rc::clone(&heard);
                    source.intercept(Data, move |_, chunk| {
                        *count.borrow_mut() += chunk.len();
                        std::ops::ControlFlow::Continue(())
                    });
                }
                "tick" => {
                    source.on(Open, |source, ()| {
                        source.pause();
                        let source = source.clone();
                        onward::set_immediate(move || source.resume());
                    });
                }
                _ => {}
            }
            let len = bytes.len() as u64;
            source.on(End, move |source, ()| assert_eq!(source.bytes_read(), len));
            sink.on(Finish, move |sink, ()| assert_eq!(sink.bytes_written(), len));
            Ok(())
        })
        .unwrap();
        assert!(std::fs::read(&to).unwrap() == bytes, "{who}");
        let heard = *heard.borrow();
        let expected = match who {
            "before" | "all" | "intercepts" => heard == bytes.len(),
            "later" | "and leaves" => heard <= bytes.len(),
            _ => heard == 0,
        };
        assert!(expected, "{who} heard {heard} bytes");
        assert_eq!(descriptors(&from) + descriptors(&to), 0);
    }
}

#[test]
fn who_takes_the_pipe_away_hears_all_the_rest() {
    let dir = Dir::new();
    let from = dir.file("from", noise(10_000_000, 18));
    let heard = Rc::new(RefCell::new(0));
    run(|| {
        let source = ReadStream::open(&from)?;
        source.pipe(&WriteStream::create(dir.path("to"))?);
        source.remove_all_of(Data);
        let count = Rc::clone(&heard);
        source.on(Data, move |_, chunk| *count.borrow_mut() += chunk.len());
        Ok(())
    })
    .unwrap();
    assert_eq!(*heard.borrow(), 10_000_000);
    assert_eq!(std::fs::read(dir.path("to")).unwrap(), b"");
}

#[test]
fn ranges_offsets_and_what_was_written_before_keep_their_places() {
    let dir = Dir::new();
    let bytes = noise(5_000_000, 19);
    let from = dir.file("from", &bytes);
    let to = dir.file("to", vec![b'.'; 10]);
    run(|| {
        let sink = WriteOptions::new().start(5).open(&to)?;
        sink.write("head");
        let source = onward::fs::ReadOptions::new().start(1_000).end(4_000_999).open(&from)?;
        source.pipe_with(&sink, PipeOptions::new().end(false));
        source.on(Close, move |_, _| sink.end_with("tail"));
        Ok(())
    })
    .unwrap();
    let there = std::fs::read(&to).unwrap();
    assert_eq!(there.len(), 5 + 4 + 4_000_000 + 4);
    assert_eq!((&there[..9], &there[4_000_009..]), (&b".....head"[..], &b"tail"[..]));
    assert!(there[9..4_000_009] == bytes[1_000..4_001_000]);
}

#[test]
fn a_pipe_goes_on_beyond_four_gibibytes() {
    const EDGE: u64 = 1 << 32;
    let dir = Dir::new();
    let (from, to) = (dir.path("from"), dir.path("to"));
    let bytes = noise(2_000_000, 23);
    let far = std::fs::File::create(&from).unwrap();
    std::os::unix::fs::FileExt::write_all_at(&far, &bytes, EDGE - 1_000_000).unwrap();
    run(|| {
        let source = onward::fs::ReadOptions::new().start(EDGE - 1_000_000).open(&from)?;
        source.pipe(&WriteOptions::new().start(EDGE - 500_000).open(&to)?);
        Ok(())
    })
    .unwrap();
    let (to, mut there) = (std::fs::File::open(&to).unwrap(), vec![0; bytes.len()]);
    assert_eq!(to.metadata().unwrap().len(), EDGE + 1_500_000);
    std::os::unix::fs::FileExt::read_exact_at(&to, &mut there, EDGE - 500_000).unwrap();
    assert!(there == bytes);
}

#[test]
fn either_end_may_be_destroyed_at_any_time() {
    let dir = Dir::new();
    let from = dir.file("from", noise(30_000_000, 20));
    let to = dir.path("to");
    for turns in 0..30 {
        for source_goes in [true, false] {
            let (read, wrote) = (Log::default(), Log::default());
            run(|| {
                let (source, sink) = (ReadStream::open(&from)?, WriteStream::create(&to)?);
                read.edges(&source);
                wrote.write(&sink);
                source.pipe(&sink);
                after_turns(
                    turns,
                    move || {
                        if source_goes { source.destroy() } else { sink.destroy() }
                    },
                );
                Ok(())
            })
            .unwrap();
            assert!(read.all().ends_with("close(false)"), "{}", read.all());
            assert!(wrote.all().ends_with("close(false)"), "{}", wrote.all());
            assert!(!(read.all() + &wrote.all()).contains("error"));
            assert_eq!(descriptors(&from) + descriptors(&to), 0);
        }
    }
}

fn after_turns(turns: usize, f: impl FnOnce() + 'static) {
    match turns {
        0 => f(),
        _ => drop(onward::set_immediate(move || after_turns(turns - 1, f))),
    }
}

#[test]
fn what_a_followed_file_gets_goes_to_the_other() {
    let dir = Dir::new();
    let (from, to) = (dir.file("from", noise(3_000_000, 21)), dir.path("to"));
    run(|| {
        let source = onward::fs::ReadOptions::new().follow(true).end(3_099_999).open(&from)?;
        source.pipe(&WriteStream::create(&to)?);
        onward::set_timeout(Duration::from_millis(30), move || {
            use std::io::Write as _;
            let mut file = std::fs::File::options().append(true).open(&from).unwrap();
            file.write_all(&noise(200_000, 22)).unwrap();
        });
        Ok(())
    })
    .unwrap();
    let all = [noise(3_000_000, 21), noise(200_000, 22)].concat();
    assert!(std::fs::read(&to).unwrap() == all[..3_100_000]);
}
