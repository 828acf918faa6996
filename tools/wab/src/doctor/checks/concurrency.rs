//! Concurrent executions against the traffic, by the rule of docs/operations.md, "Deploying".

use std::time::Duration;

use jiff::SignedDuration;

use super::{Facts, Found};
use crate::doctor::Finding;
use crate::health::Commands;
use crate::stack::{AccountConcurrency, Metric, Metrics};

/// Seconds for which a callback takes an execution: usually, and while DynamoDB is silent.
const USUAL_SECONDS: f64 = 0.010;
const OUTAGE_SECONDS: f64 = 3.5;

/// Lambda's quota *Concurrent executions* (Lambda developer guide, "Lambda quotas").
const QUOTA: &str = "L-B99A9384";

pub(super) async fn check(facts: &Facts<'_>) -> Found {
    let metric = Metric::sum("AWS/ApiGateway", "Count").of("ApiId", &facts.stack.resources.api_id);
    let (minute, day) = (Duration::from_secs(60), SignedDuration::from_hours(24));
    let (metrics, from) = (Metrics::new(&facts.stack.sdk), facts.now - day);
    let requests = [metric];
    let requests = metrics.read(&requests, minute, from, facts.now);
    let reserved =
        futures_util::future::try_join_all(facts.roles.iter().map(|(_, name)| facts.functions.reserved(name)));
    let (account, requests, reserved) = tokio::join!(facts.functions.account_concurrency(), requests, reserved);
    let busiest = requests?.first().and_then(|series| series.maximum_since(from)).unwrap_or(0.0) / 60.0;
    let reserved = facts.roles.iter().zip(reserved?).map(|((role, name), reserved)| (*role, *name, reserved));
    let throttle_rate = facts.parameter("ThrottleRate").and_then(|rate| rate.parse().ok()).unwrap_or(0.0);
    let traffic = Traffic { throttle_rate, busiest };
    Ok(judge(&reserved.collect::<Vec<_>>(), account?, traffic, &facts.commands))
}

/// Callbacks a second.
#[derive(Clone, Copy)]
struct Traffic {
    /// Of each kind, as the API accepts them at most.
    throttle_rate: f64,
    /// Of both kinds, in the busiest minute of the last day.
    busiest: f64,
}

fn judge(
    functions: &[(&str, &str, Option<u32>)],
    account: AccountConcurrency,
    traffic: Traffic,
    commands: &Commands,
) -> Vec<Finding> {
    let mut findings: Vec<_> = functions
        .iter()
        .filter(|(_, _, reserved)| *reserved == Some(0))
        .map(|(role, name, _)| {
            Finding::problem("concurrency", format!("{role} is stopped: its reserved concurrency is 0"))
                .mended_by(commands.aws(&format!("lambda delete-function-concurrency --function-name {name}")))
                .see("runbook.md, MoThrottles")
        })
        .collect();
    let of = |role| functions.iter().find(|(other, ..)| *other == role).and_then(|(_, _, reserved)| *reserved);
    // Each kind has what is reserved for it. Without a reservation, both share what the account has left.
    let is_reserved = of("mo").is_some() && of("dlr").is_some();
    let available = match (of("mo"), of("dlr")) {
        (Some(mo), Some(dlr)) => mo + dlr,
        _ => account.unreserved,
    };
    let usual = whole(traffic.throttle_rate * 2.0 * USUAL_SECONDS);
    let outage = whole(traffic.busiest * OUTAGE_SECONDS);
    let more = |wanted: u32| {
        if is_reserved {
            commands.deploy(&format!("CallbackConcurrency={}", wanted.div_ceil(2)))
        } else {
            let wanted = wanted + account.limit.saturating_sub(account.unreserved);
            let request = "service-quotas request-service-quota-increase --service-code lambda";
            commands.aws(&format!("{request} --quota-code {QUOTA} --desired-value {wanted}"))
        }
    };
    if !findings.is_empty() {
        // What a stopped function lacks isn't traffic's doing.
    } else if usual > available {
        let what = format!("ThrottleRate needs {usual} concurrent executions, and {available} are available");
        findings.push(Finding::warning("concurrency", what).mended_by(more(usual)).see("operations.md, Deploying"));
    } else if outage > available {
        let what = format!(
            "while DynamoDB is silent, the busiest minute of the last day ({:.0} callbacks a second) would need {outage} \
             concurrent executions, and {available} are available",
            traffic.busiest
        );
        findings.push(Finding::warning("concurrency", what).mended_by(more(outage)).see("operations.md, Deploying"));
    }
    super::or_ok(findings, "concurrency", format!("{available} executions are available to mo and dlr"))
}

/// Rounded up.
fn whole(number: f64) -> u32 {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the cast saturates, and rates are positive"
    )]
    let whole = number.ceil() as u32;
    whole
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::health::{Verdict, check_command};

    #[track_caller]
    fn check(reserved: Option<u32>, throttle_rate: f64, busiest: f64, verdict: Verdict, what: &str) {
        let functions = [("mo", "Mo", reserved), ("dlr", "Dlr", reserved), ("fanout", "Fanout", None)];
        let account = AccountConcurrency { limit: 1_000, unreserved: 900 };
        let findings = judge(&functions, account, Traffic { throttle_rate, busiest }, &Commands::example());
        assert_eq!(findings[0].verdict, verdict, "{}", findings[0].what);
        assert!(findings[0].what.contains(what), "{}", findings[0].what);
        findings.iter().flat_map(|finding| &finding.mends).for_each(check_command);
    }

    #[test]
    fn executions_must_be_enough_for_the_traffic() {
        check(None, 500.0, 20.0, Verdict::Ok, "900 executions");
        check(None, 500.0, 300.0, Verdict::Warning, "1050 concurrent executions, and 900");
        check(None, 50_000.0, 20.0, Verdict::Warning, "ThrottleRate needs 1000");
        check(Some(100), 500.0, 20.0, Verdict::Ok, "200 executions");
        check(Some(4), 500.0, 1.0, Verdict::Warning, "ThrottleRate needs 10 ");
        check(Some(0), 500.0, 1.0, Verdict::Problem, "mo is stopped");
    }
}
