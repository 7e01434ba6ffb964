//! Every example, run for real, with what it prints checked.
//!
//! The clients are `nc` processes. Where there is no `nc`, plain sockets stand in, so that the tests need
//! nothing but Rust; with `ONWARD_REQUIRE_NC` set, a missing `nc` fails them. What takes `curl` or a Chromium is left out
//! without one, unless `ONWARD_REQUIRE_CURL` and `ONWARD_REQUIRE_CHROMIUM` are set.
#![cfg(all(unix, feature = "net", feature = "fs", feature = "process"))]

mod examples {
    mod browser;
    mod chromium;
    pub(crate) mod clients;
    mod http;
    mod serve;
    mod serve_troubles;
    #[cfg(feature = "tls")]
    mod tls;
    mod websocket;
}

use examples::clients::*;
use std::fs;
use std::io::Write;
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::channel;
use std::thread;
use std::time::{Duration, Instant};

/// A player: `nc -u`, or a plain socket where there is none; and what it is told.
fn player(address: &str, word: &str) -> (Option<Child>, Lines) {
    let (host, port) = address.rsplit_once(':').expect("an address");
    let mut nc = Command::new("nc");
    nc.args(["-u", host, port]).stdin(Stdio::piped()).stdout(Stdio::piped());
    match nc.spawn() {
        Ok(mut child) => {
            let said = child.stdin.as_mut().expect("it was piped").write_all(word.as_bytes());
            said.expect("it reads");
            let lines = Lines::of(child.stdout.take().expect("it was piped"));
            (Some(child), lines)
        }
        Err(error) => {
            assert!(std::env::var_os("ONWARD_REQUIRE_NC").is_none(), "no nc: {error}");
            let socket = std::net::UdpSocket::bind("127.0.0.1:0").expect("a free port");
            socket.connect(address).expect("an address");
            socket.send(word.as_bytes()).expect("it is sent");
            socket.set_read_timeout(Some(DEADLINE)).expect("a timeout");
            let (tell, told) = channel();
            thread::spawn(move || {
                let mut buffer = [0; 2048];
                while let Ok(length) = socket.recv(&mut buffer) {
                    if text(&buffer[..length]).lines().any(|line| tell.send(line.into()).is_err()) {
                        return;
                    }
                }
            });
            (None, Lines(told))
        }
    }
}

#[test]
fn game_tells_all_players_where_everybody_is() {
    let mut server = Server::start(example("game").arg("127.0.0.1:0"), "playing on ");
    let (first, first_lines) = player(&server.address, "right\n");
    first_lines.wait_for_end_of_line(" (1, 0)");
    let (second, second_lines) = player(&server.address, "up\n");
    for lines in [&first_lines, &second_lines] {
        lines.wait_for_end_of_line(" (0, 1)");
        lines.wait_for_end_of_line(" (1, 0)");
    }
    for mut child in [first, second].into_iter().flatten() {
        child.kill().expect("it is our own");
        child.wait().expect("it is our own");
    }
    server.signal("-INT");
    server.lines.wait_for_start_of_line("goodbye: ");
    assert!(server.child.wait().expect("it ends").success());
}

#[test]
fn chat_serves_several_people_and_ends_in_order() {
    let log = temporary("chat.log");
    let _ = fs::remove_file(&log);
    let mut command = example("chat");
    let server =
        Server::start(command.args(["--listen", "127.0.0.1:0", "--log"]).arg(&log), "chatting on ");

    let (mut ada, ada_sees) = Client::connect(&server.address);
    ada.say("ada");
    ada_sees.expect("Welcome! Your name? * ada joined");

    let (mut bob, bob_sees) = Client::connect(&server.address);
    bob.say("ada");
    bob.say("");
    bob.say("bob");
    bob_sees.expect("Welcome! Your name? That name is taken. Your name? You need a name. Your name? * bob joined");
    ada_sees.expect("* bob joined");

    bob.say("hello \u{1b}[31mthere");
    ada_sees.expect("bob: hello \u{fffd}[31mthere");
    bob_sees.expect("bob: hello \u{fffd}[31mthere");
    ada.say("/who");
    ada_sees.expect("* 2 here: ada, bob");

    bob.say("/quit");
    bob_sees.expect("* goodbye");
    bob.hang_up();
    bob_sees.expect_end();
    ada_sees.expect("* bob left");

    let (mut eve, eve_sees) = Client::connect(&server.address);
    eve.say("eve");
    eve_sees.expect("Welcome! Your name? * eve joined");
    ada_sees.expect("* eve joined");
    eve.hang_up();
    ada_sees.expect("* eve left");

    server.signal("-INT");
    ada_sees.expect("* the room closes, goodbye");
    ada.hang_up();
    ada_sees.expect_end();
    let output = finish(server.child);
    assert_eq!(output.status.code(), Some(0));
    let transcript = "* ada joined\n* bob joined\nbob: hello \u{fffd}[31mthere\n* bob left\n* eve joined\n* eve left\n* ada left\n";
    assert_eq!(fs::read_to_string(&log).expect("there is a transcript"), transcript);
}

#[test]
fn chat_cuts_off_who_never_reads_and_nobody_else_notices() {
    let mut command = example("chat");
    let server = Server::start(command.args(["--listen", "127.0.0.1:0"]), "chatting on ");
    let (mut ada, ada_sees) = Client::connect(&server.address);
    ada.say("ada");
    ada_sees.expect("Welcome! Your name? * ada joined");

    let mut sleeper = TcpStream::connect(&server.address).expect("the server listens");
    sleeper.write_all(b"sleeper\n").expect("a name");
    ada_sees.expect("* sleeper joined");
    let line = "z".repeat(4000);
    let until = Instant::now() + DEADLINE;
    loop {
        assert!(Instant::now() < until, "the sleeper was never cut off");
        ada.say(&line);
        match ada_sees.next() {
            left if left == "* sleeper left" => break,
            said => assert_eq!(said, format!("ada: {line}")),
        }
    }
    ada_sees.wait_for(&format!("ada: {line}"));
    ada.say("/who");
    ada_sees.wait_for("* 1 here: ada");

    server.signal("-TERM");
    ada_sees.expect("* the room closes, goodbye");
    assert_eq!(finish(server.child).status.code(), Some(0));
}

#[test]
fn chat_ends_although_a_guest_does_not_read() {
    let mut command = example("chat");
    let server = Server::start(command.args(["--listen", "127.0.0.1:0"]), "chatting on ");
    let _nameless = TcpStream::connect(&server.address).expect("the server listens");
    let (mut ada, ada_sees) = Client::connect(&server.address);
    ada.say("ada");
    ada_sees.expect("Welcome! Your name? * ada joined");
    server.signal("-INT");
    server.lines.expect("");
    server.lines.expect("closing, goodbye to 2");
    assert_eq!(finish(server.child).status.code(), Some(0));
}

#[test]
fn chat_is_one_room_for_those_who_come_by_tcp_and_by_a_unix_socket() {
    // The path of a socket is short.
    let path = std::env::temp_dir().join(format!("onward-chat-{}.sock", std::process::id()));
    let mut command = example("chat");
    let command = command.args(["--listen", "127.0.0.1:0", "--unix"]).arg(&path);
    let server = Server::start(command, "chatting on ");
    let by_path = format!("unix:{}", path.display());
    server.lines.expect(&format!("chatting on {by_path}"));

    let (mut ada, ada_sees) = Client::connect(&server.address);
    ada.say("ada");
    ada_sees.expect("Welcome! Your name? * ada joined");
    let (mut bob, bob_sees) = Client::connect(&by_path);
    bob.say("bob");
    bob_sees.expect("Welcome! Your name? * bob joined");
    ada_sees.expect("* bob joined");
    bob.say("hello");
    ada_sees.expect("bob: hello");
    ada.say("hello bob");
    bob_sees.wait_for("ada: hello bob");

    server.signal("-INT");
    for (client, sees) in [(ada, ada_sees), (bob, bob_sees)] {
        sees.wait_for("* the room closes, goodbye");
        client.hang_up();
        sees.expect_end();
    }
    assert_eq!(finish(server.child).status.code(), Some(0));
    assert!(!path.exists());
}

#[test]
fn chat_says_what_is_wrong_with_its_arguments() {
    let output = run(example("chat").args(["--listen", "nowhere"]));
    assert_eq!(output.status.code(), Some(1));
    assert!(
        text(&output.stderr).contains("listen nowhere: not an address, want HOST:PORT"),
        "{output:?}"
    );
    let output = run(example("chat").arg("--loud"));
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).starts_with("chat: no such option: --loud"), "{output:?}");
}

#[test]
fn echo_echoes_and_sinks() {
    let server = Server::start(example("echo").arg("0"), "listening on ");
    let (mut client, sees) = Client::connect(&server.address);
    client.say("over the hills");
    sees.expect("over the hills");
    client.hang_up();
    sees.expect_end();
    server.signal("-KILL");
    finish(server.child);

    let server = Server::start(example("echo").args(["0", "sink", "65536"]), "listening on ");
    let (mut client, sees) = Client::connect(&server.address);
    client.say("and far away");
    client.hang_up();
    sees.expect_end();
    server.signal("-KILL");
    finish(server.child);
}

#[test]
fn cat_streams_files_fifos_and_proc() {
    let (first, second, fifo) = (temporary("first"), temporary("second"), temporary("fifo"));
    let long = "0123456789abcdef".repeat(40_000);
    fs::write(&first, &long).expect("a file");
    fs::write(&second, "the end\n").expect("a file");
    let _ = fs::remove_file(&fifo);
    assert!(Command::new("mkfifo").arg(&fifo).status().expect("mkfifo exists").success());
    let writer = thread::spawn({
        let fifo = fifo.clone();
        move || fs::write(fifo, "through the pipe\n")
    });
    let output = run(example("cat").args([&first, &fifo, &second]).arg("/proc/version"));
    let version = fs::read_to_string("/proc/version").unwrap_or_default();
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    assert_eq!(text(&output.stdout), format!("{long}through the pipe\nthe end\n{version}"));
    writer.join().expect("the writer did not panic").expect("the fifo was read");

    let output = run(example("cat").arg("--count").args([&first, &second]));
    assert_eq!(
        text(&output.stdout),
        format!("640000 {}\n8 {}\n", first.display(), second.display())
    );

    let output = run(example("cat").arg(&first).arg("/nowhere/at/all"));
    assert_eq!(output.status.code(), Some(1));
    assert!(
        text(&output.stderr).contains("open /nowhere/at/all: No such file or directory"),
        "{output:?}"
    );
}

#[test]
fn cat_appends_to_where_standard_output_points() {
    let (from, to) = (temporary("append-from"), temporary("append-to"));
    fs::write(&from, "two\n").expect("a file");
    fs::write(&to, "one\n").expect("a file");
    let output = fs::OpenOptions::new().append(true).open(&to).expect("it is there");
    let mut child =
        example("cat").arg(&from).stdout(output).spawn().expect("the example was built");
    assert!(child.wait().expect("a child can be waited for").success());
    assert_eq!(fs::read_to_string(&to).expect("it is there"), "one\ntwo\n");
}

#[test]
fn copy_copies_and_says_why_not() {
    let (from, to) = (temporary("copy-from"), temporary("copy-to"));
    let bytes: Vec<u8> = (0..3_000_000_u32).map(|number| (number * 7).to_le_bytes()[1]).collect();
    fs::write(&from, &bytes).expect("a file");
    let output = run(example("copy").args([&from, &to]));
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    assert!(fs::read(&to).expect("a copy") == bytes, "the copy differs");

    let untouched = temporary("copy-untouched");
    let output = run(example("copy").arg("/nowhere").arg(&untouched));
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("open /nowhere: No such file"), "{output:?}");
    assert!(!untouched.exists(), "nothing is made for a copy that cannot be");

    if Path::new("/dev/full").exists() {
        let output = run(example("copy").arg(&from).arg("/dev/full"));
        assert_eq!(output.status.code(), Some(1));
        assert!(
            text(&output.stderr).contains("write /dev/full: No space left on device"),
            "{output:?}"
        );
    }
}

#[test]
fn tail_prints_the_last_lines() {
    let (long, short) = (temporary("tail-long"), temporary("tail-short"));
    let lines: String = (1..=30_000).map(|number| format!("line {number}\n")).collect();
    fs::write(&long, lines).expect("a file");
    fs::write(&short, "one\ntwo, without an end").expect("a file");
    let output = run(example("tail").args(["-n", "3"]).arg(&long));
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    assert_eq!(text(&output.stdout), "line 29998\nline 29999\nline 30000\n");
    let output = run(example("tail").args(["-n", "20000"]).arg(&long));
    assert!(text(&output.stdout).starts_with("line 10001\n"), "{output:?}");
    assert_eq!(text(&run(example("tail").arg(&short)).stdout), "one\ntwo, without an end");
    assert_eq!(
        text(&run(example("tail").args(["-n", "1"]).arg(&short)).stdout),
        "two, without an end"
    );
    assert_eq!(text(&run(example("tail").args(["-n", "0"]).arg(&short)).stdout), "");

    let missing = temporary("tail-missing");
    let output = run(example("tail").args(["-n", "1"]).args([&long, &missing, &short]));
    let (first, last) = (long.display(), short.display());
    assert_eq!(
        text(&output.stdout),
        format!("==> {first} <==\nline 30000\n\n==> {last} <==\ntwo, without an end")
    );
    assert!(text(&output.stderr).contains("tail-missing: No such file"), "{output:?}");
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(run(&mut example("tail")).status.code(), Some(2));
}

#[test]
fn tail_follows_files_by_their_names() {
    let (one, two) = (temporary("follow-one"), temporary("follow-two"));
    fs::write(&one, "old\nfirst\n").expect("a file");
    fs::write(&two, "second\n").expect("a file");
    let append = |path: &Path, line: &str| {
        let mut file = fs::OpenOptions::new().append(true).create(true).open(path).expect("a file");
        file.write_all(line.as_bytes()).expect("it can be written");
    };
    let mut command = example("tail");
    command.args(["-f", "-n", "1"]).args([&one, &two]);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("the example was built");
    let sees = Lines::of(child.stdout.take().expect("it is piped"));
    let notes = Lines::of(child.stderr.take().expect("it is piped"));
    let (of_one, of_two) =
        (format!("==> {} <==", one.display()), format!("==> {} <==", two.display()));
    sees.expect(&of_one);
    sees.expect("first");
    sees.expect("");
    sees.expect(&of_two);
    sees.expect("second");
    append(&two, "third\n");
    sees.expect("third");
    append(&one, "fourth\n");
    sees.expect("");
    sees.expect(&of_one);
    sees.expect("fourth");

    // Cut, and rotated.
    fs::OpenOptions::new().write(true).open(&one).and_then(|file| file.set_len(0)).expect("a file");
    notes.expect(&format!("tail: {}: the file was cut", one.display()));
    append(&one, "fifth\n");
    sees.expect("fifth");
    fs::rename(&one, temporary("follow-old")).expect("it is there");
    append(&one, "sixth\n");
    notes.expect(&format!("tail: {}: another file has its name", one.display()));
    sees.expect("sixth");
    child.kill().expect("it runs");
    finish(child);
}

#[test]
fn wc_counts_a_tree_and_says_what_it_could_not() {
    let tree = temporary("wc-tree");
    let _ = fs::remove_dir_all(&tree);
    fs::create_dir_all(tree.join("a/b")).expect("a place");
    fs::write(tree.join("one"), "a word\nand two\n").expect("a file");
    fs::write(tree.join("a/b/deep"), "no end").expect("a file");
    // A word that goes on from one chunk of 64 KiB to the next, and more files than are read at once.
    fs::write(tree.join("a/long"), [&[b'x'; 70_000][..], b" y\n"].concat()).expect("a file");
    for number in 0..50 {
        fs::write(tree.join(format!("a/{number}")), "x\n").expect("a file");
    }
    let output = run(example("wc").arg(&tree));
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let told = text(&output.stdout);
    for (name, counts) in [("one", "2 4 15"), ("a/b/deep", "0 2 6"), ("a/long", "1 2 70003")] {
        let line = format!("{counts} {}", tree.join(name).display());
        assert!(told.lines().any(|other| other == line), "{line:?} in {told}");
    }
    assert_eq!(told.lines().last(), Some("53 58 70124 total of 53 files"));

    let output = run(example("wc").arg(tree.join("one")).arg("/no/such/file"));
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("wc: stat /no/such/file: No such file"), "{output:?}");
    assert_eq!(text(&output.stdout).lines().last(), Some("2 4 15 total of 1 files"));
    fs::remove_dir_all(tree).expect("it is ours");
}

#[test]
#[cfg(target_os = "linux")]
fn wc_shows_a_bar_to_who_looks_and_takes_it_away_again() {
    let (mut user, program) = pseudo_terminal();
    let (file, fifo) = (temporary("wc-long"), temporary("wc-fifo"));
    fs::write(&file, "a word\n".repeat(500_000)).expect("a file");
    let _ = fs::remove_file(&fifo);
    assert!(Command::new("mkfifo").arg(&fifo).status().expect("mkfifo exists").success());
    let mut command = example("wc");
    command.args([&file, &fifo]).stdin(Stdio::null()).stdout(Stdio::piped());
    let child = command.stderr(program).spawn().expect("the example was built");
    drop(command);
    let (tell, told) = channel();
    thread::spawn(move || {
        let (mut all, mut buffer) = (Vec::new(), [0; 4096]);
        // The terminal ends with an error, when nobody has its other side any more.
        while let Ok(count @ 1..) = std::io::Read::read(&mut user, &mut buffer) {
            all.extend_from_slice(&buffer[..count]);
            let _ = tell.send(text(&all));
        }
    });
    let until = Instant::now() + DEADLINE;
    // The FIFO has it wait.
    while !told.recv_timeout(DEADLINE).expect("a bar").contains("iB") {
        assert!(Instant::now() < until, "no bar");
    }
    fs::write(&fifo, "the end\n").expect("it is read");
    let output = finish(child);
    assert_eq!(
        text(&output.stdout).lines().last(),
        Some("500001 1000002 3500008 total of 2 files")
    );
    let last = told.iter().last().unwrap_or_default();
    assert!(last.ends_with("\r\u{1b}[2K"), "the line is empty again: {last:?}");
}

#[test]
fn pipeline_packs_lines_and_unpacks_them() {
    let (from, to) = (temporary("lines.txt"), temporary("lines.packed"));
    fs::write(&from, "a cat\nno dog\r\ntwo cats\n\ncat, the last").expect("it can be written");
    let pack = run(example("pipeline").args(["pack", "cat"]).args([&from, &to]));
    assert_eq!((text(&pack.stdout).as_str(), text(&pack.stderr).as_str()), ("packed\n", ""));
    let packed = b"\0\0\0\x05a cat\0\0\0\x08two cats\0\0\0\x0dcat, the last";
    assert_eq!(fs::read(&to).expect("it is there"), packed);
    let unpack = run(example("pipeline").arg("unpack").arg(&to));
    assert_eq!(text(&unpack.stdout), "a cat\ntwo cats\ncat, the last\n");

    let began = Instant::now();
    let slow = run(example("pipeline").args(["pack", "--rate", "400", "x"]).args([&from, &to]));
    assert!(slow.status.success());
    assert!(began.elapsed() >= Duration::from_millis(80), "41 bytes at 400 bytes a second");
    assert_eq!(fs::read(&to).expect("it is there"), b"");

    fs::write(&to, b"\0\0\0\x05cut").expect("it can be written");
    let cut = run(example("pipeline").arg("unpack").arg(&to));
    let said = text(&cut.stderr);
    assert!(said.ends_with(": read frame: closed before its end\n"), "{said}");
    assert_eq!(run(&mut example("pipeline")).status.code(), Some(2));
}

#[test]
fn sqlite_serves_while_queries_wait() {
    let path = temporary("guests.db");
    let mut command = example("sqlite");
    let server = Server::start(command.arg("127.0.0.1:0").arg(&path), "the guest book lies on ");
    let (mut ada, ada_sees) = Client::connect(&server.address);
    let (mut bob, bob_sees) = Client::connect(&server.address);
    ada.say("hello from \u{1b}[31mAda");
    ada_sees.expect("thank you, you are number 1");

    // Somebody writes, and takes his time: who wants to write has to wait for him.
    let slow = rusqlite::Connection::open(&path).expect("it is there");
    slow.execute_batch("begin immediate; insert into guests (entry) values ('slowly')")
        .expect("nobody else writes");
    ada.say("it is me again");
    server.lines.wait_for_end_of_line("queries: 3 done, 1 under way");
    // Meanwhile the loop goes round, and others are served.
    for _ in 0..3 {
        bob.say("");
        bob_sees.expect("1: hello from \u{fffd}[31mAda");
    }
    server.lines.wait_for_end_of_line("queries: 6 done, 1 under way");
    server.lines.wait_for_end_of_line("queries: 6 done, 1 under way");
    ada_sees.expect_nothing_yet();
    slow.execute_batch("commit").expect("it was begun");
    ada_sees.expect("thank you, you are number 3");

    // All at once, and no more to say: the answers come, in order.
    bob.say("Bob\nwas\nhere");
    bob.hang_up();
    for number in 4..=6 {
        bob_sees.expect(&format!("thank you, you are number {number}"));
    }
    bob_sees.expect_end();

    // Who says too much is cut off. `nc` would not end before it has something to say again.
    let mut eve = TcpStream::connect(&server.address).expect("the server listens");
    let eve_sees = Lines::of(eve.try_clone().expect("a socket can be cloned"));
    eve.write_all(&[b'x'; 10_000]).expect("it is read, or on its way");
    eve_sees.expect_end();

    server.signal("-KILL");
    finish(server.child);
}

#[test]
fn sqlite_says_what_is_wrong_with_its_file() {
    let output = run(example("sqlite").args(["127.0.0.1:0", "/nowhere/at/all.db"]));
    assert_eq!(output.status.code(), Some(1));
    let said = text(&output.stderr);
    assert!(said.contains("unable to open database file: /nowhere/at/all.db"), "{said}");
}

#[test]
fn timers_come_in_the_documented_order() {
    let output = run(&mut example("timers"));
    let expected = "1. setup\n\
                    2. tick of the setup\n\
                    3. timer\n\
                    4. tick of the timer, before the next timer\n\
                    5. second timer\n\
                    6. immediate\n\
                    7. tick of the immediate, before the close\n\
                    8. close\n";
    assert_eq!(text(&output.stdout), expected);
    assert_eq!(output.status.code(), Some(0));
}

#[test]
fn run_shows_what_programs_say_and_starts_those_that_fail_anew() {
    let output = run(example("run").args([
        "--wait",
        "1",
        "--tries",
        "3",
        "good=echo hello",
        "bad=echo oops >&2; exit 3",
    ]));
    let said = text(&output.stdout);
    let of = |name: &str| -> Vec<&str> {
        let lines = said.lines().filter_map(|line| line.strip_prefix(name));
        lines.filter(|line| !line.contains("started as")).collect()
    };
    assert_eq!(of("good | "), ["hello", "* ended: exit status: 0"]);
    let failed = "* failed: exit status: 3; ";
    let expected = [
        "oops".to_owned(),
        format!("{failed}again in 1ms"),
        "oops".to_owned(),
        format!("{failed}again in 2ms"),
        "oops".to_owned(),
        format!("{failed}given up after 3 times"),
    ];
    assert_eq!(of("bad  | "), expected);
    assert_eq!((output.status.code(), text(&output.stderr)), (Some(1), String::new()));
}

/// Has `run` run this until it is ready, then interrupts it; gives what it says from then on, and whether it ended well.
fn interrupted(grace: &str, job: &str) -> (Vec<String>, bool) {
    let mut command = example("run");
    command.args(["--grace", grace, job]).stdin(Stdio::null()).stdout(Stdio::piped());
    let mut child = command.spawn().expect("the example was built");
    let lines = Lines::of(child.stdout.take().expect("it was piped"));
    lines.wait_for_end_of_line(" | ready");
    let interrupt = ["-INT", &child.id().to_string()];
    assert!(Command::new("kill").args(interrupt).status().expect("kill exists").success());
    let well = finish(child).status.success();
    (lines.0.iter().collect(), well)
}

#[test]
fn run_asks_programs_to_end_and_kills_those_that_do_not() {
    let job = "kind=trap 'echo bye; exit 0' TERM; echo ready; while :; do sleep 0.01; done";
    let (said, well) = interrupted("60000", job);
    // Its shell may have a word of its own on the `sleep` that was told to end with it.
    let last = ["kind | bye", "kind | * ended: exit status: 0, as it was told to"];
    assert!(well && said.ends_with(&last.map(String::from)), "{said:?}");

    let job = "deaf=trap '' TERM; echo ready; while :; do sleep 0.01; done";
    let (said, well) = interrupted("50", job);
    let last = ["deaf | * ended: signal: 9 (SIGKILL), as it was told to"];
    assert!(well && said.ends_with(&last.map(String::from)), "{said:?}");
}

#[test]
fn run_says_what_is_wrong_with_its_arguments() {
    for (args, wrong) in [
        (&[][..], "run: nothing to run\n"),
        (&["ls"], "run: no NAME=COMMAND: ls\n"),
        (&["--grace", "soon"], "run: --grace wants a number, not soon\n"),
        (&["--tries"], "run: --tries wants a number\n"),
    ] {
        let output = run(example("run").args(args));
        assert_eq!(output.status.code(), Some(2));
        assert!(text(&output.stderr).starts_with(wrong), "{}", text(&output.stderr));
    }
}

#[test]
fn keys_wants_a_terminal() {
    let output = run(&mut example("keys"));
    assert!(!output.status.success());
    let said = text(&output.stderr);
    assert!(said.contains("there are no keys: standard input is no terminal"), "{said}");
}

#[test]
#[cfg(target_os = "linux")]
fn keys_shows_keys_and_sizes_and_leaves_the_terminal_as_it_was() {
    use rustix::termios::{LocalModes, Winsize, tcgetattr, tcsetwinsize};
    let (user, program) = pseudo_terminal();
    let resize = |ws_col, ws_row| {
        let size = Winsize { ws_col, ws_row, ws_xpixel: 0, ws_ypixel: 0 };
        tcsetwinsize(&user, size).expect("a terminal has a size");
    };
    let is_cooked = || {
        let modes = tcgetattr(&program).expect("it is a terminal").local_modes;
        modes.contains(LocalModes::ICANON | LocalModes::ECHO)
    };
    resize(80, 24);
    assert!(is_cooked());

    let mut command = example("keys");
    command.stdin(program.try_clone().expect("a descriptor is left"));
    command.stdout(program.try_clone().expect("a descriptor is left"));
    let child = command.spawn().expect("the example was built");
    let mut user = user.try_clone().expect("a descriptor is left");
    let lines = Lines::of(user.try_clone().expect("a descriptor is left"));
    lines.expect("Press keys, `q` to end.");
    lines.expect("80 columns, 24 rows");
    assert!(!is_cooked());
    let mut press = |keys: &[u8]| user.write_all(keys).expect("the program reads");
    press(b"x");
    lines.expect("x");
    press(b"\x1b[A");
    lines.expect("\\x1b[A");
    resize(100, 30);
    let winch = ["-WINCH", &child.id().to_string()];
    assert!(Command::new("kill").args(winch).status().expect("kill exists").success());
    lines.expect("100 columns, 30 rows");
    press(b"q");
    lines.expect("q");
    assert!(finish(child).status.success());
    assert!(is_cooked());
}
