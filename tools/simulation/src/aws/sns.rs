//! SNS: `PublishBatch`. Source: API reference, `PublishBatch`; developer guide, "Amazon SNS message attributes".

use std::collections::BTreeMap;

use super::request::{Answer, Request, Service};
use crate::time::{MINUTE, Ms};

/// "The total aggregate size of all messages in a single PublishBatch request can't exceed 262,144 bytes." Attributes
/// count.
const MAX_BATCH_BYTES: usize = 262_144;

/// "You can send up to 10 messages in a single PublishBatch."
const MAX_ENTRIES: usize = 10;

/// A published message.
#[derive(Debug, Default, Clone)]
pub(crate) struct Message {
    pub(crate) body: String,
    pub(crate) attributes: BTreeMap<String, String>,
    /// None unless the topic is FIFO.
    pub(crate) group: Option<String>,
    deduplication_id: Option<String>,
}

/// What the FIFO topics had within the last five minutes: topic, deduplication id, and when. "Amazon SNS message
/// deduplication for FIFO topics": any message with the same id "is accepted but isn't delivered".
#[derive(Debug, Default)]
pub(crate) struct Recent(BTreeMap<(String, String), Ms>);

impl Recent {
    fn is_new(&mut self, topic_arn: &str, id: &str, now: Ms) -> bool {
        let key = (topic_arn.to_owned(), id.to_owned());
        let is_new = self.0.get(&key).is_none_or(|at| now - at >= 5 * MINUTE);
        if is_new {
            self.0.insert(key, now);
        }
        is_new
    }
}

/// A batch request: its topic, and its entries by number.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    pub(crate) topic_arn: String,
    entries: BTreeMap<usize, Entry>,
}

#[derive(Debug, Default)]
struct Entry {
    id: String,
    message: Message,
    names: BTreeMap<usize, String>,
    values: BTreeMap<usize, String>,
}

impl Batch {
    /// Parses the form of the query protocol: `PublishBatchRequestEntries.member.1.Message` and so on.
    pub(crate) fn read(request: &Request) -> Self {
        let mut batch = Self::default();
        for (name, value) in form_urlencoded::parse(&request.body) {
            if name == "TopicArn" {
                batch.topic_arn = value.into_owned();
                continue;
            }
            let Some(rest) = name.strip_prefix("PublishBatchRequestEntries.member.") else { continue };
            let mut parts = rest.split('.');
            let Some(Ok(number)) = parts.next().map(str::parse) else { continue };
            let entry = batch.entries.entry(number).or_default();
            match parts.collect::<Vec<_>>().as_slice() {
                ["Id"] => entry.id = value.into_owned(),
                ["Message"] => entry.message.body = value.into_owned(),
                ["MessageGroupId"] => entry.message.group = Some(value.into_owned()),
                ["MessageDeduplicationId"] => entry.message.deduplication_id = Some(value.into_owned()),
                ["MessageAttributes", "entry", attribute, part @ ..] => {
                    let attribute = attribute.parse().unwrap_or(0);
                    match part {
                        ["Name"] => drop(entry.names.insert(attribute, value.into_owned())),
                        ["Value", "StringValue"] => drop(entry.values.insert(attribute, value.into_owned())),
                        ["Value", "DataType"] => assert_eq!(value, "String", "no other type is modelled"),
                        other => panic!("the attribute's {other:?} is not modelled"),
                    }
                }
                other => panic!("the entry's {other:?} is not modelled"),
            }
        }
        for entry in batch.entries.values_mut() {
            let named =
                entry.names.iter().filter_map(|(number, name)| Some((name.clone(), entry.values.get(number)?.clone())));
            entry.message.attributes = named.collect();
        }
        batch
    }

    /// Returns the answer and the messages to deliver. `fails` returns the error code of an entry that fails.
    pub(crate) fn publish(
        self,
        recent: &mut Recent,
        now: Ms,
        mut fails: impl FnMut() -> Option<(&'static str, bool)>,
    ) -> (Answer, Vec<Message>) {
        let is_fifo = self.topic_arn.ends_with(".fifo");
        let error = |code: &str| (Answer::error(Service::Sns, 400, code), Vec::new());
        if self.entries.is_empty() {
            return error("EmptyBatchRequest");
        }
        if self.entries.len() > MAX_ENTRIES {
            return error("TooManyEntriesInBatchRequest");
        }
        if self.entries.values().map(Entry::size_bytes).sum::<usize>() > MAX_BATCH_BYTES {
            return error("BatchRequestTooLong");
        }
        let (mut successful, mut failed, mut taken) = (String::new(), String::new(), Vec::new());
        for entry in self.entries.into_values() {
            let id = &entry.id;
            match (entry.is_valid(is_fifo), fails()) {
                (true, None) => {
                    successful.push_str(&format!("<member><Id>{id}</Id><MessageId>m</MessageId></member>"));
                    let id = entry.message.deduplication_id.as_ref();
                    if id.is_none_or(|id| recent.is_new(&self.topic_arn, id, now)) {
                        taken.push(entry.message);
                    }
                }
                (is_valid, failure) => {
                    let (code, sender) = failure.filter(|_| is_valid).unwrap_or(("InvalidParameter", true));
                    failed.push_str(&format!(
                        "<member><Id>{id}</Id><Code>{code}</Code><SenderFault>{sender}</SenderFault></member>"
                    ));
                }
            }
        }
        let answer = format!(
            "<PublishBatchResponse><PublishBatchResult><Successful>{successful}</Successful><Failed>{failed}</Failed>\
             </PublishBatchResult></PublishBatchResponse>"
        );
        (Answer::ok(answer), taken)
    }
}

impl Entry {
    fn size_bytes(&self) -> usize {
        let attributes = self.message.attributes.iter();
        self.message.body.len()
            + attributes.map(|(name, value)| name.len() + "String".len() + value.len()).sum::<usize>()
    }

    /// "Messages must be UTF-8 encoded strings"; attribute values must not be empty. The rejected characters are documented
    /// for SQS, to which SNS delivers. "The MessageGroupId is required for FIFO topics", and so is a deduplication id
    /// unless the topic makes one from the content. Each is up to 128 alphanumeric and punctuation characters.
    fn is_valid(&self, is_fifo: bool) -> bool {
        let Message { group, deduplication_id, .. } = &self.message;
        let is_id = |id: &String| (1..=128).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_graphic());
        let has_place = match is_fifo {
            true => [group, deduplication_id].into_iter().all(|id| id.as_ref().is_some_and(is_id)),
            false => group.is_none() && deduplication_id.is_none(),
        };
        has_place
            && !self.message.body.is_empty()
            && super::sqs::may_be_sent(&self.message.body)
            && self.message.attributes.values().all(|value| !value.is_empty() && super::sqs::may_be_sent(value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn publish(messages: &[&str]) -> (u16, usize) {
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.append_pair("Action", "PublishBatch").append_pair("TopicArn", "t");
        for (number, message) in messages.iter().enumerate() {
            let entry = format!("PublishBatchRequestEntries.member.{}", number + 1);
            form.append_pair(&format!("{entry}.Id"), &number.to_string());
            form.append_pair(&format!("{entry}.Message"), message);
        }
        let body = form.finish().into_bytes();
        let request = Request { service: Service::Sns, operation: String::new(), path: String::new(), body };
        let (answer, taken) = Batch::read(&request).publish(&mut Recent::default(), 0, || None);
        (answer.status, taken.len())
    }

    /// Publishes a message to a FIFO topic at these times. Returns how often it is delivered.
    fn delivered(group: Option<&str>, times: &[Ms]) -> usize {
        let mut recent = Recent::default();
        let publish = |at: &Ms| {
            let message = Message {
                body: "x".to_owned(),
                group: group.map(str::to_owned),
                deduplication_id: Some("a".to_owned()),
                ..Message::default()
            };
            let entry = Entry { id: "0".to_owned(), message, ..Entry::default() };
            let batch = Batch { topic_arn: "mo.fifo".to_owned(), entries: BTreeMap::from([(1, entry)]) };
            batch.publish(&mut recent, *at, || None).1.len()
        };
        times.iter().map(publish).sum()
    }

    #[test]
    fn fifo_topic_delivers_once_in_five_minutes() {
        assert_eq!(delivered(Some("g"), &[0, 1, 5 * MINUTE - 1]), 1);
        assert_eq!(delivered(Some("g"), &[0, 5 * MINUTE]), 2);
        assert_eq!(delivered(None, &[0]), 0);
    }

    #[test]
    fn batch_holds_ten_messages_of_256_kib_in_total() {
        assert_eq!(publish(&["x"; 10]), (200, 10));
        assert_eq!(publish(&["x"; 11]), (400, 0));
        assert_eq!(publish(&[]), (400, 0));
        let half = "x".repeat(MAX_BATCH_BYTES / 2);
        assert_eq!(publish(&[&half, &half]), (200, 2));
        assert_eq!(publish(&[&half, &half, "x"]), (400, 0));
    }

    #[test]
    fn entry_with_rejected_character_fails_alone() {
        assert_eq!(publish(&["x", "\u{ffff}", "y"]), (200, 2));
    }
}
