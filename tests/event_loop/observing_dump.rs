//! What is on a loop, and what of it keeps the loop alive.

use super::support::{NEVER, connected, in_time, make_loop};
use onward::events::*;
use onward::inspect::{Dump, Resource, ResourceKind, dump};
use onward::net::{Server, Socket};
use onward::{
    EventLoop, next_tick, set_immediate, set_interval, set_timeout, spawn, spawn_blocking,
};
use std::panic::Location;
use std::time::Duration;

/// The line that calls this.
#[track_caller]
fn line() -> u32 {
    Location::caller().line()
}

fn find(dump: &Dump, kind: ResourceKind) -> Resource {
    let mut of_kind = dump.resources.iter().filter(|resource| resource.kind == kind);
    let found = of_kind.next().unwrap_or_else(|| panic!("no {kind} in {dump}")).clone();
    assert!(of_kind.next().is_none(), "{kind} twice in {dump}");
    found
}

fn place(resource: &Resource) -> u32 {
    let location = resource.location.expect("its place is known");
    assert_eq!(location.file(), file!());
    location.line()
}

#[test]
fn all_that_is_on_a_loop_is_listed_with_its_place_and_whether_it_holds() {
    in_time(|| {
        onward::run(|| {
            let (go, wait) = std::sync::mpsc::channel::<()>();
            let here = line();
            let timer = set_timeout(NEVER, || {});
            let interval = set_interval(NEVER, |_| {}).unref();
            let future = spawn(std::future::pending::<()>()).unref();
            spawn_blocking(move || _ = wait.recv()).then(|result| result.unwrap());
            next_tick(|| {});
            set_immediate(|| {});
            let (remote, other) = (onward::remote(), onward::remote());
            remote.post(|| {}).unwrap();
            let ((sender, receiver), channel) = (onward::channel::<u8>(1), line());

            let dump = dump();
            let kinds = [
                (ResourceKind::Timer, here + 1, true),
                (ResourceKind::Interval, here + 2, false),
                (ResourceKind::Future, here + 3, false),
                (ResourceKind::Blocking, here + 4, true),
                (ResourceKind::Tick, here + 5, true),
                (ResourceKind::Immediate, here + 6, true),
                (ResourceKind::Posted, here + 8, true),
                (ResourceKind::Channel, channel, true),
            ];
            for (kind, line, holds) in kinds {
                let found = find(&dump, kind);
                assert_eq!((place(&found), found.holds), (line, holds), "{found}");
                assert_eq!((found.count, found.target), (1, None));
            }
            let remotes = find(&dump, ResourceKind::Remote);
            assert_eq!((remotes.count, remotes.holds, remotes.location), (2, true, None));
            assert_eq!(dump.resources.len(), 9);
            assert_eq!(dump.holding().count(), 7);

            let due = find(&dump, ResourceKind::Timer).due.unwrap();
            assert!(due <= NEVER && due > NEVER / 2, "{due:?}");
            assert!(find(&dump, ResourceKind::Timer).age.unwrap() < NEVER / 2);
            assert!(find(&dump, ResourceKind::Blocking).age.unwrap() < NEVER / 2);
            assert_eq!(find(&dump, ResourceKind::Future).turns, Some(0));

            timer.cancel();
            interval.cancel();
            future.cancel();
            drop((remote, other, go, sender, receiver));
            Ok(())
        })
        .unwrap();
    });
}

#[test]
fn a_future_tells_for_how_many_turns_it_has_been_there() {
    in_time(|| {
        let (event_loop, _) = make_loop();
        let task = event_loop.enter(|| spawn(std::future::pending::<()>()));
        (0..5).for_each(|_| assert!(event_loop.run_nowait().unwrap()));
        let turns = find(&Dump::of(&event_loop.handle()), ResourceKind::Future).turns;
        assert_eq!(turns, Some(5));
        drop(task);
    });
}

#[test]
fn sources_say_their_addresses() {
    in_time(|| {
        onward::run(|| {
            let (server, made) = (Server::listen("127.0.0.1:0")?, line());
            let address = server.local_addr();
            let found = find(&dump(), ResourceKind::TcpServer);
            assert_eq!(found.target, Some(address.to_string()));
            assert_eq!((place(&found), found.holds, found.age.is_some()), (made, true, true));

            connected(&server, move |client, accepted| {
                let local = client.local_addr().unwrap();
                accepted.unref();
                let dump = dump();
                let sockets = dump.resources.iter();
                let mut sockets: Vec<_> = sockets
                    .filter(|resource| resource.kind == ResourceKind::TcpSocket)
                    .map(|socket| (socket.holds, socket.target.clone().unwrap()))
                    .collect();
                sockets.sort();
                let expected = [
                    (false, format!("{address} to {local}")),
                    (true, format!("{local} to {address}")),
                ];
                assert_eq!(sockets, expected);
                client.destroy();
            });
            server.once(Connection, |server, _| server.close());
            Ok(())
        })
        .unwrap();
    });
}

#[test]
fn a_socket_that_is_not_connected_yet_says_where_it_wants_to_go() {
    in_time(|| {
        onward::run(|| {
            let server = Server::listen("127.0.0.1:0")?;
            let (socket, connects) = (Socket::connect(server.local_addr())?, line());
            let found = find(&dump(), ResourceKind::TcpSocket);
            assert_eq!(found.target, Some(format!("connecting to {}", server.local_addr())));
            assert_eq!((place(&found), found.holds), (connects, true));
            socket.destroy();
            server.close();
            Ok(())
        })
        .unwrap();
    });
}

#[test]
fn an_interval_is_there_while_it_is_called() {
    in_time(|| {
        onward::run(|| {
            let here = line();
            set_interval(Duration::from_millis(1), move |timer| {
                let interval = find(&dump(), ResourceKind::Interval);
                assert_eq!((place(&interval), interval.holds), (here + 1, true));
                timer.cancel();
                assert!(dump().resources.is_empty());
            });
            Ok(())
        })
        .unwrap();
    });
}

#[test]
fn the_text_has_a_line_for_each_and_says_what_keeps_the_loop_alive() {
    in_time(|| {
        let event_loop = EventLoop::new().unwrap();
        let text = || Dump::of(&event_loop.handle()).to_string();
        assert_eq!(text(), "nothing keeps the loop alive");
        event_loop.enter(|| {
            let here = line();
            let immediate = set_immediate(|| {}).unref();
            set_timeout(NEVER, || {}).unref();
            let text = text();
            let lines: Vec<_> = text.lines().collect();
            assert_eq!(lines[..2], ["nothing keeps the loop alive", "2 do not:"]);
            assert!(lines[2].starts_with("  timer due in 3"), "{text}");
            assert!(lines[2].contains(", for "), "{text}");
            assert!(lines[2].ends_with(&format!(", at {}:{}:13", file!(), here + 2)), "{text}");
            assert!(lines[3].starts_with("  immediate, at "), "{text}");
            immediate.ref_();
        });
        assert!(text().starts_with("1 keeps the loop alive:\n  immediate, at "), "{}", text());
        assert!(text().contains("\n1 does not:\n  timer due in "), "{}", text());
        let debug = format!("{:?}", Dump::of(&event_loop.handle()));
        assert!(debug.starts_with("[timer due in ") && debug.contains(", unref, "), "{debug}");
    });
}

#[cfg(feature = "fs")]
#[test]
fn files_say_their_paths() {
    use onward::fs::{ReadStream, WriteStream};
    in_time(|| {
        let path = std::env::temp_dir().join(format!("onward-dump-{}", std::process::id()));
        let written = path.clone();
        onward::run(move || {
            let (file, made) = (WriteStream::create(&written)?, line());
            let (read, opened) = (ReadStream::open("Cargo.toml")?, line());
            let dump = dump();
            let write = find(&dump, ResourceKind::WriteStream);
            assert_eq!(write.target.as_deref(), written.to_str());
            assert_eq!(place(&write), made);
            let read_stream = find(&dump, ResourceKind::ReadStream);
            assert_eq!(read_stream.target.as_deref(), Some("Cargo.toml"));
            assert_eq!((place(&read_stream), read_stream.holds), (opened, false));
            // What the pool does for a file has the file's place.
            let pool: Vec<_> =
                dump.resources.iter().filter(|one| one.kind == ResourceKind::Blocking).collect();
            assert!(pool.iter().all(|work| [made, opened].contains(&place(work))), "{dump}");
            file.end();
            read.destroy();
            Ok(())
        })
        .unwrap();
        std::fs::remove_file(path).unwrap();
    });
}

#[cfg(all(unix, feature = "process"))]
#[test]
fn signals_say_their_names_and_hold_nothing() {
    in_time(|| {
        onward::run(|| {
            let (signals, made) = (onward::process::signals()?, line());
            signals.on(Hangup, |_, ()| {});
            let signal = find(&dump(), ResourceKind::Signal);
            assert_eq!(signal.target.as_deref(), Some("SIGHUP"));
            assert_eq!((place(&signal), signal.holds), (made, false));
            Ok(())
        })
        .unwrap();
    });
}

#[test]
fn a_source_that_gets_the_place_of_another_does_not_get_its_age_and_line() {
    in_time(|| {
        let (event_loop, _) = make_loop();
        event_loop.enter(|| Server::listen("127.0.0.1:0").unwrap().close());
        event_loop.run().unwrap();
        super::support::spin(Duration::from_millis(5));
        let before = std::time::Instant::now();
        let (server, made) = event_loop.enter(|| (Server::listen("127.0.0.1:0").unwrap(), line()));
        let found = find(&Dump::of(&event_loop.handle()), ResourceKind::TcpServer);
        assert_eq!(place(&found), made);
        assert!(found.age.unwrap() <= before.elapsed(), "{found}");
        event_loop.enter(|| server.close());
    });
}
