//! From a delivery of SQS or SNS to a typed event.

use std::borrow::Cow;
use std::fmt;

use percent_encoding::percent_decode_str;
use serde::ser::{Serialize, SerializeMap, Serializer};

use crate::dlr::DlrData;
use crate::envelope::Envelope;
use crate::kind::Kind;
use crate::message::shape::{Members, Shape, text};
use crate::message::{Fault, Message, Problem, Unrecognized};
use crate::mo::{Mo, MoData};
use crate::redacted::Redacted;

/// A published event. The [crate's page](crate) shows how to work with one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    envelope: Envelope,
    data: Data,
}

/// The content of an event.
///
/// Exhaustive on purpose: events of a new kind have a new `type`, which [`Event::parse`] rejects as
/// [`EventError::UnknownContract`].
#[derive(Clone, PartialEq, Eq)]
pub enum Data {
    /// A message from a WhatsApp user.
    Mo(Box<Mo>),
    /// A delivery receipt.
    Dlr(Box<DlrData>),
    /// The callback is stored elsewhere: the event would exceed the SNS message limit, or the callback's body couldn't
    /// be read when the event was published. The [crate's page](crate#events-by-reference) shows how to fetch it.
    Elsewhere {
        /// The kind of callback.
        kind: Kind,
        /// Where the callback's body is: `s3://<bucket>/<key>`, or `<table ARN>?pk=…&sk=…` for an item of the table,
        /// with `pk` and `sk` percent-encoded.
        dataref: String,
    },
}

impl fmt::Debug for Data {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Mo(mo) => fmt::Debug::fmt(mo, f),
            Self::Dlr(receipt) => fmt::Debug::fmt(receipt, f),
            Self::Elsewhere { kind, dataref } => {
                f.debug_struct("Elsewhere").field("kind", kind).field("dataref", &Redacted::new(dataref)).finish()
            }
        }
    }
}

/// Why a delivery isn't an event. Contains nothing of the delivery, so it may be logged.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EventError {
    /// The text isn't a JSON object.
    #[error("the delivery is not a JSON object")]
    NotJson,
    /// The object doesn't follow the contract.
    #[error("the delivery is not an event: {0}")]
    NotAnEvent(Fault),
    /// The event's `type` is unknown to this version of the crate.
    #[error("the event's type is neither wab.mo.v1 nor wab.dlr.v1")]
    UnknownContract,
}

impl Event {
    /// Builds an event, as the publisher and tests do. For [`Data::Elsewhere`], set the envelope's `dataref` too. The
    /// envelope's `data` must be empty.
    #[must_use]
    pub fn new(envelope: Envelope, data: Data) -> Self {
        Self { envelope, data }
    }

    /// Reads a delivery: the body of an SQS message, with or without raw message delivery, or the `Message` that SNS
    /// passes to a function or an HTTPS endpoint.
    ///
    /// # Errors
    /// If the delivery isn't an event of this project. The WhatsApp message within it never causes an error: see
    /// [`MessageKind`](crate::message::MessageKind).
    pub fn parse(delivery: &str) -> Result<Self, EventError> {
        let members: Members<'_> = serde_json::from_str(delivery).map_err(|_| EventError::NotJson)?;
        // SNS's envelope (SNS developer guide, "HTTP/HTTPS notification JSON format").
        if members.get("Type").is_some_and(|name| name.get() == r#""Notification""#)
            && let Some(message) = members.get("Message")
        {
            let message =
                text(message, "a string").map_err(|fault| EventError::NotAnEvent(fault.under_key("Message")))?;
            return Self::read(serde_json::from_str(&message).map_err(|_| EventError::NotJson)?);
        }
        Self::read(members)
    }

    fn read(mut members: Members<'_>) -> Result<Self, EventError> {
        let data = members.get("data").filter(|data| data.get() != "null");
        members.remove("data");
        let (mut envelope, others) = Envelope::read_members(members, &mut Err).map_err(EventError::NotAnEvent)?;
        envelope.unrecognized = others.into();
        let kind = Kind::of_schema(&envelope.event_type).ok_or(EventError::UnknownContract)?;
        let in_data = |fault: Fault| EventError::NotAnEvent(fault.under_key("data"));
        let data = match (data, &envelope.dataref) {
            (Some(data), _) => match kind {
                Kind::Mo => Data::Mo(Box::new(Mo::new(MoData::read(data).map_err(in_data)?))),
                Kind::Dlr => Data::Dlr(Box::new(DlrData::read(data).map_err(in_data)?)),
            },
            (None, Some(dataref)) => Data::Elsewhere { kind, dataref: dataref.clone() },
            (None, None) => return Err(in_data(Fault::here(Problem::Missing))),
        };
        Ok(Self { envelope, data })
    }

    /// The event's id: 32 hex digits. Every delivery of this event has the same id, so **deduplicate by it**.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.envelope.id
    }

    /// The gateway application that made the callback: the user name of the callback credentials.
    #[must_use]
    pub fn application(&self) -> Cow<'_, str> {
        let source = &self.envelope.source;
        percent_decode_str(source.strip_prefix("/wab/").unwrap_or(source)).decode_utf8_lossy()
    }

    /// The gateway's message id. All receipts of one message have the same.
    #[must_use]
    pub fn subject(&self) -> &str {
        &self.envelope.subject
    }

    /// When API Gateway received the callback, to the millisecond. None if the event's `time` isn't RFC 3339.
    #[must_use]
    pub fn received_at(&self) -> Option<jiff::Timestamp> {
        self.envelope.time.parse().ok()
    }

    /// Set only if an earlier callback with another body has the same message id and, for a receipt, the same status:
    /// the first 12 hex digits of this body's digest.
    #[must_use]
    pub fn variant(&self) -> Option<&str> {
        self.envelope.variant.as_deref()
    }

    /// Whether the event is a message or a delivery receipt. The kind decides the topic.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match &self.data {
            Data::Mo(_) => Kind::Mo,
            Data::Dlr(_) => Kind::Dlr,
            Data::Elsewhere { kind, .. } => *kind,
        }
    }

    /// The content of the event.
    #[must_use]
    pub fn data(&self) -> &Data {
        &self.data
    }

    /// The content of the event, to change it.
    pub fn data_mut(&mut self) -> &mut Data {
        &mut self.data
    }

    /// The WhatsApp message of an MO event, if its `content` is one. See [`Mo::message`].
    #[must_use]
    pub fn message(&self) -> Option<&Message> {
        match &self.data {
            Data::Mo(mo) => mo.message(),
            Data::Dlr(_) | Data::Elsewhere { .. } => None,
        }
    }

    /// Whether the stack that published the event keeps no content. The event's data then has `omitted`.
    #[must_use]
    pub fn is_content_free(&self) -> bool {
        match &self.data {
            Data::Mo(mo) => mo.callback().omitted.is_some(),
            Data::Dlr(receipt) => receipt.omitted.is_some(),
            Data::Elsewhere { .. } => false,
        }
    }

    /// Keys of the envelope that this version of the crate doesn't know. A newer version may add some.
    #[must_use]
    pub fn unrecognized(&self) -> &Unrecognized {
        &self.envelope.unrecognized
    }
}

/// Writes the structured JSON form of CloudEvents, with `data` last.
impl Serialize for Event {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        self.envelope.serialize_into(&mut map)?;
        match &self.data {
            Data::Mo(mo) => map.serialize_entry("data", mo.callback())?,
            Data::Dlr(receipt) => map.serialize_entry("data", receipt)?,
            Data::Elsewhere { .. } => {}
        }
        map.end()
    }
}
