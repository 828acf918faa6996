//! A contact as a person names it, and every spelling that the gateway may have used. Pure.

use std::str::FromStr;

use wab_events::message::{PhoneNumber, UserId};
use wab_models::CONTACT_HASH;

/// A phone number with its country code, a business-scoped user id, or the hash of either.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Contact {
    spellings: Vec<String>,
}

impl Contact {
    /// What the attribute `source` of this contact's messages may hold. The gateway sends numbers with `+` and without
    /// (docs/gateway.md part 1), and user ids verbatim.
    pub(crate) fn spellings(&self) -> &[String] {
        &self.spellings
    }

    /// The spelling to show.
    pub(crate) fn name(&self) -> &str {
        self.spellings.first().map(String::as_str).unwrap_or_default()
    }
}

/// The errors don't quote the contact.
impl FromStr for Contact {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.trim();
        // As events without content have it.
        if text.strip_prefix(CONTACT_HASH).is_some_and(|hash| hash.len() == 64) {
            return Ok(Self { spellings: vec![text.to_owned()] });
        }
        if UserId::parse(text).is_some() {
            return Ok(Self { spellings: vec![text.to_owned()] });
        }
        if text.contains("(0)") {
            return Err("leave out the (0): it isn't dialled after a country code");
        }
        let number = PhoneNumber::parse(text).ok_or("neither a number with its country code nor a user id")?;
        let digits = number.digits();
        // No country code begins with a zero, so this is a number as dialled within a country.
        if digits.starts_with('0') {
            return Err("the number begins with 0: give it with its country code");
        }
        Ok(Self { spellings: vec![number.e164(), digits.to_owned()] })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_of_a_number_is_the_same_contact() {
        let expected = ["+6421000001", "6421000001"];
        for text in [
            "+6421000001",
            "6421000001",
            "+64 21 000 001",
            "0064 21 000 001",
            "+64-21-000-001",
            "+64 (21) 000.001",
            " 6421000001 ",
        ] {
            assert_eq!(text.parse::<Contact>().unwrap().spellings(), expected, "{text}");
        }
    }

    #[test]
    fn user_id_is_kept_verbatim() {
        for id in ["NZ.13491208655302741918", "NZ.ENT.1349"] {
            assert_eq!(id.parse::<Contact>().unwrap().spellings(), [id]);
        }
    }

    #[test]
    fn hash_is_kept_verbatim() {
        let hash = format!("hmac:{}", "0f".repeat(32));
        assert_eq!(hash.parse::<Contact>().unwrap().spellings(), [hash.as_str()]);
        assert!("hmac:0f".parse::<Contact>().is_err());
    }

    #[test]
    fn ambiguous_numbers_are_rejected() {
        for text in ["021 000 001", "(021) 000 001", "+64 (0)21 000 001", "", "12", "Example Person", "wamid.QUJD"] {
            assert!(text.parse::<Contact>().is_err(), "{text}");
        }
    }
}
