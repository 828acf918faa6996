//! `wab resend`: publishes single events again, or sends them to one target. They are read by their keys, without a scan.

use std::io::Write;
use std::time::Duration;

use anyhow::bail;
use serde::Serialize;
use tokio::time::Instant;
use wab_events::Kind;
use wab_models::Key;

use crate::delivery::Target;
use crate::handover::{Batch, PAUSES};
use crate::mask::{Mask, printable};
use crate::replay::{self, KindArg};
use crate::shell::Shell;
use crate::stack::{Consent, Meter, Stack, StackArgs, partition_key};
use crate::stop::Stop;
use crate::style;
use crate::{FAILED, aws};

/// The time for fetching a body.
const TIME_FOR_BODY: Duration = Duration::from_secs(10);

/// Publish single events again
///
/// ID is the gateway's message id. All events of the message are sent: an MO with its variants, and a sent message's
/// receipts; --kind and --status select some. Each keeps its event id and has the message attribute `replay`.
///
/// Without --to, they go to their topics through the function `fanout`, and every subscriber receives them. With --to, they
/// go to one target only. For the URL of a queue, the message is what SNS would deliver to that queue raw: the event as its
/// body, and the same message attributes. Any other http or https URL gets the event as SNS would post it raw.
///
/// The events are read by their keys: a few read units, whatever the table's size. An event id, as logs print it, is a hash
/// and can't be looked up: `wab show` finds the message id for it.
#[derive(clap::Args)]
#[command(after_help = AFTER)]
pub(crate) struct Args {
    /// The gateway's message ids
    #[arg(required = true, value_name = "ID")]
    ids: Vec<String>,
    /// Only MO events, or only DLR events
    #[arg(long)]
    kind: Option<KindArg>,
    /// Only receipts with this status. Give it again for another
    #[arg(long, value_name = "WORD")]
    status: Vec<String>,
    /// Send the events to this target instead of their topics
    #[arg(long, value_name = "URL")]
    to: Option<String>,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    mask: Mask,
    #[command(flatten)]
    consent: Consent,
    #[command(flatten)]
    stack: StackArgs,
}

const AFTER: &str = "\
Examples:
  wab resend 7c1f0c1e-5a52-4d0e-9b86-0d6a1f1c7d11
  wab resend 7c1f0c1e-5a52-4d0e-9b86-0d6a1f1c7d11 --kind dlr --status received
  wab resend 7c1f0c1e-5a52-4d0e-9b86-0d6a1f1c7d11 --to https://sqs.us-east-1.amazonaws.com/123456789012/team-b
  wab resend 7c1f0c1e-5a52-4d0e-9b86-0d6a1f1c7d11 --to http://localhost:8080/events

Exit codes:
  0  every event was sent
  1  an id is not known, or an event was parked or not sent
  2  usage error: nothing was sent
  3  a call to AWS failed: what was printed before is done";

/// What was sent.
#[derive(Default, Serialize)]
pub(crate) struct Report {
    events: Vec<Row>,
    /// Ids of which the table has no event, or none that was selected.
    unknown: Vec<String>,
}

#[derive(Serialize)]
struct Row {
    /// The gateway's message id.
    id: String,
    kind: Kind,
    /// Of a receipt: its status. Of a variant: its sort key.
    sort_key: String,
    event_id: String,
    #[serde(flatten)]
    outcome: Outcome,
}

#[derive(Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "outcome", content = "reason")]
enum Outcome {
    Published,
    /// To the target.
    Sent,
    Parked,
    NotSent(String),
}

/// An event to send.
struct Found {
    key: Key,
    kind: Kind,
    id: String,
    item: serde_dynamo::Item,
}

pub(crate) fn run(args: &Args, shell: &mut Shell<'_>) -> anyhow::Result<u8> {
    aws::block_on(async {
        let stack = args.stack.connect(shell.directory).await?;
        writeln!(shell.err, "{}", stack.place)?;
        let target = args.to.as_ref().map(|to| Target::new(to, &stack)).transpose()?;
        let mut report = Report::default();
        let mut found = Vec::new();
        for id in &args.ids {
            let events = events_of(&stack, id, args).await?;
            if events.is_empty() {
                report.unknown.push(id.clone());
            }
            found.extend(events);
        }
        if found.is_empty() && args.ids.iter().all(|id| is_event_id(id)) {
            bail!("this is no message id but looks like an event id, a hash: `wab show` finds the message id for it");
        }
        if !found.is_empty() {
            let receiver = target.as_ref().map_or("every subscriber".to_owned(), Target::to_string);
            stack.confirm(&format!("send {} events to {receiver}", found.len()), args.consent, shell)?;
            report.events = match &target {
                None => publish(&stack, found).await?,
                Some(target) => send(&stack, found, target).await?,
            };
        }
        let code = report.exit_code();
        report.mask(args.mask);
        match args.json {
            true => style::json(&report, &mut shell.out)?,
            false => report.show(shell.columns(), &mut shell.out)?,
        }
        Ok(code)
    })
}

/// The selected events of a message.
async fn events_of(stack: &Stack, id: &str, args: &Args) -> anyhow::Result<Vec<Found>> {
    let mut found = Vec::new();
    for kind in Kind::ALL {
        let is_meant =
            args.kind.is_none_or(|of| Kind::from(of) == kind) && (args.status.is_empty() || kind == Kind::Dlr);
        if !is_meant {
            continue;
        }
        for item in stack.table.partition(&partition_key(kind, id), &Meter::default()).await? {
            let key: Key = serde_dynamo::from_item(item.clone())?;
            // A variant's sort key goes on after the status.
            let has_status = |status: &String| key.sk == *status || key.sk.starts_with(&format!("{status}#"));
            if args.status.is_empty() || args.status.iter().any(has_status) {
                found.push(Found { key, kind, id: id.to_owned(), item });
            }
        }
    }
    Ok(found)
}

/// Publishes events to their topics.
async fn publish(stack: &Stack, found: Vec<Found>) -> anyhow::Result<Vec<Row>> {
    let table_arn = stack.table.arn().await?;
    let (mut rows, mut pauses) = (Vec::new(), &PAUSES[..]);
    for event in found {
        // One by one, so that the answer's counts are those of this event.
        let mut batch = Batch::new(true);
        batch.add(&table_arn, &event.item)?;
        let handed_over = batch.hand_over(&stack.fanout, pauses, &Stop::default()).await?;
        let outcome = match (handed_over.problem, handed_over.parked) {
            (Some(problem), _) => {
                // An outage doesn't delay each event.
                pauses = &[];
                Outcome::NotSent(problem.to_owned())
            }
            (None, 1..) => Outcome::Parked,
            (None, 0) => Outcome::Published,
        };
        rows.push(event.row(outcome));
    }
    Ok(rows)
}

/// Sends events to one target.
async fn send(stack: &Stack, found: Vec<Found>, target: &Target) -> anyhow::Result<Vec<Row>> {
    let table_arn = stack.table.arn().await?;
    let composer = stack.composer();
    let (mut rows, mut pauses) = (Vec::new(), &PAUSES[..]);
    for event in found {
        let outcome = match replay::compose(&composer, &event.item, &table_arn, Instant::now() + TIME_FOR_BODY).await {
            Err(reason) => Outcome::NotSent(reason),
            Ok(message) => match target.send_all(&[message], pauses, &Stop::default()).await.problem {
                None => Outcome::Sent,
                Some(problem) => {
                    pauses = &[];
                    Outcome::NotSent(problem)
                }
            },
        };
        rows.push(event.row(outcome));
    }
    Ok(rows)
}

impl Found {
    fn row(self, outcome: Outcome) -> Row {
        Row { event_id: self.key.event_id(), id: self.id, kind: self.kind, sort_key: self.key.sk, outcome }
    }
}

/// Whether it has the form of an event's id.
fn is_event_id(id: &str) -> bool {
    id.len() == 32 && id.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

impl Report {
    fn exit_code(&self) -> u8 {
        let is_sent = |row: &Row| matches!(row.outcome, Outcome::Published | Outcome::Sent);
        if self.unknown.is_empty() && self.events.iter().all(is_sent) { 0 } else { FAILED }
    }

    fn mask(&mut self, mask: Mask) {
        for id in self.unknown.iter_mut().chain(self.events.iter_mut().map(|row| &mut row.id)) {
            *id = mask.id(id).into_owned();
        }
    }

    fn show(&self, width: Option<u16>, out: &mut dyn Write) -> anyhow::Result<()> {
        if !self.events.is_empty() {
            let mut table = style::table(["of", "id", "event", "event id", "outcome"], width);
            for Row { id, kind, sort_key, event_id, outcome } in &self.events {
                let outcome = match outcome {
                    Outcome::Published => "published",
                    Outcome::Sent => "sent",
                    Outcome::Parked => "parked: `wab parked list` shows why",
                    Outcome::NotSent(reason) => &format!("not sent: {reason}"),
                };
                table.add_row([kind.as_str(), &printable(id), &printable(sort_key), event_id, outcome]);
            }
            writeln!(out, "{}", table.trim_fmt())?;
        }
        for id in &self.unknown {
            let id = printable(id);
            writeln!(out, "{id}: the table has no such event; it may have expired, or belong to another stack")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(outcome: Outcome) -> Report {
        let row = Row {
            id: "sms-6421000001".to_owned(),
            kind: Kind::Dlr,
            sort_key: "sent".to_owned(),
            event_id: "2261d224ea3b4a40860397f823cb7d66".to_owned(),
            outcome,
        };
        Report { events: vec![row], unknown: Vec::new() }
    }

    #[test]
    fn exit_code_is_0_if_every_event_was_sent() {
        assert_eq!((report(Outcome::Published).exit_code(), report(Outcome::Sent).exit_code()), (0, 0));
        assert_eq!(
            (report(Outcome::Parked).exit_code(), report(Outcome::NotSent("no".to_owned())).exit_code()),
            (1, 1)
        );
        assert_eq!(Report { unknown: vec!["a".to_owned()], ..report(Outcome::Sent) }.exit_code(), 1);
    }

    #[test]
    fn ids_that_may_hold_a_number_are_masked() {
        let mut report = report(Outcome::Sent);
        report.mask(Mask::default());
        let mut out = Vec::new();
        report.show(None, &mut out).unwrap();
        let out = String::from_utf8(out).unwrap();
        assert!(!out.contains("6421") && out.contains("2261d224ea3b4a40860397f823cb7d66"), "{out}");
    }

    #[test]
    fn event_id_is_recognised_by_its_form() {
        assert!(is_event_id("2261d224ea3b4a40860397f823cb7d66"));
        assert!(!is_event_id("7c1f0c1e-5a52-4d0e-9b86-0d6a1f1c7d11") && !is_event_id(""));
    }
}
