//! Children that cannot be made, and those that others collect.

use super::support::{Log, run, script};
use onward::events::*;
use onward::process::{Command, Stdio, spawn};
use onward::{Error, ErrorKind};
use std::cell::RefCell;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::rc::Rc;

/// The error of a child that could not be made.
fn error_of(command: &mut Command) -> Error {
    let found = Rc::new(RefCell::new(None));
    let kept = Rc::clone(&found);
    run(|| {
        let child = command.spawn()?;
        child.on(Error, move |_, error| _ = kept.replace(Some(error.clone())));
        Ok(())
    });
    found.take().expect("there is an error")
}

#[test]
fn a_child_that_cannot_be_made_tells_an_error_then_its_streams_close_then_it_does() {
    let log = Log::default();
    let kept = log.clone();
    run(move || {
        let child = spawn("no-such-program", ["one"])?;
        assert_eq!((child.id(), child.is_running()), (None, false));
        log.child(&child);
        log.writer("stdin", &child.stdin()?);
        log.reader("stdout", &child.stdout()?);
        log.reader("stderr", &child.stderr()?);
        assert!(!child.stdin()?.write("into nothing"));
        assert!(!child.kill(onward::process::Signal::Kill)?);
        log.note("spawned");
        Ok(())
    });
    let streams = "stdin closes false, stdout closes false, stderr closes false";
    kept.assert(&format!("spawned, error NotFound, {streams}, close"));
}

#[test]
fn an_error_names_the_program_and_says_what_is_wrong_with_it() {
    let error = error_of(&mut Command::new("no-such-program"));
    assert!(error.is_not_found() && error.target() == Some("no-such-program"), "{error}");
    assert_eq!(error.operation(), "spawn");

    let path = std::env::temp_dir().join(format!("onward-not-a-program-{}", std::process::id()));
    fs::write(&path, "#!/bin/sh\n").unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    let error = error_of(&mut Command::new(&path));
    fs::remove_file(&path).unwrap();
    assert!(error.is_permission_denied() && error.target() == path.to_str(), "{error}");

    let error = error_of(Command::new("true").arg("x".repeat(16 << 20)));
    assert_eq!(error.io_kind(), Some(std::io::ErrorKind::ArgumentListTooLong));
    assert_eq!(error.target(), Some("true"));
}

#[test]
fn a_folder_that_is_not_there_is_not_taken_for_the_program() {
    let error = error_of(Command::new("true").current_dir("/no/such/folder"));
    assert!(error.is_not_found());
    assert!(error.to_string().starts_with("change directory /no/such/folder: "), "{error}");
}

#[test]
fn what_no_system_can_take_is_refused_at_once() {
    run(|| {
        for wrong in [spawn("tr\0ue", [""; 0]), spawn("true", ["a\0b"])] {
            let error = wrong.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidInput);
        }
        Ok(())
    });
    assert_eq!(spawn("true", [""; 0]).unwrap_err().kind(), ErrorKind::NotInLoop);
}

#[test]
#[cfg(target_os = "linux")]
fn a_child_that_somebody_else_has_collected_is_an_error_and_closes() {
    let log = Log::default();
    let kept = log.clone();
    run(move || {
        let child = Command::new("true").stdio(Stdio::null).spawn()?;
        log.child(&child);
        // Before the loop can look.
        let id = child.id().and_then(|id| rustix::process::Pid::from_raw(id.try_into().unwrap()));
        rustix::process::waitpid(id, rustix::process::WaitOptions::empty()).unwrap();
        Ok(())
    });
    let all = kept.all();
    assert!(all.starts_with("spawn, error ") && all.ends_with(", close"), "{all}");
    assert_eq!(all.matches(", ").count(), 2, "{all}");
}

#[test]
fn a_child_may_close_its_input_early_and_only_that_stream_fails() {
    let log = Log::default();
    let kept = log.clone();
    run(move || {
        let mut command = Command::new("sh");
        command.args(script("exec <&-; echo deaf; sleep 1000")).detached(true);
        let child = command.spawn()?;
        log.child(&child);
        let stdin = child.stdin()?;
        log.writer("stdin", &stdin);
        // A pipe has two ends, and the child's is closed by now.
        child.stdout()?.on(Data, move |_, _| _ = stdin.write(vec![b'x'; 1 << 20]));
        let deaf = child.clone();
        child.stdin()?.on(Close, move |_, _| {
            assert!(deaf.is_running());
            // With its own child, which has its streams.
            deaf.kill_group(onward::process::Signal::Kill).unwrap();
        });
        Ok(())
    });
    kept.assert("spawn, stdin error BrokenPipe, stdin closes true, exit signal 9, close signal 9");
}

#[test]
#[cfg(target_os = "linux")]
fn without_descriptors_a_child_is_waited_for_all_the_same_and_one_with_pipes_is_an_error() {
    use super::support::{this_test_in, told};
    let name = "process::failing::child_without_descriptors";
    let mut command = this_test_in("ulimit -n 40; exec \"$@\"", name);
    assert_eq!(told(&mut command), "spawn, exit 0, close 0; error OutOfDescriptors, close\n");
}

#[test]
#[ignore = "a process of its own"]
#[cfg(target_os = "linux")]
fn child_without_descriptors() {
    if !super::support::is_child() {
        return;
    }
    let (one, two) = (Log::default(), Log::default());
    let (first, second) = (one.clone(), two.clone());
    run(move || {
        let mut all = Vec::new();
        // All but what the loop has already.
        while let Ok(file) = fs::File::open("/dev/null") {
            all.push(file);
        }
        // The system's way to make a process takes none for a child that inherits its streams.
        let child = Command::new("true").stdio(Stdio::inherit).spawn()?;
        one.child(&child);
        child.on(Close, move |_, _| {
            two.child(&Command::new("true").spawn().unwrap());
            drop(std::mem::take(&mut all));
        });
        Ok(())
    });
    eprintln!("{}; {}", first.all(), second.all());
}

#[test]
#[cfg(target_os = "linux")]
fn a_process_too_many_is_an_error_event() {
    use super::support::{this_test, told};
    use std::os::unix::process::CommandExt as _;
    let mut test = this_test("process::failing::child_that_may_have_no_children");
    if rustix::process::getuid().is_root() {
        // Whom the limit does not concern.
        test.uid(65534).gid(65534);
        if test.output().is_err_and(|error| error.kind() == std::io::ErrorKind::PermissionDenied) {
            return; // nor may anybody else run what root has built
        }
    }
    assert_eq!(told(&mut test), "error WouldBlock, close");
}

#[test]
#[ignore = "a process of its own"]
#[cfg(target_os = "linux")]
fn child_that_may_have_no_children() {
    use rustix::process::{Resource, Rlimit, setrlimit};
    if !super::support::is_child() {
        return;
    }
    setrlimit(Resource::Nproc, Rlimit { current: Some(0), maximum: Some(0) }).unwrap();
    let log = Log::default();
    let kept = log.clone();
    let setup = || {
        log.child(&spawn("true", [""; 0])?);
        Ok(())
    };
    onward::run(setup).unwrap();
    eprint!("{}", kept.all());
}
