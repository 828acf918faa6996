//! WhatsApp's message object, typed: the `content` of an MO callback, which is one element of `messages[]` in the Cloud
//! API.
//!
//! [`Message::parse`] accepts any JSON object and loses nothing. A [`Message`] is its JSON text plus a typed view, which
//! is [`Known`](MessageKind::Known), [`Unrecognized`](MessageKind::Unrecognized) or
//! [`Malformed`](MessageKind::Malformed). Every object of the view keeps the keys that it doesn't name in
//! `unrecognized`. Sets that Meta keeps extending (types, statuses, reasons) are open.
//!
//! Sources: Meta's reference of the `messages` webhook, as of September 2026, and recorded messages. Where the two
//! differ, the types follow the recordings.
//!
//! ```
//! use wab_events::message::{Message, MessageKind, Payload};
//!
//! let json = r#"{"from": "6421000001", "id": "wamid.QUJD", "timestamp": "1763889301", "type": "image",
//!                "image": {"id": "1003", "mime_type": "image/jpeg", "sha256": "SfIn…", "caption": "Look!"}}"#;
//! let message = Message::parse(json)?;
//! match message.kind() {
//!     MessageKind::Known(Payload::Text(text)) => println!("{}", text.body),
//!     MessageKind::Known(Payload::Image(image)) => println!("an image; it has a caption: {}", image.caption.is_some()),
//!     MessageKind::Known(_) => println!("a type that this subscriber doesn't handle"),
//!     MessageKind::Unrecognized { message_type } => println!("a type newer than this crate: {message_type:?}"),
//!     MessageKind::Malformed { at, problem, .. } => println!("{at}: {problem}"), // a place, never a value
//! }
//! assert_eq!(message.text(), Some("Look!"));
//! assert_eq!(message.sender().phone().unwrap().e164(), "+6421000001");
//! assert_eq!(message.raw(), json);
//! # Ok::<(), wab_events::message::NotAMessage>(())
//! ```

mod decimal;
mod error;
pub(crate) mod fault;
mod head;
pub(crate) mod json;
mod lenient;
mod payload;
mod payment;
mod referral;
#[cfg(feature = "schema")]
mod schema;
mod sender;
pub(crate) mod shape;
mod status_update;
#[cfg(test)]
mod tests;
mod value;
mod view;

pub use decimal::{Decimal, NotANumber};
pub use error::{ErrorData, MessageError};
pub use fault::{Fault, JsonKind, JsonPath, Problem};
pub use head::{AccountContext, Context, Head, HistoryContext, HistoryStatus, Identity, InternalData, ReferredProduct};
pub use json::{Json, Unrecognized, VENDOR_KEYS};
pub use lenient::Lenient;
pub use payload::{
    Button, ButtonReply, CallPermission, CallPermissionReply, ContactAddress, ContactCard, ContactEmail, ContactIm,
    ContactName, ContactOrg, ContactPhone, ContactUrl, Edit, Interactive, ListReply, Location, Media, NfmReply, Order,
    Payload, PaymentMethod, ProductItem, Reaction, Reply, Revoke, System, SystemChange, Text, Unsupported, infer_type,
};
pub use payment::{Amount, Payment, PaymentNotification, Refund, Transaction, TransactionError, TransactionMethod};
pub use referral::{Referral, ReferralMedia, ReferralSource, WelcomeMessage};
pub use sender::{Match, PhoneNumber, Sender, UserId};
pub use status_update::{Conversation, ConversationOrigin, Pricing, StatusMessage, StatusUpdate, UpdateStatus};
pub use value::{Id, JsonText, Timestamp};
pub use view::{Message, MessageKind, NotAMessage};
