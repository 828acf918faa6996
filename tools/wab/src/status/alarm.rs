//! `wab status ALARM`: what one alarm reports, and why.

use std::time::Instant;

use anyhow::bail;
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use super::causes::{self, Cause};
use super::readings::{Readings, Role, Source};
use super::report::mend;
use super::spell::{PERIOD, Spell};
use crate::doctor::{self, Finding, Subject};
use crate::health::{Command, Commands, Verdict};
use crate::stack::{Alarm, Alarms, CloudFormation, Logs, Place, Series, Stack};

/// The time that is shown by the minute, and whose log lines are read, unless the last spell began earlier.
const HOUR: SignedDuration = SignedDuration::from_hours(1);

/// What happened within this time needs action, also if the alarm has ended.
const RECENTLY: SignedDuration = SignedDuration::from_mins(15);

/// What an alarm watches, and where its cause is found.
struct Watched {
    /// The name of the alarm.
    name: &'static str,
    /// Data points that are bad, added up.
    sources: &'static [Source],
    /// Log groups, and patterns of lines that give a reason.
    lines: &'static [(&'static str, &'static str)],
    /// What `wab doctor` checks about it.
    subject: Option<Subject>,
}

const FAILED: &str = r#"{ ($.level = "ERROR") || ($.type = "platform.*") }"#;
const ANSWERED_5XX: &str = r#"{ $.status = "5*" }"#;
const DEFERRED: &str = r#"{ $.fields.outcome = "deferred" }"#;
const FORBIDDEN: &str = r#"{ $.fields.code = "forbidden" }"#;
const QUARANTINED: &str = r#"{ $.fields.outcome = "quarantined" }"#;
const VARIANT: &str = r#"{ $.fields.outcome = "variant" }"#;
const REPORTED: &str = r#"{ ($.level = "WARN") || ($.level = "ERROR") || ($.type = "platform.*") }"#;

/// Every alarm of the template, in the order of the runbook.
const ALL: [Watched; 23] = [
    watched("Unanswered", &[Source::Unanswered])
        .said_by(&[("mo", FAILED), ("dlr", FAILED), ("api", ANSWERED_5XX)])
        .about(Subject::Functions),
    watched("MoErrors", &[Source::Errors(Role::Mo)]).said_by(&[("mo", FAILED)]).about(Subject::Functions),
    watched("DlrErrors", &[Source::Errors(Role::Dlr)]).said_by(&[("dlr", FAILED)]).about(Subject::Functions),
    watched("MoThrottles", &[Source::Throttles(Role::Mo)])
        .said_by(&[("api", r#"{ ($.status = "5*") && ($.routeKey = "POST /mo*") }"#)])
        .about(Subject::Concurrency),
    watched("DlrThrottles", &[Source::Throttles(Role::Dlr)])
        .said_by(&[("api", r#"{ ($.status = "5*") && ($.routeKey = "POST /dlr*") }"#)])
        .about(Subject::Concurrency),
    watched("RateLimited", &[Source::RateLimited]).said_by(&[("api", r#"{ $.status = "429" }"#)]),
    watched("TooLarge", &[Source::TooLarge])
        .said_by(&[("api", r#"{ ($.status = "413") || ($.integrationStatus = "413") }"#)]),
    watched("Unauthorized", &[Source::Unauthorized])
        .said_by(&[("api", r#"{ $.status = "401" }"#)])
        .about(Subject::Credentials),
    watched("Forbidden", &[Source::Forbidden]).said_by(&[("mo", FORBIDDEN), ("dlr", FORBIDDEN)]),
    watched("Silence", &[]).said_by(&[("api", r#"{ $.status = "*" }"#)]).about(Subject::Functions),
    watched("Deferred", &[Source::Callbacks("deferred")]).said_by(&[("mo", DEFERRED), ("dlr", DEFERRED)]),
    watched("SpillLag", &[Source::SpillVisible, Source::SpillInFlight])
        .said_by(&[("recover", REPORTED)])
        .about(Subject::Stream),
    watched("RecoverErrors", &[Source::Errors(Role::Recover)])
        .said_by(&[("recover", FAILED)])
        .about(Subject::Functions),
    watched("FanoutLag", &[Source::IteratorAge]).said_by(&[("fanout", FAILED)]).about(Subject::Stream),
    watched("FanoutErrors", &[Source::Errors(Role::Fanout)]).said_by(&[("fanout", FAILED)]).about(Subject::Functions),
    watched("FanoutStopped", &[]).said_by(&[("fanout", FAILED)]).about(Subject::Stream),
    watched("FanoutThrottles", &[Source::Throttles(Role::Fanout)]).about(Subject::Concurrency),
    watched("MoNotificationsFailed", &[Source::MoNotificationsFailed]).about(Subject::Subscriptions),
    watched("DlrNotificationsFailed", &[Source::DlrNotificationsFailed]).about(Subject::Subscriptions),
    watched("FifoNotificationsFailed", &[Source::FifoNotificationsFailed]).about(Subject::Subscriptions),
    watched("DeadLetters", &[Source::DeadLetters])
        .said_by(&[
            ("fanout", r#"{ $.fields.message = "*parked*" }"#),
            ("recover", r#"{ $.fields.message = "*parked*" }"#),
        ])
        .about(Subject::Queues),
    watched("Quarantine", &[Source::Callbacks("quarantined")]).said_by(&[("mo", QUARANTINED), ("dlr", QUARANTINED)]),
    watched("Variant", &[Source::Callbacks("variant")]).said_by(&[("mo", VARIANT), ("dlr", VARIANT)]),
];

const fn watched(name: &'static str, sources: &'static [Source]) -> Watched {
    Watched { name, sources, lines: &[], subject: None }
}

impl Watched {
    const fn said_by(self, lines: &'static [(&'static str, &'static str)]) -> Self {
        Self { lines, ..self }
    }

    const fn about(self, subject: Subject) -> Self {
        Self { subject: Some(subject), ..self }
    }
}

#[derive(Serialize)]
pub(crate) struct Report {
    pub(crate) stack: Place,
    pub(crate) at: Timestamp,
    pub(crate) alarm: &'static str,
    pub(crate) verdict: Verdict,
    /// None if the stack has no such alarm: `Forbidden`, `Silence` and `FifoNotificationsFailed` need a parameter.
    pub(crate) state: Option<State>,
    /// When it was last wrong.
    #[serde(flatten)]
    pub(crate) spell: Option<Spell>,
    /// The minutes of the last hour, or of the last spell, in which something was wrong.
    pub(crate) minutes: Vec<Minute>,
    pub(crate) causes: Vec<Cause>,
    /// The log has more lines than were read.
    pub(crate) is_cut: bool,
    pub(crate) findings: Vec<Finding>,
    pub(crate) shows: Option<Command>,
    pub(crate) mends: Option<Command>,
    /// What couldn't be read, and why.
    pub(crate) unread: Vec<String>,
    pub(crate) seconds: f64,
}

#[derive(Clone, Serialize)]
pub(crate) struct State {
    pub(crate) is_firing: bool,
    pub(crate) since: Option<Timestamp>,
    pub(crate) meaning: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(crate) struct Minute {
    pub(crate) at: Timestamp,
    pub(crate) value: f64,
}

impl State {
    fn new(alarm: &Alarm) -> Self {
        // The description ends with the section of the runbook.
        let meaning = alarm.description.split(" Runbook:").next().unwrap_or_default();
        Self { is_firing: alarm.is_firing, since: alarm.since, meaning: meaning.to_owned() }
    }
}

/// The names of all alarms.
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    ALL.iter().map(|watched| watched.name)
}

/// Reads what an alarm's metric, its log lines and the checks of `wab doctor` say.
pub(crate) async fn gather(stack: &Stack, name: &str, now: Timestamp) -> anyhow::Result<Report> {
    let started = Instant::now();
    let Some(watched) = ALL.iter().find(|watched| watched.name.eq_ignore_ascii_case(name)) else {
        bail!("there is no alarm {name}: name one of {}", names().collect::<Vec<_>>().join(", "));
    };
    let alarm = async {
        let resources = CloudFormation::new(&stack.sdk, &stack.resources.stack_name).resources().await?;
        let alarms = Alarms::new(&stack.sdk).of(&resources).await?;
        Ok(alarms.into_iter().find(|alarm| alarm.name == watched.name))
    };
    let findings = async {
        match watched.subject {
            Some(subject) => doctor::about(stack, subject, now).await,
            None => Vec::new(),
        }
    };
    let (readings, alarm, findings) = tokio::join!(Readings::read(stack, now), alarm, findings);
    let readings = readings?;
    let mut unread = Vec::new();
    let alarm: Option<Alarm> = alarm.unwrap_or_else(|error: crate::aws::Unavailable| {
        unread.push(error.to_string());
        None
    });

    let bad = bad(watched, &readings, now);
    let ended = alarm.as_ref().filter(|alarm| !alarm.is_firing).and_then(|alarm| alarm.since);
    let spell = Spell::last(&bad, |value| value > 0.0, now).map(|spell| spell.ended_with(ended));
    let from = spell.map_or(now - HOUR, |spell| spell.since.min(now - HOUR));
    let mut causes = Vec::new();
    let mut is_cut = false;
    for (group, lines) in read_lines(stack, watched, from, now).await {
        match lines {
            Ok(lines) => {
                is_cut |= lines.is_cut;
                causes.extend(causes::group(group, &lines.lines));
            }
            Err(error) => unread.push(error.to_string()),
        }
    }
    let findings: Vec<_> = findings.into_iter().filter(|finding| finding.verdict > Verdict::Over).collect();
    let state = alarm.as_ref().map(State::new);
    let verdict = verdict(state.as_ref(), spell, &unread, now);
    let commands = Commands::new(stack);
    // A finding may only refer to this report.
    let this = commands.wab(&format!("status {}", watched.name));
    let found = findings.iter().find_map(|finding| finding.mends.clone().filter(|mends| *mends != this));
    let mends = found.or_else(|| mend(watched.name, spell, now, &commands));
    // What a subscriber lost stays lost until it is published again.
    let is_lasting = matches!(watched.subject, Some(Subject::Subscriptions));
    Ok(Report {
        stack: stack.place.clone(),
        at: now,
        alarm: watched.name,
        verdict,
        state,
        spell,
        minutes: minutes(&bad, from),
        causes,
        is_cut,
        findings,
        shows: (watched.name == "DeadLetters").then(|| commands.wab("parked list")),
        mends: mends.filter(|_| is_lasting || verdict.exit_code() != 0),
        unread,
        seconds: started.elapsed().as_secs_f64(),
    })
}

/// Data points that are above zero where something is wrong.
fn bad(watched: &Watched, readings: &Readings, now: Timestamp) -> Series {
    match watched.name {
        // What is accepted ends the silence, so nothing by the minute is bad.
        "Silence" => Series::default(),
        "FanoutStopped" => readings.unpublished(now),
        // In seconds.
        "FanoutLag" => readings.lag(),
        _ => readings.of(watched.sources),
    }
}

async fn read_lines(
    stack: &Stack,
    watched: &Watched,
    from: Timestamp,
    now: Timestamp,
) -> Vec<(&'static str, Result<crate::stack::Lines, crate::aws::Unavailable>)> {
    let logs = Logs::new(&stack.sdk);
    let stack_name = &stack.resources.stack_name;
    let read = watched.lines.iter().map(async |(group, pattern)| {
        let path = if *group == "api" { "/aws/vendedlogs" } else { "/aws/lambda" };
        (*group, logs.lines(&format!("{path}/{stack_name}/{group}"), pattern, from, now).await)
    });
    futures_util::future::join_all(read).await
}

fn minutes(bad: &Series, from: Timestamp) -> Vec<Minute> {
    let wrong = bad.points.iter().filter(|(at, value)| *at >= from - PERIOD && *value > 0.0);
    wrong.map(|(at, value)| Minute { at: *at, value: *value }).collect()
}

/// Wrong while the alarm is firing. Then until 15 minutes after the last bad minute, unless the alarm has ended since.
fn verdict(state: Option<&State>, spell: Option<Spell>, unread: &[String], now: Timestamp) -> Verdict {
    let is_recent = |spell: Spell| spell.until.is_none() || now.duration_since(spell.last) < RECENTLY;
    let has_ended = |state: Option<&State>, spell: Spell| {
        state.and_then(|state| state.since).is_some_and(|ended| ended >= spell.last)
    };
    match (state, spell) {
        (Some(State { is_firing: true, .. }), _) => Verdict::Problem,
        (state, Some(spell)) if is_recent(spell) && !has_ended(state, spell) => Verdict::Warning,
        _ if !unread.is_empty() => Verdict::Unknown,
        (None, None) => Verdict::Skipped,
        (_, Some(_)) => Verdict::Over,
        (Some(_), None) => Verdict::Ok,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_alarm_of_the_template_can_be_shown() {
        let template = include_str!("../../../../infra/template.yaml");
        let alarms = template.lines().filter_map(|line| line.strip_prefix("  ")?.strip_suffix("Alarm:"));
        let alarms: BTreeSet<_> = alarms.filter(|name| !name.starts_with(' ')).collect();
        assert_eq!(names().collect::<BTreeSet<_>>(), alarms);
    }

    #[test]
    fn every_alarm_has_its_section_in_the_runbook() {
        let runbook = include_str!("../../../../docs/runbook.md");
        for name in names() {
            assert!(runbook.contains(&format!("\n## {name}\n")), "{name}");
        }
    }

    #[test]
    fn alarm_needs_action_until_it_has_ended_or_is_long_quiet() {
        let at = |minute: i64| Timestamp::from_second(minute * 60).unwrap();
        let state = |is_firing, since: i64| State { is_firing, since: Some(at(since)), meaning: String::new() };
        let spell = |last: i64, until: Option<i64>| Some(Spell { since: at(0), until: until.map(at), last: at(last) });
        let verdict = |is_firing, since, spell| verdict(Some(&state(is_firing, since)), spell, &[], at(100));
        assert_eq!(verdict(true, 99, None), Verdict::Problem);
        assert_eq!(verdict(false, 10, spell(98, None)), Verdict::Warning, "the alarm is late");
        assert_eq!(verdict(false, 99, spell(98, None)), Verdict::Over);
        assert_eq!(verdict(false, 10, spell(86, Some(87))), Verdict::Warning);
        assert_eq!(verdict(false, 10, spell(85, Some(86))), Verdict::Over);
        assert_eq!(verdict(false, 10, None), Verdict::Ok);
        assert_eq!(super::verdict(None, None, &[], at(100)), Verdict::Skipped);
        assert_eq!(super::verdict(None, None, &["no permission".to_owned()], at(100)), Verdict::Unknown);
    }
}
