//! The person to erase: every name by which messages call them, and what belongs to them by those names. Pure.

use std::collections::BTreeMap;

use wab_events::message::{Message, MessageKind, Payload, PhoneNumber, UserId};
use wab_models::{CONTACT_HASH, ContentKey};

use crate::conversation::Contact;

/// Separators between two digits of a number, as in `64 (21`.
const MAX_SEPARATORS: u32 = 2;

/// A contact's names. A number is kept as its digits, so that every spelling is the same name.
#[derive(Debug, Clone)]
pub(super) struct Person {
    /// Each with the number of messages that lead to it from the contact: 0 for the contact itself.
    names: BTreeMap<String, u32>,
    /// The key of the hashes in items that were stored without content.
    key: Option<ContentKey>,
}

/// The names of a message's sender.
#[derive(Debug, Default)]
pub(super) struct Names {
    numbers: Vec<String>,
    ids: Vec<String>,
    /// The hash that an item without content has in place of a name.
    hash: Option<String>,
}

impl Names {
    /// Those of the callback and of the message in it. A message that reports a change has those before and after it.
    pub(super) fn of(source: Option<&str>, message: Option<&Message>) -> Self {
        let mut names = Self::default();
        names.add(source);
        if let Some(message) = message {
            let sender = message.sender();
            names.add(sender.phone().map(PhoneNumber::digits));
            names.add(sender.user_id().map(UserId::as_str));
            names.add(sender.parent_user_id().map(UserId::as_str));
            if let MessageKind::Known(Payload::System(system)) = message.kind() {
                let numbers = [&system.wa_id, &system.new_wa_id, &system.customer];
                let ids = [
                    &system.user_id,
                    &system.parent_user_id,
                    &system.previous_user_id,
                    &system.previous_parent_user_id,
                ];
                for name in numbers.into_iter().chain(ids) {
                    names.add(name.as_ref().map(|name| name.as_str()));
                }
            }
        }
        names
    }

    fn add(&mut self, name: Option<&str>) {
        let Some(name) = name else { return };
        if name.starts_with(CONTACT_HASH) {
            self.hash = Some(name.to_owned());
        } else if let Some(id) = UserId::parse(name) {
            self.ids.push(id.as_str().to_owned());
        } else if let Some(number) = PhoneNumber::parse(name) {
            self.numbers.push(number.digits().to_owned());
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.numbers.is_empty() && self.ids.is_empty() && self.hash.is_none()
    }

    pub(super) fn is_hashed(&self) -> bool {
        self.hash.is_some()
    }
}

impl Person {
    pub(super) fn new(contact: &Contact, key: Option<ContentKey>) -> Self {
        // The last spelling of a number is its digits.
        Self { names: contact.spellings().last().map(|name| (name.clone(), 0)).into_iter().collect(), key }
    }

    /// Whether the other has been found under the same names.
    pub(super) fn has_names_of(&self, other: &Self) -> bool {
        self.names == other.names
    }

    /// Whether a hash can be compared with the names.
    pub(super) fn has_key(&self) -> bool {
        self.key.is_some()
    }

    /// The names as a person writes them, the contact first.
    pub(super) fn names(&self) -> Vec<String> {
        let mut names: Vec<_> = self.names.iter().collect();
        names.sort_by_key(|(_, hops)| **hops);
        names.into_iter().map(|(name, _)| if is_number(name) { format!("+{name}") } else { name.clone() }).collect()
    }

    /// How far a message from a sender with these names is from the contact. None if the sender is someone else.
    ///
    /// A number may be passed on to another person, a user id is not. So a message with another user id is theirs only if
    /// the contact was given as its number.
    pub(super) fn hops(&self, names: &Names) -> Option<u32> {
        if let Some(hash) = &names.hash {
            let is_hash_of =
                |name: &str| name == hash || self.key.as_ref().is_some_and(|key| key.contact(name) == *hash);
            return self.names.iter().filter(|(name, _)| is_hash_of(name)).map(|(_, hops)| *hops).min();
        }
        let known = |name: &String| self.names.get(name).copied();
        let by_id = names.ids.iter().filter_map(known).min();
        let by_number = names.numbers.iter().filter_map(known).min();
        match by_id {
            None => by_number.filter(|hops| names.ids.is_empty() || *hops == 0),
            Some(hops) => by_number.into_iter().chain([hops]).min(),
        }
    }

    /// Learns the sender's other names from a message that is this far from the contact.
    pub(super) fn learn(&mut self, names: Names, hops: u32) {
        for name in names.numbers.into_iter().chain(names.ids) {
            let known = self.names.entry(name).or_insert(u32::MAX);
            *known = (*known).min(hops + 1);
        }
    }

    /// Whether a message that isn't theirs by these names may still be by a name in its body: it may if it has names of
    /// another kind only.
    pub(super) fn may_have_other_name(&self, names: &Names) -> bool {
        let has_number = self.names.keys().any(|name| is_number(name));
        let has_id = self.names.keys().any(|name| !is_number(name));
        (names.numbers.is_empty() || !has_number) && (names.ids.is_empty() || !has_id)
    }

    /// Whether a text holds one of the names, in whatever spelling.
    pub(super) fn is_mentioned(&self, text: &str) -> bool {
        self.names.keys().any(|name| if is_number(name) { has_number(text, name) } else { has_word(text, name) })
    }
}

fn is_number(name: &str) -> bool {
    name.bytes().all(|byte| byte.is_ascii_digit())
}

/// Whether a text has these digits, not as a part of more digits. Separators may stand between them.
fn has_number(text: &str, digits: &str) -> bool {
    let mut before = ' ';
    text.char_indices().any(|(at, char)| {
        let begins = char.is_ascii_digit() && !before.is_ascii_digit();
        before = char;
        let rest = text.get(at..).unwrap_or_default();
        begins && (starts_with(rest, digits) || rest.strip_prefix("00").is_some_and(|rest| starts_with(rest, digits)))
    })
}

fn starts_with(text: &str, digits: &str) -> bool {
    let mut wanted = digits.chars().peekable();
    let mut separators = 0;
    for char in text.chars() {
        match wanted.peek() {
            Some(digit) if *digit == char => {
                wanted.next();
                separators = 0;
            }
            Some(_) if separators < MAX_SEPARATORS && matches!(char, ' ' | '\u{a0}' | '-' | '.' | '(' | ')') => {
                separators += 1;
            }
            Some(_) => return false,
            None => return !char.is_ascii_digit(),
        }
    }
    wanted.peek().is_none()
}

/// Whether a text has this word, not as a part of a longer one.
fn has_word(text: &str, word: &str) -> bool {
    text.match_indices(word).any(|(at, _)| {
        let before = text.get(..at).and_then(|before| before.chars().next_back());
        let after = text.get(at + word.len()..).and_then(|after| after.chars().next());
        [before, after].into_iter().flatten().all(|char| !char.is_ascii_alphanumeric())
    })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn person(contact: &str) -> Person {
        Person::new(&contact.parse().unwrap(), Some(key()))
    }

    fn key() -> ContentKey {
        "0f".repeat(32).parse().unwrap()
    }

    fn names(source: Option<&str>, content: &Value) -> Names {
        let content = serde_json::value::to_raw_value(content).unwrap();
        Names::of(source, Message::of(&content).ok().as_ref())
    }

    fn sender(names: &[&str]) -> Names {
        let mut sender = Names::default();
        names.iter().for_each(|name| sender.add(Some(name)));
        sender
    }

    #[test]
    fn messages_are_theirs_by_any_name_in_any_spelling() {
        let text = |from: &str, id: Option<&str>| json!({"from": from, "from_user_id": id, "type": "text"});
        for names in [
            names(Some("+64 21 000 001"), &Value::Null),
            names(None, &text("6421000001", None)),
            names(Some("NZ.1349"), &text("6421000001", None)),
            names(Some("006421000001"), &text("NZ.1349", None)),
        ] {
            assert_eq!(person("+6421000001").hops(&names), Some(0), "{names:?}");
        }
        let both = names(Some("6421000001"), &text("6421000001", Some("NZ.1349")));
        assert_eq!(person("NZ.1349").hops(&both), Some(0));
        for other in [names(Some("6421000002"), &text("6421000002", None)), names(None, &Value::Null)] {
            assert_eq!(person("+6421000001").hops(&other), None, "{other:?}");
        }
    }

    #[test]
    fn messages_without_content_are_theirs_by_the_hash_of_any_name() {
        let hashed = |name: &str| sender(&[&key().contact(name)]);
        let mut person = person("+64 21 000 001");
        person.learn(sender(&["NZ.1349"]), 0);
        assert_eq!(person.hops(&hashed("6421000001")), Some(0));
        assert_eq!(person.hops(&hashed("NZ.1349")), Some(1));
        assert_eq!(person.hops(&hashed("6421000002")), None);
        assert!(hashed("6421000002").is_hashed() && !hashed("6421000002").is_empty());
        let without_key = Person { key: None, ..person };
        assert_eq!(without_key.hops(&hashed("6421000001")), None);
        let by_hash = Person::new(&key().contact("6421000001").parse().unwrap(), None);
        assert_eq!(by_hash.hops(&hashed("6421000001")), Some(0));
    }

    #[test]
    fn other_names_are_learnt_with_their_distance() {
        let mut person = person("+6421000001");
        person.learn(sender(&["6421000001", "NZ.1349"]), 0);
        assert_eq!(person.hops(&sender(&["NZ.1349"])), Some(1));
        person.learn(sender(&["NZ.1349", "6421000002"]), 1);
        assert_eq!(person.hops(&sender(&["6421000002"])), Some(2));
        assert_eq!(person.names(), ["+6421000001", "NZ.1349", "+6421000002"]);
        person.learn(sender(&["6421000001", "6421000002"]), 0);
        assert_eq!(person.hops(&sender(&["6421000002"])), Some(1), "the shortest way counts");
    }

    #[test]
    fn message_that_reports_a_change_has_the_new_names() {
        let changed = json!({"from": "6421000001", "type": "system",
                             "system": {"type": "user_changed_number", "wa_id": "6421000002", "user_id": "NZ.2"}});
        let mut person = person("6421000001");
        person.learn(names(None, &changed), 0);
        assert_eq!(person.names(), ["+6421000001", "+6421000002", "NZ.2"]);
    }

    #[test]
    fn number_that_was_passed_on_leads_to_nobody_else() {
        let mut former = person("NZ.1");
        former.learn(sender(&["NZ.1", "6421000001"]), 0);
        assert_eq!(former.hops(&sender(&["NZ.2", "6421000001"])), None);
        assert_eq!(former.hops(&sender(&["6421000001"])), Some(1));
        assert_eq!(person("6421000001").hops(&sender(&["NZ.2", "6421000001"])), Some(0), "the number itself was given");
    }

    #[test]
    fn body_is_needed_only_if_it_may_have_another_kind_of_name() {
        let number = person("6421000001");
        assert!(!number.may_have_other_name(&sender(&["6421000002"])));
        assert!(number.may_have_other_name(&sender(&["NZ.2"])) && number.may_have_other_name(&sender(&[])));
        let mut both = person("NZ.1");
        assert!(both.may_have_other_name(&sender(&["6421000002"])));
        both.learn(sender(&["6421000001"]), 0);
        assert!(!both.may_have_other_name(&sender(&["6421000002"])) && !both.may_have_other_name(&sender(&["NZ.2"])));
    }

    #[track_caller]
    fn mentioned(contact: &str, text: &str, expected: bool) {
        assert_eq!(person(contact).is_mentioned(text), expected, "{text}");
    }

    #[test]
    fn number_is_found_in_any_spelling() {
        for text in [
            "6421000001",
            r#"{"source":"+6421000001""#,
            "call +64 21 000 001.",
            "0064-21-000-001",
            "+64 (21) 000.001",
            "sms-6421000001",
        ] {
            mentioned("+6421000001", text, true);
        }
        for text in ["", "64210000010", "16421000001", "6421000002", "64, 21000001", "+64 - 21000001"] {
            mentioned("+6421000001", text, false);
        }
    }

    #[test]
    fn user_id_is_found_as_a_word() {
        mentioned("NZ.1349", r#"{"from":"NZ.1349"}"#, true);
        for text in ["NZ.13490", "xNZ.1349", "NZ-1349", "é"] {
            mentioned("NZ.1349", text, false);
        }
    }
}
