//! A message: its text, and the typed view of it.

use std::borrow::Cow;

use serde::ser::{Error as _, SerializeMap};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;

use super::error::MessageError;
use super::fault::{Fault, JsonPath, Problem};
use super::head::{Context, Head, Identity};
use super::json::Json;
use super::payload::{Media, Payload, Place, type_of};
use super::referral::Referral;
use super::sender::{Sender, UserId};
use super::shape::{Shape, members};

/// A WhatsApp message: its text as it came, and what is read of it. Serialises as the text.
///
/// ```
/// use wab_events::message::{Message, MessageKind, Payload};
///
/// let json = r#"{"from": "6421000001", "id": "wamid.QUJD", "timestamp": "1763889301", "type": "text",
///                "text": {"body": "Kia ora"}, "context": {"id": "wamid.REVG", "forwarded": false}}"#;
/// let message = Message::parse(json)?;
/// assert!(matches!(message.kind(), MessageKind::Known(Payload::Text(_))));
/// assert_eq!(message.text(), Some("Kia ora"));
/// assert_eq!(message.reply_to(), Some("wamid.REVG"));
/// assert_eq!(message.sender().phone().unwrap().e164(), "+6421000001");
/// assert_eq!(message.sent_at().unwrap().to_string(), "2025-11-23T09:15:01Z");
/// assert_eq!(message.raw(), json);
/// # Ok::<(), wab_events::message::NotAMessage>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    raw: Json,
    head: Head,
    kind: MessageKind,
}

/// What is known of a message beyond its [`Head`].
///
/// ```
/// use wab_events::message::{Message, MessageKind, Payload, Problem};
///
/// let kind = |json| Message::parse(json).map(|message| message.kind().clone());
/// assert!(matches!(kind(r#"{"text": {"body": "no type"}}"#)?, MessageKind::Known(Payload::Text(_))));
/// assert!(matches!(kind(r#"{"type": "poll", "poll": {}}"#)?, MessageKind::Unrecognized { .. }));
/// let MessageKind::Malformed { at, problem, .. } = kind(r#"{"type": "text", "text": {}}"#)? else { panic!("malformed") };
/// assert_eq!((at.to_string().as_str(), problem), ("$.text.body", Problem::Missing));
/// # Ok::<(), wab_events::message::NotAMessage>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MessageKind {
    /// Of a known type, and as that type demands.
    Known(Payload),
    /// Of a type that isn't known: its payload is among the head's unrecognised keys.
    Unrecognized {
        /// The type as it came; none if the message has none and its keys don't tell.
        message_type: Option<String>,
    },
    /// Of a known type, and not as that type demands: the head has what could be read, and [`Message::raw`] all.
    Malformed {
        /// The type, as it came or as the keys tell; none in a status.
        message_type: Option<String>,
        /// What is wrong.
        problem: Problem,
        /// Where.
        at: JsonPath,
    },
}

/// Problem a text isn't a message. Holds none of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a JSON object")]
pub struct NotAMessage;

impl Message {
    /// Reads a message. Whatever its keys, it is one; see [`MessageKind`].
    ///
    /// # Errors
    /// If the text isn't a JSON object.
    pub fn parse(json: &str) -> Result<Self, NotAMessage> {
        let raw: &RawValue = serde_json::from_str(json).map_err(|_| NotAMessage)?;
        Self::of(raw)
    }

    /// Reads a message that stands in other JSON.
    ///
    /// # Errors
    /// If the value isn't an object.
    pub fn of(raw: &RawValue) -> Result<Self, NotAMessage> {
        if raw.get().starts_with('{') { Ok(Self::of_object(raw)) } else { Err(NotAMessage) }
    }

    /// Reads a message that is known to be an object.
    pub(crate) fn of_object(raw: &RawValue) -> Self {
        Self::read(raw, Place::Content)
    }

    /// Makes a message, for instance for a test: its text is what the parts say. A head without a type gets the
    /// payload's.
    ///
    /// # Errors
    /// If an unrecognised key of the head is one that the payload needs.
    ///
    /// ```
    /// use wab_events::message::{Head, Message, Payload, Text};
    ///
    /// let head = Head { from: Some("6421000001".into()), ..Head::default() };
    /// let text = Text { body: "Kia ora".to_owned(), unrecognized: Default::default() };
    /// let message = Message::new(head, Payload::Text(text))?;
    /// assert_eq!(message.raw(), r#"{"from":"6421000001","type":"text","text":{"body":"Kia ora"}}"#);
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    pub fn new(mut head: Head, payload: Payload) -> Result<Self, serde_json::Error> {
        if head.message_type.is_none() {
            head.message_type = payload.type_name().map(str::to_owned);
        }
        let kind = MessageKind::Known(payload);
        let raw = serde_json::value::to_raw_value(&Parts { head: &head, kind: &kind })?;
        let message = Self::of_object(&raw);
        if message.head != head || message.kind != kind {
            return Err(serde_json::Error::custom("the parts contradict each other"));
        }
        Ok(message)
    }

    fn read(raw: &RawValue, place: Place) -> Self {
        let mut fault = None;
        let mut keep_first = |found| {
            fault.get_or_insert(found);
            Ok(())
        };
        let head = members(raw).and_then(|members| Head::read_members(members, &mut keep_first));
        let mut head = head.unwrap_or_else(|found| {
            fault = Some(found);
            Head::default()
        });
        let message_type = type_of(&head).map(Cow::into_owned);
        let kind = match Payload::take(message_type.as_deref(), &mut head, place, fault) {
            Ok(Some(payload)) => MessageKind::Known(payload),
            Ok(None) => MessageKind::Unrecognized { message_type },
            Err(Fault { at, problem }) => MessageKind::Malformed { message_type, problem, at },
        };
        Self { raw: raw.into(), head, kind }
    }

    /// The text as it came.
    #[must_use]
    pub fn raw(&self) -> &str {
        self.raw.get()
    }

    /// How many leaves the text has; see [`Json::leaves`].
    #[must_use]
    pub fn leaves(&self) -> usize {
        self.raw.leaves()
    }

    /// The typed view of what the message holds.
    #[must_use]
    pub fn kind(&self) -> &MessageKind {
        &self.kind
    }

    /// The typed view of what all types share.
    #[must_use]
    pub fn head(&self) -> &Head {
        &self.head
    }

    /// The type, as it came, or as the one payload key tells. None in a status, and if the keys don't tell.
    #[must_use]
    pub fn message_type(&self) -> Option<&str> {
        match &self.kind {
            MessageKind::Known(payload) => payload.key(&self.head),
            MessageKind::Unrecognized { message_type } | MessageKind::Malformed { message_type, .. } => {
                message_type.as_deref()
            }
        }
    }

    /// WhatsApp's id of the message (`wamid.…`), by which it is answered.
    #[must_use]
    pub fn id(&self) -> Option<&str> {
        Some(self.head.id.as_ref()?.as_str())
    }

    /// Who sent it, by all names that the message gives.
    #[must_use]
    pub fn sender(&self) -> Sender {
        let head = &self.head;
        let parent = head.from_parent_user_id.as_ref().and_then(|id| UserId::parse(id.as_str()));
        Sender::of([&head.from_user_id, &head.from].into_iter().flatten().map(|id| id.as_str())).with_parent(parent)
    }

    /// When it was sent, to the second. None if the message says no time.
    #[must_use]
    pub fn sent_at(&self) -> Option<jiff::Timestamp> {
        self.head.timestamp.as_ref()?.at()
    }

    /// What the user typed or tapped: a text, a caption, an order's note, the words on a button or list item;
    /// of an edit the new words.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        match &self.kind {
            MessageKind::Known(payload) => payload.text(),
            MessageKind::Unrecognized { .. } | MessageKind::Malformed { .. } => None,
        }
    }

    /// The medium, if the message is one.
    #[must_use]
    pub fn media(&self) -> Option<&Media> {
        match &self.kind {
            MessageKind::Known(payload) => payload.media(),
            MessageKind::Unrecognized { .. } | MessageKind::Malformed { .. } => None,
        }
    }

    /// What it answers or forwards.
    #[must_use]
    pub fn context(&self) -> Option<&Context> {
        self.head.context.as_ref()
    }

    /// The id of the message that this one answers.
    #[must_use]
    pub fn reply_to(&self) -> Option<&str> {
        Some(self.head.context.as_ref()?.id.as_ref()?.as_str())
    }

    /// Whether it was forwarded, once or often.
    #[must_use]
    pub fn is_forwarded(&self) -> bool {
        let forwarded =
            |context: &Context| context.forwarded == Some(true) || context.frequently_forwarded == Some(true);
        self.context().is_some_and(forwarded)
    }

    /// The ad or post that the user came from.
    #[must_use]
    pub fn referral(&self) -> Option<&Referral> {
        self.head.referral.as_ref()
    }

    /// The user's security code.
    #[must_use]
    pub fn identity(&self) -> Option<&Identity> {
        self.head.identity.as_ref()
    }

    /// What went wrong; usually nothing.
    #[must_use]
    pub fn errors(&self) -> &[MessageError] {
        self.head.errors.as_deref().unwrap_or_default()
    }

    /// Each value that the typed view doesn't name, at any depth, with its place.
    ///
    /// ```
    /// use wab_events::message::Message;
    ///
    /// let json = r#"{"type": "text", "text": {"body": "Hi", "preview": true}, "_vnd": {"v1": 7}}"#;
    /// let message = Message::parse(json)?;
    /// let places: Vec<String> = message.unrecognized().iter().map(|(at, value)| format!("{at} {value:?}")).collect();
    /// assert_eq!(places, [r#"$._vnd {"v1": 7}"#, "$.text.preview true"]);
    /// # Ok::<(), wab_events::message::NotAMessage>(())
    /// ```
    #[must_use]
    pub fn unrecognized(&self) -> Vec<(JsonPath, &Json)> {
        let mut places = Vec::new();
        Shape::unrecognized(self, &mut |at, json| places.push((at, json)));
        places
    }
}

impl Serialize for Message {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.raw.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Message {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = Box::<RawValue>::deserialize(deserializer)?;
        Self::of(&raw).map_err(serde::de::Error::custom)
    }
}

/// A message within an [`Edit`].
impl Shape for Message {
    fn read(json: &RawValue) -> Result<Self, Fault> {
        if !json.get().starts_with('{') {
            return Err(Fault::unexpected("an object", json.get()));
        }
        let message = Self::read(json, Place::Edit);
        match message.kind {
            MessageKind::Malformed { at, problem, .. } => Err(Fault { at, problem }),
            MessageKind::Known(_) | MessageKind::Unrecognized { .. } => Ok(message),
        }
    }

    fn unrecognized<'m>(&'m self, found: &mut dyn FnMut(JsonPath, &'m Json)) {
        Shape::unrecognized(&self.head, found);
        if let MessageKind::Known(payload) = &self.kind {
            payload.unrecognized(self.message_type().unwrap_or_default(), found);
        }
    }
}

/// The parts of a message as one object.
struct Parts<'m> {
    head: &'m Head,
    kind: &'m MessageKind,
}

impl Serialize for Parts<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        self.head.serialize_into(&mut map)?;
        if let MessageKind::Known(payload) = self.kind {
            payload.serialize_into(payload.key(self.head).unwrap_or_default(), &mut map)?;
        }
        map.end()
    }
}
