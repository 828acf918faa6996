//! A report about one message as text. Pure.

use std::fmt::Write as _;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use wab_events::Kind;

use super::gather::{EventReport, ItemReport, Report};
use super::shown_time;
use crate::mask::printable;
use crate::reference::lines_table;
use crate::stored::{Content, Detail};
use crate::{style, times};

/// The column in which values begin.
const LABELS: usize = 22;

pub(super) fn render(report: &Report, now: Timestamp, zone: &TimeZone, width: Option<u16>) -> String {
    let mut text = Text { text: String::new(), now, zone };
    let (messages, receipts): (Vec<_>, Vec<_>) = report.items.iter().partition(|item| item.kind == Kind::Mo);
    for item in messages {
        text.message(&report.id, item);
    }
    if let Some(timeline) = &report.receipts {
        text.heading(&format!("Sent message {}: {}", printable(&report.id), timeline.state(now)));
        text.row("reference", &timeline.references.join(", "));
        if let Some(item) = receipts.first() {
            text.row("application", &item.application);
            text.row("items", &numbers(&receipts));
            text.row("expires", &text.expiry(item.stored.expires_at));
        }
        if let Some(asked_for) = receipts.iter().find(|item| item.asked_for) {
            text.row("asked for", &format!("event {}", asked_for.event_id));
        }
        let _ = write!(text.text, "\n{}\n", timeline.table(zone, width));
        for item in &receipts {
            if let Some(content) = &item.content {
                text.unnamed(content);
            }
            text.event(item);
        }
    }
    for target in &report.replies_to {
        let names = [target.id.as_deref(), target.reference.as_deref()];
        let names: Vec<_> = names.into_iter().flatten().map(printable).collect();
        text.heading(&format!("Replies to {}", names.join(", ")));
        if target.sent.is_empty() {
            text.line("No receipt of it is stored.");
        }
        for timeline in &target.sent {
            text.line(&timeline.state(now));
            let _ = writeln!(text.text, "{}", timeline.table(zone, width));
        }
    }
    if !report.replies.is_empty() {
        text.heading("Replies");
        let _ = writeln!(text.text, "{}", lines_table(&report.replies, zone, width));
    }
    for item in &report.unreadable {
        text.heading("An item that this wab can't read");
        text.row("problem", &item.problem);
        text.row("received", &shown_time(item.received_at, zone));
        text.row("event id", item.event_id.as_deref().unwrap_or_default());
    }
    if let Some(parked) = &report.parked {
        text.heading("Dead-letter queue");
        if parked.is_empty() {
            text.line("Nothing of it is parked.");
        }
        for message in parked {
            text.row("parked", &shown_time(message.since, zone));
            text.row("reason", message.reason.as_deref().unwrap_or("none stated"));
            text.row("event id", &message.event_id);
        }
    }
    text.text.trim_start().to_owned()
}

fn numbers(items: &[&ItemReport]) -> String {
    let numbers: Vec<String> = items.iter().map(|item| item.number.to_string()).collect();
    numbers.join(", ")
}

struct Text<'a> {
    text: String,
    now: Timestamp,
    zone: &'a TimeZone,
}

impl Text<'_> {
    fn heading(&mut self, heading: &str) {
        let _ = writeln!(self.text, "\n{}", style::paint(style::BOLD, heading));
    }

    fn line(&mut self, line: &str) {
        let _ = writeln!(self.text, "  {line}");
    }

    /// A label and its value, which may have several lines. Nothing if the value is empty.
    fn row(&mut self, label: &str, value: &str) {
        let mut label = printable(label).into_owned();
        for line in value.lines() {
            let gap = " ".repeat(LABELS.saturating_sub(label.chars().count()).max(1));
            let _ = writeln!(self.text, "  {}{gap}{}", style::paint(style::DIM, &label), printable(line));
            label.clear();
        }
    }

    fn optional(&mut self, label: &str, value: Option<&String>) {
        if let Some(value) = value {
            self.row(label, value);
        }
    }

    fn message(&mut self, id: &str, item: &ItemReport) {
        let variant = item.variant.as_deref().map(|variant| format!(", variant {variant}")).unwrap_or_default();
        self.heading(&format!("Message {}{variant}", printable(id)));
        if let Some(content) = &item.content
            // A text is among the details.
            && content.details.iter().all(|detail| detail.value != content.summary)
        {
            self.row("content", &content.summary);
        }
        let received = shown_time(item.received_at, self.zone);
        // WhatsApp's clock has whole seconds, and may differ from AWS's.
        let lag = item.received_at.zip(item.sent_at).map(|(received, sent)| {
            let lag = received.duration_since(sent);
            let side = if lag.is_negative() { "before" } else { "after" };
            format!(" ({} {side} WhatsApp's timestamp)", times::span(lag.abs()))
        });
        let lag = lag.unwrap_or_default();
        self.row("received", &format!("{received}{lag}"));
        self.optional("contact", item.contact.as_ref());
        self.optional("destination", item.destination.as_ref());
        self.row("application", &item.application);
        self.optional("type", item.message_type.as_ref());
        self.optional("operator", item.operator.as_ref());
        self.optional("reply to", item.reply_to.as_ref());
        self.optional("reference", item.reference.as_ref());
        if let Some(content) = &item.content {
            self.details(&content.details);
            self.unnamed(content);
        } else if item.stored.place == "nowhere" {
            self.row("content", "not kept: the stack was deployed with Content=none");
        } else if !item.stored.gone {
            self.row("content", "the body isn't an MO callback: see --raw");
        }
        let asked_for = if item.asked_for { " (asked for)" } else { "" };
        self.row("event id", &format!("{}{asked_for}", item.event_id));
        self.stored(item);
        self.event(item);
    }

    fn details(&mut self, details: &[Detail]) {
        for Detail { label, value, at } in details {
            match at {
                Some(at) => self.row(label, &times::local(*at, self.zone)),
                None => self.row(label, value),
            }
        }
    }

    /// The values that no type names.
    fn unnamed(&mut self, content: &Content) {
        for Detail { label, value, .. } in &content.unnamed {
            self.row("not named", &format!("{label}: {value}"));
        }
    }

    fn stored(&mut self, item: &ItemReport) {
        let stored = &item.stored;
        self.row("item", &item.number.to_string());
        let place = match (&stored.object, stored.place) {
            (Some(object), _) => object,
            (None, "nowhere") => "not kept",
            (None, _) => "in the table",
        };
        let gone = if stored.gone { ", which the bucket no longer has" } else { "" };
        self.row("body", &format!("{} bytes, {place}{gone}", stored.bytes));
        self.row("digest", &stored.digest);
        if let Some(binary) = &item.binary {
            let place = binary.object.as_deref().unwrap_or("in the body, in base64");
            let gone = if binary.gone { ", which the bucket no longer has" } else { "" };
            self.row("binary content", &format!("{}, {} bytes, {place}{gone}", binary.content_type, binary.bytes));
            self.row("its sha256", &binary.sha256);
        }
        self.row("expires", &self.expiry(stored.expires_at));
    }

    fn expiry(&self, at: Option<Timestamp>) -> String {
        let Some(at) = at else { return "at no valid time".to_owned() };
        let left = at.duration_since(self.now);
        let shown = times::local(at, self.zone);
        if left.is_negative() {
            format!("{shown}: expired, and deleted within some days")
        } else {
            format!("{shown}, in {}", times::span(left))
        }
    }

    fn event(&mut self, item: &ItemReport) {
        match &item.event {
            None => {}
            Some(EventReport::Unpublishable { reason }) => {
                self.row("event", &format!("can't be published: {reason}"));
            }
            Some(EventReport::Published { attributes, event }) => {
                for (name, value) in attributes {
                    self.row("attribute", &format!("{name}: {value}"));
                }
                self.row("event", &format!("{event:#}"));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use wab_models::{Item, MoCallback, Received, ReceivedAt};

    use super::*;
    use crate::mask::Mask;
    use crate::show::gather::item_report;
    use crate::stack::{Cost, Place, Stack, StackFile, example};
    use crate::stored::{Fetched, Whole};

    /// Shows a sample in a zone east of Greenwich.
    fn shown(body: &str, mask: Mask) -> String {
        let file: StackFile = serde_json::from_value(example::json()).unwrap();
        let stack = Stack::new(Place::Simulated, &file.sdk_config(), file.clone().into());
        let received = Received {
            body,
            application: "shop",
            at: ReceivedAt::from_epoch_ms(1_795_425_317_417),
            expires_at: 1_798_017_317,
        };
        let item = Item::mo(&MoCallback::parse(body).unwrap(), received);
        let item = serde_json::from_value(serde_json::to_value(item).unwrap()).unwrap();
        let whole = Whole { item, body: Fetched::Bytes(body.as_bytes().to_vec()) };
        let report = Report {
            id: "00000000-0000-4000-8000-000000000014".to_owned(),
            items: vec![item_report(&stack, 1, &whole, mask)],
            unreadable: Vec::new(),
            receipts: None,
            replies_to: Vec::new(),
            replies: Vec::new(),
            parked: None,
            cost: Cost::default(),
        };
        let now = Timestamp::from_second(1_795_425_400).unwrap();
        render(&report, now, &TimeZone::fixed(jiff::tz::offset(13)), None)
    }

    #[test]
    fn order_is_shown_with_local_times_and_its_total() {
        insta::assert_snapshot!(shown(include_str!("../../samples/mo_order.json"), Mask::OFF));
    }

    #[test]
    fn what_no_type_names_is_marked() {
        insta::assert_snapshot!(shown(include_str!("../../samples/mo_unknown_type.json"), Mask::default()));
    }
}
