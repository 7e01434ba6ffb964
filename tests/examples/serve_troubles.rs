//! `serve` and those who mean it ill, files that change, clients that are slow, and its end.

use super::clients::*;
use super::serve::{ask, ask_at, bytes, root, serve};
use std::fs::{self, File};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

#[test]
fn serve_never_leaves_its_directory() {
    let above = root("serve-outside");
    let root = above.join("root");
    fs::create_dir_all(root.join("dir")).expect("a directory");
    fs::create_dir_all(above.join("root-beside")).expect("a directory");
    for secret in ["secret", "root-beside/secret", "root/.secret"] {
        fs::write(above.join(secret), "secret").expect("a file");
    }
    fs::write(root.join("file"), "file").expect("a file");
    symlink("../secret", root.join("out")).expect("a link");
    symlink("..", root.join("up")).expect("a link");
    symlink("../root-beside", root.join("beside")).expect("a link");
    symlink("../../secret", root.join("dir/index.html")).expect("a link");
    symlink("loop", root.join("loop")).expect("a link");
    symlink("nowhere", root.join("dangling")).expect("a link");
    symlink("file", root.join("link")).expect("a link");
    assert!(
        Command::new("mkfifo").arg(root.join("fifo")).status().expect("mkfifo exists").success()
    );
    let server = serve(&root, &[]);
    let long = format!("/{}", "x".repeat(300));
    for (path, status) in [
        ("/../secret", "400"),
        ("/dir/../../secret", "400"),
        ("/dir/../file", "400"),
        ("/%2e%2e/secret", "400"),
        ("/%2E./secret", "400"),
        ("/..%2fsecret", "400"),
        ("/%2e%2e%2fsecret", "400"),
        ("/.", "400"),
        ("/file%00", "400"),
        ("/file%00.html", "400"),
        ("/%zz", "400"),
        ("/%2", "400"),
        ("/%", "400"),
        ("/%252e%252e/secret", "404"),
        ("/..\\secret", "404"),
        ("//secret", "404"),
        ("/dir//", "404"),
        ("/.secret", "404"),
        ("/%2esecret", "404"),
        ("/out", "403"),
        ("/up/", "403"),
        ("/up/secret", "403"),
        ("/beside/secret", "403"),
        ("/dir/", "403"),
        ("/fifo", "403"),
        ("/loop", "404"),
        ("/dangling", "404"),
        ("/nothing", "404"),
        ("/file/", "404"),
        ("/file/more", "404"),
        (&long, "404"),
        ("/link", "200"),
        ("http://elsewhere/file", "200"),
    ] {
        let answer = ask(&server, &format!("GET {path}"), &[]);
        assert_eq!(answer.status(), status, "{path}: {}", answer.head);
        assert!(!text(&answer.body).contains("secret"), "{path}");
    }
    for method in ["POST", "PUT", "DELETE", "OPTIONS", "BREW"] {
        let answer = ask(&server, &format!("{method} /file"), &["content-length: 0"]);
        assert_eq!(
            (answer.status(), answer.header("allow")),
            ("405", Some("GET, HEAD")),
            "{method}"
        );
    }
    let answer = ask(&server, "nonsense", &[]);
    assert_eq!(answer.status(), "400", "{}", answer.head);
    stop(server);
}

#[test]
fn serve_says_what_it_may_not_read() {
    let root = root("serve-forbidden");
    let (file, dir) = (root.join("file"), root.join("dir"));
    fs::write(&file, "file").expect("a file");
    fs::create_dir(&dir).expect("a directory");
    for path in [&file, &dir] {
        fs::set_permissions(path, fs::Permissions::from_mode(0o000)).expect("it is ours");
    }
    if File::open(&file).is_ok() {
        return; // nothing is forbidden to root
    }
    let server = serve(&root, &[]);
    for path in ["/file", "/dir/", "/dir/file"] {
        assert_eq!(ask(&server, &format!("GET {path}"), &[]).status(), "403", "{path}");
    }
    fs::set_permissions(&dir, fs::Permissions::from_mode(0o700)).expect("it is ours");
    stop(server);
}

/// Asks for a file, and reads the beginning of the answer.
fn begin(server: &Server, path: &str) -> TcpStream {
    let mut stream = connect(server);
    let request = format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).expect("sent");
    stream.read_exact(&mut [0; 1]).expect("it comes");
    stream
}

/// More than all buffers on the way take.
const LONG: usize = 32 * 1024 * 1024;

#[test]
fn serve_breaks_off_what_becomes_shorter_and_says_so() {
    let root = root("serve-shorter");
    let path = root.join("log");
    let file = File::create(&path).expect("a file");
    file.set_len(LONG as u64).expect("there is room");
    let mut command = example("serve");
    command.args(["--listen", "127.0.0.1:0"]).arg(&root);
    let (server, errors) = Server::start_heard(&mut command, "serving on ");
    let mut stream = begin(&server, "/log");
    file.set_len(1000).expect("it is ours");
    let mut come = Vec::new();
    // Broken off in one way or the other: what has come is less than was promised.
    let _ = stream.read_to_end(&mut come);
    assert!(come.len() < LONG, "{} bytes have come", come.len());
    let real = fs::canonicalize(&path).expect("it is there");
    errors.expect(&format!("serve: {}: it has become shorter while it was sent", real.display()));
    assert_eq!(ask(&server, "GET /log", &[]).body.len(), 1000, "it goes on");

    // What a real client makes of that.
    file.set_len(LONG as u64).expect("there is room");
    let (url, copy) = (format!("http://{}/log", server.address), root.join("copy"));
    let mut slow = Command::new("curl");
    slow.args(["--silent", "--noproxy", "*", "--limit-rate", "1M", &url, "-o"]).arg(&copy);
    if let Ok(slow) = slow.spawn() {
        let until = Instant::now() + DEADLINE;
        while fs::metadata(&copy).map_or(0, |known| known.len()) == 0 {
            assert!(Instant::now() < until, "nothing comes");
            thread::sleep(Duration::from_millis(1));
        }
        file.set_len(1000).expect("it is ours");
        let code = finish(slow).status.code();
        assert!([Some(18), Some(56)].contains(&code), "partial, or reset: {code:?}");
    }
    stop(server);
}

#[test]
fn serve_sends_all_of_a_file_that_is_removed_meanwhile() {
    let root = root("serve-removed");
    let film = bytes(LONG);
    fs::write(root.join("film"), &film).expect("a file");
    let server = serve(&root, &[]);
    let mut stream = begin(&server, "/film");
    fs::remove_file(root.join("film")).expect("it is ours");
    let mut come = Vec::new();
    stream.read_to_end(&mut come).expect("it ends in good order");
    assert!(come.ends_with(&film), "{} bytes have come, or others", come.len());
    assert_eq!(ask(&server, "GET /film", &[]).status(), "404");
    stop(server);
}

#[test]
fn serve_serves_fifty_at_once() {
    const CLIENTS: usize = 50;
    let root = root("serve-fifty");
    let film = bytes(4 * 1024 * 1024);
    fs::write(root.join("film"), &film).expect("a file");
    let server = serve(&root, &[]);
    let half = film.len() / 2;
    thread::scope(|scope| {
        for client in 0..CLIENTS {
            let (address, film) = (&server.address, &film);
            scope.spawn(move || {
                let first = client * 1000;
                let range = format!("range: bytes={first}-{}", first + half);
                let answer = ask_at(address, "GET /film", &[&range]);
                assert_eq!(answer.status(), "206", "{}", answer.head);
                assert!(answer.body == film[first..=first + half], "client {client}");
            });
        }
    });
    #[cfg(target_os = "linux")]
    {
        let peak = peak_kilobytes(&server);
        assert!(peak < 100_000, "50 clients took {peak} kB of memory");
    }
    stop(server);
}

#[test]
#[cfg(target_os = "linux")]
fn serve_keeps_nothing_for_who_is_slow_and_nothing_open_for_who_has_gone() {
    let root = root("serve-slow");
    let film = File::create(root.join("film")).expect("a file");
    film.set_len(4 * LONG as u64).expect("there is room");
    fs::write(root.join("small"), "small").expect("a file");
    let server = serve(&root, &[]);
    assert_eq!(ask(&server, "GET /small", &[]).body, b"small");
    let before = descriptors(&server);
    let sleepers: Vec<_> = (0..10).map(|_| begin(&server, "/film")).collect();
    let url = format!("http://{}/film", server.address);
    let mut slow = Command::new("curl");
    slow.args(["--silent", "--noproxy", "*", "--limit-rate", "100k", "-o", "/dev/null", &url]);
    let slow = slow.spawn();
    for _ in 0..5 {
        assert_eq!(ask(&server, "GET /small", &[]).body, b"small", "others are served");
    }
    assert!(descriptors(&server) >= before + 15, "a socket and a file for each");
    let peak = peak_kilobytes(&server);
    assert!(peak < 50_000, "{peak} kB of memory for those who take nothing");

    drop(sleepers);
    if let Ok(mut slow) = slow {
        slow.kill().expect("it is our own");
        slow.wait().expect("it is our own");
    }
    let until = Instant::now() + DEADLINE;
    while descriptors(&server) > before {
        assert!(Instant::now() < until, "{} are open still", descriptors(&server));
        thread::sleep(Duration::from_millis(1));
    }
    stop(server);
}

#[test]
#[cfg(target_os = "linux")]
fn serve_cuts_off_who_takes_nothing() {
    let root = root("serve-sleeper");
    let film = File::create(root.join("film")).expect("a file");
    film.set_len(LONG as u64).expect("there is room");
    let mut command = example("serve");
    command.args(["--listen", "127.0.0.1:0", "--patience", "1"]).arg(&root);
    let (server, errors) = Server::start_heard(&mut command, "serving on ");
    let before = descriptors(&server);
    let sleeper = begin(&server, "/film");
    let until = Instant::now() + DEADLINE;
    while descriptors(&server) > before {
        assert!(Instant::now() < until, "the sleeper was never cut off");
        thread::sleep(Duration::from_millis(1));
    }
    drop(sleeper);
    stop(server);
    errors.expect_end(); // that is nothing to report
}

#[test]
fn serve_goes_on_when_there_are_no_descriptors() {
    let root = root("serve-narrow");
    let film = File::create(root.join("film")).expect("a file");
    film.set_len(LONG as u64).expect("there is room");
    fs::write(root.join("small"), "small").expect("a file");
    let program = example("serve");
    let mut command = Command::new("sh");
    command.args(["-c", "ulimit -n 32; exec \"$0\" \"$@\""]).arg(program.get_program());
    let server = Server::start(command.args(["--listen", "127.0.0.1:0"]).arg(&root), "serving on ");
    let mut refused = 0;
    let mut sleepers = Vec::new();
    while refused == 0 {
        assert!(sleepers.len() < 32, "there are enough");
        let mut sleeper = connect(&server);
        sleeper.write_all(b"GET /film HTTP/1.1\r\nhost: x\r\n\r\n").expect("sent");
        let mut head = [0; 12];
        sleeper.read_exact(&mut head).expect("it comes");
        refused += usize::from(head == *b"HTTP/1.1 503");
        sleepers.push(sleeper);
    }
    drop(sleepers);
    let until = Instant::now() + DEADLINE;
    while ask(&server, "GET /small", &[]).status() != "200" {
        assert!(Instant::now() < until, "it serves nobody any more");
    }
    stop(server);
}

#[test]
fn serve_ends_when_its_answers_have_or_when_its_grace_has() {
    let root = root("serve-end");
    let film = bytes(LONG);
    fs::write(root.join("film"), &film).expect("a file");
    let server = serve(&root, &["--grace", "60"]);
    let idle = connect(&server);
    let mut stream = begin(&server, "/film");
    server.signal("-INT");
    server.lines.wait_for_start_of_line("closing, ");
    let mut come = Vec::new();
    stream.read_to_end(&mut come).expect("it ends in good order");
    assert!(come.ends_with(&film), "{} bytes have come, or others", come.len());
    assert_eq!(finish(server.child).status.code(), Some(0));
    assert_eq!(rest(idle), "");

    let server = serve(&root, &["--grace", "0.2"]);
    let mut sleeper = begin(&server, "/film");
    server.signal("-TERM");
    assert_eq!(finish(server.child).status.code(), Some(0));
    let mut come = Vec::new();
    let _ = sleeper.read_to_end(&mut come);
    assert!(come.len() < LONG, "it was cut off");
}

#[test]
fn serve_says_what_is_wrong_with_its_arguments() {
    let file = root("serve-arguments").join("file");
    fs::write(&file, "").expect("a file");
    let file = file.to_str().expect("a path of ours");
    for (args, code, said) in [
        (&["--loud"][..], 2, "serve: no such option: --loud\nusage: serve "),
        (&["--grace", "soon"], 2, "serve: --grace wants a number of seconds\n"),
        (&["--patience", "-1"], 2, "serve: --patience wants a number of seconds\n"),
        (&["--listen"], 2, "serve: --listen wants a value\n"),
        (&["/no/such/place"], 1, "/no/such/place: No such file"),
        (&[file], 1, ": no directory"),
        (&["--listen", "nowhere"], 1, "listen nowhere: not an address"),
    ] {
        let output = run(example("serve").args(args));
        assert_eq!(output.status.code(), Some(code), "{args:?}: {output:?}");
        assert!(text(&output.stderr).contains(said), "{args:?}: {output:?}");
    }
}
