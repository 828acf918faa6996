//! How a proxied service behaves.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

#[derive(Clone, Default)]
pub(crate) enum Behaviour {
    /// Forward every request.
    #[default]
    None,
    /// Answer every request with an error, or close the connection.
    Reject,
    /// Delay every request by a time from this range.
    Slow(Range<Duration>),
    /// Forward every request at once, and delay the answer by this time.
    AnswerLate(Duration),
    /// Fail some or all entries of each `PublishBatch`.
    FailEntries,
    /// Call this function during some requests, before or after they are forwarded.
    Strike(Arc<dyn Fn() + Send + Sync>),
}

impl fmt::Debug for Behaviour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "None",
            Self::Reject => "Reject",
            Self::Slow(_) => "Slow",
            Self::AnswerLate(_) => "AnswerLate",
            Self::FailEntries => "FailEntries",
            Self::Strike(_) => "Strike",
        })
    }
}
