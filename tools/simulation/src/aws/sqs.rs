//! SQS: a standard queue. Sources: API reference, `SendMessage`, `ReceiveMessage`, `DeleteMessage`,
//! `ChangeMessageVisibilityBatch`; developer guide, "Amazon SQS message quotas", "Amazon SQS dead-letter queues".

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::request::{Answer, Request, Service};
use crate::time::{EPOCH_MS, Ms, SECOND};

/// "The maximum message size is 1 MiB."
const MAX_MESSAGE_BYTES: usize = 1_048_576;

#[derive(Debug, Default)]
pub(crate) struct Queue {
    messages: BTreeMap<u64, Message>,
    sent: u64,
    received: u64,
}

#[derive(Debug, Clone)]
struct Message {
    body: String,
    sent_at: Ms,
    visible_at: Ms,
    receives: u32,
    handle: String,
}

/// A received message.
#[derive(Debug, Clone)]
pub(crate) struct Received {
    pub(crate) id: u64,
    pub(crate) handle: String,
    pub(crate) body: String,
    pub(crate) receives: u32,
    sent_at: Ms,
}

/// "A message can include only XML, JSON, and unformatted text. The following Unicode characters are allowed: #x9 | #xA |
/// #xD | #x20 to #xD7FF | #xE000 to #xFFFD | #x10000 to #x10FFFF."
pub(crate) fn may_be_sent(text: &str) -> bool {
    text.chars()
        .all(|char| matches!(char, '\t' | '\n' | '\r' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..))
}

impl Queue {
    /// `SendMessage`: the answer, and the body if it was accepted.
    pub(crate) fn send(&mut self, request: &Request, now: Ms) -> (Answer, Option<String>) {
        let request = request.json();
        let body = request["MessageBody"].as_str().unwrap_or_default();
        let rejected = |code| (Answer::error(Service::Sqs, 400, code), None);
        if body.is_empty() || body.len() > MAX_MESSAGE_BYTES {
            return rejected("InvalidParameterValue");
        }
        if !may_be_sent(body) {
            return rejected("InvalidMessageContents");
        }
        self.add(body.to_owned(), now);
        (Answer::json(&json!({"MessageId": "m", "MD5OfMessageBody": ""})), Some(body.to_owned()))
    }

    pub(crate) fn add(&mut self, body: String, now: Ms) {
        self.sent += 1;
        let message = Message { body, sent_at: now, visible_at: now, receives: 0, handle: String::new() };
        self.messages.insert(self.sent, message);
    }

    /// Receives up to ten visible messages and hides them for `hidden`. Returns separately the bodies of messages that
    /// exceed `max_receives`, for the dead-letter queue.
    pub(crate) fn receive(&mut self, hidden: Ms, max_receives: u32, now: Ms) -> (Vec<Received>, Vec<String>) {
        let visible: Vec<u64> =
            self.messages.iter().filter(|(_, message)| message.visible_at <= now).map(|(id, _)| *id).take(10).collect();
        let (mut received, mut dead) = (Vec::new(), Vec::new());
        for id in visible {
            let Some(message) = self.messages.get_mut(&id) else { continue };
            if message.receives >= max_receives {
                dead.extend(self.messages.remove(&id).map(|message| message.body));
                continue;
            }
            self.received += 1;
            message.receives += 1;
            message.visible_at = now + hidden;
            message.handle = self.received.to_string();
            let Message { body, sent_at, receives, handle, .. } = message.clone();
            received.push(Received { id, handle, body, receives, sent_at });
        }
        (received, dead)
    }

    pub(crate) fn delete(&mut self, id: u64) {
        self.messages.remove(&id);
    }

    /// Makes a received message visible again: "standard queues provide at-least-once delivery".
    pub(crate) fn show(&mut self, id: u64, now: Ms) {
        if let Some(message) = self.messages.get_mut(&id) {
            message.visible_at = now;
        }
    }

    /// When the next message becomes visible.
    pub(crate) fn next_visible(&self) -> Option<Ms> {
        self.messages.values().map(|message| message.visible_at).min()
    }

    pub(crate) fn len(&self) -> usize {
        self.messages.len()
    }

    pub(crate) fn bodies(&self) -> impl Iterator<Item = &str> {
        self.messages.values().map(|message| message.body.as_str())
    }

    /// The calls of `wab`.
    pub(crate) fn call(&mut self, request: &Request, now: Ms) -> Answer {
        let json = request.json();
        let by_handle = |queue: &Self, handle: &Value| {
            let handle = handle.as_str().unwrap_or_default();
            queue.messages.iter().find(|(_, message)| message.handle == handle).map(|(id, _)| *id)
        };
        match request.operation.as_str() {
            "GetQueueAttributes" => {
                let hidden = self.messages.values().filter(|message| message.visible_at > now).count();
                Answer::json(&json!({"Attributes": {
                    "ApproximateNumberOfMessages": (self.messages.len() - hidden).to_string(),
                    "ApproximateNumberOfMessagesNotVisible": hidden.to_string(),
                }}))
            }
            "ReceiveMessage" => {
                let hidden = json["VisibilityTimeout"].as_u64().unwrap_or(30) * SECOND;
                let (received, _) = self.receive(hidden, u32::MAX, now);
                let messages = received.into_iter().map(|message| {
                    json!({
                        "MessageId": message.id.to_string(),
                        "ReceiptHandle": message.handle,
                        "Body": message.body,
                        "Attributes": {
                            "SentTimestamp": (EPOCH_MS + message.sent_at).to_string(),
                            "ApproximateReceiveCount": message.receives.to_string(),
                        },
                    })
                });
                Answer::json(&json!({"Messages": messages.collect::<Vec<_>>()}))
            }
            "DeleteMessage" => {
                if let Some(id) = by_handle(self, &json["ReceiptHandle"]) {
                    self.delete(id);
                }
                Answer::json(&json!({}))
            }
            "ChangeMessageVisibilityBatch" => {
                let mut successful = Vec::new();
                for entry in json["Entries"].as_array().into_iter().flatten() {
                    let hidden = entry["VisibilityTimeout"].as_u64().unwrap_or(0) * SECOND;
                    let id = by_handle(self, &entry["ReceiptHandle"]);
                    if let Some(message) = id.and_then(|id| self.messages.get_mut(&id)) {
                        message.visible_at = now + hidden;
                    }
                    successful.push(json!({"Id": entry["Id"]}));
                }
                Answer::json(&json!({"Successful": successful, "Failed": []}))
            }
            other => panic!("SQS's {other} is not modelled"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn send(queue: &mut Queue, body: &str) -> u16 {
        let body = json!({ "MessageBody": body }).to_string().into_bytes();
        queue.send(&Request { service: Service::Sqs, operation: String::new(), path: String::new(), body }, 0).0.status
    }

    #[test]
    fn received_message_is_hidden_until_timeout() {
        let mut queue = Queue::default();
        assert_eq!(send(&mut queue, "a"), 200);
        let (first, _) = queue.receive(30, 9, 0);
        assert_eq!((first.len(), queue.receive(30, 9, 29).0.len(), queue.next_visible()), (1, 0, Some(30)));
        let (again, _) = queue.receive(30, 9, 30);
        assert_eq!(again[0].receives, 2);
        queue.delete(again[0].id);
        assert_eq!(queue.len(), 0);
    }

    #[test]
    fn message_received_too_often_is_dead() {
        let mut queue = Queue::default();
        send(&mut queue, "a");
        for now in 0..3 {
            assert_eq!(queue.receive(1, 3, now).0.len(), 1);
        }
        let (received, dead) = queue.receive(1, 3, 3);
        assert_eq!((received.len(), dead, queue.len()), (0, vec!["a".to_owned()], 0));
    }

    #[test]
    fn message_is_at_most_a_mebibyte_of_legal_characters() {
        let mut queue = Queue::default();
        assert_eq!(send(&mut queue, &"x".repeat(MAX_MESSAGE_BYTES)), 200);
        for refused in [&"x".repeat(MAX_MESSAGE_BYTES + 1), "", "\u{fffe}", "\u{ffff}", "\u{1}"] {
            assert_eq!(send(&mut queue, refused), 400);
        }
    }
}
