//! The sender of a message: a phone number, a business-scoped user id, both, or neither.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};

use crate::redacted::Redacted;

/// The maximum number of digits. E.164 allows 15; some operators exceed it.
const MAX_DIGITS: usize = 20;

/// A phone number with its country code. Numbers are compared by their digits: `+6421…`, `6421…`, `+64 21 …` and
/// `0064 21 …` are equal.
///
/// ```
/// use wab_events::message::PhoneNumber;
///
/// let number = PhoneNumber::parse("+64 (21) 000-001").unwrap();
/// assert_eq!(number, PhoneNumber::parse("6421000001").unwrap());
/// assert_eq!(number.digits(), "6421000001");
/// assert_eq!(number.e164(), "+6421000001");
/// assert_eq!(number.as_spelled(), "+64 (21) 000-001");
/// assert_eq!(PhoneNumber::parse("NZ.1349"), None);
/// ```
#[derive(Clone)]
pub struct PhoneNumber {
    spelled: String,
    digits: String,
}

impl PhoneNumber {
    /// Parses a number with its country code: an optional `+` or `00`, then 3 to 20 digits, which spaces, hyphens, dots
    /// and parentheses may separate. None for any other text.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let number = text.trim();
        let number = number.strip_prefix('+').unwrap_or(number);
        if !number.chars().all(|char| char.is_ascii_digit() || matches!(char, ' ' | '\u{a0}' | '-' | '.' | '(' | ')')) {
            return None;
        }
        let digits: String = number.chars().filter(char::is_ascii_digit).collect();
        // No country code begins with a zero; `00` is the international prefix.
        let digits = digits.trim_start_matches("00");
        (3..=MAX_DIGITS).contains(&digits.len()).then(|| Self { spelled: text.to_owned(), digits: digits.to_owned() })
    }

    /// The number verbatim.
    #[must_use]
    pub fn as_spelled(&self) -> &str {
        &self.spelled
    }

    /// The normalised number: digits only, country code first.
    #[must_use]
    pub fn digits(&self) -> &str {
        &self.digits
    }

    /// The normalised number with a leading `+` (ITU-T E.164).
    #[must_use]
    pub fn e164(&self) -> String {
        format!("+{}", self.digits)
    }
}

impl PartialEq for PhoneNumber {
    fn eq(&self, other: &Self) -> bool {
        self.digits == other.digits
    }
}

impl Eq for PhoneNumber {}

impl PartialOrd for PhoneNumber {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for PhoneNumber {
    fn cmp(&self, other: &Self) -> Ordering {
        self.digits.cmp(&other.digits)
    }
}

impl Hash for PhoneNumber {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.digits.hash(state);
    }
}

/// A business-scoped user id (BSUID): identifies a user to one business without revealing their phone number.
///
/// A country code, a dot and up to 128 letters and digits: `NZ.13491208655302741918`. The id that all accounts of one
/// business share has `ENT` in between: `NZ.ENT.…`.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct UserId(String);

impl UserId {
    /// Parses a user id. None if the text isn't one.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (country, id) = text.split_once('.')?;
        let is_word = |word: &str| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_alphanumeric());
        let begins_with_a_letter = country.starts_with(|char: char| char.is_ascii_alphabetic());
        // `wamid.…` is the id of a message.
        (begins_with_a_letter
            && is_word(country)
            && country != "wamid"
            && id.len() <= 140
            && id.split('.').all(is_word))
        .then(|| Self(text.to_owned()))
    }

    /// The id verbatim.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The sender of a message, by every identifier that the message and its callback contain.
///
/// Not `Eq`: a sender with only a number and one with only an id may or may not be the same user. Use
/// [`Sender::matches`].
///
/// ```
/// use wab_events::message::{Match, Sender};
///
/// let before = Sender::of(["+6421000001"]);
/// let after = Sender::of(["6421000001", "NZ.1349"]);
/// let hidden = Sender::of(["NZ.1349"]);
/// assert_eq!(before.matches(&after), Match::Same);
/// assert_eq!(after.matches(&hidden), Match::Same);
/// assert_eq!(before.matches(&hidden), Match::Unclear);
/// ```
#[derive(Debug, Clone, Default)]
pub struct Sender {
    phone: Option<PhoneNumber>,
    user_id: Option<UserId>,
    parent_user_id: Option<UserId>,
}

/// The result of comparing two senders.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Match {
    /// The same user: they share a user id, or they share a number and no user ids differ.
    Same,
    /// Different users: their user ids differ, or one has no user id and their numbers differ.
    Different,
    /// Undecidable: they have no kind of identifier in common.
    Unclear,
}

impl Sender {
    /// The sender with these identifiers, each a phone number or a user id. Of several of one kind the first is used.
    /// Other text is ignored.
    pub fn of<'a>(names: impl IntoIterator<Item = &'a str>) -> Self {
        let mut sender = Self::default();
        for name in names {
            if let Some(user_id) = UserId::parse(name) {
                let is_parent = user_id.0.split('.').nth(1) == Some("ENT") && user_id.0.split('.').count() > 2;
                let slot = if is_parent { &mut sender.parent_user_id } else { &mut sender.user_id };
                slot.get_or_insert(user_id);
            } else if sender.phone.is_none() {
                sender.phone = PhoneNumber::parse(name);
            }
        }
        sender
    }

    pub(crate) fn with_parent(mut self, parent: Option<UserId>) -> Self {
        self.parent_user_id = parent.or(self.parent_user_id);
        self
    }

    /// Adds from `other` each kind of identifier that this sender lacks.
    pub(crate) fn or(self, other: &Self) -> Self {
        Self {
            phone: self.phone.or_else(|| other.phone.clone()),
            user_id: self.user_id.or_else(|| other.user_id.clone()),
            parent_user_id: self.parent_user_id.or_else(|| other.parent_user_id.clone()),
        }
    }

    /// The phone number. None if the user hides it.
    #[must_use]
    pub fn phone(&self) -> Option<&PhoneNumber> {
        self.phone.as_ref()
    }

    /// The business-scoped user id. Since 2026, and not in every message.
    #[must_use]
    pub fn user_id(&self) -> Option<&UserId> {
        self.user_id.as_ref()
    }

    /// The user id as all accounts of one business see it.
    #[must_use]
    pub fn parent_user_id(&self) -> Option<&UserId> {
        self.parent_user_id.as_ref()
    }

    /// True if there is no identifier at all.
    #[must_use]
    pub fn is_unknown(&self) -> bool {
        self.phone.is_none() && self.user_id.is_none() && self.parent_user_id.is_none()
    }

    /// Compares two senders. User ids take precedence over numbers, because a number can be reassigned to another
    /// person.
    #[must_use]
    pub fn matches(&self, other: &Self) -> Match {
        let ids = same(self.user_id.as_ref(), other.user_id.as_ref());
        let parents = same(self.parent_user_id.as_ref(), other.parent_user_id.as_ref());
        let phones = same(self.phone.as_ref(), other.phone.as_ref());
        match (ids, parents, phones) {
            (Some(true), _, _) | (_, Some(true), _) => Match::Same,
            (Some(false), _, _) | (_, Some(false), _) => Match::Different,
            (None, None, Some(true)) => Match::Same,
            (None, None, Some(false)) => Match::Different,
            (None, None, None) => Match::Unclear,
        }
    }
}

/// Whether two identifiers are equal. None if either is absent.
fn same<T: PartialEq>(a: Option<&T>, b: Option<&T>) -> Option<bool> {
    Some(a? == b?)
}

/// Equal numbers have the same hash, however they are spelled.
impl fmt::Debug for PhoneNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("PhoneNumber").field(&Redacted::new(&self.digits)).finish()
    }
}

impl fmt::Debug for UserId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("UserId").field(&Redacted::new(&self.0)).finish()
    }
}

impl fmt::Display for PhoneNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.e164())
    }
}

impl fmt::Display for UserId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};

    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(text: &str, digits: Option<&str>) {
        assert_eq!(PhoneNumber::parse(text).as_ref().map(PhoneNumber::digits), digits, "{text}");
    }

    #[test]
    fn formatting_of_a_number_is_ignored() {
        check("6421000001", Some("6421000001"));
        check("+6421000001", Some("6421000001"));
        check("006421000001", Some("6421000001"));
        check(" +64 (21) 000-001 ", Some("6421000001"));
        check("+1.555.000.0001", Some("15550000001"));
        check("911", Some("911"));
        check("", None);
        check("+", None);
        check("12", None);
        check("++6421000001", None);
        check("6421x00001", None);
        check("NZ.1349", None);
        check("<NUMBER>", None);
        check("123456789012345678901", None);
        check("٦٤٢١٠٠٠", None);
    }

    #[test]
    fn numbers_sort_hash_and_display_by_digits() {
        let number = |text: &str| PhoneNumber::parse(text).unwrap();
        let hash = |text: &str| BuildHasherDefault::<DefaultHasher>::default().hash_one(number(text));
        assert_eq!(hash("+64 21 000 001"), hash("6421000001"));
        assert_ne!(hash("6421000001"), hash("6421000002"));
        assert!(number("+6421000001") < number("6421000002"));
        assert_eq!(number("0064 21 000 001").to_string(), "+6421000001");
    }

    #[test]
    fn user_id_is_a_country_and_an_opaque_word() {
        for id in ["NZ.1349", "US.ENT.11815799212886844830", "user.9373795779eb"] {
            assert_eq!(UserId::parse(id).unwrap().as_str(), id);
            assert_eq!(UserId::parse(id).unwrap().to_string(), id);
        }
        for text in ["", ".", "NZ.", ".1349", "NZ", "NZ.13 49", "1.5", "+64.21", "wamid.QUJD", "NZ..1"] {
            assert_eq!(UserId::parse(text), None, "{text}");
        }
        assert_eq!(UserId::parse(&format!("NZ.{}", "1".repeat(141))), None);
    }

    #[test]
    fn identifiers_are_recognised_in_any_order() {
        let sender = Sender::of(["", "NZ.ENT.77", "+6421000001", "NZ.1349", "6421999999"]);
        assert_eq!(sender.phone().unwrap().as_spelled(), "+6421000001");
        assert_eq!(sender.user_id().unwrap().as_str(), "NZ.1349");
        assert_eq!(sender.parent_user_id().unwrap().as_str(), "NZ.ENT.77");
        assert!(Sender::of(["", "anonymous"]).is_unknown());
        for name in ["+6421000001", "NZ.1349", "NZ.ENT.77"] {
            assert!(!Sender::of([name]).is_unknown(), "{name}");
        }
        for name in ["NZ.ENT", "NZ.13.49"] {
            assert_eq!(Sender::of([name]).user_id().unwrap().as_str(), name, "only NZ.ENT.… is a parent id");
        }
    }

    #[test]
    fn user_id_takes_precedence_over_number() {
        let is = |a: &[&str], b: &[&str]| {
            let (a, b) = (Sender::of(a.iter().copied()), Sender::of(b.iter().copied()));
            assert_eq!(a.matches(&b), b.matches(&a));
            a.matches(&b)
        };
        assert_eq!(is(&["64210001", "NZ.1"], &["64210002", "NZ.1"]), Match::Same); // the user changed numbers
        assert_eq!(is(&["64210001", "NZ.1"], &["64210001", "NZ.2"]), Match::Different); // the number was reassigned
        assert_eq!(is(&["64210001"], &["+64 21 0001", "NZ.2"]), Match::Same);
        assert_eq!(is(&["64210001"], &["64210002", "NZ.2"]), Match::Different);
        assert_eq!(is(&["NZ.ENT.7", "NZ.1"], &["NZ.ENT.7", "NZ.2"]), Match::Same); // two accounts of one business
        assert_eq!(is(&["NZ.1"], &["64210001"]), Match::Unclear);
        assert_eq!(is(&[], &[]), Match::Unclear);
    }

    proptest! {
        #[test]
        fn number_equals_its_normalised_forms(text in r"\+?[0-9() .-]{3,24}") {
            if let Some(number) = PhoneNumber::parse(&text) {
                prop_assert_eq!(number.as_spelled(), &text);
                prop_assert_eq!(&PhoneNumber::parse(&number.e164()).unwrap(), &number);
                prop_assert_eq!(&PhoneNumber::parse(number.digits()).unwrap(), &number);
            }
        }

        #[test]
        fn no_text_is_both_number_and_user_id(text in r"[+0-9A-Za-z. -]{0,20}") {
            prop_assert!(!(PhoneNumber::parse(&text).is_some() && UserId::parse(&text).is_some()));
        }
    }
}
