//! What is wrong with a message, and where: without a word of what it says.

use std::fmt;

/// The first place where a message of a known type isn't what its type demands. Holds no value and no
/// foreign key of the message, so it may be logged.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{at}: {problem}")]
pub struct Fault {
    /// Where.
    pub at: JsonPath,
    /// What is wrong there.
    pub problem: Problem,
}

/// What is wrong with a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// A key that the type demands isn't there.
    #[error("missing")]
    Missing,
    /// The value is of another JSON kind than the type demands.
    #[error("expected {expected}, found {found}")]
    Unexpected {
        /// What the type demands.
        expected: &'static str,
        /// What is there.
        found: JsonKind,
    },
    /// A string where a number is demanded doesn't spell one.
    #[error("expected a number, found a string that spells none")]
    NotANumber,
    /// A string holds half of a surrogate pair: JSON by its grammar, but no Unicode (RFC 8259 section 8.2).
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

/// A place in a message, written as a JSONPath query (RFC 9535), such as `$.contacts[0].name`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct JsonPath {
    // From the inside out: a fault learns of its surroundings on its way up.
    steps: Vec<Step>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Step {
    Key(String),
    Index(usize),
}

impl JsonPath {
    /// The place without the numbers of array elements: `$.contacts[*].name`. One line for what is the same in
    /// many messages.
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

    /// The same place, seen from the object that holds its root under `key`.
    pub(crate) fn under_key(mut self, key: &str) -> Self {
        self.steps.push(Step::Key(key.to_owned()));
        self
    }

    /// The same place, seen from the array that holds its root at `index`.
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

/// Whether a key may stand behind a dot (RFC 9535 section 2.5.1.1, `member-name-shorthand`; ASCII only).
fn is_shorthand(key: &str) -> bool {
    !key.starts_with(|char: char| char.is_ascii_digit())
        && !key.is_empty()
        && key.chars().all(|char| char.is_ascii_alphanumeric() || char == '_')
}

impl Fault {
    /// A fault at the value that is being read; whoever holds the value adds where it stands.
    pub(crate) fn here(problem: Problem) -> Self {
        Self { at: JsonPath::default(), problem }
    }

    /// The value is of another kind.
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
    fn a_path_is_written_from_the_root() {
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
