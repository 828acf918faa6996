//! Which events are handled: a DynamoDB table with an item for each. Powertools for AWS Lambda does this in other
//! languages; it has no Rust version.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::operation::put_item::PutItemError::ConditionalCheckFailedException;
use aws_sdk_dynamodb::operation::put_item::builders::PutItemFluentBuilder;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValuesOnConditionCheckFailure::AllOld};
use wab_platform::Reason;

/// How long the id of a handled event is kept. It must exceed the time that SQS retains a message: 14 days at most.
const ID_RETENTION: Duration = Duration::from_hours(15 * 24);
/// How long a claim lasts: longer than the function's timeout, after which nobody works on the event.
const CLAIM: Duration = Duration::from_secs(20);

#[derive(Debug, Clone)]
pub struct HandledEvents {
    pub dynamodb: Client,
    pub table_name: String,
}

/// What became of the wish to handle an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Claim {
    Granted,
    /// By another attempt, which may fail.
    InProgress,
    AlreadyHandled,
}

impl HandledEvents {
    /// Claims an event before it is handled. If the function then crashes, the claim runs out, and the next delivery
    /// gets it: what was done before the crash is done again, and nothing is lost.
    pub(crate) async fn claim(&self, event_id: &str) -> Result<Claim, Reason> {
        let now = SystemTime::now();
        let put = self.put(event_id, now).item("claimed_until", seconds(now + CLAIM));
        let put = put.condition_expression("attribute_not_exists(id) OR claimed_until < :now");
        let put = put.expression_attribute_values(":now", seconds(now));
        let Err(error) = put.return_values_on_condition_check_failure(AllOld).send().await else {
            return Ok(Claim::Granted);
        };
        let Some(ConditionalCheckFailedException(taken)) = error.as_service_error() else {
            return Err(Reason::of(&error));
        };
        let claimed = taken.item().is_none_or(|item| item.contains_key("claimed_until"));
        Ok(if claimed { Claim::InProgress } else { Claim::AlreadyHandled })
    }

    /// Turns the claim into a lasting item.
    pub(crate) async fn complete(&self, event_id: &str) -> Result<(), Reason> {
        self.put(event_id, SystemTime::now()).send().await.map_err(|error| Reason::of(&error))?;
        Ok(())
    }

    fn put(&self, event_id: &str, now: SystemTime) -> PutItemFluentBuilder {
        let put = self.dynamodb.put_item().table_name(&self.table_name);
        put.item("id", AttributeValue::S(event_id.to_owned())).item("expiration", seconds(now + ID_RETENTION))
    }
}

fn seconds(time: SystemTime) -> AttributeValue {
    AttributeValue::N(time.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs()).to_string())
}
