//! The subscriptions of a topic, and whether what they deliver to exists.

use aws_config::SdkConfig;
use aws_sdk_lambda::error::SdkError;
use aws_sdk_sqs::error::ProvideErrorMetadata;
use aws_sdk_sqs::types::QueueAttributeName;
use futures_util::{StreamExt, TryStreamExt, stream};
use serde_json::Value;

use crate::aws::Unavailable;

/// Attributes of this many subscriptions are read at once.
const CONCURRENT: usize = 8;

#[derive(Debug)]
pub(crate) struct Subscriptions {
    sns: aws_sdk_sns::Client,
    sqs: aws_sdk_sqs::Client,
    lambda: aws_sdk_lambda::Client,
}

#[derive(Clone, Default)]
pub(crate) struct Subscription {
    /// None until the endpoint confirms the subscription.
    pub(crate) arn: Option<String>,
    pub(crate) protocol: String,
    pub(crate) endpoint: String,
    /// The ARN of the dead-letter queue.
    pub(crate) dead_letter_queue: Option<String>,
    /// The filter policy on message attributes.
    pub(crate) filter: Option<Value>,
}

/// What a subscription delivers to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Endpoint {
    Exists,
    Gone,
    /// A queue without a policy, to which SNS may not send.
    Closed,
    /// An address, a resource of another account or region, or a function that the caller may not read.
    Elsewhere,
}

impl Subscription {
    /// The name of the queue that it delivers to.
    pub(crate) fn queue(&self) -> Option<&str> {
        if self.protocol == "sqs" { self.endpoint.rsplit(':').next() } else { None }
    }
}

/// The part of an ARN: 3 is the region, 4 the account.
fn part(arn: &str, number: usize) -> Option<&str> {
    arn.split(':').nth(number)
}

impl Subscriptions {
    pub(crate) fn new(sdk: &SdkConfig) -> Self {
        Self {
            sns: aws_sdk_sns::Client::new(sdk),
            sqs: aws_sdk_sqs::Client::new(sdk),
            lambda: aws_sdk_lambda::Client::new(sdk),
        }
    }

    pub(crate) async fn of_topic(&self, topic: &str) -> Result<Vec<Subscription>, Unavailable> {
        let mut subscriptions = Vec::new();
        let mut next = None;
        loop {
            let list = self.sns.list_subscriptions_by_topic().topic_arn(topic).set_next_token(next);
            let page = list.send().await.map_err(Unavailable::new("cannot list the subscriptions"))?;
            // For a while after its deletion, a subscription is listed with the ARN `Deleted`.
            let listed = page.subscriptions().iter().filter(|listed| listed.subscription_arn() != Some("Deleted"));
            subscriptions.extend(listed.map(|listed| Subscription {
                // Before the confirmation, the ARN reads `PendingConfirmation`.
                arn: listed.subscription_arn().filter(|arn| arn.starts_with("arn:")).map(str::to_owned),
                protocol: listed.protocol().unwrap_or_default().to_owned(),
                endpoint: listed.endpoint().unwrap_or_default().to_owned(),
                ..Subscription::default()
            }));
            next = page.next_token.filter(|token| !token.is_empty());
            if next.is_none() {
                break;
            }
        }
        stream::iter(subscriptions)
            .map(|subscription| self.complete(subscription))
            .buffered(CONCURRENT)
            .try_collect()
            .await
    }

    async fn complete(&self, mut subscription: Subscription) -> Result<Subscription, Unavailable> {
        let Some(arn) = subscription.arn.clone() else { return Ok(subscription) };
        let get = self.sns.get_subscription_attributes().subscription_arn(arn).send().await;
        let got = get.map_err(Unavailable::new("cannot read a subscription"))?;
        let attributes = got.attributes.unwrap_or_default();
        let json = |name: &str| attributes.get(name).and_then(|text| serde_json::from_str::<Value>(text).ok());
        if attributes.get("PendingConfirmation").is_some_and(|pending| pending == "true") {
            subscription.arn = None;
        }
        subscription.dead_letter_queue =
            json("RedrivePolicy").and_then(|policy| policy.get("deadLetterTargetArn")?.as_str().map(str::to_owned));
        let is_on_body = attributes.get("FilterPolicyScope").is_some_and(|scope| scope == "MessageBody");
        subscription.filter = json("FilterPolicy").filter(|_| !is_on_body);
        Ok(subscription)
    }

    /// Looks up a queue or a function of the topic's account and region.
    pub(crate) async fn endpoint(&self, topic: &str, protocol: &str, arn: &str) -> Result<Endpoint, Unavailable> {
        if part(topic, 3) != part(arn, 3) || part(topic, 4) != part(arn, 4) {
            return Ok(Endpoint::Elsewhere);
        }
        match protocol {
            "sqs" => self.queue(arn).await,
            "lambda" => match self.lambda.get_function_configuration().function_name(arn).send().await {
                Err(SdkError::ServiceError(error)) if error.err().is_resource_not_found_exception() => {
                    Ok(Endpoint::Gone)
                }
                // The configuration of a team's function holds its variables, so a watcher may not read it.
                Err(error) if error.code() == Some("AccessDeniedException") => Ok(Endpoint::Elsewhere),
                got => got.map(|_| Endpoint::Exists).map_err(Unavailable::new("cannot look up a subscribed function")),
            },
            _ => Ok(Endpoint::Elsewhere),
        }
    }

    async fn queue(&self, arn: &str) -> Result<Endpoint, Unavailable> {
        let name = part(arn, 5).unwrap_or_default();
        let url = match self.sqs.get_queue_url().queue_name(name).send().await {
            Err(SdkError::ServiceError(error)) if error.err().is_queue_does_not_exist() => return Ok(Endpoint::Gone),
            got => got.map_err(Unavailable::new("cannot look up a subscribed queue"))?.queue_url,
        };
        let get = self.sqs.get_queue_attributes().set_queue_url(url).attribute_names(QueueAttributeName::Policy);
        let got = match get.send().await {
            Err(SdkError::ServiceError(error)) if error.err().is_queue_does_not_exist() => return Ok(Endpoint::Gone),
            got => got.map_err(Unavailable::new("cannot read a subscribed queue"))?,
        };
        let has_policy = got.attributes.is_some_and(|attributes| attributes.contains_key(&QueueAttributeName::Policy));
        Ok(if has_policy { Endpoint::Exists } else { Endpoint::Closed })
    }

    /// Whether anyone has confirmed a subscription of a topic. None if there is no such topic.
    pub(crate) async fn is_heard(&self, topic: &str) -> Result<Option<bool>, Unavailable> {
        let got = match self.sns.get_topic_attributes().topic_arn(topic).send().await {
            Err(aws_sdk_sns::error::SdkError::ServiceError(error)) if error.err().is_not_found_exception() => {
                return Ok(None);
            }
            got => got.map_err(Unavailable::new("cannot read the topic of the alarms"))?,
        };
        let confirmed = got.attributes.unwrap_or_default().remove("SubscriptionsConfirmed");
        Ok(Some(confirmed.is_some_and(|confirmed| confirmed != "0")))
    }
}
