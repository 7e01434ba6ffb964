//! Watching a file or a directory.

use super::support::{Dir, Log, run, short};
use crate::child::{Process, is_child};
use onward::events::*;
use onward::fs::{self, WatchOptions, Watcher};
use onward::{ErrorKind, Result};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Beats of the loop for which nothing is told any more, until the next step is taken.
const REST: u32 = 12;
/// The same after a step of which nothing is to be told.
const LONG_REST: u32 = 40;
/// Longer than changes are gathered.
const BEAT: Duration = Duration::from_millis(15);

/// Something to do, and what has to be told of it before the next step is taken: who tells may be busy for any time.
pub(crate) struct Step {
    take: Box<dyn FnOnce()>,
    brings: &'static str,
}

impl Step {
    pub(crate) fn brings(self, brings: &'static str) -> Self {
        Self { brings, ..self }
    }
}

/// Has all of it been told?
fn has_come(wanted: &str, told: &str) -> bool {
    wanted.split_whitespace().all(|word| told.split(' ').any(|other| other == word))
}

/// What is told, with the paths below `root`, while `steps` are taken, each when all has been told of the one before.
/// The watcher is closed after the last.
pub(crate) fn told(
    root: &Path,
    open: impl FnOnce() -> Result<Watcher>,
    steps: Vec<Step>,
) -> String {
    let log = Log::default();
    let (noted, root) = (log.clone(), root.to_path_buf());
    run(move || {
        let watcher = open()?;
        note(&noted, &watcher, &root);
        watcher.once(Open, move |watcher, ()| {
            let (mut steps, watcher, log) = (steps.into_iter(), watcher.clone(), noted);
            let (mut before, mut last, mut beats) = (0, log.all(), 0);
            let (mut wanted, mut rest) = ("", 1);
            onward::set_interval(BEAT, move |timer| {
                let now = log.all();
                beats = if now == last { beats + 1 } else { 0 };
                last = now;
                if beats < rest || !has_come(wanted, &last[before..]) {
                    return;
                }
                (before, beats) = (last.len(), 0);
                match steps.next() {
                    Some(step) => {
                        wanted = step.brings;
                        rest = if wanted.is_empty() { LONG_REST } else { REST };
                        (step.take)();
                    }
                    None => {
                        watcher.close();
                        timer.cancel();
                    }
                }
            })
            .unref();
        });
        Ok(())
    })
    .unwrap();
    log.all()
}

/// Notes all that is told but `Open`.
pub(crate) fn note(log: &Log, watcher: &Watcher, root: &Path) {
    let name = |root: &Path| {
        let root = root.to_path_buf();
        move |path: &Path| match path.strip_prefix(&root).unwrap() {
            below if below.as_os_str().is_empty() => ".".to_owned(),
            below => below.display().to_string(),
        }
    };
    let logs = [(); 8].map(|()| (log.clone(), name(root)));
    let [created, changed, removed, renamed, rescan, skipped, failed, closed] = logs;
    watcher.on(Created, move |_, path| created.0.note(format!("+{}", created.1(path))));
    watcher.on(Changed, move |_, path| changed.0.note(format!("*{}", changed.1(path))));
    watcher.on(Removed, move |_, path| removed.0.note(format!("-{}", removed.1(path))));
    watcher.on(Renamed, move |_, (from, to)| {
        renamed.0.note(format!("{}>{}", renamed.1(from), renamed.1(to)));
    });
    watcher.on(Rescan, move |_, path| rescan.0.note(format!("rescan({})", rescan.1(path))));
    watcher.on(Skipped, move |_, error| skipped.0.note(format!("skipped({})", short(error))));
    watcher.on(Error, move |_, error| failed.0.note(format!("error({})", short(error))));
    watcher.on(Close, move |_, had_error| closed.0.note(format!("close({had_error})")));
}

/// A step that brings nothing, unless it is said what.
pub(crate) fn step(take: impl FnOnce() + 'static) -> Step {
    Step { take: Box::new(take), brings: "" }
}

pub(crate) fn write(path: PathBuf, bytes: &'static str) -> Step {
    step(move || std::fs::write(path, bytes).unwrap())
}

#[test]
fn a_directory_tells_what_comes_changes_and_goes() {
    let dir = Dir::new();
    let root = dir.path("");
    dir.file("old", "x");
    let (old, new) = (dir.path("old"), dir.path("new"));
    let [one, two, gone] = [new.clone(), new.clone(), old.clone()];
    let steps = vec![
        write(new, "hello").brings("+new"),
        write(one, "hello again").brings("*new"),
        step(move || std::fs::rename(&two, two.with_file_name("named")).unwrap())
            .brings("new>named"),
        step(move || std::fs::remove_file(&gone).unwrap()).brings("-old"),
        write(old, "once more").brings("+old"),
    ];
    let told = told(&root, || fs::watch(&root), steps);
    assert_eq!(told, "+new *new new>named -old +old close(false)");
}

#[test]
fn many_changes_of_a_moment_become_one() {
    let dir = Dir::new();
    let root = dir.path("");
    dir.file("file", "");
    let paths = ["file", "brief", "new"].map(|name| dir.path(name));
    let steps = vec![
        step(move || {
            let [file, brief, new] = &paths;
            for _ in 0..100 {
                std::fs::write(file, "x").unwrap();
            }
            std::fs::write(brief, "x").unwrap();
            std::fs::write(new, "x").unwrap();
            std::fs::remove_file(brief).unwrap();
        })
        .brings("*file +new"),
    ];
    assert_eq!(told(&root, || fs::watch(&root), steps), "*file +new close(false)");
}

#[test]
fn what_is_moved_out_is_removed_and_what_is_moved_in_is_created() {
    let (dir, other) = (Dir::new(), Dir::new());
    let root = dir.path("");
    let (file, out) = (dir.file("file", ""), other.path("out"));
    let (back, again) = (out.clone(), dir.path("again"));
    let steps = vec![
        step(move || std::fs::rename(file, out).unwrap()).brings("-file"),
        step(move || std::fs::rename(back, again).unwrap()).brings("+again"),
    ];
    assert_eq!(told(&root, || fs::watch(&root), steps), "-file +again close(false)");
}

#[test]
fn a_directory_that_is_not_recursive_knows_nothing_of_what_is_below() {
    let dir = Dir::new();
    let root = dir.path("");
    let below = dir.path("below");
    let file = below.join("file");
    let steps =
        vec![step(move || std::fs::create_dir(below).unwrap()).brings("+below"), write(file, "x")];
    assert_eq!(told(&root, || fs::watch(&root), steps), "+below close(false)");
}

#[test]
fn a_file_stays_watched_when_another_one_takes_its_place() {
    let dir = Dir::new();
    let file = dir.file("file", "one");
    let root = dir.path("");
    let [first, swapped, last, back] = [(); 4].map(|()| file.clone());
    let (beside, unheard) = (dir.path("beside"), dir.path("unheard"));
    let steps = vec![
        write(first, "two").brings("*file"),
        write(unheard, "somebody else's"),
        step(move || {
            std::fs::write(&beside, "three").unwrap();
            std::fs::rename(&beside, swapped).unwrap();
        })
        .brings("*file"),
        step(move || std::fs::remove_file(last).unwrap()).brings("-file"),
        write(back, "four").brings("+file"),
    ];
    let told = told(&root, || fs::watch(&file), steps);
    assert_eq!(told, "*file *file -file +file close(false)");
}

#[test]
fn a_file_that_is_looked_at_again_and_again_may_go_and_come() {
    let dir = Dir::new();
    let (root, file) = (dir.path(""), dir.file("file", "one"));
    let (gone, back) = (file.clone(), file.clone());
    let steps = vec![
        step(move || std::fs::remove_file(gone).unwrap()).brings("-file"),
        write(back, "two").brings("+file"),
    ];
    let polled = WatchOptions::new().poll(Duration::from_millis(2));
    let told = told(&root, || polled.watch(&file), steps);
    // Who looks while it is written may see it twice.
    assert_eq!(told.replace(" *file", ""), "-file +file close(false)");
}

#[test]
fn what_is_known_of_a_file_changes_too() {
    use std::os::unix::fs::PermissionsExt as _;
    let dir = Dir::new();
    let file = dir.file("file", "");
    let root = dir.path("");
    let closed = std::fs::Permissions::from_mode(0o400);
    let steps =
        vec![step(move || std::fs::set_permissions(&file, closed).unwrap()).brings("*file")];
    assert_eq!(told(&root, || fs::watch(&root), steps), "*file close(false)");
}

#[test]
fn what_is_watched_goes_and_with_it_the_watcher() {
    for recursive in [false, true] {
        let dir = Dir::new();
        let root = dir.path("root");
        std::fs::create_dir_all(root.join("below")).unwrap();
        let (removed, again) = (root.clone(), root.clone());
        let options = WatchOptions::new().recursive(recursive);
        let steps = vec![
            step(move || std::fs::remove_dir_all(removed).unwrap()).brings("-below -."),
            step(move || std::fs::create_dir(again).unwrap()),
        ];
        let told = told(&root, || options.watch(&root), steps);
        assert_eq!(told, "-below -. close(false)");
    }
}

#[test]
fn what_is_not_there_cannot_be_watched() {
    let dir = Dir::new();
    let root = dir.path("");
    let missing = "error(watch missing: No such file or directory (os error 2)) close(true)";
    assert_eq!(told(&root, || fs::watch(dir.path("missing")), vec![]), missing);
    let polled = WatchOptions::new().poll(Duration::from_millis(1));
    assert_eq!(told(&root, || polled.watch(dir.path("missing")), vec![]), missing);
    assert_eq!(fs::watch("x").unwrap_err().kind(), ErrorKind::NotInLoop);
}

#[test]
fn nothing_is_told_after_it_was_closed() {
    let dir = Dir::new();
    let log = Log::default();
    let (noted, root) = (log.clone(), dir.path(""));
    run(move || {
        let watcher = fs::watch(&root)?;
        note(&noted, &watcher, &root);
        watcher.on(Open, move |watcher, ()| {
            std::fs::write(root.join("one"), "").unwrap();
            std::fs::write(root.join("two"), "").unwrap();
            watcher.on(Created, |watcher, _| {
                watcher.close();
                watcher.close();
                assert!(watcher.is_closed());
            });
        });
        Ok(())
    })
    .unwrap();
    assert_eq!(log.all(), "+one close(false)");
}

#[test]
fn the_loop_waits_for_it_unless_told_otherwise() {
    let dir = Dir::new();
    let log = Log::default();
    let (noted, root) = (log.clone(), dir.path(""));
    run(move || {
        let watcher = fs::watch(&root)?;
        note(&noted, &watcher, &root);
        drop(watcher.clone());
        watcher.unref();
        Ok(())
    })
    .unwrap();
    assert_eq!(log.all(), "close(false)");
}

#[test]
fn a_panic_of_a_listener_loses_nothing_that_was_to_be_told() {
    let dir = Dir::new();
    let (log, root) = (Log::default(), dir.path(""));
    let event_loop = onward::EventLoop::new().unwrap();
    event_loop.enter(|| {
        let watcher = fs::watch(&root).unwrap();
        watcher.on(Open, move |_, ()| {
            for name in ["a", "b", "c"] {
                std::fs::write(root.join(name), "").unwrap();
            }
        });
        let log = log.clone();
        watcher.on(Created, move |watcher, path| {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            log.note(&*name);
            assert_ne!(name, "a");
            if name == "c" {
                watcher.close();
            }
        });
    });
    let run = || std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| event_loop.run()));
    assert!(run().is_err());
    assert!(run().unwrap().is_ok());
    assert_eq!(log.all(), "a b c");
}

#[test]
fn looking_again_and_again_finds_the_same() {
    let outer = Dir::new();
    let (root, away) = (outer.path("root"), outer.path("away"));
    std::fs::create_dir_all(root.join("below")).unwrap();
    std::fs::write(root.join("old"), "x").unwrap();
    let polled = WatchOptions::new().recursive(true).poll(Duration::from_millis(2));
    let (old, new) = (root.join("old"), root.join("below/new"));
    let [longer, renamed, gone] = [new.clone(), new.clone(), old];
    let place = root.clone();
    let steps = vec![
        write(new, "hello").brings("+below/new"),
        write(longer, "hello again").brings("*below/new"),
        step(move || std::fs::rename(&renamed, renamed.with_file_name("named")).unwrap())
            .brings("+below/named -below/new"),
        step(move || std::fs::remove_file(&gone).unwrap()).brings("-old"),
        step(move || std::fs::rename(place, away).unwrap()).brings("-."),
    ];
    let told = told(&root, || polled.watch(&root), steps);
    // Who looks while a file is written may see it twice.
    let mut told: Vec<_> = told.split(' ').collect();
    told.dedup();
    // And who looks while the root goes may see first that what is in it has gone.
    let below = told.len() - 2;
    let gone = told[..below].iter().rposition(|it| *it == "-old").map_or(below, |old| old + 1);
    assert!(told[gone..below].iter().all(|it| it.starts_with("-below")), "{told:?}");
    told.drain(gone..below);
    let told = told.join(" ");
    assert_eq!(told, "+below/new *below/new +below/named -below/new -old -. close(false)");
}

#[test]
fn what_the_kernel_could_not_keep_is_told_as_a_rescan() {
    Process::start("fs::watch::child_that_floods").ends_well();
}

/// By itself, for the flood may last longer than others wait.
#[test]
#[ignore = "a process of its own"]
fn child_that_floods() {
    if !is_child() {
        return;
    }
    let most = std::fs::read_to_string("/proc/sys/fs/inotify/max_queued_events").unwrap();
    let most: usize = most.trim().parse().unwrap();
    for recursive in [false, true] {
        let dir = Dir::new();
        let root = dir.path("");
        let log = Log::default();
        let (noted, place) = (log.clone(), root.clone());
        onward::run(move || {
            let watcher = WatchOptions::new().recursive(recursive).watch(&place)?;
            let seen = place.clone();
            watcher.on(Open, move |_, ()| {
                // The kernel makes one of two notices that are the same, but not of these.
                let mut files =
                    ["a", "b"].map(|name| std::fs::File::create(place.join(name)).unwrap());
                for number in 0..=most {
                    files[number % 2].write_all(b"x").unwrap();
                }
                std::fs::create_dir(place.join("unnoticed")).unwrap();
            });
            watcher.on(Rescan, move |watcher, path| {
                assert_eq!(path, seen);
                noted.note("rescan");
                // From here on all is told again.
                std::fs::write(seen.join("unnoticed/new"), "").unwrap();
                std::fs::write(seen.join("last"), "").unwrap();
                let noted = noted.clone();
                watcher.on(Created, move |watcher, path| {
                    noted.note(path.file_name().unwrap().to_string_lossy());
                    if path.ends_with("last") {
                        watcher.close();
                    }
                });
            });
            Ok(())
        })
        .unwrap();
        assert_eq!(log.all(), if recursive { "rescan new last" } else { "rescan last" });
    }
}

#[test]
fn looking_again_sees_permissions_too() {
    use std::os::unix::fs::PermissionsExt as _;
    let dir = Dir::new();
    let (file, below) = (dir.file("file", ""), dir.path("below"));
    std::fs::create_dir(&below).unwrap();
    let root = dir.path("");
    let closed = |path: PathBuf, mode| {
        let closed = std::fs::Permissions::from_mode(mode);
        step(move || std::fs::set_permissions(path, closed).unwrap())
    };
    // What no mask of a user would have given them.
    let steps = vec![closed(file, 0o400).brings("*file"), closed(below, 0o500).brings("*below")];
    let polled = WatchOptions::new().poll(Duration::from_millis(2));
    assert_eq!(told(&root, || polled.watch(&root), steps), "*file *below close(false)");
}
