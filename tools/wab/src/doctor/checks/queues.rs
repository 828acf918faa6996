//! The queues that should be empty.

use super::{Facts, Found};
use crate::doctor::Finding;
use crate::health::Commands;
use crate::stack::Depth;

pub(super) async fn check(facts: &Facts<'_>) -> Found {
    let resources = &facts.stack.resources;
    let parked = match Depth::of_queue(&facts.stack.sdk, &resources.dead_letter_queue_url).await {
        Ok(depth) => judge_dead_letters(depth, &facts.commands),
        Err(error) => Finding::unknown("dead-letter queue", error),
    };
    let spilled = match &resources.spill_queue_url {
        None => Finding::skipped("spill queue", "the stack is older than the spill queue"),
        Some(url) => match Depth::of_queue(&facts.stack.sdk, url).await {
            Ok(depth) => judge_spill_queue(depth, &facts.commands),
            Err(error) => Finding::unknown("spill queue", error),
        },
    };
    Ok(vec![parked, spilled])
}

fn judge_dead_letters(depth: Depth, commands: &Commands) -> Finding {
    match depth.total() {
        0 => Finding::ok("dead-letter queue", "is empty"),
        parked => Finding::warning("dead-letter queue", format!("holds {parked} that need manual action"))
            .mended_by(commands.wab("parked redrive"))
            .see("runbook.md, DeadLetters"),
    }
}

fn judge_spill_queue(depth: Depth, commands: &Commands) -> Finding {
    match depth.total() {
        0 => Finding::ok("spill queue", "is empty"),
        spilled => Finding::warning("spill queue", format!("holds {spilled} that the table rejected"))
            .mended_by(commands.wab("status SpillLag"))
            .see("runbook.md, SpillLag"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::health::{Verdict, check_command};

    #[test]
    fn queues_must_be_empty() {
        for judge in [judge_dead_letters, judge_spill_queue] {
            assert_eq!(judge(Depth::default(), &Commands::example()).verdict, Verdict::Ok);
            let hidden = judge(Depth { visible: 0, in_flight: 2 }, &Commands::example());
            assert_eq!(hidden.verdict, Verdict::Warning);
            assert!(hidden.what.starts_with("holds 2 "), "{}", hidden.what);
            hidden.mends.iter().for_each(check_command);
        }
    }
}
