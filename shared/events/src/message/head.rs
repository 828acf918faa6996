//! The part of a message that all types share.

use super::error::MessageError;
use super::lenient::Lenient;
use super::referral::Referral;
use super::shape::{object, open_enum};
use super::value::{Id, Timestamp};

object! {
    /// The part of a message that all types share.
    ///
    /// Every key may be absent: a message from 2026 may lack `from`, the message within an [`Edit`](super::Edit) has no
    /// id, an old message has no `type`.
    #[derive(Default)]
    Head {
        /// The sender as received: a phone number with or without `+`. Absent or empty if the user hides their number.
        from: Option<Id>,
        /// The sender's business-scoped user id.
        from_user_id: Option<Id>,
        /// The sender's business-scoped user id, as Turn.io sends it.
        from_bsuid: Option<Id>,
        /// The sender's user id as all accounts of one business see it.
        from_parent_user_id: Option<Id>,
        /// An id of Meta's own, in the message of a device whose sender is the business.
        from_logical_id: Option<Id>,
        /// The recipient, in the copy of a message that the business sent.
        to: Option<Id>,
        /// The recipient's business-scoped user id.
        to_user_id: Option<Id>,
        /// The recipient's user id as all accounts of one business see it.
        to_parent_user_id: Option<Id>,
        /// The author of such a copy, if not a person in the app: `created_by_1p_bot` is a bot of Meta's.
        message_creation_type: Option<String>,
        /// The group that the message was sent to.
        group_id: Option<Id>,
        /// WhatsApp's id of the message. It reveals the user's phone number, so keep it out of logs.
        id: Option<Id>,
        /// When the message was sent.
        timestamp: Option<Timestamp>,
        /// The message's type as received. If it is absent, the key of the payload reveals it.
        message_type as "type": Option<String>,
        /// What the message replies to or forwards.
        context: Option<Box<Context>>,
        /// The ad or post that brought the user to the chat.
        referral: Option<Box<Referral>>,
        /// Errors. Any type of message may have some.
        errors: Option<Vec<MessageError>>,
        /// The user's security code. Present if the business enabled the check of it.
        identity: Option<Identity>,
        /// Marks a message from before the business joined.
        history_context: Option<HistoryContext>,
        /// What made the user send a contact card, such as `contact_request/other`.
        origin: Option<String>,
        /// Meta's own data. Not documented; recorded since August 2026.
        internal_1p_only_data: Option<Box<Lenient<InternalData>>>,
    }
}

object! {
    /// What a message replies to, or that it was forwarded. A forwarded message usually has only the flag.
    #[derive(Default)]
    Context {
        /// The sender of the message that this one replies to.
        from: Option<Id>,
        /// The business-scoped user id of the sender of the message that this one replies to.
        from_user_id: Option<Id>,
        /// The same user's id as all accounts of one business see it.
        from_parent_user_id: Option<Id>,
        /// WhatsApp's id of the message that this one replies to.
        id: Option<Id>,
        /// True if the message was forwarded.
        forwarded: Option<bool>,
        /// True if the message was forwarded more than five times.
        frequently_forwarded: Option<bool>,
        /// The product that the user asks about.
        referred_product: Option<ReferredProduct>,
        /// The group of the message that this one replies to.
        group_id: Option<Id>,
        /// The users mentioned: phone numbers, by the documentation of the On-Premises API. Meta's current
        /// documentation has no such key.
        mentions: Option<Lenient<Vec<Id>>>,
    }
}

object! {
    /// The product that a message asks about.
    #[derive(Default)]
    ReferredProduct {
        /// Meta's id of the catalogue.
        catalog_id: Option<Id>,
        /// The shop's own id of the product.
        product_retailer_id: Option<Id>,
    }
}

object! {
    /// The user's security code, which changes when they change phones.
    #[derive(Default)]
    Identity {
        /// Whether the business has acknowledged this code.
        acknowledged: Option<bool>,
        /// When WhatsApp detected the change: in seconds, in some recordings in milliseconds.
        created_timestamp: Option<Timestamp>,
        /// The hash of the code.
        hash: Option<String>,
    }
}

object! {
    /// Marks a message from before the business joined.
    #[derive(Default)]
    HistoryContext {
        /// The status of the message at that time.
        status: Option<HistoryStatus>,
        /// True if the business sent the message.
        from_me: Option<bool>,
    }
}

open_enum! {
    /// The status of a message from before the business joined. The words are upper case, unlike those of a
    /// [`StatusUpdate`](super::StatusUpdate).
    HistoryStatus {
        /// Not sent: an error.
        Error = "ERROR",
        /// Not sent yet.
        Pending = "PENDING",
        /// Sent, not delivered yet.
        Sent = "SENT",
        /// Delivered to the phone.
        Delivered = "DELIVERED",
        /// Opened by the recipient.
        Read = "READ",
        /// A voice message was played.
        Played = "PLAYED",
    }
}

object! {
    /// Meta's own data. Not documented.
    #[derive(Default)]
    InternalData {
        /// Meta's accounts that the message belongs to.
        account_context: Option<AccountContext>,
    }
}

object! {
    /// Meta's accounts that a message belongs to. Not documented.
    #[derive(Default)]
    AccountContext {
        /// An id of Meta's own.
        waac_id: Option<Id>,
        /// An id of Meta's own.
        cs_id: Option<Id>,
        /// The kind of account.
        account_context_type: Option<String>,
        /// An id of Meta's own. Statuses only.
        pma_id: Option<Id>,
        /// The app that sent the message. Statuses only.
        app_id: Option<Id>,
    }
}
