//! The CloudEvents envelope, without reading `data`.

use crate::message::Json;
use crate::message::shape::object;

object! {
    /// A published event: a CloudEvents 1.0 object in structured JSON.
    Envelope {
        /// Always `1.0`.
        specversion: String [shown],
        /// The event's id: 32 hex digits, derived from the key of the stored item. Every delivery of this event has
        /// the same id, so deduplicate by it.
        id: String [shown],
        /// `/wab/` followed by the percent-encoded name of the gateway application.
        source: String [shown],
        /// `wab.mo.v1` or `wab.dlr.v1`: the contract that `data` follows.
        event_type as "type": String [shown],
        /// The gateway's message id. All receipts of one message have the same.
        subject: String,
        /// When API Gateway received the callback: RFC 3339, UTC, to the millisecond.
        time: String [shown],
        /// Always `application/json`.
        datacontenttype: String [shown],
        /// The URI of the contract of `data`. Absent without `data`, and in events that were published before it was
        /// introduced.
        dataschema: Option<String> [shown],
        /// Set only if an earlier callback with another body has the same message id and, for a receipt, the same
        /// status: the first 12 hex digits of this body's digest.
        variant: Option<String> [shown],
        /// Where the callback's body is stored. Replaces `data` if the event would exceed the SNS message limit, or if
        /// the body couldn't be read. Either `s3://<bucket>/<key>`, or `<table ARN>?pk=…&sk=…` for an item of the table.
        dataref: Option<String>,
        /// The callback: its keys are normalised, its `content` is verbatim.
        data: Option<Json>,
    }
}
