//! `wab parked show`: one message of the dead-letter queue, its event's item, and what a redrive would do.

use std::io::Write;
use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::Serialize;
use serde_json::Value;
use wab_events::Kind;
use wab_models::Key;

use super::list::{Row, mask_key};
use super::message::classify;
use super::predict::Predictor;
use super::reader::Reader;
use super::tally::Outcome;
use crate::mask::{Mask, printable};
use crate::shell::Shell;
use crate::stack::{Received, Stack, StackArgs};
use crate::{FAILED, aws, style, times};

/// Maximum time for reading the queue.
const MAX_TIME: Duration = Duration::from_secs(60);

/// Show a message of the dead-letter queue
///
/// Shows the whole message, whether its event is in the table, and what a redrive would do with it. The message stays in the
/// queue. If an event was parked more than once, all of its messages are shown.
#[derive(clap::Args)]
#[command(after_help = AFTER)]
pub(crate) struct Args {
    /// Id of the message, as `wab parked list` shows it
    #[arg(value_name = "ID")]
    id: String,
    /// Print the message byte for byte, and nothing else. Needs --reveal
    #[arg(long, requires = "reveal", conflicts_with = "json")]
    raw: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    mask: Mask,
    #[command(flatten)]
    stack: StackArgs,
}

const AFTER: &str = "\
Examples:
  wab parked show 2261d224ea3b4a40860397f823cb7d66
  wab parked show 2261d224ea3b4a40860397f823cb7d66 --raw --reveal

Exit codes:
  0  shown
  1  the queue has no such message, or another reader hides it
  2  usage error
  3  a call to AWS failed";

#[derive(Serialize)]
struct Report {
    #[serde(flatten)]
    row: Row,
    item: Item,
    /// What a redrive would do. None for a position: it publishes all events received around its time.
    redrive: Option<Outcome>,
    message: Value,
}

/// The item of the message's event.
#[derive(Debug, Serialize)]
#[serde(rename_all = "snake_case", tag = "state")]
enum Item {
    /// The message names no event.
    None,
    InTable {
        expires_at: Option<Timestamp>,
    },
    /// It has expired and is deleted, or it was never stored.
    NotInTable,
}

pub(crate) fn run(args: &Args, shell: &mut Shell<'_>) -> anyhow::Result<u8> {
    aws::block_on(async {
        let stack = args.stack.connect(shell.directory).await?;
        writeln!(shell.err, "{}", stack.place)?;
        let reader = Reader::new(&stack.dead_letters, Some(MAX_TIME));
        let found = reader.keep_hidden(find(&reader, &args.id)).await;
        reader.release().await?;
        let found = found?;
        if args.raw {
            for message in &found {
                writeln!(shell.out, "{}", message.body)?;
            }
        } else {
            let predictor = Predictor::new(&stack).await?;
            let mut reports = Vec::with_capacity(found.len());
            for message in &found {
                reports.push(Report::gather(message, &stack, &predictor, args.mask).await?);
            }
            if args.json {
                style::json(&reports, &mut shell.out)?;
            } else {
                for report in &reports {
                    report.show(&TimeZone::system(), &mut shell.out)?;
                }
            }
        }
        if found.is_empty() {
            writeln!(shell.err, "no such message, unless another reader hides it: `wab parked list` shows the ids")?;
        }
        Ok(if found.is_empty() { FAILED } else { 0 })
    })
}

/// The messages with this id, or about the event with this id.
async fn find(reader: &Reader<'_>, id: &str) -> anyhow::Result<Vec<Received>> {
    let mut found = Vec::new();
    loop {
        let received = reader.next().await?;
        if received.is_empty() {
            return Ok(found);
        }
        found.extend(received.into_iter().filter(|message| is_named(message, id)));
    }
}

/// Whether a message has this id, or is about the event with this id.
pub(super) fn is_named(message: &Received, id: &str) -> bool {
    message.id == id || classify(&message.body).0.key().is_some_and(|key| key.event_id() == id)
}

impl Report {
    async fn gather(message: &Received, stack: &Stack, predictor: &Predictor<'_>, mask: Mask) -> anyhow::Result<Self> {
        let (parked, reason) = classify(&message.body);
        let item = match parked.key() {
            None => Item::None,
            Some(key) => match stack.table.item(key).await? {
                None => Item::NotInTable,
                Some(item) => Item::InTable { expires_at: expires_at(&item) },
            },
        };
        let redrive = predictor.outcome(&parked).await?;
        let row = Row::new(message, &parked, reason, Some(mask));
        Ok(Self { row, item, redrive, message: masked(&message.body, parked.key(), mask) })
    }

    fn show(&self, zone: &TimeZone, out: &mut dyn Write) -> anyhow::Result<()> {
        let Self { row, item, redrive, message } = self;
        let mut line = |name: &str, value: &str| writeln!(out, "{name:<12}{}", printable(value));
        line("kind", row.kind.as_str())?;
        line("of", row.event_kind.map_or("-", Kind::as_str))?;
        line("id", &row.id)?;
        if let Some(since) = row.since {
            line("since", &times::local(since, zone))?;
        }
        line("received", &format!("{} times", row.received_times))?;
        line("reason", row.reason.as_deref().unwrap_or("-"))?;
        if let Some(key) = &row.key {
            line("key", &format!("{} {}", key.pk, key.sk))?;
        }
        match item {
            Item::None => {}
            Item::NotInTable => line("item", "not in the table: it has expired, or was never stored")?,
            Item::InTable { expires_at: Some(at) } => {
                line("item", &format!("in the table until {}", times::local(*at, zone)))?;
            }
            Item::InTable { expires_at: None } => line("item", "in the table")?,
        }
        let would = match redrive {
            None => "would publish every event received around its time".to_owned(),
            Some(Outcome::Published) => "would publish it".to_owned(),
            Some(Outcome::SentOn) => "would send it to the spill queue".to_owned(),
            Some(Outcome::ParkedAgain(reason)) => format!("would park it again: {reason}"),
            Some(Outcome::Gone) => "would leave it: its event has expired (--forget-gone deletes it)".to_owned(),
            Some(Outcome::Left(reason)) => format!("would leave it: {reason}"),
        };
        line("redrive", &would)?;
        Ok(writeln!(out, "message     {}\n", printable_json(message)?)?)
    }
}

/// A JSON value over several lines, none of which can inject terminal escapes: JSON escapes control characters.
fn printable_json(value: &Value) -> anyhow::Result<String> {
    let lines = serde_json::to_string_pretty(value)?;
    let lines: Vec<_> = lines.lines().map(printable).collect();
    Ok(lines.join("\n"))
}

/// The message, in which what may be people's data is masked.
fn masked(body: &str, key: Option<&Key>, mask: Mask) -> Value {
    let Ok(value) = serde_json::from_str::<Value>(body) else {
        return mask.text(body).into_owned().into();
    };
    let mut shown = mask.json(&value);
    if mask.is_off() {
        return shown;
    }
    if let (Some(shown), Some(original)) = (shown.as_object_mut(), value.as_object()) {
        // What `fanout`, `recover` and Lambda write around the event holds nothing of it.
        for name in [
            "reason",
            "sequence_number",
            "version",
            "timestamp",
            "requestContext",
            "responseContext",
            "DDBStreamBatchInfo",
        ] {
            if let Some(value) = original.get(name) {
                shown.insert(name.to_owned(), value.clone());
            }
        }
        if let (Some(key), true) = (key, shown.contains_key("key")) {
            let Key { pk, sk } = mask_key(key, mask);
            shown.insert("key".to_owned(), serde_json::json!({"pk": pk, "sk": sk}));
        }
    }
    shown
}

fn expires_at(item: &serde_dynamo::Item) -> Option<Timestamp> {
    match item.get("expires_at") {
        Some(serde_dynamo::AttributeValue::N(seconds)) => Timestamp::from_second(seconds.parse().ok()?).ok(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn message_is_masked_but_for_what_wab_wrote() {
        let spilled =
            r#"{"reason": "the table did not take it", "spilled": {"event": {"pk": "MO#wamid.x", "body": "Kia ora"}}}"#;
        let shown = masked(spilled, None, Mask::default()).to_string();
        assert!(shown.contains("the table did not take it"), "{shown}");
        assert!(!shown.contains("Kia ora") && !shown.contains("wamid.x"), "{shown}");
        let event = r#"{"reason": "r", "key": {"pk": "MO#sms-6421000001", "sk": "EVENT"}}"#;
        let key = Key { pk: "MO#sms-6421000001".to_owned(), sk: "EVENT".to_owned() };
        let shown = masked(event, Some(&key), Mask::default()).to_string();
        assert!(shown.contains("MO#…") && shown.contains("EVENT") && !shown.contains("6421"), "{shown}");
        assert_eq!(masked("Kia ora", None, Mask::default()), "(7 characters)");
    }
}
