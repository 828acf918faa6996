//! How the report of many callbacks is printed.

use std::io::Write;

use anstyle::Style;

use super::load::{Outcome, Report};
use crate::answer::Verdict;
use crate::style::{BAD, GOOD, WARNING, paint};

/// Up to this many, each callback has a line.
const MAX_LINES: usize = 20;

impl Report {
    pub(super) fn show(&self, out: &mut impl Write) -> anyhow::Result<()> {
        if self.callbacks.len() <= MAX_LINES {
            for callback in &self.callbacks {
                callback.show(out)?;
            }
            writeln!(out)?;
            for (title, names) in [("contact", &self.contacts), ("reference", &self.references)] {
                if !names.is_empty() {
                    writeln!(out, "{title:<9} {}", names.iter().map(String::as_str).collect::<Vec<_>>().join(", "))?;
                }
            }
        }
        for (index, count) in self.answers.iter().enumerate() {
            let title = if index == 0 { "answers" } else { "" };
            let note = if count.answer.is_malformed { "  (malformed bodies)" } else { "" };
            let answer = paint(style(count.answer.verdict), &format!("{:<20}", count.answer.to_string()));
            writeln!(out, "{title:<9} {answer} {:>7}{note}", count.count)?;
        }
        if let Some(latency) = &self.latency_ms {
            let (p50, p90, p99, max) = (latency.p50, latency.p90, latency.p99, latency.max);
            writeln!(out, "latency   p50 {p50:.1} ms, p90 {p90:.1} ms, p99 {p99:.1} ms, max {max:.1} ms")?;
        }
        let rate = self.posted as f64 / self.seconds;
        let asked = self.rate.map(|rate| format!(" ({rate} were asked for)")).unwrap_or_default();
        let interrupted =
            if self.is_interrupted { format!(" of {}, then interrupted", self.planned) } else { String::new() };
        writeln!(out, "posted    {}{interrupted}, in {:.1} s: {rate:.1} a second{asked}", self.posted, self.seconds)?;
        Ok(())
    }
}

impl Outcome {
    fn show(&self, out: &mut impl Write) -> anyhow::Result<()> {
        let id = self.id.as_deref().unwrap_or("(malformed)");
        let name = self.name.as_deref().unwrap_or("");
        let answer = paint(style(self.answered.verdict), &format!("{:<16}", self.answered.to_string()));
        writeln!(out, "{:<3} {id:<36} {name:<16} {answer} {:>7.1} ms", self.kind.as_str(), self.latency_ms)?;
        Ok(())
    }
}

fn style(verdict: Verdict) -> Style {
    match verdict {
        Verdict::Accepted => GOOD,
        Verdict::Retry => WARNING,
        Verdict::Rejected => BAD,
    }
}
