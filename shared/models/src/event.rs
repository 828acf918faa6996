//! The published event: CloudEvents 1.0 in structured JSON, one per stored item.

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Serialize;

use crate::callback::{CallbackError, DlrCallback, MoCallback};
use crate::item::{Item, Kind};

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
    pub subject: String,
    /// When API Gateway received the callback.
    pub time: &'a str,
    datacontenttype: &'static str,
    /// The first 12 digits of the body's digest, only on a variant: an event whose key was already taken by
    /// one with another body. A CloudEvents extension.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub variant: Option<&'a str>,
    /// Where the data is when the message would be too large with it. A CloudEvents extension.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dataref: Option<String>,
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
    Mo(MoCallback<'a>),
    Dlr(DlrCallback<'a>),
}

impl<'a> Event<'a> {
    /// The event of a stored item.
    ///
    /// # Errors
    /// If the item's key is no event's, or its body isn't the callback that the key says: neither is
    /// written by this project.
    pub fn of(item: &'a Item<'a>) -> Result<Self, EventError> {
        let (kind, id) = Kind::of_partition_key(&item.key.pk).ok_or(EventError::NotAnEvent)?;
        let data = match kind {
            Kind::Mo => Data::Mo(MoCallback::parse(&item.body)?),
            Kind::Dlr => Data::Dlr(DlrCallback::parse(&item.body)?),
        };
        Ok(Self {
            specversion: "1.0",
            id: item.key.event_id(),
            source: format!("/wab/{}", utf8_percent_encode(&item.application, NON_ALPHANUMERIC)),
            event_type: match kind {
                Kind::Mo => "wab.mo.v1",
                Kind::Dlr => "wab.dlr.v1",
            },
            subject: id.to_owned(),
            time: item.received_at.as_str(),
            datacontenttype: "application/json",
            variant: item.is_variant().then(|| item.digest.short()),
            dataref: None,
            data: Some(data),
            kind,
            item,
        })
    }

    /// The callback that the event came from, which says the topic.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// The same event without its data, which is at `dataref` instead.
    #[must_use]
    pub fn by_reference(mut self, dataref: String) -> Self {
        self.data = None;
        self.dataref = Some(dataref);
        self
    }

    /// The SNS message attributes: flat strings for filter policies, none of them empty.
    #[must_use]
    pub fn attributes(&self) -> Vec<(&'static str, &str)> {
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

/// Why an item can't be published. No arm holds any of the item.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum EventError {
    /// The partition key is neither an MO's nor a DLR's.
    #[error("the key is not an event's")]
    NotAnEvent,
    /// The body isn't the callback that the key says.
    #[error("the body is not the callback that the key says")]
    Body(#[from] CallbackError),
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::item::Received;
    use crate::received_at::ReceivedAt;

    fn received<'a>(body: &'a str, application: &'a str) -> Received<'a> {
        Received { body, application, at: ReceivedAt::from_epoch_ms(1_763_889_302_417), expires_at: 1_766_481_302 }
    }

    const MO: &str = r#"{"id":"7c1f","source":"+6421000001","Destination":"6421000002","brand":"x","content":{"type":"text","text":{"body":"Kia ora"}}}"#;

    fn mo(application: &'static str) -> Item<'static> {
        Item::mo(&MoCallback::parse(MO).unwrap(), received(MO, application))
    }

    #[test]
    fn an_mo_is_published_as_a_cloudevent_with_its_attributes() {
        let item = mo("shop & co");
        let event = Event::of(&item).unwrap();
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
        let event = Event::of(&item).unwrap();
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
    fn a_variant_says_so() {
        let item = mo("shop").into_variant();
        let published = serde_json::to_value(Event::of(&item).unwrap()).unwrap();
        assert_eq!(published["variant"], item.digest.short());
        assert_eq!(published["subject"], "7c1f");
    }

    #[test]
    fn an_event_by_reference_has_no_data() {
        let item = mo("shop");
        let event = Event::of(&item).unwrap().by_reference("arn:aws:example".to_owned());
        let published = serde_json::to_value(event).unwrap();
        assert_eq!(published["dataref"], "arn:aws:example");
        assert_eq!(published["data"], Value::Null);
    }

    #[test]
    fn what_is_no_event_is_not_published() {
        let with = |pk: &str, body: &'static str| {
            let mut item = mo("shop");
            item.key.pk = pk.to_owned();
            item.body = body.into();
            Event::of(&item).map(|event| event.kind()).unwrap_err()
        };
        assert_eq!(with("QUARANTINE#2025-11-23", MO), EventError::NotAnEvent);
        assert_eq!(with("7c1f", MO), EventError::NotAnEvent);
        assert_eq!(with("MO#7c1f", "{}"), EventError::Body(CallbackError::NoId));
        assert_eq!(with("DLR#7c1f", MO), EventError::Body(CallbackError::NoStatus));
    }
}
