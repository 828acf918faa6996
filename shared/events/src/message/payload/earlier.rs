//! Messages about an earlier message: a reaction, an edit, a deletion.

use crate::message::shape::object;
use crate::message::value::Id;
use crate::message::view::Message;

object! {
    /// An emoji on an earlier message, or its removal.
    Reaction {
        /// WhatsApp's id of the earlier message.
        message_id: Id,
        /// The emoji. Absent or empty if the reaction was removed.
        emoji: Option<String>,
    }
}

impl Reaction {
    /// True if an earlier reaction was removed.
    #[must_use]
    pub fn is_removal(&self) -> bool {
        self.emoji.as_deref().unwrap_or_default().is_empty()
    }
}

object! {
    /// An earlier message, edited: as it is now, without id and sender. An edit within an edit has an unknown type.
    Edit {
        /// WhatsApp's id of the earlier message.
        original_message_id: Id,
        /// The message as edited, without id and sender. Its kind is never [`Malformed`](crate::message::MessageKind::Malformed);
        /// an edit within it is [`Unrecognized`](crate::message::MessageKind::Unrecognized).
        // Code generators copy a type whose reference has a description.
        #[cfg_attr(feature = "schema", schemars(description = ""))]
        message: Box<Message>,
    }
}

object! {
    /// An earlier message, deleted by its sender.
    Revoke {
        /// WhatsApp's id of the earlier message.
        original_message_id: Id,
    }
}
