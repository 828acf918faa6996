//! The digest that distinguishes a repeated callback from another body under the same key.

use std::borrow::Cow;
use std::ops::Range;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::content_mode::{ContentKey, Purpose};

/// The deepest nesting whose digest ignores the layout. It bounds the stack. `serde_json` stops typed parsing at the
/// same depth.
const MAX_DEPTH: usize = 128;

/// SHA-256 over a body re-serialised with sorted keys and no white space, as 64 lower-case hex digits. So the layout of
/// a body doesn't count, and every key and value does. Numbers count as they are spelled, so that none loses digits. A
/// body that nests deeper than 128 levels is digested verbatim. If the body isn't kept, the digest is an HMAC over the
/// same bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Digest(String);

impl Digest {
    /// The digest of a body that is valid JSON.
    #[must_use]
    pub fn of(json: &str) -> Self {
        let canonical = canonical(json);
        let bytes = canonical.as_deref().unwrap_or(json.as_bytes());
        Self(hex::encode(Sha256::digest(bytes)))
    }

    /// The digest of a body that isn't kept. A plain hash of a short body could be searched.
    pub(crate) fn keyed(json: &str, key: &ContentKey) -> Self {
        Self(key.hash(Purpose::Body, canonical(json).as_deref().unwrap_or(json.as_bytes())))
    }

    /// All 64 hex digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The first 12 hex digits, which name a variant in its sort key.
    #[must_use]
    pub fn short(&self) -> &str {
        self.0.get(..12).unwrap_or(&self.0)
    }
}

/// The body with sorted keys, no white space and one spelling of each string. None past [`MAX_DEPTH`], or if the text
/// isn't JSON.
fn canonical(json: &str) -> Option<Vec<u8>> {
    let mut reader = Reader { json, at: 0, out: Vec::with_capacity(json.len()) };
    reader.value(0)?;
    Some(reader.out)
}

/// Walks over JSON text and writes its canonical form. A `serde_json::Value` would lose repeated keys and the digits of
/// numbers beyond 64 bits, and would allocate each string.
struct Reader<'a> {
    json: &'a str,
    at: usize,
    out: Vec<u8>,
}

impl<'a> Reader<'a> {
    fn value(&mut self, depth: usize) -> Option<()> {
        if depth > MAX_DEPTH {
            return None;
        }
        match self.peek()? {
            b'{' => self.object(depth),
            b'[' => self.array(depth),
            b'"' => {
                let string = self.string()?;
                self.write_string(&string);
                Some(())
            }
            _ => self.literal(),
        }
    }

    /// Writes each member followed by a comma, then sorts the members.
    fn object(&mut self, depth: usize) -> Option<()> {
        self.at += 1;
        self.out.push(b'{');
        let first = self.out.len();
        let mut members: Vec<(Cow<'a, str>, Range<usize>)> = Vec::new();
        while self.peek()? != b'}' {
            self.skip(b',');
            self.peek()?;
            let start = self.out.len();
            let key = self.string()?;
            self.write_string(&key);
            self.peek()?;
            self.skip(b':');
            self.out.push(b':');
            self.value(depth + 1)?;
            self.out.push(b',');
            members.push((key, start..self.out.len()));
        }
        if !members.is_sorted_by(|a, b| a.0 <= b.0) {
            members.sort_by(|a, b| a.0.cmp(&b.0)); // Stable: repeated keys keep their order.
            let unsorted = self.out.split_off(first);
            for (_, range) in members {
                self.out.extend_from_slice(unsorted.get(range.start - first..range.end - first)?);
            }
        }
        self.close(first, b'}');
        Some(())
    }

    fn array(&mut self, depth: usize) -> Option<()> {
        self.at += 1;
        self.out.push(b'[');
        let first = self.out.len();
        while self.peek()? != b']' {
            self.skip(b',');
            self.value(depth + 1)?;
            self.out.push(b',');
        }
        self.close(first, b']');
        Some(())
    }

    /// Replaces the last member's comma with the closing bracket.
    fn close(&mut self, first: usize, bracket: u8) {
        self.at += 1;
        if self.out.len() > first {
            self.out.pop();
        }
        self.out.push(bracket);
    }

    /// The string at this position, decoded; verbatim if it holds half of a surrogate pair.
    fn string(&mut self) -> Option<Cow<'a, str>> {
        let rest = self.json.get(self.at..)?;
        let mut escaped = false;
        let mut bytes = rest.bytes().enumerate().skip(1);
        let end = loop {
            match bytes.next()? {
                (_, b'\\') => {
                    escaped = true;
                    bytes.next()?;
                }
                (end, b'"') => break end,
                _ => {}
            }
        };
        self.at += end + 1;
        let inner = rest.get(1..end)?;
        if !escaped {
            return Some(Cow::Borrowed(inner));
        }
        let quoted = rest.get(..=end)?;
        Some(serde_json::from_str::<String>(quoted).map_or(Cow::Borrowed(inner), Cow::Owned))
    }

    fn write_string(&mut self, string: &str) {
        // Writing a str to a Vec cannot fail.
        let _ = serde_json::to_writer(&mut self.out, string);
    }

    /// A number, `true`, `false` or `null`, verbatim.
    fn literal(&mut self) -> Option<()> {
        let rest = self.json.get(self.at..)?;
        let end = rest.find([',', '}', ']', ' ', '\t', '\r', '\n']).unwrap_or(rest.len());
        if end == 0 {
            return None;
        }
        self.out.extend_from_slice(rest.get(..end)?.as_bytes());
        self.at += end;
        Some(())
    }

    /// Skips white space and returns the byte behind it; none at the end.
    fn peek(&mut self) -> Option<u8> {
        let rest = self.json.as_bytes().get(self.at..)?;
        let blanks = rest.iter().position(|byte| !matches!(byte, b' ' | b'\t' | b'\r' | b'\n'))?;
        self.at += blanks;
        rest.get(blanks).copied()
    }

    fn skip(&mut self, byte: u8) {
        if self.json.as_bytes().get(self.at) == Some(&byte) {
            self.at += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;

    #[track_caller]
    fn check(json: &str, expected: &str) {
        assert!(serde_json::from_str::<serde::de::IgnoredAny>(json).is_ok(), "the case itself is not JSON");
        assert_eq!(String::from_utf8(canonical(json).unwrap()).unwrap(), expected);
    }

    #[test]
    fn keys_are_sorted_and_white_space_removed() {
        check(r#" { "b" : 1 , "a" : [ true , null , { } , [ ] ] } "#, r#"{"a":[true,null,{},[]],"b":1}"#);
        check(r#"{"z":{"y":1,"x":2},"a":0}"#, r#"{"a":0,"z":{"x":2,"y":1}}"#);
        check("[1,\n2]", "[1,2]");
        check("\"a\"", "\"a\"");
        check(" 7 ", "7");
    }

    #[test]
    fn one_string_has_one_spelling() {
        check(r#"{"\u0062":"\/\u00e9\n","a":"é"}"#, r#"{"a":"é","b":"/é\n"}"#);
        check(r#"["\ud83d\ude00"]"#, "[\"😀\"]");
        check(r#"["\"}]\\"]"#, r#"["\"}]\\"]"#);
    }

    #[test]
    fn numbers_and_repeated_keys_are_kept() {
        check("[12345678901234567890123,1.10,1e2,-0]", "[12345678901234567890123,1.10,1e2,-0]");
        check(r#"{"b":1,"a":1,"a":2}"#, r#"{"a":1,"a":2,"b":1}"#);
    }

    #[test]
    fn half_a_surrogate_pair_is_digested() {
        assert_ne!(Digest::of(r#"{"a":"\ud800"}"#), Digest::of(r#"{"a":"\ud801"}"#));
        assert_eq!(Digest::of(r#"{"a":"\ud800"}"#), Digest::of(r#"{ "a": "\ud800" }"#));
    }

    #[test]
    fn deep_body_is_digested_verbatim_on_a_bounded_stack() {
        let arrays = |levels: usize| format!("{}7{}", "[".repeat(levels), "]".repeat(levels));
        let objects = |levels: usize| format!("{}7{}", r#"{"a":"#.repeat(levels), "}".repeat(levels));
        for deep in [arrays, objects] {
            assert!(canonical(&deep(MAX_DEPTH)).is_some());
            assert!(canonical(&deep(MAX_DEPTH + 1)).is_none());
            assert!(canonical(&deep(200_000)).is_none());
            assert_eq!(Digest::of(&deep(200_000)).as_str(), hex::encode(Sha256::digest(deep(200_000))));
        }
    }

    #[test]
    fn variant_is_named_by_twelve_digits() {
        let digest = Digest::of("{}");
        // echo -n '{}' | sha256sum
        assert_eq!(digest.as_str(), "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a");
        assert_eq!(digest.short(), "44136fa355b3");
    }

    fn any_json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            ".*".prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 48, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
                prop::collection::btree_map(".*", inner, 0..6)
                    .prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        })
    }

    proptest! {
        // serde_json's own map is sorted, so its compact form is canonical.
        #[test]
        fn canonical_form_is_what_serde_json_writes(value in any_json()) {
            let compact = serde_json::to_string(&value).unwrap();
            let pretty = serde_json::to_string_pretty(&value).unwrap();
            prop_assert_eq!(String::from_utf8(canonical(&pretty).unwrap()).unwrap(), compact);
        }

        #[test]
        fn no_text_panics(text in ".*") {
            let _ = Digest::of(&text);
        }

        #[test]
        fn no_json_punctuation_panics(text in r#"[{}\[\]",:\\u0a ]{0,40}"#) {
            let _ = Digest::of(&text);
        }
    }
}
