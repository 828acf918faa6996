//! The AWS error codes behind the plan's faults.

use crate::plan::Target;

pub(crate) type Code = (u16, &'static str);

/// Transient errors: "Common errors" of each API reference, and "Error retries" of DynamoDB's developer guide.
pub(crate) fn transient(target: Target, number: u8) -> Code {
    let codes: [Code; 4] = match target {
        Target::TableWrites | Target::TableReads => [
            (500, "InternalServerError"),
            (400, "ThrottlingException"),
            (400, "ProvisionedThroughputExceededException"),
            (503, "ServiceUnavailable"),
        ],
        Target::Bucket => {
            [(503, "SlowDown"), (500, "InternalError"), (503, "ServiceUnavailable"), (400, "RequestTimeout")]
        }
        Target::Spill | Target::DeadLetters => [
            (500, "InternalFailure"),
            (503, "ServiceUnavailable"),
            (400, "ThrottlingException"),
            (403, "RequestThrottled"),
        ],
        Target::MoTopic | Target::DlrTopic | Target::FifoTopics => {
            [(429, "Throttled"), (500, "InternalError"), (503, "ServiceUnavailable"), (400, "KMSThrottling")]
        }
    };
    codes[usize::from(number) % codes.len()]
}

/// Errors that need manual action: a permission, a key or the resource is missing.
pub(crate) fn withheld(target: Target, number: u8) -> Code {
    let codes: [Code; 4] = match target {
        Target::TableWrites | Target::TableReads => [
            (400, "AccessDeniedException"),
            (400, "ResourceNotFoundException"),
            (400, "AccessDeniedException"),
            (400, "ResourceNotFoundException"),
        ],
        Target::Bucket => [(403, "AccessDenied"), (404, "NoSuchBucket"), (403, "AccessDenied"), (404, "NoSuchBucket")],
        Target::Spill | Target::DeadLetters => [
            (403, "AccessDenied"),
            (400, "AWS.SimpleQueueService.NonExistentQueue"),
            (400, "QueueDoesNotExist"),
            (403, "AccessDeniedException"),
        ],
        Target::MoTopic | Target::DlrTopic | Target::FifoTopics => {
            [(403, "AuthorizationError"), (404, "NotFound"), (400, "KMSAccessDenied"), (400, "KMSDisabled")]
        }
    };
    codes[usize::from(number) % codes.len()]
}

/// Error codes of a single entry, and whether SNS calls it the sender's fault.
pub(crate) const ENTRY_CODES: [(&str, bool); 6] = [
    ("InternalError", false),
    ("Throttled", true),
    ("AuthorizationError", true),
    ("KMSAccessDenied", true),
    ("InvalidParameter", true),
    ("KMSThrottling", true),
];
