//! A message of the dead-letter queue: what it is, and so how it comes back. Pure.

use clap::ValueEnum;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use sha2::{Digest as _, Sha256};
use wab_models::Key;

use crate::replay::Window;

/// By how much the clock that dates a callback may run ahead of the stream's, whose instants are whole seconds.
const AFTER: SignedDuration = SignedDuration::from_secs(5);

/// How much of a reason is shown.
const MAX_REASON_CHARS: usize = 160;

/// What a message holds.
#[derive(Debug)]
pub(crate) enum Parked {
    /// An event that couldn't be published: the table has it.
    Event { key: Key },
    /// A stream record whose key couldn't be read.
    Record { record: Box<RawValue> },
    /// A position in the stream, written by Lambda when it gave a batch up: the table has its events.
    Position { batch: GivenUp },
    /// A message of the spill queue: an item that never reached the table.
    Spilled { message: String, key: Option<Key> },
    /// Something else. It stays where it is.
    Unknown,
}

/// The kinds of [`Parked`], as they are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub(crate) enum What {
    /// An event that couldn't be published
    Event,
    /// A stream record that couldn't be read
    Record,
    /// A batch of the stream that Lambda gave up
    Position,
    /// What should have reached the table from the spill queue
    Spilled,
    /// Anything else
    Unknown,
}

/// What a message is about, as a digest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Identity([u8; 32]);

/// A batch that Lambda gave up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct GivenUp {
    pub(crate) first: Timestamp,
    pub(crate) last: Timestamp,
    pub(crate) records: u64,
}

impl GivenUp {
    /// When its events were received. That is before they arrived in the stream, by a moment if not for `margin`.
    pub(crate) fn window(&self, margin: SignedDuration) -> Window {
        let from = self.first.saturating_sub(margin).unwrap_or(Timestamp::MIN);
        Window { from, to: self.last.saturating_add(AFTER).unwrap_or(Timestamp::MAX) }
    }
}

/// What a message may hold beside what `fanout` and `recover` write ([`wab_models::Parked`]): a message of the spill
/// queue, or Lambda's own record. Each part is read only as far as it is needed.
#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(default)]
    reason: Option<serde_json::Value>,
    #[serde(borrow, default)]
    event: Option<&'a RawValue>,
    #[serde(borrow, default)]
    quarantine: Option<&'a RawValue>,
    #[serde(borrow, rename = "DDBStreamBatchInfo", default)]
    batch: Option<&'a RawValue>,
    #[serde(borrow, rename = "requestContext", default)]
    context: Option<&'a RawValue>,
}

/// Lambda's record of a batch that it gave up (Lambda developer guide, "Retaining discarded batches").
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct BatchInfo {
    approximate_arrival_of_first_record: Timestamp,
    approximate_arrival_of_last_record: Timestamp,
    #[serde(default)]
    batch_size: u64,
}

#[derive(Deserialize)]
struct RequestContext {
    condition: Option<String>,
}

/// The part of a spilled event that is read.
#[derive(Deserialize)]
struct SpilledEvent {
    event: Key,
}

/// Reads a message, whatever it is, and the reason that it gives.
pub(crate) fn classify(body: &str) -> (Parked, Option<String>) {
    let Ok(envelope) = serde_json::from_str::<Envelope<'_>>(body) else { return (Parked::Unknown, None) };
    let reason = match (&envelope.reason, envelope.context) {
        (Some(serde_json::Value::String(reason)), _) => Some(shown(reason)),
        (None, Some(context)) => {
            read::<RequestContext>(context).and_then(|context| context.condition.as_deref().map(shown))
        }
        _ => None,
    };
    (envelope.parked(body), reason)
}

impl Envelope<'_> {
    fn parked(&self, body: &str) -> Parked {
        let parked = match self {
            Self { batch: Some(batch), .. } => read::<BatchInfo>(batch).map(|info| Parked::Position {
                batch: GivenUp {
                    first: info.approximate_arrival_of_first_record,
                    last: info.approximate_arrival_of_last_record,
                    records: info.batch_size,
                },
            }),
            Self { event: Some(inner), reason: None, .. } | Self { quarantine: Some(inner), reason: None, .. } => {
                is_object(inner).then(|| spilled_message(body.to_owned()))
            }
            Self { reason: Some(_), .. } => serde_json::from_str(body).ok().and_then(parked_by_a_function),
            _ => None,
        };
        parked.unwrap_or(Parked::Unknown)
    }
}

fn parked_by_a_function(parked: wab_models::Parked<'_>) -> Option<Parked> {
    match parked {
        // A message of the spill queue that isn't JSON is parked as a string.
        wab_models::Parked { spilled: Some(spilled), .. } => {
            Some(spilled_message(read(spilled).unwrap_or_else(|| spilled.get().to_owned())))
        }
        wab_models::Parked { key: Some(key), .. } => {
            key.kind_and_id().is_some().then(|| Parked::Event { key: key.into_owned() })
        }
        wab_models::Parked { record: Some(record), .. } => {
            is_object(record).then(|| Parked::Record { record: record.to_owned() })
        }
        _ => None,
    }
}

fn spilled_message(message: String) -> Parked {
    let event = serde_json::from_str::<SpilledEvent>(&message).ok();
    Parked::Spilled { key: event.map(|SpilledEvent { event }| event), message }
}

fn read<'a, T: Deserialize<'a>>(raw: &'a RawValue) -> Option<T> {
    serde_json::from_str(raw.get()).ok()
}

fn is_object(raw: &RawValue) -> bool {
    raw.get().starts_with('{')
}

/// A reason as it may be shown on a terminal.
fn shown(reason: &str) -> String {
    let mut shown: String =
        reason.chars().take(MAX_REASON_CHARS).map(|c| if c.is_control() { ' ' } else { c }).collect();
    if reason.chars().nth(MAX_REASON_CHARS).is_some() {
        shown.push('…');
    }
    shown
}

impl Parked {
    pub(crate) fn what(&self) -> What {
        match self {
            Self::Event { .. } => What::Event,
            Self::Record { .. } => What::Record,
            Self::Position { .. } => What::Position,
            Self::Spilled { .. } => What::Spilled,
            Self::Unknown => What::Unknown,
        }
    }

    /// Where its event stands, or will.
    pub(crate) fn key(&self) -> Option<&Key> {
        match self {
            Self::Event { key, .. } => Some(key),
            Self::Spilled { key, .. } => key.as_ref(),
            Self::Record { .. } | Self::Position { .. } | Self::Unknown => None,
        }
    }

    /// What tells that a message is the same one again, which has another id after it was parked again.
    pub(crate) fn identity(&self) -> Option<Identity> {
        let of = |text: &str| Identity(Sha256::digest(text).into());
        match self {
            Self::Event { key, .. } => Some(of(&key.event_id())),
            Self::Record { record } => Some(of(record.get())),
            Self::Spilled { message, .. } => Some(of(message)),
            Self::Position { .. } | Self::Unknown => None,
        }
    }
}

impl What {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Event => "event",
            Self::Record => "record",
            Self::Position => "position",
            Self::Spilled => "spilled",
            Self::Unknown => "unknown",
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A golden file stays for ever: what was parked once must be brought back by every version to come.
    macro_rules! golden {
        ($name:literal) => {
            include_str!(concat!("../../golden/", $name, ".json"))
        };
    }

    #[track_caller]
    fn check(body: &str, what: What, reason: Option<&str>) -> Parked {
        let (parked, found) = classify(body);
        assert_eq!((parked.what(), found.as_deref()), (what, reason), "{body}");
        parked
    }

    fn instant(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn an_event_is_known_by_its_key() {
        let parked = check(golden!("parked-event"), What::Event, Some("the item's layout is not known"));
        let Parked::Event { key } = &parked else { panic!("an event") };
        assert_eq!((&*key.pk, &*key.sk), ("MO#7c1f", "EVENT"));
        let again = classify(r#"{"key": {"sk": "EVENT", "pk": "MO#7c1f"}, "reason": "another"}"#).0;
        assert_eq!(parked.identity(), again.identity());
    }

    #[test]
    fn a_record_is_kept_as_it_is() {
        let parked = check(golden!("parked-record"), What::Record, Some("the record has no key of this table"));
        let Parked::Record { record } = &parked else { panic!("a record") };
        assert!(record.get().starts_with(r#"{"eventID": "1""#), "as it is: {record}");
        let left_out = r#"{"reason": "the record is no stream record", "sequence_number": "7"}"#;
        check(left_out, What::Unknown, Some("the record is no stream record"));
    }

    #[test]
    fn a_position_has_the_time_of_its_events() {
        let parked = check(golden!("parked-position"), What::Position, Some("RetryAttemptsExhausted"));
        let Parked::Position { batch } = parked else { panic!("a position") };
        assert_eq!(batch.records, 100);
        let window = batch.window(SignedDuration::from_mins(1));
        assert_eq!(window.from, instant("2025-11-23T09:14:03Z"));
        assert_eq!(window.to, instant("2025-11-23T09:17:45Z"));
    }

    #[test]
    fn a_spilled_event_goes_back_as_the_message_that_it_was() {
        for (body, reason) in [
            (golden!("parked-spilled"), None),
            (golden!("parked-spilled-by-recover"), Some("the table did not take the event")),
        ] {
            let parked = check(body, What::Spilled, reason);
            let Parked::Spilled { message, .. } = &parked else { panic!("a spilled event") };
            assert_eq!(message.trim(), golden!("parked-spilled").trim());
            assert_eq!(parked.key().unwrap().event_id(), "2261d224ea3b4a40860397f823cb7d66");
        }
        let parked = check(golden!("parked-spilled-unreadable"), What::Spilled, Some("the message is not known"));
        let Parked::Spilled { message, key: None } = parked else { panic!("a spilled message") };
        assert_eq!(message, "{\"event\": cut \"off");
        check(r#"{"quarantine": {"pk": "QUARANTINE#2025-11-23", "sk": "x"}}"#, What::Spilled, None);
    }

    #[test]
    fn anything_else_is_unknown() {
        for body in [
            "",
            "null",
            "[]",
            "7",
            "{}",
            r#"{"key": {"pk": "MO#a", "sk": "EVENT"}}"#,
            r#"{"event": "x"}"#,
            r#"{"DDBStreamBatchInfo": {"approximateArrivalOfFirstRecord": "then"}}"#,
            r#"{"DDBStreamBatchInfo": 7}"#,
            r#"{"event": {}, "event": {}}"#,
        ] {
            check(body, What::Unknown, None);
        }
        for body in [
            r#"{"reason": "r", "key": {"pk": "QUARANTINE#2025-11-23", "sk": "x"}}"#,
            r#"{"reason": "r", "key": {"pk": "MO#a"}}"#,
            r#"{"reason": "r", "record": "x"}"#,
            r#"{"reason": "r", "event": {}}"#,
        ] {
            check(body, What::Unknown, Some("r"));
        }
        check(r#"{"reason": {"code": 7}, "record": {}}"#, What::Record, None);
    }

    #[test]
    fn a_reason_is_short_and_can_not_drive_the_terminal() {
        check(r#"{"reason": "a\u001b[2J\nb"}"#, What::Unknown, Some("a [2J b"));
        let (_, reason) = classify(&format!(r#"{{"reason": "{}"}}"#, "é".repeat(200)));
        assert_eq!(reason.unwrap(), format!("{}…", "é".repeat(MAX_REASON_CHARS)));
    }

    /// JSON that looks like what is parked.
    fn anything_like_it() -> impl Strategy<Value = String> {
        let word = prop::sample::select(vec![
            "reason",
            "key",
            "record",
            "spilled",
            "event",
            "quarantine",
            "DDBStreamBatchInfo",
            "requestContext",
            "pk",
            "sk",
            "condition",
            "approximateArrivalOfFirstRecord",
            "approximateArrivalOfLastRecord",
            "batchSize",
            "MO#a",
            "DLR#",
            "2025-11-23T09:15:02Z",
            "-009999-01-01T00:00:00Z",
            "9999-12-30T22:00:00Z",
            "\\u0000",
            "\\ud800",
            "",
        ]);
        let scalar = prop_oneof![
            word.clone().prop_map(|word| format!("\"{word}\"")),
            Just("null".to_owned()),
            Just("-1e400".to_owned()),
            Just("7".to_owned()),
        ];
        scalar.prop_recursive(4, 24, 6, move |inner| {
            let pair = (word.clone(), inner.clone()).prop_map(|(name, value)| format!("\"{name}\":{value}"));
            prop_oneof![
                prop::collection::vec(inner, 0..3).prop_map(|values| format!("[{}]", values.join(","))),
                prop::collection::vec(pair, 0..6).prop_map(|pairs| format!("{{{}}}", pairs.join(","))),
            ]
        })
    }

    fn read_all(body: &str) {
        let (parked, _) = classify(body);
        parked.key().map(Key::event_id);
        parked.identity();
        if let Parked::Position { batch } = parked {
            batch.window(SignedDuration::from_mins(1)).bounds();
        }
    }

    proptest! {
        #[test]
        fn no_message_is_too_strange(body in any::<String>(), like in anything_like_it()) {
            read_all(&body);
            read_all(&like);
        }
    }
}
