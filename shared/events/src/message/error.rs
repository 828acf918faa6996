//! Errors that WhatsApp reports in a message or a status.

use super::shape::object;
use super::value::Id;

object! {
    /// An error. Three shapes are recorded: with `message`, `error_data` and `href`; with `details`; with little more
    /// than a code.
    #[derive(Default)]
    MessageError {
        /// Meta's error code: a number, kept as its digits.
        code: Option<Id>,
        /// A short text for the code.
        title: Option<String>,
        /// Usually the same as the title.
        message: Option<String>,
        /// The details, in newer messages.
        error_data: Option<ErrorData>,
        /// The details, in older messages.
        details_text as "details": Option<String>,
        /// A link to the documentation of the code.
        href: Option<String>,
    }
}

impl MessageError {
    /// The details of the error, from either key.
    #[must_use]
    pub fn details(&self) -> Option<&str> {
        self.error_data.as_ref().and_then(|data| data.details.as_deref()).or(self.details_text.as_deref())
    }
}

object! {
    /// The details of an error, in newer messages.
    #[derive(Default)]
    ErrorData {
        /// The details of the error.
        details: Option<String>,
    }
}
