//! Replies to interactive messages: buttons, lists, forms, permissions, payments.

use serde::de::DeserializeOwned;

use crate::message::fault::{Fault, Problem};
use crate::message::lenient::Lenient;
use crate::message::payment::PaymentNotification;
use crate::message::shape::{object, open_enum};
use crate::message::value::{Id, JsonText, Timestamp};

object! {
    /// A tap on an interactive message, or the answer to one. Has come with no body at all: then the payload is
    /// [`Payload::Empty`](super::Payload::Empty).
    ///
    /// ```
    /// use wab_events::message::{Message, MessageKind, Payload};
    ///
    /// let json = r#"{"type": "interactive", "interactive": {"type": "list_reply",
    ///     "list_reply": {"id": "express", "title": "Express", "description": "Next day"}}}"#;
    /// let message = Message::parse(json)?;
    /// let MessageKind::Known(Payload::Interactive(interactive)) = message.kind() else { panic!("a reply") };
    /// assert_eq!(interactive.reply_type.as_deref(), Some("list_reply"));
    /// assert_eq!(interactive.list_reply.as_ref().unwrap().id.as_str(), "express");
    /// # Ok::<(), wab_events::message::NotAMessage>(())
    /// ```
    #[derive(Default)]
    Interactive {
        /// Which reply it is: an open set. [`Interactive::reply`] has the reply itself.
        reply_type as "type": Option<String>,
        /// A reply button was tapped.
        button_reply: Option<ButtonReply>,
        /// An item of a list was chosen.
        list_reply: Option<ListReply>,
        /// A form was filled in.
        nfm_reply: Option<NfmReply>,
        /// The user was asked whether they may be called.
        call_permission_reply: Option<CallPermissionReply>,
        /// A way to pay was chosen.
        payment_method: Option<PaymentMethod>,
        /// A payment was made; its shape isn't documented.
        payment_notification: Option<Lenient<PaymentNotification>>,
    }
}

/// What an [`Interactive`] message replies.
///
/// ```
/// use wab_events::message::{Message, MessageKind, Payload, Reply};
///
/// let json = r#"{"type": "interactive", "interactive": {"type": "button_reply", "button_reply": {"id": "no", "title": "No"}}}"#;
/// let message = Message::parse(json)?;
/// let MessageKind::Known(Payload::Interactive(interactive)) = message.kind() else { panic!("a reply") };
/// match interactive.reply() {
///     Reply::Button(button) => assert_eq!(button.id.as_str(), "no"),
///     other => panic!("{other:?}"),
/// }
/// # Ok::<(), wab_events::message::NotAMessage>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reply<'m> {
    /// A reply button was tapped.
    Button(&'m ButtonReply),
    /// An item of a list was chosen.
    List(&'m ListReply),
    /// A form was filled in.
    Form(&'m NfmReply),
    /// The user was asked whether they may be called.
    CallPermission(&'m CallPermissionReply),
    /// A way to pay was chosen.
    PaymentMethod(&'m PaymentMethod),
    /// A payment was made.
    PaymentNotification(&'m Lenient<PaymentNotification>),
    /// None of these: what there is stands among the unrecognised keys.
    Unrecognized {
        /// Which reply it says it is.
        reply_type: Option<&'m str>,
    },
}

impl Interactive {
    /// The reply that `type` names. Without a `type`, the reply that is present.
    #[must_use]
    pub fn reply(&self) -> Reply<'_> {
        let reply_type = self.reply_type.as_deref();
        let wanted = |(name, reply)| reply_type.is_none_or(|wanted| wanted == name).then_some(reply)?;
        self.replies().into_iter().find_map(wanted).unwrap_or(Reply::Unrecognized { reply_type })
    }

    /// Every known kind of reply: the key it is stored under, and the reply if it is present.
    pub(crate) fn replies(&self) -> [(&'static str, Option<Reply<'_>>); 6] {
        [
            ("button_reply", self.button_reply.as_ref().map(Reply::Button)),
            ("list_reply", self.list_reply.as_ref().map(Reply::List)),
            ("nfm_reply", self.nfm_reply.as_ref().map(Reply::Form)),
            ("call_permission_reply", self.call_permission_reply.as_ref().map(Reply::CallPermission)),
            ("payment_method", self.payment_method.as_ref().map(Reply::PaymentMethod)),
            ("payment_notification", self.payment_notification.as_ref().map(Reply::PaymentNotification)),
        ]
    }

    /// Fails if `type` names a known reply that is absent.
    pub(crate) fn check(&self) -> Result<(), Fault> {
        match self.reply() {
            Reply::Unrecognized { reply_type: Some(name) }
                if self.replies().iter().any(|(known, _)| *known == name) =>
            {
                Err(Fault::here(Problem::Missing).under_key(name))
            }
            _ => Ok(()),
        }
    }
}

object! {
    /// A tap on a reply button.
    ///
    /// ```
    /// use wab_events::message::Message;
    ///
    /// let json = r#"{"type": "interactive", "interactive": {"type": "button_reply", "button_reply": {"id": "no", "title": "No"}}}"#;
    /// assert_eq!(Message::parse(json)?.text(), Some("No"));
    /// # Ok::<(), wab_events::message::NotAMessage>(())
    /// ```
    ButtonReply {
        /// What the sender gave to the button.
        id: Id,
        /// What is written on it.
        title: String,
    }
}

object! {
    /// The choice of an item of a list.
    ///
    /// ```
    /// use wab_events::message::Message;
    ///
    /// let json = r#"{"type": "interactive", "interactive": {"type": "list_reply", "list_reply": {"id": "1", "title": "First"}}}"#;
    /// assert_eq!(Message::parse(json)?.text(), Some("First"));
    /// # Ok::<(), wab_events::message::NotAMessage>(())
    /// ```
    ListReply {
        /// What the sender gave to the item.
        id: Id,
        /// The item's title.
        title: String,
        /// The item's second line.
        description: Option<String>,
    }
}

object! {
    /// A form that was filled in: a flow, an address, a catalogue.
    ///
    /// ```
    /// use wab_events::message::{Message, MessageKind, Payload};
    ///
    /// let json = r#"{"type": "interactive", "interactive": {"type": "nfm_reply",
    ///     "nfm_reply": {"response_json": "{\"rating\":\"5\"}", "name": "flow", "body": "Sent"}}}"#;
    /// let message = Message::parse(json)?;
    /// let MessageKind::Known(Payload::Interactive(interactive)) = message.kind() else { panic!("a reply") };
    /// let form = interactive.nfm_reply.as_ref().unwrap();
    /// assert_eq!(form.response_json.as_str(), r#"{"rating":"5"}"#);
    /// let response: serde_json::Value = form.response()?;
    /// assert_eq!(response["rating"], "5");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    NfmReply {
        /// What the user filled in: JSON in a string, usually an object, sometimes an array, sometimes no JSON.
        response_json: JsonText,
        /// `flow`, `address_message`, …
        name: Option<String>,
        /// What the chat shows in place of the form.
        body: Option<String>,
    }
}

impl NfmReply {
    /// What the user filled in, as a type of one's own or as a [`serde_json::Value`].
    ///
    /// # Errors
    /// If the string isn't JSON, or doesn't say a `T`.
    pub fn response<T: DeserializeOwned>(&self) -> Result<T, serde_json::Error> {
        serde_json::from_str(self.response_json.as_str())
    }
}

object! {
    /// The answer to the question whether the business may call.
    ///
    /// ```
    /// use wab_events::message::{CallPermission, Message, MessageKind, Payload};
    ///
    /// let json = r#"{"type": "interactive", "interactive": {"type": "call_permission_reply", "call_permission_reply":
    ///     {"response": "accept", "expiration_timestamp": 1763889301, "response_source": "user_action"}}}"#;
    /// let message = Message::parse(json)?;
    /// let MessageKind::Known(Payload::Interactive(interactive)) = message.kind() else { panic!("a reply") };
    /// let reply = interactive.call_permission_reply.as_ref().unwrap();
    /// assert_eq!(reply.response, CallPermission::Accept);
    /// assert_eq!(reply.expiration_timestamp.as_ref().unwrap().seconds(), Some(1_763_889_301));
    /// # Ok::<(), wab_events::message::NotAMessage>(())
    /// ```
    CallPermissionReply {
        /// The answer.
        response: CallPermission,
        /// The permission doesn't end.
        is_permanent: Option<bool>,
        /// When the permission ends.
        expiration_timestamp: Option<Timestamp>,
        /// `user_action`, or `automatic` because the user called.
        response_source: Option<String>,
    }
}

open_enum! {
    /// Whether the business may call.
    ///
    /// ```
    /// use wab_events::message::CallPermission;
    ///
    /// assert_eq!(CallPermission::from("reject"), CallPermission::Reject);
    /// assert_eq!(CallPermission::from("later").as_str(), "later");
    /// ```
    CallPermission {
        /// It may.
        Accept = "accept",
        /// It may not.
        Reject = "reject",
    }
}

object! {
    /// The way to pay that a user chose.
    ///
    /// ```
    /// use wab_events::message::{Message, MessageKind, Payload};
    ///
    /// let json = r#"{"type": "interactive", "interactive": {"type": "payment_method", "payment_method":
    ///     {"payment_method": "offsite_card_pay", "payment_timestamp": 1726170122, "reference_id": "order-17"}}}"#;
    /// let message = Message::parse(json)?;
    /// let MessageKind::Known(Payload::Interactive(interactive)) = message.kind() else { panic!("a reply") };
    /// let payment = interactive.payment_method.as_ref().unwrap();
    /// assert_eq!(payment.reference_id.as_ref().unwrap().as_str(), "order-17");
    /// # Ok::<(), wab_events::message::NotAMessage>(())
    /// ```
    #[derive(Default)]
    PaymentMethod {
        /// `offsite_card_pay`, …
        payment_method: Option<String>,
        /// When it was chosen.
        payment_timestamp: Option<Timestamp>,
        /// What the order's sender gave to it.
        reference_id: Option<Id>,
        /// The card's last four digits.
        last_four_digits: Option<Id>,
        /// The card's id.
        credential_id: Option<Id>,
    }
}
