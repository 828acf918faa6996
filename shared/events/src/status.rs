//! The status word of a delivery receipt.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::redacted::Redacted;

/// The status of a sent message, as a delivery receipt reports it.
///
/// The documentation of the gateway's WhatsApp product lists four words (`sent`, `received`, `rejected`, `expired`);
/// that of its other interfaces lists all twelve. The set is open: any other word is kept verbatim.
///
/// The gateway defines no order of the words. This table derives one from their documented meaning; for words without
/// one, the order is an assumption. A message advances to the status with the highest stage.
///
/// | stage | status | final | source |
/// |---|---|---|---|
/// | 1 | `accepted` | no | the response of the gateway's sending interface: always first |
/// | 2 | `queued` | no | assumed: waiting at the gateway |
/// | 3 | `deficient` | no | assumed: waiting for credit |
/// | 4 | `blocked` | no | assumed: held by a rule that can be lifted |
/// | 5 | `submitted` | no | documented: handed to the carrier |
/// | 6 | `frozen` | no | documented: held by a temporary error |
/// | 7 | `sent` | no | documented: handed on by the carrier's transport |
/// | 8 | `received` | yes | documented: received |
/// | 8 | `rejected` | yes | documented: rejected by the carrier |
/// | 8 | `failed` | yes | documented: carrier connectivity failed |
/// | 8 | `dead` | yes | documented: killed by an administrator |
/// | 8 | `expired` | yes | documented: not deliverable in time |
/// | none | any other word | no | unknown: never ahead of a known word |
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DeliveryStatus {
    /// Accepted by the gateway. The gateway's documentation has no description.
    Accepted,
    /// Waiting at the gateway. The gateway's documentation has no description.
    Queued,
    /// Handed to the carrier.
    Submitted,
    /// Handed on by the carrier's transport.
    Sent,
    /// Received by the handset.
    Received,
    /// Assumed: held by a rule. The gateway's documentation has no description.
    Blocked,
    /// Assumed: waiting for credit. The gateway's documentation has no description.
    Deficient,
    /// Held by a temporary error.
    Frozen,
    /// Rejected by the carrier.
    Rejected,
    /// Carrier connectivity failed.
    Failed,
    /// Killed by an administrator.
    Dead,
    /// Not deliverable in time, for example because the phone was off.
    Expired,
    /// Any other word, verbatim. Words are case-sensitive: `Sent` is unknown.
    #[serde(untagged)]
    Unknown(String),
}

impl fmt::Debug for DeliveryStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown(word) => f.debug_tuple("Unknown").field(&Redacted::new(word)).finish(),
            known => f.write_str(known.as_str()),
        }
    }
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

    /// How far the message has advanced, from 1 to 8: see the table at [`DeliveryStatus`]. None for an unknown word.
    #[must_use]
    pub const fn stage(&self) -> Option<u8> {
        match self {
            Self::Accepted => Some(1),
            Self::Queued => Some(2),
            Self::Deficient => Some(3),
            Self::Blocked => Some(4),
            Self::Submitted => Some(5),
            Self::Frozen => Some(6),
            Self::Sent => Some(7),
            Self::Received | Self::Rejected | Self::Failed | Self::Dead | Self::Expired => Some(8),
            Self::Unknown(_) => None,
        }
    }

    /// True if no other status follows. An unknown word is never final.
    #[must_use]
    pub const fn is_final(&self) -> bool {
        matches!(self.stage(), Some(8))
    }

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
    fn known_words_round_trip() {
        for status in DeliveryStatus::KNOWN {
            assert_eq!(DeliveryStatus::from(status.as_str()), status);
            assert_eq!(serde_json::to_value(&status).unwrap(), status.as_str());
        }
    }

    #[test]
    fn documented_stages_are_those_of_the_code() {
        let source = include_str!("status.rs");
        let rows: Vec<Vec<&str>> = source
            .lines()
            .filter_map(|line| line.strip_prefix("/// | "))
            .map(|row| row.split(" | ").map(|cell| cell.trim_matches(['`', ' ', '|'])).collect())
            .collect();
        for status in DeliveryStatus::KNOWN {
            let row = rows.iter().find(|row| row[1] == status.as_str()).expect("each status has a row");
            assert_eq!(row[0], status.stage().unwrap().to_string());
            assert_eq!(row[2] == "yes", status.is_final(), "{status:?}");
        }
        let unknown = DeliveryStatus::from("read");
        assert_eq!((unknown.stage(), unknown.is_final()), (None, false));
    }

    #[test]
    fn unknown_words_are_kept_verbatim() {
        for word in ["read", "Sent", " sent", "délivré"] {
            let status = DeliveryStatus::from(word);
            assert_eq!(status, DeliveryStatus::Unknown(word.to_owned()));
            assert_eq!(serde_json::to_value(&status).unwrap(), word);
        }
    }
}
