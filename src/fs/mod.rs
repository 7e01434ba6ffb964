//! Files: [`ReadStream`] and [`WriteStream`] for those that come and go in chunks, [operations](Operation) for whole
//! files, names and directories. None makes the loop wait.
//!
//! ```
//! use onward::events::*;
//! use onward::fs::{ReadStream, WriteStream};
//!
//! let copy = std::env::temp_dir().join("onward-doc-fs");
//! let path = copy.clone();
//! onward::run(move || {
//!     let from = ReadStream::open("Cargo.toml")?;
//!     let to = from.pipe(&WriteStream::create(path)?);
//!     to.on(Finish, |to, ()| println!("{} bytes copied", to.bytes_written()));
//!     Ok(())
//! })?;
//! assert_eq!(std::fs::read("Cargo.toml")?, std::fs::read(&copy)?);
//! # std::fs::remove_file(copy)?;
//! # Ok::<(), onward::Error>(())
//! ```
//!
//! # Operations
//!
//! Each is awaited, or given a callback by [`then`](Operation::then):
//!
//! ```
//! use onward::fs;
//!
//! onward::run(|| {
//!     fs::read_to_string("Cargo.toml").then(|text| println!("{} bytes", text.map_or(0, |text| text.len())));
//!
//!     onward::spawn_or_fail(async {
//!         let dir = fs::temp_dir().await?;
//!         fs::copy("Cargo.toml", dir.path().join("copy")).await?;
//!         Ok(())
//!     });
//!     Ok(())
//! })?;
//! # Ok::<(), onward::Error>(())
//! ```
//!
//! | to | take |
//! |---|---|
//! | read or write a whole file | [`read`](read()), [`read_to_string`], [`write`](write()), [`append`], [`copy`], [`truncate`], [`sync`] |
//! | read and write at offsets | [`File`], opened by [`FileOptions`] |
//! | know what is there | [`stat`], [`lstat`], [`exists`], [`read_link`], [`canonicalize`] |
//! | see what stands in a directory, or in a tree | [`read_dir`], [`walk`], which are emitters; [`list`], all at once |
//! | change what is known of it | [`set_permissions`], [`set_times`] |
//! | make and remove | [`mkdir`], [`mkdir_all`], [`symlink`], [`hard_link`], [`rename`], [`remove_file`], [`remove_dir`], [`remove_all`] |
//! | be told what happens to it | [`watch`](watch()), [`WatchOptions`] for trees |
//! | have a place for a while | [`temp_dir`], [`temp_file`] |
//!
//! # How it works
//!
//! ```text
//!                   regular file, Linux:  what is cached, on the loop ─┐
//!   open ── what ──  regular file:         the pool ────────────────────┼─> Data, Drain, Finish
//!          is it?    FIFO, terminal, pipe: the poller, then on the loop ─┘
//! ```
//!
//! A file that is always being read yields to the rest of the loop after each 256 KiB; and so do all operations
//! together.

mod entries;
#[cfg(target_os = "linux")]
#[allow(dead_code, reason = "one part is for files that are followed")]
mod inotify;
mod life;
mod open;
mod ops;
mod read;
mod read_options;
mod reading;
mod seat;
mod sys;
mod watch;
mod write;
mod write_options;
mod writing;

pub use entries::{DirEntry, Entries, EntriesEvent, WalkOptions, list, read_dir, walk};
pub use ops::{
    File, FileOptions, Operation, TempDir, TempFile, append, canonicalize, copy, exists, hard_link,
    lstat, mkdir, mkdir_all, read, read_link, read_to_string, remove_all, remove_dir, remove_file,
    rename, set_permissions, set_times, stat, symlink, sync, temp_dir, temp_dir_in, temp_file,
    temp_file_in, truncate, write,
};
pub use read::{ReadEvent, ReadStream};
pub use read_options::ReadOptions;
pub use watch::{WatchEvent, WatchOptions, Watcher, watch};
pub use write::{WriteEvent, WriteStream};
pub use write_options::WriteOptions;
