//! Errors that WhatsApp reports in a message or a status.

use super::shape::object;
use super::value::Id;

object! {
    /// What went wrong. Comes in three shapes: with `message`, `error_data` and `href`; with `details`; with hardly
    /// more than a code.
    ///
    /// ```
    /// use wab_events::message::Message;
    ///
    /// let json = r#"{"type": "unsupported", "errors": [
    ///     {"code": 131051, "title": "Message type unknown", "error_data": {"details": "Not supported."}},
    ///     {"code": 501, "title": "Unknown message type", "details": "Not supported."}, {"code": 500}]}"#;
    /// let message = Message::parse(json)?;
    /// let [new, old, bare] = message.errors() else { panic!("three errors") };
    /// assert_eq!(new.code.as_ref().unwrap().as_str(), "131051");
    /// assert_eq!(new.details(), Some("Not supported."));
    /// assert_eq!(old.details(), Some("Not supported."));
    /// assert_eq!(bare.details(), None);
    /// # Ok::<(), wab_events::message::NotAMessage>(())
    /// ```
    #[derive(Default)]
    MessageError {
        /// Meta's error code: a number, kept as its digits.
        code: Option<Id>,
        /// A short text for the code.
        title: Option<String>,
        /// Usually the same as the title.
        message: Option<String>,
        /// The newer place of the details.
        error_data: Option<ErrorData>,
        /// The older place of the details.
        details_text as "details": Option<String>,
        /// Documentation of the code.
        href: Option<String>,
    }
}

impl MessageError {
    /// What exactly went wrong, from either place.
    #[must_use]
    pub fn details(&self) -> Option<&str> {
        self.error_data.as_ref().and_then(|data| data.details.as_deref()).or(self.details_text.as_deref())
    }
}

object! {
    /// The newer place of an error's details; see [`MessageError::details`].
    ///
    /// ```
    /// # use wab_events::message::Message;
    /// let message = Message::parse(r#"{"type": "unsupported", "errors": [{"code": 1, "error_data": {"details": "So"}}]}"#)?;
    /// let data = message.errors().first().unwrap().error_data.as_ref().unwrap();
    /// assert_eq!(data.details.as_deref(), Some("So"));
    /// # Ok::<(), wab_events::message::NotAMessage>(())
    /// ```
    #[derive(Default)]
    ErrorData {
        /// What exactly went wrong.
        details: Option<String>,
    }
}
