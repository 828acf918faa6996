//! How types are read from JSON text and written back: one trait, and two macros that declare types with it.
//!
//! serde's derive is not enough. `flatten`, which keeps unknown keys, buffers its input, so numbers lose their text and
//! raw values can't be kept. serde's errors also quote the values that they reject.

use std::borrow::Cow;
use std::fmt::{self, Display as _};

use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::RawValue;

use super::fault::{Fault, JsonKind, JsonPath, Problem};
use super::json::Json;
use crate::redacted::Redacted;

/// A type that can be read from a JSON value. [`Serialize`] writes it so that it reads back as the same value.
pub(crate) trait Shape: Serialize + Sized {
    /// Reads a value. A fault has its place within the value.
    fn read(json: &RawValue) -> Result<Self, Fault>;

    /// The value of an absent key. None if the key is required.
    fn absent() -> Option<Self> {
        None
    }

    /// Whether this value is written by omitting its key.
    fn is_absent(&self) -> bool {
        false
    }

    /// Writes the value for [`Debug`](fmt::Debug), with [`Redacted`] in place of what comes from outside.
    fn show(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Redacted::new(&serde_json::to_vec(self).map_err(|_| fmt::Error)?).fmt(f)
    }

    /// Passes each value that no type names to `found`, with its place within this one.
    fn unrecognized<'m>(&'m self, _found: &mut dyn FnMut(JsonPath, &'m Json)) {}
}

impl<T: Shape> Shape for Option<T> {
    fn read(json: &RawValue) -> Result<Self, Fault> {
        if json.get() == "null" { Ok(None) } else { T::read(json).map(Some) }
    }

    fn absent() -> Option<Self> {
        Some(None)
    }

    fn is_absent(&self) -> bool {
        self.is_none()
    }

    fn show(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Some(value) => value.show(f),
            None => f.write_str("None"),
        }
    }

    fn unrecognized<'m>(&'m self, found: &mut dyn FnMut(JsonPath, &'m Json)) {
        if let Some(value) = self {
            value.unrecognized(found);
        }
    }
}

impl<T: Shape> Shape for Vec<T> {
    fn read(json: &RawValue) -> Result<Self, Fault> {
        let values: Vec<&RawValue> =
            serde_json::from_str(json.get()).map_err(|_| Fault::unexpected("an array", json.get()))?;
        let read = |(index, value)| T::read(value).map_err(|fault| fault.under_index(index));
        values.into_iter().enumerate().map(read).collect()
    }

    fn show(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter().map(Shown)).finish()
    }

    fn unrecognized<'m>(&'m self, found: &mut dyn FnMut(JsonPath, &'m Json)) {
        for (index, value) in self.iter().enumerate() {
            value.unrecognized(&mut |at, json| found(at.under_index(index), json));
        }
    }
}

impl<T: Shape> Shape for Box<T> {
    fn read(json: &RawValue) -> Result<Self, Fault> {
        T::read(json).map(Self::new)
    }

    fn show(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).show(f)
    }

    fn unrecognized<'m>(&'m self, found: &mut dyn FnMut(JsonPath, &'m Json)) {
        (**self).unrecognized(found);
    }
}

impl Shape for String {
    fn read(json: &RawValue) -> Result<Self, Fault> {
        text(json, "a string").map(Cow::into_owned)
    }

    fn show(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Redacted::new(self).fmt(f)
    }
}

impl Shape for bool {
    fn read(json: &RawValue) -> Result<Self, Fault> {
        match json.get() {
            "true" => Ok(true),
            "false" => Ok(false),
            other => Err(Fault::unexpected("a boolean", other)),
        }
    }

    fn show(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

impl Shape for Json {
    fn read(json: &RawValue) -> Result<Self, Fault> {
        Ok(Self::from(json))
    }

    fn show(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }

    fn unrecognized<'m>(&'m self, found: &mut dyn FnMut(JsonPath, &'m Json)) {
        found(JsonPath::default(), self);
    }
}

/// Writes a field of an object for `Debug`.
pub(crate) struct Shown<'a, T>(pub(crate) &'a T);

impl<T: Shape> fmt::Debug for Shown<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.show(f)
    }
}

/// A JSON string, borrowed unless it contains an escape.
#[derive(Deserialize)]
#[serde(transparent)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

/// The content of a JSON string, borrowed unless it contains an escape.
pub(crate) fn text<'a>(json: &'a RawValue, expected: &'static str) -> Result<Cow<'a, str>, Fault> {
    let json = json.get();
    let Some(content) = json.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) else {
        return Err(Fault::unexpected(expected, json));
    };
    // A RawValue is valid JSON, so only an escape needs the parser.
    if !content.contains('\\') {
        return Ok(Cow::Borrowed(content));
    }
    serde_json::from_str::<Text<'a>>(json).map(|Text(text)| text).map_err(|_| Fault::here(Problem::NotUnicode))
}

/// The content of a string, or the digits of a number.
pub(crate) fn text_or_number<'a>(json: &'a RawValue, expected: &'static str) -> Result<Cow<'a, str>, Fault> {
    match JsonKind::of(json.get()) {
        JsonKind::Number => Ok(Cow::Borrowed(json.get())),
        _ => text(json, expected),
    }
}

/// The keys of an object, in their order, with their values verbatim.
#[derive(Clone, Default)]
pub(crate) struct Members<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'a> Members<'a> {
    pub(crate) fn of(json: &'a RawValue) -> Result<Self, Fault> {
        if !json.get().starts_with('{') {
            return Err(Fault::unexpected("an object", json.get()));
        }
        // A RawValue is valid JSON, so only a key with an unpaired surrogate can fail.
        serde_json::from_str(json.get()).map_err(|_| Fault::here(Problem::NotUnicode))
    }

    pub(crate) fn keys(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(key, _)| &**key)
    }

    /// The value of a key; of a repeated key the last one.
    pub(crate) fn get(&self, key: &str) -> Option<&'a RawValue> {
        self.0.iter().rev().find(|(name, _)| name == key).map(|(_, value)| *value)
    }

    pub(crate) fn push(&mut self, key: Cow<'a, str>, value: &'a RawValue) {
        self.0.push((key, value));
    }

    pub(crate) fn remove(&mut self, key: &str) {
        self.0.retain(|(name, _)| name != key);
    }
}

impl<'a> IntoIterator for Members<'a> {
    type Item = (Cow<'a, str>, &'a RawValue);
    type IntoIter = std::vec::IntoIter<Self::Item>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct MembersVisitor;

        impl<'de> Visitor<'de> for MembersVisitor {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                // Enough for an envelope, and for most messages.
                let mut members = Vec::with_capacity(12);
                while let Some((Text(key), value)) = map.next_entry::<Text<'de>, _>()? {
                    members.push((key, value));
                }
                Ok(Members(members))
            }
        }

        deserializer.deserialize_map(MembersVisitor)
    }
}

/// Declares the type of a JSON object: a struct with a public field for each named key, and all other keys in
/// `unrecognized`. A key of type [`Option`] may be absent or `null`; the others are required. Of a repeated named key
/// the last value is used. `Debug` writes a field marked as `[shown]` as it is, and any other as [`Shape::show`] does.
macro_rules! object {
    (
        $(#[$meta:meta])*
        $name:ident {
            $($(#[$field_meta:meta])* $field:ident $(as $key:literal)?: $type:ty $([$shown:ident])?,)*
        }
    ) => {
        $(#[$meta])*
        #[derive(Clone, PartialEq, Eq)]
        #[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
        pub struct $name {
            $(
                $(#[$field_meta])*
                $(#[cfg_attr(feature = "schema", schemars(rename = $key))])?
                pub $field: $type,
            )*
            /// All other keys, with their values verbatim.
            #[cfg_attr(feature = "schema", schemars(skip))]
            pub unrecognized: $crate::message::json::Unrecognized,
        }

        #[allow(dead_code, clippy::allow_attributes, reason = "not every type uses every method")]
        impl $name {
            /// Reads the members that the type names, and returns the others, which belong into `unrecognized`. A faulty
            /// member is passed to `on_fault`: if that returns an error, reading ends; otherwise the member is one of the
            /// others.
            pub(crate) fn read_members<'a>(
                members: $crate::message::shape::Members<'a>,
                on_fault: &mut dyn FnMut(
                    $crate::message::fault::Fault,
                ) -> ::core::result::Result<(), $crate::message::fault::Fault>,
            ) -> ::core::result::Result<(Self, $crate::message::shape::Members<'a>), $crate::message::fault::Fault> {
                use $crate::message::fault::{Fault, Problem};
                use $crate::message::json::Unrecognized;
                use $crate::message::shape::{Members, Shape, key_of};

                $(let mut $field: Option<$type> = None;)*
                let mut others = Members::default();
                for (key, value) in members {
                    match &*key {
                        $(key_of!($field $($key)?) => match <$type as Shape>::read(value) {
                            Ok(value) => $field = Some(value),
                            Err(fault) => {
                                on_fault(fault.under_key(&key))?;
                                others.push(key, value);
                            }
                        },)*
                        _ => others.push(key, value),
                    }
                }
                let named = Self {
                    $($field: match $field.or_else(<$type as Shape>::absent) {
                        Some(value) => value,
                        None => return Err(Fault::here(Problem::Missing).under_key(key_of!($field $($key)?))),
                    },)*
                    unrecognized: Unrecognized::default(),
                };
                Ok((named, others))
            }

            /// Writes the members that are present.
            pub(crate) fn serialize_into<M: ::serde::ser::SerializeMap>(
                &self,
                map: &mut M,
            ) -> ::core::result::Result<(), M::Error> {
                use $crate::message::shape::{Shape, key_of};

                $(if !Shape::is_absent(&self.$field) {
                    map.serialize_entry(key_of!($field $($key)?), &self.$field)?;
                })*
                self.unrecognized.serialize_into(map)
            }
        }

        impl ::core::fmt::Debug for $name {
            fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                use $crate::message::shape::{Shape, shown};

                let mut object = f.debug_struct(stringify!($name));
                $(if !Shape::is_absent(&self.$field) {
                    object.field(stringify!($field), shown!(self.$field $(, $shown)?));
                })*
                if !self.unrecognized.is_empty() {
                    object.field("unrecognized", &self.unrecognized);
                }
                object.finish()
            }
        }

        impl $crate::message::shape::Shape for $name {
            fn show(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                ::core::fmt::Debug::fmt(self, f)
            }

            fn read(
                json: &::serde_json::value::RawValue,
            ) -> ::core::result::Result<Self, $crate::message::fault::Fault> {
                let members = $crate::message::shape::Members::of(json)?;
                let (mut named, others) = Self::read_members(members, &mut Err)?;
                named.unrecognized = others.into();
                Ok(named)
            }

            fn unrecognized<'m>(
                &'m self,
                found: &mut dyn FnMut($crate::message::fault::JsonPath, &'m $crate::message::json::Json),
            ) {
                use $crate::message::shape::{Shape, key_of};

                $(Shape::unrecognized(&self.$field, &mut |at, json| {
                    found(at.under_key(key_of!($field $($key)?)), json);
                });)*
                self.unrecognized.report(found);
            }
        }

        impl ::serde::Serialize for $name {
            fn serialize<S: ::serde::Serializer>(&self, serializer: S) -> ::core::result::Result<S::Ok, S::Error> {
                let mut map = ::serde::Serializer::serialize_map(serializer, None)?;
                self.serialize_into(&mut map)?;
                ::serde::ser::SerializeMap::end(map)
            }
        }
    };
}

/// The JSON key of a field: its name, unless `as` gives another.
macro_rules! key_of {
    ($field:ident) => {
        stringify!($field)
    };
    ($field:ident $key:literal) => {
        $key
    };
}

/// How `Debug` of an object writes a field.
macro_rules! shown {
    ($field:expr) => {
        &$crate::message::shape::Shown(&$field)
    };
    ($field:expr, shown) => {
        &$field
    };
}

/// Declares an open set of words: an enum of the known ones, and `Unknown` for any other.
macro_rules! open_enum {
    (
        $(#[$meta:meta])*
        $name:ident {
            $($(#[$word_meta:meta])* $variant:ident = $word:literal,)*
        }
    ) => {
        $(#[$meta])*
        #[derive(Clone, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum $name {
            $($(#[$word_meta])* $variant,)*
            /// Any other word, verbatim.
            Unknown(String),
        }

        impl $name {
            /// The word as spelled in JSON.
            #[must_use]
            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$variant => $word,)*
                    Self::Unknown(word) => word,
                }
            }
        }

        impl ::core::fmt::Debug for $name {
            fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                match self {
                    Self::Unknown(word) => {
                        f.debug_tuple("Unknown").field(&$crate::Redacted::new(word)).finish()
                    }
                    known => f.write_str(known.as_str()),
                }
            }
        }

        impl From<&str> for $name {
            fn from(word: &str) -> Self {
                match word {
                    $($word => Self::$variant,)*
                    other => Self::Unknown(other.to_owned()),
                }
            }
        }

        impl ::serde::Serialize for $name {
            fn serialize<S: ::serde::Serializer>(&self, serializer: S) -> ::core::result::Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl $crate::message::shape::Shape for $name {
            fn show(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                ::core::fmt::Debug::fmt(self, f)
            }

            fn read(
                json: &::serde_json::value::RawValue,
            ) -> ::core::result::Result<Self, $crate::message::fault::Fault> {
                Ok(Self::from(&*$crate::message::shape::text(json, "a string")?))
            }
        }

        #[cfg(feature = "schema")]
        impl schemars::JsonSchema for $name {
            fn schema_name() -> ::std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!({
                    "type": "string",
                    "description": format!("An open set. Known: {}.", [$(concat!("`", $word, "`"),)*].join(", ")),
                    "examples": [$($word,)*],
                })
            }
        }
    };
}

pub(crate) use {key_of, object, open_enum, shown};
