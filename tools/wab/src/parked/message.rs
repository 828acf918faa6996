//! Classifies the messages of the dead-letter queue. Pure.

use clap::ValueEnum;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use sha2::{Digest as _, Sha256};
use wab_models::Key;

use crate::window::Window;

/// How far the clock that dates a callback may run ahead of the stream's, whose times are whole seconds.
const MAX_CLOCK_LEAD: SignedDuration = SignedDuration::from_secs(5);

/// A longer reason is cut.
const MAX_REASON_CHARS: usize = 160;

/// A parked message, by what it takes to redrive it.
pub(crate) enum Parked {
    /// An event that couldn't be published. It is in the table.
    Event { key: Key },
    /// A stream record whose key couldn't be read.
    Record { record: Box<RawValue> },
    /// A position in the stream, written by Lambda when it gave a batch up. Its events are in the table.
    Position { batch: GivenUp },
    /// A message of the spill queue. Its item never reached the table.
    Spilled { message: String, key: Option<Key> },
    /// Anything else. It stays in the queue.
    Unknown,
}

/// The kinds of [`Parked`], as options and output name them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub(crate) enum ParkedKind {
    /// An event that couldn't be published
    Event,
    /// A stream record that couldn't be read
    Record,
    /// A batch of the stream that Lambda gave up
    Position,
    /// An event that didn't get from the spill queue into the table
    Spilled,
    /// Anything else
    Unknown,
}

/// A digest that is equal for two messages about the same event, although their message ids differ.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Identity([u8; 32]);

/// A batch that Lambda gave up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct GivenUp {
    pub(crate) first: Timestamp,
    pub(crate) last: Timestamp,
    pub(crate) records: u64,
}

impl GivenUp {
    /// The time in which its events were received. They were received before they arrived in the stream: usually by a
    /// moment, by up to `margin` if they waited in the spill queue.
    pub(crate) fn window(&self, margin: SignedDuration) -> Window {
        let from = self.first.saturating_sub(margin).unwrap_or(Timestamp::MIN);
        Window { from, to: self.last.saturating_add(MAX_CLOCK_LEAD).unwrap_or(Timestamp::MAX) }
    }
}

/// The keys of every kind of message: what `fanout` and `recover` write ([`wab_models::Parked`]), a message of the spill
/// queue, or Lambda's own record. Each value is parsed only where it is needed.
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

#[derive(Deserialize)]
struct SpilledEvent {
    event: Key,
}

/// Classifies a message, and returns the reason it states.
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

/// Shortens a reason and strips control characters, so that it can't inject terminal escapes.
fn shown(reason: &str) -> String {
    let mut shown: String =
        reason.chars().take(MAX_REASON_CHARS).map(|c| if c.is_control() { ' ' } else { c }).collect();
    if reason.chars().nth(MAX_REASON_CHARS).is_some() {
        shown.push('…');
    }
    shown
}

impl Parked {
    pub(crate) fn kind(&self) -> ParkedKind {
        match self {
            Self::Event { .. } => ParkedKind::Event,
            Self::Record { .. } => ParkedKind::Record,
            Self::Position { .. } => ParkedKind::Position,
            Self::Spilled { .. } => ParkedKind::Spilled,
            Self::Unknown => ParkedKind::Unknown,
        }
    }

    /// The key of its event in the table.
    pub(crate) fn key(&self) -> Option<&Key> {
        match self {
            Self::Event { key, .. } => Some(key),
            Self::Spilled { key, .. } => key.as_ref(),
            Self::Record { .. } | Self::Position { .. } | Self::Unknown => None,
        }
    }

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

impl ParkedKind {
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

    /// Golden files are never changed: every later version must redrive what was parked once.
    macro_rules! golden {
        ($name:literal) => {
            include_str!(concat!("../../golden/", $name, ".json"))
        };
    }

    #[track_caller]
    fn check(body: &str, kind: ParkedKind, reason: Option<&str>) -> Parked {
        let (parked, found) = classify(body);
        assert_eq!((parked.kind(), found.as_deref()), (kind, reason), "{body}");
        parked
    }

    fn instant(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn event_is_identified_by_its_key() {
        let parked = check(golden!("parked-event"), ParkedKind::Event, Some("the item's layout is not known"));
        let Parked::Event { key } = &parked else { panic!("an event") };
        assert_eq!((&*key.pk, &*key.sk), ("MO#7c1f", "EVENT"));
        let again = classify(r#"{"key": {"sk": "EVENT", "pk": "MO#7c1f"}, "reason": "another"}"#).0;
        assert!(parked.identity() == again.identity());
    }

    #[test]
    fn record_is_kept_verbatim() {
        let parked = check(golden!("parked-record"), ParkedKind::Record, Some("the record has no key of this table"));
        let Parked::Record { record } = &parked else { panic!("a record") };
        assert!(record.get().starts_with(r#"{"eventID": "1""#), "{record}");
        let left_out = r#"{"reason": "the record is no stream record", "sequence_number": "7"}"#;
        check(left_out, ParkedKind::Unknown, Some("the record is no stream record"));
    }

    #[test]
    fn position_has_the_time_of_its_events() {
        let parked = check(golden!("parked-position"), ParkedKind::Position, Some("RetryAttemptsExhausted"));
        let Parked::Position { batch } = parked else { panic!("a position") };
        assert_eq!(batch.records, 100);
        let window = batch.window(SignedDuration::from_mins(1));
        assert_eq!(window.from, instant("2025-11-23T09:14:03Z"));
        assert_eq!(window.to, instant("2025-11-23T09:17:45Z"));
    }

    #[test]
    fn spilled_event_keeps_its_original_message() {
        for (body, reason) in [
            (golden!("parked-spilled"), None),
            (golden!("parked-spilled-by-recover"), Some("the table did not take the event")),
        ] {
            let parked = check(body, ParkedKind::Spilled, reason);
            let Parked::Spilled { message, .. } = &parked else { panic!("a spilled event") };
            assert_eq!(message.trim(), golden!("parked-spilled").trim());
            assert_eq!(parked.key().unwrap().event_id(), "2261d224ea3b4a40860397f823cb7d66");
        }
        let parked = check(golden!("parked-spilled-unreadable"), ParkedKind::Spilled, Some("the message is not known"));
        let Parked::Spilled { message, key: None } = parked else { panic!("a spilled message") };
        assert_eq!(message, "{\"event\": cut \"off");
        check(r#"{"quarantine": {"pk": "QUARANTINE#2025-11-23", "sk": "x"}}"#, ParkedKind::Spilled, None);
    }

    #[test]
    fn other_messages_are_unknown() {
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
            check(body, ParkedKind::Unknown, None);
        }
        for body in [
            r#"{"reason": "r", "key": {"pk": "QUARANTINE#2025-11-23", "sk": "x"}}"#,
            r#"{"reason": "r", "key": {"pk": "MO#a"}}"#,
            r#"{"reason": "r", "record": "x"}"#,
            r#"{"reason": "r", "event": {}}"#,
        ] {
            check(body, ParkedKind::Unknown, Some("r"));
        }
        check(r#"{"reason": {"code": 7}, "record": {}}"#, ParkedKind::Record, None);
    }

    #[test]
    fn reason_is_short_and_has_no_control_characters() {
        check(r#"{"reason": "a\u001b[2J\nb"}"#, ParkedKind::Unknown, Some("a [2J b"));
        let (_, reason) = classify(&format!(r#"{{"reason": "{}"}}"#, "é".repeat(200)));
        assert_eq!(reason.unwrap(), format!("{}…", "é".repeat(MAX_REASON_CHARS)));
    }

    /// JSON that resembles parked messages.
    fn similar_json() -> impl Strategy<Value = String> {
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
        fn any_message_can_be_classified(body in any::<String>(), similar in similar_json()) {
            read_all(&body);
            read_all(&similar);
        }
    }
}
