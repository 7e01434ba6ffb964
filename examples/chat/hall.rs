//! The room, and the people in it, however they came.

use onward::events::*;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

const LONGEST_NAME: usize = 20;

onward::events! {
    /// The room, and what happens in it.
    pub(crate) Room {
        /// Somebody came in.
        Joined(&str),
        /// A line was said: who, and what.
        Said(&str, &str),
        /// Somebody went.
        Left(&str),
        /// The last one has gone, and nobody comes any more.
        Closed(),
    }
}

/// Where somebody sits: what is told there is seen at the other end.
pub(crate) trait Seat {
    /// A line with its end, or a question without one.
    fn tell(&self, text: &str);
    /// A last word, and out.
    fn see_off(&self, word: &str);
    /// Was that said already?
    fn is_seen_off(&self) -> bool;
}

#[derive(Default)]
pub(crate) struct Hall {
    pub(crate) room: Room,
    members: RefCell<BTreeMap<String, Rc<dyn Seat>>>,
}

impl Hall {
    /// Nobody is told anything any more.
    pub(crate) fn clear(&self) {
        self.members.borrow_mut().clear();
    }
}

/// Tells everybody in the room what happens in it.
pub(crate) fn announce(hall: &Rc<Hall>) {
    let teller = || {
        let hall = Rc::downgrade(hall);
        move |line: String| {
            let Some(hall) = hall.upgrade() else { return };
            for seat in hall.members.borrow().values() {
                seat.tell(&line);
            }
        }
    };
    let (joined, said, left) = (teller(), teller(), teller());
    hall.room.on(Joined, move |_, who| joined(format!("* {who} joined\n")));
    hall.room.on(Said, move |_, (who, line)| said(format!("{who}: {line}\n")));
    hall.room.on(Left, move |_, who| left(format!("* {who} left\n")));
}

/// Somebody whose lines we read.
pub(crate) struct Guest {
    hall: Rc<Hall>,
    seat: Rc<dyn Seat>,
    name: Option<String>,
}

impl Guest {
    /// Somebody at the door, who is asked for a name.
    pub(crate) fn new(hall: &Rc<Hall>, seat: Rc<dyn Seat>) -> Self {
        seat.tell("Welcome! Your name? ");
        Self { hall: Rc::clone(hall), seat, name: None }
    }

    pub(crate) fn line(&mut self, line: &str) {
        if self.seat.is_seen_off() {
            return; // the one before was the last that we wanted to hear
        }
        match (&self.name, printable(line).as_str()) {
            (_, "/quit") => {
                self.leave();
                self.seat.see_off("* goodbye\n");
            }
            (_, "/who") => {
                let names: Vec<String> = self.hall.members.borrow().keys().cloned().collect();
                self.seat.tell(&format!("* {} here: {}\n", names.len(), names.join(", ")));
            }
            (None, name) => self.introduce(name),
            (Some(_), "") => {}
            (Some(name), line) => {
                self.hall.room.emit(Said, (name, line));
            }
        }
    }

    fn introduce(&mut self, name: &str) {
        let wrong = match name {
            "" => Some("You need a name."),
            _ if name.starts_with('/') => Some("First your name."),
            _ if name.starts_with('*') || name.contains(':') => Some("That could be mistaken."),
            _ if name.chars().count() > LONGEST_NAME => Some("That is too long for a name."),
            _ if self.hall.members.borrow().contains_key(name) => Some("That name is taken."),
            _ => None,
        };
        if let Some(wrong) = wrong {
            self.seat.tell(&format!("{wrong} Your name? "));
            return;
        }
        self.hall.members.borrow_mut().insert(name.into(), Rc::clone(&self.seat));
        self.name = Some(name.into());
        self.hall.room.emit(Joined, name);
    }

    pub(crate) fn leave(&mut self) {
        if let Some(name) = self.name.take() {
            self.hall.members.borrow_mut().remove(&name);
            self.hall.room.emit(Left, &name);
        }
    }
}

/// What clients send is shown on other people's terminals: no control characters.
fn printable(line: &str) -> String {
    line.trim().replace(char::is_control, "\u{fffd}")
}
