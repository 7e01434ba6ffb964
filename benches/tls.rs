//! What the loop costs where all is encrypted: an echo server against one of `rustls` on raw epoll.
//!
//!     cargo bench --bench tls --features tls [-- PART OF A NAME]
//!
//! For a profiler: `-- raw-server` and `-- onward-server` are the servers alone, and `-- load HOST:PORT` puts load on one
//! that was started with the same certificate and key in `ONWARD_BENCH_PEM`: 64 connections, 30,000 messages.
//!
//! As in `io`: servers are processes of their own, which take turns in every round, and what counts is their CPU time.

#[cfg(target_os = "linux")]
mod linux {
    use onward::events::*;
    use onward::tls::rustls::pki_types::{CertificateDer, pem::PemObject as _};
    use onward::tls::rustls::{self, ClientConnection, ServerConnection, StreamOwned};
    use onward::tls::{Identity, Server as TlsServer};
    use rustix::buffer::spare_capacity;
    use rustix::event::epoll::{self, CreateFlags, EventData, EventFlags};
    use std::env;
    use std::fs;
    use std::io::{self, BufRead as _, BufReader, Read, Write};
    use std::net::{TcpListener, TcpStream};
    use std::os::fd::AsRawFd as _;
    use std::process::{Child, Command, Stdio};
    use std::sync::Arc;

    const ROUNDS: usize = 9;
    const CHUNK: usize = 64 * 1024;

    type Failure = Box<dyn std::error::Error>;

    /// What is measured: connections, bytes of a message, messages of a round.
    #[derive(Clone, Copy)]
    struct Group(&'static str, usize, usize, usize);

    const GROUPS: [Group; 4] = [
        Group("echo, 64 connections, 64 bytes", 64, 64, 30_000),
        Group("echo, 1000 connections, 64 bytes", 1000, 64, 30_000),
        Group("echo, 64 connections, 4 KiB", 64, 4096, 20_000),
        Group("bulk echo, 4 connections, 64 KiB", 4, CHUNK, 2_000),
    ];

    pub(crate) fn main() -> Result<(), Failure> {
        let args: Vec<String> = env::args().collect();
        match args.get(1).map(String::as_str) {
            Some("load") => load(&args[2]),
            Some("raw-server") => raw_server(),
            Some("onward-server") => onward_server(),
            Some(part) if !part.starts_with('-') => compare(part),
            _ => compare(""),
        }
    }

    fn compare(part: &str) -> Result<(), Failure> {
        let pem = make_pem()?;
        for group in GROUPS.into_iter().filter(|group| group.0.contains(part)) {
            let mut servers = [
                Server::start("raw-server", &pem, group)?,
                Server::start("onward-server", &pem, group)?,
            ];
            servers.iter_mut().try_for_each(|server| server.measure().map(drop))?;
            let round = |_| -> Result<[f64; 2], Failure> {
                Ok([servers[0].measure()?, servers[1].measure()?])
            };
            report(group.0, (0..ROUNDS).map(round).collect::<Result<_, _>>()?);
        }
        Ok(())
    }

    fn report(name: &str, rounds: Vec<[f64; 2]>) {
        let median = |mut values: Vec<f64>| {
            values.sort_by(f64::total_cmp);
            values[values.len() / 2]
        };
        let ratio = median(rounds.iter().map(|[raw, ours]| ours / raw).collect());
        let (raw, ours) = rounds.into_iter().map(|[raw, ours]| (raw, ours)).unzip();
        let (raw, ours) = (median(raw), median(ours));
        println!("{name}: raw {raw:.0} ns/message, onward {ours:.0}, ratio {ratio:.2}");
    }

    /// CPU nanoseconds of all threads of a process.
    fn cpu(process: &str) -> Result<f64, Failure> {
        let mut total = 0.0;
        for task in fs::read_dir(format!("/proc/{process}/task"))? {
            let text = fs::read_to_string(task?.path().join("schedstat"))?;
            total += text.split(' ').next().unwrap_or_default().parse::<f64>()?;
        }
        Ok(total)
    }

    /// A certificate for `localhost` that vouches for itself, and its key. Servers have it from their environment.
    fn make_pem() -> Result<String, Failure> {
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()])?;
        Ok(made.cert.pem() + &made.signing_key.serialize_pem())
    }

    const PEM: &str = "ONWARD_BENCH_PEM";

    fn pem() -> Result<String, Failure> {
        env::var(PEM).or_else(|_| make_pem())
    }

    /// What talks to a server.
    struct Load {
        connections: Vec<StreamOwned<ClientConnection, TcpStream>>,
        message: Vec<u8>,
    }

    impl Load {
        fn connect(address: &str, pem: &str, group: Group) -> Result<Self, Failure> {
            let mut roots = rustls::RootCertStore::empty();
            roots.add(CertificateDer::from_pem_slice(pem.as_bytes())?)?;
            let provider = Arc::new(rustls::crypto::ring::default_provider());
            let config = rustls::ClientConfig::builder_with_provider(provider)
                .with_safe_default_protocol_versions()?
                .with_root_certificates(roots)
                .with_no_client_auth();
            let config = Arc::new(config);
            let connect = |_| -> Result<_, Failure> {
                let connection = TcpStream::connect(address)?;
                connection.set_nodelay(true)?;
                let tls = ClientConnection::new(Arc::clone(&config), "localhost".try_into()?)?;
                Ok(StreamOwned::new(tls, connection))
            };
            let connections = (0..group.1).map(connect).collect::<Result<_, _>>()?;
            Ok(Self { connections, message: vec![1; group.2] })
        }

        /// One message on each connection, then all the answers, until there were so many.
        fn run(&mut self, messages: usize) -> Result<usize, Failure> {
            let (mut buffer, mut sent) = (vec![0; self.message.len()], 0);
            while sent < messages {
                for connection in &mut self.connections {
                    connection.write_all(&self.message)?;
                    connection.flush()?;
                }
                for connection in &mut self.connections {
                    connection.read_exact(&mut buffer)?;
                }
                sent += self.connections.len();
            }
            Ok(sent)
        }
    }

    fn load(address: &str) -> Result<(), Failure> {
        let sent = Load::connect(address, &pem()?, GROUPS[0])?.run(GROUPS[0].3)?;
        println!("{sent} messages");
        Ok(())
    }

    struct Server {
        child: Child,
        load: Load,
        messages: usize,
    }

    impl Server {
        fn start(mode: &str, pem: &str, group: Group) -> Result<Self, Failure> {
            let mut command = Command::new(env::current_exe()?);
            let mut child = command.arg(mode).env(PEM, pem).stdout(Stdio::piped()).spawn()?;
            let mut address = String::new();
            BufReader::new(child.stdout.as_mut().ok_or("no output")?).read_line(&mut address)?;
            let load = Load::connect(address.trim(), pem, group)?;
            Ok(Self { child, load, messages: group.3 })
        }

        /// CPU nanoseconds per message.
        fn measure(&mut self) -> Result<f64, Failure> {
            let process = self.child.id().to_string();
            let before = cpu(&process)?;
            let sent = self.load.run(self.messages)?;
            Ok((cpu(&process)? - before) / sent as f64)
        }
    }

    impl Drop for Server {
        fn drop(&mut self) {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }

    fn onward_server() -> Result<(), Failure> {
        let pem = pem()?;
        onward::run(|| {
            let server = TlsServer::listen("127.0.0.1:0", Identity::from_pem(&pem, &pem)?)?;
            println!("{}", server.local_addr());
            server.on(SecureConnection, |_, socket| {
                // The end of a large message would wait for the system of a peer that waits for it.
                socket.set_no_delay(true).unwrap_or_else(onward::fail);
                socket.on(Data, |socket, chunk| {
                    socket.write(chunk);
                });
                socket.on(Error, |_, _| {});
            });
            Ok(())
        })?;
        Ok(())
    }

    /// The least that an encrypted echo server can do: level-triggered epoll, one read of all there is, and one write.
    fn raw_server() -> Result<(), Failure> {
        const LISTENER: u64 = u64::MAX;
        let pem = pem()?;
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(
                vec![CertificateDer::from_pem_slice(pem.as_bytes())?],
                rustls::pki_types::PrivateKeyDer::from_pem_slice(pem.as_bytes())?,
            )?;
        let config = Arc::new(config);
        let listener = TcpListener::bind("127.0.0.1:0")?;
        listener.set_nonblocking(true)?;
        println!("{}", listener.local_addr()?);
        let epoll = epoll::create(CreateFlags::CLOEXEC)?;
        epoll::add(&epoll, &listener, EventData::new_u64(LISTENER), EventFlags::IN)?;
        let mut connections = Vec::<Option<Box<(TcpStream, ServerConnection)>>>::new();
        let mut events = Vec::with_capacity(1024);
        let (mut encrypted, mut plain) = (vec![0; CHUNK], vec![0; CHUNK]);
        loop {
            events.clear();
            epoll::wait(&epoll, spare_capacity(&mut events), None)?;
            for event in &events {
                let key = { event.data }.u64();
                if key == LISTENER {
                    let (connection, _) = listener.accept()?;
                    connection.set_nonblocking(true)?;
                    connection.set_nodelay(true)?;
                    let place = connection.as_raw_fd() as usize;
                    let data = EventData::new_u64(place as u64);
                    epoll::add(&epoll, &connection, data, EventFlags::IN)?;
                    connections.resize_with(connections.len().max(place + 1), || None);
                    let tls = ServerConnection::new(Arc::clone(&config))?;
                    connections[place] = Some(Box::new((connection, tls)));
                    continue;
                }
                let place = &mut connections[key as usize];
                let Some(connection) = place else { continue };
                if !echo(connection, &mut encrypted, &mut plain)? {
                    *place = None;
                }
            }
        }
    }

    /// `false`: the peer has gone.
    fn echo(
        (stream, tls): &mut (TcpStream, ServerConnection),
        encrypted: &mut [u8],
        plain: &mut [u8],
    ) -> Result<bool, Failure> {
        let count = match stream.read(encrypted) {
            Ok(0) | Err(_) => return Ok(false),
            Ok(count) => count,
        };
        let mut rest = &encrypted[..count];
        while !rest.is_empty() {
            tls.read_tls(&mut rest)?;
            let state = tls.process_new_packets()?;
            if state.plaintext_bytes_to_read() > 0 {
                let count = tls.reader().read(plain)?;
                tls.writer().write_all(&plain[..count])?;
            }
        }
        while tls.wants_write() {
            match tls.write_tls(stream) {
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(true)
    }
}

#[cfg(target_os = "linux")]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    linux::main()
}

#[cfg(not(target_os = "linux"))]
fn main() {
    println!("this comparison is with epoll, which only Linux has");
}
