//! The part of a message that all types share.

use super::error::MessageError;
use super::lenient::Lenient;
use super::referral::Referral;
use super::shape::object;
use super::status_update::UpdateStatus;
use super::value::{Id, Timestamp};
use super::vendor::Vendor;

object! {
    /// The part of a message that all types share. Every key may be missing: a message of 2026 can come without
    /// `from`, the message inside an [`Edit`](super::Edit) has no id, an old one no `type`.
    ///
    /// [`Message`](super::Message) offers most of it by methods.
    ///
    /// ```
    /// use wab_events::message::Message;
    ///
    /// let json = r#"{"from_user_id": "NZ.1349", "id": "wamid.QUJD", "timestamp": "1763889301", "type": "text",
    ///                "text": {"body": "Kia ora"}, "history_context": {"status": "READ"}}"#;
    /// let message = Message::parse(json)?;
    /// assert_eq!(message.head().from, None);
    /// assert_eq!(message.head().from_user_id.as_ref().unwrap().as_str(), "NZ.1349");
    /// assert_eq!(message.head().history_context.as_ref().unwrap().status.as_ref().unwrap().as_str(), "READ");
    /// # Ok::<(), wab_events::message::NotAMessage>(())
    /// ```
    #[derive(Default)]
    Head {
        /// The sender as it came: a phone number with or without `+`; missing or empty for a user who hides theirs.
        from: Option<Id>,
        /// The sender's business-scoped user id.
        from_user_id: Option<Id>,
        /// The same for all accounts of one business.
        from_parent_user_id: Option<Id>,
        /// In the message of a device, when the sender is the business: an id of Meta's own.
        from_logical_id: Option<Id>,
        /// To whom, in the copy of a message that the business sent.
        to: Option<Id>,
        /// To whom, as a business-scoped user id.
        to_user_id: Option<Id>,
        /// To whom, the same for all accounts of one business.
        to_parent_user_id: Option<Id>,
        /// Who wrote such a copy, if not a person in the app: `created_by_1p_bot` is a bot of Meta's.
        message_creation_type: Option<String>,
        /// The group that the message was written to.
        group_id: Option<Id>,
        /// WhatsApp's id of the message. Holds the user's number in clear, see [`Id`].
        id: Option<Id>,
        /// When the message was sent.
        timestamp: Option<Timestamp>,
        /// The message's type as it came. [`Message::message_type`](super::Message::message_type) infers a missing one.
        message_type as "type": Option<String>,
        /// What the message answers or forwards.
        context: Option<Context>,
        /// The ad or post that the user came from.
        referral: Option<Referral>,
        /// What went wrong, with any type.
        errors: Option<Vec<MessageError>>,
        /// The user's security code, if the business asked for the check of it.
        identity: Option<Identity>,
        /// Set on messages of before the business joined.
        history_context: Option<HistoryContext>,
        /// What made the user send a contact card, such as `contact_request/other`.
        origin: Option<String>,
        /// What a vendor's gateway adds: not WhatsApp's.
        vendor as "_vnd": Option<Box<Lenient<Vendor>>>,
    }
}

object! {
    /// What a message answers, or that it was forwarded. A forwarded message usually has only the flag.
    ///
    /// ```
    /// use wab_events::message::Message;
    ///
    /// let json = r#"{"type": "text", "text": {"body": "Yes"}, "context": {"from": "6421000002", "id": "wamid.QUJD"}}"#;
    /// let message = Message::parse(json)?;
    /// assert_eq!(message.reply_to(), Some("wamid.QUJD"));
    /// assert_eq!(message.context().unwrap().from.as_ref().unwrap().as_str(), "6421000002");
    /// assert!(!message.is_forwarded());
    /// # Ok::<(), wab_events::message::NotAMessage>(())
    /// ```
    #[derive(Default)]
    Context {
        /// Who sent the message that is answered.
        from: Option<Id>,
        /// The id of the message that is answered.
        id: Option<Id>,
        /// The message was forwarded.
        forwarded: Option<bool>,
        /// It was forwarded more than five times.
        frequently_forwarded: Option<bool>,
        /// The product that the user asks about.
        referred_product: Option<ReferredProduct>,
        /// The group of the message that is answered.
        group_id: Option<Id>,
        /// Who is mentioned: numbers, says the documentation of the On-Premises API. Meta's newer one has no such key.
        mentions: Option<Lenient<Vec<Id>>>,
    }
}

object! {
    /// The product of a catalogue that a message asks about.
    ///
    /// ```
    /// use wab_events::message::Message;
    ///
    /// let json = r#"{"type": "text", "text": {"body": "Still there?"},
    ///     "context": {"referred_product": {"catalog_id": "1948", "product_retailer_id": "di9oz"}}}"#;
    /// let message = Message::parse(json)?;
    /// let product = message.context().unwrap().referred_product.as_ref().unwrap();
    /// assert_eq!(product.product_retailer_id.as_ref().unwrap().as_str(), "di9oz");
    /// # Ok::<(), wab_events::message::NotAMessage>(())
    /// ```
    #[derive(Default)]
    ReferredProduct {
        /// The catalogue.
        catalog_id: Option<Id>,
        /// The shop's own id of the product.
        product_retailer_id: Option<Id>,
    }
}

object! {
    /// The user's security code: it changes with their phone.
    ///
    /// ```
    /// use wab_events::message::Message;
    ///
    /// let json = r#"{"type": "text", "text": {"body": "Hi"},
    ///     "identity": {"acknowledged": true, "created_timestamp": 1602532300000, "hash": "Sjvjlx8G6Z0="}}"#;
    /// let message = Message::parse(json)?;
    /// let identity = message.identity().unwrap();
    /// assert_eq!(identity.acknowledged, Some(true));
    /// assert_eq!(identity.hash.as_deref(), Some("Sjvjlx8G6Z0="));
    /// # Ok::<(), wab_events::message::NotAMessage>(())
    /// ```
    #[derive(Default)]
    Identity {
        /// Whether the business has acknowledged this code.
        acknowledged: Option<bool>,
        /// When WhatsApp saw the change: seconds, in some recordings milliseconds.
        created_timestamp: Option<Timestamp>,
        /// The code's hash.
        hash: Option<String>,
    }
}

object! {
    /// Marks a message from before the business joined.
    ///
    /// ```
    /// # use wab_events::message::Message;
    /// let message = Message::parse(r#"{"type": "media_placeholder", "history_context": {"status": "PLAYED"}}"#)?;
    /// let history = message.head().history_context.as_ref().unwrap();
    /// assert_eq!(history.status.as_ref().unwrap().as_str(), "PLAYED");
    /// # Ok::<(), wab_events::message::NotAMessage>(())
    /// ```
    #[derive(Default)]
    HistoryContext {
        /// What had become of it.
        status: Option<UpdateStatus>,
        /// Whether the business sent it.
        from_me: Option<bool>,
    }
}
