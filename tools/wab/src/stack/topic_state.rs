//! Whether a topic exists, and how many subscribers it has.

use aws_config::SdkConfig;
use aws_sdk_sqs::error::ProvideErrorMetadata;

use crate::aws::Unavailable;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TopicState {
    Exists {
        /// The number of confirmed subscriptions.
        subscribers: u64,
    },
    Missing,
}

impl TopicState {
    pub(crate) async fn look_up(sdk: &SdkConfig, topic_arn: &str) -> Result<Self, Unavailable> {
        let get = aws_sdk_sns::Client::new(sdk).get_topic_attributes().topic_arn(topic_arn).send().await;
        let got = match get {
            // The code of a missing topic (SNS API reference, `GetTopicAttributes`).
            Err(error) if matches!(error.code(), Some("NotFound" | "NotFoundException")) => return Ok(Self::Missing),
            got => got.map_err(Unavailable::new("cannot look up a topic"))?,
        };
        let subscribers = got.attributes.as_ref().and_then(|all| all.get("SubscriptionsConfirmed")?.parse().ok());
        Ok(Self::Exists { subscribers: subscribers.unwrap_or(0) })
    }
}
