//! When a callback was received.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// When API Gateway received the callback: RFC 3339 in UTC, always with milliseconds, so that the texts sort like the
/// instants. Example: `2026-11-23T09:15:02.417Z`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ReceivedAt(String);

impl ReceivedAt {
    /// From milliseconds since 1970-01-01T00:00:00Z, as in the request's `timeEpoch`. An instant past the year 9999
    /// becomes the last one that RFC 3339 can express.
    #[must_use]
    pub fn from_epoch_ms(epoch_ms: i64) -> Self {
        let instant = Timestamp::from_millisecond(epoch_ms).unwrap_or(Timestamp::MAX);
        Self(format!("{instant:.3}"))
    }

    /// Milliseconds since 1970-01-01T00:00:00Z. None if the item has no such text.
    #[must_use]
    pub fn epoch_ms(&self) -> Option<u64> {
        u64::try_from(self.0.parse::<Timestamp>().ok()?.as_millisecond()).ok()
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instant_always_has_milliseconds() {
        let text = |epoch_ms| ReceivedAt::from_epoch_ms(epoch_ms).as_str().to_owned();
        assert_eq!(text(1_763_889_302_417), "2025-11-23T09:15:02.417Z");
        assert_eq!(text(1_763_889_302_000), "2025-11-23T09:15:02.000Z");
        assert_eq!(text(i64::MAX), "9999-12-30T22:00:00.999Z");
    }

    #[test]
    fn instant_is_read_back_in_milliseconds() {
        assert_eq!(ReceivedAt::from_epoch_ms(1_763_889_302_417).epoch_ms(), Some(1_763_889_302_417));
        assert_eq!(ReceivedAt("yesterday".to_owned()).epoch_ms(), None);
    }
}
