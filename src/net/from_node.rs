//! For those who know Node's `net`, `dgram` and `dns`: their words beside ours, and where these sockets decide otherwise.
//!
//! ```js
//! const server = net.createServer(socket => socket.pipe(socket));
//! server.listen(7000, '127.0.0.1');
//! const client = net.connect(7000, '127.0.0.1', () => client.end('hello'));
//! client.on('data', chunk => console.log(chunk.toString()));
//! client.on('end', () => server.close());
//! ```
//!
//! ```
//! use onward::events::*;
//! use onward::net::{Server, Socket};
//!
//! # onward::run(|| {
//! # let here = "127.0.0.1:0";
//! # #[cfg(any())]
//! let here = "127.0.0.1:7000";
//! let server = Server::listen(here)?;
//! server.on(Connection, |_, socket| drop(socket.pipe(&socket)));
//! let client = Socket::connect(server.local_addr())?;
//! client.on(Connect, |client, ()| client.end_with("hello"));
//! client.on(Data, |_, chunk| println!("{}", String::from_utf8_lossy(chunk)));
//! client.on(End, move |_, ()| server.close());
//! # Ok(())
//! # })?;
//! # Ok::<(), onward::Error>(())
//! ```
//!
//! # The words
//!
//! | Node | here |
//! |---|---|
//! | `net.createServer(f)`, `server.listen(..)` | [`Server::listen`], `server.on(Connection, f)`; [`ServerOptions`] |
//! | `net.connect(..)`, `net.createConnection(..)` | [`Socket::connect`]; [`SocketOptions`], [`Connector`] |
//! | `'connect'`, `'ready'` | [`Connect`](crate::events::Connect) |
//! | `'lookup'`, `'connectionAttempt'`, `'connectionAttemptFailed'` | [`Lookup`](crate::events::Lookup), [`ConnectionAttempt`](crate::events::ConnectionAttempt), [`ConnectionAttemptFailed`](crate::events::ConnectionAttemptFailed) |
//! | `socket.write(chunk, f)`, `socket.end(chunk)` | [`write`](Socket::write), [`write_then`](Socket::write_then), [`end`](Socket::end), [`end_with`](Socket::end_with) |
//! | `destroy`, `destroySoon`, `resetAndDestroy` | [`destroy`](Socket::destroy), [`destroy_soon`](Socket::destroy_soon), [`reset_and_destroy`](Socket::reset_and_destroy) |
//! | `setTimeout(ms, f)`, `'timeout'` | [`set_timeout`](Socket::set_timeout), [`Timeout`](crate::events::Timeout) |
//! | `setNoDelay`, `setKeepAlive` | [`set_no_delay`](Socket::set_no_delay), [`set_keep_alive`](Socket::set_keep_alive) |
//! | `bytesRead`, `bytesWritten`, `writableLength`, `writableNeedDrain` | [`bytes_read`](Socket::bytes_read), [`bytes_written`](Socket::bytes_written), [`queued`](Socket::queued), [`needs_drain`](Socket::needs_drain) |
//! | `allowHalfOpen`, `pauseOnConnect`, `backlog`, `reusePort`, `ipv6Only` | methods of [`ServerOptions`] and [`SocketOptions`] |
//! | `maxConnections`, `'drop'` | [`max_connections`](ServerOptions::max_connections), [`Dropped`](crate::events::Dropped) |
//! | `server.close(f)`, `closeAllConnections` | [`close`](Server::close) and [`Close`](crate::events::Close), [`close_all`](Server::close_all); [`shutdown`](Server::shutdown) with a deadline |
//! | `autoSelectFamily`, `autoSelectFamilyAttemptTimeout`, `family` | [`only_first`](Connector::only_first), [`attempt_delay`](Connector::attempt_delay), [`family`](Connector::family) |
//! | `{ lookup }` | [`Connector::lookup`]; [`set_lookup`](super::set_lookup) for all of a loop |
//! | `dns.lookup` | [`lookup`](super::lookup()) |
//! | `{ onread }` | nothing: a chunk is lent from the loop's one buffer anyway |
//! | `{ signal }` | `abort_on` of sockets and servers |
//! | `dgram.createSocket`, `bind`, `'message'` | [`UdpSocket::bind`](super::UdpSocket::bind), [`Message`](crate::events::Message); [`UdpOptions`](super::UdpOptions) |
//! | `send(bytes, port, host, f)` | [`send_to`](super::UdpSocket::send_to), [`send_to_then`](super::UdpSocket::send_to_then) |
//! | `addMembership`, `addSourceSpecificMembership` | [`join_multicast`](super::UdpSocket::join_multicast), [`join_source`](super::UdpSocket::join_source) |
//! | `readable.pipe`, `stream.pipeline`, `stream.finished` | [`pipe`](crate::stream::Readable::pipe), [`pipeline`](crate::stream::pipeline()), [`finished`](crate::stream::finished) |
//!
//! # What is the same
//!
//! No event comes from inside of the call that causes it. There is at most one error, directly before `Close`, and nothing
//! after that. All data comes before `End`, and what the listener of that writes is still sent, unless the socket is half
//! open. `Drain` comes once for each time that a write said `false`, before the callbacks of that flush, which come in the
//! order of their writes; when a write fails, they come before the error. A socket that is paused closes only when
//! all has been read. A silence closes nothing, and keeps no loop.
//!
//! The tests in `tests/net/node_parity.rs`, `node_parity_limits.rs`, `tests/datagrams/node_parity.rs` and
//! `tests/stream/node_parity.rs` ask for all of this. Each has the name of the file in Node's suite that it answers.
//!
//! # What differs, and why
//!
//! | | Node | here | since |
//! |---|---|---|---|
//! | a server that cannot listen, a socket that cannot be bound | an `'error'` event | [`listen`](Server::listen) and [`bind`](super::UdpSocket::bind) return the error | it is known at once, and concerns who called |
//! | `'ready'` behind `'connect'` | is there, also if the listener of the first destroys the socket | is not | it says nothing new |
//! | what nobody reads | is read ahead, up to a mark | waits in the kernel | a peer has to wait for who is slow, and a paused socket costs no memory |
//! | a peer that goes while a socket is paused | is not noticed | [`Hangup`](crate::events::Hangup), on Linux and Android; [`discard_input`](Socket::discard_input) | such sockets stay for ever |
//! | an attempt to connect | is broken off after 250 ms | goes on beside the next, as RFC 8305 says | a far address is reached, too |
//! | writes of one listener | are sent one by one, unless corked | leave together when it returns; [`set_autocork`](Socket::set_autocork) | a system call less |
//! | the queue of writes | has no bound | has a cap, and a [policy](crate::stream::WhenFull) | a peer that does not read must not take all memory |
//! | a write after both sides have ended | an `EPIPE` error | `false`, and the write's callback is told | the socket is over then |
//! | a connection that no listener takes | stays open | is closed | nobody would ever |
//! | `reset_and_destroy` of a Unix socket | is refused | destroys it | there are no resets |
//! | a second `close` of a server or a datagram socket | is an error | does nothing | there is nothing left to do |
//! | to send on a datagram socket that has no peer | throws | is an error event, or told to the callback | as any other failure to send |
//! | messages that nobody listens for | are read and dropped | wait in the kernel; [`resume`](super::UdpSocket::resume) drops them | who awaits one after the other loses none |
//! | a server out of descriptors | closes guests, and says nothing | rests, says so once, and tries again | they are served later |
//! | `socket.connect` once more | is allowed, and half defined | a new socket | |
//! | `setTimeout` and its like return | the socket, to chain | nothing | |
//! | `pipe` | leaves the other end open when one fails | is `pipeline`: both are closed | nobody wants the half of it |

#[allow(unused_imports, reason = "for the links above")]
use super::{Connector, Server, ServerOptions, Socket, SocketOptions};
