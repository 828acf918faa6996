//! Alarms that are firing, and whether anyone hears of them.

use std::collections::BTreeSet;

use anyhow::anyhow;

use super::{Facts, Found, or_ok};
use crate::doctor::Finding;
use crate::health::{Commands, span};
use crate::stack::{Alarm, Alarms, Subscriptions};

pub(super) async fn check(facts: &Facts<'_>) -> Found {
    let resources = facts.resources.as_ref().map_err(|error| anyhow!("{error:#}"))?;
    let alarms = Alarms::new(&facts.stack.sdk).of(resources).await?;
    let firing = alarms.iter().filter(|alarm| alarm.is_firing).map(|alarm| {
        let since =
            alarm.since.map_or_else(String::new, |since| format!(", for {}", span(facts.now.duration_since(since))));
        Finding::problem("alarms", format!("{} is firing{since}", alarm.name))
            .mended_by(facts.commands.wab(&format!("status {}", alarm.name)))
            .see("runbook.md, the section of that name")
    });
    let mut findings = or_ok(firing.collect(), "alarms", format!("none of {} is firing", alarms.len()));

    let topics: BTreeSet<_> = alarms.iter().flat_map(|alarm| alarm.topics.iter().map(String::as_str)).collect();
    let mut unheard = Vec::new();
    for topic in topics {
        match Subscriptions::new(&facts.stack.sdk).is_heard(topic).await? {
            Some(true) => {}
            Some(false) => unheard.push((topic, "has no confirmed subscription")),
            None => unheard.push((topic, "is gone")),
        }
    }
    let heard = judge_actions(&alarms, &unheard, &facts.commands);
    if facts.stack.is_local() && alarms.iter().all(|alarm| alarm.topics.is_empty()) {
        findings.push(Finding::skipped("alarm actions", "the local stack's alarms notify nobody"));
    } else {
        findings.extend(or_ok(heard, "alarm actions", "alarms notify the people on call"));
    }
    Ok(findings)
}

fn judge_actions(alarms: &[Alarm], unheard: &[(&str, &str)], commands: &Commands) -> Vec<Finding> {
    let check = "alarm actions";
    let see = "operations.md, Deploying";
    let silent = alarms.iter().filter(|alarm| alarm.topics.is_empty()).count();
    let disabled: Vec<_> =
        alarms.iter().filter(|alarm| !alarm.has_actions_enabled).map(|alarm| alarm.alarm_name.as_str()).collect();
    let mut findings = Vec::new();
    if silent > 0 {
        let what = format!("{silent} of {} alarms notify nobody", alarms.len());
        findings.push(Finding::warning(check, what).mended_by(commands.deploy("AlarmTopicArn=ARN")).see(see));
    }
    if !disabled.is_empty() {
        let what = format!("the actions of {} alarms are disabled", disabled.len());
        let enable = commands.aws(&format!("cloudwatch enable-alarm-actions --alarm-names {}", disabled.join(" ")));
        findings.push(Finding::warning(check, what).mended_by(enable).see(see));
    }
    for (topic, problem) in unheard {
        let what = format!("the topic that alarms notify {problem}");
        let subscribe = format!("sns subscribe --topic-arn {topic} --protocol email --notification-endpoint ADDRESS");
        findings.push(Finding::warning(check, what).mended_by(commands.aws(&subscribe)).see(see));
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::health::check_command;

    #[test]
    fn someone_must_hear_of_alarms() {
        let alarm = |topic: Option<&str>, has_actions_enabled| Alarm {
            name: "Deferred".to_owned(),
            alarm_name: "wab-DeferredAlarm-1".to_owned(),
            is_firing: false,
            since: None,
            topics: topic.map(str::to_owned).into_iter().collect(),
            has_actions_enabled,
            description: String::new(),
        };
        let found = |alarms: &[Alarm], unheard: &[(&str, &str)]| {
            let findings = judge_actions(alarms, unheard, &Commands::example());
            findings.iter().flat_map(|finding| &finding.mends).for_each(check_command);
            findings.into_iter().map(|finding| finding.what).collect::<Vec<_>>()
        };
        assert_eq!(found(&[alarm(Some("arn"), true)], &[]), [""; 0]);
        assert_eq!(found(&[alarm(None, true), alarm(Some("arn"), true)], &[]), ["1 of 2 alarms notify nobody"]);
        assert_eq!(found(&[alarm(Some("arn"), false)], &[]), ["the actions of 1 alarms are disabled"]);
        let unheard = found(&[alarm(Some("arn"), true)], &[("arn", "is gone")]);
        assert_eq!(unheard, ["the topic that alarms notify is gone"]);
    }
}
