//! What a callback's HTTP request holds beside its credentials.

use std::time::{SystemTime, UNIX_EPOCH};

use lambda_http::{Request, RequestExt};
use models::MAX_BODY_BYTES;

use crate::answer::Refusal;

/// The body's bytes.
///
/// # Errors
/// If it is larger than any that Lambda hands over ([`MAX_BODY_BYTES`]).
pub fn read_body(request: &Request) -> Result<&[u8], Refusal> {
    let body: &[u8] = request.body().as_ref();
    if body.len() > MAX_BODY_BYTES { Err(Refusal::TooLarge) } else { Ok(body) }
}

/// When API Gateway received a request, in milliseconds since 1970-01-01T00:00:00Z: an extension of the request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TimeEpoch(pub(crate) i64);

/// When API Gateway received the request; now, if it doesn't say.
pub(crate) fn received_epoch_ms(request: &Request) -> i64 {
    match request.extensions().get() {
        Some(&TimeEpoch(epoch_ms)) if epoch_ms > 0 => epoch_ms,
        _ => now_epoch_ms(),
    }
}

fn now_epoch_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

/// Lambda's request id, which every log line of the invocation carries too; empty outside of Lambda.
pub(crate) fn request_id(request: &Request) -> &str {
    request.lambda_context_ref().map_or("", |context| &context.request_id)
}
