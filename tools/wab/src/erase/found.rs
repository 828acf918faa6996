//! What the stack holds on a person, as one scan of the table, the queues and the index of references find it.
//!
//! The scan is needed for the objects: nothing else knows whether another item points at the same content. It also finds
//! what no index has: names that are only in a message's content, and quarantined bodies.

use std::collections::{BTreeSet, HashSet};
use std::io::Write;

use anyhow::Context;
use futures_util::future::try_join_all;
use serde_dynamo::AttributeValue;
use wab_events::Kind;
use wab_models::{Item, Key, MoCallback, ObjectKey, Quarantined, Spilled, kind_and_id};

use super::person::{Names, Person};
use crate::conversation::Contact;
use crate::parked::{Parked, Reader, classify};
use crate::progress::Progress;
use crate::stack::{DeadLetters, ERASED, Erased, Expired, Meter, Stack, Tombstone, partition_key};
use crate::stored::{Stored, Whole, message_of, with_bodies};
use crate::{quarantine, reference};

/// Bodies that are fetched from the bucket at a time. Each may have 6 MB.
const CONCURRENT: usize = 8;

/// Entries of the index that are read for one reference.
const MAX_ENTRIES: usize = 500;

/// An item that is to be erased.
#[derive(Clone)]
pub(super) struct Held {
    pub(super) key: Key,
    pub(super) expires_at: i64,
    /// None for a quarantined body.
    pub(super) digest: Option<String>,
    pub(super) is_variant: bool,
    /// The objects that it points at.
    pub(super) objects: Vec<ObjectKey>,
    /// The number of messages that lead to it from the contact. The highest for an item that leads to no other.
    pub(super) hops: u32,
}

/// A message's reply_to and reference: the sent message that it replies to.
type Target = (Option<String>, Option<String>);

pub(super) struct Found {
    pub(super) person: Person,
    pub(super) messages: Vec<Held>,
    pub(super) receipts: Vec<Held>,
    pub(super) quarantined: Vec<Held>,
    pub(super) spilled: usize,
    pub(super) parked: usize,
    /// What an interrupted erasure left, of whomever.
    pub(super) unfinished: Vec<Held>,
    /// Objects of erased messages that a late repeat brought back.
    pub(super) returned: Vec<ObjectKey>,
    /// Objects of the messages in the queues.
    pub(super) queued_objects: Vec<ObjectKey>,
    /// Objects that items of others point at. Some 100 bytes of memory for each, which saves a second scan.
    pub(super) elsewhere: HashSet<String>,
    /// References that lead to receipts of several sent messages, or to messages of others.
    pub(super) shared_references: usize,
    /// Messages of others in which the person is named.
    pub(super) mentions: u64,
    /// Items of a newer layout in which the person is named.
    pub(super) unreadable: u64,
    /// Messages stored without content whose sender can't be compared: the key of the hashes can't be read.
    pub(super) unmatched: u64,
    /// Messages of the queues that another reader hides.
    pub(super) hidden: u64,
    targets: BTreeSet<Target>,
    /// Messages without a sender. They are the person's if another message with the same id is.
    nameless: Vec<Held>,
}

/// Looks for everything until a whole scan brings up no further name.
pub(super) async fn find(
    stack: &Stack,
    contact: &Contact,
    progress: &mut Progress,
    err: &mut dyn Write,
    meter: &Meter,
) -> anyhow::Result<Found> {
    // Without the permission, the report says what could not be compared.
    let mut person = Person::new(contact, stack.content_key().await.unwrap_or_default());
    loop {
        let mut found = Found::scan(stack, person.clone(), progress, err, meter).await?;
        if found.person.has_names_of(&person) {
            found.follow_ids();
            if let Some(spill_queue) = spill_queue(stack) {
                found.spilled = found.count_queue(stack, &spill_queue, meter).await?;
            }
            found.follow_replies(stack, meter).await?;
            found.parked = found.count_queue(stack, &stack.dead_letters, meter).await?;
            // A queued message may have a name too.
            if found.person.has_names_of(&person) {
                return Ok(found);
            }
        }
        person = found.person;
    }
}

/// The spill queue, to be read.
pub(super) fn spill_queue(stack: &Stack) -> Option<DeadLetters> {
    stack.resources.spill_queue_url.clone().map(|url| DeadLetters::new(&stack.sdk, url))
}

/// One entry of the table.
enum Row {
    Event { whole: Box<Whole>, objects: Vec<ObjectKey> },
    Quarantined { item: Box<Quarantined<'static>>, body: Option<Vec<u8>>, objects: Vec<ObjectKey> },
    Tombstone(Tombstone),
    Unreadable { mentions: bool, objects: Vec<ObjectKey> },
}

/// What an event is to the person.
enum Relation {
    Theirs { hops: u32 },
    Nameless,
    Other { mentions: bool },
}

impl Found {
    fn new(person: Person) -> Self {
        Self {
            person,
            messages: Vec::new(),
            receipts: Vec::new(),
            quarantined: Vec::new(),
            spilled: 0,
            parked: 0,
            unfinished: Vec::new(),
            returned: Vec::new(),
            queued_objects: Vec::new(),
            elsewhere: HashSet::new(),
            shared_references: 0,
            mentions: 0,
            unreadable: 0,
            unmatched: 0,
            hidden: 0,
            targets: BTreeSet::new(),
            nameless: Vec::new(),
        }
    }

    async fn scan(
        stack: &Stack,
        person: Person,
        progress: &mut Progress,
        err: &mut dyn Write,
        meter: &Meter,
    ) -> anyhow::Result<Self> {
        let mut found = Self::new(person);
        let (mut start, mut read) = (None, 0);
        loop {
            let (items, next) = stack.table.all(start, meter).await?;
            read += u64::try_from(items.len())?;
            let mut items = items.into_iter().peekable();
            while items.peek().is_some() {
                let rows = items.by_ref().take(CONCURRENT).map(|item| row(stack, &found.person, item, meter));
                for row in try_join_all(rows.collect::<Vec<_>>()).await? {
                    found.take(stack, row).await?;
                }
            }
            progress.set(read, &format!("{read} items read"), err)?;
            start = next;
            if start.is_none() {
                return Ok(found);
            }
        }
    }

    async fn take(&mut self, stack: &Stack, row: Row) -> anyhow::Result<()> {
        match row {
            Row::Event { whole, objects } => self.take_event(&whole, objects),
            Row::Quarantined { item, body, objects } => {
                let body = body.unwrap_or_default();
                if self.person.is_mentioned(&String::from_utf8_lossy(&body)) {
                    let Quarantined { key, expires_at, .. } = *item;
                    let digest = None;
                    self.quarantined.push(Held { key, expires_at, digest, is_variant: false, objects, hops: u32::MAX });
                } else {
                    self.is_elsewhere(&objects);
                }
            }
            Row::Tombstone(Tombstone { key, erased: Erased::Going, expires_at, digest, objects }) => {
                self.unfinished.push(Held { key, expires_at, digest, is_variant: false, objects, hops: u32::MAX });
            }
            Row::Tombstone(Tombstone { erased: Erased::Kept, objects, .. }) => {
                for object in objects {
                    if stack.bucket.has(&object).await? {
                        self.returned.push(object);
                    }
                }
            }
            Row::Unreadable { mentions, objects } => {
                self.unreadable += u64::from(mentions);
                self.is_elsewhere(&objects);
            }
        }
        Ok(())
    }

    fn take_event(&mut self, whole: &Whole, objects: Vec<ObjectKey>) {
        let Some((kind, _)) = whole.kind_and_id() else { return };
        let relation = self.relation(whole);
        let held = |hops| Held::of(&whole.item, objects.clone(), hops);
        match (kind, relation) {
            (Kind::Mo, Relation::Theirs { hops }) => self.messages.push(held(hops)),
            (Kind::Mo, Relation::Nameless) => self.nameless.push(held(u32::MAX)),
            (Kind::Mo, Relation::Other { mentions }) => {
                self.mentions += u64::from(mentions);
                self.is_elsewhere(&objects);
            }
            (Kind::Dlr, Relation::Theirs { hops }) => self.receipts.push(held(hops)),
            // Nothing shares a receipt's body: it has its id and its status.
            (Kind::Dlr, Relation::Nameless | Relation::Other { .. }) => {}
        }
    }

    /// Learns the other names of a message that is the person's, and what it replies to.
    fn relation(&mut self, whole: &Whole) -> Relation {
        let text = whole.body.text();
        let mentions = text.is_some_and(|text| self.person.is_mentioned(text));
        if matches!(whole.kind_and_id(), Some((Kind::Dlr, _))) {
            return if mentions { Relation::Theirs { hops: u32::MAX } } else { Relation::Nameless };
        }
        let callback = text.and_then(|text| MoCallback::parse(text).ok());
        let message = callback.as_ref().and_then(message_of);
        let source = callback.as_ref().and_then(|callback| callback.source.as_deref());
        let names = Names::of(whole.item.source.as_deref().or(source), message.as_ref());
        match self.person.hops(&names) {
            Some(hops) => {
                self.person.learn(names, hops);
                let owned = |text: Option<std::borrow::Cow<'_, str>>| text.map(std::borrow::Cow::into_owned);
                let reply_to = match &callback {
                    Some(callback) => owned(callback.reply_to.clone()),
                    None => owned(whole.item.reply_to.clone()),
                };
                self.targets.insert((reply_to, owned(whole.item.reference.clone())));
                Relation::Theirs { hops }
            }
            None if names.is_hashed() => {
                self.unmatched += u64::from(!self.person.has_key());
                Relation::Other { mentions: false }
            }
            // The sender may be under a key that nobody knows yet.
            None if names.is_empty() && mentions => Relation::Theirs { hops: u32::MAX },
            None if names.is_empty() => Relation::Nameless,
            None => Relation::Other { mentions },
        }
    }

    fn is_elsewhere(&mut self, objects: &[ObjectKey]) {
        self.elsewhere.extend(objects.iter().map(|object| object.as_str().to_owned()));
    }

    /// Adds messages without a sender whose id is that of the person's.
    fn follow_ids(&mut self) {
        let ids: HashSet<&str> = self.messages.iter().map(|held| &*held.key.pk).collect();
        let nameless = std::mem::take(&mut self.nameless);
        let (theirs, others): (Vec<_>, Vec<_>) = nameless.into_iter().partition(|held| ids.contains(&*held.key.pk));
        others.iter().for_each(|held| self.is_elsewhere(&held.objects));
        self.messages.extend(theirs);
    }

    /// Adds the receipts of the sent messages that the person replied to. Nothing else leads from a receipt to a person.
    async fn follow_replies(&mut self, stack: &Stack, meter: &Meter) -> anyhow::Result<()> {
        let messages: HashSet<String> = self.messages.iter().map(|held| held.key.event_id()).collect();
        let mut items = Vec::new();
        for (id, reference) in &self.targets {
            if let Some(id) = id {
                let pk = partition_key(Kind::Dlr, id);
                let by_id = stack.table.partition_with(&pk, Expired::Included, meter).await?;
                items.extend(by_id.iter().cloned());
                if !by_id.is_empty() {
                    continue;
                }
            }
            let Some(reference) = reference else { continue };
            let entries = reference::entries(stack, reference, MAX_ENTRIES, meter).await?;
            let (receipts, replies): (Vec<_>, Vec<_>) =
                entries.iter().partition(|dated| matches!(dated.key.kind_and_id(), Some((Kind::Dlr, _))));
            let sent: BTreeSet<String> = receipts.iter().map(|dated| dated.key.pk.clone()).collect();
            let is_shared = sent.len() > 1
                || entries.len() == MAX_ENTRIES
                || replies.iter().any(|dated| !messages.contains(&dated.key.event_id()));
            if is_shared {
                self.shared_references += usize::from(!sent.is_empty());
                continue;
            }
            for pk in sent {
                items.extend(stack.table.partition_with(&pk, Expired::Included, meter).await?);
            }
        }
        let mut known: HashSet<String> = self.receipts.iter().map(|held| held.key.event_id()).collect();
        for item in items {
            let objects = objects(&item);
            match Stored::read(item).into_event() {
                Some(item) if known.insert(item.key.event_id()) => {
                    self.receipts.push(Held::of(&item, objects, u32::MAX));
                }
                _ => {}
            }
        }
        Ok(())
    }

    async fn count_queue(&mut self, stack: &Stack, queue: &DeadLetters, meter: &Meter) -> anyhow::Result<usize> {
        self.hidden += queue.depth().await?.in_flight;
        let reader = Reader::new(queue, None);
        let counted = reader.keep_hidden(self.count_messages(stack, &reader, meter)).await;
        reader.release().await?;
        counted
    }

    async fn count_messages(&mut self, stack: &Stack, reader: &Reader<'_>, meter: &Meter) -> anyhow::Result<usize> {
        let mut count = 0;
        loop {
            let received = reader.next().await?;
            if received.is_empty() {
                return Ok(count);
            }
            for message in received {
                match self.claim(stack, &message.body, meter).await? {
                    Claim::Theirs(objects) => {
                        count += 1;
                        self.queued_objects.extend(objects);
                    }
                    Claim::Other(objects) => self.is_elsewhere(&objects),
                }
            }
        }
    }

    /// Whether a message of a queue is the person's.
    pub(super) async fn claim(&mut self, stack: &Stack, body: &str, meter: &Meter) -> anyhow::Result<Claim> {
        let is_theirs = match classify(body).0 {
            Parked::Event { key } => self.has(&key),
            Parked::Position { .. } => false,
            Parked::Record { record } => self.person.is_mentioned(record.get()),
            Parked::Unknown => self.person.is_mentioned(body),
            Parked::Spilled { message, .. } => match serde_json::from_str::<Spilled<'_>>(&message) {
                Ok(Spilled::Event(item)) => {
                    let item: Item<'static> = serde_json::from_value(serde_json::to_value(item)?)?;
                    return self.claim_event(stack, item, meter).await;
                }
                Ok(Spilled::Quarantine(item)) => {
                    let objects = objects(&serde_dynamo::to_item(&item)?);
                    let body = quarantine::body(stack, &item).await?.unwrap_or_default();
                    return Ok(Claim::new(self.person.is_mentioned(&String::from_utf8_lossy(&body)), objects));
                }
                Err(_) => self.person.is_mentioned(&message),
            },
        };
        Ok(Claim::new(is_theirs, Vec::new()))
    }

    async fn claim_event(&mut self, stack: &Stack, item: Item<'static>, meter: &Meter) -> anyhow::Result<Claim> {
        let objects = objects(&serde_dynamo::to_item(&item)?);
        let whole = fetch(stack, &self.person, item, meter).await?;
        let is_theirs = match self.relation(&whole) {
            Relation::Theirs { .. } => true,
            Relation::Nameless => self.has(&whole.item.key) || self.has_id(&whole.item.key.pk),
            Relation::Other { .. } => false,
        };
        Ok(Claim::new(is_theirs, objects))
    }

    /// Whether this is the key of the person's message, or of a receipt of a message that they replied to.
    fn has(&self, key: &Key) -> bool {
        let is_receipt = matches!(key.kind_and_id(), Some((Kind::Dlr, _))) && self.has_id(&key.pk);
        is_receipt || self.messages.iter().chain(&self.receipts).any(|held| held.key == *key)
    }

    fn has_id(&self, pk: &str) -> bool {
        let is_replied_to = |id: &str| self.targets.iter().any(|(reply_to, _)| reply_to.as_deref() == Some(id));
        matches!(kind_and_id(pk), Some((Kind::Dlr, id)) if is_replied_to(id))
            || self.messages.iter().chain(&self.receipts).any(|held| held.key.pk == pk)
    }

    /// The number of the person's objects, and of those among them that someone else's item points at.
    pub(super) fn objects(&self) -> (usize, usize) {
        let held = self.messages.iter().chain(&self.receipts).chain(&self.quarantined);
        let objects = held.flat_map(|held| &held.objects).chain(&self.queued_objects);
        let objects: BTreeSet<&str> = objects.map(ObjectKey::as_str).collect();
        (objects.len(), objects.into_iter().filter(|object| self.elsewhere.contains(*object)).count())
    }

    /// The number of marks that an interrupted erasure left, and of objects that came back.
    pub(super) fn unfinished(&self) -> usize {
        let returned: BTreeSet<&str> = self.returned.iter().map(ObjectKey::as_str).collect();
        self.unfinished.len() + returned.into_iter().filter(|object| !self.elsewhere.contains(*object)).count()
    }
}

/// A message of a queue, with the objects that it points at.
pub(super) enum Claim {
    Theirs(Vec<ObjectKey>),
    Other(Vec<ObjectKey>),
}

impl Claim {
    fn new(is_theirs: bool, objects: Vec<ObjectKey>) -> Self {
        if is_theirs { Self::Theirs(objects) } else { Self::Other(objects) }
    }
}

impl Held {
    fn of(item: &Item<'_>, objects: Vec<ObjectKey>, hops: u32) -> Self {
        Self {
            key: item.key.clone(),
            expires_at: item.expires_at,
            digest: Some(item.digest.as_str().to_owned()),
            is_variant: item.is_variant(),
            objects,
            hops,
        }
    }
}

/// Reads an entry of the table, and its body as far as it is needed.
async fn row(stack: &Stack, person: &Person, item: serde_dynamo::Item, meter: &Meter) -> anyhow::Result<Row> {
    let objects = objects(&item);
    let is_mentioned = |value: &AttributeValue| matches!(value, AttributeValue::S(text) if person.is_mentioned(text));
    let unreadable = Row::Unreadable { mentions: item.values().any(is_mentioned), objects: objects.clone() };
    if item.contains_key(ERASED) {
        return Ok(serde_dynamo::from_item(item).map_or(unreadable, Row::Tombstone));
    }
    if matches!(item.get("pk"), Some(AttributeValue::S(pk)) if pk.starts_with("QUARANTINE#")) {
        let Some(item) = quarantine::read(item) else { return Ok(unreadable) };
        let body = quarantine::body(stack, &item).await?;
        return Ok(Row::Quarantined { item: Box::new(item), body, objects });
    }
    match Stored::read(item).into_event() {
        Some(item) => Ok(Row::Event { whole: Box::new(fetch(stack, person, item, meter).await?), objects }),
        None => Ok(unreadable),
    }
}

/// Adds its body to an event. One in the bucket is fetched only if it may say more than the attributes.
async fn fetch(stack: &Stack, person: &Person, item: Item<'static>, meter: &Meter) -> anyhow::Result<Whole> {
    let names = Names::of(item.source.as_deref(), None);
    // Binary content has no names.
    let is_needed = matches!(item.key.kind_and_id(), Some((Kind::Dlr, _)))
        || person.hops(&names).is_some()
        || (item.binary.is_none() && person.may_have_other_name(&names));
    let max_bytes = if is_needed { usize::MAX } else { 0 };
    let whole = with_bodies(&stack.bucket, vec![item], max_bytes, meter).await?;
    whole.into_iter().next().context("an item has a body")
}

/// The objects that an item points at, whatever its layout.
fn objects(item: &serde_dynamo::Item) -> Vec<ObjectKey> {
    let body = item.get("body_key");
    let content = match item.get("binary") {
        Some(AttributeValue::M(binary)) => binary.get("key"),
        _ => None,
    };
    let read = |key: &AttributeValue| serde_dynamo::from_attribute_value(key.clone()).ok();
    body.into_iter().chain(content).filter_map(read).collect()
}
