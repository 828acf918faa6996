//! The words of this project: what the gateway sends ([`MoCallback`], [`DlrCallback`]), what is kept of it
//! ([`Item`]) and what subscribers get ([`Event`], which they read as a [`subscriber::Event`]). WhatsApp's message
//! object, which an MO callback carries, has its model in [`message`].
//!
//! Pure: no AWS, tokio or Lambda crate, no clock, no environment. Text that came from outside is borrowed
//! from the body and stays byte for byte as it came; every typed view is derived from it and may be wrong.

mod body;
mod callback;
mod content;
#[cfg(feature = "schema")]
pub mod contract;
mod delivery;
mod digest;
mod event;
mod fields;
mod item;
pub mod message;
mod quarantine;
mod received_at;
mod spilled;
mod status;
pub mod subscriber;

pub use body::{BinaryContent, Body, LARGE_ITEM_BYTES, MAX_BODY_BYTES, Object, ObjectKey};
pub use callback::{CallbackError, DlrCallback, MAX_ID_BYTES, MAX_STATUS_BYTES, MessageId, MoCallback, utf8};
pub use content::{Binary, BinaryError, Content, RawMessage};
pub use delivery::{Delivery, Receipt};
pub use digest::Digest;
pub use event::{Event, EventError, MAX_MESSAGE_BYTES};
pub use fields::{FieldName, Fields};
pub use item::{Item, Key, Kind, MAX_ITEM_BYTES, Received, UnknownLayout};
pub use quarantine::{Quarantined, Unreadable};
pub use received_at::ReceivedAt;
pub use spilled::{MAX_SPILL_BYTES, Spilled};
pub use status::DeliveryStatus;
