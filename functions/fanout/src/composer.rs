//! From a stored item to its message: fetches the body and computes the delivery state. `wab` composes single messages
//! with the same code.

use std::collections::{BTreeSet, HashMap};

use futures_util::{StreamExt, stream};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use tokio::time::Instant;
use wab_events::Kind;
use wab_models::{Body, Delivery, EventError, Item, Key, MAX_MESSAGE_BYTES, NewEvent, Object, Receipt};
use wab_platform::{Clock, Reason, SdkConfig};
use wab_store::{EventTable, GetError, Objects, QueryError};

use crate::entry::{Entry, State};
use crate::message::{Message, Occasion};
use crate::publish_error::PublishError;
use crate::record::StoredEvent;

/// Composes messages from stored items, and from what else the table and the bucket hold of them.
#[derive(Debug, Clone)]
pub struct Composer {
    pub(crate) table: EventTable,
    objects: Objects,
    clock: Clock,
}

/// The receipts of each message that a batch has a receipt of, by partition key.
type Receipts = HashMap<String, Result<Vec<Receipt>, QueryError>>;

impl Composer {
    #[must_use]
    pub fn new(sdk: &SdkConfig, table_name: String, bucket_name: String) -> Self {
        Self { table: EventTable::new(sdk, table_name), objects: Objects::new(sdk, bucket_name), clock: Clock::of(sdk) }
    }

    /// Composes the message of one stored item, as [`handle`](crate::handle) does. The body is fetched by `by`, or left
    /// out. `table_arn` is needed only for a body that is too large for a message and not in the bucket.
    ///
    /// # Errors
    /// If the item can't be published, or a message's receipts can't be read.
    pub async fn compose(
        &self,
        item: &Item<'_>,
        table_arn: Option<&str>,
        occasion: Occasion,
        by: Instant,
    ) -> Result<Message, Reason> {
        let receipts = self.receipts(std::iter::once(&item.key), 1).await;
        Ok(self.message(item, table_arn, &receipts, occasion, by).await?)
    }

    /// Builds the messages of the entries that are pending, `concurrency` at a time.
    ///
    /// Bodies are fetched in half of the time until `by`. A bucket that stalls must leave time to publish.
    pub(crate) async fn prepare(&self, entries: &mut [Entry], occasion: Occasion, concurrency: usize, by: Instant) {
        let pending = entries.iter().filter(|entry| matches!(entry.state, State::Pending));
        let receipts = &self.receipts(pending.filter_map(|entry| entry.record.key()), concurrency).await;
        let bodies_by = Instant::now() + by.duration_since(Instant::now()) / 2;
        let prepared = entries.iter_mut().map(async |entry| {
            let Some(StoredEvent { item, table_arn, .. }) = entry.pending_event() else { return };
            let message = self.message(item, table_arn.as_deref(), receipts, occasion, bodies_by).await;
            entry.prepared(message);
        });
        stream::iter(prepared).buffer_unordered(concurrency).collect::<()>().await;
    }

    /// One query per message, however many of its receipts are among the keys.
    async fn receipts<'a>(&self, keys: impl Iterator<Item = &'a Key>, concurrency: usize) -> Receipts {
        let receipts = keys.filter(|key| matches!(key.kind_and_id(), Some((Kind::Dlr, _))));
        let messages: BTreeSet<String> = receipts.map(|key| key.pk.clone()).collect();
        let now = self.clock.now();
        let queries = messages.into_iter().map(async |pk| {
            let receipts = self.table.receipts(&pk, now).await;
            (pk, receipts)
        });
        stream::iter(queries).buffer_unordered(concurrency).collect().await
    }

    async fn message(
        &self,
        item: &Item<'_>,
        table_arn: Option<&str>,
        receipts: &Receipts,
        occasion: Occasion,
        bodies_by: Instant,
    ) -> Result<Message, PublishError> {
        let by_reference = || self.by_reference(item, table_arn, occasion);
        let Some(mut event) = self.event(item, bodies_by).await? else { return by_reference() };
        if let Some(content) = &item.binary {
            event = event.with_binary(content, content.key.as_ref().map(|key| self.objects.uri(key)));
        }
        if let Some(known) = receipts.get(&item.key.pk) {
            let this = Receipt::stored(&item.key.sk, item.status.as_deref(), item.received_at.clone());
            event = event.with_delivery(Delivery::of(this, known.clone()?));
        }
        let message = Message::of(&event, occasion)?;
        if message.size_bytes() <= MAX_MESSAGE_BYTES {
            return Ok(message);
        }
        let message = Message::of(&event.without_content(), occasion)?;
        if message.size_bytes() <= MAX_MESSAGE_BYTES { Ok(message) } else { by_reference() }
    }

    /// The event. None if it is published without the body: the body can't fit the message, or the bucket is unavailable.
    /// An event doesn't wait for the bucket, so that no other event waits behind it.
    async fn event<'a>(&self, item: &'a Item<'a>, by: Instant) -> Result<Option<NewEvent<'a>>, PublishError> {
        let object = match &item.body {
            Body::Inline(body) => return NewEvent::of(item, body).map(Some).map_err(permanent),
            Body::NotKept { body_bytes } => {
                return NewEvent::without_body(item, *body_bytes).map(Some).map_err(permanent);
            }
            Body::Object(object) => object,
        };
        // An event with binary content may fit without the content.
        if object.body_bytes > MAX_MESSAGE_BYTES && item.binary.is_none() {
            return Ok(None);
        }
        match self.objects.get(&object.body_key, by).await {
            Ok(bytes) => match String::from_utf8(bytes) {
                Ok(body) => NewEvent::of(item, &body).map(Some).map_err(permanent),
                Err(_) => Err(PublishError::Permanent(Reason::ObjectNotText)),
            },
            Err(GetError::Gone) => Err(PublishError::Permanent(Reason::ObjectGone)),
            Err(GetError::Unavailable(reason)) => {
                tracing::warn!(%reason, "body not available from the bucket: event published by reference");
                Ok(None)
            }
        }
    }

    fn by_reference(
        &self,
        item: &Item<'_>,
        table_arn: Option<&str>,
        occasion: Occasion,
    ) -> Result<Message, PublishError> {
        let dataref = match &item.body {
            Body::Object(Object { body_key, .. }) => self.objects.uri(body_key),
            Body::Inline(_) | Body::NotKept { .. } => {
                let no_table = || PublishError::Permanent(Reason::TooLargeWithoutTable);
                let encode = |text| utf8_percent_encode(text, NON_ALPHANUMERIC);
                let table_arn = table_arn.ok_or_else(no_table)?;
                format!("{table_arn}?pk={}&sk={}", encode(&item.key.pk), encode(&item.key.sk))
            }
        };
        Message::of(&NewEvent::by_reference(item, dataref).map_err(permanent)?, occasion)
    }
}

fn permanent(error: EventError) -> PublishError {
    PublishError::Permanent(match error {
        EventError::NotAnEvent => Reason::NotAnEventKey,
        EventError::Body(_) | EventError::OtherCallback => Reason::OtherCallback,
    })
}
