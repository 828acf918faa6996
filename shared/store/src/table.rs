//! The table `events`: puts each event once, and reads the receipts of a message and the messages of a sender.

use std::time::Duration;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::retry::RetryConfig;
use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValuesOnConditionCheckFailure};
use serde::Deserialize;
use tokio::time::Instant;
use wab_models::{Item, Key, Quarantined, Receipt, ReceivedAt};
use wab_platform::{Ping, Reason, SdkConfig};

use crate::deadline::by;

/// The maximum time for putting an item, including retries and a second put for a variant. Three attempts over a warm
/// connection fit. A table that is silent for longer won't answer in the remaining time.
pub const PUT_DEADLINE: Duration = Duration::from_millis(1_500);

/// The maximum number of receipts read for a message: far more than there are statuses.
const MAX_RECEIPTS: i32 = 100;

/// The maximum number of messages that are looked up of one sender.
const MAX_MESSAGES: i32 = 100;

/// The table of stored events.
#[derive(Debug, Clone)]
pub struct EventTable {
    client: Client,
    table_name: String,
}

/// How a put ended. In each case the event is in the table, stored under this key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stored {
    New(Key),
    /// Stored beside another event with the same key and another body.
    Variant(Key),
    /// Stored by an earlier put.
    Duplicate(Key),
}

/// Why receipts or messages couldn't be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum QueryError {
    /// The table or the permission to read it is missing: needs manual action.
    Withheld(Reason),
    /// The table is unavailable for now.
    Unavailable(Reason),
}

impl EventTable {
    #[must_use]
    pub fn new(sdk: &SdkConfig, table_name: String) -> Self {
        Self { client: Client::new(sdk), table_name }
    }

    /// Sends a put without its effect at init, so that the first callback finds a warm connection. A failure is
    /// ignored: the first put has its own retries.
    pub async fn warm_up(&self) {
        let put = self.client.put_item().table_name(&self.table_name).customize().interceptor(Ping);
        let once = aws_sdk_dynamodb::config::Builder::new().retry_config(RetryConfig::disabled());
        wab_platform::ping(put.config_override(once).send()).await;
    }

    /// Stores `item` unless it is stored already. One conditional put, and a second one if another body has the key:
    /// then the item is stored beside it as a variant. A retry after a lost answer finds its own item: a duplicate.
    ///
    /// # Errors
    /// If the table didn't accept it by `deadline` or within [`PUT_DEADLINE`].
    pub async fn put_once(&self, item: &Item<'_>, deadline: Instant) -> Result<Stored, Reason> {
        by(put_deadline(deadline), self.put_or_variant(item)).await
    }

    async fn put_or_variant(&self, item: &Item<'_>) -> Result<Stored, Reason> {
        match self.put_if_absent(item).await? {
            Put::Done => return Ok(Stored::New(item.key.clone())),
            Put::Taken { same_body: true } => return Ok(Stored::Duplicate(item.key.clone())),
            Put::Taken { same_body: false } => {}
        }
        let variant = item.clone().into_variant();
        match self.put_if_absent(&variant).await? {
            Put::Done => Ok(Stored::Variant(variant.key)),
            // A variant's key includes its digest, so the stored variant has the same body.
            Put::Taken { .. } => Ok(Stored::Duplicate(variant.key)),
        }
    }

    async fn put_if_absent(&self, item: &Item<'_>) -> Result<Put, Reason> {
        let attributes = serde_dynamo::aws_sdk_dynamodb_1::to_item(item).map_err(unwritable)?;
        let result = self
            .client
            .put_item()
            .table_name(&self.table_name)
            .set_item(Some(attributes))
            .condition_expression("attribute_not_exists(pk)")
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .send()
            .await;
        let Err(failure) = result else { return Ok(Put::Done) };
        match failure.as_service_error() {
            Some(PutItemError::ConditionalCheckFailedException(taken)) => {
                let digest = taken.item().and_then(|there| there.get("digest")?.as_s().ok());
                Ok(Put::Taken { same_body: digest.is_some_and(|digest| digest == item.digest.as_str()) })
            }
            _ => Err(Reason::of(&failure)),
        }
    }

    /// Stores a quarantined body. Its key is made of its time and its digest, so a retry writes the same item.
    ///
    /// # Errors
    /// If the table didn't accept it by `deadline` or within [`PUT_DEADLINE`].
    pub async fn put_quarantined(&self, quarantined: &Quarantined<'_>, deadline: Instant) -> Result<(), Reason> {
        let attributes = serde_dynamo::aws_sdk_dynamodb_1::to_item(quarantined).map_err(unwritable)?;
        let put = self.client.put_item().table_name(&self.table_name).set_item(Some(attributes)).send();
        by(put_deadline(deadline), async { put.await.map(|_| ()).map_err(|error| Reason::of(&error)) }).await
    }

    /// The stored receipts of one message, which share a partition key: at most 100.
    ///
    /// # Errors
    /// If the table is missing, rejects the query or doesn't answer.
    pub async fn receipts(&self, pk: &str) -> Result<Vec<Receipt>, QueryError> {
        let query = self
            .client
            .query()
            .table_name(&self.table_name)
            .key_condition_expression("pk = :pk")
            .expression_attribute_values(":pk", AttributeValue::S(pk.to_owned()))
            .projection_expression("sk, #status, received_at")
            .expression_attribute_names("#status", "status")
            .limit(MAX_RECEIPTS)
            .consistent_read(true);
        let items = query.send().await.map_err(|error| query_error(&error))?.items.unwrap_or_default();
        let rows = items.into_iter().map(serde_dynamo::from_item::<_, Row>);
        // A row of another layout has nothing for the history.
        let receipt = |row: Row| Receipt::stored(&row.sk, row.status.as_deref(), row.received_at);
        Ok(rows.filter_map(Result::ok).map(receipt).collect())
    }

    /// The keys of a sender's messages that were received in a span of time, both ends included: at most the 100 latest.
    /// The index that has them is updated some time after the table, usually within a second.
    ///
    /// # Errors
    /// If the table is missing, rejects the query or doesn't answer.
    pub async fn messages_of(
        &self,
        source: &str,
        from: &ReceivedAt,
        until: &ReceivedAt,
    ) -> Result<Vec<Key>, QueryError> {
        let text = |text: &str| AttributeValue::S(text.to_owned());
        let query = self
            .client
            .query()
            .table_name(&self.table_name)
            .index_name("by-source")
            .key_condition_expression("#source = :source AND received_at BETWEEN :from AND :until")
            .expression_attribute_names("#source", "source")
            .expression_attribute_values(":source", text(source))
            .expression_attribute_values(":from", text(from.as_str()))
            .expression_attribute_values(":until", text(until.as_str()))
            .scan_index_forward(false)
            .limit(MAX_MESSAGES);
        let items = query.send().await.map_err(|error| query_error(&error))?.items.unwrap_or_default();
        Ok(items.into_iter().filter_map(|item| serde_dynamo::from_item(item).ok()).collect())
    }

    /// Reads an event. None if the item is gone, or its layout is unknown.
    ///
    /// # Errors
    /// If the table is missing, rejects the call or doesn't answer.
    pub async fn item(&self, key: &Key) -> Result<Option<Item<'static>>, QueryError> {
        let text = |text: &str| AttributeValue::S(text.to_owned());
        let get = self.client.get_item().table_name(&self.table_name).consistent_read(true);
        let get = get.key("pk", text(&key.pk)).key("sk", text(&key.sk));
        let item = get.send().await.map_err(|error| query_error(&error))?.item;
        Ok(item.and_then(|item| serde_dynamo::from_item(item).ok()))
    }
}

#[derive(Deserialize)]
struct Row {
    sk: String,
    status: Option<String>,
    received_at: ReceivedAt,
}

/// `AccessDeniedException` is also the code for a KMS key that the reader may not use (AWS re:Post, "How do I
/// troubleshoot the error AccessDeniedException when I access an Amazon DynamoDB table?").
fn query_error<E: ProvideErrorMetadata>(error: &SdkError<E>) -> QueryError {
    match error.code() {
        Some("AccessDeniedException" | "ResourceNotFoundException") => QueryError::Withheld(Reason::of(error)),
        _ => QueryError::Unavailable(Reason::of(error)),
    }
}

fn put_deadline(deadline: Instant) -> Instant {
    deadline.min(Instant::now() + PUT_DEADLINE)
}

fn unwritable(_: serde_dynamo::Error) -> Reason {
    Reason::ItemNotWritable
}

enum Put {
    Done,
    Taken { same_body: bool },
}
