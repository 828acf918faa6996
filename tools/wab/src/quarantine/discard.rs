//! `wab quarantine discard`: deletes quarantined bodies.

use std::io::Write;

use serde::Serialize;

use super::item::{Row, find};
use super::list::{List, RangeArgs};
use crate::shell::Shell;
use crate::stack::{Consent, StackArgs};
use crate::{FAILED, aws, style};

/// Delete quarantined bodies
///
/// A quarantined body is in no other place. The bodies are listed and, on AWS, you are asked first. Without this command,
/// they expire after the stack's RetentionDays.
#[derive(clap::Args)]
#[command(after_help = AFTER)]
pub(crate) struct Args {
    /// Ids of bodies, as `wab quarantine list` shows them
    #[arg(value_name = "ID", required_unless_present = "reason", conflicts_with = "reason")]
    ids: Vec<String>,
    #[command(flatten)]
    range: RangeArgs,
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
  wab quarantine discard 2026-11-23T09:15:02.417Z-0123456789ab
  wab quarantine discard --reason 'not JSON' --from 2d

Exit codes:
  0  every selected body was deleted
  1  there is no such body
  2  usage error: nothing was deleted
  3  a call to AWS failed: what was printed before is done";

#[derive(Default, Serialize)]
struct Report {
    discarded: Vec<Row>,
    /// Ids under which there is no body.
    unknown: Vec<String>,
}

pub(crate) fn run(args: &Args, shell: &mut Shell<'_>) -> anyhow::Result<u8> {
    aws::block_on(async {
        let stack = args.stack.connect(shell.directory).await?;
        writeln!(shell.err, "{}", stack.place)?;
        let ids = match args.range.reason {
            None => args.ids.clone(),
            Some(_) => {
                let list = List::gather(&stack, &args.range, usize::MAX).await?;
                list.quarantined.into_iter().map(|row| row.id).collect()
            }
        };
        let (mut found, mut report) = (Vec::new(), Report::default());
        for id in ids {
            match find(&stack, &id).await? {
                Some(item) => found.push(item),
                None => report.unknown.push(id),
            }
        }
        if !found.is_empty() {
            for item in &found {
                writeln!(shell.err, "{}: {}", Row::of(item).id, item.reason)?;
            }
            stack.confirm(&format!("delete {} quarantined bodies for good", found.len()), args.consent, shell)?;
        }
        for item in found {
            stack.table.delete(&item.key).await?;
            report.discarded.push(Row::of(&item));
        }
        match args.json {
            true => style::json(&report, &mut shell.out)?,
            false => report.show(&mut shell.out)?,
        }
        Ok(if report.unknown.is_empty() && !report.discarded.is_empty() { 0 } else { FAILED })
    })
}

impl Report {
    fn show(&self, out: &mut dyn Write) -> anyhow::Result<()> {
        match self.discarded.len() {
            0 => writeln!(out, "nothing was discarded")?,
            discarded => writeln!(out, "{discarded} discarded")?,
        }
        for id in &self.unknown {
            writeln!(out, "{id}: there is no such body: it may have expired")?;
        }
        Ok(())
    }
}
