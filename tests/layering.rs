//! The floors of the house: a file may use only what stands below it, and never a sibling.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Each room of `src/`, from the ground up, with what it may use. A room that is missing here, or a use
/// that is missing in its list, fails the test: think first, then change ARCHITECTURE.md and this.
const ROOMS: &[(&str, &[&str])] = &[
    ("emitter", &[]),
    ("sync", &["emitter"]),
    ("error", &["emitter"]),
    ("event_loop", &["error"]),
    ("later", &["error", "emitter", "event_loop"]),
    ("on_async", &["emitter", "event_loop"]),
    ("abort", &["error", "emitter", "event_loop"]),
    ("stream", &["error", "emitter", "event_loop", "abort"]),
    ("io", &["error", "emitter", "event_loop", "stream"]),
    ("net", &["error", "emitter", "event_loop", "abort", "stream", "io"]),
    ("tls", &["error", "emitter", "event_loop", "abort", "net"]),
    ("fs", &["error", "emitter", "event_loop", "abort", "stream", "io"]),
    ("process", &["error", "emitter", "event_loop", "abort", "stream", "io"]),
    ("testing", &["error", "event_loop"]),
    ("inspect", &["emitter", "event_loop"]),
    ("events", &["emitter", "sync", "on_async", "stream"]),
];

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("src can be listed") {
        let path = entry.expect("src can be listed").path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// The room that a file stands in: the first part of its path below `src`.
fn room(path: &Path) -> String {
    let first = path.iter().next().expect("a file has a name").to_string_lossy();
    first.trim_end_matches(".rs").to_owned()
}

/// The rooms that a text names by `crate::room`, comments left out, with the lines.
/// `crate::events!` is the emitter's macro; the module of that name is the public face.
fn uses(text: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let code = line.split("//").next().unwrap_or_default();
        for (at, _) in code.match_indices("crate::") {
            if code[..at].ends_with('$') {
                continue; // macros are expanded in other crates: they use the public face
            }
            let name: String =
                code[at + 7..].chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
            let name =
                if code[at + 7 + name.len()..].starts_with('!') { "emitter".into() } else { name };
            if !name.is_empty() {
                found.push((number + 1, name));
            }
        }
    }
    found
}

#[test]
fn every_file_uses_only_what_stands_below_it() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let rooms: BTreeMap<&str, &[&str]> = ROOMS.iter().copied().collect();
    let (mut files, mut wrong) = (Vec::new(), Vec::new());
    sources(&root, &mut files);
    assert!(files.len() > 20, "the walk found the sources");
    for file in files {
        let path = file.strip_prefix(&root).expect("below src");
        let (here, text) = (room(path), fs::read_to_string(&file).expect("sources are text"));
        if here == "lib" {
            continue;
        }
        let Some(allowed) = rooms.get(here.as_str()) else {
            wrong.push(format!("{}: a room that nobody knows", path.display()));
            continue;
        };
        for (line, name) in uses(&text) {
            if name != here && !allowed.contains(&name.as_str()) {
                wrong.push(format!("{}:{line}: {here} may not use crate::{name}", path.display()));
            }
        }
        if text.contains("super::super::") {
            wrong.push(format!("{}: climbs by super::super, name the path", path.display()));
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

/// The only files of `src/` that may have `unsafe` code, each with its reason in ARCHITECTURE.md.
const UNSAFE: &[&str] = &[
    "emitter/frame.rs",
    "emitter/kind.rs",
    "emitter/list.rs",
    "emitter/named/table.rs",
    "emitter/row.rs",
    "emitter/slot.rs",
    "emitter/walk.rs",
    "event_loop/batch.rs",
    "event_loop/driver/portable.rs",
    "event_loop/written.rs",
    "io/plain.rs",
    "net/datagram/raw.rs",
    "sync/node.rs",
    "sync/row.rs",
    "sync/walk.rs",
];

#[test]
fn unsafe_code_stands_where_it_is_expected() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    sources(&root, &mut files);
    let mut found: Vec<String> = files
        .iter()
        .filter(|file| {
            let text = fs::read_to_string(file).expect("sources are text");
            text.lines().any(|line| {
                let code = line.split("//").next().unwrap_or_default();
                let mut words = code.split(|c: char| !c.is_alphanumeric() && c != '_');
                words.any(|word| word == "unsafe")
            })
        })
        .map(|file| file.strip_prefix(&root).expect("below src"))
        .map(|path| path.iter().map(|part| part.to_string_lossy()).collect::<Vec<_>>().join("/"))
        .collect();
    found.sort();
    assert_eq!(found, UNSAFE);
}

/// The only files of `src/` that ask the system for the time: timers go by the loop's clock, which may be simulated.
/// The pool belongs to no loop, and measures how long its work really waits; a callback is slow by the real clock.
const CLOCKS: &[&str] = &[
    "event_loop/driver/clock.rs",
    "event_loop/pool/lane.rs",
    "event_loop/pool/state.rs",
    "event_loop/pool/threads.rs",
    "event_loop/slow.rs",
];

#[test]
fn the_clock_is_read_where_it_is_expected() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    sources(&root, &mut files);
    let reads = |line: &str| {
        let code = line.split("//").next().unwrap_or_default();
        ["Instant", "SystemTime"].iter().any(|clock| code.contains(clock))
    };
    let mut found: Vec<String> = files
        .iter()
        .filter(|file| fs::read_to_string(file).expect("sources are text").lines().any(reads))
        .map(|file| file.strip_prefix(&root).expect("below src"))
        .map(|path| path.iter().map(|part| part.to_string_lossy()).collect::<Vec<_>>().join("/"))
        .collect();
    found.sort();
    assert_eq!(found, CLOCKS);
}

#[test]
fn the_floors_have_no_cycle() {
    for (at, (room, below)) in ROOMS.iter().enumerate() {
        for name in *below {
            let stands = ROOMS.iter().position(|(other, _)| other == name);
            assert!(stands.is_some_and(|stands| stands < at), "{name} does not stand below {room}");
        }
    }
}

#[test]
fn files_are_of_a_size_that_can_be_read() {
    let (mut files, mut long) = (Vec::new(), Vec::new());
    sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut files);
    for file in files {
        let lines = fs::read_to_string(&file).expect("sources are text").lines().count();
        if lines > 500 {
            long.push(format!("{}: {lines} lines", file.display()));
        }
    }
    assert!(long.is_empty(), "over 500 lines:\n{}", long.join("\n"));
}

#[test]
fn a_wrong_use_would_be_found() {
    let text = "use crate::net::Socket; // crate::fs\n/// crate::io\nlet x = $crate::events!{}; crate::events! {}";
    assert_eq!(uses(text), [(1, "net".to_owned()), (3, "emitter".to_owned())]);
}
