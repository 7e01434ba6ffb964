//! The least that a server can do: level-triggered epoll, one read and one write for what has come, and a queue for
//! what the system does not take. It ends with its last connection.

use super::linux::{CHUNK, Failure};
use rustix::buffer::spare_capacity;
use rustix::event::epoll::{self, CreateFlags, EventData, EventFlags};
use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::fd::{AsRawFd as _, OwnedFd};

const LISTENER: u64 = u64::MAX;

struct Connection {
    stream: TcpStream,
    /// What waits; while there is anything, nothing is read.
    rest: Vec<u8>,
}

/// Whether a connection is over, and if not, what it waits for.
enum Then {
    Over,
    Wait(EventFlags),
}

impl Connection {
    fn serve(&mut self, buffer: &mut [u8], sink: bool) -> io::Result<Then> {
        if !self.rest.is_empty() {
            let count = send(&mut self.stream, &self.rest)?;
            self.rest.drain(..count);
            return Ok(self.then());
        }
        match self.stream.read(buffer) {
            Ok(0) => Ok(Then::Over),
            Ok(count) => {
                if !sink {
                    let sent = send(&mut self.stream, &buffer[..count])?;
                    self.rest.extend_from_slice(&buffer[sent..count]);
                }
                Ok(self.then())
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(self.then()),
            Err(error) => Err(error),
        }
    }

    fn then(&self) -> Then {
        Then::Wait(if self.rest.is_empty() { EventFlags::IN } else { EventFlags::OUT })
    }
}

/// How much the system takes.
fn send(stream: &mut TcpStream, bytes: &[u8]) -> io::Result<usize> {
    match stream.write(bytes) {
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(0),
        result => result,
    }
}

fn accept(epoll: &OwnedFd, listener: &TcpListener) -> Result<Connection, Failure> {
    let (stream, _) = listener.accept()?;
    stream.set_nonblocking(true)?;
    stream.set_nodelay(true)?;
    let place = EventData::new_u64(stream.as_raw_fd() as u64);
    epoll::add(epoll, &stream, place, EventFlags::IN)?;
    Ok(Connection { stream, rest: Vec::new() })
}

pub(crate) fn serve(sink: bool) -> Result<(), Failure> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    listener.set_nonblocking(true)?;
    println!("{}", listener.local_addr()?);
    let epoll = epoll::create(CreateFlags::CLOEXEC)?;
    epoll::add(&epoll, &listener, EventData::new_u64(LISTENER), EventFlags::IN)?;
    let mut connections = Vec::<Option<Connection>>::new();
    let (mut events, mut buffer, mut open) = (Vec::with_capacity(1024), vec![0; CHUNK], 0);
    loop {
        events.clear();
        epoll::wait(&epoll, spare_capacity(&mut events), None)?;
        for event in &events {
            let (key, flags) = ({ event.data }.u64(), event.flags);
            if key == LISTENER {
                let connection = accept(&epoll, &listener)?;
                let place = connection.stream.as_raw_fd() as usize;
                connections.resize_with(connections.len().max(place + 1), || None);
                connections[place] = Some(connection);
                open += 1;
                continue;
            }
            let place = &mut connections[key as usize];
            let Some(connection) = place else { continue };
            match connection.serve(&mut buffer, sink) {
                Ok(Then::Wait(wanted)) if flags.intersects(wanted) => {}
                Ok(Then::Wait(wanted)) => {
                    epoll::modify(&epoll, &connection.stream, EventData::new_u64(key), wanted)?;
                }
                Ok(Then::Over) | Err(_) => {
                    *place = None;
                    open -= 1;
                }
            }
        }
        if open == 0 {
            return Ok(());
        }
    }
}
