//! The status of a message that the business sent, in WhatsApp's own form.

use super::payment::Payment;
use super::shape::{object, open_enum};
use super::value::{Id, Timestamp};

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

open_enum! {
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
