//! A published event in brief: as one line for people, or as one JSON object. Pure.

use std::borrow::Cow;
use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::Serialize;
use serde_json::Value;
use serde_json::value::RawValue;
use wab_events::message::{Message, MessageKind, Payload};
use wab_events::{Data, DlrData, Event, Kind, Mo};

use crate::mask::{Mask, is_harmful, printable};
use crate::style::{BAD, BOLD, DIM, GOOD, WARNING, paint};

/// The longest text of an event that a line shows.
const MAX_TEXT: usize = 60;

/// The width from which a line has room for the message's id.
const WIDTH_WITH_ID: usize = 110;

/// What arrived: an event, or a message that isn't one.
#[derive(Serialize)]
#[serde(untagged)]
pub(crate) enum Brief {
    Event(Box<BriefEvent>),
    Other(Unreadable),
}

#[derive(Serialize)]
pub(crate) struct BriefEvent {
    pub(crate) event_id: String,
    pub(crate) kind: Kind,
    pub(crate) received_at: Option<Timestamp>,
    application: String,
    /// The gateway's message id.
    pub(crate) id: String,
    #[serde(flatten)]
    content: Content,
    #[serde(skip_serializing_if = "Option::is_none")]
    variant: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    dataref: Option<String>,
    /// Whether the event was published again on request.
    replay: bool,
    /// The event's `data`. Null if it is JSON that strict parsers reject, unless it is revealed.
    data: Option<Box<RawValue>>,
}

/// The part that depends on the kind.
#[derive(Serialize)]
#[serde(untagged)]
enum Content {
    Message {
        r#type: Option<String>,
        source: Option<String>,
        destination: Option<String>,
        /// What the message is, apart from its text: `image/jpeg`, `2 contacts`.
        #[serde(skip_serializing_if = "Option::is_none")]
        about: Option<String>,
        #[serde(skip_serializing_if = "Option::is_none")]
        text: Option<String>,
        #[serde(skip_serializing_if = "Option::is_none")]
        reply_to: Option<String>,
        #[serde(skip_serializing_if = "Option::is_none")]
        reference: Option<String>,
    },
    Receipt {
        status: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        reference: Option<String>,
        #[serde(skip_serializing_if = "Option::is_none")]
        detail: Option<String>,
        #[serde(skip_serializing_if = "Option::is_none")]
        delivery: Option<Delivery>,
    },
    /// The callback is too large for an event: see `dataref`.
    Elsewhere {},
}

/// The state of the message that a receipt belongs to.
#[derive(Serialize)]
struct Delivery {
    current: String,
    r#final: bool,
    overtaken: bool,
}

#[derive(Serialize)]
pub(crate) struct Unreadable {
    unreadable: String,
    bytes: usize,
    text: String,
}

impl Brief {
    /// Reads an event with its SNS message attributes. What `mask` hides is masked from here on.
    pub(crate) fn new(text: &str, attributes: &BTreeMap<String, String>, mask: Mask) -> Self {
        let event = match Event::parse(text) {
            Ok(event) => event,
            Err(error) => {
                let masked = mask.text(text).into_owned();
                return Self::Other(Unreadable { unreadable: error.to_string(), bytes: text.len(), text: masked });
            }
        };
        let (content, dataref) = match event.data() {
            Data::Mo(mo) => (Content::of_message(mo, mask), None),
            Data::Dlr(receipt) => (Content::of_receipt(receipt, mask), None),
            Data::Elsewhere { dataref, .. } => (Content::Elsewhere {}, Some(masked_location(dataref, mask))),
        };
        Self::Event(Box::new(BriefEvent {
            event_id: event.id().to_owned(),
            kind: event.kind(),
            received_at: event.received_at(),
            application: event.application().into_owned(),
            id: mask.id(event.subject()).into_owned(),
            content,
            variant: event.variant().map(str::to_owned),
            dataref,
            replay: attributes.get("replay").is_some_and(|value| value == "true"),
            data: data(text, mask),
        }))
    }

    /// The same without the event's data, for lists.
    pub(crate) fn without_data(mut self) -> Self {
        if let Self::Event(event) = &mut self {
            event.data = None;
        }
        self
    }

    pub(crate) fn event_id(&self) -> Option<&str> {
        match self {
            Self::Event(event) => Some(&event.event_id),
            Self::Other(_) => None,
        }
    }

    /// One line without its end, at most `columns` wide. `marks` are added to the event's own.
    pub(crate) fn line(&self, zone: &TimeZone, columns: Option<u16>, marks: &[&str]) -> String {
        let columns = columns.map_or(usize::MAX, usize::from);
        match self {
            Self::Event(event) => event.line(zone, columns, marks),
            Self::Other(other) => {
                let mut line = Line::new(columns);
                line.add(WARNING, &format!("{:8}  ?    ", ""));
                line.add(WARNING, &format!("{}, {} bytes", other.unreadable, other.bytes));
                line.add_marks(marks);
                line.add(DIM, &format!("  {}", shortened(&other.text, MAX_TEXT)));
                line.text
            }
        }
    }
}

impl BriefEvent {
    fn line(&self, zone: &TimeZone, columns: usize, marks: &[&str]) -> String {
        let mut line = Line::new(columns);
        let time = self.received_at.map(|at| at.to_zoned_datetime(zone.clone()).strftime("%H:%M:%S").to_string());
        line.add(DIM, &format!("{:8}  ", time.unwrap_or_default()));
        line.add(BOLD, &format!("{:<3}  ", self.kind.as_str()));
        let mut own_marks = Vec::new();
        match &self.content {
            Content::Message { r#type, source, destination, about, text, .. } => {
                line.add(BOLD, &format!("{:<11} ", r#type.as_deref().unwrap_or("-")));
                let parties = [source, destination].map(|party| party.as_deref().unwrap_or("-"));
                line.add(anstyle::Style::new(), &parties.join(" → "));
                line.add_some(DIM, about.as_deref());
                line.add_some(anstyle::Style::new(), text.as_deref());
            }
            Content::Receipt { status, reference, detail, delivery } => {
                line.add(BOLD, &format!("{status:<11} "));
                line.add(anstyle::Style::new(), reference.as_deref().unwrap_or("-"));
                if let Some(delivery) = delivery {
                    let (style, word) = match (&*delivery.current, delivery.r#final) {
                        ("received", true) => (GOOD, "final"),
                        (_, true) => (BAD, "final"),
                        (_, false) => (DIM, "not final"),
                    };
                    line.add(style, &format!("  now {}, {word}", delivery.current));
                }
                line.add_some(DIM, detail.as_deref());
            }
            Content::Elsewhere {} => {
                line.add(BOLD, &format!("{:<11} ", "-"));
                line.add(WARNING, "too large for an event; see dataref");
                line.add_some(DIM, self.dataref.as_deref());
            }
        }
        own_marks.extend(self.variant.is_some().then_some("variant"));
        own_marks.extend(self.replay.then_some("replay"));
        own_marks.extend(marks);
        line.add_marks(&own_marks);
        if columns >= WIDTH_WITH_ID {
            line.add(DIM, &format!("  {}", self.id));
        }
        line.text
    }
}

impl Content {
    fn of_message(mo: &Mo, mask: Mask) -> Self {
        let callback = mo.callback();
        let message = mo.message();
        let omitted = callback.omitted.as_ref();
        let message_type = message.and_then(Message::message_type).or_else(|| omitted?.message_type.as_deref());
        let (about, text) = match (message, &callback.binary, omitted) {
            (Some(message), _, _) => (about(message), message_text(message).map(|text| mask.text(&text).into_owned())),
            (None, Some(binary), _) => (Some(format!("{}, {} bytes", binary.content_type, binary.bytes)), None),
            (None, None, Some(omitted)) => (Some(format!("content not kept, {} bytes", omitted.bytes)), None),
            (None, None, None) => (Some("not a message".to_owned()), None),
        };
        let contact = |contact: &Option<String>| contact.as_deref().map(|contact| mask.contact(contact).into_owned());
        let id = |id: &Option<String>| id.as_deref().map(|id| mask.id(id).into_owned());
        Self::Message {
            r#type: message_type.map(str::to_owned),
            source: contact(if let Some(omitted) = omitted { &omitted.contact } else { &callback.source }),
            destination: contact(&callback.destination),
            about,
            text: text.filter(|text| !text.is_empty()),
            reply_to: id(&callback.reply_to),
            reference: id(&callback.reference),
        }
    }

    fn of_receipt(receipt: &DlrData, mask: Mask) -> Self {
        let delivery = receipt.delivery.as_ref().map(|delivery| Delivery {
            current: delivery.current.clone(),
            r#final: delivery.is_final,
            overtaken: delivery.overtaken,
        });
        Self::Receipt {
            status: receipt.status_word.clone(),
            reference: receipt.reference.as_deref().map(|reference| mask.id(reference).into_owned()),
            detail: receipt.detail.as_deref().map(|detail| mask.text(detail).into_owned()),
            delivery,
        }
    }
}

/// What a message is, apart from its text. Holds nothing of a person.
fn about(message: &Message) -> Option<String> {
    let count = |count: usize, what: &str| Some(format!("{count} {what}{}", if count == 1 { "" } else { "s" }));
    match message.kind() {
        MessageKind::Known(Payload::Contacts(cards)) => count(cards.len(), "contact"),
        MessageKind::Known(Payload::Order(order)) => count(order.product_items.len(), "item"),
        MessageKind::Known(Payload::Reaction(reaction)) if reaction.is_removal() => Some("reaction removed".to_owned()),
        MessageKind::Known(Payload::Empty) => Some("without its payload".to_owned()),
        MessageKind::Known(_) => message.media().and_then(|media| media.essence()).map(str::to_owned),
        MessageKind::Unrecognized { .. } => Some("a type unknown to this version".to_owned()),
        MessageKind::Malformed { at, problem, .. } => Some(format!("malformed at {at}: {problem}")),
    }
}

/// The text of a message, or what stands for it.
fn message_text(message: &Message) -> Option<Cow<'_, str>> {
    match message.kind() {
        MessageKind::Known(Payload::Reaction(reaction)) => reaction.emoji.as_deref().map(Cow::Borrowed),
        MessageKind::Known(Payload::Location(location)) => {
            let place = location.name.as_deref().or(location.address.as_deref()).map(Cow::Borrowed);
            Some(place.unwrap_or_else(|| Cow::Owned(format!("{}, {}", location.latitude, location.longitude))))
        }
        _ => message.text().or_else(|| message.media()?.filename.as_deref()).map(Cow::Borrowed),
    }
}

/// Where a body is. The key of an item holds the message's id.
fn masked_location(dataref: &str, mask: Mask) -> String {
    match dataref.split_once('?') {
        Some((table, _)) if !mask.is_off() => format!("{table}?…"),
        _ => dataref.to_owned(),
    }
}

/// The event's `data`: verbatim, or masked.
fn data(text: &str, mask: Mask) -> Option<Box<RawValue>> {
    #[derive(serde::Deserialize)]
    struct WithData {
        data: Option<Box<RawValue>>,
    }
    let data = serde_json::from_str::<WithData>(text).ok()?.data?;
    if mask.is_off() {
        return Some(data);
    }
    let value: Value = serde_json::from_str(data.get()).ok()?;
    serde_json::value::to_raw_value(&mask.json(&value)).ok()
}

/// A JSON text on one line, with control characters and characters that change the direction of writing as escapes.
/// Within JSON they are either white space between tokens or part of a string.
pub(crate) fn one_line(json: &str) -> String {
    let mut line = String::with_capacity(json.len());
    for char in json.chars() {
        match char {
            '\n' | '\r' | '\t' => line.push(' '),
            char if is_harmful(char) => line.push_str(&format!("\\u{:04x}", u32::from(char))),
            char => line.push(char),
        }
    }
    line
}

/// A line under construction. What exceeds its width is cut.
struct Line {
    text: String,
    room: usize,
}

impl Line {
    fn new(columns: usize) -> Self {
        Self { text: String::new(), room: columns }
    }

    fn add(&mut self, style: anstyle::Style, text: &str) {
        let text = shortened(text, self.room);
        self.room = self.room.saturating_sub(width(&text));
        if text.trim().is_empty() || style == anstyle::Style::new() {
            self.text.push_str(&text);
        } else {
            self.text.push_str(&paint(style, &text));
        }
    }

    fn add_some(&mut self, style: anstyle::Style, text: Option<&str>) {
        if let Some(text) = text {
            self.add(style, &format!("  {}", shortened(text, MAX_TEXT)));
        }
    }

    fn add_marks(&mut self, marks: &[&str]) {
        for mark in marks {
            self.add(WARNING, &format!("  [{mark}]"));
        }
    }
}

/// The beginning of a text as far as it fits, without control characters.
fn shortened(text: &str, columns: usize) -> String {
    let text = printable(text);
    if width(&text) <= columns {
        return text.into_owned();
    }
    let mut room = columns.saturating_sub(1);
    let fits = |char: &char| {
        let left = room.checked_sub(char_width(*char));
        room = left.unwrap_or(0);
        left.is_some()
    };
    let mut short: String = text.chars().take_while(fits).collect();
    if columns > 0 {
        short.push('…');
    }
    short
}

fn width(text: &str) -> usize {
    text.chars().map(char_width).sum()
}

/// The columns that a character takes, at most: from U+1100 on, characters may be wide (Unicode Standard Annex #11).
fn char_width(char: char) -> usize {
    match char {
        '…' | '→' | '\u{fffd}' => 1,
        char if u32::from(char) < 0x1100 => 1,
        _ => 2,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn event(kind: &str, data: &str, more: &str) -> String {
        format!(
            r#"{{"specversion":"1.0","id":"b48e0ae6ab12d6a90aab59f0ecf2e500","source":"/wab/shop","type":"wab.{kind}.v1",
            "subject":"7c1f","time":"2026-11-23T09:15:02.417Z","datacontenttype":"application/json"{more}{data}}}"#
        )
    }

    fn mo(content: &str) -> String {
        let data = r#","data":{"id":"7c1f","source":"+6421000001","destination":"6421000002","content":"#;
        event("mo", &format!("{data}{content}}}"), "")
    }

    fn brief(text: &str, mask: Mask) -> Brief {
        Brief::new(text, &BTreeMap::new(), mask)
    }

    fn line(text: &str, mask: Mask, columns: u16) -> String {
        let line = brief(text, mask).line(&TimeZone::UTC, Some(columns), &[]);
        // The styles, which take no columns.
        let mut plain = String::new();
        for part in line.split("\u{1b}[") {
            let text = if plain.is_empty() && !line.starts_with('\u{1b}') {
                part
            } else {
                part.split_once('m').map_or(part, |(_, text)| text)
            };
            plain.push_str(text);
        }
        assert!(width(&plain) <= usize::from(columns), "{plain}");
        assert!(!plain.contains(is_harmful), "{plain:?}");
        plain
    }

    #[track_caller]
    fn check(content: &str, masked: &str, revealed: &str) {
        let start = "09:15:02  mo   ";
        assert_eq!(line(&mo(content), Mask::default(), 100), format!("{start}{masked}"));
        assert_eq!(line(&mo(content), Mask::OFF, 100), format!("{start}{revealed}"));
    }

    #[test]
    fn message_is_one_line_masked_or_revealed() {
        check(
            r#"{"type":"text","text":{"body":"Kia ora"}}"#,
            "text        +64…01 → 64…02  (7 characters)",
            "text        +6421000001 → 6421000002  Kia ora",
        );
        check(
            r#"{"type":"image","image":{"id":"1003","mime_type":"image/jpeg","caption":"Look!"}}"#,
            "image       +64…01 → 64…02  image/jpeg  (5 characters)",
            "image       +6421000001 → 6421000002  image/jpeg  Look!",
        );
        check(
            r#"{"type":"poll_of_2031","poll_of_2031":{}}"#,
            "poll_of_2031 +64…01 → 64…02  a type unknown to this version",
            "poll_of_2031 +6421000001 → 6421000002  a type unknown to this version",
        );
        check("3", "-           +64…01 → 64…02  not a message", "-           +6421000001 → 6421000002  not a message");
    }

    #[test]
    fn message_without_content_says_so() {
        let contact = format!("hmac:{}", "0f".repeat(32));
        let omitted = format!(r#""omitted":{{"type":"text","contact":"{contact}","bytes":167,"digest":"0f"}}"#);
        let data = format!(r#","data":{{"id":"7c1f","destination":"6421000002",{omitted}}}"#);
        let expected = "09:15:02  mo   text        hmac:0f0f0f0f0f0f… → 64…02  content not kept, 167 bytes";
        assert_eq!(line(&event("mo", &data, ""), Mask::default(), 100), expected);
        let revealed = serde_json::to_value(brief(&event("mo", &data, ""), Mask::OFF)).unwrap();
        assert_eq!((&revealed["source"], &revealed["about"]), (&json!(contact), &json!("content not kept, 167 bytes")));
    }

    #[test]
    fn receipt_is_shown_with_its_state() {
        let delivery = r#""delivery":{"current":"received","final":true,"overtaken":true,"history":[]}"#;
        let data = format!(r#","data":{{"id":"7c1f","status":"sent","reference":"order-1042",{delivery}}}"#);
        let expected = "09:15:02  dlr  sent        order-1042  now received, final";
        assert_eq!(line(&event("dlr", &data, ""), Mask::default(), 100), expected);
        let expected = "09:15:02  dlr  sent        order-1042  now received, final  [variant]  7c1f";
        assert_eq!(line(&event("dlr", &data, r#","variant":"0123456789ab""#), Mask::default(), 120), expected);
    }

    #[test]
    fn event_by_reference_says_where_it_is() {
        let more = r#","dataref":"s3://bucket/body/0123""#;
        let expected = "09:15:02  mo   -           too large for an event; see dataref  s3://bucket/body/0123";
        assert_eq!(line(&event("mo", "", more), Mask::default(), 100), expected);
        let table = "arn:aws:dynamodb:us-east-1:123456789012:table/events";
        assert_eq!(masked_location(&format!("{table}?pk=MO%23wamid.A"), Mask::default()), format!("{table}?…"));
    }

    #[test]
    fn replayed_event_is_marked() {
        let attributes = BTreeMap::from([("replay".to_owned(), "true".to_owned())]);
        let brief = Brief::new(&mo("{}"), &attributes, Mask::default());
        assert!(brief.line(&TimeZone::UTC, None, &["again"]).contains("[replay]"));
        assert_eq!(serde_json::to_value(&brief).unwrap()["replay"], true);
    }

    #[test]
    fn whatever_arrives_is_one_line() {
        for text in ["", "null", "3", "[]", "{}", r#"{"time":1}"#, "{", "\u{1b}[2J", "{\"a\":\"\u{202e}\"}"] {
            for mask in [Mask::default(), Mask::OFF] {
                let line = line(text, mask, 100);
                assert!(line.contains("the delivery is not"), "{line}");
            }
        }
        let escapes = mo(r#"{"type":"te\u001b[2Jxt","text":{"body":"\u202e\n\u009b"}}"#);
        let contents =
            ["null", "[]", r#""\ud800\u001b[2J""#, r#"{"type":[]}"#, r#"{"type":{"a":1}}"#, r#"{"n":1e400}"#];
        for text in contents.map(mo).into_iter().chain([escapes, mo(&"9".repeat(5_000))]) {
            for mask in [Mask::default(), Mask::OFF] {
                for columns in [10, 40, 80, 160] {
                    line(&text, mask, columns);
                }
                let json = one_line(&serde_json::to_string(&brief(&text, mask)).unwrap());
                assert!(!json.contains(is_harmful), "{json:?}");
            }
        }
    }

    #[test]
    fn deeply_nested_content_is_one_line() {
        for levels in [10, 127, 500, 3_000, 100_000] {
            let line = line(&mo(&format!("{}{}", "[".repeat(levels), "]".repeat(levels))), Mask::OFF, 80);
            assert!(line.starts_with("09:15:02  mo   ") || line.contains("the delivery is not"), "{line}");
        }
    }

    #[test]
    fn json_holds_the_data_masked_or_verbatim() {
        let text = mo(r#"{"type":"text","text":{"body":"Kia ora"}, "n":1.50}"#);
        let masked = serde_json::to_value(brief(&text, Mask::default())).unwrap();
        let expected = json!({
            "event_id": "b48e0ae6ab12d6a90aab59f0ecf2e500", "kind": "mo", "received_at": "2026-11-23T09:15:02.417Z",
            "application": "shop", "id": "7c1f", "type": "text", "source": "+64…01", "destination": "64…02",
            "text": "(7 characters)", "replay": false,
            "data": {"id": "(4 characters)", "source": "(11 characters)", "destination": "(10 characters)",
                     "content": {"type": "text", "text": {"body": "(7 characters)"}, "n": "…"}},
        });
        assert_eq!(masked, expected);
        let revealed = serde_json::to_string(&brief(&text, Mask::OFF)).unwrap();
        assert!(revealed.contains(r#""n":1.50"#) && revealed.contains("Kia ora"), "{revealed}");
    }

    #[test]
    fn json_stays_on_its_line() {
        assert_eq!(one_line("{\n\t\"a\": \"\u{9b}\u{202e}ā\"}"), r#"{  "a": "\u009b\u202eā"}"#);
    }
}
