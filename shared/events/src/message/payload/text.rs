//! Words: those that the user typed, and those on the template button that they tapped.

use crate::message::shape::object;

object! {
    /// A text.
    Text {
        /// What the user wrote. May be empty.
        body: String,
    }
}

object! {
    /// A tap on a button of a template.
    #[derive(Default)]
    Button {
        /// The label of the button.
        text: Option<String>,
        /// The payload that the business assigned to the button.
        payload: Option<String>,
    }
}
