//! `wab parked list`: shows the messages of the dead-letter queue.

use std::io::Write;
use std::time::Duration;

use comfy_table::CellAlignment;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::Serialize;
use wab_events::Kind;
use wab_models::Key;

use super::filter::Filter;
use super::message::{Parked, ParkedKind, classify};
use super::reader::Reader;
use crate::aws;
use crate::mask::{Mask, printable};
use crate::shell::Shell;
use crate::stack::{Received, Stack, StackArgs};
use crate::style;
use crate::times;

/// Maximum time for reading the queue.
const MAX_TIME: Duration = Duration::from_secs(60);

/// List the messages of the dead-letter queue, with their reasons
///
/// The messages stay in the queue. Their kinds are: `event`, an event that couldn't be published; `record`, a stream
/// record that couldn't be read; `position`, a batch that Lambda gave up, with the time of its arrival; `spilled`, an event
/// that didn't get from the spill queue into the table; `unknown`, anything else. `of` is the kind of the event. `id` names
/// the message for `wab parked show` and `discard`: the event's id, which is a hash, or without one the message's own id.
/// Message texts and numbers are never shown.
///
/// A long or busy queue may be listed in part, which the last line reports.
#[derive(clap::Args)]
#[command(after_help = AFTER)]
pub(crate) struct Args {
    #[command(flatten)]
    filter: Filter,
    /// Also show each event's key in the table. It contains the gateway's message id
    #[arg(long)]
    keys: bool,
    #[command(flatten)]
    mask: Mask,
    /// Maximum number of messages to read. Reading also ends after a minute
    #[arg(long, value_name = "N", default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..))]
    max: u32,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    stack: StackArgs,
}

const AFTER: &str = "\
Examples:
  wab parked list
  wab parked list --reason 'item not known' --json
  wab parked list --only event --keys --stack wab --profile production

Exit codes:
  0  listed, also if the queue is empty
  2  usage error
  3  a call to AWS failed";

/// The messages of the dead-letter queue.
#[derive(Serialize)]
pub(crate) struct List {
    messages: Vec<Row>,
    /// Messages read, shown or not.
    read: usize,
    /// The approximate number of messages in the queue.
    in_queue: u64,
    /// The queue may hold more messages than were read.
    more: bool,
}

#[derive(Serialize)]
pub(crate) struct Row {
    /// The name of the message in other commands.
    pub(super) id: String,
    message_id: String,
    pub(super) kind: ParkedKind,
    pub(super) since: Option<Timestamp>,
    pub(super) received_times: u32,
    pub(super) reason: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    event_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) event_kind: Option<Kind>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) key: Option<Key>,
    #[serde(skip_serializing_if = "Option::is_none")]
    batch: Option<Batch>,
}

/// A batch that Lambda gave up.
#[derive(Debug, Serialize)]
struct Batch {
    records: u64,
    first_arrival: Timestamp,
    last_arrival: Timestamp,
}

pub(crate) fn run(args: &Args, shell: &mut Shell<'_>) -> anyhow::Result<u8> {
    let list = aws::block_on(async {
        let stack = args.stack.connect(shell.directory).await?;
        writeln!(shell.err, "{}", stack.place)?;
        let keys = args.keys.then_some(args.mask);
        List::gather(&stack, &args.filter, keys, usize::try_from(args.max)?).await
    })?;
    if args.json {
        style::json(&list, &mut shell.out)?;
    } else {
        list.show(args.keys, &TimeZone::system(), shell.columns(), &mut shell.out)?;
    }
    Ok(0)
}

impl List {
    /// Reads up to `max` messages, with their keys if there is a mask for them, and leaves them in the queue.
    async fn gather(stack: &Stack, filter: &Filter, keys: Option<Mask>, max: usize) -> anyhow::Result<Self> {
        let in_queue = stack.dead_letters.depth().await?.total();
        let reader = Reader::new(&stack.dead_letters, Some(MAX_TIME));
        let result = reader.keep_hidden(read(&reader, filter, keys, max)).await;
        reader.release().await?;
        let (mut messages, read, at_the_end) = result?;
        messages.sort_by_key(|row| row.since);
        let more = !at_the_end || u64::try_from(read)? < in_queue;
        Ok(Self { messages, read, in_queue, more })
    }
}

/// Returns the rows, the number of messages read, and whether the queue was read to its end.
async fn read(
    reader: &Reader<'_>,
    filter: &Filter,
    keys: Option<Mask>,
    max: usize,
) -> anyhow::Result<(Vec<Row>, usize, bool)> {
    let (mut messages, mut read) = (Vec::new(), 0);
    while read < max {
        let received = reader.next().await?;
        if received.is_empty() {
            return Ok((messages, read, true));
        }
        // SQS returns up to ten messages at once.
        let rest = max - read;
        read += received.len().min(rest);
        for message in received.into_iter().take(rest) {
            let (parked, reason) = classify(&message.body);
            if filter.picks(&parked, reason.as_deref()) {
                messages.push(Row::new(&message, &parked, reason, keys));
            }
        }
    }
    Ok((messages, read, false))
}

impl Row {
    pub(crate) fn new(message: &Received, parked: &Parked, reason: Option<String>, keys: Option<Mask>) -> Self {
        let key = parked.key();
        let event_id = key.map(Key::event_id);
        Self {
            id: event_id.clone().unwrap_or_else(|| message.id.clone()),
            message_id: message.id.clone(),
            kind: parked.kind(),
            since: message.sent_at,
            received_times: message.receive_count,
            reason,
            event_id,
            event_kind: key.and_then(Key::kind_and_id).map(|(kind, _)| kind),
            key: key.zip(keys).map(|(key, mask)| mask_key(key, mask)),
            batch: match parked {
                Parked::Position { batch } => {
                    Some(Batch { records: batch.records, first_arrival: batch.first, last_arrival: batch.last })
                }
                Parked::Event { .. } | Parked::Record { .. } | Parked::Spilled { .. } | Parked::Unknown => None,
            },
        }
    }

    fn cells(&self, with_key: bool, zone: &TimeZone) -> Vec<String> {
        let or_dash = |text: Option<&str>| text.unwrap_or("-").to_owned();
        let mut reason = or_dash(self.reason.as_deref());
        if let Some(batch) = &self.batch {
            let Batch { records, first_arrival, last_arrival } = batch;
            reason.push_str(&format!("; {records} records of {first_arrival} to {last_arrival}"));
        }
        let mut cells = vec![
            self.kind.as_str().to_owned(),
            or_dash(self.event_kind.map(Kind::as_str)),
            self.since.map_or_else(|| "-".to_owned(), |since| times::local(since, zone)),
            self.received_times.to_string(),
            self.id.clone(),
            reason,
        ];
        if with_key {
            let key = self.key.as_ref().map(|key| format!("{} {}", key.pk, key.sk));
            cells.push(or_dash(key.as_deref().map(printable).as_deref()));
        }
        cells
    }
}

/// A key, whose part after the `#` is the gateway's message id.
pub(crate) fn mask_key(key: &Key, mask: Mask) -> Key {
    let pk = match key.pk.split_once('#') {
        Some((kind, id)) => format!("{kind}#{}", mask.id(id)),
        None => mask.id(&key.pk).into_owned(),
    };
    Key { pk, sk: key.sk.clone() }
}

impl List {
    fn show(&self, with_key: bool, zone: &TimeZone, width: Option<u16>, out: &mut dyn Write) -> anyhow::Result<()> {
        if !self.messages.is_empty() {
            let mut table = style::table(["kind", "of", "since", "received", "id", "reason"], width);
            if with_key {
                table.set_header(["kind", "of", "since", "received", "id", "reason", "key"]);
            }
            for row in &self.messages {
                table.add_row(row.cells(with_key, zone));
            }
            if let Some(column) = table.column_mut(3) {
                column.set_cell_alignment(CellAlignment::Right);
            }
            writeln!(out, "{}\n", table.trim_fmt())?;
        }
        match (self.messages.len(), self.read) {
            (0, 0) if self.in_queue == 0 => write!(out, "nothing is parked")?,
            (shown, read) if shown == read => write!(out, "{shown} parked")?,
            (shown, read) => write!(out, "{shown} shown of {read} read")?,
        }
        if self.more {
            write!(out, "; there may be more: the queue holds about {}, hidden ones included", self.in_queue)?;
        }
        Ok(writeln!(out)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(body: &str, with_key: bool) -> Row {
        let message = Received {
            id: "m".to_owned(),
            handle: "h".to_owned(),
            sent_at: Timestamp::from_millisecond(1_763_889_302_417).ok(),
            receive_count: 3,
            body: body.to_owned(),
        };
        let (parked, reason) = classify(body);
        Row::new(&message, &parked, reason, with_key.then_some(Mask::OFF))
    }

    fn shown(bodies: &[&str], with_key: bool, in_queue: u64) -> String {
        let messages: Vec<Row> = bodies.iter().map(|body| row(body, with_key)).collect();
        let read = messages.len();
        let list = List { messages, read, in_queue, more: u64::try_from(read).unwrap() < in_queue };
        let mut out = Vec::new();
        list.show(with_key, &TimeZone::UTC, None, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn message_is_listed_without_its_key() {
        let event = include_str!("../../golden/parked-event.json");
        let position = include_str!("../../golden/parked-position.json");
        let out = shown(&[event, position, "?"], false, 3);
        let words: Vec<Vec<&str>> = out.lines().map(|line| line.split_whitespace().collect()).collect();
        let since = ["2025-11-23", "09:15:02.417", "+00:00"];
        assert!(words[1..4].iter().all(|row| row[2..5] == since), "{out}");
        assert_eq!((words[1][0], words[1][1]), ("event", "mo"));
        assert_eq!(words[1][5..8], ["3", "2261d224ea3b4a40860397f823cb7d66", "the"]);
        assert_eq!(
            (&words[2][..2], &words[2][5..8]),
            (&["position", "-"][..], &["3", "m", "RetryAttemptsExhausted;"][..])
        );
        assert_eq!((&words[3][..2], &words[3][5..]), (&["unknown", "-"][..], &["3", "m", "-"][..]));
        assert!(out.ends_with("\n3 parked\n") && !out.contains("7c1f"), "{out}");
        assert!(out.contains("100 records of 2025-11-23T09:15:03Z to 2025-11-23T09:17:40Z"), "{out}");
    }

    #[test]
    fn key_is_shown_with_keys_option() {
        let event = include_str!("../../golden/parked-event.json");
        assert!(shown(&[event], true, 1).contains("MO#7c1f EVENT"));
        let hostile = r#"{"reason": "r", "key": {"pk": "MO#\u001b[2J", "sk": "EVENT"}}"#;
        assert!(!shown(&[hostile], true, 1).contains('\u{1b}'));
        assert_eq!(serde_json::to_value(row(event, false)).unwrap().get("key"), None);
    }

    #[test]
    fn empty_and_partial_lists_are_reported() {
        assert_eq!(shown(&[], false, 0), "nothing is parked\n");
        let partial = shown(&["?"], false, 12);
        let end = "1 parked; there may be more: the queue holds about 12, hidden ones included\n";
        assert!(partial.ends_with(end), "{partial}");
    }
}
