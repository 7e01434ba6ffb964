//! What Node's own tests ask of datagrams; see `tests/net/node_parity.rs`.

use super::support::{bound, watch};
use crate::common::{deaf, logged, next_turn};
use onward::events::*;
use onward::net::UdpSocket;

mod test_dgram_close_during_bind {
    use super::*;

    #[test]
    fn a_socket_that_is_closed_while_it_is_bound_tells_close_alone() {
        let seen = logged(|log| {
            let socket = bound();
            watch(&log, &socket);
            socket.close();
            let looking = UdpSocket::new()?;
            watch(&log, &looking);
            looking.connect("name.invalid:80")?;
            looking.send("never");
            looking.close();
            Ok(())
        });
        seen.assert(&["close", "close"]);
    }
}

mod test_dgram_send_error {
    use super::*;

    #[test]
    fn an_error_goes_to_the_callback_or_to_the_event_and_names_the_call_and_the_address() {
        let seen = logged(|log| {
            let (socket, there) = (bound(), deaf().local_addr()?);
            watch(&log, &socket);
            let (told, expected) = (log.clone(), Some(there.to_string()));
            let named = expected.clone();
            socket.send_to_then(vec![0; 70_000], there, move |sent| {
                let error = sent.expect_err("too long");
                assert_eq!((error.operation(), error.target()), ("send", named.as_deref()));
                told.note("callback");
            });
            socket.on(Error, move |socket, error| {
                assert_eq!((error.operation(), error.target()), ("send", expected.as_deref()));
                assert!(!socket.is_closed(), "an error is no end");
                socket.close();
            });
            next_turn(move || _ = socket.send_to(vec![0; 70_000], there));
            Ok(())
        });
        assert!(seen.len() == 4 && seen.ends_with(&["close"]), "{seen:?}");
    }
}

mod test_dgram_msgsize_and_empty_packet {
    use super::*;

    #[test]
    fn an_empty_packet_is_a_message() {
        let seen = logged(|log| {
            let socket = bound();
            watch(&log, &socket);
            socket.send_to("", socket.local_addr().expect("it is bound"));
            socket.on(Message, |socket, _| socket.close());
            Ok(())
        });
        seen.assert(&["listening", "message ", "close"]);
    }
}

mod test_dgram_connect_send_errors {
    use super::*;

    /// Node throws `ERR_SOCKET_DGRAM_NOT_CONNECTED` and its like.
    #[test]
    fn differs_who_has_no_peer_hears_of_it_as_an_event() {
        let seen = logged(|log| {
            let socket = bound();
            watch(&log, &socket);
            socket.send("to whom?");
            log.assert(&[]);
            socket.on(Error, |socket, _| socket.close());
            Ok(())
        });
        seen.assert(&["listening", "error send NotConnected", "close"]);
    }

    /// Node throws `ERR_SOCKET_DGRAM_NOT_RUNNING`.
    #[test]
    fn differs_a_second_close_and_a_send_after_it_do_nothing() {
        let seen = logged(|log| {
            let socket = bound();
            watch(&log, &socket);
            socket.close();
            socket.close();
            assert!(!socket.send_to("late", deaf().local_addr()?));
            Ok(())
        });
        seen.assert(&["close"]);
    }
}
