//! The promises of docs/design.md ("Invariants") and docs/operations.md ("When something fails"), held against what
//! happened: at each step, and once more in the balance at the end.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use wab_models::{Digest, Key, ObjectKey};

use crate::aws::dynamodb::{Put, text};
use crate::aws::request::{Request, Service};
use crate::aws::sns::Message;
use crate::body::{Bodies, MARK, MARK_NUMBER, Sent};
use crate::gateway::Heard;
use crate::network::ENTRY_CODES;
use crate::plan::{Callback, Fault, Function, HOUR, How, Kind, MINUTE, Ms, SECOND, Target};
use crate::process::{BUCKET, Caller, DLR_TOPIC, EPOCH_MS, MO_TOPIC};
use crate::world::World;

/// The gateway hears an answer within this time.
const TIME_TO_ANSWER: Ms = 4 * SECOND;

/// An event whose topic, key or permission is missing is parked after this time.
const WITHHELD: Ms = 10 * MINUTE;

/// An event that only waits for an outage to end is parked after this time.
const PATIENCE: Ms = 20 * HOUR;

/// The spill queue must answer a call that takes no longer than this, although the table is silent.
const SLOW_SPILL: u16 = 1_300;

/// The same of the bucket, for a body that only the bucket can hold.
const SLOW_BUCKET: Ms = 1_500;

/// The spill queue for such a body.
const SLOW_SPILL_OF_OBJECT: u16 = 800;

/// What can go wrong with clocks that count seconds, or are wrong.
const TOLERANCE: Ms = 2 * SECOND;

/// What is known of the run.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    /// All bodies that were sent.
    pub(crate) bodies: Bodies,
    /// Bodies that were answered 200.
    accepted: BTreeSet<Vec<u8>>,
    /// Bodies that were answered 400.
    quarantined: BTreeSet<Vec<u8>>,
    /// What was stored, by event id.
    events: BTreeMap<String, Event>,
    /// Bodies that the table has forgotten.
    expired: BTreeSet<Vec<u8>>,
    /// Event ids of what another program wrote.
    foreign: BTreeSet<String>,
    /// What each message's receipts were said to mean, in the order of publication.
    deliveries: BTreeMap<String, Vec<Delivery>>,
}

/// A stored event.
#[derive(Debug)]
struct Event {
    body: Vec<u8>,
    digest: Digest,
    pk: String,
    /// The key under which its callback is stored first.
    key: (String, String),
    /// The attributes that filter policies need.
    attributes: BTreeMap<String, String>,
    received_at: String,
    stored_at: Ms,
    /// When it was delivered or parked first.
    went_on: Option<Ms>,
    delivered: u64,
    parked: bool,
    /// Whether the table has forgotten it.
    expired: bool,
}

/// `data.delivery` of a published receipt.
#[derive(Debug, Clone, Deserialize)]
struct Delivery {
    current: String,
    #[serde(rename = "final")]
    is_final: bool,
    history: Vec<Receipt>,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
struct Receipt {
    status: String,
    time: String,
}

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

impl Ledger {
    /// Lambda put the position of a record into the dead-letter queue.
    pub(crate) fn given_up(&mut self, record: &str) {
        let record: Value = serde_json::from_str(record).unwrap_or_default();
        let part = |name: &str| record["dynamodb"]["Keys"][name]["S"].as_str().unwrap_or_default().to_owned();
        if let Some(event) = self.events.get_mut(&Key { pk: part("pk"), sk: part("sk") }.event_id()) {
            event.parked = true;
        }
    }
}

/// The table has forgotten an item.
pub(crate) fn expired(world: &World, pk: &str, sk: &str) {
    let id = Key { pk: pk.to_owned(), sk: sk.to_owned() }.event_id();
    let mut ledger = world.ledger.borrow_mut();
    let ledger = &mut *ledger;
    if let Some(event) = ledger.events.get_mut(&id) {
        event.expired = true;
        ledger.expired.insert(event.body.clone());
    }
    // The sort key of a quarantined body ends with its hash.
    ledger.expired.extend(ledger.quarantined.iter().filter(|body| sk.ends_with(&sha256(body))).cloned());
    world.hit("item expired");
}

fn sha256(bytes: &[u8]) -> String {
    ObjectKey::of_body(bytes).as_str().trim_start_matches("body/").to_owned()
}

/// The mark of a personal value that a text holds.
pub(crate) fn personal(text: &str) -> Option<&'static str> {
    [MARK, MARK_NUMBER].into_iter().find(|mark| text.contains(mark))
}

/// What the gateway hears is true, in time, and refuses nothing that must be taken.
pub(crate) fn heard(world: &World, callback: &Callback, bytes: &[u8], sent: &Sent, heard: &Heard) {
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

impl Ledger {
    /// The stored events of this key whose bodies say the same.
    fn says_the_same<'a>(&'a self, sent: &'a Sent) -> impl Iterator<Item = &'a Event> {
        self.events.values().filter(|event| Some(&event.key) == sent.key.as_ref() && event.digest == sent.digest)
    }
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
        ("application".to_owned(), crate::gateway::USER.to_owned()),
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

/// Another program writes an item that can't be published: of a newer layout, without a body, with another callback's
/// body, or with a body that is none.
pub(crate) fn write_foreign(world: &World, which: u8) {
    let pk = format!("MO#{MARK}-foreign-{which}");
    let mut item = json!({
        "pk": {"S": pk}, "sk": {"S": "EVENT"}, "v": {"N": "1"}, "received_at": {"S": "2026-01-05T00:00:00.000Z"},
        "expires_at": {"N": "1770163200"}, "body": {"S": "{\"id\":\"other\"}"}, "digest": {"S": "0".repeat(64)},
        "application": {"S": "shop"},
    });
    match which {
        0 => item["v"]["N"] = "99".into(),
        1 => drop(item.as_object_mut().and_then(|item| item.remove("body"))),
        2 => {}
        _ => item["body"]["S"] = "no JSON".into(),
    }
    let id = Key { pk: pk.clone(), sk: "EVENT".to_owned() }.event_id();
    world.ledger.borrow_mut().foreign.insert(id);
    world.write(&pk, "EVENT", item);
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

/// After which time a fault may lead to an event being parked; none if it doesn't concern it.
fn patience(fault: &Fault, pk: &str) -> Option<Ms> {
    let of_topic = |target| match target {
        Target::MoTopic => pk.starts_with("MO#"),
        Target::DlrTopic | Target::TableReads => pk.starts_with("DLR#"),
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

/// An event has waited no longer than the faults since it was stored allow. Its shard may wait for others.
fn check_waiting(world: &World, stored_at: Ms, pk: &str) {
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
            Kind::Calls(Target::MoTopic | Target::DlrTopic | Target::TableReads, How::Withheld(_)) => {
                is_withheld = true
            }
            Kind::Entries(number) if (2..4).contains(&number) => is_withheld = true,
            // A foreign item waits for the dead-letter queue, and what is behind it.
            Kind::Calls(
                Target::MoTopic | Target::DlrTopic | Target::TableReads | Target::Bucket | Target::DeadLetters,
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

/// The roles of the template: what each function may call.
pub(crate) fn is_allowed(from: Caller, request: &Request) -> bool {
    let operation = request.operation.as_str();
    match from {
        Caller::Person => true,
        Caller::Process(..) if operation == "Ping" => true,
        Caller::Process(Function::Mo | Function::Dlr, _) => {
            matches!(operation, "PutItem" | "PutObject") || (operation == "SendMessage" && is_to(request, "spill"))
        }
        Caller::Process(Function::Recover, _) => {
            operation == "PutItem" || (operation == "SendMessage" && is_to(request, "dead-letters"))
        }
        Caller::Process(Function::Fanout, _) => {
            matches!(operation, "Query" | "GetObject" | "PublishBatch")
                || (operation == "SendMessage" && is_to(request, "dead-letters"))
        }
    }
}

fn is_to(request: &Request, queue: &str) -> bool {
    request.service == Service::Sqs && request.json()["QueueUrl"].as_str().is_some_and(|url| url.ends_with(queue))
}

/// When all is over: whatever was answered 200 is stored once and was delivered, whatever was answered 400 is kept.
pub(crate) fn balance(world: &World) {
    let ledger = world.ledger.borrow();
    for bytes in &ledger.accepted {
        let Some(sent) = ledger.bodies.get(bytes) else { continue };
        let name = || sent.key.clone().unwrap_or_default().0;
        match ledger.says_the_same(sent).count() {
            1 => {}
            0 if ledger.expired.contains(bytes) => {}
            0 => world.violation("200 leads to a stored event", name),
            _ => world.violation("nothing is stored twice", name),
        }
    }
    for event in ledger.events.values() {
        // What has expired can't be redriven any more.
        if event.delivered == 0 && !(event.expired && event.parked) {
            world.violation("what is stored is delivered", || format!("{}, parked: {}", event.pk, event.parked));
        }
    }
    let table = world.table.borrow();
    for bytes in ledger.quarantined.difference(&ledger.expired) {
        let sha256 = sha256(bytes);
        let is_kept = table.items().any(|(pk, sk, _)| pk.starts_with("QUARANTINE#") && sk.ends_with(&sha256));
        if !is_kept {
            world.violation("400 leads to quarantine", || sha256);
        }
    }
    let stays = |body: &str| {
        let message: Value = serde_json::from_str(body).unwrap_or_default();
        let part = |name: &str| message["key"][name].as_str().unwrap_or_default().to_owned();
        let id = Key { pk: part("pk"), sk: part("sk") }.event_id();
        ledger.foreign.contains(&id) || ledger.events.get(&id).is_some_and(|event| event.expired)
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

impl Kind {
    /// The fault's name in the balance of many runs.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Calls(target, how) => named(target, how),
            Self::Entries(_) => "SNS: single entries fail",
            Self::Killed(Function::Fanout) => "fanout killed",
            Self::Killed(Function::Recover) => "recover killed",
            Self::Killed(_) => "mo, dlr killed",
            Self::Throttled(Function::Fanout) => "fanout throttled",
            Self::Throttled(Function::Recover) => "recover throttled",
            Self::Throttled(_) => "mo, dlr throttled",
            Self::RecordsTwice => "records twice",
            Self::MessagesTwice => "messages twice",
            Self::Split => "shard split",
            Self::Redrive => "redrive amid faults",
            Self::Foreign(_) => "foreign item",
        }
    }
}

fn named(target: Target, how: How) -> &'static str {
    macro_rules! names {
        ($($target:ident: $transient:literal $withheld:literal $slow:literal $silent:literal $lost:literal;)*) => {
            match (target, how) {
                $((Target::$target, How::Transient(_)) => $transient,
                (Target::$target, How::Withheld(_)) => $withheld,
                (Target::$target, How::Slow(_)) => $slow,
                (Target::$target, How::Silent) => $silent,
                (Target::$target, How::AnswerLost | How::BreaksOff) => $lost,)*
            }
        };
    }
    names! {
        TableWrites: "table rejects" "table withheld" "table slow" "table silent" "table's answer lost";
        TableReads: "query rejected" "query withheld" "query slow" "query silent" "query's answer lost";
        Bucket: "bucket rejects" "bucket withheld" "bucket slow" "bucket silent" "bucket's answer lost";
        Spill: "spill queue rejects" "spill queue withheld" "spill queue slow" "spill queue silent" "spill queue's answer lost";
        DeadLetters: "dead-letter queue rejects" "dead-letter queue withheld" "dead-letter queue slow" "dead-letter queue silent" "dead-letter queue's answer lost";
        MoTopic: "topic mo rejects" "topic mo withheld" "topic mo slow" "topic mo silent" "topic mo's answer lost";
        DlrTopic: "topic dlr rejects" "topic dlr withheld" "topic dlr slow" "topic dlr silent" "topic dlr's answer lost";
    }
}
