//! JSON that is kept verbatim.

use std::fmt;

use serde::de::DeserializeOwned;
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;

use super::fault::{JsonKind, JsonPath};
use super::shape::Members;
use crate::redacted::Redacted;

/// A JSON value, kept byte for byte. Serialises as that text.
#[derive(Clone)]
pub struct Json(Box<RawValue>);

impl Json {
    /// The JSON text.
    #[must_use]
    pub fn get(&self) -> &str {
        self.0.get()
    }

    /// The JSON text as serde_json's [`RawValue`].
    #[must_use]
    pub fn raw(&self) -> &RawValue {
        &self.0
    }

    /// The kind of value.
    #[must_use]
    pub fn kind(&self) -> JsonKind {
        JsonKind::of(self.get())
    }

    /// Parses the value into a type of your own, or into a [`serde_json::Value`].
    ///
    /// # Errors
    /// If the value doesn't have the shape of `T`.
    pub fn parse<T: DeserializeOwned>(&self) -> Result<T, serde_json::Error> {
        serde_json::from_str(self.get())
    }

    /// The number of leaves: strings, numbers, booleans and nulls that aren't keys. An empty object or array has
    /// none.
    #[must_use]
    pub fn leaves(&self) -> usize {
        leaves(self.get())
    }
}

impl From<&RawValue> for Json {
    fn from(raw: &RawValue) -> Self {
        Self(raw.to_owned())
    }
}

impl PartialEq for Json {
    fn eq(&self, other: &Self) -> bool {
        self.get() == other.get()
    }
}

impl Eq for Json {}

impl fmt::Debug for Json {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, {}", self.kind(), Redacted::new(self.get()))
    }
}

impl Serialize for Json {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

/// The keys that gateways of vendors are known to add to a message or to its `context`: `_vnd` of Turn.io, `gs_id` and
/// `meta_msg_id` of Gupshup, `kapso` of Kapso. Read them with [`Message::vendor`](super::Message::vendor).
pub const VENDOR_KEYS: [&str; 4] = ["_vnd", "gs_id", "meta_msg_id", "kapso"];

/// The keys of an object that its type doesn't name, in their original order, each with its value verbatim. A repeated
/// key is here as often as it occurs.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Unrecognized(Vec<(String, Json)>);

impl Unrecognized {
    /// Keys and values, in their original order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Json)> {
        self.0.iter().map(|(key, value)| (key.as_str(), value))
    }

    /// The value of a key; of a repeated key the last one.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Json> {
        self.0.iter().rev().find(|(name, _)| name == key).map(|(_, value)| value)
    }

    /// True if the type names every key of the object.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn serialize_into<M: SerializeMap>(&self, map: &mut M) -> Result<(), M::Error> {
        self.iter().try_for_each(|(key, value)| map.serialize_entry(key, value))
    }

    pub(crate) fn report<'m>(&'m self, found: &mut dyn FnMut(JsonPath, &'m Json)) {
        for (key, value) in self.iter().filter(|(key, _)| !VENDOR_KEYS.contains(key)) {
            found(JsonPath::default().under_key(key), value);
        }
    }
}

impl fmt::Debug for Unrecognized {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} keys", self.0.len())
    }
}

impl From<Members<'_>> for Unrecognized {
    fn from(members: Members<'_>) -> Self {
        Self(members.into_iter().map(|(key, value)| (key.into_owned(), value.into())).collect())
    }
}

impl<'a> IntoIterator for &'a Unrecognized {
    type Item = &'a (String, Json);
    type IntoIter = std::slice::Iter<'a, (String, Json)>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.iter()
    }
}

/// Counts the leaves of JSON text. It is not recursive, so deep nesting can't overflow the stack.
pub(super) fn leaves(json: &str) -> usize {
    let bytes = json.as_bytes();
    let (mut at, mut leaves) = (0, 0);
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'"' => {
                at += 1;
                while let Some(byte) = bytes.get(at).filter(|byte| **byte != b'"') {
                    at += if *byte == b'\\' { 2 } else { 1 };
                }
                at += 1;
                let rest = bytes.get(at..).unwrap_or_default();
                let is_key = rest.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b':');
                leaves += usize::from(!is_key);
            }
            b'{' | b'}' | b'[' | b']' | b',' | b':' => at += 1,
            byte if byte.is_ascii_whitespace() => at += 1,
            _ => {
                leaves += 1;
                let rest = bytes.get(at..).unwrap_or_default();
                let ends = |byte: &u8| matches!(byte, b',' | b'}' | b']') || byte.is_ascii_whitespace();
                at += rest.iter().position(ends).unwrap_or(rest.len());
            }
        }
    }
    leaves
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;

    fn counted(value: &Value) -> usize {
        match value {
            Value::Object(members) => members.values().map(counted).sum(),
            Value::Array(elements) => elements.iter().map(counted).sum(),
            _ => 1,
        }
    }

    #[track_caller]
    fn check(json: &str) {
        assert_eq!(leaves(json), counted(&serde_json::from_str(json).unwrap()), "{json}");
    }

    #[test]
    fn leaves_are_neither_containers_nor_keys() {
        check("{}");
        check("[]");
        check("null");
        check(r#""a:b""#);
        check(r#"{"a":"x","b" : [1 , -2.5e3,true,null,{}],"c":{"d\"}":"\\"}}"#);
        check(r#"[ "a" , "b\":" ]"#);
        assert_eq!(leaves(&"[".repeat(100_000)), 0);
    }

    proptest! {
        #[test]
        fn leaves_are_those_that_serde_json_finds(strings in proptest::collection::vec(".*", 0..6), n in any::<f64>()) {
            let value = serde_json::json!({"a": strings, "b": {"c": [n, {"d": strings}]}});
            prop_assert_eq!(leaves(&value.to_string()), counted(&value));
            prop_assert_eq!(leaves(&serde_json::to_string_pretty(&value).unwrap()), counted(&value));
        }
    }
}
