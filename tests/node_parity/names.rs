//! Names, odd ones too: for emitters that find their events by name.

use super::support::*;
use onward::emitter::named::{Key, Name, NamedEmitter};

mod test_event_emitter_special_event_names {
    use super::*;

    #[test]
    fn odd_names_are_ordinary_ones() {
        let (emitter, log) = (NamedEmitter::new(), Log::default());
        let odd = ["__proto__", "constructor", "toString", "hasOwnProperty", "", " ", "*", "é\0"];
        assert!(emitter.event_names().is_empty());
        for name in odd {
            let l = log.clone();
            emitter.on(Name::<str>::borrowed(name), move |_, line| l.note(line));
        }
        assert_eq!(emitter.event_names(), odd);
        for name in odd {
            assert_eq!(emitter.emit(Name::<str>::borrowed(name), "x").called, 1, "{name:?}");
        }
        assert_eq!(log.take(), ["x"; 8].join(" "));
    }

    #[test]
    fn a_name_that_nobody_listens_for_is_nobodys() {
        let emitter = NamedEmitter::new();
        assert!(!emitter.emit(Name::<str>::new("__proto__"), "").handled());
        assert_eq!(emitter.listener_count(Name::<str>::new("toString")), 0);
    }
}

mod test_event_emitter_symbols {
    use super::*;

    /// What a symbol is there for, a name that nobody else can have: here a type.
    #[derive(Clone, Debug, PartialEq, Eq, Hash)]
    struct Symbol;

    impl Key for Symbol {
        type Payload = str;
    }

    #[test]
    fn a_key_is_unlike_every_name() {
        let (emitter, log) = (NamedEmitter::new(), Log::default());
        let l = log.clone();
        let listener = emitter.on(Symbol, move |_, line: &str| l.note(line));
        assert!(!emitter.emit(Name::<str>::new("Symbol"), "name").handled());
        assert_eq!(emitter.emit(Symbol, "key").called, 1);
        assert_eq!((log.take().as_str(), emitter.listener_count(Symbol)), ("key", 1));
        assert!(emitter.off(listener));
        emitter.on(Symbol, |_, _| {});
        emitter.remove_all_of(Symbol);
        assert_eq!(emitter.listener_count(Symbol), 0);
        assert!(emitter.event_names().is_empty());
    }
}
