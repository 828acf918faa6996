//! The key of an event in the table, and the event's id.

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use wab_events::{DeliveryStatus, Kind};

use crate::callback::MessageId;
use crate::digest::hex;

/// The sort key of an MO.
pub(crate) const MO_SORT_KEY: &str = "EVENT";

const fn prefix(kind: Kind) -> &'static str {
    match kind {
        Kind::Mo => "MO",
        Kind::Dlr => "DLR",
    }
}

fn partition_key(kind: Kind, id: &MessageId<'_>) -> String {
    format!("{}#{}", prefix(kind), id.as_str())
}

/// The kind and the gateway's message id in a partition key; none if it is no event's key.
#[must_use]
pub fn kind_and_id(pk: &str) -> Option<(Kind, &str)> {
    let (start, id) = pk.split_once('#')?;
    Kind::ALL.into_iter().find(|kind| prefix(*kind) == start).map(|kind| (kind, id))
}

/// Where an event stands in the table. One event has one key: (`mo`, id) or (`dlr`, id, status).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Key {
    /// Partition key: `MO#<id>` or `DLR#<id>`.
    pub pk: String,
    /// Sort key: `EVENT` for an MO, the status for a DLR; of a variant with `#<12 hex digits>` behind it.
    pub sk: String,
}

impl Key {
    /// The key of an MO callback.
    #[must_use]
    pub fn mo(id: &MessageId<'_>) -> Self {
        Self { pk: partition_key(Kind::Mo, id), sk: MO_SORT_KEY.to_owned() }
    }

    /// The key of a delivery receipt.
    #[must_use]
    pub fn dlr(id: &MessageId<'_>, status: &DeliveryStatus) -> Self {
        Self { pk: partition_key(Kind::Dlr, id), sk: status.as_str().to_owned() }
    }

    /// The id of the event that is published from this key: 32 hex digits of SHA-256 over the key. The same
    /// key always gives the same id, and the id tells nothing of the key, so it may be logged.
    #[must_use]
    pub fn event_id(&self) -> String {
        let hash = Sha256::new().chain_update(&self.pk).chain_update([0]).chain_update(&self.sk).finalize();
        let mut id = hex(&hash);
        id.truncate(32);
        id
    }

    /// The kind and the gateway's message id of an event's key; none for any other key, such as a quarantined body's.
    #[must_use]
    pub fn kind_and_id(&self) -> Option<(Kind, &str)> {
        kind_and_id(&self.pk)
    }

    pub(crate) fn size_bytes(&self) -> usize {
        "pk".len() + self.pk.len() + "sk".len() + self.sk.len()
    }
}
