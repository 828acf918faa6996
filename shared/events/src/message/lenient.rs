//! Values whose shape is not reliably documented.

use serde::{Serialize, Serializer};
use serde_json::value::RawValue;

use super::fault::{Fault, JsonPath};
use super::json::Json;
use super::shape::Shape;

/// A value that is documented badly or not at all: read if it is as it has been seen, kept as it came if it isn't.
/// Never a fault.
///
/// ```
/// use wab_events::message::Message;
///
/// let mentions = |json| Message::parse(json).map(|message| message.context().unwrap().mentions.clone().unwrap());
/// let seen = mentions(r#"{"type": "text", "text": {"body": "@A"}, "context": {"mentions": ["6421000003"]}}"#)?;
/// assert_eq!(seen.typed().unwrap().first().unwrap().as_str(), "6421000003");
/// let other = mentions(r#"{"type": "text", "text": {"body": "@A"}, "context": {"mentions": {"all": true}}}"#)?;
/// assert_eq!(other.typed(), None);
/// # Ok::<(), wab_events::message::NotAMessage>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lenient<T> {
    /// As it has been seen.
    Typed(T),
    /// In another shape.
    Raw(Json),
}

impl<T> Lenient<T> {
    /// The value, if it is as it has been seen.
    #[must_use]
    pub fn typed(&self) -> Option<&T> {
        match self {
            Self::Typed(value) => Some(value),
            Self::Raw(_) => None,
        }
    }
}

impl<T: Serialize> Serialize for Lenient<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Typed(value) => value.serialize(serializer),
            Self::Raw(json) => json.serialize(serializer),
        }
    }
}

impl<T: Shape> Shape for Lenient<T> {
    fn read(json: &RawValue) -> Result<Self, Fault> {
        Ok(T::read(json).map_or_else(|_| Self::Raw(json.into()), Self::Typed))
    }

    fn unrecognized<'m>(&'m self, found: &mut dyn FnMut(JsonPath, &'m Json)) {
        match self {
            Self::Typed(value) => value.unrecognized(found),
            Self::Raw(json) => json.unrecognized(found),
        }
    }
}
