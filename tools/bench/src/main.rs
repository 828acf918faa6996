//! `make bench`: what each function costs, beside a function that does nothing and one that does the least.
//!
//! The real bootstraps run against Lambda's Runtime API and an AWS endpoint that are both in this process. All of it
//! shares one core, as a function on Lambda has one at the most, and takes turns: what the machine does beside it
//! hits all of them alike, and ratios are taken within a round.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command-line tool")]

mod aws;
mod events;
mod figures;
mod function;
mod memory;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, ensure};
use bytes::Bytes;
use clap::Parser;
use comfy_table::{CellAlignment, Table, presets};
use nix::sched::{CpuSet, sched_setaffinity};
use nix::unistd::Pid;
use serde::{Deserialize, Serialize};

use crate::aws::Aws;
use crate::figures::{Figures, Ratios, Round, complaints, quantile, ratios};
use crate::function::Function;
use crate::memory::{AtMemory, CpuShare, usd_per_million};

/// Measures the functions, side by side. Ends with 1 if a limit is broken or a ratio got worse than the recorded one
/// by more than the noise.
#[derive(Debug, Parser)]
struct Options {
    /// Fresh processes of each function.
    #[arg(long, default_value_t = 10)]
    rounds: u64,
    /// Warm invocations of each process.
    #[arg(long, default_value_t = 300)]
    invocations: u64,
    /// Prints JSON in place of tables.
    #[arg(long)]
    json: bool,
    /// Writes what is measured over the recorded figures, in place of comparing with them.
    #[arg(long)]
    record: bool,
    /// Milliseconds that AWS takes to answer where memory settings are compared: what DynamoDB takes in a region.
    #[arg(long, default_value_t = 5)]
    aws_ms: u64,
    /// Memory settings to compare, in MB. Needs root, for CPU cgroups; none to leave it out.
    #[arg(long, value_delimiter = ',', num_args = 0.., default_values_t = [128, 192, 256, 512, 1024, 1769])]
    memory: Vec<u32>,
    /// Where `make build` put the functions.
    #[arg(long, default_value = ".aws-sam/build")]
    built: PathBuf,
    /// Where the functions to compare with were built.
    #[arg(long, default_value = "target/lambda")]
    compared: PathBuf,
    /// The recorded figures.
    #[arg(long, default_value = "tools/bench/recorded.json")]
    recorded: PathBuf,
}

/// What a run ends with, and what is recorded.
#[derive(Debug, Serialize, Deserialize)]
struct Report {
    subjects: BTreeMap<String, Figures>,
    ratios: Ratios,
    memory: Vec<AtMemory>,
}

/// A function that is measured, and what it is handed.
struct Subject {
    name: &'static str,
    bootstrap: PathBuf,
    event: fn(u64) -> anyhow::Result<Bytes>,
    /// Of how many warm invocations one is made here: the large ones take their time.
    thinned_by: u64,
}

/// How many warm invocations a process makes before it is the next one's turn.
const BLOCK: u64 = 50;

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<ExitCode> {
    let options = Options::parse();
    use_one_core()?;
    tokio::task::LocalSet::new().run_until(run(&options)).await
}

/// For this process and those that it starts.
fn use_one_core() -> anyhow::Result<()> {
    let last = std::thread::available_parallelism()?.get() - 1;
    let mut cores = CpuSet::new();
    cores.set(last)?;
    Ok(sched_setaffinity(Pid::from_raw(0), &cores)?)
}

async fn run(options: &Options) -> anyhow::Result<ExitCode> {
    let aws = Aws::start().await?;
    let trusted = tempfile::NamedTempFile::new()?;
    // As many roots as a function trusts on AWS, and this run's.
    let roots = include_str!("../../../shared/platform/src/amazon_roots.pem");
    std::fs::write(&trusted, format!("{roots}{}", aws.root_pem))?;
    let environment = environment(&aws.url, trusted.path());

    let subjects = subjects(options);
    let rounds = measure(options, &aws, &environment, &subjects).await?;
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
        .with_context(|| format!("no recorded figures at {}: make some with --record", options.recorded.display()))?;
    let recorded: Report = serde_json::from_str(&recorded)?;
    let complaints = complaints(&report.subjects, &report.ratios, Some(&recorded.ratios));
    for complaint in &complaints {
        eprintln!("{complaint}");
    }
    Ok(if complaints.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn subjects(options: &Options) -> Vec<Subject> {
    let built = |name| options.built.join(name).join("bootstrap");
    let compared = |name| options.compared.join(name).join("bootstrap");
    let subject = |name, bootstrap, event, thinned_by| Subject { name, bootstrap, event, thinned_by };
    vec![
        subject("noop", compared("wab-bench-noop"), |number| Ok(events::mo(number)), 1),
        subject("bare", compared("wab-bench-bare"), |number| Ok(events::mo(number)), 1),
        subject("mo", built("Mo"), |number| Ok(events::mo(number)), 1),
        subject("dlr", built("Dlr"), |number| Ok(events::dlr(number)), 1),
        subject("fanout 1", built("Fanout"), |number| events::stream_batch(number, 1), 1),
        subject("fanout 10", built("Fanout"), |number| events::stream_batch(number, 10), 2),
        subject("fanout 100", built("Fanout"), |number| events::stream_batch(number, 100), 10),
        subject("recover 10", built("Recover"), |number| events::spill_batch(number, 10), 2),
        subject("noop 3 MB", compared("wab-bench-noop"), |number| Ok(events::mo_3_mb(number)), 20),
        subject("mo 3 MB", built("Mo"), |number| Ok(events::mo_3_mb(number)), 20),
    ]
}

fn environment(aws_url: &str, trusted: &Path) -> Vec<(&'static str, String)> {
    vec![
        ("AWS_LAMBDA_FUNCTION_NAME", "bench".to_owned()),
        ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128".to_owned()),
        ("AWS_LAMBDA_FUNCTION_VERSION", "1".to_owned()),
        ("AWS_REGION", "us-east-1".to_owned()),
        ("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE".to_owned()),
        ("AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY".to_owned()),
        // As long as those that Lambda gives.
        ("AWS_SESSION_TOKEN", "IQoJb3JpZ2luX2VjEXAMPLE".repeat(30)),
        ("AWS_ENDPOINT_URL", aws_url.to_owned()),
        ("SSL_CERT_FILE", trusted.display().to_string()),
        ("TABLE_NAME", "wab-Events-1A2B3C4D5E6F".to_owned()),
        ("BUCKET_NAME", "wab-bucket-1a2b3c4d5e6f".to_owned()),
        ("SPILL_QUEUE_URL", format!("{aws_url}/123456789012/wab-Spill")),
        ("CALLBACK_CREDENTIALS", events::VERIFIER.to_owned()),
        ("RETENTION_DAYS", "30".to_owned()),
        ("MO_TOPIC_ARN", "arn:aws:sns:us-east-1:123456789012:wab-MoTopic-1A2B3C4D5E6F".to_owned()),
        ("DLR_TOPIC_ARN", "arn:aws:sns:us-east-1:123456789012:wab-DlrTopic-1A2B3C4D5E6F".to_owned()),
        ("DEAD_LETTER_QUEUE_URL", format!("{aws_url}/123456789012/wab-DeadLetters")),
    ]
}

type Rounds = BTreeMap<&'static str, Vec<Round>>;

/// All rounds: in each, every function starts once, one after the other, and then they take turns at being warm.
async fn measure(
    options: &Options,
    aws: &Aws,
    environment: &[(&str, String)],
    subjects: &[Subject],
) -> anyhow::Result<Rounds> {
    let mut rounds = Rounds::new();
    let mut number = 0;
    for turn in 0..options.rounds {
        let mut running = Vec::new();
        // Nobody is always the first.
        let (head, tail) = subjects.split_at(turn as usize % subjects.len());
        for subject in tail.iter().chain(head) {
            number += 1_000;
            running.push((subject, start(subject, environment, number).await?));
        }
        aws.take_traffic();
        for _ in 0..options.invocations.div_ceil(BLOCK) {
            for (subject, (function, round)) in &mut running {
                number += 100 * BLOCK;
                warm(aws, subject, function, round, number).await?;
            }
        }
        for (subject, (function, mut round)) in running {
            round.peak_memory_bytes = function.peak_memory_bytes()? as f64;
            let invocations = round.warm_ms.len() as f64;
            for total in [&mut round.aws_calls, &mut round.aws_bytes, &mut round.log_bytes] {
                *total /= invocations;
            }
            rounds.entry(subject.name).or_default().push(round);
        }
    }
    Ok(rounds)
}

async fn start(subject: &Subject, environment: &[(&str, String)], number: u64) -> anyhow::Result<(Function, Round)> {
    let mut function = Function::start(&subject.bootstrap, environment).await?;
    let before = function.cpu()?;
    let first = invoke(subject, &mut function, (subject.event)(number)?).await?;
    let first_cpu_ms = ms(function.cpu()? - before);
    let round = Round { init_ms: ms(function.init), first_ms: ms(first), first_cpu_ms, ..Round::default() };
    Ok((function, round))
}

/// How long an invocation took, provided that it did what it should: a function that fails fast is not fast.
async fn invoke(subject: &Subject, function: &mut Function, event: Bytes) -> anyhow::Result<Duration> {
    let (took, response) = function.invoke(event).await?;
    ensure!(events::is_success(&response), "{} did not succeed", subject.name);
    Ok(took)
}

/// One block of warm invocations.
async fn warm(
    aws: &Aws,
    subject: &Subject,
    function: &mut Function,
    round: &mut Round,
    number: u64,
) -> anyhow::Result<()> {
    let events: Vec<Bytes> =
        (0..BLOCK / subject.thinned_by).map(|turn| (subject.event)(number + 100 * turn)).collect::<Result<_, _>>()?;
    let logged = function.log_bytes()?;
    let before = function.cpu()?;
    for event in events {
        round.warm_ms.push(ms(invoke(subject, function, event).await?));
    }
    round.warm_cpu_s += (function.cpu()? - before).as_secs_f64();
    let traffic = aws.take_traffic();
    round.aws_calls += traffic.calls as f64;
    round.aws_bytes += traffic.bytes as f64;
    round.log_bytes += (function.log_bytes()? - logged) as f64;
    Ok(())
}

fn ms(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1_000.0
}

fn summarize(subjects: &[Subject], rounds: &Rounds) -> anyhow::Result<BTreeMap<String, Figures>> {
    let figures = subjects.iter().map(|subject| {
        let rounds = rounds.get(subject.name).context("every function has its rounds")?;
        Ok((subject.name.to_owned(), Figures::of(rounds, std::fs::metadata(&subject.bootstrap)?.len())))
    });
    figures.collect()
}

/// Every function against the bare one; those with 3 MB have nothing to be compared with.
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

async fn at_memory(subject: &Subject, environment: &[(&str, String)], memory_mb: u32) -> anyhow::Result<AtMemory> {
    const STARTS: u64 = 5;
    const WARM: u64 = 60;
    let share = CpuShare::of(memory_mb)?;
    let (mut first, mut warm) = (Vec::new(), Vec::new());
    for start in 0..STARTS {
        let mut function = Function::start(&subject.bootstrap, environment).await?;
        // Only now: Lambda runs init at full speed.
        share.add(function.pid)?;
        for turn in 0..=WARM {
            let event = (subject.event)(start * 1_000_000 + turn * 100)?;
            let took = invoke(subject, &mut function, event).await?;
            if turn == 0 { &mut first } else { &mut warm }.push(ms(took));
            // Callbacks don't follow on each other's heels: each finds its share of the core unused.
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
    }
    let billed_ms = warm.iter().map(|ms| ms.ceil()).sum::<f64>() / warm.len() as f64;
    Ok(AtMemory {
        function: subject.name.to_owned(),
        memory_mb,
        first_ms: quantile(first, 0.5),
        warm_p50_ms: quantile(warm.clone(), 0.5),
        warm_p99_ms: quantile(warm, 0.99),
        billed_ms,
        usd_per_million: usd_per_million(memory_mb, billed_ms),
    })
}

fn print(report: &Report) {
    let mut table = table(&[
        "",
        "init ms",
        "first ms",
        "cold ms",
        "CPU of first",
        "warm p50",
        "p90",
        "p99 ms",
        "per CPU s",
        "peak MiB",
        "size bytes",
        "AWS calls",
        "AWS bytes",
        "log bytes",
    ]);
    for (name, it) in &report.subjects {
        let milliseconds =
            [it.init_ms, it.first_ms, it.cold_ms, it.first_cpu_ms, it.warm_p50_ms, it.warm_p90_ms, it.warm_p99_ms];
        let mut row = vec![name.clone()];
        row.extend(milliseconds.map(|ms| format!("{ms:.3}")));
        row.push(format!("{:.0}", it.invocations_per_cpu_second));
        row.push(format!("{:.1}", it.peak_memory_mib));
        row.push(it.size_bytes.to_string());
        row.extend([it.aws_calls, it.aws_bytes, it.log_bytes].map(|each| format!("{each:.0}")));
        table.add_row(row);
    }
    println!("{table}\n");
    println!("To the bare function, the median of the rounds and their middle half; more is worse:");
    let mut table = self::table(&["", "ratio", "from", "to"]);
    for (name, ratio) in &report.ratios {
        let values = [ratio.median, ratio.low, ratio.high].map(|value| format!("{value:.3}"));
        table.add_row(std::iter::once(name.clone()).chain(values));
    }
    println!("{table}");
    if report.memory.is_empty() {
        return;
    }
    println!("\nAt Lambda's share of a core:");
    let mut table = self::table(&["", "MB", "first ms", "warm p50", "p99 ms", "billed ms", "USD per million"]);
    for it in &report.memory {
        let milliseconds = [it.first_ms, it.warm_p50_ms, it.warm_p99_ms, it.billed_ms].map(|ms| format!("{ms:.2}"));
        let mut row = vec![it.function.clone(), it.memory_mb.to_string()];
        row.extend(milliseconds);
        row.push(format!("{:.3}", it.usd_per_million));
        table.add_row(row);
    }
    println!("{table}");
}

fn table(header: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::ASCII_MARKDOWN).set_header(header);
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}
