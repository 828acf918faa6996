//! Whether the content of callbacks is kept: the parameters `Content` and `ContentKey` of the template.
//!
//! Without content, hashes take the place of what isn't kept. They are keyed, because a message is short and a phone
//! number has few digits: everybody could try all of them against a plain hash.

use std::fmt;
use std::str::FromStr;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use wab_events::Kind;
use wab_events::message::{PhoneNumber, UserId};

use crate::callback::{CallbackError, DlrCallback, MoCallback};
use crate::digest::Digest;
use crate::item::{Item, Received};
use crate::quarantine::{Quarantined, Unreadable};

/// What the hash of a sender begins with, so that nobody takes it for a number or a user id.
pub const CONTACT_HASH: &str = "hmac:";

/// What is stored of a callback.
#[derive(Debug, Clone)]
pub enum ContentMode {
    /// Everything. With the key, a repeat of a callback that was stored without its content is recognised.
    Full(Option<ContentKey>),
    /// No content: ids, words such as type and status, times, sizes and keyed hashes.
    None(ContentKey),
}

impl ContentMode {
    /// Whether the content is kept.
    #[must_use]
    pub fn is_full(&self) -> bool {
        matches!(self, Self::Full(_))
    }

    /// The item of an MO callback.
    #[must_use]
    pub fn mo<'a>(&self, callback: &MoCallback<'a>, received: Received<'a>) -> Item<'a> {
        let body = received.body;
        let item = self.item(Item::mo(callback, received), body);
        if self.is_full() { item } else { item.with_metadata(callback) }
    }

    /// The item of a delivery receipt.
    #[must_use]
    pub fn dlr<'a>(&self, callback: &DlrCallback<'a>, received: Received<'a>) -> Item<'a> {
        let body = received.body;
        self.item(Item::dlr(callback, received), body)
    }

    fn item<'a>(&self, item: Item<'a>, body: &str) -> Item<'a> {
        match self {
            Self::Full(None) => item,
            Self::Full(Some(key)) => Item { other_digest: Some(key.digest(body)), ..item },
            Self::None(key) => item.without_content(body, key),
        }
    }

    /// The item of a body that isn't a callback.
    #[must_use]
    pub fn quarantined<'a>(&self, kind: Kind, why: CallbackError, unreadable: Unreadable<'a>) -> Quarantined<'a> {
        let body = unreadable.body;
        let quarantined = Quarantined::new(kind, why, unreadable);
        match self {
            Self::Full(_) => quarantined,
            Self::None(key) => quarantined.without_body(body, key),
        }
    }
}

/// The key of a stack's hashes: 256 random bits, written as 64 hex digits. HMAC with SHA-256 (RFC 2104).
#[derive(Clone)]
pub struct ContentKey(Hmac<Sha256>);

/// What a hash is of. A hash of one thing never equals that of another.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Purpose {
    Body,
    Contact,
    Quarantined,
}

impl ContentKey {
    /// The digest of a callback's body, which must be valid JSON.
    #[must_use]
    pub fn digest(&self, body: &str) -> Digest {
        Digest::keyed(body, self)
    }

    /// The hash of a sender: [`CONTACT_HASH`] and 64 hex digits. All spellings of a number have the same.
    #[must_use]
    pub fn contact(&self, source: &str) -> String {
        let number = if UserId::parse(source).is_some() { None } else { PhoneNumber::parse(source) };
        let name = number.as_ref().map_or(source, PhoneNumber::digits);
        format!("{CONTACT_HASH}{}", self.hash(Purpose::Contact, name.as_bytes()))
    }

    pub(crate) fn quarantined(&self, body: &[u8]) -> String {
        self.hash(Purpose::Quarantined, body)
    }

    pub(crate) fn hash(&self, purpose: Purpose, bytes: &[u8]) -> String {
        let purpose: &[u8] = match purpose {
            Purpose::Body => b"body\0",
            Purpose::Contact => b"contact\0",
            Purpose::Quarantined => b"quarantined\0",
        };
        hex::encode(self.0.clone().chain_update(purpose).chain_update(bytes).finalize().into_bytes())
    }
}

impl FromStr for ContentKey {
    type Err = ContentKeyError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut key = [0; 32];
        hex::decode_to_slice(text, &mut key).map_err(|_| ContentKeyError)?;
        Hmac::new_from_slice(&key).map(Self).map_err(|_| ContentKeyError)
    }
}

/// Omits the key, so that it is never logged.
impl fmt::Debug for ContentKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ContentKey")
    }
}

/// The key has another form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the key is not 64 hex digits")]
pub struct ContentKeyError;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::received_at::ReceivedAt;

    fn key() -> ContentKey {
        "0f".repeat(32).parse().unwrap()
    }

    fn received(body: &str) -> Received<'_> {
        Received { body, application: "shop", at: ReceivedAt::from_epoch_ms(1_763_889_302_417), expires_at: 7 }
    }

    #[test]
    fn hashes_are_hmac_with_sha_256() {
        // printf 'body\0{}' | openssl dgst -sha256 -mac HMAC -macopt hexkey:$(printf '0f%.0s' {1..32})
        let expected = "16336446bec47d38a5478b1dc3f7b068afa2a1fa952049ed06d51fc75d9fb800";
        assert_eq!(key().digest(" { } ").as_str(), expected, "of the canonical form");
        // The same of 'contact\0' and '6421000001'.
        assert_eq!(
            key().contact("+64 21 000 001"),
            "hmac:92633f892815dce7a00ab760ff0a8b6f38bac9d808d4adfb2c4afce27183cede"
        );
    }

    #[test]
    fn every_spelling_of_a_contact_has_one_hash() {
        let hash = key().contact("6421000001");
        for spelling in ["+6421000001", "+64 21 000 001", "0064-21-000-001"] {
            assert_eq!(key().contact(spelling), hash, "{spelling}");
        }
        for other in ["6421000002", "NZ.1349", "NZ.6421000001", "Example", ""] {
            assert_ne!(key().contact(other), hash, "{other}");
        }
        let another: ContentKey = "10".repeat(32).parse().unwrap();
        assert_ne!(another.contact("6421000001"), hash);
    }

    #[test]
    fn key_is_64_hex_digits_and_is_never_shown() {
        for wrong in ["", "0f", &"0g".repeat(32), &"0f".repeat(33)] {
            assert_eq!(wrong.parse::<ContentKey>().unwrap_err(), ContentKeyError);
        }
        assert_eq!(format!("{:?}", ContentMode::None(key())), "None(ContentKey)");
    }

    #[test]
    fn repeat_is_recognised_in_either_mode() {
        let body = r#"{"id":"7c1f","content":{"type":"text"}}"#;
        let item = |mode: &ContentMode| mode.mo(&MoCallback::parse(body).unwrap(), received(body));
        let (full, none) = (item(&ContentMode::Full(None)), item(&ContentMode::None(key())));
        let again = item(&ContentMode::Full(Some(key())));
        assert!(none.has_digest(full.digest.as_str()) && again.has_digest(none.digest.as_str()));
        assert!(!full.has_digest(none.digest.as_str()), "without the key nobody can tell");
        assert_ne!(full.digest, none.digest);
        let other = r#"{"id":"7c1f","content":{"type":"image"}}"#;
        let other = ContentMode::None(key()).mo(&MoCallback::parse(other).unwrap(), received(other));
        assert!(!other.has_digest(none.digest.as_str()) && !other.has_digest(full.digest.as_str()));
    }
}
