//! What a redrive did with each message, in sum: a table for a person, and the exit code.

use std::collections::BTreeMap;
use std::io::Write;

use comfy_table::{CellAlignment, Table, presets};

use crate::replay::Replayed;

/// What a redrive did with one message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Outcome {
    Published,
    /// Sent to the spill queue.
    SentOn,
    ParkedAgain,
    /// Its event has expired in the table.
    Gone,
    /// Still in the queue, for this reason.
    Left(&'static str),
}

#[derive(Debug, Default)]
pub(crate) struct Tally {
    published: u64,
    sent_on: u64,
    parked_again: u64,
    gone: u64,
    pub(crate) forgotten: u64,
    left: BTreeMap<&'static str, u64>,
    pub(crate) positions: usize,
    /// What the replay of the positions did.
    replayed: Option<String>,
    /// `--max` ended the run before the end of the queue.
    pub(crate) cut_off: bool,
    /// Messages read, selected or not.
    pub(crate) read: u64,
    /// The approximate number of messages in the queue at the start.
    pub(crate) in_queue: u64,
}

impl Tally {
    pub(crate) fn add(&mut self, outcome: Outcome) {
        match outcome {
            Outcome::Published => self.published += 1,
            Outcome::SentOn => self.sent_on += 1,
            Outcome::ParkedAgain => self.parked_again += 1,
            Outcome::Gone => self.gone += 1,
            Outcome::Left(reason) => *self.left.entry(reason).or_default() += 1,
        }
    }

    pub(crate) fn add_replayed(&mut self, replayed: &Replayed, reached: bool) {
        self.replayed = Some(format!("published {} events ({})", replayed.published(), replayed.cost()));
        self.parked_again += replayed.parked();
        if let Some(reason) = replayed.left().or((!reached).then_some("AWS could not be reached")) {
            let positions = u64::try_from(std::mem::take(&mut self.positions)).unwrap_or(u64::MAX);
            *self.left.entry(reason).or_default() += positions;
        }
    }

    /// The number of messages dealt with so far.
    pub(crate) fn messages(&self) -> u64 {
        self.published + self.sent_on + self.parked_again + self.gone + self.forgotten + self.left.values().sum::<u64>()
    }

    pub(crate) fn exit_code(&self) -> u8 {
        u8::from(self.parked_again + self.gone > 0 || !self.left.is_empty() || self.cut_off)
    }

    pub(crate) fn show(&self, dry_run: bool, out: &mut dyn Write) -> anyhow::Result<()> {
        if dry_run {
            writeln!(out, "dry run: this is what a redrive would do, if no event is parked again")?;
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
        row("gone", self.gone, "the event has expired in the table; --forget-gone deletes the message");
        row("forgotten", self.forgotten, "the event has expired in the table");
        for (reason, count) in &self.left {
            row("left", *count, reason);
        }
        if table.row_count() == 0 {
            writeln!(out, "nothing to redrive")?;
        } else {
            if let Some(column) = table.column_mut(1) {
                column.set_cell_alignment(CellAlignment::Right);
            }
            writeln!(out, "{}", table.trim_fmt())?;
        }
        if self.cut_off {
            writeln!(out, "the queue holds more than --max messages: run it again")?;
        } else if self.read < self.in_queue {
            let Self { read, in_queue, .. } = self;
            writeln!(
                out,
                "read {read} of about {in_queue} messages: the others may be hidden for a moment, run it again"
            )?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(tally: &Tally) -> (String, u8) {
        let mut out = Vec::new();
        tally.show(false, &mut out).unwrap();
        (String::from_utf8(out).unwrap(), tally.exit_code())
    }

    #[test]
    fn exit_code_is_1_if_anything_is_left() {
        assert_eq!(shown(&Tally::default()), ("nothing to redrive\n".to_owned(), 0));
        let redriven = Tally { published: 12, sent_on: 1, forgotten: 1, positions: 2, ..Tally::default() };
        let (out, code) = shown(&redriven);
        let words: Vec<Vec<&str>> = out.lines().map(|line| line.split_whitespace().take(3).collect()).collect();
        assert_eq!((&words[0][..], &words[1][..], code), (&["published", "12"][..], &["sent", "on", "1"][..], 0));
        for (outcome, line) in [
            (Outcome::ParkedAgain, "parked again"),
            (Outcome::Gone, "gone"),
            (Outcome::Left("the spill queue rejects it"), "left"),
        ] {
            let mut tally = Tally::default();
            tally.add(outcome);
            let (out, code) = shown(&tally);
            assert!(out.trim_start().starts_with(line) && code == 1, "{out}");
        }
        assert_eq!(shown(&Tally { cut_off: true, ..Tally::default() }).1, 1);
    }
}
