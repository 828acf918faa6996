//! From a message of a listener's queue to the event in it. Pure.

use std::collections::{BTreeMap, HashMap};

use jiff::Timestamp;
use serde::Deserialize;
use wab_events::Event;

use crate::event_line::Brief;
use crate::forward::Notification;
use crate::mask::Mask;
use crate::stack::QueueMessage;

/// A message of the queue.
#[derive(Clone)]
pub(crate) struct Delivery {
    /// The queue's id of the message, the same each time it is received.
    pub(crate) queue_id: String,
    pub(crate) handle: String,
    /// When SQS received the message.
    pub(crate) queued_at: Timestamp,
    pub(crate) notification: Notification,
}

/// SNS's envelope.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Envelope {
    r#type: String,
    message_id: String,
    topic_arn: String,
    message: String,
    timestamp: Timestamp,
    #[serde(default)]
    message_attributes: BTreeMap<String, Attribute>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Attribute {
    value: String,
}

impl Delivery {
    /// Reads a message: an event in SNS's envelope, or one that was sent to the queue directly, with SQS's attributes.
    /// `now` stands in for a missing time. `subscription_arns` are those of the topics.
    pub(crate) fn read(message: QueueMessage, now: Timestamp, subscription_arns: &HashMap<String, String>) -> Self {
        let QueueMessage { id, handle, sent_at, body, attributes } = message;
        let queued_at = sent_at.unwrap_or(now);
        let envelope =
            serde_json::from_str::<Envelope>(&body).ok().filter(|envelope| envelope.r#type == "Notification");
        let notification = match envelope {
            Some(envelope) => {
                let attributes = envelope.message_attributes.into_iter();
                Notification {
                    message_id: envelope.message_id,
                    subscription_arn: subscription_arns.get(&envelope.topic_arn).cloned().unwrap_or_default(),
                    topic_arn: envelope.topic_arn,
                    event: envelope.message,
                    attributes: attributes.map(|(name, attribute)| (name, attribute.value)).collect(),
                    published_at: envelope.timestamp,
                    envelope: Some(body),
                }
            }
            None => Notification {
                message_id: id.clone(),
                topic_arn: String::new(),
                subscription_arn: String::new(),
                event: body,
                attributes,
                published_at: queued_at,
                envelope: None,
            },
        };
        Self { queue_id: id, handle, queued_at, notification }
    }

    /// The event's id. None if the message isn't an event.
    pub(crate) fn event_id(&self) -> Option<String> {
        Event::parse(&self.notification.event).ok().map(|event| event.id().to_owned())
    }

    pub(crate) fn brief(&self, mask: Mask) -> Brief {
        Brief::new(&self.notification.event, &self.notification.attributes, mask)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(body: &str) -> Delivery {
        let attributes = BTreeMap::from([("replay".to_owned(), "true".to_owned())]);
        let message = QueueMessage {
            id: "q".to_owned(),
            handle: "h".to_owned(),
            sent_at: None,
            body: body.to_owned(),
            attributes,
        };
        Delivery::read(
            message,
            Timestamp::UNIX_EPOCH,
            &HashMap::from([("arn".to_owned(), "arn:subscription".to_owned())]),
        )
    }

    #[test]
    fn event_is_taken_out_of_the_envelope() {
        let envelope = json!({
            "Type": "Notification", "MessageId": "m", "TopicArn": "arn", "Message": "{\"id\":\"a\"}",
            "Timestamp": "2026-11-23T09:15:02.417Z", "SignatureVersion": "1", "Signature": "s",
            "MessageAttributes": {"kind": {"Type": "String", "Value": "mo"}},
        })
        .to_string();
        let Delivery { notification, queue_id, .. } = read(&envelope);
        assert_eq!((&*queue_id, &*notification.message_id, &*notification.event), ("q", "m", r#"{"id":"a"}"#));
        assert_eq!(notification.attributes["kind"], "mo");
        assert_eq!(
            (notification.subscription_arn, notification.envelope),
            ("arn:subscription".to_owned(), Some(envelope))
        );
    }

    #[test]
    fn message_without_an_envelope_is_its_own_event() {
        for body in [r#"{"id":"a"}"#, r#"{"Type":"Notification"}"#, r#"{"Type":"Other","Message":"x"}"#, "", "text"] {
            let Delivery { notification, .. } = read(body);
            assert_eq!((&*notification.message_id, &*notification.event), ("q", body));
            assert_eq!(notification.attributes["replay"], "true");
        }
    }
}
