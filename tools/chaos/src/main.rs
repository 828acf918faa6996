//! `make chaos`: whether callbacks are lost or doubled when what the functions depend on fails.
//!
//! For each fault in turn it posts a load as the gateway would, once and without retries, lets the fault happen in the
//! middle of it, and holds what was answered against the table and against what a subscriber got. It knows the stack
//! by its file and what is documented of it: callbacks, answers, keys of the table, events.

mod account;
mod fault;
mod form;
mod gateway;
mod load;
mod processes;
mod proxy;
mod refusal;
mod report;
mod run;
mod stack;

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

use crate::fault::Fault;
use crate::gateway::Gateway;
use crate::processes::Emulator;
use crate::proxy::Proxy;
use crate::refusal::Service;
use crate::report::Report;
use crate::stack::{Stack, Subscriber, Variables};

/// Injects faults under load into a local stack that is up, and counts what is lost or doubled.
///
/// For each fault it posts callbacks: messages and receipts, one in ten a repeat, some large, some malformed. The fault
/// begins after a quarter of them and ends after 60 %. Then everything that was answered 200 has a minute to arrive at a
/// subscriber. While it runs, the functions reach AWS's services through proxies in this process.
///
/// Prints one table. Ends with 1 if something was lost, doubled or not published, an answer took more than 4 s,
/// credentials were refused, or something took more than a minute to arrive; with 2 if it couldn't run.
#[derive(Debug, Parser)]
#[command(version)]
struct Options {
    /// The stack's file, as `make up` writes it
    #[arg(long, default_value = ".local/stack.json", value_name = "PATH")]
    stack: PathBuf,
    /// Only this fault; may be given several times [default: all, one after the other]
    #[arg(long = "fault", value_name = "NAME")]
    faults: Vec<Fault>,
    /// Callbacks of each fault [default: 2000, or 150 with --short]
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u32).range(20..=100_000))]
    callbacks: Option<u32>,
    /// Callbacks that are under way at once
    #[arg(long, default_value_t = 16, value_name = "COUNT", value_parser = clap::value_parser!(u16).range(1..=256))]
    concurrency: u16,
    /// Makes the same load again, in hexadecimal digits [default: a new one, which is printed]
    #[arg(long, value_name = "SEED", value_parser = parse_seed)]
    seed: Option<u64>,
    /// A short run, with fewer callbacks
    #[arg(long)]
    short: bool,
    /// Prints the table in Markdown
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

/// What cannot run ends with this.
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

/// What goes on, beside the table.
fn say(line: &str) {
    // If even this is closed, the exit code is all there is to say.
    let _ = writeln!(io::stderr().lock(), "{line}");
}

/// Runs the faults, and tells whether all is well. Whatever happens, the functions get their configuration back.
async fn chaos(options: &Options) -> anyhow::Result<bool> {
    let seed = options.seed.unwrap_or_else(|| fastrand::u64(..));
    say(&format!("seed {seed:016x}: {} callbacks for each of {} faults", options.callbacks(), options.faults().len()));
    let stack = Stack::open(&options.stack)?;
    let mut original = BTreeMap::new();
    for function in stack.functions() {
        let mut variables = stack.variables(function).await?;
        // Of a run that was killed: a deployment has none of them.
        variables.retain(|name, _| Service::ALL.iter().all(|service| service.endpoint_variable() != name));
        original.insert(function.to_owned(), variables);
    }
    let subscriber = stack.subscribe(&format!("chaos-{seed:016x}")).await?;
    let mut report = Report::default();
    let ended = {
        let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
        tokio::select! {
            ended = all(options, seed, &stack, &subscriber, &original, &mut report) => ended,
            _ = interrupt.recv() => Err(anyhow::anyhow!("interrupted")),
            _ = terminate.recv() => Err(anyhow::anyhow!("interrupted")),
        }
    };
    let restored = restore(&stack, original).await;
    let unsubscribed = subscriber.end().await;
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

/// What the faults happen in.
pub(crate) struct World {
    stack: Stack,
    emulator: Emulator,
    proxies: BTreeMap<Service, Proxy>,
    gateway: Arc<Gateway>,
}

impl World {
    fn proxy(&self, service: Service) -> anyhow::Result<&Proxy> {
        self.proxies.get(&service).context("every service has its proxy")
    }
}

async fn all(
    options: &Options,
    seed: u64,
    stack: &Stack,
    subscriber: &Subscriber,
    original: &BTreeMap<String, Variables>,
    report: &mut Report,
) -> anyhow::Result<()> {
    let endpoint: Uri = stack.file.endpoint.parse()?;
    let administrator = HeaderValue::try_from(stack.administrator())?;
    let mut proxies = BTreeMap::new();
    for (service, seed) in Service::ALL.into_iter().zip(seed..) {
        proxies.insert(service, Proxy::start(service, &endpoint, administrator.clone(), seed).await?);
    }
    let world = World {
        stack: stack.clone(),
        emulator: Emulator::new(stack.file.pid)?,
        proxies,
        gateway: Arc::new(Gateway::new(&stack.file)?),
    };
    let mut proxied = original.clone();
    for variables in proxied.values_mut() {
        for (service, proxy) in &world.proxies {
            variables.insert(service.endpoint_variable().to_owned(), proxy.url.clone());
        }
    }
    restore(stack, proxied.clone()).await?;
    for &fault in options.faults() {
        let row = run::run(&world, subscriber, fault, options, seed).await;
        let row = row.with_context(|| format!("the fault {:?} could not be tried", fault.words()))?;
        say(&row.line());
        report.rows.push(row);
        if fault == Fault::CredentialsRotated {
            restore(stack, proxied.clone()).await?;
            world.gateway.use_credentials(&stack.file.username, &stack.file.password).await?;
        }
    }
    report.spilled = run::audit(stack, subscriber, &mut report.rows).await?;
    Ok(())
}

/// Gives every function these variables.
async fn restore(stack: &Stack, variables: BTreeMap<String, Variables>) -> anyhow::Result<()> {
    for (function, variables) in variables {
        stack.configure(&function, variables).await?;
    }
    Ok(())
}
