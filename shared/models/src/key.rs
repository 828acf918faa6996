//! The key of an event in the table, and the event's id.

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use wab_events::{DeliveryStatus, Kind};

use crate::callback::MessageId;

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

/// The kind and the gateway's message id in a partition key; none if it isn't an event's.
#[must_use]
pub fn kind_and_id(pk: &str) -> Option<(Kind, &str)> {
    let (start, id) = pk.split_once('#')?;
    Kind::ALL.into_iter().find(|kind| prefix(*kind) == start).map(|kind| (kind, id))
}

/// The key of an event in the table. One event has one key: (`mo`, id) or (`dlr`, id, status).
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Key {
    /// Partition key: `MO#<id>` or `DLR#<id>`.
    pub pk: String,
    /// Sort key: `EVENT` for an MO, the status for a DLR. A variant's ends with `#<12 hex digits>`.
    pub sk: String,
}

impl Key {
    #[must_use]
    pub fn mo(id: &MessageId<'_>) -> Self {
        Self { pk: partition_key(Kind::Mo, id), sk: MO_SORT_KEY.to_owned() }
    }

    #[must_use]
    pub fn dlr(id: &MessageId<'_>, status: &DeliveryStatus) -> Self {
        Self { pk: partition_key(Kind::Dlr, id), sk: status.as_str().to_owned() }
    }

    /// The id of the event with this key: 32 hex digits of SHA-256 over the key. The same key always has the same id.
    /// The id reveals nothing of the key, so it may be logged.
    #[must_use]
    pub fn event_id(&self) -> String {
        let hash = Sha256::new().chain_update(&self.pk).chain_update([0]).chain_update(&self.sk).finalize();
        let mut id = hex::encode(hash);
        id.truncate(32);
        id
    }

    /// The kind and the gateway's message id; none if the key isn't an event's but, for example, a quarantined body's.
    #[must_use]
    pub fn kind_and_id(&self) -> Option<(Kind, &str)> {
        kind_and_id(&self.pk)
    }

    pub(crate) fn size_bytes(&self) -> usize {
        "pk".len() + self.pk.len() + "sk".len() + self.sk.len()
    }
}
