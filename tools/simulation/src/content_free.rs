//! Runs of a stack that keeps no content: what its functions are given, and what they may not pass on.

use wab_events::Kind;
use wab_marked::{NUMBER, WORD};
use wab_models::{CallbackError, ContentKey, ContentMode, ReceivedAt, Unreadable};

/// `ContentKey` of the template.
pub(crate) const KEY: &str = "0f0e0d0c0b0a090807060504030201000f0e0d0c0b0a09080706050403020100";

/// The attributes of an item without content.
const ATTRIBUTES: [&str; 17] = [
    "pk",
    "sk",
    "v",
    "received_at",
    "expires_at",
    "body_bytes",
    "digest",
    "application",
    "source",
    "destination",
    "type",
    "status",
    "reference",
    "reply_to",
    "sent_at",
    // Of a quarantined body.
    "kind",
    "reason",
];

pub(crate) fn key() -> ContentKey {
    KEY.parse().unwrap_or_else(|_| unreachable!("it is 64 hex digits"))
}

/// The hash in the key of a quarantined body.
pub(crate) fn quarantined(bytes: &[u8]) -> String {
    let at = ReceivedAt::from_epoch_ms(0);
    let unreadable = Unreadable { body: bytes, application: "", at, expires_at: 0 };
    let item = ContentMode::None(key()).quarantined(Kind::Mo, CallbackError::NoId, unreadable);
    item.key.sk.rsplit('#').next().unwrap_or_default().to_owned()
}

/// The first attribute of an item that has content.
pub(crate) fn attribute(item: &serde_json::Map<String, serde_json::Value>) -> Option<&str> {
    let is_hash = |value: &serde_json::Value| value["S"].as_str().is_some_and(|source| source.starts_with("hmac:"));
    let has_content = |(name, value): &(&String, &serde_json::Value)| {
        !ATTRIBUTES.contains(&name.as_str()) || (*name == "source" && !is_hash(value))
    };
    item.iter().find(has_content).map(|(name, _)| name.as_str())
}

/// Content in the text of a request. An id or a reference has the mark followed by a hyphen, and the recipient's number or
/// an id has further digits.
pub(crate) fn content(text: &str) -> Option<&str> {
    let followed = |mark: &str, by: fn(char) -> bool| {
        let mut found = text.match_indices(mark);
        found.find(|(at, _)| !text.get(at + mark.len()..).unwrap_or_default().starts_with(by)).map(|(at, _)| at)
    };
    let at = followed(WORD, |char| char == '-').or_else(|| followed(NUMBER, |char| char.is_ascii_digit()))?;
    text.get(at..).map(|rest| rest.split_at_checked(40).map_or(rest, |(start, _)| start))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_is_told_from_ids() {
        for text in [format!("{WORD} Kia ora"), format!("wamid.{WORD}=="), format!("\"+{NUMBER}\"")] {
            assert!(content(&text).is_some(), "{text}");
        }
        for text in [format!("MO#{WORD}-Text-1"), format!("\"{NUMBER}1\""), "hmac:0f".to_owned()] {
            assert_eq!(content(&text), None);
        }
    }
}
