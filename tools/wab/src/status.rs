//! `wab status`: the whole stack on one screen.

mod alarm;
mod causes;
pub(crate) mod readings;
mod render;
mod report;
mod spell;

use std::io::Write;

use clap::builder::PossibleValuesParser;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::Serialize;

use crate::aws;
use crate::shell::Shell;
use crate::stack::StackArgs;

/// Show the whole stack on one screen, or what one alarm reports and why
///
/// The screen has, from top to bottom: callbacks by outcome, rejections, what waits, what subscribers didn't get, and the
/// alarms that are firing. Each line is `ok`, `over` (wrong within the last 24 hours, with its times), `warning` or
/// `problem`. The last two name the command that shows the cause, and the one that mends it, if there is one.
///
/// With the name of an alarm, the command shows its state, the minutes in which something was wrong, the reasons that the
/// logs give with their counts and up to ten event ids each, and what `wab doctor` finds about it.
///
/// The command only reads. The screen takes about seven calls: the last 24 hours of some 30 metrics by the minute
/// (0.0003 USD), the alarms, and the lengths of two queues. A metric can be three minutes late, and it takes five quiet
/// minutes until something is called `over`.
#[derive(clap::Args)]
#[command(after_help = AFTER)]
pub(crate) struct Args {
    /// An alarm, by its name in docs/runbook.md, such as `Deferred`
    #[arg(value_parser = PossibleValuesParser::new(alarm::names()), hide_possible_values = true, ignore_case = true)]
    alarm: Option<String>,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    stack: StackArgs,
}

const AFTER: &str = "\
Examples:
  wab status
  wab status Deferred
  wab status --stack wab --region ap-southeast-2 --json

Exit codes:
  0  nothing needs action now
  1  something needs action: a line is `warning` or `problem`, or an alarm is firing. Of one alarm: it is firing, or
     something was wrong within the last 15 minutes
  2  usage error
  3  a call to AWS failed, and nothing else needs action";

pub(crate) fn run(args: &Args, shell: &mut Shell<'_>) -> anyhow::Result<u8> {
    let now = Timestamp::now();
    if let Some(name) = &args.alarm {
        let report = aws::block_on(async {
            let stack = args.stack.connect(shell.directory).await?;
            alarm::gather(&stack, name, now).await
        })?;
        if args.json {
            json(&report, &mut shell.out)?;
        } else {
            render::show_alarm(&report, &TimeZone::system(), &mut shell.out)?;
        }
        return Ok(report.verdict.exit_code());
    }
    let report = aws::block_on(async {
        let stack = args.stack.connect(shell.directory).await?;
        report::gather(&stack, now).await
    })?;
    if args.json {
        json(&report, &mut shell.out)?;
    } else {
        render::show(&report, &TimeZone::system(), &mut shell.out)?;
    }
    Ok(report.verdict().exit_code())
}

fn json(report: &impl Serialize, out: &mut dyn Write) -> anyhow::Result<()> {
    serde_json::to_writer_pretty(&mut *out, report)?;
    Ok(writeln!(out)?)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use jiff::SignedDuration;

    use super::readings::{Readings, Role, Source};
    use super::report::{Amount, Report, Screen, Signal};
    use super::*;
    use crate::health::{Commands, Verdict, check_command};
    use crate::stack::{Alarm, Depth, Place, Series};

    fn now() -> Timestamp {
        "2026-11-29T02:50:30Z".parse().unwrap()
    }

    /// Data points, by how many minutes ago they are.
    fn series(points: &[(i64, f64)]) -> Series {
        let at = |minutes: i64| now() - SignedDuration::from_secs(minutes * 60 + 30);
        let mut points: Vec<_> = points.iter().map(|(minutes, value)| (at(*minutes), *value)).collect();
        points.sort_by_key(|(at, _)| *at);
        Series { points }
    }

    fn report(readings: Vec<(Source, Series)>, parked: Option<Depth>, spilled: Option<Depth>) -> Report {
        let readings = Readings::new(readings);
        let screen = Screen { readings: &readings, commands: Commands::example(), now: now() };
        Report {
            stack: Place::Local { endpoint: "http://localhost:1".to_owned() },
            version: Some("0.1.0".to_owned()),
            at: now(),
            received: screen.received(),
            callbacks: screen.callbacks(),
            last_accepted: screen.last_accepted(),
            signals: screen.signals(parked, spilled),
            alarms: Vec::new(),
            unread: Vec::new(),
            seconds: 0.25,
        }
    }

    fn alarm(name: &str, minutes_ago: Option<i64>) -> Alarm {
        Alarm {
            name: name.to_owned(),
            alarm_name: format!("wab-{name}Alarm-1"),
            is_firing: minutes_ago.is_some(),
            since: minutes_ago.map(|minutes| now() - SignedDuration::from_mins(minutes)),
            topics: Vec::new(),
            has_actions_enabled: true,
            description: String::new(),
        }
    }

    /// A table that rejected writes for a while, a crash, and parked events.
    fn troubled() -> Report {
        let outcome = Source::Callbacks;
        let parked = Some(Depth { visible: 2, in_flight: 1 });
        let readings = vec![
            (outcome("stored"), series(&[(90, 3_000.0), (2, 12.0)])),
            (outcome("deferred"), series(&[(40, 7.0), (39, 3.0), (30, 2.0)])),
            (Source::Errors(Role::Fanout), series(&[(3, 1.0)])),
            (Source::DeadLetters, series(&[(20, 3.0), (10, 3.0), (0, 3.0)])),
            (Source::DeadLetterAge, series(&[(0, 93_600.0)])),
            (Source::IteratorAge, series(&[(50, 400_000.0), (2, 1_200.0)])),
            (Source::Invocations(Role::Mo), series(&[(90, 2_000.0), (2, 12.0)])),
            (Source::Invocations(Role::Dlr), series(&[(90, 1_000.0)])),
            (Source::Invocations(Role::Fanout), series(&[(2, 1.0)])),
            (Source::Unauthorized, series(&[(1, 4.0)])),
            (Source::MoNotificationsFailed, series(&[(2, 1.0)])),
        ];
        let alarms = vec![alarm("FanoutErrors", Some(2)), alarm("Deferred", None)];
        Report { alarms, ..report(readings, parked, Some(Depth::default())) }
    }

    fn shown(report: &Report) -> String {
        let mut out = Vec::new();
        render::show(report, &TimeZone::UTC, &mut out).unwrap();
        anstream::adapter::strip_str(&String::from_utf8(out).unwrap()).to_string()
    }

    fn signal<'a>(report: &'a Report, name: &str) -> &'a Signal {
        report.signals.iter().find(|signal| signal.name == name).unwrap()
    }

    #[test]
    fn healthy_stack_is_one_quiet_screen() {
        let stored = series(&[(60, 30.0), (1, 2.0)]);
        let invoked = series(&[(1, 1.0)]);
        let readings = vec![(Source::Callbacks("stored"), stored), (Source::Invocations(Role::Fanout), invoked)];
        let report = report(readings, Some(Depth::default()), Some(Depth::default()));
        assert_eq!(report.verdict(), Verdict::Ok);
        insta::assert_snapshot!("healthy", shown(&report));
    }

    #[test]
    fn trouble_is_shown_with_its_times_and_commands() {
        let report = troubled();
        assert_eq!(report.verdict(), Verdict::Problem);
        insta::assert_snapshot!("troubled", shown(&report));
        insta::assert_snapshot!("troubled_json", serde_json::to_string_pretty(&report).unwrap());
    }

    #[test]
    fn every_printed_command_parses() {
        let report = troubled();
        for signal in &report.signals {
            check_command(&signal.shows);
            signal.mends.iter().for_each(check_command);
        }
        let alarms: BTreeSet<_> = alarm::names().collect();
        for alarm in &alarms {
            let spell = Some(spell::Spell { since: now(), until: None, last: now() });
            report::mend(alarm, spell, now(), &Commands::example()).iter().for_each(check_command);
        }
        assert!(report.signals.iter().all(|signal| alarms.contains(signal.alarm)));
    }

    #[test]
    fn single_stranger_is_only_a_warning() {
        let verdict = |count| {
            let readings = vec![(Source::Unauthorized, series(&[(1, count)]))];
            signal(&report(readings, Some(Depth::default()), None), "unauthorized").verdict
        };
        assert_eq!((verdict(4.0), verdict(5.0)), (Verdict::Warning, Verdict::Problem));
    }

    #[test]
    fn events_that_fanout_never_saw_are_unpublished() {
        let unpublished = |stored: i64, invoked: i64| {
            let readings = vec![
                (Source::Callbacks("stored"), series(&[(stored, 2.0)])),
                (Source::Invocations(Role::Fanout), series(&[(invoked, 1.0)])),
            ];
            signal(&report(readings, Some(Depth::default()), None), "unpublished").amount
        };
        assert_eq!(unpublished(10, 10), Amount::Waiting(0));
        assert_eq!(unpublished(10, 11), Amount::Waiting(2));
        assert_eq!(unpublished(1, 11), Amount::Waiting(0), "the metric may be late");
    }

    #[test]
    fn unreadable_queue_is_unknown() {
        let report = report(Vec::new(), None, Some(Depth::default()));
        assert_eq!((signal(&report, "parked").verdict, report.verdict()), (Verdict::Unknown, Verdict::Unknown));
    }
}
