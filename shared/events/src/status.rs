//! The status word of a delivery receipt.

use serde::{Deserialize, Serialize};

/// What became of a message that was sent. The gateway documents four words (`sent`, `received`,
/// `rejected`, `expired`), its sibling interfaces all twelve (docs/gateway.md part 2). The set is open: any other
/// word is kept as it came.
///
/// The gateway says no order. This one is read from what the words say, and for those without prose assumed:
///
/// | stage | status | final | told by |
/// |---|---|---|---|
/// | 1 | `accepted` | no | the answer of the interface that takes messages: it comes first |
/// | 2 | `queued` | no | assumed: waits at the gateway |
/// | 3 | `deficient` | no | assumed: held for want of credit, which can come |
/// | 4 | `blocked` | no | assumed: held by a rule, which can be lifted |
/// | 5 | `submitted` | no | prose: handed to the carrier |
/// | 6 | `frozen` | no | prose: held by a passing error |
/// | 7 | `sent` | no | prose: handed on by the carrier's transport |
/// | 8 | `received` | yes | prose: received |
/// | 8 | `rejected` | yes | prose: refused by the carrier |
/// | 8 | `failed` | yes | prose: carrier connectivity |
/// | 8 | `dead` | yes | prose: killed by an administrator |
/// | 8 | `expired` | yes | prose: not deliverable in time |
/// | none | any other word | no | nothing: it is never ahead of a known one |
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

    /// How far a message has got with this status: the table at [`DeliveryStatus`]. None for an unknown word.
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

    /// Whether a message ends with this status. An unknown word never is its end.
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
    fn every_known_word_is_typed_and_written_back() {
        for status in DeliveryStatus::KNOWN {
            assert_eq!(DeliveryStatus::from(status.as_str()), status);
            assert_eq!(serde_json::to_value(&status).unwrap(), status.as_str());
        }
    }

    #[test]
    fn the_documented_table_is_the_one_that_counts() {
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
    fn any_other_word_is_kept_as_it_came() {
        for word in ["read", "Sent", " sent", "délivré"] {
            let status = DeliveryStatus::from(word);
            assert_eq!(status, DeliveryStatus::Unknown(word.to_owned()));
            assert_eq!(serde_json::to_value(&status).unwrap(), word);
        }
    }
}
