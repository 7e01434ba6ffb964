//! The standard streams of a process, whatever they are. Each test has processes of its own, which tell by their `stderr`.

use super::support::{
    Log, is_child, read_all, run, sort, this_test, this_test_in, told, try_run, watchdog,
};
use onward::events::*;
use onward::process::{stderr, stdin, stdout};
use std::cell::Cell;
use std::fs;
use std::io::{Read as _, Seek as _, Write as _};
use std::os::unix::net::UnixStream;
use std::process::{Child, Stdio};
use std::rc::Rc;

/// How much of what is written to `stdout` the tests look for: no pipe holds as much.
const MUCH: usize = 4 << 20;

#[test]
#[ignore = "a process of its own"]
fn child_that_reads() {
    if !is_child() {
        return;
    }
    let log = Log::default();
    let kept = log.clone();
    run(move || {
        log.reader("stdin", &stdin()?);
        Ok(())
    });
    eprint!("{}", kept.all());
}

#[test]
fn standard_input_is_read_from_a_pipe() {
    let _watch = watchdog();
    let mut test = this_test("process::standard::child_that_reads");
    test.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut child = test.spawn().unwrap();
    child.stdin.take().unwrap().write_all(b"from a pipe").unwrap();
    let said = read_all(child.stderr.take().unwrap());
    assert_eq!(said, "stdin from a pipe, stdin ends, stdin closes false");
    assert!(child.wait().unwrap().success());
}

#[test]
fn standard_input_is_read_from_a_file_from_where_it_stands() {
    let path = std::env::temp_dir().join(format!("onward-stdin-{}", std::process::id()));
    fs::write(&path, "one\ntwo\n").unwrap();
    let mut file = fs::File::open(&path).unwrap();
    file.seek(std::io::SeekFrom::Start(4)).unwrap();
    let mut test = this_test("process::standard::child_that_reads");
    let said = told(test.stdin(file.try_clone().unwrap()));
    assert_eq!(said, "stdin two\n, stdin ends, stdin closes false");
    // Who shares it finds it where this has left it.
    assert_eq!(file.stream_position().unwrap(), 8);

    // As much as no read gets at once.
    fs::write(&path, vec![b'x'; 1_000_000]).unwrap();
    let mut test = this_test("process::standard::child_that_reads");
    let said = told(test.stdin(fs::File::open(&path).unwrap()));
    fs::remove_file(&path).unwrap();
    let expected = "x".repeat(1_000_000);
    assert_eq!(said, format!("stdin {expected}, stdin ends, stdin closes false"));
}

#[test]
fn standard_input_is_read_from_a_device_and_from_a_socket() {
    let mut test = this_test("process::standard::child_that_reads");
    assert_eq!(told(test.stdin(Stdio::null())), "stdin ends, stdin closes false");

    let (mut ours, theirs) = UnixStream::pair().unwrap();
    ours.write_all(b"from a socket").unwrap();
    ours.shutdown(std::net::Shutdown::Write).unwrap();
    let theirs = std::os::fd::OwnedFd::from(theirs);
    let mut test = this_test("process::standard::child_that_reads");
    assert_eq!(told(test.stdin(theirs)), "stdin from a socket, stdin ends, stdin closes false");
}

#[test]
fn standard_input_that_is_a_folder_is_an_error() {
    let mut test = this_test("process::standard::child_that_reads");
    let said = told(test.stdin(fs::File::open("/").unwrap()));
    assert_eq!(said, "stdin error IsADirectory, stdin closes true");
}

#[test]
#[ignore = "a process of its own"]
fn child_that_does_not_wait() {
    if !is_child() {
        return;
    }
    // Nobody has listened yet; somebody has, and pauses; nobody need wait for it; it is not wanted any more.
    run(|| stdin().map(drop));
    run(|| {
        let stdin = stdin()?;
        stdin.on(Data, |_, _| unreachable!());
        stdin.pause();
        Ok(())
    });
    run(|| {
        let stdin = stdin()?;
        stdin.on(Data, |_, _| unreachable!());
        stdin.unref();
        Ok(())
    });
    run(|| {
        stdin()?.on(Data, |_, _| unreachable!());
        stdin()?.destroy();
        Ok(())
    });
    eprint!("ended");
}

#[test]
fn a_program_does_not_wait_for_input_that_it_does_not_read() {
    let _watch = watchdog();
    let mut test = this_test("process::standard::child_that_does_not_wait");
    test.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut child = test.spawn().unwrap();
    // It stays open meanwhile.
    let open = child.stdin.take();
    assert_eq!(read_all(child.stderr.take().unwrap()), "ended");
    assert!(child.wait().unwrap().success());
    drop(open);
}

#[test]
#[ignore = "a process of its own"]
fn child_that_gets_the_same() {
    if !is_child() {
        return;
    }
    run(|| {
        let (one, two) = (stdin()?, stdin()?);
        assert!(one == two && stdout()? == stdout()? && stderr()? == stderr()?);
        assert!(stdout()? != stderr()?);
        assert!(!one.is_terminal() && !stdout()?.is_terminal());
        assert_eq!(stdout()?.terminal_size(), None);
        let before = stdout()?;
        before.end_with("first, ");
        before.on(Close, |before, failed| {
            assert!(!failed);
            // It has closed, and the descriptor has not.
            let after = stdout().unwrap();
            assert!(after != *before);
            after.write("second\n");
        });
        Ok(())
    });
    // What a callback writes leaves when it returns, and the loop does not wait for more.
    run(|| {
        let stdout = stdout()?;
        let more = stdout.clone();
        stdout.write_then("and ", move |_| _ = more.write("then\n"));
        Ok(())
    });
    let other = std::thread::spawn(|| run(|| stdout().map(|stdout| _ = stdout.write("third\n"))));
    other.join().unwrap();
    assert_eq!(stdout().unwrap_err().kind(), onward::ErrorKind::NotInLoop);
    eprint!("ended");
}

#[test]
fn there_is_one_of_each_until_it_has_closed() {
    let _watch = watchdog();
    let mut test = this_test("process::standard::child_that_gets_the_same");
    let output = test.stdin(Stdio::null()).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stderr), "ended");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(said.contains("first, second\nand then\nthird\n"), "{said}");
}

/// Says much, and ends in the way that its environment says, before anybody has read it.
#[test]
#[ignore = "a process of its own"]
fn child_that_says_much() {
    if !is_child() {
        return;
    }
    let way = std::env::var("WAY").unwrap();
    let result = try_run(|| {
        let stdout = stdout()?;
        stdout.write(vec![b'#'; MUCH]);
        assert!(stdout.queued() > 0 || way == "file");
        eprintln!("written");
        match &*way {
            "stop" => onward::next_tick(onward::stop),
            "fail" => onward::fail(onward::Error::other("enough")),
            _ => {}
        }
        Ok(())
    });
    assert_eq!(result.is_err(), way == "fail");
    eprint!("ended");
}

fn much(way: &str) -> Child {
    let mut test = this_test("process::standard::child_that_says_much");
    test.env("WAY", way).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    test.spawn().unwrap()
}

#[test]
fn what_was_written_arrives_however_slow_the_reader_is_and_whichever_way_the_loop_ends() {
    for way in ["well", "stop", "fail"] {
        let _watch = watchdog();
        let mut child = much(way);
        let mut said = [0; 8];
        child.stderr.as_mut().unwrap().read_exact(&mut said).unwrap();
        assert_eq!(&said, b"written\n");
        // Not before it has nothing to do but to wait for this.
        let all = read_all(child.stdout.take().unwrap());
        assert_eq!(all.matches('#').count(), MUCH, "{way}");
        assert_eq!(read_all(child.stderr.take().unwrap()), "ended");
        assert!(child.wait().unwrap().success());
    }
}

#[test]
fn what_is_written_to_a_file_is_there_at_once() {
    let path = std::env::temp_dir().join(format!("onward-stdout-{}", std::process::id()));
    let mut test = this_test("process::standard::child_that_says_much");
    test.env("WAY", "file").stdin(Stdio::null()).stderr(Stdio::piped());
    let child = test.stdout(fs::File::create(&path).unwrap()).spawn().unwrap();
    assert!(child.wait_with_output().unwrap().status.success());
    assert_eq!(fs::read_to_string(&path).unwrap().matches('#').count(), MUCH);
    fs::remove_file(path).unwrap();
}

#[test]
#[cfg(target_os = "linux")]
fn others_who_have_the_same_pipe_do_not_see_it_become_non_blocking() {
    use rustix::fs::{OFlags, fcntl_getfl};
    let _watch = watchdog();
    let pipe = || rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC).unwrap();
    let [(reads, writes), (input, types)] = [pipe(), pipe()];
    let (mut reads, mut types) = (fs::File::from(reads), fs::File::from(types));
    let mut test = this_test("process::standard::child_that_copies");
    test.stdin(input.try_clone().unwrap()).stdout(writes.try_clone().unwrap());
    let mut child = test.stderr(Stdio::inherit()).spawn().unwrap();
    types.write_all(b"typed").unwrap();
    let mut said = Vec::new();
    while !said.ends_with(b"typed") {
        let mut buffer = [0; 100];
        let count = reads.read(&mut buffer).unwrap();
        said.extend_from_slice(&buffer[..count]);
    }
    // It reads and writes both now.
    for ours in [&input, &writes] {
        assert!(!fcntl_getfl(ours).unwrap().contains(OFlags::NONBLOCK));
    }
    drop((input, types, writes));
    assert!(child.wait().unwrap().success());
}

#[test]
#[cfg(target_os = "linux")]
fn others_who_have_the_same_socket_do_not_see_it_become_non_blocking() {
    use rustix::fs::{OFlags, fcntl_getfl};
    use std::os::unix::net::UnixStream;
    let _watch = watchdog();
    let (mut ours, theirs) = UnixStream::pair().unwrap();
    let end = || std::os::fd::OwnedFd::from(theirs.try_clone().unwrap());
    let mut test = this_test("process::standard::child_that_copies");
    let mut child = test.stdin(end()).stdout(end()).stderr(Stdio::inherit()).spawn().unwrap();
    ours.write_all(b"typed").unwrap();
    let mut said = Vec::new();
    while !said.ends_with(b"typed") {
        let mut buffer = [0; 100];
        let count = ours.read(&mut buffer).unwrap();
        said.extend_from_slice(&buffer[..count]);
    }
    assert!(!fcntl_getfl(&theirs).unwrap().contains(OFlags::NONBLOCK));
    // Its end, and then that of all it says, the harness's last words included.
    drop((theirs, test));
    ours.shutdown(std::net::Shutdown::Write).unwrap();
    ours.read_to_end(&mut said).unwrap();
    assert!(child.wait().unwrap().success());
}

#[test]
#[ignore = "a process of its own"]
fn child_that_copies() {
    if is_child() {
        run(|| {
            stdin()?.pipe(&stdout()?);
            Ok(())
        });
    }
}

#[test]
#[ignore = "a process of its own"]
fn child_that_nobody_hears() {
    if !is_child() {
        return;
    }
    let log = Log::default();
    let kept = log.clone();
    let way = std::env::var("WAY").unwrap();
    let result = try_run(|| {
        let stdout = stdout()?;
        if way == "heard" {
            log.writer("stdout", &stdout);
        }
        // Not before the reader has gone.
        stdin()?.on(End, move |_, ()| {
            stdout.write(vec![b'#'; MUCH]);
            stdout.end();
        });
        stdin()?.resume();
        Ok(())
    });
    match result {
        Ok(()) => eprint!("{}", kept.all()),
        Err(error) => {
            let names = error.to_string().starts_with("unhandled error of stdout: write stdout: ");
            eprint!("{} {names}", sort(&error));
        }
    }
}

#[test]
fn a_reader_that_has_gone_is_an_error_event_and_stops_the_loop_only_if_nobody_takes_it() {
    let _watch = watchdog();
    for (way, expected) in
        [("heard", "stdout error BrokenPipe, stdout closes true"), ("unheard", "Unhandled true")]
    {
        let mut test = this_test("process::standard::child_that_nobody_hears");
        test.env("WAY", way).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = test.spawn().unwrap();
        let mut out = child.stdout.take().unwrap();
        // The harness's own words come first, and have to find somebody.
        let mut said = Vec::new();
        while !said.ends_with(b"... ") {
            let mut one = [0];
            out.read_exact(&mut one).unwrap();
            said.push(one[0]);
        }
        drop(out);
        drop(child.stdin.take());
        let told = read_all(child.stderr.take().unwrap());
        // The harness is not heard either, and says so.
        assert!(told.starts_with(expected), "{told}");
        child.wait().unwrap();
    }
}

#[test]
#[cfg(target_os = "linux")]
fn a_full_disk_is_an_error_event() {
    let name = "process::standard::child_with_a_full_disk";
    let mut test = this_test_in("exec \"$@\" 2>/dev/full", name);
    let output = test.stdin(Stdio::null()).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(said.contains("stderr error StorageFull, stderr closes true"), "{said}");
}

#[test]
#[ignore = "a process of its own"]
fn child_with_a_full_disk() {
    if !is_child() {
        return;
    }
    let log = Log::default();
    let kept = log.clone();
    run(move || {
        let stderr = stderr()?;
        log.writer("stderr", &stderr);
        stderr.write("something");
        Ok(())
    });
    println!("{}", kept.all());
}

#[test]
#[ignore = "a process of its own"]
fn child_that_ends_in_the_middle() {
    if !is_child() {
        return;
    }
    run(|| {
        let lines = Rc::new(Cell::new(0));
        stdin()?.on_line(move |stdin, _| {
            lines.set(lines.get() + 1);
            if lines.get() == 2 {
                eprint!("enough");
                stdin.pause();
            }
        });
        Ok(())
    });
}

#[test]
fn a_program_that_has_read_enough_ends() {
    let _watch = watchdog();
    let mut test = this_test("process::standard::child_that_ends_in_the_middle");
    test.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut child = test.spawn().unwrap();
    let mut open = child.stdin.take().unwrap();
    open.write_all(b"one\ntwo\nthree\n").unwrap();
    assert_eq!(read_all(child.stderr.take().unwrap()), "enough");
    assert!(child.wait().unwrap().success());
    drop(open);
}
