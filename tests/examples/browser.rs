//! `chat` in a real browser: people type into its page, beside one with `nc`.

use super::chromium::{Chromium, Page};
use super::clients::finish;
use super::websocket::{chat, join};

/// Somebody in front of the page.
struct Person(Page);

impl Person {
    fn open(chromium: &Chromium, url: &str) -> Self {
        let page = chromium.open(url);
        // The page takes the focus to where one types, once it is connected.
        page.wait_until("document.activeElement === line && !line.disabled");
        Self(page)
    }

    fn type_line(&self, line: &str) {
        self.0.type_text(line);
        self.0.press_enter();
    }

    /// Sees it as the last line.
    fn sees(&self, line: &str) {
        self.0.wait_until(&format!(
            "log.lastElementChild?.querySelector('p').textContent === {line:?}"
        ));
    }

    fn reads(&self, state: &str) {
        self.0.wait_until(&format!("document.querySelector('#state').textContent === {state:?}"));
    }
}

#[test]
fn two_people_in_a_browser_chat_with_one_who_has_a_terminal() {
    let Some(chromium) = Chromium::start() else { return };
    let (server, url) = chat(&[]);
    let (mut nick, nick_sees) = join(&server, "nick");

    let ada = Person::open(&chromium, &url);
    ada.reads("At the door");
    ada.sees("Welcome! Your name?");
    ada.type_line("nick");
    ada.sees("That name is taken. Your name?");
    ada.type_line("ada");
    ada.sees("ada joined");
    ada.reads("Here as ada");
    nick_sees.expect("* ada joined");

    let bob = Person::open(&chromium, &url);
    bob.type_line("bob");
    for person in [&ada, &bob] {
        person.sees("bob joined");
    }
    nick_sees.expect("* bob joined");

    // Each sees what the others say, whoever says it.
    ada.type_line("good morning");
    bob.sees("adagood morning");
    ada.sees("adagood morning");
    nick_sees.expect("ada: good morning");
    bob.type_line("hello, ada; is it: early?");
    ada.sees("bobhello, ada; is it: early?");
    bob.sees("bobhello, ada; is it: early?");
    nick_sees.expect("bob: hello, ada; is it: early?");
    nick.say("it is");
    for person in [&ada, &bob] {
        person.sees("nickit is");
    }
    nick_sees.expect("nick: it is");

    // What is said is text, whatever it looks like.
    let tag = "<img src=x onerror=\"document.title='caught'\"><b>bold</b> &amp;";
    ada.type_line(tag);
    bob.sees(&format!("ada{tag}"));
    nick_sees.expect(&format!("ada: {tag}"));
    assert_eq!(bob.0.get("document.querySelectorAll('#log img, #log b b').length"), 0);
    assert_eq!(bob.0.get("document.title"), "The room");

    ada.type_line("/who");
    ada.sees("3 here: ada, bob, nick");
    // Who says goodbye may come back.
    bob.type_line("/quit");
    bob.reads("Not connected: goodbye");
    bob.sees("goodbye");
    ada.sees("bob left");
    nick_sees.expect("* bob left");
    bob.0.click("#send");
    bob.reads("At the door");
    bob.0.wait_until("document.activeElement === line && line.value === 'bob'");
    bob.0.press_enter();
    bob.reads("Here as bob");
    nick_sees.expect("* bob joined");
    ada.sees("bob joined");

    server.signal("-INT");
    for person in [&ada, &bob] {
        person.reads("Not connected: the room closes, goodbye");
    }
    assert_eq!(finish(server.child).status.code(), Some(0));
}
