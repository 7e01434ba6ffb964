//! The example that is encrypted.

use super::clients::*;
use std::fs;
use std::process::Stdio;

#[test]
fn tls_answers_itself_in_secret() {
    let output = run(&mut example("tls"));
    let (said, noted) = (text(&output.stdout), text(&output.stderr));
    assert!(said.starts_with("listening on 127.0.0.1:"), "{said}");
    assert!(said.ends_with("\r\n\r\nhello\n"), "{said}");
    assert!(noted.starts_with("TLSv1_3, "), "{noted}");
    assert_eq!(output.status.code(), Some(0));
}

#[test]
fn tls_serves_those_who_trust_its_certificate() {
    let mut command = example("tls");
    let command = command.args(["serve", "127.0.0.1:0"]).stdout(Stdio::piped());
    let mut server = command.stderr(Stdio::null()).spawn().expect("the example was built");
    let lines = Lines::of(server.stdout.take().expect("it was piped"));
    let mut certificate = String::new();
    let port = loop {
        let line = lines.next();
        if let Some(port) = line.strip_prefix("listening on 127.0.0.1:") {
            break port.to_owned();
        }
        certificate += &(line + "\n");
    };
    let file = temporary("tls.pem");
    fs::write(&file, certificate).expect("the target folder can be written to");
    let address = format!("localhost:{port}");

    let trusting = run(example("tls").args(["get", &address]).arg(file));
    assert!(text(&trusting.stdout).ends_with("\r\n\r\nhello\n"), "{trusting:?}");
    let wary = run(example("tls").args(["get", &address]));
    assert_eq!(text(&wary.stdout), "");
    assert!(text(&wary.stderr).contains("invalid peer certificate: "), "{wary:?}");
    server.kill().expect("it runs");
    server.wait().expect("it has ended");
}
