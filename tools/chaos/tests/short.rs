//! A short run against the local stack, part of `make test`.

use std::process::Command;

#[test]
#[ignore = "needs the local stack: make test"]
fn no_fault_loses_or_doubles_events() {
    let stack = std::env::var("WAB_STACK").expect("WAB_STACK names the stack.json of a stack: run `make test`");
    let chaos = Command::new(env!("CARGO_BIN_EXE_wab-chaos")).args(["--short", "--stack", &stack]).status().unwrap();
    assert!(chaos.success(), "{chaos}");
}
