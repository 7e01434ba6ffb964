//! `http` with `curl`, and with clients that do not keep the rules.

use super::clients::*;
use std::io::{Read, Write};
use std::time::{Duration, Instant};

/// The server, with so much patience.
fn serve(seconds: &str) -> Server {
    Server::start(example("http").args(["127.0.0.1:0", "--patience", seconds]), "serving on ")
}

#[test]
fn http_serves_requests_one_after_the_other_over_one_connection() {
    let server = serve("20");
    let url = |path: &str| format!("http://{}{path}", server.address);
    expect_curl(&[&url("/")], "See /notes, /notes/1, /events, /count/1000.\n");
    let say = "%{http_code} %{num_connects} %{content_type}\n";
    let (notes, missing) = (url("/notes"), url("/nothing"));
    expect_curl(
        &[
            "-o",
            "/dev/null",
            &notes,
            "-o",
            "/dev/null",
            &missing,
            "-o",
            "/dev/null",
            &notes,
            "-w",
            say,
        ],
        "200 1 text/plain; charset=utf-8\n404 0 text/plain; charset=utf-8\n200 0 text/plain; charset=utf-8\n",
    );
    // What a HEAD tells of stays away, and the connection is good for the next one.
    expect_curl(
        &[
            "-I",
            &url("/"),
            &missing,
            "-w",
            "%{http_code} %{num_connects}\n",
            "-o",
            "/dev/null",
            "-o",
            "/dev/null",
        ],
        "200 1\n404 0\n",
    );
    if let Some(head) = curl(&["-I", &url("/")]) {
        let head = text(&head.stdout);
        assert!(head.starts_with("HTTP/1.1 200 OK\r\n"), "{head}");
        assert!(head.contains("content-length: 44\r\n") && head.ends_with("\r\n\r\n"), "{head}");
    }
    stop(server);
}

#[test]
fn http_takes_notes_and_refuses_what_is_none() {
    let server = serve("20");
    let url = |path: &str| format!("http://{}{path}", server.address);
    let notes = url("/notes");
    let say = "%{http_code} %header{location}\n";
    expect_curl(
        &["--data-binary", "the sun is out", &notes, "-w", say],
        "/notes/1\n201 /notes/1\n",
    );
    expect_curl(&["-H", "Transfer-Encoding: chunked", "-d", "in pieces", &notes], "/notes/2\n");
    expect_curl(&["-H", "Expect: 100-continue", "-d", "only if welcome", &notes], "/notes/3\n");
    expect_curl(&["-d", "", &notes], "/notes/4\n");
    expect_curl(&[&url("/notes/1")], "the sun is out");
    expect_curl(
        &[&notes],
        "/notes/1: 14 bytes\n/notes/2: 9 bytes\n/notes/3: 15 bytes\n/notes/4: 0 bytes\n",
    );
    expect_curl(&[&url("/notes/5"), "-w", "%{http_code}"], "There is nothing here.\n404");
    expect_curl(&[&url("/notes/x"), "-w", "%{http_code}"], "There is nothing here.\n404");
    expect_curl(&[&url("/count/-1"), "-w", "%{http_code}"], "That is no number.\n400");
    let allowed = "%{http_code} %header{allow}\n";
    expect_curl(
        &["-X", "DELETE", &notes, "-w", allowed],
        "Only GET, HEAD, POST.\n405 GET, HEAD, POST\n",
    );
    expect_curl(&["-d", "x", &url("/events"), "-w", allowed], "Only GET, HEAD.\n405 GET, HEAD\n");
    stop(server);
}

#[test]
fn http_reads_no_more_of_a_note_than_it_would_take() {
    let server = serve("20");
    // Its length is told: it need not be sent.
    let mut stream = connect(&server);
    write!(stream, "POST /notes HTTP/1.1\r\nhost: x\r\ncontent-length: 65537\r\n\r\n")
        .expect("sent");
    let answer = rest(stream);
    assert!(answer.starts_with("HTTP/1.1 413 Payload Too Large\r\n"), "{answer}");
    // Or it is not, and the limit is found out on the way.
    let mut stream = connect(&server);
    write!(stream, "POST /notes HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n")
        .expect("sent");
    write!(stream, "{:x}\r\n{}", 65537, "x".repeat(65537)).expect("sent");
    let answer = rest(stream);
    assert!(answer.starts_with("HTTP/1.1 413 Payload Too Large\r\n"), "{answer}");
    // What is no text, or no body, is refused too.
    let mut stream = connect(&server);
    stream.write_all(b"POST /notes HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: 1\r\n\r\n\xff").expect("sent");
    let answer = rest(stream);
    assert!(answer.starts_with("HTTP/1.1 400 Bad Request\r\n"), "{answer}");
    assert!(answer.ends_with("That is no text in UTF-8.\n"), "{answer}");
    let mut stream = connect(&server);
    write!(
        stream,
        "POST /notes HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\nnonsense\r\n"
    )
    .expect("sent");
    let answer = rest(stream);
    assert!(answer.starts_with("HTTP/1.1 400 Bad Request\r\n"), "{answer}");
    expect_curl(&[&format!("http://{}/notes", server.address)], "");
    stop(server);
}

#[test]
fn http_refuses_what_is_no_request_and_goes_on() {
    let server = serve("20");
    let too_long = format!("GET / HTTP/1.1\r\nhost: x\r\nlong: {}\r\n\r\n", "x".repeat(1_000_000));
    for (said, answer) in [
        ("nonsense\r\n\r\n", "HTTP/1.1 400 Bad Request\r\n"),
        ("GET / HTTP/1.1\r\nno colon\r\n\r\n", "HTTP/1.1 400 Bad Request\r\n"),
        ("GET / HTTP/1.1\r\nhost: x\r\ncontent-length: x\r\n\r\n", "HTTP/1.1 400 Bad Request\r\n"),
        ("\0\0\0\0\r\n\r\n", "HTTP/1.1 400 Bad Request\r\n"),
    ] {
        let mut stream = connect(&server);
        stream.write_all(said.as_bytes()).expect("sent");
        let heard = rest(stream);
        assert!(heard.starts_with(answer), "{said:?}: {heard}");
    }
    // Who sends and sends is cut off: the answer may be lost in what nobody reads any more.
    let mut stream = connect(&server);
    let _ = stream.write_all(too_long.as_bytes());
    let mut heard = Vec::new();
    let _ = stream.read_to_end(&mut heard);
    assert!(heard.is_empty() || heard.starts_with(b"HTTP/1.1 431 "), "{}", text(&heard));
    expect_curl(&[&format!("http://{}/count/2", server.address)], "1\n2\n");
    stop(server);
}

#[test]
fn http_streams_a_body_piece_by_piece() {
    let server = serve("20");
    let url = format!("http://{}/count/2500", server.address);
    let numbers: String = (1..=2500).map(|number| format!("{number}\n")).collect();
    expect_curl(&[&url, "-w", "%header{transfer-encoding}"], &(numbers + "chunked"));
    if let Some(raw) = curl(&["--raw", &format!("http://{}/count/2", server.address)]) {
        assert_eq!(text(&raw.stdout), "4\r\n1\n2\n\r\n0\r\n\r\n");
    }
    stop(server);
}

#[test]
fn http_makes_a_body_no_faster_than_it_is_read() {
    const NUMBERS: usize = 4_000_000;
    let server = serve("20");
    let mut stream = connect(&server);
    let request = format!("GET /count/{NUMBERS} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).expect("sent");
    // The first of it has come; nobody reads on, and others are served.
    let mut first = [0; 1];
    stream.read_exact(&mut first).expect("it comes");
    for _ in 0..3 {
        expect_curl(&[&format!("http://{}/count/2", server.address)], "1\n2\n");
    }
    let body = rest(stream);
    let count = body.lines().filter(|line| line.bytes().all(|byte| byte.is_ascii_digit())).count();
    assert!(count >= NUMBERS, "{count} numbers have come");
    assert!(body.ends_with(&format!("{NUMBERS}\n\r\n0\r\n\r\n")), "to the last one");
    #[cfg(target_os = "linux")]
    {
        let peak = peak_kilobytes(&server);
        assert!(peak < 20_000, "30 MB went through {peak} kB of memory");
    }
    stop(server);
}

#[test]
fn http_waits_no_longer_than_its_patience() {
    const PATIENCE: Duration = Duration::from_secs(1);
    let server = serve("1");
    for (said, heard) in [
        ("", ""),
        ("GET / HTT", ""),
        ("GET / HTTP/1.1\r\nhost: x\r\nso: far", ""),
        (
            "POST /notes HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\nhalf",
            "HTTP/1.1 408 Request Timeout\r\n",
        ),
        // One that is kept alive, and has nothing more to ask.
        ("GET /count/1 HTTP/1.1\r\nhost: x\r\n\r\n", "HTTP/1.1 200 OK\r\n"),
    ] {
        // It may be accepted before this thread goes on.
        let began = Instant::now();
        let mut stream = connect(&server);
        stream.write_all(said.as_bytes()).expect("sent");
        let answer = rest(stream);
        assert!(began.elapsed() >= PATIENCE, "{said:?}: cut off early");
        assert!(answer.starts_with(heard) && answer.is_empty() == heard.is_empty(), "{answer}");
    }
    stop(server);
}

#[test]
#[cfg(target_os = "linux")]
fn http_cuts_off_who_reads_nothing_and_nobody_who_waits_for_news() {
    let server = serve("1");
    let mut listener = connect(&server);
    write!(listener, "GET /events HTTP/1.1\r\nhost: x\r\n\r\n").expect("sent");
    let lines = Lines::of(listener);
    lines.expect("HTTP/1.1 200 OK");
    let before = descriptors(&server);
    let mut sleeper = connect(&server);
    write!(sleeper, "GET /count/1000000000 HTTP/1.1\r\nhost: x\r\n\r\n").expect("sent");
    sleeper.read_exact(&mut [0]).expect("it comes");
    // Signs of life come all the while, and the one who sleeps goes.
    let until = Instant::now() + DEADLINE;
    while descriptors(&server) > before {
        assert!(Instant::now() < until, "the sleeper was never cut off");
        lines.wait_for(":");
    }
    lines.wait_for(":");
    assert_eq!(descriptors(&server), before, "the listener stays");
    stop(server);
}

#[test]
fn http_tells_events_as_they_come_and_ends_in_order() {
    let server = serve("20");
    let url = |path: &str| format!("http://{}{path}", server.address);
    // The head comes before there is anything to tell.
    let mut stream = connect(&server);
    write!(stream, "GET /events HTTP/1.1\r\nhost: x\r\n\r\n").expect("sent");
    let lines = Lines::of(stream);
    lines.expect("HTTP/1.1 200 OK");
    lines.expect("content-type: text/event-stream");
    lines.wait_for("");
    // A note is under way.
    let mut writer = connect(&server);
    let head =
        "POST /notes HTTP/1.1\r\nhost: x\r\ncontent-length: 6\r\nexpect: 100-continue\r\n\r\n";
    writer.write_all(head.as_bytes()).expect("sent");
    let mut welcome = [0; 25];
    writer.read_exact(&mut welcome).expect("it is wanted");
    assert_eq!(text(&welcome), "HTTP/1.1 100 Continue\r\n\r\n");
    if curl(&["--data-binary", "one\r\ntwo\rthree\n", &url("/notes")]).is_some() {
        for line in ["id: 1", "data: one", "data: two", "data: three", "data: "] {
            lines.wait_for(line);
        }
    }

    server.signal("-INT");
    server.lines.wait_for_start_of_line("closing, ");
    // The answer that is being made is made, and is the last one; the events come to their end.
    writer.write_all(b"at all").expect("sent");
    let answer = rest(writer);
    assert!(answer.starts_with("HTTP/1.1 201 Created\r\n"), "{answer}");
    assert!(answer.contains("connection: close\r\n"), "{answer}");
    lines.wait_for("0");
    lines.expect("");
    lines.expect_end();
    assert_eq!(finish(server.child).status.code(), Some(0));
}
