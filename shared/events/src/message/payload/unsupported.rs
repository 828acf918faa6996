//! Messages that WhatsApp does not deliver.

use crate::message::shape::object;

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
