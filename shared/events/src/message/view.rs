//! A message: its text, and the typed view of it.

use std::borrow::Cow;

use serde::ser::{Error as _, SerializeMap};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;

use super::common::{Context, Head, Identity, MessageError, Referral, StatusUpdate};
use super::contacts::ContactCard;
use super::fault::{Fault, JsonPath, Why};
use super::json::Json;
use super::media::Media;
use super::payload::{Button, Edit, Interactive, Location, Order, Reaction, Reply, Revoke, System, Text, Unsupported};
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
/// use wab_events::message::{Message, MessageKind, Payload, Why};
///
/// let kind = |json| Message::parse(json).map(|message| message.kind().clone());
/// assert!(matches!(kind(r#"{"text": {"body": "no type"}}"#)?, MessageKind::Known(Payload::Text(_))));
/// assert!(matches!(kind(r#"{"type": "poll", "poll": {}}"#)?, MessageKind::Unrecognized { .. }));
/// let MessageKind::Malformed { at, why, .. } = kind(r#"{"type": "text", "text": {}}"#)? else { panic!("malformed") };
/// assert_eq!((at.to_string().as_str(), why), ("$.text.body", Why::Missing));
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
        why: Why,
        /// Where.
        at: JsonPath,
    },
}

/// What a message of a known type holds.
///
/// ```
/// use wab_events::message::{Message, MessageKind, Payload};
///
/// let message = Message::parse(r#"{"type": "request_welcome", "from": "6421000001"}"#)?;
/// let MessageKind::Known(payload) = message.kind() else { panic!("a known type") };
/// assert_eq!(payload, &Payload::RequestWelcome);
/// assert_eq!(payload.type_name(), Some("request_welcome"));
/// # Ok::<(), wab_events::message::NotAMessage>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Payload {
    /// A text.
    Text(Text),
    /// A picture.
    Image(Media),
    /// A video.
    Video(Media),
    /// A voice note or a piece of music; type `audio`, in old messages `voice`.
    Audio(Media),
    /// A sticker.
    Sticker(Media),
    /// A file.
    Document(Media),
    /// A place.
    Location(Location),
    /// Address cards; may be none.
    Contacts(Vec<ContactCard>),
    /// A tap on a template's button.
    Button(Button),
    /// A tap on an interactive message, or the answer to one.
    Interactive(Box<Interactive>),
    /// An emoji on an earlier message.
    Reaction(Reaction),
    /// A shopping cart.
    Order(Order),
    /// News of the user themselves.
    System(Box<System>),
    /// Something that WhatsApp doesn't pass on; type `unsupported`, in old messages `unknown`.
    Unsupported(Unsupported),
    /// An earlier message, edited.
    Edit(Edit),
    /// An earlier message, deleted.
    Revoke(Revoke),
    /// The user opened the chat for the first time.
    RequestWelcome,
    /// A message that was to vanish, and isn't passed on.
    Ephemeral,
    /// A medium of before the business joined, still to come.
    MediaPlaceholder,
    /// Not a message, but a status of one that the business sent.
    Status(Box<StatusUpdate>),
    /// A known type that came without its payload, usually with `errors` instead.
    Empty,
}

/// Why a text isn't a message. Holds none of it.
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
            Err(Fault { at, why }) => MessageKind::Malformed { message_type, why, at },
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
        let MessageKind::Known(payload) = &self.kind else { return None };
        match payload {
            Payload::Text(text) => Some(&text.body),
            Payload::Button(button) => Some(&button.text),
            Payload::Order(order) => order.text.as_deref(),
            Payload::Edit(edit) => edit.message.text(),
            Payload::Interactive(interactive) => match interactive.reply() {
                Reply::Button(button) => Some(&button.title),
                Reply::List(item) => Some(&item.title),
                _ => None,
            },
            _ => payload.media()?.caption.as_deref(),
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
            MessageKind::Malformed { at, why, .. } => Err(Fault { at, why }),
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

/// Where a message stands. It bounds how deep edits nest: reading goes over the text once for each level.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Content,
    Edit,
}

/// The types that come with a payload under a key of their own name.
pub(crate) const WITH_PAYLOAD: [&str; 16] = [
    "text",
    "image",
    "video",
    "audio",
    "voice",
    "sticker",
    "document",
    "location",
    "contacts",
    "button",
    "interactive",
    "reaction",
    "order",
    "system",
    "edit",
    "revoke",
];

/// The type: as the message says, or the only key that is the name of a type with a payload.
fn type_of(head: &Head) -> Option<Cow<'_, str>> {
    if let Some(message_type) = said_type(head) {
        return Some(Cow::Borrowed(message_type));
    }
    infer_type(head.unrecognized.iter().map(|(key, _)| key)).map(Cow::Borrowed)
}

/// The type as the message says it; an empty one says nothing.
fn said_type(head: &Head) -> Option<&str> {
    head.message_type.as_deref().filter(|name| !name.is_empty())
}

/// The type that the keys of a message tell: the only one that is the name of a type with a payload.
#[must_use]
pub fn infer_type<'k>(keys: impl Iterator<Item = &'k str>) -> Option<&'static str> {
    let mut found = None;
    for key in keys {
        let Some(name) = WITH_PAYLOAD.into_iter().find(|name| *name == key) else { continue };
        match found {
            Some(other) if other != name => return None,
            _ => found = Some(name),
        }
    }
    found
}

impl Payload {
    /// The type that this payload belongs to, in its newer spelling. None for a status and a missing payload.
    #[must_use]
    pub fn type_name(&self) -> Option<&'static str> {
        Some(match self {
            Self::Text(_) => "text",
            Self::Image(_) => "image",
            Self::Video(_) => "video",
            Self::Audio(_) => "audio",
            Self::Sticker(_) => "sticker",
            Self::Document(_) => "document",
            Self::Location(_) => "location",
            Self::Contacts(_) => "contacts",
            Self::Button(_) => "button",
            Self::Interactive(_) => "interactive",
            Self::Reaction(_) => "reaction",
            Self::Order(_) => "order",
            Self::System(_) => "system",
            Self::Unsupported(_) => "unsupported",
            Self::Edit(_) => "edit",
            Self::Revoke(_) => "revoke",
            Self::RequestWelcome => "request_welcome",
            Self::Ephemeral => "ephemeral",
            Self::MediaPlaceholder => "media_placeholder",
            Self::Status(_) | Self::Empty => return None,
        })
    }

    /// The type that a message with this payload says, or would: it is the payload's key.
    fn key<'m>(&self, head: &'m Head) -> Option<&'m str> {
        said_type(head).or_else(|| self.type_name())
    }

    /// The medium, of the types that are one.
    fn media(&self) -> Option<&Media> {
        match self {
            Self::Image(media)
            | Self::Video(media)
            | Self::Audio(media)
            | Self::Sticker(media)
            | Self::Document(media) => Some(media),
            Self::Edit(edit) => edit.message.media(),
            _ => None,
        }
    }

    /// Takes the payload of a type out of the head's unrecognised keys. None if the type isn't known; a fault if it
    /// is and the payload, or before it the head, isn't as it should be.
    fn take(
        message_type: Option<&str>,
        head: &mut Head,
        place: Place,
        head_fault: Option<Fault>,
    ) -> Result<Option<Self>, Fault> {
        let sound = |payload| head_fault.clone().map_or(Ok(Some(payload)), Err);
        let key = match message_type {
            Some("edit") if place == Place::Edit => return Ok(None),
            Some("request_welcome") => return sound(Self::RequestWelcome),
            Some("ephemeral") => return sound(Self::Ephemeral),
            Some("media_placeholder") => return sound(Self::MediaPlaceholder),
            Some("voice") if head.unrecognized.get("voice").is_none() => "audio",
            Some(name) if WITH_PAYLOAD.contains(&name) || matches!(name, "unsupported" | "unknown") => name,
            _ => return Self::take_status(head, head_fault),
        };
        if let Some(fault) = head_fault {
            return Err(fault);
        }
        let Some(json) = head.unrecognized.get(key).filter(|json| json.get() != "null") else {
            let has_errors = head.errors.as_ref().is_some_and(|errors| !errors.is_empty());
            return match key {
                "unsupported" | "unknown" => Ok(Some(Self::Unsupported(Unsupported::default()))),
                // Has been seen with nothing else at all.
                "interactive" => Ok(Some(Self::Empty)),
                _ if has_errors => Ok(Some(Self::Empty)),
                _ => Err(Fault::here(Why::Missing).under_key(key)),
            };
        };
        let payload = Self::read(key, json.raw()).map_err(|fault| fault.under_key(key))?;
        head.unrecognized.take(key);
        Ok(Some(payload))
    }

    fn read(key: &str, json: &RawValue) -> Result<Self, Fault> {
        Ok(match key {
            "image" => Self::Image(Shape::read(json)?),
            "video" => Self::Video(Shape::read(json)?),
            "audio" | "voice" => Self::Audio(Shape::read(json)?),
            "sticker" => Self::Sticker(Shape::read(json)?),
            "document" => Self::Document(Shape::read(json)?),
            "location" => Self::Location(Shape::read(json)?),
            "contacts" => Self::Contacts(Shape::read(json)?),
            "button" => Self::Button(Shape::read(json)?),
            "interactive" => {
                let interactive: Box<Interactive> = Shape::read(json)?;
                interactive.check()?;
                Self::Interactive(interactive)
            }
            "reaction" => Self::Reaction(Shape::read(json)?),
            "order" => Self::Order(Shape::read(json)?),
            "system" => Self::System(Shape::read(json)?),
            "unsupported" | "unknown" => Self::Unsupported(Shape::read(json)?),
            "edit" => Self::Edit(Shape::read(json)?),
            "revoke" => Self::Revoke(Shape::read(json)?),
            _ => Self::Text(Shape::read(json)?),
        })
    }

    /// A status has no payload of its own: its keys stand beside those of the head. It is told by the word.
    fn take_status(head: &mut Head, head_fault: Option<Fault>) -> Result<Option<Self>, Fault> {
        if !head.unrecognized.get("status").is_some_and(|status| status.get().starts_with('"')) {
            return Ok(None);
        }
        if let Some(fault) = head_fault {
            return Err(fault);
        }
        let members = head.unrecognized.iter().map(|(key, value)| (Cow::Borrowed(key), value.raw()));
        let mut update = StatusUpdate::read_members(members, &mut Err)?;
        head.unrecognized = std::mem::take(&mut update.unrecognized);
        Ok(Some(Self::Status(Box::new(update))))
    }

    fn unrecognized<'m>(&'m self, key: &str, found: &mut dyn FnMut(JsonPath, &'m Json)) {
        if let Self::Status(update) = self {
            return update.unrecognized(found);
        }
        let found = &mut |at: JsonPath, json| found(at.under_key(key), json);
        match self {
            Self::Text(text) => text.unrecognized(found),
            Self::Image(media)
            | Self::Video(media)
            | Self::Audio(media)
            | Self::Sticker(media)
            | Self::Document(media) => media.unrecognized(found),
            Self::Location(location) => location.unrecognized(found),
            Self::Contacts(cards) => cards.unrecognized(found),
            Self::Button(button) => button.unrecognized(found),
            Self::Interactive(interactive) => interactive.unrecognized(found),
            Self::Reaction(reaction) => reaction.unrecognized(found),
            Self::Order(order) => order.unrecognized(found),
            Self::System(system) => system.unrecognized(found),
            Self::Unsupported(unsupported) => unsupported.unrecognized(found),
            Self::Edit(edit) => edit.unrecognized(found),
            Self::Revoke(revoke) => revoke.unrecognized(found),
            Self::Status(_) | Self::RequestWelcome | Self::Ephemeral | Self::MediaPlaceholder | Self::Empty => {}
        }
    }

    fn serialize_into<M: SerializeMap>(&self, key: &str, map: &mut M) -> Result<(), M::Error> {
        match self {
            Self::Text(text) => map.serialize_entry(key, text),
            Self::Image(media)
            | Self::Video(media)
            | Self::Audio(media)
            | Self::Sticker(media)
            | Self::Document(media) => map.serialize_entry(key, media),
            Self::Location(location) => map.serialize_entry(key, location),
            Self::Contacts(cards) => map.serialize_entry(key, cards),
            Self::Button(button) => map.serialize_entry(key, button),
            Self::Interactive(interactive) => map.serialize_entry(key, interactive),
            Self::Reaction(reaction) => map.serialize_entry(key, reaction),
            Self::Order(order) => map.serialize_entry(key, order),
            Self::System(system) => map.serialize_entry(key, system),
            Self::Unsupported(unsupported) => map.serialize_entry(key, unsupported),
            Self::Edit(edit) => map.serialize_entry(key, edit),
            Self::Revoke(revoke) => map.serialize_entry(key, revoke),
            Self::Status(update) => update.serialize_into(map),
            Self::RequestWelcome | Self::Ephemeral | Self::MediaPlaceholder | Self::Empty => Ok(()),
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
