//! Time to live: DynamoDB deletes an item some time after it has expired.

use std::rc::Rc;

use crate::aws::dynamodb::Put;
use crate::time::{EPOCH_MS, HOUR, Ms, SECOND};
use crate::world::World;

/// Deletes an item up to two days after it has expired ("Using time to live (TTL) in DynamoDB").
pub(crate) async fn expire(world: Rc<World>, put: Put) {
    let expires_at = put.item.get("expires_at").and_then(|at| at["N"].as_str()?.parse::<Ms>().ok());
    let Some(expires_at) = expires_at.and_then(|at| (at * SECOND).checked_sub(EPOCH_MS)) else { return };
    let at = expires_at + world.random(0..48 * HOUR);
    if at > world.plan.end() {
        return;
    }
    world.sleep_until(at).await;
    if world.table.borrow_mut().expire(&put.pk, &put.sk, world.now()) {
        world.ledger.borrow_mut().expire(&put.pk, &put.sk);
        world.hit("item expired");
    }
}
