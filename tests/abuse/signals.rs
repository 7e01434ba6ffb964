//! A signal that kills: writing to peers that are gone must not raise it.

use crate::common::child::{Process, is_child};
use crate::common::{ANY, connect_to, plain, reset, run, when};
use onward::events::*;
use onward::net::Server;
use signal_hook::consts::SIGPIPE;
use std::io::Read as _;
use std::os::unix::process::ExitStatusExt as _;
use std::process::Command;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, mpsc};
use std::thread;

#[test]
fn writing_to_peers_that_are_gone_raises_no_signal_even_where_that_would_kill() {
    Process::start("abuse::signals::child_that_a_broken_pipe_would_kill").ends_well();
    // The proof that it would.
    let status = Process::start("abuse::signals::child_that_a_broken_pipe_kills").wait();
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
                client.on(Connect, |client, ()| {
                    client.write(vec![0; 12 << 20]);
                });
            }
            when(when_gone, move |()| match way {
                2 => {
                    client.end();
                    client.resume();
                }
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
