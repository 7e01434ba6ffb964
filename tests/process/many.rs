//! Many children, and that nothing is left of them.

use super::support::{run, script};
use onward::events::*;
use onward::process::{Child, Command, Stdio, spawn};
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::thread;

/// The processes that have ended and that this one, or this thread of it, has not collected.
#[cfg(target_os = "linux")]
fn zombies() -> usize {
    let own = std::process::id().to_string();
    let is_zombie = |entry: std::fs::DirEntry| {
        let stat = std::fs::read_to_string(entry.path().join("stat")).ok()?;
        let (_, rest) = stat.rsplit_once(')')?;
        let mut fields = rest.split_whitespace();
        Some(fields.next() == Some("Z") && fields.next() == Some(&own))
    };
    let all = std::fs::read_dir("/proc").unwrap();
    all.filter_map(|entry| is_zombie(entry.unwrap())).filter(|zombie| *zombie).count()
}

/// Starts another one whenever one has closed, until there have been so many.
fn go_on(left: &Rc<Cell<u32>>, ended: &Rc<Cell<u32>>) {
    if left.get() == 0 {
        return;
    }
    left.set(left.get() - 1);
    let child = Command::new("true").stdio(Stdio::null).spawn().unwrap();
    let (left, ended) = (Rc::clone(left), Rc::clone(ended));
    child.on(Close, move |_, status| {
        assert!(status.is_some_and(|status| status.success()));
        ended.set(ended.get() + 1);
        go_on(&left, &ended);
    });
}

#[test]
#[cfg(target_os = "linux")]
fn a_thousand_children_leave_neither_zombies_nor_descriptors() {
    use super::support::{this_test, told};
    assert_eq!(told(&mut this_test("process::many::child_with_a_thousand")), "1000 have ended\n");
}

#[test]
#[ignore = "a process of its own"]
#[cfg(target_os = "linux")]
fn child_with_a_thousand() {
    if !super::support::is_child() {
        return;
    }
    let descriptors = || std::fs::read_dir("/proc/self/fd").unwrap().count();
    let (left, ended) = (Rc::new(Cell::new(1000)), Rc::new(Cell::new(0)));
    let kept = Rc::clone(&ended);
    run(move || {
        // The first brings what the loop has from then on.
        let before = Rc::new(Cell::new(0));
        let known = Rc::clone(&before);
        Command::new("true").spawn()?.on(Close, move |_, _| {
            known.set(descriptors());
            (0..100).for_each(|_| go_on(&left, &ended));
        });
        onward::Handle::current()?.before_exit(move || {
            assert_eq!(descriptors(), before.get());
            assert_eq!(zombies(), 0);
        });
        Ok(())
    });
    eprintln!("{} have ended", kept.get());
}

#[test]
#[cfg(target_os = "linux")]
fn a_child_that_outlives_its_loop_is_collected_when_another_is_made() {
    use super::support::{this_test, told};
    assert_eq!(told(&mut this_test("process::many::child_that_leaves_some")), "0\n");
}

#[test]
#[ignore = "a process of its own"]
#[cfg(target_os = "linux")]
fn child_that_leaves_some() {
    if !super::support::is_child() {
        return;
    }
    let ids = Rc::new(RefCell::new(Vec::new()));
    let kept = Rc::clone(&ids);
    run(move || {
        let children =
            (0..10).map(|_| spawn("cat", [""; 0])).collect::<onward::Result<Vec<_>>>()?;
        kept.replace(children.iter().filter_map(Child::id).collect());
        children[0].on(Spawn, |_, ()| onward::stop());
        Ok(())
    });
    // Their input has ended with the loop, and so do they.
    let is_over = |id: &u32| {
        let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).unwrap();
        stat.rsplit_once(')').is_some_and(|(_, rest)| rest.trim_start().starts_with('Z'))
    };
    while !ids.borrow().iter().all(is_over) {
        thread::yield_now();
    }
    run(|| spawn("true", [""; 0]).map(drop));
    eprintln!("{}", zombies());
}

#[test]
fn loops_on_several_threads_each_have_their_children() {
    let threads: Vec<_> = (0..4)
        .map(|thread| {
            thread::spawn(move || {
                let ended = Rc::new(Cell::new(0));
                let kept = Rc::clone(&ended);
                run(move || {
                    for _ in 0..25 {
                        let ended = Rc::clone(&ended);
                        let child = spawn("sh", script(&format!("exit {thread}")))?;
                        child.on(Close, move |_, status| {
                            assert_eq!(status.and_then(|status| status.code()), Some(thread));
                            ended.set(ended.get() + 1);
                        });
                    }
                    Ok(())
                });
                assert_eq!(kept.get(), 25);
            })
        })
        .collect();
    threads.into_iter().for_each(|thread| thread.join().unwrap());
}
