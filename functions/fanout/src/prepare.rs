//! From a stored item to the event that is published: its body fetched, the state of its delivery told.

use std::borrow::Cow;
use std::collections::HashMap;

use futures_util::StreamExt;
use futures_util::stream;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use tokio::time::Instant;
use wab_events::Kind;
use wab_models::{Body, Delivery, Event, EventError, Item, MAX_MESSAGE_BYTES, Object, Receipt, kind_and_id};
use wab_platform::Reason;
use wab_store::{EventTable, GetError, Objects, QueryError};

use crate::CONCURRENT_CALLS;
use crate::publish::Setback;
use crate::record::StoredEvent;

/// What events are made from beside their items.
#[derive(Debug, Clone)]
pub(crate) struct Sources {
    pub(crate) table: EventTable,
    pub(crate) objects: Objects,
}

/// An event ready to be published.
#[derive(Debug)]
pub(crate) struct NewEvent {
    pub(crate) kind: Kind,
    pub(crate) message: String,
    pub(crate) attributes: Vec<(&'static str, String)>,
}

/// The receipts of each message that a batch has one of, by partition key.
type Receipts<'a> = HashMap<&'a str, Result<Vec<Receipt>, QueryError>>;

impl Sources {
    /// Makes the events of stored items, in their order, some at a time. Half of what is left until `by` then remains to
    /// publish them: a bucket that stalls must not take it.
    pub(crate) async fn prepare(&self, stored: &[&StoredEvent], by: Instant) -> Vec<Result<NewEvent, Setback>> {
        let receipts = &self.receipts(stored).await;
        let bodies_by = Instant::now() + by.duration_since(Instant::now()) / 2;
        let events = stored.iter().map(|event| self.event(event, receipts, bodies_by));
        stream::iter(events).buffered(CONCURRENT_CALLS).collect().await
    }

    /// One look for each message, however many of its receipts are in the batch.
    async fn receipts<'a>(&self, stored: &[&'a StoredEvent]) -> Receipts<'a> {
        let is_receipt = |pk: &&str| matches!(kind_and_id(pk), Some((Kind::Dlr, _)));
        let mut messages: Vec<&str> =
            stored.iter().map(|event| event.item.key.pk.as_str()).filter(is_receipt).collect();
        messages.sort_unstable();
        messages.dedup();
        let looks = messages.into_iter().map(async |pk| (pk, self.table.receipts(pk).await));
        stream::iter(looks).buffer_unordered(CONCURRENT_CALLS).collect().await
    }

    async fn event(
        &self,
        stored: &StoredEvent,
        receipts: &Receipts<'_>,
        bodies_by: Instant,
    ) -> Result<NewEvent, Setback> {
        let item = &stored.item;
        let Some(body) = self.body(item, bodies_by).await? else { return self.by_reference(stored) };
        let mut event = Event::of(item, &body).map_err(refused)?;
        if let Some(content) = &item.binary {
            event = event.with_binary(content, content.key.as_ref().map(|key| self.objects.uri(key)));
        }
        if let Some(known) = receipts.get(item.key.pk.as_str()) {
            let known = known.clone().map_err(unread)?;
            let this = Receipt::stored(&item.key.sk, item.status.as_deref(), item.received_at.clone());
            event = event.with_delivery(Delivery::of(this, known));
        }
        let message = NewEvent::of(&event)?;
        if message.size_bytes() <= MAX_MESSAGE_BYTES {
            return Ok(message);
        }
        let message = NewEvent::of(&event.without_content())?;
        if message.size_bytes() <= MAX_MESSAGE_BYTES { Ok(message) } else { self.by_reference(stored) }
    }

    /// The body; none if the event must do without it: it can't fit the message, or the bucket doesn't give it. An
    /// event doesn't wait for the bucket, so that no other waits behind it.
    async fn body<'a>(&self, item: &'a Item<'_>, by: Instant) -> Result<Option<Cow<'a, str>>, Setback> {
        let object = match &item.body {
            Body::Inline { body } => return Ok(Some(Cow::Borrowed(body))),
            Body::Encoded { .. } => return Err(Setback::Permanent(Reason::UnknownLayout)),
            Body::Object(object) => object,
        };
        // For binary content, the event may fit without the content.
        if object.body_bytes > MAX_MESSAGE_BYTES && item.binary.is_none() {
            return Ok(None);
        }
        match self.objects.get(&object.body_key, by).await {
            Ok(bytes) => match String::from_utf8(bytes) {
                Ok(body) => Ok(Some(Cow::Owned(body))),
                Err(_) => Err(Setback::Permanent(Reason::ObjectNotText)),
            },
            Err(GetError::Gone) => Err(Setback::Permanent(Reason::ObjectGone)),
            Err(GetError::Unavailable(reason)) => {
                tracing::warn!(%reason, "the bucket did not give a body: its event is published by reference");
                Ok(None)
            }
        }
    }

    fn by_reference(&self, stored: &StoredEvent) -> Result<NewEvent, Setback> {
        let item = &stored.item;
        let dataref = match &item.body {
            Body::Object(Object { body_key, .. }) => self.objects.uri(body_key),
            Body::Inline { .. } | Body::Encoded { .. } => {
                let no_table = || Setback::Permanent(Reason::TooLargeWithoutTable);
                let encode = |text| utf8_percent_encode(text, NON_ALPHANUMERIC);
                let table_arn = stored.table_arn.as_deref().ok_or_else(no_table)?;
                format!("{table_arn}?pk={}&sk={}", encode(&item.key.pk), encode(&item.key.sk))
            }
        };
        NewEvent::of(&Event::by_reference(item, dataref).map_err(refused)?)
    }
}

impl NewEvent {
    fn of(event: &Event<'_>) -> Result<Self, Setback> {
        let message = event.to_message().map_err(|_| Setback::Permanent(Reason::EventNotWritable))?;
        let attributes = event.attributes().into_iter().map(|(name, value)| (name, value.to_owned())).collect();
        Ok(Self { kind: event.kind(), message, attributes })
    }

    /// What SNS counts against its limit: the message, and the name, data type and value of each attribute.
    pub(crate) fn size_bytes(&self) -> usize {
        let attribute = |(name, value): &(&str, String)| name.len() + "String".len() + value.len();
        self.message.len() + self.attributes.iter().map(attribute).sum::<usize>()
    }
}

fn unread(unread: QueryError) -> Setback {
    match unread {
        QueryError::Withheld(reason) => Setback::Withheld(reason),
        QueryError::Unavailable(reason) => Setback::Transient(reason),
    }
}

fn refused(error: EventError) -> Setback {
    Setback::Permanent(match error {
        EventError::NotAnEvent => Reason::NotAnEventKey,
        EventError::Body(_) | EventError::OtherCallback => Reason::OtherCallback,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_count_with_name_type_and_value() {
        let attributes = vec![("kind", "mo".to_owned()), ("type", "text".to_owned())];
        let event = NewEvent { kind: Kind::Mo, message: "{}".to_owned(), attributes };
        assert_eq!(event.size_bytes(), 2 + (4 + 6 + 2) + (4 + 6 + 4));
    }
}
