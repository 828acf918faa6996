//! The two SNS topics, and what became of each entry of a batch.

use aws_sdk_sns::Client;
use aws_sdk_sns::config::retry::RetryConfig;
use aws_sdk_sns::error::{BuildError, ProvideErrorMetadata};
use aws_sdk_sns::operation::publish_batch::PublishBatchOutput;
use aws_sdk_sns::types::{MessageAttributeValue, PublishBatchRequestEntry};
use models::Kind;
use platform::{Ping, Reason, SdkConfig};

use crate::outbound::{Batch, Outbound};
use crate::prepare::NewEvent;

/// The topics that events are published to.
#[derive(Debug, Clone)]
pub(crate) struct Topics {
    client: Client,
    mo_arn: String,
    dlr_arn: String,
}

/// Why an event isn't published.
#[derive(Debug, Clone)]
pub(crate) enum Setback {
    /// It never can be as it is.
    Refused(Reason),
    /// It may be, later.
    Retry(Reason),
}

impl Topics {
    pub(crate) fn new(sdk: &SdkConfig, mo_arn: String, dlr_arn: String) -> Self {
        Self { client: Client::new(sdk), mo_arn, dlr_arn }
    }

    /// Goes once through all of a call but for its effect, so that the first batch finds a warm connection.
    pub(crate) async fn warm_up(&self) {
        let call = self.client.publish_batch().topic_arn(&self.mo_arn).customize().interceptor(Ping);
        let once = aws_sdk_sns::config::Builder::new().retry_config(RetryConfig::disabled());
        // The answer to a ping is no answer to a batch: its text is of no interest.
        let _ = call.config_override(once).send().await;
    }

    /// Publishes a batch; one outcome for each of its entries, in their order.
    pub(crate) async fn publish(&self, batch: &Batch<'_>) -> Vec<Result<(), Setback>> {
        let topic_arn = match batch.kind {
            Kind::Mo => &self.mo_arn,
            Kind::Dlr => &self.dlr_arn,
        };
        match self.call(topic_arn, &batch.entries).await {
            // Maybe for one entry's sake: each one for itself.
            Err(Setback::Refused(_)) if batch.entries.len() > 1 => {
                let mut outcomes = Vec::with_capacity(batch.entries.len());
                for entry in batch.entries.chunks(1) {
                    outcomes.extend(self.call(topic_arn, entry).await.unwrap_or_else(|setback| vec![Err(setback)]));
                }
                outcomes
            }
            result => result.unwrap_or_else(|setback| vec![Err(setback); batch.entries.len()]),
        }
    }

    /// One call: an outcome for each of its entries, or a setback of the call as a whole.
    async fn call(&self, topic_arn: &str, entries: &[Outbound<'_>]) -> Result<Vec<Result<(), Setback>>, Setback> {
        let call = self.client.publish_batch().topic_arn(topic_arn).set_publish_batch_request_entries(Some(
            // Building fails only where an id or a message is missing; both are there.
            entries.iter().enumerate().filter_map(|(number, entry)| request_entry(number, entry.event).ok()).collect(),
        ));
        match call.send().await {
            Ok(output) => Ok(outcomes(&output, entries.len())),
            Err(error) if error.code().is_some_and(blames_the_message) => Err(Setback::Refused(Reason::of(&error))),
            Err(error) => Err(Setback::Retry(Reason::of(&error))),
        }
    }
}

fn request_entry(number: usize, event: &NewEvent) -> Result<PublishBatchRequestEntry, BuildError> {
    let mut entry = PublishBatchRequestEntry::builder().id(number.to_string()).message(&event.message);
    for (name, value) in &event.attributes {
        let value = MessageAttributeValue::builder().data_type("String").string_value(value).build()?;
        entry = entry.message_attributes(*name, value);
    }
    entry.build()
}

/// Reads the answer entry by entry: one that isn't named as successful isn't published.
fn outcomes(output: &PublishBatchOutput, entries: usize) -> Vec<Result<(), Setback>> {
    let outcome = |number: usize| {
        let number = number.to_string();
        if output.successful().iter().any(|entry| entry.id() == Some(&number)) {
            return Ok(());
        }
        match output.failed().iter().find(|entry| entry.id() == number) {
            Some(entry) if entry.sender_fault() && !heals(entry.code()) => {
                Err(Setback::Refused(Reason::from(entry.code())))
            }
            Some(entry) => Err(Setback::Retry(Reason::from(entry.code()))),
            None => Err(Setback::Retry(Reason::from("the answer leaves an entry out"))),
        }
    };
    (0..entries).map(outcome).collect()
}

/// Whether the error of a whole call is about what is published. All others are about the topic, the
/// permission or the service, which may heal: parking on those would empty the stream into the queue.
fn blames_the_message(code: &str) -> bool {
    matches!(
        code,
        "InvalidParameter"
            | "InvalidParameterException"
            | "InvalidParameterValue"
            | "InvalidParameterValueException"
            | "ParameterValueInvalid"
            | "ValidationError"
            | "ValidationException"
            | "BatchRequestTooLong"
            | "BatchRequestTooLongException"
            | "AWS.SimpleNotificationService.BatchRequestTooLong"
    )
}

/// Whether an entry's error may pass, although SNS calls it the sender's fault: a missing permission, key
/// or topic can be given back.
fn heals(code: &str) -> bool {
    ["Authorization", "AccessDenied", "KMS", "NotFound", "Throttl", "Internal"].iter().any(|word| code.contains(word))
}
