//! `wab doctor`: checks what a stack needs to work, and names the command that mends what is wrong.

mod checks;
mod facts;
mod probe;
mod render;
mod roots;

use std::io::Write;
use std::time::Instant;

use anyhow::Context;
use jiff::Timestamp;
use serde::Serialize;

use self::facts::Facts;
use crate::aws;
use crate::callback_url::{CallbackUrl, Login};
use crate::health::{Command, Verdict};
use crate::shell::Shell;
use crate::stack::{Place, Stack, StackArgs, StackFile};

/// Check the health of a stack, and name the command that mends each finding
///
/// Each check is `ok`, `skipped` (it doesn't apply, or needs an option), `unknown` (AWS didn't answer, or you lack a
/// permission), `warning` or `problem`. Nothing is changed: callback URLs are called with the header `wab-probe`, which
/// the receiver answers without storing anything.
///
/// Each URL is also called once without credentials. Those two answers of 401 are counted, and the alarm `Unauthorized`
/// goes off at five within five minutes.
#[derive(clap::Args)]
#[command(after_help = AFTER)]
pub(crate) struct Args {
    /// Callback URL with credentials, as in the gateway's configuration, to check that they are accepted
    ///
    /// Without it, credentials are only checked on the local stack.
    #[arg(long, value_name = "URL")]
    url: Option<String>,
    /// Also compare the resources with the template. It takes CloudFormation up to a minute
    #[arg(long)]
    drift: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    stack: StackArgs,
}

const AFTER: &str = "\
Examples:
  wab doctor
  wab doctor --stack wab --region ap-southeast-2 --drift
  wab doctor --url https://user:password@callbacks.example.com/mo --json

Exit codes:
  0  nothing to do
  1  something to do: there is a warning or a problem
  2  usage error
  3  AWS is unavailable, or a check is unknown and nothing else was found";

/// What the caller asked for, and knows.
#[derive(Default)]
pub(crate) struct Wanted {
    pub(crate) drift: bool,
    /// Where to call, and with which credentials. Without it, the stack's own URLs are called without credentials.
    pub(crate) url: Option<CallbackUrl>,
}

#[derive(Serialize)]
pub(crate) struct Report {
    pub(crate) stack: Place,
    /// The version of this tool.
    pub(crate) version: &'static str,
    pub(crate) at: Timestamp,
    pub(crate) findings: Vec<Finding>,
    pub(crate) seconds: f64,
}

/// What a check found.
#[derive(Serialize)]
pub(crate) struct Finding {
    pub(crate) check: &'static str,
    pub(crate) verdict: Verdict,
    pub(crate) what: String,
    pub(crate) mends: Option<Command>,
    /// The page and section of the documentation.
    pub(crate) see: Option<&'static str>,
}

impl Finding {
    fn new(check: &'static str, verdict: Verdict, what: impl Into<String>) -> Self {
        Self { check, verdict, what: what.into(), mends: None, see: None }
    }

    fn ok(check: &'static str, what: impl Into<String>) -> Self {
        Self::new(check, Verdict::Ok, what)
    }

    fn skipped(check: &'static str, what: impl Into<String>) -> Self {
        Self::new(check, Verdict::Skipped, what)
    }

    fn unknown(check: &'static str, why: impl std::fmt::Display) -> Self {
        Self::new(check, Verdict::Unknown, format!("{why:#}"))
    }

    fn warning(check: &'static str, what: impl Into<String>) -> Self {
        Self::new(check, Verdict::Warning, what)
    }

    fn problem(check: &'static str, what: impl Into<String>) -> Self {
        Self::new(check, Verdict::Problem, what)
    }

    fn mended_by(self, command: Command) -> Self {
        Self { mends: Some(command), ..self }
    }

    fn see(self, section: &'static str) -> Self {
        Self { see: Some(section), ..self }
    }
}

impl Report {
    pub(crate) fn verdict(&self) -> Verdict {
        self.findings.iter().map(|finding| finding.verdict).max().unwrap_or(Verdict::Unknown)
    }
}

pub(crate) fn run(args: &Args, shell: &mut Shell<'_>) -> anyhow::Result<u8> {
    let url = args.url.as_deref().map(CallbackUrl::parse).transpose().context("--url")?;
    let report = aws::block_on(async {
        let stack = args.stack.connect(shell.directory).await?;
        let url = match url {
            None if stack.is_local() => local_url(&stack, shell)?,
            url => url,
        };
        gather(&stack, &Wanted { drift: args.drift, url }, Timestamp::now()).await
    })?;
    if args.json {
        serde_json::to_writer_pretty(&mut shell.out, &report)?;
        writeln!(shell.out)?;
    } else {
        render::show(&report, &mut shell.out)?;
    }
    Ok(report.verdict().exit_code())
}

/// The local stack's URL, with the credentials of its file.
fn local_url(stack: &Stack, shell: &Shell<'_>) -> anyhow::Result<Option<CallbackUrl>> {
    let Some(path) = StackFile::find(shell.directory) else { return Ok(None) };
    let file = StackFile::read(&path)?;
    let address = CallbackUrl::parse(&stack.resources.mo_url)?.address;
    Ok(Some(CallbackUrl { address, login: Some(Login::new(file.username, file.password)?) }))
}

/// What several checks are about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Subject {
    Functions,
    Concurrency,
    Credentials,
    Stream,
    Queues,
    Subscriptions,
}

/// Makes the checks of one subject.
pub(crate) async fn about(stack: &Stack, subject: Subject, now: Timestamp) -> Vec<Finding> {
    checks::about(&Facts::read(stack, now).await, subject).await
}

/// Makes all checks at once.
pub(crate) async fn gather(stack: &Stack, wanted: &Wanted, now: Timestamp) -> anyhow::Result<Report> {
    let started = Instant::now();
    let facts = Facts::read(stack, now).await;
    let findings = checks::all(&facts, wanted).await;
    Ok(Report {
        stack: stack.place.clone(),
        version: env!("CARGO_PKG_VERSION"),
        at: now,
        findings,
        seconds: started.elapsed().as_secs_f64(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::health::Commands;

    #[test]
    fn findings_are_shown_with_what_mends_them() {
        let commands = Commands::example();
        let report = Report {
            stack: Place::Local { endpoint: "http://localhost:1".to_owned() },
            version: "0.1.0",
            at: "2026-11-29T02:50:30Z".parse().unwrap(),
            findings: vec![
                Finding::ok("mo url", "is answered 401 without credentials, 200 with them"),
                Finding::skipped("certificate", "the stack has no domain of its own"),
                Finding::unknown("logs", "cannot read the log groups: no connection"),
                Finding::warning("dead-letter queue", "holds 3 that need manual action")
                    .mended_by(commands.wab("parked redrive"))
                    .see("runbook.md, DeadLetters"),
                Finding::problem("subscriptions", "orders\u{1b} on topic mo is gone"),
            ],
            seconds: 0.25,
        };
        assert_eq!(report.verdict().exit_code(), 1);
        let mut out = Vec::new();
        render::show(&report, &mut out).unwrap();
        let out = String::from_utf8(out).unwrap();
        insta::assert_snapshot!("findings", anstream::adapter::strip_str(&out));
        insta::assert_snapshot!("findings_json", serde_json::to_string_pretty(&report).unwrap());
    }
}
