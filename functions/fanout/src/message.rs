//! An event as an SNS message.

use std::fmt;

use wab_events::{Kind, Redacted};
use wab_models::NewEvent;
use wab_platform::Reason;

use crate::publish_error::PublishError;

/// Why an event is published.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Occasion {
    /// It was stored.
    Stored,
    /// Someone publishes it again, on purpose. Its message has the attribute `replay`.
    Replay,
}

/// The text and the attributes of one SNS message.
#[derive(Clone)]
pub struct Message {
    /// Decides the topic.
    pub kind: Kind,
    /// The event, as JSON.
    pub text: String,
    /// Names and values. All are of the data type `String`.
    pub attributes: Vec<(&'static str, String)>,
}

impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = Redacted::new(&self.text);
        f.debug_struct("Message").field("kind", &self.kind).field("text", &text).finish_non_exhaustive()
    }
}

impl Message {
    pub(crate) fn of(event: &NewEvent<'_>, occasion: Occasion) -> Result<Self, PublishError> {
        let text = event.to_message().map_err(|_| PublishError::Permanent(Reason::EventNotWritable))?;
        let replay = (occasion == Occasion::Replay).then_some(("replay", "true"));
        let attributes = event.attributes().into_iter().chain(replay);
        let attributes = attributes.map(|(name, value)| (name, value.to_owned())).collect();
        Ok(Self { kind: event.event().kind(), text, attributes })
    }

    /// The size that SNS counts against its limit: the text, and the name, data type and value of each attribute.
    pub(crate) fn size_bytes(&self) -> usize {
        let attribute = |(name, value): &(&str, String)| name.len() + "String".len() + value.len();
        self.text.len() + self.attributes.iter().map(attribute).sum::<usize>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_count_with_name_type_and_value() {
        let attributes = vec![("kind", "mo".to_owned()), ("type", "text".to_owned())];
        let message = Message { kind: Kind::Mo, text: "{}".to_owned(), attributes };
        assert_eq!(message.size_bytes(), 2 + (4 + 6 + 2) + (4 + 6 + 4));
    }
}
