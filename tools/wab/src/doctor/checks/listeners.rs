//! Queues of `wab listen` that nobody listens to any more.

use jiff::{SignedDuration, Timestamp};

use super::{Facts, Found, or_ok};
use crate::doctor::Finding;
use crate::health::{Commands, span};
use crate::stack::{ListenQueue, listen_queues};

/// A queue keeps events for four days. One that was not used for longer loses them.
const ABANDONED: SignedDuration = SignedDuration::from_hours(4 * 24);

pub(super) async fn check(facts: &Facts<'_>) -> Found {
    let queues = listen_queues(&facts.stack.sdk, &facts.stack.resources.stack_name).await?;
    let findings = judge(&queues, facts.now, &facts.commands);
    Ok(or_ok(findings, "listen queues", format!("{}, none abandoned", queues.len())))
}

fn judge(queues: &[ListenQueue], now: Timestamp, commands: &Commands) -> Vec<Finding> {
    let findings = queues.iter().filter_map(|queue| {
        let idle = queue.last_used.map(|last_used| now.duration_since(last_used));
        if idle.is_some_and(|idle| idle <= ABANDONED) {
            return None;
        }
        let what = match idle {
            Some(idle) => format!("{} hasn't been used for {}", queue.name, span(idle)),
            None => format!("{} was never used", queue.name),
        };
        let remove = commands.wab(&format!("listen --remove --name {}", queue.name));
        Some(Finding::warning("listen queues", what).mended_by(remove))
    });
    findings.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unused_queue_is_abandoned() {
        let now: Timestamp = "2026-11-29T00:00:00Z".parse().unwrap();
        let queue = |days: Option<i64>| ListenQueue {
            name: "ana".to_owned(),
            last_used: days.map(|days| now - SignedDuration::from_hours(days * 24)),
        };
        let judge = |days| judge(&[queue(days)], now, &Commands::example()).pop().map(|finding| finding.what);
        assert_eq!(judge(Some(4)), None);
        assert_eq!(judge(Some(5)).as_deref(), Some("ana hasn't been used for 5 days"));
        assert_eq!(judge(None).as_deref(), Some("ana was never used"));
    }
}
