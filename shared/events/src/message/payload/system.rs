//! Changes to the user: number, user id, security code.

use crate::message::sender::PhoneNumber;
use crate::message::shape::{object, open_enum};
use crate::message::value::Id;

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

open_enum! {
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
