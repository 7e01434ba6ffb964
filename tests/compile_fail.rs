//! What must not compile, and how the compiler says it.
//!
//! Each program in `tests/ui` lists in `//~` lines what the compiler has to say about it. The words around these
//! change from compiler to compiler, so they are not compared: the test passes with each that is supported. A program with
//! the line `//@ event-loop` is about something that only that feature has.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

/// Where trybuild finds copies of the programs and writes what the compiler says. Set for the second process.
const FOLDER: &str = "ONWARD_COMPILE_FAIL";

fn programs(folder: &Path) -> Vec<PathBuf> {
    let files = fs::read_dir(folder).expect("the folder can be listed");
    let mut files: Vec<_> = files.map(|file| file.expect("and its files").path()).collect();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "rs"));
    files.sort();
    files
}

/// trybuild compares whole texts, or writes them down if its environment says so: this process starts a second
/// one to have them written down, beside copies of the programs.
#[test]
fn what_must_not_compile_does_not_and_the_messages_say_why() {
    if let Some(folder) = env::var_os(FOLDER) {
        return trybuild::TestCases::new().compile_fail(Path::new(&folder).join("*.rs"));
    }
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("compile_fail");
    fs::create_dir_all(&folder).expect("the build's folder can be written to");
    for stale in fs::read_dir(&folder).expect("it can be listed") {
        fs::remove_file(stale.expect("and its files").path()).expect("they can be removed");
    }
    let mut ui = programs(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/ui"));
    ui.retain(|program| {
        let source = fs::read_to_string(program).expect("programs are text");
        cfg!(feature = "event-loop") || !source.lines().any(|line| line == "//@ event-loop")
    });
    assert!(ui.len() >= 5, "the programs are there");
    for program in &ui {
        let name = program.file_name().expect("it has a name");
        fs::copy(program, folder.join(name)).expect("it can be copied");
    }
    let second = Command::new(env::current_exe().expect("this test is a file"))
        .args(["what_must_not_compile_does_not_and_the_messages_say_why", "--exact"])
        .env(FOLDER, &folder)
        .env("TRYBUILD", "overwrite")
        .output()
        .expect("it can be started");
    let said = String::from_utf8_lossy(&second.stderr) + String::from_utf8_lossy(&second.stdout);
    assert!(second.status.success(), "{said}");

    for program in ui {
        let source = fs::read_to_string(&program).expect("programs are text");
        let name = program.file_name().expect("it has a name");
        let text = fs::read_to_string(folder.join(name).with_extension("stderr"));
        let text = text.expect("it did not compile, and the compiler said why");
        let words: Vec<_> = source.lines().filter_map(|line| line.strip_prefix("//~ ")).collect();
        assert!(!words.is_empty(), "{} expects nothing", program.display());
        for words in words {
            assert!(text.contains(words), "{}: {words:?} is not in\n{text}", program.display());
        }
    }
}
