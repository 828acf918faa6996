//! Erases what was found, in an order in which an interrupted erasure can be repeated.
//!
//! What leads to nothing goes first: messages of the queues, quarantined bodies, receipts. Then go the messages from which
//! the receipts and the person's other names were found, those that are farthest from the contact first. Whenever it ends,
//! each item that is left is found by one that is left too.
//!
//! An item that points at objects is first replaced by a tombstone that names them. A repetition finds it without knowing
//! whose it was. If objects went first, an item whose sender is in its object would be nobody's; if items went first, the
//! objects would be.

use std::cmp::Reverse;
use std::collections::HashSet;

use wab_models::ObjectKey;

use super::found::{Claim, Found, Held, spill_queue};
use crate::parked::Reader;
use crate::stack::{DeadLetters, Erased, Meter, Stack, Tombstone};

/// Erases what was found. The numbers of messages of the queues become those that were deleted.
pub(super) async fn erase(
    stack: &Stack,
    found: &mut Found,
    keep_tombstones: bool,
    meter: &Meter,
) -> anyhow::Result<()> {
    // A queue without a message of the person isn't read again.
    if let Some(queue) = spill_queue(stack).filter(|_| found.spilled > 0) {
        found.spilled = erase_queue(stack, found, &queue, meter).await?;
    }
    if found.parked > 0 {
        found.parked = erase_queue(stack, found, &stack.dead_letters, meter).await?;
    }
    erase_objects(stack, &own(&found.returned, &found.elsewhere)).await?;
    for held in found.unfinished.iter().chain(&found.quarantined) {
        erase_item(stack, held, Erased::Going, &found.elsewhere).await?;
    }
    found.messages.sort_by_key(|held| Reverse(held.hops));
    let erased = if keep_tombstones { Erased::Kept } else { Erased::Going };
    for held in found.receipts.iter().chain(&found.messages) {
        erase_item(stack, held, erased, &found.elsewhere).await?;
    }
    Ok(())
}

async fn erase_item(stack: &Stack, held: &Held, erased: Erased, elsewhere: &HashSet<String>) -> anyhow::Result<()> {
    let objects = own(&held.objects, elsewhere);
    if erased == Erased::Kept || !objects.is_empty() {
        let Held { key, expires_at, digest, .. } = held.clone();
        stack.table.bury(&Tombstone { key, erased, expires_at, digest, objects: objects.clone() }).await?;
    }
    erase_objects(stack, &objects).await?;
    if erased == Erased::Going {
        stack.table.delete(&held.key).await?;
    }
    Ok(())
}

/// The objects that no item of others points at.
fn own(objects: &[ObjectKey], elsewhere: &HashSet<String>) -> Vec<ObjectKey> {
    objects.iter().filter(|object| !elsewhere.contains(object.as_str())).cloned().collect()
}

/// An item with the same content may be stored at this moment, and lose its object. Its body has the bytes all the same.
async fn erase_objects(stack: &Stack, objects: &[ObjectKey]) -> anyhow::Result<()> {
    for object in objects {
        stack.bucket.delete(object).await?;
    }
    Ok(())
}

async fn erase_queue(stack: &Stack, found: &mut Found, queue: &DeadLetters, meter: &Meter) -> anyhow::Result<usize> {
    let reader = Reader::new(queue, None);
    let erased = reader.keep_hidden(erase_messages(stack, found, &reader, meter)).await;
    reader.release().await?;
    erased
}

async fn erase_messages(stack: &Stack, found: &mut Found, reader: &Reader<'_>, meter: &Meter) -> anyhow::Result<usize> {
    let mut erased = 0;
    loop {
        let received = reader.next().await?;
        if received.is_empty() {
            return Ok(erased);
        }
        for message in received {
            if let Claim::Theirs(objects) = found.claim(stack, &message.body, meter).await? {
                erase_objects(stack, &own(&objects, &found.elsewhere)).await?;
                reader.delete(&message).await?;
                erased += 1;
            }
        }
    }
}
