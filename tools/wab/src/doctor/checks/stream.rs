//! The event source mappings run, and the stream is read in time.

use std::time::Duration;

use jiff::SignedDuration;

use super::{Facts, Found, or_ok};
use crate::doctor::Finding;
use crate::health::{Commands, span};
use crate::mask::printable;
use crate::stack::{Mapping, Metric, Metrics};

/// The threshold of the alarm `FanoutLag`.
const LONG: SignedDuration = SignedDuration::from_mins(5);

/// The time whose metrics are read. They may be three minutes late, and a failing batch is retried sooner.
const RECENTLY: SignedDuration = SignedDuration::from_mins(8);

pub(super) async fn check(facts: &Facts<'_>) -> Found {
    let mut findings = Vec::new();
    for (role, name) in facts.roles.iter().filter(|(role, _)| matches!(*role, "fanout" | "recover")) {
        match facts.functions.mappings(name).await {
            Ok(mappings) => findings.extend(judge_mappings(role, &mappings, &facts.commands)),
            Err(error) => findings.push(Finding::unknown("event sources", format!("{role}: {error}"))),
        }
    }
    let mut findings = or_ok(findings, "event sources", "fanout reads the stream, recover reads the spill queue");
    let fanout = &facts.stack.resources.fanout_function;
    let age = Metric::maximum("AWS/Lambda", "IteratorAge").of("FunctionName", fanout);
    let minute = Duration::from_secs(60);
    let read = Metrics::new(&facts.stack.sdk).read(&[age], minute, facts.now - RECENTLY, facts.now).await;
    findings.push(match read {
        Ok(series) => {
            let age = series.first().and_then(|series| series.points.last()).map(|(_, milliseconds)| *milliseconds);
            judge_age(age, &facts.commands)
        }
        Err(error) => Finding::unknown("stream age", error),
    });
    Ok(findings)
}

fn judge_mappings(role: &str, mappings: &[Mapping], commands: &Commands) -> Option<Finding> {
    let check = "event sources";
    let see = if role == "fanout" { "runbook.md, FanoutStopped" } else { "runbook.md, SpillLag" };
    let Some(mapping) = mappings.first() else {
        return Some(
            Finding::problem(check, format!("{role} has no event source mapping"))
                .mended_by(commands.deploy(""))
                .see(see),
        );
    };
    let finding = match mapping.state.as_str() {
        "Disabled" | "Disabling" => {
            let enable = format!("lambda update-event-source-mapping --uuid {} --enabled", mapping.uuid);
            Finding::problem(check, format!("the event source mapping of {role} is disabled"))
                .mended_by(commands.aws(&enable))
        }
        "Deleting" => Finding::problem(check, format!("the event source mapping of {role} is being deleted"))
            .mended_by(commands.deploy("")),
        _ if mapping.result.starts_with("PROBLEM") => {
            Finding::problem(check, format!("{role}: {}", printable(&mapping.result))).mended_by(commands.deploy(""))
        }
        _ => return None,
    };
    Some(finding.see(see))
}

fn judge_age(milliseconds: Option<f64>, commands: &Commands) -> Finding {
    let check = "stream age";
    let Some(milliseconds) = milliseconds else { return Finding::ok(check, "nothing was read in the last minutes") };
    let age = SignedDuration::try_from_secs_f64(milliseconds / 1_000.0).unwrap_or(SignedDuration::ZERO);
    let what = format!("fanout publishes {} after an event is stored", span(age));
    if age > LONG {
        Finding::problem(check, what).mended_by(commands.wab("status FanoutLag")).see("runbook.md, FanoutLag")
    } else {
        Finding::ok(check, what)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::health::{Verdict, check_command};

    #[track_caller]
    fn check(state: &str, result: &str, what: Option<&str>) {
        let mapping = Mapping { uuid: "u".to_owned(), state: state.to_owned(), result: result.to_owned() };
        let finding = judge_mappings("fanout", &[mapping], &Commands::example());
        assert_eq!(finding.as_ref().map(|finding| &*finding.what), what);
        finding.iter().flat_map(|finding| &finding.mends).for_each(check_command);
    }

    #[test]
    fn mapping_must_run() {
        check("Enabled", "OK", None);
        check("Creating", "", None);
        check("Disabled", "OK", Some("the event source mapping of fanout is disabled"));
        check("Enabled", "PROBLEM: no permission", Some("fanout: PROBLEM: no permission"));
        let missing = judge_mappings("recover", &[], &Commands::example()).unwrap();
        assert_eq!(missing.what, "recover has no event source mapping");
    }

    #[test]
    fn stream_must_be_read_in_time() {
        let judge = |milliseconds| judge_age(milliseconds, &Commands::example());
        assert_eq!((judge(None).verdict, judge(Some(300_000.0)).verdict), (Verdict::Ok, Verdict::Ok));
        let late = judge(Some(301_000.0));
        assert_eq!((late.verdict, &*late.what), (Verdict::Problem, "fanout publishes 5 min after an event is stored"));
        late.mends.iter().for_each(check_command);
    }
}
