//! Names: made, renamed, linked, removed; what is known of what they lead to.

use super::support::{Dir, wait};
use onward::fs;
use std::fs::{FileTimes, Permissions};
use std::io;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

#[test]
fn a_rename_takes_the_place_of_what_is_there() {
    let dir = Dir::new();
    let (from, to) = (dir.file("from", "new"), dir.file("to", "old"));
    wait(async {
        fs::rename(&from, &to).await?;
        assert_eq!(fs::read(&to).await?, b"new");
        assert!(!fs::exists(&from).await?);
        // Into itself.
        fs::mkdir(dir.path("a")).await?;
        let error = fs::rename(dir.path("a"), dir.path("a/b")).await.unwrap_err();
        assert_eq!(error.io_kind(), Some(io::ErrorKind::InvalidInput));
        Ok(())
    });
}

#[test]
fn directories_are_made_with_all_above_them() {
    let dir = Dir::new();
    wait(async {
        assert!(fs::mkdir(dir.path("a/b")).await.unwrap_err().is_not_found());
        fs::mkdir_all(dir.path("a/b/c")).await?;
        fs::mkdir_all(dir.path("a/b/c")).await?;
        assert!(fs::stat(dir.path("a/b/c")).await?.is_dir());
        dir.file("file", "");
        let error = fs::mkdir_all(dir.path("file/x")).await.unwrap_err();
        assert_eq!(error.io_kind(), Some(io::ErrorKind::NotADirectory));
        // Many at once, which are all missing the same.
        let deep: Vec<_> =
            (0..50).map(|n| fs::mkdir_all(dir.path(&format!("x/y/{n}"))).start()).collect();
        for one in deep {
            one.await?;
        }
        Ok(())
    });
}

#[test]
fn links_are_removed_and_what_they_lead_to_stays() {
    let dir = Dir::new();
    std::fs::create_dir_all(dir.path("tree/inner")).unwrap();
    std::fs::create_dir(dir.path("precious")).unwrap();
    dir.file("precious/file", "x");
    symlink(dir.path("precious"), dir.path("tree/inner/link")).unwrap();
    symlink(dir.path("precious"), dir.path("link")).unwrap();
    wait(async {
        fs::remove_all(dir.path("link")).await?;
        fs::remove_all(dir.path("tree")).await?;
        fs::remove_all(dir.file("single", "")).await?;
        assert!(!fs::exists(dir.path("link")).await?);
        assert!(!fs::exists(dir.path("tree")).await?);
        assert!(!fs::exists(dir.path("single")).await?);
        assert_eq!(fs::read(dir.path("precious/file")).await?, b"x");
        Ok(())
    });
}

#[test]
fn a_link_that_takes_a_directorys_place_meanwhile_is_not_followed() {
    let dir = Dir::new();
    std::fs::create_dir(dir.path("precious")).unwrap();
    let precious: Vec<_> = (0..20).map(|n| dir.file(&format!("precious/{n}"), "x")).collect();
    let stop = Arc::new(AtomicBool::new(false));
    let (place, target, stopped) =
        (dir.path("tree/swapped"), dir.path("precious"), Arc::clone(&stop));
    let swapper = std::thread::spawn(move || {
        while !stopped.load(Ordering::Relaxed) {
            // A directory, then a link to what is precious, in turn.
            let _ = std::fs::create_dir_all(&place);
            let _ = std::fs::write(place.join("file"), "");
            let _ = std::fs::remove_file(place.join("file"));
            let _ = std::fs::remove_dir(&place);
            let _ = symlink(&target, &place);
            let _ = std::fs::remove_file(&place);
        }
    });
    wait(async {
        for _ in 0..200 {
            fs::mkdir_all(dir.path("tree")).await?;
            // It may fail, for there may be new things in it.
            let _ = fs::remove_all(dir.path("tree")).await;
        }
        Ok(())
    });
    stop.store(true, Ordering::Relaxed);
    swapper.join().unwrap();
    assert!(precious.iter().all(|path| path.exists()));
}

#[test]
fn links_lead_where_they_say() {
    let dir = Dir::new();
    let file = dir.file("file", "x");
    wait(async {
        fs::symlink("file", dir.path("link")).await?;
        fs::symlink("nowhere", dir.path("dangling")).await?;
        fs::hard_link(&file, dir.path("second")).await?;
        assert_eq!(fs::read_link(dir.path("link")).await?.to_str(), Some("file"));
        assert_eq!(fs::canonicalize(dir.path("link")).await?, std::fs::canonicalize(&file)?);
        assert!(fs::lstat(dir.path("link")).await?.is_symlink());
        assert!(fs::stat(dir.path("link")).await?.is_file());
        assert_eq!(fs::stat(&file).await?.nlink(), 2);
        assert!(!fs::exists(dir.path("dangling")).await?);
        assert!(fs::lstat(dir.path("dangling")).await?.is_symlink());
        assert!(fs::stat(dir.path("dangling")).await.unwrap_err().is_not_found());
        let error = fs::symlink("file", dir.path("link")).await.unwrap_err();
        assert_eq!(error.io_kind(), Some(io::ErrorKind::AlreadyExists));
        Ok(())
    });
}

#[test]
fn a_circle_of_links_is_an_error() {
    let dir = Dir::new();
    symlink("b", dir.path("a")).unwrap();
    symlink("a", dir.path("b")).unwrap();
    const ELOOP: i32 = 40;
    wait(async {
        assert_eq!(fs::read(dir.path("a")).await.unwrap_err().raw_os_error(), Some(ELOOP));
        assert_eq!(fs::stat(dir.path("a")).await.unwrap_err().raw_os_error(), Some(ELOOP));
        assert_eq!(fs::write(dir.path("a"), "").await.unwrap_err().raw_os_error(), Some(ELOOP));
        let long = dir.path(&"x".repeat(300));
        assert_eq!(fs::write(long, "").await.unwrap_err().raw_os_error(), Some(36));
        Ok(())
    });
}

#[test]
fn permissions_and_times_are_set() {
    let dir = Dir::new();
    let file = dir.file("file", "x");
    wait(async {
        fs::set_permissions(&file, Permissions::from_mode(0o640)).await?;
        assert_eq!(fs::stat(&file).await?.permissions().mode() & 0o777, 0o640);
        let then = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000);
        let times = FileTimes::new().set_modified(then).set_accessed(then);
        fs::set_times(&file, times).await?;
        fs::set_times(dir.path(""), times).await?;
        assert_eq!(fs::stat(&file).await?.modified()?, then);
        assert_eq!(fs::stat(dir.path("")).await?.modified()?, then);
        Ok(())
    });
}
