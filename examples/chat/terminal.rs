//! People with a terminal and `nc`: lines over TCP or a Unix socket.

use super::hall::{Guest, Hall, Seat};
use super::{LONGEST_LINE, PATIENCE};
use onward::events::*;
use onward::net::Socket;
use std::cell::RefCell;
use std::rc::Rc;

impl Seat for Socket {
    fn tell(&self, text: &str) {
        self.write(text);
    }

    fn see_off(&self, word: &str) {
        if self.is_ended() {
            return;
        }
        self.pause();
        self.write(word);
        self.destroy_soon();
    }

    fn is_seen_off(&self) -> bool {
        self.is_ended()
    }
}

/// Somebody is at the door.
pub(crate) fn welcome(hall: &Rc<Hall>, socket: &Socket) {
    socket.set_max_queued(PATIENCE);
    let guest = Rc::new(RefCell::new(Guest::new(hall, Rc::new(socket.clone()))));
    let (speaking, rambling, ending, leaving) =
        (guest.clone(), guest.clone(), guest.clone(), guest);
    let lines = socket.on_line(move |_, line| speaking.borrow_mut().line(line));
    // The socket is kept for a last word to who says too much at once.
    let lines = lines.max(LONGEST_LINE).keep_stream();
    lines.on(End, move |_, ()| ending.borrow_mut().leave());
    let answering = socket.clone();
    lines.on(Error, move |_, _| {
        rambling.borrow_mut().leave();
        answering.see_off("* that line is too long, goodbye\n");
    });
    socket.on(Error, |_, error| eprintln!("{error}"));
    socket.on(Close, move |_, _| leaving.borrow_mut().leave());
    socket.on(Shutdown, |socket, ()| socket.see_off("* the room closes, goodbye\n"));
}
