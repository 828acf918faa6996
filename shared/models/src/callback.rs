//! The two callbacks of the gateway, parsed from the request's body (docs/gateway.md parts 1, 2 and 4).
//!
//! Required are a JSON object with an id and, in a delivery receipt, a status. Everything else may be missing, empty,
//! unknown or of another type, and is kept.

use std::borrow::Cow;
use std::fmt;

use wab_events::{DeliveryStatus, Redacted};

use crate::content::Content;
use crate::fields::{Fields, take_text};

/// The longest accepted message id, in bytes of UTF-8. Documented ids are UUIDs or 64-bit numbers. A partition key of
/// the table may be 2,048 bytes long.
pub const MAX_ID_BYTES: usize = 512;

/// The longest accepted status, in bytes of UTF-8. A sort key of the table may be 1,024 bytes long.
pub const MAX_STATUS_BYTES: usize = 512;

/// A message from a WhatsApp user (mobile originated).
#[derive(Clone)]
pub struct MoCallback<'a> {
    pub id: MessageId<'a>,
    /// The sender, verbatim: `+64…`, `64…`, or a business-scoped user id (`NZ.1349…`).
    pub source: Option<Cow<'a, str>>,
    /// The recipient, verbatim. The product page spells the key `Destination`, every sibling interface `destination`.
    /// Both are read.
    pub destination: Option<Cow<'a, str>>,
    pub content: Content<'a>,
    /// `base64` if `content` is binary.
    pub encoding: Option<Cow<'a, str>>,
    /// The sender's mobile operator.
    pub operator: Option<Cow<'a, str>>,
    /// The id of the message that this one replies to.
    pub reply_to: Option<Cow<'a, str>>,
    /// The reference of the message that this one replies to.
    pub reference: Option<Cow<'a, str>>,
    /// Undocumented keys, and documented keys whose value isn't text.
    pub unrecognized: Fields<'a>,
}

impl fmt::Debug for MoCallback<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MoCallback").field("id", &self.id).field("content", &self.content).finish_non_exhaustive()
    }
}

impl<'a> MoCallback<'a> {
    /// Reads the body of an MO callback.
    ///
    /// # Errors
    /// If the body isn't a JSON object or has no usable id.
    ///
    /// # Example
    /// ```
    /// let body = r#"{"id": "7c1f", "source": "+6421000001", "Destination": "6421000002",
    ///                "content": {"type": "text", "text": {"body": "Kia ora"}}}"#;
    /// let callback = wab_models::MoCallback::parse(body)?;
    /// assert_eq!(callback.destination.as_deref(), Some("6421000002"));
    /// assert_eq!(callback.content.message_type().as_deref(), Some("text"));
    /// # Ok::<(), wab_models::CallbackError>(())
    /// ```
    pub fn parse(body: &'a str) -> Result<Self, CallbackError> {
        let mut fields = read_object(body)?;
        let id = MessageId::take(&mut fields)?;
        let source = take_text(&mut fields, "source");
        let destination = take_text(&mut fields, "destination").or_else(|| take_text(&mut fields, "Destination"));
        let encoding = take_text(&mut fields, "encoding");
        let content = Content::of(fields.remove("content"), encoding.as_deref());
        Ok(Self {
            id,
            source,
            destination,
            content,
            encoding,
            operator: take_text(&mut fields, "operator"),
            reply_to: take_text(&mut fields, "reply_to"),
            reference: take_text(&mut fields, "reference"),
            unrecognized: fields,
        })
    }
}

/// A delivery receipt of a message that was sent.
#[derive(Clone)]
pub struct DlrCallback<'a> {
    /// The id of the sent message.
    pub id: MessageId<'a>,
    pub status: DeliveryStatus,
    /// The reference that its sender gave the message.
    pub reference: Option<Cow<'a, str>>,
    /// Free text from the gateway.
    pub detail: Option<Cow<'a, str>>,
    /// Undocumented keys, and documented keys whose value isn't text.
    pub unrecognized: Fields<'a>,
}

impl fmt::Debug for DlrCallback<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DlrCallback").field("id", &self.id).field("status", &self.status).finish_non_exhaustive()
    }
}

impl<'a> DlrCallback<'a> {
    /// Reads the body of a DLR callback.
    ///
    /// # Errors
    /// If the body isn't a JSON object or has no usable id or status.
    ///
    /// # Example
    /// ```
    /// use wab_events::DeliveryStatus;
    /// use wab_models::DlrCallback;
    ///
    /// let callback = DlrCallback::parse(r#"{"id": 4711, "status": "received", "reference": ""}"#)?;
    /// assert_eq!(callback.id.as_str(), "4711");
    /// assert_eq!(callback.status, DeliveryStatus::Received);
    /// assert_eq!(callback.reference, None);
    /// # Ok::<(), wab_models::CallbackError>(())
    /// ```
    pub fn parse(body: &'a str) -> Result<Self, CallbackError> {
        let mut fields = read_object(body)?;
        let id = MessageId::take(&mut fields)?;
        let status = take_text(&mut fields, "status").ok_or(CallbackError::NoStatus)?;
        if status.len() > MAX_STATUS_BYTES {
            return Err(CallbackError::StatusTooLong);
        }
        Ok(Self {
            id,
            status: DeliveryStatus::from(&*status),
            reference: take_text(&mut fields, "reference"),
            detail: take_text(&mut fields, "detail"),
            unrecognized: fields,
        })
    }
}

/// The gateway's id of a message: a UUID on its newer interfaces, a signed 64-bit number on older ones (docs/gateway.md
/// part 1). It is opaque: a number is kept as its digits. Not empty, at most [`MAX_ID_BYTES`] long.
#[derive(Clone, PartialEq, Eq)]
pub struct MessageId<'a>(Cow<'a, str>);

impl fmt::Debug for MessageId<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("MessageId").field(&Redacted::new(&*self.0)).finish()
    }
}

impl<'a> MessageId<'a> {
    /// Checks an id.
    ///
    /// # Errors
    /// If it is empty or too long.
    pub fn new(id: impl Into<Cow<'a, str>>) -> Result<Self, CallbackError> {
        let id = id.into();
        match id.len() {
            0 => Err(CallbackError::NoId),
            1..=MAX_ID_BYTES => Ok(Self(id)),
            _ => Err(CallbackError::IdTooLong),
        }
    }

    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// `id`, or `message_id`, as one page of the gateway's documentation names it.
    fn take(fields: &mut Fields<'a>) -> Result<Self, CallbackError> {
        let id = take_text(fields, "id").or_else(|| take_text(fields, "message_id"));
        Self::new(id.ok_or(CallbackError::NoId)?)
    }
}

/// Why a body isn't a callback. No variant holds any of the body.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CallbackError {
    /// The body isn't UTF-8, so it isn't JSON (RFC 8259 section 8.1).
    #[error("the body is not UTF-8")]
    NotUtf8,
    /// The body isn't JSON (RFC 8259).
    #[error("the body is not JSON: line {line}, column {column}")]
    NotJson {
        /// Where parsing stopped, counted from 1.
        line: usize,
        column: usize,
    },
    /// The body is JSON but not an object.
    #[error("the body is not a JSON object")]
    NotAnObject,
    /// Neither `id` nor `message_id` is a string or a number.
    #[error("the callback has no id")]
    NoId,
    /// The id is longer than [`MAX_ID_BYTES`].
    #[error("the callback's id is too long")]
    IdTooLong,
    /// The delivery receipt has no status.
    #[error("the delivery receipt has no status")]
    NoStatus,
    /// The status is longer than [`MAX_STATUS_BYTES`].
    #[error("the delivery receipt's status is too long")]
    StatusTooLong,
}

/// The body as text.
///
/// # Errors
/// If it isn't UTF-8.
pub fn utf8(body: &[u8]) -> Result<&str, CallbackError> {
    std::str::from_utf8(body).map_err(|_| CallbackError::NotUtf8)
}

fn read_object(body: &str) -> Result<Fields<'_>, CallbackError> {
    // The error's own text may quote the body, so only its position is kept.
    serde_json::from_str(body).map_err(|error| {
        if error.is_data() {
            CallbackError::NotAnObject
        } else {
            CallbackError::NotJson { line: error.line(), column: error.column() }
        }
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};
    use wab_events::{DlrData, MoData};

    use super::*;

    /// Parses an MO and compares it with the `data` of its event.
    #[track_caller]
    fn check_mo(body: &str, published: Value) {
        let callback = MoCallback::parse(body).expect("the body is a callback");
        assert_eq!(serde_json::to_value(MoData::from(callback)).unwrap(), published);
    }

    #[track_caller]
    fn check_dlr(body: &str, published: Value) {
        let callback = DlrCallback::parse(body).expect("the body is a callback");
        assert_eq!(serde_json::to_value(DlrData::from(callback)).unwrap(), published);
    }

    #[test]
    fn both_spellings_of_destination_are_read() {
        check_mo(r#"{"id":"a","Destination":"1"}"#, json!({"id": "a", "destination": "1"}));
        check_mo(r#"{"id":"a","destination":"1"}"#, json!({"id": "a", "destination": "1"}));
        check_mo(
            r#"{"id":"a","Destination":"2","destination":"1"}"#,
            json!({"id": "a", "destination": "1", "unrecognized": {"Destination": "2"}}),
        );
        check_mo(r#"{"id":"a","Destination":"2","destination":""}"#, json!({"id": "a", "destination": "2"}));
    }

    #[test]
    fn an_id_is_a_string_or_a_number_under_either_name() {
        check_mo(r#"{"id":"7c1f-42"}"#, json!({"id": "7c1f-42"}));
        check_mo(r#"{"message_id":"x"}"#, json!({"id": "x"}));
        check_mo(r#"{"id":null,"message_id":"x"}"#, json!({"id": "x"}));
        check_mo(r#"{"id":"y","message_id":"x"}"#, json!({"id": "y", "unrecognized": {"message_id": "x"}}));
        check_mo(r#"{"id":-9223372036854775808}"#, json!({"id": "-9223372036854775808"}));
        check_mo(r#"{"id":123456789012345678901234567890}"#, json!({"id": "123456789012345678901234567890"}));
        check_mo(r#"{"id":"\u0061b"}"#, json!({"id": "ab"}));
    }

    #[test]
    fn optional_fields_may_be_absent_empty_null_or_numbers() {
        check_mo(r#"{"id":"a","source":null,"operator":"","reply_to":7}"#, json!({"id": "a", "reply_to": "7"}));
        check_mo(r#"{"id":"a","content":null}"#, json!({"id": "a"}));
        check_dlr(r#"{"id":"a","status":"sent","reference":"","detail":null}"#, json!({"id": "a", "status": "sent"}));
        check_dlr(
            r#"{"id":1,"status":"failed","reference":"r-1","detail":"no route"}"#,
            json!({"id": "1", "status": "failed", "reference": "r-1", "detail": "no route"}),
        );
    }

    #[test]
    fn unrecognised_keys_and_kinds_are_kept() {
        check_mo(
            r#"{"id":"a","source":["+64"],"brand":{"new":1.10},"content":{"type":"text"}}"#,
            json!({"id": "a", "content": {"type": "text"},
                   "unrecognized": {"source": ["+64"], "brand": {"new": 1.10}}}),
        );
        check_dlr(
            r#"{"id":"a","status":"read","at":17}"#,
            json!({"id": "a", "status": "read", "unrecognized": {"at": 17}}),
        );
    }

    #[test]
    fn content_is_kept_byte_for_byte() {
        let content = r#"{ "type" : "text", "text":{"body":"\u00e9 \ud83d\ude00 \ud800"},"n":1.50e1, "n":2 }"#;
        let body = format!(r#"{{"id":"a","content":{content}}}"#);
        let callback = MoCallback::parse(&body).unwrap();
        assert_eq!(callback.content.raw().unwrap().get(), content);
        assert_eq!(
            serde_json::to_string(&MoData::from(callback)).unwrap(),
            format!(r#"{{"id":"a","content":{content}}}"#)
        );
    }

    #[test]
    fn error_reveals_nothing_of_the_body() {
        let long = format!(r#"{{"id":"{}","status":"sent"}}"#, "x".repeat(MAX_ID_BYTES + 1));
        let long_status = format!(r#"{{"id":"a","status":"{}"}}"#, "x".repeat(MAX_STATUS_BYTES + 1));
        let cases = [
            ("", CallbackError::NotJson { line: 1, column: 0 }),
            ("{", CallbackError::NotJson { line: 1, column: 1 }),
            (r#"{"id":"secret",}"#, CallbackError::NotJson { line: 1, column: 16 }),
            (r#"{"id":"a","status":"sent"} x"#, CallbackError::NotJson { line: 1, column: 28 }),
            (r#""secret""#, CallbackError::NotAnObject),
            ("[]", CallbackError::NotAnObject),
            ("null", CallbackError::NotAnObject),
            ("4711", CallbackError::NotAnObject),
            ("{}", CallbackError::NoId),
            (r#"{"id":""}"#, CallbackError::NoId),
            (r#"{"id":true}"#, CallbackError::NoId),
            (r#"{"id":{"secret":1}}"#, CallbackError::NoId),
            (r#"{"id":"\ud800"}"#, CallbackError::NoId),
            (&long, CallbackError::IdTooLong),
            (r#"{"id":"a"}"#, CallbackError::NoStatus),
            (r#"{"id":"a","status":""}"#, CallbackError::NoStatus),
            (&long_status, CallbackError::StatusTooLong),
        ];
        for (body, expected) in cases {
            let error = DlrCallback::parse(body).expect_err(body);
            assert_eq!(error, expected, "{body}");
            assert!(!format!("{error} {error:?}").contains("secret"));
        }
        let longest = "x".repeat(MAX_ID_BYTES);
        assert!(MoCallback::parse(&format!(r#"{{"id":"{longest}"}}"#)).is_ok());
        let longest = "x".repeat(MAX_STATUS_BYTES);
        assert!(DlrCallback::parse(&format!(r#"{{"id":"a","status":"{longest}"}}"#)).is_ok());
    }

    #[test]
    fn body_is_text_only_as_utf8() {
        assert_eq!(utf8("{\"id\":\"é\"}".as_bytes()), Ok("{\"id\":\"é\"}"));
        assert_eq!(utf8(b"{\"id\":\"\xff\"}"), Err(CallbackError::NotUtf8));
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(body in r#"[{}\[\]",:\\u0ai d]{0,60}|.*"#) {
            let _ = MoCallback::parse(&body);
            let _ = DlrCallback::parse(&body);
        }

        #[test]
        fn every_id_and_every_status_comes_back(id in ".{1,100}", status in ".{1,100}") {
            let body = json!({"id": id, "status": status}).to_string();
            let callback = DlrCallback::parse(&body).unwrap();
            prop_assert_eq!(callback.id.as_str(), &id);
            prop_assert_eq!(callback.status.as_str(), &status);
        }
    }
}
