//! What has happened and is about to be told: pure state. Changes of the same thing become one.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

/// As many are told at once, whether there is time for more or not.
const MOST: usize = 1024;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Change {
    Created(PathBuf),
    Changed(PathBuf),
    Removed(PathBuf),
    Renamed(PathBuf, PathBuf),
    Rescan(PathBuf),
}

/// In their order. What is created and then changed was created; what is created and then removed was nothing.
#[derive(Default)]
pub(super) struct Gathered {
    all: Vec<Option<Change>>,
    /// Where the last change of each path stands.
    last: HashMap<PathBuf, usize>,
    /// What has lost its name, and may get another: by the kernel's number of the renaming.
    moving: HashMap<u32, usize>,
}

impl Gathered {
    pub(super) fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    pub(super) fn is_full(&self) -> bool {
        self.all.len() >= MOST
    }

    /// Something is there.
    pub(super) fn created(&mut self, path: PathBuf) {
        let before = self.last.get(&path).copied();
        match before.map(|at| &mut self.all[at]) {
            // It was seen twice: when it came, and by who looked what is there.
            Some(Some(Change::Created(_))) => {}
            // It had come before anybody watched.
            Some(change @ Some(Change::Changed(_))) => *change = Some(Change::Created(path)),
            _ => self.push(path.clone(), Change::Created(path)),
        }
    }

    pub(super) fn changed(&mut self, path: PathBuf) {
        if !matches!(self.last_of(&path), Some(Change::Created(_) | Change::Changed(_))) {
            self.push(path.clone(), Change::Changed(path));
        }
    }

    pub(super) fn removed(&mut self, path: PathBuf) {
        let before = self.last.get(&path).copied();
        let removed = Change::Removed(path.clone());
        match before.map(|at| &mut self.all[at]) {
            Some(change @ Some(Change::Created(_))) => {
                *change = None;
                self.last.remove(&path);
            }
            Some(change @ Some(Change::Changed(_))) => *change = Some(removed),
            Some(Some(Change::Removed(_))) => {}
            _ => self.push(path, removed),
        }
    }

    /// It has lost its name: it is removed, unless another name comes with the same number.
    pub(super) fn moved_from(&mut self, path: PathBuf, number: u32) {
        self.moving.insert(number, self.all.len());
        self.push(path.clone(), Change::Removed(path));
    }

    /// It has got a name. Gives the one that it had, if that was one of these.
    pub(super) fn moved_to(&mut self, path: PathBuf, number: u32) -> Option<PathBuf> {
        let from = self.moving.remove(&number).and_then(|at| self.all[at].take());
        let Some(Change::Removed(from)) = from else {
            self.created(path);
            return None;
        };
        self.last.remove(&from);
        self.push(path.clone(), Change::Renamed(from.clone(), path));
        Some(from)
    }

    /// Something may have got lost. `false` if that is known.
    pub(super) fn lost(&mut self, root: &Path) -> bool {
        let known = self.all.iter().flatten().any(|change| matches!(change, Change::Rescan(_)));
        if !known {
            self.all.push(Some(Change::Rescan(root.to_path_buf())));
        }
        !known
    }

    pub(super) fn take(&mut self) -> Vec<Change> {
        self.last.clear();
        self.moving.clear();
        std::mem::take(&mut self.all).into_iter().flatten().collect()
    }

    fn last_of(&self, path: &Path) -> Option<&Change> {
        self.last.get(path).and_then(|at| self.all[*at].as_ref())
    }

    fn push(&mut self, path: PathBuf, change: Change) {
        self.last.insert(path, self.all.len());
        self.all.push(Some(change));
    }
}

#[cfg(test)]
mod tests {
    use super::{Change, Gathered};

    /// `+a` is created, `*a` changed, `-a` removed, `<a` and `>b` renamed, `!` lost.
    fn gathered(steps: &str) -> String {
        let mut gathered = Gathered::default();
        for step in steps.split_whitespace() {
            let path = step[1..].into();
            match &step[..1] {
                "+" => gathered.created(path),
                "*" => gathered.changed(path),
                "-" => gathered.removed(path),
                "<" => gathered.moved_from(path, 7),
                ">" => drop(gathered.moved_to(path, 7)),
                _ => drop(gathered.lost("root".as_ref())),
            }
        }
        let text = |change: Change| match change {
            Change::Created(path) => format!("+{}", path.display()),
            Change::Changed(path) => format!("*{}", path.display()),
            Change::Removed(path) => format!("-{}", path.display()),
            Change::Renamed(from, to) => format!("{}>{}", from.display(), to.display()),
            Change::Rescan(_) => "!".into(),
        };
        gathered.take().into_iter().map(text).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn changes_of_the_same_thing_become_one() {
        for (steps, told) in [
            ("+a *a *a", "+a"),
            ("*a *b *a", "*a *b"),
            ("+a -a", ""),
            ("+a -a +a", "+a"),
            ("*a -a", "-a"),
            ("-a +a *a", "-a +a"),
            ("-a -a", "-a"),
            ("*a +a", "+a"),
            ("+a +a", "+a"),
            ("<a", "-a"),
            (">a", "+a"),
            ("<a >b", "a>b"),
            ("+a <a >b *b", "+a a>b *b"),
            ("<a *c >b +a", "*c a>b +a"),
            ("! *a !", "! *a"),
        ] {
            assert_eq!(gathered(steps), told, "{steps}");
        }
    }

    #[test]
    fn what_has_lost_its_name_is_told_apart_by_a_number() {
        let mut gathered = Gathered::default();
        gathered.moved_from("a".into(), 1);
        gathered.moved_from("b".into(), 2);
        assert_eq!(gathered.moved_to("c".into(), 2), Some("b".into()));
        let told = [Change::Removed("a".into()), Change::Renamed("b".into(), "c".into())];
        assert_eq!(gathered.take(), told);
    }
}
