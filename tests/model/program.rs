//! Programs: what is done to an emitter, from outside and by its listeners.

/// No more listeners than this are ever added.
pub(crate) const LISTENERS: usize = 24;
/// Emits are nested no deeper than this.
pub(crate) const DEPTH: usize = 3;
/// After so many calls in one step, listeners do nothing any more.
pub(crate) const FUEL: usize = 200;

#[derive(Clone, Debug, Default)]
pub(crate) struct Program {
    /// How the emitter is made.
    pub(crate) rules: Rules,
    /// What the report of a panic does, if panics are isolated.
    pub(crate) reported: Option<Op>,
    /// What those do who watch, each time that they are told.
    pub(crate) told: Option<Op>,
    /// What listeners do; one that is added names its script.
    pub(crate) scripts: Vec<Script>,
    /// What is done from outside.
    pub(crate) steps: Vec<Op>,
}

/// Which of an emitter's options are set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Rules {
    /// Removed listeners are called by emits that had begun.
    pub(crate) snapshot: bool,
    /// Panics of listeners are caught and reported. Without the standard library they cannot be.
    pub(crate) isolation: bool,
    /// Somebody listens to `ListenerAdded`, and to `ListenerRemoved`.
    pub(crate) watched: bool,
}

impl Rules {
    pub(crate) fn isolate(self) -> bool {
        cfg!(feature = "std") && self.isolation
    }
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Script {
    /// At each call.
    pub(crate) called: Vec<Op>,
    /// As what the listener has captured is dropped.
    pub(crate) dropped: Option<Op>,
}

/// Listeners, guards and blocks are meant by number, among all there ever were.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Op {
    Ask,
    Add { way: Way, event: Ev, script: usize, guarded: bool, large: bool },
    Off(usize),
    RemoveAll,
    RemoveAllOf(Ev),
    Emit(Ev),
    EmitCaught(Ev),
    Panic,
    Guard(usize),
    DropGuard(usize),
    ForgetGuard(usize),
    Block(usize),
    Unblock(usize),
    EndObject,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ev {
    Owned,
    Lent,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    On,
    Once,
    Prepend,
    PrependOnce,
    Group(i16),
    Many(usize),
    Reentrant,
    /// Called at even depths only.
    When,
    Weak,
    State,
    /// An interceptor.
    Intercept {
        stops: bool,
    },
}

/// What happens, in order: both sides have to note the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Note {
    Asked {
        counts: [usize; 2],
        names: Vec<&'static str>,
    },
    Wanted {
        listener: usize,
    },
    Called {
        listener: usize,
        depth: usize,
        count: usize,
    },
    Dropped {
        listener: usize,
    },
    /// Dropped together, in whatever order.
    Cleared(Vec<usize>),
    Off(bool),
    Emitted {
        called: usize,
        skipped: usize,
        stopped: bool,
    },
    /// A panic that is isolated is reported.
    Reported,
    /// Who watches is told of a listener that comes: how many others there are.
    Added {
        event: Ev,
        others: usize,
    },
    /// Who watches is told of one that has gone.
    Removed {
        event: Ev,
        others: usize,
    },
    Caught,
}

/// Reads a program from bytes; every sequence of bytes is one.
#[allow(dead_code, reason = "the property test makes programs in its own way")]
impl Program {
    pub(crate) fn decode(bytes: &[u8]) -> Self {
        let mut bytes = bytes.iter().copied();
        let head = bytes.next().unwrap_or_default();
        let [watched, snapshot, isolation] = [0x20, 0x40, 0x80].map(|bit| head & bit != 0);
        let rules = Rules { snapshot, isolation, watched };
        let reported = rules.isolation.then(|| Op::decode(&mut bytes));
        let told = rules.watched.then(|| Op::decode(&mut bytes));
        let scripts = (0..1 + head % 6).map(|_| Script::decode(&mut bytes)).collect();
        let mut steps = Vec::new();
        while bytes.len() > 0 && steps.len() < 40 {
            steps.push(Op::decode(&mut bytes));
        }
        Self { rules, reported, told, scripts, steps }
    }
}

#[allow(dead_code, reason = "as above")]
impl Script {
    fn decode(bytes: &mut impl Iterator<Item = u8>) -> Self {
        let head = bytes.next().unwrap_or_default();
        let called = (0..head % 4).map(|_| Op::decode(bytes)).collect();
        let dropped = (head & 0x30 == 0x30).then(|| Op::decode(bytes));
        Self { called, dropped }
    }
}

#[allow(dead_code, reason = "as above")]
impl Op {
    fn decode(bytes: &mut impl Iterator<Item = u8>) -> Self {
        let (kind, which) = (bytes.next().unwrap_or_default(), bytes.next().unwrap_or_default());
        let number = usize::from(which) % LISTENERS;
        let event = if which & 0x40 == 0 { Ev::Owned } else { Ev::Lent };
        match kind % 20 {
            0..=4 => {
                let way = Way::decode(bytes.next().unwrap_or_default());
                let (guarded, large) = (which & 0x80 != 0, which & 0x20 != 0);
                Self::Add { way, event, script: number % 8, guarded, large }
            }
            5..=6 => Self::Off(number),
            7 => Self::RemoveAll,
            8 => Self::RemoveAllOf(event),
            9..=11 => Self::Emit(event),
            12 => Self::EmitCaught(event),
            13 => Self::Panic,
            14 => Self::Guard(number),
            15 => Self::DropGuard(number),
            16 => Self::ForgetGuard(number),
            17 => Self::Block(number),
            18 => Self::Unblock(number),
            _ if which == 0 => Self::EndObject,
            _ => Self::Ask,
        }
    }
}

#[allow(dead_code, reason = "as above")]
impl Way {
    fn decode(byte: u8) -> Self {
        match byte % 14 {
            0 | 10 => Self::On,
            1 => Self::Once,
            2 => Self::Prepend,
            3 => Self::PrependOnce,
            4 => Self::Group(i16::from(byte / 14 % 3) - 1),
            5 => Self::Many(usize::from(byte / 14 % 4)),
            6 | 11 => Self::Reentrant,
            7 => Self::When,
            8 => Self::Weak,
            12 => Self::Intercept { stops: false },
            13 => Self::Intercept { stops: true },
            _ => Self::State,
        }
    }
}
