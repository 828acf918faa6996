//! An event as an SNS message.

use wab_events::Kind;
use wab_models::NewEvent;
use wab_platform::Reason;

use crate::publish_error::PublishError;

/// The text and the attributes of one SNS message.
#[derive(Debug)]
pub(crate) struct Message {
    /// Decides the topic.
    pub(crate) kind: Kind,
    pub(crate) text: String,
    pub(crate) attributes: Vec<(&'static str, String)>,
}

impl Message {
    pub(crate) fn of(event: &NewEvent<'_>) -> Result<Self, PublishError> {
        let text = event.to_message().map_err(|_| PublishError::Permanent(Reason::EventNotWritable))?;
        let attributes = event.attributes().into_iter().map(|(name, value)| (name, value.to_owned())).collect();
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
