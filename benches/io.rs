//! What the loop costs: an echo server against one on raw epoll, and a file stream against `read(2)`.
//!
//!     cargo bench --bench io
//!
//! `cargo bench --bench io -- load HOST:PORT` only puts load on a server: 64 connections, 300,000 messages.
//! `cargo bench --bench io -- file` compares file streams only: cached, cold, from file to file. See `io/streams.rs`.
//! `cargo bench --bench io -- idle` says how much memory an idle connection takes; it wants 10,000 descriptors.
//! `small`, `small-once`, `whole` and `copy` are about whole files, see `io/files.rs`.
//!
//! Servers and readers are processes of their own (this same program, called again), and take turns in
//! every round; what counts is their own CPU time, as the kernel's scheduler counts it. Each ratio is the
//! median of the rounds' ratios.

#[cfg(target_os = "linux")]
#[path = "io/files.rs"]
mod files;

#[cfg(target_os = "linux")]
#[path = "io/streams.rs"]
mod streams;

#[cfg(target_os = "linux")]
mod linux {
    use super::{files, streams};
    use onward::events::*;
    use onward::net;
    use rustix::buffer::spare_capacity;
    use rustix::event::epoll::{self, CreateFlags, EventData, EventFlags};
    use std::fs;
    use std::io::{BufRead as _, BufReader, Read, Write};
    use std::net::{TcpListener, TcpStream};
    use std::os::fd::AsRawFd as _;
    use std::process::{Child, Command, Stdio};

    const ROUNDS: usize = 9;
    const MESSAGE: usize = 64;
    const MESSAGES: usize = 30_000;
    pub(crate) const CHUNK: usize = 64 * 1024;

    pub(crate) type Failure = Box<dyn std::error::Error>;

    pub(crate) fn main() -> Result<(), Failure> {
        // Cargo adds an argument of its own.
        let args: Vec<String> = std::env::args().filter(|arg| arg != "--bench").collect();
        match args.get(1).map(String::as_str) {
            Some("load") => load(&args[2]),
            Some("idle") => idle(),
            Some(what @ ("small" | "small-once" | "whole" | "copy")) => {
                files::main(what, &args[2..])
            }
            Some("raw-server") => raw_server(),
            Some("onward-server") => onward_server(),
            Some("file") => streams::main(&args[2..]),
            _ => compare(),
        }
    }

    fn compare() -> Result<(), Failure> {
        for connections in [64, 1000] {
            let mut servers = [
                Server::start("raw-server", connections)?,
                Server::start("onward-server", connections)?,
            ];
            servers.iter_mut().try_for_each(|server| server.measure().map(drop))?;
            let ratio = rounds(|| Ok([servers[0].measure()?, servers[1].measure()?]))?;
            report(&format!("echo, {connections} connections, 64 bytes"), "ns/message", ratio);
        }
        streams::main(&[])
    }

    pub(crate) fn rounds(
        mut round: impl FnMut() -> Result<[f64; 2], Failure>,
    ) -> Result<Vec<[f64; 2]>, Failure> {
        (0..ROUNDS).map(|_| round()).collect()
    }

    pub(crate) fn report(name: &str, unit: &str, rounds: Vec<[f64; 2]>) {
        let median = |mut values: Vec<f64>| {
            values.sort_by(f64::total_cmp);
            values[values.len() / 2]
        };
        let ratio = median(rounds.iter().map(|[raw, ours]| ours / raw).collect());
        let (raw, ours) = rounds.into_iter().map(|[raw, ours]| (raw, ours)).unzip();
        println!(
            "{name}: raw {:.0} {unit}, onward {:.0}, ratio {ratio:.2}",
            median(raw),
            median(ours)
        );
    }

    /// CPU nanoseconds of all threads of a process, those that have ended not included.
    pub(crate) fn cpu(process: &str) -> Result<f64, Failure> {
        let mut total = 0.0;
        for task in fs::read_dir(format!("/proc/{process}/task"))? {
            let text = fs::read_to_string(task?.path().join("schedstat"))?;
            total += text.split(' ').next().unwrap_or_default().parse::<f64>()?;
        }
        Ok(total)
    }

    /// What talks to a server.
    struct Load(Vec<TcpStream>);

    impl Load {
        fn connect(address: &str, connections: usize) -> Result<Self, Failure> {
            let connect = |_| -> Result<TcpStream, Failure> {
                let connection = TcpStream::connect(address)?;
                connection.set_nodelay(true)?;
                Ok(connection)
            };
            (0..connections).map(connect).collect::<Result<_, _>>().map(Self)
        }

        /// One message on each connection, then all the answers, until there were so many.
        fn run(&mut self, messages: usize) -> Result<usize, Failure> {
            let (mut buffer, mut sent) = ([0; MESSAGE], 0);
            while sent < messages {
                self.0.iter_mut().try_for_each(|connection| connection.write_all(&[1; MESSAGE]))?;
                self.0.iter_mut().try_for_each(|connection| connection.read_exact(&mut buffer))?;
                sent += self.0.len();
            }
            Ok(sent)
        }
    }

    fn load(address: &str) -> Result<(), Failure> {
        let sent = Load::connect(address, 64)?.run(10 * MESSAGES)?;
        println!("{sent} messages");
        Ok(())
    }

    /// Resident bytes of a process.
    fn resident(process: u32) -> Result<f64, Failure> {
        let text = fs::read_to_string(format!("/proc/{process}/smaps_rollup"))?;
        let line = text.lines().find(|line| line.starts_with("Rss:")).ok_or("no Rss")?;
        Ok(line.split_whitespace().nth(1).ok_or("no number")?.parse::<f64>()? * 1024.0)
    }

    /// What a connection takes on which nothing happens any more.
    fn idle() -> Result<(), Failure> {
        const CONNECTIONS: usize = 8_000;
        for mode in ["raw-server", "onward-server"] {
            let mut server = Server::start(mode, 200)?;
            server.load.run(1)?;
            let before = resident(server.child.id())?;
            let mut more = Load::connect(&server.address, CONNECTIONS)?;
            more.run(1)?;
            let bytes = (resident(server.child.id())? - before) / CONNECTIONS as f64;
            println!("{mode}: {bytes:.0} bytes for each of {CONNECTIONS} idle connections");
        }
        Ok(())
    }

    struct Server {
        address: String,
        child: Child,
        load: Load,
    }

    impl Server {
        fn start(mode: &str, connections: usize) -> Result<Self, Failure> {
            let mut child =
                Command::new(std::env::current_exe()?).arg(mode).stdout(Stdio::piped()).spawn()?;
            let mut address = String::new();
            BufReader::new(child.stdout.as_mut().ok_or("no output")?).read_line(&mut address)?;
            let address = address.trim().to_owned();
            let load = Load::connect(&address, connections)?;
            Ok(Self { address, child, load })
        }

        /// CPU nanoseconds per message.
        fn measure(&mut self) -> Result<f64, Failure> {
            let process = self.child.id().to_string();
            let before = cpu(&process)?;
            let sent = self.load.run(MESSAGES)?;
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
        onward::run(|| {
            let server = net::Server::listen("127.0.0.1:0")?;
            println!("{}", server.local_addr());
            server.on(Connection, |_, socket| {
                socket.on(Data, |socket, chunk| {
                    socket.write(chunk);
                });
                socket.on(Error, |_, _| {});
            });
            Ok(())
        })?;
        Ok(())
    }

    /// The least that an echo server can do: level-triggered epoll, one read and one write.
    fn raw_server() -> Result<(), Failure> {
        const LISTENER: u64 = u64::MAX;
        let listener = TcpListener::bind("127.0.0.1:0")?;
        listener.set_nonblocking(true)?;
        println!("{}", listener.local_addr()?);
        let epoll = epoll::create(CreateFlags::CLOEXEC)?;
        epoll::add(&epoll, &listener, EventData::new_u64(LISTENER), EventFlags::IN)?;
        let (mut connections, mut events) =
            (Vec::<Option<TcpStream>>::new(), Vec::with_capacity(1024));
        let mut buffer = vec![0; CHUNK];
        loop {
            events.clear();
            epoll::wait(&epoll, spare_capacity(&mut events), None)?;
            for event in &events {
                let key = { event.data }.u64();
                if key == LISTENER {
                    let (connection, _) = listener.accept()?;
                    connection.set_nonblocking(true)?;
                    let place = connection.as_raw_fd() as usize;
                    epoll::add(
                        &epoll,
                        &connection,
                        EventData::new_u64(place as u64),
                        EventFlags::IN,
                    )?;
                    connections.resize_with(connections.len().max(place + 1), || None);
                    connections[place] = Some(connection);
                    continue;
                }
                let place = &mut connections[key as usize];
                let Some(connection) = place else { continue };
                match connection.read(&mut buffer) {
                    Ok(1..) => connection.write_all(&buffer[..MESSAGE])?,
                    _ => *place = None,
                }
            }
        }
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
