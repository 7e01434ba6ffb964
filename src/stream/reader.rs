//! Any stream to read, whatever its type.

use super::traits::Readable;

/// What [`ReadControl`](super::ReadControl) can, as an object.
pub(super) trait Reader {
    fn pause(&self);
    fn hold(&self);
    fn release(&self);
    fn destroy(&self);
}

impl<R: Readable> Reader for R {
    fn pause(&self) {
        super::ReadControl::pause(self);
    }
    fn hold(&self) {
        super::ReadControl::hold(self);
    }
    fn release(&self) {
        super::ReadControl::release(self);
    }
    fn destroy(&self) {
        super::ReadControl::destroy(self);
    }
}
