//! Changes to the user themselves.

use crate::message::sender::{PhoneNumber, Sender, UserId};
use crate::message::shape::{object, open_enum};
use crate::message::value::Id;

object! {
    /// A change to the user: a new number, a new user id, a new phone.
    #[derive(Default)]
    System {
        /// What changed. Some recorded messages lack it.
        change as "type": Option<SystemChange>,
        /// The change in words.
        body: Option<String>,
        /// The user's new number.
        wa_id: Option<Id>,
        /// The older key of the user's new number.
        new_wa_id: Option<Id>,
        /// The user's new business-scoped user id.
        user_id: Option<Id>,
        /// The user's new user id, as all accounts of one business see it.
        parent_user_id: Option<Id>,
        /// The user id before the change.
        previous_user_id: Option<Id>,
        /// The user id before the change, as all accounts of one business see it.
        previous_parent_user_id: Option<Id>,
        /// The hash of the new security code. Older messages only.
        identity: Option<String>,
        /// The user's number before the change. Older messages only.
        customer: Option<Id>,
    }
}

impl System {
    /// The user's new number, from either key. None if it is absent or isn't a phone number.
    #[must_use]
    pub fn new_number(&self) -> Option<PhoneNumber> {
        PhoneNumber::parse(self.wa_id.as_ref().or(self.new_wa_id.as_ref())?.as_str())
    }

    /// The user, by the identifiers after the change, or else those before it.
    pub(crate) fn user(&self) -> Sender {
        let ids =
            [&self.user_id, &self.wa_id, &self.new_wa_id, &self.previous_user_id, &self.customer].into_iter().flatten();
        let parent = self.parent_user_id.as_ref().or(self.previous_parent_user_id.as_ref());
        Sender::of(ids.map(Id::as_str)).with_parent(parent.and_then(|id| UserId::parse(id.as_str())))
    }
}

open_enum! {
    /// What changed, in a [`System`] message.
    SystemChange {
        /// A new number.
        UserChangedNumber = "user_changed_number",
        /// A new number, by its older name.
        CustomerChangedNumber = "customer_changed_number",
        /// A new business-scoped user id.
        UserChangedUserId = "user_changed_user_id",
        /// A new security code; the message's `identity` describes it.
        CustomerIdentityChanged = "customer_identity_changed",
    }
}
