//! The status word of a delivery receipt.

use serde::{Deserialize, Serialize};

/// What became of a message that was sent. The gateway documents four words (`sent`, `received`,
/// `rejected`, `expired`), its sibling interfaces all twelve (gateway.md part 2). The set is open: any other
/// word is kept as it came.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DeliveryStatus {
    /// Taken by the gateway. No prose in the gateway's documentation.
    Accepted,
    /// Waiting at the gateway. No prose in the gateway's documentation.
    Queued,
    /// Handed to the carrier.
    Submitted,
    /// Handed on by the carrier's transport.
    Sent,
    /// Received by the handset.
    Received,
    /// No prose in the gateway's documentation.
    Blocked,
    /// No prose in the gateway's documentation.
    Deficient,
    /// Held by a passing error.
    Frozen,
    /// Refused by the carrier.
    Rejected,
    /// Carrier connectivity failed.
    Failed,
    /// Killed by an administrator.
    Dead,
    /// Not deliverable in time, for instance because the phone was off.
    Expired,
    /// A word that isn't in the list, as it came. Case counts: `Sent` is not `sent`.
    #[serde(untagged)]
    Unknown(String),
}

impl DeliveryStatus {
    /// The twelve known words.
    pub const KNOWN: [Self; 12] = [
        Self::Accepted,
        Self::Queued,
        Self::Submitted,
        Self::Sent,
        Self::Received,
        Self::Blocked,
        Self::Deficient,
        Self::Frozen,
        Self::Rejected,
        Self::Failed,
        Self::Dead,
        Self::Expired,
    ];

    /// The word as the gateway spells it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Accepted => "accepted",
            Self::Queued => "queued",
            Self::Submitted => "submitted",
            Self::Sent => "sent",
            Self::Received => "received",
            Self::Blocked => "blocked",
            Self::Deficient => "deficient",
            Self::Frozen => "frozen",
            Self::Rejected => "rejected",
            Self::Failed => "failed",
            Self::Dead => "dead",
            Self::Expired => "expired",
            Self::Unknown(word) => word,
        }
    }
}

impl From<&str> for DeliveryStatus {
    fn from(word: &str) -> Self {
        Self::KNOWN.into_iter().find(|status| status.as_str() == word).unwrap_or_else(|| Self::Unknown(word.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_known_word_is_typed_and_written_back() {
        for status in DeliveryStatus::KNOWN {
            assert_eq!(DeliveryStatus::from(status.as_str()), status);
            assert_eq!(serde_json::to_value(&status).unwrap(), status.as_str());
        }
    }

    #[test]
    fn any_other_word_is_kept_as_it_came() {
        for word in ["read", "Sent", " sent", "délivré"] {
            let status = DeliveryStatus::from(word);
            assert_eq!(status, DeliveryStatus::Unknown(word.to_owned()));
            assert_eq!(serde_json::to_value(&status).unwrap(), word);
        }
    }
}
