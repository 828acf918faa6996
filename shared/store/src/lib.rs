//! The table `events`: each event is put once. The only crate that speaks to DynamoDB.

use std::time::Duration;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::retry::RetryConfig;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::types::ReturnValuesOnConditionCheckFailure;
use models::{Item, Key, MAX_ITEM_BYTES};
use platform::{Ping, Reason, SdkConfig};

/// How long [`EventTable::put_once`] takes at the most, its retries and a second put for a variant
/// included. The rest of the four seconds that an answer may take is for Lambda and API Gateway.
pub const PUT_DEADLINE: Duration = Duration::from_millis(3_400);

/// The table of stored events.
#[derive(Debug, Clone)]
pub struct EventTable {
    client: Client,
    table_name: String,
}

/// How a put ended: in each case the event is durable, under the key that stands here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stored {
    /// It is stored now.
    New(Key),
    /// It is stored now, beside another one that has its key and another body.
    Variant(Key),
    /// It was stored before.
    Duplicate(Key),
}

/// Why an event isn't durable.
#[derive(Debug, thiserror::Error)]
pub enum PutError {
    /// It fits no item; no later try will change that.
    #[error("the event is larger than an item of the table may be")]
    TooLarge,
    /// The table didn't take it in time; a later try may work. It may have been stored all the same.
    #[error("the table did not take the event")]
    Unavailable(#[source] Reason),
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
        // The answer to a ping is no answer to a put: its text is of no interest.
        let _ = put.config_override(once).send().await;
    }

    /// Stores `item` unless it is there. One conditional put; a second one if the key is taken by another
    /// body, which then stands beside the first as a variant.
    ///
    /// A retry after an answer that was lost finds its own item and is a duplicate.
    ///
    /// # Errors
    /// If the item is too large, or the table didn't take it within [`PUT_DEADLINE`].
    pub async fn put_once(&self, item: Item<'_>) -> Result<Stored, PutError> {
        if item.size_bytes() > MAX_ITEM_BYTES {
            return Err(PutError::TooLarge);
        }
        tokio::time::timeout(PUT_DEADLINE, self.put_or_variant(item))
            .await
            .unwrap_or_else(|_| Err(PutError::Unavailable(Reason::from("no answer in time"))))
    }

    async fn put_or_variant(&self, item: Item<'_>) -> Result<Stored, PutError> {
        match self.put_if_absent(&item).await? {
            Put::Done => return Ok(Stored::New(item.key)),
            Put::Taken { same_body: true } => return Ok(Stored::Duplicate(item.key)),
            Put::Taken { same_body: false } => {}
        }
        let variant = item.into_variant();
        match self.put_if_absent(&variant).await? {
            Put::Done => Ok(Stored::Variant(variant.key)),
            // A variant's key holds its digest: whatever is there has the same body.
            Put::Taken { .. } => Ok(Stored::Duplicate(variant.key)),
        }
    }

    async fn put_if_absent(&self, item: &Item<'_>) -> Result<Put, PutError> {
        let attributes = serde_dynamo::aws_sdk_dynamodb_1::to_item(item)
            .map_err(|_| PutError::Unavailable(Reason::from("the item could not be written")))?;
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
            _ => Err(PutError::Unavailable(Reason::of(&failure))),
        }
    }
}

/// How one conditional put ended.
enum Put {
    Done,
    Taken { same_body: bool },
}
