//! A browser without a screen, driven by the protocol of its developer tools: JSON over a WebSocket.
//!
//! Nothing sleeps in here, and nothing looks again and again: a page tells when a condition holds.

use super::clients::{DEADLINE, Lines, temporary};
use async_tungstenite::tungstenite::{Error, Message, WebSocket, client};
use serde_json::{Value, json};
use std::cell::RefCell;
use std::collections::VecDeque;
use std::io::ErrorKind;
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::rc::Rc;
use std::time::Duration;

/// On a machine that was busy installing it a moment ago.
const START: Duration = Duration::from_secs(60);
/// What it is called here and there.
const NAMES: [&str; 4] = ["chromium", "chromium-browser", "google-chrome-stable", "google-chrome"];
/// It needs no network but ours, and need not look as if it had any.
const FLAGS: [&str; 10] = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--remote-debugging-port=0",
];

pub(crate) struct Chromium {
    child: Child,
    profile: PathBuf,
    tools: Rc<RefCell<Tools>>,
    /// What it has to say of itself is read, so that it may go on.
    _said: Lines,
}

/// The connection to its developer tools.
struct Tools {
    socket: WebSocket<TcpStream>,
    last: u64,
    events: VecDeque<Value>,
}

impl Chromium {
    /// Nothing if there is none; with `ONWARD_REQUIRE_CHROMIUM` set, that fails the test.
    pub(crate) fn start() -> Option<Self> {
        let profile = temporary("chromium");
        let spawn = |name| {
            Command::new(name)
                .args(FLAGS)
                .arg(format!("--user-data-dir={}", profile.display()))
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(Stdio::piped())
                .spawn()
        };
        let Some(mut child) = NAMES.into_iter().find_map(|name| spawn(name).ok()) else {
            assert!(std::env::var_os("ONWARD_REQUIRE_CHROMIUM").is_none(), "no Chromium");
            eprintln!("left out, as there is no Chromium");
            return None;
        };
        let said = Lines::of(child.stderr.take().expect("it was piped"));
        let address = loop {
            let line = said.0.recv_timeout(START).expect("the browser should have started");
            if let Some(address) = line.strip_prefix("DevTools listening on ") {
                break address.to_owned();
            }
        };
        let host = address.trim_start_matches("ws://").split('/').next().expect("a host");
        let stream = TcpStream::connect(host).expect("it listens");
        stream.set_read_timeout(Some(DEADLINE)).expect("a timeout");
        let (socket, _) = client(address.as_str(), stream).expect("it takes WebSockets");
        let tools = Tools { socket, last: 0, events: VecDeque::new() };
        Some(Self { child, profile, tools: Rc::new(RefCell::new(tools)), _said: said })
    }

    /// Somebody opens a page, in a window that knows nothing of the others.
    pub(crate) fn open(&self, url: &str) -> Page {
        let mut tools = self.tools.borrow_mut();
        let context = tools.call(None, "Target.createBrowserContext", json!({}));
        let window = json!({
            "url": "about:blank", "browserContextId": context["browserContextId"], "newWindow": true,
            "width": 800, "height": 600,
        });
        let target = tools.call(None, "Target.createTarget", window);
        let attach = json!({ "targetId": target["targetId"], "flatten": true });
        let session = tools.call(None, "Target.attachToTarget", attach);
        let session = session["sessionId"].as_str().expect("a session").to_owned();
        let here = Some(session.as_str());
        tools.call(here, "Page.enable", json!({}));
        // Keys go to where they would in the window in front, though there can be one in front alone.
        tools.call(here, "Emulation.setFocusEmulationEnabled", json!({ "enabled": true }));
        let opened = tools.call(here, "Page.navigate", json!({ "url": url }));
        assert!(opened["errorText"].is_null(), "{opened}");
        tools.wait_for(&session, "Page.loadEventFired");
        Page { session, tools: Rc::clone(&self.tools) }
    }
}

impl Drop for Chromium {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = std::fs::remove_dir_all(&self.profile);
    }
}

impl Tools {
    fn call(&mut self, session: Option<&str>, method: &str, params: Value) -> Value {
        self.last += 1;
        let mut call = json!({ "id": self.last, "method": method, "params": params });
        if let Some(session) = session {
            call["sessionId"] = session.into();
        }
        self.socket.send(Message::text(call.to_string())).expect("the browser listens");
        loop {
            let mut answer = self.read(method);
            if answer["id"] == self.last {
                assert!(answer["error"].is_null(), "{method}: {}", answer["error"]);
                return answer["result"].take();
            }
            self.events.push_back(answer);
        }
    }

    fn wait_for(&mut self, session: &str, event: &str) {
        let is_it = |it: &Value| it["method"] == event && it["sessionId"] == session;
        if let Some(at) = self.events.iter().position(is_it) {
            self.events.remove(at);
            return;
        }
        loop {
            let event = self.read(event);
            if is_it(&event) {
                return;
            }
            self.events.push_back(event);
        }
    }

    fn read(&mut self, what: &str) -> Value {
        loop {
            match self.socket.read() {
                Ok(Message::Text(text)) => return serde_json::from_str(&text).expect("JSON"),
                Ok(_) => {}
                // Who traces or stops this process interrupts a read that has a time limit.
                Err(Error::Io(error)) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => panic!("the browser did not get to `{what}`: {error}"),
            }
        }
    }
}

/// A page, as somebody sees it and types into it.
pub(crate) struct Page {
    session: String,
    tools: Rc<RefCell<Tools>>,
}

impl Page {
    fn call(&self, method: &str, params: Value) -> Value {
        self.tools.borrow_mut().call(Some(&self.session), method, params)
    }

    /// What an expression of JavaScript gives; a promise is waited for.
    pub(crate) fn get(&self, expression: &str) -> Value {
        let ask = json!({ "expression": expression, "returnByValue": true, "awaitPromise": true });
        let mut answer = self.call("Runtime.evaluate", ask);
        let failed = &answer["exceptionDetails"];
        assert!(failed.is_null(), "{expression}: {failed}");
        answer["result"]["value"].take()
    }

    /// Until a condition holds, which is looked at whenever something in the page changes.
    pub(crate) fn wait_until(&self, condition: &str) {
        let limit = (DEADLINE / 2).as_millis();
        let told = self.get(&format!(
            "new Promise((done) => {{
                const look = () => ({condition}) && done('');
                new MutationObserver(look).observe(document, {{
                    subtree: true, childList: true, characterData: true, attributes: true }});
                setTimeout(() => done(document.body.innerText), {limit});
                look();
            }})"
        ));
        assert_eq!(told, "", "`{condition}` was not to be: this is what was seen");
    }

    /// Types into whatever has the focus, key by key.
    pub(crate) fn type_text(&self, text: &str) {
        for letter in text.chars() {
            let letter = letter.to_string();
            self.key(json!({ "text": letter, "key": letter }));
        }
    }

    pub(crate) fn press_enter(&self) {
        let enter = "Enter";
        self.key(json!({ "text": "\r", "key": enter, "code": enter, "windowsVirtualKeyCode": 13 }));
    }

    fn key(&self, mut key: Value) {
        key["type"] = "keyDown".into();
        self.call("Input.dispatchKeyEvent", key.clone());
        key["type"] = "keyUp".into();
        key.as_object_mut().expect("it is one").remove("text");
        self.call("Input.dispatchKeyEvent", key);
    }

    /// Clicks into the middle of what a selector finds.
    pub(crate) fn click(&self, selector: &str) {
        let place = self.get(&format!(
            "(() => {{ const it = document.querySelector({selector:?}).getBoundingClientRect();
                return [it.x + it.width / 2, it.y + it.height / 2]; }})()"
        ));
        for kind in ["mousePressed", "mouseReleased"] {
            let click = json!({
                "type": kind, "x": place[0], "y": place[1], "button": "left", "clickCount": 1,
            });
            self.call("Input.dispatchMouseEvent", click);
        }
    }
}
