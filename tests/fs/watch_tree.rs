//! Watching trees.

use super::support::{BusyPool, Dir, Log, run};
use super::watch::{note, step, told, write};
use crate::child::{Process, is_child};
use onward::ErrorKind;
use onward::events::*;
use onward::fs::WatchOptions;
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::path::Path;
use std::rc::Rc;
use std::time::Duration;

const TREE: WatchOptions = WatchOptions::new().recursive(true);

#[test]
fn what_happens_anywhere_below_is_told() {
    let dir = Dir::new();
    let root = dir.path("");
    std::fs::create_dir_all(dir.path("a/b")).unwrap();
    let (deep, gone) = (dir.path("a/b/file"), dir.path("a/b"));
    let steps = vec![
        write(deep, "x").brings("+a/b/file"),
        step(move || std::fs::remove_dir_all(gone).unwrap()).brings("-a/b/file -a/b"),
        write(dir.path("a/after"), "x").brings("+a/after"),
    ];
    let told = told(&root, || TREE.watch(&root), steps);
    assert_eq!(told, "+a/b/file -a/b/file -a/b +a/after close(false)");
}

#[test]
fn nothing_that_is_made_in_a_new_directory_is_missed() {
    let dir = Dir::new();
    let root = dir.path("");
    let (found, place) = (Rc::new(RefCell::new(BTreeSet::new())), root.clone());
    let seen = Rc::clone(&found);
    run(move || {
        let watcher = TREE.watch(&place)?;
        let below = place.clone();
        watcher.on(Created, move |watcher, path| {
            let path = path.strip_prefix(&below).unwrap().display().to_string();
            assert!(seen.borrow_mut().insert(path.clone()), "{path} was told twice");
            if seen.borrow().len() == 50 * 3 {
                watcher.close();
            }
        });
        watcher.on(Open, move |_, ()| {
            let place = place.clone();
            // Another thread is as fast as it can.
            std::thread::spawn(move || {
                for number in 0..50 {
                    let deep = place.join(format!("d{number}/e"));
                    std::fs::create_dir_all(&deep).unwrap();
                    std::fs::write(deep.join("file"), "x").unwrap();
                }
            });
        });
        Ok(())
    })
    .unwrap();
    assert_eq!(found.borrow().len(), 150);
}

#[test]
fn a_directory_that_is_renamed_is_watched_by_its_new_name() {
    let dir = Dir::new();
    let root = dir.path("");
    std::fs::create_dir_all(dir.path("a/deep")).unwrap();
    let (from, to) = (dir.path("a"), dir.path("b"));
    let steps = vec![
        step(move || std::fs::rename(from, to).unwrap()).brings("a>b"),
        write(dir.path("b/deep/file"), "x").brings("+b/deep/file"),
    ];
    assert_eq!(told(&root, || TREE.watch(&root), steps), "a>b +b/deep/file close(false)");
}

#[test]
fn a_tree_that_is_moved_out_is_let_go_and_one_that_is_moved_in_is_told_whole() {
    let (dir, other) = (Dir::new(), Dir::new());
    let root = dir.path("");
    std::fs::create_dir_all(dir.path("a/deep")).unwrap();
    dir.file("a/deep/file", "x");
    let (inside, outside) = (dir.path("a"), other.path("a"));
    let (back, again) = (outside.clone(), dir.path("again"));
    let steps = vec![
        step(move || std::fs::rename(inside, outside).unwrap()).brings("-a"),
        write(other.path("a/deep/unheard"), "x"),
        step(move || std::fs::rename(back, again).unwrap())
            .brings("+again +again/deep +again/deep/file +again/deep/unheard"),
        write(dir.path("again/deep/heard"), "x").brings("+again/deep/heard"),
    ];
    let told = told(&root, || TREE.watch(&root), steps);
    let (before, after) = told.split_once(" +again +again/deep ").expect(&told);
    assert_eq!(before, "-a");
    let mut after: Vec<_> = after.split(' ').collect();
    after[..2].sort_unstable();
    let whole = ["+again/deep/file", "+again/deep/unheard", "+again/deep/heard", "close(false)"];
    assert_eq!(after, whole);
}

#[test]
fn links_are_told_and_not_followed() {
    let (dir, other) = (Dir::new(), Dir::new());
    let root = dir.path("");
    let (target, link) = (other.path(""), dir.path("link"));
    std::os::unix::fs::symlink(&root, dir.path("circle")).unwrap();
    let steps = vec![
        step(move || std::os::unix::fs::symlink(target, link).unwrap()).brings("+link"),
        write(other.path("unheard"), "x"),
    ];
    assert_eq!(told(&root, || TREE.watch(&root), steps), "+link close(false)");
}

#[test]
fn a_watcher_that_is_closed_lets_all_of_its_directories_go() {
    let dir = Dir::new();
    let root = dir.path("");
    for number in 0..100 {
        std::fs::create_dir_all(dir.path(&format!("{number}/deep"))).unwrap();
    }
    let watches = || {
        let all = std::fs::read_dir("/proc/self/fdinfo").unwrap();
        let texts = all.filter_map(|entry| std::fs::read_to_string(entry.ok()?.path()).ok());
        texts.map(|text| text.matches("inotify wd:").count()).collect::<Vec<_>>()
    };
    run(move || {
        TREE.watch(&root)?.on(Open, move |watcher, ()| {
            assert!(watches().contains(&201), "{:?}", watches());
            watcher.close();
            onward::set_immediate(move || assert!(!watches().contains(&201), "{:?}", watches()));
        });
        Ok(())
    })
    .unwrap();
}

#[test]
fn a_user_who_has_no_watches_left_is_told_so() {
    Process::start("fs::watch_tree::child_without_watches").ends_well();
}

/// Which user namespace this process is in.
fn namespace() -> std::path::PathBuf {
    std::fs::read_link("/proc/self/ns/user").unwrap()
}

/// The limit is that of a user namespace of its own: nobody else may feel it.
#[test]
#[ignore = "a process of its own"]
fn child_without_watches() {
    const OUTER: &str = "ONWARD_TEST_NAMESPACE";
    if !is_child() {
        return;
    }
    let Some(outer) = std::env::var_os(OUTER) else {
        let mut unshare = std::process::Command::new("unshare");
        unshare.args(["--user", "--map-root-user"]);
        if !unshare.arg("true").status().is_ok_and(|status| status.success()) {
            eprintln!("not tested: there are no namespaces of one's own here");
            return;
        }
        let mut unshare = std::process::Command::new("unshare");
        unshare.args(["--user", "--map-root-user"]).arg(std::env::current_exe().unwrap());
        unshare.args(["fs::watch_tree::child_without_watches", "--exact", "--ignored"]);
        return assert!(unshare.env(OUTER, namespace()).status().unwrap().success());
    };
    assert_ne!(namespace(), outer);
    if std::fs::write("/proc/sys/user/max_inotify_watches", "20").is_err() {
        eprintln!("not tested: the limit cannot be set here");
        return;
    }
    let dir = Dir::new();
    for number in 0..50 {
        std::fs::create_dir(dir.path(&number.to_string())).unwrap();
    }
    let log = Log::default();
    let (noted, root) = (log.clone(), dir.path(""));
    run(move || {
        let watcher = TREE.watch(&root)?;
        note(&noted, &watcher, &root);
        watcher.on(Error, |_, error| assert_eq!(error.kind(), ErrorKind::OutOfWatches, "{error}"));
        Ok(())
    })
    .unwrap();
    assert!(
        log.all().contains("error(watch ") && log.all().ends_with("close(true)"),
        "{}",
        log.all()
    );
}

#[test]
fn what_is_gathered_for_longer_is_told_at_once() {
    let dir = Dir::new();
    let root = dir.path("");
    let log = Log::default();
    let noted = log.clone();
    run(move || {
        let watcher = TREE.gather(Duration::from_millis(200)).watch(&root)?;
        note(&noted, &watcher, &root);
        let file = root.join("file");
        watcher.on(Open, move |_, ()| {
            let mut times = 0;
            let file = file.clone();
            onward::set_interval(Duration::from_millis(10), move |timer| {
                times += 1;
                std::fs::write(&file, times.to_string()).unwrap();
                if times == 5 {
                    timer.cancel();
                }
            });
        });
        watcher.on(Created, |watcher, _| watcher.close());
        Ok(())
    })
    .unwrap();
    assert_eq!(log.all(), "+file close(false)");
}

#[test]
fn a_directory_that_is_renamed_before_it_was_looked_into_is_watched_all_the_same() {
    let dir = Dir::new();
    let root = dir.path("");
    let (from, to) = (dir.path("a"), dir.path("b"));
    let steps = vec![
        step(move || {
            std::fs::create_dir_all(from.join("deep")).unwrap();
            std::fs::rename(from, to).unwrap();
        })
        .brings("+a a>b +b/deep"),
        write(dir.path("b/deep/file"), "x").brings("+b/deep/file"),
    ];
    let told = told(&root, || TREE.watch(&root), steps);
    assert_eq!(told, "+a a>b +b/deep +b/deep/file close(false)");
}

#[test]
fn a_directory_in_the_place_of_another_one_is_watched() {
    for moved in [false, true] {
        let (dir, other) = (Dir::new(), Dir::new());
        let root = dir.path("");
        std::fs::create_dir(dir.path("a")).unwrap();
        // Somebody has the old one open, so that it does not go yet.
        let held = std::fs::File::open(dir.path("a")).unwrap();
        let (path, away) = (dir.path("a"), other.path("a"));
        let steps = vec![
            step(move || {
                match moved {
                    true => std::fs::rename(&path, away).unwrap(),
                    false => std::fs::remove_dir(&path).unwrap(),
                }
                std::fs::create_dir(path).unwrap();
            })
            .brings("-a +a"),
            write(dir.path("a/file"), "x").brings("+a/file"),
            step(move || drop(held)),
            write(dir.path("a/other"), "x").brings("+a/other"),
        ];
        let told = told(&root, || TREE.watch(&root), steps);
        assert_eq!(told, "-a +a +a/file +a/other close(false)", "moved: {moved}");
    }
}

#[test]
fn a_directory_that_is_renamed_while_it_is_looked_into_is_watched_all_the_same() {
    let (dir, other) = (Dir::new(), Dir::new());
    let root = dir.path("");
    let (from, to) = (dir.path("a"), dir.path("b"));
    let deep = from.join("deep");
    let busy = Rc::new(RefCell::new(None));
    let (held, free) = (Rc::clone(&busy), busy);
    let steps = vec![
        step(move || {
            // So that nobody looks yet.
            held.replace(Some(BusyPool::new(&other)));
            std::fs::create_dir_all(deep).unwrap();
        })
        .brings("+a"),
        step(move || std::fs::rename(from, to).unwrap()).brings("a>b"),
        step(move || drop(free.take())).brings("+b/deep"),
        write(dir.path("b/deep/file"), "x").brings("+b/deep/file"),
    ];
    let told = told(&root, || TREE.watch(&root), steps);
    assert_eq!(told, "+a a>b +b/deep +b/deep/file close(false)");
}

/// A directory that no path is long enough for.
fn too_deep(root: &Path) {
    use rustix::fs::{CWD, Mode, OFlags, mkdirat, openat};
    let (name, folder) = ("x".repeat(250), OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC);
    let mut here = openat(CWD, root, folder, Mode::empty()).unwrap();
    for _ in 0..17 {
        mkdirat(&here, &name, Mode::RWXU).unwrap();
        here = openat(&here, &name, folder, Mode::empty()).unwrap();
    }
}

#[test]
fn a_directory_that_cannot_be_watched_is_skipped_once() {
    for options in [TREE, TREE.poll(Duration::from_millis(2))] {
        let dir = Dir::new();
        let root = dir.path("");
        too_deep(&root);
        let steps = vec![write(dir.path("file"), "x").brings("+file")];
        let told = told(&root, || options.watch(&root), steps);
        let told: Vec<_> = told.split_inclusive([')', ' ']).map(str::trim).collect();
        assert!(told[0].starts_with("skipped(watch"), "{told:?}");
        let told = told.join(" ");
        assert_eq!(told.matches("skipped").count(), 1, "{told}");
        assert!(
            told.contains("File name too long") && told.ends_with("+file close(false)"),
            "{told}"
        );
    }
}
