//! People with a browser: a page, and a WebSocket for what is said.
//!
//! hyper answers requests. When a browser asks for the WebSocket, it gives the socket back, and the messages go to and
//! fro between tungstenite and the room. Two futures do that for each browser: one hears what it says, the other one
//! writes what it is told.

use super::hall::{Guest, Hall, Seat};
use super::support::{Io, serve};
use super::{FAREWELL, LONGEST_LINE, PATIENCE};
use async_tungstenite::tungstenite::handshake::server::create_response_with_body;
use async_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use async_tungstenite::tungstenite::protocol::{CloseFrame, Role, WebSocketConfig};
use async_tungstenite::tungstenite::{Error as WebSocketError, Message};
use async_tungstenite::{WebSocketReceiver, WebSocketSender, WebSocketStream};
use futures_lite::stream::{Stream, StreamExt as _};
use futures_lite::{AsyncWriteExt as _, future, io};
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::{ALLOW, CONTENT_TYPE, HOST, HeaderValue, ORIGIN};
use hyper::service::service_fn;
use hyper::upgrade::Upgraded;
use hyper::{Method, Request, Response, StatusCode};
use onward::events::*;
use onward::io::AsyncIo;
use onward::net::{Server, Socket};
use std::cell::Cell;
use std::convert::Infallible;
use std::rc::Rc;
use std::time::Duration;

/// How long a browser may take to ask for something.
const ASKING: Duration = Duration::from_secs(30);
/// Beside its text, a message takes so much on the way.
const FRAME: usize = 16;
const PAGE: &str = include_str!("page.html");
/// With each answer. The page brings all with it, and what people say is text in it, never more.
const HEADERS: [(&str, &str); 4] = [
    ("cache-control", "no-cache"),
    ("referrer-policy", "no-referrer"),
    ("x-content-type-options", "nosniff"),
    (
        "content-security-policy",
        "default-src 'none'; connect-src 'self'; img-src data:; script-src 'unsafe-inline'; \
         style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    ),
];

type Answer = Response<Full<Bytes>>;

/// Opens the door for browsers, each of which is asked for a sign of life once in a heartbeat.
pub(crate) fn open(hall: &Rc<Hall>, address: &str, heartbeat: Duration) -> onward::Result<Server> {
    let server = Server::listen(address)?;
    let hall = Rc::clone(hall);
    server.on(Error, |_, error| eprintln!("{error}"));
    server.on(Connection, move |_, socket| {
        let hall = Rc::clone(&hall);
        onward::spawn(async move {
            let service = service_fn(|request| {
                let answer = answer(&hall, &socket, heartbeat, request);
                async { Ok::<_, Infallible>(answer) }
            });
            if let Err(error) = serve(socket.clone(), ASKING, service).await {
                eprintln!("{error}");
            }
        });
    });
    Ok(server)
}

fn answer(
    hall: &Rc<Hall>,
    socket: &Socket,
    heartbeat: Duration,
    request: Request<Incoming>,
) -> Answer {
    let path = request.uri().path();
    if path != "/" && path != "/ws" {
        return text(StatusCode::NOT_FOUND, "There is nothing here.\n");
    }
    if ![Method::GET, Method::HEAD].contains(request.method()) {
        let mut answer = text(StatusCode::METHOD_NOT_ALLOWED, "Only GET and HEAD.\n");
        answer.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
        return answer;
    }
    if path == "/ws" {
        return upgrade(hall, socket, heartbeat, request);
    }
    respond(StatusCode::OK, "text/html; charset=utf-8", PAGE)
}

fn text(status: StatusCode, text: impl Into<Bytes>) -> Answer {
    respond(status, "text/plain; charset=utf-8", text)
}

fn respond(status: StatusCode, kind: &'static str, body: impl Into<Bytes>) -> Answer {
    let mut answer = Response::new(Full::new(body.into()));
    *answer.status_mut() = status;
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    for (name, value) in HEADERS {
        answer.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    answer
}

/// From requests and answers to a WebSocket.
fn upgrade(
    hall: &Rc<Hall>,
    socket: &Socket,
    heartbeat: Duration,
    mut request: Request<Incoming>,
) -> Answer {
    if !is_from_our_page(&request) {
        return text(StatusCode::FORBIDDEN, "Only our own page may come in here.\n");
    }
    let answer = match create_response_with_body(&request, Full::default) {
        Ok(answer) => answer,
        Err(error) => return text(StatusCode::BAD_REQUEST, format!("{error}\n")),
    };
    let upgraded = hyper::upgrade::on(&mut request);
    let (hall, socket) = (Rc::clone(hall), socket.clone());
    onward::spawn(async move {
        match upgraded.await {
            Ok(upgraded) => visit(&hall, socket, heartbeat, upgraded).await,
            Err(error) => eprintln!("{error}"),
        }
    });
    answer
}

/// Any page in a browser could open a WebSocket to us; browsers tell which one does.
fn is_from_our_page(request: &Request<Incoming>) -> bool {
    let header = |name| request.headers().get(name).map(|value: &HeaderValue| value.as_bytes());
    header(ORIGIN).is_none_or(|origin| {
        let host = [&b"http://"[..], b"https://"].iter().find_map(|it| origin.strip_prefix(*it));
        host.is_some() && host == header(HOST)
    })
}

/// Somebody is here, from the handshake until the connection has closed.
async fn visit(hall: &Rc<Hall>, socket: Socket, heartbeat: Duration, upgraded: Upgraded) {
    // It is the one that we gave to hyper.
    let Ok(parts) = upgraded.downcast::<Io<AsyncIo>>() else { return };
    let limits = WebSocketConfig::default()
        .max_message_size(Some(LONGEST_LINE))
        .max_frame_size(Some(LONGEST_LINE))
        .read_buffer_size(LONGEST_LINE)
        .write_buffer_size(0);
    let before = parts.read_buf.to_vec();
    let websocket =
        WebSocketStream::from_partially_read(parts.io.0, before, Role::Server, Some(limits)).await;
    let (mut sender, mut receiver) = websocket.split();

    let browser = Rc::new(Browser::new(socket));
    let messages = browser.outbox.stream(Out).capacity(PATIENCE / FRAME);
    let closing = Rc::downgrade(&browser);
    browser.socket.on(Shutdown, move |_, ()| {
        if let Some(browser) = closing.upgrade() {
            browser.close(CloseCode::Away, "* the room closes, goodbye");
        }
    });
    let beating = Rc::clone(&browser);
    let beats = onward::set_interval(heartbeat, move |_| beating.beat());
    future::zip(hear(hall, &browser, &mut receiver), write(&browser, messages, &mut sender)).await;
    beats.cancel();
    if let Ok(websocket) = WebSocketStream::reunite(sender, receiver) {
        hang_up(websocket.into_inner()).await;
    }
}

/// Listens to a browser until it has nothing more to say.
async fn hear(hall: &Rc<Hall>, browser: &Rc<Browser>, receiver: &mut WebSocketReceiver<AsyncIo>) {
    let mut guest = Guest::new(hall, Rc::<Browser>::clone(browser));
    while let Some(message) = receiver.next().await {
        browser.silent.set(false);
        let wrong = match message {
            Ok(Message::Text(line)) => {
                guest.line(&line);
                continue;
            }
            Ok(Message::Binary(_)) => (CloseCode::Unsupported, "* that is no text, goodbye"),
            // tungstenite answers pings, and who closes.
            Ok(_) => continue,
            Err(WebSocketError::Capacity(_)) => {
                (CloseCode::Size, "* that line is too long, goodbye")
            }
            Err(WebSocketError::Utf8(_)) => (CloseCode::Invalid, "* that is no UTF-8, goodbye"),
            Err(WebSocketError::Protocol(_)) => (CloseCode::Protocol, "* what was that? goodbye"),
            Err(_) => break, // it has gone
        };
        browser.close(wrong.0, wrong.1);
        break;
    }
    guest.leave();
    // What waits is still written.
    browser.outbox.remove_all();
}

/// Writes what a browser is told, one message after the other.
async fn write(
    browser: &Browser,
    mut messages: impl Stream<Item = Message> + Unpin,
    sender: &mut WebSocketSender<AsyncIo>,
) {
    while let Some(message) = messages.next().await {
        let length = message.len() + FRAME;
        if sender.send(message).await.is_err() {
            return; // whoever hears it is told too
        }
        browser.waiting.set(browser.waiting.get() - length);
    }
}

/// Closes in good order: what the other side still says is read, for a socket that is closed with something unread is
/// reset, and the last word may be lost.
async fn hang_up(mut io: AsyncIo) {
    let closing = async {
        io.close().await?;
        io::copy(&mut io, io::sink()).await
    };
    // Who does not hang up in time is hung up on.
    let _ = onward::timeout(FAREWELL, closing).await;
}

onward::events! {
    /// What is on its way to a browser.
    Outbox {
        Out(Message),
    }
}

/// A browser, for those who tell it something.
struct Browser {
    outbox: Outbox,
    /// Bytes that have not been written yet.
    waiting: Cell<usize>,
    /// Nothing has come since the last ping.
    silent: Cell<bool>,
    closing: Cell<bool>,
    socket: Socket,
}

impl Browser {
    fn new(socket: Socket) -> Self {
        Self {
            outbox: Outbox::new(),
            waiting: Cell::new(0),
            silent: Cell::new(false),
            closing: Cell::new(false),
            socket,
        }
    }

    fn send(&self, message: Message) {
        let waiting = self.waiting.get() + message.len() + FRAME;
        if waiting > PATIENCE {
            self.socket.destroy();
            return;
        }
        self.waiting.set(waiting);
        self.outbox.emit(Out, message);
    }

    fn beat(&self) {
        if self.silent.replace(true) {
            self.socket.destroy();
        } else if !self.closing.get() {
            self.send(Message::Ping(Bytes::new()));
        }
    }

    /// Says why, and closes. A browser answers that, and has so much time for it.
    fn close(&self, code: CloseCode, word: &str) {
        if self.closing.get() {
            return;
        }
        self.tell(word);
        self.closing.set(true);
        self.send(Message::Close(Some(CloseFrame { code, reason: word.into() })));
        let socket = self.socket.clone();
        onward::set_timeout(FAREWELL, move || socket.destroy()).unref();
    }
}

impl Seat for Browser {
    fn tell(&self, text: &str) {
        if !self.closing.get() {
            self.send(Message::text(text.trim_end()));
        }
    }

    fn see_off(&self, word: &str) {
        self.close(CloseCode::Normal, word.trim_end());
    }

    fn is_seen_off(&self) -> bool {
        self.closing.get()
    }
}
