//! Exact numbers.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;

use serde::{Serialize, Serializer};
use serde_json::value::RawValue;

use super::fault::{Fault, Problem};
use super::shape::{Shape, text_or_number};
use crate::redacted::Redacted;

/// An exact number: a price, a quantity, a coordinate. JSON has a number, or a string that holds one.
///
/// The text is kept, so no precision is lost. Numbers are compared by value: `99.9` equals `99.90`.
///
/// ```
/// use wab_events::message::Decimal;
///
/// let price: Decimal = "99.90".parse()?;
/// assert_eq!(price.as_str(), "99.90");
/// assert_eq!(price, "99.9".parse()?);
/// assert!(price < "100".parse()?);
/// assert_eq!(price.scaled(2), Some(9990)); // in cents
/// assert_eq!(price.scaled(0), None); // would lose the cents
/// # Ok::<(), wab_events::message::NotANumber>(())
/// ```
#[derive(Clone)]
pub struct Decimal(String);

impl Decimal {
    /// The number verbatim, in the grammar of JSON (RFC 8259 section 6).
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The number times 10<sup>`digits`</sup>: a price in the currency's minor unit, which ISO 4217 defines (2 digits
    /// for USD, 0 for JPY). None if the result isn't an integer or overflows.
    #[must_use]
    pub fn scaled(&self, digits: u8) -> Option<i64> {
        let Parts { negative, digits: significant, exponent } = self.parts();
        if significant.is_empty() {
            return Some(0);
        }
        let zeros = usize::try_from(exponent.checked_add(i64::from(digits))?).ok()?;
        // 19 digits are the most that i64 holds.
        if significant.len().checked_add(zeros)? > 19 {
            return None;
        }
        let mut whole = if negative { "-".to_owned() } else { String::new() };
        whole.push_str(&significant);
        whole.extend(std::iter::repeat_n('0', zeros));
        whole.parse().ok()
    }

    /// The number as an integer. None if it isn't an integer or overflows.
    #[must_use]
    pub fn to_i64(&self) -> Option<i64> {
        self.scaled(0)
    }

    /// The nearest double. Use it for coordinates, not for money.
    #[must_use]
    pub fn to_f64(&self) -> f64 {
        // Rust's grammar of floats includes JSON's, so this never fails.
        self.0.parse().unwrap_or(f64::NAN)
    }

    fn parts(&self) -> Parts {
        let (negative, unsigned) = match self.0.strip_prefix('-') {
            Some(unsigned) => (true, unsigned),
            None => (false, self.0.as_str()),
        };
        let (mantissa, exponent) = unsigned.split_once(['e', 'E']).unwrap_or((unsigned, "0"));
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let mut digits = [whole, fraction].concat();
        let zeros = digits.len() - digits.trim_end_matches('0').len();
        digits.truncate(digits.len() - zeros);
        digits.drain(..digits.len() - digits.trim_start_matches('0').len());
        // No overflow: lengths are far below i64::MAX, and `is_number` limits the exponent to nine digits.
        let length = |text: usize| i64::try_from(text).unwrap_or(i64::MAX);
        let exponent = exponent.parse::<i64>().unwrap_or(0) - length(fraction.len()) + length(zeros);
        Parts {
            negative: negative && !digits.is_empty(),
            exponent: if digits.is_empty() { 0 } else { exponent },
            digits,
        }
    }
}

/// A number as ±digits × 10^exponent. The digits neither start nor end with a zero; those of zero are empty.
#[derive(PartialEq, Eq, Hash)]
struct Parts {
    negative: bool,
    digits: String,
    exponent: i64,
}

impl Parts {
    /// Compares absolute values.
    fn magnitude_cmp(&self, other: &Self) -> Ordering {
        let magnitude = |parts: &Self| parts.exponent + i64::try_from(parts.digits.len()).unwrap_or(i64::MAX);
        match (self.digits.is_empty(), other.digits.is_empty()) {
            (false, false) => magnitude(self).cmp(&magnitude(other)).then_with(|| self.digits.cmp(&other.digits)),
            (empty, other_empty) => other_empty.cmp(&empty),
        }
    }
}

impl PartialEq for Decimal {
    fn eq(&self, other: &Self) -> bool {
        self.parts() == other.parts()
    }
}

impl Eq for Decimal {}

impl Hash for Decimal {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.parts().hash(state);
    }
}

impl PartialOrd for Decimal {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Decimal {
    fn cmp(&self, other: &Self) -> Ordering {
        let (a, b) = (self.parts(), other.parts());
        match (a.negative, b.negative) {
            (false, false) => a.magnitude_cmp(&b),
            (true, true) => b.magnitude_cmp(&a),
            (negative, other_negative) => other_negative.cmp(&negative),
        }
    }
}

/// Not the number, which may be where someone is.
impl fmt::Debug for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Decimal").field(&Redacted::new(&self.0)).finish()
    }
}

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<i64> for Decimal {
    fn from(number: i64) -> Self {
        Self(number.to_string())
    }
}

impl FromStr for Decimal {
    type Err = NotANumber;

    fn from_str(text: &str) -> Result<Self, NotANumber> {
        if is_number(text) { Ok(Self(text.to_owned())) } else { Err(NotANumber) }
    }
}

/// Whether a text is a JSON number (RFC 8259 section 6) whose exponent has at most nine digits.
fn is_number(text: &str) -> bool {
    fn digits(text: &str) -> Option<&str> {
        let rest = text.trim_start_matches(|char: char| char.is_ascii_digit());
        (rest.len() < text.len()).then_some(rest)
    }
    fn number(text: &str) -> Option<&str> {
        let text = text.strip_prefix('-').unwrap_or(text);
        let mut rest = match text.strip_prefix('0') {
            Some(rest) => rest,
            None => digits(text)?,
        };
        if let Some(fraction) = rest.strip_prefix('.') {
            rest = digits(fraction)?;
        }
        if let Some(exponent) = rest.strip_prefix(['e', 'E']) {
            let exponent = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
            rest = digits(exponent)?;
            if exponent.len() > 9 {
                return None;
            }
        }
        Some(rest)
    }
    number(text) == Some("")
}

/// The text isn't a JSON number, or its exponent has more than nine digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a number")]
pub struct NotANumber;

impl Serialize for Decimal {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let raw: &RawValue = serde_json::from_str(&self.0).map_err(serde::ser::Error::custom)?;
        raw.serialize(serializer)
    }
}

impl Shape for Decimal {
    fn read(json: &RawValue) -> Result<Self, Fault> {
        text_or_number(json, "a number")?.trim().parse().map_err(|NotANumber| Fault::here(Problem::NotANumber))
    }
}

#[cfg(feature = "schema")]
impl schemars::JsonSchema for Decimal {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Decimal".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": ["string", "integer", "number"],
            "pattern": r"^\s*-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]{1,9})?\s*$",
            "description": "An exact number, in a JSON number or a string.",
            "examples": [99.9, "99.90"],
        })
    }
}

#[cfg(test)]
mod tests {
    use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};

    use proptest::prelude::*;

    use super::*;

    fn decimal(text: &str) -> Decimal {
        text.parse().unwrap()
    }

    fn hash(text: &str) -> u64 {
        BuildHasherDefault::<DefaultHasher>::default().hash_one(decimal(text))
    }

    #[test]
    fn grammar_is_that_of_json_numbers() {
        for text in ["0", "-0", "7", "30", "99.99", "-122.16165924072", "1e9", "1.50E-2", "0.0", "1E+000000009"] {
            assert_eq!(decimal(text).as_str(), text);
        }
        for text in ["", "-", "+1", "007", ".5", "5.", "1e", "1e+", "1,5", "0x10", "NaN", "1 ", "٣", "1e0000000009"] {
            assert_eq!(text.parse::<Decimal>(), Err(NotANumber), "{text}");
        }
    }

    #[test]
    fn numbers_compare_by_value_and_keep_their_text() {
        for (a, b) in [("99.9", "99.90"), ("1e2", "100"), ("-0", "0.000"), ("0.05e1", "0.5"), ("12300", "1.23E4")] {
            assert_eq!(decimal(a), decimal(b));
            assert_ne!(decimal(a).as_str(), decimal(b).as_str());
            assert_eq!(hash(a), hash(b));
        }
        assert_ne!(decimal("1"), decimal("1.1"));
        assert_ne!(hash("1"), hash("1.1"));
        assert_eq!(decimal("99.90").to_string(), "99.90");
        let rising = ["-1e999999999", "-100", "-99.99", "-0.1", "0", "1e-999999999", "0.1", "1", "9.99", "10", "1e20"];
        for pair in rising.windows(2) {
            let [a, b] = pair else { panic!("windows of two") };
            assert!(decimal(a) < decimal(b), "{a} < {b}");
        }
    }

    #[test]
    fn scaling_is_exact_or_none() {
        assert_eq!(decimal("99.99").scaled(2), Some(9999));
        assert_eq!(decimal("30").scaled(2), Some(3000));
        assert_eq!(decimal("-1.5e1").to_i64(), Some(-15));
        assert_eq!(decimal("0e999999999").to_i64(), Some(0));
        assert_eq!(decimal("0.001").scaled(2), None);
        assert_eq!(decimal("9223372036854775807").to_i64(), Some(i64::MAX));
        assert_eq!(decimal("9223372036854775808").to_i64(), None);
        assert_eq!(decimal("1e999999999").to_i64(), None);
    }

    #[test]
    fn nearest_double_is_for_coordinates() {
        assert_eq!(decimal("174.77557").to_f64(), 174.77557);
        assert_eq!(decimal("-1.5e2").to_f64(), -150.0);
    }

    proptest! {
        #[test]
        fn integers_compare_like_i64(a in any::<i64>(), b in any::<i64>()) {
            prop_assert_eq!(Decimal::from(a).cmp(&Decimal::from(b)), a.cmp(&b));
            prop_assert_eq!(Decimal::from(a).to_i64(), Some(a));
        }

        #[test]
        fn exactly_json_numbers_are_numbers(text in r"-?[0-9]{0,3}[.]?[0-9]{0,3}([eE][-+]?[0-9]{0,2})?") {
            let json = serde_json::from_str::<&RawValue>(&text).is_ok_and(|raw| raw.get() == text);
            prop_assert_eq!(text.parse::<Decimal>().is_ok(), json);
        }
    }
}
