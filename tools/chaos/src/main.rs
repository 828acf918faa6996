//! `make chaos`: counts lost and doubled events while the services behind the functions fail.
//!
//! For each fault it posts a load as the gateway would, each callback once and without retries, and injects the fault in
//! the middle. Then it compares the answers with the table and with the events at a subscriber. It relies only on what
//! is documented: the stack file, callbacks, answers, table keys and events.

mod account;
mod fault;
mod form;
mod gateway;
mod load;
mod lock;
mod processes;
mod proxy;
mod report;
mod run;
mod service;
mod stack;
mod subscribers;
mod world;

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context;
use clap::{Parser, ValueEnum};
use hyper::Uri;
use hyper::header::HeaderValue;
use tokio::signal::unix::{SignalKind, signal};
use wab_marked::Search;

use crate::fault::Fault;
use crate::gateway::Gateway;
use crate::processes::Emulator;
use crate::proxy::Proxy;
use crate::report::Report;
use crate::run::Load;
use crate::service::Service;
use crate::stack::{Stack, Variables};
use crate::subscribers::Subscribers;
use crate::world::World;

/// Inject faults under load into a running local stack, and count lost and doubled events
///
/// For each fault it posts callbacks: messages and receipts, one in ten a repeat, some large, some malformed. The fault
/// begins after a quarter of the callbacks and ends after 60 %. Every callback answered 200 must then arrive at each
/// subscriber within a minute: at a queue of the topics, at a FIFO queue if the stack has FIFO topics, and on the event
/// bus if one is given. During the run the functions reach AWS services through proxies in this process.
///
/// Prints a table. Exits with 1 if an event was lost, doubled or not published, an answer took more than 4 s, valid
/// credentials were rejected, an event took more than a minute to arrive, or a value that was sent is in a log line or in
/// an error answer. Exits with 2 if it couldn't run.
#[derive(Debug, Parser)]
#[command(version)]
struct Options {
    /// The stack file that `make up` writes
    #[arg(long, default_value = ".local/stack.json", value_name = "PATH")]
    stack: PathBuf,
    /// Only this fault. Can be given several times [default: all faults, one after the other]
    #[arg(long = "fault", value_name = "NAME")]
    faults: Vec<Fault>,
    /// Number of callbacks for each fault [default: 2000, or 150 with --short]
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u32).range(20..=100_000))]
    callbacks: Option<u32>,
    /// Number of concurrent callbacks
    #[arg(long, default_value_t = 16, value_name = "COUNT", value_parser = clap::value_parser!(u16).range(1..=256))]
    concurrency: u16,
    /// Seed of the load in hexadecimal digits, to repeat a run [default: a random seed, which is printed]
    #[arg(long, value_name = "SEED", value_parser = parse_seed)]
    seed: Option<u64>,
    /// A queue that gets the events of an EventBridge bus; its events are accounted for, too
    #[arg(long, value_name = "URL")]
    bus_queue: Option<String>,
    /// Short run with fewer callbacks
    #[arg(long)]
    short: bool,
    /// Print the table in Markdown
    #[arg(long)]
    markdown: bool,
}

fn parse_seed(digits: &str) -> Result<u64, std::num::ParseIntError> {
    u64::from_str_radix(digits, 16)
}

impl Options {
    fn faults(&self) -> &[Fault] {
        if self.faults.is_empty() { Fault::value_variants() } else { &self.faults }
    }

    fn callbacks(&self) -> u32 {
        self.callbacks.unwrap_or(if self.short { 150 } else { 2_000 })
    }
}

/// Exit code if the faults could not be tried.
const USAGE: u8 = 2;

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> ExitCode {
    let options = Options::parse();
    match chaos(&options).await {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            say(&format!("chaos: {error:#}"));
            ExitCode::from(USAGE)
        }
    }
}

/// Reports progress on standard error.
fn say(line: &str) {
    // If stderr is closed as well, only the exit code is left to report.
    let _ = writeln!(io::stderr().lock(), "{line}");
}

/// Runs the faults, and returns whether every promise held. The functions get their configuration back in any case.
async fn chaos(options: &Options) -> anyhow::Result<bool> {
    let seed = options.seed.unwrap_or_else(|| fastrand::u64(..));
    say(&format!("seed {seed:016x}: {} callbacks for each of {} faults", options.callbacks(), options.faults().len()));
    let stack = Stack::open(&options.stack)?;
    let mut original = BTreeMap::new();
    for function in stack.functions() {
        let mut variables = stack.variables(function).await?;
        // A run that was killed may have left its endpoints. A deployment sets none.
        variables.retain(|name, _| Service::ALL.iter().all(|service| service.endpoint_variable() != name));
        original.insert(function.to_owned(), variables);
    }
    let subscribers = Subscribers::begin(&stack, &format!("chaos-{seed:016x}"), options.bus_queue.as_deref()).await?;
    let mut report = Report::default();
    let ended = {
        let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
        tokio::select! {
            ended = run_all(options, seed, &stack, &subscribers, &original, &mut report) => ended,
            _ = interrupt.recv() => Err(anyhow::anyhow!("interrupted")),
            _ = terminate.recv() => Err(anyhow::anyhow!("interrupted")),
        }
    };
    let restored = restore(&stack, original).await;
    let unsubscribed = subscribers.end().await;
    let mut out = io::stdout().lock();
    if !report.rows.is_empty() {
        writeln!(out, "{}", if options.markdown { report.markdown() } else { report.table() })?;
        writeln!(out, "seed {seed:016x}, {} callbacks for each fault", options.callbacks())?;
    }
    let complaints = report.complaints();
    for complaint in &complaints {
        writeln!(out, "{complaint}")?;
    }
    ended.and(restored).and(unsubscribed)?;
    Ok(complaints.is_empty())
}

async fn run_all(
    options: &Options,
    seed: u64,
    stack: &Stack,
    subscribers: &Subscribers,
    original: &BTreeMap<String, Variables>,
    report: &mut Report,
) -> anyhow::Result<()> {
    let endpoint: Uri = stack.file.endpoint.parse()?;
    let administrator = HeaderValue::try_from(stack.administrator())?;
    let mut proxies = BTreeMap::new();
    for (service, seed) in Service::ALL.into_iter().zip(seed..) {
        proxies.insert(service, Proxy::start(service, &endpoint, administrator.clone(), seed).await?);
    }
    let secrets = [Some(&stack.file.password), stack.file.second_password.as_ref()];
    let search = Search::everything(&secrets.into_iter().flatten().map(String::as_str).collect::<Vec<_>>());
    let world = World {
        stack: stack.clone(),
        emulator: Emulator::new(stack.file.pid)?,
        proxies,
        gateway: Arc::new(Gateway::new(&stack.file, search.clone())?),
        search,
    };
    let mut proxied = original.clone();
    for variables in proxied.values_mut() {
        for (service, proxy) in &world.proxies {
            variables.insert(service.endpoint_variable().to_owned(), proxy.url.clone());
        }
    }
    restore(stack, proxied.clone()).await?;
    let load = Load { callbacks: options.callbacks(), concurrency: options.concurrency, seed };
    for &fault in options.faults() {
        let row = run::run(&world, subscribers, fault, load).await;
        let row = row.with_context(|| format!("cannot try the fault {:?}", fault.title()))?;
        say(&row.line());
        report.rows.push(row);
        if fault == Fault::CredentialsRotated {
            restore(stack, proxied.clone()).await?;
            world.gateway.use_credentials(&stack.file.username, &stack.file.password).await?;
        }
    }
    report.spilled = run::audit(&world, subscribers, &mut report.rows).await?;
    Ok(())
}

/// Sets the environment variables of every function.
async fn restore(stack: &Stack, variables: BTreeMap<String, Variables>) -> anyhow::Result<()> {
    for (function, variables) in variables {
        stack.configure(&function, variables).await?;
    }
    Ok(())
}
