//! The promises (docs/design.md, "Invariants", and docs/operations.md, "When something fails"), checked at each step of a run. [`balance`] checks them
//! once more at the end.

pub(crate) mod balance;
mod waiting;

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;
use wab_models::{Key, ObjectKey};

use self::waiting::{PATIENCE, check_waiting, patience};
use crate::aws::dynamodb::{Put, STALENESS, text};
use crate::aws::request::Request;
use crate::aws::sns::Message;
use crate::body::Sent;
use crate::content_free;
use crate::ledger::{CallbackAnswer, Delivery, Event, Receipt};
use crate::plan::{Callback, Function, How, Kind, Target};
use crate::privacy;
use crate::process::Caller;
use crate::stack::{BUCKET, DLR_FIFO_TOPIC, DLR_TOPIC, MO_FIFO_TOPIC, MO_TOPIC, USER};
use crate::time::{EPOCH_MS, MINUTE, Ms, SECOND};
use crate::world::World;

/// Maximum time to an answer.
const TIME_TO_ANSWER: Ms = 4 * SECOND;

/// A spill queue that is no slower than this must accept an event while the table is silent. In milliseconds.
const SLOW_SPILL: u16 = 1_300;

/// The same for the bucket, if only the bucket can hold the body.
const SLOW_BUCKET: Ms = 1_500;

/// The same for the spill queue, if the bucket must accept the body first.
const SLOW_SPILL_OF_OBJECT: u16 = 800;

/// A user's messages of this time are in order: what `fanout` looks back, less the minute of an invocation.
const LOOK_BACK: Ms = 150 * SECOND;

/// Tolerance for clocks that count whole seconds.
const TOLERANCE: Ms = 2 * SECOND;

/// The checked part of a published event.
#[derive(Debug, Deserialize)]
struct Published<'a> {
    id: String,
    #[serde(rename = "type")]
    event_type: String,
    subject: String,
    time: String,
    #[serde(borrow)]
    data: Option<&'a RawValue>,
    dataref: Option<String>,
}

/// Checks an answer: in time, true, and no rejection of a valid callback.
pub(crate) fn check_answer(world: &World, callback: &Callback, bytes: &[u8], sent: &Sent, answer: &CallbackAnswer) {
    *world.stats.borrow_mut().answers.entry(answer.status).or_default() += 1;
    // To a clock behind API Gateway's, a cold start seems shorter.
    if answer.took > TIME_TO_ANSWER + world.plan.setup.skew {
        world.violation("answered within 4 seconds", || format!("{} after {} ms", answer.status, answer.took));
    }
    if answer.status != 200 {
        privacy::check(world, "an error answer", &answer.text);
    }
    // Without a body it is API Gateway's own answer: the function was throttled or killed.
    let is_ours = !answer.body.is_null();
    let expected: &[u16] = match (callback.unauthenticated, &sent.key) {
        (true, _) => &[401],
        (false, None) => &[400, 503],
        (false, Some(_)) => &[200, 503],
    };
    if is_ours && !expected.contains(&answer.status) {
        world.violation("nothing is refused that must be accepted", || format!("{:?}: {}", callback.form, answer.text));
    }
    if is_ours && answer.status == 503 && !is_excused(world, sent, answer.took) {
        world.violation("503 only if nothing durable answers", || format!("{:?}", callback.form));
    }
    let mut ledger = world.ledger.borrow_mut();
    match answer.status {
        200 => {
            ledger.accepted.insert(bytes.to_vec());
            let is_durable = match answer.body["outcome"].as_str() {
                Some("deferred") => true,
                _ => ledger.events_of(sent).next().is_some(),
            };
            if !is_durable {
                drop(ledger);
                world.violation("200 only if it is durable", || format!("{:?} is nowhere", callback.form));
            }
        }
        400 if is_ours => drop(ledger.quarantined.insert(bytes.to_vec())),
        _ => {}
    }
}

/// Whether a 503 is justified: the fallbacks of the table failed as well.
fn is_excused(world: &World, sent: &Sent, took: Ms) -> bool {
    let (now, plan) = (world.now(), &world.plan);
    // A cold start, or a clock that is ahead, leaves less time for the bucket.
    let slow_bucket = SLOW_BUCKET.saturating_sub(plan.setup.cold_start + plan.setup.skew + SECOND / 2);
    let during = plan.faults.iter().filter(|fault| fault.at <= now && now - took.min(now) < fault.at + fault.lasts);
    during.into_iter().any(|fault| match fault.kind {
        Kind::Calls(Target::Spill, How::Slow(ms)) if sent.fits_the_table => ms > SLOW_SPILL,
        // The bucket is called first, and leaves the spill queue a second.
        Kind::Calls(Target::Spill, How::Slow(ms)) => ms > SLOW_SPILL_OF_OBJECT,
        Kind::Calls(Target::Spill, _) => true,
        Kind::Calls(Target::Bucket, How::Slow(ms)) => Ms::from(ms) > slow_bucket && !sent.fits_the_table,
        Kind::Calls(Target::Bucket, _) => !sent.fits_the_table,
        _ => false,
    })
}

/// Checks what a function sends to AWS if the stack keeps no content.
pub(crate) fn sent_to_aws(world: &World, request: &Request) {
    if !world.plan.setup.content_free {
        return;
    }
    let text = String::from_utf8_lossy(&request.body);
    let is_write = matches!(request.operation.as_str(), "PutItem" | "SendMessage" | "PublishBatch");
    if let Some(content) = content_free::content(&text).filter(|_| is_write) {
        world.violation("no content leaves a function", || format!("{}: {content}", request.operation));
    }
}

/// Checks that an object has the key of its content, and that a stack without content has none.
pub(crate) fn object_put(world: &World, request: &Request) {
    if world.plan.setup.content_free {
        world.violation("no content leaves a function", || request.path.clone());
    }
    let body = ObjectKey::of_body(&request.body);
    let content = request.path.strip_prefix("content/").map(|_| body.as_str().replacen("body/", "content/", 1));
    if request.path != content.as_deref().unwrap_or(body.as_str()) {
        world.violation("an object's key is its content's", || request.path.clone());
    }
}

/// Checks a new item: it holds the body that was sent, and no other item does.
pub(crate) fn stored(world: &World, put: &Put) {
    let content_free = world.plan.setup.content_free;
    if let Some(attribute) = content_free::attribute(&put.item).filter(|_| content_free) {
        world.violation("nothing stored has content", || format!("{attribute} of {} {}", put.pk, put.sk));
    }
    if put.pk.starts_with("QUARANTINE#") {
        return;
    }
    if put.overwritten {
        world.violation("nothing stored is overwritten", || put.pk.clone());
    }
    let body = match (text(&put.item, "body"), text(&put.item, "body_key")) {
        (Some(body), _) => Some(body.as_bytes().to_vec()),
        (None, Some(key)) => world.bucket.borrow().object(key).map(<[u8]>::to_vec),
        (None, None) => None,
    };
    let mut ledger = world.ledger.borrow_mut();
    let body = body.or_else(|| {
        let is_it = |sent: &Sent| {
            let is_key = sent.key.as_ref().is_some_and(|(pk, sk)| *pk == put.pk && put.sk.starts_with(sk.as_str()));
            is_key && text(&put.item, "digest") == Some(sent.digest.as_str())
        };
        ledger.bodies.iter().find(|(_, sent)| content_free && is_it(sent)).map(|(body, _)| body.clone())
    });
    let sent = body.as_ref().and_then(|body| ledger.bodies.get(body)).cloned();
    let (Some(body), Some(sent @ Sent { key: Some((pk, sk)), digest, .. })) = (body, &sent) else {
        drop(ledger);
        world.violation("the body is kept byte for byte", || format!("{} {}", put.pk, put.sk));
        return;
    };
    let is_variant = put.sk == format!("{sk}#{}", digest.short());
    if put.pk != *pk || (put.sk != *sk && !is_variant) {
        world.violation("an event has its callback's key", || format!("{} {}", put.pk, put.sk));
    }
    if ledger.events_of(sent).any(|event| !event.expired) {
        world.violation("nothing is stored twice", || format!("{} {}", put.pk, put.sk));
    }
    let kind = if put.pk.starts_with("MO#") { "mo" } else { "dlr" };
    let mut attributes = BTreeMap::from([
        ("kind".to_owned(), kind.to_owned()),
        ("schema".to_owned(), format!("wab.{kind}.v1")),
        ("application".to_owned(), USER.to_owned()),
    ]);
    for name in
        ["type", "status", "source", "destination"].into_iter().filter(|name| !content_free || *name != "source")
    {
        attributes.extend(text(&put.item, name).map(|value| (name.to_owned(), value.to_owned())));
    }
    let event = Event {
        body,
        digest: digest.clone(),
        pk: put.pk.clone(),
        key: (pk.clone(), sk.clone()),
        attributes,
        source: text(&put.item, "source").map(str::to_owned),
        received_at: text(&put.item, "received_at").unwrap_or_default().to_owned(),
        stored_at: world.now(),
        settled_at: None,
        delivered: 0,
        delivered_in_order: 0,
        group: None,
        number: ledger.events.len(),
        parked: false,
        expires_at: expires_at(&put.item),
        expired: false,
    };
    let id = Key { pk: put.pk.clone(), sk: put.sk.clone() }.event_id();
    ledger.events.insert(id, event);
    world.stats.borrow_mut().stored += 1;
}

/// Checks a published message: a stored event, complete, and in time.
pub(crate) fn delivered(world: &World, began: Ms, topic_arn: &str, message: &Message) {
    let Ok(published) = serde_json::from_str::<Published<'_>>(&message.body) else {
        return world.violation("what is published is an event", || "it cannot be parsed".to_owned());
    };
    world.note(|| format!("published {}", published.id));
    world.stats.borrow_mut().deliveries += 1;
    let now = world.now();
    let mut ledger = world.ledger.borrow_mut();
    let ledger = &mut *ledger;
    if ledger.foreign.contains(&published.id) {
        return world.violation("a foreign item is parked", || "it is published".to_owned());
    }
    let Some(event) = ledger.events.get_mut(&published.id) else {
        return world.violation("what is published is stored", || published.id.clone());
    };
    match &message.group {
        Some(_) => event.delivered_in_order += 1,
        None => event.delivered += 1,
    }
    if event.settled_at.is_none() {
        event.settled_at = Some(now);
        check_waiting(world, event.stored_at, &event.pk);
    }
    let is_mo = event.pk.starts_with("MO#");
    let (topic, event_type) = match (is_mo, message.group.is_some()) {
        (true, false) => (MO_TOPIC, "wab.mo.v1"),
        (true, true) => (MO_FIFO_TOPIC, "wab.mo.v1"),
        (false, false) => (DLR_TOPIC, "wab.dlr.v1"),
        (false, true) => (DLR_FIFO_TOPIC, "wab.dlr.v1"),
    };
    let subject = event.pk.split_once('#').map(|(_, id)| id);
    let is_true = topic_arn == topic
        && published.event_type == event_type
        && Some(published.subject.as_str()) == subject
        && published.time == event.received_at
        && message.attributes == event.attributes;
    if !is_true {
        world.violation("an event says what is stored", || format!("{published:?} {:?}", message.attributes));
    }
    if let Some(group) = &message.group {
        in_order(world, began, &published.id, group, &mut ledger.events);
    }
    let Some(event) = ledger.events.get(&published.id) else { return };
    let content_free = world.plan.setup.content_free;
    let verbatim = ledger.bodies.get(&event.body).and_then(|sent| sent.verbatim.clone()).filter(|_| !content_free);
    match (published.data, &published.dataref) {
        (Some(data), None) => {
            let is_whole =
                verbatim.is_none_or(|verbatim| data.get().contains(&verbatim) || data.get().contains("\"dataref\""));
            if !is_whole {
                world.violation("content is published to the letter", || published.id.clone());
            }
            if data.get().contains("\"omitted\"") != content_free {
                world.violation("an event says whether content is kept", || published.id.clone());
            }
            if !is_mo {
                receipts(world, began, event, data, &mut ledger.deliveries);
            }
        }
        (None, Some(dataref)) => {
            let object = dataref.strip_prefix(&format!("s3://{BUCKET}/"));
            let leads_to_it = match object {
                Some(key) => world.bucket.borrow().object(key) == Some(&event.body),
                None => dataref.starts_with("arn:aws:dynamodb:"),
            };
            if !leads_to_it {
                world.violation("a reference leads to the body", || dataref.clone());
            }
        }
        _ => world.violation("an event has data or a reference", || published.id.clone()),
    }
}

/// Checks the first delivery of an event by a FIFO topic: the events before it in its group have been delivered or parked.
///
/// Before a receipt are those of its message that were stored earlier. Before a user's message are those that were
/// received earlier, within the time that `fanout` looks back, and that an index shows when its invocation begins.
fn in_order(world: &World, began: Ms, id: &str, group: &str, events: &mut BTreeMap<String, Event>) {
    let Some(event) = events.get_mut(id) else { return };
    event.group = Some(group.to_owned());
    if event.delivered_in_order > 1 {
        return;
    }
    let Some(event) = events.get(id) else { return };
    let is_of_group = |other: &&Event| match event.source {
        Some(_) => other.source == event.source,
        None => other.pk == event.pk,
    };
    let from = instant((began + world.plan.setup.skew).saturating_sub(LOOK_BACK));
    for other in events.values().filter(is_of_group) {
        if other.group.as_ref().is_some_and(|of_other| of_other != group) {
            world.violation("a group's events have its id", || format!("{} and {}", event.pk, other.pk));
        }
        let is_before = match event.source {
            Some(_) => {
                (&from..&event.received_at).contains(&&other.received_at) && other.stored_at + STALENESS <= began
            }
            None => other.number < event.number,
        };
        if is_before && other.delivered_in_order == 0 && !other.parked {
            world.violation("a FIFO topic keeps a group's order", || format!("{} before {}", event.pk, other.pk));
        }
    }
}

/// An instant as items have it.
fn instant(ms: Ms) -> String {
    let epoch_ms = i64::try_from(EPOCH_MS + ms).unwrap_or(i64::MAX);
    wab_models::ReceivedAt::from_epoch_ms(epoch_ms).as_str().to_owned()
}

/// When an item expires. Never if it doesn't say.
fn expires_at(item: &serde_json::Map<String, Value>) -> Ms {
    let at = item.get("expires_at").and_then(|at| at["N"].as_str()?.parse::<Ms>().ok());
    at.map_or(Ms::MAX, |at| (at * SECOND).saturating_sub(EPOCH_MS))
}

/// Checks the delivery state of a receipt: it includes every receipt stored before that hasn't expired, and a final
/// status stays.
fn receipts(
    world: &World,
    began: Ms,
    event: &Event,
    data: &RawValue,
    deliveries: &mut BTreeMap<String, Vec<Delivery>>,
) {
    let pk = event.pk.as_str();
    #[derive(Deserialize)]
    struct Data {
        delivery: Delivery,
    }
    let Ok(Data { delivery }) = serde_json::from_str::<Data>(data.get()) else {
        return world.violation("a receipt says what became of its message", || data.get().to_owned());
    };
    let table = world.table.borrow();
    let stored_before = table.partition(pk).filter(|(_, _, stored_at)| *stored_at < began);
    for (sk, item, _) in stored_before.take(100) {
        let receipt = Receipt {
            status: text(item, "status").unwrap_or(sk).to_owned(),
            time: text(item, "received_at").unwrap_or_default().to_owned(),
        };
        let (is_told, expires_at) = (delivery.history.contains(&receipt), expires_at(item));
        let tolerance = TOLERANCE + world.plan.setup.skew;
        if !is_told && expires_at > world.now() + tolerance {
            world.violation("a receipt tells of all that are stored", || format!("{receipt:?} isn't in {delivery:?}"));
        }
        if is_told && expires_at + tolerance < began && receipt.time != event.received_at {
            world.violation("what has expired isn't told", || format!("{receipt:?} is in {delivery:?}"));
        }
    }
    let before = deliveries.entry(pk.to_owned()).or_default();
    for other in before.iter() {
        let (less, more) =
            if other.history.len() <= delivery.history.len() { (other, &delivery) } else { (&delivery, other) };
        if !less.is_final || !less.history.iter().all(|receipt| more.history.contains(receipt)) {
            continue;
        }
        // A receipt that was received earlier and stored later may be the first final one.
        let time_of = |delivery: &Delivery| {
            let of_current = delivery.history.iter().filter(|receipt| receipt.status == delivery.current);
            of_current.map(|receipt| receipt.time.clone()).min().unwrap_or_default()
        };
        if !more.is_final || (more.current != less.current && time_of(more) > time_of(less)) {
            world.violation("a final status stays", || format!("{less:?}, then {more:?}"));
        }
    }
    before.push(delivery);
}

/// Checks a message of a function in the dead-letter queue: not sent before its cause allows.
pub(crate) fn parked(world: &World, from: Caller, body: &str) {
    world.stats.borrow_mut().parked += 1;
    world.note(|| "parked a message".to_owned());
    let message: Value = serde_json::from_str(body).unwrap_or_default();
    privacy::check(world, "the reason of a parked message", &message["reason"].to_string());
    let Caller::Process(Function::Fanout, _) = from else { return };
    let part = |name: &str| message["key"][name].as_str().unwrap_or_default().to_owned();
    let key = Key { pk: part("pk"), sk: part("sk") };
    let now = world.now();
    let mut ledger = world.ledger.borrow_mut();
    if ledger.foreign.contains(&key.event_id()) {
        return;
    }
    let Some(event) = ledger.events.get_mut(&key.event_id()) else {
        return world.violation("what is parked is stored", || message["reason"].to_string());
    };
    event.parked = true;
    let age = now - event.stored_at + TOLERANCE + world.plan.setup.skew;
    if event.settled_at.is_none() {
        event.settled_at = Some(now);
        check_waiting(world, event.stored_at, &event.pk);
    }
    // An invocation takes a minute at most.
    let recent = world.plan.faults.iter().filter(|fault| fault.at <= now && now < fault.at + fault.lasts + MINUTE);
    let patience = recent.filter_map(|fault| patience(&world.plan.setup, fault, &event.pk)).min().unwrap_or(PATIENCE);
    if age < patience {
        world.violation("nothing is parked before its time", || {
            format!("{} after {} s, because of {}", event.pk, (now - event.stored_at) / SECOND, message["reason"])
        });
    }
}
