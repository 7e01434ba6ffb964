//! Encrypted connections: a small server, a small client, or both.
//!
//!     cargo run --features tls --example tls                                  # both, which talk to each other
//!     cargo run --features tls --example tls -- serve 127.0.0.1:8443 [CERTIFICATE.pem KEY.pem]
//!     cargo run --features tls --example tls -- get www.rust-lang.org:443 [AUTHORITY.pem]
//!
//! Without files the server makes a certificate for `localhost`, and prints it: save it, and try
//! `curl --cacert saved.pem https://localhost:8443/`.

use onward::{events::*, net::Socket, tls};
use std::env;

fn main() -> onward::Result<()> {
    let args: Vec<String> = env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    onward::run(|| match args[..] {
        [] => both(),
        ["serve", address, certificates, key] => {
            serve(address, tls::Identity::from_pem_files(certificates, key)?).map(drop)
        }
        ["serve", address] => {
            let (certificate, identity) = make_identity()?;
            print!("{certificate}");
            serve(address, identity).map(drop)
        }
        ["get", address] => get(&tls::Connector::new(), address),
        ["get", address, authority] => {
            get(&tls::Connector::new().trust_pem(std::fs::read(authority)?)?, address)
        }
        _ => Err(onward::Error::other("tls [serve HOST:PORT [FILE FILE] | get HOST:PORT [FILE]]")),
    })
}

/// A server that answers whatever it is asked.
fn serve(address: &str, identity: tls::Identity) -> onward::Result<tls::Server> {
    let server = tls::Server::listen(address, tls::Acceptor::new(identity).alpn(["http/1.1"]))?;
    println!("listening on {}", server.local_addr());
    server.on(SecureConnection, |_, socket| {
        socket.on(Error, |_, error| eprintln!("{error}"));
        socket.on_line(answer);
    });
    server.on(ClientError, |_, error| eprintln!("{error}"));
    server.on(Error, |_, error| eprintln!("{error}"));
    Ok(server)
}

/// The request ends with an empty line.
fn answer(socket: &Socket, line: &str) {
    if line.is_empty() {
        socket.write("HTTP/1.1 200 OK\r\ncontent-length: 6\r\nconnection: close\r\n\r\n");
        socket.end_with("hello\n");
    }
}

/// A client that asks, and prints what it gets.
fn get(connector: &tls::Connector, address: &str) -> onward::Result<()> {
    let host = address.rsplit_once(':').map_or(address, |(host, _)| host);
    let socket = connector.clone().alpn(["http/1.1"]).connect(address)?;
    socket.write(format!("GET / HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n"));
    socket.on(Secure, |socket, ()| {
        if let Some(agreed) = socket.tls() {
            eprintln!("{:?}, {:?}", agreed.version(), agreed.cipher());
        }
    });
    socket.on(Data, |_, chunk| print!("{}", String::from_utf8_lossy(chunk)));
    socket.on(Error, |_, error| eprintln!("{error}"));
    Ok(())
}

fn both() -> onward::Result<()> {
    let (certificate, identity) = make_identity()?;
    let server = serve("127.0.0.1:0", identity)?;
    let connector = tls::Connector::new().trust_pem(certificate)?.server_name("localhost");
    get(&connector, &server.local_addr().to_string())?;
    server.once(SecureConnection, |server, _| server.close());
    Ok(())
}

/// A certificate for `localhost`, which vouches for itself, as text and with its key.
fn make_identity() -> onward::Result<(String, tls::Identity)> {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]);
    let made = made.map_err(onward::Error::other)?;
    let certificate = made.cert.pem();
    let identity = tls::Identity::from_pem(&certificate, made.signing_key.serialize_pem())?;
    Ok((certificate, identity))
}
