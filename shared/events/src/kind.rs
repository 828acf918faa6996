//! The two kinds of event.

use serde::{Deserialize, Serialize};

/// The kind of callback that an event was published for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// A message from a WhatsApp user (mobile originated).
    Mo,
    /// A delivery receipt.
    Dlr,
}

impl Kind {
    /// Both kinds.
    pub const ALL: [Self; 2] = [Self::Mo, Self::Dlr];

    /// `mo` or `dlr`: the SNS message attribute `kind`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Mo => "mo",
            Self::Dlr => "dlr",
        }
    }

    /// The event's `type`, which names the contract of its `data`: `wab.mo.v1` or `wab.dlr.v1`.
    #[must_use]
    pub const fn schema(self) -> &'static str {
        match self {
            Self::Mo => "wab.mo.v1",
            Self::Dlr => "wab.dlr.v1",
        }
    }

    /// The event's `dataschema`: the URI of the part of the contract that describes `data`.
    #[must_use]
    pub const fn data_schema(self) -> &'static str {
        match self {
            Self::Mo => "urn:wab:mo-event:v1#/properties/data",
            Self::Dlr => "urn:wab:dlr-event:v1#/properties/data",
        }
    }

    /// The kind of the events with this `type`. None if this version of the crate doesn't know the contract.
    #[must_use]
    pub fn of_schema(schema: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.schema() == schema)
    }
}
