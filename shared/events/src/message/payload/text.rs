//! What the user typed, or the words on the button they tapped.

use crate::message::shape::object;

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
