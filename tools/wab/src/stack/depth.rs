//! How many messages a queue holds.

use aws_config::SdkConfig;
use aws_sdk_sqs::types::QueueAttributeName;
use serde::Serialize;

use crate::aws::Unavailable;

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Depth {
    pub(crate) visible: u64,
    /// Received by someone, and hidden from others.
    pub(crate) in_flight: u64,
}

impl Depth {
    /// Approximate, as SQS counts.
    pub(crate) async fn of_queue(sdk: &SdkConfig, url: &str) -> Result<Self, Unavailable> {
        let names = [
            QueueAttributeName::ApproximateNumberOfMessages,
            QueueAttributeName::ApproximateNumberOfMessagesNotVisible,
        ];
        let get = aws_sdk_sqs::Client::new(sdk).get_queue_attributes().queue_url(url);
        let got = get.set_attribute_names(Some(names.to_vec())).send().await;
        let attributes =
            got.map_err(Unavailable::new("cannot count a queue's messages"))?.attributes.unwrap_or_default();
        let [visible, in_flight] =
            names.map(|name| attributes.get(&name).and_then(|count| count.parse().ok()).unwrap_or(0));
        Ok(Self { visible, in_flight })
    }

    pub(crate) fn total(self) -> u64 {
        self.visible + self.in_flight
    }
}
