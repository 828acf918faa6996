//! `make simulate`: many runs of the simulation, and what was found in them.

#![expect(clippy::print_stdout, reason = "it prints what it finds")]

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::Parser;
use wab_simulation::{Failure, Stats, Violation};

/// Runs the functions against models of AWS on virtual time, a plan of callbacks and faults for each seed.
///
/// Prints what was done and which faults hit. If a promise is broken, prints the seed, the smallest plan that breaks it, and
/// what happens in that plan, and ends with 1.
#[derive(Debug, Parser)]
#[command(version)]
struct Options {
    /// How many seeds are run
    #[arg(long, default_value_t = 500, value_name = "COUNT")]
    seeds: u64,
    /// The first of them
    #[arg(long, default_value_t = 0, value_name = "SEED")]
    from: u64,
    /// Only this seed, and what happens in it
    #[arg(long, value_name = "SEED", conflicts_with_all = ["seeds", "from"])]
    seed: Option<u64>,
    /// Runs all seeds and lists those that fail, rather than stopping at the first
    #[arg(long)]
    all: bool,
    /// Names the seed that fails, without looking for the smallest plan
    #[arg(long)]
    no_shrink: bool,
}

fn main() -> ExitCode {
    let options = Options::parse();
    if let Some(seed) = options.seed {
        return repeat(seed);
    }
    let began = Instant::now();
    let (stats, failures) = wab_simulation::run_seeds(options.from..options.from + options.seeds, options.all);
    show(&stats, began.elapsed());
    let mut by_promise: BTreeMap<&str, Vec<u64>> = BTreeMap::new();
    for (seed, violation) in &failures {
        by_promise.entry(violation.promise).or_default().push(*seed);
    }
    for (promise, seeds) in &by_promise {
        println!("broken: {promise}: {} seeds, such as {:?}", seeds.len(), seeds.iter().take(5).collect::<Vec<_>>());
    }
    let Some((seed, violation)) = failures.first_key_value() else {
        println!("no promise was broken");
        return ExitCode::SUCCESS;
    };
    if options.no_shrink {
        println!("seed {seed} breaks the promise `{}`: {}", violation.promise, violation.how);
    } else if !options.all {
        explain(*seed, violation);
    }
    ExitCode::FAILURE
}

fn show(stats: &Stats, took: Duration) {
    let days = stats.time as f64 / 86_400_000.0;
    let seconds = took.as_secs_f64();
    println!("{days:.1} simulated days and {} callbacks in {seconds:.1} s", stats.callbacks);
    println!("{:.1} days and {:.0} callbacks a second", days / seconds, stats.callbacks as f64 / seconds);
    let answers: Vec<String> = stats.answers.iter().map(|(status, count)| format!("{count} × {status}")).collect();
    println!("answers: {}", answers.join(", "));
    println!("{} events stored, {} deliveries, {} parked", stats.stored, stats.deliveries, stats.parked);
    println!("faults, and how often they hit:");
    for (fault, count) in &stats.hits {
        println!("{count:>10}  {fault}");
    }
}

/// Runs one seed with its trace.
fn repeat(seed: u64) -> ExitCode {
    let outcome = wab_simulation::trace(seed);
    match outcome.violation {
        Some(violation) => {
            explain(seed, &violation);
            ExitCode::FAILURE
        }
        None => {
            for line in &outcome.trace {
                println!("{line}");
            }
            println!("no promise was broken");
            ExitCode::SUCCESS
        }
    }
}

fn explain(seed: u64, violation: &Violation) {
    println!("\nseed {seed} breaks the promise `{}`. The smallest plan that does:", violation.promise);
    let Failure { plan, outcome } = wab_simulation::shrink(seed, violation.promise);
    println!("{plan:#?}\n\nwhat happens, in hours:minutes:seconds:");
    for line in &outcome.trace {
        println!("{line}");
    }
    println!("\nrepeat it with `make simulate SEED={seed}`");
}
