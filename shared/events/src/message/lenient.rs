//! Values whose shape is not reliably documented.

use std::fmt;

use serde::{Serialize, Serializer};
use serde_json::value::RawValue;

use super::fault::{Fault, JsonPath};
use super::json::Json;
use super::shape::Shape;

/// A value whose shape is not reliably documented: typed if it has the recorded shape, otherwise kept verbatim. It
/// never makes a message malformed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lenient<T> {
    /// The recorded shape.
    Typed(T),
    /// Any other shape.
    Raw(Json),
}

impl<T> Lenient<T> {
    /// The typed value. None if the value has another shape.
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

    fn show(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Typed(value) => value.show(f),
            Self::Raw(json) => json.show(f),
        }
    }

    fn unrecognized<'m>(&'m self, found: &mut dyn FnMut(JsonPath, &'m Json)) {
        match self {
            Self::Typed(value) => value.unrecognized(found),
            Self::Raw(json) => json.unrecognized(found),
        }
    }
}
