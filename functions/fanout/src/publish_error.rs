//! Why an event isn't published yet, and how long that may last.

use std::time::Duration;

use wab_platform::Reason;
use wab_store::QueryError;

/// How long an event may block its shard while its topic, a permission or a KMS key is missing. Restoring those needs
/// manual action, which can take days. The events behind it don't have to wait for that.
pub(crate) const MAX_BLOCKING: Duration = Duration::from_secs(10 * 60);

/// How long an event is retried during an outage. The stream keeps a record for 24 h. Lambda drops it at 22 h
/// (`MaximumRecordAgeInSeconds` in the template) and then reports only its position.
pub(crate) const GIVE_UP_AFTER: Duration = Duration::from_secs(20 * 60 * 60);

/// Why an event isn't published. The cause decides how long the event is retried; see [`Self::verdict`].
#[derive(Debug, Clone)]
pub(crate) enum PublishError {
    /// The event itself is rejected. A retry never helps.
    Permanent(Reason),
    /// A topic, a permission or a KMS key is missing. Restoring it needs manual action.
    Withheld(Reason),
    /// A service throttles, fails or doesn't respond. It recovers without manual action.
    Transient(Reason),
}

/// What happens to a record that isn't published.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It is parked with this reason.
    Park(Reason),
    /// Lambda retries it, and every record behind it.
    Wait(Reason),
}

impl PublishError {
    /// Classifies an error code of `PublishBatch`, of a whole call or of one entry.
    ///
    /// The codes are those that the SNS API reference documents for `PublishBatch` and, under "Common errors", for every
    /// action. Any other code is transient: waiting loses nothing, and parking could empty the stream into the
    /// dead-letter queue. The `SenderFault` of an entry is ignored: SNS sets it for throttling and for missing
    /// permissions too.
    pub(crate) fn of_code(code: &str, reason: Reason) -> Self {
        let code = code.rsplit('.').next().unwrap_or(code);
        match code.strip_suffix("Exception").unwrap_or(code) {
            "InvalidParameter"
            | "InvalidParameterValue"
            | "ParameterValueInvalid"
            | "ValidationError"
            | "Validation"
            | "BatchRequestTooLong" => Self::Permanent(reason),
            "AccessDenied" | "AuthorizationError" | "NotAuthorized" | "NotFound" | "OptInRequired"
            | "KMSAccessDenied" | "KMSDisabled" | "KMSInvalidState" | "KMSNotFound" | "KMSOptInRequired" => {
                Self::Withheld(reason)
            }
            _ => Self::Transient(reason),
        }
    }

    /// Decides what happens to a record of this age.
    ///
    /// Whether other events of the batch were published doesn't count: SNS throttles some calls and accepts others,
    /// above all while a backlog drains. A record without a time has age zero, so its age never parks it: `wab` passes
    /// such records to the function and keeps those that have to wait.
    pub(crate) fn verdict(&self, age: Duration) -> Verdict {
        match self {
            Self::Permanent(reason) => Verdict::Park(reason.clone()),
            Self::Withheld(reason) if age >= MAX_BLOCKING => Verdict::Park(reason.clone()),
            Self::Transient(reason) if age >= GIVE_UP_AFTER => Verdict::Park(reason.clone()),
            Self::Withheld(reason) | Self::Transient(reason) => Verdict::Wait(reason.clone()),
        }
    }
}

impl From<PublishError> for Reason {
    fn from(error: PublishError) -> Self {
        match error {
            PublishError::Permanent(reason) | PublishError::Withheld(reason) | PublishError::Transient(reason) => {
                reason
            }
        }
    }
}

impl From<QueryError> for PublishError {
    fn from(error: QueryError) -> Self {
        match error {
            QueryError::Withheld(reason) => Self::Withheld(reason),
            QueryError::Unavailable(reason) => Self::Transient(reason),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_verdict(error: fn(Reason) -> PublishError, limit: Option<Duration>) {
        let verdict = |age| error(Reason::NoAnswerInTime).verdict(age);
        let park = Verdict::Park(Reason::NoAnswerInTime);
        if let Some(limit) = limit {
            assert_eq!(verdict(Duration::ZERO), Verdict::Wait(Reason::NoAnswerInTime));
            assert_eq!(verdict(limit - Duration::from_secs(1)), Verdict::Wait(Reason::NoAnswerInTime));
        }
        assert_eq!(verdict(limit.unwrap_or_default()), park);
    }

    #[test]
    fn each_cause_has_its_own_limit() {
        check_verdict(PublishError::Permanent, None);
        check_verdict(PublishError::Withheld, Some(Duration::from_secs(10 * 60)));
        check_verdict(PublishError::Transient, Some(Duration::from_secs(20 * 60 * 60)));
    }

    #[track_caller]
    fn check_codes(codes: &[&str], is_expected: fn(&PublishError) -> bool) {
        for code in codes {
            let error = PublishError::of_code(code, Reason::Aws((*code).to_owned()));
            assert!(is_expected(&error), "{error:?}");
        }
    }

    #[test]
    fn every_documented_code_has_its_cause() {
        check_codes(
            &[
                "InvalidParameter",
                "InvalidParameterException",
                "ParameterValueInvalid",
                "ValidationError",
                "ValidationException",
                "BatchRequestTooLong",
                "AWS.SimpleNotificationService.BatchRequestTooLong",
            ],
            |error| matches!(error, PublishError::Permanent(_)),
        );
        check_codes(
            &[
                "AuthorizationError",
                "AccessDenied",
                "AccessDeniedException",
                "NotFound",
                "NotFoundException",
                "KMSAccessDenied",
                "KMSDisabled",
                "KMSInvalidState",
                "KMSNotFound",
                "KMSOptInRequired",
            ],
            |error| matches!(error, PublishError::Withheld(_)),
        );
        check_codes(
            &[
                "KMSThrottling",
                "KMSThrottlingException",
                "Throttled",
                "ThrottlingException",
                "InternalError",
                "InternalFailure",
                "ServiceUnavailable",
                "RequestExpired",
                "InvalidSecurity",
                "InvalidClientTokenId",
                "never documented",
                "",
            ],
            |error| matches!(error, PublishError::Transient(_)),
        );
    }
}
