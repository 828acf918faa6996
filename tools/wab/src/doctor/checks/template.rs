//! The CloudFormation stack: the outcome of its last update, and drift from its template.

use super::{Facts, Found};
use crate::doctor::{Finding, Wanted};
use crate::health::Commands;
use crate::stack::{CloudFormation, Drift};

pub(super) async fn check(facts: &Facts<'_>, wanted: &Wanted) -> Found {
    let status = match &facts.description {
        Ok(description) => judge_status(&description.status, &facts.commands),
        Err(error) => Finding::unknown("template", format!("{error:#}")),
    };
    let drift = if !wanted.drift {
        Finding::skipped("drift", "give --drift to compare the resources with the template")
    } else if facts.stack.is_local() {
        Finding::skipped("drift", "the emulator doesn't compare as CloudFormation does")
    } else {
        match CloudFormation::new(&facts.stack.sdk, &facts.stack.resources.stack_name).drift().await {
            Ok(drift) => judge_drift(&drift, &facts.commands),
            Err(error) => Finding::unknown("drift", format!("{error:#}")),
        }
    };
    Ok(vec![status, drift])
}

fn judge_status(status: &str, commands: &Commands) -> Finding {
    match status {
        "CREATE_COMPLETE" | "UPDATE_COMPLETE" => Finding::ok("template", format!("the stack is {status}")),
        "UPDATE_ROLLBACK_COMPLETE" => {
            Finding::warning("template", "the last update failed and was rolled back").mended_by(commands.deploy(""))
        }
        // While the old resources are removed, the new ones work.
        _ if status.ends_with("_IN_PROGRESS") => Finding::ok("template", format!("the stack is {status}")),
        _ => Finding::problem("template", format!("the stack is {status}"))
            .mended_by(commands.deploy(""))
            .see("runbook.md, The first deployment failed"),
    }
}

fn judge_drift(drift: &Drift, commands: &Commands) -> Finding {
    match drift {
        Drift::Unfinished => Finding::unknown("drift", "CloudFormation didn't finish within a minute"),
        Drift::Detected(drifted) if drifted.is_empty() => Finding::ok("drift", "none"),
        Drift::Detected(drifted) => {
            let drifted: Vec<_> = drifted.iter().map(|(resource, how)| format!("{resource} was {how}")).collect();
            Finding::warning("drift", drifted.join(", ")).mended_by(commands.deploy(""))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::health::Verdict;

    #[test]
    fn status_tells_whether_the_last_update_succeeded() {
        let judge = |status| judge_status(status, &Commands::example()).verdict;
        for ok in ["CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", "UPDATE_IN_PROGRESS"] {
            assert_eq!(judge(ok), Verdict::Ok, "{ok}");
        }
        assert_eq!(judge("UPDATE_ROLLBACK_COMPLETE"), Verdict::Warning);
        assert_eq!((judge("UPDATE_ROLLBACK_FAILED"), judge("ROLLBACK_COMPLETE")), (Verdict::Problem, Verdict::Problem));
    }

    #[test]
    fn drifted_resources_are_named() {
        let judge = |drift| judge_drift(&drift, &Commands::example());
        assert_eq!(judge(Drift::Detected(Vec::new())).verdict, Verdict::Ok);
        assert_eq!(judge(Drift::Unfinished).verdict, Verdict::Unknown);
        let drifted = Drift::Detected(vec![("MoRole".to_owned(), "changed"), ("Fanout".to_owned(), "deleted")]);
        assert_eq!(judge(drifted).what, "MoRole was changed, Fanout was deleted");
    }
}
