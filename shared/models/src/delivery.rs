//! The delivery state of a sent message, computed from all of its stored receipts.

use wab_events::message::Unrecognized;
use wab_events::{DeliveryState, DeliveryStatus, HistoryEntry};

use crate::received_at::ReceivedAt;

/// One receipt of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    pub status: DeliveryStatus,
    /// When API Gateway received the receipt. The gateway itself sends no time.
    pub time: ReceivedAt,
}

impl Receipt {
    /// The receipt in an item: its attribute `status` or, if the status can't be an attribute, its sort key.
    #[must_use]
    pub fn stored(sk: &str, status: Option<&str>, received_at: ReceivedAt) -> Self {
        Self { status: DeliveryStatus::from(status.unwrap_or(sk)), time: received_at }
    }
}

/// The delivery state of a sent message, from the receipts that are stored when the event is published. Receipts arrive
/// in any order and more than once, so a later event may know more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// The first final status. Without one, the status with the highest [`DeliveryStatus::stage`], and of two with the
    /// same stage the later one.
    pub current: DeliveryStatus,
    /// Whether `current` is final. A final status never reverts.
    pub is_final: bool,
    /// Whether another receipt determines `current`: this one arrived late, or another one is further along.
    pub overtaken: bool,
    /// All receipts including this one, in the order of arrival. At most 100 are read.
    pub history: Vec<Receipt>,
}

impl Delivery {
    /// The state after the receipts in `stored`, as the event of the receipt `this` reports it.
    #[must_use]
    pub fn of(this: Receipt, stored: Vec<Receipt>) -> Self {
        let mut history = stored;
        if !history.contains(&this) {
            history.push(this.clone());
        }
        let place =
            |receipt: &Receipt| (receipt.time.clone(), receipt.status.stage(), receipt.status.as_str().to_owned());
        history.sort_by_cached_key(place);
        // `max_by_key` returns the last of equal elements, and the history is ordered by time.
        let first_final = history.iter().find(|receipt| receipt.status.is_final());
        let furthest = || history.iter().max_by_key(|receipt| receipt.status.stage());
        let current = first_final.or_else(furthest).map_or_else(|| this.status.clone(), |it| it.status.clone());
        Self { is_final: current.is_final(), overtaken: this.status != current, current, history }
    }
}

impl From<Delivery> for DeliveryState {
    fn from(delivery: Delivery) -> Self {
        Self {
            current: delivery.current.as_str().to_owned(),
            is_final: delivery.is_final,
            overtaken: delivery.overtaken,
            history: delivery.history.into_iter().map(HistoryEntry::from).collect(),
            unrecognized: Unrecognized::default(),
        }
    }
}

impl From<Receipt> for HistoryEntry {
    fn from(receipt: Receipt) -> Self {
        Self {
            status: receipt.status.as_str().to_owned(),
            time: receipt.time.as_str().to_owned(),
            unrecognized: Unrecognized::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn receipt(status: &str, at_ms: i64) -> Receipt {
        Receipt { status: DeliveryStatus::from(status), time: ReceivedAt::from_epoch_ms(at_ms) }
    }

    /// The receipts arrive in this order. The event is that of the receipt at index `this`.
    #[track_caller]
    fn check(words: &[&str], this: usize, current: &str, is_final: bool, overtaken: bool) {
        let receipts: Vec<_> = words.iter().zip(0..).map(|(word, at)| receipt(word, at)).collect();
        let mut stored = receipts.clone();
        stored.reverse();
        let delivery = Delivery::of(receipts[this].clone(), stored);
        assert_eq!(
            (delivery.current.as_str(), delivery.is_final, delivery.overtaken),
            (current, is_final, overtaken),
            "{words:?} seen from {this}"
        );
        assert_eq!(delivery.history, receipts);
    }

    #[test]
    fn furthest_status_is_current_until_a_final_one() {
        check(&["sent"], 0, "sent", false, false);
        check(&["submitted", "sent"], 0, "sent", false, true);
        check(&["submitted", "sent"], 1, "sent", false, false);
        check(&["sent", "submitted"], 1, "sent", false, true);
        check(&["sent", "received", "submitted"], 1, "received", true, false);
        check(&["sent", "received", "submitted"], 2, "received", true, true);
        check(&["frozen", "submitted"], 0, "frozen", false, false);
    }

    #[test]
    fn final_status_never_reverts() {
        check(&["expired", "received"], 1, "expired", true, true);
        check(&["received", "failed", "sent"], 0, "received", true, false);
        check(&["received", "failed", "sent"], 1, "received", true, true);
    }

    #[test]
    fn unknown_status_is_never_final_nor_ahead() {
        check(&["teleported"], 0, "teleported", false, false);
        check(&["teleported", "beamed"], 0, "beamed", false, true);
        check(&["accepted", "teleported"], 1, "accepted", false, true);
        check(&["received", "read"], 1, "received", true, true);
    }

    #[test]
    fn receipt_counts_without_being_stored() {
        let delivery = Delivery::of(receipt("sent", 1), Vec::new());
        assert_eq!((delivery.current.as_str(), delivery.history.len()), ("sent", 1));
    }

    proptest! {
        #[test]
        fn read_order_of_receipts_does_not_matter(
            receipts in prop::collection::vec((0usize..14, 0i64..5), 1..8),
            seed in any::<prop::sample::Index>(),
        ) {
            let words: Vec<&str> =
                DeliveryStatus::KNOWN.iter().map(DeliveryStatus::as_str).chain(["x", "y"]).collect();
            let mut receipts: Vec<_> = receipts.iter().map(|(word, at)| receipt(words[*word], *at)).collect();
            // A key is stored once, and so is a status.
            let mut seen = std::collections::HashSet::new();
            receipts.retain(|receipt| seen.insert(receipt.status.clone()));
            let this = receipts[seed.index(receipts.len())].clone();
            let one_way = Delivery::of(this.clone(), receipts.clone());
            receipts.reverse();
            let other_way = Delivery::of(this, receipts);
            prop_assert_eq!(&one_way.current, &other_way.current);
            prop_assert_eq!(one_way.is_final, other_way.is_final);
            let some_final = one_way.history.iter().any(|receipt| receipt.status.is_final());
            prop_assert_eq!(one_way.is_final, some_final);
        }

        #[test]
        fn state_stays_final(words in prop::collection::vec(0usize..12, 2..8)) {
            let receipts: Vec<_> =
                words.iter().zip(0..).map(|(word, at)| receipt(DeliveryStatus::KNOWN[*word].as_str(), at)).collect();
            let mut ended: Option<DeliveryStatus> = None;
            for known in 1..=receipts.len() {
                let stored = receipts[..known].to_vec();
                let delivery = Delivery::of(receipts[known - 1].clone(), stored);
                if let Some(ended) = &ended {
                    prop_assert_eq!(&delivery.current, ended);
                }
                if delivery.is_final {
                    ended = Some(delivery.current);
                }
            }
        }
    }
}
