//! What the loop costs: an echo server against one on raw epoll, and a file stream against `read(2)`.
//!
//!     cargo bench --bench io
//!
//! `cargo bench --bench io -- instructions` counts user instructions per echoed message; valgrind does the counting.
//! `cargo bench --bench io -- load HOST:PORT` only puts load on a server: 64 connections, 300,000 messages.
//! `cargo bench --bench io -- file` compares file streams only: cached, cold, from file to file. See `io/streams.rs`.
//! `cargo bench --bench io -- tail` says how long quiet connections wait, alone and beside a hot one.
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
#[path = "io/raw.rs"]
mod raw;

#[cfg(target_os = "linux")]
#[path = "io/streams.rs"]
mod streams;

#[cfg(target_os = "linux")]
#[path = "io/tail.rs"]
mod tail;

#[cfg(target_os = "linux")]
mod linux {
    use super::{files, raw, streams, tail};
    use onward::events::*;
    use onward::net;
    use std::cell::Cell;
    use std::fs;
    use std::io::{BufRead as _, BufReader, Read, Write};
    use std::net::{Shutdown, TcpStream};
    use std::process::{Child, Command, Stdio};
    use std::rc::Rc;

    const ROUNDS: usize = 9;
    const MESSAGE: usize = 64;
    const MESSAGES: usize = 30_000;
    /// Of one stream of bytes.
    const BULK: usize = 1 << 28;
    /// Connections that come and go.
    const VISITS: usize = 2_000;
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
            Some("tail") => quiet_and_hot(),
            Some("instructions") => instructions(),
            Some("raw-server") => raw::serve(args.get(2).is_some_and(|mode| mode == "sink")),
            Some("onward-server") => serve(args.get(2).map_or("echo", String::as_str).to_owned()),
            Some("file") => streams::main(&args[2..]),
            _ => compare(),
        }
    }

    fn compare() -> Result<(), Failure> {
        for (connections, size) in [(64, 64), (1000, 64), (64, 4096), (1000, 4096)] {
            let name = format!("echo, {connections} connections, {size} bytes");
            versus(&name, "ns/message", "echo", connections, |server| {
                server.load.run(MESSAGES, size).map(|sent| sent as f64)
            })?;
        }
        for mode in ["echo", "sink"] {
            for streams in [1, 8] {
                versus(&format!("bulk {mode}, {streams} streams"), "ns/KiB", mode, 1, |server| {
                    bulk(&server.address, streams, mode == "echo")
                })?;
            }
        }
        versus("connect, one message, close", "ns", "echo", 1, |server| {
            (0..VISITS / 64)
                .try_for_each(|_| Load::connect(&server.address, 64)?.run(1, MESSAGE).map(drop))?;
            Ok((VISITS / 64 * 64) as f64)
        })?;
        streams::main(&[])
    }

    /// Has both servers do the same in turns, and compares what each of it costs.
    fn versus(
        name: &str,
        unit: &str,
        mode: &str,
        connections: usize,
        work: impl Fn(&mut Server) -> Result<f64, Failure>,
    ) -> Result<(), Failure> {
        let mut raw = Server::start("raw-server", mode, connections)?;
        let mut ours = Server::start("onward-server", mode, connections)?;
        let mut both = || Ok([raw.measure(&work)?, ours.measure(&work)?]);
        both()?;
        report(name, unit, rounds(both)?);
        Ok(())
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
        fn run(&mut self, messages: usize, size: usize) -> Result<usize, Failure> {
            let (message, mut buffer, mut sent) = (vec![1; size], vec![0; size], 0);
            while sent < messages {
                self.0.iter_mut().try_for_each(|connection| connection.write_all(&message))?;
                self.0.iter_mut().try_for_each(|connection| connection.read_exact(&mut buffer))?;
                sent += self.0.len();
            }
            Ok(sent)
        }
    }

    /// Sends so many bytes on several connections at once, and reads them back, or waits for their end; in KiB.
    fn bulk(address: &str, streams: usize, echo: bool) -> Result<f64, Failure> {
        let load = Load::connect(address, streams)?;
        let each = BULK / streams / CHUNK * CHUNK;
        std::thread::scope(|scope| {
            let send = move |mut stream: &TcpStream| -> std::io::Result<()> {
                let chunk = vec![1; CHUNK];
                (0..each / CHUNK).try_for_each(|_| stream.write_all(&chunk))?;
                stream.shutdown(Shutdown::Write)
            };
            let receive = |stream: &TcpStream| std::io::copy(&mut &*stream, &mut std::io::sink());
            let pairs = load.0.iter().map(|stream| {
                (scope.spawn(move || send(stream)), scope.spawn(move || receive(stream)))
            });
            for (sender, receiver) in pairs.collect::<Vec<_>>() {
                sender.join().map_err(|_| "the sender panicked")??;
                let came = receiver.join().map_err(|_| "the receiver panicked")??;
                assert_eq!(came, if echo { each as u64 } else { 0 });
            }
            Ok((each * streams / 1024) as f64)
        })
    }

    /// What a thousand quiet connections notice of a hot one: all at once, or one after the other.
    fn quiet_and_hot() -> Result<(), Failure> {
        for waiting in [1000, 1] {
            for mode in ["raw-server", "onward-server"] {
                let mut server = Server::start(mode, "echo", 1000)?;
                let tail = tail::measure(&server.address, &mut server.load.0, waiting)?;
                println!(
                    "{mode}, {waiting} at a time: 99 in 100 wait at most {:.0?} alone, {:.0?} beside a hot one of {:.0} MB/s, ratio {:.2}",
                    tail.alone,
                    tail.beside,
                    tail.hot / 1e6,
                    tail.ratio
                );
            }
        }
        Ok(())
    }

    /// User instructions per echoed message: those of a long run without those of a short one.
    fn instructions() -> Result<(), Failure> {
        const FEW: usize = 6_400;
        const MANY: usize = 64_000;
        for size in [64, 4096] {
            for mode in ["raw-server", "onward-server"] {
                let (few, many) = (counted(mode, FEW, size)?, counted(mode, MANY, size)?);
                let each = (many - few) / (MANY - FEW) as f64;
                println!("{mode}: {each:.0} user instructions per message of {size} bytes");
            }
        }
        Ok(())
    }

    fn counted(mode: &str, messages: usize, size: usize) -> Result<f64, Failure> {
        let mut child = Command::new("valgrind")
            .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
            .arg(std::env::current_exe()?)
            .args([mode, "echo"])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| format!("instructions are counted by valgrind: {error}"))?;
        let address = first_line(&mut child)?;
        Load::connect(&address, 64)?.run(messages, size)?;
        // The last connection has gone, and the server with it.
        let said = String::from_utf8(child.wait_with_output()?.stderr)?;
        let count = said.lines().find_map(|line| line.split("Collected : ").nth(1));
        Ok(count.ok_or("no count")?.trim().parse::<f64>()?)
    }

    fn load(address: &str) -> Result<(), Failure> {
        let sent = Load::connect(address, 64)?.run(10 * MESSAGES, MESSAGE)?;
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
            let mut server = Server::start(mode, "idle", 200)?;
            server.load.run(1, MESSAGE)?;
            let before = resident(server.child.id())?;
            let mut more = Load::connect(&server.address, CONNECTIONS)?;
            more.run(1, MESSAGE)?;
            let bytes = (resident(server.child.id())? - before) / CONNECTIONS as f64;
            println!("{mode}: {bytes:.0} bytes for each of {CONNECTIONS} idle connections");
        }
        Ok(())
    }

    /// Where it listens.
    fn first_line(child: &mut Child) -> Result<String, Failure> {
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().ok_or("no output")?).read_line(&mut line)?;
        Ok(line.trim().to_owned())
    }

    struct Server {
        address: String,
        child: Child,
        load: Load,
    }

    impl Server {
        fn start(server: &str, mode: &str, connections: usize) -> Result<Self, Failure> {
            let mut command = Command::new(std::env::current_exe()?);
            let mut child = command.args([server, mode]).stdout(Stdio::piped()).spawn()?;
            let address = first_line(&mut child)?;
            let load = Load::connect(&address, connections)?;
            Ok(Self { address, child, load })
        }

        /// CPU nanoseconds for each of what is done.
        fn measure(
            &mut self,
            work: impl Fn(&mut Self) -> Result<f64, Failure>,
        ) -> Result<f64, Failure> {
            let process = self.child.id().to_string();
            let before = cpu(&process)?;
            let done = work(self)?;
            Ok((cpu(&process)? - before) / done)
        }
    }

    impl Drop for Server {
        fn drop(&mut self) {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }

    /// Echoes, or drops what comes; ends with its last connection. "idle" has the fewest listeners, and does not end.
    fn serve(mode: String) -> Result<(), Failure> {
        onward::run(move || {
            let server = net::Server::listen("127.0.0.1:0")?;
            println!("{}", server.local_addr());
            let open = Rc::new(Cell::new(0));
            server.on(Connection, move |server, socket| {
                socket.on(Error, |_, _| {});
                if mode == "idle" {
                    socket.on(Data, |socket, chunk| _ = socket.write(chunk));
                    return;
                }
                let (server, open) = (server.clone(), Rc::clone(&open));
                open.set(open.get() + 1);
                socket.on(Close, move |_, _| {
                    open.set(open.get() - 1);
                    if open.get() == 0 {
                        server.close();
                    }
                });
                if mode == "sink" {
                    return socket.resume();
                }
                socket.on(Data, |socket, chunk| {
                    if !socket.write(chunk) {
                        socket.pause();
                    }
                });
                socket.on(Drain, |socket, ()| socket.resume());
            });
            Ok(())
        })?;
        Ok(())
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
