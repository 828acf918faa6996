//! A message of the dead-letter queue: what needs manual action, with its reason.

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::RawValue;
use wab_events::Redacted;

use crate::key::Key;

/// What `fanout` and `recover` write to the dead-letter queue and `wab parked` reads.
///
/// This is version 1 of the layout, which has no version field. Messages are kept for 14 days, so a change must be one
/// that an older `wab` can ignore, or add a `v`.
#[derive(Clone, Serialize, Deserialize)]
pub struct Parked<'a> {
    /// Why it was parked, for people. A reason that isn't text is read as its JSON.
    #[serde(borrow, deserialize_with = "text")]
    pub reason: Cow<'a, str>,
    /// The key of an event that couldn't be published. The event itself is in the table, which keeps it longer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<Cow<'a, Key>>,
    /// The sequence number of the stream record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sequence_number: Option<Cow<'a, str>>,
    /// The stream record, if its key can't be read.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub record: Option<&'a RawValue>,
    /// A message of the spill queue, whose event is in no table: verbatim if it is JSON, otherwise as a string.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub spilled: Option<&'a RawValue>,
}

impl fmt::Debug for Parked<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let redacted = |raw: Option<&'_ RawValue>| raw.map(|raw| Redacted::new(raw.get()).to_string());
        f.debug_struct("Parked")
            .field("reason", &Redacted::new(&*self.reason))
            .field("key", &self.key)
            .field("record", &redacted(self.record))
            .field("spilled", &redacted(self.spilled))
            .finish_non_exhaustive()
    }
}

impl<'a> Parked<'a> {
    /// A message with only a reason.
    #[must_use]
    pub fn because(reason: impl Into<Cow<'a, str>>) -> Self {
        Self { reason: reason.into(), key: None, sequence_number: None, record: None, spilled: None }
    }
}

fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Cow<'de, str>, D::Error> {
    let raw = <&RawValue>::deserialize(deserializer)?;
    Ok(serde_json::from_str(raw.get()).map_or(Cow::Borrowed(raw.get()), Cow::Owned))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A golden file stays for ever: every version of `wab` must be able to read what was parked.
    #[track_caller]
    fn check_golden(golden: &str, parked: &Parked<'_>) {
        assert_eq!(serde_json::to_string(parked).unwrap(), golden.trim());
        let read: Parked<'_> = serde_json::from_str(golden).unwrap();
        assert_eq!(serde_json::to_string(&read).unwrap(), golden.trim());
    }

    fn raw(json: &str) -> &RawValue {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn parked_messages_match_their_golden_files() {
        let key = Key { pk: "MO#7c1f".to_owned(), sk: "EVENT".to_owned() };
        let event = Parked {
            key: Some(Cow::Borrowed(&key)),
            sequence_number: Some("4421584500000000017450439091".into()),
            ..Parked::because("the item's layout is not known")
        };
        check_golden(include_str!("../golden/parked-v1-event.json"), &event);
        let record = r#"{"eventID": "1", "eventName": "INSERT", "dynamodb": {"Keys": {"id": {"S": "7c1f"}}, "SequenceNumber": "17"}}"#;
        let record = Parked {
            sequence_number: Some("17".into()),
            record: Some(raw(record)),
            ..Parked::because("the record has no key of this table")
        };
        let golden = include_str!("../golden/parked-v1-record.json");
        let (written, golden) = (serde_json::to_value(&record).unwrap(), golden.trim());
        assert_eq!(written, serde_json::from_str::<serde_json::Value>(golden).unwrap());
        assert_eq!(
            serde_json::from_str::<Parked<'_>>(golden).unwrap().record.unwrap().get(),
            record.record.unwrap().get()
        );
        let spilled = include_str!("../golden/parked-v1-spilled.json");
        let read: Parked<'_> = serde_json::from_str(spilled).unwrap();
        check_golden(spilled, &Parked { spilled: read.spilled, ..Parked::because("the table did not take the event") });
    }

    #[test]
    fn reason_that_is_not_text_is_read_as_json() {
        let parked: Parked<'_> = serde_json::from_str(r#"{"reason": {"code": 7}}"#).unwrap();
        assert_eq!(parked.reason, r#"{"code": 7}"#);
        assert!(serde_json::from_str::<Parked<'_>>("{}").is_err());
    }
}
