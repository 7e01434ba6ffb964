//! What happens to a file that is followed, where the system tells: on Linux.

use crate::event_loop::Handle;
use std::fs::File;
use std::io;
use std::path::Path;

/// Something has happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum News {
    /// The file was written to, or cut.
    Grown,
    /// It has another name by now, or its name has another file.
    Moved,
}

/// As long as it is there, news come.
pub(super) struct Watching {
    #[cfg(target_os = "linux")]
    _watches: Vec<super::inotify::Watch>,
}

impl Watching {
    /// Has `told` called on the loop, outside of the listeners of any stream.
    #[cfg(target_os = "linux")]
    pub(super) fn begin(
        handle: &Handle,
        file: &File,
        path: Option<&Path>,
        told: impl Fn(News) + 'static,
    ) -> io::Result<Self> {
        use super::inotify::{ReadFlags, Watch, WatchFlags, of_file};
        let told = std::rc::Rc::new(told);
        let file_told = std::rc::Rc::clone(&told);
        let of_file = Watch::new(handle, &of_file(file), of_file_flags(), move |notice| {
            let written = notice.flags == ReadFlags::MODIFY;
            file_told(if written { News::Grown } else { News::Moved });
        })?;
        let mut watches = vec![of_file];
        let folder = path.and_then(|path| Some((path.parent()?, path.file_name()?.to_owned())));
        if let Some((folder, name)) = folder {
            let names = WatchFlags::CREATE | WatchFlags::MOVED_TO;
            let flags = names | WatchFlags::MOVE_SELF | WatchFlags::ONLYDIR;
            watches.push(Watch::new(handle, folder, flags, move |notice| {
                // Without a name it is about the folder itself, or about all that got lost.
                if notice.name.as_deref().is_none_or(|other| other == name) {
                    told(News::Moved);
                }
            })?);
        }
        Ok(Self { _watches: watches })
    }

    #[cfg(not(target_os = "linux"))]
    pub(super) fn begin(
        _: &Handle,
        _: &File,
        _: Option<&Path>,
        _: impl Fn(News) + 'static,
    ) -> io::Result<Self> {
        Err(io::ErrorKind::Unsupported.into())
    }
}

#[cfg(target_os = "linux")]
fn of_file_flags() -> super::inotify::WatchFlags {
    use super::inotify::WatchFlags;
    let gone = WatchFlags::MOVE_SELF | WatchFlags::DELETE_SELF | WatchFlags::ATTRIB;
    WatchFlags::MODIFY | gone
}
