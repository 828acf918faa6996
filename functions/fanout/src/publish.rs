//! The two SNS topics, and what became of each entry of a batch.

use aws_sdk_sns::Client;
use aws_sdk_sns::config::retry::RetryConfig;
use aws_sdk_sns::error::{BuildError, ProvideErrorMetadata};
use aws_sdk_sns::operation::publish_batch::PublishBatchOutput;
use aws_sdk_sns::types::{MessageAttributeValue, PublishBatchRequestEntry};
use wab_events::Kind;
use wab_platform::{Ping, Reason, SdkConfig};

use crate::outbound::{Batch, Outbound};
use crate::prepare::NewEvent;

/// The topics that events are published to.
#[derive(Debug, Clone)]
pub(crate) struct Topics {
    client: Client,
    mo_arn: String,
    dlr_arn: String,
}

/// Why an event isn't published. Each cause has its own patience: see [`crate::verdict`].
#[derive(Debug, Clone)]
pub(crate) enum Setback {
    /// The event itself is refused: retrying it never helps.
    Permanent(Reason),
    /// A topic, a permission or a KMS key is missing: someone has to restore it.
    Withheld(Reason),
    /// A service throttles, fails or doesn't answer: it heals without a person.
    Transient(Reason),
}

impl Setback {
    /// The setback of an error code of `PublishBatch`, of a whole call or of one entry.
    ///
    /// The codes are those that the SNS API reference documents for `PublishBatch` and, under "Common errors", for
    /// every action. A code that isn't listed is transient: waiting loses nothing, and parking on it could empty the
    /// stream into the dead-letter queue. Whether SNS calls an entry's error the sender's fault isn't asked: it says so
    /// of throttling and of missing permissions too.
    fn of_code(code: &str, reason: Reason) -> Self {
        let code = code.rsplit('.').next().unwrap_or(code);
        match code.strip_suffix("Exception").unwrap_or(code) {
            "InvalidParameter"
            | "InvalidParameterValue"
            | "ParameterValueInvalid"
            | "ValidationError"
            | "Validation"
            | "BatchRequestTooLong" => Self::Permanent(reason),
            "AccessDenied" | "AuthorizationError" | "NotAuthorized" | "NotFound" | "OptInRequired"
            | "KMSAccessDenied" | "KMSDisabled" | "KMSInvalidState" | "KMSNotFound" | "KMSOptInRequired" => {
                Self::Withheld(reason)
            }
            _ => Self::Transient(reason),
        }
    }
}

impl Topics {
    pub(crate) fn new(sdk: &SdkConfig, mo_arn: String, dlr_arn: String) -> Self {
        Self { client: Client::new(sdk), mo_arn, dlr_arn }
    }

    /// Goes once through all of a call but for its effect, so that the first batch finds a warm connection.
    pub(crate) async fn warm_up(&self) {
        let call = self.client.publish_batch().topic_arn(&self.mo_arn).customize().interceptor(Ping);
        let once = aws_sdk_sns::config::Builder::new().retry_config(RetryConfig::disabled());
        wab_platform::ping(call.config_override(once).send()).await;
    }

    /// Publishes a batch; one outcome for each of its entries, in their order.
    pub(crate) async fn publish(&self, batch: &Batch<'_>) -> Vec<Result<(), Setback>> {
        let topic_arn = match batch.kind {
            Kind::Mo => &self.mo_arn,
            Kind::Dlr => &self.dlr_arn,
        };
        match self.call(topic_arn, &batch.entries).await {
            // One entry may be the cause: publish each alone.
            Err(Setback::Permanent(_)) if batch.entries.len() > 1 => {
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
            // Without a code there was no answer, or none that could be read.
            Err(error) => Err(Setback::of_code(error.code().unwrap_or_default(), Reason::of(&error))),
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
            Some(entry) => Err(Setback::of_code(entry.code(), Reason::Aws(entry.code().to_owned()))),
            None => Err(Setback::Transient(Reason::EntryNotAnswered)),
        }
    };
    (0..entries).map(outcome).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(codes: &[&str], is_expected: fn(&Setback) -> bool) {
        for code in codes {
            let setback = Setback::of_code(code, Reason::Aws((*code).to_owned()));
            assert!(is_expected(&setback), "{setback:?}");
        }
    }

    #[test]
    fn every_documented_code_has_its_cause() {
        check(
            &[
                "InvalidParameter",
                "InvalidParameterException",
                "ParameterValueInvalid",
                "ValidationError",
                "ValidationException",
                "BatchRequestTooLong",
                "AWS.SimpleNotificationService.BatchRequestTooLong",
            ],
            |setback| matches!(setback, Setback::Permanent(_)),
        );
        check(
            &[
                "AuthorizationError",
                "AccessDenied",
                "AccessDeniedException",
                "NotFound",
                "NotFoundException",
                "KMSAccessDenied",
                "KMSDisabled",
                "KMSInvalidState",
                "KMSNotFound",
                "KMSOptInRequired",
            ],
            |setback| matches!(setback, Setback::Withheld(_)),
        );
        check(
            &[
                "KMSThrottling",
                "KMSThrottlingException",
                "Throttled",
                "ThrottlingException",
                "InternalError",
                "InternalFailure",
                "ServiceUnavailable",
                "RequestExpired",
                "InvalidSecurity",
                "InvalidClientTokenId",
                "never documented",
                "",
            ],
            |setback| matches!(setback, Setback::Transient(_)),
        );
    }
}
