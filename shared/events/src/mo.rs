//! A message from a WhatsApp user: the callback, and the message in its `content`.

use std::fmt;
use std::sync::OnceLock;

use crate::message::shape::object;
use crate::message::{Decimal, Json, Message, Sender};

/// A message from a WhatsApp user: the gateway's callback, and WhatsApp's message object within it.
#[derive(Clone)]
pub struct Mo {
    callback: MoData,
    /// Read on first use, and boxed: the publisher never needs it.
    message: OnceLock<Option<Box<Message>>>,
}

impl Mo {
    /// The message of a callback.
    #[must_use]
    pub fn new(callback: MoData) -> Self {
        Self { callback, message: OnceLock::new() }
    }

    /// The callback's own fields.
    #[must_use]
    pub fn callback(&self) -> &MoData {
        &self.callback
    }

    /// The callback's own fields, to change them.
    pub fn callback_mut(&mut self) -> &mut MoData {
        self.message = OnceLock::new();
        &mut self.callback
    }

    /// The message. None if `content` is absent or isn't a JSON object; binary content, for example, is described by
    /// [`MoData::binary`].
    #[must_use]
    pub fn message(&self) -> Option<&Message> {
        let read = || Message::of(self.callback.content.as_ref()?.raw()).ok().map(Box::new);
        self.message.get_or_init(read).as_deref()
    }

    /// The sender, by every identifier that the message and the callback contain. Where they differ, the message wins.
    #[must_use]
    pub fn sender(&self) -> Sender {
        let sender = self.message().map(Message::sender).unwrap_or_default();
        sender.or(&Sender::of(self.callback.source.as_deref()))
    }
}

impl fmt::Debug for Mo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mo").field("callback", &self.callback).field("message", &self.message()).finish()
    }
}

impl PartialEq for Mo {
    fn eq(&self, other: &Self) -> bool {
        self.callback == other.callback
    }
}

impl Eq for Mo {}

object! {
    /// `data` of an MO event: the gateway's callback.
    MoData {
        /// The gateway's message id.
        id: String,
        /// The sender as received: `+64…`, `64…`, or a business-scoped user id.
        source: Option<String>,
        /// The recipient as received.
        destination: Option<String>,
        /// WhatsApp's message object, verbatim; a base64 string if `encoding` is `base64`; rarely any other JSON. Absent
        /// if it is binary and the event would otherwise exceed the SNS message limit: `binary` then locates the bytes.
        content: Option<Json>,
        /// `base64` marks a binary `content`.
        encoding: Option<String>,
        /// The sender's mobile operator.
        operator: Option<String>,
        /// The gateway's id of the sent message that this one replies to.
        reply_to: Option<String>,
        /// The reference of the sent message that this one replies to.
        reference: Option<String>,
        /// An object of the callback's undocumented keys.
        undocumented as "unrecognized": Option<Json>,
        /// Describes a binary `content` once decoded.
        binary: Option<Binary>,
        /// Present only if wab keeps no content: describes the message in place of `source`, `content` and everything else
        /// that is absent.
        omitted: Option<OmittedMessage>,
    }
}

object! {
    /// What is known of a message whose content isn't kept.
    OmittedMessage {
        /// The message's type, such as `text`. Absent if it has none.
        message_type as "type": Option<String>,
        /// When the user sent the message, by WhatsApp's clock: RFC 3339, UTC, to the second. Absent if the message has no
        /// such time.
        sent_at: Option<String>,
        /// A keyed hash of the sender: `hmac:` and 64 hex digits. All messages of a sender have the same, however the
        /// callback spells the number.
        contact: Option<String>,
        /// The size of the callback's body in bytes.
        bytes: Decimal,
        /// A keyed hash of the callback's body: 64 hex digits.
        digest: String,
    }
}

object! {
    /// Binary content of a message.
    Binary {
        /// The number of bytes, decoded.
        bytes: Decimal,
        /// The SHA-256 digest of the bytes, in hex.
        sha256: String,
        /// The media type, detected from the first bytes; `application/octet-stream` if none is detected.
        content_type: String,
        /// The object that holds the bytes: `s3://<bucket>/<key>`. Absent if it couldn't be stored; `content` then holds
        /// the bytes in base64.
        dataref: Option<String>,
    }
}
