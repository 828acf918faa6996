//! The status of a message that the business sent, in WhatsApp's own form.

use super::head::{AccountContext, InternalData};
use super::lenient::Lenient;
use super::payment::Payment;
use super::shape::{object, open_enum};
use super::value::{Id, Timestamp};

object! {
    /// The status of a message that the business sent, or of a payment that it requested, in WhatsApp's own form. Its id,
    /// time and errors are in the [`Head`](super::Head).
    ///
    /// The gateway's documentation hints at it, although `content` is documented to hold messages only. The gateway's
    /// own [delivery receipts](crate::DlrData) are events of another kind.
    StatusUpdate {
        /// The status.
        status: UpdateStatus,
        /// The recipient: a phone number or a group.
        recipient_id: Option<Id>,
        /// The recipient's business-scoped user id.
        recipient_user_id: Option<Id>,
        /// The recipient's user id as all accounts of one business see it.
        parent_recipient_user_id: Option<Id>,
        /// Another name of `parent_recipient_user_id`.
        recipient_parent_user_id: Option<Id>,
        /// Another name of `parent_recipient_user_id`.
        parent_user_id: Option<Id>,
        /// The hash of the recipient's security code. Present if the business enabled the check of it.
        recipient_identity_key_hash: Option<String>,
        /// `individual` or `group`.
        recipient_type: Option<String>,
        /// The group member that the status is about.
        recipient_participant_id: Option<Id>,
        /// Another name of `recipient_participant_id`.
        participant_recipient_id: Option<Id>,
        /// The group member's business-scoped user id.
        recipient_participant_user_id: Option<Id>,
        /// The group member's user id as all accounts of one business see it.
        recipient_participant_parent_user_id: Option<Id>,
        /// The conversation that the message opened or belongs to.
        conversation: Option<Conversation>,
        /// The price category of the message.
        pricing: Option<Pricing>,
        /// The payment, if the status is about one: its type is `payment`.
        payment: Option<Payment>,
        /// The data that the business attached to the message.
        biz_opaque_callback_data: Option<String>,
        /// The template that the message was made from. Direct Send only.
        template_id: Option<Id>,
        /// An id of Meta's own.
        recipient_logical_id: Option<Id>,
        /// Meta's own data. Not documented.
        webhook_extra_data: Option<Lenient<InternalData>>,
        /// Meta's accounts that the message belongs to. Not documented.
        account_context: Option<Lenient<AccountContext>>,
        /// The recipient again, in older messages.
        message: Option<StatusMessage>,
    }
}

open_enum! {
    /// The status of a message that the business sent, in WhatsApp's words. The gateway uses other words:
    /// [`DeliveryStatus`](crate::DeliveryStatus).
    UpdateStatus {
        /// Sent, not delivered yet.
        Sent = "sent",
        /// Delivered to the phone.
        Delivered = "delivered",
        /// Opened by the user.
        Read = "read",
        /// A voice message was played.
        Played = "played",
        /// Not delivered; `errors` give the reason.
        Failed = "failed",
        /// Deleted by its sender.
        Deleted = "deleted",
        /// The message shows a product that is no longer available.
        Warning = "warning",
        /// A payment that is still pending.
        Pending = "pending",
        /// A completed payment.
        Captured = "captured",
    }
}

object! {
    /// The conversation of a [`StatusUpdate`].
    #[derive(Default)]
    Conversation {
        /// Meta's id of the conversation.
        id: Option<Id>,
        /// When the conversation ends.
        expiration_timestamp: Option<Timestamp>,
        /// What opened the conversation.
        origin: Option<ConversationOrigin>,
        /// The price category, in the status of a message to a group.
        pricing: Option<Pricing>,
    }
}

object! {
    /// What opened a [`Conversation`].
    #[derive(Default)]
    ConversationOrigin {
        /// `authentication`, `marketing`, `service`, `utility`, `referral_conversion`, …
        origin_type as "type": Option<String>,
    }
}

object! {
    /// The price category of a message, in a [`StatusUpdate`].
    #[derive(Default)]
    Pricing {
        /// Whether Meta charges for the message.
        billable: Option<bool>,
        /// `CBP` for pricing by conversation, `PMP` for pricing by message, …
        pricing_model: Option<String>,
        /// `regular`, `free_customer_service`, …
        pricing_type as "type": Option<String>,
        /// `marketing`, `service`, …
        category: Option<String>,
    }
}

object! {
    /// The recipient of a message, in older [status updates](StatusUpdate).
    #[derive(Default)]
    StatusMessage {
        /// The recipient.
        recipient_id: Option<Id>,
    }
}
