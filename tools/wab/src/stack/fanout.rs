//! The function `fanout`, invoked by hand.

use aws_config::SdkConfig;
use aws_sdk_lambda::primitives::Blob;

use crate::aws::Unavailable;

pub(crate) struct Fanout {
    lambda: aws_sdk_lambda::Client,
    function: String,
}

pub(crate) enum Invoked {
    Answered(Vec<u8>),
    /// The function crashed, timed out, or returned an error.
    Failed,
}

impl Fanout {
    pub(crate) fn new(sdk: &SdkConfig, function: String) -> Self {
        Self { lambda: aws_sdk_lambda::Client::new(sdk), function }
    }

    /// Invokes the function and waits for its answer.
    pub(crate) async fn invoke(&self, event: String) -> Result<Invoked, Unavailable> {
        let invoke = self.lambda.invoke().function_name(&self.function).payload(Blob::new(event));
        // Lambda's message may quote the event.
        let invoked = invoke.send().await.map_err(Unavailable::without_message("cannot invoke the function fanout"))?;
        Ok(match (invoked.function_error, invoked.payload) {
            (None, Some(payload)) => Invoked::Answered(payload.into_inner()),
            _ => Invoked::Failed,
        })
    }
}
