//! `content` of an MO callback: WhatsApp's message object, or what is sent in its place.
//!
//! Only its `type` is read here, for the item and the event's attributes. The rest is kept verbatim.
//! [`Message::of`](wab_events::message::Message::of) reads all of it.

use std::borrow::Cow;
use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::fields::{FieldName, Fields, Scalar};
use wab_events::Redacted;
use wab_events::message::infer_type;

/// The `content` of an MO callback, kept verbatim.
#[derive(Clone, Copy)]
pub enum Content<'a> {
    /// A JSON object: WhatsApp's message notification (docs/whatsapp-message.md).
    Message(RawMessage<'a>),
    /// Binary data as base64 text, marked by `"encoding": "base64"` (docs/gateway.md part 1).
    Binary(Binary<'a>),
    /// Any other JSON value: a plain string, a list, a number.
    Other(&'a RawValue),
    /// No `content`, or `null`.
    Absent,
}

impl<'a> Content<'a> {
    /// Classifies `content`. `encoding` is the callback's field of that name.
    pub(crate) fn of(raw: Option<&'a RawValue>, encoding: Option<&str>) -> Self {
        let Some(raw) = raw else { return Self::Absent };
        match raw.get().as_bytes().first() {
            Some(b'{') => Self::Message(RawMessage { raw }),
            Some(b'n') => Self::Absent,
            Some(b'"') if encoding == Some("base64") => Self::Binary(Binary { raw }),
            _ => Self::Other(raw),
        }
    }

    /// The JSON text, verbatim; none if it is absent.
    #[must_use]
    pub fn raw(&self) -> Option<&'a RawValue> {
        match self {
            Self::Message(RawMessage { raw }) | Self::Binary(Binary { raw }) | Self::Other(raw) => Some(raw),
            Self::Absent => None,
        }
    }

    /// When WhatsApp received the message from its sender: the `timestamp`, in whole seconds since
    /// 1970-01-01T00:00:00Z. None if there is none, or it isn't such a number.
    #[must_use]
    pub fn sent_at(&self) -> Option<u64> {
        #[derive(Deserialize)]
        struct Head<'a> {
            #[serde(borrow)]
            timestamp: &'a RawValue,
        }
        let Self::Message(RawMessage { raw }) = self else { return None };
        let head: Head<'a> = serde_json::from_str(raw.get()).ok()?;
        match Scalar::of(head.timestamp) {
            Scalar::Text(seconds) => seconds.parse().ok(),
            Scalar::Empty | Scalar::Unreadable => None,
        }
    }

    /// The message's `type`; see [`RawMessage::message_type`].
    #[must_use]
    pub fn message_type(&self) -> Option<Cow<'a, str>> {
        match self {
            Self::Message(message) => message.message_type(),
            Self::Binary(_) | Self::Other(_) | Self::Absent => None,
        }
    }
}

impl fmt::Debug for Content<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self {
            Self::Message(_) => "Message",
            Self::Binary(_) => "Binary",
            Self::Other(_) => "Other",
            Self::Absent => return f.write_str("Absent"),
        };
        let raw = self.raw().map(RawValue::get).unwrap_or_default();
        f.debug_tuple(name).field(&Redacted::new(raw)).finish()
    }
}

/// A WhatsApp message object that isn't parsed: its text and its type.
#[derive(Clone, Copy)]
pub struct RawMessage<'a> {
    raw: &'a RawValue,
}

impl<'a> RawMessage<'a> {
    /// The object's text, verbatim.
    #[must_use]
    pub fn raw(&self) -> &'a RawValue {
        self.raw
    }

    /// The message's type, such as `text` or `image`: an open set. Without a `type`, a single payload key decides, as
    /// in [`Message::message_type`](wab_events::message::Message::message_type). None if neither does, or if the type isn't a
    /// string.
    #[must_use]
    pub fn message_type(&self) -> Option<Cow<'a, str>> {
        #[derive(Deserialize)]
        struct Head<'a> {
            #[serde(rename = "type", borrow)]
            message_type: Option<&'a RawValue>,
        }
        let head: Head<'a> = serde_json::from_str(self.raw.get()).ok()?;
        match head.message_type.map(Scalar::of) {
            Some(Scalar::Text(text)) => Some(text),
            Some(Scalar::Unreadable) => None,
            Some(Scalar::Empty) | None => {
                let keys: Vec<FieldName<'a>> =
                    serde_json::from_str::<Fields<'a>>(self.raw.get()).ok()?.into_keys().collect();
                infer_type(keys.iter().map(FieldName::as_str)).map(Cow::Borrowed)
            }
        }
    }
}

/// Binary content: base64 text (RFC 4648 section 4) in a JSON string.
#[derive(Clone, Copy)]
pub struct Binary<'a> {
    raw: &'a RawValue,
}

impl<'a> Binary<'a> {
    /// The JSON string, verbatim, quotes included.
    #[must_use]
    pub fn raw(&self) -> &'a RawValue {
        self.raw
    }

    /// The decoded bytes.
    ///
    /// # Errors
    /// If the string isn't base64 with its padding.
    pub fn decode(&self) -> Result<Vec<u8>, BinaryError> {
        let Scalar::Text(text) = Scalar::of(self.raw) else {
            return if self.raw.get() == "\"\"" { Ok(Vec::new()) } else { Err(BinaryError) };
        };
        STANDARD.decode(text.as_bytes()).map_err(|_| BinaryError)
    }
}

/// Content that is marked as base64 but isn't.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("content is marked as base64 but isn't")]
pub struct BinaryError;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::MoCallback;

    #[track_caller]
    fn check_type(content: &str, expected: Option<&str>) {
        let body = format!(r#"{{"id":"a","content":{content}}}"#);
        let callback = MoCallback::parse(&body).unwrap();
        assert_eq!(callback.content.message_type().as_deref(), expected);
    }

    #[test]
    fn type_is_read_anywhere_or_inferred() {
        check_type(r#"{"type":"text","text":{"type":"inner"}}"#, Some("text"));
        check_type(r#"{"text":{"type":"inner"},"type":"t\u0065xt"}"#, Some("text"));
        check_type(r#"{"type":"never heard of"}"#, Some("never heard of"));
        check_type(r#"{"text":{"body":"x"}}"#, Some("text"));
        check_type(r#"{"type":"","text":{"body":"x"},"id":"y"}"#, Some("text"));
        check_type(r#"{"text":{"body":"x"},"image":{}}"#, None);
        check_type(r#"{"type":null}"#, None);
        check_type(r#"{"type":{}}"#, None);
        check_type("[]", None);
        check_type(r#""text""#, None);
        check_type("null", None);
    }

    #[test]
    fn timestamp_is_text_or_a_number_of_seconds() {
        for (content, expected) in [
            (r#"{"type":"text","timestamp":"1763889302"}"#, Some(1_763_889_302)),
            (r#"{"timestamp":1763889302}"#, Some(1_763_889_302)),
            (r#"{"timestamp":"-1"}"#, None),
            (r#"{"timestamp":1.5}"#, None),
            (r#"{"timestamp":"yesterday"}"#, None),
            (r#"{"timestamp":null}"#, None),
            (r#"{"text":{"timestamp":"1763889302"}}"#, None),
            (r#""1763889302""#, None),
            ("null", None),
        ] {
            let body = format!(r#"{{"id":"a","content":{content}}}"#);
            assert_eq!(MoCallback::parse(&body).unwrap().content.sent_at(), expected, "{content}");
        }
    }

    #[test]
    fn only_marked_base64_content_is_decoded() {
        let parse = |body| MoCallback::parse(body).unwrap().content;
        let Content::Binary(binary) = parse(r#"{"id":"a","encoding":"base64","content":"AP8\u002b"}"#) else {
            panic!("marked content is binary")
        };
        assert_eq!(binary.decode(), Ok(vec![0x00, 0xff, 0x3e]));
        let Content::Binary(empty) = parse(r#"{"id":"a","encoding":"base64","content":""}"#) else {
            panic!("marked content is binary")
        };
        assert_eq!(empty.decode(), Ok(vec![]));
        let Content::Binary(wrong) = parse(r#"{"id":"a","encoding":"base64","content":"***"}"#) else {
            panic!("marked content is binary")
        };
        assert_eq!(wrong.decode(), Err(BinaryError));
        assert!(matches!(parse(r#"{"id":"a","content":"AP8+"}"#), Content::Other(_)));
        assert!(matches!(parse(r#"{"id":"a","encoding":"base64","content":{}}"#), Content::Message(_)));
        assert!(matches!(parse(r#"{"id":"a"}"#), Content::Absent));
    }
}
