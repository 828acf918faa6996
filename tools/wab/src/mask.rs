//! Masking: what people's data looks like until someone asks to see it with `--reveal`. Pure.
//!
//! A mask keeps what a person on call needs: that two values differ, what kind they are, how long a text is. It never
//! keeps enough to call, name or quote someone.

use std::borrow::Cow;

use serde_json::Value;
use sha2::{Digest as _, Sha256};
use wab_models::CONTACT_HASH;

/// Digits in a row from which an id or a reference may be a phone number.
const NUMBER_DIGITS: usize = 6;

/// Keys of WhatsApp's message whose values are words of a vocabulary or times, never a person's.
const VOCABULARY: [&str; 6] = ["type", "mime_type", "status", "timestamp", "messaging_product", "recipient_type"];

#[derive(Debug, Clone, Copy, Default, clap::Args)]
pub(crate) struct Mask {
    /// Show numbers, names and texts instead of masking them
    #[arg(long)]
    reveal: bool,
}

impl Mask {
    /// Reveals everything.
    pub(crate) const OFF: Self = Self { reveal: true };

    pub(crate) fn is_off(self) -> bool {
        self.reveal
    }

    /// A phone number or user id: `+64…01` for +6421000001.
    pub(crate) fn contact<'a>(self, contact: &'a str) -> Cow<'a, str> {
        if self.reveal {
            return Cow::Borrowed(contact);
        }
        // A keyed hash is nobody's name: its first digits tell contacts apart.
        if contact.starts_with(CONTACT_HASH) {
            return Cow::Owned(format!("{}…", contact.get(..CONTACT_HASH.len() + 12).unwrap_or(CONTACT_HASH)));
        }
        let chars: Vec<char> = contact.chars().collect();
        let head = usize::from(contact.starts_with('+')) + 2;
        // A short one has nothing to spare.
        match chars.len().checked_sub(2) {
            Some(tail) if tail >= head + 3 => {
                let part = |chars: Option<&[char]>| chars.unwrap_or_default().iter().collect::<String>();
                Cow::Owned(format!("{}…{}", part(chars.get(..head)), part(chars.get(tail..))))
            }
            _ => Cow::Borrowed("…"),
        }
    }

    /// A text that someone wrote, or a name: its length.
    pub(crate) fn text<'a>(self, text: &'a str) -> Cow<'a, str> {
        if self.reveal {
            return Cow::Borrowed(text);
        }
        match text.chars().count() {
            0 => Cow::Borrowed(""),
            1 => Cow::Borrowed("(1 character)"),
            length => Cow::Owned(format!("({length} characters)")),
        }
    }

    /// An id or a reference. One that may hold a number is replaced by a mark that is the same each time: WhatsApp's own
    /// ids hold the number in base64, and a reference may be one.
    pub(crate) fn id<'a>(self, id: &'a str) -> Cow<'a, str> {
        if self.reveal || !may_hold_a_number(id) {
            return Cow::Borrowed(id);
        }
        let start = if id.starts_with("wamid.") { "wamid." } else { "" };
        Cow::Owned(format!("{start}…{}", mark(id)))
    }

    /// A JSON value that people's data may be in at any depth. The keys stay, and the words of WhatsApp's vocabulary.
    pub(crate) fn json(self, value: &Value) -> Value {
        if self.reveal {
            return value.clone();
        }
        match value {
            Value::Null | Value::Bool(_) => value.clone(),
            Value::Number(_) => Value::String("…".to_owned()),
            Value::String(text) => Value::String(self.text(text).into_owned()),
            Value::Array(values) => values.iter().map(|value| self.json(value)).collect(),
            Value::Object(members) => {
                let masked = members.iter().map(|(key, value)| {
                    let is_word = VOCABULARY.contains(&key.as_str()) && !value.is_object() && !value.is_array();
                    (key.clone(), if is_word { value.clone() } else { self.json(value) })
                });
                masked.collect::<serde_json::Map<_, _>>().into()
            }
        }
    }
}

/// Whether an id is anything but a UUID, and has a run of digits as long as a number or is one of WhatsApp's.
fn may_hold_a_number(id: &str) -> bool {
    if uuid::Uuid::try_parse(id).is_ok() {
        return false;
    }
    let mut digits = 0;
    id.starts_with("wamid.")
        || id.chars().any(|char| {
            // Spaces and hyphens group the digits of a number.
            match char {
                '0'..='9' => digits += 1,
                ' ' | '-' => {}
                _ => digits = 0,
            }
            digits >= NUMBER_DIGITS
        })
}

/// Six hex digits, by which equal values can be recognised.
fn mark(text: &str) -> String {
    let mut mark = hex(&Sha256::digest(text));
    mark.truncate(6);
    mark
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Replaces control characters and characters that change the direction of writing, so that text from outside can
/// neither inject terminal escapes nor disguise the line that it is in.
pub(crate) fn printable(text: &str) -> Cow<'_, str> {
    if text.contains(is_harmful) { Cow::Owned(text.replace(is_harmful, "\u{fffd}")) } else { Cow::Borrowed(text) }
}

/// Escapes the same characters in JSON, whose value stays the same. JSON has them in strings only, but for line breaks.
pub(crate) fn printable_json(json: &str) -> String {
    let mut escaped = String::with_capacity(json.len());
    for char in json.chars() {
        if is_harmful(char) && char != '\n' {
            escaped.push_str(&format!("\\u{:04x}", u32::from(char)));
        } else {
            escaped.push(char);
        }
    }
    escaped
}

/// Whether a terminal may take a character as a command, or a reader may be misled by it.
pub(crate) fn is_harmful(char: char) -> bool {
    char.is_control()
        || matches!(char, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const MASK: Mask = Mask { reveal: false };

    #[test]
    fn contact_keeps_its_ends_only() {
        assert_eq!(MASK.contact("+6421000001"), "+64…01");
        assert_eq!(MASK.contact("6421000001"), "64…01");
        for short in ["", "1", "+64210", "64210"] {
            assert_eq!(MASK.contact(short), "…", "{short}");
        }
        assert_eq!(Mask::OFF.contact("+6421000001"), "+6421000001");
    }

    #[test]
    fn text_becomes_its_length() {
        assert_eq!(MASK.text("Kia ora"), "(7 characters)");
        assert_eq!((MASK.text("👍"), MASK.text("")), ("(1 character)".into(), "".into()));
        assert_eq!(Mask::OFF.text("Kia ora"), "Kia ora");
    }

    #[test]
    fn ids_that_may_hold_a_number_are_marked() {
        for kept in ["7c1f0c1e-5a52-4d0e-9b86-0d6a1f1c7d11", "11111111-1111-4111-8111-000000000001", "order-1042", ""] {
            assert_eq!(MASK.id(kept), kept);
        }
        for masked in ["wamid.TUFERS1VUA==", "sms-6421000001", "21 000 001", "64-21-000-001"] {
            let mark = MASK.id(masked);
            assert!(mark != masked && mark == MASK.id(masked), "{mark}");
            assert_eq!(Mask::OFF.id(masked), masked);
        }
        assert_ne!(MASK.id("wamid.TUFERS1VUA=="), MASK.id("wamid.TUFERS1VUB=="));
    }

    #[test]
    fn json_keeps_its_keys_and_vocabulary() {
        let content = json!({"type": "text", "from": "6421000001", "timestamp": "1763889302", "text": {"body": "Kia ora"},
                             "location": {"latitude": -36.8}, "type ": ["a"], "status": {"x": "hidden"}, "ok": true});
        let masked = json!({"type": "text", "from": "(10 characters)", "timestamp": "1763889302",
                            "text": {"body": "(7 characters)"}, "location": {"latitude": "…"},
                            "type ": ["(1 character)"], "status": {"x": "(6 characters)"}, "ok": true});
        assert_eq!(MASK.json(&content), masked);
        assert_eq!(Mask::OFF.json(&content), content);
    }

    #[test]
    fn control_and_direction_characters_are_replaced() {
        assert_eq!(printable("a\x1b[2J\nb\u{202e}c"), "a\u{fffd}[2J\u{fffd}b\u{fffd}c");
        assert_eq!(printable("Kia ora 👍"), "Kia ora 👍");
    }

    #[test]
    fn escaped_json_has_the_same_value() {
        let value = json!({"a\u{202e}": ["\u{9b}2J\u{7f}\n", "Kia ora 👍"]});
        let json = printable_json(&format!("{value:#}"));
        assert_eq!(printable(&json.replace('\n', "")), json.replace('\n', ""));
        assert_eq!(serde_json::from_str::<Value>(&json).unwrap(), value);
    }
}
