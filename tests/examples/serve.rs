//! `serve`: files in whole and in ranges, conditions, directories.

use super::clients::*;
use std::ffi::OsStr;
use std::fs::{self, File, FileTimes};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// A directory of its own for each test.
pub(super) fn root(name: &str) -> PathBuf {
    let root = temporary(name);
    let _ = fs::remove_dir_all(&root);
    fs::create_dir_all(&root).expect("the target folder can be written to");
    root
}

pub(super) fn serve(root: &Path, more: &[&str]) -> Server {
    let mut command = example("serve");
    Server::start(command.args(["--listen", "127.0.0.1:0"]).args(more).arg(root), "serving on ")
}

/// Bytes that look like nothing in particular.
pub(super) fn bytes(count: usize) -> Vec<u8> {
    let (mut state, mut bytes) = (1_u64, Vec::with_capacity(count + 8));
    while bytes.len() < count {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend_from_slice(&state.to_le_bytes());
    }
    bytes.truncate(count);
    bytes
}

/// Sets when a file was changed, in seconds since 1970.
fn date(path: &Path, seconds: u64) {
    let time = SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
    let file = File::options().write(true).open(path).expect("it is there");
    file.set_times(FileTimes::new().set_modified(time)).expect("it is ours");
}

/// An answer: its head in small letters, and its body.
pub(super) struct Answer {
    pub(super) head: String,
    pub(super) body: Vec<u8>,
}

impl Answer {
    pub(super) fn status(&self) -> &str {
        self.head.split(' ').nth(1).unwrap_or_default()
    }

    pub(super) fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines.find_map(|(key, value)| key.eq_ignore_ascii_case(name).then_some(value))
    }
}

/// Asks without a client's good manners: the path goes out as it is.
pub(super) fn ask(server: &Server, what: &str, headers: &[&str]) -> Answer {
    ask_at(&server.address, what, headers)
}

pub(super) fn ask_at(address: &str, what: &str, headers: &[&str]) -> Answer {
    let mut stream = TcpStream::connect(address).expect("the server listens");
    stream.set_read_timeout(Some(DEADLINE)).expect("a timeout");
    let headers: String = headers.iter().map(|header| format!("{header}\r\n")).collect();
    let request = format!("{what} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n{headers}\r\n");
    stream.write_all(request.as_bytes()).expect("sent");
    let mut all = Vec::new();
    stream.read_to_end(&mut all).expect("it ends in good order, and in time");
    let end = all.windows(4).position(|four| four == b"\r\n\r\n").expect("a head");
    Answer { head: text(&all[..end]), body: all[end + 4..].to_vec() }
}

fn get(server: &Server, path: &str, headers: &[&str]) -> Answer {
    ask(server, &format!("GET {path}"), headers)
}

#[test]
fn serve_sends_a_whole_file_and_tells_what_it_is() {
    let root = root("serve-whole");
    let film = bytes(20 * 1024 * 1024);
    fs::write(root.join("film.MP4"), &film).expect("a file");
    fs::write(root.join("empty.css"), "").expect("a file");
    date(&root.join("film.MP4"), 1_000_000_000);
    let server = serve(&root, &[]);

    let answer = get(&server, "/film.MP4", &[]);
    assert_eq!(answer.status(), "200", "{}", answer.head);
    assert_eq!(answer.header("content-type"), Some("video/mp4"));
    assert_eq!(answer.header("content-length"), Some("20971520"));
    assert_eq!(answer.header("accept-ranges"), Some("bytes"));
    assert_eq!(answer.header("last-modified"), Some("Sun, 09 Sep 2001 01:46:40 GMT"));
    assert_eq!(answer.header("content-encoding"), None);
    assert!(answer.body == film, "{} bytes have come, or others", answer.body.len());

    // A HEAD is told the same, ranges or not.
    let head = ask(&server, "HEAD /film.MP4", &["range: bytes=0-9"]);
    let without_date = |answer: &Answer| {
        answer.head.lines().filter(|line| !line.starts_with("date: ")).map(String::from).collect()
    };
    let (head_said, get_said): (Vec<_>, Vec<_>) = (without_date(&head), without_date(&answer));
    assert_eq!(head_said, get_said);
    assert_eq!(head.body, b"");

    let empty = get(&server, "/empty.css", &["accept-encoding: gzip, br"]);
    assert_eq!(empty.status(), "200", "{}", empty.head);
    assert_eq!(empty.header("content-length"), Some("0"));
    assert_eq!(empty.header("content-type"), Some("text/css; charset=utf-8"));
    stop(server);
}

#[test]
fn serve_sends_what_is_asked_for_and_nothing_that_is_not_there() {
    let root = root("serve-ranges");
    fs::write(root.join("ten"), "0123456789").expect("a file");
    fs::write(root.join("none"), "").expect("a file");
    let server = serve(&root, &[]);
    for (range, place, body) in [
        ("bytes=0-0", "0-0", "0"),
        ("bytes=2-4", "2-4", "234"),
        ("bytes=7-", "7-9", "789"),
        ("bytes=-3", "7-9", "789"),
        ("bytes=-99", "0-9", "0123456789"),
        ("bytes=8-99", "8-9", "89"),
        ("bytes=8-99999999999999999999999999", "8-9", "89"),
        ("BYTES= 2-4 ", "2-4", "234"),
        ("bytes=,2-4,", "2-4", "234"),
        ("bytes=99-,3-3", "3-3", "3"),
    ] {
        let answer = get(&server, "/ten", &[&format!("range: {range}")]);
        assert_eq!(answer.status(), "206", "{range}: {}", answer.head);
        assert_eq!(answer.header("content-range"), Some(&*format!("bytes {place}/10")), "{range}");
        assert_eq!(answer.header("content-length"), Some(&*body.len().to_string()), "{range}");
        assert_eq!(text(&answer.body), body, "{range}");
    }
    // What makes no sense is passed over, and so is what is more than the file.
    let many = format!("bytes={}", ["0-0"; 33].join(","));
    for range in [
        "bytes=4-2",
        "bytes=",
        "bytes",
        "bytes=x-",
        "bytes=+1-2",
        "bytes=1",
        "bytes=-",
        "lines=1-2",
        "bytes=0-7,5-9",
        &many,
    ] {
        let answer = get(&server, "/ten", &[&format!("range: {range}")]);
        assert_eq!(answer.status(), "200", "{range}: {}", answer.head);
        assert_eq!(text(&answer.body), "0123456789", "{range}");
    }
    let twice = get(&server, "/ten", &["range: bytes=0-1", "range: bytes=2-3"]);
    assert_eq!((twice.status(), &*twice.body), ("200", &b"0123456789"[..]));
    for (path, range) in [
        ("/ten", "bytes=10-"),
        ("/ten", "bytes=99999999999999999999999999-"),
        ("/ten", "bytes=-0"),
        ("/ten", "bytes=10-11,20-"),
        ("/none", "bytes=0-"),
        ("/none", "bytes=-1"),
    ] {
        let answer = get(&server, path, &[&format!("range: {range}")]);
        let length = if path == "/ten" { 10 } else { 0 };
        assert_eq!(answer.status(), "416", "{range}: {}", answer.head);
        assert_eq!(answer.header("content-range"), Some(&*format!("bytes */{length}")), "{range}");
    }
    stop(server);
}

#[test]
fn serve_sends_ranges_beyond_four_gibibytes() {
    const FAR: u64 = 5 << 30;
    let root = root("serve-far");
    let file = File::create(root.join("disk.img")).expect("a file");
    std::os::unix::fs::FileExt::write_at(&file, b"far out", FAR).expect("there is room");
    let server = serve(&root, &[]);
    for (range, place, body) in [
        (format!("{}-", FAR - 1), format!("{}-{}", FAR - 1, FAR + 6), "\0far out"),
        ("-3".into(), format!("{}-{}", FAR + 4, FAR + 6), "out"),
    ] {
        let answer = get(&server, "/disk.img", &[&format!("range: bytes={range}")]);
        assert_eq!((answer.status(), &*text(&answer.body)), ("206", body));
        let place = format!("bytes {place}/{}", FAR + 7);
        assert_eq!(answer.header("content-range"), Some(&*place));
    }
    let head = ask(&server, "HEAD /disk.img", &[]);
    assert_eq!(head.header("content-length"), Some("5368709127"));
    fs::remove_file(root.join("disk.img")).expect("it is ours");
    stop(server);
}

#[test]
fn serve_sends_several_ranges_in_parts() {
    let root = root("serve-parts");
    let film = bytes(1_000_000);
    fs::write(root.join("film.mp4"), &film).expect("a file");
    let server = serve(&root, &[]);
    let ranges = ["range: bytes=0-9,500000-799999,-1"];
    let answer = get(&server, "/film.mp4", &ranges);
    assert_eq!(answer.status(), "206", "{}", answer.head);
    assert_eq!(answer.header("content-range"), None, "each part has its own");
    let kind = answer.header("content-type").expect("a kind");
    let boundary = kind.strip_prefix("multipart/byteranges; boundary=").expect("several parts");
    let mut expected = Vec::new();
    for range in [0..10, 500_000..800_000, 999_999..1_000_000] {
        let (first, last) = (range.start, range.end - 1);
        let head =
            format!("Content-Type: video/mp4\r\nContent-Range: bytes {first}-{last}/1000000");
        expected.extend_from_slice(format!("\r\n--{boundary}\r\n{head}\r\n\r\n").as_bytes());
        expected.extend_from_slice(&film[range]);
    }
    expected.extend_from_slice(format!("\r\n--{boundary}--\r\n").as_bytes());
    assert_eq!(answer.header("content-length"), Some(&*expected.len().to_string()));
    assert!(answer.body == expected, "{} bytes have come, or others", answer.body.len());
    stop(server);
}

#[test]
fn serve_lets_curl_go_on_where_it_was_broken_off() {
    let root = root("serve-resume");
    let film = bytes(3_000_000);
    fs::write(root.join("film"), &film).expect("a file");
    let server = serve(&root, &[]);
    let (url, copy) = (format!("http://{}/film", server.address), temporary("serve-copy"));
    fs::write(&copy, &film[..1_234_567]).expect("a file");
    let path = copy.to_str().expect("a path of ours");
    let say = "%{http_code} %{size_download}\n";
    expect_curl(&["-C", "-", "-o", path, &url, "-w", say], "206 1765433\n");
    if curl(&["-r", "-5", &url]).is_some_and(|output| output.stdout == film[2_999_995..]) {
        assert!(fs::read(&copy).expect("a copy") == film, "the copy differs");
    }
    // Over one connection, one after the other.
    expect_curl(
        &[
            "-r",
            "0-2",
            &url,
            &url,
            "-o",
            "/dev/null",
            "-o",
            "/dev/null",
            "-w",
            "%{http_code} %{num_connects}\n",
        ],
        "206 1\n206 0\n",
    );
    stop(server);
}

#[test]
fn serve_sends_nothing_that_is_known_already() {
    let root = root("serve-known");
    let path = root.join("page.html");
    fs::write(&path, "a page").expect("a file");
    date(&path, 1_000_000_000);
    let server = serve(&root, &[]);
    let first = get(&server, "/page.html", &[]);
    let tag = first.header("etag").expect("a tag").to_owned();
    assert!(tag.starts_with('"') && tag.ends_with('"') && tag.len() > 2, "{tag}");
    let (same, before, after) = (
        "Sun, 09 Sep 2001 01:46:40 GMT",
        "Sun, 09 Sep 2001 01:46:39 GMT",
        "Sun, 09 Sep 2001 01:46:41 GMT",
    );
    let check = |headers: &[String], status: &str, body: &str| {
        let headers: Vec<&str> = headers.iter().map(String::as_str).collect();
        let answer = get(&server, "/page.html", &headers);
        assert_eq!((answer.status(), &*text(&answer.body)), (status, body), "{headers:?}");
        assert_eq!(answer.header("etag"), Some(&*tag), "{headers:?}");
    };
    for (header, status) in [
        (format!("if-none-match: {tag}"), "304"),
        (format!("if-none-match: W/{tag}"), "304"),
        (format!("if-none-match: \"other\", {tag}"), "304"),
        ("if-none-match: *".into(), "304"),
        ("if-none-match: \"other\"".into(), "200"),
        (format!("if-modified-since: {same}"), "304"),
        (format!("if-modified-since: {after}"), "304"),
        (format!("if-modified-since: {before}"), "200"),
        ("if-modified-since: yesterday".into(), "200"),
        // A tag says more than a date.
        (format!("if-none-match: \"other\"\r\nif-modified-since: {same}"), "200"),
        (format!("if-match: {tag}"), "200"),
        ("if-match: *".into(), "200"),
        (format!("if-unmodified-since: {same}"), "200"),
    ] {
        check(&[header], status, if status == "200" { "a page" } else { "" });
    }
    for header in [
        "if-match: \"other\"".into(),
        format!("if-match: W/{tag}"),
        format!("if-unmodified-since: {before}"),
    ] {
        check(&[header], "412", "412 Precondition Failed\n");
    }
    // A part only to who has the other part of the same file.
    let range = || "range: bytes=2-".to_owned();
    check(&[range(), format!("if-range: {tag}")], "206", "page");
    check(&[range(), format!("if-range: {same}")], "206", "page");
    check(&[range(), "if-range: \"other\"".into()], "200", "a page");
    check(&[range(), format!("if-range: W/{tag}")], "200", "a page");
    check(&[range(), format!("if-range: {before}")], "200", "a page");
    check(&[range(), format!("if-none-match: {tag}")], "304", "");
    if let Some(output) = curl(&[
        "-i",
        "-H",
        &format!("If-None-Match: {tag}"),
        &format!("http://{}/page.html", server.address),
    ]) {
        assert!(text(&output.stdout).starts_with("HTTP/1.1 304 Not Modified\r\n"), "{output:?}");
    }

    // Another file, another tag; and one that may change once more before its time does is not sure.
    fs::write(&path, "A PAGE").expect("a file");
    let now = SystemTime::UNIX_EPOCH.elapsed().expect("a clock that is right");
    date(&path, now.as_secs() + 1000); // fresh, however slow this test is
    let second = get(&server, "/page.html", &["if-match: *", "range: bytes=0-"]);
    let fresh = second.header("etag").expect("a tag");
    assert_eq!((second.status(), &*second.body), ("206", &b"A PAGE"[..]));
    assert!(fresh.starts_with("W/\"") && !fresh.contains(&tag), "{fresh}");
    for tag in [fresh, fresh.trim_start_matches("W/")] {
        let part = get(&server, "/page.html", &["range: bytes=0-0", &format!("if-range: {tag}")]);
        assert_eq!(part.status(), "200", "{tag}: {}", part.head);
    }
    stop(server);
}

#[test]
fn serve_tells_only_times_that_http_can_tell() {
    let root = root("serve-times");
    let (old, new) = (root.join("old"), root.join("new"));
    for (path, time) in [
        (&old, SystemTime::UNIX_EPOCH - Duration::from_secs(1_000_000)),
        (&new, SystemTime::now() + Duration::from_secs(86_400)),
    ] {
        let file = File::create(path).expect("a file");
        file.set_times(FileTimes::new().set_modified(time)).expect("it is ours");
    }
    let server = serve(&root, &[]);
    let answer = get(&server, "/old", &[]);
    assert_eq!(answer.header("last-modified"), Some("Thu, 01 Jan 1970 00:00:00 GMT"));
    let answer = get(&server, "/new", &[]);
    let (told, now) = (answer.header("last-modified"), answer.header("date"));
    let seconds = |date: Option<&str>| {
        let date = date.and_then(|date| httpdate::parse_http_date(date).ok()).expect("a date");
        date.duration_since(SystemTime::UNIX_EPOCH).expect("a date of ours").as_secs()
    };
    // hyper tells the time once in a second.
    assert!(seconds(told) <= seconds(now) + 1, "{}", answer.head);
    stop(server);
}

#[test]
fn serve_shows_what_stands_in_a_directory() {
    let root = root("serve-directories");
    let odd = OsStr::from_bytes(b"odd <b>&\"'#?%:\xff.txt");
    for name in ["b.txt", "a.txt", ".hidden", "index.htm"] {
        fs::write(root.join(name), name).expect("a file");
    }
    fs::create_dir_all(root.join("z dir/deep")).expect("a directory");
    fs::create_dir_all(root.join("home")).expect("a directory");
    fs::write(root.join("home/index.html"), "welcome").expect("a file");
    // There are file systems that take no such name.
    let has_odd = fs::write(root.join(odd), "odd").is_ok();
    let server = serve(&root, &[]);

    let page = get(&server, "/", &[]);
    assert_eq!(page.header("content-type"), Some("text/html; charset=utf-8"));
    let page = text(&page.body);
    let links: Vec<&str> =
        page.lines().filter_map(|it| it.strip_prefix("<li><a href=\"")).collect();
    let odd_link = "odd%20%3Cb%3E%26%22%27%23%3F%25%3A%FF.txt";
    let odd_line = format!("{odd_link}\">odd &lt;b&gt;&amp;&quot;&#39;#?%:\u{fffd}.txt</a>");
    let mut expected = vec![
        "home/\">home/</a>",
        "z%20dir/\">z dir/</a>",
        "a.txt\">a.txt</a>",
        "b.txt\">b.txt</a>",
        "index.htm\">index.htm</a>",
    ];
    if has_odd {
        expected.push(&odd_line);
        assert_eq!(get(&server, &format!("/{odd_link}?query"), &[]).body, b"odd");
    }
    assert_eq!(links, expected);
    let below = text(&get(&server, "/z%20dir/", &[]).body);
    assert!(below.contains("<h1>/z dir</h1>\n<ul>\n<li><a href=\"../\">../</a>\n<li><a href=\"deep/\">deep/</a>\n</ul>\n"), "{below}");

    assert_eq!(get(&server, "/home/", &[]).body, b"welcome");
    for (path, to) in [("/z%20dir", "/z%20dir/"), ("/home?a=b", "/home/?a=b")] {
        let answer = get(&server, path, &[]);
        assert_eq!((answer.status(), answer.header("location")), ("301", Some(to)));
    }
    expect_curl(&["-L", &format!("http://{}/home", server.address)], "welcome");
    let head = ask(&server, "HEAD /", &[]);
    assert_eq!((head.status(), &*head.body), ("200", &b""[..]));
    stop(server);
}
