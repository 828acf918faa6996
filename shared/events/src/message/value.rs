//! Values that arrive as more than one JSON kind: opaque ids, points in time, JSON in a string.

use std::fmt;

use serde::Serialize;
use serde_json::value::RawValue;

use super::fault::{Fault, JsonKind};
use super::shape::{Shape, text, text_or_number};
use crate::redacted::Redacted;

/// An opaque identifier: of a message (`wamid.…`), a medium, a product. JSON has a string or a number; of a number
/// the digits are kept.
///
/// **Keep it out of logs**: the part of a `wamid` after the dot is base64 and contains the user's phone number.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
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

impl fmt::Debug for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Id").field(&Redacted::new(&self.0)).finish()
    }
}

impl Shape for Id {
    fn read(json: &RawValue) -> Result<Self, Fault> {
        text_or_number(json, "a string or a number").map(|id| Self(id.into_owned()))
    }
}

/// A point in time as WhatsApp writes it: seconds since 1970-01-01T00:00:00Z, in a string or, in older messages, a
/// number. Any other string is kept, and has no [`seconds`](Self::seconds).
#[derive(Clone, PartialEq, Eq, Hash, Serialize)]
#[serde(transparent)]
pub struct Timestamp(String);

impl Timestamp {
    /// The point in time this many seconds after 1970-01-01T00:00:00Z.
    #[must_use]
    pub fn from_seconds(seconds: i64) -> Self {
        Self(seconds.to_string())
    }

    /// The string or the digits, verbatim.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Seconds since 1970-01-01T00:00:00Z. None if the text isn't an integer.
    #[must_use]
    pub fn seconds(&self) -> Option<i64> {
        self.0.parse().ok()
    }

    /// The point in time. None if the text isn't an integer, or is outside the years −9999 to 9999.
    #[must_use]
    pub fn at(&self) -> Option<jiff::Timestamp> {
        jiff::Timestamp::from_second(self.seconds()?).ok()
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Timestamp").field(&Redacted::new(&self.0)).finish()
    }
}

impl Shape for Timestamp {
    fn read(json: &RawValue) -> Result<Self, Fault> {
        text_or_number(json, "a string or a number").map(|text| Self(text.into_owned()))
    }
}

/// A string that should hold JSON, but may not. Some gateways send the object itself, of which the text is kept.
#[derive(Clone, PartialEq, Eq, Hash, Serialize)]
#[serde(transparent)]
pub struct JsonText(String);

impl JsonText {
    /// The text of the JSON.
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

impl fmt::Debug for JsonText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("JsonText").field(&Redacted::new(&self.0)).finish()
    }
}

impl Shape for JsonText {
    fn read(json: &RawValue) -> Result<Self, Fault> {
        match JsonKind::of(json.get()) {
            JsonKind::Object | JsonKind::Array => Ok(Self(json.get().to_owned())),
            _ => text(json, "a string").map(|text| Self(text.into_owned())),
        }
    }
}

#[cfg(feature = "schema")]
mod schema {
    use std::borrow::Cow;

    use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

    use super::{Id, JsonText, Timestamp};

    /// An integer is a number, but code generators then keep its digits.
    const TEXT_OR_NUMBER: [&str; 3] = ["string", "integer", "number"];

    impl JsonSchema for Id {
        fn schema_name() -> Cow<'static, str> {
            "Id".into()
        }

        fn json_schema(_: &mut SchemaGenerator) -> Schema {
            json_schema!({"type": TEXT_OR_NUMBER, "description": "An opaque identifier."})
        }
    }

    impl JsonSchema for Timestamp {
        fn schema_name() -> Cow<'static, str> {
            "Timestamp".into()
        }

        fn json_schema(_: &mut SchemaGenerator) -> Schema {
            json_schema!({
                "type": TEXT_OR_NUMBER,
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
                "description": "Usually JSON in a string; some gateways send the JSON itself.",
            })
        }
    }
}
