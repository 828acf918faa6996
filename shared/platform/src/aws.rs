//! The AWS SDK: one configuration for every client of a function, and the reason of a failed call.

use std::error::Error;
use std::fmt;
use std::time::Duration;

use aws_config::BehaviorVersion;
pub use aws_config::SdkConfig;
use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_smithy_http_client::tls::Provider;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;

/// The configuration of every AWS client: region, credentials and endpoint from the surroundings, TLS by
/// ring (the SDK's default provider costs some 45 ms of CPU in its first handshake), one connection pool.
///
/// Three attempts of one second each with 50 ms and 100 ms between them at the most: a call that the
/// gateway waits for is over after 3.2 seconds, so an answer always comes within 4.
pub async fn sdk_config() -> SdkConfig {
    let https = aws_smithy_http_client::Builder::new().tls_provider(Provider::Rustls(CryptoMode::Ring)).build_https();
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(Duration::from_millis(500))
        .operation_attempt_timeout(Duration::from_secs(1))
        .build();
    let retries = RetryConfig::standard().with_max_attempts(3).with_initial_backoff(Duration::from_millis(50));
    aws_config::defaults(BehaviorVersion::latest())
        .http_client(https)
        .timeout_config(timeouts)
        .retry_config(retries)
        .load()
        .await
}

/// Why an AWS call failed: the service's error code, or where the call broke off. It holds nothing of the
/// request or the response, both of which an SDK error prints in full, so it may be logged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reason(String);

impl Reason {
    /// The reason of an SDK error.
    #[must_use]
    pub fn of<E: ProvideErrorMetadata, R>(error: &SdkError<E, R>) -> Self {
        Self::from(match error {
            SdkError::ServiceError(service) => service.err().code().unwrap_or("the service refused without a code"),
            SdkError::TimeoutError(_) => "no answer in time",
            SdkError::DispatchFailure(failure) if failure.is_timeout() => "no connection in time",
            SdkError::DispatchFailure(_) => "no connection",
            SdkError::ResponseError(_) => "the answer could not be read",
            SdkError::ConstructionFailure(_) => "the request could not be built",
            _ => "the call failed",
        })
    }
}

impl From<&str> for Reason {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Error for Reason {}
