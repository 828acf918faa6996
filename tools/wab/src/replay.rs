//! `wab replay`: publishes the stored events of a window of time again, from the table.

mod replayed;
mod saved;
mod selection;

use std::io::Write;

use anyhow::ensure;
use clap::ValueEnum;
use comfy_table::CellAlignment;
use jiff::Timestamp;
use serde::Serialize;
use wab_events::Kind;

pub(crate) use self::replayed::{Counts, Replayed, Sink, Work, compose};
use self::saved::{Identity, Saved};
use self::selection::Pick;
pub(crate) use self::selection::Selection;
use crate::delivery::Target;
use crate::estimate::Estimate;
use crate::progress::Progress;
use crate::shell::Shell;
use crate::stack::{Consent, Range, Stack, StackArgs};
use crate::stop::{Stop, stoppable};
use crate::style;
use crate::window::{Window, Windows};
use crate::{FAILED, INTERRUPTED, aws};

/// Publish the stored events of a window of time again
///
/// Every event received in the window is published to its topic again, through the function `fanout`, whether it was
/// published before or not. It keeps its id, by which subscribers recognise it, and has the message attribute `replay`.
/// An event that can't be published is parked in the dead-letter queue. An event that has expired is left out.
///
/// With --to, the events go to one target instead, and nobody else receives them: the URL of a queue, or any other http
/// or https URL, which gets each event as SNS would post it raw. An event that can't be composed is only counted.
///
/// The command reads the whole table, also with --dry-run: half a read unit for every 4 KB, 131 072 for a GB. It
/// estimates the cost first, and asks before it acts on a stack on AWS.
///
/// How far a replay is, is kept in $XDG_STATE_HOME/wab (or ~/.local/state/wab). After Ctrl-C, a crash or an outage, the same
/// command goes on where it ended. At most the last 100 events are published twice.
#[derive(clap::Args)]
#[command(after_help = AFTER)]
pub(crate) struct Args {
    /// Start of the window, in RFC 3339: 2026-11-23T09:15:00Z
    #[arg(long, value_name = "TIME")]
    from: Timestamp,
    /// End of the window, exclusive [default: now]
    #[arg(long, value_name = "TIME")]
    until: Option<Timestamp>,
    /// Only MO events, or only DLR events
    #[arg(long)]
    kind: Option<KindArg>,
    /// Only MO events of this type. Give it again for another
    #[arg(long = "type", value_name = "TYPE")]
    types: Vec<String>,
    /// Send the events to this target instead of their topics
    #[arg(long, value_name = "URL")]
    to: Option<String>,
    /// Maximum number of events a second
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    rate: Option<u32>,
    /// Begin again, also if the same replay was interrupted before
    #[arg(long)]
    restart: bool,
    /// Count the events, and publish none of them
    #[arg(long)]
    dry_run: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    consent: Consent,
    #[command(flatten)]
    stack: StackArgs,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum KindArg {
    Mo,
    Dlr,
}

impl From<KindArg> for Kind {
    fn from(kind: KindArg) -> Self {
        match kind {
            KindArg::Mo => Self::Mo,
            KindArg::Dlr => Self::Dlr,
        }
    }
}

const AFTER: &str = "\
Examples:
  wab replay --from 2026-11-23T09:00:00Z --until 2026-11-23T10:30:00Z --dry-run
  wab replay --from 2026-11-23T09:00:00Z --kind dlr
  wab replay --from 2026-11-23T09:00:00Z --type image --rate 50
  wab replay --from 2026-11-22T18:00:00Z --to https://sqs.us-east-1.amazonaws.com/123456789012/team-b
  wab replay --from 2026-11-23T22:00:00+13:00 --stack wab --profile production

Exit codes:
  0    every event of the window was published
  1    some events were parked or can't be composed, or the replay stopped before the end
  2    usage error: nothing was published
  3    a call to AWS failed: what was printed before is done
  130  interrupted: what was printed is done; the same command goes on";

/// What a replay did, or with `dry_run` would do.
#[derive(Serialize)]
pub(crate) struct Report {
    dry_run: bool,
    /// With `dry_run`: the events that would be published.
    #[serde(skip_serializing_if = "Option::is_none")]
    found: Option<u64>,
    until: Timestamp,
    /// The time at which an earlier run of the same replay was interrupted. Its counts are included.
    #[serde(skip_serializing_if = "Option::is_none")]
    resumed_from: Option<Timestamp>,
    #[serde(flatten)]
    counts: Counts,
    /// Events that couldn't be published.
    left: usize,
    /// Why events are left.
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<String>,
    /// The replay ended before the end of the window, because nothing could be published.
    ended_early: bool,
    interrupted: bool,
}

pub(crate) fn run(args: &Args, shell: &mut Shell<'_>) -> anyhow::Result<u8> {
    let until = args.until.unwrap_or_else(Timestamp::now);
    ensure!(args.from < until, "--from is not before {}", if args.until.is_some() { "--until" } else { "now" });
    ensure!(args.types.is_empty() || !matches!(args.kind, Some(KindArg::Dlr)), "--type is of MO events only");
    aws::block_on(async {
        let stack = args.stack.connect(shell.directory).await?;
        writeln!(shell.err, "{}", stack.place)?;
        let (report, result) = match args.dry_run {
            true => (count(args, until, &stack, shell).await?, Ok(())),
            false => replay(args, until, &stack, shell).await?,
        };
        match args.json {
            true => style::json(&report, &mut shell.out)?,
            false => report.show(shell.columns(), &mut shell.out)?,
        }
        result?;
        Ok(report.exit_code())
    })
}

impl Args {
    fn selection(&self, until: Timestamp) -> Selection {
        Selection {
            windows: Windows::new([Window { from: self.from, to: until }]),
            kind: self.kind.map(Kind::from),
            types: self.types.clone(),
        }
    }
}

/// Counts the events that a replay would publish.
async fn count(args: &Args, until: Timestamp, stack: &Stack, shell: &mut Shell<'_>) -> anyhow::Result<Report> {
    let estimate = Estimate::scan(&stack.table.describe().await?.size);
    writeln!(shell.err, "{estimate}")?;
    let selection = args.selection(until);
    let (from, to) = selection.windows.bounds();
    let range = Range { from: from.as_str(), to: to.as_str(), kind: selection.kind };
    let mut report = Report::of(until, None, &Replayed::default());
    let mut progress = Progress::new(estimate.items, shell.answers.is_some());
    let (mut found, mut start) = (0, None);
    loop {
        let page = stack.table.events(range, start).await?;
        for item in &page.items {
            match selection.pick(item, stack.table.has_expired(item)) {
                Pick::Selected(_) => found += 1,
                Pick::Expired => report.counts.expired += 1,
                Pick::Other => {}
            }
        }
        report.counts.scanned += page.scanned;
        report.counts.read_units += page.read_units;
        let message = format!("{} items read, {found} events found", report.counts.scanned);
        progress.set(report.counts.scanned, &message, shell.err)?;
        start = page.next;
        if start.is_none() {
            return Ok(Report { dry_run: true, found: Some(found), ..report });
        }
    }
}

/// Publishes the events. Returns what was done, also if a call to AWS failed on the way.
async fn replay(
    args: &Args,
    until: Timestamp,
    stack: &Stack,
    shell: &mut Shell<'_>,
) -> anyhow::Result<(Report, anyhow::Result<()>)> {
    let table = stack.table.describe().await?;
    let estimate = Estimate::scan(&table.size);
    let target = args.to.as_ref().map(|to| Target::new(to, stack)).transpose()?;
    let identity = Identity {
        table_id: &table.id,
        table_arn: &table.arn,
        from: args.from,
        until: args.until,
        kind: args.kind.map(|kind| Kind::from(kind).as_str()),
        types: &args.types,
        to: args.to.as_deref(),
    };
    let saved = Saved::new(&saved::state_directory()?, &identity)?;
    let interrupted = saved.read().filter(|_| !args.restart);
    writeln!(shell.err, "{estimate}")?;
    let (mut replayed, until, resumed_from) = match interrupted {
        Some(interrupted) => (interrupted.replayed, interrupted.until, Some(interrupted.saved_at)),
        None => (Replayed::default(), until, None),
    };
    if let Some(at) = resumed_from {
        let published = replayed.counts.published;
        writeln!(shell.err, "goes on after the {published} events published until {at:.0}; --restart begins again")?;
    }
    let receiver = target.as_ref().map_or("every subscriber".to_owned(), Target::to_string);
    let action = format!("publish the events from {} to {until:.0} again, to {receiver}", args.from);
    stack.confirm(&action, args.consent, shell)?;
    // Before anything is published, so that a directory that can't be written is found in time.
    saved.write(until, &replayed)?;

    let stop = Stop::by_signal();
    let sink = match &target {
        None => Sink::Topics { replay: true },
        Some(target) => Sink::Target(target, Box::new(stack.composer())),
    };
    let selection = args.selection(until);
    let work = Work { stack, table_arn: &table.arn, selection: &selection, sink, rate: args.rate, stop: &stop };
    let mut progress = Progress::new(estimate.items, shell.answers.is_some());
    let mut on_progress = |replayed: &Replayed| {
        let Counts { scanned, published, .. } = replayed.counts;
        progress.set(scanned, &format!("{scanned} items read, {published} published"), shell.err)?;
        saved.write(until, replayed)
    };
    let ended = stoppable(replayed.run(&work, &mut on_progress), &stop).await;
    let report = Report { interrupted: stop.is_requested(), ..Report::of(until, resumed_from, &replayed) };
    if report.is_finished() && matches!(ended, Some(Ok(()))) {
        saved.remove();
    } else {
        saved.write(until, &replayed)?;
    }
    Ok((report, ended.unwrap_or(Ok(()))))
}

impl Report {
    pub(crate) fn of(until: Timestamp, resumed_from: Option<Timestamp>, replayed: &Replayed) -> Self {
        Self {
            dry_run: false,
            found: None,
            until,
            resumed_from,
            counts: replayed.counts.clone(),
            left: replayed.left(),
            problem: replayed.problem().map(str::to_owned),
            ended_early: replayed.has_ended(),
            interrupted: false,
        }
    }

    /// Whether the same command would find nothing left to publish.
    fn is_finished(&self) -> bool {
        self.left == 0 && !self.ended_early && !self.interrupted
    }

    fn exit_code(&self) -> u8 {
        if self.interrupted {
            return INTERRUPTED;
        }
        let is_complete = self.is_finished() && self.counts.parked == 0 && self.counts.unpublishable.is_empty();
        if is_complete { 0 } else { FAILED }
    }

    fn show(&self, width: Option<u16>, out: &mut dyn Write) -> anyhow::Result<()> {
        let Self { counts, left, .. } = self;
        let mut table = style::table(["outcome", "events", ""], width);
        let mut row = |what: &str, count: u64, note: &str| {
            if count > 0 {
                table.add_row([what, &count.to_string(), note]);
            }
        };
        row("would be published", self.found.unwrap_or(0), "");
        row("published", counts.published, "");
        row("parked", counts.parked, "`wab parked list` shows why");
        for (reason, count) in &counts.unpublishable {
            row("not sent", *count, reason);
        }
        row("left", u64::try_from(*left)?, self.problem.as_deref().unwrap_or(""));
        row("expired", counts.expired, "left out: DynamoDB deletes them soon");
        if table.row_count() == 0 {
            writeln!(out, "no event was received in the window")?;
        } else {
            if let Some(column) = table.column_mut(1) {
                column.set_cell_alignment(CellAlignment::Right);
            }
            writeln!(out, "{}", table.trim_fmt())?;
        }
        writeln!(out, "{}", counts.cost())?;
        if self.interrupted {
            writeln!(out, "interrupted: the same command goes on from here, --restart begins again")?;
        } else if self.ended_early {
            writeln!(out, "stopped before the end: the same command goes on once the cause is gone")?;
        } else if *left > 0 {
            writeln!(out, "the same command publishes what is left")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(report: &Report) -> (String, u8) {
        let mut out = Vec::new();
        report.show(None, &mut out).unwrap();
        (String::from_utf8(out).unwrap(), report.exit_code())
    }

    fn report(published: u64) -> Report {
        let mut replayed = Replayed::default();
        replayed.counts = Counts { published, scanned: 9, read_units: 0.5, ..Counts::default() };
        Report::of(Timestamp::UNIX_EPOCH, None, &replayed)
    }

    #[test]
    fn report_says_what_is_left() {
        let (out, code) = shown(&report(5));
        assert!(out.contains("published       5") && out.ends_with("9 items read, 0.5 read units\n"), "{out}");
        assert_eq!(code, 0);
        let (out, code) = shown(&Report { left: 4, problem: Some("no".to_owned()), ..report(3) });
        assert!(out.contains("left            4  no") && out.ends_with("publishes what is left\n"), "{out}");
        assert_eq!(code, 1);
        let mut parked = report(3);
        parked.counts.parked = 2;
        assert_eq!(shown(&parked).1, 1);
        assert_eq!(shown(&report(0)).0.lines().next(), Some("no event was received in the window"));
    }

    #[test]
    fn interrupted_replay_says_how_to_go_on() {
        let (out, code) = shown(&Report { interrupted: true, ..report(5) });
        assert!(out.contains("published       5") && out.contains("the same command goes on from here"), "{out}");
        assert_eq!(code, 130);
    }
}
