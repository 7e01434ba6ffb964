//! What waits is sent before the loop goes, which waits for that.

use super::seams::Endpoint;
use super::writing::offer_once;
use std::io;

/// Sends all that waits, and lets `wait` wait where the system takes nothing for now. Tells nothing: it is for who is
/// about to be destroyed. What cannot be sent is lost.
pub(crate) fn send_all<E: Endpoint>(endpoint: &E, wait: impl Fn(&E::Bytes) -> io::Result<()>) {
    let duplex = endpoint.duplex();
    duplex.clear_corks();
    while !duplex.queue().is_empty() {
        match offer_once(duplex) {
            // Whoever takes nothing and does not say why will not take anything.
            Ok(0) => return,
            Ok(count) => drop(duplex.have_sent(count)),
            Err(error) => match error.kind() {
                io::ErrorKind::Interrupted => {}
                io::ErrorKind::WouldBlock if duplex.attempt(&wait).is_ok() => {}
                _ => return,
            },
        }
    }
}
