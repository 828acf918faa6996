//! The payloads of the smaller message types.

use serde::de::DeserializeOwned;

use super::fault::{Fault, Why};
use super::json::Lenient;
use super::payment::PaymentNotification;
use super::sender::PhoneNumber;
use super::shape::{object, words};
use super::value::{Decimal, Id, JsonText, Timestamp};
use super::view::Message;

object! {
    /// A text. May be empty.
    ///
    /// ```
    /// use wab_events::message::Message;
    ///
    /// let message = Message::parse(r#"{"type": "text", "text": {"body": "Kia ora \ud83d\udc4b"}}"#)?;
    /// assert_eq!(message.text(), Some("Kia ora 👋"));
    /// # Ok::<(), wab_events::message::NotAMessage>(())
    /// ```
    Text {
        /// What the user wrote.
        body: String,
    }
}

object! {
    /// A place.
    ///
    /// ```
    /// use wab_events::message::{Message, MessageKind, Payload};
    ///
    /// let json = r#"{"type": "location", "location": {"latitude": -41.28664, "longitude": "174.77557", "name": "Wellington"}}"#;
    /// let message = Message::parse(json)?;
    /// let MessageKind::Known(Payload::Location(place)) = message.kind() else { panic!("a place") };
    /// assert_eq!(place.latitude.as_str(), "-41.28664");
    /// assert_eq!(place.longitude.to_f64(), 174.77557);
    /// # Ok::<(), wab_events::message::NotAMessage>(())
    /// ```
    Location {
        /// Degrees north (WGS 84).
        latitude: Decimal,
        /// Degrees east (WGS 84).
        longitude: Decimal,
        /// What is there.
        name: Option<String>,
        /// Its address.
        address: Option<String>,
        /// Its web page.
        url: Option<String>,
    }
}

object! {
    /// A tap on a button of a template.
    ///
    /// ```
    /// use wab_events::message::{Message, MessageKind, Payload};
    ///
    /// let message = Message::parse(r#"{"type": "button", "button": {"text": "Unsubscribe", "payload": null}}"#)?;
    /// let MessageKind::Known(Payload::Button(button)) = message.kind() else { panic!("a button") };
    /// assert_eq!(button.text, "Unsubscribe");
    /// assert_eq!(button.payload, None);
    /// # Ok::<(), wab_events::message::NotAMessage>(())
    /// ```
    Button {
        /// What is written on it.
        text: String,
        /// What the template's sender gave to it.
        payload: Option<String>,
    }
}

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

/// The replies that are known: each stands under a key of its own name.
pub(crate) const REPLY_TYPES: [&str; 6] =
    ["button_reply", "list_reply", "nfm_reply", "call_permission_reply", "payment_method", "payment_notification"];

impl Interactive {
    /// The reply: the one that `type` names, or without a `type` the one that is there.
    #[must_use]
    pub fn reply(&self) -> Reply<'_> {
        let replies = [
            ("button_reply", self.button_reply.as_ref().map(Reply::Button)),
            ("list_reply", self.list_reply.as_ref().map(Reply::List)),
            ("nfm_reply", self.nfm_reply.as_ref().map(Reply::Form)),
            ("call_permission_reply", self.call_permission_reply.as_ref().map(Reply::CallPermission)),
            ("payment_method", self.payment_method.as_ref().map(Reply::PaymentMethod)),
            ("payment_notification", self.payment_notification.as_ref().map(Reply::PaymentNotification)),
        ];
        let reply_type = self.reply_type.as_deref();
        let named = |(name, reply)| reply_type.is_none_or(|wanted| wanted == name).then_some(reply)?;
        replies.into_iter().find_map(named).unwrap_or(Reply::Unrecognized { reply_type })
    }

    /// The fault of a `type` that names a reply which isn't there.
    pub(crate) fn check(&self) -> Result<(), Fault> {
        match self.reply() {
            Reply::Unrecognized { reply_type: Some(name) } if REPLY_TYPES.contains(&name) => {
                Err(Fault::here(Why::Missing).under_key(name))
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

words! {
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
    /// A shopping cart.
    ///
    /// ```
    /// use wab_events::message::{Message, MessageKind, Payload};
    ///
    /// let json = r#"{"type": "order", "order": {"catalog_id": "1537", "text": "Gift wrapped, please", "product_items": [
    ///     {"product_retailer_id": "kiwi", "quantity": "2", "item_price": 99.99, "currency": "NZD"}]}}"#;
    /// let message = Message::parse(json)?;
    /// let MessageKind::Known(Payload::Order(order)) = message.kind() else { panic!("an order") };
    /// let item = order.product_items.first().unwrap();
    /// assert_eq!(item.quantity.to_i64(), Some(2));
    /// assert_eq!(item.item_price.scaled(2), Some(9999)); // cents
    /// # Ok::<(), wab_events::message::NotAMessage>(())
    /// ```
    Order {
        /// The catalogue.
        catalog_id: Id,
        /// What was put into the cart.
        product_items: Vec<ProductItem>,
        /// What the user wrote with it.
        text: Option<String>,
    }
}

object! {
    /// One line of an [`Order`].
    ///
    /// ```
    /// use wab_events::message::{Message, MessageKind, Payload};
    ///
    /// let json = r#"{"type": "order", "order": {"catalog_id": "1537", "product_items": [
    ///     {"product_retailer_id": "kiwi", "quantity": 2, "item_price": "30", "currency": "NZD"}]}}"#;
    /// let message = Message::parse(json)?;
    /// let MessageKind::Known(Payload::Order(order)) = message.kind() else { panic!("an order") };
    /// assert_eq!(order.product_items.first().unwrap().item_price.to_string(), "30");
    /// # Ok::<(), wab_events::message::NotAMessage>(())
    /// ```
    ProductItem {
        /// The shop's own id of the product.
        product_retailer_id: Id,
        /// How many.
        quantity: Decimal,
        /// What one costs, in the currency's main unit.
        item_price: Decimal,
        /// The currency (ISO 4217).
        currency: Option<String>,
    }
}

object! {
    /// News of the user themselves: a new number, a new user id, a new phone.
    ///
    /// ```
    /// use wab_events::message::{Message, MessageKind, Payload, SystemChange};
    ///
    /// let json = r#"{"from": "6421000001", "type": "system", "system": {"type": "user_changed_number",
    ///     "body": "A changed from 6421000001 to 6421000009", "wa_id": "6421000009"}}"#;
    /// let message = Message::parse(json)?;
    /// let MessageKind::Known(Payload::System(system)) = message.kind() else { panic!("news") };
    /// assert_eq!(system.change, Some(SystemChange::UserChangedNumber));
    /// assert_eq!(system.new_number().unwrap().digits(), "6421000009");
    /// # Ok::<(), wab_events::message::NotAMessage>(())
    /// ```
    #[derive(Default)]
    System {
        /// What changed. Has been missing.
        change as "type": Option<SystemChange>,
        /// The news in words.
        body: Option<String>,
        /// The user's new number.
        wa_id: Option<Id>,
        /// The user's new number, under its older name.
        new_wa_id: Option<Id>,
        /// The user's new business-scoped user id.
        user_id: Option<Id>,
        /// The same for all accounts of one business.
        parent_user_id: Option<Id>,
        /// The user id that it replaces.
        previous_user_id: Option<Id>,
        /// The same for all accounts of one business.
        previous_parent_user_id: Option<Id>,
        /// The hash of the new security code, in older messages.
        identity: Option<String>,
        /// The user's number before the change, in older messages.
        customer: Option<Id>,
    }
}

impl System {
    /// The user's new number, under either name.
    #[must_use]
    pub fn new_number(&self) -> Option<PhoneNumber> {
        PhoneNumber::parse(self.wa_id.as_ref().or(self.new_wa_id.as_ref())?.as_str())
    }
}

words! {
    /// What changed, in a [`System`] message.
    ///
    /// ```
    /// use wab_events::message::SystemChange;
    ///
    /// assert_eq!(SystemChange::from("user_changed_user_id"), SystemChange::UserChangedUserId);
    /// assert_eq!(SystemChange::from("moved").as_str(), "moved");
    /// ```
    SystemChange {
        /// A new number.
        UserChangedNumber = "user_changed_number",
        /// A new number, under its older name.
        CustomerChangedNumber = "customer_changed_number",
        /// A new business-scoped user id.
        UserChangedUserId = "user_changed_user_id",
        /// A new security code: the message's `identity` has it.
        CustomerIdentityChanged = "customer_identity_changed",
    }
}

object! {
    /// A message that WhatsApp doesn't pass on; the message's `errors` say why. Under its old name, `unknown`.
    ///
    /// ```
    /// use wab_events::message::{Message, MessageKind, Payload};
    ///
    /// let json = r#"{"type": "unsupported", "unsupported": {"type": "poll_creation"}, "errors": [{"code": 131051}]}"#;
    /// let message = Message::parse(json)?;
    /// let MessageKind::Known(Payload::Unsupported(unsupported)) = message.kind() else { panic!("unsupported") };
    /// assert_eq!(unsupported.original_type.as_deref(), Some("poll_creation"));
    /// assert_eq!(message.errors().len(), 1);
    /// # Ok::<(), wab_events::message::NotAMessage>(())
    /// ```
    #[derive(Default)]
    Unsupported {
        /// What it was: `edit`, `gif`, `pin`, `poll_creation`, … An open set; often missing.
        original_type as "type": Option<String>,
        /// The same in WhatsApp's own words; seen in 2026 and not documented.
        raw_type: Option<String>,
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
