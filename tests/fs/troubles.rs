//! Bad days: full disks, file systems that cannot be written, what is forbidden, what is something else.

use super::support::{Dir, noise, short, wait};
use onward::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A file system of its own, if this process may have one.
struct Mount(PathBuf);

impl Mount {
    fn new(dir: &Dir, options: &str) -> Option<Self> {
        let place = dir.path("mount");
        std::fs::create_dir(&place).unwrap();
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", options, "onward-test"]).arg(&place);
        let mounted = mount.output().is_ok_and(|output| output.status.success());
        if !mounted {
            eprintln!("not tested: no file system may be mounted here");
        }
        mounted.then_some(Self(place))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(&self.0).status();
    }
}

#[test]
fn a_disk_that_is_full_in_the_middle_is_an_error_and_what_was_there_stays() {
    let dir = Dir::new();
    let Some(mount) = Mount::new(&dir, "size=256k") else { return };
    let large = dir.file("large", noise(500_000, 1));
    let full = Some(io::ErrorKind::StorageFull);
    wait(async {
        fs::write(mount.path("kept"), noise(50_000, 2)).await?;
        let error = fs::write(mount.path("file"), noise(500_000, 1)).await.unwrap_err();
        assert_eq!((error.io_kind(), error.operation()), (full, "write"), "{error}");
        let error = fs::append(mount.path("file"), noise(500_000, 1)).await.unwrap_err();
        assert_eq!((error.io_kind(), error.operation()), (full, "append"), "{error}");
        fs::remove_file(mount.path("file")).await?;

        // A copy that was begun in vain is not left behind.
        let error = fs::copy(&large, mount.path("copy")).await.unwrap_err();
        assert_eq!((error.io_kind(), error.operation()), (full, "copy"), "{error}");
        assert!(!fs::exists(mount.path("copy")).await?);

        let options = fs::FileOptions::new().write(true).create(true);
        let file = options.open(mount.path("file")).await?;
        let error = file.write_at(0, noise(500_000, 1)).await.unwrap_err();
        assert_eq!(error.io_kind(), full, "{error}");
        drop(file);
        assert!(fs::read(mount.path("kept")).await? == noise(50_000, 2));
        Ok(())
    });
}

#[test]
fn a_device_that_is_full_is_an_error() {
    wait(async {
        let error = fs::write("/dev/full", "x").await.unwrap_err();
        assert_eq!(error.to_string(), "write /dev/full: No space left on device (os error 28)");
        let error = fs::append("/dev/full", noise(100_000, 1)).await.unwrap_err();
        assert_eq!(error.io_kind(), Some(io::ErrorKind::StorageFull));
        fs::write("/dev/null", noise(100_000, 1)).await
    });
}

#[test]
fn a_file_system_that_cannot_be_written_is_an_error() {
    let dir = Dir::new();
    let Some(mount) = Mount::new(&dir, "ro") else { return };
    let read_only = Some(io::ErrorKind::ReadOnlyFilesystem);
    wait(async {
        let errors = [
            fs::write(mount.path("file"), "x").await.unwrap_err(),
            fs::append(mount.path("file"), "x").await.unwrap_err(),
            fs::mkdir(mount.path("a")).await.unwrap_err(),
            fs::mkdir_all(mount.path("a/b")).await.unwrap_err(),
            fs::symlink("a", mount.path("b")).await.unwrap_err(),
            fs::temp_file_in(mount.path("")).await.map(drop).unwrap_err(),
            fs::temp_dir_in(mount.path("")).await.map(drop).unwrap_err(),
        ];
        for error in errors {
            assert_eq!(error.io_kind(), read_only, "{error}");
        }
        Ok(())
    });
}

#[test]
fn a_directory_is_no_file() {
    let dir = Dir::new();
    std::fs::create_dir(dir.path("place")).unwrap();
    let place = dir.path("place");
    wait(async {
        let text = |error: onward::Error| short(&error);
        let is_one = "place: Is a directory (os error 21)";
        assert_eq!(text(fs::read(&place).await.unwrap_err()), format!("read {is_one}"));
        assert_eq!(text(fs::read_to_string(&place).await.unwrap_err()), format!("read {is_one}"));
        assert_eq!(text(fs::write(&place, "").await.unwrap_err()), format!("write {is_one}"));
        assert_eq!(text(fs::truncate(&place, 0).await.unwrap_err()), format!("truncate {is_one}"));
        assert!(fs::remove_file(&place).await.is_err());
        assert!(fs::remove_dir(dir.file("file", "")).await.is_err());
        Ok(())
    });
}

#[test]
fn a_file_that_vanishes_or_shrinks_while_it_is_read_is_no_more_than_that() {
    let dir = Dir::new();
    let path = dir.file("file", noise(300_000, 1));
    let changing = path.clone();
    let stop = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    let stopped = std::sync::Arc::clone(&stop);
    let changer = std::thread::spawn(move || {
        while !stopped.load(std::sync::atomic::Ordering::Relaxed) {
            std::fs::write(&changing, noise(300_000, 1)).unwrap();
            std::fs::write(&changing, "short").unwrap();
            std::fs::remove_file(&changing).unwrap();
        }
    });
    wait(async {
        for _ in 0..300 {
            match fs::read(&path).await {
                Ok(bytes) => assert!(bytes.len() <= 300_000),
                Err(error) => assert!(error.is_not_found(), "{error}"),
            }
        }
        Ok(())
    });
    stop.store(true, std::sync::atomic::Ordering::Relaxed);
    changer.join().unwrap();
}

#[test]
fn what_is_forbidden_is_an_error() {
    use std::os::unix::fs::PermissionsExt as _;
    const NAME: &str = "fs::troubles::what_is_forbidden_is_an_error";
    const SECRET: &str = "ONWARD_TEST_FORBIDDEN";
    if let Some(path) = std::env::var_os(SECRET) {
        return forbidden(Path::new(&path));
    }
    let dir = Dir::new();
    std::fs::create_dir(dir.path("closed")).unwrap();
    dir.file("closed/file", "x");
    let closed = std::fs::Permissions::from_mode(0o000);
    std::fs::set_permissions(dir.path("closed"), closed).unwrap();
    let program = std::env::current_exe().unwrap();
    // To root nothing is forbidden: as somebody else, if this program can be run by them.
    let somebody = || {
        let mut command = Command::new("setpriv");
        command.args(["--reuid=65534", "--regid=65534", "--clear-groups"]);
        command.arg(&program).args(["--exact", NAME]);
        command
    };
    if std::fs::read_dir(dir.path("closed")).is_err() {
        forbidden(&dir.path("closed"));
    } else if somebody().arg("--list").output().is_ok_and(|output| output.status.success()) {
        assert!(somebody().env(SECRET, dir.path("closed")).status().unwrap().success());
    }
    std::fs::set_permissions(dir.path("closed"), std::fs::Permissions::from_mode(0o700)).unwrap();
}

fn forbidden(closed: &Path) {
    let file = closed.join("file");
    wait(async {
        let errors = [
            fs::read(&file).await.map(drop).unwrap_err(),
            fs::write(&file, "").await.unwrap_err(),
            fs::stat(&file).await.map(drop).unwrap_err(),
            fs::exists(&file).await.map(drop).unwrap_err(),
            fs::rename(&file, closed.join("other")).await.unwrap_err(),
            fs::copy(&file, closed.join("other")).await.map(drop).unwrap_err(),
            fs::remove_file(&file).await.unwrap_err(),
            fs::remove_all(closed).await.unwrap_err(),
        ];
        for error in errors {
            assert!(error.is_permission_denied(), "{error}");
        }
        Ok(())
    });
}
