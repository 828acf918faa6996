//! For those who subscribe: from a delivery of SQS or SNS to a typed event, in one call.
//!
//! ```
//! use wab_events::{Data, Event};
//!
//! // What a queue gets with raw delivery. Without it the same stands in SNS's envelope: `parse` takes both.
//! let body = r#"{"specversion": "1.0", "id": "b48e0ae6ab12d6a90aab59f0ecf2e500", "source": "/wab/gateway",
//!     "type": "wab.mo.v1", "subject": "7c1f", "time": "2026-11-23T09:15:02.417Z", "datacontenttype": "application/json",
//!     "data": {"id": "7c1f", "source": "+6421000001", "destination": "6421000002",
//!              "content": {"type": "text", "text": {"body": "Kia ora"}}}}"#;
//! let event = Event::parse(body)?;
//! match event.data() {
//!     Data::Mo(mo) => {
//!         assert_eq!(mo.message().unwrap().text(), Some("Kia ora"));
//!         assert_eq!(mo.sender().phone().unwrap().digits(), "6421000001");
//!     }
//!     Data::Dlr(receipt) => println!("{} is {}", receipt.id, receipt.status().as_str()),
//!     Data::Elsewhere { dataref, .. } => println!("too large for SNS, fetch it: {dataref}"),
//! }
//! # Ok::<(), wab_events::EventError>(())
//! ```

use std::borrow::Cow;
use std::sync::OnceLock;

use percent_encoding::percent_decode_str;
use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::value::RawValue;

use crate::kind::Kind;
use crate::message::shape::{Shape, members, object, text};
use crate::message::{Decimal, Fault, Json, Message, Sender};
use crate::status::DeliveryStatus;

/// A published event, as a subscriber gets it. The example is at the [module](self).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    envelope: Envelope,
    data: Data,
}

/// What an event is about. The example is at the [module](self).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Data {
    /// A message from a WhatsApp user.
    Mo(Box<Mo>),
    /// A delivery receipt.
    Dlr(Box<DlrData>),
    /// The event would have been too large for SNS: where it is instead.
    Elsewhere {
        /// What it is.
        kind: Kind,
        /// The callback's body: `s3://<bucket>/<key>`, or ARN of the table with `pk` and `sk` of the item that holds it.
        dataref: String,
    },
}

/// A message from a WhatsApp user: the callback, and the message in its `content`.
///
/// ```
/// use wab_events::{Data, Event};
///
/// let event = Event::parse(r#"{"specversion": "1.0", "id": "b48e", "source": "/wab/shop", "type": "wab.mo.v1", "subject": "7c1f",
///     "time": "2026-11-23T09:15:02.417Z", "datacontenttype": "application/json",
///     "data": {"id": "7c1f", "source": "NZ.1349", "content": {"from": "6421000001", "type": "request_welcome"}}}"#)?;
/// let Data::Mo(mo) = event.data() else { panic!("an MO") };
/// assert_eq!(mo.callback().source.as_deref(), Some("NZ.1349"));
/// let sender = mo.sender();
/// assert_eq!(sender.user_id().unwrap().as_str(), "NZ.1349");
/// assert_eq!(sender.phone().unwrap().digits(), "6421000001");
/// # Ok::<(), wab_events::EventError>(())
/// ```
#[derive(Debug, Clone)]
pub struct Mo {
    callback: MoData,
    /// Read when it is asked for: whoever writes or forwards an event doesn't need it.
    message: OnceLock<Option<Message>>,
}

object! {
    /// A published event, its `data` not read: CloudEvents 1.0 in structured JSON.
    Envelope {
        /// `1.0`.
        specversion: String,
        /// Derived from the stored item's key: the same for every delivery of this event. Dedupe by it.
        id: String,
        /// `/wab/` and the gateway application, percent-encoded.
        source: String,
        /// `wab.mo.v1` or `wab.dlr.v1`: which contract `data` keeps.
        event_type as "type": String,
        /// The gateway's message id; all receipts of a message have the same.
        subject: String,
        /// When API Gateway received the callback: RFC 3339, UTC, milliseconds.
        time: String,
        /// `application/json`.
        datacontenttype: String,
        /// Only on an event whose id was already taken by a callback with another body: 12 hex digits of the body's digest.
        variant: Option<String>,
        /// In place of `data` when the event would be larger than SNS takes, or the body couldn't be read: where the
        /// callback's body is. `s3://<bucket>/<key>`, or ARN of the table with `pk` and `sk` of the item that holds it.
        dataref: Option<String>,
        /// The callback, normalised outside and verbatim inside.
        data: Option<Json>,
    }
}

object! {
    /// `data` of an MO event: the callback, with `content` exactly as it came.
    ///
    /// The example is at [`Mo`].
    MoData {
        /// The gateway's message id.
        id: String,
        /// Who sent it, as it came: `+64…`, `64…`, or a business-scoped user id.
        source: Option<String>,
        /// Whom it was sent to, as it came.
        destination: Option<String>,
        /// WhatsApp's message object as it came; a base64 string if `encoding` says so; rarely any other JSON. Left out
        /// if it is binary and the event would be larger than SNS takes: then `binary` says where its bytes are.
        content: Option<Json>,
        /// `base64` marks a binary `content`.
        encoding: Option<String>,
        /// The sender's mobile operator.
        operator: Option<String>,
        /// The id of the sent message that this one answers.
        reply_to: Option<String>,
        /// The reference of the sent message that this one answers.
        reference: Option<String>,
        /// Keys of the callback that aren't documented.
        undocumented as "unrecognized": Option<Json>,
        /// What a binary `content` is, decoded.
        binary: Option<Binary>,
    }
}

object! {
    /// Binary content of a message.
    ///
    /// ```
    /// use wab_events::{Data, Event};
    ///
    /// let event = Event::parse(r#"{"specversion": "1.0", "id": "b48e", "source": "/wab/shop", "type": "wab.mo.v1", "subject": "7c1f",
    ///     "time": "2026-11-23T09:15:02.417Z", "datacontenttype": "application/json",
    ///     "data": {"id": "7c1f", "encoding": "base64", "binary": {"bytes": 1048576, "sha256": "9f86", "content_type": "image/jpeg",
    ///         "dataref": "s3://bucket/content/9f86"}}}"#)?;
    /// let Data::Mo(mo) = event.data() else { panic!("an MO") };
    /// let binary = mo.callback().binary.as_ref().unwrap();
    /// assert_eq!((binary.bytes.to_i64(), binary.content_type.as_str()), (Some(1_048_576), "image/jpeg"));
    /// assert_eq!(binary.dataref.as_deref(), Some("s3://bucket/content/9f86"));
    /// # Ok::<(), wab_events::EventError>(())
    /// ```
    Binary {
        /// How many bytes, decoded.
        bytes: Decimal,
        /// Their SHA-256 in hex.
        sha256: String,
        /// The media type that their first bytes tell; `application/octet-stream` if they tell none.
        content_type: String,
        /// The object that holds them: `s3://<bucket>/<key>`. Missing if the bucket didn't take it; then `content` has
        /// them in base64.
        dataref: Option<String>,
    }
}

object! {
    /// What became of a sent message, told from all of its receipts that were stored when this event was published.
    ///
    /// ```
    /// use wab_events::DeliveryStatus;
    /// use wab_events::{Data, Event};
    ///
    /// let event = Event::parse(r#"{"specversion": "1.0", "id": "b48e", "source": "/wab/shop", "type": "wab.dlr.v1",
    ///     "subject": "7c1f", "time": "2026-11-23T09:15:02.417Z", "datacontenttype": "application/json",
    ///     "data": {"id": "7c1f", "status": "sent", "delivery": {"current": "received", "final": true, "overtaken": true,
    ///         "history": [{"status": "received", "time": "2026-11-23T09:15:01.000Z"},
    ///                     {"status": "sent", "time": "2026-11-23T09:15:02.417Z"}]}}}"#)?;
    /// let Data::Dlr(receipt) = event.data() else { panic!("a receipt") };
    /// let delivery = receipt.delivery.as_ref().unwrap();
    /// assert_eq!(delivery.status(), DeliveryStatus::Received);
    /// assert!(delivery.is_final && delivery.overtaken);
    /// assert_eq!(delivery.history.len(), 2);
    /// # Ok::<(), wab_events::EventError>(())
    /// ```
    DeliveryState {
        /// The current status: the first final one; without one the furthest.
        current: String,
        /// Whether that is how it ends: it never goes back from there.
        is_final as "final": bool,
        /// Whether this receipt came late, or another one is further.
        overtaken: bool,
        /// All receipts, this one among them, in the order in which they came; at most 100.
        history: Vec<HistoryEntry>,
    }
}

object! {
    /// One receipt in the history of a message.
    ///
    /// ```
    /// use wab_events::{Data, Event};
    ///
    /// let event = Event::parse(r#"{"specversion": "1.0", "id": "b48e", "source": "/wab/shop", "type": "wab.dlr.v1",
    ///     "subject": "7c1f", "time": "2026-11-23T09:15:02.417Z", "datacontenttype": "application/json",
    ///     "data": {"id": "7c1f", "status": "sent", "delivery": {"current": "sent", "final": false, "overtaken": false,
    ///         "history": [{"status": "sent", "time": "2026-11-23T09:15:02.417Z"}]}}}"#)?;
    /// let Data::Dlr(receipt) = event.data() else { panic!("a receipt") };
    /// let entry = receipt.delivery.as_ref().unwrap().history.first().unwrap();
    /// assert_eq!((entry.status.as_str(), entry.time.as_str()), ("sent", "2026-11-23T09:15:02.417Z"));
    /// # Ok::<(), wab_events::EventError>(())
    /// ```
    HistoryEntry {
        /// The status word.
        status: String,
        /// When API Gateway received it: RFC 3339, UTC, milliseconds.
        time: String,
    }
}

impl DeliveryState {
    /// The current status.
    #[must_use]
    pub fn status(&self) -> DeliveryStatus {
        DeliveryStatus::from(self.current.as_str())
    }
}

object! {
    /// `data` of a DLR event.
    ///
    /// ```
    /// use wab_events::DeliveryStatus;
    /// use wab_events::{Data, Event};
    ///
    /// let event = Event::parse(r#"{"specversion": "1.0", "id": "b48e", "source": "/wab/shop", "type": "wab.dlr.v1",
    ///     "subject": "7c1f", "time": "2026-11-23T09:15:02.417Z", "datacontenttype": "application/json",
    ///     "data": {"id": "7c1f", "status": "received", "reference": "order-17"}}"#)?;
    /// let Data::Dlr(receipt) = event.data() else { panic!("a receipt") };
    /// assert_eq!(receipt.status(), DeliveryStatus::Received);
    /// assert_eq!(receipt.reference.as_deref(), Some("order-17"));
    /// # Ok::<(), wab_events::EventError>(())
    /// ```
    DlrData {
        /// The gateway's id of the message that was sent.
        id: String,
        /// What became of it: an open set of words. See [`DlrData::status`].
        status_word as "status": String,
        /// The reference that the sender gave to the message.
        reference: Option<String>,
        /// Free text from the gateway.
        detail: Option<String>,
        /// Keys of the callback that aren't documented.
        undocumented as "unrecognized": Option<Json>,
        /// What became of the message, as far as all of its receipts tell. Events of older versions don't have it.
        delivery: Option<DeliveryState>,
    }
}

/// Why a delivery isn't an event of this project. No arm holds any of it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EventError {
    /// The text isn't a JSON object.
    #[error("the delivery is not a JSON object")]
    NotJson,
    /// It is one, but not as the contract says.
    #[error("the delivery is not an event: {0}")]
    NotAnEvent(Fault),
    /// An event of a contract that this version doesn't know.
    #[error("the event's type is neither wab.mo.v1 nor wab.dlr.v1")]
    UnknownContract,
}

impl Event {
    /// Puts an event together, as the publisher does and a test may. An event [`Data::Elsewhere`] has its `dataref` in
    /// the envelope too; the envelope's own `data` is empty.
    #[must_use]
    pub fn new(envelope: Envelope, data: Data) -> Self {
        Self { envelope, data }
    }

    /// Reads what a subscriber gets: the body of an SQS message with or without raw delivery, or what SNS hands to a
    /// function or a URL as its `Message`.
    ///
    /// # Errors
    /// If it isn't an event of this project. Whatever the message in it is, it is no error.
    pub fn parse(delivery: &str) -> Result<Self, EventError> {
        let raw: &RawValue = serde_json::from_str(delivery).map_err(|_| EventError::NotJson)?;
        let fields = members(raw).map_err(|_| EventError::NotJson)?;
        let field = |name| fields.iter().find(|(key, _)| key == name).map(|(_, value)| value.get());
        // SNS's envelope (SNS developer guide, "HTTP/HTTPS notification JSON format").
        if field("Type") == Some(r#""Notification""#)
            && let Some(message) = field("Message")
        {
            let message =
                text(message, "a string").map_err(|fault| EventError::NotAnEvent(fault.under_key("Message")))?;
            let raw: &RawValue = serde_json::from_str(&message).map_err(|_| EventError::NotJson)?;
            return Self::read(raw);
        }
        Self::read(raw)
    }

    fn read(raw: &RawValue) -> Result<Self, EventError> {
        let mut envelope = Envelope::read(raw).map_err(EventError::NotAnEvent)?;
        let kind = Kind::of_schema(&envelope.event_type).ok_or(EventError::UnknownContract)?;
        let in_data = |fault: Fault| EventError::NotAnEvent(fault.under_key("data"));
        let data = match (envelope.data.take(), &envelope.dataref) {
            (Some(data), _) => match kind {
                Kind::Mo => Data::Mo(Box::new(Mo::new(MoData::read(data.raw()).map_err(in_data)?))),
                Kind::Dlr => Data::Dlr(Box::new(DlrData::read(data.raw()).map_err(in_data)?)),
            },
            (None, Some(dataref)) => Data::Elsewhere { kind, dataref: dataref.clone() },
            (None, None) => return Err(in_data(Fault::here(crate::message::Why::Missing))),
        };
        Ok(Self { envelope, data })
    }

    /// Derived from the stored item's key: the same for every delivery of this event. **Dedupe by it.**
    #[must_use]
    pub fn id(&self) -> &str {
        &self.envelope.id
    }

    /// The gateway application that called: the user name of the callback credentials.
    #[must_use]
    pub fn application(&self) -> Cow<'_, str> {
        let source = &self.envelope.source;
        percent_decode_str(source.strip_prefix("/wab/").unwrap_or(source)).decode_utf8_lossy()
    }

    /// The gateway's message id; all receipts of a message have the same.
    #[must_use]
    pub fn subject(&self) -> &str {
        &self.envelope.subject
    }

    /// When API Gateway received the callback; none if that can't be read.
    #[must_use]
    pub fn received_at(&self) -> Option<jiff::Timestamp> {
        self.envelope.time.parse().ok()
    }

    /// Set on an event whose id was already taken by a callback with another body.
    #[must_use]
    pub fn variant(&self) -> Option<&str> {
        self.envelope.variant.as_deref()
    }

    /// Whether the event is a message or a delivery receipt. It decides the topic.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match &self.data {
            Data::Mo(_) => Kind::Mo,
            Data::Dlr(_) => Kind::Dlr,
            Data::Elsewhere { kind, .. } => *kind,
        }
    }

    /// What the event is about.
    #[must_use]
    pub fn data(&self) -> &Data {
        &self.data
    }

    /// The same, to change it.
    pub fn data_mut(&mut self) -> &mut Data {
        &mut self.data
    }

    /// The message of an MO event, if its `content` is one.
    #[must_use]
    pub fn message(&self) -> Option<&Message> {
        match &self.data {
            Data::Mo(mo) => mo.message(),
            Data::Dlr(_) | Data::Elsewhere { .. } => None,
        }
    }

    /// Keys that the contract doesn't name: a newer version may add some.
    #[must_use]
    pub fn unrecognized(&self) -> &crate::message::Unrecognized {
        &self.envelope.unrecognized
    }
}

/// Writes the structured form of CloudEvents, with `data` last.
impl Serialize for Event {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        self.envelope.serialize_into(&mut map)?;
        match &self.data {
            Data::Mo(mo) => map.serialize_entry("data", &mo.callback)?,
            Data::Dlr(receipt) => map.serialize_entry("data", receipt)?,
            Data::Elsewhere { .. } => {}
        }
        map.end()
    }
}

impl PartialEq for Mo {
    fn eq(&self, other: &Self) -> bool {
        self.callback == other.callback
    }
}

impl Eq for Mo {}

impl Mo {
    /// The message event of a callback.
    #[must_use]
    pub fn new(callback: MoData) -> Self {
        Self { callback, message: OnceLock::new() }
    }

    /// The callback.
    #[must_use]
    pub fn callback(&self) -> &MoData {
        &self.callback
    }

    /// The callback, to change it.
    pub fn callback_mut(&mut self) -> &mut MoData {
        self.message = OnceLock::new();
        &mut self.callback
    }

    /// The message; none if `content` isn't an object.
    #[must_use]
    pub fn message(&self) -> Option<&Message> {
        let read = || Message::of(self.callback.content.as_ref()?.raw()).ok();
        self.message.get_or_init(read).as_ref()
    }

    /// Who sent it, by all names that the message and the callback give; the message's count first.
    #[must_use]
    pub fn sender(&self) -> Sender {
        let sender = self.message().map(Message::sender).unwrap_or_default();
        sender.or(&Sender::of(self.callback.source.as_deref()))
    }
}

impl DlrData {
    /// What became of the message.
    #[must_use]
    pub fn status(&self) -> DeliveryStatus {
        DeliveryStatus::from(self.status_word.as_str())
    }
}
