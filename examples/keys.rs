//! Shows each key as it is pressed, and the size of the terminal as it changes.
//!
//!     cargo run --release --example keys
//!
//! The terminal is in raw mode meanwhile, which the crate `rustix` sees to; `q`, or Ctrl-C, ends, and all is as it was.

#[cfg(unix)]
mod keys {
    use onward::events::*;
    use onward::process::{self, PipeWriter};
    use onward::{Error as Failure, Result};
    use rustix::termios::{OptionalActions, Termios, tcgetattr, tcsetattr};
    use std::io::stdin;

    /// A terminal in raw mode: as long as this lives, keys come one by one, and mean nothing to the system.
    struct Raw(Termios);

    impl Raw {
        fn mode() -> std::io::Result<Self> {
            let before = tcgetattr(stdin())?;
            let mut raw = before.clone();
            raw.make_raw();
            tcsetattr(stdin(), OptionalActions::Now, &raw)?;
            Ok(Self(before))
        }
    }

    impl Drop for Raw {
        fn drop(&mut self) {
            // A terminal that has gone needs no tidying up.
            let _ = tcsetattr(stdin(), OptionalActions::Now, &self.0);
        }
    }

    pub(crate) fn main() -> Result<()> {
        onward::run(|| {
            let (keys, screen) = (process::stdin()?, process::stdout()?);
            if !keys.is_terminal() {
                return Err(Failure::other("there are no keys: standard input is no terminal"));
            }
            // It goes with the listener, so that even a panic leaves the terminal as it was.
            let raw = Raw::mode()?;
            screen.write("Press keys, `q` to end.\r\n");
            show_size(&screen);
            let shown = screen.clone();
            keys.on(Data, move |keys, bytes| {
                let _ = &raw;
                let text: String = bytes.escape_ascii().map(char::from).collect();
                shown.write(format!("{text}\r\n"));
                if matches!(bytes, b"q" | b"\x03") {
                    keys.destroy();
                }
            });
            let signals = process::signals()?;
            signals.on(Resize, move |_, ()| show_size(&screen));
            Ok(())
        })
    }

    fn show_size(screen: &PipeWriter) {
        if let Some((columns, rows)) = screen.terminal_size() {
            screen.write(format!("{columns} columns, {rows} rows\r\n"));
        }
    }
}

#[cfg(unix)]
fn main() -> onward::Result<()> {
    keys::main()
}

#[cfg(not(unix))]
fn main() {
    eprintln!("keys: this is for Unix terminals");
}
