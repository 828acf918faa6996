//! Messages about an earlier message: a reaction, an edit, a deletion.

use crate::message::shape::object;
use crate::message::value::Id;
use crate::message::view::Message;

object! {
    /// An emoji on an earlier message, or its removal.
    ///
    /// ```
    /// use wab_events::message::{Message, MessageKind, Payload};
    ///
    /// let message = Message::parse(r#"{"type": "reaction", "reaction": {"message_id": "wamid.QUJD", "emoji": ""}}"#)?;
    /// let MessageKind::Known(Payload::Reaction(reaction)) = message.kind() else { panic!("a reaction") };
    /// assert_eq!(reaction.message_id.as_str(), "wamid.QUJD");
    /// assert!(reaction.is_removal());
    /// # Ok::<(), wab_events::message::NotAMessage>(())
    /// ```
    Reaction {
        /// The earlier message.
        message_id: Id,
        /// The emoji; none or empty if it was taken back.
        emoji: Option<String>,
    }
}

impl Reaction {
    /// Whether an earlier reaction was taken back.
    #[must_use]
    pub fn is_removal(&self) -> bool {
        self.emoji.as_deref().unwrap_or_default().is_empty()
    }
}

object! {
    /// An earlier message, edited.
    ///
    /// ```
    /// use wab_events::message::{Message, MessageKind, Payload};
    ///
    /// let json = r#"{"type": "edit", "edit": {"original_message_id": "wamid.QUJD",
    ///     "message": {"type": "text", "text": {"body": "Kia ora!"}}}}"#;
    /// let message = Message::parse(json)?;
    /// let MessageKind::Known(Payload::Edit(edit)) = message.kind() else { panic!("an edit") };
    /// assert_eq!(edit.original_message_id.as_str(), "wamid.QUJD");
    /// assert_eq!(edit.message.text(), Some("Kia ora!"));
    /// # Ok::<(), wab_events::message::NotAMessage>(())
    /// ```
    Edit {
        /// The earlier message.
        original_message_id: Id,
        /// What it is now: a message without id and sender. An edit within it isn't looked into.
        message: Box<Message>,
    }
}

object! {
    /// An earlier message, deleted by its sender.
    ///
    /// ```
    /// use wab_events::message::{Message, MessageKind, Payload};
    ///
    /// let message = Message::parse(r#"{"type": "revoke", "revoke": {"original_message_id": "wamid.QUJD"}}"#)?;
    /// let MessageKind::Known(Payload::Revoke(revoke)) = message.kind() else { panic!("a deletion") };
    /// assert_eq!(revoke.original_message_id.as_str(), "wamid.QUJD");
    /// # Ok::<(), wab_events::message::NotAMessage>(())
    /// ```
    Revoke {
        /// The earlier message.
        original_message_id: Id,
    }
}
