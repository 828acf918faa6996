//! The events of a listener as lines for a terminal, or as JSON.

use std::io::Write;

use jiff::tz::TimeZone;
use serde::Serialize;

use super::delivery::Delivery;
use super::feed::{Attempt, Recent, Screen};
use crate::event_line::{Brief, one_line};
use crate::forward::Posted;
use crate::mask::Mask;
use crate::shell::Shell;

pub(super) struct Lines<'a, 'b> {
    shell: &'a mut Shell<'b>,
    mask: Mask,
    json: bool,
    zone: TimeZone,
    /// Events that were shown.
    events: Recent,
}

/// What `--json` prints.
#[derive(Serialize)]
struct Shown<'a> {
    #[serde(flatten)]
    brief: &'a Brief,
    /// SNS's id of the message: another one each time an event is published.
    message_id: &'a str,
    /// The event was shown before in this run.
    again: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    forwarded: Option<Forwarded>,
}

#[derive(Serialize)]
struct Forwarded {
    delivered: bool,
    attempt: u32,
    /// None if there was no answer.
    status: Option<u16>,
    ms: Option<u128>,
    retry_in_seconds: Option<u64>,
}

impl<'a, 'b> Lines<'a, 'b> {
    pub(super) fn new(shell: &'a mut Shell<'b>, mask: Mask, json: bool) -> Self {
        Self { shell, mask, json, zone: TimeZone::system(), events: Recent::default() }
    }
}

impl Screen for Lines<'_, '_> {
    fn show(&mut self, delivery: &Delivery, attempt: Option<&Attempt>) -> anyhow::Result<bool> {
        let brief = delivery.brief(self.mask);
        let is_first = attempt.is_none_or(|attempt| attempt.number == 1);
        let again = is_first && brief.event_id().is_some_and(|id| self.events.contains(id));
        if self.json {
            let message_id = &delivery.notification.message_id;
            let shown = Shown { brief: &brief, message_id, again, forwarded: attempt.map(Forwarded::of) };
            writeln!(self.shell.out, "{}", one_line(&serde_json::to_string(&shown)?))?;
        } else {
            let answer = attempt.map(Attempt::to_string);
            let marks = again.then_some("again").into_iter().chain(answer.as_deref());
            let line = brief.line(&self.zone, self.shell.columns(), &marks.collect::<Vec<_>>());
            writeln!(self.shell.out, "{line}")?;
        }
        self.shell.out.flush()?;
        if self.shell.out.is_closed() {
            return Ok(false);
        }
        if let Some(id) = brief.event_id().filter(|_| is_first) {
            self.events.insert(id);
        }
        Ok(true)
    }

    fn report_link(&mut self, problem: Option<&str>) -> anyhow::Result<()> {
        match problem {
            Some(problem) => writeln!(self.shell.err, "{problem}; retrying")?,
            None => writeln!(self.shell.err, "connected again")?,
        }
        Ok(())
    }

    fn is_closed(&self) -> bool {
        self.shell.out.is_closed()
    }
}

impl Forwarded {
    fn of(attempt: &Attempt) -> Self {
        let (status, took) = match &attempt.posted {
            Posted::Answered { status, took } => (Some(*status), Some(*took)),
            Posted::Unanswered { took, .. } => (None, Some(*took)),
            Posted::Unreachable { .. } => (None, None),
        };
        Self {
            delivered: attempt.posted.is_delivered(),
            attempt: attempt.number,
            status,
            ms: took.map(|took| took.as_millis()),
            retry_in_seconds: attempt.retry_in.map(|pause| pause.as_secs()),
        }
    }
}
