//! Datagrams when there are no descriptors left to be had.

use crate::common::child::{Process, is_child};
use crate::common::{ANY, run};
use onward::events::*;
use onward::net::{Connector, UdpSocket};
use onward::{ErrorKind, Result};
use std::fs::File;
use std::net::SocketAddr;

#[test]
fn without_descriptors_nothing_is_bound_or_sent_and_all_of_it_is_told() {
    Process::start_limited("abuse::starved::child_that_has_none_left", 64).ends_well();
}

#[test]
#[ignore = "a process of its own"]
fn child_that_has_none_left() {
    if !is_child() {
        return;
    }
    run(|| {
        let unbound = UdpSocket::new()?;
        let mut files = Vec::new();
        while let Ok(file) = File::open("/dev/null") {
            files.push(file);
        }
        let error = UdpSocket::bind(ANY).expect_err("there is none left");
        assert_eq!((error.kind(), error.operation()), (ErrorKind::OutOfDescriptors, "bind"));
        let there = SocketAddr::from(([127, 0, 0, 1], 9));
        assert!(unbound.connect(there).is_err());
        unbound.send_to("x", there);
        let by_name = Connector::new().lookup(move |_, _| async move { Ok(vec![there, there]) });
        let socket = by_name.connect("starved.internal:9")?;
        socket.on(Error, |_, error| assert_eq!(error.causes().len(), 2));
        let mut files = Some(files);
        unbound.on(Error, move |unbound, error| {
            assert!(error.to_string().starts_with("bind 127.0.0.1:9: "), "{error}");
            drop(files.take());
            assert!(!unbound.is_closed() && unbound.send_to("x", there), "now it is bound");
            unbound.close();
        });
        Ok(()) as Result<()>
    });
}
