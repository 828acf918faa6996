//! The events that wab publishes to Amazon SNS, as subscribers read them.
//!
//! wab receives the callbacks of a WhatsApp gateway and publishes one event for each: a message from a WhatsApp user
//! ([`Kind::Mo`]) or a delivery receipt ([`Kind::Dlr`]). [`Event::parse`] turns a delivery of SQS or SNS into a typed
//! [`Event`]. The crate is pure: no AWS, tokio or Lambda crate, no clock, no environment.
//!
//! # Events
//!
//! An event is a [CloudEvents 1.0] object in structured JSON. Its `data` is the gateway's callback: the keys are
//! normalised, the WhatsApp message in `content` is verbatim. Each event is also described by SNS message attributes for
//! [filter policies]: `kind`, `schema` and `application`; for an MO also `type`, `source` and `destination`; for a DLR
//! also `status`.
//!
//! # Subscribing safely
//!
//! - **Delivery is at least once.** Deduplicate by [`Event::id`], which is the same for every delivery of an event.
//!   Remember ids for longer than your queue retains messages, and record an id only after its event is handled.
//! - **Delivery is unordered.** A receipt may overtake another, so use [`DeliveryState`] rather than the order of arrival.
//! - **Subscribe a queue with a dead-letter queue**, and give the subscription itself a dead-letter queue as well. Without
//!   one, SNS discards events that it can't deliver.
//! - **Return failures per message** (`ReportBatchItemFailures`), so that one bad message doesn't block its batch. A
//!   delivery that [`Event::parse`] rejects never becomes readable: let it go to the dead-letter queue.
//! - **Don't log message content or ids of WhatsApp**, which reveal phone numbers. Errors of this crate are safe to log, and
//!   so is the `Debug` form of its types: see [Logging](#logging).
//!
//! The repository's `examples/rust` is a complete subscriber with its template.
//!
//! # A message
//!
//! ```
//! use wab_events::message::{MessageKind, Payload};
//! use wab_events::{Data, Event};
//!
//! // The body of an SQS message, with or without raw message delivery.
//! let body = r#"{"specversion": "1.0", "id": "b48e0ae6ab12d6a90aab59f0ecf2e500", "source": "/wab/shop",
//!     "type": "wab.mo.v1", "subject": "7c1f", "time": "2026-11-23T09:15:02.417Z", "datacontenttype": "application/json",
//!     "data": {"id": "7c1f", "source": "+6421000001", "destination": "6421000002",
//!              "content": {"type": "text", "text": {"body": "Kia ora"}}}}"#;
//!
//! let event = Event::parse(body)?;
//! assert_eq!(event.id(), "b48e0ae6ab12d6a90aab59f0ecf2e500"); // seen before? then stop here
//!
//! let Data::Mo(mo) = event.data() else { return Ok(()) };
//! let Some(message) = mo.message() else { return Ok(()) }; // binary content: see `mo.callback().binary`
//! if let MessageKind::Known(Payload::Text(text)) = message.kind() {
//!     assert_eq!(text.body, "Kia ora");
//!     assert_eq!(mo.sender().phone().unwrap().e164(), "+6421000001");
//! }
//! # Ok::<(), wab_events::EventError>(())
//! ```
//!
//! # A delivery receipt
//!
//! A receipt has a [status](DlrData::status). To follow a message, use its [`DeliveryState`] instead, which takes all of
//! its receipts into account:
//!
//! ```
//! use wab_events::{Data, DeliveryStatus, Event};
//!
//! let event = Event::parse(r#"{"specversion": "1.0", "id": "0f3a9c1d2e4b5a6978c0d1e2f3a4b5c6", "source": "/wab/shop",
//!     "type": "wab.dlr.v1", "subject": "7c1f", "time": "2026-11-23T09:15:02.417Z", "datacontenttype": "application/json",
//!     "data": {"id": "7c1f", "status": "sent", "delivery": {"current": "received", "final": true, "overtaken": true,
//!         "history": [{"status": "received", "time": "2026-11-23T09:15:01.902Z"},
//!                     {"status": "sent", "time": "2026-11-23T09:15:02.417Z"}]}}}"#)?;
//!
//! let Data::Dlr(receipt) = event.data() else { return Ok(()) };
//! assert_eq!(receipt.status(), DeliveryStatus::Sent); // this receipt
//! if let Some(delivery) = &receipt.delivery {
//!     assert_eq!(delivery.status(), DeliveryStatus::Received); // the message
//!     assert!(delivery.is_final && delivery.overtaken);
//! }
//! # Ok::<(), wab_events::EventError>(())
//! ```
//!
//! # Events by reference
//!
//! An event that would exceed the SNS message limit of 256 KiB has a `dataref` instead of `data`, and is read as
//! [`Data::Elsewhere`]. Such events are rare, but every subscriber must expect them. The `dataref` has one of two forms:
//!
//! | `dataref` | the callback's body is |
//! |---|---|
//! | `s3://<bucket>/<key>` | the object |
//! | `<table ARN>?pk=<pk>&sk=<sk>` | the attribute `body` of the item with this key; `pk` and `sk` are percent-encoded |
//!
//! The body is what the gateway sent, not an event: its keys aren't normalised. For an MO, pass its `content` to
//! [`Message::of`](message::Message::of). The subscriber needs permission to read the bucket (`s3:GetObject`) and the
//! table (`dynamodb:GetItem`). Objects and items expire, so fetch the body when the event arrives. A subscriber that
//! has no use for such events acknowledges them.
//!
//! # Logging
//!
//! `{event:?}` is what most subscribers write into a log or into the message of a failed test, so `Debug` reveals nothing
//! of a person. It writes ids, kinds and times of events, known words, and the size and a short hash of everything else
//! ([`Redacted`]): `Text { body: 7 bytes #1f3a9c5e }`. Absent fields are left out. The form isn't stable.
//!
//! To see the content on purpose, serialise the value ([`serde::Serialize`]), or print a field: fields of type `String`
//! print as they are. `Display` of [`PhoneNumber`](message::PhoneNumber) and [`UserId`](message::UserId) prints them too.
//!
//! # Events without content
//!
//! A stack can be deployed to keep no content. Its events have the same `data`, without `source`, `content` and free text,
//! and with `omitted`, which describes what isn't there:
//!
//! ```
//! use wab_events::{Data, Event};
//!
//! let event = Event::parse(r#"{"specversion": "1.0", "id": "b48e0ae6ab12d6a90aab59f0ecf2e500", "source": "/wab/clinic",
//!     "type": "wab.mo.v1", "subject": "7c1f", "time": "2026-11-23T09:15:02.417Z", "datacontenttype": "application/json",
//!     "data": {"id": "7c1f", "destination": "6421000002", "omitted": {"type": "text", "bytes": 167,
//!         "sent_at": "2026-11-23T09:15:01Z", "contact": "hmac:9f86d081884c7d65", "digest": "60303ae22b998861"}}}"#)?;
//!
//! assert!(event.is_content_free());
//! let Data::Mo(mo) = event.data() else { return Ok(()) };
//! if let Some(omitted) = &mo.callback().omitted {
//!     assert_eq!(omitted.message_type.as_deref(), Some("text"));
//!     assert!(mo.message().is_none() && mo.callback().source.is_none());
//! }
//! # Ok::<(), wab_events::EventError>(())
//! ```
//!
//! # Forward compatibility
//!
//! - New message types and statuses need no new version of this crate: they are read as
//!   [`MessageKind::Unrecognized`](message::MessageKind::Unrecognized) and [`DeliveryStatus::Unknown`].
//! - New keys are kept in the `unrecognized` field of every type.
//! - Enums that may grow are `#[non_exhaustive]`. A minor version may add fields to structs: match them with `..`, and
//!   build them only in tests.
//! - A contract that isn't compatible with the current one gets a new `type`, such as `wab.mo.v2`, which this version
//!   rejects with [`EventError::UnknownContract`]. A filter policy on the attribute `schema` keeps such events out of a
//!   queue.
//!
//! # Features and MSRV
//!
//! - `schema` (off by default) adds the module `contract`: JSON Schema of the events and of the message.
//!
//! The minimum supported Rust version is 1.95. Raising it is a minor version.
//!
//! [CloudEvents 1.0]: https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/spec.md
//! [filter policies]: https://docs.aws.amazon.com/sns/latest/dg/sns-message-filtering.html

#![warn(missing_docs)]

#[cfg(feature = "schema")]
pub mod contract;
mod dlr;
mod envelope;
mod event;
#[cfg(feature = "https")]
pub mod https;
mod kind;
pub mod message;
mod mo;
mod redacted;
mod status;
#[cfg(test)]
mod tests;

pub use dlr::{DeliveryState, DlrData, HistoryEntry, OmittedReceipt};
pub use envelope::Envelope;
pub use event::{Data, Event, EventError};
pub use kind::Kind;
pub use mo::{Binary, Mo, MoData, OmittedMessage};
pub use redacted::Redacted;
pub use status::DeliveryStatus;

/// Compiles and runs the examples of the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
