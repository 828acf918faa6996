//! Values that arrive as more than one JSON kind: opaque ids, points in time, JSON in a string.

use serde::Serialize;
use serde_json::value::RawValue;

use super::fault::{Fault, JsonKind};
use super::shape::{Shape, text, text_or_number};

/// An opaque identifier: of a message (`wamid.…`), a medium, a product. Comes as a string; as a number it is
/// kept as its digits.
///
/// The part of a `wamid` behind the dot decodes to bytes that hold the user's phone number: keep it out of logs.
///
/// ```
/// use wab_events::message::{Message, MessageKind, Payload};
///
/// let message = Message::parse(r#"{"type": "image", "image": {"id": 1003383421387256, "mime_type": "image/jpeg"}}"#)?;
/// let MessageKind::Known(Payload::Image(image)) = message.kind() else { panic!("an image") };
/// assert_eq!(image.id.as_str(), "1003383421387256");
/// # Ok::<(), wab_events::message::NotAMessage>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct Id(String);

impl Id {
    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<&str> for Id {
    fn from(id: &str) -> Self {
        Self(id.to_owned())
    }
}

impl Shape for Id {
    fn read(json: &RawValue) -> Result<Self, Fault> {
        text_or_number(json.get(), "a string or a number").map(|id| Self(id.into_owned()))
    }
}

/// A point in time as WhatsApp writes it: seconds since 1970-01-01T00:00:00Z in a string, in older messages a
/// number. Anything else is kept as it came and simply isn't a time.
///
/// ```
/// use wab_events::message::Message;
///
/// let message = Message::parse(r#"{"timestamp": "1763889301", "type": "text", "text": {"body": "Kia ora"}}"#)?;
/// assert_eq!(message.sent_at().unwrap().to_string(), "2025-11-23T09:15:01Z");
/// # Ok::<(), wab_events::message::NotAMessage>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
#[serde(transparent)]
pub struct Timestamp(String);

impl Timestamp {
    /// A point in time, to the second.
    #[must_use]
    pub fn from_seconds(seconds: i64) -> Self {
        Self(seconds.to_string())
    }

    /// The text as it came.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Seconds since 1970-01-01T00:00:00Z; none if it isn't a whole number of them.
    #[must_use]
    pub fn seconds(&self) -> Option<i64> {
        self.0.parse().ok()
    }

    /// The point in time; none if it isn't one between the years −9999 and 9999.
    #[must_use]
    pub fn at(&self) -> Option<jiff::Timestamp> {
        jiff::Timestamp::from_second(self.seconds()?).ok()
    }
}

impl Shape for Timestamp {
    fn read(json: &RawValue) -> Result<Self, Fault> {
        text_or_number(json.get(), "a string or a number").map(|text| Self(text.into_owned()))
    }
}

/// JSON in a string, which nobody promises to be JSON. Some gateways hand on the object itself: it is kept as its text.
///
/// ```
/// use wab_events::message::{Message, MessageKind, Payload};
///
/// let json = r#"{"type": "interactive", "interactive": {"type": "nfm_reply", "nfm_reply": {"response_json": {"rating": 5}}}}"#;
/// let message = Message::parse(json)?;
/// let MessageKind::Known(Payload::Interactive(interactive)) = message.kind() else { panic!("a reply") };
/// assert_eq!(interactive.nfm_reply.as_ref().unwrap().response_json.as_str(), r#"{"rating": 5}"#);
/// # Ok::<(), wab_events::message::NotAMessage>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
#[serde(transparent)]
pub struct JsonText(String);

impl JsonText {
    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<&str> for JsonText {
    fn from(json: &str) -> Self {
        Self(json.to_owned())
    }
}

impl Shape for JsonText {
    fn read(json: &RawValue) -> Result<Self, Fault> {
        match JsonKind::of(json.get()) {
            JsonKind::Object | JsonKind::Array => Ok(Self(json.get().to_owned())),
            _ => text(json.get(), "a string").map(|text| Self(text.into_owned())),
        }
    }
}

#[cfg(feature = "schema")]
mod schema {
    use std::borrow::Cow;

    use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

    use super::{Id, JsonText, Timestamp};

    impl JsonSchema for Id {
        fn schema_name() -> Cow<'static, str> {
            "Id".into()
        }

        fn json_schema(_: &mut SchemaGenerator) -> Schema {
            json_schema!({"type": ["string", "number"], "description": "An opaque identifier."})
        }
    }

    impl JsonSchema for Timestamp {
        fn schema_name() -> Cow<'static, str> {
            "Timestamp".into()
        }

        fn json_schema(_: &mut SchemaGenerator) -> Schema {
            json_schema!({
                "type": ["string", "number"],
                "description": "Seconds since 1970-01-01T00:00:00Z.",
                "examples": ["1763889301"],
            })
        }
    }

    impl JsonSchema for JsonText {
        fn schema_name() -> Cow<'static, str> {
            "JsonText".into()
        }

        fn json_schema(_: &mut SchemaGenerator) -> Schema {
            json_schema!({
                "type": ["string", "object", "array"],
                "description": "JSON in a string, usually; from some gateways the JSON itself.",
            })
        }
    }
}
