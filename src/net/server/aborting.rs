//! Servers that close when somebody gives up.

use super::Server;
use crate::abort::AbortSignal;
use crate::emitter::names::{Abort, Close};
use crate::emitter::{Downgrade as _, Emitter as _};

impl Server {
    /// [`close`](Self::close)s it when the signal is aborted; at once, if that has happened already. It is no error, and
    /// connections live on. Gives a handle back, for chaining.
    ///
    /// ```
    /// use onward::abort::AbortController;
    /// use onward::{events::*, net::Server};
    ///
    /// onward::run(|| {
    ///     let controller = AbortController::new();
    ///     let server = Server::listen("127.0.0.1:0")?.abort_on(&controller.signal());
    ///     server.on(Close, |_, ()| println!("closed"));
    ///     onward::set_immediate(move || controller.abort());
    ///     Ok(())
    /// })?;
    /// # Ok::<(), onward::Error>(())
    /// ```
    #[allow(clippy::must_use_candidate, reason = "the handle itself comes back, for chaining")]
    pub fn abort_on(&self, signal: &AbortSignal) -> Self {
        if signal.is_aborted() {
            self.close();
            return self.clone();
        }
        let (find, signal) = (self.downgrade(), signal.clone());
        let listener = signal.on(Abort, move |_, _| find().iter().for_each(Self::close));
        self.once(Close, move |_, ()| _ = signal.off(listener));
        self.clone()
    }
}
