//! `wab parked redrive`: publishes the events that wait in the dead-letter queue.
//!
//! A message is deleted only after its event was published, parked again as a new message, or sent to the spill queue.
//! So an interrupted run loses nothing and can be repeated.

use std::collections::HashMap;
use std::io::Write;
use std::time::Duration;

use futures_util::future::join_all;
use jiff::SignedDuration;

use super::filter::Filter;
use super::message::{GivenUp, Identity, Parked, classify};
use super::reader::Reader;
use super::tally::{Outcome, Tally};
use crate::aws;
use crate::handover::{Batch, HandedOver, PAUSES};
use crate::replay::Replayed;
use crate::shell::Shell;
use crate::stack::{Received, Sent, Stack, StackArgs};
use crate::window::Windows;

/// How long a message stays hidden from other readers. Messages that are left are released at the end.
const HIDDEN: Duration = Duration::from_secs(300);

/// The same for a position, whose redrive scans the whole table.
const POSITION_HIDDEN: Duration = Duration::from_secs(3600);

/// Publish the events that wait in the dead-letter queue
///
/// Run it once the cause is fixed. What happens depends on the kind of the message: an event is read from the table
/// and handed to the function `fanout`; a record is handed to `fanout`; a position is replayed, that is, every event
/// received around its time is published again; a spilled event is sent back to the spill queue. The message is then
/// deleted. An event that still can't be published is parked again, as a new message. Event ids don't change.
///
/// An event costs one read and one invocation. All positions together cost one scan of the whole table: half a read
/// unit for every 4 KB.
#[derive(clap::Args)]
#[command(after_help = AFTER)]
pub(crate) struct Args {
    #[command(flatten)]
    filter: Filter,
    /// Maximum number of messages to redrive
    #[arg(long, value_name = "N", default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..))]
    max: u32,
    /// Also delete messages whose events have expired in the table
    #[arg(long)]
    forget_gone: bool,
    /// How far before a position's time to look for events. Give more if events waited in the spill queue before they
    /// were stored
    #[arg(long, value_name = "MINUTES", default_value_t = 1)]
    margin: u32,
    /// Show what would be done, and change nothing
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    stack: StackArgs,
}

const AFTER: &str = "\
Examples:
  wab parked redrive --dry-run
  wab parked redrive
  wab parked redrive --reason AuthorizationError --stack wab --profile production
  wab parked redrive --event-id 2261d224ea3b4a40860397f823cb7d66
  wab parked redrive --only position --margin 60

Exit codes:
  0  every selected message was redriven, or there was none
  1  a message is left, or was parked again
  2  usage error: nothing was done
  3  a call to AWS failed: what was printed before is done

After an interruption, the messages in progress stay hidden for 5 minutes, positions for an hour.";

pub(crate) fn run(args: &Args, shell: &mut Shell<'_>) -> anyhow::Result<u8> {
    aws::block_on(async {
        let stack = args.stack.connect(shell.directory).await?;
        writeln!(shell.err, "{}", stack.place)?;
        redrive(args, &stack, &mut shell.out, shell.err).await
    })
}

/// Redrives the dead-letter queue of `stack`, and returns the exit code.
pub(crate) async fn redrive(
    args: &Args,
    stack: &Stack,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> anyhow::Result<u8> {
    let mut redrive = Redrive {
        args,
        stack,
        table_arn: stack.table.arn().await?,
        handled: HashMap::new(),
        positions: Vec::new(),
        tally: Tally::default(),
        pauses: &PAUSES,
    };
    let mut reader = Reader::new(&stack.dead_letters, HIDDEN, None);
    let mut result = redrive.messages(&mut reader, err).await;
    if result.is_ok() {
        result = redrive.positions(&mut reader, err).await;
    }
    // Messages that can't be released become visible again after `HIDDEN`. An earlier failure is reported instead.
    let released = reader.release().await;
    redrive.tally.show(args.dry_run, out)?;
    result?;
    released?;
    Ok(redrive.tally.exit_code())
}

struct Redrive<'a> {
    args: &'a Args,
    stack: &'a Stack,
    table_arn: String,
    /// Messages redriven in this run, and whether they were published. Those parked again are received again.
    handled: HashMap<Identity, bool>,
    positions: Vec<(Received, GivenUp)>,
    tally: Tally,
    /// Pauses between retries. Empty after retries were in vain, so that an outage doesn't delay each message.
    pauses: &'static [Duration],
}

impl Redrive<'_> {
    /// Redrives each selected message of the queue. Positions are kept for the end.
    async fn messages(&mut self, reader: &mut Reader<'_>, err: &mut dyn Write) -> anyhow::Result<()> {
        let mut rest = self.args.max;
        self.tally.in_queue = self.stack.dead_letters.approximate_len().await?;
        loop {
            let received = reader.next().await?;
            self.tally.read += u64::try_from(received.len())?;
            if received.is_empty() {
                return Ok(());
            }
            let mut selected = Vec::with_capacity(received.len());
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
                    selected.push((message, parked));
                }
            }
            let is_progress = !selected.is_empty();
            self.group(selected, reader).await?;
            if self.tally.cut_off {
                return Ok(());
            }
            if is_progress {
                writeln!(err, "{} messages so far", self.tally.messages())?;
            }
        }
    }

    /// Whether a message was not yet redriven in this run. A second message about the same event is settled here.
    async fn is_new(&mut self, message: &Received, parked: &Parked, reader: &mut Reader<'_>) -> anyhow::Result<bool> {
        match parked.identity().and_then(|identity| self.handled.get(&identity)) {
            None => Ok(true),
            // The event was parked twice, and is published by now.
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

    /// Redrives up to ten messages at once.
    async fn group(&mut self, selected: Vec<(Received, Parked)>, reader: &mut Reader<'_>) -> anyhow::Result<()> {
        let outcomes = join_all(selected.iter().map(|(_, parked)| self.attempt(parked))).await;
        let mut failure = None;
        for ((message, parked), outcome) in selected.into_iter().zip(outcomes) {
            match outcome {
                Ok(Some(outcome)) => self.settle(&message, &parked, outcome, reader).await?,
                Ok(None) => {
                    if let Parked::Position { batch } = parked {
                        if !self.args.dry_run {
                            reader.extend(&message, POSITION_HIDDEN).await?;
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

    /// Redrives one message. Returns none for a position, which is replayed at the end.
    async fn attempt(&self, parked: &Parked) -> anyhow::Result<Option<Outcome>> {
        let dry_run = self.args.dry_run;
        Ok(Some(match parked {
            Parked::Event { key, .. } => match self.stack.table.item(key).await? {
                None => Outcome::Gone,
                Some(_) if dry_run => Outcome::Published,
                Some(item) => {
                    let mut batch = Batch::default();
                    batch.add(&self.table_arn, &item)?;
                    outcome(&batch.hand_over(&self.stack.fanout, self.pauses).await?)
                }
            },
            Parked::Record { .. } if dry_run => Outcome::Published,
            Parked::Record { record } => {
                outcome(&Batch::of_record(record.clone()).hand_over(&self.stack.fanout, self.pauses).await?)
            }
            Parked::Position { .. } => return Ok(None),
            Parked::Spilled { .. } if dry_run => Outcome::SentOn,
            Parked::Spilled { message, .. } => match &self.stack.spill_queue {
                None => Outcome::Left("the stack has no spill queue"),
                Some(spill_queue) => match spill_queue.send(message).await? {
                    Sent::Accepted => Outcome::SentOn,
                    Sent::Rejected => Outcome::Left("the spill queue rejects it"),
                },
            },
            Parked::Unknown => Outcome::Left("unknown kind: look at it with `aws sqs receive-message`"),
        }))
    }

    /// Counts the outcome of a message, and deletes the message if it is no longer needed.
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

    /// Replays the events around the time of every position in one scan, then deletes the positions.
    async fn positions(&mut self, reader: &mut Reader<'_>, err: &mut dyn Write) -> anyhow::Result<()> {
        if self.positions.is_empty() {
            return Ok(());
        }
        let positions = std::mem::take(&mut self.positions);
        self.tally.positions = positions.len();
        let margin = SignedDuration::from_mins(self.args.margin.into());
        let windows = Windows::new(positions.iter().map(|(_, batch)| batch.window(margin)));
        writeln!(err, "{} positions: replaying the events received {windows}", positions.len())?;
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

/// The outcome of a message whose one record was handed to `fanout`.
fn outcome(handed_over: &HandedOver) -> Outcome {
    match handed_over {
        HandedOver { problem: Some(problem), .. } => Outcome::Left(problem),
        HandedOver { parked: 1.., .. } => Outcome::ParkedAgain,
        HandedOver { published: 0, .. } => Outcome::Left("fanout found no event in it"),
        HandedOver { .. } => Outcome::Published,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn handed_over(done: usize, published: u64, parked: u64, problem: Option<&'static str>) -> HandedOver {
        HandedOver { done, published, parked, problem, ..HandedOver::default() }
    }

    #[test]
    fn message_is_only_deleted_for_a_taken_event() {
        assert_eq!(outcome(&handed_over(1, 1, 0, None)), Outcome::Published);
        assert_eq!(outcome(&handed_over(1, 0, 1, None)), Outcome::ParkedAgain);
        assert_eq!(outcome(&handed_over(0, 0, 0, Some("no"))), Outcome::Left("no"));
        assert_eq!(outcome(&handed_over(0, 0, 1, Some("no"))), Outcome::Left("no"));
        assert!(matches!(outcome(&handed_over(1, 0, 0, None)), Outcome::Left(_)), "the record holds no event");
    }
}
