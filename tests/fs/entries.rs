//! Directories and trees, entry by entry.

use super::support::{Dir, Log, run, short, wait};
use crate::child::{Process, is_child};
use futures_lite::StreamExt as _;
use onward::events::*;
use onward::fs::{self, DirEntry, Entries, WalkOptions};
use onward::{ErrorKind, Result};
use std::cell::{Cell, RefCell};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::rc::Rc;

/// The paths below `root` that are told, in their order, and all else that is told.
fn told(root: &Path, open: impl FnOnce() -> Result<Entries>) -> (Vec<String>, String) {
    let (found, log) = (Rc::new(RefCell::new(Vec::new())), Log::default());
    let (paths, noted, below) = (Rc::clone(&found), log.clone(), root.to_path_buf());
    run(move || {
        let entries = open()?;
        entries.on(Entry, move |_, entry: DirEntry| {
            let path = entry.path().strip_prefix(&below).unwrap();
            assert_eq!(path.iter().count(), entry.depth());
            paths.borrow_mut().push(path.display().to_string());
        });
        let logs = [(); 4].map(|()| noted.clone());
        let [skipped, ended, failed, closed] = logs;
        entries.on(Skipped, move |_, error| skipped.note(format!("skipped({})", short(error))));
        entries.on(End, move |_, ()| ended.note("end"));
        entries.on(Error, move |_, error| failed.note(format!("error({})", short(error))));
        entries.on(Close, move |_, had_error| closed.note(format!("close({had_error})")));
        Ok(())
    })
    .unwrap();
    (found.take(), log.all())
}

fn sorted(root: &Path, open: impl FnOnce() -> Result<Entries>) -> Vec<String> {
    let (mut paths, events) = told(root, open);
    assert_eq!(events, "end close(false)");
    paths.sort();
    paths
}

/// a/b/c, a/file and file.
fn tree() -> (Dir, PathBuf) {
    let dir = Dir::new();
    std::fs::create_dir_all(dir.path("a/b/c")).unwrap();
    dir.file("a/file", "");
    dir.file("file", "");
    let root = dir.path("");
    (dir, root)
}

#[test]
fn a_directory_tells_what_stands_in_it_and_a_walk_what_stands_below() {
    let (_dir, root) = tree();
    assert_eq!(sorted(&root, || fs::read_dir(&root)), ["a", "file"]);
    assert_eq!(sorted(&root, || fs::walk(&root)), ["a", "a/b", "a/b/c", "a/file", "file"]);
    let two = WalkOptions::new().max_depth(2);
    assert_eq!(sorted(&root, || two.walk(&root)), ["a", "a/b", "a/file", "file"]);
    assert_eq!(told(&root, || fs::read_dir(root.join("a/b/c"))).1, "end close(false)");
}

#[test]
fn what_stands_in_a_directory_comes_behind_it_and_before_the_next() {
    let dir = Dir::new();
    for name in ["a/x/y", "b/x/y", "c/x/y"] {
        std::fs::create_dir_all(dir.path(name)).unwrap();
    }
    let (paths, _) = told(&dir.path(""), || fs::walk(dir.path("")));
    let first = |number: usize| paths[number].chars().next();
    for number in [0, 3, 6] {
        assert_eq!(paths[number].len(), 1, "{paths:?}");
        assert!(first(number) == first(number + 1) && first(number) == first(number + 2));
    }
}

#[test]
fn what_cannot_be_read_is_an_error_and_a_close() {
    let dir = Dir::new();
    let file = dir.file("file", "");
    let (_, events) = told(&dir.path(""), || fs::read_dir(dir.path("missing")));
    let not_there = "missing: No such file or directory (os error 2)";
    assert_eq!(events, format!("error(read directory {not_there}) close(true)"));
    let (_, events) = told(&dir.path(""), || fs::walk(&file));
    assert_eq!(events, "error(walk file: Not a directory (os error 20)) close(true)");
    assert_eq!(fs::read_dir("a").unwrap_err().kind(), ErrorKind::NotInLoop);
    run(|| {
        assert_eq!(fs::walk("a\0b").unwrap_err().kind(), ErrorKind::InvalidInput);
        Ok(())
    })
    .unwrap();
}

#[test]
fn links_are_told_and_only_followed_if_asked_and_never_in_a_circle() {
    let (_dir, root) = tree();
    symlink("..", root.join("a/up")).unwrap();
    symlink("a", root.join("link")).unwrap();
    symlink("nowhere", root.join("dangling")).unwrap();
    let all = ["a", "a/b", "a/b/c", "a/file", "a/up", "dangling", "file", "link"];
    assert_eq!(sorted(&root, || fs::walk(&root)), all);
    let (mut paths, events) = told(&root, || WalkOptions::new().follow_links(true).walk(&root));
    paths.sort();
    let linked = ["link/b", "link/b/c", "link/file", "link/up"];
    assert_eq!(paths, [&all[..], &linked[..]].concat());
    let circle = "skipped(walk up: a link back to where the walk has come from)";
    assert_eq!(events, format!("{circle} {circle} end close(false)"));
}

#[test]
fn skipped_that_nobody_listens_for_is_an_error() {
    let (_dir, root) = tree();
    symlink("..", root.join("a/up")).unwrap();
    let ended = run(|| {
        let tree = WalkOptions::new().follow_links(true).walk(&root)?;
        tree.on(Entry, |_, _| {});
        Ok(())
    });
    let error = ended.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unhandled);
    assert!(error.to_string().contains("a link back"), "{error}");
}

#[test]
fn twenty_thousand_entries_come_in_batches_and_leave_the_loop_its_time() {
    let dir = Dir::new();
    const MANY: usize = 20_000;
    for number in 0..MANY {
        dir.file(&number.to_string(), "");
    }
    let (entries, turns) = (Rc::new(Cell::new(0)), Rc::new(Cell::new(0)));
    let (told, counted, root) = (Rc::clone(&entries), Rc::clone(&turns), dir.path(""));
    run(move || {
        let all = fs::read_dir(root)?;
        all.on(Entry, move |_, _| told.set(told.get() + 1));
        let ticker = onward::set_interval(std::time::Duration::ZERO, |_| {});
        all.on(Close, move |_, _| {
            ticker.cancel();
        });
        onward::Handle::current()?.before_poll(move || counted.set(counted.get() + 1));
        Ok(())
    })
    .unwrap();
    assert_eq!(entries.get(), MANY);
    assert!(turns.get() >= MANY / 256, "{} turns", turns.get());
}

#[test]
fn a_listener_that_pauses_gets_no_more_before_it_goes_on() {
    let (_dir, root) = tree();
    let log = Log::default();
    let noted = log.clone();
    run(move || {
        let entries = fs::walk(root)?;
        entries.on(Entry, move |entries, _| {
            noted.note("entry");
            entries.pause();
            let (entries, noted) = (entries.clone(), noted.clone());
            onward::set_timeout(std::time::Duration::from_millis(1), move || {
                noted.note("later");
                entries.resume();
            });
        });
        Ok(())
    })
    .unwrap();
    assert_eq!(log.all(), ["entry later"; 5].join(" "));
}

#[test]
fn entries_that_nobody_reads_hold_nothing_and_those_that_are_dropped_close() {
    let (_dir, root) = tree();
    let log = Log::default();
    let [closed, paused] = [(); 2].map(|()| log.clone());
    run(move || {
        let unread = fs::walk(&root)?;
        unread.on(Close, move |_, had_error| closed.note(format!("dropped({had_error})")));
        drop(unread);
        let kept = fs::walk(&root)?;
        kept.on(Entry, |entries, _| entries.pause());
        kept.on(Close, move |_, _| paused.note("with the loop"));
        std::mem::forget(kept);
        Ok(())
    })
    .unwrap();
    assert_eq!(log.all(), "dropped(false) with the loop");
}

#[test]
fn destroyed_in_a_listener_only_the_close_follows() {
    let (_dir, root) = tree();
    let (paths, events) = told(&root, || {
        let tree = fs::walk(&root)?;
        tree.on(Entry, |tree, _| tree.destroy());
        Ok(tree)
    });
    assert_eq!((paths.len(), events.as_str()), (1, "close(false)"));
}

#[test]
fn they_are_awaited_one_by_one_too() {
    let (_dir, root) = tree();
    wait(async {
        let tree = fs::walk(&root)?;
        let all = tree.stream(Entry).capacity(1).block();
        assert_eq!(all.count().await, 5);
        assert_eq!(fs::list(&root).await?.len(), 2);
        assert!(fs::list(root.join("file")).await.is_err());
        Ok(())
    });
}

#[test]
fn a_panic_of_a_listener_loses_no_entry() {
    let (_dir, root) = tree();
    let count = Rc::new(Cell::new(0));
    let counted = Rc::clone(&count);
    let event_loop = onward::EventLoop::new().unwrap();
    event_loop.enter(|| {
        fs::walk(&root).unwrap().on(Entry, move |_, _| {
            counted.set(counted.get() + 1);
            assert_ne!(counted.get(), 2, "the second");
        });
    });
    let run = || std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| event_loop.run()));
    assert!(run().is_err());
    assert!(run().unwrap().is_ok());
    assert_eq!(count.get(), 5);
}

#[test]
fn a_tree_that_is_deeper_than_there_are_descriptors_is_walked_to_its_end() {
    Process::start_limited("fs::entries::child_in_a_deep_tree", 64).ends_well();
}

#[test]
#[ignore = "a process of its own"]
fn child_in_a_deep_tree() {
    if !is_child() {
        return;
    }
    let dir = Dir::new();
    let mut path = dir.path("");
    // Two beside each other at each step, so that those above are not done when the deepest is read.
    for _ in 0..100 {
        path.push("d");
        std::fs::create_dir(&path).unwrap();
        std::fs::write(path.with_file_name("beside"), "").unwrap();
    }
    let root = dir.path("");
    let paths = sorted(&root, || fs::walk(&root));
    assert_eq!(paths.len(), 200);
    // A tree is removed from its deepest directory upwards, which holds all above it open.
    let error = wait(async { Ok(fs::remove_all(dir.path("d")).await.unwrap_err()) });
    assert_eq!(error.kind(), ErrorKind::OutOfDescriptors);
    for path in paths.iter().rev().map(|path| root.join(path)).filter(|path| path.exists()) {
        std::fs::remove_dir(&path).or_else(|_| std::fs::remove_file(&path)).unwrap();
    }
}
