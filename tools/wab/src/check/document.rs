//! Splits the input of `wab check` into documents, and recognises each by its keys.

use std::collections::BTreeMap;
use std::io::{self, Read};

use serde::Deserialize;
use serde_json::value::RawValue;
use wab_events::message::{Json, Message, NotAMessage};
use wab_events::{Data, Event, EventError, MoData};
use wab_models::{Content, DlrCallback, Fields, MoCallback};

use super::values::{NotJson, Value, Values};

/// One JSON value of the input.
pub(super) enum Document {
    /// A message object, bare or in a callback, an event or a record.
    Message {
        message: Box<Message>,
        /// Its place in the document: `$`, `$.content`, …
        within: &'static str,
        outer: Outer,
    },
    /// A delivery receipt, or an MO callback or event without a message object.
    Other {
        label: &'static str,
        outer: Outer,
    },
    Malformed {
        label: &'static str,
        problem: String,
        leaves: usize,
    },
}

/// The document around a message.
#[derive(Default)]
pub(super) struct Outer {
    /// Its leaves, without those of the message.
    pub(super) leaves: usize,
    /// The keys that the model doesn't name, with the number of their leaves.
    pub(super) unnamed: Vec<(String, usize)>,
}

/// Finds the documents of an input, each with its line number. A document is a JSON value, also within a string or an SQS
/// message, so that anything the AWS CLI prints of `receive-message` can be checked.
///
/// # Errors
/// If the input can't be read.
pub(super) fn documents(input: impl Read, mut found: impl FnMut(usize, Document)) -> io::Result<()> {
    let mut values = Values::new(input);
    while let Some(Value { line, json }) = values.next()? {
        let documents = match json {
            Ok(json) => unwrap(&json),
            Err(NotJson { column }) => vec![not_json(column)],
        };
        documents.into_iter().for_each(|document| found(line, document));
    }
    Ok(())
}

/// What `aws sqs receive-message` prints.
#[derive(Deserialize)]
struct Received {
    #[serde(rename = "Messages")]
    messages: Vec<SqsMessage>,
}

#[derive(Deserialize)]
struct SqsMessage {
    #[serde(rename = "Body")]
    body: String,
}

/// The documents of one JSON value.
fn unwrap(json: &str) -> Vec<Document> {
    if let Ok(Received { messages }) = serde_json::from_str(json) {
        return messages.iter().map(|message| document(&message.body)).collect();
    }
    let inner = match serde_json::from_str(json) {
        Ok(SqsMessage { body }) => Some(body),
        Err(_) => serde_json::from_str::<String>(json).ok().filter(|text| text.trim_start().starts_with('{')),
    };
    vec![document(inner.as_deref().unwrap_or(json))]
}

fn document(json: &str) -> Document {
    match serde_json::from_str::<&RawValue>(json) {
        Ok(json) => read(json),
        Err(error) => not_json(error.column()),
    }
}

fn not_json(column: usize) -> Document {
    Document::Malformed { label: "(not JSON)", problem: format!("not JSON at column {column}"), leaves: 0 }
}

fn read(json: &RawValue) -> Document {
    let leaves = Json::from(json).leaves();
    let Ok(fields) = serde_json::from_str::<Fields<'_>>(json.get()) else {
        return Document::Malformed { label: "(no object)", problem: "not a JSON object".to_owned(), leaves };
    };
    let has = |name: &str| fields.contains_key(name);
    let is_object = |name: &str| fields.get(name).is_some_and(|value| value.get().starts_with('{'));
    let is_status = has("timestamp") || has("recipient_id") || has("recipient_user_id") || has("type");
    if has("specversion") || (has("Type") && has("Message")) {
        event(json, leaves)
    } else if has("content") || has("Destination") || has("destination") {
        mo_callback(json.get(), leaves)
    } else if is_object("message") && !has("id") && !has("status") {
        // A record of a corpus: a message with metadata, which the model needn't name.
        fields.get("message").map_or_else(|| message(json, "$"), |inner| message(inner, "$.message"))
    } else if has("status") && !is_status {
        dlr_callback(json.get(), leaves)
    } else {
        message(json, "$")
    }
}

fn message(json: &RawValue, within: &'static str) -> Document {
    match Message::of(json) {
        Ok(message) => Document::Message { message: Box::new(message), within, outer: Outer::default() },
        Err(error) => Document::Malformed { label: "(no object)", problem: error.to_string(), leaves: 0 },
    }
}

fn mo_callback(body: &str, leaves: usize) -> Document {
    let callback = match MoCallback::parse(body) {
        Ok(callback) => callback,
        Err(error) => return Document::Malformed { label: "(MO callback)", problem: error.to_string(), leaves },
    };
    let unnamed = unnamed(&callback.unrecognized);
    let outer = Outer { leaves, unnamed };
    match callback.content {
        Content::Message(raw) => match Message::of(raw.raw()) {
            Ok(message) => {
                let outer = Outer { leaves: leaves.saturating_sub(message.leaves()), ..outer };
                Document::Message { message: Box::new(message), within: "$.content", outer }
            }
            Err(NotAMessage) => Document::Other { label: "(MO without a message)", outer },
        },
        Content::Binary(_) => Document::Other { label: "(binary MO)", outer },
        Content::Other(_) | Content::Absent => Document::Other { label: "(MO without a message)", outer },
    }
}

fn dlr_callback(body: &str, leaves: usize) -> Document {
    match DlrCallback::parse(body) {
        Ok(callback) => Document::Other {
            label: "(delivery receipt)",
            outer: Outer { leaves, unnamed: unnamed(&callback.unrecognized) },
        },
        Err(error) => Document::Malformed { label: "(delivery receipt)", problem: error.to_string(), leaves },
    }
}

fn event(json: &RawValue, leaves: usize) -> Document {
    let event = match Event::parse(json.get()) {
        Ok(event) => event,
        Err(error @ (EventError::NotJson | EventError::NotAnEvent(_) | EventError::UnknownContract)) => {
            return Document::Malformed { label: "(event)", problem: error.to_string(), leaves };
        }
    };
    let mut unnamed: Vec<(String, usize)> =
        event.unrecognized().iter().map(|(key, value)| (key.to_owned(), value.leaves())).collect();
    match event.data() {
        Data::Mo(mo) => {
            unnamed.extend(undocumented(mo.callback()));
            match mo.message() {
                Some(message) => {
                    // In SNS's envelope the whole event is one leaf, a string.
                    let outer = Outer { leaves: leaves.saturating_sub(message.leaves()), unnamed };
                    Document::Message { message: Box::new(message.clone()), within: "$.data.content", outer }
                }
                None => Document::Other { label: "(MO without a message)", outer: Outer { leaves, unnamed } },
            }
        }
        Data::Dlr(receipt) => {
            unnamed.extend(receipt.undocumented.as_ref().map(|json| ("data.unrecognized".to_owned(), json.leaves())));
            Document::Other { label: "(delivery receipt)", outer: Outer { leaves, unnamed } }
        }
        Data::Elsewhere { .. } => Document::Other { label: "(event by reference)", outer: Outer { leaves, unnamed } },
    }
}

fn undocumented(callback: &MoData) -> Option<(String, usize)> {
    callback.undocumented.as_ref().map(|json| ("data.unrecognized".to_owned(), json.leaves()))
}

fn unnamed(fields: &Fields<'_>) -> Vec<(String, usize)> {
    let named: BTreeMap<String, usize> =
        fields.iter().map(|(key, value)| (key.as_str().to_owned(), Json::from(*value).leaves())).collect();
    named.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// Checks the line of each document, and its label or its message's place and type.
    #[track_caller]
    fn check(text: &str, expected: &[(usize, &str)]) {
        let mut found = Vec::new();
        let what = |document| match document {
            Document::Message { message, within, .. } => format!("{within} {}", message.message_type().unwrap_or("-")),
            Document::Other { label, .. } => label.to_owned(),
            Document::Malformed { label, problem, .. } => format!("{label} {problem}"),
        };
        documents(text.as_bytes(), |line, document| found.push((line, what(document)))).unwrap();
        let expected: Vec<(usize, String)> = expected.iter().map(|(line, what)| (*line, (*what).to_owned())).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn documents_are_recognised_by_their_keys() {
        let text = r#"{"type":"text","text":{"body":"a"}}"#;
        check(text, &[(1, "$ text")]);
        check(&format!("\n\n {text}"), &[(3, "$ text")]);
        check(&format!("[{text},{text}]"), &[(1, "$ text"), (1, "$ text")]);
        check(&format!(r#"{{"id":"a","Destination":"1","content":{text}}}"#), &[(1, "$.content text")]);
        check(&format!(r#"{{"source_repo":"x","type":"text","message":{text}}}"#), &[(1, "$.message text")]);
        check(r#"{"id":"a","status":"sent","reference":"r"}"#, &[(1, "(delivery receipt)")]);
        check(r#"{"id":"a","status":"sent","timestamp":"1"}"#, &[(1, "$ -")]);
        check(r#"{"status":"failed","type":"message","message":{"recipient_id":"1"}}"#, &[(1, "$ message")]);
        check(r#"{"id":"a","encoding":"base64","content":"AA=="}"#, &[(1, "(binary MO)")]);
        check(r#"{"id":"a","destination":"1"}"#, &[(1, "(MO without a message)")]);
        check(r#"{"content":{}}"#, &[(1, "(MO callback) the callback has no id")]);
        check(r#"{"status":""}"#, &[(1, "(delivery receipt) the callback has no id")]);
        check(r#"{"specversion":"1.0"}"#, &[(1, "(event) the delivery is not an event: $.id: missing")]);
        check("7", &[(1, "(no object) not a JSON object")]);
        check("", &[]);
        check("{}\n\nnope\n{}", &[(1, "$ -"), (3, "(not JSON) not JSON at column 2"), (4, "$ -")]);
    }

    #[test]
    fn messages_of_sqs_are_their_bodies() {
        let message = |body: &str| json!({"MessageId": "7c1f", "ReceiptHandle": "AQEB", "Body": body});
        let (text, receipt) = (r#"{"type":"text","text":{"body":"a"}}"#, r#"{"id":"a","status":"sent"}"#);
        let expected = [(1, "$ text"), (1, "(delivery receipt)"), (1, "(not JSON) not JSON at column 2")];
        let messages = [text, receipt, "nope"].map(message);
        check(&json!({"Messages": messages}).to_string(), &expected);
        check(&json!(messages).to_string(), &expected);
        check(&json!({"Messages": []}).to_string(), &[]);
        check(
            &json!([text, format!("\n{receipt}"), "nope"]).to_string(),
            &[expected[0], expected[1], (1, "(no object) not a JSON object")],
        );
        check(
            &format!("{text}\t{receipt}\tnope\n"),
            &[expected[0], expected[1], (1, "(not JSON) not JSON at column 65")],
        );
        let envelope = json!({"Type": "Notification", "Message": "{}"}).to_string();
        check(
            &json!({"Messages": [message(&envelope)]}).to_string(),
            &[(1, "(event) the delivery is not an event: $.specversion: missing")],
        );
    }
}
