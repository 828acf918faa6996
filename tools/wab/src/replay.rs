//! `wab replay`: publishes the stored events of a window of time again, from the table through `fanout`.

use std::io::Write;
use std::time::{Duration, Instant};

use anyhow::ensure;
use clap::ValueEnum;
use jiff::Timestamp;
use serde_dynamo::AttributeValue;
use wab_events::Kind;

use crate::aws;
use crate::handover::{Batch, PAUSES};
use crate::shell::Shell;
use crate::stack::{Page, Range, Stack, StackArgs};
use crate::window::{Window, Windows};

/// Interval of progress reports.
const PROGRESS: Duration = Duration::from_secs(5);

/// Publish the stored events of a window of time again
///
/// Every event received in the window is handed to the function `fanout`, whether it was published before or not. It keeps
/// its id, by which subscribers recognise it. An event that can't be published is parked in the dead-letter queue.
///
/// The command reads the whole table, also with --dry-run: half a read unit for every 4 KB, 131 072 for a GB. Each event
/// found costs one SNS publish.
#[derive(clap::Args)]
#[command(after_help = AFTER)]
pub(crate) struct Args {
    /// Start of the window, in RFC 3339: 2026-11-23T09:15:00Z
    #[arg(long, value_name = "TIME")]
    from: Timestamp,
    /// End of the window, exclusive [default: now]
    #[arg(long, value_name = "TIME")]
    to: Option<Timestamp>,
    /// Only MO events, or only DLR events
    #[arg(long)]
    kind: Option<KindArg>,
    /// Count the events, and publish none of them
    #[arg(long)]
    dry_run: bool,
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
  wab replay --from 2026-11-23T09:00:00Z --to 2026-11-23T10:30:00Z --dry-run
  wab replay --from 2026-11-23T09:00:00Z --kind dlr
  wab replay --from 2026-11-23T22:00:00+13:00 --stack wab --profile production

Exit codes:
  0  every event of the window was published
  1  some events were parked in the dead-letter queue, or the replay stopped before the end
  2  usage error: nothing was published
  3  a call to AWS failed: what was printed before is done";

pub(crate) fn run(args: &Args, shell: &mut Shell<'_>) -> anyhow::Result<u8> {
    let to = args.to.unwrap_or_else(Timestamp::now);
    ensure!(args.from < to, "--from is not before {}", if args.to.is_some() { "--to" } else { "now" });
    let windows = Windows::new([Window { from: args.from, to }]);
    let kind = args.kind.map(|kind| match kind {
        KindArg::Mo => Kind::Mo,
        KindArg::Dlr => Kind::Dlr,
    });
    aws::block_on(async {
        let stack = args.stack.connect(shell.directory).await?;
        writeln!(shell.err, "{}", stack.place)?;
        if args.dry_run {
            return count(&stack, &windows, kind, &mut shell.out, shell.err).await;
        }
        let mut replayed = Replayed::default();
        let result = replayed.replay(&stack, &windows, kind, shell.err).await;
        writeln!(shell.out, "{}", replayed.summary())?;
        result?;
        Ok(u8::from(!replayed.is_complete()))
    })
}

async fn count(
    stack: &Stack,
    windows: &Windows,
    kind: Option<Kind>,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> anyhow::Result<u8> {
    let (from, to) = windows.bounds();
    let range = Range { from: from.as_str(), to: to.as_str(), kind, count_only: true };
    let mut replayed = Replayed::default();
    let mut start = None;
    loop {
        let page = stack.table.events(range, start).await?;
        replayed.read(&page);
        replayed.found += page.count;
        replayed.progress(err)?;
        start = page.next;
        if start.is_none() {
            break;
        }
    }
    writeln!(out, "would publish {} ({})", replayed.found, replayed.cost())?;
    Ok(0)
}

/// Progress of a replay.
#[derive(Debug, Default)]
pub(crate) struct Replayed {
    found: u64,
    handed_over: u64,
    parked: u64,
    /// Events that could not be published, not counting those that were never read.
    left: u64,
    /// Why events are left.
    problem: Option<&'static str>,
    /// The replay ended early, because nothing could be published.
    stopped: bool,
    scanned: u64,
    read_units: f64,
    reported_at: Option<Instant>,
}

impl Replayed {
    /// Publishes every event of the windows, page by page. Stops when `fanout` can't publish anything.
    ///
    /// # Errors
    /// If a call to AWS fails. Work done before that is counted.
    pub(crate) async fn replay(
        &mut self,
        stack: &Stack,
        windows: &Windows,
        kind: Option<Kind>,
        err: &mut dyn Write,
    ) -> anyhow::Result<()> {
        let table_arn = stack.table.arn().await?;
        let (from, to) = windows.bounds();
        let range = Range { from: from.as_str(), to: to.as_str(), kind, count_only: false };
        let mut batch = Batch::replay();
        let mut start = None;
        loop {
            let page = stack.table.events(range, start).await?;
            self.read(&page);
            for item in page.items.iter().filter(|item| received_in(windows, item)) {
                self.found += 1;
                if let Some(full) = batch.add(&table_arn, item)? {
                    self.hand_over(stack, &full).await?;
                    if self.stopped {
                        return Ok(());
                    }
                }
            }
            self.progress(err)?;
            start = page.next;
            if start.is_none() {
                break;
            }
        }
        if !batch.is_empty() {
            self.hand_over(stack, &batch).await?;
        }
        Ok(())
    }

    async fn hand_over(&mut self, stack: &Stack, batch: &Batch) -> anyhow::Result<()> {
        let outcome = batch.hand_over(&stack.fanout, &PAUSES).await?;
        self.handed_over += u64::try_from(outcome.done)?;
        self.parked += outcome.parked;
        self.left += u64::try_from(outcome.failed + outcome.not_tried)?;
        self.problem = outcome.problem.or(self.problem);
        self.stopped = outcome.not_tried > 0 || outcome.done == 0;
        Ok(())
    }

    fn read(&mut self, page: &Page) {
        self.scanned += page.scanned;
        self.read_units += page.read_units;
    }

    fn progress(&mut self, err: &mut dyn Write) -> anyhow::Result<()> {
        let reported_at = self.reported_at.get_or_insert_with(Instant::now);
        if reported_at.elapsed() >= PROGRESS {
            *reported_at = Instant::now();
            writeln!(err, "{} items read, {} events found, {} published", self.scanned, self.found, self.published())?;
        }
        Ok(())
    }

    pub(crate) fn published(&self) -> u64 {
        self.handed_over.saturating_sub(self.parked)
    }

    pub(crate) fn parked(&self) -> u64 {
        self.parked
    }

    /// Why events are left, if any are.
    pub(crate) fn left(&self) -> Option<&'static str> {
        self.problem
    }

    fn is_complete(&self) -> bool {
        self.problem.is_none() && self.parked == 0
    }

    pub(crate) fn cost(&self) -> String {
        format!("{} items read, {:.1} read units", self.scanned, self.read_units)
    }

    fn summary(&self) -> String {
        let mut summary = format!("published {} ({})", self.published(), self.cost());
        if self.parked > 0 {
            summary.push_str(&format!("\nparked {}: `wab parked list` shows why", self.parked));
        }
        if let Some(problem) = self.problem {
            let beginning = if self.stopped { "stopped before the end, " } else { "" };
            summary
                .push_str(&format!("\n{beginning}left {}: {problem}. Replay the window again afterwards", self.left));
        }
        summary
    }
}

fn received_in(windows: &Windows, item: &serde_dynamo::Item) -> bool {
    matches!(item.get("received_at"), Some(AttributeValue::S(received_at)) if windows.contain(received_at))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn summary_reports_what_is_left() {
        let mut replayed = Replayed { found: 5, handed_over: 5, scanned: 9, read_units: 0.5, ..Replayed::default() };
        assert!(replayed.is_complete());
        assert_eq!(replayed.summary(), "published 5 (9 items read, 0.5 read units)");
        replayed.parked = 2;
        replayed.left = 4;
        replayed.problem = Some("no");
        assert!(!replayed.is_complete());
        let summary = replayed.summary();
        let lines: Vec<&str> = summary.lines().collect();
        assert!(lines[0].starts_with("published 3 ") && lines[1].starts_with("parked 2: "), "{summary}");
        assert!(lines[2].starts_with("left 4: no. "), "{summary}");
    }
}
