//! The receipts of a sent message as a timeline: its current status, what it waits for, and how long each step took.
//! Masked, and pure.

use comfy_table::Table;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use wab_events::{DeliveryStatus, Kind};
use wab_models::{Delivery, DlrCallback, Key, Receipt};

use crate::mask::{Mask, printable};
use crate::stack::Dated;
use crate::stored::{Whole, instant};
use crate::{style, times};

/// The receipts of one sent message.
#[derive(PartialEq, Eq, Serialize)]
pub(crate) struct Timeline {
    /// The gateway's id of the sent message.
    pub(crate) message_id: String,
    /// What the sender called it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) references: Vec<String>,
    /// The current status: the first final one, or else the furthest.
    pub(crate) current: String,
    #[serde(rename = "final")]
    pub(crate) is_final: bool,
    /// The final statuses, one of which is still to come. Empty if `current` is final.
    pub(crate) waiting_for: Vec<&'static str>,
    /// When the receipt of the current status was received.
    pub(crate) since: Option<Timestamp>,
    /// In the order of arrival.
    pub(crate) receipts: Vec<Step>,
}

/// One receipt.
#[derive(PartialEq, Eq, Serialize)]
pub(crate) struct Step {
    pub(crate) status: String,
    pub(crate) received_at: Option<Timestamp>,
    /// Milliseconds since the receipt before it.
    pub(crate) after_ms: Option<i64>,
    /// The receipt's free text. None if the body wasn't read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) detail: Option<String>,
    pub(crate) event_id: String,
    /// An earlier receipt has the same status and another body.
    pub(crate) variant: bool,
    /// Where it stands to the current status.
    pub(crate) place: Place,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Place {
    /// On the way to the current status.
    Passed,
    /// The current status.
    Current,
    /// It arrived after a final status, or after one that is further along. It changes nothing.
    Late,
}

/// A receipt as far as it is known: from an item, or from an index, which has keys only.
struct Known<'a> {
    key: &'a Key,
    receipt: Receipt,
    variant: bool,
    reference: Option<String>,
    detail: Option<String>,
}

impl Timeline {
    /// The timeline of the receipts among these items. None if there is none.
    pub(crate) fn of(items: &[Whole], mask: Mask) -> Option<Self> {
        let receipts = items.iter().filter(|whole| matches!(whole.kind_and_id(), Some((Kind::Dlr, _))));
        let known = receipts.map(|Whole { item, body }| {
            let callback = body.text().and_then(|body| DlrCallback::parse(body).ok());
            let reference = item.reference.as_deref().map(str::to_owned);
            Known {
                key: &item.key,
                receipt: Receipt::stored(&item.key.sk, item.status.as_deref(), item.received_at.clone()),
                variant: item.is_variant(),
                reference: reference
                    .or_else(|| Some(callback.as_ref()?.reference.as_deref()?.to_owned()))
                    .map(|reference| mask.id(&reference).into_owned()),
                detail: callback.and_then(|callback| Some(mask.text(&callback.detail?).into_owned())),
            }
        });
        Self::of_known(known.collect(), mask)
    }

    /// The timeline of the receipts among the keys of an index. A status is read from the sort key.
    pub(crate) fn of_keys(keys: &[Dated], mask: Mask) -> Option<Self> {
        let receipts = keys.iter().filter(|dated| matches!(dated.key.kind_and_id(), Some((Kind::Dlr, _))));
        let known = receipts.map(|Dated { key, received_at }| {
            let status = variant_of(&key.sk);
            Known {
                key,
                receipt: Receipt::stored(status.unwrap_or(&key.sk), None, received_at.clone()),
                variant: status.is_some(),
                reference: None,
                detail: None,
            }
        });
        Self::of_known(known.collect(), mask)
    }

    fn of_known(mut known: Vec<Known<'_>>, mask: Mask) -> Option<Self> {
        known.sort_by(|a, b| {
            let place = |known: &Known<'_>| (known.receipt.time.clone(), known.receipt.status.stage());
            place(a).cmp(&place(b)).then_with(|| a.key.sk.cmp(&b.key.sk))
        });
        let receipts: Vec<Receipt> = known.iter().map(|known| known.receipt.clone()).collect();
        let first = known.first()?;
        let Delivery { current, is_final, .. } = Delivery::of(receipts.first()?.clone(), receipts.clone());
        let (_, id) = first.key.kind_and_id()?;
        let message_id = mask.id(id).into_owned();
        let at = if is_final {
            receipts.iter().position(|receipt| receipt.status == current)
        } else {
            receipts.iter().rposition(|receipt| receipt.status == current)
        };
        let mut references: Vec<String> = known.iter().filter_map(|known| known.reference.clone()).collect();
        references.sort();
        references.dedup();
        let mut before = None;
        let steps = known.into_iter().enumerate().map(|(position, known)| {
            let received_at = instant(&known.receipt.time);
            let after = received_at.zip(before).map(|(at, before): (Timestamp, Timestamp)| at.duration_since(before));
            before = received_at;
            Step {
                status: known.receipt.status.as_str().to_owned(),
                received_at,
                after_ms: after.and_then(|after| i64::try_from(after.as_millis()).ok()),
                detail: known.detail,
                event_id: known.key.event_id(),
                variant: known.variant,
                place: match Some(position).cmp(&at) {
                    std::cmp::Ordering::Less => Place::Passed,
                    std::cmp::Ordering::Equal => Place::Current,
                    std::cmp::Ordering::Greater => Place::Late,
                },
            }
        });
        let receipts: Vec<Step> = steps.collect();
        Some(Self {
            message_id,
            references,
            current: current.as_str().to_owned(),
            is_final,
            waiting_for: if is_final { Vec::new() } else { final_statuses() },
            since: at.and_then(|at| receipts.get(at)?.received_at),
            receipts,
        })
    }

    /// `sent for 3 min 2 s; waiting for received, rejected, …`
    pub(crate) fn state(&self, now: Timestamp) -> String {
        let current = printable(&self.current);
        if self.is_final {
            return format!("{current}, which is final");
        }
        let waited = self.since.map(|since| format!(" for {}", times::span(now.duration_since(since))));
        let waited = waited.unwrap_or_default();
        match self.waiting_for.as_slice() {
            [rest @ .., last] => format!("{current}{waited}; waiting for {} or {last}", rest.join(", ")),
            [] => format!("{current}{waited}"),
        }
    }

    /// `sent 22:15:02, received 22:15:04`
    pub(crate) fn line(&self, zone: &TimeZone) -> String {
        let steps = self.receipts.iter().map(|step| {
            let at = step.received_at.map(|at| format!(" {}", times::clock(at, zone))).unwrap_or_default();
            format!("{}{at}", printable(&step.status))
        });
        steps.collect::<Vec<_>>().join(", ")
    }

    pub(crate) fn table(&self, zone: &TimeZone, width: Option<u16>) -> Table {
        let mut table = style::table(["time", "status", "after", "detail", "event", ""], width);
        for step in &self.receipts {
            let span = step.after_ms.map(|ms| times::span(SignedDuration::from_millis(ms)));
            let mut notes = Vec::new();
            if step.variant {
                notes.push("variant");
            }
            notes.extend(match step.place {
                Place::Passed => None,
                Place::Current => Some("current"),
                Place::Late => Some("late, changes nothing"),
            });
            table.add_row([
                step.received_at.map(|at| times::local(at, zone)).unwrap_or_default(),
                printable(&step.status).into_owned(),
                span.unwrap_or_default(),
                printable(step.detail.as_deref().unwrap_or_default()).into_owned(),
                step.event_id.clone(),
                notes.join(", "),
            ]);
        }
        table
    }
}

/// The status in the sort key of a variant: `sent#` and 12 hex digits. A status may itself end like that, which the index
/// can't tell; the item can.
fn variant_of(sk: &str) -> Option<&str> {
    let (status, digest) = sk.rsplit_once('#')?;
    let is_digest = digest.len() == 12 && digest.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    is_digest.then_some(status)
}

fn final_statuses() -> Vec<&'static str> {
    static KNOWN: [DeliveryStatus; 12] = DeliveryStatus::KNOWN;
    KNOWN.iter().filter(|status| status.is_final()).map(DeliveryStatus::as_str).collect()
}

#[cfg(test)]
mod tests {
    use wab_models::{Item, Received, ReceivedAt};

    use super::*;
    use crate::stored::Fetched;

    fn whole(body: &'static str, at_ms: i64) -> Whole {
        let received = Received {
            body,
            application: "shop",
            at: ReceivedAt::from_epoch_ms(1_763_889_302_417 + at_ms),
            expires_at: 1_766_481_302,
        };
        let item = Item::dlr(&DlrCallback::parse(body).unwrap(), received);
        Whole { item, body: Fetched::Bytes(body.into()) }
    }

    const SENT: &str = r#"{"id":"7c1f","status":"sent","reference":"order-17"}"#;
    const RECEIVED: &str = r#"{"id":"7c1f","status":"received","reference":"order-17","detail":"to +6421000001"}"#;
    const EXPIRED: &str = r#"{"id":"7c1f","status":"expired"}"#;
    const SUBMITTED: &str = r#"{"id":"7c1f","status":"submitted"}"#;

    fn places(items: &[Whole]) -> Vec<(String, Place)> {
        let timeline = Timeline::of(items, Mask::OFF).unwrap();
        timeline.receipts.into_iter().map(|step| (step.status, step.place)).collect()
    }

    #[test]
    fn unfinished_message_waits_for_a_final_status() {
        let timeline = Timeline::of(&[whole(SENT, 0)], Mask::OFF).unwrap();
        let now = timeline.since.unwrap() + SignedDuration::from_secs(182);
        assert_eq!(timeline.state(now), "sent for 3 min 2 s; waiting for received, rejected, failed, dead or expired");
        assert_eq!(
            (timeline.message_id.as_str(), timeline.references.as_slice()),
            ("7c1f", &["order-17".to_owned()][..])
        );
    }

    #[test]
    fn first_final_status_is_current_and_later_ones_late() {
        let items = [whole(EXPIRED, 9_000), whole(RECEIVED, 2_000), whole(SENT, 0)];
        let timeline = Timeline::of(&items, Mask::OFF).unwrap();
        assert_eq!(timeline.state(Timestamp::UNIX_EPOCH), "received, which is final");
        let spans: Vec<_> = timeline.receipts.iter().map(|step| step.after_ms).collect();
        assert_eq!(spans, [None, Some(2_000), Some(7_000)]);
        let word = |status: &str, place| (status.to_owned(), place);
        assert_eq!(
            places(&items),
            [word("sent", Place::Passed), word("received", Place::Current), word("expired", Place::Late)]
        );
    }

    #[test]
    fn receipt_behind_the_furthest_is_late() {
        let word = |status: &str, place| (status.to_owned(), place);
        let items = [whole(SENT, 0), whole(SUBMITTED, 1_000)];
        assert_eq!(places(&items), [word("sent", Place::Current), word("submitted", Place::Late)]);
    }

    #[test]
    fn free_text_is_masked() {
        let timeline = Timeline::of(&[whole(RECEIVED, 0)], Mask::default()).unwrap();
        assert_eq!(timeline.receipts[0].detail.as_deref(), Some("(14 characters)"));
    }

    #[test]
    fn index_keys_give_the_same_statuses() {
        let mut variant = whole(SENT, 500);
        variant.item = variant.item.into_variant();
        let items = [whole(SENT, 0), variant, whole(RECEIVED, 2_000)];
        let keys: Vec<Dated> = items
            .iter()
            .map(|Whole { item, .. }| Dated { key: item.key.clone(), received_at: item.received_at.clone() })
            .collect();
        let (by_item, by_key) =
            (Timeline::of(&items, Mask::OFF).unwrap(), Timeline::of_keys(&keys, Mask::OFF).unwrap());
        let steps = |timeline: &Timeline| -> Vec<_> {
            timeline
                .receipts
                .iter()
                .map(|step| (step.status.clone(), step.received_at, step.variant, step.place))
                .collect()
        };
        assert_eq!(steps(&by_item), steps(&by_key));
        assert_eq!((by_item.current, by_item.since), (by_key.current, by_key.since));
        assert!(by_item.receipts[1].variant);
    }

    #[test]
    fn no_receipts_no_timeline() {
        assert!(Timeline::of(&[], Mask::OFF).is_none());
        assert!(Timeline::of_keys(&[], Mask::OFF).is_none());
    }
}
