//! A callback once its request is admitted, and the deadline for storing it.

use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use lambda_http::Body;
use tokio::time::Instant;
use wab_events::Redacted;
use wab_models::{Received, ReceivedAt};
use wab_platform::Trace;

use crate::answer::Call;

/// The time for storing a callback, from when API Gateway received it. The rest of the 4 s that a callback may take is
/// for the network and for writing the answer.
pub const PUT_TIME: Duration = Duration::from_millis(3_500);

/// The minimum time for storing a callback, however long ago API Gateway received it. The clocks of API Gateway and of
/// the function may differ, and a slow cold start must not use up the callback's time. The store reserves this much
/// for the table and the spill queue.
pub const MIN_PUT_TIME: Duration = Duration::from_millis(2_000);

/// Time reserved before the Lambda timeout for the answer.
pub const ANSWER_TIME: Duration = Duration::from_millis(1_200);

/// A callback from an authenticated caller, within the size limit.
pub struct Inbound<'a> {
    /// What its answer and its log line need.
    pub call: Call<'a>,
    /// The gateway application that called: the user name of its credentials.
    pub application: &'a str,
    pub body: Body,
    /// When API Gateway received the request, in milliseconds since 1970-01-01T00:00:00Z.
    pub received_ms: i64,
    /// The same instant as text.
    pub received_at: ReceivedAt,
    /// When the table may delete what is stored of it: seconds since 1970-01-01T00:00:00Z.
    pub expires_at: i64,
    /// When the callback must be stored, or its storage given up, so that the answer is on time.
    pub deadline: Instant,
    /// None unless Lambda samples the invocation.
    pub trace: Option<Trace>,
}

impl fmt::Debug for Inbound<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inbound")
            .field("call", &self.call)
            .field("body", &Redacted::new(&self.body))
            .field("received_at", &self.received_at)
            .finish_non_exhaustive()
    }
}

impl<'a> Inbound<'a> {
    /// What an item records of the request. `body` is this callback's body, checked to be UTF-8.
    #[must_use]
    pub fn received(&self, body: &'a str) -> Received<'a> {
        let Self { application, expires_at, .. } = *self;
        Received { body, application, at: self.received_at.clone(), expires_at }
    }

    /// The time from an instant in seconds since 1970-01-01T00:00:00Z to the request, in milliseconds. 0 if the clock
    /// that named the instant is ahead.
    #[must_use]
    pub fn lag_ms(&self, since: u64) -> u64 {
        let received_ms = u64::try_from(self.received_ms).unwrap_or_default();
        received_ms.saturating_sub(since.saturating_mul(1_000))
    }
}

/// The instant of a request's `timeEpoch`. None if it is missing or not positive: then the function's clock is used.
pub(crate) fn received_time(time_epoch: Option<i64>) -> Option<SystemTime> {
    let since = u64::try_from(time_epoch?).ok().filter(|since| *since > 0)?;
    UNIX_EPOCH.checked_add(Duration::from_millis(since))
}

pub(crate) fn epoch_ms(time: SystemTime) -> i64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

/// When a callback must be stored so that its answer arrives within 4 s of the request. Time since API Gateway received
/// it, a cold start included, is subtracted. An earlier Lambda timeout wins: reading a large body takes invocation time.
pub(crate) fn deadline(received: Option<SystemTime>, timeout: SystemTime, now: SystemTime) -> Instant {
    let left = match received.map(|received| now.duration_since(received)) {
        Some(Ok(waited)) => PUT_TIME.saturating_sub(waited).max(MIN_PUT_TIME),
        // API Gateway's clock is ahead, or the request has no time.
        Some(Err(_)) | None => PUT_TIME,
    };
    let until_timeout = timeout.duration_since(now).ok();
    Instant::now() + until_timeout.map_or(left, |until| until.saturating_sub(ANSWER_TIME).min(left))
}
