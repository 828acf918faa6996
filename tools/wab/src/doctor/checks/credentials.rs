//! Which verifiers are live, when each was last used, and whether a rotation can be completed.

use anyhow::Context;
use jiff::{SignedDuration, Timestamp};

use super::{Facts, Found};
use crate::credentials::{Live, Stage};
use crate::doctor::Finding;
use crate::health::{Commands, quoted, span};

/// Credentials that weren't used for this long, while newer ones of the same user were, are replaced. `wab credentials
/// rotate` waits as long.
const IDLE: SignedDuration = SignedDuration::from_hours(24);

const HOUR: SignedDuration = SignedDuration::from_hours(1);

pub(super) async fn check(facts: &Facts<'_>) -> Found {
    let functions = facts.configuration("mo").zip(facts.configuration("dlr"));
    let (mo, dlr) = functions.context("the settings of mo and dlr can't be read")?;
    if mo.environment.is_none() || dlr.environment.is_none() {
        return Ok(vec![Finding::unknown("credentials", "the settings of mo and dlr can't be read")]);
    }
    let live = match Live::of(mo, dlr) {
        Ok(live) => live,
        Err(problem) => return Ok(vec![unequal(&problem, &facts.commands)]),
    };
    let live = live.with_use(&facts.stack.sdk, &facts.stack.resources.stack_name, facts.now).await?;
    Ok(vec![judge(&live, facts.now, &facts.commands)])
}

fn unequal(problem: &anyhow::Error, commands: &Commands) -> Finding {
    Finding::problem("credentials", problem.to_string()).mended_by(commands.deploy("CallbackCredentials=VERIFIER"))
}

fn judge(live: &Live, now: Timestamp, commands: &Commands) -> Finding {
    let described = live.pairs.iter().map(|pair| match pair.last_used.map(|at| now.duration_since(at)) {
        Some(ago) if ago < HOUR => format!("{}, used within the hour", pair.user),
        Some(ago) => format!("{}, last used {} ago", pair.user, span(ago)),
        None => {
            format!("{}, not used since the functions changed {} ago", pair.user, span(now.duration_since(live.since)))
        }
    });
    let described = described.collect::<Vec<_>>().join("; ");
    let users = live.users();
    let replaced = users.iter().find(|user| live.stage(user, IDLE, now) == Some(Stage::Replaced));
    match replaced {
        Some(user) => Finding::warning("credentials", format!("{described}: the rotation can be completed"))
            .mended_by(commands.wab(&format!("credentials rotate --user {}", quoted(user))))
            .see("runbook.md, Rotating credentials"),
        None => Finding::ok("credentials", described),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::credentials::example;
    use crate::health::{Verdict, check_command};

    #[track_caller]
    fn check(pairs: &[(&str, Option<i64>)], verdict: Verdict, what: &str) {
        let now: Timestamp = "2026-11-29T02:50:00Z".parse().unwrap();
        let finding = judge(&example(pairs, now), now, &Commands::example());
        assert_eq!((finding.verdict, &*finding.what), (verdict, what));
        finding.mends.iter().for_each(check_command);
    }

    #[test]
    fn idle_credentials_next_to_newer_used_ones_are_a_warning() {
        check(&[("shop", Some(1))], Verdict::Ok, "shop, used within the hour");
        check(&[("shop", None)], Verdict::Ok, "shop, not used since the functions changed 2 days ago");
        check(&[("shop", Some(2_880))], Verdict::Ok, "shop, last used 2 days ago");
        let begun = "shop, used within the hour; shop, not used since the functions changed 2 days ago";
        check(&[("shop", Some(1)), ("shop", None)], Verdict::Ok, begun);
        let completed = "shop, last used 30 h ago; shop, used within the hour: the rotation can be completed";
        check(&[("shop", Some(1_800)), ("shop", Some(1))], Verdict::Warning, completed);
    }

    #[test]
    fn quiet_application_is_no_rotation() {
        let quiet = "bank, last used 30 h ago; shop, used within the hour";
        check(&[("bank", Some(1_800)), ("shop", Some(1))], Verdict::Ok, quiet);
    }

    #[test]
    fn functions_must_accept_the_same_verifiers() {
        let problem = anyhow::anyhow!("mo accepts other verifiers than dlr");
        let finding = unequal(&problem, &Commands::example());
        assert_eq!((finding.verdict, &*finding.what), (Verdict::Problem, "mo accepts other verifiers than dlr"));
        finding.mends.iter().for_each(check_command);
    }
}
