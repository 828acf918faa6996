//! `wab reference`: the receipts of the messages that were sent with a reference, and the replies to them.

use std::fmt::Write as _;
use std::io::Write;

use anyhow::ensure;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::Serialize;
use wab_events::Kind;
use wab_models::Key;

use crate::mask::{Mask, printable};
use crate::shell::Shell;
use crate::stack::{Cost, Dated, Index, Lookup, Meter, Stack, StackArgs};
use crate::stored::{MAX_LISTED_BYTES, MessageLine, Stored, with_bodies};
use crate::timeline::Timeline;
use crate::{aws, style, times};

/// Entries of the index that are read for one reference. A reference is meant to name one message.
const MAX_ENTRIES: usize = 500;

/// Show the receipts of a sent message by its reference, and the replies to it
///
/// The reference is what the sender of the message called it, exactly as it was sent. For each message with this reference
/// the command shows its receipts with the current status, and what users replied to it.
#[derive(clap::Args)]
#[command(after_help = AFTER)]
pub(crate) struct Args {
    /// The reference
    #[arg(value_name = "REFERENCE")]
    reference: String,
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
  wab reference order-1042
  wab reference order-1042 --json --stack wab --profile production

Exit codes:
  0  shown
  1  nothing is stored with this reference
  2  usage error
  3  a call to AWS failed";

/// What is known of a reference.
#[derive(Serialize)]
pub(crate) struct Report {
    reference: String,
    #[serde(flatten)]
    found: References,
    cost: Cost,
}

/// What the index `by-reference` leads to.
#[derive(Default, Serialize)]
pub(crate) struct References {
    /// The sent messages, oldest first.
    pub(crate) sent: Vec<Timeline>,
    /// The messages that name this reference, oldest first.
    pub(crate) replies: Vec<MessageLine>,
    /// There are more entries than were read.
    pub(crate) more: bool,
}

impl References {
    pub(crate) fn is_empty(&self) -> bool {
        self.sent.is_empty() && self.replies.is_empty()
    }
}

pub(crate) fn run(args: &Args, shell: &mut Shell<'_>) -> anyhow::Result<u8> {
    ensure!(!args.reference.is_empty(), "the reference is empty: no receipt has such a reference");
    aws::block_on(async {
        let stack = args.stack.connect(shell.directory).await?;
        writeln!(shell.err, "{}", stack.place)?;
        let report = gather(&stack, &args.reference, args.mask).await?;
        if args.json {
            style::json(&report, &mut shell.out)?;
        } else if !report.found.is_empty() {
            write!(shell.out, "{}", render(&report, Timestamp::now(), &TimeZone::system(), shell.columns()))?;
        }
        if report.found.is_empty() {
            writeln!(shell.err, "nothing is stored with this reference. {ELSEWHERE}")?;
        }
        writeln!(shell.err, "{}", report.cost)?;
        Ok(u8::from(report.found.is_empty()))
    })
}

const ELSEWHERE: &str = "\
A receipt may come without its reference: look for the message's id with `wab show ID`. Events expire after the \
stack's RetentionDays";

/// Looks up everything that is stored with a reference.
pub(crate) async fn gather(stack: &Stack, reference: &str, mask: Mask) -> anyhow::Result<Report> {
    let meter = Meter::default();
    let found = look_up(stack, reference, mask, &meter).await?;
    Ok(Report { reference: mask.id(reference).into_owned(), found, cost: meter.cost() })
}

pub(crate) async fn look_up(stack: &Stack, reference: &str, mask: Mask, meter: &Meter) -> anyhow::Result<References> {
    let entries = entries(stack, reference, MAX_ENTRIES, meter).await?;
    let (receipts, messages): (Vec<_>, Vec<_>) =
        entries.iter().partition(|dated| matches!(dated.key.kind_and_id(), Some((Kind::Dlr, _))));
    let mut partitions: Vec<&str> = Vec::new();
    for dated in receipts {
        if !partitions.contains(&&*dated.key.pk) {
            partitions.push(&dated.key.pk);
        }
    }
    let mut sent = Vec::new();
    for pk in partitions {
        // The whole partition: a receipt without the reference isn't in the index.
        let items = stack.table.partition(pk, meter).await?;
        let items = items.into_iter().filter_map(|item| Stored::read(item).into_event()).collect();
        let items = with_bodies(&stack.bucket, items, MAX_LISTED_BYTES, meter).await?;
        sent.extend(Timeline::of(&items, mask));
    }
    let keys: Vec<Key> = messages.into_iter().map(|dated| dated.key.clone()).collect();
    Ok(References { sent, replies: lines(stack, &keys, mask, meter).await?, more: entries.len() == MAX_ENTRIES })
}

/// The entries of the index `by-reference`, oldest first. None if the reference can't be in the index.
pub(crate) async fn entries(stack: &Stack, reference: &str, limit: usize, meter: &Meter) -> anyhow::Result<Vec<Dated>> {
    // A longer one isn't copied into an item's attribute.
    if reference.is_empty() || reference.len() > 1024 {
        return Ok(Vec::new());
    }
    let lookup =
        Lookup { index: Index::ByReference, value: reference, from: None, to: None, newest_first: false, limit };
    Ok(stack.table.lookup(lookup, meter).await?)
}

/// The messages with these keys on one line each, oldest first.
pub(crate) async fn lines(stack: &Stack, keys: &[Key], mask: Mask, meter: &Meter) -> anyhow::Result<Vec<MessageLine>> {
    let items = stack.table.items(keys, meter).await?;
    let items = items.into_iter().filter_map(|item| Stored::read(item).into_event()).collect();
    let items = with_bodies(&stack.bucket, items, MAX_LISTED_BYTES, meter).await?;
    let mut lines: Vec<MessageLine> = items.iter().filter_map(|whole| MessageLine::of(whole, mask)).collect();
    lines.sort_by(|a, b| (a.received_at, &a.event_id).cmp(&(b.received_at, &b.event_id)));
    Ok(lines)
}

pub(crate) fn render(report: &Report, now: Timestamp, zone: &TimeZone, width: Option<u16>) -> String {
    let mut text = String::new();
    let _ = writeln!(text, "{}", style::paint(style::BOLD, &format!("Reference {}", printable(&report.reference))));
    render_references(&report.found, now, zone, width, &mut text);
    text
}

/// The sent messages and the replies, each with a heading.
pub(crate) fn render_references(
    found: &References,
    now: Timestamp,
    zone: &TimeZone,
    width: Option<u16>,
    text: &mut String,
) {
    for timeline in &found.sent {
        let heading = format!("Sent message {}: {}", printable(&timeline.message_id), timeline.state(now));
        let _ = write!(text, "\n{}\n{}\n", style::paint(style::BOLD, &heading), timeline.table(zone, width));
    }
    if !found.replies.is_empty() {
        let _ =
            write!(text, "\n{}\n{}\n", style::paint(style::BOLD, "Replies"), lines_table(&found.replies, zone, width));
    }
    if found.more {
        let _ = writeln!(text, "\nMore than {MAX_ENTRIES} events have this reference: the rest isn't shown.");
    }
}

pub(crate) fn lines_table(lines: &[MessageLine], zone: &TimeZone, width: Option<u16>) -> comfy_table::Table {
    let mut table = style::table(["time", "contact", "message", "id"], width);
    for line in lines {
        let mut id = printable(&line.id).into_owned();
        if line.variant {
            id.push_str(" (variant)");
        }
        table.add_row([
            line.received_at.map(|at| times::local(at, zone)).unwrap_or_default(),
            printable(line.contact.as_deref().unwrap_or_default()).into_owned(),
            printable(&line.summary.replace('\n', " ")).into_owned(),
            id,
        ]);
    }
    table
}
