//! Without the feature `testing` a loop waits as its driver does.

use super::core::Core;
use super::driver::Ready;
use crate::error::{Error, Result};
use std::time::Duration;

impl Core {
    /// Waits for something to do, and gives what is ready.
    #[inline]
    pub(super) fn wait(&self, timeout: Option<Duration>, ready: &mut Ready) -> Result<()> {
        self.driver.wait(timeout, ready).map_err(|error| Error::io("wait for events", error))
    }
}
