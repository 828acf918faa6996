//! Why an AWS call failed, in words that may be logged.

use std::error::Error;
use std::fmt;

use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;

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

#[cfg(test)]
mod tests {
    use aws_smithy_runtime_api::client::result::ConnectorError;
    use aws_smithy_types::error::ErrorMetadata;

    use super::*;

    type Failure = SdkError<ErrorMetadata, ()>;

    #[track_caller]
    fn check(failure: &Failure, expected: &str) {
        assert_eq!(Reason::of(failure).to_string(), expected);
    }

    #[test]
    fn reason_says_where_a_call_failed() {
        let throttled = ErrorMetadata::builder().code("ThrottlingException").message("secret").build();
        check(&Failure::service_error(throttled, ()), "ThrottlingException");
        let unnamed = ErrorMetadata::builder().message("secret").build();
        check(&Failure::service_error(unnamed, ()), "the service refused without a code");
        check(&Failure::timeout_error("secret"), "no answer in time");
        check(&Failure::dispatch_failure(ConnectorError::timeout("secret".into())), "no connection in time");
        check(&Failure::dispatch_failure(ConnectorError::io("secret".into())), "no connection");
        check(&Failure::response_error("secret", ()), "the answer could not be read");
        check(&Failure::construction_failure("secret"), "the request could not be built");
    }
}
