//! `wab parked redrive`: brings back what waits in the dead-letter queue.
//!
//! A message is deleted only when what it stands for has been taken: published, parked anew, or sent on to the spill
//! queue. So a run that breaks off loses nothing, and may be repeated.

use std::collections::{BTreeMap, HashMap};
use std::io::Write;
use std::path::Path;
use std::time::Duration;

use comfy_table::{CellAlignment, Table, presets};
use futures_util::future::join_all;
use jiff::SignedDuration;

use super::Filter;
use super::message::{GivenUp, Identity, Parked, classify};
use super::reader::Reader;
use crate::aws::{self, Received, Sent, Stack};
use crate::handover::{Batch, HandedOver, PAUSES};
use crate::replay::{Replayed, Windows};

/// For how long a message is hidden from others while it is brought back. What is left is given back at the end.
const HIDDEN: Duration = Duration::from_secs(300);

/// The same for a position, whose way back is a scan of the table.
const POSITION_HIDDEN: Duration = Duration::from_secs(3600);

/// Bring back what waits in the dead-letter queue
///
/// Do it once the cause is gone. An event is read from the table and handed to the function `fanout`, as is a record; a
/// position is replayed: every event received around that time is published again; what was spilled goes back to the
/// spill queue. A message is deleted once that is done. What still can't be published is parked again, as a new message.
/// Subscribers see the same event id as ever.
///
/// An event costs a read and an invocation. Positions cost one scan of the whole table together: half a read unit for
/// every 4 KB.
#[derive(clap::Args)]
#[command(after_help = AFTER)]
pub(crate) struct Args {
    #[command(flatten)]
    filter: Filter,
    /// Bring back at most so many messages
    #[arg(long, value_name = "N", default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..))]
    max: u32,
    /// Delete also the messages of events that the table has no longer, since they expired
    #[arg(long)]
    forget_gone: bool,
    /// How long before a position's time the events are taken that were received. More for those that waited in the
    /// spill queue before they were stored
    #[arg(long, value_name = "MINUTES", default_value_t = 1)]
    margin: u32,
    /// Say what would be done, and do nothing
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    aws: aws::Args,
}

const AFTER: &str = "\
Examples:
  wab parked redrive --dry-run
  wab parked redrive
  wab parked redrive --reason AuthorizationError --stack wab --profile production
  wab parked redrive --event-id 2261d224ea3b4a40860397f823cb7d66
  wab parked redrive --only position --margin 60

Exit codes:
  0  all that was meant is brought back, or there was nothing
  1  something is left, or parked again
  2  usage error: nothing was done
  3  AWS can't be reached or refuses; if that comes up on the way, what was said before is done

A run that is broken off leaves hidden what it had in hand: for 5 minutes, a position for an hour.";

/// What became of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Outcome {
    Published,
    SentOn,
    ParkedAgain,
    /// The table has its event no longer.
    Gone,
    Left(&'static str),
}

pub(crate) fn run(args: &Args, directory: &Path, out: &mut impl Write, err: &mut impl Write) -> anyhow::Result<u8> {
    aws::block_on(async {
        let stack = args.aws.connect(directory).await?;
        writeln!(err, "{}", stack.name)?;
        redrive(args, &stack, out, err).await
    })
}

/// Redrives the dead-letter queue of `stack`. Returns the exit code.
pub(crate) async fn redrive(
    args: &Args,
    stack: &Stack,
    out: &mut impl Write,
    err: &mut impl Write,
) -> anyhow::Result<u8> {
    let mut redrive = Redrive {
        args,
        stack,
        table_arn: stack.table_arn().await?,
        handled: HashMap::new(),
        positions: Vec::new(),
        tally: Tally::default(),
        pauses: &PAUSES,
    };
    let mut reader = Reader::new(stack, HIDDEN, None);
    let mut result = redrive.messages(&mut reader, err).await;
    if result.is_ok() {
        result = redrive.positions(&mut reader, err).await;
    }
    // Messages that can't be released become visible again after `HIDDEN`. An earlier failure says more.
    let released = reader.release().await;
    redrive.tally.show(args.dry_run, out)?;
    result?;
    released?;
    Ok(redrive.tally.exit_code())
}

/// A run.
struct Redrive<'a> {
    args: &'a Args,
    stack: &'a Stack,
    table_arn: String,
    /// What was brought back already, and whether it was published: what is parked again comes along again.
    handled: HashMap<Identity, bool>,
    positions: Vec<(Received, GivenUp)>,
    tally: Tally,
    /// None any more once they were of no use.
    pauses: &'static [Duration],
}

impl Redrive<'_> {
    /// Goes through the queue and brings back each message that is meant; positions are kept for the end.
    async fn messages(&mut self, reader: &mut Reader<'_>, err: &mut impl Write) -> anyhow::Result<()> {
        let mut rest = self.args.max;
        self.tally.in_queue = self.stack.parked_messages().await?;
        loop {
            let received = reader.next().await?;
            self.tally.read += u64::try_from(received.len())?;
            if received.is_empty() {
                return Ok(());
            }
            let mut meant = Vec::with_capacity(received.len());
            for message in received {
                let (parked, reason) = classify(&message.body);
                if !self.args.filter.picks(&parked, reason.as_deref()) {
                    continue;
                }
                let Some(fewer) = rest.checked_sub(1) else {
                    self.tally.cut_off = true;
                    break;
                };
                if self.is_new(&message, &parked, reader).await? {
                    rest = fewer;
                    meant.push((message, parked));
                }
            }
            let some = !meant.is_empty();
            self.group(meant, reader).await?;
            if self.tally.cut_off {
                return Ok(());
            }
            if some {
                writeln!(err, "{} messages so far", self.tally.messages())?;
            }
        }
    }

    /// Whether a message is to be brought back now.
    async fn is_new(&mut self, message: &Received, parked: &Parked, reader: &mut Reader<'_>) -> anyhow::Result<bool> {
        match parked.identity().and_then(|identity| self.handled.get(&identity)) {
            None => Ok(true),
            // It was parked twice.
            Some(true) => {
                self.tally.add(Outcome::Published);
                reader.delete(message).await?;
                Ok(false)
            }
            Some(false) => {
                if matches!(parked, Parked::Spilled { .. }) {
                    self.tally.add(Outcome::Left("parked again meanwhile"));
                }
                Ok(false)
            }
        }
    }

    /// Brings back up to ten messages at once.
    async fn group(&mut self, meant: Vec<(Received, Parked)>, reader: &mut Reader<'_>) -> anyhow::Result<()> {
        let outcomes = join_all(meant.iter().map(|(_, parked)| self.bring_back(parked))).await;
        let mut failure = None;
        for ((message, parked), outcome) in meant.into_iter().zip(outcomes) {
            match outcome {
                Ok(Some(outcome)) => self.settle(&message, &parked, outcome, reader).await?,
                Ok(None) => {
                    if let Parked::Position { batch } = parked {
                        if !self.args.dry_run {
                            reader.keep(&message, POSITION_HIDDEN).await?;
                        }
                        self.positions.push((message, batch));
                    }
                }
                Err(error) => {
                    self.tally.add(Outcome::Left("AWS could not be reached"));
                    failure = Some(error);
                }
            }
        }
        failure.map_or(Ok(()), Err)
    }

    /// What becomes of a message; none if it is a position.
    async fn bring_back(&self, parked: &Parked) -> anyhow::Result<Option<Outcome>> {
        let dry_run = self.args.dry_run;
        Ok(Some(match parked {
            Parked::Event { key, .. } => match self.stack.item(key).await? {
                None => Outcome::Gone,
                Some(_) if dry_run => Outcome::Published,
                Some(item) => {
                    let mut batch = Batch::default();
                    batch.add(&self.table_arn, &item)?;
                    outcome(&batch.hand_over(self.stack, self.pauses).await?)
                }
            },
            Parked::Record { .. } if dry_run => Outcome::Published,
            Parked::Record { record } => {
                outcome(&Batch::of_record(record.clone()).hand_over(self.stack, self.pauses).await?)
            }
            Parked::Position { .. } => return Ok(None),
            Parked::Spilled { .. } if dry_run => Outcome::SentOn,
            Parked::Spilled { message, .. } => match self.stack.spill(message).await? {
                Some(Sent::Taken) => Outcome::SentOn,
                Some(Sent::Refused) => Outcome::Left("the spill queue does not take it"),
                None => Outcome::Left("the stack has no spill queue"),
            },
            Parked::Unknown => Outcome::Left("not known: look at it with `aws sqs receive-message`"),
        }))
    }

    /// Counts what became of a message, and deletes it if it is of no more use.
    async fn settle(
        &mut self,
        message: &Received,
        parked: &Parked,
        outcome: Outcome,
        reader: &mut Reader<'_>,
    ) -> anyhow::Result<()> {
        let delete = match outcome {
            Outcome::Published | Outcome::SentOn | Outcome::ParkedAgain => true,
            Outcome::Gone => self.args.forget_gone,
            Outcome::Left(_) => {
                self.pauses = &[];
                false
            }
        };
        if let Some(identity) = parked.identity().filter(|_| delete && outcome != Outcome::Gone) {
            self.handled.insert(identity, outcome == Outcome::Published);
        }
        if outcome == Outcome::Gone && self.args.forget_gone {
            self.tally.forgotten += 1;
        } else {
            self.tally.add(outcome);
        }
        if delete && !self.args.dry_run {
            reader.delete(message).await?;
        }
        Ok(())
    }

    /// Replays the time of all positions at once, and then deletes them.
    async fn positions(&mut self, reader: &mut Reader<'_>, err: &mut impl Write) -> anyhow::Result<()> {
        if self.positions.is_empty() {
            return Ok(());
        }
        let positions = std::mem::take(&mut self.positions);
        self.tally.positions = positions.len();
        let margin = SignedDuration::from_mins(self.args.margin.into());
        let windows = Windows::new(positions.iter().map(|(_, batch)| batch.window(margin)));
        writeln!(err, "{} positions: what was received {windows}", positions.len())?;
        if self.args.dry_run {
            return Ok(());
        }
        let mut replayed = Replayed::default();
        let result = replayed.replay(self.stack, &windows, None, err).await;
        self.tally.add_replayed(&replayed, result.is_ok());
        result?;
        if replayed.left().is_none() {
            for (message, _) in &positions {
                reader.delete(message).await?;
            }
        }
        Ok(())
    }
}

/// What became of a message whose one record was handed over.
fn outcome(handed_over: &HandedOver) -> Outcome {
    match handed_over {
        HandedOver { why: Some(why), .. } => Outcome::Left(why),
        HandedOver { parked: 1.., .. } => Outcome::ParkedAgain,
        HandedOver { published: Some(0), .. } => Outcome::Left("fanout found no event in it"),
        HandedOver { .. } => Outcome::Published,
    }
}

/// What became of all messages.
#[derive(Debug, Default)]
struct Tally {
    published: u64,
    sent_on: u64,
    parked_again: u64,
    gone: u64,
    forgotten: u64,
    left: BTreeMap<&'static str, u64>,
    positions: usize,
    /// Of the positions' time.
    replayed: Option<String>,
    /// Whether there were more than `--max`.
    cut_off: bool,
    /// How many messages were read, meant or not.
    read: u64,
    /// How many there were, about.
    in_queue: u64,
}

impl Tally {
    fn add(&mut self, outcome: Outcome) {
        match outcome {
            Outcome::Published => self.published += 1,
            Outcome::SentOn => self.sent_on += 1,
            Outcome::ParkedAgain => self.parked_again += 1,
            Outcome::Gone => self.gone += 1,
            Outcome::Left(why) => *self.left.entry(why).or_default() += 1,
        }
    }

    fn add_replayed(&mut self, replayed: &Replayed, reached: bool) {
        self.replayed = Some(format!("published {} events ({})", replayed.published(), replayed.cost()));
        self.parked_again += replayed.parked();
        if let Some(why) = replayed.left().or((!reached).then_some("AWS could not be reached")) {
            let positions = u64::try_from(std::mem::take(&mut self.positions)).unwrap_or(u64::MAX);
            *self.left.entry(why).or_default() += positions;
        }
    }

    /// How many messages were settled.
    fn messages(&self) -> u64 {
        self.published + self.sent_on + self.parked_again + self.gone + self.forgotten + self.left.values().sum::<u64>()
    }

    fn exit_code(&self) -> u8 {
        u8::from(self.parked_again + self.gone > 0 || !self.left.is_empty() || self.cut_off)
    }

    fn show(&self, dry_run: bool, out: &mut impl Write) -> anyhow::Result<()> {
        if dry_run {
            writeln!(out, "dry run: this would become of it, unless an event is parked again")?;
        }
        let mut table = Table::new();
        table.load_style(presets::NOTHING);
        let mut row = |what: &str, count: u64, note: &str| {
            if count > 0 {
                table.add_row([what, &count.to_string(), note]);
            }
        };
        row("published", self.published, "");
        row("sent on", self.sent_on, "to the spill queue");
        let replayed = self.replayed.as_deref().unwrap_or("");
        row("replayed", u64::try_from(self.positions)?, replayed);
        row("parked again", self.parked_again, "`wab parked list` shows why");
        row("gone", self.gone, "the table has it no longer; --forget-gone deletes the message");
        row("forgotten", self.forgotten, "the table has it no longer");
        for (why, count) in &self.left {
            row("left", *count, why);
        }
        if table.row_count() == 0 {
            writeln!(out, "nothing to bring back")?;
        } else {
            if let Some(column) = table.column_mut(1) {
                column.set_cell_alignment(CellAlignment::Right);
            }
            writeln!(out, "{}", table.trim_fmt())?;
        }
        if self.cut_off {
            writeln!(out, "there are more than --max")?;
        } else if self.read < self.in_queue {
            let Self { read, in_queue, .. } = self;
            writeln!(out, "read {read} of about {in_queue} messages: others may be hidden for a moment, run it again")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn handed_over(done: usize, published: Option<u64>, parked: u64, why: Option<&'static str>) -> HandedOver {
        HandedOver { done, published, parked, why, ..HandedOver::default() }
    }

    #[test]
    fn a_message_is_only_given_up_for_an_event_that_was_taken() {
        assert_eq!(outcome(&handed_over(1, Some(1), 0, None)), Outcome::Published);
        assert_eq!(outcome(&handed_over(1, None, 0, None)), Outcome::Published, "an older fanout doesn't count");
        assert_eq!(outcome(&handed_over(1, Some(0), 1, None)), Outcome::ParkedAgain);
        assert_eq!(outcome(&handed_over(0, Some(0), 0, Some("no"))), Outcome::Left("no"));
        assert_eq!(outcome(&handed_over(0, Some(0), 1, Some("no"))), Outcome::Left("no"));
        assert!(matches!(outcome(&handed_over(1, Some(0), 0, None)), Outcome::Left(_)), "no event was in it");
    }

    fn shown(tally: &Tally) -> (String, u8) {
        let mut out = Vec::new();
        tally.show(false, &mut out).unwrap();
        (String::from_utf8(out).unwrap(), tally.exit_code())
    }

    #[test]
    fn the_exit_code_is_1_if_anything_is_left() {
        assert_eq!(shown(&Tally::default()), ("nothing to bring back\n".to_owned(), 0));
        let brought_back = Tally { published: 12, sent_on: 1, forgotten: 1, positions: 2, ..Tally::default() };
        let (out, code) = shown(&brought_back);
        let words: Vec<Vec<&str>> = out.lines().map(|line| line.split_whitespace().take(3).collect()).collect();
        assert_eq!((&words[0][..], &words[1][..], code), (&["published", "12"][..], &["sent", "on", "1"][..], 0));
        for (outcome, line) in [
            (Outcome::ParkedAgain, "parked again"),
            (Outcome::Gone, "gone"),
            (Outcome::Left("the spill queue does not take it"), "left"),
        ] {
            let mut tally = Tally::default();
            tally.add(outcome);
            let (out, code) = shown(&tally);
            assert!(out.trim_start().starts_with(line) && code == 1, "{out}");
        }
        assert_eq!(shown(&Tally { cut_off: true, ..Tally::default() }).1, 1);
    }
}
