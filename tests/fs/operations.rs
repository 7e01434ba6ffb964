//! What all operations have in common: when they begin, how they are given up, what their errors say.

use super::support::{BusyPool, Dir, Gated, Log, run, short, wait};
use onward::abort::{AbortController, AbortSignal};
use onward::{ErrorKind, fs};
use std::future::Future as _;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

#[test]
fn nothing_happens_before_it_is_awaited_given_a_callback_or_started() {
    let dir = Dir::new();
    let (unused, used) = (dir.path("unused"), dir.path("used"));
    wait(async {
        drop(fs::write(&unused, "x"));
        let write = fs::write(&used, "x");
        assert!(!used.exists());
        write.await
    });
    assert!(used.exists() && !unused.exists());
}

#[test]
fn a_callback_is_never_called_from_inside_of_then() {
    let dir = Dir::new();
    let (log, cached) = (Log::default(), dir.file("cached", "x"));
    let (told, new) = (log.clone(), dir.path("new"));
    run(move || {
        for (name, log) in [("one", told.clone()), ("two", told.clone())] {
            fs::read(&cached).then(move |_| log.note(name));
            fs::write(&new, "x").then(|done| done.unwrap());
        }
        told.note("begun");
        Ok(())
    })
    .unwrap();
    assert_eq!(log.all(), "begun one two");
}

#[test]
fn several_that_are_started_are_done_at_the_same_time() {
    let dir = Dir::new();
    let fifo = dir.fifo("fifo");
    wait(async {
        // The reader waits for the writer.
        let (read, write) = (fs::read(&fifo).start(), fs::write(&fifo, "through").start());
        assert_eq!(read.await?, b"through");
        write.await
    });
}

#[test]
fn what_is_dropped_while_it_waits_is_taken_back() {
    let dir = Dir::new();
    let paths = ["dropped", "cancelled", "aborted", "late", "awaited"].map(|name| dir.path(name));
    let [dropped, cancelled, aborted, late, awaited] = &paths;
    wait(async {
        let busy = BusyPool::new(&dir);
        drop(fs::write(dropped, "x").start());

        fs::write(cancelled, "x").then(|_| unreachable!()).cancel();
        let controller = AbortController::new();
        let signal = controller.signal();
        let given_up = onward::spawn(signal.run(fs::write(aborted, "x")));
        onward::next_tick(move || controller.abort());
        assert_eq!(given_up.await?.unwrap_err().kind(), ErrorKind::Aborted);

        let signal = AbortSignal::timeout(Duration::from_millis(1));
        let error = signal.run(fs::write(late, "x")).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::TimedOut);

        let write = fs::write(awaited, "x").start();
        drop(busy);
        write.await
    });
    assert_eq!(paths.map(|path| path.exists()), [false, false, false, false, true]);
}

#[test]
fn what_has_begun_is_done_even_if_nobody_wants_its_result() {
    let dir = Dir::new();
    let path = dir.path("file");
    wait(async {
        let (bytes, begins, gate) = Gated::new();
        let write = fs::write(&path, bytes).start();
        begins.recv().unwrap();
        drop(write);
        drop(gate);
        while std::fs::read(&path)? != b"gated" {
            onward::sleep(Duration::from_millis(1)).await;
        }
        Ok(())
    });
}

#[test]
fn the_loop_need_not_wait_for_what_is_unrefed() {
    let dir = Dir::new();
    let fifo = dir.fifo("fifo");
    run(|| {
        fs::read(&fifo).then(|_| unreachable!("nobody writes")).unref();
        // It gets as far as to wait for the FIFO.
        fs::read("/proc/self/status").then(|status| assert!(!status.unwrap().is_empty()));
        Ok(())
    })
    .unwrap();
}

#[test]
fn the_loop_waits_for_what_is_begun() {
    let dir = Dir::new();
    let path = dir.path("file");
    run(|| {
        fs::write(&path, "x").then(|done| done.unwrap());
        Ok(())
    })
    .unwrap();
    assert_eq!(std::fs::read(path).unwrap(), b"x");
}

#[test]
fn errors_name_the_operation_the_paths_and_the_cause() {
    let dir = Dir::new();
    let (file, missing) = (dir.file("file", "x"), dir.path("missing"));
    let inside = file.join("x");
    wait(async {
        let text = |error: onward::Error| short(&error);
        let not_there = "missing: No such file or directory (os error 2)";
        assert_eq!(text(fs::read(&missing).await.unwrap_err()), format!("read {not_there}"));
        assert_eq!(text(fs::stat(&missing).await.unwrap_err()), format!("stat {not_there}"));
        assert_eq!(
            text(fs::remove_all(&missing).await.unwrap_err()),
            format!("remove {not_there}")
        );
        let error = fs::write(&inside, "").await.unwrap_err();
        assert_eq!(text(error), "write x: Not a directory (os error 20)");
        let error = fs::rename(&missing, &file).await.unwrap_err();
        assert!(error.is_not_found());
        let both = format!("rename {} to {}: No such", missing.display(), file.display());
        assert!(error.to_string().starts_with(&both), "{error}");
        Ok(())
    });
}

#[test]
fn a_path_with_a_zero_byte_is_refused() {
    wait(async {
        let refused = [
            fs::write("a\0b", "").await.unwrap_err(),
            fs::rename("a", "b\0").await.unwrap_err(),
            fs::read("\0").await.map(drop).unwrap_err(),
        ];
        for error in refused {
            assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error}");
            assert!(error.to_string().ends_with("a path cannot contain a zero byte"), "{error}");
        }
        Ok(())
    });
}

#[test]
fn outside_of_a_loop_it_says_so() {
    let mut read = pin!(fs::read("Cargo.toml"));
    let mut context = Context::from_waker(Waker::noop());
    let Poll::Ready(result) = read.as_mut().poll(&mut context) else { panic!("it waits") };
    let error = result.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotInLoop);
    assert_eq!(error.target(), Some("Cargo.toml"));
}

#[test]
fn polled_again_it_says_that_nothing_will_come() {
    wait(async {
        let mut read = fs::stat("Cargo.toml");
        assert!((&mut read).await.is_ok());
        assert_eq!(Pin::new(&mut read).await.unwrap_err().kind(), ErrorKind::Unsettled);
        Ok(())
    });
}

#[test]
fn a_panic_of_the_users_bytes_is_the_operations_error() {
    struct Broken;
    impl AsRef<[u8]> for Broken {
        fn as_ref(&self) -> &[u8] {
            panic!("no bytes today")
        }
    }
    let dir = Dir::new();
    let error = wait(async { Ok(fs::write(dir.path("file"), Broken).await.unwrap_err()) });
    assert_eq!(error.kind(), ErrorKind::Panicked);
    assert!(
        error.to_string().starts_with("write ") && error.to_string().contains("no bytes today")
    );
}

#[test]
fn debug_says_what_it_is_about() {
    assert_eq!(format!("{:?}", fs::read("a")), "Operation(read a)");
    assert_eq!(format!("{:?}", fs::rename("a", "b")), "Operation(rename a to b)");
    assert_eq!(format!("{:?}", fs::read("a\0")), "Operation(read a\0, done)");
}
