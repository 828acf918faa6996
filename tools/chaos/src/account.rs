//! The accounting: what was sent and answered, against what is stored and what arrived. Knows no AWS and no clock.

use std::collections::{BTreeMap, BTreeSet};

use wab_events::Kind;
use wab_models::Digest;
use wab_models::kind_and_id;

/// What makes callbacks the same event: the kind and the gateway's id, of a receipt also its status.
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

/// A callback that names an event.
#[derive(Debug, Clone)]
pub(crate) struct Sent {
    pub(crate) key: Key,
    /// What its body says, whatever its layout.
    pub(crate) digest: Digest,
    /// The body's `reference`, which no other body of the run has.
    pub(crate) marker: String,
    /// Whether it was answered 200.
    pub(crate) accepted: bool,
}

/// An item of the table.
#[derive(Debug, Clone)]
pub(crate) struct StoredItem {
    key: Key,
    /// The end of the sort key of a variant.
    variant: Option<String>,
    /// What its body says.
    digest: String,
}

impl StoredItem {
    /// The item under these keys; none if it is no event.
    pub(crate) fn read(pk: &str, sk: &str, digest: String) -> Option<Self> {
        let (kind, id) = kind_and_id(pk)?;
        // No status of the load has this character.
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

/// An event at the subscriber: one delivery.
#[derive(Debug, Clone)]
pub(crate) struct Arrival {
    pub(crate) event_id: String,
    pub(crate) key: Key,
    /// The event's `variant`: the first digits of its body's digest.
    pub(crate) variant: Option<String>,
    /// The `reference` in its data; none if the event has no data, because it is too large.
    pub(crate) marker: Option<String>,
}

/// What the accounting comes to.
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
    /// Items that no event told of, whatever their callback was answered.
    pub(crate) unpublished: usize,
    /// Deliveries beyond one for each event.
    pub(crate) extra_deliveries: usize,
}

impl Figures {
    pub(crate) fn of(sent: &[Sent], items: &[StoredItem], arrivals: &[Arrival]) -> Self {
        let events: BTreeSet<&str> = arrivals.iter().map(|arrival| arrival.event_id.as_str()).collect();
        let arrived = Arrived::of(items, arrivals);
        Self {
            stored: items.len(),
            events: events.len(),
            lost: sent.iter().filter(|sent| sent.accepted && !arrived.has(sent)).count(),
            doubled: doubled(sent, items),
            unpublished: items.iter().filter(|item| !arrived.tells_of(item)).count(),
            extra_deliveries: arrivals.len() - events.len(),
        }
    }
}

/// How many callbacks that were answered 200 haven't arrived, as far as can be told without the table: of a key with
/// several bodies, one may be an event whose body only the table knows.
pub(crate) fn missing(sent: &[Sent], arrivals: &[Arrival]) -> usize {
    let arrived = Arrived::of(&[], arrivals);
    sent.iter().filter(|sent| sent.accepted && !arrived.has(sent) && !arrived.may_have(sent)).count()
}

/// What has arrived, to be asked about.
struct Arrived<'a> {
    events: BTreeMap<&'a Key, Vec<&'a Arrival>>,
    /// Of each key, the digest of the item that is no variant.
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

    /// Whether an event with this callback's body is there. An event without data is identified by its variant, or by
    /// what the table holds as the key's first body.
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

    fn tells_of(&self, item: &StoredItem) -> bool {
        self.events(&item.key).any(|event| event.variant == item.variant)
    }
}

/// A key may have as many items as different bodies were sent under it, each of them once.
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
    fn what_arrived_once_is_neither_lost_nor_doubled() {
        let all = [sent("a", "1", true), sent("a", "1", true), sent("b", "2", true), sent("b", "3", true)];
        let [a, _, b, b_variant] = &all;
        let items = [item(a, false), item(b, false), item(b_variant, true)];
        let arrivals = [arrival(a, false), arrival(b, false), arrival(b_variant, true)];
        check(&all, &items, &arrivals, Figures { events: 3, ..Figures::default() });
        assert_eq!(missing(&all, &arrivals), 0);
    }

    #[test]
    fn answered_200_and_not_arrived_is_lost_wherever_it_got_to() {
        let a = sent("a", "1", true);
        let lost = Figures { lost: 1, ..Figures::default() };
        check(std::slice::from_ref(&a), &[], &[], lost.clone());
        let items = [item(&a, false)];
        check(std::slice::from_ref(&a), &items, &[], Figures { unpublished: 1, ..lost });
        assert_eq!(missing(&[a], &[]), 1);
    }

    #[test]
    fn another_callbacks_event_is_no_arrival() {
        let (a, b) = (sent("a", "1", true), sent("b", "1", true));
        let items = [item(&a, false), item(&b, false)];
        let arrivals = [arrival(&a, false)];
        check(&[a, b], &items, &arrivals, Figures { events: 1, lost: 1, unpublished: 1, ..Figures::default() });
    }

    #[test]
    fn a_body_that_is_taken_for_a_repeat_of_another_is_lost() {
        let (first, other) = (sent("a", "1", true), sent("a", "2", true));
        let items = [item(&first, false)];
        let arrivals = [arrival(&first, false)];
        check(&[first, other], &items, &arrivals, Figures { events: 1, lost: 1, ..Figures::default() });
    }

    #[test]
    fn a_receipts_status_is_part_of_its_key() {
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
    fn what_was_not_answered_200_is_never_lost() {
        let a = sent("a", "1", false);
        check(std::slice::from_ref(&a), &[], &[], Figures::default());
        let items = [item(&a, false)];
        let arrivals = [arrival(&a, false)];
        check(&[a], &items, &arrivals, Figures { events: 1, ..Figures::default() });
    }

    #[test]
    fn one_body_under_two_keys_is_doubled() {
        let a = sent("a", "1", true);
        let items = [item(&a, false), item(&a, true)];
        let arrivals = [arrival(&a, false), arrival(&a, true)];
        check(&[a.clone(), a], &items, &arrivals, Figures { events: 2, doubled: 1, ..Figures::default() });
    }

    #[test]
    fn a_body_that_nobody_sent_is_doubled() {
        let (a, stranger) = (sent("a", "1", true), sent("a", "2", true));
        let items = [item(&a, false), item(&stranger, true)];
        let arrivals = [arrival(&a, false), arrival(&stranger, true)];
        check(&[a], &items, &arrivals, Figures { events: 2, doubled: 1, ..Figures::default() });
    }

    #[test]
    fn the_same_event_again_is_an_extra_delivery() {
        let a = sent("a", "1", true);
        let items = [item(&a, false)];
        let arrivals = [arrival(&a, false), arrival(&a, false), arrival(&a, false)];
        check(&[a], &items, &arrivals, Figures { events: 1, extra_deliveries: 2, ..Figures::default() });
    }

    #[test]
    fn an_event_without_data_is_the_body_that_the_table_has_first() {
        let (first, other) = (sent("a", "1", true), sent("a", "2", true));
        let items = [item(&first, false)];
        let arrivals = [without_data(arrival(&first, false))];
        let expected = Figures { events: 1, lost: 1, ..Figures::default() };
        check(&[first.clone(), other.clone()], &items, &arrivals, expected);
        // Without the table either may be it.
        assert_eq!(missing(&[first.clone(), other.clone()], &arrivals), 0);

        let items = [item(&first, false), item(&other, true)];
        let arrivals = [without_data(arrival(&first, false)), without_data(arrival(&other, true))];
        check(&[first, other], &items, &arrivals, Figures { events: 2, ..Figures::default() });
    }

    #[test]
    fn only_events_are_read_from_the_table() {
        assert!(StoredItem::read("QUARANTINE#2026-11-24", "x", String::new()).is_none());
        assert!(StoredItem::read("MO#a", "EVENT", String::new()).is_some());
    }
}
