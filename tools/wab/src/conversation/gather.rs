//! Gathers a page of a conversation: keys from the index, items in batches, and the receipts that the messages lead to.

use std::collections::{BTreeSet, HashMap};

use futures_util::{StreamExt, TryStreamExt, stream};
use jiff::Timestamp;
use serde::Serialize;
use wab_events::Kind;
use wab_events::message::Message;
use wab_models::{Key, MoCallback};

use super::contact::Contact;
use super::page::{Next, Page};
use crate::mask::Mask;
use crate::reference;
use crate::stack::{Cost, Dated, Index, Lookup, Meter, Stack};
use crate::stored::{MAX_LISTED_BYTES, MessageLine, Relation, Stored, Whole, message_of, with_bodies};
use crate::timeline::Timeline;

/// Sent messages whose receipts are read at a time.
const CONCURRENT: usize = 8;

/// Entries of the index that are read for one reference.
const MAX_ENTRIES: usize = 100;

/// A page of a conversation.
#[derive(Serialize)]
pub(super) struct Conversation {
    pub(super) contact: String,
    /// Oldest first.
    pub(super) entries: Vec<Entry>,
    /// The number of messages on this page, those that are shown with another one included.
    pub(super) messages: usize,
    /// Other names by which the messages call the contact: a user id, a new number.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) also_known_as: Vec<String>,
    /// The option that asks for the next page; none if this is the last one.
    pub(super) next: Option<Next>,
    /// The key of the stack couldn't be read, so messages that were stored without content aren't found.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(super) without_key: bool,
    pub(super) cost: Cost,
}

#[derive(Serialize)]
#[serde(tag = "entry", rename_all = "lowercase")]
pub(super) enum Entry {
    /// A message from the contact.
    Message(Box<Said>),
    /// A message that was sent to the contact, which one of the messages replies to.
    Sent(Timeline),
}

impl Entry {
    pub(super) fn at(&self) -> Option<Timestamp> {
        match self {
            Self::Message(said) => said.line.received_at,
            Self::Sent(timeline) => timeline.receipts.first()?.received_at,
        }
    }
}

/// A message from the contact, with what happened to it later.
#[derive(Serialize)]
pub(super) struct Said {
    #[serde(flatten)]
    pub(super) line: MessageLine,
    /// The sent message that it replies to: its id or, without one, its reference.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) reply_to: Option<String>,
    /// No receipt of that message is stored.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(super) without_receipts: bool,
    /// When the message of this page was received that it replies to or is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) about: Option<Timestamp>,
    /// Reactions, edits and a deletion.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) changes: Vec<MessageLine>,
}

/// A message as it was read.
struct Read {
    whole: Whole,
    message: Option<Message>,
    reply_to: Option<String>,
    reference: Option<String>,
}

/// Gathers one page.
pub(super) async fn gather(
    stack: &Stack,
    contact: &Contact,
    page: &Page,
    mask: Mask,
    meter: &Meter,
) -> anyhow::Result<Conversation> {
    // A person who may not read a function's configuration still reads the messages that have content.
    let key = stack.content_key().await;
    let hash = key.as_ref().ok().and_then(Option::as_ref).map(|key| key.contact(contact.name()));
    let values: Vec<&str> = contact.spellings().iter().chain(&hash).map(String::as_str).collect();
    let (keys, next) = keys(stack, &values, page, meter).await?;
    let keys: Vec<Key> = keys.into_iter().map(|dated| dated.key).collect();
    let items = stack.table.items(&keys, meter).await?;
    let mut items: Vec<_> = items.into_iter().filter_map(|item| Stored::read(item).into_event()).collect();
    items.sort_by_cached_key(|item| (item.received_at.clone(), item.key.pk.clone(), item.key.sk.clone()));
    let read: Vec<Read> =
        with_bodies(&stack.bucket, items, MAX_LISTED_BYTES, meter).await?.into_iter().map(Read::of).collect();
    let sent = sent(stack, &read, mask, meter).await?;
    let mut conversation = Conversation {
        contact: mask.contact(contact.name()).into_owned(),
        entries: said(&read, &sent, mask),
        messages: read.len(),
        also_known_as: also_known_as(contact, &read, mask),
        next,
        without_key: key.is_err(),
        cost: meter.cost(),
    };
    let mut shown = BTreeSet::new();
    for timeline in sent.into_values().flatten() {
        if shown.insert(timeline.message_id.clone()) {
            conversation.entries.push(Entry::Sent(timeline));
        }
    }
    // A stable sort: messages of one time stay in their order.
    conversation.entries.sort_by_key(Entry::at);
    Ok(conversation)
}

/// The keys of a page, in its order: of the messages whose attribute `source` has one of these values.
async fn keys(
    stack: &Stack,
    values: &[&str],
    page: &Page,
    meter: &Meter,
) -> anyhow::Result<(Vec<Dated>, Option<Next>)> {
    let mut limit = page.limit + 1;
    loop {
        let mut keys = Vec::new();
        for &value in values {
            let lookup = Lookup {
                index: Index::BySource,
                value,
                from: page.since.as_ref(),
                to: page.until.as_ref(),
                newest_first: page.newest_first(),
                limit,
            };
            keys.extend(stack.table.lookup(lookup, meter).await?);
        }
        keys.sort_by(|a, b| a.received_at.cmp(&b.received_at));
        if page.newest_first() {
            keys.reverse();
        }
        if let Some(cut) = page.cut(keys) {
            return Ok(cut);
        }
        // Every message was received in the same millisecond.
        limit *= 2;
    }
}

impl Read {
    fn of(whole: Whole) -> Self {
        let callback = whole.body.text().and_then(|body| MoCallback::parse(body).ok());
        let (message, reply_to, reference) = match &callback {
            Some(callback) => {
                let owned = |text: &Option<std::borrow::Cow<'_, str>>| text.as_deref().map(str::to_owned);
                (message_of(callback), owned(&callback.reply_to), owned(&callback.reference))
            }
            None => {
                let owned = |text: &Option<std::borrow::Cow<'_, str>>| text.as_deref().map(str::to_owned);
                (None, owned(&whole.item.reply_to), owned(&whole.item.reference))
            }
        };
        Self { message, reply_to, reference, whole }
    }

    /// The sent message that it replies to.
    fn target(&self) -> Option<Target> {
        let target = (self.reply_to.clone(), self.reference.clone());
        (target != (None, None)).then_some(target)
    }
}

/// The id and the reference of a sent message.
type Target = (Option<String>, Option<String>);

/// The receipts of the messages that were replied to. A reference may name several messages.
async fn sent(
    stack: &Stack,
    read: &[Read],
    mask: Mask,
    meter: &Meter,
) -> anyhow::Result<HashMap<Target, Vec<Timeline>>> {
    let targets: BTreeSet<Target> = read.iter().filter_map(Read::target).collect();
    let timelines = targets.into_iter().map(async |target| {
        let (id, reference) = &target;
        if let Some(id) = id {
            let items = stack.table.partition(&format!("DLR#{id}"), meter).await?;
            let items = items.into_iter().filter_map(|item| Stored::read(item).into_event()).collect();
            let items = with_bodies(&stack.bucket, items, MAX_LISTED_BYTES, meter).await?;
            if let Some(timeline) = Timeline::of(&items, mask) {
                return anyhow::Ok((target, vec![timeline]));
            }
        }
        let Some(reference) = reference else { return Ok((target, Vec::new())) };
        let mut entries = reference::entries(stack, reference, MAX_ENTRIES, meter).await?;
        entries.retain(|dated| matches!(dated.key.kind_and_id(), Some((Kind::Dlr, _))));
        // The index also has what has expired.
        let keys: Vec<Key> = entries.iter().map(|dated| dated.key.clone()).collect();
        let kept = stack.table.items(&keys, meter).await?;
        let kept: BTreeSet<String> =
            kept.into_iter().filter_map(|item| Stored::read(item).key()).map(|key| key.event_id()).collect();
        let mut messages: Vec<Vec<Dated>> = Vec::new();
        for dated in entries.into_iter().filter(|dated| kept.contains(&dated.key.event_id())) {
            match messages.iter_mut().find(|group| group.iter().any(|first| first.key.pk == dated.key.pk)) {
                Some(group) => group.push(dated),
                None => messages.push(vec![dated]),
            }
        }
        let timelines = messages.iter().filter_map(|group| Timeline::of_keys(group, mask)).collect();
        Ok((target, timelines))
    });
    stream::iter(timelines).buffer_unordered(CONCURRENT).try_collect().await
}

/// The messages, each with its reactions, edits and deletion. Those about a message that isn't on the page stand alone.
fn said(all: &[Read], sent: &HashMap<Target, Vec<Timeline>>, mask: Mask) -> Vec<Entry> {
    // The first message with an id: a later one with the same is a variant.
    let mut by_id: HashMap<&str, usize> = HashMap::new();
    for (position, read) in all.iter().enumerate() {
        if let Some(id) = read.message.as_ref().and_then(Message::id) {
            by_id.entry(id).or_insert(position);
        }
    }
    let mut changes: HashMap<usize, Vec<MessageLine>> = HashMap::new();
    let mut said = Vec::new();
    for (position, read) in all.iter().enumerate() {
        let Some(line) = MessageLine::of(&read.whole, mask) else { continue };
        let relation = read.message.as_ref().and_then(Relation::of);
        let about = relation.map(Relation::target).or_else(|| read.message.as_ref()?.reply_to());
        let about = about.and_then(|id| by_id.get(id)).copied().filter(|about| *about != position);
        match (relation, about) {
            (Some(_), Some(about)) => changes.entry(about).or_default().push(line),
            (_, about) => {
                let target = read.target();
                let without_receipts = target.as_ref().is_some_and(|target| sent.get(target).is_none_or(Vec::is_empty));
                let name = target.and_then(|(id, reference)| id.or(reference));
                let about = about.and_then(|about| all.get(about)?.whole.received_at());
                said.push((
                    position,
                    Said {
                        line,
                        reply_to: name.map(|name| mask.id(&name).into_owned()),
                        without_receipts,
                        about,
                        changes: Vec::new(),
                    },
                ));
            }
        }
    }
    let entries = said.into_iter().map(|(position, said)| {
        let changes = changes.remove(&position).unwrap_or_default();
        Entry::Message(Box::new(Said { changes, ..said }))
    });
    entries.collect()
}

/// The names of the contact in these messages that differ from the one that was asked for.
fn also_known_as(contact: &Contact, read: &[Read], mask: Mask) -> Vec<String> {
    let mut names = BTreeSet::new();
    for message in read.iter().filter_map(|read| read.message.as_ref()) {
        let sender = message.sender();
        let phone = sender.phone().map(|phone| phone.e164());
        let ids = [sender.user_id(), sender.parent_user_id()].into_iter().flatten().map(|id| id.as_str().to_owned());
        names.extend(phone.into_iter().chain(ids).filter(|name| !contact.spellings().contains(name)));
    }
    names.into_iter().map(|name| mask.contact(&name).into_owned()).collect()
}
