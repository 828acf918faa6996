//! The newcomer's walk, docs/walk.md: its commands are run in order, and print what the page shows.

use std::path::{Path, PathBuf};

use crate::ALONE;
use crate::bash::Bash;
use crate::document::{Document, lines};
use crate::stack::Stack;

/// A line without what differs from run to run: words with digits, such as times and ids, the name of the listener's
/// queue, and the width of columns.
fn steady(line: &str) -> String {
    let varies = |word: &str| word.starts_with("wab-listen-") || word.contains(|c: char| c.is_ascii_digit());
    line.split_whitespace().map(|word| if varies(word) { "#" } else { word }).collect::<Vec<_>>().join(" ")
}

/// Checks that `shown` is an excerpt of `printed`. A line `…` stands for lines that were left out.
#[track_caller]
fn check_excerpt(shown: &str, printed: &str) {
    let mut rest = printed.lines().map(steady);
    for line in shown.lines().filter(|line| line.trim() != "…") {
        assert!(rest.any(|printed| printed == steady(line)), "not printed, or not in this order: {line}\n{printed}");
    }
}

#[test]
#[ignore = "needs the local stack: make test"]
fn walk_prints_what_its_page_shows() {
    let _alone = ALONE.blocking_lock();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let stack = runtime.block_on(Stack::connect());
    let directory = directory(&PathBuf::from(std::env::var("WAB_STACK").unwrap()));
    let mut bash = Bash::open(&stack.file, &stack.file.stack_name);
    // The stack is up already, and this terminal has its own `wab` and AWS CLI.
    bash.exits(&format!("cd {}; make() {{ :; }}; python3() {{ :; }}", directory.display()), &[0]);
    let is_set_up = |command: &String| !command.starts_with("wab()") && !command.starts_with("export ");
    for section in Document::read("walk.md").sections {
        let mut printed = String::new();
        for (language, block) in section.blocks() {
            if language == "sh" {
                printed.clear();
                for command in lines(&block).into_iter().filter(is_set_up) {
                    // `wab status` exits with 1 while something is wrong.
                    let codes: &[i32] = if command.starts_with("wab status") { &[0, 1] } else { &[0] };
                    let done = bash.exits(&command, codes);
                    printed += &(done.out + &done.err);
                }
            } else {
                check_excerpt(&block, &printed);
            }
        }
    }
    std::fs::remove_dir_all(directory).unwrap();
}

/// A directory in which `wab` finds the stack as in a checkout after `make up`.
fn directory(stack_file: &Path) -> PathBuf {
    let directory = std::env::temp_dir().join(format!("wab-walk-{}", std::process::id()));
    std::fs::create_dir_all(directory.join(".local")).unwrap();
    std::fs::copy(stack_file, directory.join(".local/stack.json")).unwrap();
    directory
}

#[test]
fn times_and_ids_are_ignored() {
    check_excerpt("…\nstored   at 09:15\n", "first\nstored at 10:22\nlast\n");
    assert!(std::panic::catch_unwind(|| check_excerpt("stored\n", "duplicate\n")).is_err());
}
