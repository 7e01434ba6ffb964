//! What Node's own tests ask of sockets and servers, asked of these, over TCP and over Unix sockets. Each module has
//! the name of a file of Node's suite (`test/parallel/`); the tests are written anew from the behaviour. Where this
//! crate decides otherwise on purpose, the test says `differs`.

use crate::common::{ANY, Log, logged, next_turn, run};
use onward::events::*;
use onward::net::{Server, ServerOptions, Socket, SocketOptions};
use onward::{ErrorKind, next_tick};
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

/// A server over TCP, and where there are any, at a Unix socket.
pub(super) type Listen = fn(ServerOptions) -> onward::Result<Server>;

fn on_tcp(options: ServerOptions) -> onward::Result<Server> {
    options.listen(ANY)
}

#[cfg(unix)]
fn on_unix(options: ServerOptions) -> onward::Result<Server> {
    use std::sync::atomic::{AtomicU32, Ordering};
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let name = format!("onward-parity-{}-{number}.sock", std::process::id());
    options.listen_path(std::env::temp_dir().join(name))
}

/// Runs a test on each of them.
pub(super) fn on_each(test: fn(Listen)) {
    test(on_tcp);
    #[cfg(unix)]
    test(on_unix);
}

/// A conversation with the first guest of a server with such sockets, and the records of both sides.
fn converse(
    listen: Listen,
    options: SocketOptions,
    serve: impl Fn(&Socket) + 'static,
    ask: impl FnOnce(&Socket),
) -> (Log, Log) {
    let (host, guest) = (Log::default(), Log::default());
    let (hosting, asking) = (host.clone(), guest.clone());
    run(move || {
        let server = listen(ServerOptions::new().sockets(options))?;
        server.on(Connection, move |server, socket| {
            server.close();
            hosting.watch(&socket);
            serve(&socket);
        });
        let client = Socket::connect(server.local_addr())?;
        asking.watch(&client);
        ask(&client);
        Ok(())
    });
    (host, guest)
}

const PLAIN: SocketOptions = SocketOptions::new();
const HALF_OPEN: SocketOptions = SocketOptions::new().half_open(true);

mod test_net_end_close {
    use super::*;

    #[test]
    fn end_comes_before_close() {
        on_each(|listen| {
            let (host, guest) = converse(listen, PLAIN, |socket| socket.end(), |_| {});
            host.assert(&["finish", "end", "close false"]);
            guest.assert(&["connect", "end", "finish", "close false"]);
        });
    }
}

mod test_net_socket_close_after_end {
    use super::*;

    #[test]
    fn close_waits_for_the_end_of_a_slow_reader() {
        on_each(|listen| {
            let ask = |client: &Socket| {
                client.end();
                client.on(Data, |client, _| {
                    client.pause();
                    let client = client.clone();
                    onward::set_timeout(Duration::from_millis(2), move || client.resume());
                });
                client.on(End, |client, ()| assert!(!client.is_destroyed()));
            };
            let total = Rc::new(Cell::new(0));
            let counting = Rc::clone(&total);
            let seen = logged(move |log| {
                let server = listen(ServerOptions::new())?;
                server.on(Connection, |server, socket| {
                    server.close();
                    socket.end_with(vec![1; 500_000]);
                    socket.resume();
                });
                let client = Socket::connect(server.local_addr())?;
                log.watch_all_but_data(&client);
                client.on(Data, move |_, chunk| counting.set(counting.get() + chunk.len()));
                ask(&client);
                Ok(())
            });
            seen.assert(&["connect", "finish", "end", "close false"]);
            assert_eq!(total.get(), 500_000);
        });
    }
}

mod test_net_allow_half_open {
    use super::*;

    #[test]
    fn neither_end_nor_finish_alone_destroys_it() {
        on_each(|listen| {
            let serve = |socket: &Socket| {
                socket.on(End, |socket, ()| {
                    assert!(!socket.is_destroyed() && !socket.is_ended());
                    let socket = socket.clone();
                    next_turn(move || {
                        assert!(!socket.is_destroyed());
                        socket.end_with("late");
                    });
                });
            };
            let ask = |client: &Socket| {
                client.end();
                client.on(Finish, |client, ()| {
                    let client = client.clone();
                    next_tick(move || assert!(!client.is_destroyed()));
                });
            };
            let (host, guest) = converse(listen, HALF_OPEN, serve, ask);
            host.assert(&["end", "finish", "close false"]);
            guest.assert(&["connect", "finish", "data late", "end", "close false"]);
        });
    }

    #[test]
    fn without_it_the_peers_end_ends_this_side_after_what_the_listener_writes() {
        on_each(|listen| {
            let serve = |socket: &Socket| {
                socket.on(End, |socket, ()| {
                    socket.write("answer");
                });
            };
            let (host, guest) =
                converse(listen, PLAIN, serve, |client| client.end_with("question"));
            host.assert(&["data question", "end", "finish", "close false"]);
            guest.assert(&["connect", "finish", "data answer", "end", "close false"]);
        });
    }
}

mod test_net_error_twice {
    use super::*;

    #[test]
    fn a_peer_that_goes_during_a_large_write_is_exactly_one_error() {
        on_each(|listen| {
            let serve = |socket: &Socket| {
                socket.write(vec![1; 10 << 20]);
                socket.write("more");
            };
            let ask = |client: &Socket| {
                client.on(Data, |client, _| client.reset_and_destroy());
            };
            let (host, _) = converse(listen, PLAIN, serve, ask);
            host.assert(&["error disconnect", "close true"]);
        });
    }
}

mod test_net_throttle {
    use super::*;

    #[test]
    fn what_is_written_after_a_false_arrives_and_a_paused_peer_gets_nothing_meanwhile() {
        on_each(|listen| {
            let log = Log::default();
            let seen = log.clone();
            let (sent, came) = (Rc::new(Cell::new(0)), Rc::new(Cell::new(0)));
            let (sending, coming) = (Rc::clone(&sent), Rc::clone(&came));
            run(move || {
                let server = listen(ServerOptions::new())?;
                let paused = Rc::new(RefCell::new(None::<Socket>));
                let guest = Rc::clone(&paused);
                server.on(Connection, move |server, socket| {
                    server.close();
                    socket.resume();
                    while socket.write([1; 10_000]) {
                        sending.set(sending.get() + 10_000);
                    }
                    socket.write([1; 5_000]);
                    sending.set(sending.get() + 15_000);
                    let (socket, guest) = (socket.clone(), Rc::clone(&guest));
                    next_turn(move || {
                        assert!(socket.needs_drain());
                        if let Some(client) = guest.take() {
                            assert_eq!(client.bytes_read(), 0);
                            client.resume();
                        }
                        socket.end();
                    });
                });
                let client = Socket::connect(server.local_addr())?;
                client.pause();
                client.on(Data, move |_, chunk| coming.set(coming.get() + chunk.len()));
                log.watch_all_but_data(&client);
                paused.replace(Some(client));
                Ok(())
            });
            assert_eq!(came.get(), sent.get());
            seen.assert(&["connect", "end", "finish", "close false"]);
        });
    }
}

mod test_net_connect_buffer {
    use super::*;

    #[test]
    fn writes_and_the_end_before_the_connection_stands_keep_their_order_and_their_count() {
        on_each(|listen| {
            let told = Rc::new(RefCell::new(Vec::new()));
            let telling = Rc::clone(&told);
            let ask = move |client: &Socket| {
                for text in ["L", "\u{e4}ngs", "t"] {
                    let telling = Rc::clone(&telling);
                    let socket = client.clone();
                    client.write_then(text, move |sent| {
                        assert!(sent.is_ok() && socket.peer_addr().is_some());
                        telling.borrow_mut().push(text);
                    });
                }
                client.end();
                assert_eq!((client.queued(), client.bytes_written()), (7, 0));
                client.on(Finish, |client, ()| assert_eq!(client.bytes_written(), 7));
            };
            let (host, guest) = converse(listen, PLAIN, |_| {}, ask);
            host.assert(&["data L\u{e4}ngst", "end", "finish", "close false"]);
            guest.assert(&["connect", "finish", "end", "close false"]);
            assert_eq!(told.take(), ["L", "\u{e4}ngs", "t"]);
        });
    }
}

mod test_net_pause_resume_connecting {
    use super::*;

    #[test]
    fn the_last_of_pause_and_resume_before_the_connection_stands_decides() {
        for (calls, flows) in [("p", false), ("r", true), ("pr", true), ("rp", false), ("", true)] {
            for listen in [on_tcp as Listen, on_other()] {
                let seen = logged(move |log| {
                    let server = listen(ServerOptions::new())?;
                    server.on(Connection, move |server, socket| {
                        server.close();
                        socket.end_with("x");
                        socket.resume();
                    });
                    let client = Socket::connect(server.local_addr())?;
                    log.watch(&client);
                    for call in calls.chars() {
                        if call == 'p' { client.pause() } else { client.resume() }
                    }
                    let waiting = client.clone();
                    client.once(Connect, move |_, ()| {
                        next_turn(move || {
                            next_turn(move || {
                                if !flows {
                                    assert_eq!(waiting.bytes_read(), 0);
                                }
                                waiting.resume();
                            });
                        });
                    });
                    Ok(())
                });
                seen.assert(&["connect", "data x", "end", "finish", "close false"]);
            }
        }
    }

    #[cfg(unix)]
    fn on_other() -> Listen {
        on_unix
    }

    #[cfg(not(unix))]
    fn on_other() -> Listen {
        on_tcp
    }
}

mod test_net_socket_end_before_connect {
    use super::*;

    #[test]
    fn it_connects_ends_and_closes() {
        on_each(|listen| {
            let (host, guest) = converse(listen, PLAIN, |_| {}, Socket::end);
            host.assert(&["end", "finish", "close false"]);
            guest.assert(&["connect", "finish", "end", "close false"]);
        });
    }
}

mod test_net_connect_destroy {
    use super::*;

    #[test]
    fn a_socket_that_never_stood_tells_close() {
        on_each(|listen| {
            let seen = logged(move |log| {
                let server = listen(ServerOptions::new())?;
                let client = Socket::connect(server.local_addr())?;
                server.close();
                log.watch(&client);
                client.destroy();
                log.assert(&[]);
                Ok(())
            });
            seen.assert(&["close false"]);
        });
    }
}

mod test_net_write_after_end_nt {
    use super::*;

    /// In Node the peer's end has been answered, and the write is an `EPIPE` event. Here both sides have ended then,
    /// and the socket is over: only who asked about this write hears of it.
    #[test]
    fn differs_after_both_ends_a_write_says_false_and_tells_its_callback_later() {
        on_each(|listen| {
            let log = Log::default();
            let seen = log.clone();
            let ask = move |client: &Socket| {
                client.on(End, move |client, ()| {
                    let (client, log) = (client.clone(), log.clone());
                    next_turn(move || {
                        let to = log.clone();
                        let told = move |sent: onward::Result<()>| {
                            to.note(format!("{:?}", sent.expect_err("it is over").kind()));
                        };
                        assert!(!client.write_then("x", told));
                        log.assert(&[]);
                    });
                });
            };
            let (_, guest) = converse(listen, PLAIN, Socket::end, ask);
            seen.assert(&["Destroyed"]);
            guest.assert(&["connect", "end", "finish", "close false"]);
        });
    }

    #[test]
    fn written_to_after_its_own_end_it_breaks() {
        on_each(|listen| {
            let ask = |client: &Socket| {
                client.on(Connect, |client, ()| {
                    client.end();
                    assert!(!client.write("x"));
                });
                client.on(Error, |_, error| assert_eq!(error.kind(), ErrorKind::WriteAfterEnd));
            };
            let (_, guest) = converse(listen, PLAIN, |socket| socket.resume(), ask);
            guest.assert(&["connect", "error WriteAfterEnd", "close true"]);
        });
    }
}

mod test_net_sync_cork {
    use super::*;

    #[test]
    fn a_hundred_small_writes_that_the_system_takes_ask_for_no_wait() {
        on_each(|listen| {
            let ask = |client: &Socket| {
                client.on(Connect, |client, ()| {
                    client.cork();
                    for _ in 0..100 {
                        assert!(client.write("x".repeat(10)));
                    }
                    client.uncork();
                    assert_eq!((client.queued(), client.needs_drain()), (0, false));
                    client.end();
                });
            };
            let (host, guest) = converse(listen, PLAIN, |_| {}, ask);
            let expected = format!("data {}", "x".repeat(1_000));
            host.assert(&[&expected, "end", "finish", "close false"]);
            guest.assert(&["connect", "finish", "end", "close false"]);
        });
    }
}

mod test_net_onread_static_buffer {
    use super::*;

    /// Node has an option for it; here each chunk is lent from the loop's one buffer.
    #[test]
    fn differs_a_chunk_is_lent_and_a_pause_in_the_listener_holds_the_next() {
        on_each(|listen| {
            let seen = logged(move |log| {
                let server = listen(ServerOptions::new())?;
                server.on(Connection, |server, socket| {
                    server.close();
                    socket.end_with(vec![1; 150_000]);
                    socket.resume();
                });
                let client = Socket::connect(server.local_addr())?;
                let place = Cell::new(None);
                client.on(Data, move |client, chunk| {
                    assert!(
                        place.replace(Some(chunk.as_ptr())).is_none_or(|p| p == chunk.as_ptr())
                    );
                    client.pause();
                    let (client, read) = (client.clone(), client.bytes_read());
                    next_turn(move || {
                        assert_eq!(client.bytes_read(), read);
                        client.resume();
                    });
                });
                log.watch_all_but_data(&client);
                client.on(End, |client, ()| assert_eq!(client.bytes_read(), 150_000));
                Ok(())
            });
            seen.assert(&["connect", "end", "finish", "close false"]);
        });
    }
}

mod test_net_server_close {
    use super::*;

    #[test]
    fn one_close_of_the_server_and_one_of_each_socket_even_if_all_go_in_one_turn() {
        on_each(|listen| {
            let seen = logged(move |log| {
                let server = listen(ServerOptions::new())?;
                let to = log.clone();
                server.on(Close, move |_, ()| to.note("server"));
                let mut sockets = Vec::new();
                let to = log.clone();
                server.on(Connection, move |server, socket| {
                    let log = to.clone();
                    socket.on(Close, move |_, _| log.note("socket"));
                    sockets.push(socket);
                    if sockets.len() == 2 {
                        server.close();
                        sockets.drain(..).for_each(|socket| socket.destroy());
                        server.close();
                    }
                });
                for _ in 0..2 {
                    Socket::connect(server.local_addr())?.resume();
                }
                Ok(())
            });
            seen.assert(&["socket", "socket", "server"]);
        });
    }
}

mod test_net_listen_close_server {
    use super::*;

    #[test]
    fn closed_before_it_listens_it_tells_neither_listening_nor_an_error() {
        on_each(|listen| {
            let seen = logged(move |log| {
                let server = listen(ServerOptions::new())?;
                let (listening, to, closing) = (log.clone(), log.clone(), log);
                server.on(Listening, move |_, ()| listening.note("listening"));
                server.on(Error, move |_, _| to.note("error"));
                server.on(Close, move |_, ()| closing.note("close"));
                server.close();
                assert!(!server.is_listening());
                Ok(())
            });
            seen.assert(&["close"]);
        });
    }
}

mod test_net_server_max_connections {
    use super::*;

    #[test]
    fn so_many_are_served_the_rest_hears_the_end_and_a_slot_is_free_again_after_a_close() {
        on_each(|listen| {
            let seen = logged(move |log| {
                let server = listen(ServerOptions::new().max_connections(1))?;
                let (on_connection, on_drop) = (log.clone(), log.clone());
                let mut guests = 0;
                server.on(Connection, move |server, socket| {
                    on_connection.note("connection");
                    socket.resume();
                    guests += 1;
                    if guests == 2 {
                        server.close();
                    }
                });
                server.on(Dropped, move |_, _| on_drop.note("dropped"));
                let address = server.local_addr();
                let first = Socket::connect(address)?;
                first.resume();
                first.on(Connect, move |first, ()| {
                    let (first, log) = (first.clone(), log.clone());
                    let second = Socket::connect(address).expect("an address");
                    second.on(Data, |_, _| panic!("nothing is sent"));
                    second.on(End, move |_, ()| log.note("end"));
                    second.on(Close, move |_, _| first.end());
                });
                first.on(Close, move |_, _| {
                    let third = Socket::connect(address).expect("an address");
                    third.resume();
                    third.on(Connect, move |third, ()| {
                        let third = third.clone();
                        next_turn(move || third.end());
                    });
                });
                Ok(())
            });
            seen.assert(&["connection", "dropped", "end", "connection"]);
        });
    }
}

mod test_net_server_drop_connections {
    use super::*;

    #[test]
    fn it_tells_both_addresses() {
        on_each(|listen| {
            run(move || {
                let server = listen(ServerOptions::new().max_connections(0))?;
                let client = Socket::connect(server.local_addr())?;
                client.resume();
                let own = Rc::new(Cell::new(None));
                let noting = Rc::clone(&own);
                client.on(Connect, move |client, ()| noting.set(client.local_addr()));
                server.on(Dropped, move |server, (near, far)| {
                    assert_eq!(near, server.local_addr());
                    assert_eq!(far.is_unix(), near.is_unix());
                    let (server, own) = (server.clone(), Rc::clone(&own));
                    next_turn(move || {
                        assert_eq!(own.get(), Some(far));
                        server.close();
                    });
                });
                Ok(())
            });
        });
    }
}

mod test_net_server_pause_on_connect {
    use super::*;

    #[test]
    fn nothing_is_read_before_resume() {
        on_each(|listen| {
            let seen = logged(move |log| {
                let server = listen(ServerOptions::new().pause_on_connect(true))?;
                server.on(Connection, move |server, socket| {
                    server.close();
                    log.watch(&socket);
                    let (socket, log) = (socket.clone(), log.clone());
                    onward::set_timeout(Duration::from_millis(5), move || {
                        assert_eq!((socket.bytes_read(), log.len()), (0, 0));
                        socket.resume();
                    });
                });
                let client = Socket::connect(server.local_addr())?;
                client.end_with("early");
                client.resume();
                Ok(())
            });
            seen.assert(&["data early", "end", "finish", "close false"]);
        });
    }
}

mod test_net_socket_destroy_soon {
    use super::*;

    #[test]
    fn three_megabytes_are_sent_and_then_it_is_destroyed() {
        on_each(|listen| {
            let seen = logged(move |log| {
                let server = listen(ServerOptions::new())?;
                server.on(Connection, move |server, socket| {
                    server.close();
                    log.watch(&socket);
                    socket.write(vec![1; 3 << 20]);
                    socket.destroy_soon();
                    assert!(!socket.is_destroyed() && socket.is_ended());
                });
                let client = Socket::connect(server.local_addr())?;
                client.resume();
                client.on(Close, |client, had_error| {
                    assert_eq!((client.bytes_read(), had_error), (3 << 20, false));
                });
                Ok(())
            });
            seen.assert(&["finish", "close false"]);
        });
    }

    #[test]
    fn after_finish_and_after_destroy_and_before_connect_it_does_what_it_can() {
        on_each(|listen| {
            let (_, guest) = converse(
                listen,
                PLAIN,
                |socket| socket.resume(),
                |client| {
                    client.destroy_soon();
                    client.on(Finish, |client, ()| {
                        let client = client.clone();
                        next_tick(move || {
                            assert!(client.is_destroyed());
                            client.destroy_soon();
                        });
                    });
                },
            );
            guest.assert(&["connect", "finish", "close false"]);
        });
    }
}

mod test_net_socket_reset_twice {
    use super::*;

    #[test]
    fn this_side_closes_without_an_error_and_the_peer_hears_of_it_once() {
        let serve = |socket: &Socket| {
            socket.reset_and_destroy();
            socket.reset_and_destroy();
        };
        let (host, guest) = converse(on_tcp, PLAIN, serve, |_| {});
        host.assert(&["close false"]);
        guest.assert(&["connect", "error disconnect", "close true"]);
    }

    #[test]
    fn before_the_connection_stands_it_is_a_destroy() {
        let seen = logged(move |log| {
            let server = on_tcp(ServerOptions::new())?;
            let client = Socket::connect(server.local_addr())?;
            log.watch(&client);
            client.reset_and_destroy();
            server.close();
            Ok(())
        });
        seen.assert(&["close false"]);
    }

    /// Node refuses with `ERR_INVALID_HANDLE_TYPE`.
    #[cfg(unix)]
    #[test]
    fn differs_a_unix_socket_is_just_destroyed() {
        let (host, guest) = converse(on_unix, PLAIN, Socket::reset_and_destroy, |_| {});
        host.assert(&["close false"]);
        guest.assert(&["connect", "end", "finish", "close false"]);
    }
}
