//! `wab quarantine send`: posts quarantined bodies to the callback URL again, as they are or corrected.

use std::io::Write;
use std::path::PathBuf;

use anyhow::{Context, ensure};
use serde::Serialize;
use wab_events::Kind;
use wab_models::Quarantined;

use super::item::{Row, body, check, find, no_body};
use crate::answer::Verdict;
use crate::send::{Sender, after_failure};
use crate::shell::Shell;
use crate::stack::{Consent, StackArgs};
use crate::target::{self, Target};
use crate::{FAILED, aws, style};

/// Post quarantined bodies to the callback URL again, as the gateway would
///
/// A body is posted as it was received, or corrected: the bytes of --file. It is checked first; one that would be rejected
/// again isn't posted. The callback counts as received now. Its quarantined body stays, unless --discard is given and the
/// callback was accepted.
///
/// The receiver asks for credentials, also here. They are in the file of the local stack; for a stack on AWS, give the
/// callback URL with --url.
#[derive(clap::Args)]
#[command(after_help = AFTER)]
pub(crate) struct Args {
    /// Ids of bodies, as `wab quarantine list` shows them
    #[arg(required = true, value_name = "ID")]
    ids: Vec<String>,
    /// Post the bytes of this file instead, for one ID
    #[arg(long)]
    file: Option<PathBuf>,
    /// Delete the quarantined body once the callback was accepted
    #[arg(long)]
    discard: bool,
    #[command(flatten)]
    target: target::Args,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    consent: Consent,
    #[command(flatten)]
    stack: StackArgs,
}

const AFTER: &str = "\
Examples:
  wab quarantine send 2026-11-23T09:15:02.417Z-0123456789ab
  wab quarantine send 2026-11-23T09:15:02.417Z-0123456789ab --file corrected.json --discard
  wab quarantine send 2026-11-23T09:15:02.417Z-0123456789ab --stack wab \\
    --url 'https://gateway:PASSWORD@abc123.execute-api.ap-southeast-2.amazonaws.com/mo'

Exit codes:
  0  every body was accepted
  1  a body was not posted or not accepted
  2  usage error: nothing was posted
  3  a call to AWS failed: what was printed before is done";

#[derive(Serialize)]
struct Report {
    sent: Vec<Sent>,
    /// Ids under which there is no body.
    unknown: Vec<String>,
}

#[derive(Serialize)]
struct Sent {
    #[serde(flatten)]
    row: Row,
    #[serde(flatten)]
    outcome: Outcome,
    discarded: bool,
}

#[derive(PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "outcome", content = "reason")]
enum Outcome {
    /// With the receiver's word for it: `stored`, `duplicate` or `deferred`.
    Accepted(String),
    NotAccepted(String),
    /// It would be rejected again, isn't kept, or the bucket no longer has it.
    NotPosted(String),
}

pub(crate) fn run(args: &Args, shell: &mut Shell<'_>) -> anyhow::Result<u8> {
    ensure!(args.file.is_none() || args.ids.len() == 1, "--file corrects one body: give one ID");
    let corrected =
        args.file.as_ref().map(|file| std::fs::read(file).with_context(|| format!("cannot read {}", file.display())));
    let corrected = corrected.transpose()?;
    let report = aws::block_on(async {
        let stack = args.stack.connect(shell.directory).await?;
        writeln!(shell.err, "{}", stack.place)?;
        ensure!(stack.is_local() || args.target.has_url(), "give the callback URL of this stack with --url");
        let (mut bodies, mut unknown) = (Vec::new(), Vec::new());
        for id in &args.ids {
            match find(&stack, id).await? {
                None => unknown.push(id.clone()),
                Some(item) => {
                    let body = match &corrected {
                        Some(corrected) => Some(corrected.clone()),
                        None => body(&stack, &item).await?,
                    };
                    let target = args.target.resolve(Some(item.kind), shell.directory)?;
                    bodies.push((item, body, target));
                }
            }
        }
        if !bodies.is_empty() {
            stack.confirm(&format!("post {} callbacks", bodies.len()), args.consent, shell)?;
        }
        let mut sent = Vec::new();
        for (item, body, target) in bodies {
            let outcome = post(&item, body, target).await?;
            let discarded = args.discard && matches!(outcome, Outcome::Accepted(_));
            if discarded {
                stack.table.delete(&item.key).await?;
            }
            sent.push(Sent { row: Row::of(&item), outcome, discarded });
        }
        Ok(Report { sent, unknown })
    })?;
    match args.json {
        true => style::json(&report, &mut shell.out)?,
        false => report.show(shell.columns(), &mut shell.out)?,
    }
    Ok(report.exit_code())
}

async fn post(item: &Quarantined<'_>, body: Option<Vec<u8>>, target: Target) -> anyhow::Result<Outcome> {
    let Some(body) = body else { return Ok(Outcome::NotPosted(format!("{}: give it as --file", no_body(item)))) };
    let kind: Kind = item.kind;
    if let Err(error) = check(kind, &body) {
        return Ok(Outcome::NotPosted(format!("{error}: correct it, and give it as --file")));
    }
    let posted = tokio::task::spawn_blocking(move || Sender::new(&target).post(&target, kind, &body)).await?;
    Ok(match posted.answer {
        Err(error) => Outcome::NotAccepted(format!("no answer ({error}): {}", after_failure(&error))),
        Ok(answer) => match answer.meaning() {
            (Verdict::Accepted, _) => Outcome::Accepted(answer.outcome().unwrap_or_else(|| answer.status.to_string())),
            (Verdict::Rejected | Verdict::Retry, meaning) => {
                Outcome::NotAccepted(format!("{}: {meaning}", answer.status))
            }
        },
    })
}

impl Report {
    fn exit_code(&self) -> u8 {
        let is_accepted = |sent: &Sent| matches!(sent.outcome, Outcome::Accepted(_));
        if self.unknown.is_empty() && self.sent.iter().all(is_accepted) { 0 } else { FAILED }
    }

    fn show(&self, width: Option<u16>, out: &mut dyn Write) -> anyhow::Result<()> {
        if !self.sent.is_empty() {
            let mut table = style::table(["of", "id", "outcome"], width);
            for Sent { row, outcome, discarded } in &self.sent {
                let mut outcome = match outcome {
                    Outcome::Accepted(word) => word.clone(),
                    Outcome::NotAccepted(reason) => format!("not accepted: {reason}"),
                    Outcome::NotPosted(reason) => format!("not posted: {reason}"),
                };
                if *discarded {
                    outcome.push_str(", discarded");
                }
                table.add_row([row.kind.as_str(), &row.id, &outcome]);
            }
            writeln!(out, "{}", table.trim_fmt())?;
        }
        for id in &self.unknown {
            writeln!(out, "{id}: there is no such body: it may have expired")?;
        }
        Ok(())
    }
}
