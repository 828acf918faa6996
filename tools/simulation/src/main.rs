//! `make simulate`: runs many seeds and reports the results.

#![expect(clippy::print_stdout, reason = "a command-line tool")]

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::Parser;
use wab_simulation::{Failure, Stats, Violation};

/// Run the functions against models of AWS on virtual time
///
/// Each seed gives a plan of callbacks and faults. Prints statistics, and how often each fault hit. If a promise is broken,
/// prints the seed, the smallest plan that breaks the promise and its trace, and exits with 1.
#[derive(Debug, Parser)]
#[command(version)]
struct Options {
    /// Number of seeds to run
    #[arg(long, default_value_t = 500, value_name = "COUNT")]
    seeds: u64,
    /// First seed
    #[arg(long, default_value_t = 0, value_name = "SEED")]
    from: u64,
    /// Run only this seed, and print its trace
    #[arg(long, value_name = "SEED", conflicts_with_all = ["seeds", "from"])]
    seed: Option<u64>,
    /// Run all seeds and list those that fail, instead of stopping at the first
    #[arg(long)]
    all: bool,
    /// Print only the failing seed, without searching for the smallest plan
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
