//! A message from a user on one line, as lists and conversations show it. Masked, and pure.

use jiff::Timestamp;
use serde::Serialize;
use wab_events::message::Message;
use wab_models::{Content as CallbackContent, MoCallback};

use super::content::describe;
use super::{Fetched, Whole};
use crate::mask::Mask;

#[derive(Clone, PartialEq, Eq, Serialize)]
pub(crate) struct MessageLine {
    pub(crate) id: String,
    pub(crate) event_id: String,
    pub(crate) received_at: Option<Timestamp>,
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub(crate) message_type: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) contact: Option<String>,
    /// What the message says, on one line.
    pub(crate) summary: String,
    /// An earlier message has the same id and another body.
    pub(crate) variant: bool,
}

impl MessageLine {
    /// None if the item isn't a message.
    pub(crate) fn of(whole: &Whole, mask: Mask) -> Option<Self> {
        let Whole { item, body } = whole;
        let (_, id) = whole.kind_and_id()?;
        Some(Self {
            id: mask.id(id).into_owned(),
            event_id: item.key.event_id(),
            received_at: whole.received_at(),
            message_type: item.message_type.as_deref().map(str::to_owned),
            contact: item.source.as_deref().map(|source| mask.contact(source).into_owned()),
            summary: summary(whole, body, mask),
            variant: item.is_variant(),
        })
    }
}

fn summary(whole: &Whole, body: &Fetched, mask: Mask) -> String {
    match body {
        Fetched::Gone => "[gone] its body is no longer in the bucket".to_owned(),
        Fetched::TooLarge(bytes) => format!("[large] a body of {bytes} bytes, which isn't read for a list"),
        Fetched::NotKept(bytes) => not_kept(*bytes),
        Fetched::Bytes(_) => match body.text().map(MoCallback::parse) {
            Some(Ok(callback)) => {
                let message = message_of(&callback);
                describe(&callback, message.as_ref(), whole.item.binary.as_ref(), mask).summary
            }
            Some(Err(_)) | None => "[unreadable] its body is not an MO callback".to_owned(),
        },
    }
}

/// What stands for content that isn't kept.
pub(crate) fn not_kept(bytes: usize) -> String {
    format!("[not kept] content of {bytes} bytes")
}

/// The WhatsApp message of a callback, if its content is one.
pub(crate) fn message_of(callback: &MoCallback<'_>) -> Option<Message> {
    match callback.content {
        CallbackContent::Message(message) => Message::of(message.raw()).ok(),
        CallbackContent::Binary(_) | CallbackContent::Other(_) | CallbackContent::Absent => None,
    }
}
