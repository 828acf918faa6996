//! The table `events`: each event is put once, and a message's receipts are read back.

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::retry::RetryConfig;
use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::operation::query::QueryError;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValuesOnConditionCheckFailure};
use serde::Deserialize;
use wab_models::{Item, Key, Quarantined, Receipt, ReceivedAt};
use wab_platform::{Ping, Reason, SdkConfig};

use crate::PUT_DEADLINE;

/// How many receipts of one message are read: far more than there are statuses, so that only what is no history
/// any more is cut.
const MAX_RECEIPTS: i32 = 100;

/// The table of stored events.
#[derive(Debug, Clone)]
pub struct EventTable {
    client: Client,
    table_name: String,
}

/// How a put ended: in each case the event is in the table, under the key that stands here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stored {
    /// It is stored now.
    New(Key),
    /// It is stored now, beside another one that has its key and another body.
    Variant(Key),
    /// It was stored before.
    Duplicate(Key),
}

/// Why receipts couldn't be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unread {
    /// The table or the right to read it is missing: someone has to restore it.
    Withheld(Reason),
    /// The table didn't answer this time.
    Unavailable(Reason),
}

impl EventTable {
    /// The table of this name, reached with this configuration.
    #[must_use]
    pub fn new(sdk: &SdkConfig, table_name: String) -> Self {
        Self { client: Client::new(sdk), table_name }
    }

    /// Goes once through all of a put but for its effect, so that the first callback finds a warm connection.
    /// For init; when it fails, so may the first put, which then has its retries.
    pub async fn warm_up(&self) {
        let put = self.client.put_item().table_name(&self.table_name).customize().interceptor(Ping);
        let once = aws_sdk_dynamodb::config::Builder::new().retry_config(RetryConfig::disabled());
        wab_platform::ping(put.config_override(once).send()).await;
    }

    /// Stores `item` unless it is there. One conditional put; a second one if the key is taken by another
    /// body, which then stands beside the first as a variant.
    ///
    /// A retry after an answer that was lost finds its own item and is a duplicate.
    ///
    /// # Errors
    /// If the table didn't take it within [`PUT_DEADLINE`].
    pub async fn put_once(&self, item: &Item<'_>) -> Result<Stored, Reason> {
        in_time(self.put_or_variant(item)).await
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
            // A variant's key holds its digest: whatever is there has the same body.
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

    /// Stores a quarantined body. Its key says when it came and what it is, so a retry writes the same again.
    ///
    /// # Errors
    /// If the table didn't take it within [`PUT_DEADLINE`].
    pub async fn put_quarantined(&self, quarantined: &Quarantined<'_>) -> Result<(), Reason> {
        let attributes = serde_dynamo::aws_sdk_dynamodb_1::to_item(quarantined).map_err(unwritable)?;
        let put = self.client.put_item().table_name(&self.table_name).set_item(Some(attributes)).send();
        in_time(async { put.await.map(|_| ()).map_err(|error| Reason::of(&error)) }).await
    }

    /// All receipts of one message that are stored now, as one partition of the table: at most 100.
    ///
    /// # Errors
    /// If the table is missing, refuses or doesn't answer.
    pub async fn receipts(&self, pk: &str) -> Result<Vec<Receipt>, Unread> {
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
        let items = query.send().await.map_err(|error| unread(&error))?.items.unwrap_or_default();
        let rows = items.into_iter().map(serde_dynamo::from_item::<_, Row>);
        // A row of another layout tells nothing that a history could hold.
        let receipt = |row: Row| Receipt::stored(&row.sk, row.status.as_deref(), row.received_at);
        Ok(rows.filter_map(Result::ok).map(receipt).collect())
    }
}

/// What is read of a receipt.
#[derive(Deserialize)]
struct Row {
    sk: String,
    status: Option<String>,
    received_at: ReceivedAt,
}

/// `AccessDeniedException` also stands for a KMS key that the table's reader may not use (AWS re:Post, "How do I
/// troubleshoot the error AccessDeniedException when I access an Amazon DynamoDB table?").
fn unread(error: &SdkError<QueryError>) -> Unread {
    match error.code() {
        Some("AccessDeniedException" | "ResourceNotFoundException") => Unread::Withheld(Reason::of(error)),
        _ => Unread::Unavailable(Reason::of(error)),
    }
}

async fn in_time<T>(put: impl Future<Output = Result<T, Reason>>) -> Result<T, Reason> {
    tokio::time::timeout(PUT_DEADLINE, put).await.unwrap_or_else(|_| Err(Reason::from("no answer in time")))
}

fn unwritable(_: serde_dynamo::Error) -> Reason {
    Reason::from("the item could not be written")
}

/// How one conditional put ended.
enum Put {
    Done,
    Taken { same_body: bool },
}
