//! `make simulate`: runs the functions' own `handle`, above the real AWS SDK, against models of AWS on virtual time. The
//! models follow AWS's documentation. A seed determines everything: what the gateway sends, what fails when, and how long
//! each call takes. So years of outages pass in minutes, and a run that breaks a promise can be repeated.
//!
//! Start reading at `run.rs`. The promises are in `promises.rs`, and each model of an AWS service is a file under `aws/`.

#![expect(
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a model must stop the run when it is asked for something that it doesn't model"
)]

mod aws;
mod body;
mod content_free;
mod errors;
mod expiry;
mod gateway;
mod lambda;
mod ledger;
mod network;
mod outcome;
mod plan;
mod privacy;
mod process;
mod promises;
mod roles;
mod run;
mod stack;
mod time;
mod world;

use std::collections::BTreeMap;
use std::num::NonZero;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use proptest::strategy::ValueTree;

pub use crate::outcome::{Outcome, Stats, Violation};
pub use crate::plan::Plan;
pub use crate::time::Ms;

/// Time limit of the search for a smaller plan.
const TIME_TO_SHRINK: Duration = Duration::from_secs(20);

/// The names of all faults, the keys of [`Stats::hits`].
pub fn fault_names() -> impl Iterator<Item = &'static str> {
    plan::names::all_kinds().map(plan::Kind::name)
}

/// Runs the plan of a seed.
#[must_use]
pub fn run(seed: u64) -> Outcome {
    run::run(&plan::draw::tree(seed).current(), false)
}

/// Runs the plans of many seeds, one thread for each core. Returns the sum of their statistics, and the violations by seed.
/// Stops at the first violation unless `all` is set.
#[must_use]
pub fn run_seeds(seeds: Range<u64>, all: bool) -> (Stats, BTreeMap<u64, Violation>) {
    let next = AtomicU64::new(seeds.start);
    let failed = AtomicBool::new(false);
    let results = Mutex::new((Stats::default(), BTreeMap::new()));
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, NonZero::get) {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= seeds.end || (failed.load(Ordering::Relaxed) && !all) {
                        break;
                    }
                    let outcome = run(seed);
                    let mut results = results.lock().unwrap_or_else(PoisonError::into_inner);
                    results.0.add(&outcome.stats);
                    if let Some(violation) = outcome.violation {
                        failed.store(true, Ordering::Relaxed);
                        results.1.insert(seed, violation);
                    }
                }
            });
        }
    });
    results.into_inner().unwrap_or_else(PoisonError::into_inner)
}

/// The smallest plan found that breaks the same promise as a seed.
#[derive(Debug)]
pub struct Failure {
    pub plan: Plan,
    /// The outcome of that plan, with its trace.
    pub outcome: Outcome,
}

/// Searches for the smallest plan that breaks `promise`, starting at the plan of a seed.
#[must_use]
pub fn shrink(seed: u64, promise: &str) -> Failure {
    let breaks = |plan: &Plan| run::run(plan, false).violation.is_some_and(|found| found.promise == promise);
    let mut tree = plan::draw::tree(seed);
    let mut smallest = tree.current();
    let began = Instant::now();
    while began.elapsed() < TIME_TO_SHRINK {
        let is_smaller = if breaks(&tree.current()) {
            smallest = tree.current();
            tree.simplify()
        } else {
            tree.complicate()
        };
        if !is_smaller {
            break;
        }
    }
    Failure { outcome: run::run(&smallest, true), plan: smallest }
}

/// Runs the plan of a seed, with a trace.
#[must_use]
pub fn trace(seed: u64) -> Outcome {
    run::run(&plan::draw::tree(seed).current(), true)
}
