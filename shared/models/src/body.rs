//! A callback's body: in the item, in an object of the bucket, or not kept.

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Serialize, Serializer};
use sha2::{Digest as _, Sha256};
use wab_events::message::{Decimal, Unrecognized};
use wab_events::{Binary, Redacted};

/// The item size, attribute names included, from which a body is cheaper as an object in S3.
///
/// In the item, each KB costs a write unit (0.625 USD a million) and a month of the table's storage with backup (0.46
/// USD a million). As an object, the whole body costs one `PUT` (5.00 USD a million), one `GET` at fan-out (0.40) and a
/// month in S3 (0.02 per KB). The costs are equal at 5.7 KB with 30 days of retention, and at 9 KB with 7 days. A test
/// compares this number with the dated price list of the cost table. The time of the `PUT`, which Lambda bills at some
/// 0.06 USD a million, is left out.
pub const LARGE_ITEM_BYTES: usize = 5_800;

/// The largest body that can arrive: a synchronous invocation may hold 6 MB ("Lambda quotas"), the event around the body
/// included. API Gateway accepts up to 10 MB. It responds itself to larger requests, and to those that Lambda rejects.
pub const MAX_BODY_BYTES: usize = 6 * 1024 * 1024;

/// The most bytes that a number counts ("DynamoDB item sizes and formats").
pub(crate) const MAX_NUMBER_BYTES: usize = 21;

/// The body of a callback, byte for byte, or where it is.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "BodyAttributes<'_>")]
pub enum Body<'a> {
    /// In the item, attribute `body`.
    Inline(Cow<'a, str>),
    /// In an object of the bucket, attributes `body_key` and `body_bytes`.
    Object(Object),
    /// Not kept: the stack stores no content. Attribute `body_bytes` has its size.
    NotKept { body_bytes: usize },
}

/// The object that holds a body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Object {
    pub body_key: ObjectKey,
    pub body_bytes: usize,
}

impl fmt::Debug for Body<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Inline(body) => f.debug_tuple("Inline").field(&Redacted::new(&**body)).finish(),
            Self::Object(object) => fmt::Debug::fmt(object, f),
            Self::NotKept { body_bytes } => f.debug_struct("NotKept").field("body_bytes", body_bytes).finish(),
        }
    }
}

impl Body<'_> {
    /// The text, if it is in the item.
    #[must_use]
    pub fn inline(&self) -> Option<&str> {
        match self {
            Self::Inline(body) => Some(body),
            Self::Object(_) | Self::NotKept { .. } => None,
        }
    }

    /// The size that DynamoDB counts for the attributes.
    pub(crate) fn size_bytes(&self) -> usize {
        match self {
            Self::Inline(body) => "body".len() + body.len(),
            Self::Object(object) => object.size_bytes(),
            Self::NotKept { .. } => NOT_KEPT_BYTES,
        }
    }
}

/// The size that DynamoDB counts for the attribute of a body that isn't kept.
pub(crate) const NOT_KEPT_BYTES: usize = "body_bytes".len() + MAX_NUMBER_BYTES;

impl Object {
    pub(crate) fn size_bytes(&self) -> usize {
        "body_key".len() + self.body_key.as_str().len() + "body_bytes".len() + MAX_NUMBER_BYTES
    }
}

/// The attributes of a stored body, and the version of the layout, which they decide.
///
/// Readers accept every version ever written. A body is written with the lowest version that can read it, so that during
/// a deployment the older functions fail on as few items as possible.
#[derive(Default, Serialize, Deserialize)]
pub(crate) struct BodyAttributes<'a> {
    v: Layout,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    body: Option<Cow<'a, str>>,
    /// Bytes that aren't UTF-8, in base64 (RFC 4648 section 4). Only a quarantined body has them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    body_base64: Option<Cow<'a, str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    body_key: Option<Cow<'a, ObjectKey>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    body_bytes: Option<usize>,
}

/// Attribute `v`.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "u32", try_from = "u32")]
enum Layout {
    /// 1: the body is in the item.
    #[default]
    Whole,
    /// 2: the body may be in an object.
    Pointer,
    /// 3: the body may be kept nowhere.
    ContentFree,
}

impl<'a> BodyAttributes<'a> {
    pub(crate) fn inline(body: &'a str) -> Self {
        Self { body: Some(body.into()), ..Self::default() }
    }

    pub(crate) fn base64(body: &'a str) -> Self {
        Self { body_base64: Some(body.into()), ..Self::default() }
    }

    pub(crate) fn object(object: &'a Object) -> Self {
        let Object { body_key, body_bytes } = object;
        Self {
            v: Layout::Pointer,
            body_key: Some(Cow::Borrowed(body_key)),
            body_bytes: Some(*body_bytes),
            ..Self::default()
        }
    }

    pub(crate) fn not_kept(body_bytes: usize) -> Self {
        Self { v: Layout::ContentFree, body_bytes: Some(body_bytes), ..Self::default() }
    }
}

/// Where the attributes say that a body is.
pub(crate) enum StoredBody<'a> {
    Inline(Cow<'a, str>),
    Base64(Cow<'a, str>),
    Object(Object),
    NotKept { body_bytes: usize },
}

impl<'a> TryFrom<BodyAttributes<'a>> for StoredBody<'a> {
    type Error = LayoutError;

    fn try_from(attributes: BodyAttributes<'a>) -> Result<Self, LayoutError> {
        let BodyAttributes { v, body, body_base64, body_key, body_bytes } = attributes;
        match (v, body, body_base64, body_key, body_bytes) {
            (_, Some(body), None, None, None) => Ok(Self::Inline(body)),
            (_, None, Some(base64), None, None) => Ok(Self::Base64(base64)),
            (Layout::Pointer | Layout::ContentFree, None, None, Some(body_key), Some(body_bytes)) => {
                Ok(Self::Object(Object { body_key: body_key.into_owned(), body_bytes }))
            }
            (Layout::ContentFree, None, None, None, Some(body_bytes)) => Ok(Self::NotKept { body_bytes }),
            _ => Err(LayoutError::Body),
        }
    }
}

impl TryFrom<BodyAttributes<'_>> for Body<'_> {
    type Error = LayoutError;

    fn try_from(attributes: BodyAttributes<'_>) -> Result<Self, LayoutError> {
        match attributes.try_into()? {
            StoredBody::Inline(body) => Ok(Self::Inline(Cow::Owned(body.into_owned()))),
            StoredBody::Object(object) => Ok(Self::Object(object)),
            StoredBody::NotKept { body_bytes } => Ok(Self::NotKept { body_bytes }),
            StoredBody::Base64(_) => Err(LayoutError::Body),
        }
    }
}

impl Serialize for Body<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let attributes = match self {
            Self::Inline(body) => BodyAttributes::inline(body),
            Self::Object(object) => BodyAttributes::object(object),
            Self::NotKept { body_bytes } => BodyAttributes::not_kept(*body_bytes),
        };
        attributes.serialize(serializer)
    }
}

impl From<Layout> for u32 {
    fn from(layout: Layout) -> Self {
        match layout {
            Layout::Whole => 1,
            Layout::Pointer => 2,
            Layout::ContentFree => 3,
        }
    }
}

impl TryFrom<u32> for Layout {
    type Error = LayoutError;

    fn try_from(v: u32) -> Result<Self, LayoutError> {
        match v {
            1 => Ok(Self::Whole),
            2 => Ok(Self::Pointer),
            3 => Ok(Self::ContentFree),
            v => Err(LayoutError::Version(v)),
        }
    }
}

/// Why an item can't be read by this version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LayoutError {
    #[error("item layout {0} is not known")]
    Version(u32),
    #[error("the item's body is not where its layout says")]
    Body,
}

/// The key of an object in the bucket: a prefix, and the SHA-256 of its bytes in hex. The same bytes have the same key, so
/// a second put changes nothing. The key reveals nothing of the bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ObjectKey(String);

impl ObjectKey {
    /// The key of a callback's body: `body/<64 hex digits>`.
    #[must_use]
    pub fn of_body(bytes: &[u8]) -> Self {
        Self(format!("body/{}", sha256_hex(bytes)))
    }

    /// The key of decoded binary content: `content/<64 hex digits>`.
    #[must_use]
    pub fn of_content(sha256: &str) -> Self {
        Self(format!("content/{sha256}"))
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ObjectKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Binary content of a message, decoded: its description, and where its bytes are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BinaryContent {
    /// The number of decoded bytes.
    pub bytes: usize,
    /// The SHA-256 of the bytes, in hex.
    pub sha256: String,
    /// The media type, detected from the first bytes; `application/octet-stream` if unknown.
    pub content_type: Cow<'static, str>,
    /// The object that holds the bytes; none if the bucket rejected it. Then only the body holds them, in base64.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<ObjectKey>,
}

impl BinaryContent {
    /// Describes bytes that aren't in an object yet.
    #[must_use]
    pub fn of(bytes: &[u8], content_type: &'static str) -> Self {
        Self { bytes: bytes.len(), sha256: sha256_hex(bytes), content_type: content_type.into(), key: None }
    }

    /// The description in an event; `dataref` is where the bytes are.
    #[must_use]
    pub fn described(&self, dataref: Option<String>) -> Binary {
        Binary {
            bytes: Decimal::from(i64::try_from(self.bytes).unwrap_or(i64::MAX)),
            sha256: self.sha256.clone(),
            content_type: self.content_type.clone().into_owned(),
            dataref,
            unrecognized: Unrecognized::default(),
        }
    }

    /// The size that DynamoDB counts for the attribute: a map has 3 bytes of its own and one per member ("DynamoDB item
    /// sizes and formats").
    pub(crate) fn size_bytes(&self) -> usize {
        let text = |name: &str, value: &str| name.len() + value.len() + 1;
        "binary".len()
            + 3
            + text("bytes", "")
            + MAX_NUMBER_BYTES
            + text("sha256", &self.sha256)
            + text("content_type", &self.content_type)
            + self.key.as_ref().map_or(0, |key| text("key", key.as_str()))
    }
}

/// SHA-256 in lower-case hex digits.
pub(crate) fn sha256_hex(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn object_key_names_kind_and_bytes() {
        // echo -n '{}' | sha256sum
        let hex = "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a";
        assert_eq!(ObjectKey::of_body(b"{}").as_str(), format!("body/{hex}"));
        assert_eq!(ObjectKey::of_content(&BinaryContent::of(b"{}", "x/y").sha256).as_str(), format!("content/{hex}"));
        assert_eq!(ObjectKey::of_body(b"{}").to_string(), format!("body/{hex}"));
    }

    #[test]
    fn limits_are_the_documented_ones() {
        // "Lambda quotas": 6 MB a synchronous invocation. "Quotas in Amazon DynamoDB": 400 KB an item.
        assert_eq!((MAX_BODY_BYTES, crate::MAX_ITEM_BYTES), (6_291_456, 409_600));
        // SNS API reference, `Publish`: 262,144 bytes. "Amazon SQS message quotas": 1,048,576 bytes.
        assert_eq!((crate::MAX_MESSAGE_BYTES, crate::MAX_SPILL_BYTES), (262_144, 1_048_576));
    }

    #[test]
    fn body_counts_its_names_and_values() {
        let key = ObjectKey::of_body(b"{}");
        assert_eq!(Body::Inline("{\"\u{e9}\"}".into()).size_bytes(), 4 + 6);
        // `body_key`, the 69 characters of the key, `body_bytes`, and a number.
        assert_eq!(Body::Object(Object { body_key: key, body_bytes: 2 }).size_bytes(), 8 + 69 + 10 + 21);
        assert_eq!(Body::NotKept { body_bytes: 2 }.size_bytes(), 10 + 21);
    }

    /// "DynamoDB item sizes and formats": a map takes its name, 3 bytes and its members; each member takes its name, its
    /// value and 1 byte.
    #[test]
    fn binary_content_counts_as_a_map() {
        let content = BinaryContent::of(b"GIF89a", "image/gif");
        let (bytes, sha256, content_type) = (5 + 21 + 1, 6 + 64 + 1, 12 + 9 + 1);
        assert_eq!(content.size_bytes(), 6 + 3 + bytes + sha256 + content_type);
        let stored = BinaryContent { key: Some(ObjectKey::of_content(&content.sha256)), ..content };
        let key = 3 + 72 + 1;
        assert_eq!(stored.size_bytes(), 6 + 3 + bytes + sha256 + content_type + key);
    }
}
