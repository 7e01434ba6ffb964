//! What is said outside of a loop.

use super::support::{in_time, panic_of};
use onward::net::{Server, Socket};
use onward::{ErrorKind, Handle};
use std::time::Duration;

#[test]
fn constructors_outside_of_a_loop_say_which_they_are() {
    let errors = [
        (Server::listen("127.0.0.1:0").unwrap_err(), "listen"),
        (Socket::connect("127.0.0.1:1").unwrap_err(), "connect"),
        (Handle::current().unwrap_err(), "find event loop"),
    ];
    for (error, operation) in errors {
        assert_eq!((error.kind(), error.operation()), (ErrorKind::NotInLoop, operation));
        assert!(error.to_string().starts_with(operation), "{error}");
        assert!(error.to_string().contains("onward::run"), "{error}");
    }
}

#[test]
fn free_functions_outside_of_a_loop_panic_and_name_themselves() {
    in_time(|| {
        let said = [
            ("set_timeout", panic_of(|| onward::set_timeout(Duration::ZERO, || ()))),
            ("set_interval", panic_of(|| onward::set_interval(Duration::ZERO, |_| ()))),
            ("set_immediate", panic_of(|| onward::set_immediate(|| ()))),
            ("next_tick", panic_of(|| onward::next_tick(|| ()))),
            ("remote", panic_of(onward::remote)),
            ("spawn_blocking", panic_of(|| onward::spawn_blocking(|| ()).then(|_| ()))),
            ("stop", panic_of(onward::stop)),
            ("fail", panic_of(|| onward::fail(onward::Error::other("")))),
        ];
        for (function, said) in said {
            assert!(said.starts_with(&format!("{function}: ")), "{said}");
            assert!(said.contains("no event loop runs on this thread"), "{said}");
        }
    });
}

#[test]
fn the_loop_of_a_thread_is_not_that_of_another() {
    in_time(|| {
        onward::run(|| {
            let elsewhere =
                std::thread::spawn(|| Handle::current().unwrap_err().kind()).join().unwrap();
            assert_eq!(elsewhere, ErrorKind::NotInLoop);
            assert!(Handle::current().is_ok());
            Ok(())
        })
        .unwrap();
        assert!(Handle::current().is_err());
    });
}
