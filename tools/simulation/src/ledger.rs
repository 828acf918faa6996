//! What is known of a run: callbacks sent, answers, stored events and deliveries. The promises are checked against it.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde_json::Value;
use wab_models::{Digest, Key, ObjectKey};

use crate::body::{Bodies, Sent};
use crate::content_free;
use crate::time::Ms;

#[derive(Debug, Default)]
pub(crate) struct Ledger {
    /// All bodies that were sent.
    pub(crate) bodies: Bodies,
    /// Bodies that were answered 200.
    pub(crate) accepted: BTreeSet<Vec<u8>>,
    /// Bodies that were answered 400.
    pub(crate) quarantined: BTreeSet<Vec<u8>>,
    /// Stored events by event id.
    pub(crate) events: BTreeMap<String, Event>,
    /// Bodies whose items have expired.
    pub(crate) expired: BTreeSet<Vec<u8>>,
    /// Event ids of items that another program wrote.
    pub(crate) foreign: BTreeSet<String>,
    /// The published delivery states of each message, in order of publication.
    pub(crate) deliveries: BTreeMap<String, Vec<Delivery>>,
}

/// The answer to a callback, as the gateway sees it.
#[derive(Debug)]
pub(crate) struct CallbackAnswer {
    pub(crate) status: u16,
    pub(crate) body: Value,
    pub(crate) text: String,
    /// From the request to the answer.
    pub(crate) took: Ms,
}

/// A stored event.
#[derive(Debug)]
pub(crate) struct Event {
    pub(crate) body: Vec<u8>,
    pub(crate) digest: Digest,
    pub(crate) pk: String,
    /// The key of its callback, without the suffix of a variant.
    pub(crate) key: (String, String),
    /// The message attributes for filter policies.
    pub(crate) attributes: BTreeMap<String, String>,
    /// The sender as its item has it: a hash if the stack keeps no content.
    pub(crate) source: Option<String>,
    pub(crate) received_at: String,
    pub(crate) stored_at: Ms,
    /// When it was first delivered or parked.
    pub(crate) settled_at: Option<Ms>,
    pub(crate) delivered: u64,
    /// How often a FIFO topic delivered it.
    pub(crate) delivered_in_order: u64,
    /// Its group on a FIFO topic.
    pub(crate) group: Option<String>,
    /// The stored events count up.
    pub(crate) number: usize,
    pub(crate) parked: bool,
    /// When its item expires, from which on nobody redrives it.
    pub(crate) expires_at: Ms,
    /// Whether the table has deleted its item.
    pub(crate) expired: bool,
}

/// `data.delivery` of a published receipt.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Delivery {
    pub(crate) current: String,
    #[serde(rename = "final")]
    pub(crate) is_final: bool,
    pub(crate) history: Vec<Receipt>,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct Receipt {
    pub(crate) status: String,
    pub(crate) time: String,
}

impl Ledger {
    /// Records that Lambda sent the position of a stream record to the dead-letter queue.
    pub(crate) fn given_up(&mut self, record: &str) {
        let record: Value = serde_json::from_str(record).unwrap_or_default();
        let part = |name: &str| record["dynamodb"]["Keys"][name]["S"].as_str().unwrap_or_default().to_owned();
        if let Some(event) = self.events.get_mut(&Key { pk: part("pk"), sk: part("sk") }.event_id()) {
            event.parked = true;
        }
    }

    /// Records that the table deleted an expired item.
    pub(crate) fn expire(&mut self, pk: &str, sk: &str) {
        let id = Key { pk: pk.to_owned(), sk: sk.to_owned() }.event_id();
        if let Some(event) = self.events.get_mut(&id) {
            event.expired = true;
            self.expired.insert(event.body.clone());
        }
        // The sort key of a quarantined body ends with its hash.
        self.expired.extend(self.quarantined.iter().filter(|body| is_quarantined_as(sk, body)).cloned());
    }

    /// The stored events of a callback: same key, same body in any layout.
    pub(crate) fn events_of<'a>(&'a self, sent: &'a Sent) -> impl Iterator<Item = &'a Event> {
        self.events.values().filter(|event| Some(&event.key) == sent.key.as_ref() && event.digest == sent.digest)
    }
}

pub(crate) fn sha256(bytes: &[u8]) -> String {
    ObjectKey::of_body(bytes).as_str().trim_start_matches("body/").to_owned()
}

/// Whether a quarantined body has this sort key.
pub(crate) fn is_quarantined_as(sk: &str, bytes: &[u8]) -> bool {
    sk.ends_with(&sha256(bytes)) || sk.ends_with(&content_free::quarantined(bytes))
}
