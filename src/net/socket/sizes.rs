//! What a connection takes on which nothing happens, so that it does not grow by chance.

use super::Inner;

#[test]
fn a_socket_takes_no_more_than_was_meant_for_it() {
    // The two counters of its `Rc` stand in front of it.
    assert_eq!(size_of::<Inner>() + 16, 280);
}
