//! Other crates. Those that are no emitters do what it takes to serve as one.

use event_listener::{Event, EventListener, Listener};
use signals2::{Connect1, Connection, Emit1, Signal};
use tokio::sync::broadcast;

use crate::peer::{Counter, Payload, Peer};

/// Thread-safe signals and slots. A listener that is to run once disconnects itself.
pub struct Signals2(Signal<(&'static Payload,)>);

impl Peer for Signals2 {
    const NAME: &'static str = "signals2";
    type Handle = Connection;

    fn new() -> Self {
        Self(Signal::new())
    }

    fn on(&mut self, _: usize, counter: Counter) -> Connection {
        self.0.connect(move |payload| counter.count(payload))
    }

    fn off(&mut self, _: usize, connection: Connection) {
        connection.disconnect();
    }

    fn emit(&mut self, _: usize, payload: &'static Payload) {
        self.0.emit(payload);
    }

    fn once(&mut self, _: usize, counter: Counter) {
        self.0.connect_extended(move |connection: Connection, payload: &'static Payload| {
            connection.disconnect();
            counter.count(payload);
        });
    }
}

/// A channel that each receiver gets all messages of: to emit is to send, and to have each receiver take it.
pub struct Broadcast {
    sender: broadcast::Sender<Payload>,
    receivers: Vec<(u64, broadcast::Receiver<Payload>, Counter)>,
    numbers: u64,
}

/// The number of those that are to be dropped when they were served.
const ONCE: u64 = u64::MAX;

impl Peer for Broadcast {
    const NAME: &'static str = "tokio `broadcast`";
    type Handle = u64;

    fn new() -> Self {
        Self { sender: broadcast::channel(16).0, receivers: Vec::new(), numbers: 0 }
    }

    fn on(&mut self, _: usize, counter: Counter) -> u64 {
        self.numbers += 1;
        self.receivers.push((self.numbers, self.sender.subscribe(), counter));
        self.numbers
    }

    fn off(&mut self, _: usize, number: u64) {
        if let Ok(at) = self.receivers.binary_search_by_key(&number, |receiver| receiver.0) {
            self.receivers.remove(at);
        }
    }

    fn emit(&mut self, _: usize, payload: &'static Payload) {
        // Without receivers it is an error to send.
        let _ = self.sender.send(*payload);
        let mut over = false;
        for (number, receiver, counter) in &mut self.receivers {
            counter.count(&receiver.try_recv().expect("it has just been sent"));
            over |= *number == ONCE;
        }
        if over {
            self.receivers.retain(|receiver| receiver.0 != ONCE);
        }
    }

    fn once(&mut self, _: usize, counter: Counter) {
        self.receivers.push((ONCE, self.sender.subscribe(), counter));
    }
}

/// Wakes who waits, and carries nothing: each listener is called when it is awake, and waits anew.
pub struct Notify {
    event: Event,
    waiting: Vec<(u64, Option<EventListener>, Counter)>,
    numbers: u64,
}

impl Peer for Notify {
    const NAME: &'static str = "event-listener";
    type Handle = u64;

    fn new() -> Self {
        Self { event: Event::new(), waiting: Vec::new(), numbers: 0 }
    }

    fn on(&mut self, _: usize, counter: Counter) -> u64 {
        self.numbers += 1;
        self.waiting.push((self.numbers, Some(self.event.listen()), counter));
        self.numbers
    }

    fn off(&mut self, _: usize, number: u64) {
        if let Ok(at) = self.waiting.binary_search_by_key(&number, |waiting| waiting.0) {
            self.waiting.remove(at);
        }
    }

    fn emit(&mut self, _: usize, payload: &'static Payload) {
        self.event.notify(usize::MAX);
        let mut over = false;
        for (number, listener, counter) in &mut self.waiting {
            if let Some(listener) = listener.take() {
                listener.wait();
            }
            counter.count(payload);
            if *number == ONCE {
                over = true;
            } else {
                *listener = Some(self.event.listen());
            }
        }
        if over {
            self.waiting.retain(|waiting| waiting.0 != ONCE);
        }
    }

    fn once(&mut self, _: usize, counter: Counter) {
        self.waiting.push((ONCE, Some(self.event.listen()), counter));
    }
}
