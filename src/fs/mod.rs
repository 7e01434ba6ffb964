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
//! together. Of a file that is not in memory, the pool reads the next 256 KiB while the loop tells the last. A [pipe](crate::stream::Readable::pipe) from
//! file to file that nobody else listens to is the pool's work alone, through one buffer.
//!
//! | what | how |
//! |---|---|
//! | a part of a file, in chunks of a size of one's own | [`ReadOptions::start`], [`end`](ReadOptions::end), [`chunk_size`](ReadOptions::chunk_size) |
//! | lines | [`on_line`](crate::stream::Readable::on_line), [`lines`](crate::stream::lines) |
//! | what is added to a log, whatever becomes of its name: `tail -F` | [`ReadOptions::follow`] |
//! | a file that is open already, and is to stay open | [`ReadOptions::open_file`], [`auto_close`](ReadOptions::auto_close), [`ReadStream::into_std`] |
//! | a journal that is on the disk before anybody is told | [`WriteStream::write_durable`], [`sync`](WriteStream::sync) |
//! | a file that is old or new, and never half of both | [`WriteOptions::replace`] |
//! | giving up | [`abort_on`](crate::abort::Abortable::abort_on) |

mod ahead;
mod beside;
mod entries;
mod follow;
#[cfg(target_os = "linux")]
mod inotify;
mod life;
mod news;
mod open;
mod ops;
mod read;
mod read_options;
mod read_traits;
mod reading;
mod seat;
mod shelf;
mod splice;
mod sys;
mod waiters;
mod watch;
mod write;
mod write_options;
mod write_traits;
mod writes;
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
