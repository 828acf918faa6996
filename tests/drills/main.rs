//! Drills: the commands of the documentation, run against the local stack while something is broken.
//!
//! `cargo test` ignores those that need the stack. `make test` runs them. They break the stack for a while, so they run
//! one after another, and apart from the end-to-end tests.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests fail by panic"
)]

mod bash;
mod doctor;
mod document;
mod faults;
mod lane;
#[path = "../marked.rs"]
mod marked;
mod newcomer;
#[path = "../records.rs"]
#[expect(dead_code, reason = "shared with the other tests")]
mod records;
#[path = "../requests.rs"]
#[expect(dead_code, reason = "shared with the other tests")]
mod requests;
mod runbook;
#[path = "../stack.rs"]
#[expect(dead_code, reason = "shared with the other tests")]
mod stack;
mod walks;

/// Held by a test that changes the stack, so that it is the only one.
pub(crate) static ALONE: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());
