//! A page of a conversation as text, as a person reads it. Pure.

use std::fmt::Write as _;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::gather::{Conversation, Entry, Said};
use crate::mask::printable;
use crate::stored::MessageLine;
use crate::timeline::Timeline;
use crate::{style, times};

/// The width of a time of day and its gap.
const MARGIN: &str = "          ";

pub(super) fn render(conversation: &Conversation, now: Timestamp, zone: &TimeZone) -> String {
    let mut text = String::new();
    let contact = format!("Conversation with {}", printable(&conversation.contact));
    let _ = writeln!(text, "{}", style::paint(style::BOLD, &contact));
    if !conversation.also_known_as.is_empty() {
        let _ = writeln!(text, "Also known as {}", printable(&conversation.also_known_as.join(", ")));
    }
    let mut day = String::new();
    for entry in &conversation.entries {
        if let Some(at) = entry.at() {
            let of_entry = times::day(at, zone);
            if of_entry != day {
                let _ = writeln!(text, "\n{}", style::paint(style::BOLD, &of_entry));
                day = of_entry;
            }
        }
        match entry {
            Entry::Message(said) => message(said, zone, &mut text),
            Entry::Sent(timeline) => sent(timeline, now, zone, &mut text),
        }
    }
    text
}

fn clock(at: Option<Timestamp>, zone: &TimeZone) -> String {
    at.map_or_else(|| "?       ".to_owned(), |at| times::clock(at, zone))
}

fn message(said: &Said, zone: &TimeZone, text: &mut String) {
    let line = &said.line;
    let mut notes = Vec::new();
    if let Some(reply_to) = &said.reply_to {
        let receipts = if said.without_receipts { ", of which no receipt is stored" } else { "" };
        notes.push(format!("replies to {}{receipts}", printable(reply_to)));
    }
    if let Some(about) = said.about {
        notes.push(format!("replies to {}", times::clock(about, zone)));
    }
    if line.variant {
        notes.push("variant".to_owned());
    }
    let _ = writeln!(text, "{}  them  {}", clock(line.received_at, zone), lines(&line.summary));
    for note in notes {
        let _ = writeln!(text, "{MARGIN}      {}", style::paint(style::DIM, &note));
    }
    for MessageLine { received_at, summary, .. } in &said.changes {
        let _ = writeln!(text, "{MARGIN}      {} {}", clock(*received_at, zone), lines(summary));
    }
    let _ = writeln!(text, "{MARGIN}      {}", style::paint(style::DIM, &printable(&line.id)));
}

/// A text of several lines, each below the first.
fn lines(text: &str) -> String {
    let lines: Vec<_> = text.lines().map(printable).collect();
    lines.join(&format!("\n{MARGIN}      "))
}

fn sent(timeline: &Timeline, now: Timestamp, zone: &TimeZone, text: &mut String) {
    let at = timeline.receipts.first().and_then(|step| step.received_at);
    let names = std::iter::once(&timeline.message_id).chain(&timeline.references);
    let names: Vec<_> = names.map(|name| printable(name)).collect();
    let _ = writeln!(text, "{}  us    sent message {}", clock(at, zone), names.join(", "));
    let _ = writeln!(text, "{MARGIN}      {}", timeline.state(now));
    let _ = writeln!(text, "{MARGIN}      {}", style::paint(style::DIM, &timeline.line(zone)));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stack::Cost;

    fn said(at: &str, summary: &str) -> Entry {
        let line = MessageLine {
            id: "7c1f".to_owned(),
            event_id: String::new(),
            received_at: Some(at.parse().unwrap()),
            message_type: None,
            contact: None,
            summary: summary.to_owned(),
            variant: false,
        };
        Entry::Message(Box::new(Said {
            line,
            reply_to: None,
            without_receipts: false,
            about: None,
            changes: Vec::new(),
        }))
    }

    #[test]
    fn days_are_those_of_the_time_zone() {
        let conversation = Conversation {
            contact: "+64…01".to_owned(),
            entries: vec![said("2026-11-23T10:59:59Z", "Kia\nora\u{1b}[2J"), said("2026-11-23T11:00:00Z", "Ka kite")],
            messages: 2,
            also_known_as: Vec::new(),
            next: None,
            without_key: false,
            cost: Cost::default(),
        };
        let shown = render(&conversation, Timestamp::UNIX_EPOCH, &TimeZone::fixed(jiff::tz::offset(13)));
        insta::assert_snapshot!(shown);
    }
}
