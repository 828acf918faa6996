//! The accounting: compares sent callbacks and their answers with stored items and arrived events. Pure.

use std::collections::{BTreeMap, BTreeSet};

use wab_events::Kind;
use wab_models::Digest;
use wab_models::kind_and_id;

/// Identifies an event: kind and gateway id, for a receipt also the status.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Key {
    kind: &'static str,
    id: String,
    status: Option<String>,
}

impl Key {
    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    pub(crate) fn mo(id: &str) -> Self {
        Self { kind: Kind::Mo.as_str(), id: id.to_owned(), status: None }
    }

    pub(crate) fn dlr(id: &str, status: &str) -> Self {
        Self { kind: Kind::Dlr.as_str(), id: id.to_owned(), status: Some(status.to_owned()) }
    }
}

/// A well-formed callback.
#[derive(Debug, Clone)]
pub(crate) struct Sent {
    pub(crate) key: Key,
    /// The digest of its body, independent of the layout.
    pub(crate) digest: Digest,
    /// The body's `reference`, unique in the run.
    pub(crate) marker: String,
    /// Answered 200.
    pub(crate) accepted: bool,
}

/// An item of the table.
#[derive(Debug, Clone)]
pub(crate) struct StoredItem {
    key: Key,
    /// The suffix of a variant's sort key.
    variant: Option<String>,
    digest: String,
}

impl StoredItem {
    /// None if the item is not an event.
    pub(crate) fn read(pk: &str, sk: &str, digest: String) -> Option<Self> {
        let (kind, id) = kind_and_id(pk)?;
        // No status in the load contains this character.
        let (word, variant) = match sk.split_once('#') {
            Some((word, variant)) => (word, Some(variant.to_owned())),
            None => (sk, None),
        };
        let key = match kind {
            Kind::Mo => Key::mo(id),
            Kind::Dlr => Key::dlr(id, word),
        };
        Some(Self { key, variant, digest })
    }
}

/// One delivery of an event to the subscriber.
#[derive(Debug, Clone)]
pub(crate) struct Arrival {
    pub(crate) event_id: String,
    pub(crate) key: Key,
    /// The event's `variant`: the first digits of the body's digest.
    pub(crate) variant: Option<String>,
    /// The `reference` in the data. None if the event is too large to contain data.
    pub(crate) marker: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Figures {
    /// Items of the table.
    pub(crate) stored: usize,
    /// Distinct events at the subscriber.
    pub(crate) events: usize,
    /// Callbacks that were answered 200 and never arrived as an event.
    pub(crate) lost: usize,
    /// Items beyond one for each distinct body of a key.
    pub(crate) doubled: usize,
    /// Items without an event, whatever the answer was.
    pub(crate) unpublished: usize,
    /// The same at the FIFO topics. None without them.
    pub(crate) lost_in_order: Option<usize>,
    /// The same at the event bus. None without one.
    pub(crate) lost_on_the_bus: Option<usize>,
    /// Deliveries beyond one for each event.
    pub(crate) extra_deliveries: usize,
}

impl Figures {
    /// Whether everything has arrived everywhere.
    pub(crate) fn are_complete(&self) -> bool {
        let lost = [Some(self.lost), Some(self.unpublished), self.lost_in_order, self.lost_on_the_bus];
        lost.into_iter().flatten().all(|lost| lost == 0)
    }

    pub(crate) fn of(sent: &[Sent], items: &[StoredItem], arrivals: &[Arrival]) -> Self {
        let events: BTreeSet<&str> = arrivals.iter().map(|arrival| arrival.event_id.as_str()).collect();
        let arrived = Arrived::of(items, arrivals);
        Self {
            stored: items.len(),
            events: events.len(),
            lost: sent.iter().filter(|sent| sent.accepted && !arrived.has(sent)).count(),
            doubled: doubled(sent, items),
            unpublished: unpublished(items, arrivals),
            extra_deliveries: arrivals.len() - events.len(),
            ..Self::default()
        }
    }
}

/// The number of items without an event.
pub(crate) fn unpublished(items: &[StoredItem], arrivals: &[Arrival]) -> usize {
    let arrived = Arrived::of(items, arrivals);
    items.iter().filter(|item| !arrived.covers(item)).count()
}

/// The number of callbacks that were answered 200 and haven't arrived, as far as is known without the table. If a key has
/// several bodies, an event without data may belong to any of them.
pub(crate) fn missing(sent: &[Sent], arrivals: &[Arrival]) -> usize {
    let arrived = Arrived::of(&[], arrivals);
    sent.iter().filter(|sent| sent.accepted && !arrived.has(sent) && !arrived.may_have(sent)).count()
}

/// Arrived events, indexed by key.
struct Arrived<'a> {
    events: BTreeMap<&'a Key, Vec<&'a Arrival>>,
    /// For each key, the digest of the item that is not a variant.
    first: BTreeMap<&'a Key, &'a str>,
}

impl<'a> Arrived<'a> {
    fn of(items: &'a [StoredItem], arrivals: &'a [Arrival]) -> Self {
        let mut events: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for arrival in arrivals {
            events.entry(&arrival.key).or_default().push(arrival);
        }
        let first = items.iter().filter(|item| item.variant.is_none());
        Self { events, first: first.map(|item| (&item.key, item.digest.as_str())).collect() }
    }

    fn events(&self, key: &Key) -> impl Iterator<Item = &'a Arrival> {
        self.events.get(key).into_iter().flatten().copied()
    }

    /// Whether an event with this callback's body has arrived. An event without data is identified by its variant, or by
    /// the key's first body in the table.
    fn has(&self, sent: &Sent) -> bool {
        self.events(&sent.key).any(|event| match (&event.variant, &event.marker) {
            (Some(variant), _) if variant != sent.digest.short() => false,
            (_, Some(marker)) => *marker == sent.marker,
            (Some(_), None) => true,
            (None, None) => self.first.get(&sent.key) == Some(&sent.digest.as_str()),
        })
    }

    fn may_have(&self, sent: &Sent) -> bool {
        self.events(&sent.key).any(|event| event.variant.is_none() && event.marker.is_none())
    }

    fn covers(&self, item: &StoredItem) -> bool {
        self.events(&item.key).any(|event| event.variant == item.variant)
    }
}

/// Counts items beyond one for each distinct body that was sent under their key.
fn doubled(sent: &[Sent], items: &[StoredItem]) -> usize {
    let bodies: BTreeSet<(&Key, &str)> = sent.iter().map(|sent| (&sent.key, sent.digest.as_str())).collect();
    let mut once = BTreeSet::new();
    let surplus = items.iter().filter(|item| {
        let body = (&item.key, item.digest.as_str());
        !bodies.contains(&body) || !once.insert(body)
    });
    surplus.count()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(id: &str, body: &str, accepted: bool) -> Sent {
        let digest = Digest::of(&format!("{{\"body\":\"{body}\"}}"));
        Sent { key: Key::mo(id), digest, marker: body.to_owned(), accepted }
    }

    fn item(sent: &Sent, variant: bool) -> StoredItem {
        let sk = if variant { format!("EVENT#{}", sent.digest.short()) } else { "EVENT".to_owned() };
        StoredItem::read(&format!("MO#{}", sent.key.id), &sk, sent.digest.as_str().to_owned()).unwrap()
    }

    fn arrival(sent: &Sent, variant: bool) -> Arrival {
        let variant = variant.then(|| sent.digest.short().to_owned());
        let event_id = format!("{}{variant:?}", sent.key.id);
        Arrival { event_id, key: sent.key.clone(), variant, marker: Some(sent.marker.clone()) }
    }

    fn without_data(arrival: Arrival) -> Arrival {
        Arrival { marker: None, ..arrival }
    }

    #[track_caller]
    fn check(sent: &[Sent], items: &[StoredItem], arrivals: &[Arrival], expected: Figures) {
        let expected = Figures { stored: items.len(), ..expected };
        assert_eq!(Figures::of(sent, items, arrivals), expected);
    }

    #[test]
    fn single_arrival_is_neither_lost_nor_doubled() {
        let all = [sent("a", "1", true), sent("a", "1", true), sent("b", "2", true), sent("b", "3", true)];
        let [a, _, b, b_variant] = &all;
        let items = [item(a, false), item(b, false), item(b_variant, true)];
        let arrivals = [arrival(a, false), arrival(b, false), arrival(b_variant, true)];
        check(&all, &items, &arrivals, Figures { events: 3, ..Figures::default() });
        assert_eq!(missing(&all, &arrivals), 0);
    }

    #[test]
    fn accepted_callback_without_event_is_lost() {
        let a = sent("a", "1", true);
        let lost = Figures { lost: 1, ..Figures::default() };
        check(std::slice::from_ref(&a), &[], &[], lost.clone());
        let items = [item(&a, false)];
        check(std::slice::from_ref(&a), &items, &[], Figures { unpublished: 1, ..lost });
        assert_eq!(missing(&[a], &[]), 1);
    }

    #[test]
    fn other_callbacks_event_does_not_count() {
        let (a, b) = (sent("a", "1", true), sent("b", "1", true));
        let items = [item(&a, false), item(&b, false)];
        let arrivals = [arrival(&a, false)];
        check(&[a, b], &items, &arrivals, Figures { events: 1, lost: 1, unpublished: 1, ..Figures::default() });
    }

    #[test]
    fn body_mistaken_for_a_repeat_is_lost() {
        let (first, other) = (sent("a", "1", true), sent("a", "2", true));
        let items = [item(&first, false)];
        let arrivals = [arrival(&first, false)];
        check(&[first, other], &items, &arrivals, Figures { events: 1, lost: 1, ..Figures::default() });
    }

    #[test]
    fn status_is_part_of_a_receipts_key() {
        let digest = Digest::of("{}");
        let key = Key::dlr("a", "sent");
        let all = [Sent { key, digest: digest.clone(), marker: "1".to_owned(), accepted: true }];
        let items = [StoredItem::read("DLR#a", "sent", digest.as_str().to_owned()).unwrap()];
        let other = Arrival {
            event_id: "e".to_owned(),
            key: Key::dlr("a", "received"),
            variant: None,
            marker: Some("1".to_owned()),
        };
        check(&all, &items, &[other], Figures { events: 1, lost: 1, unpublished: 1, ..Figures::default() });
    }

    #[test]
    fn unaccepted_callback_is_never_lost() {
        let a = sent("a", "1", false);
        check(std::slice::from_ref(&a), &[], &[], Figures::default());
        let items = [item(&a, false)];
        let arrivals = [arrival(&a, false)];
        check(&[a], &items, &arrivals, Figures { events: 1, ..Figures::default() });
    }

    #[test]
    fn body_stored_twice_is_doubled() {
        let a = sent("a", "1", true);
        let items = [item(&a, false), item(&a, true)];
        let arrivals = [arrival(&a, false), arrival(&a, true)];
        check(&[a.clone(), a], &items, &arrivals, Figures { events: 2, doubled: 1, ..Figures::default() });
    }

    #[test]
    fn body_that_was_never_sent_is_doubled() {
        let (a, unsent) = (sent("a", "1", true), sent("a", "2", true));
        let items = [item(&a, false), item(&unsent, true)];
        let arrivals = [arrival(&a, false), arrival(&unsent, true)];
        check(&[a], &items, &arrivals, Figures { events: 2, doubled: 1, ..Figures::default() });
    }

    #[test]
    fn repeated_event_is_an_extra_delivery() {
        let a = sent("a", "1", true);
        let items = [item(&a, false)];
        let arrivals = [arrival(&a, false), arrival(&a, false), arrival(&a, false)];
        check(&[a], &items, &arrivals, Figures { events: 1, extra_deliveries: 2, ..Figures::default() });
    }

    #[test]
    fn event_without_data_is_the_first_body_in_the_table() {
        let (first, other) = (sent("a", "1", true), sent("a", "2", true));
        let items = [item(&first, false)];
        let arrivals = [without_data(arrival(&first, false))];
        let expected = Figures { events: 1, lost: 1, ..Figures::default() };
        check(&[first.clone(), other.clone()], &items, &arrivals, expected);
        // Without the table it may be either.
        assert_eq!(missing(&[first.clone(), other.clone()], &arrivals), 0);

        let items = [item(&first, false), item(&other, true)];
        let arrivals = [without_data(arrival(&first, false)), without_data(arrival(&other, true))];
        check(&[first, other], &items, &arrivals, Figures { events: 2, ..Figures::default() });
    }

    #[test]
    fn quarantined_items_are_not_events() {
        assert!(StoredItem::read("QUARANTINE#2026-11-24", "x", String::new()).is_none());
        assert!(StoredItem::read("MO#a", "EVENT", String::new()).is_some());
    }
}
