//! What waits in the spill queue: an item that the table didn't take in time.

use serde::{Deserialize, Serialize};

use crate::event::escape_noncharacters;
use crate::item::Item;
use crate::quarantine::Quarantined;

/// The largest message of the spill queue: 1 MiB (SQS, "Amazon SQS message quotas").
pub const MAX_SPILL_BYTES: usize = 1024 * 1024;

/// A message of the spill queue: the item that is to be put, as it would have been. So whoever puts it later does so
/// under the same key, with the instant of the original request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Spilled<'a> {
    /// An event.
    Event(Item<'a>),
    /// A body that is no callback.
    Quarantine(Quarantined<'a>),
}

impl Spilled<'_> {
    /// The message's text, of characters that SQS takes.
    ///
    /// # Errors
    /// Only if there is no memory for it.
    pub fn to_message(&self) -> Result<String, serde_json::Error> {
        serde_json::to_string(self).map(escape_noncharacters)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{MoCallback, Received, ReceivedAt};

    #[test]
    fn an_item_comes_back_as_it_was() {
        let body = "{\"id\":\"a\",\"source\":\"\u{fffe}\",\"content\":\"\u{ffff}\\u0000\"}";
        let at = ReceivedAt::from_epoch_ms(1_763_889_302_417);
        let received = Received { body, application: "shop", at, expires_at: 7 };
        let spilled = Spilled::Event(Item::mo(&MoCallback::parse(body).unwrap(), received));
        let message = spilled.to_message().unwrap();
        assert!(message.starts_with(r#"{"event":{"#));
        assert!(!message.contains(['\u{fffe}', '\u{ffff}']), "SQS takes neither");
        assert_eq!(serde_json::from_str::<Spilled<'_>>(&message).unwrap(), spilled);
    }
}
