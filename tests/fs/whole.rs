//! Whole files: read, written, copied, cut.

use super::support::{Dir, descriptors, noise, wait};
use onward::{ErrorKind, fs};
use std::ffi::OsStr;
use std::io::Write as _;
use std::os::unix::ffi::OsStrExt as _;

#[test]
fn files_of_every_size_are_read_whole() {
    let dir = Dir::new();
    wait(async {
        for size in [0, 1, 4095, 4096, 128 * 1024, 128 * 1024 + 1, 3_000_000] {
            let bytes = noise(size, size as u64);
            let path = dir.file("file", &bytes);
            assert!(fs::read(&path).await? == bytes, "{size} bytes");
            fs::write(&path, bytes.clone()).await?;
            assert!(std::fs::read(&path)? == bytes, "{size} bytes");
            assert_eq!(descriptors(&path), 0);
        }
        Ok(())
    });
}

#[test]
fn what_is_cached_is_read_in_the_first_poll_and_what_is_not_by_a_thread() {
    use std::future::Future as _;
    use std::task::{Context, Waker};
    let dir = Dir::new();
    let (small, large) = (dir.file("small", "x"), dir.file("large", noise(200_000, 1)));
    wait(async {
        let poll = |path| {
            let mut read = Box::pin(fs::read(path));
            read.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_ready()
        };
        // On a file system without these flags everything goes to the pool.
        let can = rustix_reads_now(&small);
        assert_eq!(poll(&small), can);
        assert!(!poll(&large), "it would take too long");
        Ok(())
    });
}

/// Can this file system say what is cached?
fn rustix_reads_now(path: &std::path::Path) -> bool {
    use rustix::io::{ReadWriteFlags, preadv2};
    let file = std::fs::File::open(path).unwrap();
    let mut byte = [0];
    let buffers = &mut [std::io::IoSliceMut::new(&mut byte)];
    preadv2(&file, buffers, 0, ReadWriteFlags::NOWAIT).is_ok()
}

#[test]
fn files_that_the_kernel_makes_up_are_read_to_their_end() {
    wait(async {
        let status = fs::read_to_string("/proc/self/status").await?;
        assert!(status.contains("Threads:"), "{status}");
        assert_eq!(fs::read("/dev/null").await?, b"");
        Ok(())
    });
}

#[test]
fn text_that_is_no_utf_8_is_a_typed_error_that_says_where() {
    let dir = Dir::new();
    let path = dir.file("text", b"gr\xfc\xdfe");
    // Too long to be read on the loop.
    let long = dir.file("long", [b"x".repeat(200_000), b"\xff".to_vec()].concat());
    wait(async {
        let error = fs::read_to_string(&path).await.unwrap_err();
        assert_eq!((error.kind(), error.operation()), (ErrorKind::Malformed, "read"));
        assert_eq!(error.target(), path.to_str());
        assert!(error.to_string().ends_with("from index 2"), "{error}");
        let error = fs::read_to_string(&long).await.unwrap_err();
        assert!(error.to_string().ends_with("from index 200000"), "{error}");
        assert_eq!(fs::read(&path).await?, b"gr\xfc\xdfe");
        Ok(())
    });
}

#[test]
fn what_is_appended_by_many_at_once_stands_together() {
    let dir = Dir::new();
    let path = dir.path("log");
    wait(async {
        let lines = (0..100).map(|number| format!("{number:099}\n"));
        let appends: Vec<_> = lines.map(|line| fs::append(&path, line).start()).collect();
        for append in appends {
            append.await?;
        }
        let text = fs::read_to_string(&path).await?;
        let mut numbers: Vec<u32> = text.lines().map(|line| line.parse().unwrap()).collect();
        numbers.sort_unstable();
        assert_eq!(numbers, (0..100).collect::<Vec<_>>());
        Ok(())
    });
}

#[test]
fn a_write_replaces_what_was_longer() {
    let dir = Dir::new();
    let path = dir.file("file", "something long");
    wait(async {
        fs::write(&path, "short").await?;
        assert_eq!(fs::read(&path).await?, b"short");
        fs::truncate(&path, 3).await?;
        fs::truncate(&path, 5).await?;
        assert_eq!(fs::read(&path).await?, b"sho\0\0");
        fs::sync(&path).await?;
        fs::sync(dir.path("")).await
    });
}

#[test]
fn a_copy_has_the_bytes_and_the_permissions_and_replaces_what_is_there() {
    use std::os::unix::fs::PermissionsExt as _;
    let dir = Dir::new();
    let bytes = noise(1_000_000, 2);
    let (from, to) = (dir.file("from", &bytes), dir.file("to", vec![1; 2_000_000]));
    std::fs::set_permissions(&from, std::fs::Permissions::from_mode(0o741)).unwrap();
    wait(async {
        assert_eq!(fs::copy(&from, &to).await?, 1_000_000);
        assert!(fs::read(&to).await? == bytes);
        assert_eq!(fs::stat(&to).await?.permissions().mode() & 0o777, 0o741);
        Ok(())
    });
}

#[test]
fn a_file_is_not_copied_onto_itself_by_whatever_name() {
    let dir = Dir::new();
    let path = dir.file("file", "precious");
    let (link, name) = (dir.path("link"), dir.path("name"));
    std::os::unix::fs::symlink(&path, &link).unwrap();
    std::fs::hard_link(&path, &name).unwrap();
    wait(async {
        for to in [&path, &link, &name] {
            let error = fs::copy(&path, to).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error}");
            assert_eq!(std::fs::read(&path)?, b"precious");
        }
        let error = fs::copy(dir.path(""), &link).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error}");
        Ok(())
    });
}

#[test]
fn a_fifo_is_read_to_its_end_and_holds_up_no_thread() {
    let dir = Dir::new();
    let fifo = dir.fifo("fifo");
    let many: Vec<_> = (0..50).map(|number| dir.fifo(&format!("fifo-{number}"))).collect();
    wait(async {
        // More than there are threads, and nobody writes.
        let waiting: Vec<_> = many.iter().map(|fifo| fs::read(fifo).start()).collect();
        let read = onward::spawn(fs::read_to_string(&fifo));
        let writer = onward::spawn_blocking({
            let fifo = fifo.clone();
            move || std::fs::File::options().write(true).open(fifo)?.write_all(b"at last")
        });
        writer.await??;
        assert_eq!(read.await??, "at last");
        fs::write(dir.path("file"), "x").await?;
        drop(waiting);
        Ok(())
    });
}

#[test]
fn a_fifo_without_a_reader_is_written_to_when_there_is_one() {
    let dir = Dir::new();
    let fifo = dir.fifo("fifo");
    let bytes = noise(500_000, 3);
    wait(async {
        let sent = bytes.clone();
        let write = onward::spawn(fs::write(&fifo, sent));
        fs::write(dir.path("meanwhile"), "x").await?;
        assert!(!write.is_finished());
        assert!(fs::read(&fifo).await? == bytes);
        write.await?
    });
}

#[test]
fn a_fifo_is_not_opened_by_what_has_no_business_there() {
    let dir = Dir::new();
    let fifo = dir.fifo("fifo");
    let writer = std::thread::spawn({
        let fifo = fifo.clone();
        move || std::fs::File::options().write(true).open(fifo).unwrap().write_all(b"kept").unwrap()
    });
    wait(async {
        assert!(fs::stat(&fifo).await.is_ok() && fs::exists(&fifo).await?);
        assert_eq!(
            fs::sync(&fifo).await.unwrap_err().io_kind(),
            Some(std::io::ErrorKind::InvalidInput)
        );
        assert!(fs::truncate(&fifo, 0).await.is_err());
        assert!(fs::copy(&fifo, dir.path("copy")).await.is_err());
        assert_eq!(fs::read(&fifo).await?, b"kept");
        Ok(())
    });
    writer.join().unwrap();
}

#[test]
fn names_need_not_be_text() {
    let dir = Dir::new();
    let path = dir.path("").join(OsStr::from_bytes(b"\xff\xfe"));
    wait(async {
        fs::write(&path, "x").await?;
        assert_eq!(fs::read(&path).await?, b"x");
        let error = fs::mkdir(&path).await.unwrap_err();
        assert!(error.to_string().contains('\u{fffd}'), "{error}");
        Ok(())
    });
}

#[test]
fn a_copy_to_a_fifo_is_refused_and_holds_up_no_thread() {
    let dir = Dir::new();
    let (fifo, file) = (dir.fifo("fifo"), dir.file("file", "x"));
    wait(async {
        let error = onward::timeout(std::time::Duration::from_secs(50), fs::copy(&file, &fifo));
        let error = error.await.expect("it does not wait").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        Ok(())
    });
}
