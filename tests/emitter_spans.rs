//! A span for each emit.
//!
//! A binary of its own, and one test at a time: `tracing` remembers for the whole process who wants a span.

use std::collections::BTreeMap;
use std::fmt::{Debug, Write as _};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};

#[cfg(feature = "named")]
use onward::emitter::named::{Key, Name, NamedEmitter};
use onward::{Emitter, events};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

events! { Room { Joined(&str), Closed() } }

static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

/// Notes what becomes of spans.
#[derive(Clone, Default)]
struct Notes(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    text: String,
    fields: BTreeMap<u64, String>,
    level: Option<tracing::Level>,
}

struct Fields<'a>(&'a mut String);

impl Visit for Fields<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        write!(self.0, "{}={value:?} ", field.name()).expect("text");
    }
}

impl Subscriber for Notes {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target() == "onward::emit" && self.0.lock().unwrap().level.is_none()
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        let mut state = self.0.lock().unwrap();
        let id = state.fields.len() as u64 + 1;
        let mut fields = format!("{} ", span.metadata().name());
        span.record(&mut Fields(&mut fields));
        state.fields.insert(id, fields);
        Id::from_u64(id)
    }

    fn record(&self, span: &Id, values: &Record<'_>) {
        let mut state = self.0.lock().unwrap();
        values.record(&mut Fields(state.fields.get_mut(&span.into_u64()).unwrap()));
    }

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, _: &Event<'_>) {}

    fn enter(&self, _: &Id) {
        self.0.lock().unwrap().text.push_str("[ ");
    }

    fn exit(&self, _: &Id) {
        self.0.lock().unwrap().text.push_str("] ");
    }

    fn try_close(&self, span: Id) -> bool {
        let mut state = self.0.lock().unwrap();
        let fields = state.fields.remove(&span.into_u64()).unwrap();
        state.text.push_str(&fields);
        true
    }
}

fn traced(f: impl FnOnce()) -> String {
    let _one = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let notes = Notes::default();
    tracing::subscriber::with_default(notes.clone(), f);
    let state = notes.0.lock().unwrap();
    state.text.clone()
}

#[test]
fn an_emit_has_a_span_with_what_became_of_it() {
    let text = traced(|| {
        let room = Room::new();
        room.emit(Joined, "ada");
        room.on(Joined, |_, _| {});
        assert_eq!(room.emit(Joined, "ada").called, 1);
    });
    let span = "[ ] emit emitter=\"Room\" event=\"Joined\" nesting=0";
    assert_eq!(
        text,
        format!("{span} called=0 skipped=0 stopped=false {span} called=1 skipped=0 stopped=false ")
    );
}

#[test]
fn nested_emits_have_nested_spans() {
    let text = traced(|| {
        let room = Room::new();
        room.on(Joined, |room, _| {
            room.emit(Joined, "");
            room.emit(Closed, ());
        });
        room.emit(Joined, "");
    });
    assert_eq!(
        text,
        "[ [ ] emit emitter=\"Room\" event=\"Joined\" nesting=1 called=0 skipped=1 stopped=false \
         [ ] emit emitter=\"Room\" event=\"Closed\" nesting=1 called=0 skipped=0 stopped=false \
         ] emit emitter=\"Room\" event=\"Joined\" nesting=0 called=1 skipped=0 stopped=false "
    );
}

#[test]
fn a_span_ends_with_a_panic_and_nesting_is_what_it_was() {
    let text = traced(|| {
        let room = Room::new();
        room.once(Joined, |_, _| panic!("on purpose"));
        catch_unwind(AssertUnwindSafe(|| room.emit(Joined, ""))).expect_err("it passes through");
        room.emit(Joined, "");
    });
    let span = "[ ] emit emitter=\"Room\" event=\"Joined\" nesting=0 ";
    assert_eq!(text, format!("{span}{span}called=0 skipped=0 stopped=false "));
}

#[test]
fn a_subscriber_that_wants_none_gets_none() {
    let _one = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let notes = Notes::default();
    notes.0.lock().unwrap().level = Some(tracing::Level::INFO);
    tracing::subscriber::with_default(notes.clone(), || {
        let room = Room::new();
        room.on(Joined, |_, _| {});
        assert_eq!(room.emit(Joined, "").called, 1);
    });
    assert_eq!(notes.0.lock().unwrap().text, "");
}

#[cfg(feature = "named")]
#[test]
fn named_events_have_their_names_and_keys_their_types() {
    #[derive(Debug, PartialEq, Eq, Hash)]
    struct Player(u32);
    impl Key for Player {
        type Payload = u32;
    }
    let text = traced(|| {
        let emitter = NamedEmitter::new();
        emitter.on(Name::<str>::new("chat"), |_, _| {});
        emitter.emit(Name::<str>::new("chat"), "hello");
        emitter.emit(Player(7), &1);
    });
    assert!(text.contains("emitter=\"NamedEmitter\" event=\"chat\" nesting=0 called=1"), "{text}");
    assert!(text.contains("Player\" nesting=0 called=0"), "{text}");
}
