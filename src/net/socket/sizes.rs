//! What a connection takes on which nothing happens, so that it does not grow by chance.

use super::Inner;

#[test]
fn a_socket_takes_no_more_than_was_meant_for_it() {
    // The two counters of its `Rc` stand in front of it. With the word that most allocators add it is 144, which is one of
    // their sizes.
    assert_eq!(size_of::<Inner>() + 16, 136);
}
