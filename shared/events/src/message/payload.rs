//! The message types: one table, and what each type means for reading, writing and the JSON Schema.
//!
//! To add a type, add a row to the table at the end of this file. The compiler then asks for its
//! [text](Payload::text) and its [medium](Payload::media).

mod contacts;
mod earlier;
mod interactive;
mod location;
mod media;
mod order;
mod system;
mod text;
mod unsupported;

use serde::ser::SerializeMap;
use serde_json::value::RawValue;

use super::fault::{Fault, JsonPath, Problem};
use super::head::Head;
use super::json::Json;
use super::shape::{Members, Shape};
use super::status_update::StatusUpdate;

pub use contacts::{
    ContactAddress, ContactCard, ContactEmail, ContactIm, ContactName, ContactOrg, ContactPhone, ContactUrl,
};
pub use earlier::{Edit, Reaction, Revoke};
pub use interactive::{
    ButtonReply, CallPermission, CallPermissionReply, Interactive, ListReply, NfmReply, PaymentMethod, Reply,
};
pub use location::Location;
pub use media::Media;
pub use order::{Order, ProductItem};
pub use system::{System, SystemChange};
pub use text::{Button, Text};
pub use unsupported::Unsupported;

/// Declares [`Payload`] and everything that differs only by message type.
///
/// A `keyed` row is `Variant(type of the payload) = "message type"`, optionally with the type's older name. The payload
/// is the value of the key named like the message type. A `bare` row is a type that has no payload.
macro_rules! payloads {
    (
        keyed { $($(#[$keyed_doc:meta])* $Keyed:ident($Type:ty) = $name:literal $(| $older:literal)?,)* }
        bare { $($(#[$bare_doc:meta])* $Bare:ident = $bare_name:literal,)* }
    ) => {
        /// What a message of a known type holds.
        #[derive(Debug, Clone, PartialEq, Eq)]
        #[non_exhaustive]
        pub enum Payload {
            $($(#[$keyed_doc])* $Keyed($Type),)*
            $($(#[$bare_doc])* $Bare,)*
            /// Not a message, but the status of one that the business sent.
            Status(Box<StatusUpdate>),
            /// A known type without its payload, usually with `errors` instead.
            Empty,
        }

        /// The types whose payload is under a key of their own name, older names included.
        pub(super) const KEYED: &[&str] = &[$($name, $($older,)?)*];

        /// The types without a payload.
        #[cfg(feature = "schema")]
        pub(super) const BARE: &[&str] = &[$($bare_name,)*];

        impl Payload {
            /// The type that this payload belongs to, by its current name. None for a status and for a missing payload.
            #[must_use]
            pub fn type_name(&self) -> Option<&'static str> {
                match self {
                    $(Self::$Keyed(_) => Some($name),)*
                    $(Self::$Bare => Some($bare_name),)*
                    Self::Status(_) | Self::Empty => None,
                }
            }

            /// The payload for the name of a bare type.
            fn bare(name: &str) -> Option<Self> {
                match name {
                    $($bare_name => Some(Self::$Bare),)*
                    _ => None,
                }
            }

            /// Reads the value of the key `name`. None if that isn't a type with a payload.
            fn reader(name: &str) -> Option<fn(&RawValue) -> Result<Self, Fault>> {
                match name {
                    $($name $(| $older)? => Some(|json| Shape::read(json).map(Self::$Keyed)),)*
                    _ => None,
                }
            }

            /// Writes the payload as the value of `key`; a status as its own keys.
            pub(super) fn serialize_into<M: SerializeMap>(&self, key: &str, map: &mut M) -> Result<(), M::Error> {
                match self {
                    $(Self::$Keyed(payload) => map.serialize_entry(key, payload),)*
                    Self::Status(update) => update.serialize_into(map),
                    $(Self::$Bare)|* | Self::Empty => Ok(()),
                }
            }

            /// Reports each value of the payload that no type names, with its path in the message.
            pub(super) fn unrecognized<'m>(&'m self, key: &str, found: &mut dyn FnMut(JsonPath, &'m Json)) {
                let within = &mut |at: JsonPath, json| found(at.under_key(key), json);
                match self {
                    $(Self::$Keyed(payload) => payload.unrecognized(within),)*
                    Self::Status(update) => update.unrecognized(found),
                    $(Self::$Bare)|* | Self::Empty => {}
                }
            }

            /// The schema of each payload, by the key that holds it.
            #[cfg(feature = "schema")]
            pub(super) fn schemas(generator: &mut schemars::SchemaGenerator) -> Vec<(&'static str, schemars::Schema)> {
                vec![$(
                    ($name, generator.subschema_for::<$Type>()),
                    $(($older, generator.subschema_for::<$Type>()),)?
                )*]
            }
        }
    };
}

/// What contains a message. An edit within an edit isn't read: each level would scan the text once more, so a nested
/// message could take quadratic time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    Content,
    Edit,
}

/// The type: the stated one, or else the one that the keys reveal.
pub(super) fn type_of<'m>(head: &'m Head, others: &Members<'_>) -> Option<&'m str> {
    stated_type(head).or_else(|| infer_type(others.keys()))
}

/// The type that the message states; an empty one counts as absent.
fn stated_type(head: &Head) -> Option<&str> {
    head.message_type.as_deref().filter(|name| !name.is_empty())
}

/// The type that the keys of a message reveal, if exactly one of them is the name of a type with a payload.
#[must_use]
pub fn infer_type<'k>(keys: impl Iterator<Item = &'k str>) -> Option<&'static str> {
    let mut found = None;
    for key in keys {
        let Some(name) = KEYED.iter().copied().find(|name| *name == key && !is_unsupported(name)) else { continue };
        match found {
            Some(other) if other != name => return None,
            _ => found = Some(name),
        }
    }
    found
}

/// Whether this is a name of [`Payload::Unsupported`], whose payload is optional and whose key doesn't reveal the type.
pub(super) fn is_unsupported(name: &str) -> bool {
    matches!(name, "unsupported" | "unknown")
}

impl Payload {
    /// The type that a message with this payload has. It is also the key of the payload.
    pub(super) fn key<'m>(&self, head: &'m Head) -> Option<&'m str> {
        stated_type(head).or_else(|| self.type_name())
    }

    /// Takes the payload out of the keys that the head doesn't name. None if the type is unknown. Fails if the type is
    /// known, and the head or the payload has another shape.
    pub(super) fn take(
        message_type: Option<&str>,
        head: &Head,
        others: &mut Members<'_>,
        place: Place,
        head_fault: Option<Fault>,
    ) -> Result<Option<Self>, Fault> {
        if let Some(payload) = message_type.and_then(Self::bare) {
            return head_fault.map_or(Ok(Some(payload)), Err);
        }
        let key = match message_type {
            Some("edit") if place == Place::Edit => return Ok(None),
            Some("voice") if others.get("voice").is_none() => Some("audio"),
            other => other,
        };
        let Some((key, read)) = key.and_then(|key| Some((key, Self::reader(key)?))) else {
            return Self::take_status(others, head_fault);
        };
        if let Some(fault) = head_fault {
            return Err(fault);
        }
        let Some(json) = others.get(key).filter(|json| json.get() != "null") else {
            return Self::without_payload(key, head);
        };
        let payload = read(json).and_then(Self::checked).map_err(|fault| fault.under_key(key))?;
        others.remove(key);
        Ok(Some(payload))
    }

    /// The payload of a message that has none, or null, under its key.
    fn without_payload(key: &str, head: &Head) -> Result<Option<Self>, Fault> {
        let has_errors = head.errors.as_ref().is_some_and(|errors| !errors.is_empty());
        match key {
            _ if is_unsupported(key) => Ok(Some(Self::Unsupported(Unsupported::default()))),
            // Recorded with nothing else at all.
            "interactive" => Ok(Some(Self::Empty)),
            _ if has_errors => Ok(Some(Self::Empty)),
            _ => Err(Fault::here(Problem::Missing).under_key(key)),
        }
    }

    fn checked(self) -> Result<Self, Fault> {
        if let Self::Interactive(interactive) = &self {
            interactive.check()?;
        }
        Ok(self)
    }

    /// Reads a status, which has its keys beside those of the head. The key `status` identifies it.
    fn take_status(others: &mut Members<'_>, head_fault: Option<Fault>) -> Result<Option<Self>, Fault> {
        if !others.get("status").is_some_and(|status| status.get().starts_with('"')) {
            return Ok(None);
        }
        if let Some(fault) = head_fault {
            return Err(fault);
        }
        let (update, unnamed) = StatusUpdate::read_members(others.clone(), &mut Err)?;
        *others = unnamed;
        Ok(Some(Self::Status(Box::new(update))))
    }

    /// What the user typed or tapped.
    pub(super) fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(&text.body),
            Self::Image(media)
            | Self::Video(media)
            | Self::Audio(media)
            | Self::Sticker(media)
            | Self::Document(media) => media.caption.as_deref(),
            Self::Button(button) => button.text.as_deref(),
            Self::Interactive(interactive) => match interactive.reply() {
                Reply::Button(button) => Some(&button.title),
                Reply::List(item) => Some(&item.title),
                Reply::Form(_)
                | Reply::CallPermission(_)
                | Reply::PaymentMethod(_)
                | Reply::PaymentNotification(_)
                | Reply::Unrecognized { .. } => None,
            },
            Self::Order(order) => order.text.as_deref(),
            Self::Edit(edit) => edit.message.text(),
            Self::Location(_)
            | Self::Contacts(_)
            | Self::Reaction(_)
            | Self::System(_)
            | Self::Unsupported(_)
            | Self::Revoke(_)
            | Self::RequestWelcome
            | Self::Ephemeral
            | Self::MediaPlaceholder
            | Self::Status(_)
            | Self::Empty => None,
        }
    }

    /// The medium of a media message. Of an edit, the new medium.
    pub(super) fn media(&self) -> Option<&Media> {
        match self {
            Self::Image(media)
            | Self::Video(media)
            | Self::Audio(media)
            | Self::Sticker(media)
            | Self::Document(media) => Some(media),
            Self::Edit(edit) => edit.message.media(),
            Self::Text(_)
            | Self::Location(_)
            | Self::Contacts(_)
            | Self::Button(_)
            | Self::Interactive(_)
            | Self::Reaction(_)
            | Self::Order(_)
            | Self::System(_)
            | Self::Unsupported(_)
            | Self::Revoke(_)
            | Self::RequestWelcome
            | Self::Ephemeral
            | Self::MediaPlaceholder
            | Self::Status(_)
            | Self::Empty => None,
        }
    }
}

payloads! {
    keyed {
        /// A text.
        Text(Text) = "text",
        /// A picture.
        Image(Media) = "image",
        /// A video.
        Video(Media) = "video",
        /// A voice note or a piece of music; type `audio`, in old messages `voice`.
        Audio(Media) = "audio" | "voice",
        /// A sticker.
        Sticker(Media) = "sticker",
        /// A file.
        Document(Media) = "document",
        /// A place.
        Location(Location) = "location",
        /// Address cards; the list may be empty.
        Contacts(Vec<ContactCard>) = "contacts",
        /// A tap on a template's button.
        Button(Button) = "button",
        /// A reply to an interactive message. One without a body is [`Empty`](Self::Empty).
        Interactive(Box<Interactive>) = "interactive",
        /// An emoji on an earlier message.
        Reaction(Reaction) = "reaction",
        /// A shopping cart.
        Order(Order) = "order",
        /// A change to the user: a new number, a new user id, a new phone.
        System(Box<System>) = "system",
        /// An earlier message, edited.
        Edit(Edit) = "edit",
        /// An earlier message, deleted.
        Revoke(Revoke) = "revoke",
        /// A message that WhatsApp doesn't deliver; type `unsupported`, in old messages `unknown`.
        Unsupported(Unsupported) = "unsupported" | "unknown",
    }
    bare {
        /// The user opened the chat for the first time.
        RequestWelcome = "request_welcome",
        /// A disappearing message, which WhatsApp doesn't deliver.
        Ephemeral = "ephemeral",
        /// A medium from before the business joined; the medium itself follows in another message.
        MediaPlaceholder = "media_placeholder",
    }
}
