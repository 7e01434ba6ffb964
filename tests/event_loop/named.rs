//! Named events on a loop: emitted later, and heard by async listeners.

use super::support::{in_time, trace};
use onward::emitter::named::{Key, Name, NamedEmitter, Pattern};
use onward::{ErrorKind, next_tick, set_immediate, sleep};
use std::time::Duration;

const CHAT: Name<str> = Name::new("chat");
const ERROR: Name<std::io::Error> = Name::new("error");
const MS: Duration = Duration::from_millis(1);

#[derive(Debug, PartialEq, Eq, Hash)]
struct Player(u32);

impl Key for Player {
    type Payload = u32;
}

#[test]
fn emitted_later_they_come_in_the_order_of_ticks_to_who_listens_by_then() {
    let noted = trace(|log| {
        let emitter = NamedEmitter::new();
        next_tick(log.noting("tick"));
        emitter.emit_later(CHAT, "hello".into())?;
        emitter.emit_later(Player(7), 3)?;
        next_tick(log.noting("tock"));
        set_immediate(log.noting("immediate"));
        let l = log.clone();
        emitter.on(Pattern::<str>::new("*").expect("a pattern"), move |_, (name, line)| {
            l.note(format!("{name}:{line}"));
        });
        let l = log.clone();
        emitter.on(Player(7), move |_, score| l.note(score.to_string()));
        log.note("end");
        Ok(())
    });
    assert_eq!(noted, "end tick chat:hello 3 tock immediate");
}

#[test]
fn outside_of_a_loop_nothing_is_emitted_later() {
    let error = NamedEmitter::new().emit_later(CHAT, "hello".into()).expect_err("no loop");
    assert_eq!(error.kind(), ErrorKind::NotInLoop);
}

#[test]
fn async_listeners_of_names_and_patterns_run_after_the_callback() {
    let noted = trace(|log| {
        let emitter = NamedEmitter::new();
        let l = log.clone();
        emitter.on_async(CHAT, move |_, line: String| {
            let log = l.clone();
            async move { log.note(line) }
        });
        let l = log.clone();
        let all = Pattern::<str>::new("**").expect("a pattern");
        emitter.on_async(all, move |_, (name, line): (String, String)| {
            let log = l.clone();
            async move { log.note(format!("{name}:{line}")) }
        });
        assert_eq!(emitter.emit(CHAT, "hello").called, 2);
        log.note("end");
        Ok(())
    });
    assert_eq!(noted, "end hello chat:hello");
}

#[test]
fn an_error_of_an_async_listener_is_emitted_under_its_name_or_ends_the_loop() {
    let noted = trace(|log| {
        let emitter = NamedEmitter::new();
        emitter.on_try_async(CHAT, ERROR, |_, line: String| async move {
            sleep(MS).await;
            Err(std::io::Error::other(line))
        });
        let l = log.clone();
        let e = emitter.clone();
        emitter.once(ERROR, move |_, error| {
            l.note(error.to_string());
            drop(e);
        });
        emitter.emit(CHAT, "broken");
        Ok(())
    });
    assert_eq!(noted, "broken");
    in_time(|| {
        let ended = onward::run(|| {
            let emitter = NamedEmitter::new();
            emitter.on_try_async(CHAT, ERROR, |_, line: String| async move {
                Err(std::io::Error::other(line))
            });
            emitter.emit(CHAT, "broken");
            Ok(())
        });
        assert!(ended.expect_err("nobody takes it").to_string().contains("broken"));
    });
}

#[test]
fn an_emit_waits_for_its_async_listeners_side_by_side_or_one_by_one() {
    for serial in [false, true] {
        let noted = trace(move |log| {
            let emitter = NamedEmitter::new();
            for n in [2_u32, 1] {
                let log = log.clone();
                emitter.on_async(Player(7), move |_, score| {
                    let log = log.clone();
                    async move {
                        sleep(MS * n * 20).await;
                        log.note(format!("{n}:{score}"));
                    }
                });
            }
            let log = log.clone();
            onward::spawn(async move {
                let called = match serial {
                    true => emitter.emit_serial(Player(7), &5).await.called,
                    false => emitter.emit_async(Player(7), &5).await.called,
                };
                log.note(format!("all{called}"));
            });
            Ok(())
        });
        assert_eq!(noted, if serial { "2:5 1:5 all2" } else { "1:5 2:5 all2" });
    }
}
