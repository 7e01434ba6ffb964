//! The script of those who have none: all descriptors are real.

use super::system::Ready;
use crate::event_loop::source::{Descriptor, Interest, Trigger};
use std::io;

#[derive(Default)]
pub(crate) struct Script {}

impl Script {
    #[inline]
    #[allow(clippy::unused_self, reason = "that of the crate's own tests has something to tell")]
    pub(crate) fn tell(
        &self,
        _: Descriptor<'_>,
        _: Option<(u32, Interest, Trigger)>,
    ) -> Option<io::Result<()>> {
        None
    }

    #[inline]
    #[allow(clippy::unused_self, clippy::unnecessary_wraps, reason = "as above")]
    pub(crate) fn happen(&self, _: u64, _: &mut Ready) -> io::Result<()> {
        Ok(())
    }

    #[inline]
    #[allow(clippy::unused_self, reason = "as above")]
    pub(crate) fn next(&self) -> Option<u64> {
        None
    }

    #[inline]
    #[allow(clippy::unused_self, reason = "as above")]
    pub(crate) fn take_break(&self) -> bool {
        false
    }
}
