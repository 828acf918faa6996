//! `wab quarantine list`: quarantined bodies, newest first.

use std::io::Write;

use comfy_table::CellAlignment;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan, ZonedDateTime};
use serde::Serialize;
use wab_events::Kind;

use super::item::{Row, read};
use crate::mask::printable;
use crate::replay::KindArg;
use crate::shell::Shell;
use crate::stack::{Stack, StackArgs};
use crate::times::Moment;
use crate::{aws, style};

/// List quarantined bodies, newest first
///
/// Each row has the callback that was expected (`of`), the application whose credentials were used, the size, and why the
/// body isn't that callback. `id` names it for `wab quarantine show`, `send` and `discard`. Nothing of a body is shown.
///
/// The table keeps them by day, so a list costs one query for each day of the range, whatever the table's size.
#[derive(clap::Args)]
#[command(after_help = AFTER)]
pub(crate) struct Args {
    #[command(flatten)]
    range: RangeArgs,
    /// Maximum number of rows
    #[arg(long, value_name = "N", default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..))]
    max: u32,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    stack: StackArgs,
}

/// The options that select quarantined bodies.
#[derive(Clone, clap::Args)]
#[group(skip)] // its name would be that of the command's own arguments
pub(super) struct RangeArgs {
    /// Only those received at this time or later: RFC 3339, a local time or date, or how long ago (2h, 3d)
    #[arg(long, value_name = "TIME", default_value = "30d")]
    from: Moment,
    /// Only those received before this time [default: now]
    #[arg(long, value_name = "TIME")]
    until: Option<Moment>,
    /// Only those whose reason contains this text
    #[arg(long, value_name = "TEXT")]
    pub(super) reason: Option<String>,
    /// Only bodies that were expected to be MO, or DLR callbacks
    #[arg(long)]
    kind: Option<KindArg>,
}

const AFTER: &str = "\
Examples:
  wab quarantine list
  wab quarantine list --from 2h --reason 'not JSON' --json
  wab quarantine list --from 2026-11-23 --until 2026-11-24 --stack wab --profile production

Exit codes:
  0  listed, also if there is nothing
  2  usage error
  3  a call to AWS failed";

/// Quarantined bodies, newest first.
#[derive(Serialize)]
pub(super) struct List {
    pub(super) quarantined: Vec<Row>,
    /// Items whose layout is newer than this version.
    unreadable: u64,
    /// There are more than `--max`.
    more: bool,
}

pub(crate) fn run(args: &Args, shell: &mut Shell<'_>) -> anyhow::Result<u8> {
    aws::block_on(async {
        let stack = args.stack.connect(shell.directory).await?;
        writeln!(shell.err, "{}", stack.place)?;
        let list = List::gather(&stack, &args.range, usize::try_from(args.max)?).await?;
        match args.json {
            true => style::json(&list, &mut shell.out)?,
            false => list.show(&TimeZone::system(), shell.columns(), &mut shell.out)?,
        }
        Ok(0)
    })
}

impl List {
    pub(super) async fn gather(stack: &Stack, range: &RangeArgs, max: usize) -> anyhow::Result<Self> {
        let now = ZonedDateTime::now();
        let from = range.from.resolve(&now)?;
        let until = range.until.map(|until| until.resolve(&now)).transpose()?.unwrap_or_else(|| now.timestamp());
        let kind = range.kind.map(Kind::from);
        let is_meant = |row: &Row| {
            row.since.is_some_and(|since| (from..until).contains(&since))
                && kind.is_none_or(|kind| kind == row.kind)
                && range.reason.as_ref().is_none_or(|text| row.reason.contains(text))
        };
        let mut list = Self { quarantined: Vec::new(), unreadable: 0, more: false };
        for date in dates(from, until)? {
            let mut start = None;
            loop {
                let (items, next) = stack.table.quarantined(&date, start).await?;
                for item in items {
                    match read(item) {
                        None => list.unreadable += 1,
                        Some(item) => list.quarantined.extend(Some(Row::of(&item)).filter(is_meant)),
                    }
                }
                if list.quarantined.len() > max {
                    list.quarantined.truncate(max);
                    return Ok(Self { more: true, ..list });
                }
                start = next;
                if start.is_none() {
                    break;
                }
            }
        }
        Ok(list)
    }

    fn show(&self, zone: &TimeZone, width: Option<u16>, out: &mut dyn Write) -> anyhow::Result<()> {
        if !self.quarantined.is_empty() {
            let mut table = style::table(["of", "since", "application", "bytes", "id", "reason"], width);
            for Row { id, kind, since, application, bytes, reason, .. } in &self.quarantined {
                let since = since.map_or_else(|| "-".to_owned(), |since| crate::times::local(since, zone));
                table.add_row([
                    kind.as_str(),
                    &since,
                    &printable(application),
                    &bytes.to_string(),
                    id,
                    &printable(reason),
                ]);
            }
            if let Some(column) = table.column_mut(3) {
                column.set_cell_alignment(CellAlignment::Right);
            }
            writeln!(out, "{}\n", table.trim_fmt())?;
        }
        match self.quarantined.len() {
            0 => write!(out, "nothing is quarantined in this range")?,
            shown => write!(out, "{shown} quarantined")?,
        }
        if self.more {
            write!(out, "; there are more: give --max, or --until with the time of the last row")?;
        }
        if self.unreadable > 0 {
            write!(out, "; {} have a layout that is newer than this wab", self.unreadable)?;
        }
        Ok(writeln!(out)?)
    }
}

/// The dates in UTC from the last to the first.
fn dates(from: Timestamp, until: Timestamp) -> anyhow::Result<Vec<String>> {
    let date = |at: Timestamp| TimeZone::UTC.to_datetime(at).date();
    let (first, mut next) = (date(from), date(until));
    let mut dates = Vec::new();
    while next >= first {
        dates.push(next.to_string());
        next = next.checked_sub(1.day())?;
    }
    Ok(dates)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn range_is_read_day_by_day_from_its_end() {
        let dates = |from: &str, until: &str| dates(from.parse().unwrap(), until.parse().unwrap()).unwrap();
        let expected = ["2026-03-01", "2026-02-28", "2026-02-27"];
        assert_eq!(dates("2026-02-27T23:59:59Z", "2026-03-01T00:00:00Z"), expected);
        assert_eq!(dates("2026-03-01T00:00:00Z", "2026-03-01T00:00:01Z"), ["2026-03-01"]);
        assert!(dates("2026-03-02T00:00:00Z", "2026-03-01T00:00:00Z").is_empty());
    }
}
