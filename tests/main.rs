//! Tests from outside: the handlers in this process against a fake AWS, the rules of `infra/template.yaml`, and the
//! deployed stack on the local emulator, end to end.
//!
//! `cargo test` ignores the end-to-end tests. `make test` starts their stack and runs them.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests fail by panic"
)]

mod answers;
mod bodies;
mod content_free;
mod contracts;
mod corpus;
mod cost;
mod create_time;
mod deadlines;
mod debug;
mod end_to_end;
mod failures;
mod fake_aws;
mod fanout;
mod log_lines;
mod marked;
mod parked;
#[path = "fuzz/src/lib.rs"]
#[expect(unreachable_pub, reason = "a crate of its own for the fuzzer")]
mod properties;
mod records;
mod recover;
mod redrive;
mod requests;
mod samples;
mod stack;
mod store_calls;
mod subscriber_example;
mod template;
mod traces;
