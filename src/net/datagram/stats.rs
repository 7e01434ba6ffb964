//! What a socket counts.

use std::cell::Cell;

/// What a socket for datagrams has done so far, and what waits, at this moment.
///
/// ```
/// use onward::{events::*, net::UdpSocket};
///
/// onward::run(|| {
///     let socket = UdpSocket::bind("127.0.0.1:0")?;
///     socket.send_to("ping", socket.local_addr().expect("it is bound"));
///     socket.on(Message, |socket, (bytes, _)| {
///         assert_eq!(bytes, b"ping");
///         assert_eq!((socket.stats().sent, socket.stats().received_bytes), (1, 4));
///         socket.close();
///     });
///     Ok(())
/// })?;
/// # Ok::<(), onward::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct DatagramStats {
    /// Datagrams that have come, those that were too long among them.
    pub received: u64,
    /// Their bytes, as far as they were read.
    pub received_bytes: u64,
    /// Datagrams of which only the beginning was read.
    pub truncated: u64,
    /// Datagrams that the system has taken. Whether they arrive, nobody knows.
    pub sent: u64,
    /// Their bytes.
    pub sent_bytes: u64,
    /// Datagrams that the system did not take, for an error of its own.
    pub failed: u64,
    /// Datagrams that were refused because the queue was at its cap.
    pub refused: u64,
    /// Datagrams that were still queued when the socket was closed.
    pub dropped: u64,
    /// Datagrams that wait in the queue.
    pub queued: usize,
    /// Their bytes.
    pub queued_bytes: usize,
}

/// The same, as it is counted.
#[derive(Default)]
pub(super) struct Counters {
    pub(super) received: Cell<u64>,
    pub(super) received_bytes: Cell<u64>,
    pub(super) truncated: Cell<u64>,
    pub(super) sent: Cell<u64>,
    pub(super) sent_bytes: Cell<u64>,
    pub(super) failed: Cell<u64>,
    pub(super) refused: Cell<u64>,
    pub(super) dropped: Cell<u64>,
}

pub(super) fn add(counter: &Cell<u64>, more: usize) {
    counter.set(counter.get() + more as u64);
}

impl Counters {
    pub(super) fn read(&self, queued: usize, queued_bytes: usize) -> DatagramStats {
        DatagramStats {
            received: self.received.get(),
            received_bytes: self.received_bytes.get(),
            truncated: self.truncated.get(),
            sent: self.sent.get(),
            sent_bytes: self.sent_bytes.get(),
            failed: self.failed.get(),
            refused: self.refused.get(),
            dropped: self.dropped.get(),
            queued,
            queued_bytes,
        }
    }
}
