//! Messages that WhatsApp doesn't deliver.

use crate::message::shape::object;

object! {
    /// A message that WhatsApp doesn't deliver; the message's `errors` give the reason. Older messages have the type
    /// `unknown`.
    #[derive(Default)]
    Unsupported {
        /// The type of the original message: `edit`, `gif`, `pin`, `poll_creation`, … An open set; often absent.
        original_type as "type": Option<String>,
        /// The original type by WhatsApp's internal name. Not documented; recorded in 2026.
        raw_type: Option<String>,
    }
}
