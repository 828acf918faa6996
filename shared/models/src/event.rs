//! How a stored item becomes an event: CloudEvents 1.0 in structured JSON.

use std::borrow::Cow;

use jiff::Timestamp;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Serialize;
use serde_json::value::to_raw_value;
use wab_events::message::{Decimal, Json, Unrecognized};
use wab_events::{Data, DlrData, Envelope, Event, Kind, Mo, MoData, OmittedMessage, OmittedReceipt};

use crate::body::BinaryContent;
use crate::callback::{CallbackError, DlrCallback, MoCallback};
use crate::delivery::Delivery;
use crate::fields::Fields;
use crate::item::Item;
use crate::key::MO_SORT_KEY;

/// The largest message that SNS accepts: 256 KiB, attributes included (SNS API reference, `Publish`).
pub const MAX_MESSAGE_BYTES: usize = 256 * 1024;

/// The event of a stored item, with its SNS attributes.
#[derive(Debug, Clone, Serialize)]
#[serde(transparent)]
pub struct NewEvent<'a> {
    event: Event,
    #[serde(skip)]
    item: &'a Item<'a>,
}

impl<'a> NewEvent<'a> {
    /// The event of an item with this body.
    ///
    /// # Errors
    /// If the item's key isn't an event's, or the body isn't the callback that the key names. This project writes
    /// neither.
    pub fn of(item: &'a Item<'a>, body: &str) -> Result<Self, EventError> {
        let (kind, id) = item.key.kind_and_id().ok_or(EventError::NotAnEvent)?;
        let (is_its_key, data) = match kind {
            Kind::Mo => {
                let callback = MoCallback::parse(body)?;
                let is_its_key = item.is_under(id, &callback.id, MO_SORT_KEY);
                (is_its_key, Data::Mo(Box::new(Mo::new(callback.into()))))
            }
            Kind::Dlr => {
                let callback = DlrCallback::parse(body)?;
                let is_its_key = item.is_under(id, &callback.id, callback.status.as_str());
                (is_its_key, Data::Dlr(Box::new(callback.into())))
            }
        };
        if !is_its_key {
            return Err(EventError::OtherCallback);
        }
        Ok(Self { event: Event::new(envelope(item, kind, id), data), item })
    }

    /// The event of an item whose body isn't kept: what the item's attributes say of it.
    ///
    /// # Errors
    /// If the item's key isn't an event's, or isn't the key of its status.
    pub fn without_body(item: &'a Item<'a>, body_bytes: usize) -> Result<Self, EventError> {
        let (kind, id) = item.key.kind_and_id().ok_or(EventError::NotAnEvent)?;
        let status = item.status.as_deref().unwrap_or(item.sort_key());
        let sort_key = match kind {
            Kind::Mo => MO_SORT_KEY,
            Kind::Dlr => status,
        };
        if item.sort_key() != sort_key {
            return Err(EventError::OtherCallback);
        }
        let bytes = Decimal::from(i64::try_from(body_bytes).unwrap_or(i64::MAX));
        let digest = item.digest.as_str().to_owned();
        let owned = |text: &Option<Cow<'_, str>>| text.as_deref().map(str::to_owned);
        let data = match kind {
            Kind::Mo => {
                let omitted = OmittedMessage {
                    message_type: owned(&item.message_type),
                    sent_at: item.sent_at.and_then(rfc_3339),
                    contact: owned(&item.source),
                    bytes,
                    digest,
                    unrecognized: Unrecognized::default(),
                };
                Data::Mo(Box::new(Mo::new(MoData {
                    id: id.to_owned(),
                    source: None,
                    destination: owned(&item.destination),
                    content: None,
                    encoding: None,
                    operator: None,
                    reply_to: owned(&item.reply_to),
                    reference: owned(&item.reference),
                    undocumented: None,
                    binary: None,
                    omitted: Some(omitted),
                    unrecognized: Unrecognized::default(),
                })))
            }
            Kind::Dlr => Data::Dlr(Box::new(DlrData {
                id: id.to_owned(),
                status_word: status.to_owned(),
                reference: owned(&item.reference),
                detail: None,
                undocumented: None,
                delivery: None,
                omitted: Some(OmittedReceipt { bytes, digest, unrecognized: Unrecognized::default() }),
                unrecognized: Unrecognized::default(),
            })),
        };
        Ok(Self { event: Event::new(envelope(item, kind, id), data), item })
    }

    /// The event of an item without its data, which is at `dataref`.
    ///
    /// # Errors
    /// If the item's key isn't an event's.
    pub fn by_reference(item: &'a Item<'a>, dataref: String) -> Result<Self, EventError> {
        let (kind, id) = item.key.kind_and_id().ok_or(EventError::NotAnEvent)?;
        // The body as received doesn't follow the contract of `data`.
        let envelope = Envelope { dataref: Some(dataref.clone()), dataschema: None, ..envelope(item, kind, id) };
        Ok(Self { event: Event::new(envelope, Data::Elsewhere { kind, dataref }), item })
    }

    /// Adds the description of an MO's binary content; `dataref` is where its bytes are.
    #[must_use]
    pub fn with_binary(self, content: &BinaryContent, dataref: Option<String>) -> Self {
        self.with_mo(|callback| callback.binary = Some(content.described(dataref)))
    }

    /// Adds the delivery state of a receipt's message.
    #[must_use]
    pub fn with_delivery(mut self, delivery: Delivery) -> Self {
        if let Data::Dlr(receipt) = self.event.data_mut() {
            receipt.delivery = Some(delivery.into());
        }
        self
    }

    /// Leaves out the content of an MO whose bytes are at the `dataref` of its `binary`. Does nothing without one.
    #[must_use]
    pub fn without_content(self) -> Self {
        self.with_mo(|callback| {
            if callback.binary.as_ref().is_some_and(|binary| binary.dataref.is_some()) {
                callback.content = None;
            }
        })
    }

    fn with_mo(mut self, change: impl FnOnce(&mut MoData)) -> Self {
        if let Data::Mo(mo) = self.event.data_mut() {
            change(mo.callback_mut());
        }
        self
    }

    #[must_use]
    pub fn event(&self) -> &Event {
        &self.event
    }

    /// The event as the text of an SNS message.
    ///
    /// # Errors
    /// Only if memory runs out.
    pub fn to_message(&self) -> Result<String, serde_json::Error> {
        serde_json::to_string(&self.event).map(escape_noncharacters)
    }

    /// The SNS message attributes: flat strings for filter policies, none of them empty.
    #[must_use]
    pub fn attributes(&self) -> Vec<(&'static str, &'a str)> {
        let item = self.item;
        let kind = self.event.kind();
        // A hash isn't the sender as received.
        let source = if self.event.is_content_free() { &None } else { &item.source };
        let optional = [
            ("type", &item.message_type),
            ("status", &item.status),
            ("source", source),
            ("destination", &item.destination),
        ];
        let mut attributes =
            vec![("kind", kind.as_str()), ("schema", kind.schema()), ("application", &*item.application)];
        attributes.extend(optional.into_iter().filter_map(|(name, value)| Some((name, value.as_deref()?))));
        attributes
    }
}

/// The event's outer fields, normalised. `id` is the gateway's message id.
fn envelope(item: &Item<'_>, kind: Kind, id: &str) -> Envelope {
    Envelope {
        specversion: "1.0".to_owned(),
        id: item.key.event_id(),
        source: format!("/wab/{}", utf8_percent_encode(&item.application, NON_ALPHANUMERIC)),
        event_type: kind.schema().to_owned(),
        subject: id.to_owned(),
        time: item.received_at.as_str().to_owned(),
        datacontenttype: "application/json".to_owned(),
        dataschema: Some(kind.data_schema().to_owned()),
        variant: item.is_variant().then(|| item.digest.short().to_owned()),
        dataref: None,
        data: None,
        unrecognized: Unrecognized::default(),
    }
}

impl From<MoCallback<'_>> for MoData {
    fn from(callback: MoCallback<'_>) -> Self {
        Self {
            id: callback.id.as_str().to_owned(),
            source: callback.source.map(Cow::into_owned),
            destination: callback.destination.map(Cow::into_owned),
            content: callback.content.raw().map(Json::from),
            encoding: callback.encoding.map(Cow::into_owned),
            operator: callback.operator.map(Cow::into_owned),
            reply_to: callback.reply_to.map(Cow::into_owned),
            reference: callback.reference.map(Cow::into_owned),
            undocumented: undocumented(&callback.unrecognized),
            binary: None,
            omitted: None,
            unrecognized: Unrecognized::default(),
        }
    }
}

impl From<DlrCallback<'_>> for DlrData {
    fn from(callback: DlrCallback<'_>) -> Self {
        Self {
            id: callback.id.as_str().to_owned(),
            status_word: callback.status.as_str().to_owned(),
            reference: callback.reference.map(Cow::into_owned),
            detail: callback.detail.map(Cow::into_owned),
            undocumented: undocumented(&callback.unrecognized),
            delivery: None,
            omitted: None,
            unrecognized: Unrecognized::default(),
        }
    }
}

/// An instant in seconds since 1970-01-01T00:00:00Z. None past the year 9999.
fn rfc_3339(seconds: u64) -> Option<String> {
    Some(Timestamp::from_second(i64::try_from(seconds).ok()?).ok()?.to_string())
}

fn undocumented(fields: &Fields<'_>) -> Option<Json> {
    if fields.is_empty() {
        return None;
    }
    // Fails only if memory runs out: each value is JSON already.
    to_raw_value(fields).ok().map(|raw| Json::from(&*raw))
}

/// Escapes U+FFFE and U+FFFF. JSON may hold them, but SNS and SQS reject a message with either (SQS API reference,
/// `SendMessage`). The control characters that they also reject are always escaped in JSON.
pub(crate) fn escape_noncharacters(json: String) -> String {
    if json.contains(['\u{fffe}', '\u{ffff}']) {
        json.replace('\u{fffe}', "\\ufffe").replace('\u{ffff}', "\\uffff")
    } else {
        json
    }
}

/// Why an item can't be published. No variant holds any of the item.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum EventError {
    /// The partition key is neither an MO's nor a DLR's.
    #[error("the key is not an event's")]
    NotAnEvent,
    /// The body isn't a callback of the key's kind.
    #[error("the body is not the callback that the key says")]
    Body(#[from] CallbackError),
    /// The body is a callback, but its id or its status isn't the key's.
    #[error("the body is not the callback that the key says")]
    OtherCallback,
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use wab_events::DeliveryStatus;

    use super::*;
    use crate::content_mode::ContentMode;
    use crate::delivery::Receipt;
    use crate::item::Received;
    use crate::received_at::ReceivedAt;

    fn received<'a>(body: &'a str, application: &'a str) -> Received<'a> {
        Received { body, application, at: ReceivedAt::from_epoch_ms(1_763_889_302_417), expires_at: 1_766_481_302 }
    }

    const MO: &str = r#"{"id":"7c1f","source":"+6421000001","Destination":"6421000002","brand":"x","content":{"type":"text","text":{"body":"Kia ora"}}}"#;

    fn body_of<'a>(item: &'a Item<'_>) -> &'a str {
        item.body.inline().unwrap()
    }

    fn mo(application: &'static str) -> Item<'static> {
        Item::mo(&MoCallback::parse(MO).unwrap(), received(MO, application))
    }

    #[test]
    fn mo_is_published_as_cloudevent_with_attributes() {
        let item = mo("shop & co");
        let event = NewEvent::of(&item, body_of(&item)).unwrap();
        assert_eq!(
            serde_json::to_value(&event).unwrap(),
            json!({
                "specversion": "1.0",
                "id": item.key.event_id(),
                "source": "/wab/shop%20%26%20co",
                "type": "wab.mo.v1",
                "subject": "7c1f",
                "time": "2025-11-23T09:15:02.417Z",
                "datacontenttype": "application/json",
                "dataschema": "urn:wab:mo-event:v1#/properties/data",
                "data": {
                    "id": "7c1f",
                    "source": "+6421000001",
                    "destination": "6421000002",
                    "content": {"type": "text", "text": {"body": "Kia ora"}},
                    "unrecognized": {"brand": "x"},
                },
            })
        );
        assert_eq!(
            event.attributes(),
            [
                ("kind", "mo"),
                ("schema", "wab.mo.v1"),
                ("application", "shop & co"),
                ("type", "text"),
                ("source", "+6421000001"),
                ("destination", "6421000002"),
            ]
        );
    }

    #[test]
    fn receipt_is_published_with_its_status() {
        let body = r#"{"message_id":4711,"status":"délivré","reference":"order-17"}"#;
        let item = Item::dlr(&DlrCallback::parse(body).unwrap(), received(body, "shop"));
        let event = NewEvent::of(&item, body_of(&item)).unwrap();
        let published = serde_json::to_value(&event).unwrap();
        assert_eq!(published["type"], "wab.dlr.v1");
        assert_eq!(published["subject"], "4711");
        assert_eq!(published["data"], json!({"id": "4711", "status": "délivré", "reference": "order-17"}));
        assert_eq!(
            event.attributes(),
            [("kind", "dlr"), ("schema", "wab.dlr.v1"), ("application", "shop"), ("status", "délivré")]
        );
    }

    #[test]
    fn receipt_reports_its_messages_delivery_state() {
        let body = r#"{"id":4711,"status":"sent"}"#;
        let item = Item::dlr(&DlrCallback::parse(body).unwrap(), received(body, "shop"));
        let this = Receipt { status: DeliveryStatus::Sent, time: item.received_at.clone() };
        let end = Receipt { status: DeliveryStatus::Received, time: ReceivedAt::from_epoch_ms(1_763_889_303_000) };
        let event = NewEvent::of(&item, body).unwrap().with_delivery(Delivery::of(this.clone(), vec![end, this]));
        assert_eq!(
            serde_json::to_value(&event).unwrap()["data"],
            json!({
                "id": "4711",
                "status": "sent",
                "delivery": {
                    "current": "received",
                    "final": true,
                    "overtaken": true,
                    "history": [
                        {"status": "sent", "time": "2025-11-23T09:15:02.417Z"},
                        {"status": "received", "time": "2025-11-23T09:15:03.000Z"},
                    ],
                },
            })
        );
    }

    #[test]
    fn binary_content_is_described_and_may_be_left_out() {
        let body = r#"{"id":"a","encoding":"base64","content":"AP8="}"#;
        let item = Item::mo(&MoCallback::parse(body).unwrap(), received(body, "shop"));
        let content = BinaryContent::of(&[0, 255], "application/octet-stream");
        let data = |event: NewEvent<'_>| serde_json::to_value(event).unwrap()["data"].clone();
        let described = |dataref: Option<String>| NewEvent::of(&item, body).unwrap().with_binary(&content, dataref);
        let mut expected = json!({
            "id": "a", "encoding": "base64", "content": "AP8=",
            "binary": {
                "bytes": 2,
                // printf '\0\377' | sha256sum
                "sha256": "06eb7d6a69ee19e5fbdf749018d3d2abfa04bcbd1365db312eb86dc7169389b8",
                "content_type": "application/octet-stream",
            },
        });
        assert_eq!(data(described(None)), expected);
        assert_eq!(data(described(None).without_content()), expected, "only the content holds the bytes");
        expected["binary"]["dataref"] = "s3://bucket/content/0".into();
        assert_eq!(data(described(Some("s3://bucket/content/0".to_owned()))), expected);
        expected.as_object_mut().unwrap().remove("content");
        assert_eq!(data(described(Some("s3://bucket/content/0".to_owned())).without_content()), expected);
    }

    #[test]
    fn characters_that_sns_rejects_are_escaped() {
        let body = "{\"id\":\"a\",\"content\":\"\u{fffe}\u{ffff}\\u0000\"}";
        let item = Item::mo(&MoCallback::parse(body).unwrap(), received(body, "shop"));
        let message = NewEvent::of(&item, body).unwrap().to_message().unwrap();
        assert!(message.contains(r#""content":"\ufffe\uffff\u0000""#), "{message}");
    }

    #[test]
    fn variant_is_marked() {
        let item = mo("shop").into_variant();
        let published = serde_json::to_value(NewEvent::of(&item, body_of(&item)).unwrap()).unwrap();
        assert_eq!(published["variant"], item.digest.short());
        assert_eq!(published["subject"], "7c1f");
    }

    #[test]
    fn event_by_reference_has_no_data() {
        let item = mo("shop");
        let event = NewEvent::by_reference(&item, "s3://bucket/body/0".to_owned()).unwrap();
        let published = serde_json::to_value(event).unwrap();
        assert_eq!(published["dataref"], "s3://bucket/body/0");
        assert_eq!(published["data"], Value::Null);
    }

    const NO_CONTENT: &str = r#"{"id":"7c1f","source":"+6421000001","Destination":"6421000002","operator":"secret","reply_to":"99","reference":"order-17","secret":1,"content":{"id":"wamid.secret","timestamp":"1763889301","type":"text","text":{"body":"secret"}}}"#;

    fn content_free() -> ContentMode {
        ContentMode::None("0f".repeat(32).parse().unwrap())
    }

    #[test]
    fn message_without_content_is_published_with_what_is_known() {
        let item = content_free().mo(&MoCallback::parse(NO_CONTENT).unwrap(), received(NO_CONTENT, "clinic"));
        let event = NewEvent::without_body(&item, NO_CONTENT.len()).unwrap();
        assert!(event.event().is_content_free());
        assert_eq!(
            serde_json::to_value(&event).unwrap()["data"],
            json!({
                "id": "7c1f",
                "destination": "6421000002",
                "reply_to": "99",
                "reference": "order-17",
                "omitted": {
                    "type": "text",
                    "sent_at": "2025-11-23T09:15:01Z",
                    "contact": item.source,
                    "bytes": NO_CONTENT.len(),
                    "digest": item.digest,
                },
            })
        );
        let message = event.to_message().unwrap();
        assert!(!message.contains("secret") && !message.contains("6421000001"), "{message}");
        let names: Vec<_> = event.attributes().into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["kind", "schema", "application", "type", "destination"]);
        assert_eq!(Event::parse(&message).unwrap(), event.event);
    }

    #[test]
    fn receipt_without_content_is_published_under_its_own_key_only() {
        let body = r#"{"id":4711,"status":"a#b","reference":"order-17","detail":"secret","secret":1}"#;
        let item = content_free().dlr(&DlrCallback::parse(body).unwrap(), received(body, "clinic"));
        let data = |item: &Item<'_>| {
            NewEvent::without_body(item, body.len()).map(|event| serde_json::to_value(&event).unwrap()["data"].clone())
        };
        let expected = json!({"id": "4711", "status": "a#b", "reference": "order-17",
                              "omitted": {"bytes": body.len(), "digest": item.digest}});
        assert_eq!(data(&item), Ok(expected.clone()));
        assert_eq!(data(&item.clone().into_variant()), Ok(expected));
        // A status that can't be an attribute is in the key.
        assert_eq!(data(&Item { status: None, ..item.clone() }).unwrap()["status"], "a#b");
        let mut other = item.clone();
        other.key.sk = "sent".to_owned();
        assert_eq!(data(&other), Err(EventError::OtherCallback));
        other.key.pk = "MO#4711".to_owned();
        assert_eq!(data(&other), Err(EventError::OtherCallback));
        other.key.pk = "QUARANTINE#2025-11-23".to_owned();
        assert_eq!(data(&other), Err(EventError::NotAnEvent));
    }

    #[test]
    fn other_items_are_not_published() {
        let with = |pk: &str, body: &'static str| {
            let mut item = mo("shop");
            item.key.pk = pk.to_owned();
            NewEvent::of(&item, body).map(|event| event.event().kind()).unwrap_err()
        };
        assert_eq!(with("QUARANTINE#2025-11-23", MO), EventError::NotAnEvent);
        assert_eq!(with("7c1f", MO), EventError::NotAnEvent);
        assert_eq!(with("MO#7c1f", "{}"), EventError::Body(CallbackError::NoId));
        assert_eq!(with("DLR#7c1f", MO), EventError::Body(CallbackError::NoStatus));
        assert_eq!(with("MO#7c1f5", MO), EventError::OtherCallback);
        assert_eq!(with("MO#7c1f", r#"{"id":"7c1"}"#), EventError::OtherCallback);
    }

    /// Publishes a receipt with this body, stored under this sort key. `short` stands for the digits of its digest.
    fn dlr_under(body: &str, sk: &str) -> Result<(), EventError> {
        let mut item = Item::dlr(&DlrCallback::parse(body).unwrap(), received(body, "shop"));
        item.key.sk = sk.replace("short", item.digest.short());
        NewEvent::of(&item, body).map(|_| ())
    }

    #[test]
    fn key_names_its_callback_whatever_its_status() {
        let hash = r##"{"message_id":4711,"status":"a#b"}"##;
        for sk in ["a#b", "a#b#short"] {
            assert_eq!(dlr_under(hash, sk), Ok(()), "{sk}");
        }
        for sk in ["a", "a#", "a#b#", "a#b#0123456789ab", "a#bshort", "a#b#short#short", "A#b", ""] {
            assert_eq!(dlr_under(hash, sk), Err(EventError::OtherCallback), "{sk}");
        }
        let sent = r#"{"id":"4711","status":"sent"}"#;
        assert_eq!(dlr_under(sent, "received"), Err(EventError::OtherCallback));
        let variant = mo("shop").into_variant();
        assert!(NewEvent::of(&variant, body_of(&variant)).is_ok());
        let mut elsewhere = mo("shop");
        elsewhere.key.sk = "sent".to_owned();
        assert_eq!(NewEvent::of(&elsewhere, MO).unwrap_err(), EventError::OtherCallback);
    }
}
