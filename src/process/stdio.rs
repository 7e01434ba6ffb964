//! The standard streams of this process, one of each for a loop.

use super::pipe::{Bytes, Name, PipeReader, PipeWriter};
use crate::emitter::Downgrade;
use crate::error::{Error, Result};
use crate::event_loop::Handle;
use crate::io::Endpoint;
use std::cell::RefCell;
use std::io;
use std::panic::Location;

/// What `stdin` and its like gave last, for as long as that is open.
type Last<S> = RefCell<Option<Box<dyn Fn() -> Option<S>>>>;

thread_local! {
    static STDIN: Last<PipeReader> = const { RefCell::new(None) };
    static STDOUT: Last<PipeWriter> = const { RefCell::new(None) };
    static STDERR: Last<PipeWriter> = const { RefCell::new(None) };
}

/// The stream of this loop; a new one, if there is none that is open.
fn find_or<S: Endpoint + Downgrade>(
    last: &Last<S>,
    operation: &'static str,
    open: impl FnOnce(Handle) -> io::Result<S>,
) -> Result<S> {
    let handle = Handle::for_operation(operation)?;
    let found = last.borrow().as_ref().and_then(|find| find());
    let is_ours =
        |stream: &S| stream.duplex().handle.is_same(&handle) && !stream.duplex().is_destroyed();
    if let Some(stream) = found.filter(is_ours) {
        return Ok(stream);
    }
    let stream = open(handle).map_err(|error| Error::io_or_descriptors(operation, error))?;
    last.replace(Some(Box::new(stream.downgrade())));
    Ok(stream)
}

/// What this process is told: a terminal, a pipe, a file, a socket, whatever it is.
///
/// All calls in a loop give the same stream, until it has closed. Nothing is read before somebody wants it, by
/// listening for `Data` or lines, by [`resume`](PipeReader::resume) or a pipe. **While it is read, it holds the
/// loop**; paused, [`unref`](PipeReader::unref)ed or not wanted, it does not. A program ends when its work has,
/// and does not wait for somebody to press Enter.
///
/// # Sharing
///
/// Others may have the same terminal or pipe: the shell, and children that inherit it. They see nothing of this: the
/// descriptor does not become non-blocking. On Linux a pipe or a terminal is opened anew, and read when it has
/// something; elsewhere, and what cannot be opened anew, is asked before each read. A file is read by the pool, from
/// where it stands. What was read is gone for the others, and so is what
/// [`std::io::stdin`] has in its buffer for this.
///
/// Of loops on several threads that read it, each gets a part.
///
/// # Errors
///
/// [`ErrorKind::NotInLoop`](crate::ErrorKind::NotInLoop); what the system says: no descriptors are left.
///
/// ```
/// use onward::{events::*, process};
///
/// onward::run(|| {
///     let mut lines = 0;
///     let stdin = process::stdin()?;
///     stdin.on_line(move |_, line| { lines += 1; println!("{lines}\t{line}") });
///     # stdin.destroy();
///     Ok(())
/// })?;
/// # Ok::<(), onward::Error>(())
/// ```
#[doc(alias = "process.stdin")]
#[track_caller]
pub fn stdin() -> Result<PipeReader> {
    let origin = Location::caller();
    let open = |handle| {
        let bytes = Bytes::shared(io::stdin(), true)?;
        Ok(PipeReader::standard(handle, origin, Name::standard("stdin"), bytes))
    };
    STDIN.with(|last| find_or(last, "open stdin", open))
}

/// What this process says.
///
/// All calls in a loop give the same stream, until it has closed; after an [`end`](PipeWriter::end) there is a new
/// one. It holds the loop only while something waits to be written.
///
/// # What is written arrives
///
/// A terminal or a pipe takes what it can, and the rest waits in a queue, so that a slow reader does not hold up
/// the loop. The loop does not end before the queue is empty; if it ends otherwise, by [`stop`](crate::stop) or an
/// error, it waits for the reader then, as `print!` does. Only `std::process::exit` and a panic leave
/// behind what waits.
///
/// A file is written at once, as `print!` would.
///
/// What was written by `print!` and what is written here arrive in order, as long as nothing waits, and what was printed
/// has ended its line.
///
/// # Errors
///
/// As an event, with `Close`: nobody reads any more, as in `program | head`
/// ([`is_disconnect`](crate::Error::is_disconnect)); the disk is full. At once: see [`stdin`], whose words on sharing
/// hold here too.
///
/// ```
/// use onward::{events::*, fs::ReadStream, process};
///
/// onward::run(|| {
///     let stdout = process::stdout()?;
///     stdout.on(Error, |_, error| if !error.is_disconnect() { eprintln!("{error}") });
///     ReadStream::open("Cargo.toml")?.pipe(&stdout);
///     Ok(())
/// })?;
/// # Ok::<(), onward::Error>(())
/// ```
#[doc(alias = "process.stdout")]
#[track_caller]
pub fn stdout() -> Result<PipeWriter> {
    let origin = Location::caller();
    let open = |handle| {
        let bytes = Bytes::shared(io::stdout(), false)?;
        Ok(PipeWriter::standard(handle, origin, Name::standard("stdout"), bytes))
    };
    STDOUT.with(|last| find_or(last, "open stdout", open))
}

/// What this process has to say beside that: as [`stdout`], but for errors and progress.
///
/// ```
/// use onward::process;
///
/// onward::run(|| {
///     process::stderr()?.write("reading ...\n");
///     Ok(())
/// })?;
/// # Ok::<(), onward::Error>(())
/// ```
///
/// # Errors
///
/// As those of [`stdout`].
#[doc(alias = "process.stderr")]
#[track_caller]
pub fn stderr() -> Result<PipeWriter> {
    let origin = Location::caller();
    let open = |handle| {
        let bytes = Bytes::shared(io::stderr(), false)?;
        Ok(PipeWriter::standard(handle, origin, Name::standard("stderr"), bytes))
    };
    STDERR.with(|last| find_or(last, "open stderr", open))
}
