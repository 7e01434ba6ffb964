//! Random programs on the emitter and on the reference. How many, the environment's `PROPTEST_CASES` can say.
//! A failure prints the shortest program found that still fails; what it shows belongs into a test of its own,
//! in `tests/emitter`.

mod model;

use model::program::{Ev, LISTENERS, Note, Op, Program, Rules, Script, Way};
use model::{check, happened};
use proptest::prelude::*;
use proptest::test_runner::{TestCaseError, TestRunner};

/// They take some seconds without optimisation.
const CASES: u32 = if cfg!(miri) { 20 } else { 3000 };

fn event() -> impl Strategy<Value = Ev> {
    prop_oneof![3 => Just(Ev::Owned), 1 => Just(Ev::Lent)]
}

fn way() -> impl Strategy<Value = Way> {
    prop_oneof![
        4 => Just(Way::On),
        3 => Just(Way::Once),
        2 => Just(Way::Prepend),
        1 => Just(Way::PrependOnce),
        2 => (-1_i16..=1).prop_map(Way::Group),
        2 => (0_usize..4).prop_map(Way::Many),
        3 => Just(Way::Reentrant),
        1 => Just(Way::When),
        1 => Just(Way::Weak),
        1 => Just(Way::State),
        1 => any::<bool>().prop_map(|stops| Way::Intercept { stops }),
    ]
}

fn op() -> impl Strategy<Value = Op> {
    let number = || 0..LISTENERS;
    let add = (way(), event(), 0..SCRIPTS, prop::bool::weighted(0.2), prop::bool::weighted(0.2));
    prop_oneof![
        1 => Just(Op::Ask),
        6 => add.prop_map(|(way, event, script, guarded, large)| {
            Op::Add { way, event, script, guarded, large }
        }),
        3 => number().prop_map(Op::Off),
        5 => event().prop_map(Op::Emit),
        1 => event().prop_map(Op::EmitCaught),
        1 => Just(Op::Panic),
        1 => event().prop_map(Op::RemoveAllOf),
        1 => Just(Op::RemoveAll),
        1 => number().prop_map(Op::Guard),
        1 => number().prop_map(Op::DropGuard),
        1 => number().prop_map(Op::ForgetGuard),
        2 => number().prop_map(Op::Block),
        2 => number().prop_map(Op::Unblock),
        1 => Just(Op::EndObject),
    ]
}

const SCRIPTS: usize = 8;

fn program() -> impl Strategy<Value = Program> {
    let script = (prop::collection::vec(op(), 0..4), prop::option::weighted(0.3, op()))
        .prop_map(|(called, dropped)| Script { called, dropped });
    let scripts = prop::collection::vec(script, 1..=SCRIPTS);
    let rules = any::<[bool; 3]>().prop_map(|[snapshot, isolation, watched]| Rules {
        snapshot,
        isolation,
        watched,
    });
    let seldom = || prop::option::of(op());
    (rules, seldom(), seldom(), scripts, prop::collection::vec(op(), 0..40)).prop_map(
        |(rules, reported, told, scripts, steps)| Program { rules, reported, told, scripts, steps },
    )
}

#[test]
fn programs_do_what_the_rules_say() {
    let asked = std::env::var_os("PROPTEST_CASES").is_some();
    let mut config = ProptestConfig { failure_persistence: None, ..ProptestConfig::default() };
    if !asked {
        config.cases = CASES;
    }
    let tested = TestRunner::new(config)
        .run(&program(), |program| check(&program).map_err(TestCaseError::fail));
    tested.unwrap_or_else(|failure| panic!("{failure}"));
}

/// While somebody observes, an emit takes another way, to the same end.
#[cfg(feature = "event-loop")]
#[test]
fn programs_do_the_same_while_somebody_observes() {
    let event_loop = onward::EventLoop::new().expect("a loop");
    let mut runner = TestRunner::new(ProptestConfig {
        cases: CASES / 3,
        failure_persistence: None,
        ..ProptestConfig::default()
    });
    event_loop.enter(|| {
        onward::inspect::on_slow(std::time::Duration::ZERO, |_| {});
        let check = |program| check(&program).map_err(TestCaseError::fail);
        runner.run(&program(), check).unwrap_or_else(|failure| panic!("{failure}"));
    });
}

/// Every sequence of bytes is a program for the fuzz target; here are some of them.
#[test]
fn bytes_do_too() {
    let bytes = prop::collection::vec(any::<u8>(), 0..300);
    let mut runner = TestRunner::new(ProptestConfig {
        cases: CASES / 6,
        failure_persistence: None,
        ..ProptestConfig::default()
    });
    let tested =
        runner.run(&bytes, |bytes| check(&Program::decode(&bytes)).map_err(TestCaseError::fail));
    tested.unwrap_or_else(|failure| panic!("{failure}"));
}

/// One program by hand, lest both sides agree on nothing.
#[test]
fn a_program_and_what_happens() {
    let add = |way, script| Op::Add { way, event: Ev::Owned, script, guarded: false, large: false };
    let scripts = vec![
        Script { called: vec![Op::Emit(Ev::Owned), Op::Off(0)], dropped: Some(Op::Ask) },
        Script { called: vec![Op::Panic], dropped: None },
    ];
    let steps = vec![add(Way::On, 0), add(Way::Once, 1), Op::Emit(Ev::Owned), Op::Emit(Ev::Owned)];
    let program = Program { scripts, steps, ..Program::default() };
    let called = |listener, depth, count| Note::Called { listener, depth, count };
    let expected = vec![
        vec![],
        vec![],
        vec![
            called(0, 0, 2),
            called(1, 1, 1),
            Note::Dropped { listener: 1 }, // as its panic passes through
            Note::Caught,
        ],
        vec![
            called(0, 0, 1),
            Note::Emitted { called: 0, skipped: 1, stopped: false },
            Note::Off(true),
            Note::Dropped { listener: 0 }, // when it has returned
            Note::Asked { counts: [0, 0], names: vec![] },
            Note::Emitted { called: 1, skipped: 0, stopped: false },
        ],
    ];
    assert_eq!(happened(&program), expected);
    assert_eq!(check(&program), Ok(()));
}

/// The test itself does not keep the object alive meanwhile.
#[test]
fn an_object_ends_while_a_listener_is_added_for_no_times() {
    let add = |way, script| Op::Add { way, event: Ev::Owned, script, guarded: false, large: false };
    let scripts = vec![
        Script { called: vec![Op::EndObject], dropped: None },
        Script { called: vec![], dropped: None },
        Script { called: vec![], dropped: Some(Op::Emit(Ev::Owned)) },
    ];
    let steps = vec![add(Way::On, 0), add(Way::Weak, 1), add(Way::Many(0), 2)];
    let program = Program { scripts, steps, ..Program::default() };
    assert_eq!(check(&program), Ok(()));
}

/// One that is removed is called by the emit under way, its panic is reported, and the others are called.
#[test]
fn a_program_with_snapshot_and_isolation() {
    let add = |way, script| Op::Add { way, event: Ev::Owned, script, guarded: false, large: false };
    let program = Program {
        rules: Rules { snapshot: true, isolation: true, watched: false },
        reported: Some(Op::Emit(Ev::Owned)),
        scripts: vec![
            Script { called: vec![Op::Off(1)], dropped: None },
            Script { called: vec![Op::Panic], dropped: None },
            Script::default(),
        ],
        steps: vec![
            add(Way::Intercept { stops: false }, 0),
            add(Way::On, 1),
            add(Way::On, 2),
            Op::Emit(Ev::Owned),
        ],
        ..Program::default()
    };
    assert_eq!(check(&program), Ok(()));
    if cfg!(feature = "std") {
        let called = |listener, depth| Note::Called { listener, depth, count: 2 };
        let first = Note::Called { listener: 0, depth: 0, count: 3 };
        let emitted = |called| Note::Emitted { called, skipped: 0, stopped: false };
        let expected = [
            first,
            Note::Off(true),
            called(1, 0),
            Note::Reported,
            called(0, 1),
            Note::Off(false),
            called(2, 1),
            emitted(1),
            called(2, 0),
            Note::Dropped { listener: 1 },
            emitted(2),
        ];
        assert_eq!(happened(&program).pop().as_deref(), Some(&expected[..]));
    }
}

/// Who watches is told before a listener comes and after it has gone, and may do anything; what it does itself it is
/// not told.
#[test]
fn a_program_that_is_watched() {
    let add = |way, script| Op::Add { way, event: Ev::Owned, script, guarded: false, large: false };
    let program = Program {
        rules: Rules { watched: true, ..Rules::default() },
        told: Some(Op::Emit(Ev::Owned)),
        scripts: vec![Script { called: vec![], dropped: Some(Op::Ask) }],
        steps: vec![add(Way::On, 0), add(Way::Once, 0), Op::Emit(Ev::Owned), Op::RemoveAll],
        ..Program::default()
    };
    assert_eq!(check(&program), Ok(()));
    let added = |others| Note::Added { event: Ev::Owned, others };
    let removed = |others| Note::Removed { event: Ev::Owned, others };
    let emitted = |called, skipped| Note::Emitted { called, skipped, stopped: false };
    let called = |listener, depth| Note::Called { listener, depth, count: 1 };
    let expected = [
        vec![added(0), emitted(0, 0)],
        vec![added(1), called(0, 1), emitted(1, 0)],
        vec![
            Note::Called { listener: 0, depth: 0, count: 2 },
            removed(1),
            called(0, 1),
            emitted(1, 0),
            called(1, 0),
            Note::Dropped { listener: 1 },
            Note::Asked { counts: [1, 0], names: vec!["Owned"] },
            emitted(2, 0),
        ],
        vec![removed(0), emitted(0, 0), Note::Cleared(vec![0])],
    ];
    assert_eq!(happened(&program), expected);
}
