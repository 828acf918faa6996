//! The SNS topics.

use aws_sdk_sns::Client;
use aws_sdk_sns::config::retry::RetryConfig;
use aws_sdk_sns::error::{BuildError, ProvideErrorMetadata};
use aws_sdk_sns::operation::publish_batch::PublishBatchOutput;
use aws_sdk_sns::types::{MessageAttributeValue, PublishBatchRequestEntry};
use wab_events::Kind;
use wab_platform::{Ping, Reason, SdkConfig};

use crate::batch::{Batch, Outbound, Place};
use crate::publish_error::PublishError;

/// The topics that events are published to.
#[derive(Debug, Clone)]
pub(crate) struct Topics {
    client: Client,
    arns: TopicArns,
    fifo_arns: Option<TopicArns>,
}

/// A topic for each kind of event.
#[derive(Debug, Clone)]
pub(crate) struct TopicArns {
    pub(crate) mo: String,
    pub(crate) dlr: String,
}

impl TopicArns {
    fn of(&self, kind: Kind) -> &str {
        match kind {
            Kind::Mo => &self.mo,
            Kind::Dlr => &self.dlr,
        }
    }
}

impl Topics {
    pub(crate) fn new(sdk: &SdkConfig, arns: TopicArns, fifo_arns: Option<TopicArns>) -> Self {
        Self { client: Client::new(sdk), arns, fifo_arns }
    }

    pub(crate) fn has_fifo(&self) -> bool {
        self.fifo_arns.is_some()
    }

    /// Opens the connection during init: all of a call but its effect. Otherwise the first batch would wait for it.
    pub(crate) async fn warm_up(&self) {
        let call = self.client.publish_batch().topic_arn(&self.arns.mo).customize().interceptor(Ping);
        let once = aws_sdk_sns::config::Builder::new().retry_config(RetryConfig::disabled());
        wab_platform::ping(call.config_override(once).send()).await;
    }

    /// Publishes a batch and settles each of its entries.
    pub(crate) async fn publish(&self, batch: &mut Batch<'_>) {
        let arns = self.fifo_arns.as_ref().filter(|_| batch.fifo).unwrap_or(&self.arns);
        let topic_arn = arns.of(batch.kind);
        match self.call(topic_arn, &mut batch.outbound).await {
            Ok(()) => {}
            // One entry may be the cause: publish each alone.
            Err(PublishError::Permanent(_)) if batch.outbound.len() > 1 => {
                for single in batch.outbound.chunks_mut(1) {
                    if let Err(error) = self.call(topic_arn, single).await {
                        settle_all(single, &error);
                    }
                }
            }
            Err(error) => settle_all(&mut batch.outbound, &error),
        }
    }

    /// Makes one call and settles each of its entries. Fails, and settles none, if the call as a whole fails.
    async fn call(&self, topic_arn: &str, outbound: &mut [Outbound<'_>]) -> Result<(), PublishError> {
        let entries = outbound.iter().enumerate();
        let call = self.client.publish_batch().topic_arn(topic_arn).set_publish_batch_request_entries(Some(
            // Building fails only without an id or a message, and both are present.
            entries.filter_map(|(number, outbound)| request_entry(number, outbound).ok()).collect(),
        ));
        // An error without a code means that there was no response, or none that could be read.
        let output = call
            .send()
            .await
            .map_err(|error| PublishError::of_code(error.code().unwrap_or_default(), Reason::of(&error)))?;
        for (number, outbound) in outbound.iter_mut().enumerate() {
            outbound.settle(outcome(&output, number));
        }
        Ok(())
    }
}

fn settle_all(outbound: &mut [Outbound<'_>], error: &PublishError) {
    for outbound in outbound {
        outbound.settle(Err(error.clone()));
    }
}

fn request_entry(number: usize, outbound: &Outbound<'_>) -> Result<PublishBatchRequestEntry, BuildError> {
    let Outbound { message, place, .. } = outbound;
    let mut entry = PublishBatchRequestEntry::builder().id(number.to_string()).message(&message.text);
    if let Some(Place { group, deduplication_id }) = place {
        entry = entry.message_group_id(group).message_deduplication_id(deduplication_id);
    }
    for (name, value) in &message.attributes {
        let value = MessageAttributeValue::builder().data_type("String").string_value(value).build()?;
        entry = entry.message_attributes(*name, value);
    }
    entry.build()
}

/// The outcome of one entry. An entry that the response doesn't list as successful isn't published.
fn outcome(output: &PublishBatchOutput, number: usize) -> Result<(), PublishError> {
    let id = number.to_string();
    if output.successful().iter().any(|entry| entry.id() == Some(&id)) {
        return Ok(());
    }
    match output.failed().iter().find(|entry| entry.id() == id) {
        Some(entry) => Err(PublishError::of_code(entry.code(), Reason::Aws(entry.code().to_owned()))),
        None => Err(PublishError::Transient(Reason::EntryNotAnswered)),
    }
}
