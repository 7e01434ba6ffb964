//! Other people's clients and servers: `openssl` and `curl`. Where they are missing these tests say so and pass; with
//! `ONWARD_REQUIRE_OPENSSL` or `ONWARD_REQUIRE_CURL` set, they fail.

use super::support::{acceptor, authority, connector, pem, serve_one, watch};
use crate::common::{ANY, LIMIT, Log, run};
use onward::events::*;
use std::fs;
use std::io::{BufRead, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;

/// Is this program here?
fn has(program: &str) -> bool {
    let version = if program == "openssl" { "version" } else { "--version" };
    let found = Command::new(program).arg(version).stdout(Stdio::null()).status().is_ok();
    let required = format!("ONWARD_REQUIRE_{}", program.to_uppercase());
    assert!(found || std::env::var_os(required).is_none(), "{program} is missing");
    if !found {
        eprintln!("skipped: there is no {program}");
    }
    found
}

fn file(name: &str, text: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("tls-{}", std::process::id()));
    fs::create_dir_all(&folder).expect("the target folder can be written to");
    let path = folder.join(name);
    fs::write(&path, text).expect("the target folder can be written to");
    path
}

/// Ends with the test, whatever becomes of that.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// What a program prints until it ends, by a thread.
fn printed(mut child: Child) -> mpsc::Receiver<String> {
    let (tell, told) = mpsc::channel();
    std::thread::spawn(move || {
        let output = child.stdout.take().map(BufReader::new);
        let text: Vec<String> =
            output.into_iter().flat_map(BufRead::lines).map_while(Result::ok).collect();
        let _ = child.wait();
        let _ = tell.send(text.join("\n"));
    });
    told
}

#[test]
fn openssl_talks_to_our_server_and_hears_our_goodbye() {
    if !has("openssl") {
        return;
    }
    for version in ["-tls1_2", "-tls1_3"] {
        let log = Log::default();
        let (seen, authorities) = (log.clone(), file("client-ca.pem", &authority().pem()));
        run(move || {
            let address = serve_one(acceptor().alpn(["cats"]), &seen.clone(), move |socket| {
                assert_eq!(socket.tls().unwrap().alpn(), Some(&b"cats"[..]));
                watch(&seen, socket);
                socket.on(Data, |socket, _| socket.end_with("hello, openssl\n"));
            })?;
            let mut child = Command::new("openssl")
                .args(["s_client", "-connect", &address.to_string(), "-servername", "localhost"])
                .args([version, "-alpn", "cats", "-verify_return_error", "-quiet", "-CAfile"])
                .arg(authorities)
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .stderr(Stdio::null())
                .spawn()?;
            let mut input = child.stdin.take().expect("a pipe");
            input.write_all(b"hello\n")?;
            let told = printed(child);
            onward::spawn_blocking(move || told.recv_timeout(LIMIT)).then(move |text| {
                drop(input);
                assert_eq!(text.unwrap().unwrap(), "hello, openssl");
            });
            Ok(())
        });
        assert!(
            log.ends_with(&["data hello\n", "finish", "end", "close false"])
                || log.ends_with(&["finish", "close true"]),
            "{log:?}"
        );
    }
}

#[test]
fn our_client_talks_to_openssl() {
    if !has("openssl") {
        return;
    }
    let (certificate, key) = pem(&["localhost"], |_| {});
    let (certificate, key) = (file("server.pem", &certificate), file("server.key", &key));
    let mut child = Command::new("openssl")
        .args(["s_server", "-accept", "127.0.0.1:0", "-rev", "-naccept", "1", "-cert"])
        .arg(certificate)
        .arg("-key")
        .arg(key)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("openssl runs");
    let mut lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
    let running = Running(child);
    let address = lines
        .by_ref()
        .map_while(Result::ok)
        .find_map(|line| line.strip_prefix("ACCEPT ").map(str::to_owned))
        .expect("it listens");
    let log = Log::default();
    let seen = log.clone();
    run(move || {
        let client = connector().connect(address)?;
        watch(&seen, &client);
        client.write("desserts\n");
        client.on(Data, |client, chunk| {
            assert_eq!(chunk, b"stressed\n");
            client.end();
        });
        Ok(())
    });
    log.assert(&["connect", "secure", "data stressed\n", "finish", "end", "close false"]);
    drop(running);
}

#[test]
fn curl_gets_a_page_from_our_server() {
    if !has("curl") {
        return;
    }
    let log = Log::default();
    let (seen, authorities) = (log.clone(), file("curl-ca.pem", &authority().pem()));
    run(move || {
        let acceptor = acceptor().alpn(["http/1.1"]);
        let address = serve_one(acceptor, &seen, |socket| {
            socket.on(Data, |socket, request| {
                assert!(request.starts_with(b"GET /cats HTTP/1.1\r\n"));
                socket.write("HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n");
                socket.write("connection: close\r\n\r\n");
                socket.write_owned(vec![b'm'; 1_000_000]);
                socket.end();
            });
        })?;
        let url = format!("https://localhost:{}/cats", address.port().expect("TCP"));
        let child = Command::new("curl")
            .args(["-s", "-S", "-4", "--max-time", "30", "--noproxy", "*", "--cacert"])
            .arg(authorities)
            .arg(url)
            .stdout(Stdio::piped())
            .spawn()?;
        let told = printed(child);
        onward::spawn_blocking(move || told.recv_timeout(LIMIT)).then(|text| {
            let text = text.unwrap().unwrap();
            assert_eq!(text.len(), 1_000_000);
            assert!(text.bytes().all(|byte| byte == b'm'));
        });
        Ok(())
    });
    log.assert(&[]);
    assert_eq!(ANY.port(), 0);
}
