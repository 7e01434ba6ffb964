//! Standard streams that are terminals: real ones, whose other end the test has.

use super::support::{Log, is_child, read_all, run, this_test, watchdog};
use onward::events::*;
use onward::process::{stdin, stdout};
use rustix::fs::{OFlags, fcntl_getfl};
use rustix::pty::{OpenptFlags, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};
use std::fs::{File, OpenOptions};
use std::io::{Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::process::{Child, ChildStderr, Stdio};

/// A terminal: the end of who types and looks, and the end of programs.
fn terminal() -> (File, File) {
    let user = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).unwrap();
    unlockpt(&user).unwrap();
    let name = ptsname(&user, Vec::new()).unwrap();
    let mut options = OpenOptions::new();
    // Nor is it to become this process's own, whose end would come with it.
    options.read(true).write(true).custom_flags(OFlags::NOCTTY.bits() as i32);
    (File::from(user), options.open(name.to_str().unwrap()).unwrap())
}

fn start(name: &str, program: &File) -> (Child, ChildStderr) {
    let mut test = this_test(name);
    test.stdin(program.try_clone().unwrap()).stdout(program.try_clone().unwrap());
    let mut child = test.stderr(Stdio::piped()).spawn().unwrap();
    let told = child.stderr.take().unwrap();
    (child, told)
}

/// What the child tells next: so many bytes.
fn expect(told: &mut ChildStderr, expected: &str) {
    let mut buffer = vec![0; expected.len()];
    told.read_exact(&mut buffer).unwrap();
    assert_eq!(String::from_utf8_lossy(&buffer), expected);
}

#[test]
#[ignore = "a process of its own"]
fn child_at_a_terminal() {
    if !is_child() {
        return;
    }
    let log = Log::default();
    let kept = log.clone();
    run(move || {
        let (stdin, stdout) = (stdin()?, stdout()?);
        assert!(stdin.is_terminal() && stdout.is_terminal());
        eprint!("{:?}", stdout.terminal_size());
        stdin.on_line(|_, line| eprint!("[{line}]"));
        log.all_but_data("stdin", &stdin);
        stdout.write("ready");
        Ok(())
    });
    eprint!("{}", kept.all());
}

#[test]
fn lines_that_are_typed_at_once_come_one_by_one_and_ctrl_d_is_the_end() {
    let _watch = watchdog();
    let (mut user, program) = terminal();
    let size = Winsize { ws_col: 90, ws_row: 30, ws_xpixel: 0, ws_ypixel: 0 };
    tcsetwinsize(&user, size).unwrap();
    let (mut child, mut told) = start("process::terminals::child_at_a_terminal", &program);
    expect(&mut told, "Some((90, 30))");
    user.write_all(b"one\ntwo\nthree\n").unwrap();
    expect(&mut told, "[one][two][three]");
    // Nobody else sees that it does not wait.
    assert!(!fcntl_getfl(&program).unwrap().contains(OFlags::NONBLOCK));
    user.write_all(b"four\n\x04").unwrap();
    assert_eq!(read_all(told), "[four]stdin ends, stdin closes false");
    assert!(child.wait().unwrap().success());
    let (mut shown, mut part) = (Vec::new(), [0; 1000]);
    while !String::from_utf8_lossy(&shown).contains("ready") {
        let count = user.read(&mut part).unwrap();
        shown.extend_from_slice(&part[..count]);
    }
}

#[test]
#[ignore = "a process of its own"]
fn child_that_leaves_a_terminal() {
    if !is_child() {
        return;
    }
    run(|| {
        stdin()?.on_line(|stdin, line| {
            eprint!("[{line}]");
            stdin.destroy();
        });
        Ok(())
    });
    eprint!("left");
}

#[test]
fn a_program_leaves_without_somebody_pressing_enter() {
    let _watch = watchdog();
    let (mut user, program) = terminal();
    let (mut child, told) = start("process::terminals::child_that_leaves_a_terminal", &program);
    // What is typed behind it is for the next who reads.
    user.write_all(b"go\nwhat comes next\n").unwrap();
    assert_eq!(read_all(told), "[go]left");
    assert!(child.wait().unwrap().success());
    let mut line = [0; 100];
    let count = (&program).read(&mut line).unwrap();
    assert_eq!(&line[..count], b"what comes next\n");
}

#[test]
#[ignore = "a process of its own"]
fn child_whose_terminal_goes() {
    if !is_child() {
        return;
    }
    let log = Log::default();
    let kept = log.clone();
    run(move || {
        let stdin = stdin()?;
        log.reader("stdin", &stdin);
        eprint!("ready ");
        Ok(())
    });
    eprint!("{}", kept.all());
}

#[test]
fn a_terminal_that_goes_away_is_an_end() {
    let _watch = watchdog();
    let (user, program) = terminal();
    let (mut child, mut told) = start("process::terminals::child_whose_terminal_goes", &program);
    expect(&mut told, "ready ");
    drop(user);
    let all = read_all(told);
    // The system calls it an end, or an error of the device.
    assert!(all.starts_with("stdin ends, ") || all.starts_with("stdin error "), "{all}");
    assert_eq!(all.matches("closes").count(), 1, "{all}");
    let _ = child.wait();
}

#[test]
#[ignore = "a process of its own"]
fn child_at_the_other_end() {
    if !is_child() {
        return;
    }
    run(|| {
        let stdin = stdin()?;
        stdin.on_line(|stdin, line| {
            eprint!("[{line}]");
            stdin.destroy();
        });
        Ok(())
    });
}

#[test]
fn the_users_end_of_a_terminal_is_the_one_that_was_given() {
    let _watch = watchdog();
    let (user, mut program) = terminal();
    let mut test = this_test("process::terminals::child_at_the_other_end");
    let mut child = test.stdin(user).stderr(Stdio::piped()).spawn().unwrap();
    program.write_all(b"written\n").unwrap();
    expect(&mut child.stderr.take().unwrap(), "[written]");
    assert!(child.wait().unwrap().success());
}
