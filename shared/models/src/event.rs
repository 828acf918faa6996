//! The published event: CloudEvents 1.0 in structured JSON, one per stored item.

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Serialize;
use wab_events::Kind;

use crate::body::BinaryContent;
use crate::callback::{CallbackError, DlrCallback, MoCallback};
use crate::content::Content;
use crate::delivery::Delivery;
use crate::item::Item;
use crate::key::MO_SORT_KEY;

/// The largest message that SNS takes: 256 KiB, attributes included (SNS API reference, `Publish`).
pub const MAX_MESSAGE_BYTES: usize = 256 * 1024;

/// A CloudEvents 1.0 event, normalised outside and verbatim inside. Serialises as the structured form.
#[derive(Debug, Clone, Serialize)]
pub struct Event<'a> {
    specversion: &'static str,
    /// Derived from the item's key: the same for every delivery of this event.
    pub id: String,
    /// Names the gateway application: `/wab/<application>`, percent-encoded.
    pub source: String,
    /// `wab.mo.v1` or `wab.dlr.v1`: which contract `data` keeps.
    #[serde(rename = "type")]
    pub event_type: &'static str,
    /// The gateway's message id.
    pub subject: &'a str,
    /// When API Gateway received the callback.
    pub time: &'a str,
    datacontenttype: &'static str,
    /// The first 12 digits of the body's digest, only on a variant: an event whose key was already taken by
    /// one with another body. A CloudEvents extension.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub variant: Option<&'a str>,
    /// Where the callback's body is, when the message would be too large with the data. A CloudEvents extension.
    #[serde(skip_serializing_if = "Option::is_none")]
    dataref: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<Data<'a>>,
    #[serde(skip)]
    kind: Kind,
    #[serde(skip)]
    item: &'a Item<'a>,
}

#[derive(Debug, Clone, Serialize)]
#[serde(untagged)]
enum Data<'a> {
    Mo {
        #[serde(flatten)]
        callback: Box<MoCallback<'a>>,
        #[serde(skip_serializing_if = "Option::is_none")]
        binary: Option<Binary<'a>>,
    },
    Dlr {
        #[serde(flatten)]
        callback: Box<DlrCallback<'a>>,
        #[serde(skip_serializing_if = "Option::is_none")]
        delivery: Option<Delivery>,
    },
}

/// Binary content as the event describes it.
#[derive(Debug, Clone, Serialize)]
struct Binary<'a> {
    bytes: usize,
    sha256: &'a str,
    content_type: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    dataref: Option<String>,
}

impl<'a> Event<'a> {
    /// The event of a stored item with this body.
    ///
    /// # Errors
    /// If the item's key is no event's, or the body isn't the callback that the key says: neither is
    /// written by this project.
    pub fn of(item: &'a Item<'a>, body: &'a str) -> Result<Self, EventError> {
        let mut event = Self::envelope(item)?;
        let (is_its_key, data) = match event.kind {
            Kind::Mo => {
                let callback = Box::new(MoCallback::parse(body)?);
                (item.is_under(event.subject, &callback.id, MO_SORT_KEY), Data::Mo { callback, binary: None })
            }
            Kind::Dlr => {
                let callback = Box::new(DlrCallback::parse(body)?);
                let is_its_key = item.is_under(event.subject, &callback.id, callback.status.as_str());
                (is_its_key, Data::Dlr { callback, delivery: None })
            }
        };
        event.data = Some(data);
        if is_its_key { Ok(event) } else { Err(EventError::OtherCallback) }
    }

    /// The event of a stored item without its data: the body is at `dataref`.
    ///
    /// # Errors
    /// If the item's key is no event's.
    pub fn by_reference(item: &'a Item<'a>, dataref: String) -> Result<Self, EventError> {
        Ok(Self { dataref: Some(dataref), ..Self::envelope(item)? })
    }

    fn envelope(item: &'a Item<'a>) -> Result<Self, EventError> {
        let (kind, id) = item.key.kind_and_id().ok_or(EventError::NotAnEvent)?;
        Ok(Self {
            specversion: "1.0",
            id: item.key.event_id(),
            source: format!("/wab/{}", utf8_percent_encode(&item.application, NON_ALPHANUMERIC)),
            event_type: kind.schema(),
            subject: id,
            time: item.received_at.as_str(),
            datacontenttype: "application/json",
            variant: item.is_variant().then(|| item.digest.short()),
            dataref: None,
            data: None,
            kind,
            item,
        })
    }

    /// Describes the binary content of an MO; `dataref` is where its bytes are.
    #[must_use]
    pub fn with_binary(mut self, content: &'a BinaryContent, dataref: Option<String>) -> Self {
        if let Some(Data::Mo { binary, .. }) = &mut self.data {
            let BinaryContent { bytes, sha256, content_type, .. } = content;
            *binary = Some(Binary { bytes: *bytes, sha256, content_type, dataref });
        }
        self
    }

    /// Says what became of the message that a receipt is for.
    #[must_use]
    pub fn with_delivery(mut self, told: Delivery) -> Self {
        if let Some(Data::Dlr { delivery, .. }) = &mut self.data {
            *delivery = Some(told);
        }
        self
    }

    /// Leaves out the content of an MO, whose bytes are where `binary` says. Does nothing if it says no place.
    #[must_use]
    pub fn without_content(mut self) -> Self {
        if let Some(Data::Mo { callback, binary: Some(Binary { dataref: Some(_), .. }) }) = &mut self.data {
            callback.content = Content::Absent;
        }
        self
    }

    /// The callback that the event came from, which says the topic.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// The event as the text of an SNS message.
    ///
    /// # Errors
    /// Only if there is no memory for it.
    pub fn to_message(&self) -> Result<String, serde_json::Error> {
        serde_json::to_string(self).map(escape_noncharacters)
    }

    /// The SNS message attributes: flat strings for filter policies, none of them empty.
    #[must_use]
    pub fn attributes(&self) -> Vec<(&'static str, &'a str)> {
        let item = self.item;
        let optional = [
            ("type", &item.message_type),
            ("status", &item.status),
            ("source", &item.source),
            ("destination", &item.destination),
        ];
        let mut attributes =
            vec![("kind", self.kind.as_str()), ("schema", self.event_type), ("application", &*item.application)];
        attributes.extend(optional.into_iter().filter_map(|(name, value)| Some((name, value.as_deref()?))));
        attributes
    }
}

/// Writes U+FFFE and U+FFFF as escapes. JSON may hold them, and SNS and SQS refuse a message with either (SQS API
/// reference, `SendMessage`); the control characters that they refuse as well are escaped in JSON anyway.
pub(crate) fn escape_noncharacters(json: String) -> String {
    if json.contains(['\u{fffe}', '\u{ffff}']) {
        json.replace('\u{fffe}', "\\ufffe").replace('\u{ffff}', "\\uffff")
    } else {
        json
    }
}

/// Why an item can't be published. No arm holds any of the item.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum EventError {
    /// The partition key is neither an MO's nor a DLR's.
    #[error("the key is not an event's")]
    NotAnEvent,
    /// The body isn't the callback that the key says.
    #[error("the body is not the callback that the key says")]
    Body(#[from] CallbackError),
    /// The body is a callback, but another one: its id or its status isn't the key's.
    #[error("the body is not the callback that the key says")]
    OtherCallback,
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use wab_events::DeliveryStatus;

    use super::*;
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
    fn an_mo_is_published_as_a_cloudevent_with_its_attributes() {
        let item = mo("shop & co");
        let event = Event::of(&item, body_of(&item)).unwrap();
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
    fn a_delivery_receipt_is_published_with_its_status() {
        let body = r#"{"message_id":4711,"status":"délivré","reference":"order-17"}"#;
        let item = Item::dlr(&DlrCallback::parse(body).unwrap(), received(body, "shop"));
        let event = Event::of(&item, body_of(&item)).unwrap();
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
    fn a_receipt_says_what_became_of_its_message() {
        let body = r#"{"id":4711,"status":"sent"}"#;
        let item = Item::dlr(&DlrCallback::parse(body).unwrap(), received(body, "shop"));
        let this = Receipt { status: DeliveryStatus::Sent, time: item.received_at.clone() };
        let end = Receipt { status: DeliveryStatus::Received, time: ReceivedAt::from_epoch_ms(1_763_889_303_000) };
        let event = Event::of(&item, body).unwrap().with_delivery(Delivery::of(this.clone(), vec![end, this]));
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
    fn binary_content_is_described_and_may_be_left_out_if_its_bytes_are_elsewhere() {
        let body = r#"{"id":"a","encoding":"base64","content":"AP8="}"#;
        let item = Item::mo(&MoCallback::parse(body).unwrap(), received(body, "shop"));
        let content = BinaryContent::of(&[0, 255], "application/octet-stream");
        let data = |event: Event<'_>| serde_json::to_value(event).unwrap()["data"].clone();
        let described = |dataref: Option<String>| Event::of(&item, body).unwrap().with_binary(&content, dataref);
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
        assert_eq!(data(described(None).without_content()), expected, "the content is all there is of the bytes");
        expected["binary"]["dataref"] = "s3://bucket/content/0".into();
        assert_eq!(data(described(Some("s3://bucket/content/0".to_owned()))), expected);
        expected.as_object_mut().unwrap().remove("content");
        assert_eq!(data(described(Some("s3://bucket/content/0".to_owned())).without_content()), expected);
    }

    #[test]
    fn characters_that_sns_refuses_are_escaped() {
        let body = "{\"id\":\"a\",\"content\":\"\u{fffe}\u{ffff}\\u0000\"}";
        let item = Item::mo(&MoCallback::parse(body).unwrap(), received(body, "shop"));
        let message = Event::of(&item, body).unwrap().to_message().unwrap();
        assert!(message.contains(r#""content":"\ufffe\uffff\u0000""#), "{message}");
    }

    #[test]
    fn a_variant_says_so() {
        let item = mo("shop").into_variant();
        let published = serde_json::to_value(Event::of(&item, body_of(&item)).unwrap()).unwrap();
        assert_eq!(published["variant"], item.digest.short());
        assert_eq!(published["subject"], "7c1f");
    }

    #[test]
    fn an_event_by_reference_has_no_data() {
        let item = mo("shop");
        let event = Event::by_reference(&item, "s3://bucket/body/0".to_owned()).unwrap();
        let published = serde_json::to_value(event).unwrap();
        assert_eq!(published["dataref"], "s3://bucket/body/0");
        assert_eq!(published["data"], Value::Null);
    }

    #[test]
    fn what_is_no_event_is_not_published() {
        let with = |pk: &str, body: &'static str| {
            let mut item = mo("shop");
            item.key.pk = pk.to_owned();
            Event::of(&item, body).map(|event| event.kind()).unwrap_err()
        };
        assert_eq!(with("QUARANTINE#2025-11-23", MO), EventError::NotAnEvent);
        assert_eq!(with("7c1f", MO), EventError::NotAnEvent);
        assert_eq!(with("MO#7c1f", "{}"), EventError::Body(CallbackError::NoId));
        assert_eq!(with("DLR#7c1f", MO), EventError::Body(CallbackError::NoStatus));
        assert_eq!(with("MO#7c1f5", MO), EventError::OtherCallback);
        assert_eq!(with("MO#7c1f", r#"{"id":"7c1"}"#), EventError::OtherCallback);
    }

    /// The event of a receipt with this body, stored under this sort key; `short` stands for its digest's digits.
    fn dlr_under(body: &str, sk: &str) -> Result<(), EventError> {
        let mut item = Item::dlr(&DlrCallback::parse(body).unwrap(), received(body, "shop"));
        item.key.sk = sk.replace("short", item.digest.short());
        Event::of(&item, body).map(|_| ())
    }

    #[test]
    fn key_names_its_callback_whatever_the_status_holds() {
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
        assert!(Event::of(&variant, body_of(&variant)).is_ok());
        let mut elsewhere = mo("shop");
        elsewhere.key.sk = "sent".to_owned();
        assert_eq!(Event::of(&elsewhere, MO).unwrap_err(), EventError::OtherCallback);
    }
}
