//! `content` of an MO callback: WhatsApp's message object, or what stands in its place.
//!
//! Only its `type` is read here; the rest is the text as it came. The typed message object has its room
//! beside [`Message::raw`].

use std::borrow::Cow;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize, Serializer};
use serde_json::value::RawValue;

use crate::fields::Scalar;

/// The `content` of an MO callback, kept verbatim. Serialises as exactly the text that came.
#[derive(Debug, Clone, Copy)]
pub enum Content<'a> {
    /// A JSON object: WhatsApp's message notification (whatsapp-content.md).
    Message(Message<'a>),
    /// Binary data as base64 text, marked by `"encoding": "base64"` (gateway.md part 1).
    Binary(Binary<'a>),
    /// Any other JSON value: a plain string, a list, a number.
    Other(&'a RawValue),
    /// No `content`, or `null`.
    Absent,
}

impl<'a> Content<'a> {
    /// Reads what `content` is. `encoding` is the callback's key of that name.
    pub(crate) fn of(raw: Option<&'a RawValue>, encoding: Option<&str>) -> Self {
        let Some(raw) = raw else { return Self::Absent };
        match raw.get().as_bytes().first() {
            Some(b'{') => Self::Message(Message { raw }),
            Some(b'n') => Self::Absent,
            Some(b'"') if encoding == Some("base64") => Self::Binary(Binary { raw }),
            _ => Self::Other(raw),
        }
    }

    /// The JSON text as it came; none if there was none.
    #[must_use]
    pub fn raw(&self) -> Option<&'a RawValue> {
        match self {
            Self::Message(Message { raw }) | Self::Binary(Binary { raw }) | Self::Other(raw) => Some(raw),
            Self::Absent => None,
        }
    }

    /// The message's `type`; see [`Message::message_type`].
    #[must_use]
    pub fn message_type(&self) -> Option<Cow<'a, str>> {
        match self {
            Self::Message(message) => message.message_type(),
            Self::Binary(_) | Self::Other(_) | Self::Absent => None,
        }
    }

    pub(crate) fn is_absent(&self) -> bool {
        matches!(self, Self::Absent)
    }
}

impl Serialize for Content<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.raw().serialize(serializer)
    }
}

/// A WhatsApp message object: its text, and what is read of it.
#[derive(Debug, Clone, Copy)]
pub struct Message<'a> {
    raw: &'a RawValue,
}

impl<'a> Message<'a> {
    /// The object's text as it came.
    #[must_use]
    pub fn raw(&self) -> &'a RawValue {
        self.raw
    }

    /// The message's `type`, such as `text` or `image`: an open set (whatsapp-content.md part 2). None
    /// if the message has none, or not as a string.
    #[must_use]
    pub fn message_type(&self) -> Option<Cow<'a, str>> {
        #[derive(Deserialize)]
        struct Head<'a> {
            #[serde(rename = "type", borrow)]
            message_type: Option<&'a RawValue>,
        }
        let head: Head<'a> = serde_json::from_str(self.raw.get()).ok()?;
        match Scalar::of(head.message_type?) {
            Scalar::Text(text) => Some(text),
            Scalar::Empty | Scalar::Unreadable => None,
        }
    }
}

/// Binary content: base64 text (RFC 4648 section 4) in a JSON string.
#[derive(Debug, Clone, Copy)]
pub struct Binary<'a> {
    raw: &'a RawValue,
}

impl<'a> Binary<'a> {
    /// The JSON string as it came, quotes included.
    #[must_use]
    pub fn raw(&self) -> &'a RawValue {
        self.raw
    }

    /// The bytes that the base64 text stands for.
    ///
    /// # Errors
    /// If the string isn't base64 with its padding.
    pub fn decode(&self) -> Result<Vec<u8>, BinaryError> {
        let Scalar::Text(text) = Scalar::of(self.raw) else {
            return Ok(Vec::new()); // The empty string: no bytes.
        };
        STANDARD.decode(text.as_bytes()).map_err(|_| BinaryError)
    }
}

/// Content that was marked as base64 and isn't.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("content is marked as base64 and isn't")]
pub struct BinaryError;
