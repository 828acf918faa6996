//! Made-up callbacks: one MO for each message type (docs/whatsapp-message.md part 2), and a delivery receipt.
//!
//! Every value is invented. The same arguments give the same body, including WhatsApp's own message id and timestamp, so
//! posting it twice makes a duplicate.

use anyhow::{Context, bail};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use clap::ValueEnum;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use wab_events::DeliveryStatus;

use crate::send::Change;

/// The type of a sample message, named as WhatsApp names it, except for the last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "snake_case")]
pub(crate) enum MessageType {
    /// A text
    Text,
    /// A picture with a caption
    Image,
    /// A video with a caption
    Video,
    /// A sticker
    Sticker,
    /// A voice note
    Audio,
    /// A file with a caption
    Document,
    /// A place
    Location,
    /// An address card
    Contacts,
    /// A tap on a template's button
    Button,
    /// A tap on an item of a list (list_reply)
    Interactive,
    /// An interactive tap on a reply button
    ButtonReply,
    /// An interactive reply: a filled-in form of a flow
    NfmReply,
    /// An emoji on an earlier message
    Reaction,
    /// A shopping cart
    Order,
    /// The user changed their number
    System,
    /// An earlier message, edited
    Edit,
    /// An earlier message, deleted
    Revoke,
    /// A message that WhatsApp doesn't pass on, with `errors`
    Unsupported,
    /// A chat was opened for the first time; no payload
    RequestWelcome,
    /// A type unknown to the model (`poll`)
    #[value(name = "unknown-type")]
    UnknownType,
}

impl MessageType {
    fn json(self) -> &'static str {
        match self {
            Self::Text => include_str!("../samples/mo_text.json"),
            Self::Image => include_str!("../samples/mo_image.json"),
            Self::Video => include_str!("../samples/mo_video.json"),
            Self::Sticker => include_str!("../samples/mo_sticker.json"),
            Self::Audio => include_str!("../samples/mo_audio.json"),
            Self::Document => include_str!("../samples/mo_document.json"),
            Self::Location => include_str!("../samples/mo_location.json"),
            Self::Contacts => include_str!("../samples/mo_contacts.json"),
            Self::Button => include_str!("../samples/mo_button.json"),
            Self::Interactive => include_str!("../samples/mo_list_reply.json"),
            Self::ButtonReply => include_str!("../samples/mo_button_reply.json"),
            Self::NfmReply => include_str!("../samples/mo_nfm_reply.json"),
            Self::Reaction => include_str!("../samples/mo_reaction.json"),
            Self::Order => include_str!("../samples/mo_order.json"),
            Self::System => include_str!("../samples/mo_system.json"),
            Self::Edit => include_str!("../samples/mo_edit.json"),
            Self::Revoke => include_str!("../samples/mo_revoke.json"),
            Self::Unsupported => include_str!("../samples/mo_unsupported.json"),
            Self::RequestWelcome => include_str!("../samples/mo_request_welcome.json"),
            Self::UnknownType => include_str!("../samples/mo_unknown_type.json"),
        }
    }

    /// The JSON pointer of the text that the user wrote. None if the type has no such text.
    fn text_pointer(self) -> Option<&'static str> {
        match self {
            Self::Text => Some("/text/body"),
            Self::Image => Some("/image/caption"),
            Self::Video => Some("/video/caption"),
            Self::Document => Some("/document/caption"),
            Self::Button => Some("/button/text"),
            Self::Interactive => Some("/interactive/list_reply/title"),
            Self::ButtonReply => Some("/interactive/button_reply/title"),
            Self::Reaction => Some("/reaction/emoji"),
            Self::Order => Some("/order/text"),
            Self::Edit => Some("/edit/message/text/body"),
            Self::Sticker
            | Self::Audio
            | Self::Location
            | Self::Contacts
            | Self::NfmReply
            | Self::System
            | Self::Revoke
            | Self::Unsupported
            | Self::RequestWelcome
            | Self::UnknownType => None,
        }
    }
}

/// A sample MO callback, with the keys of the gateway's documentation.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Mo {
    id: String,
    source: String,
    #[serde(rename = "Destination")]
    destination: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    reply_to: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reference: Option<String>,
    content: Value,
}

impl Mo {
    pub(crate) fn new(message_type: MessageType, id: &str) -> anyhow::Result<Self> {
        let mut sample: Self = serde_json::from_str(message_type.json()).context("the built-in sample")?;
        id.clone_into(&mut sample.id);
        sample.set("/id", wamid(id))?;
        Ok(sample)
    }

    pub(crate) fn with_source(mut self, source: String) -> anyhow::Result<Self> {
        self.set("/from", source.trim_start_matches('+').to_owned())?;
        self.source = source;
        Ok(self)
    }

    pub(crate) fn with_destination(mut self, destination: String) -> Self {
        self.destination = destination;
        self
    }

    /// Marks the message as a reply to a sent message with this reference.
    pub(crate) fn with_reference(mut self, reference: String) -> Self {
        self.reference = Some(reference);
        self
    }

    /// Replaces the text, the caption or the button's title.
    pub(crate) fn with_text(mut self, message_type: MessageType, text: String) -> anyhow::Result<Self> {
        match message_type.text_pointer() {
            Some(place) => self.set(place, text)?,
            None => bail!("--text: messages of this type have no text: choose another --type"),
        }
        Ok(self)
    }

    /// Makes the message a reply to a sent one, in the gateway's keys and in WhatsApp's.
    pub(crate) fn in_reply_to(mut self, sent: &SentMessage) -> anyhow::Result<Self> {
        self.reply_to = Some(sent.id.clone());
        self.reference = Some(sent.reference.clone());
        if self.content.get("reaction").is_some() {
            self.set("/reaction/message_id", wamid(&sent.id))?;
        } else {
            let content = self.content.as_object_mut().context("the built-in sample isn't an object")?;
            content.insert("context".to_owned(), json!({"from": self.destination, "id": wamid(&sent.id)}));
        }
        Ok(self)
    }

    pub(crate) fn body(&self, changes: &[Change]) -> anyhow::Result<Vec<u8>> {
        body(self, changes)
    }

    fn set(&mut self, place: &str, text: String) -> anyhow::Result<()> {
        *self.content.pointer_mut(place).context("the built-in sample lacks a key")? = Value::String(text);
        Ok(())
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Dlr {
    id: String,
    status: String,
    reference: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<&'static str>,
}

impl Dlr {
    pub(crate) fn new(id: String, status: String, reference: Option<String>) -> anyhow::Result<Self> {
        let sample: Self = serde_json::from_str(include_str!("../samples/dlr.json")).context("the built-in sample")?;
        Ok(Self { id, status, reference: reference.unwrap_or(sample.reference), detail: None })
    }

    /// Adds the gateway's free text.
    pub(crate) fn with_detail(self, detail: &'static str) -> Self {
        Self { detail: Some(detail), ..self }
    }

    pub(crate) fn body(&self, changes: &[Change]) -> anyhow::Result<Vec<u8>> {
        body(self, changes)
    }
}

/// A message that was sent through the gateway: what its receipts and the replies to it name.
pub(crate) struct SentMessage {
    pub(crate) id: String,
    pub(crate) reference: String,
}

impl SentMessage {
    pub(crate) fn receipt(&self, status: DeliveryStatus) -> Dlr {
        let status = status.as_str().to_owned();
        Dlr { id: self.id.clone(), status, reference: self.reference.clone(), detail: None }
    }
}

/// WhatsApp's own id of the message with this id of the gateway.
fn wamid(id: &str) -> String {
    format!("wamid.{}", STANDARD.encode(format!("wab sample {id}")))
}

/// What a receipt's status means (docs/gateway.md part 2).
pub(crate) fn about_status(status: &DeliveryStatus) -> &'static str {
    match status {
        DeliveryStatus::Accepted => "Accepted by the gateway",
        DeliveryStatus::Queued => "Waiting at the gateway",
        DeliveryStatus::Submitted => "Handed to the carrier",
        DeliveryStatus::Sent => "Handed on by the carrier",
        DeliveryStatus::Received => "Received",
        DeliveryStatus::Blocked => "Held by a rule",
        DeliveryStatus::Deficient => "Waiting for credit",
        DeliveryStatus::Frozen => "Held by a temporary error",
        DeliveryStatus::Rejected => "Rejected by the carrier",
        DeliveryStatus::Failed => "The carrier couldn't be reached",
        DeliveryStatus::Dead => "Killed by an administrator",
        DeliveryStatus::Expired => "Not deliverable in time",
        DeliveryStatus::Unknown(_) => "A status that the gateway doesn't document",
    }
}

/// The body of a sample. Without changes, its keys have the order of the gateway's documentation.
fn body(sample: &impl Serialize, changes: &[Change]) -> anyhow::Result<Vec<u8>> {
    if changes.is_empty() {
        return Ok(serde_json::to_vec(sample)?);
    }
    let mut body = serde_json::to_value(sample)?;
    for change in changes {
        change.apply(&mut body)?;
    }
    Ok(serde_json::to_vec(&body)?)
}

#[cfg(test)]
mod tests {
    use wab_models::{DlrCallback, MoCallback};

    use super::*;

    fn text(body: Vec<u8>) -> String {
        String::from_utf8(body).unwrap()
    }

    fn expected_type(sample: MessageType) -> String {
        match sample {
            MessageType::Interactive | MessageType::ButtonReply | MessageType::NfmReply => "interactive".to_owned(),
            MessageType::UnknownType => "poll".to_owned(),
            named => named.to_possible_value().unwrap().get_name().to_owned(),
        }
    }

    #[test]
    fn each_sample_is_a_callback_of_its_type() {
        for &sample in MessageType::value_variants() {
            let raw = MoCallback::parse(sample.json()).unwrap();
            assert_eq!(raw.content.message_type().unwrap(), expected_type(sample));
            let body = text(Mo::new(sample, "id-1").unwrap().body(&[]).unwrap());
            let callback = MoCallback::parse(&body).unwrap();
            assert_eq!(callback.id.as_str(), "id-1");
            assert_eq!(callback.source, raw.source);
            assert_eq!(callback.destination, raw.destination);
            assert_eq!(callback.reference, None);
            assert_eq!(callback.content.message_type().unwrap(), expected_type(sample));
            assert!(callback.unrecognized.is_empty());
        }
    }

    #[test]
    fn interactive_samples_have_their_reply_types() {
        for (sample, reply) in [
            (MessageType::Interactive, "list_reply"),
            (MessageType::ButtonReply, "button_reply"),
            (MessageType::NfmReply, "nfm_reply"),
        ] {
            let content = Mo::new(sample, "1").unwrap().content;
            assert_eq!(content["interactive"]["type"], reply);
            assert!(content["interactive"][reply].is_object());
        }
    }

    #[test]
    fn same_id_gives_same_body() {
        let body = |id| Mo::new(MessageType::Text, id).unwrap().body(&[]).unwrap();
        assert_eq!(body("1"), body("1"));
        let wamid = |id| Mo::new(MessageType::Text, id).unwrap().content["id"].clone();
        assert_ne!(wamid("1"), wamid("2"));
    }

    #[test]
    fn arguments_appear_in_the_body() {
        let sample = Mo::new(MessageType::Image, "1").unwrap().with_source("+6421000009".to_owned()).unwrap();
        let sample = sample.with_destination("42".to_owned()).with_reference("order \"7\"".to_owned());
        let body = text(sample.with_text(MessageType::Image, "Look".to_owned()).unwrap().body(&[]).unwrap());
        let callback = MoCallback::parse(&body).unwrap();
        assert_eq!(callback.source.as_deref(), Some("+6421000009"));
        assert_eq!(callback.destination.as_deref(), Some("42"));
        assert_eq!(callback.reference.as_deref(), Some("order \"7\""));
        let content: Value = serde_json::from_str(callback.content.raw().unwrap().get()).unwrap();
        assert_eq!(content["from"], "6421000009");
        assert_eq!(content["image"]["caption"], "Look");
    }

    #[test]
    fn text_is_accepted_by_types_that_have_one() {
        for &sample in MessageType::value_variants() {
            let said = Mo::new(sample, "1").unwrap().with_text(sample, "words of mine".to_owned());
            match sample.text_pointer() {
                Some(_) => assert!(text(said.unwrap().body(&[]).unwrap()).contains("words of mine")),
                None => assert!(said.is_err()),
            }
        }
    }

    #[test]
    fn receipt_takes_any_status_and_reference() {
        let body = |status: &str, reference: Option<&str>| {
            text(Dlr::new("1".to_owned(), status.to_owned(), reference.map(str::to_owned)).unwrap().body(&[]).unwrap())
        };
        let received = body("received", None);
        let callback = DlrCallback::parse(&received).unwrap();
        assert_eq!((callback.id.as_str(), callback.status), ("1", DeliveryStatus::Received));
        assert_eq!(callback.reference.as_deref(), Some("order-1042"));
        assert!(callback.unrecognized.is_empty());
        assert_eq!(body("read", Some("")), r#"{"id":"1","status":"read","reference":""}"#);
    }
}
