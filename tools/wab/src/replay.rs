//! `wab replay`: publishes again what was received in a window of time, from the table through `fanout`.

use std::fmt;
use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::ensure;
use clap::ValueEnum;
use jiff::{SignedDuration, Timestamp};
use serde_dynamo::AttributeValue;
use wab_events::Kind;
use wab_models::ReceivedAt;

use crate::aws::{self, Page, Range, Stack};
use crate::handover::{Batch, PAUSES};

/// How often it is said how far it is.
const PROGRESS: Duration = Duration::from_secs(5);

/// Publish again every stored event that was received in a window of time
///
/// Whatever became of the events before: each is handed to the function `fanout` once more and published with the same
/// id as ever, by which subscribers drop what they know. An event that can't be published is parked in the dead-letter
/// queue.
///
/// It reads the whole table, whatever the window and with --dry-run too: half a read unit for every 4 KB, 131 072 for a
/// GB. Each event found is one more SNS publish.
#[derive(clap::Args)]
#[command(after_help = AFTER)]
pub(crate) struct Args {
    /// From when, as RFC 3339: 2026-11-23T09:15:00Z
    #[arg(long, value_name = "TIME")]
    from: Timestamp,
    /// Until when, the instant itself left out; now if not given
    #[arg(long, value_name = "TIME")]
    to: Option<Timestamp>,
    /// Only messages, or only delivery receipts
    #[arg(long)]
    kind: Option<KindArg>,
    /// Count the events, and publish none
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    aws: aws::Args,
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
  0  every event of the window is published
  1  not every one: some are parked in the dead-letter queue, or it stopped before the end
  2  usage error: nothing was published
  3  AWS can't be reached or refuses; if that comes up on the way, what was said before is done";

pub(crate) fn run(args: &Args, directory: &Path, out: &mut impl Write, err: &mut impl Write) -> anyhow::Result<u8> {
    let to = args.to.unwrap_or_else(Timestamp::now);
    ensure!(args.from < to, "--from is not before {}", if args.to.is_some() { "--to" } else { "now" });
    let windows = Windows::new([Window { from: args.from, to }]);
    let kind = args.kind.map(|kind| match kind {
        KindArg::Mo => Kind::Mo,
        KindArg::Dlr => Kind::Dlr,
    });
    aws::block_on(async {
        let stack = args.aws.connect(directory).await?;
        writeln!(err, "{}", stack.name)?;
        if args.dry_run {
            return count(&stack, &windows, kind, out, err).await;
        }
        let mut replayed = Replayed::default();
        let result = replayed.replay(&stack, &windows, kind, err).await;
        writeln!(out, "{}", replayed.summary())?;
        result?;
        Ok(u8::from(!replayed.is_complete()))
    })
}

async fn count(
    stack: &Stack,
    windows: &Windows,
    kind: Option<Kind>,
    out: &mut impl Write,
    err: &mut impl Write,
) -> anyhow::Result<u8> {
    let (from, to) = windows.bounds();
    let range = Range { from: from.as_str(), to: to.as_str(), kind, count_only: true };
    let mut replayed = Replayed::default();
    let mut start = None;
    loop {
        let page = stack.events(range, start).await?;
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

/// A span of time: `from` is in it, `to` is not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Window {
    pub(crate) from: Timestamp,
    pub(crate) to: Timestamp,
}

impl Window {
    /// As items have it. Its order is that of the instants, for any instant that an item can have.
    pub(crate) fn bounds(&self) -> (ReceivedAt, ReceivedAt) {
        let text = |instant: Timestamp| ReceivedAt::from_epoch_ms(instant.as_millisecond().max(0));
        // An item's instant is in milliseconds: a part of one belongs to the next.
        (text(self.from), text(self.to.saturating_add(SignedDuration::from_nanos(999_999)).unwrap_or(Timestamp::MAX)))
    }
}

/// Spans of time, put together where they meet.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Windows(Vec<(ReceivedAt, ReceivedAt)>);

impl Windows {
    pub(crate) fn new(windows: impl IntoIterator<Item = Window>) -> Self {
        let mut bounds: Vec<_> = windows.into_iter().map(|window| window.bounds()).collect();
        bounds.sort();
        let mut merged: Vec<(ReceivedAt, ReceivedAt)> = Vec::with_capacity(bounds.len());
        for (from, to) in bounds {
            match merged.last_mut() {
                Some((_, end)) if from <= *end => *end = (*end).clone().max(to),
                _ => merged.push((from, to)),
            }
        }
        Self(merged)
    }

    /// From the first of them to the last.
    fn bounds(&self) -> (ReceivedAt, ReceivedAt) {
        let epoch = || ReceivedAt::from_epoch_ms(0);
        let bound = |window: Option<&(ReceivedAt, ReceivedAt)>| window.cloned().unwrap_or_else(|| (epoch(), epoch()));
        (bound(self.0.first()).0, bound(self.0.last()).1)
    }

    fn contain(&self, received_at: &str) -> bool {
        let after = self.0.partition_point(|(from, _)| from.as_str() <= received_at);
        let last = after.checked_sub(1).and_then(|index| self.0.get(index));
        last.is_some_and(|(_, to)| received_at < to.as_str())
    }
}

impl fmt::Display for Windows {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (from, to) = self.bounds();
        write!(f, "from {} to {}", from.as_str(), to.as_str())?;
        if self.0.len() > 1 {
            write!(f, ", in {} parts", self.0.len())?;
        }
        Ok(())
    }
}

/// What a replay has done so far.
#[derive(Debug, Default)]
pub(crate) struct Replayed {
    found: u64,
    handed_over: u64,
    parked: u64,
    /// How many events didn't get on, not counting what wasn't read any more.
    left: u64,
    /// Why.
    why: Option<&'static str>,
    /// Whether it ended before the end, since nothing got on.
    stopped: bool,
    scanned: u64,
    read_units: f64,
    said: Option<Instant>,
}

impl Replayed {
    /// Publishes every event of the windows, page by page, and stops where `fanout` doesn't get on.
    ///
    /// # Errors
    /// If AWS can't be reached. What was done by then is counted.
    pub(crate) async fn replay(
        &mut self,
        stack: &Stack,
        windows: &Windows,
        kind: Option<Kind>,
        err: &mut impl Write,
    ) -> anyhow::Result<()> {
        let table_arn = stack.table_arn().await?;
        let (from, to) = windows.bounds();
        let range = Range { from: from.as_str(), to: to.as_str(), kind, count_only: false };
        let mut batch = Batch::default();
        let mut start = None;
        loop {
            let page = stack.events(range, start).await?;
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
        let outcome = batch.hand_over(stack, &PAUSES).await?;
        self.handed_over += u64::try_from(outcome.done)?;
        self.parked += outcome.parked;
        self.left += u64::try_from(outcome.left + outcome.rest)?;
        self.why = outcome.why.or(self.why);
        self.stopped = outcome.rest > 0 || outcome.done == 0;
        Ok(())
    }

    fn read(&mut self, page: &Page) {
        self.scanned += page.scanned;
        self.read_units += page.read_units;
    }

    fn progress(&mut self, err: &mut impl Write) -> anyhow::Result<()> {
        let said = self.said.get_or_insert_with(Instant::now);
        if said.elapsed() >= PROGRESS {
            *said = Instant::now();
            writeln!(err, "{} items read, {} events found, {} published", self.scanned, self.found, self.published())?;
        }
        Ok(())
    }

    /// How many events were published.
    pub(crate) fn published(&self) -> u64 {
        self.handed_over.saturating_sub(self.parked)
    }

    /// How many events were parked.
    pub(crate) fn parked(&self) -> u64 {
        self.parked
    }

    /// Why something is left, if it is.
    pub(crate) fn left(&self) -> Option<&'static str> {
        self.why
    }

    fn is_complete(&self) -> bool {
        self.why.is_none() && self.parked == 0
    }

    /// What it took, in words.
    pub(crate) fn cost(&self) -> String {
        format!("{} items read, {:.1} read units", self.scanned, self.read_units)
    }

    fn summary(&self) -> String {
        let mut summary = format!("published {} ({})", self.published(), self.cost());
        if self.parked > 0 {
            summary.push_str(&format!("\nparked {}: `wab parked list` shows why", self.parked));
        }
        if let Some(why) = self.why {
            let beginning = if self.stopped { "stopped before the end, " } else { "" };
            summary.push_str(&format!("\n{beginning}left {}: {why}. Replay the window again afterwards", self.left));
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

    fn window(from: &str, to: &str) -> Window {
        Window { from: from.parse().unwrap(), to: to.parse().unwrap() }
    }

    fn spelled(windows: &Windows) -> Vec<(&str, &str)> {
        windows.0.iter().map(|(from, to)| (from.as_str(), to.as_str())).collect()
    }

    #[test]
    fn windows_are_put_together_where_they_meet() {
        let windows = Windows::new([
            window("2026-11-23T12:00:00Z", "2026-11-23T13:00:00Z"),
            window("2026-11-23T09:00:00Z", "2026-11-23T10:00:00Z"),
            window("2026-11-23T10:00:00Z", "2026-11-23T10:30:00Z"),
            window("2026-11-23T09:10:00Z", "2026-11-23T09:20:00Z"),
        ]);
        let expected = [
            ("2026-11-23T09:00:00.000Z", "2026-11-23T10:30:00.000Z"),
            ("2026-11-23T12:00:00.000Z", "2026-11-23T13:00:00.000Z"),
        ];
        assert_eq!(spelled(&windows), expected);
        let (from, to) = windows.bounds();
        assert_eq!((from.as_str(), to.as_str()), ("2026-11-23T09:00:00.000Z", "2026-11-23T13:00:00.000Z"));
    }

    #[test]
    fn a_window_holds_its_beginning_and_not_its_end() {
        let windows = Windows::new([
            window("2026-11-23T22:00:00+13:00", "2026-11-23T10:00:00.0001Z"),
            window("2026-11-23T12:00:00Z", "2026-11-23T13:00:00Z"),
        ]);
        for inside in ["2026-11-23T09:00:00.000Z", "2026-11-23T10:00:00.000Z", "2026-11-23T12:59:59.999Z"] {
            assert!(windows.contain(inside), "{inside}");
        }
        for outside in ["", "2026-11-23T08:59:59.999Z", "2026-11-23T10:00:00.001Z", "2026-11-23T13:00:00.000Z", "x"] {
            assert!(!windows.contain(outside), "{outside}");
        }
        assert!(!Windows::new([]).contain("2026-11-23T09:00:00.000Z"));
    }

    #[test]
    fn the_summary_says_what_is_left_to_do() {
        let mut replayed = Replayed { found: 5, handed_over: 5, scanned: 9, read_units: 0.5, ..Replayed::default() };
        assert!(replayed.is_complete());
        assert_eq!(replayed.summary(), "published 5 (9 items read, 0.5 read units)");
        replayed.parked = 2;
        replayed.left = 4;
        replayed.why = Some("no");
        assert!(!replayed.is_complete());
        let summary = replayed.summary();
        let lines: Vec<&str> = summary.lines().collect();
        assert!(lines[0].starts_with("published 3 ") && lines[1].starts_with("parked 2: "), "{summary}");
        assert!(lines[2].starts_with("left 4: no. "), "{summary}");
    }
}
