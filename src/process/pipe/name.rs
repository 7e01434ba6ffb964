//! Whose a stream is, and what it is called.

use std::cell::RefCell;
use std::fmt;
use std::rc::Rc;

/// A child, to whom its streams tell that they have closed.
pub(in crate::process) trait Owner {
    /// What it is called: its program.
    fn program(&self) -> Rc<str>;
    fn stream_closed(self: Rc<Self>);
}

/// What a stream is called: `stdin`, or `stdout of cat`.
pub(in crate::process) struct Name {
    stream: &'static str,
    program: Option<Rc<str>>,
    /// Who waits for it to close.
    owner: RefCell<Option<Rc<dyn Owner>>>,
}

impl Name {
    /// One of this process.
    pub(in crate::process) fn standard(stream: &'static str) -> Self {
        Self { stream, program: None, owner: RefCell::new(None) }
    }

    /// One of a child.
    pub(in crate::process) fn of(stream: &'static str, owner: Rc<dyn Owner>) -> Self {
        Self { stream, program: Some(owner.program()), owner: RefCell::new(Some(owner)) }
    }

    pub(super) fn is_standard(&self) -> bool {
        self.program.is_none()
    }

    /// It goes without a word.
    pub(super) fn abandon(&self) {
        let owner = self.owner.take();
        drop(owner);
    }

    /// It has told its `Close`.
    pub(super) fn closed(&self) {
        let owner = self.owner.take();
        owner.into_iter().for_each(Owner::stream_closed);
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.stream)?;
        self.program.iter().try_for_each(|program| write!(f, " of {program}"))
    }
}
