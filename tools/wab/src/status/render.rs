//! The screen as text.

use std::io::{self, Write};

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::report::{Amount, Report, Signal};
use super::spell::Spell;
use crate::health::{Verdict, clock, span};
use crate::mask::printable;
use crate::style::{BOLD, DIM, paint};

pub(crate) fn show(report: &Report, zone: &TimeZone, out: &mut dyn Write) -> io::Result<()> {
    let version = report.version.as_deref().map_or_else(String::new, |version| format!(", version {version}"));
    let at = report.at.to_zoned_datetime(zone.clone()).strftime("%Y-%m-%d %H:%M:%S %:z").to_string();
    writeln!(out, "{}", paint(BOLD, &format!("{}{version}, {at}", report.stack)))?;

    writeln!(out, "\n{}", paint(DIM, &format!("{:<15}{:>8}{:>10}", "callbacks", "15 min", "24 h")))?;
    for callbacks in &report.callbacks {
        // Each stack stores. Other outcomes are shown if there were any.
        if callbacks.outcome == "stored" || callbacks.last_24_hours > 0 {
            let (short, long) = (callbacks.last_15_minutes, callbacks.last_24_hours);
            writeln!(out, "{:<15}{short:>8}{long:>10}", callbacks.outcome)?;
        }
    }
    match report.last_accepted {
        Some(last) => writeln!(out, "last accepted {}", ago(last, report.at, zone))?,
        None => writeln!(out, "none accepted in 24 h")?,
    }

    writeln!(out)?;
    for signal in &report.signals {
        let when = signal.spell.map_or_else(String::new, |spell| when(spell, report.at, zone));
        let line = format!("{} {:<26}{:<24}{when}", signal.verdict.painted(), signal.name, amount(signal.amount));
        writeln!(out, "{}", line.trim_end())?;
        if signal.needs_action() {
            explain(signal, out)?;
        }
    }

    writeln!(out)?;
    let firing: Vec<_> = report.alarms.iter().filter(|alarm| alarm.is_firing).collect();
    if firing.is_empty() && !report.alarms.is_empty() {
        writeln!(out, "{} {:<26}none of {}", Verdict::Ok.painted(), "alarms", report.alarms.len())?;
    }
    for alarm in firing {
        let since = alarm.since.map_or_else(String::new, |since| when(Spell { since, until: None }, report.at, zone));
        writeln!(out, "{} alarm {:<44}{since}", Verdict::Problem.painted(), alarm.name)?;
    }
    for problem in &report.unread {
        writeln!(out, "{} {}", Verdict::Unknown.painted(), printable(problem))?;
    }
    writeln!(out, "{}", paint(DIM, &format!("read in {:.1} s", report.seconds)))
}

fn explain(signal: &Signal, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "{:10}{}; runbook: {}", "", signal.meaning, signal.runbook)?;
    for (word, command) in [("show:", &signal.shows), ("mend:", &signal.mends)] {
        if let Some(command) = command {
            writeln!(out, "{:10}{word} {command}", "")?;
        }
    }
    Ok(())
}

fn amount(amount: Amount) -> String {
    match amount {
        Amount::Counted { last_24_hours: 0, .. } | Amount::Waiting(0) => "0".to_owned(),
        Amount::Counted { last_15_minutes: 0, last_24_hours } => format!("{last_24_hours} in 24 h"),
        Amount::Counted { last_15_minutes, last_24_hours } => {
            format!("{last_15_minutes} in 15 min, {last_24_hours} in 24 h")
        }
        Amount::Waiting(now) => now.to_string(),
        Amount::Seconds { now, at_most } => format!("{now} s, at most {at_most} s"),
        Amount::Unknown => "-".to_owned(),
    }
}

/// `since 02:10 (25 min)`, or `02:10–02:25, over for 40 min`.
fn when(spell: Spell, now: Timestamp, zone: &TimeZone) -> String {
    let since = clock(spell.since, now, zone);
    match spell.until {
        None => format!("since {since} ({})", span(now.duration_since(spell.since))),
        Some(until) => format!("{since}–{}, over for {}", clock(until, now, zone), span(now.duration_since(until))),
    }
}

fn ago(at: Timestamp, now: Timestamp, zone: &TimeZone) -> String {
    format!("{}, {} ago", clock(at, now, zone), span(now.duration_since(at)))
}
