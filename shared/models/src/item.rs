//! The stored item: one event in the table.

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use wab_events::{Kind, Redacted};

use crate::body::{BinaryContent, Body, MAX_NUMBER_BYTES, Object, ObjectKey};
use crate::callback::{DlrCallback, MessageId, MoCallback};
use crate::content_mode::ContentKey;
use crate::digest::Digest;
use crate::key::Key;
use crate::received_at::ReceivedAt;

/// The largest item that the table accepts: 400 KB, attribute names included (DynamoDB, "Service, account, and table
/// quotas").
pub const MAX_ITEM_BYTES: usize = 400 * 1024;

/// The longest outer field that is copied into an attribute of its own. It keeps the copies below the limits of index
/// keys: 2,048 and 1,024 bytes.
const MAX_COPY_BYTES: usize = 1024;

/// A callback's body, and what else the request says.
#[derive(Clone)]
pub struct Received<'a> {
    pub body: &'a str,
    /// The user name of the credentials, which names the gateway application.
    pub application: &'a str,
    /// When API Gateway received the request.
    pub at: ReceivedAt,
    /// When the table may delete it, in seconds since 1970-01-01T00:00:00Z.
    pub expires_at: i64,
}

/// A stored event. A write unit is 1 KB, so nothing is stored twice without a reader. The copies of outer fields serve
/// filters and the table's two indexes.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Item<'a> {
    #[serde(flatten)]
    pub key: Key,
    pub received_at: ReceivedAt,
    /// When the table may delete it, in seconds since 1970-01-01T00:00:00Z.
    pub expires_at: i64,
    /// Written with the version of the layout, `v`.
    #[serde(flatten)]
    pub body: Body<'a>,
    pub digest: Digest,
    /// The digest that the same body has in the other mode of the parameter `Content`. None if only one is known.
    #[serde(skip)]
    pub other_digest: Option<Digest>,
    pub application: Cow<'a, str>,
    /// MO: the sender; a keyed hash of it if the body isn't kept. Key of the index `by-source`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<Cow<'a, str>>,
    /// MO: the recipient.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub destination: Option<Cow<'a, str>>,
    /// MO: the message's type.
    #[serde(default, rename = "type", skip_serializing_if = "Option::is_none")]
    pub message_type: Option<Cow<'a, str>>,
    /// DLR: the status.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<Cow<'a, str>>,
    /// The reference of the sent message, which a receipt reports on or an MO replies to. Key of the index
    /// `by-reference`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<Cow<'a, str>>,
    /// MO: the description of binary content, which the body holds in base64.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub binary: Option<BinaryContent>,
    /// MO without a body: the gateway's id of the sent message that this one replies to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply_to: Option<Cow<'a, str>>,
    /// MO without a body: WhatsApp's timestamp of the message, in seconds since 1970-01-01T00:00:00Z.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sent_at: Option<u64>,
}

impl fmt::Debug for Received<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Received")
            .field("body", &Redacted::new(self.body))
            .field("at", &self.at)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Item<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let source = self.source.as_deref().map(Redacted::new);
        f.debug_struct("Item")
            .field("key", &self.key)
            .field("received_at", &self.received_at)
            .field("body", &self.body)
            .field("source", &source)
            .finish_non_exhaustive()
    }
}

impl<'a> Item<'a> {
    /// The bytes that [`Self::into_variant`] adds to an item: `#` and 12 hex digits.
    pub const VARIANT_BYTES: usize = 13;

    /// The item of an MO callback.
    #[must_use]
    pub fn mo(callback: &MoCallback<'a>, received: Received<'a>) -> Self {
        Self {
            source: copy(callback.source.as_ref()),
            destination: copy(callback.destination.as_ref()),
            message_type: copy(callback.content.message_type().as_ref()),
            reference: copy(callback.reference.as_ref()),
            ..Self::bare(Key::mo(&callback.id), received)
        }
    }

    /// The item of a delivery receipt.
    #[must_use]
    pub fn dlr(callback: &DlrCallback<'a>, received: Received<'a>) -> Self {
        Self {
            status: copy(Some(&Cow::Owned(callback.status.as_str().to_owned()))),
            reference: copy(callback.reference.as_ref()),
            ..Self::bare(Key::dlr(&callback.id, &callback.status), received)
        }
    }

    fn bare(key: Key, received: Received<'a>) -> Self {
        Self {
            key,
            received_at: received.at,
            expires_at: received.expires_at,
            digest: Digest::of(received.body),
            other_digest: None,
            body: Body::Inline(Cow::Borrowed(received.body)),
            application: Cow::Borrowed(received.application),
            source: None,
            destination: None,
            message_type: None,
            status: None,
            reference: None,
            binary: None,
            reply_to: None,
            sent_at: None,
        }
    }

    /// The same event without its content: the key, the copies and the size stay, and hashes are keyed.
    #[must_use]
    pub(crate) fn without_content(self, body: &str, key: &ContentKey) -> Self {
        Self {
            body: Body::NotKept { body_bytes: body.len() },
            source: self.source.as_deref().map(|source| key.contact(source).into()),
            digest: key.digest(body),
            other_digest: Some(self.digest),
            binary: None,
            ..self
        }
    }

    /// Adds what only the body says otherwise.
    #[must_use]
    pub(crate) fn with_metadata(mut self, callback: &MoCallback<'a>) -> Self {
        self.reply_to = copy(callback.reply_to.as_ref());
        self.sent_at = callback.content.sent_at();
        self
    }

    /// Whether another item, with this digest, holds the same body.
    #[must_use]
    pub fn has_digest(&self, digest: &str) -> bool {
        self.digest.as_str() == digest || self.other_digest.as_ref().is_some_and(|other| other.as_str() == digest)
    }

    /// The group in which a FIFO topic keeps events in order: the messages of a sender, or the receipts of a message. An
    /// MO without a sender is alone. 64 hex digits of SHA-256, because SNS restricts the characters of a group's id.
    #[must_use]
    pub fn group(&self) -> String {
        hex::encode(match (self.key.kind_and_id(), &self.source) {
            (Some((Kind::Mo, _)), Some(source)) => Sha256::digest(source.as_bytes()),
            _ => Sha256::digest(&self.key.pk),
        })
    }

    /// The same event, with its body in an object.
    #[must_use]
    pub fn with_object(mut self, body_key: ObjectKey, body_bytes: usize) -> Self {
        self.body = Body::Object(Object { body_key, body_bytes });
        self
    }

    /// The same event as a variant: a body that is stored beside another body with the same key.
    #[must_use]
    pub fn into_variant(mut self) -> Self {
        self.key.sk = format!("{}#{}", self.key.sk, self.digest.short());
        self
    }

    /// Whether another body is stored under the same key without the variant's suffix.
    #[must_use]
    pub fn is_variant(&self) -> bool {
        self.sort_key().len() < self.key.sk.len()
    }

    /// The sort key without the variant's suffix.
    pub(crate) fn sort_key(&self) -> &str {
        let sk = self.key.sk.strip_suffix(self.digest.short()).and_then(|sk| sk.strip_suffix('#'));
        sk.unwrap_or(&self.key.sk)
    }

    /// Whether this is the key of the callback with this id and sort key, or of its variant. `key_id` is the id in the
    /// partition key. The sort key is compared from its start, because a status may contain a `#`.
    pub(crate) fn is_under(&self, key_id: &str, id: &MessageId<'_>, sk: &str) -> bool {
        let is_variant = |rest: &str| rest.strip_prefix('#') == Some(self.digest.short());
        key_id == id.as_str() && self.key.sk.strip_prefix(sk).is_some_and(|rest| rest.is_empty() || is_variant(rest))
    }

    /// The size that DynamoDB counts against [`MAX_ITEM_BYTES`]: names and values in UTF-8, and at most 21 bytes per
    /// number ("DynamoDB item sizes and formats").
    #[must_use]
    pub fn size_bytes(&self) -> usize {
        let text = |name: &str, value: &str| name.len() + value.len();
        let optional = |name: &str, value: &Option<Cow<'_, str>>| value.as_deref().map_or(0, |value| text(name, value));
        self.key.size_bytes()
            + text("v", "")
            + MAX_NUMBER_BYTES
            + text("received_at", self.received_at.as_str())
            + text("expires_at", "")
            + MAX_NUMBER_BYTES
            + self.body.size_bytes()
            + text("digest", self.digest.as_str())
            + text("application", &self.application)
            + optional("source", &self.source)
            + optional("destination", &self.destination)
            + optional("type", &self.message_type)
            + optional("status", &self.status)
            + optional("reference", &self.reference)
            + self.binary.as_ref().map_or(0, BinaryContent::size_bytes)
            + optional("reply_to", &self.reply_to)
            + self.sent_at.map_or(0, |_| "sent_at".len() + MAX_NUMBER_BYTES)
    }
}

/// The copy of an outer field for an attribute of its own; none if it can't be an attribute.
fn copy<'a>(field: Option<&Cow<'a, str>>) -> Option<Cow<'a, str>> {
    field.filter(|text| text.len() <= MAX_COPY_BYTES && text.chars().all(may_be_published)).cloned()
}

/// Whether SNS and SQS accept a character in a message attribute (SQS API reference, `SendMessage`).
fn may_be_published(char: char) -> bool {
    !matches!(char, '\0'..='\u{8}' | '\u{b}' | '\u{c}' | '\u{e}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}')
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::content_mode::ContentMode;

    const MO: &str = r#"{"id":"7c1f","source":"+6421000001","Destination":"6421000002","content":{"type":"text","text":{"body":"Kia ora"}}}"#;
    const DLR: &str = r#"{"id":4711,"status":"received","reference":"order-17"}"#;

    fn received(body: &str) -> Received<'_> {
        Received {
            body,
            application: "shop",
            at: ReceivedAt::from_epoch_ms(1_763_889_302_417),
            expires_at: 1_766_481_302,
        }
    }

    fn mo(body: &str) -> Item<'_> {
        Item::mo(&MoCallback::parse(body).unwrap(), received(body))
    }

    fn dlr(body: &str) -> Item<'_> {
        Item::dlr(&DlrCallback::parse(body).unwrap(), received(body))
    }

    /// A golden file stays for ever: every later version must read what was once written.
    #[track_caller]
    fn check_golden(golden: &str, item: &Item<'_>) {
        let golden: Value = serde_json::from_str(golden).unwrap();
        assert_eq!(serde_json::to_value(item).unwrap(), golden);
        assert_eq!(&serde_json::from_value::<Item<'_>>(golden).unwrap(), item);
    }

    #[test]
    fn layout_1_is_written_and_read() {
        check_golden(include_str!("../golden/item-v1-mo.json"), &mo(MO));
        check_golden(include_str!("../golden/item-v1-mo-variant.json"), &mo(MO).into_variant());
        check_golden(include_str!("../golden/item-v1-dlr.json"), &dlr(DLR));
    }

    #[test]
    fn layout_2_points_to_its_body() {
        let by_object = mo(MO).with_object(ObjectKey::of_body(MO.as_bytes()), MO.len());
        check_golden(include_str!("../golden/item-v2-mo-object.json"), &by_object);
        let mut binary = by_object;
        let content = BinaryContent::of(b"GIF89a", "image/gif");
        let key = Some(ObjectKey::of_content(&content.sha256));
        binary.binary = Some(BinaryContent { key, ..content });
        check_golden(include_str!("../golden/item-v2-mo-binary.json"), &binary);
    }

    #[test]
    fn layout_3_has_no_content() {
        let mode = ContentMode::None("0f".repeat(32).parse().unwrap());
        let golden = |file: &str, item: Item<'_>| {
            assert!(item.other_digest.is_some());
            check_golden(file, &Item { other_digest: None, ..item });
        };
        let body = r#"{"id":"7c1f","source":"+6421000001","Destination":"6421000002","operator":"secret","reply_to":"99","reference":"order-17","secret":1,"content":{"from":"6421000001","id":"wamid.secret","timestamp":"1763889301","type":"text","text":{"body":"secret"}}}"#;
        let item = mode.mo(&MoCallback::parse(body).unwrap(), received(body));
        assert!(!serde_json::to_string(&item).unwrap().contains("secret"));
        golden(include_str!("../golden/item-v3-mo.json"), item.clone());
        golden(include_str!("../golden/item-v3-mo-variant.json"), item.into_variant());
        let body = r#"{"id":4711,"status":"received","reference":"order-17","detail":"secret","secret":1}"#;
        let item = mode.dlr(&DlrCallback::parse(body).unwrap(), received(body));
        golden(include_str!("../golden/item-v3-dlr.json"), item);
    }

    #[test]
    fn unknown_layout_is_rejected() {
        let mut newer: Value = serde_json::from_str(include_str!("../golden/item-v1-mo.json")).unwrap();
        newer["v"] = json!(4);
        let error = serde_json::from_value::<Item<'_>>(newer).unwrap_err();
        assert_eq!(error.to_string(), "item layout 4 is not known");
    }

    #[test]
    fn body_must_match_its_layout() {
        let with = |members: Value| {
            let mut item: Value = serde_json::from_str(include_str!("../golden/item-v1-mo.json")).unwrap();
            item.as_object_mut().unwrap().remove("body");
            item.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
            serde_json::from_value::<Item<'_>>(item).map(|item| item.body).map_err(|error| error.to_string())
        };
        let body_key = ObjectKey::of_body(b"{}");
        let object = Body::Object(Object { body_key: body_key.clone(), body_bytes: 2 });
        assert_eq!(with(json!({"v": 2, "body_key": body_key, "body_bytes": 2})), Ok(object));
        assert_eq!(with(json!({"v": 2, "body": "{}"})), Ok(Body::Inline("{}".into())));
        assert_eq!(with(json!({"v": 3, "body_bytes": 2})), Ok(Body::NotKept { body_bytes: 2 }));
        for wrong in [
            json!({"v": 1, "body_key": body_key, "body_bytes": 2}),
            json!({"v": 2, "body_key": body_key}),
            json!({"v": 2, "body": "{}", "body_key": body_key, "body_bytes": 2}),
            json!({"v": 1, "body_base64": "AP8="}),
            json!({"v": 1}),
            json!({"v": 2, "body_bytes": 2}),
            json!({"v": 3, "body": "{}", "body_bytes": 2}),
            json!({"v": 3}),
        ] {
            assert_eq!(with(wrong), Err("the item's body is not where its layout says".to_owned()));
        }
    }

    #[test]
    fn variant_is_stored_beside_the_first_body() {
        let first = mo(MO);
        let variant = mo(MO).into_variant();
        assert_eq!(variant.key.pk, first.key.pk);
        assert_eq!(variant.key.sk, format!("EVENT#{}", first.digest.short()));
        assert_eq!(variant.size_bytes() - first.size_bytes(), Item::VARIANT_BYTES);
        assert!(variant.is_variant() && !first.is_variant());
        assert_ne!(variant.key.event_id(), first.key.event_id());
    }

    #[test]
    fn event_id_never_changes() {
        // printf 'MO#7c1f\0EVENT' | sha256sum | cut -c-32
        assert_eq!(mo(MO).key.event_id(), "2261d224ea3b4a40860397f823cb7d66");
        let key = |pk: &str, sk: &str| Key { pk: pk.to_owned(), sk: sk.to_owned() };
        assert_ne!(key("DLR#a", "b#c").event_id(), key("DLR#a#b", "c").event_id());
    }

    #[test]
    fn unusable_copies_are_left_out() {
        let long = "6".repeat(MAX_COPY_BYTES + 1);
        let body = format!(r#"{{"id":"a","source":"","Destination":"{long}"}}"#);
        let item = mo(&body);
        assert_eq!((item.source, item.destination), (None, None));
        let body = r#"{"id":"a","source":"\u0000","content":{"type":"te\uffffxt"}}"#;
        let item = mo(body);
        assert_eq!((item.source, item.message_type), (None, None));
        let fits = "6".repeat(MAX_COPY_BYTES);
        let body = format!(r#"{{"id":"a","source":"{fits}"}}"#);
        assert_eq!(mo(&body).source.as_deref(), Some(fits.as_str()));
    }

    #[test]
    fn size_counts_every_name_and_value() {
        let item = mo(MO);
        let written = serde_json::to_value(&item).unwrap();
        let expected: usize = written
            .as_object()
            .unwrap()
            .iter()
            .map(|(name, value)| name.len() + value.as_str().map_or(21, str::len))
            .sum();
        assert_eq!(item.size_bytes(), expected);
        assert_eq!(dlr(DLR).size_bytes(), {
            // By hand: the key, the 24 characters of an instant, the 64 of a digest.
            let key = 2 + "DLR#4711".len() + 2 + "received".len();
            let numbers = (1 + 21) + (10 + 21);
            let texts = (11 + 24) + (4 + DLR.len()) + (6 + 64) + (11 + "shop".len());
            let copies = (6 + "received".len()) + (9 + "order-17".len());
            key + numbers + texts + copies
        });
    }

    #[test]
    fn size_counts_binary_content() {
        let content = BinaryContent::of(b"GIF89a", "image/gif");
        let mut item = mo(MO);
        let before = item.size_bytes();
        let described = content.size_bytes();
        item.binary = Some(content);
        assert_eq!(item.size_bytes(), before + described);
    }

    #[test]
    fn text_of_650_bytes_costs_one_write_unit() {
        let text = "x".repeat(650 - MO.len());
        let body = MO.replace("Kia ora", &format!("Kia ora{text}"));
        assert_eq!(body.len(), 650);
        assert!(mo(&body).size_bytes() <= 1024, "{}", mo(&body).size_bytes());
    }
}
