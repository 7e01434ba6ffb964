//! Processes that are not ours: a client from the shell, and a signal that kills.

use crate::common::child::{Process, is_child};
use crate::common::pattern::Pattern;
use crate::common::{ANY, connect_to, plain, reset, run, when};
use onward::events::*;
use onward::net::Server;
use signal_hook::consts::SIGPIPE;
use std::io::{Read as _, Write as _};
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Command, Stdio};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, mpsc};
use std::thread;

#[test]
fn the_echo_example_answers_netcat() {
    // The harness takes "0" for one more filter, the example takes it for the port.
    let mut server =
        Process::start_with(&["0"], "abuse::processes::child_that_is_the_echo_example", None);
    let address = server.told("listening on ");
    let (host, port) = address.split_once(':').expect("HOST:PORT");
    for bytes in [0, 5, 3 << 20] {
        let mut client = Command::new("nc");
        let client = client.args(["-N", host, port]).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut client = client.spawn().expect("netcat (the OpenBSD one) has to be installed");
        let mut input = client.stdin.take().expect("it is piped");
        let writer = thread::spawn(move || {
            let mut pattern = Pattern::new();
            while pattern.place() < bytes {
                let left = bytes - pattern.place();
                input.write_all(pattern.next(left)).expect("netcat reads");
            }
        });
        let mut output = Vec::new();
        client.stdout.take().expect("it is piped").read_to_end(&mut output).expect("netcat writes");
        writer.join().expect("all is written");
        assert!(client.wait().expect("it ends").success());
        assert_eq!(output.len(), bytes);
        Pattern::new().check(&output);
    }
}

#[test]
#[ignore = "a process of its own"]
fn child_that_is_the_echo_example() {
    if is_child() {
        crate::echo::main().expect("it listens");
    }
}

#[test]
fn writing_to_peers_that_are_gone_raises_no_signal_even_where_that_would_kill() {
    Process::start("abuse::processes::child_that_a_broken_pipe_would_kill").ends_well();
    // The proof that it would.
    let status = Process::start("abuse::processes::child_that_a_broken_pipe_kills").wait();
    assert_eq!(status.signal(), Some(SIGPIPE));
}

/// From here on a broken pipe kills this process, as it does by default in programs in other languages.
fn let_broken_pipes_kill() {
    let always = Arc::new(AtomicBool::new(true));
    signal_hook::flag::register_conditional_default(SIGPIPE, always).expect("a handler");
}

#[test]
#[ignore = "a process of its own"]
fn child_that_a_broken_pipe_kills() {
    if !is_child() {
        return;
    }
    let_broken_pipes_kill();
    let kill = format!("kill -PIPE {}", std::process::id());
    assert!(Command::new("sh").args(["-c", &kill]).status().expect("a shell").success());
    thread::sleep(crate::common::LIMIT);
}

#[test]
#[ignore = "a process of its own"]
fn child_that_a_broken_pipe_would_kill() {
    if !is_child() {
        return;
    }
    let_broken_pipes_kill();
    for way in 0..3 {
        run(move || {
            let (gone, when_gone) = mpsc::channel();
            let (client, _) = connect_to(move |mut stream| {
                stream.read_exact(&mut [0]).expect("it stands");
                reset(stream);
                gone.send(()).expect("the loop waits for it");
            })?;
            client.pause();
            client.write("x");
            client.on(Error, |_, error| assert!(error.is_disconnect(), "{error}"));
            // At once, from the queue, and without any more to write.
            if way == 1 {
                client.on(Connect, |client, ()| while client.write([0; 50_000]) {});
            }
            when(when_gone, move |()| match way {
                2 => client.end(),
                _ => while client.write("x") {},
            });
            Ok(())
        });
    }
    // A client that leaves while it is written to.
    run(|| {
        let server = Server::listen(ANY)?;
        let client = plain(server.local_addr());
        client.shutdown(std::net::Shutdown::Both)?;
        drop(client);
        server.on(Connection, |server, socket| {
            server.close();
            socket.on(Error, |_, error| assert!(error.is_disconnect(), "{error}"));
            onward::set_interval(std::time::Duration::from_millis(1), move |timer| {
                if socket.is_destroyed() {
                    timer.cancel();
                }
                socket.write("anybody there?");
            });
        });
        Ok(())
    });
}
