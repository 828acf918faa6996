//! `make bench`: measures each function, and compares it with one that does nothing and one that does the minimum.
//!
//! The real bootstraps run against Lambda's Runtime API and an AWS endpoint in this process. Everything shares one core,
//! as a function on Lambda has at most one. The functions take turns, so that other load on the machine affects all of them
//! alike, and ratios are taken within a round.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command-line tool")]

mod aws;
mod events;
mod figures;
mod function;
mod measure;
mod memory;
mod report;
mod subjects;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use clap::Parser;
use nix::sched::{CpuSet, sched_setaffinity};
use nix::unistd::Pid;

use crate::aws::Aws;
use crate::figures::{Figures, Ratios, complaints, ratios};
use crate::measure::{Rounds, at_memory};
use crate::memory::AtMemory;
use crate::report::{Report, print};
use crate::subjects::{Subject, environment, subjects};

/// Measure the functions side by side
///
/// Exits with 1 if a limit is exceeded, or if a ratio is worse than the recorded one by more than the noise.
#[derive(Debug, Parser)]
struct Options {
    /// Number of fresh processes of each function
    #[arg(long, default_value_t = 10)]
    rounds: u64,
    /// Number of warm invocations of each process
    #[arg(long, default_value_t = 300)]
    invocations: u64,
    /// Print JSON instead of tables
    #[arg(long)]
    json: bool,
    /// Replace the recorded figures, instead of comparing with them
    #[arg(long)]
    record: bool,
    /// Latency of AWS in milliseconds when memory settings are compared. DynamoDB's in its region is about 5
    #[arg(long, default_value_t = 5)]
    aws_ms: u64,
    /// Memory settings to compare, in MB. Needs root for CPU cgroups. Without a value, the comparison is left out
    #[arg(long, value_delimiter = ',', num_args = 0.., default_values_t = [128, 192, 256, 512, 1024, 1769])]
    memory: Vec<u32>,
    /// Directory into which `make build` put the functions
    #[arg(long, default_value = ".aws-sam/build")]
    built: PathBuf,
    /// Directory of the functions to compare with
    #[arg(long, default_value = "target/lambda")]
    compared: PathBuf,
    /// File of the recorded figures
    #[arg(long, default_value = "tools/bench/recorded.json")]
    recorded: PathBuf,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<ExitCode> {
    let options = Options::parse();
    use_one_core()?;
    tokio::task::LocalSet::new().run_until(run(&options)).await
}

/// Limits this process and its children to one core.
fn use_one_core() -> anyhow::Result<()> {
    let last = std::thread::available_parallelism()?.get() - 1;
    let mut cores = CpuSet::new();
    cores.set(last)?;
    Ok(sched_setaffinity(Pid::from_raw(0), &cores)?)
}

async fn run(options: &Options) -> anyhow::Result<ExitCode> {
    let aws = Aws::start().await?;
    let trusted = tempfile::NamedTempFile::new()?;
    // The roots that a function trusts on AWS, and the root of this run.
    let roots = include_str!("../../../shared/platform/src/amazon_roots.pem");
    std::fs::write(&trusted, format!("{roots}{}", aws.root_pem))?;
    let environment = environment(&aws.url, trusted.path());

    let subjects = subjects(&options.built, &options.compared);
    let rounds = measure::rounds(options.rounds, options.invocations, &aws, &environment, &subjects).await?;
    let report = Report {
        subjects: summarize(&subjects, &rounds)?,
        ratios: compare(&rounds)?,
        memory: compare_memory(options, &aws, &environment, &subjects).await?,
    };
    if options.json {
        println!("{}", serde_json::to_string_pretty(&report)?);
    } else {
        print(&report);
    }
    if options.record {
        std::fs::write(&options.recorded, format!("{}\n", serde_json::to_string_pretty(&report)?))?;
        return Ok(ExitCode::SUCCESS);
    }
    let recorded = std::fs::read_to_string(&options.recorded)
        .with_context(|| format!("no recorded figures at {}: record them with --record", options.recorded.display()))?;
    let recorded: Report = serde_json::from_str(&recorded)?;
    let complaints = complaints(&report.subjects, &report.ratios, Some(&recorded.ratios));
    for complaint in &complaints {
        eprintln!("{complaint}");
    }
    Ok(if complaints.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn summarize(subjects: &[Subject], rounds: &Rounds) -> anyhow::Result<BTreeMap<String, Figures>> {
    let figures = subjects.iter().map(|subject| {
        let rounds = rounds.get(subject.name).context("every function has its rounds")?;
        Ok((subject.name.to_owned(), Figures::of(rounds, std::fs::metadata(&subject.bootstrap)?.len())))
    });
    figures.collect()
}

/// The ratios of each function to the bare one, which has no variant with 3 MB.
fn compare(rounds: &Rounds) -> anyhow::Result<Ratios> {
    let bare = rounds.get("bare").context("the bare function has its rounds")?;
    let compared = rounds.iter().filter(|(name, _)| !name.ends_with("MB") && **name != "bare" && **name != "noop");
    Ok(compared.flat_map(|(name, rounds)| ratios(name, rounds, bare)).collect())
}

async fn compare_memory(
    options: &Options,
    aws: &Aws,
    environment: &[(&str, String)],
    subjects: &[Subject],
) -> anyhow::Result<Vec<AtMemory>> {
    aws.set_delay(Duration::from_millis(options.aws_ms));
    let mut all = Vec::new();
    for subject in subjects.iter().filter(|subject| ["mo", "dlr", "fanout 10"].contains(&subject.name)) {
        for &memory_mb in &options.memory {
            all.push(at_memory(subject, environment, memory_mb).await?);
        }
    }
    Ok(all)
}
