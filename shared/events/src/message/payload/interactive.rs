//! Replies to interactive messages: buttons, lists, forms, call permissions, payments.

use std::fmt;

use serde::de::DeserializeOwned;

use crate::message::fault::{Fault, Problem};
use crate::message::lenient::Lenient;
use crate::message::payment::PaymentNotification;
use crate::message::shape::{object, open_enum};
use crate::message::value::{Id, JsonText, Timestamp};
use crate::redacted::Redacted;

object! {
    /// A reply to an interactive message. Some recorded messages of this type have no body at all.
    #[derive(Default)]
    Interactive {
        /// The kind of reply: an open set.
        reply_type as "type": Option<String>,
        /// The reply button that the user tapped.
        button_reply: Option<ButtonReply>,
        /// The list item that the user chose.
        list_reply: Option<ListReply>,
        /// The form that the user submitted.
        nfm_reply: Option<NfmReply>,
        /// The user's answer to a request for permission to call.
        call_permission_reply: Option<CallPermissionReply>,
        /// The payment method that the user chose.
        payment_method: Option<PaymentMethod>,
        /// A payment. Its shape isn't documented.
        payment_notification: Option<Lenient<PaymentNotification>>,
        /// What the reply is about: `address_message`. Present if `type` doesn't name the reply.
        action: Option<String>,
        /// When the user replied, next to `action`.
        timestamp: Option<Timestamp>,
    }
}

/// The reply in an [`Interactive`] message.
///
/// ```
/// use wab_events::message::{Message, MessageKind, Payload, Reply};
///
/// let json = r#"{"type": "interactive", "interactive": {"type": "button_reply", "button_reply": {"id": "no", "title": "No"}}}"#;
/// let message = Message::parse(json)?;
/// let MessageKind::Known(Payload::Interactive(interactive)) = message.kind() else { panic!("a reply") };
/// match interactive.reply() {
///     Reply::Button(button) => assert_eq!(button.id.as_str(), "no"),
///     Reply::List(item) => println!("chose {}", item.id.as_str()),
///     other => println!("not handled: {other:?}"),
/// }
/// # Ok::<(), wab_events::message::NotAMessage>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reply<'m> {
    /// The reply button that the user tapped.
    Button(&'m ButtonReply),
    /// The list item that the user chose.
    List(&'m ListReply),
    /// The form that the user submitted.
    Form(&'m NfmReply),
    /// The user's answer to a request for permission to call.
    CallPermission(&'m CallPermissionReply),
    /// The payment method that the user chose.
    PaymentMethod(&'m PaymentMethod),
    /// A payment.
    PaymentNotification(&'m Lenient<PaymentNotification>),
    /// An unknown kind of reply, which is among the unrecognized keys, or no reply at all.
    Unrecognized {
        /// The kind of reply that `type` states.
        reply_type: Option<&'m str>,
    },
}

impl fmt::Debug for Reply<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Button(button) => fmt::Debug::fmt(button, f),
            Self::List(item) => fmt::Debug::fmt(item, f),
            Self::Form(form) => fmt::Debug::fmt(form, f),
            Self::CallPermission(answer) => fmt::Debug::fmt(answer, f),
            Self::PaymentMethod(method) => fmt::Debug::fmt(method, f),
            Self::PaymentNotification(payment) => fmt::Debug::fmt(payment, f),
            Self::Unrecognized { reply_type } => {
                f.debug_struct("Unrecognized").field("reply_type", &reply_type.map(Redacted::new)).finish()
            }
        }
    }
}

impl Interactive {
    /// The reply that `type` names. If it names none, the reply that is present: without a `type`, and in address
    /// messages, whose `type` is `interactive`.
    #[must_use]
    pub fn reply(&self) -> Reply<'_> {
        let reply_type = self.reply_type.as_deref();
        let named = reply_type.filter(|name| *name != "interactive");
        let wanted = |(name, reply)| named.is_none_or(|named| named == name).then_some(reply)?;
        self.replies().into_iter().find_map(wanted).unwrap_or(Reply::Unrecognized { reply_type })
    }

    /// Every known kind of reply: its key, which is also its name in `type`, and the reply if it is present.
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
    ButtonReply {
        /// The id that the business assigned to the button.
        id: Id,
        /// The label of the button.
        title: String,
    }
}

object! {
    /// The choice of a list item.
    ListReply {
        /// The id that the business assigned to the item.
        id: Id,
        /// The item's title.
        title: String,
        /// The item's second line.
        description: Option<String>,
    }
}

object! {
    /// A submitted form: a flow, an address, a catalogue.
    NfmReply {
        /// The user's input: a string that usually holds a JSON object, sometimes an array, sometimes no JSON.
        response_json: JsonText,
        /// The kind of form: `flow`, `address_message`, …
        name: Option<String>,
        /// What the chat shows in place of the form.
        body: Option<String>,
    }
}

impl NfmReply {
    /// Parses the user's input into a type of your own, or into a [`serde_json::Value`].
    ///
    /// # Errors
    /// If the input isn't JSON, or doesn't have the shape of `T`.
    ///
    /// ```
    /// use wab_events::message::{Message, MessageKind, Payload, Reply};
    ///
    /// let json = r#"{"type": "interactive", "interactive": {"type": "nfm_reply",
    ///     "nfm_reply": {"response_json": "{\"rating\":\"5\"}", "name": "flow", "body": "Sent"}}}"#;
    /// let message = Message::parse(json)?;
    /// let MessageKind::Known(Payload::Interactive(interactive)) = message.kind() else { panic!("a reply") };
    /// let Reply::Form(form) = interactive.reply() else { panic!("a form") };
    /// let response: serde_json::Value = form.response()?;
    /// assert_eq!(response["rating"], "5");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn response<T: DeserializeOwned>(&self) -> Result<T, serde_json::Error> {
        serde_json::from_str(self.response_json.as_str())
    }
}

object! {
    /// The user's answer to a request for permission to call.
    CallPermissionReply {
        /// The answer.
        response: CallPermission,
        /// True if the permission never expires.
        is_permanent: Option<bool>,
        /// When the permission expires.
        expiration_timestamp: Option<Timestamp>,
        /// `user_action`, or `automatic` if the user called the business.
        response_source: Option<String>,
    }
}

open_enum! {
    /// Whether the business may call the user.
    CallPermission {
        /// The business may call.
        Accept = "accept",
        /// The business may not call.
        Reject = "reject",
    }
}

object! {
    /// The payment method that the user chose.
    #[derive(Default)]
    PaymentMethod {
        /// `offsite_card_pay`, …
        payment_method: Option<String>,
        /// When the user chose it.
        payment_timestamp: Option<Timestamp>,
        /// The reference that the business assigned to the order.
        reference_id: Option<Id>,
        /// The last four digits of the card.
        last_four_digits: Option<Id>,
        /// The id of the card.
        credential_id: Option<Id>,
    }
}
