//! What a redrive did with each message, in sum: a table for a person, and the exit code.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io::Write;

use comfy_table::CellAlignment;
use serde::Serialize;
use wab_events::Kind;

use super::reader::HIDDEN;
use crate::replay::{Counts, Replayed};
use crate::style;
use crate::{FAILED, INTERRUPTED};

/// What a redrive did, or would do, with one message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "outcome", content = "reason")]
pub(crate) enum Outcome {
    Published,
    /// Sent to the spill queue.
    SentOn,
    /// For this reason, if it is known.
    ParkedAgain(Cow<'static, str>),
    /// Its event has expired in the table.
    Gone,
    /// Still in the queue, for this reason.
    Left(Cow<'static, str>),
}

/// Stands for the reason of an event that was parked again.
pub(crate) const SEE_LIST: &str = "`wab parked list` shows why";

#[derive(Default, Serialize)]
pub(crate) struct Tally {
    /// Nothing was changed: these are predictions.
    dry_run: bool,
    published: u64,
    sent_on: u64,
    /// Positions whose time was replayed.
    pub(crate) positions: u64,
    /// What the replay of the positions did.
    #[serde(skip_serializing_if = "Option::is_none")]
    replayed: Option<Counts>,
    /// By reason.
    parked_again: BTreeMap<Cow<'static, str>, u64>,
    gone: u64,
    pub(crate) forgotten: u64,
    /// By reason.
    left: BTreeMap<Cow<'static, str>, u64>,
    /// Kinds of events that nobody receives, because their topic has no subscriber. Only known after a dry run.
    pub(crate) without_subscribers: Vec<Kind>,
    /// `--max` ended the run before the end of the queue.
    pub(crate) cut_off: bool,
    /// Ctrl-C ended the run before the end of the queue.
    pub(crate) interrupted: bool,
    /// Messages read, selected or not.
    pub(crate) read: u64,
    /// The approximate number of messages in the queue at the start.
    pub(crate) in_queue: u64,
    /// Those of them that another reader was hiding.
    pub(crate) hidden: u64,
}

impl Tally {
    pub(crate) fn new(dry_run: bool) -> Self {
        Self { dry_run, ..Self::default() }
    }

    pub(crate) fn add(&mut self, outcome: Outcome) {
        match outcome {
            Outcome::Published => self.published += 1,
            Outcome::SentOn => self.sent_on += 1,
            Outcome::ParkedAgain(reason) => *self.parked_again.entry(reason).or_default() += 1,
            Outcome::Gone => self.gone += 1,
            Outcome::Left(reason) => *self.left.entry(reason).or_default() += 1,
        }
    }

    pub(crate) fn add_replayed(&mut self, replayed: &Replayed, failed: bool) {
        let counts = replayed.counts.clone();
        if counts.parked > 0 {
            *self.parked_again.entry(SEE_LIST.into()).or_default() += counts.parked;
        }
        let reason = if failed { Some("AWS could not be reached") } else { replayed.problem() };
        if let Some(reason) = reason {
            *self.left.entry(reason.to_owned().into()).or_default() += std::mem::take(&mut self.positions);
        }
        self.replayed = Some(counts);
    }

    /// The number of messages dealt with so far.
    pub(crate) fn messages(&self) -> u64 {
        let by_reason = |counts: &BTreeMap<_, u64>| counts.values().sum::<u64>();
        self.published
            + self.sent_on
            + by_reason(&self.parked_again)
            + self.gone
            + self.forgotten
            + by_reason(&self.left)
    }

    /// Messages that another reader hides. They may be what this run was about.
    fn missed(&self) -> bool {
        self.hidden > 0 && self.read < self.in_queue
    }

    pub(crate) fn exit_code(&self) -> u8 {
        if self.interrupted {
            return INTERRUPTED;
        }
        let is_incomplete = !self.parked_again.is_empty() || self.gone > 0 || !self.left.is_empty() || self.cut_off;
        if is_incomplete || self.missed() { FAILED } else { 0 }
    }

    pub(crate) fn show(&self, width: Option<u16>, out: &mut dyn Write) -> anyhow::Result<()> {
        if self.dry_run {
            writeln!(out, "dry run: nothing was changed; a redrive would have these outcomes")?;
        }
        let mut table = style::table(["outcome", "messages", ""], width);
        let mut row = |what: &str, count: u64, note: &str| {
            if count > 0 {
                table.add_row([what, &count.to_string(), note]);
            }
        };
        row("published", self.published, "");
        row("sent on", self.sent_on, "to the spill queue");
        let replayed = self.replayed.as_ref().map(|it| format!("published {} events ({})", it.published, it.cost()));
        row("replayed", self.positions, replayed.as_deref().unwrap_or("all events received around that time"));
        for (reason, count) in &self.parked_again {
            row("parked again", *count, reason);
        }
        row("gone", self.gone, "the event has expired in the table; --forget-gone deletes the message");
        row("forgotten", self.forgotten, "the event has expired in the table");
        for (reason, count) in &self.left {
            row("left", *count, reason);
        }
        if table.row_count() > 0 {
            if let Some(column) = table.column_mut(1) {
                column.set_cell_alignment(CellAlignment::Right);
            }
            writeln!(out, "{}", table.trim_fmt())?;
        } else if !self.missed() && !self.interrupted {
            writeln!(out, "nothing to redrive")?;
        }
        for kind in &self.without_subscribers {
            writeln!(out, "the topic of {} events has no subscriber: nobody would receive them", kind.as_str())?;
        }
        self.show_end(out)
    }

    /// Why the run may not have seen every message.
    fn show_end(&self, out: &mut dyn Write) -> anyhow::Result<()> {
        if self.interrupted {
            writeln!(out, "interrupted: every other message is visible again, run it again to go on")?;
        } else if self.cut_off {
            writeln!(out, "the queue holds more than --max messages: run it again")?;
        } else if self.missed() {
            let Self { hidden, .. } = self;
            writeln!(
                out,
                "{hidden} messages are hidden by another reader, or by a redrive that was killed. They are visible again \
                 within {} s: run it again",
                HIDDEN.as_secs()
            )?;
        } else if self.read < self.in_queue {
            let Self { read, in_queue, .. } = self;
            writeln!(out, "read {read} of about {in_queue} messages: run it again to be sure")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(tally: &Tally) -> (String, u8) {
        let mut out = Vec::new();
        tally.show(None, &mut out).unwrap();
        (String::from_utf8(out).unwrap(), tally.exit_code())
    }

    fn words(line: &str) -> Vec<&str> {
        line.split_whitespace().take(3).collect()
    }

    #[test]
    fn exit_code_is_1_if_anything_is_left() {
        assert_eq!(shown(&Tally::default()), ("nothing to redrive\n".to_owned(), 0));
        let redriven = Tally { published: 12, sent_on: 1, forgotten: 1, positions: 2, ..Tally::default() };
        let (out, code) = shown(&redriven);
        let lines: Vec<Vec<&str>> = out.lines().map(words).collect();
        assert_eq!((&lines[1][..], &lines[2][..], code), (&["published", "12"][..], &["sent", "on", "1"][..], 0));
        for (outcome, line) in [
            (Outcome::ParkedAgain("r".into()), "parked again"),
            (Outcome::Gone, "gone"),
            (Outcome::Left("the spill queue rejects it".into()), "left"),
        ] {
            let mut tally = Tally::default();
            tally.add(outcome);
            let (out, code) = shown(&tally);
            assert!(out.lines().nth(1).unwrap().trim_start().starts_with(line) && code == 1, "{out}");
        }
        assert_eq!(shown(&Tally { cut_off: true, ..Tally::default() }).1, 1);
    }

    #[test]
    fn hidden_messages_are_no_success() {
        let (out, code) = shown(&Tally { in_queue: 3, hidden: 3, ..Tally::default() });
        assert!(out.starts_with("3 messages are hidden by another reader") && out.contains("within 30 s"), "{out}");
        assert_eq!(code, 1);
        let (out, code) = shown(&Tally { in_queue: 3, read: 3, published: 3, hidden: 1, ..Tally::default() });
        assert!(code == 0 && !out.contains("hidden"), "{out}");
    }

    #[test]
    fn interrupted_redrive_says_what_it_did() {
        let (out, code) = shown(&Tally { published: 2, read: 10, in_queue: 30, interrupted: true, ..Tally::default() });
        assert!(out.contains("published") && out.contains("interrupted: every other message is visible"), "{out}");
        assert_eq!(code, 130);
    }
}
