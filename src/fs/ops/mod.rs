//! Whole files, names and directories: one operation each, which is awaited or given a callback.

mod file;
mod info;
mod operation;
mod paths;
mod share;
mod streamed;
mod subject;
mod temp;
mod whole;

pub use file::{File, FileOptions};
pub use info::{exists, lstat, set_permissions, set_times, stat};
pub use operation::Operation;
pub use paths::{
    canonicalize, hard_link, mkdir, mkdir_all, read_link, remove_all, remove_dir, remove_file,
    rename, symlink,
};
pub(super) use subject::Subject;
pub use temp::{TempDir, TempFile, temp_dir, temp_dir_in, temp_file, temp_file_in};
pub use whole::{append, copy, read, read_to_string, sync, truncate, write};
