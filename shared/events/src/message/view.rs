//! A message: its JSON text, and the typed view of it.

use std::fmt;

use serde::ser::{Error as _, SerializeMap};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;

use super::error::MessageError;
use super::fault::{Fault, JsonPath, Problem};
use super::head::{Context, Head, Identity};
use super::json::{Json, leaves};
use super::payload::{Media, Payload, Place, type_of};
use super::referral::Referral;
use super::sender::{Sender, UserId};
use super::shape::{Members, Shape, Shown};
use crate::redacted::Redacted;

/// A WhatsApp message: its JSON text verbatim, and a typed view of it. Serialises as the text.
///
/// The methods answer the questions that most subscribers have, whatever the type of the message. For everything else,
/// match on [`kind`](Self::kind).
#[derive(Clone, PartialEq, Eq)]
pub struct Message {
    raw: Box<str>,
    head: Head,
    kind: MessageKind,
}

/// The typed view of what a message holds beyond its [`Head`].
///
/// Exhaustive on purpose: these three cases cover every message. New types of messages arrive as
/// [`Unrecognized`](Self::Unrecognized).
#[derive(Clone, PartialEq, Eq)]
pub enum MessageKind {
    /// A known type, in the shape of that type.
    Known(Payload),
    /// An unknown type. Its payload is among the unrecognized keys of the head.
    Unrecognized {
        /// The stated type. None if the message has none and its keys don't reveal one.
        message_type: Option<String>,
    },
    /// A known type in another shape. The head has what could be read, [`Message::raw`] has everything.
    Malformed {
        /// The type, stated or inferred. None for a status.
        message_type: Option<String>,
        /// The problem.
        problem: Problem,
        /// The place of the problem.
        at: JsonPath,
    },
}

/// The text isn't a JSON object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a JSON object")]
pub struct NotAMessage;

impl Message {
    /// Reads a message. Every JSON object is one, whatever its keys: see [`MessageKind`].
    ///
    /// # Errors
    /// If the text isn't a JSON object.
    pub fn parse(json: &str) -> Result<Self, NotAMessage> {
        match serde_json::from_str(json) {
            Ok(members) => Ok(Self::of_members(Ok(members), json.trim_ascii(), Place::Content)),
            // Either it isn't an object, or a key has an unpaired surrogate.
            Err(_) => Self::of(serde_json::from_str(json).map_err(|_| NotAMessage)?),
        }
    }

    /// Reads a message that is part of other JSON.
    ///
    /// # Errors
    /// If the value isn't an object.
    pub fn of(raw: &RawValue) -> Result<Self, NotAMessage> {
        if raw.get().starts_with('{') { Ok(Self::of_object(raw)) } else { Err(NotAMessage) }
    }

    /// Reads a message from what is known to be an object.
    pub(crate) fn of_object(raw: &RawValue) -> Self {
        Self::of_members(Members::of(raw), raw.get(), Place::Content)
    }

    /// Builds a message from its parts, for example in a test. If the head has no type, it gets the payload's.
    ///
    /// # Errors
    /// If the parts contradict each other: the text wouldn't read back as the same parts.
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

    fn of_members(members: Result<Members<'_>, Fault>, raw: &str, place: Place) -> Self {
        let mut fault = None;
        let mut keep_first = |found| {
            fault.get_or_insert(found);
            Ok(())
        };
        let head = members.and_then(|members| Head::read_members(members, &mut keep_first));
        let (mut head, mut others) = head.unwrap_or_else(|found| {
            fault = Some(found);
            Default::default()
        });
        let message_type = type_of(&head, &others);
        let kind = match Payload::take(message_type, &head, &mut others, place, fault) {
            Ok(Some(payload)) => MessageKind::Known(payload),
            Ok(None) => MessageKind::Unrecognized { message_type: message_type.map(str::to_owned) },
            Err(Fault { at, problem }) => {
                MessageKind::Malformed { message_type: message_type.map(str::to_owned), problem, at }
            }
        };
        head.unrecognized = others.into();
        Self { raw: raw.into(), head, kind }
    }

    /// The JSON text, verbatim.
    #[must_use]
    pub fn raw(&self) -> &str {
        &self.raw
    }

    /// The number of leaves of the text; see [`Json::leaves`].
    #[must_use]
    pub fn leaves(&self) -> usize {
        leaves(&self.raw)
    }

    /// The typed view of what the message holds.
    #[must_use]
    pub fn kind(&self) -> &MessageKind {
        &self.kind
    }

    /// The typed view of the part that all types share.
    #[must_use]
    pub fn head(&self) -> &Head {
        &self.head
    }

    /// The type: the stated one, or else the one that the only payload key reveals. None for a status, and if the keys
    /// reveal no type.
    #[must_use]
    pub fn message_type(&self) -> Option<&str> {
        match &self.kind {
            MessageKind::Known(payload) => payload.key(&self.head),
            MessageKind::Unrecognized { message_type } | MessageKind::Malformed { message_type, .. } => {
                message_type.as_deref()
            }
        }
    }

    /// WhatsApp's id of the message (`wamid.…`), which a reply refers to. **Keep it out of logs**: see
    /// [`Id`](super::Id).
    #[must_use]
    pub fn id(&self) -> Option<&str> {
        Some(self.head.id.as_ref()?.as_str())
    }

    /// The sender, by every identifier that the message contains. [`Mo::sender`](crate::Mo::sender) includes those of
    /// the callback.
    #[must_use]
    pub fn sender(&self) -> Sender {
        let head = &self.head;
        let parent = head.from_parent_user_id.as_ref().and_then(|id| UserId::parse(id.as_str()));
        let ids = [&head.from_user_id, &head.from_bsuid, &head.from].into_iter().flatten();
        let sender = Sender::of(ids.map(|id| id.as_str())).with_parent(parent);
        match &self.kind {
            // A user who changes their id may have no `from`.
            MessageKind::Known(Payload::System(system)) if sender.is_unknown() => system.user(),
            _ => sender,
        }
    }

    /// When the message was sent, to the second. None if it has no usable timestamp.
    #[must_use]
    pub fn sent_at(&self) -> Option<jiff::Timestamp> {
        self.head.timestamp.as_ref()?.at()
    }

    /// What the user typed or tapped: a text, a caption, the note of an order, the label of a button or list item. Of an
    /// edit, the new text.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        match &self.kind {
            MessageKind::Known(payload) => payload.text(),
            MessageKind::Unrecognized { .. } | MessageKind::Malformed { .. } => None,
        }
    }

    /// The medium, if the message has one. Of an edit, the new medium.
    #[must_use]
    pub fn media(&self) -> Option<&Media> {
        match &self.kind {
            MessageKind::Known(payload) => payload.media(),
            MessageKind::Unrecognized { .. } | MessageKind::Malformed { .. } => None,
        }
    }

    /// What the message replies to or forwards.
    #[must_use]
    pub fn context(&self) -> Option<&Context> {
        self.head.context.as_deref()
    }

    /// WhatsApp's id of the message that this one replies to.
    #[must_use]
    pub fn reply_to(&self) -> Option<&str> {
        Some(self.head.context.as_ref()?.id.as_ref()?.as_str())
    }

    /// True if the message was forwarded, once or often.
    #[must_use]
    pub fn is_forwarded(&self) -> bool {
        let forwarded =
            |context: &Context| context.forwarded == Some(true) || context.frequently_forwarded == Some(true);
        self.context().is_some_and(forwarded)
    }

    /// The ad or post that brought the user to the chat.
    #[must_use]
    pub fn referral(&self) -> Option<&Referral> {
        self.head.referral.as_deref()
    }

    /// The user's security code.
    #[must_use]
    pub fn identity(&self) -> Option<&Identity> {
        self.head.identity.as_ref()
    }

    /// The errors that WhatsApp reports; usually none.
    #[must_use]
    pub fn errors(&self) -> &[MessageError] {
        self.head.errors.as_deref().unwrap_or_default()
    }

    /// What a vendor's gateway, or anyone, has added to WhatsApp's message under a key that the typed view doesn't name.
    /// The key may be beside those of the message or in its `context`. [`VENDOR_KEYS`](super::VENDOR_KEYS) lists those
    /// that are known.
    ///
    /// ```
    /// use wab_events::message::Message;
    ///
    /// let json = r#"{"type": "text", "text": {"body": "Hi"}, "_vnd": {"v1": {"direction": "inbound"}}}"#;
    /// let message = Message::parse(json)?;
    /// let turn: serde_json::Value = message.vendor("_vnd").unwrap().parse().unwrap();
    /// assert_eq!(turn["v1"]["direction"], "inbound");
    /// # Ok::<(), wab_events::message::NotAMessage>(())
    /// ```
    #[must_use]
    pub fn vendor(&self, key: &str) -> Option<&Json> {
        let in_context = || self.head.context.as_ref()?.unrecognized.get(key);
        self.head.unrecognized.get(key).or_else(in_context)
    }

    /// Every value that the typed view doesn't name, at any depth, with its place. Leaves out the
    /// [keys of vendors](super::VENDOR_KEYS), which aren't WhatsApp's: see [`vendor`](Self::vendor).
    ///
    /// ```
    /// use wab_events::message::Message;
    ///
    /// let json = r#"{"type": "text", "text": {"body": "Hi", "preview": true}, "new": {"v1": 7}}"#;
    /// let message = Message::parse(json)?;
    /// let places: Vec<String> = message.unrecognized().iter().map(|(at, value)| format!("{at} {}", value.get())).collect();
    /// assert_eq!(places, [r#"$.new {"v1": 7}"#, "$.text.preview true"]);
    /// # Ok::<(), wab_events::message::NotAMessage>(())
    /// ```
    #[must_use]
    pub fn unrecognized(&self) -> Vec<(JsonPath, &Json)> {
        let mut places = Vec::new();
        Shape::unrecognized(self, &mut |at, json| places.push((at, json)));
        places
    }
}

impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { raw, head, kind } = self;
        f.debug_struct("Message").field("raw", &Redacted::new(&**raw)).field("head", head).field("kind", kind).finish()
    }
}

impl fmt::Debug for MessageKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Known(payload) => f.debug_tuple("Known").field(payload).finish(),
            Self::Unrecognized { message_type } => {
                f.debug_struct("Unrecognized").field("message_type", &Shown(message_type)).finish()
            }
            Self::Malformed { message_type, problem, at } => {
                let mut malformed = f.debug_struct("Malformed");
                malformed.field("message_type", &Shown(message_type)).field("problem", problem).field("at", at).finish()
            }
        }
    }
}

impl Serialize for Message {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let raw: &RawValue = serde_json::from_str(&self.raw).map_err(S::Error::custom)?;
        raw.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Message {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = Box::<RawValue>::deserialize(deserializer)?;
        Self::of(&raw).map_err(serde::de::Error::custom)
    }
}

/// The message within an edit. Unlike other messages, it must not be malformed.
impl Shape for Message {
    fn read(json: &RawValue) -> Result<Self, Fault> {
        if !json.get().starts_with('{') {
            return Err(Fault::unexpected("an object", json.get()));
        }
        let message = Self::of_members(Members::of(json), json.get(), Place::Edit);
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
