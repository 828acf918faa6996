//! A message of the spill queue: an item that the table rejected or didn't store in time.

use serde::{Deserialize, Serialize};

use crate::event::escape_noncharacters;
use crate::item::Item;
use crate::quarantine::Quarantined;

/// The largest message of the spill queue: 1 MiB (SQS, "Amazon SQS message quotas").
pub const MAX_SPILL_BYTES: usize = 1024 * 1024;

/// The item, exactly as it would have been stored. So it is stored later under the same key, with the time of the original
/// request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[expect(clippy::large_enum_variant, reason = "an event is the usual case, and neither is kept in numbers")]
pub enum Spilled<'a> {
    Event(Item<'a>),
    Quarantine(Quarantined<'a>),
}

impl Spilled<'_> {
    /// The message text, in characters that SQS accepts.
    ///
    /// # Errors
    /// Only if memory runs out.
    pub fn to_message(&self) -> Result<String, serde_json::Error> {
        serde_json::to_string(self).map(escape_noncharacters)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{MoCallback, Received, ReceivedAt};

    #[test]
    fn item_survives_the_round_trip() {
        let body = "{\"id\":\"a\",\"source\":\"\u{fffe}\",\"content\":\"\u{ffff}\\u0000\"}";
        let at = ReceivedAt::from_epoch_ms(1_763_889_302_417);
        let received = Received { body, application: "shop", at, expires_at: 7 };
        let spilled = Spilled::Event(Item::mo(&MoCallback::parse(body).unwrap(), received));
        let message = spilled.to_message().unwrap();
        assert!(message.starts_with(r#"{"event":{"#));
        assert!(!message.contains(['\u{fffe}', '\u{ffff}']), "SQS accepts neither");
        assert_eq!(serde_json::from_str::<Spilled<'_>>(&message).unwrap(), spilled);
    }
}
