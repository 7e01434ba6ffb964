//! Files and directories that go with their owners.

use super::support::{Dir, in_time, run, wait};
use crate::child::{Process, is_child};
use onward::ErrorKind;
use onward::fs::{self, TempDir};
use std::os::unix::fs::PermissionsExt as _;

#[test]
fn a_directory_goes_with_all_that_is_in_it() {
    let outer = Dir::new();
    let path = wait(async {
        let dir = fs::temp_dir_in(outer.path("")).await?;
        let path = dir.path().to_path_buf();
        assert_eq!(fs::stat(&path).await?.permissions().mode() & 0o777, 0o700);
        fs::mkdir_all(path.join("a/b")).await?;
        fs::write(path.join("a/b/file"), "x").await?;
        Ok(path)
    });
    // The loop that it was dropped in has ended, and waited for that.
    assert!(!path.exists());
    assert_eq!(std::fs::read_dir(outer.path("")).unwrap().count(), 0);
}

#[test]
fn dropped_without_a_loop_it_goes_at_once() {
    let outer = Dir::new();
    let dir: TempDir = wait(async { fs::temp_dir_in(outer.path("")).await });
    let path = dir.path().to_path_buf();
    assert!(path.is_dir());
    std::thread::spawn(move || drop(dir)).join().unwrap();
    assert!(!path.exists());
}

#[test]
fn a_thousand_go_before_the_loop_ends_by_itself() {
    let outer = Dir::new();
    let place = outer.path("");
    run(move || {
        for _ in 0..1_000 {
            fs::temp_file_in(&place).then(|file| drop(file.unwrap()));
        }
        Ok(())
    })
    .unwrap();
    assert_eq!(std::fs::read_dir(outer.path("")).unwrap().count(), 0);
}

#[test]
fn one_that_nobody_took_is_gone_too() {
    let outer = Dir::new();
    wait(async {
        for _ in 0..20 {
            drop(fs::temp_file_in(outer.path("")).start());
            drop(fs::temp_dir_in(outer.path("")).start());
        }
        // What was begun is done; this is done behind it, if not beside it.
        fs::stat("/proc/self/status").await
    });
    // A thread may still be at it.
    in_time(|| std::fs::read_dir(outer.path("")).unwrap().count() == 0);
}

#[test]
fn what_is_kept_stays() {
    let outer = Dir::new();
    let settings = outer.file("settings", "old");
    wait(async {
        let kept = fs::temp_dir_in(outer.path("")).await?.keep();
        let temp = fs::temp_file_in(outer.path("")).await?;
        assert_eq!(fs::stat(temp.path()).await?.permissions().mode() & 0o777, 0o600);
        temp.file().write_at(0, "new").await?;
        let file = temp.persist(&settings).await?;
        assert_eq!(file.read_at(0, 10).await?, b"new");
        assert_eq!(file.path(), settings);
        assert!(kept.is_dir());
        fs::remove_dir(kept).await
    });
    assert_eq!(std::fs::read(settings).unwrap(), b"new");
    assert_eq!(std::fs::read_dir(outer.path("")).unwrap().count(), 1);
}

#[test]
fn what_cannot_be_kept_goes_and_says_why() {
    let outer = Dir::new();
    wait(async {
        let temp = fs::temp_file_in(outer.path("")).await?;
        let error = temp.persist(outer.path("no/such/place")).await.unwrap_err();
        assert!(error.is_not_found());
        assert!(error.to_string().starts_with("rename "), "{error}");
        let dir = fs::temp_dir_in(outer.path("")).await?;
        std::fs::remove_dir(dir.path())?;
        assert!(dir.remove().await.unwrap_err().is_not_found());
        assert!(fs::temp_dir_in(outer.path("missing")).await.unwrap_err().is_not_found());
        Ok(())
    });
    assert_eq!(std::fs::read_dir(outer.path("")).unwrap().count(), 0);
}

#[test]
fn what_cannot_be_kept_for_want_of_descriptors_goes_too() {
    Process::start_limited("fs::temporary::child_with_few_descriptors", 64).ends_well();
}

#[test]
#[ignore = "a process of its own"]
fn child_with_few_descriptors() {
    if !is_child() {
        return;
    }
    let outer = Dir::new();
    let kept = outer.path("kept");
    wait(async {
        let temp = fs::temp_file_in(outer.path("")).await?;
        let held: Vec<_> = std::iter::from_fn(|| std::fs::File::open("/dev/null").ok()).collect();
        let error = temp.persist(&kept).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::OutOfDescriptors);
        drop(held);
        Ok(())
    });
    assert_eq!(std::fs::read_dir(outer.path("")).unwrap().count(), 0);
}
