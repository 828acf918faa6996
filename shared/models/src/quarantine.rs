//! A body that arrived with valid credentials but isn't a callback, kept for investigation.

use std::borrow::Cow;
use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize, Serializer};
use wab_events::{Kind, Redacted};

use crate::body::{
    BodyAttributes, LayoutError, MAX_NUMBER_BYTES, NOT_KEPT_BYTES, Object, ObjectKey, StoredBody, sha256_hex,
};
use crate::callback::CallbackError;
use crate::content_mode::ContentKey;
use crate::key::Key;
use crate::received_at::ReceivedAt;

/// A body that can't be parsed, and what else the request says.
#[derive(Clone)]
pub struct Unreadable<'a> {
    pub body: &'a [u8],
    /// The user name of the credentials, which names the gateway application.
    pub application: &'a str,
    /// When API Gateway received the request.
    pub at: ReceivedAt,
    /// When the table may delete it, in seconds since 1970-01-01T00:00:00Z.
    pub expires_at: i64,
}

/// A stored quarantined body. It isn't an event: `fanout` skips it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quarantined<'a> {
    /// `QUARANTINE#<date>` and `<received_at>#<SHA-256 of the body>`, or a keyed hash if the body isn't kept.
    #[serde(flatten)]
    pub key: Key,
    pub received_at: ReceivedAt,
    /// When the table may delete it, in seconds since 1970-01-01T00:00:00Z.
    pub expires_at: i64,
    /// The callback that was expected.
    pub kind: Kind,
    /// Why it isn't that callback. Holds nothing of the body.
    pub reason: Cow<'a, str>,
    pub application: Cow<'a, str>,
    #[serde(flatten)]
    pub body: QuarantinedBody<'a>,
}

/// A quarantined body, byte for byte, or where it is.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "BodyAttributes<'_>")]
pub enum QuarantinedBody<'a> {
    /// In the item, attribute `body`.
    Text(Cow<'a, str>),
    /// In the item, attribute `body_base64`: bytes that aren't UTF-8, in base64 (RFC 4648 section 4).
    Base64(String),
    /// In an object of the bucket, attributes `body_key` and `body_bytes`.
    Object(Object),
    /// Not kept: the stack stores no content. Attribute `body_bytes` has its size.
    NotKept { body_bytes: usize },
}

impl fmt::Debug for Unreadable<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Unreadable")
            .field("body", &Redacted::new(self.body))
            .field("at", &self.at)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Quarantined<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Quarantined")
            .field("received_at", &self.received_at)
            .field("kind", &self.kind)
            .field("body", &self.body)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for QuarantinedBody<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(body) => f.debug_tuple("Text").field(&Redacted::new(&**body)).finish(),
            Self::Base64(body) => f.debug_tuple("Base64").field(&Redacted::new(body)).finish(),
            Self::Object(object) => fmt::Debug::fmt(object, f),
            Self::NotKept { body_bytes } => f.debug_struct("NotKept").field("body_bytes", body_bytes).finish(),
        }
    }
}

impl QuarantinedBody<'_> {
    fn size_bytes(&self) -> usize {
        match self {
            Self::Text(body) => "body".len() + body.len(),
            Self::Base64(body) => "body_base64".len() + body.len(),
            Self::Object(object) => object.size_bytes(),
            Self::NotKept { .. } => NOT_KEPT_BYTES,
        }
    }
}

impl TryFrom<BodyAttributes<'_>> for QuarantinedBody<'_> {
    type Error = LayoutError;

    fn try_from(attributes: BodyAttributes<'_>) -> Result<Self, LayoutError> {
        Ok(match attributes.try_into()? {
            StoredBody::Inline(body) => Self::Text(Cow::Owned(body.into_owned())),
            StoredBody::Base64(body) => Self::Base64(body.into_owned()),
            StoredBody::Object(object) => Self::Object(object),
            StoredBody::NotKept { body_bytes } => Self::NotKept { body_bytes },
        })
    }
}

impl Serialize for QuarantinedBody<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let attributes = match self {
            Self::Text(body) => BodyAttributes::inline(body),
            Self::Base64(body) => BodyAttributes::base64(body),
            Self::Object(object) => BodyAttributes::object(object),
            Self::NotKept { body_bytes } => BodyAttributes::not_kept(*body_bytes),
        };
        attributes.serialize(serializer)
    }
}

impl<'a> Quarantined<'a> {
    #[must_use]
    pub fn new(kind: Kind, why: CallbackError, unreadable: Unreadable<'a>) -> Self {
        let Unreadable { body, application, at, expires_at } = unreadable;
        let date = at.as_str().get(..10).unwrap_or_default();
        let key = Key { pk: format!("QUARANTINE#{date}"), sk: format!("{}#{}", at.as_str(), sha256_hex(body)) };
        let body = match std::str::from_utf8(body) {
            Ok(text) => QuarantinedBody::Text(text.into()),
            Err(_) => QuarantinedBody::Base64(STANDARD.encode(body)),
        };
        Self {
            key,
            received_at: at,
            expires_at,
            kind,
            reason: why.to_string().into(),
            application: application.into(),
            body,
        }
    }

    /// The same without its body. The hash in its key is keyed: a plain one of a short body can be searched.
    #[must_use]
    pub(crate) fn without_body(mut self, body: &[u8], key: &ContentKey) -> Self {
        self.key.sk = format!("{}#{}", self.received_at.as_str(), key.quarantined(body));
        self.body = QuarantinedBody::NotKept { body_bytes: body.len() };
        self
    }

    /// The same, with its body in an object.
    #[must_use]
    pub fn with_object(mut self, body_key: ObjectKey, body_bytes: usize) -> Self {
        self.body = QuarantinedBody::Object(Object { body_key, body_bytes });
        self
    }

    /// The size that DynamoDB counts.
    #[must_use]
    pub fn size_bytes(&self) -> usize {
        let text = |name: &str, value: &str| name.len() + value.len();
        self.key.size_bytes()
            + text("v", "")
            + text("received_at", self.received_at.as_str())
            + text("expires_at", "")
            + 2 * MAX_NUMBER_BYTES
            + text("kind", self.kind.as_str())
            + text("reason", &self.reason)
            + text("application", &self.application)
            + self.body.size_bytes()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn quarantined(body: &[u8]) -> Quarantined<'_> {
        let at = ReceivedAt::from_epoch_ms(1_763_889_302_417);
        let why = CallbackError::NotJson { line: 1, column: 1 };
        Quarantined::new(Kind::Mo, why, Unreadable { body, application: "shop", at, expires_at: 1_766_481_302 })
    }

    #[track_caller]
    fn check_golden(golden: &str, quarantined: &Quarantined<'_>) {
        let golden: Value = serde_json::from_str(golden).unwrap();
        assert_eq!(serde_json::to_value(quarantined).unwrap(), golden);
        assert_eq!(&serde_json::from_value::<Quarantined<'_>>(golden).unwrap(), quarantined);
        let size = |value: &Value| value.as_str().map_or(21, str::len);
        let written = serde_json::to_value(quarantined).unwrap();
        let expected: usize = written.as_object().unwrap().iter().map(|(name, value)| name.len() + size(value)).sum();
        assert_eq!(quarantined.size_bytes(), expected);
    }

    #[test]
    fn body_is_kept_as_text_base64_object_or_not_at_all() {
        check_golden(include_str!("../golden/quarantined-v1-text.json"), &quarantined(b"{\"id\":"));
        check_golden(include_str!("../golden/quarantined-v1-bytes.json"), &quarantined(b"{\"id\":\"\xff\"}"));
        let key = ObjectKey::of_body(b"{\"id\":");
        let by_object = quarantined(b"{\"id\":").with_object(key, 6);
        check_golden(include_str!("../golden/quarantined-v2-object.json"), &by_object);
        let key: ContentKey = "0f".repeat(32).parse().unwrap();
        let content_free = quarantined(b"{\"id\":\"\xff\"}").without_body(b"{\"id\":\"\xff\"}", &key);
        check_golden(include_str!("../golden/quarantined-v3-content-free.json"), &content_free);
    }

    #[test]
    fn quarantined_body_is_not_an_event() {
        assert_eq!(quarantined(b"").key.kind_and_id(), None);
        assert_eq!(serde_json::to_value(quarantined(b"")).unwrap()["pk"], json!("QUARANTINE#2025-11-23"));
    }
}
