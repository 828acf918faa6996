//! The balance at the end of a run.

use serde_json::Value;
use wab_models::Key;

use crate::ledger::{Event, is_quarantined_as, sha256};
use crate::time::EPOCH_MS;
use crate::world::World;

/// Checks that each callback answered 200 is stored once and was delivered, and each answered 400 is in quarantine.
pub(crate) fn check(world: &World) {
    let ledger = world.ledger.borrow();
    for bytes in &ledger.accepted {
        let Some(sent) = ledger.bodies.get(bytes) else { continue };
        let name = || sent.key.clone().unwrap_or_default().0;
        match ledger.events_of(sent).count() {
            1 => {}
            0 if ledger.expired.contains(bytes) => {}
            0 => world.violation("200 leads to a stored event", name),
            _ => world.violation("nothing is stored twice", name),
        }
    }
    let has_expired = |event: &Event| event.expired || event.expires_at <= world.now();
    for event in ledger.events.values() {
        // An expired event can't be redriven.
        let is_delivered = event.delivered > 0 && (event.delivered_in_order > 0 || !world.plan.setup.fifo_topics);
        let is_excused = has_expired(event) && event.parked;
        if !is_delivered && !is_excused {
            world.violation("what is stored is delivered", || format!("{}, parked: {}", event.pk, event.parked));
        }
    }
    let table = world.table.borrow();
    for bytes in ledger.quarantined.difference(&ledger.expired) {
        let is_kept = table.items().any(|(pk, sk, _)| pk.starts_with("QUARANTINE#") && is_quarantined_as(sk, bytes));
        if !is_kept {
            world.violation("400 leads to quarantine", || sha256(bytes));
        }
    }
    let stays = |body: &str| {
        let message: Value = serde_json::from_str(body).unwrap_or_default();
        let part = |name: &str| message["key"][name].as_str().unwrap_or_default().to_owned();
        let id = Key { pk: part("pk"), sk: part("sk") }.event_id();
        ledger.foreign.contains(&id) || ledger.events.get(&id).is_some_and(has_expired)
    };
    let queue = world.dead_letters.borrow();
    if let Some(left) = queue.bodies().find(|body| !stays(body)) {
        world.violation("redrive empties the dead-letter queue", || left.chars().take(300).collect());
    }
    let parked_foreign = ledger.foreign.len();
    if queue.len() < parked_foreign {
        world.violation("a foreign item is parked", || format!("{} of {parked_foreign}", queue.len()));
    }
    let days = u64::from(world.plan.setup.retention_days);
    let expires = (EPOCH_MS / 1000 + days * 24 * 3600).to_string();
    let is_kept_long_enough = |item: &serde_json::Map<String, Value>| {
        item.get("expires_at").and_then(|at| at["N"].as_str()).is_some_and(|at| *at >= *expires)
    };
    if let Some((pk, ..)) = table.items().find(|(pk, _, item)| !pk.contains("foreign") && !is_kept_long_enough(item)) {
        world.violation("events are kept for the retention", || pk.to_owned());
    }
}
