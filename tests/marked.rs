//! The search for marked values in what the tests get back: error answers, and what `wab` prints without `--reveal`.
//!
//! `wab_marked` has the values. [`end_to_end::marked`](crate::end_to_end::marked) searches the stack once all tests have run.

use std::sync::LazyLock;

use wab::stack::StackFile;
use wab_marked::{SAMPLE, Search};

/// Finds every value that the tests send, and the passwords of the stack.
pub(crate) static EVERYTHING: LazyLock<Search> = LazyLock::new(|| searching(Search::everything));

/// Finds what `wab` masks.
static PERSONAL: LazyLock<Search> = LazyLock::new(|| searching(Search::personal));

fn searching(search: fn(&[&str]) -> Search) -> Search {
    let file = std::env::var_os("WAB_STACK").map(|path| StackFile::read(path.as_ref()).unwrap());
    let secrets: Vec<String> =
        file.into_iter().flat_map(|file| [Some(file.password), file.second_password]).flatten().collect();
    search(&secrets.iter().map(String::as_str).collect::<Vec<_>>())
}

/// Checks a text that must hold nothing that was sent, such as an error answer.
#[track_caller]
pub(crate) fn check_unmarked(text: &str) {
    let found = EVERYTHING.find(text);
    assert!(found.is_none(), "this holds {}: {text}", found.unwrap());
}

/// Checks what `wab` printed with these arguments.
#[track_caller]
pub(crate) fn check_printed(arguments: &[&str], printed: &str) {
    if arguments.contains(&"--reveal") {
        return;
    }
    let found = PERSONAL.find(printed);
    // `wab send` names the contacts that it makes up.
    let command = arguments.iter().find(|argument| **argument != "wab");
    if command == Some(&"send") && found == Some(SAMPLE) {
        return;
    }
    assert!(found.is_none(), "`wab {}` prints {}:\n{printed}", arguments.join(" "), found.unwrap());
}
