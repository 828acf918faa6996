//! The outer object of a callback: its keys in sorted order, each with its value verbatim.

use std::borrow::{Borrow, Cow};
use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use wab_events::Redacted;

/// The keys of a JSON object, each with the text of its value. The last of repeated keys counts, as in most parsers (RFC
/// 8259 section 4 leaves it open).
pub type Fields<'a> = BTreeMap<FieldName<'a>, &'a RawValue>;

/// A key of a JSON object, borrowed from the text unless it holds an escape.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct FieldName<'a>(#[serde(borrow)] Cow<'a, str>);

impl<'a> FieldName<'a> {
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for FieldName<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("FieldName").field(&Redacted::new(&*self.0)).finish()
    }
}

impl Borrow<str> for FieldName<'_> {
    fn borrow(&self) -> &str {
        &self.0
    }
}

/// A field that should be text. The gateway's interfaces send ids as strings or as numbers, and optional fields as `null`
/// or `""` (docs/gateway.md parts 1 and 2).
pub(crate) enum Scalar<'a> {
    /// A string that isn't empty, or a number's digits, verbatim.
    Text(Cow<'a, str>),
    /// `null` or `""`.
    Empty,
    /// An array, an object, a boolean, or a string that isn't Unicode (a lone surrogate).
    Unreadable,
}

impl<'a> Scalar<'a> {
    pub(crate) fn of(raw: &'a RawValue) -> Self {
        let text = raw.get();
        match text.as_bytes().first() {
            Some(b'"') => match serde_json::from_str::<FieldName<'a>>(text) {
                Ok(FieldName(string)) if string.is_empty() => Self::Empty,
                Ok(FieldName(string)) => Self::Text(string),
                Err(_) => Self::Unreadable,
            },
            Some(b'-' | b'0'..=b'9') => Self::Text(Cow::Borrowed(text)),
            Some(b'n') => Self::Empty,
            _ => Self::Unreadable,
        }
    }
}

/// Takes an optional text field out of `fields`. A field that can't be read as text stays there, so that it is published
/// among the unrecognised keys.
pub(crate) fn take_text<'a>(fields: &mut Fields<'a>, name: &str) -> Option<Cow<'a, str>> {
    let text = match Scalar::of(fields.get(name)?) {
        Scalar::Text(text) => Some(text),
        Scalar::Empty => None,
        Scalar::Unreadable => return None,
    };
    fields.remove(name);
    text
}
