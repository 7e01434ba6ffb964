//! What a socket can be told.

use super::support::{address, bound, plain, watch};
use crate::common::{ANY, logged, run};
use onward::ErrorKind;
use onward::events::*;
use onward::net::{MulticastInterface, UdpOptions, UdpSocket};
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

const GROUP: Ipv4Addr = Ipv4Addr::new(239, 255, 77, 1);

#[test]
fn several_may_share_an_address_if_all_say_so() {
    run(|| {
        let shared = UdpOptions::new().reuse_address(true);
        let first = shared.bind(ANY)?;
        let second = shared.bind(address(&first)).expect("both say so");
        assert!(UdpSocket::bind(address(&first)).is_err_and(|error| error.is_addr_in_use()));
        [first, second].iter().for_each(UdpSocket::close);
        Ok(())
    });
}

#[cfg(unix)]
#[test]
fn several_may_share_a_port() {
    run(|| {
        let shared = UdpOptions::new().reuse_port(true);
        let first = shared.bind(ANY)?;
        let second = shared.bind(address(&first)).expect("both say so");
        [first, second].iter().for_each(UdpSocket::close);
        Ok(())
    });
}

#[test]
fn buffers_have_the_sizes_that_are_asked_for() {
    run(|| {
        let small = UdpOptions::new().receive_buffer(8192).send_buffer(8192).bind(ANY)?;
        let (received, sent) = (small.receive_buffer()?, small.send_buffer()?);
        assert!(received >= 8192 && sent >= 8192);
        small.set_receive_buffer(16384)?;
        small.set_send_buffer(16384)?;
        assert!(small.receive_buffer()? > received && small.send_buffer()? > sent);
        small.close();
        Ok(())
    });
}

#[test]
fn to_send_to_all_has_to_be_allowed() {
    let seen = logged(move |log| {
        let everybody: SocketAddr = ([255, 255, 255, 255], 9).into();
        // Some machines have no network to send it to, and say that instead.
        let forbidden = plain().send_to(b"x", everybody).expect_err("forbidden").kind();
        let socket = bound();
        watch(&log, &socket);
        socket.send_to("x", everybody);
        socket.once(Error, move |socket, error| {
            assert_eq!(error.io_kind(), Some(forbidden));
            assert_eq!(error.target(), Some("255.255.255.255:9"));
            socket.set_broadcast(true).expect("it is open");
            socket.close();
        });
        let allowed = UdpOptions::new().broadcast(true).bind(ANY)?;
        allowed.close();
        Ok(())
    });
    assert_eq!(seen.len(), 3);
}

#[test]
fn a_socket_for_version_six_alone_leaves_the_port_to_version_four() {
    if std::net::UdpSocket::bind("[::1]:0").is_err() {
        return;
    }
    run(|| {
        // Somebody else may have the port for version four, but hardly each of these.
        let both = (0..10).any(|_| {
            let six = UdpOptions::new().only_v6(true).bind("[::]:0").expect("a free port");
            let four = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, address(&six).port()).to_text());
            six.close();
            four.map(|four| four.close()).is_ok()
        });
        assert!(both, "none was left");
        Ok(())
    });
}

trait ToText {
    fn to_text(self) -> String;
}

impl ToText for (Ipv4Addr, u16) {
    fn to_text(self) -> String {
        SocketAddr::from(self).to_string()
    }
}

#[test]
fn what_is_sent_to_a_group_comes_to_all_who_joined_it_until_they_leave() {
    // A machine may have no network that can, not even with itself.
    let try_it = || -> io::Result<()> {
        let socket = std::net::UdpSocket::bind("0.0.0.0:0")?;
        socket.join_multicast_v4(&GROUP, &Ipv4Addr::LOCALHOST)?;
        socket2::SockRef::from(&socket).set_multicast_if_v4(&Ipv4Addr::LOCALHOST)?;
        socket.send_to(b"x", (GROUP, socket.local_addr()?.port())).map(drop)
    };
    if try_it().is_err() {
        return;
    }
    let seen = logged(move |log| {
        let shared = UdpOptions::new().reuse_address(true);
        let member = shared.bind("0.0.0.0:0")?;
        let port = address(&member).port();
        member.join_multicast(GROUP, Ipv4Addr::LOCALHOST)?;
        member.set_multicast_interface(Ipv4Addr::LOCALHOST)?;
        member.set_multicast_loop(true)?;
        member.set_multicast_ttl(1)?;
        member.set_ttl(3)?;
        watch(&log, &member);
        member.send_to("to all", (GROUP, port));
        member.on(Message, move |member, (bytes, from)| {
            if bytes != b"to all" {
                return member.close();
            }
            member.leave_multicast(GROUP, Ipv4Addr::LOCALHOST).expect("it is a member");
            let again = member.leave_multicast(GROUP, Ipv4Addr::LOCALHOST).expect_err("no more");
            assert_eq!(
                (again.operation(), again.target()),
                ("leave multicast", Some("239.255.77.1"))
            );
            member.send_to("to all", (GROUP, port));
            member.send_to("to one", (from.ip(), port));
        });
        Ok(())
    });
    seen.assert(&["listening", "message to all", "message to one", "close"]);
}

#[test]
fn only_groups_are_joined_and_interfaces_have_to_fit() {
    run(|| {
        let socket = bound();
        let error = socket.join_multicast([127, 0, 0, 1], MulticastInterface::Any);
        let error = error.expect_err("no group");
        assert_eq!(error.to_string(), "join multicast 127.0.0.1: not a multicast address");
        let error = socket.join_multicast(GROUP, 1).expect_err("a number");
        assert_eq!(error.io_kind(), Some(io::ErrorKind::InvalidInput));
        let group = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 0xfb);
        let error = socket.join_multicast(group, Ipv4Addr::LOCALHOST).expect_err("an address");
        assert_eq!(error.io_kind(), Some(io::ErrorKind::InvalidInput));
        let source = Ipv4Addr::new(192, 0, 2, 1);
        let error = socket.join_source(source, source, Ipv4Addr::LOCALHOST).expect_err("no group");
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        socket.close();
        let error = socket.join_multicast(GROUP, Ipv4Addr::LOCALHOST).expect_err("it is closed");
        assert_eq!(error.io_kind(), Some(io::ErrorKind::NotConnected));
        assert!(socket.set_ttl(1).is_err() && socket.receive_buffer().is_err());
        Ok(())
    });
}

#[cfg(target_os = "linux")]
#[test]
fn a_source_of_a_group_is_joined_and_left() {
    run(|| {
        let socket = UdpSocket::bind("0.0.0.0:0")?;
        let (source, own) = (Ipv4Addr::new(192, 0, 2, 1), Ipv4Addr::LOCALHOST);
        // Where the machine has no multicast at all, the error says so.
        if socket.join_source(source, GROUP, own).is_ok() {
            socket.leave_source(source, GROUP, own)?;
            assert!(socket.leave_source(source, GROUP, own).is_err());
        }
        socket.close();
        Ok(())
    });
}

#[cfg(target_os = "linux")]
#[test]
fn a_source_of_a_group_is_joined_and_left_by_version_six_too() {
    if std::net::UdpSocket::bind("[::1]:0").is_err() {
        return;
    }
    run(|| {
        let socket = UdpSocket::bind("[::]:0")?;
        let source: Ipv6Addr = "2001:db8::1".parse().expect("an address");
        let group: Ipv6Addr = "ff32::1".parse().expect("an address");
        // The loopback has number one here. Where the machine has no multicast at all, the error says so.
        match socket.join_source(source, group, 1) {
            Ok(()) => {
                socket.leave_source(source, group, 1)?;
                let again = socket.leave_source(source, group, 1).expect_err("no more");
                assert_eq!(again.target(), Some("2001:db8::1 in ff32::1"));
            }
            Err(error) => assert_ne!(error.io_kind(), Some(io::ErrorKind::InvalidInput), "{error}"),
        }
        let mixed = socket.join_source(source, GROUP, 1).expect_err("one of each");
        assert_eq!(mixed.io_kind(), Some(io::ErrorKind::InvalidInput));
        let named = socket.join_source(source, group, Ipv4Addr::LOCALHOST).expect_err("an address");
        assert_eq!(named.io_kind(), Some(io::ErrorKind::InvalidInput));
        socket.close();
        Ok(())
    });
}
