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
use crate::aws::dynamodb::{Put, text};
use crate::aws::request::Request;
use crate::aws::sns::Message;
use crate::body::Sent;
use crate::ledger::{Delivery, Event, Heard, Receipt, personal};
use crate::plan::{Callback, Function, How, Kind, Target};
use crate::process::Caller;
use crate::stack::{BUCKET, DLR_TOPIC, MO_TOPIC, USER};
use crate::time::{MINUTE, Ms, SECOND};
use crate::world::World;

/// The gateway hears an answer within this time.
const TIME_TO_ANSWER: Ms = 4 * SECOND;

/// The spill queue must answer a call that takes no longer than this, although the table is silent.
const SLOW_SPILL: u16 = 1_300;

/// The same of the bucket, for a body that only the bucket can hold.
const SLOW_BUCKET: Ms = 1_500;

/// The spill queue for such a body.
const SLOW_SPILL_OF_OBJECT: u16 = 800;

/// What can go wrong with clocks that count seconds, or are wrong.
const TOLERANCE: Ms = 2 * SECOND;

/// The published event, as far as it is looked at.
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

/// What the gateway hears is true, in time, and refuses nothing that must be taken.
pub(crate) fn heard(world: &World, callback: &Callback, bytes: &[u8], sent: &Sent, heard: &Heard) {
    *world.stats.borrow_mut().answers.entry(heard.status).or_default() += 1;
    // A clock that is behind API Gateway's hides a cold start from the function.
    if heard.took > TIME_TO_ANSWER + world.plan.setup.skew {
        world.violation("answered within 4 seconds", || format!("{} after {} ms", heard.status, heard.took));
    }
    if heard.status != 200 && personal(&heard.text).is_some() {
        world.violation("no personal data in an error", || heard.text.clone());
    }
    // API Gateway's own answer: the function was throttled or died.
    let is_ours = !heard.body.is_null();
    let expected: &[u16] = match (callback.stranger, &sent.key) {
        (true, _) => &[401],
        (false, None) => &[400, 503],
        (false, Some(_)) => &[200, 503],
    };
    if is_ours && !expected.contains(&heard.status) {
        world.violation("nothing is refused that must be accepted", || format!("{:?}: {}", callback.form, heard.text));
    }
    if is_ours && heard.status == 503 && !is_excused(world, sent, heard.took) {
        world.violation("503 only if nothing durable answers", || format!("{:?}", callback.form));
    }
    let mut ledger = world.ledger.borrow_mut();
    match heard.status {
        200 => {
            ledger.accepted.insert(bytes.to_vec());
            let is_durable = match heard.body["outcome"].as_str() {
                Some("deferred") => true,
                _ => ledger.says_the_same(sent).next().is_some(),
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

/// Whether a 503 has its reason: what is durable besides the table fails as well.
fn is_excused(world: &World, sent: &Sent, took: Ms) -> bool {
    let (now, plan) = (world.now(), &world.plan);
    // What a cold start took, or seems to have taken by a clock that is ahead, is taken off the bucket's time.
    let slow_bucket = SLOW_BUCKET.saturating_sub(plan.setup.cold_start + plan.setup.skew + SECOND / 2);
    let during = plan.faults.iter().filter(|fault| fault.at <= now && now - took.min(now) < fault.at + fault.lasts);
    during.into_iter().any(|fault| match fault.kind {
        Kind::Calls(Target::Spill, How::Slow(ms)) if sent.fits_the_table => ms > SLOW_SPILL,
        // The bucket comes first, and leaves the spill queue a second.
        Kind::Calls(Target::Spill, How::Slow(ms)) => ms > SLOW_SPILL_OF_OBJECT,
        Kind::Calls(Target::Spill, _) => true,
        Kind::Calls(Target::Bucket, How::Slow(ms)) => Ms::from(ms) > slow_bucket && !sent.fits_the_table,
        Kind::Calls(Target::Bucket, _) => !sent.fits_the_table,
        _ => false,
    })
}

/// An object holds what its key says.
pub(crate) fn object_put(world: &World, request: &Request) {
    let body = ObjectKey::of_body(&request.body);
    let content = request.path.strip_prefix("content/").map(|_| body.as_str().replacen("body/", "content/", 1));
    if request.path != content.as_deref().unwrap_or(body.as_str()) {
        world.violation("an object's key is its content's", || request.path.clone());
    }
}

/// An item was put: it holds what was sent, once.
pub(crate) fn stored(world: &World, put: &Put) {
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
    if ledger.says_the_same(sent).any(|event| !event.expired) {
        world.violation("nothing is stored twice", || format!("{} {}", put.pk, put.sk));
    }
    let kind = if put.pk.starts_with("MO#") { "mo" } else { "dlr" };
    let mut attributes = BTreeMap::from([
        ("kind".to_owned(), kind.to_owned()),
        ("schema".to_owned(), format!("wab.{kind}.v1")),
        ("application".to_owned(), USER.to_owned()),
    ]);
    for name in ["type", "status", "source", "destination"] {
        attributes.extend(text(&put.item, name).map(|value| (name.to_owned(), value.to_owned())));
    }
    let event = Event {
        body,
        digest: digest.clone(),
        pk: put.pk.clone(),
        key: (pk.clone(), sk.clone()),
        attributes,
        received_at: text(&put.item, "received_at").unwrap_or_default().to_owned(),
        stored_at: world.now(),
        went_on: None,
        delivered: 0,
        parked: false,
        expired: false,
    };
    let id = Key { pk: put.pk.clone(), sk: put.sk.clone() }.event_id();
    ledger.events.insert(id, event);
    world.stats.borrow_mut().stored += 1;
}

/// A topic has a message: the event of something stored, whole, and not too late.
pub(crate) fn delivered(world: &World, began: Ms, topic_arn: &str, message: &Message) {
    let Ok(published) = serde_json::from_str::<Published<'_>>(&message.body) else {
        return world.violation("what is published is an event", || "it can't be read".to_owned());
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
    event.delivered += 1;
    if event.went_on.is_none() {
        event.went_on = Some(now);
        check_waiting(world, event.stored_at, &event.pk);
    }
    let is_mo = event.pk.starts_with("MO#");
    let (topic, event_type) = if is_mo { (MO_TOPIC, "wab.mo.v1") } else { (DLR_TOPIC, "wab.dlr.v1") };
    let subject = event.pk.split_once('#').map(|(_, id)| id);
    let is_true = topic_arn == topic
        && published.event_type == event_type
        && Some(published.subject.as_str()) == subject
        && published.time == event.received_at
        && message.attributes == event.attributes;
    if !is_true {
        world.violation("an event says what is stored", || format!("{published:?} {:?}", message.attributes));
    }
    let verbatim = ledger.bodies.get(&event.body).and_then(|sent| sent.verbatim.clone());
    match (published.data, &published.dataref) {
        (Some(data), None) => {
            let is_whole =
                verbatim.is_none_or(|verbatim| data.get().contains(&verbatim) || data.get().contains("\"dataref\""));
            if !is_whole {
                world.violation("content is published to the letter", || published.id.clone());
            }
            if !is_mo {
                receipts(world, began, &event.pk, data, &mut ledger.deliveries);
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

/// A receipt tells of all that were stored when it was read, and never takes a final status back.
fn receipts(world: &World, began: Ms, pk: &str, data: &RawValue, deliveries: &mut BTreeMap<String, Vec<Delivery>>) {
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
        if !delivery.history.contains(&receipt) {
            world.violation("a receipt tells of all that are stored", || format!("{receipt:?} isn't in {delivery:?}"));
        }
    }
    let before = deliveries.entry(pk.to_owned()).or_default();
    for other in before.iter() {
        let (less, more) =
            if other.history.len() <= delivery.history.len() { (other, &delivery) } else { (&delivery, other) };
        if !less.is_final || !less.history.iter().all(|receipt| more.history.contains(receipt)) {
            continue;
        }
        // One that was received earlier, and stored later, may be the first final one after all.
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

/// The dead-letter queue has a message of a function: not before its cause allows it.
pub(crate) fn parked(world: &World, from: Caller, body: &str) {
    world.stats.borrow_mut().parked += 1;
    world.note(|| "parked a message".to_owned());
    let message: Value = serde_json::from_str(body).unwrap_or_default();
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
    if event.went_on.is_none() {
        event.went_on = Some(now);
        check_waiting(world, event.stored_at, &event.pk);
    }
    // An invocation takes a minute at the most.
    let recent = world.plan.faults.iter().filter(|fault| fault.at <= now && now < fault.at + fault.lasts + MINUTE);
    let patience = recent.filter_map(|fault| patience(fault, &event.pk)).min().unwrap_or(PATIENCE);
    if age < patience {
        world.violation("nothing is parked before its time", || {
            format!("{} after {} s, because of {}", event.pk, (now - event.stored_at) / SECOND, message["reason"])
        });
    }
}
