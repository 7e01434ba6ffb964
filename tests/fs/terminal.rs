//! Terminals as files: real ones, whose other end the test has.

use super::support::{Log, run};
use onward::events::*;
use onward::fs::{ReadStream, WriteStream};
use rustix::fs::{OFlags, fcntl_getfl};
use rustix::pty::{OpenptFlags, openpt, ptsname, unlockpt};
use std::cell::RefCell;
use std::fs::File;
use std::io::{Read as _, Write as _};
use std::rc::Rc;
use std::time::Duration;

/// The end of who types and looks, and the path of the other.
fn terminal() -> (File, String) {
    let user = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).unwrap();
    unlockpt(&user).unwrap();
    let name = ptsname(&user, Vec::new()).unwrap().into_string().unwrap();
    (File::from(user), name)
}

#[test]
fn lines_come_as_they_are_typed_and_the_loop_is_free_meanwhile() {
    let (user, name) = terminal();
    // Somebody else has it too, such as a shell.
    let shell = File::options().read(true).write(true).open(&name).unwrap();
    let log = Log::default();
    let (kept, noted) = (log.clone(), log.clone());
    // It stays open to the end: what is typed takes its time, and a hang-up would overtake it.
    let mut fingers = user.try_clone().unwrap();
    let mut type_it = move |what: &[u8]| fingers.write_all(what).unwrap();
    run(move || {
        let keys = ReadStream::open(&name)?;
        log.edges(&keys);
        let mut beats = 0;
        onward::set_interval(Duration::from_millis(1), move |timer| {
            beats += 1;
            match beats {
                5 => type_it(b"one\ntwo\n"),
                10 => type_it(b"three\n\x04"),
                20 => _ = timer.cancel(),
                _ => {}
            }
        });
        keys.on_line(move |_, line| noted.note(line));
        Ok(())
    })
    .unwrap();
    assert_eq!(kept.all(), "open one two three end close(false)");
    assert!(!fcntl_getfl(&shell).unwrap().contains(OFlags::NONBLOCK), "the shell's own stays");
}

#[test]
fn a_terminal_that_nobody_types_at_lets_the_loop_end_if_it_is_not_counted() {
    let (_user, name) = terminal();
    let log = Log::default();
    let kept = log.clone();
    run(move || {
        let keys = ReadStream::open(&name)?;
        log.read(&keys);
        keys.unref();
        Ok(())
    })
    .unwrap();
    assert!(kept.all().ends_with("close(false)"), "{}", kept.all());
}

#[test]
fn what_is_written_is_shown_however_slow_who_looks_is() {
    const MUCH: usize = 200_000;
    let (mut user, name) = terminal();
    // As long as somebody has the other end, there is no hang-up.
    let shell = File::options().read(true).write(true).open(&name).unwrap();
    let log = Log::default();
    let kept = log.clone();
    let shown = Rc::new(RefCell::new(Vec::new()));
    let seen = Rc::clone(&shown);
    run(move || {
        let screen = WriteStream::append(&name)?;
        log.write(&screen);
        screen.write(vec![b'#'; MUCH]);
        screen.end_with("!");
        let mut buffer = vec![0; 4096];
        rustix::io::ioctl_fionbio(&user, true).unwrap();
        onward::set_interval(Duration::from_millis(1), move |timer| {
            let Ok(count) = user.read(&mut buffer) else { return }; // there is nothing to see yet
            seen.borrow_mut().extend_from_slice(&buffer[..count]);
            if seen.borrow().ends_with(b"!") {
                timer.cancel();
            }
        });
        Ok(())
    })
    .unwrap();
    assert!(kept.all().ends_with("finish close(false)"), "{}", kept.all());
    assert_eq!(shown.borrow().iter().filter(|byte| **byte == b'#').count(), MUCH);
    drop(shell);
}
