//! Linux: what happens to files and folders, as the kernel tells it (`inotify`).
//!
//! A loop has one descriptor for all that is watched on it, from the first watch to the last. The kernel has one
//! watch for a file, so those who watch the same file share it, and each hears of what any of them asked for.

use crate::event_loop::{Buffer, Description, Descriptor, Handle, Interest, Key, Origin};
use crate::event_loop::{ResourceKind, Source, Trigger};
use rustix::fs::inotify::{self, CreateFlags, Reader};
pub(super) use rustix::fs::inotify::{ReadFlags, WatchFlags};
use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd as _, AsRawFd as _, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::panic::Location;
use std::path::{Path, PathBuf};
use std::rc::Rc;

/// Some hundred notices at once; what is left is told in the next turn.
const BUFFER: usize = 16 * 1024;

/// What happened to something that is watched.
#[derive(Clone, Debug)]
pub(super) struct Notice {
    /// `QUEUE_OVERFLOW`: notices got lost, of whatever is watched.
    pub(super) flags: ReadFlags,
    /// In a folder: to which of its entries.
    pub(super) name: Option<OsString>,
    /// Two notices of one renaming have the same.
    #[allow(dead_code, reason = "a file that is followed has no use for it")]
    pub(super) cookie: u32,
}

type Told = Rc<dyn Fn(&Notice)>;

/// The descriptor of a loop, and who watches what by it.
struct Inotify {
    handle: Handle,
    descriptor: OwnedFd,
    key: Cell<Option<Key>>,
    /// By the kernel's number of the watch.
    told: RefCell<HashMap<i32, Vec<(u64, Told)>>>,
    last: Cell<u64>,
}

thread_local! {
    /// By the serial numbers of the loops of this thread. There is seldom more than one.
    static ALL: RefCell<HashMap<u32, Rc<Inotify>>> = RefCell::default();
}

/// Something that is watched, until this is dropped. It does not hold the loop.
pub(super) struct Watch {
    inotify: Rc<Inotify>,
    number: i32,
    id: u64,
}

/// A path to an open file, whatever has its name by now.
pub(super) fn of_file(file: &File) -> PathBuf {
    format!("/proc/self/fd/{}", file.as_raw_fd()).into()
}

impl Watch {
    /// Has `told` called for each notice. It may drop watches and make new ones, and is not called any more once its
    /// own is dropped.
    ///
    /// # Errors
    ///
    /// What the system says: no such file, or as many watches, or descriptors, as there may be.
    #[track_caller]
    pub(super) fn new(
        handle: &Handle,
        path: &Path,
        flags: WatchFlags,
        told: impl Fn(&Notice) + 'static,
    ) -> io::Result<Self> {
        let inotify = Inotify::of(handle, Location::caller())?;
        // It may be watched already, for other things.
        let added = inotify::add_watch(&inotify.descriptor, path, flags | WatchFlags::MASK_ADD);
        let number = match added {
            Ok(number) => number,
            Err(error) => {
                inotify.close_if_idle();
                return Err(error.into());
            }
        };
        let id = inotify.last.get() + 1;
        inotify.last.set(id);
        inotify.told.borrow_mut().entry(number).or_default().push((id, Rc::new(told)));
        Ok(Self { inotify, number, id })
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        let gone = self.inotify.remove(self.number, self.id);
        drop(gone);
        self.inotify.close_if_idle();
    }
}

impl Inotify {
    /// That of the loop.
    fn of(handle: &Handle, origin: Origin) -> io::Result<Rc<Self>> {
        let serial = handle.0.serial;
        let known = ALL.try_with(|all| all.borrow().get(&serial).cloned());
        if let Ok(Some(known)) = known {
            return Ok(known);
        }
        let descriptor = inotify::init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK)?;
        let new = Rc::new(Self {
            handle: handle.clone(),
            descriptor,
            key: Cell::new(None),
            told: RefCell::default(),
            last: Cell::new(0),
        });
        let key = handle.add_source(Rc::clone(&new) as Rc<dyn Source>, Trigger::Level, origin);
        handle.count_source(key, false);
        handle.want(key, Interest::READ);
        new.key.set(Some(key));
        let kept = Rc::clone(&new);
        let _ = ALL.try_with(|all| all.borrow_mut().insert(serial, kept));
        Ok(new)
    }

    /// Somebody watches no more.
    fn remove(&self, number: i32, id: u64) -> Option<Told> {
        let mut all = self.told.borrow_mut();
        let here = all.get_mut(&number)?;
        let at = here.iter().position(|(other, _)| *other == id)?;
        let (_, told) = here.remove(at);
        if here.is_empty() {
            all.remove(&number);
            // Those of a child that was forked off are its parent's.
            if !self.handle.0.is_forked() {
                // Fails if the kernel has removed it, with its file.
                let _ = inotify::remove_watch(&self.descriptor, number);
            }
        }
        Some(told)
    }

    /// Nobody watches anything.
    fn close_if_idle(&self) {
        if self.told.borrow().is_empty() {
            self.leave();
        }
    }

    /// Off the loop; the descriptor is closed with the last watch.
    fn leave(&self) {
        if let Some(key) = self.key.take() {
            let serial = self.handle.0.serial;
            let gone = ALL.try_with(|all| all.borrow_mut().remove(&serial));
            self.handle.remove_source(key);
            drop(gone);
        }
    }

    /// Once, as many as there are room for.
    fn read(&self) -> Vec<(i32, Notice)> {
        let mut buffer = [MaybeUninit::uninit(); BUFFER];
        let mut reader = Reader::new(self.descriptor.as_fd(), &mut buffer);
        let mut notices = Vec::new();
        while let Ok(event) = reader.next() {
            let name = event.file_name().map(|name| OsStr::from_bytes(name.to_bytes()).to_owned());
            let notice = Notice { flags: event.events(), name, cookie: event.cookie() };
            notices.push((event.wd(), notice));
            if reader.is_buffer_empty() {
                break;
            }
        }
        notices
    }

    /// Tells those who watch it, or everybody.
    fn tell(&self, number: i32, notice: &Notice) {
        let everybody = notice.flags.contains(ReadFlags::QUEUE_OVERFLOW);
        let concerned: Vec<(i32, u64)> = {
            let all = self.told.borrow();
            let here = all.iter().filter(|(other, _)| everybody || **other == number);
            here.flat_map(|(number, here)| here.iter().map(|(id, _)| (*number, *id))).collect()
        };
        for (number, id) in concerned {
            // Unless one of those before has dropped its watch.
            let told = self.find(number, id);
            if let Some(told) = told {
                told(notice);
            }
        }
    }

    fn find(&self, number: i32, id: u64) -> Option<Told> {
        let all = self.told.borrow();
        let here = all.get(&number)?;
        here.iter().find(|(other, _)| *other == id).map(|(_, told)| Rc::clone(told))
    }
}

impl Source for Inotify {
    fn describe(&self) -> Description {
        let target = format!("{} files and folders", self.told.borrow().len());
        Description { kind: ResourceKind::Watcher, target }
    }

    fn lend(&self, to: &mut dyn FnMut(Descriptor<'_>) -> io::Result<()>) -> io::Result<()> {
        to(self.descriptor.as_fd())
    }

    fn ready(self: Rc<Self>, _: Interest, _: &mut Buffer) {
        for (number, notice) in self.read() {
            self.tell(number, &notice);
        }
    }

    /// Nobody will hear of anything by it; those who watch are told that they have missed something.
    fn refused(self: Rc<Self>, _: io::Error) {
        let notice = Notice { flags: ReadFlags::QUEUE_OVERFLOW, name: None, cookie: 0 };
        self.tell(0, &notice);
    }

    fn shut(self: Rc<Self>) {
        let all = self.told.take();
        drop(all);
        self.leave();
    }
}

#[cfg(test)]
mod tests {
    use super::{ReadFlags, Watch, WatchFlags};
    use crate::event_loop::{EventLoop, Handle, set_immediate};
    use std::cell::RefCell;
    use std::rc::Rc;

    #[test]
    fn who_watches_the_same_folder_shares_it_and_the_last_closes_the_descriptor() {
        let folder = std::env::temp_dir().join(format!("onward-inotify-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let told = Rc::new(RefCell::new(Vec::new()));
        let event_loop = EventLoop::new().unwrap();
        event_loop.enter(|| {
            let handle = Handle::current().unwrap();
            let watch = |who: &'static str, flags| {
                let told = Rc::clone(&told);
                let tell = move |notice: &super::Notice| {
                    let created = notice.flags.contains(ReadFlags::CREATE);
                    told.borrow_mut().push((who, created, notice.name.clone()));
                };
                Watch::new(&handle, &folder, flags, tell).unwrap()
            };
            let one = watch("one", WatchFlags::CREATE);
            let two = watch("two", WatchFlags::DELETE);
            assert_eq!((one.number, handle.0.registry.borrow().len()), (two.number, 1));
            std::fs::write(folder.join("file"), "x").unwrap();
            drop(one);
            assert_eq!(handle.0.registry.borrow().len(), 1);
            // It is told in the polling phase of the first turn.
            set_immediate(move || drop(two));
        });
        event_loop.run().unwrap();
        assert_eq!(*told.borrow(), [("two", true, Some("file".into()))]);
        event_loop.enter(|| {
            assert_eq!(Handle::current().unwrap().0.registry.borrow().len(), 0);
        });
        std::fs::remove_dir_all(folder).unwrap();
    }
}
