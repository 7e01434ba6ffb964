//! As `node_parity`, for what has a limit: silences, addresses, guests.

use super::node_parity::on_each;
use super::timeouts::Last;
use crate::common::{LIMIT, Log, logged, next_turn, nobody, run};
use onward::events::*;
use onward::inspect;
use onward::net::{Connector, Server, ServerOptions, Socket};
use std::cell::{Cell, RefCell};
use std::net::{SocketAddr, TcpListener};
use std::rc::Rc;
use std::time::Duration;

mod test_net_write_slow {
    use super::*;

    const CHUNK: usize = 500_000;
    const CHUNKS: usize = 20;
    const SILENCE: Duration = Duration::from_millis(100);

    #[test]
    fn no_silence_is_told_while_a_slow_reader_is_at_it_and_all_callbacks_come() {
        on_each(|listen| {
            let (order, read) = (Rc::new(RefCell::new(Vec::new())), Rc::new(Cell::new(0)));
            let (told, total) = (Rc::clone(&order), Rc::clone(&read));
            run(move || {
                let server = listen(ServerOptions::new())?;
                let (last, writer) = (Last::default(), Rc::new(RefCell::new(None::<Socket>)));
                let guest = Rc::clone(&writer);
                last.follow(move || writer.borrow().as_ref().map_or(0, Socket::bytes_written))?;
                server.on(Connection, move |server, socket| {
                    server.close();
                    for chunk in 0..CHUNKS {
                        let told = Rc::clone(&told);
                        socket.write_owned_then(vec![1; CHUNK], move |sent| {
                            sent.expect("it is sent");
                            told.borrow_mut().push(chunk);
                        });
                    }
                    socket.end();
                    socket.resume();
                    socket.set_timeout(SILENCE);
                    let last = last.clone();
                    // The kernel takes nothing for a while, and then much: that is a silence indeed.
                    socket.on(Timeout, move |socket, ()| {
                        if socket.queued() > 0 {
                            last.assert_silent_for(SILENCE);
                        }
                    });
                    guest.replace(Some(socket));
                });
                let client = Socket::connect(server.local_addr())?;
                client.on(Data, move |client, chunk| {
                    total.set(total.get() + chunk.len());
                    client.pause();
                    let client = client.clone();
                    // All in all for longer than a silence.
                    onward::set_timeout(Duration::from_millis(1), move || client.resume());
                });
                Ok(())
            });
            assert_eq!(read.get(), CHUNK * CHUNKS);
            assert_eq!(*order.borrow(), (0..CHUNKS).collect::<Vec<_>>());
        });
    }
}

mod test_net_socket_timeout {
    use super::*;

    /// In Node it returns the socket, and refuses what is no number.
    #[test]
    fn differs_any_length_of_time_will_do_and_none_is_left_of_it_after_destroy() {
        on_each(|listen| {
            let timers = || {
                let all = inspect::dump().resources;
                all.iter().filter(|one| one.kind == inspect::ResourceKind::Timer).count()
            };
            run(move || {
                let server = listen(ServerOptions::new())?;
                let client = Socket::connect(server.local_addr())?;
                let before = timers();
                for time in [Duration::from_nanos(1), Duration::MAX, Duration::ZERO, LIMIT] {
                    client.set_timeout(time);
                }
                assert_eq!(timers(), before + 1);
                client.destroy();
                client.set_timeout(LIMIT);
                server.close();
                next_turn(move || assert_eq!(timers(), before));
                Ok(())
            });
        });
    }
}

mod test_net_socket_timeout_unref {
    use super::*;

    #[test]
    fn a_silence_that_is_waited_for_keeps_no_loop() {
        on_each(|listen| {
            run(move || {
                let server = listen(ServerOptions::new())?;
                server.unref();
                for _ in 0..3 {
                    let client = Socket::connect(server.local_addr())?;
                    client.set_timeout(LIMIT);
                    client.on(Timeout, |_, ()| panic!("the loop is over by then"));
                    client.unref();
                }
                Ok(())
            });
        });
    }
}

mod test_net_autoselectfamily {
    use super::*;

    /// A server that sends everybody away, and where it is.
    fn server(at: &str) -> onward::Result<(Server, SocketAddr)> {
        let server = Server::listen(at)?;
        server.unref();
        server.on(Connection, |_, socket| {
            socket.end();
            socket.resume();
        });
        let address = server.local_addr().as_socket_addr().expect("an IP address");
        Ok((server, address))
    }

    fn connect(log: &Log, places: Vec<SocketAddr>, only_first: bool) -> onward::Result<Socket> {
        let addresses = places.clone();
        let connector = Connector::new().attempt_delay(LIMIT).only_first(only_first);
        let connector = connector.lookup(move |_, _| {
            let addresses = addresses.clone();
            async move { Ok(addresses) }
        });
        let socket = connector.connect("name.internal:80")?;
        let place = move |address: SocketAddr| places.iter().position(|one| *one == address);
        let (tried, to) = (place.clone(), log.clone());
        socket.on(ConnectionAttempt, move |_, address| {
            to.note(format!("attempt {:?}", tried(address)));
        });
        let to = log.clone();
        socket.on(ConnectionAttemptFailed, move |_, (address, _)| {
            to.note(format!("failed {:?}", place(address)));
        });
        log.watch(&socket);
        Ok(socket)
    }

    #[test]
    fn version_six_is_preferred_when_it_answers_and_one_connection_is_made() {
        if TcpListener::bind("[::1]:0").is_err() {
            return;
        }
        let seen = logged(|log| {
            let ((_, six), (other, four)) = (server("[::1]:0")?, server("127.0.0.1:0")?);
            other.on(Connection, |_, _| panic!("one connection is made"));
            let socket = connect(&log, vec![six, four], false)?;
            socket.on(Connect, move |socket, ()| assert_eq!(socket.peer_addr(), Some(six.into())));
            Ok(())
        });
        seen.assert(&["attempt Some(0)", "connect", "end", "finish", "close false"]);
    }

    #[test]
    fn families_take_turns_and_the_first_that_answers_is_taken() {
        let seen = logged(|log| {
            let six: SocketAddr = ([0, 0, 0, 0, 0, 0, 0, 1], nobody().port()).into();
            let (_, four) = server("127.0.0.1:0")?;
            connect(&log, vec![six, nobody(), four], false)?;
            Ok(())
        });
        let tried = ["attempt Some(0)", "failed Some(0)", "attempt Some(1)", "failed Some(1)"];
        let rest = ["attempt Some(2)", "connect", "end", "finish", "close false"];
        seen.assert(&[&tried[..], &rest].concat());
    }

    #[test]
    fn when_none_answers_one_error_lists_them_all() {
        let seen = logged(|log| {
            let places = vec![nobody(), nobody()];
            let named = places.clone();
            let socket = connect(&log, places, false)?;
            socket.on(Error, move |_, error| {
                let all: Vec<String> = error.causes().iter().map(ToString::to_string).collect();
                assert_eq!(all.len(), 2);
                for (place, text) in named.iter().zip(all) {
                    assert!(text.contains(&place.to_string()), "{text}");
                }
            });
            Ok(())
        });
        let tried = ["attempt Some(0)", "failed Some(0)", "attempt Some(1)", "failed Some(1)"];
        seen.assert(&[&tried[..], &["error ConnectionRefused", "close true"]].concat());
    }

    #[test]
    fn it_can_be_turned_off() {
        let seen = logged(|log| {
            let (_, four) = server("127.0.0.1:0")?;
            connect(&log, vec![nobody(), four], true)?;
            Ok(())
        });
        seen.assert(&[
            "attempt Some(0)",
            "failed Some(0)",
            "error ConnectionRefused",
            "close true",
        ]);
    }
}

mod test_net_server_max_connections_close_makes_more_available {
    use super::*;

    #[test]
    fn guests_come_one_after_the_other_and_none_is_turned_away() {
        on_each(|listen| {
            let seen = logged(move |log| {
                let server = listen(ServerOptions::new().max_connections(1))?;
                let (to, mut count) = (log.clone(), 0);
                server.on(Connection, move |server, socket| {
                    to.note("connection");
                    socket.resume();
                    count += 1;
                    let (server, last) = (server.clone(), count == 3);
                    // From here on there is room again.
                    socket.on(Close, move |_, _| {
                        if last {
                            return server.close();
                        }
                        let address = server.local_addr();
                        next_turn(move || Socket::connect(address).expect("an address").end());
                    });
                });
                server.on(Dropped, move |_, _| log.note("dropped"));
                Socket::connect(server.local_addr())?.end();
                Ok(())
            });
            seen.assert(&["connection", "connection", "connection"]);
        });
    }
}
