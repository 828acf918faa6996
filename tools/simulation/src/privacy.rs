//! The promise that nothing sent is in what the functions log, answer with an error, or give as a reason.

use std::sync::LazyLock;

use wab_marked::Search;

use crate::stack::PASSWORD;
use crate::world::World;

static SEARCH: LazyLock<Search> = LazyLock::new(|| Search::everything(&[PASSWORD]));

/// Checks that a text holds nothing that was sent. `place` says where the text is.
pub(crate) fn check(world: &World, place: &str, text: &str) {
    if let Some(found) = SEARCH.find(text) {
        world.violation("nothing sent leaves the stack", || format!("{found} is in {place}: {text}"));
    }
}
