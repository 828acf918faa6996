//! How long an event may wait before it is delivered or parked, by the faults that concern it.

use crate::errors::ENTRY_CODES;
use crate::plan::{Fault, Function, How, Kind, Setup, Target};
use crate::time::{HOUR, MINUTE, Ms, SECOND};
use crate::world::World;

/// An event is parked after this time if its topic, key or permission is missing.
const WITHHELD: Ms = 10 * MINUTE;

/// An event is parked after this time if it waits for the end of an outage.
pub(super) const PATIENCE: Ms = 20 * HOUR;

/// The time after which a fault may park an event. None if the fault doesn't concern the event.
pub(super) fn patience(setup: &Setup, fault: &Fault, pk: &str) -> Option<Ms> {
    let of_topic = |target| match target {
        Target::MoTopic => pk.starts_with("MO#"),
        Target::DlrTopic => pk.starts_with("DLR#"),
        // Of a receipt, the other receipts are read, and for the order of messages the earlier ones.
        Target::TableReads => pk.starts_with("DLR#") || setup.fifo_topics,
        Target::FifoTopics => true,
        _ => false,
    };
    match fault.kind {
        Kind::Calls(target, How::Withheld(_)) if of_topic(target) => Some(WITHHELD),
        Kind::Calls(target, _) if of_topic(target) => Some(PATIENCE),
        Kind::Entries(number) => match ENTRY_CODES[usize::from(number) % ENTRY_CODES.len()].0 {
            "InvalidParameter" => Some(0),
            "AuthorizationError" | "KMSAccessDenied" => Some(WITHHELD),
            _ => Some(PATIENCE),
        },
        _ => None,
    }
}

/// Checks that an event waited no longer than the faults since it was stored allow. Events before it in its shard may have
/// caused the wait.
pub(super) fn check_waiting(world: &World, stored_at: Ms, pk: &str) {
    let now = world.now();
    let pause = world.plan.setup.retry_pause;
    let mut allowed = pause + 2 * MINUTE;
    let mut is_withheld = false;
    for fault in &world.plan.faults {
        let (from, to) = (fault.at.max(stored_at), (fault.at + fault.lasts).min(now));
        if from >= to {
            continue;
        }
        match fault.kind {
            Kind::Calls(
                Target::MoTopic | Target::DlrTopic | Target::FifoTopics | Target::TableReads,
                How::Withheld(_),
            ) => is_withheld = true,
            Kind::Entries(number) if (2..4).contains(&number) => is_withheld = true,
            // A foreign item waits for the dead-letter queue, and so do the records behind it.
            Kind::Calls(
                Target::MoTopic
                | Target::DlrTopic
                | Target::FifoTopics
                | Target::TableReads
                | Target::Bucket
                | Target::DeadLetters,
                _,
            )
            | Kind::Entries(_)
            | Kind::Killed(Function::Fanout)
            | Kind::Throttled(Function::Fanout) => allowed += to - from + pause + MINUTE,
            _ => {}
        }
    }
    if is_withheld {
        allowed += WITHHELD + 2 * pause;
    }
    if now - stored_at > allowed {
        world.violation("nothing waits longer than its cause allows", || {
            format!("{pk} waited for {} s, and {} s are allowed", (now - stored_at) / SECOND, allowed / SECOND)
        });
    }
}
