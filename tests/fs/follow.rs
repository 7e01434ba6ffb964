//! Files that are followed: what is appended, what is cut, and what comes in their place.

use super::support::{Dir, Log, descriptors, run};
use onward::Result;
use onward::events::*;
use onward::fs::{ReadOptions, ReadStream};
use std::cell::RefCell;
use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::Duration;

/// The system tells, or the file is looked at every so often.
fn ways() -> [ReadOptions; 2] {
    let told = ReadOptions::new().follow(true);
    [told, told.follow_every(Duration::from_millis(2))]
}

fn append(path: &Path, text: &str) {
    File::options()
        .append(true)
        .create(true)
        .open(path)
        .unwrap()
        .write_all(text.as_bytes())
        .unwrap();
}

/// What is done when all of a text has come.
type Step = (&'static str, Box<dyn FnOnce(&ReadStream)>);

fn step(text: &'static str, then: impl FnOnce(&ReadStream) + 'static) -> Step {
    (text, Box::new(then))
}

/// Follows, with what was told as text and events, and does each step when its text has come.
fn follow(options: ReadOptions, path: PathBuf, steps: Vec<Step>) -> String {
    let told = Rc::new(RefCell::new(String::new()));
    let result = Rc::clone(&told);
    run(|| {
        let stream = options.open(path)?;
        let mut steps = steps.into_iter();
        let mut next = steps.next();
        let text = Rc::clone(&told);
        let mut came = move |stream: &ReadStream, what: &str| {
            text.borrow_mut().push_str(what);
            let done = next.as_ref().is_some_and(|(until, _)| text.borrow().ends_with(until));
            if done {
                let (_, then) = std::mem::replace(&mut next, steps.next()).unwrap();
                then(stream);
            }
        };
        let told = Rc::new(RefCell::new(move |stream: &ReadStream, what: &str| came(stream, what)));
        let tell = [(); 4].map(|()| Rc::clone(&told));
        let [data, cut, other, ended] = tell;
        stream.on(Data, move |stream, chunk| {
            data.borrow_mut()(stream, std::str::from_utf8(chunk).unwrap());
        });
        stream.on(Truncated, move |stream, length| {
            cut.borrow_mut()(stream, &format!("<cut to {length}>"));
        });
        stream.on(Rotated, move |stream, ()| other.borrow_mut()(stream, "<other>"));
        stream.on(End, move |stream, ()| ended.borrow_mut()(stream, "<end>"));
        Ok(())
    })
    .unwrap();
    Rc::unwrap_or_clone(result).into_inner()
}

#[test]
fn what_is_appended_comes() {
    for options in ways() {
        let dir = Dir::new();
        let path = dir.file("log", "one ");
        let (a, b, c) = (path.clone(), path.clone(), path.clone());
        let steps = vec![
            step("one ", move |_| append(&a, "two ")),
            step("two ", move |_| {
                // It is waiting by then, or about to.
                onward::set_timeout(Duration::from_millis(20), move || append(&b, "three "));
            }),
            step("three ", move |_| {
                std::thread::spawn(move || (0..100).for_each(|_| append(&c, "more ")));
            }),
            step(&MORE, ReadStream::destroy),
        ];
        assert_eq!(follow(options, path.clone(), steps), format!("one two three {}", &*MORE));
        assert_eq!(descriptors(&path), 0);
        assert!(!is_watched(&dir.path("")) && !is_watched(&path));
    }
}

static MORE: std::sync::LazyLock<String> = std::sync::LazyLock::new(|| "more ".repeat(100));

/// Does the kernel tell this process of changes there?
fn is_watched(path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    let node = format!(" ino:{:x} ", std::fs::metadata(path).unwrap().ino());
    let all = std::fs::read_dir("/proc/self/fdinfo").unwrap();
    let mut texts = all.filter_map(|entry| std::fs::read_to_string(entry.ok()?.path()).ok());
    texts.any(|text| text.lines().any(|line| line.starts_with("inotify ") && line.contains(&node)))
}

#[test]
fn an_empty_file_is_waited_for() {
    for options in ways() {
        let dir = Dir::new();
        let path = dir.file("log", "");
        let late = path.clone();
        let open = move || -> Result<ReadStream> {
            let stream = options.open(&late)?;
            let late = late.clone();
            onward::set_timeout(Duration::from_millis(15), move || append(&late, "at last"));
            Ok(stream)
        };
        let log = Log::default();
        run(|| {
            let stream = open()?;
            log.read(&stream);
            stream.on(Data, |stream, _| stream.destroy());
            Ok(())
        })
        .unwrap();
        assert_eq!(log.all(), "open data(7) close(false)");
    }
}

#[test]
fn a_file_that_is_cut_is_read_from_its_start() {
    for options in ways() {
        let dir = Dir::new();
        let path = dir.file("log", "a long line ");
        let (a, b) = (path.clone(), path.clone());
        let steps = vec![
            step("line ", move |_| {
                onward::set_timeout(Duration::from_millis(10), move || {
                    std::fs::write(&a, "new ").unwrap();
                });
            }),
            step("new ", move |_| append(&b, "more")),
            step("more", ReadStream::destroy),
        ];
        let told = follow(options, path, steps);
        // It is seen as empty, or with what was written next.
        let told = told.replace("<cut to 0>", "<cut>").replace("<cut to 4>", "<cut>");
        assert_eq!(told, "a long line <cut>new more");
    }
}

#[test]
fn another_file_of_its_name_is_read_after_the_end_of_the_old_one() {
    for options in ways() {
        let dir = Dir::new();
        let path = dir.file("log", "old ");
        let (a, old) = (path.clone(), dir.path("log.1"));
        let (b, c) = (path.clone(), path.clone());
        let renamed = old.clone();
        let steps = vec![
            step("old ", move |_| {
                onward::set_timeout(Duration::from_millis(10), move || {
                    std::fs::rename(&a, &renamed).unwrap();
                    append(&renamed, "last ");
                    append(&a, "new ");
                });
            }),
            step("<other>new ", move |_| append(&b, "more ")),
            step("more ", move |_| {
                // Once more, by a file that is moved there.
                let ready = c.with_file_name("ready");
                append(&ready, "ready");
                std::fs::rename(ready, c).unwrap();
            }),
            step("ready", ReadStream::destroy),
        ];
        assert_eq!(follow(options, path.clone(), steps), "old last <other>new more <other>ready");
        assert_eq!(descriptors(&path) + descriptors(&old), 0);
    }
}

#[test]
fn a_file_that_is_gone_is_waited_for() {
    for options in ways() {
        let dir = Dir::new();
        let path = dir.file("log", "old ");
        let a = path.clone();
        let steps = vec![
            step("old ", move |_| {
                std::fs::remove_file(&a).unwrap();
                onward::set_timeout(Duration::from_millis(20), move || append(&a, "new"));
            }),
            step("new", ReadStream::destroy),
        ];
        assert_eq!(follow(options, path, steps), "old <other>new");
    }
}

#[test]
fn a_range_ends_it() {
    for options in ways() {
        let dir = Dir::new();
        let path = dir.file("log", "0123");
        let a = path.clone();
        let steps = vec![step("123", move |_| append(&a, "456789"))];
        assert_eq!(follow(options.start(1).end(5), path, steps), "12345<end>");
    }
}

#[test]
fn nothing_is_told_while_it_is_paused_and_nothing_is_lost() {
    for options in ways() {
        let dir = Dir::new();
        let path = dir.file("log", "one ");
        let a = path.clone();
        let steps = vec![
            step("one ", move |stream| {
                stream.pause();
                let stream = stream.clone();
                onward::set_timeout(Duration::from_millis(5), move || append(&a, "two"));
                onward::set_timeout(Duration::from_millis(25), move || {
                    assert_eq!(stream.bytes_read(), 4);
                    stream.resume();
                });
            }),
            step("two", ReadStream::destroy),
        ];
        assert_eq!(follow(options, path, steps), "one two");
    }
}

#[test]
fn one_that_is_not_counted_or_not_read_lets_the_loop_end() {
    for options in ways() {
        let dir = Dir::new();
        let path = dir.file("log", "one");
        let log = Log::default();
        run(|| {
            let stream = options.open(&path)?;
            log.read(&stream);
            stream.unref();
            let paused = options.open(&path)?;
            paused.on(Data, |paused, _| paused.pause());
            Ok(())
        })
        .unwrap();
        assert!(["open data(3) close(false)", "open close(false)"].contains(&&*log.all()));
        assert_eq!(descriptors(&path), 0);
    }
}

#[test]
fn files_without_a_length_end_as_ever() {
    for options in ways() {
        let log = Log::default();
        run(|| options.open("/proc/self/status").map(|stream| log.read(&stream))).unwrap();
        assert!(log.all().ends_with(" end close(false)"), "{}", log.all());
        let log = Log::default();
        run(|| options.open("/dev/null").map(|stream| log.read(&stream))).unwrap();
        assert_eq!(log.all(), "open end close(false)");
    }
}

#[test]
fn an_open_file_is_followed_without_its_name() {
    for options in ways() {
        let dir = Dir::new();
        let path = dir.file("log", "0123");
        let log = Log::default();
        run(|| {
            let mut file = File::open(&path)?;
            std::io::Seek::seek(&mut file, std::io::SeekFrom::Start(2))?;
            let stream = options.open_file(file)?;
            log.read(&stream);
            let (path, moved) = (path.clone(), dir.path("moved"));
            stream.on(Data, move |stream, chunk| match chunk {
                b"23" => {
                    std::fs::rename(&path, &moved).unwrap();
                    append(&path, "another");
                    append(&moved, "45");
                }
                _ => stream.destroy(),
            });
            Ok(())
        })
        .unwrap();
        assert_eq!(log.bytes(), b"2345");
    }
}

#[test]
fn lines_are_told_as_they_are_completed() {
    let dir = Dir::new();
    let path = dir.file("log", "one\ntw");
    let seen = Rc::new(RefCell::new(Vec::new()));
    let kept = Rc::clone(&seen);
    run(|| -> Result<()> {
        let stream = ReadOptions::new().follow(true).open(&path)?;
        stream
            .on_line(move |stream, line| {
                kept.borrow_mut().push(line.to_owned());
                match line {
                    "one" => append(&path, "o\n"),
                    "two" => append(&path, "three\n"),
                    _ => stream.destroy(),
                }
            })
            .on(Error, |_, _| {});
        Ok(())
    })
    .unwrap();
    assert_eq!(*seen.borrow(), ["one", "two", "three"]);
}

#[test]
fn waiting_costs_no_turns() {
    let dir = Dir::new();
    let path = dir.file("log", "one");
    run(|| {
        let stream = ReadOptions::new().follow(true).open(&path)?;
        stream.resume();
        onward::set_timeout(Duration::from_millis(50), move || {
            let before = onward::inspect::stats().turns;
            onward::set_timeout(Duration::from_millis(100), move || {
                let turns = onward::inspect::stats().turns - before;
                assert!(turns < 10, "{turns} turns");
                stream.destroy();
            });
        });
        Ok(())
    })
    .unwrap();
}

#[test]
fn another_file_is_noticed_wherever_a_link_leads() {
    for options in ways() {
        let (dir, other) = (Dir::new(), Dir::new());
        let (target, link) = (other.file("log", "old "), dir.path("link"));
        std::os::unix::fs::symlink(&target, &link).unwrap();
        let moved = other.path("log.1");
        let steps = vec![
            step("old ", move |_| {
                // Long enough for it to look, and to find nothing.
                std::fs::rename(&target, &moved).unwrap();
                onward::set_timeout(Duration::from_millis(50), move || append(&target, "new"));
            }),
            step("new", ReadStream::destroy),
        ];
        assert_eq!(follow(options, link, steps), "old <other>new");
    }
}

#[test]
fn another_file_is_noticed_when_a_link_to_its_folder_leads_elsewhere() {
    for options in ways() {
        let dir = Dir::new();
        for folder in ["one", "two"] {
            std::fs::create_dir(dir.path(folder)).unwrap();
        }
        dir.file("one/log", "old ");
        dir.file("two/log", "new");
        let (link, next) = (dir.path("link"), dir.path("next"));
        std::os::unix::fs::symlink("one", &link).unwrap();
        std::os::unix::fs::symlink("two", &next).unwrap();
        let path = link.join("log");
        let steps = vec![
            step("old ", move |_| {
                onward::set_timeout(Duration::from_millis(50), move || {
                    std::fs::rename(&next, &link).unwrap();
                });
            }),
            step("new", ReadStream::destroy),
        ];
        assert_eq!(follow(options, path, steps), "old <other>new");
    }
}

#[test]
fn another_file_is_noticed_in_a_folder_that_has_gone_and_come_again() {
    for options in ways() {
        for removed in [false, true] {
            let dir = Dir::new();
            let folder = dir.path("folder");
            std::fs::create_dir(&folder).unwrap();
            let path = dir.file("folder/log", "old ");
            let (again, away) = (path.clone(), dir.path("away"));
            let steps = vec![
                step("old ", move |_| {
                    onward::set_timeout(Duration::from_millis(20), move || {
                        match removed {
                            true => std::fs::remove_dir_all(&folder).unwrap(),
                            false => std::fs::rename(&folder, away).unwrap(),
                        }
                        onward::set_timeout(Duration::from_millis(50), move || {
                            std::fs::create_dir(folder).unwrap();
                            append(&again, "new");
                        });
                    });
                }),
                step("new", ReadStream::destroy),
            ];
            assert_eq!(follow(options, path, steps), "old <other>new");
        }
    }
}
