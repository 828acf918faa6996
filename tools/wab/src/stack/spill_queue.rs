//! The spill queue, to which a parked message can go back.

use aws_config::SdkConfig;
use aws_sdk_sqs::error::SdkError;

use crate::aws::Unavailable;

pub(crate) struct SpillQueue {
    sqs: aws_sdk_sqs::Client,
    url: String,
}

#[derive(Debug)]
pub(crate) enum Sent {
    Accepted,
    Rejected,
}

impl SpillQueue {
    pub(crate) fn new(sdk: &SdkConfig, url: String) -> Self {
        Self { sqs: aws_sdk_sqs::Client::new(sdk), url }
    }

    pub(crate) async fn send(&self, message: &str) -> Result<Sent, Unavailable> {
        match self.sqs.send_message().queue_url(&self.url).message_body(message).send().await {
            Ok(_) => Ok(Sent::Accepted),
            Err(SdkError::ServiceError(_)) => Ok(Sent::Rejected),
            Err(error) => Err(Unavailable::new("cannot send to the spill queue")(error)),
        }
    }
}
