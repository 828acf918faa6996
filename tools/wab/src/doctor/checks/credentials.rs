//! Which verifiers are live, and when each was last used.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::{Facts, Found};
use crate::doctor::Finding;
use crate::health::{Commands, span};
use crate::stack::{Metric, Metrics};

/// The setting of mo and dlr, `user:verifier` separated by commas (docs/operations.md, "Settings").
const SETTING: &str = "CALLBACK_CREDENTIALS";

/// How far back the use of credentials is looked up.
const MONTH: SignedDuration = SignedDuration::from_hours(30 * 24);

/// Credentials that were used, and then not for this long, are replaced.
const IDLE: SignedDuration = SignedDuration::from_hours(24);

pub(super) async fn check(facts: &Facts<'_>) -> Found {
    let users = |role| users(facts.configuration(role)?.environment.as_ref()?.get(SETTING)?);
    let (Some(mo), Some(dlr)) = (users("mo"), users("dlr")) else {
        return Ok(vec![Finding::unknown("credentials", "the settings of mo and dlr can't be read")]);
    };
    let namespace = &facts.stack.resources.stack_name;
    let metrics: Vec<_> = (1..=mo.len())
        .map(|position| Metric::sum(namespace, "Credentials").of("credential", &position.to_string()))
        .collect();
    let hour = Duration::from_secs(3600);
    let series = Metrics::new(&facts.stack.sdk).read(&metrics, hour, facts.now - MONTH, facts.now).await?;
    let last_used: Vec<_> = series.iter().map(crate::stack::Series::last_nonzero).collect();
    Ok(vec![judge(&mo, &dlr, &last_used, facts.now, &facts.commands)])
}

/// The user names of a setting, never the verifiers.
fn users(setting: &str) -> Option<Vec<String>> {
    setting.split(',').map(|pair| pair.split_once(':').map(|(user, _)| user.to_owned())).collect()
}

fn judge(
    mo: &[String],
    dlr: &[String],
    last_used: &[Option<Timestamp>],
    now: Timestamp,
    commands: &Commands,
) -> Finding {
    if mo != dlr {
        let what = format!("mo accepts {}, and dlr {}", mo.join(", "), dlr.join(", "));
        return Finding::problem("credentials", what).mended_by(commands.deploy("CallbackCredentials=VERIFIER"));
    }
    // A metric's hour begins up to an hour before the use.
    let ago = |at: Timestamp| now.duration_since(at) - SignedDuration::from_hours(1);
    let described = mo.iter().zip(last_used).map(|(user, last)| match last {
        Some(last) if ago(*last) <= SignedDuration::ZERO => format!("{user}, used within the hour"),
        Some(last) => format!("{user}, last used {} ago", span(ago(*last))),
        None => format!("{user}, not used in 30 days"),
    });
    let described = described.collect::<Vec<_>>().join("; ");
    let is_replaced = |last: &Option<Timestamp>| last.is_some_and(|last| ago(last) > IDLE);
    let is_in_use = |last: &Option<Timestamp>| last.is_some_and(|last| ago(last) <= IDLE);
    if last_used.iter().any(is_in_use) && last_used.iter().any(is_replaced) {
        return Finding::warning("credentials", format!("{described}: the rotation can be completed"))
            .mended_by(commands.deploy("CallbackCredentials=NEW"))
            .see("runbook.md, Rotating credentials");
    }
    Finding::ok("credentials", described)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::health::{Verdict, check_command};

    #[test]
    fn users_are_read_without_their_verifiers() {
        assert_eq!(users("shop:00ff,shop-next:11ee"), Some(vec!["shop".to_owned(), "shop-next".to_owned()]));
        assert_eq!((users(""), users("shop")), (None, None));
    }

    #[track_caller]
    fn check(hours_ago: &[Option<i64>], verdict: Verdict, what: &str) {
        let now: Timestamp = "2026-11-29T02:50:00Z".parse().unwrap();
        let users: Vec<_> = (0..hours_ago.len()).map(|number| format!("user{number}")).collect();
        let last_used: Vec<_> =
            hours_ago.iter().map(|hours| hours.map(|hours| now - SignedDuration::from_hours(hours))).collect();
        let finding = judge(&users, &users, &last_used, now, &Commands::example());
        assert_eq!((finding.verdict, &*finding.what), (verdict, what));
        finding.mends.iter().for_each(check_command);
    }

    #[test]
    fn idle_credentials_next_to_used_ones_are_a_warning() {
        check(&[Some(0)], Verdict::Ok, "user0, used within the hour");
        check(&[None], Verdict::Ok, "user0, not used in 30 days");
        check(&[Some(1), None], Verdict::Ok, "user0, used within the hour; user1, not used in 30 days");
        check(&[Some(90)], Verdict::Ok, "user0, last used 3 days ago");
        let completed = "user0, last used 2 days ago; user1, used within the hour: the rotation can be completed";
        check(&[Some(50), Some(0)], Verdict::Warning, completed);
    }

    #[test]
    fn functions_must_accept_the_same_users() {
        let (one, two) = (vec!["shop".to_owned()], vec!["other".to_owned()]);
        let finding = judge(&one, &two, &[None], Timestamp::UNIX_EPOCH, &Commands::example());
        assert_eq!((finding.verdict, &*finding.what), (Verdict::Problem, "mo accepts shop, and dlr other"));
        finding.mends.iter().for_each(check_command);
    }
}
