//! What a callback's HTTP request holds beside its credentials.

use std::time::{Duration, UNIX_EPOCH};

use lambda_http::{Context, Request, RequestExt};
use models::MAX_BODY_BYTES;
use platform::Clock;
use tokio::time::Instant;

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
pub(crate) fn received_epoch_ms(request: &Request, clock: &Clock) -> i64 {
    match request.extensions().get() {
        Some(&TimeEpoch(epoch_ms)) if epoch_ms > 0 => epoch_ms,
        _ => now_epoch_ms(clock),
    }
}

fn now_epoch_ms(clock: &Clock) -> i64 {
    let since = clock.now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

/// How long before Lambda ends an invocation it is to be answered: the functions may take 5 s (`Timeout` in the
/// template), and the gateway shouldn't wait for more than 4.
const BEFORE_THE_END: Duration = Duration::from_millis(1_200);

/// What there is to keep a callback in, if Lambda doesn't say when it ends the invocation.
const TIME_TO_KEEP: Duration = Duration::from_millis(3_500);

/// When a callback has to be kept: then the answer is there within 4 s of the request, however long its body took to
/// be read.
pub(crate) fn answer_by(request: &Request, clock: &Clock) -> Instant {
    let end = request.lambda_context_ref().map(Context::deadline);
    let left = end.and_then(|end| end.duration_since(clock.now()).ok());
    Instant::now() + left.map_or(TIME_TO_KEEP, |left| left.saturating_sub(BEFORE_THE_END))
}

/// Lambda's request id, which every log line of the invocation carries too; empty outside of Lambda.
pub(crate) fn request_id(request: &Request) -> &str {
    request.lambda_context_ref().map_or("", |context| &context.request_id)
}
