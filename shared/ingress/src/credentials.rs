//! HTTP Basic authentication (RFC 7617), the only authentication that the gateway supports (docs/gateway.md parts 3, 4);
//! and secret paths, for senders that don't support even that.

use std::fmt;
use std::str::FromStr;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};
use subtle::{Choice, ConditionallySelectable, ConstantTimeEq};

/// An authenticated caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Caller<'a> {
    /// The gateway application: the user name of the verifier that matched.
    pub application: &'a str,
    pub credential: Credential,
}

/// The verifier that matched, by its position in its setting, from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Credential {
    /// Of `CALLBACK_CREDENTIALS`.
    Password(usize),
    /// Of `SECRET_PATHS`.
    Path(usize),
}

impl fmt::Display for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Password(position) => write!(f, "{position}"),
            Self::Path(position) => write!(f, "path-{position}"),
        }
    }
}

/// The verifiers of all live credentials: one, or two during a rotation. Never empty.
#[derive(Debug, Clone)]
pub struct Credentials(Vec<Verifier>);

/// A user name and the hash of its password, written as `user:hex(sha256(password))`. The password is 256 random bits, so
/// its plain SHA-256 can't be searched. Of a secret path, the path's last segment is the password.
#[derive(Clone, PartialEq, Eq)]
pub struct Verifier {
    user: String,
    user_digest: [u8; 32],
    password_digest: [u8; 32],
}

impl Credentials {
    /// Authenticates the value of an `Authorization` header, and returns the caller.
    ///
    /// Every verifier is compared in full and in constant time, whether or not the user exists.
    ///
    /// # Errors
    /// If there is no header, it isn't Basic, or no verifier matches.
    pub fn authenticate(&self, authorization: Option<&str>) -> Result<Caller<'_>, Unauthorized> {
        let (user, password) = authorization.and_then(decode_basic).ok_or(Unauthorized)?;
        let user_digest: [u8; 32] = Sha256::digest(user).into();
        let password_digest: [u8; 32] = Sha256::digest(password).into();
        let is_same = |verifier: &Verifier| {
            verifier.user_digest.ct_eq(&user_digest) & verifier.password_digest.ct_eq(&password_digest)
        };
        let (position, application) = self.find(is_same)?;
        Ok(Caller { application, credential: Credential::Password(position) })
    }

    /// Authenticates the last segment of a secret path, and returns the caller. Compares as [`Self::authenticate`] does.
    ///
    /// # Errors
    /// If no verifier matches.
    pub fn authenticate_path(&self, segment: &str) -> Result<Caller<'_>, Unauthorized> {
        let digest: [u8; 32] = Sha256::digest(segment).into();
        let (position, application) = self.find(|verifier| verifier.password_digest.ct_eq(&digest))?;
        Ok(Caller { application, credential: Credential::Path(position) })
    }

    /// The position and the user name of the verifier that is the same.
    fn find(&self, is_same: impl Fn(&Verifier) -> Choice) -> Result<(usize, &str), Unauthorized> {
        let mut found = u64::MAX;
        for (index, verifier) in (0u64..).zip(&self.0) {
            found.conditional_assign(&index, is_same(verifier));
        }
        let index = usize::try_from(found).map_err(|_| Unauthorized)?;
        let verifier = self.0.get(index).ok_or(Unauthorized)?;
        Ok((index + 1, &verifier.user))
    }
}

impl FromStr for Credentials {
    type Err = CredentialsError;

    /// Reads verifiers, separated by commas.
    fn from_str(text: &str) -> Result<Self, CredentialsError> {
        text.split(',').map(|verifier| verifier.trim().parse()).collect::<Result<_, _>>().map(Self)
    }
}

impl Verifier {
    /// # Errors
    /// If the user name is empty or contains a colon (RFC 7617 ends the name there), a comma, white space or a control
    /// character: the list of verifiers can't represent them.
    pub fn new(user: &str, password: &str) -> Result<Self, CredentialsError> {
        Self::of(user, Sha256::digest(password).into())
    }

    fn of(user: &str, password_digest: [u8; 32]) -> Result<Self, CredentialsError> {
        if user.is_empty() || user.contains([':', ',']) || user.contains(|c: char| c.is_whitespace() || c.is_control())
        {
            return Err(CredentialsError::User);
        }
        Ok(Self { user: user.to_owned(), user_digest: Sha256::digest(user).into(), password_digest })
    }
}

impl FromStr for Verifier {
    type Err = CredentialsError;

    fn from_str(text: &str) -> Result<Self, CredentialsError> {
        let (user, password_hash) = text.split_once(':').ok_or(CredentialsError::Form)?;
        let mut password_digest = [0; 32];
        hex::decode_to_slice(password_hash, &mut password_digest).map_err(|_| CredentialsError::Form)?;
        Self::of(user, password_digest)
    }
}

impl fmt::Display for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.user, hex::encode(self.password_digest))
    }
}

/// Omits the digest, so that it is never logged.
impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Verifier").field("user", &self.user).finish_non_exhaustive()
    }
}

/// The credentials are missing, malformed or wrong. The caller isn't told which.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("missing or wrong credentials")]
pub struct Unauthorized;

/// Why a text isn't a verifier. Never contains the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CredentialsError {
    #[error("a verifier is a user name, a colon and the 64 hex digits of the password's SHA-256")]
    Form,
    #[error("a user name must not be empty or contain a colon, a comma, white space or a control character")]
    User,
}

/// The `Authorization` header of a user name and a password, as a client sends it.
#[must_use]
pub fn basic_authorization(user: &str, password: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{user}:{password}")))
}

/// The user name and the password of an `Authorization` header. Neither needs to be UTF-8. The password may contain
/// colons, the user name may not (RFC 7617 section 2).
fn decode_basic(authorization: &str) -> Option<(Vec<u8>, Vec<u8>)> {
    let (scheme, token) = authorization.split_at_checked("Basic ".len())?;
    if !scheme.eq_ignore_ascii_case("Basic ") {
        return None;
    }
    // The optional white space of HTTP (RFC 9110 section 5.6.3).
    let mut user = STANDARD.decode(token.trim_matches([' ', '\t'])).ok()?;
    let colon = user.iter().position(|&byte| byte == b':')?;
    let password = user.split_off(colon + 1);
    user.pop();
    Some((user, password))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{basic_authorization as basic, *};

    fn credentials(pairs: &[(&str, &str)]) -> Credentials {
        let verifiers: Vec<String> =
            pairs.iter().map(|(user, password)| Verifier::new(user, password).unwrap().to_string()).collect();
        verifiers.join(",").parse().unwrap()
    }

    fn authenticate(credentials: &Credentials, header: &str) -> Result<String, Unauthorized> {
        credentials.authenticate(Some(header)).map(|caller| caller.application.to_owned())
    }

    #[test]
    fn each_live_pair_authenticates_its_user() {
        let live = credentials(&[("shop", "old"), ("shop", "new"), ("bank", "a:b:c"), ("ünï", "pässwörd")]);
        for (user, password) in [("shop", "old"), ("shop", "new"), ("bank", "a:b:c"), ("ünï", "pässwörd")] {
            assert_eq!(authenticate(&live, &basic(user, password)).as_deref(), Ok(user));
        }
        assert_eq!(authenticate(&live, &basic("bank", "a:b:c").replace("Basic", "bAsIc")).as_deref(), Ok("bank"));
    }

    #[test]
    fn caller_has_the_position_of_its_verifier() {
        let live = credentials(&[("shop", "old"), ("shop", "new")]);
        for (password, credential) in [("old", 1), ("new", 2)] {
            let caller = live.authenticate(Some(&basic("shop", password)));
            assert_eq!(caller, Ok(Caller { application: "shop", credential: Credential::Password(credential) }));
        }
    }

    #[test]
    fn secret_path_authenticates_the_user_of_its_verifier() {
        let live = credentials(&[("shop", "old"), ("bank", "new")]);
        let caller = live.authenticate_path("new");
        assert_eq!(caller, Ok(Caller { application: "bank", credential: Credential::Path(2) }));
        for wrong in ["", "New", "new ", "new/", "bank", "oldnew"] {
            assert_eq!(live.authenticate_path(wrong), Err(Unauthorized), "{wrong}");
        }
    }

    #[test]
    fn credential_is_named_by_its_position() {
        assert_eq!([Credential::Password(2), Credential::Path(1)].map(|it| it.to_string()), ["2", "path-1"]);
    }

    #[test]
    fn wrong_or_malformed_credentials_are_unauthorized() {
        let live = credentials(&[("shop", "right")]);
        let wrong = [
            basic("shop", "wrong"),
            basic("shop", ""),
            basic("", "right"),
            basic("shopper", "right"),
            basic("Shop", "right"),
            basic("shop", "right").replace("Basic", "Bearer"),
            basic("shop", "right").replace("Basic ", "Basic"),
            format!("Basic {}", STANDARD.encode("shop")),
            "Basic not base64!".to_owned(),
            "Basic \0".to_owned(),
            format!("{}\n", basic("shop", "right")),
            "Basic ".to_owned(),
            "Basic".to_owned(),
            String::new(),
            format!("{}, {}", basic("shop", "right"), basic("shop", "right")),
        ];
        for header in wrong {
            assert_eq!(authenticate(&live, &header), Err(Unauthorized), "{header}");
        }
        assert_eq!(live.authenticate(None), Err(Unauthorized));
    }

    #[test]
    fn verifier_is_user_and_password_hash() {
        // printf %s password | sha256sum
        let hex = "5e884898da28047151d0e56f8dc6292773603d0d6aabbdd62a11ef721d1542d8";
        let verifier = Verifier::new("shop", "password").unwrap();
        assert_eq!(verifier.to_string(), format!("shop:{hex}"));
        assert_eq!(format!("shop:{hex}").parse(), Ok(verifier.clone()));
        assert_eq!(format!("shop:{}", hex.to_uppercase()).parse(), Ok(verifier.clone()));
        assert_eq!(format!("{verifier:?}"), "Verifier { user: \"shop\", .. }");
    }

    #[test]
    fn unusable_verifiers_are_rejected() {
        let digest = "0".repeat(64);
        for text in ["", ",", "shop", "shop:", "shop:abc", &format!("shop:{digest}0"), &format!("shop:{digest},")] {
            assert_eq!(text.parse::<Credentials>().unwrap_err(), CredentialsError::Form, "{text}");
        }
        assert_eq!(format!(":{digest}").parse::<Credentials>().unwrap_err(), CredentialsError::User);
        for user in ["", "a:b", "a,b", "a\nb", " a", "a b"] {
            assert_eq!(Verifier::new(user, "x"), Err(CredentialsError::User), "{user}");
        }
    }

    proptest! {
        #[test]
        fn arbitrary_header_is_unauthorized(header in any::<String>(), token in any::<String>()) {
            let live = credentials(&[("shop", "right")]);
            for header in [header, format!("Basic {token}")] {
                prop_assert_eq!(live.authenticate(Some(&header)), Err(Unauthorized));
            }
        }

        #[test]
        fn any_password_authenticates(password in "\\PC*") {
            let live = credentials(&[("shop", "right"), ("shop", &password)]);
            prop_assert_eq!(authenticate(&live, &basic("shop", &password)), Ok("shop".to_owned()));
        }
    }
}
