//! The two SNS topics, and what became of each entry of a batch.

use aws_sdk_sns::Client;
use aws_sdk_sns::error::{BuildError, ProvideErrorMetadata};
use aws_sdk_sns::operation::publish_batch::PublishBatchOutput;
use aws_sdk_sns::types::{MessageAttributeValue, PublishBatchRequestEntry};
use models::Kind;
use platform::{Reason, SdkConfig};

use crate::outbound::{Batch, Outbound};
use crate::record::NewEvent;

/// The topics that events are published to.
#[derive(Debug, Clone)]
pub(crate) struct Topics {
    client: Client,
    mo_arn: String,
    dlr_arn: String,
}

/// What became of one event.
#[derive(Debug)]
pub(crate) enum Verdict {
    /// The topic has it.
    Published,
    /// The topic never takes it as it is.
    Refused(Reason),
    /// The topic didn't take it this time.
    Retry(Reason),
}

impl Topics {
    pub(crate) fn new(sdk: &SdkConfig, mo_arn: String, dlr_arn: String) -> Self {
        Self { client: Client::new(sdk), mo_arn, dlr_arn }
    }

    /// Publishes a batch; one verdict for each of its entries, in their order.
    pub(crate) async fn publish(&self, batch: &Batch<'_>) -> Vec<Verdict> {
        let topic_arn = match batch.kind {
            Kind::Mo => &self.mo_arn,
            Kind::Dlr => &self.dlr_arn,
        };
        let verdicts = self.publish_entries(topic_arn, &batch.entries).await;
        if batch.entries.len() == 1 || !verdicts.iter().all(|verdict| matches!(verdict, Verdict::Refused(_))) {
            return verdicts;
        }
        // The whole call was refused, maybe for one entry's sake: each one for itself.
        let mut verdicts = Vec::with_capacity(batch.entries.len());
        for entry in &batch.entries {
            verdicts.extend(self.publish_entries(topic_arn, std::slice::from_ref(entry)).await);
        }
        verdicts
    }

    async fn publish_entries(&self, topic_arn: &str, entries: &[Outbound<'_>]) -> Vec<Verdict> {
        let call = self.client.publish_batch().topic_arn(topic_arn).set_publish_batch_request_entries(Some(
            // Building fails only where an id or a message is missing; both are there.
            entries.iter().enumerate().filter_map(|(number, entry)| request_entry(number, entry.event).ok()).collect(),
        ));
        match call.send().await {
            Ok(output) => verdicts(&output, entries.len()),
            Err(error) => {
                let reason = Reason::of(&error);
                let refused = error.code().is_some_and(blames_the_message);
                let verdict =
                    || if refused { Verdict::Refused(reason.clone()) } else { Verdict::Retry(reason.clone()) };
                entries.iter().map(|_| verdict()).collect()
            }
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
fn verdicts(output: &PublishBatchOutput, entries: usize) -> Vec<Verdict> {
    let verdict = |number: usize| {
        let number = number.to_string();
        if output.successful().iter().any(|entry| entry.id() == Some(&number)) {
            return Verdict::Published;
        }
        match output.failed().iter().find(|entry| entry.id() == number) {
            Some(entry) if entry.sender_fault() && !heals(entry.code()) => Verdict::Refused(Reason::from(entry.code())),
            Some(entry) => Verdict::Retry(Reason::from(entry.code())),
            None => Verdict::Retry(Reason::from("the answer leaves an entry out")),
        }
    };
    (0..entries).map(verdict).collect()
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
