//! The topics' subscriptions.

use aws_config::SdkConfig;
use serde_json::{Map, Value, json};

use crate::aws::Unavailable;

/// Which of a topic's events a subscription delivers: the accepted values of each attribute. Empty if it delivers all.
pub(crate) type FilterPolicy = Map<String, Value>;

#[derive(Debug)]
pub(crate) struct Topics {
    sns: aws_sdk_sns::Client,
}

/// A queue's subscription to a topic.
#[derive(Clone, Default, PartialEq, Eq)]
pub(crate) struct QueueSubscription {
    pub(crate) arn: String,
    /// SNS delivers nothing before the subscription is confirmed.
    pub(crate) is_pending: bool,
    pub(crate) filter: FilterPolicy,
    /// Whether the event is delivered without SNS's envelope.
    pub(crate) is_raw: bool,
    /// The queue of events that SNS couldn't deliver.
    pub(crate) dead_letter_arn: Option<String>,
}

impl Topics {
    pub(crate) fn new(sdk: &SdkConfig) -> Self {
        Self { sns: aws_sdk_sns::Client::new(sdk) }
    }

    /// The queue's subscription to the topic, if there is one.
    pub(crate) async fn find(
        &self,
        topic_arn: &str,
        queue_arn: &str,
    ) -> Result<Option<QueueSubscription>, Unavailable> {
        let mut pages = self.sns.list_subscriptions_by_topic().topic_arn(topic_arn).into_paginator().items().send();
        while let Some(subscription) = pages.next().await {
            let subscription = subscription.map_err(Unavailable::new("cannot list a topic's subscriptions"))?;
            if subscription.endpoint() == Some(queue_arn) {
                let arn = subscription.subscription_arn.unwrap_or_default();
                return self.read(arn).await.map(Some);
            }
        }
        Ok(None)
    }

    /// Reads a subscription. An ARN that isn't one, such as `PendingConfirmation`, is a subscription to be confirmed.
    pub(crate) async fn read(&self, arn: String) -> Result<QueueSubscription, Unavailable> {
        if !arn.starts_with("arn:") {
            return Ok(QueueSubscription { arn, is_pending: true, ..QueueSubscription::default() });
        }
        let read = self.sns.get_subscription_attributes().subscription_arn(&arn).send().await;
        let attributes = read.map_err(Unavailable::new("cannot read a subscription"))?.attributes.unwrap_or_default();
        let attribute = |name| attributes.get(name).map(String::as_str);
        let object = |name| -> FilterPolicy {
            attribute(name).and_then(|json| serde_json::from_str(json).ok()).unwrap_or_default()
        };
        let dead_letter_arn =
            object("RedrivePolicy").get("deadLetterTargetArn").and_then(Value::as_str).map(str::to_owned);
        Ok(QueueSubscription {
            is_pending: attribute("PendingConfirmation") != Some("false"),
            filter: object("FilterPolicy"),
            is_raw: attribute("RawMessageDelivery") == Some("true"),
            dead_letter_arn,
            arn,
        })
    }

    /// Subscribes the queue. The ARN in `subscription` isn't used.
    pub(crate) async fn subscribe(
        &self,
        topic_arn: &str,
        queue_arn: &str,
        subscription: &QueueSubscription,
    ) -> Result<QueueSubscription, Unavailable> {
        let mut subscribe = self.sns.subscribe().topic_arn(topic_arn).protocol("sqs").endpoint(queue_arn);
        subscribe = subscribe.return_subscription_arn(true);
        subscribe = subscribe.attributes("RawMessageDelivery", subscription.is_raw.to_string());
        if !subscription.filter.is_empty() {
            subscribe = subscribe.attributes("FilterPolicy", Value::from(subscription.filter.clone()).to_string());
        }
        if let Some(arn) = &subscription.dead_letter_arn {
            subscribe = subscribe.attributes("RedrivePolicy", json!({"deadLetterTargetArn": arn}).to_string());
        }
        let subscribed = subscribe.send().await.map_err(Unavailable::new("cannot subscribe to the topic"))?;
        self.read(subscribed.subscription_arn.unwrap_or_default()).await
    }

    /// Replaces the filter policy. An empty one removes it (SNS developer guide, "Removing a subscription filter
    /// policy").
    pub(crate) async fn set_filter(&self, arn: &str, filter: &FilterPolicy) -> Result<(), Unavailable> {
        let set = self.sns.set_subscription_attributes().subscription_arn(arn).attribute_name("FilterPolicy");
        let set = set.attribute_value(Value::from(filter.clone()).to_string());
        set.send().await.map_err(Unavailable::new("cannot change a subscription's filter policy"))?;
        Ok(())
    }

    pub(crate) async fn unsubscribe(&self, arn: &str) -> Result<(), Unavailable> {
        let unsubscribe = self.sns.unsubscribe().subscription_arn(arn);
        unsubscribe.send().await.map_err(Unavailable::new("cannot unsubscribe"))?;
        Ok(())
    }
}
