//! What a vendor's gateway adds to a message, under `_vnd`. It isn't WhatsApp's: only Turn.io's is known, from public
//! recordings, and whatever stands there never makes a message malformed.

use super::decimal::Decimal;
use super::lenient::Lenient;
use super::shape::object;
use super::value::Id;

object! {
    /// What a vendor's gateway adds to a message.
    ///
    /// ```
    /// use wab_events::message::Message;
    ///
    /// let message = Message::parse(r#"{"type": "text", "text": {"body": "Hi"}, "_vnd": {"v1": {"direction": "inbound"}}}"#)?;
    /// let vendor = message.head().vendor.as_ref().unwrap().typed().unwrap();
    /// assert_eq!(vendor.v1.direction.as_deref(), Some("inbound"));
    /// # Ok::<(), wab_events::message::NotAMessage>(())
    /// ```
    Vendor {
        /// Turn.io's note.
        v1: TurnNote,
    }
}

object! {
    /// What Turn.io notes on a message.
    ///
    /// ```
    /// use wab_events::message::Message;
    ///
    /// let json = r#"{"type": "text", "text": {"body": "Hi"}, "_vnd": {"v1": {"labels": [{"value": "Question"}]}}}"#;
    /// let message = Message::parse(json)?;
    /// let note = &message.head().vendor.as_ref().unwrap().typed().unwrap().v1;
    /// assert_eq!(note.labels.as_ref().unwrap()[0].value.as_deref(), Some("Question"));
    /// # Ok::<(), wab_events::message::NotAMessage>(())
    /// ```
    #[derive(Default)]
    TurnNote {
        /// Turn.io's id of the message.
        uuid: Option<Id>,
        /// `inbound` or `outbound`.
        direction: Option<String>,
        /// Who wrote the message.
        author: Option<Lenient<TurnPerson>>,
        /// The chat that the message is in.
        chat: Option<TurnChat>,
        /// The message that this one answers.
        in_reply_to: Option<Id>,
        /// What the message was sorted as.
        labels: Option<Vec<TurnLabel>>,
        /// When it was taken (ISO 8601).
        inserted_at: Option<String>,
        /// What became of it.
        last_status: Option<String>,
        /// When (ISO 8601).
        last_status_timestamp: Option<String>,
        /// Whether it went another way than WhatsApp.
        on_fallback_channel: Option<bool>,
        /// A template's words.
        rendered_content: Option<Lenient<String>>,
        /// The card that it was made of.
        card_uuid: Option<Id>,
        /// The answer that it was made of.
        faq_uuid: Option<Id>,
    }
}

object! {
    /// A chat, in a [`TurnNote`].
    ///
    /// ```
    /// # use wab_events::message::Message;
    /// let json = r#"{"type": "text", "text": {"body": "Hi"}, "_vnd": {"v1": {"chat": {"state": "OPEN", "unread_count": 1}}}}"#;
    /// let message = Message::parse(json)?;
    /// let note = &message.head().vendor.as_ref().unwrap().typed().unwrap().v1;
    /// assert_eq!(note.chat.as_ref().unwrap().state.as_deref(), Some("OPEN"));
    /// # Ok::<(), wab_events::message::NotAMessage>(())
    /// ```
    #[derive(Default)]
    TurnChat {
        /// Its id.
        uuid: Option<Id>,
        /// The user's number.
        owner: Option<Id>,
        /// The id of the user's contact.
        contact_uuid: Option<Id>,
        /// `OPEN`, `CLOSED`, …
        state: Option<String>,
        /// Problem, in words.
        state_reason: Option<String>,
        /// Who cares for it.
        assigned_to: Option<Lenient<TurnPerson>>,
        /// How many messages nobody has read.
        unread_count: Option<Decimal>,
        /// Where it can be looked at.
        permalink: Option<String>,
        /// When it began (ISO 8601).
        inserted_at: Option<String>,
        /// When it changed last (ISO 8601).
        updated_at: Option<String>,
    }
}

object! {
    /// Somebody in a [`TurnNote`].
    ///
    /// ```
    /// # use wab_events::message::Message;
    /// let json = r#"{"type": "text", "text": {"body": "Hi"}, "_vnd": {"v1": {"author": {"type": "OWNER", "name": "Aroha"}}}}"#;
    /// let message = Message::parse(json)?;
    /// let note = &message.head().vendor.as_ref().unwrap().typed().unwrap().v1;
    /// let author = note.author.as_ref().unwrap().typed().unwrap();
    /// assert_eq!(author.person_type.as_deref(), Some("OWNER"));
    /// # Ok::<(), wab_events::message::NotAMessage>(())
    /// ```
    #[derive(Default)]
    TurnPerson {
        /// A number, or Turn.io's id.
        id: Option<Id>,
        /// The name.
        name: Option<String>,
        /// `OWNER` is the user, `OPERATOR` and `SYSTEM` are the business.
        person_type as "type": Option<String>,
        /// Of a system: the request that it made.
        request_id: Option<Id>,
    }
}

object! {
    /// What a message was sorted as, in a [`TurnNote`].
    ///
    /// ```
    /// # use wab_events::message::Message;
    /// let json = r#"{"type": "text", "text": {"body": "Hi"}, "_vnd": {"v1": {"labels": [{"id": "l-1", "value": "Question"}]}}}"#;
    /// let message = Message::parse(json)?;
    /// let note = &message.head().vendor.as_ref().unwrap().typed().unwrap().v1;
    /// assert_eq!(note.labels.as_ref().unwrap()[0].id.as_ref().unwrap().as_str(), "l-1");
    /// # Ok::<(), wab_events::message::NotAMessage>(())
    /// ```
    #[derive(Default)]
    TurnLabel {
        /// Its id.
        id: Option<Id>,
        /// Its word.
        value: Option<String>,
    }
}
