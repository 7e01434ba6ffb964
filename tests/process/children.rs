//! What a child tells, and when.

use super::support::{Log, NEVER, run, script, try_run};
use onward::events::*;
use onward::process::{Command, Stdio, spawn};
use onward::{ErrorKind, set_immediate, stop};
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};

#[test]
fn a_child_tells_that_it_runs_what_it_says_how_it_has_ended_and_that_all_is_over() {
    let log = Log::default();
    let kept = log.clone();
    run(move || {
        let child = spawn("sh", script("echo hello; read line; echo $line; exit 3"))?;
        log.child(&child);
        log.reader("stdout", &child.stdout()?);
        // The child waits for this, so that what comes before and after is no chance.
        let stdin = child.stdin()?;
        child.stdout()?.once(Data, move |_, _| stdin.end_with("world\n"));
        Ok(())
    });
    let all = kept.all();
    assert!(all.starts_with("spawn, stdout hello\n") && all.ends_with(", close 3"), "{all}");
    // Which of these is first is chance.
    for told in ["exit 3", "world\n", "stdout ends", "stdout closes false"] {
        assert_eq!(all.matches(told).count(), 1, "{all}");
    }
}

#[test]
fn exit_comes_before_close_even_if_all_streams_were_closed_long_before() {
    let log = Log::default();
    let kept = log.clone();
    run(move || {
        let child = spawn("sh", script("exec <&- >&- 2>&-; kill -STOP $$; exit 0"))?;
        log.child(&child);
        log.reader("stdout", &child.stdout()?);
        let stopped = child.clone();
        child.stdout()?.once(Close, move |_, _| {
            // It may stop itself only after this.
            onward::set_interval(std::time::Duration::from_millis(1), move |timer| {
                if !stopped.kill(onward::process::Signal::Continue).unwrap() {
                    timer.cancel();
                }
            });
        });
        Ok(())
    });
    kept.assert("spawn, stdout ends, stdout closes false, exit 0, close 0");
}

#[test]
fn nothing_is_told_from_inside_of_the_call_and_spawn_comes_with_the_next_tick() {
    let log = Log::default();
    let kept = log.clone();
    run(move || {
        let child = spawn("cat", [""; 0])?;
        log.child(&child);
        log.note("spawned");
        assert!(child.id().is_some() && child.is_running() && child.status().is_none());
        let stdin = child.stdin()?;
        set_immediate(move || {
            log.note("immediate");
            stdin.end();
        });
        Ok(())
    });
    kept.assert("spawned, spawn, immediate, exit 0, close 0");
}

#[test]
fn a_child_knows_its_own_end() {
    run(|| {
        let child = spawn("sh", script("exit 7"))?;
        let id = child.id();
        child.on(Exit, move |child, status| {
            assert!(!child.is_running());
            assert_eq!(child.status(), Some(status));
            assert_eq!((child.id(), status.code()), (id, Some(7)));
        });
        Ok(())
    });
}

#[test]
fn what_nobody_reads_is_read_to_its_end_when_the_child_has_ended() {
    let log = Log::default();
    let kept = log.clone();
    run(move || {
        let child = spawn("sh", script("echo unread; echo unread >&2"))?;
        log.child(&child);
        Ok(())
    });
    kept.assert("spawn, exit 0, close 0");
}

#[test]
fn close_waits_for_a_stream_that_was_paused() {
    let log = Log::default();
    let kept = log.clone();
    run(move || {
        let child = spawn("sh", script("echo later"))?;
        log.child(&child);
        let stdout = child.stdout()?;
        stdout.pause();
        log.reader("stdout", &stdout);
        child.on(Exit, move |_, _| {
            let stdout = stdout.clone();
            // Some turns later.
            set_immediate(move || {
                set_immediate(move || stdout.resume());
            });
        });
        Ok(())
    });
    kept.assert("spawn, exit 0, stdout later\n, stdout ends, stdout closes false, close 0");
}

#[test]
fn a_grandchild_that_has_a_stream_keeps_close_waiting_and_not_exit() {
    let log = Log::default();
    let kept = log.clone();
    run(move || {
        // The grandchild ends when its own input does, which is a pipe that this process has.
        let child = spawn("sh", script("exec 3<&0; (cat >/dev/null <&3; echo bye) & exit 0"))?;
        log.child(&child);
        let stdout = child.stdout()?;
        log.reader("stdout", &stdout);
        Ok(())
    });
    kept.assert("spawn, exit 0, stdout bye\n, stdout ends, stdout closes false, close 0");
}

#[test]
fn streams_are_piped_inherited_nothing_or_what_is_given() {
    let path = std::env::temp_dir().join(format!("onward-process-{}", std::process::id()));
    let file = fs::File::create(&path).unwrap();
    fs::write(path.with_extension("in"), "from a file\n").unwrap();
    let input = fs::File::open(path.with_extension("in")).unwrap();
    run(move || {
        let copies = Command::new("cat").stdin(input).stdout(file).spawn()?;
        for wrong in [copies.stdin().err(), copies.stdout().err()] {
            let error = wrong.unwrap();
            assert_eq!(error.kind(), ErrorKind::InvalidInput);
            assert!(error.to_string().ends_with(" cat: it is not piped"), "{error}");
        }
        assert!(copies.stderr().is_ok());

        let reads_nothing = Command::new("cat").stdin(Stdio::null()).spawn()?;
        reads_nothing.stdout()?.on(Data, |_, _| unreachable!());
        let inherits = Command::new("true").stdio(Stdio::inherit).spawn()?;
        assert!(inherits.stdout().is_err());
        Ok(())
    });
    assert_eq!(fs::read_to_string(&path).unwrap(), "from a file\n");
    fs::remove_file(path.with_extension("in")).unwrap();
    fs::remove_file(path).unwrap();
}

#[test]
fn a_child_has_the_environment_the_folder_and_the_name_that_it_was_given() {
    run(|| {
        let mut command = Command::new("sh");
        command.args(script("echo $0:$ONE:$TWO:$HOME:$(pwd)")).arg0("somebody");
        command.env_clear().envs([("ONE", "1"), ("TWO", "2"), ("PATH", "/bin:/usr/bin")]);
        command.env_remove("TWO").current_dir("/");
        // The same twice: a command is no use-once thing.
        for _ in 0..2 {
            command.output()?.then(|output| {
                assert_eq!(String::from_utf8(output.unwrap().stdout).unwrap(), "somebody:1:::/\n");
            });
        }
        Ok(())
    });
}

#[test]
#[cfg(target_os = "linux")]
fn a_child_may_be_another_user() {
    if !rustix::process::getuid().is_root() {
        return;
    }
    run(|| {
        let mut command = Command::new("sh");
        command.args(script("id -u; id -g")).uid(65534).gid(65534).current_dir("/");
        command.output()?.then(|output| assert_eq!(output.unwrap().stdout, b"65534\n65534\n"));
        Ok(())
    });
}

#[test]
#[cfg(target_os = "linux")]
fn a_session_of_its_own_is_what_the_program_setsid_gives() {
    let noted = Log::default();
    let kept = noted.clone();
    run(move || {
        // Its number, and that of its session.
        let child = spawn("setsid", ["sh", "-c", "cut -d ' ' -f 1,6 /proc/$$/stat"])?;
        let id = child.id().unwrap();
        child.stdout()?.on_line(move |_, line| {
            assert_eq!(line, format!("{id} {id}"));
            noted.note("told");
        });
        child.on(Exit, move |_, status| assert!(status.success()));
        Ok(())
    });
    kept.assert("told");
}

#[test]
#[cfg(target_os = "linux")]
fn a_child_gets_none_of_this_processs_descriptors_but_its_streams() {
    // Those that this process was given from outside are everybody's.
    let plain = std::process::Command::new("ls").arg("/proc/self/fd").output().unwrap();
    run(move || {
        let other = spawn("cat", [""; 0])?;
        let listing = Command::new("ls").arg("/proc/self/fd").output()?;
        listing.then(move |output| {
            assert_eq!(output.unwrap().stdout, plain.stdout);
            other.stdin().unwrap().end();
        });
        Ok(())
    });
}

#[test]
fn a_loop_does_not_wait_for_a_child_that_is_not_counted() {
    let log = Log::default();
    let kept = log.clone();
    let id = std::rc::Rc::new(std::cell::Cell::new(None));
    let known = std::rc::Rc::clone(&id);
    run(move || {
        let child = Command::new("sleep").arg("1000").stdio(Stdio::null).spawn()?;
        log.child(&child);
        child.unref();
        known.set(child.id());
        Ok(())
    });
    // It runs on, and nobody knows how it will end.
    kept.assert("spawn, close");
    let id = id.get().unwrap().to_string();
    assert!(std::process::Command::new("kill").args(["-KILL", &id]).status().unwrap().success());
}

#[test]
fn a_child_whose_loop_is_stopped_loses_its_pipes() {
    let log = Log::default();
    let kept = log.clone();
    run(move || {
        // It ends with its input.
        let child = spawn("cat", [""; 0])?;
        log.child(&child);
        log.writer("stdin", &child.stdin()?);
        child.on(Spawn, |_, ()| stop());
        onward::set_timeout(NEVER, || ());
        Ok(())
    });
    kept.assert("spawn, stdin closes false, close");
}

#[test]
fn a_listener_that_panics_does_not_keep_a_child_from_closing() {
    let event_loop = onward::EventLoop::new().unwrap();
    let log = Log::default();
    event_loop.enter(|| {
        let child = spawn("true", [""; 0]).unwrap();
        log.child(&child);
        child.on(Exit, |_, _| panic!("a listener"));
    });
    assert!(catch_unwind(AssertUnwindSafe(|| event_loop.run())).is_err());
    log.assert("spawn, exit 0");
    event_loop.run().unwrap();
    log.assert("spawn, exit 0, close 0");
}

#[test]
fn an_error_that_nobody_takes_ends_the_loop_and_names_the_program() {
    let error = try_run(|| spawn("no-such-program", [""; 0]).map(drop)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unhandled);
    let text = error.to_string();
    assert!(
        text.starts_with("unhandled error of no-such-program: spawn no-such-program: "),
        "{text}"
    );
}

#[test]
fn a_child_is_seen_by_a_dump_and_says_what_it_is() {
    run(|| {
        let child = spawn("cat", [""; 0])?;
        let id = child.id().unwrap();
        assert_eq!(format!("{child} {child:?}"), format!("cat Child(cat, {id})"));
        let dump = onward::inspect::dump().to_string();
        for seen in [format!("child process cat, {id}"), "pipe stdin of cat".into()] {
            assert!(dump.contains(&seen), "{dump}");
        }
        assert_eq!(format!("{:?}", child.stdin()?), "PipeWriter(stdin of cat)");
        child.stdin()?.end();
        child.on(Close, |child, _| {
            assert!(format!("{child:?}").ends_with("exit status: 0)"), "{child:?}");
        });
        Ok(())
    });
}

#[test]
fn a_child_is_waited_for_by_its_events() {
    run(|| {
        onward::spawn_or_fail(async {
            let child = spawn("sh", script("exit 4"))?;
            let status = child.next(Exit).await.expect("it ends");
            assert_eq!(status.code(), Some(4));
            Ok(())
        });
        Ok(())
    });
}
