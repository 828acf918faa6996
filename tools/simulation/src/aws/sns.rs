//! SNS: `PublishBatch`. Source: API reference, `PublishBatch`; developer guide, "Amazon SNS message attributes".

use std::collections::BTreeMap;

use super::request::{Answer, Request, Service};

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

    /// Returns the answer and the published messages. `fails` returns the error code of an entry that fails.
    pub(crate) fn publish(self, mut fails: impl FnMut() -> Option<(&'static str, bool)>) -> (Answer, Vec<Message>) {
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
            match (entry.is_valid(), fails()) {
                (true, None) => {
                    successful.push_str(&format!("<member><Id>{id}</Id><MessageId>m</MessageId></member>"));
                    taken.push(entry.message);
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
    /// for SQS, to which SNS delivers.
    fn is_valid(&self) -> bool {
        !self.message.body.is_empty()
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
        let (answer, taken) = Batch::read(&request).publish(|| None);
        (answer.status, taken.len())
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
