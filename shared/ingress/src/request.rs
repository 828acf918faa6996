//! What a callback's HTTP request holds beside its credentials.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use lambda_http::{Context, Request, RequestExt};
use tokio::time::Instant;
use wab_models::MAX_BODY_BYTES;
use wab_platform::Clock;

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

/// When API Gateway received the request, in milliseconds since 1970-01-01T00:00:00Z; now, if it doesn't say.
pub(crate) fn received_epoch_ms(request: &Request, clock: &Clock) -> i64 {
    let received = received(request).unwrap_or_else(|| clock.now());
    let since = received.duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

fn received(request: &Request) -> Option<SystemTime> {
    let TimeEpoch(epoch_ms) = *request.extensions().get()?;
    let since = u64::try_from(epoch_ms).ok().filter(|since| *since > 0)?;
    UNIX_EPOCH.checked_add(Duration::from_millis(since))
}

/// The time to keep a callback in, from when API Gateway received it. What is left of 4 s is for the way there and back
/// and for writing the answer.
pub const TIME_TO_KEEP: Duration = Duration::from_millis(3_500);

/// The time to keep a callback in, however much of it has passed: the clocks of API Gateway and of the function may
/// differ, and a start that took seconds must not leave the callback without a chance. It is what the table and the
/// spill queue have reserved in [`store`].
pub const LEAST_TIME_TO_KEEP: Duration = Duration::from_millis(2_000);

/// The time reserved before Lambda's own timeout for the answer.
pub const BEFORE_TIMEOUT: Duration = Duration::from_millis(1_200);

/// When a callback has to be kept, so that its answer is there within 4 s of the request: whatever passed since API
/// Gateway received it, a cold start included, is taken off. Lambda's timeout ends it earlier if it has to, for reading
/// a large body takes time of the invocation.
pub(crate) fn answer_by(request: &Request, clock: &Clock) -> Instant {
    let now = clock.now();
    let left = match received(request).map(|received| now.duration_since(received)) {
        Some(Ok(waited)) => TIME_TO_KEEP.saturating_sub(waited).max(LEAST_TIME_TO_KEEP),
        // API Gateway's clock is ahead, or the request doesn't say it.
        Some(Err(_)) | None => TIME_TO_KEEP,
    };
    let timeout = request.lambda_context_ref().map(Context::deadline);
    let until_timeout = timeout.and_then(|timeout| timeout.duration_since(now).ok());
    Instant::now() + until_timeout.map_or(left, |until| until.saturating_sub(BEFORE_TIMEOUT).min(left))
}

/// Lambda's request id, which every log line of the invocation carries too; empty outside of Lambda.
pub(crate) fn request_id(request: &Request) -> &str {
    request.lambda_context_ref().map_or("", |context| &context.request_id)
}
