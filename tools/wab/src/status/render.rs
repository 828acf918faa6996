//! The screen as text.

use std::io::{self, Write};

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::alarm;
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
        // Each stack stores and publishes. Other outcomes are shown if there were any.
        if matches!(callbacks.outcome, "stored" | "published") || callbacks.last_24_hours > 0 {
            let (short, long) = (callbacks.last_15_minutes, callbacks.last_24_hours);
            writeln!(out, "{:<15}{short:>8}{long:>10}", callbacks.outcome)?;
        }
    }
    match report.last_accepted {
        Some(last) => writeln!(out, "last accepted {}, {}", clock(last, report.at, zone), ago(last, report.at))?,
        None => writeln!(out, "none accepted in 24 h")?,
    }

    writeln!(out)?;
    for signal in &report.signals {
        let when = signal.spell.map_or_else(String::new, |spell| when(spell, report.at, zone));
        let line = format!("{} {:<26}{:<28}{when}", signal.verdict.painted(), signal.name, amount(signal.amount));
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
        let since = alarm
            .since
            .map_or_else(String::new, |since| when(Spell { since, until: None, last: since }, report.at, zone));
        writeln!(out, "{} alarm {:<48}{since}", Verdict::Problem.painted(), alarm.name)?;
    }
    for problem in &report.unread {
        writeln!(out, "{} {}", Verdict::Unknown.painted(), printable(problem))?;
    }
    writeln!(out, "{}", paint(DIM, &format!("read in {:.1} s", report.seconds)))
}

fn explain(signal: &Signal, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "{:10}{}", "", signal.meaning)?;
    writeln!(out, "{:10}show: {}", "", signal.shows)?;
    match &signal.mends {
        Some(command) => writeln!(out, "{:10}mend: {command}", ""),
        None => writeln!(out, "{:10}mend: by its reason, see docs/runbook.md, {}", "", signal.alarm),
    }
}

/// How many minutes stand in a line.
const MINUTES_A_LINE: usize = 6;

pub(crate) fn show_alarm(report: &alarm::Report, zone: &TimeZone, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "{}\n", paint(BOLD, &report.stack.to_string()))?;
    let state = match &report.state {
        None => "the stack has no such alarm".to_owned(),
        Some(state) => {
            let word = if state.is_firing { "is firing" } else { "is not firing" };
            let since = state
                .since
                .map(|since| format!(", since {} ({})", clock(since, report.at, zone), ago(since, report.at)));
            format!("{word}{}", since.unwrap_or_default())
        }
    };
    writeln!(out, "{} {} {state}", report.verdict.painted(), report.alarm)?;
    if let Some(state) = &report.state {
        writeln!(out, "{:10}{}", "", printable(&state.meaning))?;
    }
    if let Some(spell) = report.spell {
        writeln!(out, "{:10}wrong {}", "", when(spell, report.at, zone))?;
    }
    for minutes in report.minutes.chunks(MINUTES_A_LINE) {
        let minutes = minutes.iter().map(|minute| format!("{} {:.0}", clock(minute.at, report.at, zone), minute.value));
        writeln!(out, "{:10}{}", "", paint(DIM, &minutes.collect::<Vec<_>>().join("   ")))?;
    }
    for cause in &report.causes {
        let (first, last) = (clock(cause.first, report.at, zone), clock(cause.last, report.at, zone));
        writeln!(out, "\n{:>6} × {}: {}, {first}–{last}", cause.count, cause.from, printable(&cause.reason))?;
        for ids in cause.event_ids.chunks(2) {
            writeln!(out, "{:9}{}", "", printable(&ids.join(" ")))?;
        }
    }
    if report.is_cut {
        writeln!(out, "{:9}The log has more lines than were read.", "")?;
    }
    writeln!(out)?;
    for finding in &report.findings {
        writeln!(out, "{} {:<18}{}", finding.verdict.painted(), finding.check, printable(&finding.what))?;
    }
    for problem in &report.unread {
        writeln!(out, "{} {}", Verdict::Unknown.painted(), printable(problem))?;
    }
    if let Some(command) = &report.shows {
        writeln!(out, "show: {command}")?;
    }
    if let Some(command) = &report.mends {
        writeln!(out, "mend: {command}")?;
    }
    writeln!(out, "see:  docs/runbook.md, {}", report.alarm)?;
    writeln!(out, "{}", paint(DIM, &format!("read in {:.1} s", report.seconds)))
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

fn ago(at: Timestamp, now: Timestamp) -> String {
    format!("{} ago", span(now.duration_since(at)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::health::Commands;
    use crate::stack::Place;
    use crate::status::causes::Cause;

    #[test]
    fn alarm_is_shown_with_its_causes() {
        let now: Timestamp = "2026-11-29T02:50:30Z".parse().unwrap();
        let at = |text: &str| format!("2026-11-29T{text}Z").parse::<Timestamp>().unwrap();
        let spell = Spell { since: at("02:10:00"), until: Some(at("02:12:00")), last: at("02:11:00") };
        let report = alarm::Report {
            stack: Place::Local { endpoint: "http://localhost:1".to_owned() },
            at: now,
            alarm: "Deferred",
            verdict: Verdict::Over,
            state: Some(alarm::State {
                is_firing: false,
                since: Some(at("02:13:00")),
                meaning: "The table rejects writes.".to_owned(),
            }),
            spell: Some(spell),
            minutes: vec![
                alarm::Minute { at: at("02:10:00"), value: 7.0 },
                alarm::Minute { at: at("02:11:00"), value: 12.0 },
            ],
            causes: vec![Cause {
                from: "mo",
                reason: "callback spilled: ThrottlingException".to_owned(),
                count: 19,
                first: at("02:10:03"),
                last: at("02:11:40"),
                event_ids: vec!["b48e0ae6ab12d6a90aab59f0ecf2e500".to_owned(); 3],
            }],
            is_cut: true,
            findings: Vec::new(),
            shows: None,
            mends: Some(Commands::example().wab("parked redrive")),
            unread: vec!["cannot read the logs: no connection".to_owned()],
            seconds: 0.25,
        };
        let mut out = Vec::new();
        show_alarm(&report, &TimeZone::UTC, &mut out).unwrap();
        let out = String::from_utf8(out).unwrap();
        insta::assert_snapshot!("alarm", anstream::adapter::strip_str(&out));
        insta::assert_snapshot!("alarm_json", serde_json::to_string_pretty(&report).unwrap());
    }
}
