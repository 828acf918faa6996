//! Gathers everything that is known of one message.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;
use tokio::time::Instant;
use wab_events::Kind;
use wab_fanout::{Composer, Occasion};
use wab_models::{BinaryContent, Body, DlrCallback, Item, Key, MoCallback};

use crate::mask::Mask;
use crate::parked::{Parked, Reader, classify};
use crate::reference::{self, References};
use crate::stack::{Cost, Meter, Stack};
use crate::stored::{
    Content, Fetched, MessageLine, Stored, Unreadable, Whole, describe, instant, message_of, unnamed_keys, with_bodies,
};
use crate::timeline::Timeline;

/// Replies by reference that are read for a sent message.
const MAX_REPLIES: usize = 100;

/// The time in which an event's body must be fetched.
const COMPOSE: Duration = Duration::from_secs(30);

/// For how long the dead-letter queue is read at most.
const READ_QUEUE: Duration = Duration::from_secs(60);

/// What is asked beyond the message id.
#[derive(Clone, Copy, Default)]
pub(super) struct Wanted<'a> {
    /// The event that led to the message.
    pub(super) event_id: Option<&'a str>,
    /// Compose the published events.
    pub(super) events: bool,
    /// Look into the dead-letter queue.
    pub(super) parked: bool,
}

/// Everything that is known of one message id.
#[derive(Serialize)]
pub(super) struct Report {
    pub(super) id: String,
    /// The stored events: the message and its variants first, then receipts in the order of arrival.
    pub(super) items: Vec<ItemReport>,
    /// Items that this wab can't read.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) unreadable: Vec<UnreadableReport>,
    /// The receipts with this id.
    pub(super) receipts: Option<Timeline>,
    /// The sent messages that the message replies to.
    pub(super) replies_to: Vec<RepliesTo>,
    /// The messages that name the same reference as the receipts.
    pub(super) replies: Vec<MessageLine>,
    /// The messages of the dead-letter queue that name one of the items. None if it wasn't read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) parked: Option<Vec<ParkedReport>>,
    pub(super) cost: Cost,
}

/// One stored event.
#[derive(Serialize)]
pub(super) struct ItemReport {
    /// Counts from 1, in the order of the list.
    pub(super) number: usize,
    pub(super) kind: Kind,
    pub(super) event_id: String,
    /// The event id that was asked for is this one's.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(super) asked_for: bool,
    /// Set if another body is stored under the same key: the first digits of this body's digest.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) variant: Option<String>,
    pub(super) received_at: Option<Timestamp>,
    /// When the user sent the message, by WhatsApp's clock.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) sent_at: Option<Timestamp>,
    pub(super) application: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) contact: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) destination: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) operator: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) reply_to: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) reference: Option<String>,
    /// The message's type.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub(super) message_type: Option<String>,
    /// The receipt's status.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) status: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) content: Option<Content>,
    pub(super) stored: StoredAt,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) binary: Option<BinaryReport>,
    /// The callback's body. None if it can't be read as JSON.
    pub(super) callback: Option<Value>,
    /// The event as it is published.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) event: Option<EventReport>,
}

/// Where a body is.
#[derive(Serialize)]
pub(super) struct StoredAt {
    /// `table`, `bucket`, or `nowhere` if the content isn't kept.
    pub(super) place: &'static str,
    pub(super) bytes: usize,
    /// The digest of the body in canonical form.
    pub(super) digest: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) object: Option<String>,
    /// The bucket no longer has the object.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(super) gone: bool,
    /// When the table may delete the item.
    pub(super) expires_at: Option<Timestamp>,
}

/// Binary content, decoded.
#[derive(Serialize)]
pub(super) struct BinaryReport {
    pub(super) content_type: String,
    pub(super) bytes: usize,
    pub(super) sha256: String,
    /// The object that holds it. None if only the body has it, in base64.
    pub(super) object: Option<String>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(super) gone: bool,
}

/// A published event, or why it can't be published.
#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum EventReport {
    Published { attributes: BTreeMap<&'static str, String>, event: Value },
    Unpublishable { reason: String },
}

#[derive(Serialize)]
pub(super) struct UnreadableReport {
    pub(super) event_id: Option<String>,
    pub(super) received_at: Option<Timestamp>,
    pub(super) problem: String,
}

/// The sent messages that a message replies to.
#[derive(Serialize)]
pub(super) struct RepliesTo {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) reference: Option<String>,
    /// Their receipts. Empty if none is stored.
    pub(super) sent: Vec<Timeline>,
}

#[derive(Serialize)]
pub(super) struct ParkedReport {
    pub(super) since: Option<Timestamp>,
    pub(super) reason: Option<String>,
    pub(super) event_id: String,
}

/// What is stored under a message id: the message and its variants, then receipts, each in the order of arrival.
#[derive(Default)]
pub(super) struct Items {
    pub(super) id: String,
    pub(super) events: Vec<Whole>,
    unreadable: Vec<Unreadable>,
}

impl Items {
    pub(super) fn is_empty(&self) -> bool {
        self.events.is_empty() && self.unreadable.is_empty()
    }
}

fn partitions(id: &str) -> [String; 2] {
    [format!("MO#{id}"), format!("DLR#{id}")]
}

/// Reads everything that is stored under a message id.
pub(super) async fn items(stack: &Stack, id: &str, meter: &Meter) -> anyhow::Result<Items> {
    let mut found = Items { id: id.to_owned(), ..Items::default() };
    for (pk, is_messages) in partitions(id).into_iter().zip([true, false]) {
        let mut events: Vec<Item<'static>> = Vec::new();
        for item in stack.table.partition(&pk, meter).await? {
            match Stored::read(item) {
                Stored::Event(item) => events.push(*item),
                Stored::Unreadable(item) => found.unreadable.push(item),
            }
        }
        // The first body of a message before its variants.
        events.sort_by_cached_key(|item| {
            (is_messages && item.is_variant(), item.received_at.clone(), item.key.sk.clone())
        });
        found.events.extend(with_bodies(&stack.bucket, events, usize::MAX, meter).await?);
    }
    Ok(found)
}

/// Gathers what else is known of a message id.
pub(super) async fn gather(
    stack: &Stack,
    items: Items,
    wanted: Wanted<'_>,
    mask: Mask,
    meter: &Meter,
) -> anyhow::Result<Report> {
    let Items { id, events, unreadable } = items;
    let mut reports = Vec::new();
    let composer =
        wanted.events.then(|| Composer::new(&stack.sdk, stack.resources.table.clone(), stack.resources.bucket.clone()));
    let table_arn = if wanted.events { Some(stack.table.arn().await?) } else { None };
    for (number, whole) in (1..).zip(&events) {
        let mut report = item_report(stack, number, whole, mask);
        report.asked_for = wanted.event_id == Some(report.event_id.as_str());
        if let (Some(content), Some(binary)) = (&whole.item.binary, &mut report.binary) {
            binary.gone = match &content.key {
                Some(key) => !stack.bucket.has(key).await?,
                None => false,
            };
        }
        if let Some(composer) = &composer {
            report.event = Some(event(composer, &whole.item, table_arn.as_deref(), mask).await);
        }
        reports.push(report);
    }
    let replies_to = replies_to(stack, &events, mask, meter).await?;
    let replies = replies(stack, &events, mask, meter).await?;
    let parked = if wanted.parked { Some(parked(stack, &partitions(&id)).await?) } else { None };
    Ok(Report {
        id: mask.id(&id).into_owned(),
        items: reports,
        unreadable: unreadable.into_iter().map(UnreadableReport::from).collect(),
        receipts: Timeline::of(&events, mask),
        replies_to,
        replies,
        parked,
        cost: meter.cost(),
    })
}

impl From<Unreadable> for UnreadableReport {
    fn from(item: Unreadable) -> Self {
        Self {
            event_id: item.key.as_ref().map(Key::event_id),
            received_at: item.received_at.as_ref().and_then(instant),
            problem: item.problem,
        }
    }
}

pub(super) fn item_report(stack: &Stack, number: usize, whole: &Whole, mask: Mask) -> ItemReport {
    let Whole { item, body } = whole;
    let kind = whole.kind_and_id().map_or(Kind::Mo, |(kind, _)| kind);
    let contact = |contact: &str| mask.contact(contact).into_owned();
    let id = |id: &str| mask.id(id).into_owned();
    let mut report = ItemReport {
        number,
        kind,
        event_id: item.key.event_id(),
        asked_for: false,
        variant: item.is_variant().then(|| item.digest.short().to_owned()),
        received_at: whole.received_at(),
        sent_at: item.sent_at.and_then(|at| Timestamp::from_second(i64::try_from(at).ok()?).ok()),
        application: item.application.clone().into_owned(),
        contact: item.source.as_deref().map(contact),
        destination: item.destination.as_deref().map(contact),
        operator: None,
        reply_to: item.reply_to.as_deref().map(id),
        reference: item.reference.as_deref().map(id),
        message_type: item.message_type.as_deref().map(str::to_owned),
        status: item.status.as_deref().map(str::to_owned),
        content: None,
        stored: stored_at(stack, item, body),
        binary: item.binary.as_ref().map(|binary| binary_report(stack, binary)),
        callback: body.text().and_then(|body| serde_json::from_str(body).ok()).map(|body: Value| mask.json(&body)),
        event: None,
    };
    let Some(text) = body.text() else { return report };
    match kind {
        Kind::Mo => {
            if let Ok(callback) = MoCallback::parse(text) {
                let message = message_of(&callback);
                report.sent_at = message.as_ref().and_then(|message| message.sent_at());
                report.operator = callback.operator.as_deref().map(|operator| mask.text(operator).into_owned());
                report.reply_to = callback.reply_to.as_deref().map(id);
                // What can't be an attribute of the item.
                report.contact = report.contact.or_else(|| callback.source.as_deref().map(contact));
                report.destination = report.destination.or_else(|| callback.destination.as_deref().map(contact));
                report.reference = report.reference.or_else(|| callback.reference.as_deref().map(id));
                report.content = Some(describe(&callback, message.as_ref(), item.binary.as_ref(), mask));
            }
        }
        Kind::Dlr => {
            if let Ok(callback) = DlrCallback::parse(text) {
                report.status = report.status.or_else(|| Some(callback.status.as_str().to_owned()));
                report.reference = report.reference.or_else(|| callback.reference.as_deref().map(id));
                let unnamed = unnamed_keys(&callback.unrecognized, mask);
                report.content = (!unnamed.is_empty()).then(|| Content { unnamed, ..Content::default() });
            }
        }
    }
    report
}

fn stored_at(stack: &Stack, item: &Item<'_>, body: &Fetched) -> StoredAt {
    let (place, bytes, object) = match &item.body {
        Body::Inline(body) => ("table", body.len(), None),
        Body::Object(object) => ("bucket", object.body_bytes, Some(stack.bucket.uri(&object.body_key))),
        Body::NotKept { body_bytes } => ("nowhere", *body_bytes, None),
    };
    StoredAt {
        place,
        bytes,
        digest: item.digest.as_str().to_owned(),
        object,
        gone: *body == Fetched::Gone,
        expires_at: Timestamp::from_second(item.expires_at).ok(),
    }
}

fn binary_report(stack: &Stack, binary: &BinaryContent) -> BinaryReport {
    BinaryReport {
        content_type: binary.content_type.clone().into_owned(),
        bytes: binary.bytes,
        sha256: binary.sha256.clone(),
        object: binary.key.as_ref().map(|key| stack.bucket.uri(key)),
        gone: false,
    }
}

/// The event as `fanout` composes it.
async fn event(composer: &Composer, item: &Item<'_>, table_arn: Option<&str>, mask: Mask) -> EventReport {
    match composer.compose(item, table_arn, Occasion::Stored, Instant::now() + COMPOSE).await {
        Ok(message) => EventReport::Published {
            attributes: message
                .attributes
                .into_iter()
                .map(|(name, value)| {
                    let is_contact = matches!(name, "source" | "destination");
                    (name, if is_contact { mask.contact(&value).into_owned() } else { value })
                })
                .collect(),
            event: serde_json::from_str(&message.text).map(|event| masked_event(event, mask)).unwrap_or_default(),
        },
        Err(reason) => EventReport::Unpublishable { reason: reason.to_string() },
    }
}

/// The envelope of an event has nothing of a person but the message id.
fn masked_event(event: Value, mask: Mask) -> Value {
    let Value::Object(members) = event else { return mask.json(&event) };
    let masked = members.into_iter().map(|(key, value)| {
        let value = match (key.as_str(), &value) {
            ("subject", Value::String(id)) => mask.id(id).into_owned().into(),
            // That of an item names the message id.
            ("dataref", Value::String(at)) if at.starts_with("s3://") => value,
            ("specversion" | "id" | "source" | "type" | "time" | "datacontenttype" | "dataschema" | "variant", _) => {
                value
            }
            _ => mask.json(&value),
        };
        (key, value)
    });
    Value::Object(masked.collect())
}

/// The sent messages that the messages among these events reply to.
async fn replies_to(stack: &Stack, events: &[Whole], mask: Mask, meter: &Meter) -> anyhow::Result<Vec<RepliesTo>> {
    let mut targets = BTreeSet::new();
    for whole in events.iter().filter(|whole| matches!(whole.kind_and_id(), Some((Kind::Mo, _)))) {
        let owned = |text: &Option<std::borrow::Cow<'_, str>>| text.as_deref().map(str::to_owned);
        match whole.body.text().map(MoCallback::parse) {
            Some(Ok(callback)) => drop(targets.insert((owned(&callback.reply_to), owned(&callback.reference)))),
            Some(Err(_)) => {}
            None => drop(targets.insert((owned(&whole.item.reply_to), owned(&whole.item.reference)))),
        }
    }
    let mut found = Vec::new();
    for (id, reference) in targets.into_iter().filter(|target| *target != (None, None)) {
        let mut sent = Vec::new();
        if let Some(id) = &id {
            let items = items(stack, id, meter).await?;
            sent.extend(Timeline::of(&items.events, mask));
        }
        if let (true, Some(reference)) = (sent.is_empty(), &reference) {
            let References { sent: by_reference, .. } = reference::look_up(stack, reference, mask, meter).await?;
            sent = by_reference;
        }
        found.push(RepliesTo {
            id: id.map(|id| mask.id(&id).into_owned()),
            reference: reference.map(|reference| mask.id(&reference).into_owned()),
            sent,
        });
    }
    Ok(found)
}

/// The messages that name the same reference as the receipts among these events. A reply that names only the message's id
/// is in no index, and isn't found.
async fn replies(stack: &Stack, events: &[Whole], mask: Mask, meter: &Meter) -> anyhow::Result<Vec<MessageLine>> {
    let receipts = events.iter().filter(|whole| matches!(whole.kind_and_id(), Some((Kind::Dlr, _))));
    let references: BTreeSet<&str> = receipts.filter_map(|whole| whole.item.reference.as_deref()).collect();
    let mut keys: Vec<Key> = Vec::new();
    for reference in references {
        let entries = reference::entries(stack, reference, MAX_REPLIES, meter).await?;
        let messages = entries.into_iter().filter(|dated| matches!(dated.key.kind_and_id(), Some((Kind::Mo, _))));
        keys.extend(messages.map(|dated| dated.key));
    }
    reference::lines(stack, &keys, mask, meter).await
}

/// The messages of the dead-letter queue that name an item of these partitions.
async fn parked(stack: &Stack, partitions: &[String]) -> anyhow::Result<Vec<ParkedReport>> {
    let reader = Reader::new(&stack.dead_letters, Some(READ_QUEUE));
    let found = reader.keep_hidden(parked_of(&reader, partitions)).await;
    reader.release().await?;
    found
}

async fn parked_of(reader: &Reader<'_>, partitions: &[String]) -> anyhow::Result<Vec<ParkedReport>> {
    let mut found = Vec::new();
    loop {
        let received = reader.next().await?;
        if received.is_empty() {
            return Ok(found);
        }
        for message in received {
            let (parked, reason) = classify(&message.body);
            let key = match parked {
                Parked::Event { key } => Some(key),
                Parked::Spilled { key, .. } => key,
                Parked::Record { .. } | Parked::Position { .. } | Parked::Unknown => None,
            };
            if let Some(key) = key.filter(|key| partitions.contains(&key.pk)) {
                found.push(ParkedReport { since: message.sent_at, reason, event_id: key.event_id() });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn envelope_of_an_event_is_not_masked() {
        let event = json!({"specversion": "1.0", "id": "2261", "source": "/wab/shop", "subject": "sms-6421000001",
                           "dataref": "arn:aws:dynamodb:x?pk=MO%2364", "new": "x",
                           "data": {"source": "+6421000001", "content": {"type": "text"}}});
        let masked = masked_event(event.clone(), Mask::default());
        assert_eq!((&masked["id"], &masked["source"]), (&json!("2261"), &json!("/wab/shop")));
        assert!(!masked.to_string().contains("6421000001") && !masked.to_string().contains("MO%23"), "{masked}");
        assert_eq!(masked["data"]["content"]["type"], "text");
        assert_eq!(masked_event(event.clone(), Mask::OFF), event);
    }
}
