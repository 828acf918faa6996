//! Every reason for which something couldn't be stored or published.

use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;

/// Why a call failed, or why an event can't be published. The variant is its code for programs, and the text is for
/// people.
///
/// A reason holds nothing of a request, a response or an event, so it may be logged and parked. The texts are part of
/// parked messages: `wab parked list` shows them.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Reason {
    /// The error code of an AWS service.
    #[error("{0}")]
    Aws(String),

    // A call that ended without an error code.
    #[error("the service refused without a code")]
    NoErrorCode,
    #[error("no answer in time")]
    NoAnswerInTime,
    #[error("no connection in time")]
    NoConnectionInTime,
    #[error("no connection")]
    NoConnection,
    #[error("the answer could not be read")]
    UnreadableAnswer,
    #[error("the request could not be built")]
    UnbuildableRequest,
    #[error("the call failed")]
    CallFailed,
    #[error("the object broke off")]
    ObjectCutOff,

    // A message or an item that can't be sent.
    #[error("the item could not be written")]
    ItemNotWritable,
    #[error("the message could not be written")]
    MessageNotWritable,
    #[error("it could not be written")]
    ParkedNotWritable,
    #[error("the event could not be written")]
    EventNotWritable,
    #[error("larger than a message may be")]
    TooLargeForMessage,
    #[error("too large without the bucket")]
    TooLargeWithoutBucket,
    #[error("the event is too large and its record names no table")]
    TooLargeWithoutTable,

    // A record, an item or a message that doesn't hold what it should.
    #[error("the record is no stream record")]
    NotAStreamRecord,
    #[error("the record has no key of this table")]
    NoKeyInRecord,
    #[error("the message is no spilled item")]
    NotASpilledItem,
    #[error("the item's layout is not known")]
    UnknownLayout,
    #[error("the key is not an event's")]
    NotAnEventKey,
    #[error("the body is not the callback that the key says")]
    OtherCallback,
    #[error("the body's object is gone")]
    ObjectGone,
    #[error("the body's object is not its body")]
    ObjectNotText,

    // A batch that ended early.
    #[error("the time is up")]
    OutOfTime,
    #[error("the answer leaves an entry out")]
    EntryNotAnswered,
    #[error("SNS was not asked for all")]
    NotAttempted,
}

impl Reason {
    /// The reason of an SDK error, which itself prints the request and the response in full.
    #[must_use]
    pub fn of<E: ProvideErrorMetadata, R>(error: &SdkError<E, R>) -> Self {
        match error {
            SdkError::ServiceError(service) => {
                service.err().code().map_or(Self::NoErrorCode, |code| Self::Aws(code.to_owned()))
            }
            SdkError::TimeoutError(_) => Self::NoAnswerInTime,
            SdkError::DispatchFailure(failure) if failure.is_timeout() => Self::NoConnectionInTime,
            SdkError::DispatchFailure(_) => Self::NoConnection,
            SdkError::ResponseError(_) => Self::UnreadableAnswer,
            SdkError::ConstructionFailure(_) => Self::UnbuildableRequest,
            _ => Self::CallFailed,
        }
    }
}

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
    fn reason_of_each_kind_of_failed_call() {
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
