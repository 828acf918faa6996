//! What a vendor's gateway adds to a message, under `_vnd`. It isn't WhatsApp's. Only Turn.io's is known, from public
//! recordings. Nothing under this key makes a message malformed.

use super::decimal::Decimal;
use super::lenient::Lenient;
use super::shape::object;
use super::value::Id;

object! {
    /// What a vendor's gateway adds to a message.
    Vendor {
        /// Turn.io's metadata.
        v1: TurnNote,
    }
}

object! {
    /// Turn.io's metadata of a message.
    #[derive(Default)]
    TurnNote {
        /// Turn.io's id of the message.
        uuid: Option<Id>,
        /// `inbound` or `outbound`.
        direction: Option<String>,
        /// The author of the message.
        author: Option<Lenient<TurnPerson>>,
        /// The chat that contains the message.
        chat: Option<TurnChat>,
        /// The message that this one replies to.
        in_reply_to: Option<Id>,
        /// The labels assigned to the message.
        labels: Option<Vec<TurnLabel>>,
        /// When Turn.io received the message (ISO 8601).
        inserted_at: Option<String>,
        /// The latest delivery status.
        last_status: Option<String>,
        /// When the latest delivery status was reported (ISO 8601).
        last_status_timestamp: Option<String>,
        /// True if the message used another channel than WhatsApp.
        on_fallback_channel: Option<bool>,
        /// The rendered text of a template.
        rendered_content: Option<Lenient<String>>,
        /// The card that the message was made from.
        card_uuid: Option<Id>,
        /// The prepared answer that the message was made from.
        faq_uuid: Option<Id>,
    }
}

object! {
    /// A chat, in a [`TurnNote`].
    #[derive(Default)]
    TurnChat {
        /// Turn.io's id of the chat.
        uuid: Option<Id>,
        /// The user's number.
        owner: Option<Id>,
        /// Turn.io's id of the user's contact.
        contact_uuid: Option<Id>,
        /// `OPEN`, `CLOSED`, …
        state: Option<String>,
        /// The reason of the state, in words.
        state_reason: Option<String>,
        /// The person the chat is assigned to.
        assigned_to: Option<Lenient<TurnPerson>>,
        /// The number of unread messages.
        unread_count: Option<Decimal>,
        /// A link to the chat.
        permalink: Option<String>,
        /// When the chat began (ISO 8601).
        inserted_at: Option<String>,
        /// When the chat last changed (ISO 8601).
        updated_at: Option<String>,
    }
}

object! {
    /// A person or system in a [`TurnNote`].
    #[derive(Default)]
    TurnPerson {
        /// A phone number, or Turn.io's id.
        id: Option<Id>,
        /// The name.
        name: Option<String>,
        /// `OWNER` is the user; `OPERATOR` and `SYSTEM` are the business.
        person_type as "type": Option<String>,
        /// The request that created the message. Systems only.
        request_id: Option<Id>,
    }
}

object! {
    /// A label of a message, in a [`TurnNote`].
    #[derive(Default)]
    TurnLabel {
        /// Turn.io's id of the label.
        id: Option<Id>,
        /// The label's text.
        value: Option<String>,
    }
}
