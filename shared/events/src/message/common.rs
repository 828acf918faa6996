//! What any message may have beside its payload.

use super::json::Lenient;
use super::payment::Payment;
use super::shape::{object, words};
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
    /// The ad or post that the user clicked to start the chat.
    ///
    /// ```
    /// use wab_events::message::{Message, ReferralSource};
    ///
    /// let json = r#"{"type": "text", "text": {"body": "Tell me more"},
    ///     "referral": {"source_type": "ad", "source_id": "1202", "ctwa_clid": "Aff-n8", "welcome_message": {"text": "Hi!"}}}"#;
    /// let message = Message::parse(json)?;
    /// let referral = message.referral().unwrap();
    /// assert_eq!(referral.source_type, Some(ReferralSource::Ad));
    /// assert_eq!(referral.ctwa_clid.as_deref(), Some("Aff-n8"));
    /// # Ok::<(), wab_events::message::NotAMessage>(())
    /// ```
    #[derive(Default)]
    Referral {
        /// Where the ad or post is.
        source_url: Option<String>,
        /// Meta's id of it.
        source_id: Option<Id>,
        /// Which of the two it is.
        source_type: Option<ReferralSource>,
        /// Its headline.
        headline: Option<String>,
        /// Its text.
        body: Option<String>,
        /// Which of the URLs below to look at.
        media_type: Option<ReferralMedia>,
        /// Its picture.
        image_url: Option<String>,
        /// Its video.
        video_url: Option<String>,
        /// A picture of the video.
        thumbnail_url: Option<String>,
        /// The click's id, for Meta's conversions API.
        ctwa_clid: Option<String>,
        /// The greeting that the user saw.
        welcome_message: Option<WelcomeMessage>,
        /// The parameter of the ad's link.
        reference as "ref": Option<String>,
    }
}

object! {
    /// The greeting of an ad.
    ///
    /// ```
    /// # use wab_events::message::Message;
    /// let json = r#"{"type": "text", "text": {"body": "Hi"}, "referral": {"welcome_message": {"text": "How can we help?"}}}"#;
    /// let message = Message::parse(json)?;
    /// let greeting = message.referral().unwrap().welcome_message.as_ref().unwrap();
    /// assert_eq!(greeting.text.as_deref(), Some("How can we help?"));
    /// # Ok::<(), wab_events::message::NotAMessage>(())
    /// ```
    #[derive(Default)]
    WelcomeMessage {
        /// Its words.
        text: Option<String>,
    }
}

words! {
    /// What a user clicked to start the chat.
    ///
    /// ```
    /// use wab_events::message::ReferralSource;
    ///
    /// assert_eq!(ReferralSource::from("post"), ReferralSource::Post);
    /// assert_eq!(ReferralSource::from("reel").as_str(), "reel");
    /// ```
    ReferralSource {
        /// A click-to-WhatsApp ad.
        Ad = "ad",
        /// A post.
        Post = "post",
    }
}

words! {
    /// What an ad shows.
    ///
    /// ```
    /// use wab_events::message::ReferralMedia;
    ///
    /// assert_eq!(ReferralMedia::from("video"), ReferralMedia::Video);
    /// assert_eq!(ReferralMedia::from("carousel").as_str(), "carousel");
    /// ```
    ReferralMedia {
        /// A picture.
        Image = "image",
        /// A video.
        Video = "video",
    }
}

object! {
    /// What went wrong. Comes in three shapes: with `message`, `error_data` and `href`; with `details`; with hardly
    /// more than a code.
    ///
    /// ```
    /// use wab_events::message::Message;
    ///
    /// let json = r#"{"type": "unsupported", "errors": [
    ///     {"code": 131051, "title": "Message type unknown", "error_data": {"details": "Not supported."}},
    ///     {"code": 501, "title": "Unknown message type", "details": "Not supported."}, {"code": 500}]}"#;
    /// let message = Message::parse(json)?;
    /// let [new, old, bare] = message.errors() else { panic!("three errors") };
    /// assert_eq!(new.code.as_ref().unwrap().as_str(), "131051");
    /// assert_eq!(new.details(), Some("Not supported."));
    /// assert_eq!(old.details(), Some("Not supported."));
    /// assert_eq!(bare.details(), None);
    /// # Ok::<(), wab_events::message::NotAMessage>(())
    /// ```
    #[derive(Default)]
    MessageError {
        /// Meta's error code: a number, kept as its digits.
        code: Option<Id>,
        /// A short text for the code.
        title: Option<String>,
        /// Usually the same as the title.
        message: Option<String>,
        /// The newer place of the details.
        error_data: Option<ErrorData>,
        /// The older place of the details.
        details_text as "details": Option<String>,
        /// Documentation of the code.
        href: Option<String>,
    }
}

impl MessageError {
    /// What exactly went wrong, from either place.
    #[must_use]
    pub fn details(&self) -> Option<&str> {
        self.error_data.as_ref().and_then(|data| data.details.as_deref()).or(self.details_text.as_deref())
    }
}

object! {
    /// The newer place of an error's details; see [`MessageError::details`].
    ///
    /// ```
    /// # use wab_events::message::Message;
    /// let message = Message::parse(r#"{"type": "unsupported", "errors": [{"code": 1, "error_data": {"details": "So"}}]}"#)?;
    /// let data = message.errors().first().unwrap().error_data.as_ref().unwrap();
    /// assert_eq!(data.details.as_deref(), Some("So"));
    /// # Ok::<(), wab_events::message::NotAMessage>(())
    /// ```
    #[derive(Default)]
    ErrorData {
        /// What exactly went wrong.
        details: Option<String>,
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

object! {
    /// A status of a message that the business sent, or of a payment that it asked for, in WhatsApp's own form. It isn't what `content` is documented
    /// to hold, but the gateway's page hints at it. Its id, time and errors are in the [`Head`].
    ///
    /// ```
    /// use wab_events::message::{Message, MessageKind, Payload, UpdateStatus};
    ///
    /// let json = r#"{"id": "wamid.QUJD", "status": "delivered", "timestamp": "1763889301", "recipient_id": "6421000001",
    ///     "pricing": {"billable": true, "pricing_model": "PMP", "category": "service"}}"#;
    /// let message = Message::parse(json)?;
    /// let MessageKind::Known(Payload::Status(update)) = message.kind() else { panic!("a status") };
    /// assert_eq!(update.status, UpdateStatus::Delivered);
    /// assert_eq!(update.pricing.as_ref().unwrap().billable, Some(true));
    /// # Ok::<(), wab_events::message::NotAMessage>(())
    /// ```
    StatusUpdate {
        /// What became of the message.
        status: UpdateStatus,
        /// To whom it was sent: a number, a group.
        recipient_id: Option<Id>,
        /// To whom it was sent, as a business-scoped user id.
        recipient_user_id: Option<Id>,
        /// The same for all accounts of one business.
        parent_recipient_user_id: Option<Id>,
        /// Another name of it.
        recipient_parent_user_id: Option<Id>,
        /// Another name of it.
        parent_user_id: Option<Id>,
        /// The hash of the recipient's security code, if the business asked for the check of it.
        recipient_identity_key_hash: Option<String>,
        /// `individual` or `group`.
        recipient_type: Option<String>,
        /// The group's member that the status is about.
        recipient_participant_id: Option<Id>,
        /// Another name of it.
        participant_recipient_id: Option<Id>,
        /// The member as a business-scoped user id.
        recipient_participant_user_id: Option<Id>,
        /// The same for all accounts of one business.
        recipient_participant_parent_user_id: Option<Id>,
        /// The conversation that the message opened or belongs to.
        conversation: Option<Conversation>,
        /// What it costs.
        pricing: Option<Pricing>,
        /// The payment that the status is about, if it isn't about a message: its type is `payment`.
        payment: Option<Payment>,
        /// What the sender gave along.
        biz_opaque_callback_data: Option<String>,
        /// An older, second place of the recipient.
        message: Option<StatusMessage>,
    }
}

words! {
    /// What became of a message that the business sent, in WhatsApp's words. The gateway's are others:
    /// [`DeliveryStatus`](crate::DeliveryStatus).
    ///
    /// ```
    /// use wab_events::message::UpdateStatus;
    ///
    /// assert_eq!(UpdateStatus::from("read"), UpdateStatus::Read);
    /// assert_eq!(UpdateStatus::from("RINGING").as_str(), "RINGING");
    /// ```
    UpdateStatus {
        /// On its way.
        Sent = "sent",
        /// On the phone.
        Delivered = "delivered",
        /// Opened.
        Read = "read",
        /// A voice message was listened to.
        Played = "played",
        /// Not delivered; the errors say why.
        Failed = "failed",
        /// Deleted by its sender.
        Deleted = "deleted",
        /// It shows a product that is gone.
        Warning = "warning",
        /// A payment that isn't decided yet.
        Pending = "pending",
        /// A payment that was made.
        Captured = "captured",
    }
}

object! {
    /// The conversation of a [`StatusUpdate`].
    ///
    /// ```
    /// # use wab_events::message::{Message, MessageKind, Payload};
    /// let message = Message::parse(r#"{"status": "sent", "conversation": {"id": "7270", "origin": {"type": "service"}}}"#)?;
    /// let MessageKind::Known(Payload::Status(update)) = message.kind() else { panic!("a status") };
    /// let origin = update.conversation.as_ref().unwrap().origin.as_ref().unwrap();
    /// assert_eq!(origin.origin_type.as_deref(), Some("service"));
    /// # Ok::<(), wab_events::message::NotAMessage>(())
    /// ```
    #[derive(Default)]
    Conversation {
        /// Meta's id of it.
        id: Option<Id>,
        /// When it ends.
        expiration_timestamp: Option<Timestamp>,
        /// What opened it.
        origin: Option<ConversationOrigin>,
    }
}

object! {
    /// What opened a [`Conversation`].
    ///
    /// ```
    /// # use wab_events::message::{Message, MessageKind, Payload};
    /// let message = Message::parse(r#"{"status": "sent", "conversation": {"origin": {"type": "marketing"}}}"#)?;
    /// let MessageKind::Known(Payload::Status(update)) = message.kind() else { panic!("a status") };
    /// let origin = update.conversation.as_ref().unwrap().origin.as_ref().unwrap();
    /// assert_eq!(origin.origin_type.as_deref(), Some("marketing"));
    /// # Ok::<(), wab_events::message::NotAMessage>(())
    /// ```
    #[derive(Default)]
    ConversationOrigin {
        /// `authentication`, `marketing`, `service`, `utility`, `referral_conversion`, …
        origin_type as "type": Option<String>,
    }
}

object! {
    /// What a message costs, in a [`StatusUpdate`].
    ///
    /// ```
    /// # use wab_events::message::{Message, MessageKind, Payload};
    /// let message = Message::parse(r#"{"status": "sent", "pricing": {"billable": false, "category": "service"}}"#)?;
    /// let MessageKind::Known(Payload::Status(update)) = message.kind() else { panic!("a status") };
    /// assert_eq!(update.pricing.as_ref().unwrap().category.as_deref(), Some("service"));
    /// # Ok::<(), wab_events::message::NotAMessage>(())
    /// ```
    #[derive(Default)]
    Pricing {
        /// Whether it costs at all.
        billable: Option<bool>,
        /// `CBP` by conversation, `PMP` by message, …
        pricing_model: Option<String>,
        /// `regular`, `free_customer_service`, …
        pricing_type as "type": Option<String>,
        /// `marketing`, `service`, …
        category: Option<String>,
    }
}

object! {
    /// An older, second place of a status's recipient.
    ///
    /// ```
    /// # use wab_events::message::{Message, MessageKind, Payload};
    /// let message = Message::parse(r#"{"status": "failed", "type": "message", "message": {"recipient_id": "6421000001"}}"#)?;
    /// let MessageKind::Known(Payload::Status(update)) = message.kind() else { panic!("a status") };
    /// assert_eq!(update.message.as_ref().unwrap().recipient_id.as_ref().unwrap().as_str(), "6421000001");
    /// # Ok::<(), wab_events::message::NotAMessage>(())
    /// ```
    #[derive(Default)]
    StatusMessage {
        /// To whom the message was sent.
        recipient_id: Option<Id>,
    }
}
