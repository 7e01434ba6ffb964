//! `chat` over WebSockets, with a client that is no browser and need not keep the rules.

use super::clients::{Client, DEADLINE, Lines, Server, example, finish, text};
use async_tungstenite::tungstenite::client::IntoClientRequest as _;
use async_tungstenite::tungstenite::handshake::client::Response;
use async_tungstenite::tungstenite::protocol::frame::Frame;
use async_tungstenite::tungstenite::protocol::frame::coding::{CloseCode, Data, OpCode};
use async_tungstenite::tungstenite::{Error, Message, WebSocket, client};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::Command;
use std::time::Instant;

/// The chat, and where browsers find it.
pub(crate) fn chat(options: &[&str]) -> (Server, String) {
    let mut command = example("chat");
    let command = command.args(["--listen", "127.0.0.1:0", "--http", "127.0.0.1:0"]).args(options);
    let server = Server::start(command, "chatting on ");
    let page = server.lines.next();
    let page = page.strip_prefix("chatting on ").expect("the page's address comes next");
    (server, page.to_owned())
}

/// Somebody with `nc`, who is in.
pub(crate) fn join(server: &Server, name: &str) -> (Client, Lines) {
    let (mut client, sees) = Client::connect(&server.address);
    client.say(name);
    sees.expect(&format!("Welcome! Your name? * {name} joined"));
    (client, sees)
}

fn host(page: &str) -> &str {
    page.trim_start_matches("http://").trim_end_matches('/')
}

fn connect(page: &str) -> TcpStream {
    let stream = TcpStream::connect(host(page)).expect("the server listens");
    stream.set_read_timeout(Some(DEADLINE)).expect("a timeout");
    stream.set_write_timeout(Some(DEADLINE)).expect("a timeout");
    stream
}

/// Asks to come in, as a page of this origin would.
fn ask(page: &str, origin: Option<&str>) -> Result<(WebSocket<TcpStream>, Response), Error> {
    let mut request = format!("ws://{}/ws", host(page)).into_client_request()?;
    if let Some(origin) = origin {
        request.headers_mut().insert("origin", origin.try_into().expect("a value"));
    }
    client(request, connect(page)).map_err(|error| match error {
        async_tungstenite::tungstenite::HandshakeError::Failure(error) => error,
        interrupted => panic!("{interrupted}"),
    })
}

/// A browser, as far as the server can see.
struct Browser(WebSocket<TcpStream>);

impl Browser {
    fn open(page: &str) -> Self {
        let mut browser = Self(ask(page, Some(page.trim_end_matches('/'))).expect("welcome").0);
        browser.expect("Welcome! Your name?");
        browser
    }

    fn join(page: &str, name: &str) -> Self {
        let mut browser = Self::open(page);
        browser.say(name);
        browser.expect(&format!("* {name} joined"));
        browser
    }

    fn say(&mut self, line: &str) {
        self.send(Message::text(line));
    }

    fn send(&mut self, message: Message) {
        self.0.send(message).expect("the server still listens");
    }

    /// The next message; a ping is answered, and told by who waits for one.
    fn next(&mut self) -> Message {
        self.0.read().expect("a message should have come")
    }

    fn expect(&mut self, line: &str) {
        loop {
            match self.next() {
                Message::Ping(_) => {}
                message => return assert_eq!(message, Message::text(line)),
            }
        }
    }

    /// The server says why, closes, and hangs up when that was answered.
    fn expect_goodbye(&mut self, code: CloseCode, word: &str) {
        self.expect(word);
        let Message::Close(Some(frame)) = self.next() else { panic!("it should have closed") };
        assert_eq!((frame.code, frame.reason.as_str()), (code, word));
        self.expect_end();
    }

    fn expect_end(&mut self) {
        let end = self.0.read();
        assert!(matches!(end, Err(Error::ConnectionClosed)), "{end:?}");
    }

    /// The frame as it is, right or wrong.
    fn send_raw(&mut self, bytes: &[u8]) {
        self.0.get_mut().write_all(bytes).expect("the server still listens");
    }
}

fn stop(server: Server) {
    server.signal("-INT");
    assert_eq!(finish(server.child).status.code(), Some(0));
}

#[test]
fn web_chat_is_the_same_room() {
    let (server, page) = chat(&[]);
    let (mut nick, nick_sees) = join(&server, "nick");
    let mut ada = Browser::open(&page);
    for (said, answer) in [
        ("nick", "That name is taken. Your name?"),
        ("", "You need a name. Your name?"),
        ("/ada", "First your name. Your name?"),
        ("* ada", "That could be mistaken. Your name?"),
        ("a: da", "That could be mistaken. Your name?"),
        ("ada ada ada ada ada ada", "That is too long for a name. Your name?"),
        ("/who", "* 1 here: nick"),
    ] {
        ada.say(said);
        ada.expect(answer);
    }
    ada.say(" ada ");
    ada.expect("* ada joined");
    nick_sees.expect("* ada joined");

    ada.say("hello <b>there</b> \u{1b}[31m\nin two lines");
    let line = "ada: hello <b>there</b> \u{fffd}[31m\u{fffd}in two lines";
    nick_sees.expect(line);
    ada.expect(line);
    nick.say("good morning");
    nick_sees.expect("nick: good morning");
    ada.expect("nick: good morning");
    // In pieces, as browsers send what is long.
    let piece = |text: &str, kind, last| {
        Message::Frame(Frame::message(text.as_bytes().to_vec(), OpCode::Data(kind), last))
    };
    ada.send(piece("gr\u{fc}", Data::Text, false));
    ada.send(piece("\u{df} ", Data::Continue, false));
    ada.send(piece("Gott", Data::Continue, true));
    ada.expect("ada: gr\u{fc}\u{df} Gott");
    nick_sees.expect("ada: gr\u{fc}\u{df} Gott");
    ada.say("/who");
    ada.expect("* 2 here: ada, nick");

    ada.say("/quit\n");
    ada.expect_goodbye(CloseCode::Normal, "* goodbye");
    nick_sees.expect("* ada left");
    // A name is free again, and one may go without a word, or in order.
    let ada = Browser::join(&page, "ada");
    nick_sees.expect("* ada joined");
    drop(ada);
    nick_sees.expect("* ada left");
    let mut ada = Browser::join(&page, "ada");
    nick_sees.expect("* ada joined");
    ada.0.close(None).expect("the server still listens");
    assert!(matches!(ada.next(), Message::Close(_)));
    ada.expect_end();
    nick_sees.expect("* ada left");
    stop(server);
}

#[test]
fn web_chat_sends_away_who_does_not_keep_the_rules() {
    let (server, page) = chat(&[]);
    let (_nick, nick_sees) = join(&server, "nick");
    type Deed = fn(&mut Browser);
    let deeds: [(Deed, CloseCode, &str); 7] = [
        (|it| it.say(&"x".repeat(4097)), CloseCode::Size, "* that line is too long, goodbye"),
        // Much of it is never read; the last word arrives all the same.
        (|it| it.say(&"x".repeat(100_000)), CloseCode::Size, "* that line is too long, goodbye"),
        // It says that it is going to send eight megabytes, which nobody waits for.
        (
            |it| it.send_raw(&[0x81, 0xff, 0, 0, 0, 0, 0, 0x80, 0, 0, 1, 2, 3, 4, b'x']),
            CloseCode::Size,
            "* that line is too long, goodbye",
        ),
        (
            |it| it.send(Message::binary(vec![1, 2, 3])),
            CloseCode::Unsupported,
            "* that is no text, goodbye",
        ),
        // The text is 0xff, hidden by the mask.
        (
            |it| it.send_raw(&[0x81, 0x81, 1, 2, 3, 4, 0xff ^ 1]),
            CloseCode::Invalid,
            "* that is no UTF-8, goodbye",
        ),
        // Without a mask, and of a kind that is not there.
        (|it| it.send_raw(b"\x81\x02hi"), CloseCode::Protocol, "* what was that? goodbye"),
        (
            |it| it.send_raw(&[0x83, 0x80, 1, 2, 3, 4]),
            CloseCode::Protocol,
            "* what was that? goodbye",
        ),
    ];
    for (deed, code, word) in deeds {
        let mut eve = Browser::join(&page, "eve");
        nick_sees.expect("* eve joined");
        deed(&mut eve);
        eve.expect_goodbye(code, word);
        nick_sees.expect("* eve left");
    }
    // As long as it may be.
    let mut ada = Browser::join(&page, "ada");
    nick_sees.expect("* ada joined");
    ada.say(&"x".repeat(4096));
    ada.expect(&format!("ada: {}", "x".repeat(4096)));
    // Who is seen off, and neither reads nor answers, is waited for no longer than a goodbye takes.
    ada.say("/quit");
    nick_sees.wait_for("* ada left");
    let mut all = Vec::new();
    ada.0.get_mut().read_to_end(&mut all).expect("the server hangs up by itself");
    stop(server);
}

#[test]
fn web_chat_opens_the_door_to_its_own_page_alone() {
    let (server, page) = chat(&[]);
    let status = |origin| match ask(&page, Some(origin)) {
        Ok((_, response)) => response.status().as_u16(),
        Err(Error::Http(response)) => response.status().as_u16(),
        Err(error) => panic!("{error}"),
    };
    assert_eq!(status(page.trim_end_matches('/')), 101);
    assert_eq!(status("http://example.org"), 403);
    assert_eq!(status("null"), 403);
    // No browser leaves it out; others come in without.
    assert!(ask(&page, None).is_ok());

    for (request, answer) in [
        ("GET / HTTP/1.1", "200 OK"),
        ("HEAD / HTTP/1.1", "200 OK"),
        ("GET /ws HTTP/1.1", "400 Bad Request"),
        ("GET /nothing HTTP/1.1", "404 Not Found"),
        ("POST / HTTP/1.1", "405 Method Not Allowed"),
        ("nonsense", "400 Bad Request"),
    ] {
        let mut stream = connect(&page);
        write!(stream, "{request}\r\nhost: x\r\nconnection: close\r\n\r\n").expect("sent");
        let mut heard = Vec::new();
        stream.read_to_end(&mut heard).expect("it ends");
        let heard = text(&heard);
        assert!(heard.starts_with(&format!("HTTP/1.1 {answer}\r\n")), "{request}: {heard}");
        let policy = "content-security-policy: default-src 'none'; connect-src 'self';";
        assert!(request == "nonsense" || heard.contains(policy), "{request}: {heard}");
        assert_eq!(heard.contains("<title>The room</title>"), request.starts_with("GET / "));
    }
    stop(server);
}

#[test]
fn web_chat_reads_what_comes_with_the_handshake() {
    let (server, page) = chat(&[]);
    let mut stream = connect(&page);
    let mut all = format!(
        "GET /ws HTTP/1.1\r\nhost: {}\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
         sec-websocket-version: 13\r\nsec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n",
        host(&page)
    )
    .into_bytes();
    all.extend(b"\x81\x83\0\0\0\0ada\x81\x85\0\0\0\0/quit");
    stream.write_all(&all).expect("sent");
    let expected = b"\r\n\r\n\x81\x13Welcome! Your name?\x81\x0c* ada joined\x81\x09* goodbye\x88\x0b\x03\xe8* goodbye";
    let mut heard = Vec::new();
    let mut byte = [0];
    while !heard.ends_with(&expected[..]) {
        stream.read_exact(&mut byte).unwrap_or_else(|error| panic!("{error}: {:?}", text(&heard)));
        heard.push(byte[0]);
    }
    assert!(heard.starts_with(b"HTTP/1.1 101 Switching Protocols\r\n"));
    stop(server);
}

#[test]
fn web_chat_answers_pings_and_cuts_off_who_does_not() {
    // Longer than a machine stands still that has much to do.
    let (server, page) = chat(&["--heartbeat", "2"]);
    let (_nick, nick_sees) = join(&server, "nick");
    let mut silent = Browser::join(&page, "silent");
    nick_sees.expect("* silent joined");
    let mut ada = Browser::join(&page, "ada");
    nick_sees.expect("* ada joined");
    let began = Instant::now();
    ada.send(Message::Ping("mark".into()));
    let mut pings = 0;
    let mut answered = false;
    let mut gone = false;
    // She sees how the other one is given up, and is asked again, which is for those who have answered.
    while pings < 2 || !gone || !answered {
        match ada.next() {
            Message::Ping(_) => pings += 1,
            Message::Pong(mark) => {
                assert_eq!(&mark[..], b"mark");
                answered = true;
            }
            Message::Text(text) if text == "* silent left" => gone = true,
            other => panic!("{other}"),
        }
        assert!(began.elapsed() < DEADLINE, "{pings} pings, and the silent one is there yet");
    }
    nick_sees.expect("* silent left");
    ada.say("still here");
    ada.expect("ada: still here");
    nick_sees.expect("ada: still here");
    let mut rest = Vec::new();
    let _ = silent.0.get_mut().read_to_end(&mut rest);
    stop(server);
}

#[test]
fn web_chat_cuts_off_a_browser_that_never_reads_and_nobody_else_notices() {
    let (server, page) = chat(&[]);
    let (mut nick, nick_sees) = join(&server, "nick");
    let mut ada = Browser::join(&page, "ada");
    nick_sees.expect("* ada joined");
    let _sleeper = Browser::join(&page, "sleeper");
    nick_sees.expect("* sleeper joined");
    ada.expect("* sleeper joined");
    let line = "z".repeat(4000);
    let until = Instant::now() + DEADLINE;
    let said = format!("nick: {line}");
    loop {
        assert!(Instant::now() < until, "the sleeper was never cut off");
        nick.say(&line);
        let Message::Text(ada_sees) = ada.next() else { panic!("no text") };
        let sees = nick_sees.next();
        if sees == "* sleeper left" {
            nick_sees.expect(&said);
            break;
        }
        assert_eq!(sees, said);
        if ada_sees == "* sleeper left" {
            ada.expect(&said);
            nick_sees.expect("* sleeper left");
            break;
        }
        assert_eq!(ada_sees, said.as_str());
    }
    nick.say("/who");
    nick_sees.wait_for("* 2 here: ada, nick");
    stop(server);
}

#[test]
fn web_chat_says_goodbye_when_it_ends() {
    let log = super::clients::temporary("web.log");
    let _ = std::fs::remove_file(&log);
    let (server, page) = chat(&["--log", log.to_str().expect("a path in UTF-8")]);
    let (nick, nick_sees) = join(&server, "nick");
    let mut ada = Browser::join(&page, "ada");
    nick_sees.expect("* ada joined");
    // One that stands idle, and one that is not through with its request.
    let idle = connect(&page);
    let mut slow = connect(&page);
    slow.write_all(b"GET / HTTP/1.1\r\n").expect("sent");
    ada.say("a word");
    nick_sees.expect("ada: a word");
    ada.expect("ada: a word");

    server.signal("-TERM");
    ada.expect_goodbye(CloseCode::Away, "* the room closes, goodbye");
    nick_sees.expect("* the room closes, goodbye");
    nick.hang_up();
    nick_sees.expect_end();
    assert_eq!(finish(server.child).status.code(), Some(0));
    drop((idle, slow));
    let transcript = std::fs::read_to_string(&log).expect("there is a transcript");
    assert!(transcript.starts_with("* nick joined\n* ada joined\nada: a word\n"), "{transcript}");
}

#[test]
fn web_chat_says_what_is_wrong_with_its_options() {
    for (options, wrong) in [
        (&["--http"][..], "--http wants a value"),
        (&["--heartbeat", "soon"], "--heartbeat wants a number of seconds"),
        (&["--heartbeat", "-1"], "--heartbeat wants a number of seconds"),
    ] {
        let output = finish_failed(example("chat").args(options));
        assert!(output.contains(wrong), "{output}");
    }
    let (server, page) = chat(&[]);
    let mut second = example("chat");
    let output = finish_failed(second.args(["--listen", "127.0.0.1:0", "--http", host(&page)]));
    assert!(output.contains("Address already in use"), "{output}");
    stop(server);
}

fn finish_failed(command: &mut Command) -> String {
    let output = super::clients::run(command);
    assert!(!output.status.success());
    text(&output.stderr)
}
