//! `wab parked redrive`: publishes the events that wait in the dead-letter queue.
//!
//! A message is deleted only after its event was published, parked again as a new message, or sent to the spill queue.
//! So an interrupted run loses nothing and can be repeated.

use std::borrow::Cow;
use std::collections::HashMap;
use std::io::Write;
use std::time::Duration;

use futures_util::future::join_all;
use jiff::SignedDuration;

use super::filter::Filter;
use super::message::{GivenUp, Identity, Parked, classify};
use super::predict::{self, Predictor};
use super::reader::Reader;
use super::tally::{Outcome, SEE_LIST, Tally};
use crate::aws;
use crate::handover::{Batch, HandedOver, PAUSES};
use crate::replay::{Replayed, Selection, Sink, Work};
use crate::shell::Shell;
use crate::stack::{Consent, Received, Sent, Stack, StackArgs};
use crate::stop::{Stop, stoppable};
use crate::style;
use crate::window::Windows;

/// Publish the events that wait in the dead-letter queue
///
/// Run it once the cause is fixed. What happens depends on the kind of the message: an event is read from the table
/// and handed to the function `fanout`; a record is handed to `fanout`; a position is replayed, that is, every event
/// received around its time is published again; a spilled event is sent back to the spill queue. The message is then
/// deleted. An event that still can't be published is parked again, as a new message. Event ids don't change.
///
/// With --dry-run, the table says what would be published and, for each reason, what would be parked again or left.
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
    /// Predict what would be done, and change nothing
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

const AFTER: &str = "\
Examples:
  wab parked redrive --dry-run
  wab parked redrive
  wab parked redrive --reason AuthorizationError --stack wab --profile production
  wab parked redrive --event-id 2261d224ea3b4a40860397f823cb7d66
  wab parked redrive --only position --margin 60

Exit codes:
  0    every selected message was redriven, or there was none
  1    a message is left or hidden, or was parked again
  2    usage error: nothing was done
  3    a call to AWS failed: what was printed before is done
  130  interrupted: what was printed is done, and every other message is visible again

Ctrl-C ends the run after the messages in progress, a second one at once. If the process is killed instead, its
messages become visible again within 30 s.";

pub(crate) fn run(args: &Args, shell: &mut Shell<'_>) -> anyhow::Result<u8> {
    aws::block_on(async {
        let stack = args.stack.connect(shell.directory).await?;
        writeln!(shell.err, "{}", stack.place)?;
        if !args.dry_run {
            let depth = stack.dead_letters.depth().await?;
            let action = format!("redrive the selected messages of about {} in the dead-letter queue", depth.total());
            stack.confirm(&action, args.consent, shell)?;
        }
        let stop = Stop::by_signal();
        let (tally, result) = redrive(args, &stack, &stop, shell.err).await;
        if args.json {
            style::json(&tally, &mut shell.out)?;
        } else {
            tally.show(shell.columns(), &mut shell.out)?;
        }
        result?;
        Ok(tally.exit_code())
    })
}

/// Redrives the dead-letter queue of `stack`. Returns what was done, also if the run failed.
pub(crate) async fn redrive(
    args: &Args,
    stack: &Stack,
    stop: &Stop,
    err: &mut dyn Write,
) -> (Tally, anyhow::Result<()>) {
    let reader = Reader::new(&stack.dead_letters, None);
    let mut redrive = Redrive {
        args,
        stack,
        reader: &reader,
        stop,
        handled: HashMap::new(),
        positions: Vec::new(),
        tally: Tally::new(args.dry_run),
        pauses: &PAUSES,
    };
    let work = reader.keep_hidden(redrive.all(err));
    let result = stoppable(work, stop).await.unwrap_or(Ok(()));
    let mut tally = redrive.tally;
    tally.interrupted = stop.is_requested();
    // Messages that can't be released become visible again soon. An earlier failure is reported instead.
    let released = reader.release().await;
    (tally, result.and(released.map_err(Into::into)))
}

struct Redrive<'a> {
    args: &'a Args,
    stack: &'a Stack,
    reader: &'a Reader<'a>,
    stop: &'a Stop,
    /// Messages redriven in this run, and whether they were published. Those parked again are received again.
    handled: HashMap<Identity, bool>,
    positions: Vec<(Received, GivenUp)>,
    tally: Tally,
    /// Pauses between retries. Empty after retries were in vain, so that an outage doesn't delay each message.
    pauses: &'static [Duration],
}

/// How messages are redriven.
enum Means<'a> {
    /// For a dry run.
    Predict(Box<Predictor<'a>>),
    Publish {
        table_arn: String,
    },
}

impl Redrive<'_> {
    async fn all(&mut self, err: &mut dyn Write) -> anyhow::Result<()> {
        let means = match self.args.dry_run {
            true => Means::Predict(Box::new(Predictor::new(self.stack).await?)),
            false => Means::Publish { table_arn: self.stack.table.arn().await? },
        };
        if let Means::Predict(predictor) = &means {
            self.tally.without_subscribers = predictor.without_subscribers();
        }
        self.messages(&means, err).await?;
        if self.stop.is_requested() {
            return Ok(());
        }
        self.positions(&means, err).await
    }

    /// Redrives each selected message of the queue. Positions are kept for the end.
    async fn messages(&mut self, means: &Means<'_>, err: &mut dyn Write) -> anyhow::Result<()> {
        let mut rest = self.args.max;
        let depth = self.stack.dead_letters.depth().await?;
        (self.tally.in_queue, self.tally.hidden) = (depth.total(), depth.in_flight);
        while !self.stop.is_requested() {
            let received = self.reader.next().await?;
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
                if self.is_new(&message, &parked).await? {
                    rest = fewer;
                    selected.push((message, parked));
                }
            }
            let is_progress = !selected.is_empty();
            self.group(selected, means).await?;
            if self.tally.cut_off {
                return Ok(());
            }
            if is_progress {
                writeln!(err, "{} messages so far", self.tally.messages())?;
            }
        }
        Ok(())
    }

    /// Whether a message was not yet redriven in this run. A second message about the same event is settled here.
    async fn is_new(&mut self, message: &Received, parked: &Parked) -> anyhow::Result<bool> {
        match parked.identity().and_then(|identity| self.handled.get(&identity)) {
            None => Ok(true),
            // The event was parked twice, and is published by now.
            Some(true) => {
                self.tally.add(Outcome::Published);
                if !self.args.dry_run {
                    self.reader.delete(message).await?;
                }
                Ok(false)
            }
            Some(false) => {
                if matches!(parked, Parked::Spilled { .. }) {
                    self.tally.add(Outcome::Left("parked again meanwhile".into()));
                }
                Ok(false)
            }
        }
    }

    /// Redrives up to ten messages at once.
    async fn group(&mut self, selected: Vec<(Received, Parked)>, means: &Means<'_>) -> anyhow::Result<()> {
        let outcomes = join_all(selected.iter().map(|(_, parked)| self.attempt(parked, means))).await;
        let mut failure = None;
        for ((message, parked), outcome) in selected.into_iter().zip(outcomes) {
            match outcome {
                Ok(Some(outcome)) => self.settle(&message, &parked, outcome).await?,
                Ok(None) => {
                    if let Parked::Position { batch } = parked {
                        self.positions.push((message, batch));
                    }
                }
                Err(error) => {
                    self.tally.add(Outcome::Left("AWS could not be reached".into()));
                    failure = Some(error);
                }
            }
        }
        failure.map_or(Ok(()), Err)
    }

    /// Redrives one message. Returns none for a position, which is replayed at the end.
    async fn attempt(&self, parked: &Parked, means: &Means<'_>) -> anyhow::Result<Option<Outcome>> {
        let table_arn = match means {
            Means::Predict(predictor) => return Ok(predictor.outcome(parked).await?),
            Means::Publish { table_arn } => table_arn,
        };
        Ok(Some(match parked {
            Parked::Event { key, .. } => match self.stack.table.item(key).await? {
                None => Outcome::Gone,
                Some(item) => {
                    let mut batch = Batch::default();
                    batch.add(table_arn, &item)?;
                    self.hand_over(&batch).await?
                }
            },
            Parked::Record { record } => self.hand_over(&Batch::of_record(record.clone())).await?,
            Parked::Position { .. } => return Ok(None),
            Parked::Spilled { message, .. } => match &self.stack.spill_queue {
                None => predict::no_spill_queue(),
                Some(spill_queue) => match spill_queue.send(message).await? {
                    Sent::Accepted => Outcome::SentOn,
                    Sent::Rejected => Outcome::Left("the spill queue rejects it".into()),
                },
            },
            Parked::Unknown => predict::unknown(),
        }))
    }

    async fn hand_over(&self, batch: &Batch) -> anyhow::Result<Outcome> {
        Ok(outcome(&batch.hand_over(&self.stack.fanout, self.pauses, self.stop).await?))
    }

    /// Counts the outcome of a message, and deletes the message if it is no longer needed.
    async fn settle(&mut self, message: &Received, parked: &Parked, outcome: Outcome) -> anyhow::Result<()> {
        let delete = match outcome {
            Outcome::Published | Outcome::SentOn | Outcome::ParkedAgain(_) => true,
            Outcome::Gone => self.args.forget_gone,
            Outcome::Left(_) => {
                self.pauses = &[];
                false
            }
        };
        if let Some(identity) = parked.identity().filter(|_| delete && outcome != Outcome::Gone) {
            self.handled.insert(identity, outcome == Outcome::Published);
        }
        if delete && !self.args.dry_run {
            self.reader.delete(message).await?;
        }
        if outcome == Outcome::Gone && self.args.forget_gone {
            self.tally.forgotten += 1;
        } else {
            self.tally.add(outcome);
        }
        Ok(())
    }

    /// Replays the events around the time of every position in one scan, then deletes the positions.
    async fn positions(&mut self, means: &Means<'_>, err: &mut dyn Write) -> anyhow::Result<()> {
        if self.positions.is_empty() {
            return Ok(());
        }
        let positions = std::mem::take(&mut self.positions);
        self.tally.positions = u64::try_from(positions.len())?;
        let margin = SignedDuration::from_mins(self.args.margin.into());
        let windows = Windows::new(positions.iter().map(|(_, batch)| batch.window(margin)));
        writeln!(err, "{} positions: replaying the events received {windows}", positions.len())?;
        let Means::Publish { table_arn } = means else { return Ok(()) };
        let selection = Selection::all_of(windows);
        let work = Work {
            stack: self.stack,
            table_arn,
            selection: &selection,
            // These events may never have been published, so they aren't marked as a replay.
            sink: Sink::Topics { replay: false },
            rate: None,
            stop: self.stop,
        };
        let mut replayed = Replayed::default();
        let result = replayed.run(&work, &mut |_| Ok(())).await;
        let is_complete = result.is_ok() && replayed.left() == 0 && !replayed.has_ended() && !self.stop.is_requested();
        self.tally.add_replayed(&replayed, result.is_err());
        result?;
        if is_complete {
            for (message, _) in &positions {
                self.reader.delete(message).await?;
            }
        }
        Ok(())
    }
}

/// The outcome of a message whose one record was handed to `fanout`.
fn outcome(handed_over: &HandedOver) -> Outcome {
    match handed_over {
        HandedOver { problem: Some(problem), .. } => Outcome::Left(Cow::Borrowed(problem)),
        HandedOver { parked: 1.., .. } => Outcome::ParkedAgain(SEE_LIST.into()),
        HandedOver { published: 0, .. } => predict::no_event(),
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
        assert!(matches!(outcome(&handed_over(1, 0, 1, None)), Outcome::ParkedAgain(_)));
        assert_eq!(outcome(&handed_over(0, 0, 0, Some("no"))), Outcome::Left("no".into()));
        assert_eq!(outcome(&handed_over(0, 0, 1, Some("no"))), Outcome::Left("no".into()));
        assert!(matches!(outcome(&handed_over(1, 0, 0, None)), Outcome::Left(_)), "the record holds no event");
    }
}
