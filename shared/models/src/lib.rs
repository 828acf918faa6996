//! The words of this project: what the gateway sends ([`MoCallback`], [`DlrCallback`]), what is kept of it
//! ([`Item`]) and how it becomes what subscribers get ([`Event`], which they read as a [`wab_events::Event`]).
//!
//! Pure: no AWS, tokio or Lambda crate, no clock, no environment. Text that came from outside is borrowed
//! from the body and stays byte for byte as it came; every typed view is derived from it and may be wrong.

mod body;
mod callback;
mod content;
mod delivery;
mod digest;
mod event;
mod fields;
mod item;
mod key;
mod parked;
mod quarantine;
mod received_at;
#[cfg(test)]
mod round_trip;
mod spilled;
mod stream;

pub use body::{BinaryContent, Body, LARGE_ITEM_BYTES, MAX_BODY_BYTES, Object, ObjectKey};
pub use callback::{CallbackError, DlrCallback, MAX_ID_BYTES, MAX_STATUS_BYTES, MessageId, MoCallback, utf8};
pub use content::{Binary, BinaryError, Content, RawMessage};
pub use delivery::{Delivery, Receipt};
pub use digest::Digest;
pub use event::{Event, EventError, MAX_MESSAGE_BYTES};
pub use fields::{FieldName, Fields};
pub use item::{Item, MAX_ITEM_BYTES, Received, UnknownLayout};
pub use key::{Key, kind_and_id};
pub use parked::Parked;
pub use quarantine::{Quarantined, Unreadable};
pub use received_at::ReceivedAt;
pub use spilled::{MAX_SPILL_BYTES, Spilled};
pub use stream::{Counts, StreamBatch, StreamChange, StreamRecord};
