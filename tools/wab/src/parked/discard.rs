//! `wab parked discard`: deletes messages of the dead-letter queue.

use std::collections::BTreeSet;
use std::io::Write;

use serde::Serialize;

use super::filter::Filter;
use super::list::Row;
use super::message::classify;
use super::reader::Reader;
use super::show::is_named;
use crate::shell::Shell;
use crate::stack::{Consent, Received, StackArgs};
use crate::{FAILED, aws, style};

/// Delete messages of the dead-letter queue
///
/// An event stays in the table, where `wab show` finds it until it expires. A spilled event is in no other place, so that
/// discarding its message loses it. The messages are listed and, on AWS, you are asked first.
#[derive(clap::Args)]
#[command(after_help = AFTER)]
pub(crate) struct Args {
    /// Ids of messages, as `wab parked list` shows them
    #[arg(value_name = "ID", required_unless_present_any = ["reason", "event_id", "only"])]
    ids: Vec<String>,
    #[command(flatten)]
    filter: Filter,
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
  wab parked discard 2261d224ea3b4a40860397f823cb7d66
  wab parked discard --reason 'object is gone'

Exit codes:
  0  every selected message was deleted
  1  a message was not found, or another reader hides it
  2  usage error: nothing was deleted
  3  a call to AWS failed: what was printed before is done";

#[derive(Serialize)]
struct Report {
    discarded: Vec<Row>,
    /// Ids under which there was no message.
    unknown: Vec<String>,
}

pub(crate) fn run(args: &Args, shell: &mut Shell<'_>) -> anyhow::Result<u8> {
    aws::block_on(async {
        let stack = args.stack.connect(shell.directory).await?;
        writeln!(shell.err, "{}", stack.place)?;
        // The question may take longer than messages stay hidden, so they are released before it and read again after it.
        let reader = Reader::new(&stack.dead_letters, None);
        let selected = reader.keep_hidden(select(&reader, |message| args.selects(message))).await;
        reader.release().await?;
        let selected = selected?;
        let unknown = args.ids.iter().filter(|id| !selected.iter().any(|message| is_named(message, id)));
        let unknown: Vec<String> = unknown.cloned().collect();
        let mut discarded = Vec::new();
        if !selected.is_empty() {
            for message in &selected {
                let (parked, reason) = classify(&message.body);
                writeln!(shell.err, "{}: {}", parked.kind().as_str(), reason.as_deref().unwrap_or("no reason"))?;
            }
            let action = format!("delete {} messages of the dead-letter queue for good", selected.len());
            stack.confirm(&action, args.consent, shell)?;
            let ids: BTreeSet<&str> = selected.iter().map(|message| message.id.as_str()).collect();
            let reader = Reader::new(&stack.dead_letters, None);
            let result = reader.keep_hidden(delete(&reader, &ids, &mut discarded)).await;
            reader.release().await?;
            result?;
        }
        let is_complete = unknown.is_empty() && discarded.len() == selected.len() && !discarded.is_empty();
        let report = Report { discarded, unknown };
        match args.json {
            true => style::json(&report, &mut shell.out)?,
            false => report.show(selected.len(), &mut shell.out)?,
        }
        Ok(if is_complete { 0 } else { FAILED })
    })
}

impl Args {
    fn selects(&self, message: &Received) -> bool {
        if !self.ids.is_empty() && !self.ids.iter().any(|id| is_named(message, id)) {
            return false;
        }
        let (parked, reason) = classify(&message.body);
        self.filter.picks(&parked, reason.as_deref())
    }
}

async fn select(reader: &Reader<'_>, selects: impl Fn(&Received) -> bool) -> anyhow::Result<Vec<Received>> {
    let mut selected = Vec::new();
    loop {
        let received = reader.next().await?;
        if received.is_empty() {
            return Ok(selected);
        }
        selected.extend(received.into_iter().filter(&selects));
    }
}

async fn delete(reader: &Reader<'_>, ids: &BTreeSet<&str>, discarded: &mut Vec<Row>) -> anyhow::Result<()> {
    while discarded.len() < ids.len() {
        let received = reader.next().await?;
        if received.is_empty() {
            break;
        }
        for message in received.iter().filter(|message| ids.contains(message.id.as_str())) {
            reader.delete(message).await?;
            let (parked, reason) = classify(&message.body);
            discarded.push(Row::new(message, &parked, reason, None));
        }
    }
    Ok(())
}

impl Report {
    fn show(&self, selected: usize, out: &mut dyn Write) -> anyhow::Result<()> {
        match self.discarded.len() {
            0 => writeln!(out, "nothing was discarded")?,
            discarded => writeln!(out, "{discarded} discarded")?,
        }
        if self.discarded.len() < selected {
            let hidden = selected - self.discarded.len();
            writeln!(out, "{hidden} are hidden by another reader for a moment: run it again")?;
        }
        for id in &self.unknown {
            writeln!(out, "{id}: no such message, unless another reader hides it")?;
        }
        Ok(())
    }
}
