//! SNS's `PublishBatch` in its form encoding: removes entries from a request, and adds their failures to the answer. Pure.

use std::collections::BTreeMap;

const PREFIX: &str = "PublishBatchRequestEntries.member.";

#[derive(Debug, PartialEq, Eq)]
pub(crate) struct PublishBatch {
    /// Fields outside the entries: action, topic, version.
    rest: Vec<(String, String)>,
    /// The fields of each entry, by its position.
    entries: BTreeMap<u32, Vec<(String, String)>>,
}

impl PublishBatch {
    /// Parses a form. None if it is another call.
    pub(crate) fn read(form: &[u8]) -> Option<Self> {
        let mut batch = Self { rest: Vec::new(), entries: BTreeMap::new() };
        for (name, value) in form_urlencoded::parse(form) {
            let place = name.strip_prefix(PREFIX).and_then(|rest| rest.split_once('.'));
            match place.and_then(|(place, field)| Some((place.parse().ok()?, field))) {
                Some((place, field)) => {
                    batch.entries.entry(place).or_default().push((field.to_owned(), value.into_owned()));
                }
                None => batch.rest.push((name.into_owned(), value.into_owned())),
            }
        }
        let is_batch = batch.rest.iter().any(|(name, value)| name == "Action" && value == "PublishBatch");
        (is_batch && !batch.entries.is_empty()).then_some(batch)
    }

    /// Splits off the entries for which `fails` returns true. Returns the remaining batch and the ids of failed entries.
    pub(crate) fn split(self, mut fails: impl FnMut() -> bool) -> (Self, Vec<String>) {
        let mut failed = Vec::new();
        let mut forwarded = BTreeMap::new();
        for entry in self.entries.into_values() {
            let id = entry.iter().find(|(field, _)| field == "Id").map(|(_, id)| id.clone());
            match id {
                Some(id) if fails() => failed.push(id),
                // SNS numbers members from 1 without a gap.
                _ => drop(forwarded.insert(u32::try_from(forwarded.len()).unwrap_or(u32::MAX - 1) + 1, entry)),
            }
        }
        (Self { rest: self.rest, entries: forwarded }, failed)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    pub(crate) fn write(&self) -> String {
        let mut form = form_urlencoded::Serializer::new(String::new());
        for (name, value) in &self.rest {
            form.append_pair(name, value);
        }
        for (place, entry) in &self.entries {
            for (field, value) in entry {
                form.append_pair(&format!("{PREFIX}{place}.{field}"), value);
            }
        }
        form.finish()
    }
}

/// Error codes of entries, and whether SNS calls it the sender's fault.
pub(crate) const ENTRY_FAILURES: [(&str, bool); 3] =
    [("InternalError", false), ("ServiceUnavailable", false), ("Throttled", true)];

/// SNS's answer if every entry fails.
pub(crate) fn nothing_published(failed: &[String], mut choice: impl FnMut(usize) -> usize) -> String {
    let answer = r#"<PublishBatchResponse xmlns="http://sns.amazonaws.com/doc/2010-03-31/"><PublishBatchResult><Successful/><Failed></Failed></PublishBatchResult><ResponseMetadata><RequestId>00000000-0000-0000-0000-000000000000</RequestId></ResponseMetadata></PublishBatchResponse>"#;
    name_failed(answer, failed, &mut choice)
}

/// Adds failed entries to the answer for the forwarded ones.
pub(crate) fn name_failed(answer: &str, failed: &[String], mut choice: impl FnMut(usize) -> usize) -> String {
    let members: String = failed
        .iter()
        .map(|id| {
            let (code, sender) = ENTRY_FAILURES.get(choice(ENTRY_FAILURES.len())).unwrap_or(&ENTRY_FAILURES[0]);
            format!(
                "<member><Id>{id}</Id><Code>{code}</Code><Message>injected</Message><SenderFault>{sender}</SenderFault></member>"
            )
        })
        .collect();
    if answer.contains("</Failed>") {
        answer.replacen("</Failed>", &format!("{members}</Failed>"), 1)
    } else if answer.contains("<Failed/>") {
        answer.replacen("<Failed/>", &format!("<Failed>{members}</Failed>"), 1)
    } else {
        answer.replacen("</PublishBatchResult>", &format!("<Failed>{members}</Failed></PublishBatchResult>"), 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FORM: &str = "Action=PublishBatch&Version=2010-03-31&TopicArn=arn%3Aaws%3Asns%3At\
        &PublishBatchRequestEntries.member.1.Id=0&PublishBatchRequestEntries.member.1.Message=%7B%22a%22%3A+1%7D\
        &PublishBatchRequestEntries.member.2.Id=1&PublishBatchRequestEntries.member.2.Message=b%26c\
        &PublishBatchRequestEntries.member.2.MessageAttributes.entry.1.Name=kind\
        &PublishBatchRequestEntries.member.3.Id=2&PublishBatchRequestEntries.member.3.Message=d";

    #[test]
    fn batch_without_failures_is_unchanged() {
        let (forwarded, failed) = PublishBatch::read(FORM.as_bytes()).unwrap().split(|| false);
        assert_eq!(failed, Vec::<String>::new());
        assert_eq!(PublishBatch::read(forwarded.write().as_bytes()), PublishBatch::read(FORM.as_bytes()));
    }

    #[test]
    fn remaining_entries_are_numbered_without_a_gap() {
        let mut turn = 0;
        let (forwarded, failed) = PublishBatch::read(FORM.as_bytes()).unwrap().split(|| {
            turn += 1;
            turn == 1
        });
        assert_eq!(failed, ["0"]);
        let form = forwarded.write();
        let pairs: BTreeMap<_, _> = form_urlencoded::parse(form.as_bytes()).into_owned().collect();
        assert_eq!(pairs["PublishBatchRequestEntries.member.1.Id"], "1");
        assert_eq!(pairs["PublishBatchRequestEntries.member.1.Message"], "b&c");
        assert_eq!(pairs["PublishBatchRequestEntries.member.1.MessageAttributes.entry.1.Name"], "kind");
        assert_eq!(pairs["PublishBatchRequestEntries.member.2.Id"], "2");
        assert_eq!(pairs["TopicArn"], "arn:aws:sns:t");
        assert_eq!(pairs.len(), 8);
    }

    #[test]
    fn every_entry_can_fail() {
        let (forwarded, failed) = PublishBatch::read(FORM.as_bytes()).unwrap().split(|| true);
        assert!(forwarded.is_empty());
        assert_eq!(failed, ["0", "1", "2"]);
        let answer = nothing_published(&failed, |_| 0);
        assert_eq!(answer.matches("<Code>InternalError</Code>").count(), 3);
    }

    #[test]
    fn other_calls_are_not_batches() {
        assert_eq!(PublishBatch::read(b"Action=Publish&Message=a"), None);
        assert_eq!(PublishBatch::read(b""), None);
    }

    #[test]
    fn failed_entries_are_added_to_the_answer() {
        let failed = ["7".to_owned()];
        let named = "<Failed><member><Id>7</Id><Code>Throttled</Code><Message>injected</Message><SenderFault>true</SenderFault></member></Failed>";
        for (answer, expected) in [
            ("<R><Successful/><Failed></Failed></R>", format!("<R><Successful/>{named}</R>")),
            ("<R><Successful/><Failed/></R>", format!("<R><Successful/>{named}</R>")),
            ("<Successful/></PublishBatchResult>", format!("<Successful/>{named}</PublishBatchResult>")),
        ] {
            assert_eq!(name_failed(answer, &failed, |_| 2), expected);
        }
    }
}
