//! What is wrong with a message, and where. Never the content of the message.

use std::fmt;

/// The first place where JSON doesn't have the shape of its type. Contains no value and no unknown key, so it may be
/// logged.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{at}: {problem}")]
pub struct Fault {
    /// The place.
    pub at: JsonPath,
    /// The problem at that place.
    pub problem: Problem,
}

/// What is wrong with a value.
///
/// [`Display`](fmt::Display) writes it for a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// A required key is absent.
    #[error("missing")]
    Missing,
    /// The value is of the wrong JSON kind.
    #[error("expected {expected}, found {found}")]
    Unexpected {
        /// The required kind, with its article: `a string`.
        expected: &'static str,
        /// The kind of the value.
        found: JsonKind,
    },
    /// A string isn't a number, where a number is required.
    #[error("expected a number, found a string that spells none")]
    NotANumber,
    /// A string contains an unpaired surrogate: valid JSON, but not Unicode (RFC 8259 section 8.2).
    #[error("a string that isn't Unicode")]
    NotUnicode,
}

/// The kinds of JSON values (RFC 8259 section 3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JsonKind {
    /// `{…}`
    Object,
    /// `[…]`
    Array,
    /// `"…"`
    String,
    /// `-1.5e3`
    Number,
    /// `true` or `false`
    Boolean,
    /// `null`
    Null,
}

impl JsonKind {
    /// The kind of a JSON text, by its first character.
    pub(crate) fn of(json: &str) -> Self {
        match json.as_bytes().first() {
            Some(b'{') => Self::Object,
            Some(b'[') => Self::Array,
            Some(b'"') => Self::String,
            Some(b't' | b'f') => Self::Boolean,
            Some(b'n') => Self::Null,
            _ => Self::Number,
        }
    }
}

impl fmt::Display for JsonKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Object => "an object",
            Self::Array => "an array",
            Self::String => "a string",
            Self::Number => "a number",
            Self::Boolean => "a boolean",
            Self::Null => "null",
        })
    }
}

/// A place in a message. [`Display`](fmt::Display) writes it as a JSONPath query (RFC 9535): `$.contacts[0].name`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct JsonPath {
    // Innermost first: each caller adds its own step as a fault is returned.
    steps: Vec<Step>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Step {
    Key(String),
    Index(usize),
}

impl JsonPath {
    /// The place with array indices replaced by a wildcard, `$.contacts[*].name`, to group what many messages share.
    #[must_use]
    pub fn pattern(&self) -> String {
        self.written(|_| "[*]".to_owned())
    }

    fn written(&self, index: impl Fn(usize) -> String) -> String {
        let step = |step: &Step| match step {
            Step::Index(at) => index(*at),
            Step::Key(key) if is_shorthand(key) => format!(".{key}"),
            Step::Key(key) => format!("['{}']", key.escape_debug()),
        };
        std::iter::once("$".to_owned()).chain(self.steps.iter().rev().map(step)).collect()
    }

    /// The same place, relative to the object that holds the root under `key`.
    pub(crate) fn under_key(mut self, key: &str) -> Self {
        self.steps.push(Step::Key(key.to_owned()));
        self
    }

    /// The same place, relative to the array that holds the root at `index`.
    pub(crate) fn under_index(mut self, index: usize) -> Self {
        self.steps.push(Step::Index(index));
        self
    }
}

impl fmt::Display for JsonPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.written(|index| format!("[{index}]")))
    }
}

/// Whether a key may follow a dot (RFC 9535 section 2.5.1.1, `member-name-shorthand`; ASCII only).
fn is_shorthand(key: &str) -> bool {
    !key.starts_with(|char: char| char.is_ascii_digit())
        && !key.is_empty()
        && key.chars().all(|char| char.is_ascii_alphanumeric() || char == '_')
}

impl Fault {
    /// A fault at the value being read. The caller adds where that value is.
    pub(crate) fn here(problem: Problem) -> Self {
        Self { at: JsonPath::default(), problem }
    }

    /// The value is of the wrong kind.
    pub(crate) fn unexpected(expected: &'static str, json: &str) -> Self {
        Self::here(Problem::Unexpected { expected, found: JsonKind::of(json) })
    }

    pub(crate) fn under_key(self, key: &str) -> Self {
        Self { at: self.at.under_key(key), problem: self.problem }
    }

    pub(crate) fn under_index(self, index: usize) -> Self {
        Self { at: self.at.under_index(index), problem: self.problem }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn path_is_written_from_the_root() {
        let path = JsonPath::default().under_key("name").under_index(0).under_key("contacts");
        assert_eq!(path.to_string(), "$.contacts[0].name");
        assert_eq!(JsonPath::default().under_key("it's new").under_key("_vnd").to_string(), r"$._vnd['it\'s new']");
        assert_eq!(JsonPath::default().to_string(), "$");
        let key = |key: &str| JsonPath::default().under_key(key).to_string();
        assert_eq!((key("a1"), key("1a"), key("")), ("$.a1".to_owned(), "$['1a']".to_owned(), "$['']".to_owned()));
        let path = JsonPath::default().under_index(7).under_key("contacts");
        assert_eq!((path.to_string(), path.pattern()), ("$.contacts[7]".to_owned(), "$.contacts[*]".to_owned()));
    }
}
