//! Values that occur nowhere else, and the search for them.
//!
//! The end-to-end tests, chaos and the simulation send only such values: texts, names, numbers, `wamid`s, references and
//! ids. Afterwards they search what must not hold them: log lines, metrics, error answers, names of resources, and what
//! `wab` prints without `--reveal`.

mod encodings;

use std::fmt;

use aho_corasick::AhoCorasick;

/// Part of every text and name, and of whatever else a person may have written.
pub const WORD: &str = "zQpR7x";

/// The beginning of every number: digits that no country has.
pub const NUMBER: &str = "8877004455";

/// The sender of most messages.
pub const SENDER: &str = "+8877004455001";

/// The recipient of most messages, as the gateway spells it.
pub const RECIPIENT: &str = "8877004455002";

/// Part of every reference, and of the gateway's message ids. `wab` prints both, because neither is personal.
pub const NAME: &str = "vJ9mTq";

/// The start of WhatsApp's ids, which hold a number in base64.
const WAMID: &[u8] = b"wamid.";

/// The start of the numbers in samples and in the documentation. They have three more digits.
const SAMPLE_NUMBER: &[u8] = b"6421000";

/// A text with these words.
#[must_use]
pub fn text(words: &str) -> String {
    format!("{words} {WORD}")
}

/// A number that ends with these digits. It has no `+`.
#[must_use]
pub fn number(tail: &str) -> String {
    format!("{NUMBER}{tail}")
}

/// One of WhatsApp's ids.
#[must_use]
pub fn wamid(tail: &str) -> String {
    format!("wamid.{WORD}{tail}")
}

/// A reference, or a message id of the gateway.
#[must_use]
pub fn name(start: &str) -> String {
    format!("{start}-{NAME}")
}

/// A search for marked values, as they are and in the encodings in which they might leave the program.
#[derive(Clone)]
pub struct Search {
    automaton: AhoCorasick,
    /// What each pattern of the automaton is.
    patterns: Vec<Found>,
}

/// What was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Found {
    pub value: &'static str,
    /// None if it is there as it is.
    pub encoding: Option<&'static str>,
}

/// One of the numbers that samples and the documentation have.
pub const SAMPLE: Found = Found { value: "a number of a sample", encoding: None };

impl Search {
    /// Searches for every marked value, and for these secrets.
    #[must_use]
    pub fn everything(secrets: &[&str]) -> Self {
        Self::of(&[(WORD, "a text"), (NUMBER, "a number"), (NAME, "a reference or an id")], secrets)
    }

    /// Searches for what `wab` doesn't print without `--reveal`: everything but references and ids.
    #[must_use]
    pub fn personal(secrets: &[&str]) -> Self {
        Self::of(&[(WORD, "a text"), (NUMBER, "a number")], secrets)
    }

    fn of(marks: &[(&str, &'static str)], secrets: &[&str]) -> Self {
        let secrets = secrets.iter().map(|secret| (*secret, "a secret"));
        let (mut texts, mut patterns) = (Vec::new(), Vec::new());
        for (mark, value) in marks.iter().copied().chain(secrets) {
            for (encoding, text) in encodings::of(mark) {
                texts.push(text);
                patterns.push(Found { value, encoding });
            }
        }
        let automaton = AhoCorasick::new(texts);
        let automaton = automaton.unwrap_or_else(|error| unreachable!("there are few short patterns: {error}"));
        Self { automaton, patterns }
    }

    /// The first marked value in a text.
    #[must_use]
    pub fn find(&self, text: impl AsRef<[u8]>) -> Option<Found> {
        let text = text.as_ref();
        if let Some(hit) = self.automaton.find(text) {
            return self.patterns.get(hit.pattern().as_usize()).copied();
        }
        if holds_wamid(text) {
            return Some(Found { value: "a wamid", encoding: None });
        }
        if holds_sample_number(text) {
            return Some(SAMPLE);
        }
        holds_grouped_number(text).then_some(Found { value: "a number", encoding: Some("with separators") })
    }

    /// The first marked value in any of the texts, with that text.
    pub fn find_in<T: AsRef<[u8]>>(&self, texts: impl IntoIterator<Item = T>) -> Option<(Found, T)> {
        texts.into_iter().find_map(|text| Some((self.find(&text)?, text)))
    }
}

impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.encoding {
            None => f.write_str(self.value),
            Some(encoding) => write!(f, "{} ({encoding})", self.value),
        }
    }
}

/// The rests of `text` behind each occurrence of `start`, with the byte before it.
fn occurrences<'a>(text: &'a [u8], start: &'a [u8]) -> impl Iterator<Item = (Option<u8>, &'a [u8])> {
    let at = text.windows(start.len()).enumerate().filter(move |(_, window)| *window == start).map(|(at, _)| at);
    at.filter_map(move |at| {
        let before = at.checked_sub(1).and_then(|before| text.get(before)).copied();
        Some((before, text.get(at + start.len()..)?))
    })
}

/// Whether there is one of WhatsApp's ids. A masked one continues with an ellipsis.
fn holds_wamid(text: &[u8]) -> bool {
    occurrences(text, WAMID).any(|(_, rest)| rest.first().is_some_and(u8::is_ascii_alphanumeric))
}

/// Whether there is a number of a sample. More digits or letters around it are a timestamp, or a random id.
fn holds_sample_number(text: &[u8]) -> bool {
    occurrences(text, SAMPLE_NUMBER).any(|(before, rest)| {
        let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let is_word = |byte: Option<u8>| byte.is_some_and(|byte| byte.is_ascii_alphanumeric());
        digits == 3 && !is_word(before) && !is_word(rest.get(digits).copied())
    })
}

/// Whether there is a marked number whose digits are in groups.
fn holds_grouped_number(text: &[u8]) -> bool {
    let together: Vec<u8> =
        text.iter().copied().filter(|byte| !matches!(byte, b' ' | b'-' | b'.' | b'(' | b')')).collect();
    occurrences(&together, NUMBER.as_bytes()).next().is_some()
}

#[cfg(test)]
mod tests {
    use base64::Engine;
    use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};

    use super::*;

    const SECRET: &str = "a:B/c+d~e";

    #[track_caller]
    fn check(text: impl AsRef<[u8]>, expected: Option<&str>) {
        let found = Search::everything(&[SECRET]).find(&text).map(|found| found.to_string());
        assert_eq!(found.as_deref(), expected, "{}", String::from_utf8_lossy(text.as_ref()));
    }

    #[test]
    fn values_are_found_as_they_are() {
        check(SENDER, Some("a number"));
        check(RECIPIENT, Some("a number"));
        check(text("Kia ora"), Some("a text"));
        check(format!("sent by +{}", number("01")), Some("a number"));
        check(name("order"), Some("a reference or an id"));
        check(format!("password={SECRET}"), Some("a secret"));
        check(WORD.to_lowercase(), Some("a text (lower case)"));
        check("nothing", None);
        check("", None);
    }

    #[test]
    fn values_are_found_in_each_encoding() {
        let value = text("Kia ora");
        for start in ["", "x", "xy", "xyz"] {
            check(STANDARD.encode(format!("{start}{value}")), Some("a text (base64)"));
            check(STANDARD.encode(format!("{start}{} ", number("01"))), Some("a number (base64)"));
            check(URL_SAFE_NO_PAD.encode(format!("{start}{SECRET} ")), Some("a secret (base64)"));
        }
        let bytes = WORD.bytes();
        check(hex::encode(&value), Some("a text (hex)"));
        check(hex::encode_upper(&value), Some("a text (hex)"));
        check(bytes.clone().map(|byte| format!("%{byte:02x}")).collect::<String>(), Some("a text (percent)"));
        check(bytes.clone().map(|byte| format!("\\u{byte:04X}")).collect::<String>(), Some("a text (JSON)"));
        check(format!("{:?}", value.as_bytes()), Some("a text (list of bytes)"));
        check(serde_like_percent(SECRET), Some("a secret (percent)"));
    }

    /// Percent-encodes what isn't a letter or a digit.
    fn serde_like_percent(text: &str) -> String {
        text.bytes()
            .map(
                |byte| if byte.is_ascii_alphanumeric() { char::from(byte).to_string() } else { format!("%{byte:02X}") },
            )
            .collect()
    }

    #[test]
    fn number_is_found_however_it_is_grouped() {
        check("+88 77 004-455 01", Some("a number (with separators)"));
        check("+88 (77) 00.44.55.01", Some("a number (with separators)"));
        check("8 88 77 004 455", Some("a number (with separators)"));
        check("+88…01", None);
        check("88770044 and 5501", None);
    }

    #[test]
    fn wamids_and_sample_numbers_are_found_by_their_shape() {
        check(r#"{"id":"wamid.V0FC"}"#, Some("a wamid"));
        check("wamid.…a1b2c3, and what a wamid. is", None);
        check(r#"{"source":"+6421000001"}"#, Some("a number of a sample"));
        check("006421000001", None);
        check("1796421000001", None);
        check("a6421000001f", None);
        check("+64…01", None);
    }

    #[test]
    fn references_and_ids_are_not_personal() {
        let search = Search::personal(&[SECRET]);
        assert_eq!(search.find(name("order")), None);
        assert!(search.find(text("Kia ora")).is_some() && search.find(SECRET).is_some());
        let (found, line) = search.find_in(["a", "b zQpR7x"]).unwrap();
        assert_eq!((found.value, line), ("a text", "b zQpR7x"));
    }
}
