//! `wab show`: everything that is known of one message, or what was received in a range of time.

mod find;
mod gather;
mod render;
mod window;

use std::io::Write;

use anyhow::{Context, bail, ensure};
use clap::ValueEnum;
use jiff::{Timestamp, ZonedDateTime};
use wab_events::Kind;
use wab_models::{CallbackError, MessageId};

use self::gather::{Items, Wanted};
use crate::mask::Mask;
use crate::shell::Shell;
use crate::stack::{Consent, Meter, Stack, StackArgs};
use crate::stored::Fetched;
use crate::times::Moment;
use crate::{aws, style};

/// Show everything that is known of one message, or what was received in a range of time
///
/// For a message from a user: the callback with its typed content, variants, the published event's id, where its body and
/// binary content are, and the receipts of the message that it replies to. For a sent message: its receipts as a timeline,
/// the current status and what it waits for, and the replies to it.
///
/// An event id is a hash and leads to no key, so its event is searched for: first among the keys in the indexes, then in
/// the whole table. The cost is printed, and confirmed on AWS.
///
/// With --from, lists what was received in the range, one line each, oldest first. The command reads the whole table for it,
/// whatever the range.
#[derive(clap::Args)]
#[command(after_help = AFTER)]
pub(crate) struct Args {
    /// The gateway's message id, or an event id as printed in logs (32 hex digits)
    #[arg(value_name = "ID", required_unless_present = "from")]
    id: Option<String>,
    /// Print the body of one item byte for byte, and nothing else. Needs --reveal
    #[arg(long, requires = "reveal", conflicts_with_all = ["json", "event", "parked", "from"])]
    raw: bool,
    /// Number of the item whose body --raw prints, if the id has several
    #[arg(long, value_name = "N", requires = "raw")]
    item: Option<usize>,
    /// Also show each event as it is published
    #[arg(long, conflicts_with = "from")]
    event: bool,
    /// Also look for the message in the dead-letter queue, which is read from one end to the other
    #[arg(long, conflicts_with = "from")]
    parked: bool,
    /// Start of the range: a time in RFC 3339, a local time or date, or how long ago (2h, 3d)
    #[arg(long, value_name = "TIME", conflicts_with = "id")]
    from: Option<Moment>,
    /// End of the range, exclusive [default: now]
    #[arg(long, value_name = "TIME", requires = "from")]
    until: Option<Moment>,
    /// Only messages, or only receipts
    #[arg(long, requires = "from")]
    kind: Option<KindArg>,
    /// Maximum number of lines in the range
    #[arg(long, value_name = "N", requires = "from", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    limit: u32,
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

#[derive(Debug, Clone, Copy, ValueEnum)]
enum KindArg {
    Mo,
    Dlr,
}

const AFTER: &str = "\
Examples:
  wab show 7c1f0c1e-5a52-4d0e-9b86-0d6a1f1c7d11
  wab show 7c1f0c1e-5a52-4d0e-9b86-0d6a1f1c7d11 --raw --reveal > body.json
  wab show 2261d224ea3b4a40860397f823cb7d66 --stack wab --profile production
  wab show --from 2h --kind mo
  wab show --from 2026-11-23T09:00:00Z --until 2026-11-23T10:30:00Z --json

Exit codes:
  0  shown
  1  nothing is known of the id, or nothing was received in the range
  2  usage error
  3  a call to AWS failed";

const UNKNOWN: &str = "\
nothing is stored under this id. It may have expired after the stack's RetentionDays, belong to another stack, wait in the \
spill queue (`wab status`), have been erased (`wab erase`), or have been rejected: a body without an id is quarantined (`wab \
quarantine list`)";

pub(crate) fn run(args: &Args, shell: &mut Shell<'_>) -> anyhow::Result<u8> {
    aws::block_on(async {
        let stack = args.stack.connect(shell.directory).await?;
        writeln!(shell.err, "{}", stack.place)?;
        let meter = Meter::default();
        let code = match (&args.id, args.from) {
            (Some(id), _) if args.raw => raw(args, id, &stack, shell, &meter).await,
            (Some(id), _) => one(args, id, &stack, shell, &meter).await,
            (None, Some(from)) => range(args, from, &stack, shell, &meter).await,
            (None, None) => bail!("give an ID or --from"),
        }?;
        writeln!(shell.err, "{}", meter.cost())?;
        Ok(code)
    })
}

async fn one(args: &Args, id: &str, stack: &Stack, shell: &mut Shell<'_>, meter: &Meter) -> anyhow::Result<u8> {
    let Some((items, event_id)) = resolve(id, args.consent, stack, shell, meter).await? else {
        return unknown(args, shell);
    };
    let wanted = Wanted { event_id: event_id.as_deref(), events: args.event, parked: args.parked };
    let report = gather::gather(stack, items, wanted, args.mask, meter).await?;
    if args.json {
        style::json(&report, &mut shell.out)?;
    } else {
        let now = ZonedDateTime::now();
        let text = render::render(&report, now.timestamp(), now.time_zone(), shell.columns());
        write!(shell.out, "{text}")?;
    }
    Ok(0)
}

fn unknown(args: &Args, shell: &mut Shell<'_>) -> anyhow::Result<u8> {
    if args.json {
        writeln!(shell.out, "null")?;
    }
    writeln!(shell.err, "{UNKNOWN}")?;
    Ok(1)
}

async fn raw(args: &Args, id: &str, stack: &Stack, shell: &mut Shell<'_>, meter: &Meter) -> anyhow::Result<u8> {
    let Some((found, event_id)) = resolve(id, args.consent, stack, shell, meter).await? else {
        return unknown(args, shell);
    };
    let numbered: Vec<_> = (1..).zip(&found.events).collect();
    let picked = match (args.item, event_id) {
        (Some(number), _) => numbered.iter().find(|(position, _)| *position == number),
        (None, Some(event_id)) => numbered.iter().find(|(_, whole)| whole.item.key.event_id() == event_id),
        (None, None) => numbered.first().filter(|_| numbered.len() == 1),
    };
    let (_, whole) = picked.with_context(|| {
        format!("the id has {} items: `wab show` numbers them, and --item N picks one", numbered.len())
    })?;
    match &whole.body {
        Fetched::Bytes(bytes) => shell.out.write_all(bytes)?,
        Fetched::NotKept(_) => {
            writeln!(shell.err, "the content of this event isn't kept: the stack was deployed with Content=none")?;
            return Ok(1);
        }
        Fetched::Gone | Fetched::TooLarge(_) => {
            writeln!(shell.err, "the body was in the bucket, which no longer has it")?;
            return Ok(1);
        }
    }
    Ok(0)
}

/// Reads what is stored under the message id that `id` is, or that the event with this id has. None if nothing is.
async fn resolve(
    id: &str,
    consent: Consent,
    stack: &Stack,
    shell: &mut Shell<'_>,
    meter: &Meter,
) -> anyhow::Result<Option<(Items, Option<String>)>> {
    match MessageId::new(id) {
        Ok(_) => {}
        Err(CallbackError::IdTooLong) => bail!("the id is longer than a stored id can be"),
        Err(_) => bail!("the id is empty"),
    }
    let items = gather::items(stack, id, meter).await?;
    if !items.is_empty() {
        return Ok(Some((items, None)));
    }
    if !find::is_event_id(id) {
        return Ok(None);
    }
    let event_id = id.to_ascii_lowercase();
    let key = find::find(stack, &event_id, consent, shell, meter).await?;
    let Some((_, id)) = key.as_ref().and_then(|key| key.kind_and_id()) else { return Ok(None) };
    let items = gather::items(stack, id, meter).await?;
    // An index may still have the key of an item that was just erased.
    Ok((!items.is_empty()).then_some((items, Some(event_id))))
}

async fn range(args: &Args, from: Moment, stack: &Stack, shell: &mut Shell<'_>, meter: &Meter) -> anyhow::Result<u8> {
    let now = ZonedDateTime::now();
    let from = from.resolve(&now)?;
    let to = args.until.map_or(Ok(now.timestamp()), |until| until.resolve(&now))?;
    ensure!(from < to, "--from is not before {}", if args.until.is_some() { "--until" } else { "now" });
    let kind = args.kind.map(|kind| match kind {
        KindArg::Mo => Kind::Mo,
        KindArg::Dlr => Kind::Dlr,
    });
    let size = stack.table.size(None).await?;
    let action = format!("read the whole table ({})", find::estimate(&size));
    stack.confirm(&action, args.consent, shell)?;
    let window = window::Window { from, to, kind, limit: usize::try_from(args.limit)? };
    let mut progress = find::Progress::default();
    let list = window::gather(stack, &window, args.mask, &mut |count| progress.report(count, shell.err), meter).await?;
    if args.json {
        style::json(&list, &mut shell.out)?;
    } else if !list.rows.is_empty() {
        writeln!(shell.out, "{}", window::table(&list, now.time_zone(), shell.columns()))?;
    }
    match list.next {
        Some(next) => writeln!(shell.err, "{} of {}: go on with --from {next}", list.rows.len(), list.total)?,
        None if list.rows.is_empty() => writeln!(shell.err, "nothing was received from {from} to {to}")?,
        None => {}
    }
    Ok(u8::from(list.rows.is_empty()))
}

/// The time of a `received_at`, or its text if it isn't one.
fn shown_time(at: Option<Timestamp>, zone: &jiff::tz::TimeZone) -> String {
    at.map(|at| crate::times::local(at, zone)).unwrap_or_default()
}
