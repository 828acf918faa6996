//! A callback URL in the form of the gateway's configuration: `https://user:password@host/mo`, with user and password
//! percent-encoded (docs/gateway.md part 3). Only this module parses and writes it.
//!
//! Errors never quote the URL, which may contain a password.

use std::fmt;

use anyhow::{Context, ensure};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use url::{Host, Url};

/// All but the unreserved characters of RFC 3986 section 2.3, which never need encoding.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// A URL and its credentials. Displays in the form of the gateway's configuration.
pub(crate) struct CallbackUrl {
    /// The URL without the credentials.
    pub(crate) address: Url,
    pub(crate) login: Option<Login>,
}

/// A user name and a password in clear text.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Login {
    pub(crate) user: String,
    pub(crate) password: String,
}

impl CallbackUrl {
    pub(crate) fn parse(text: &str) -> anyhow::Result<Self> {
        let url = Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
        let mut address = url
            .context("not an http or https URL; special characters in its user and password must be percent-encoded")?;
        let login = match (address.username(), address.password()) {
            ("", None) => None,
            (user, password) => Some(Login::new(decode(user)?, decode(password.unwrap_or(""))?)?),
        };
        // Both fail only without a host, and an http URL has one.
        let _ = address.set_username("");
        let _ = address.set_password(None);
        Ok(Self { address, login })
    }
}

impl fmt::Display for CallbackUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut url = self.address.clone();
        if let Some(Login { user, password }) = &self.login {
            // The setters keep percent-encoding, but encode fewer characters than the gateway requires.
            let _ = url.set_username(&encode(user));
            let _ = url.set_password(Some(&encode(password)));
        }
        url.fmt(f)
    }
}

impl Login {
    /// Rejects a user name that HTTP Basic can't send.
    pub(crate) fn new(user: String, password: String) -> anyhow::Result<Self> {
        ensure!(!user.contains(':'), "a user name must not contain a colon, which ends it in HTTP Basic");
        Ok(Self { user, password })
    }
}

/// The URL of `path` at an API. A trailing slash and a callback path are dropped first, so that any URL of the stack's
/// outputs can be given. The secret of a secret callback URL is kept.
pub(crate) fn join(api: &Url, path: &str) -> Url {
    let (base, secret) = split(api);
    let mut url = api.clone();
    match secret {
        Some(secret) => url.set_path(&format!("{base}/{path}/{secret}")),
        None => url.set_path(&format!("{base}/{path}")),
    }
    url
}

/// Whether it is a secret callback URL: `/mo/SECRET` or `/dlr/SECRET`.
pub(crate) fn is_secret(url: &Url) -> bool {
    split(url).1.is_some()
}

/// The same callback URL without its secret.
pub(crate) fn without_secret(url: &Url) -> Url {
    let mut plain = url.clone();
    if let (_, Some(secret)) = split(url) {
        plain.set_path(trimmed(url).strip_suffix(&format!("/{secret}")).unwrap_or_default());
    }
    plain
}

/// A callback URL as it may be printed: with a mark in place of its secret.
pub(crate) fn shown(url: &Url) -> String {
    if is_secret(url) { format!("{}/…", without_secret(url)) } else { url.to_string() }
}

/// The path of the API, and the secret of a secret callback URL.
fn split(url: &Url) -> (&str, Option<&str>) {
    let is_callback = |segment| matches!(segment, "mo" | "dlr");
    let path = trimmed(url);
    let (before, last) = path.rsplit_once('/').unwrap_or_default();
    match before.rsplit_once('/') {
        _ if is_callback(last) => (before, None),
        Some((base, kind)) if is_callback(kind) => (base, Some(last)),
        _ => (path, None),
    }
}

fn trimmed(url: &Url) -> &str {
    url.path().trim_end_matches('/')
}

pub(crate) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

fn encode(text: &str) -> String {
    utf8_percent_encode(text, RESERVED).to_string()
}

fn decode(text: &str) -> anyhow::Result<String> {
    let decoded = percent_decode_str(text)
        .decode_utf8()
        .context("the user or password in the URL is not UTF-8: percent-encode it as UTF-8")?;
    Ok(decoded.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, address: &str, login: Option<(&str, &str)>) {
        let url = CallbackUrl::parse(text).unwrap();
        assert_eq!(url.address.as_str(), address);
        assert_eq!(url.login.as_ref().map(|login| (&*login.user, &*login.password)), login);
    }

    #[track_caller]
    fn rejected(text: &str, problem: &str) {
        let error = format!("{:#}", CallbackUrl::parse(text).err().unwrap());
        assert!(error.contains(problem), "{text}: {error}");
        assert!(!error.contains("s3cret"), "{error}");
    }

    #[test]
    fn credentials_are_decoded_and_removed_from_the_address() {
        check("https://host.example/mo", "https://host.example/mo", None);
        check("https://shop:pw@host.example/mo", "https://host.example/mo", Some(("shop", "pw")));
        let encoded = "http://a%40b:c%3Ad%2Fe%25@localhost:4566/x/$default/mo";
        check(encoded, "http://localhost:4566/x/$default/mo", Some(("a@b", "c:d/e%")));
        check("https://%C3%BCn%C3%AF:p%20w@host/mo", "https://host/mo", Some(("ünï", "p w")));
        check("https://shop:a:b@host/mo", "https://host/mo", Some(("shop", "a:b")));
        check("https://shop@host/mo", "https://host/mo", Some(("shop", "")));
        check("https://shop:a+b@host/mo?x=y@z", "https://host/mo?x=y@z", Some(("shop", "a+b")));
        check("HTTPS://shop:pw@[::1]:8443/mo", "https://[::1]:8443/mo", Some(("shop", "pw")));
        check(" https://host/mo\n", "https://host/mo", None);
    }

    #[test]
    fn invalid_url_is_rejected_without_being_quoted() {
        rejected("shop:s3cret@host/mo", "not an http or https");
        rejected("ftp://shop:s3cret@host/mo", "not an http or https");
        rejected("https://shop:s3cret/x@host/mo", "percent-encoded");
        rejected("https://shop:s3cret%ff@host/mo", "UTF-8");
        rejected("https://sh%3Aop:s3cret@host/mo", "colon");
        rejected("https://shop:s3cret@/mo", "percent-encoded");
        rejected("https://ho st/mo", "not an http or https");
    }

    #[test]
    fn written_urls_can_be_parsed() {
        let address = CallbackUrl::parse("https://host:8443/stage/mo").unwrap().address;
        for (user, password) in [("gateway", "abc-_.~"), ("ünï @/?#%", "p:a@s/s?w#o%41r&d+ "), ("a", "")] {
            let login = Login::new(user.to_owned(), password.to_owned()).unwrap();
            let text = CallbackUrl { address: address.clone(), login: Some(login.clone()) }.to_string();
            assert!(text.is_ascii());
            let parsed = CallbackUrl::parse(&text).unwrap();
            assert_eq!(parsed.address, address);
            assert!(parsed.login == Some(login), "{text}");
        }
    }

    #[test]
    fn special_characters_are_percent_encoded() {
        let address = CallbackUrl::parse("https://host/mo").unwrap().address;
        let login = Login::new("a b@é".to_owned(), "x:y/z%-_.~".to_owned()).unwrap();
        let url = CallbackUrl { address, login: Some(login) };
        assert_eq!(url.to_string(), "https://a%20b%40%C3%A9:x%3Ay%2Fz%25-_.~@host/mo");
    }

    #[test]
    fn path_is_appended_or_replaces_a_callback_path() {
        let join = |base: &str| join(&CallbackUrl::parse(base).unwrap().address, "dlr").to_string();
        for base in ["https://host", "https://host/", "https://host/mo", "https://host/dlr", "https://host/mo/"] {
            assert_eq!(join(base), "https://host/dlr");
        }
        assert_eq!(join("http://localhost:1/_aws/$default/"), "http://localhost:1/_aws/$default/dlr");
    }

    #[test]
    fn secret_is_kept_for_calls_and_hidden_when_shown() {
        let url = |text: &str| CallbackUrl::parse(text).unwrap().address;
        let secret = url("https://host/stage/mo/s3cret%2F");
        assert_eq!(join(&secret, "dlr").as_str(), "https://host/stage/dlr/s3cret%2F");
        assert_eq!(without_secret(&secret).as_str(), "https://host/stage/mo");
        assert_eq!(shown(&secret), "https://host/stage/mo/…");
        assert!(is_secret(&secret));
        for plain in ["https://host/", "https://host/mo", "https://host/stage/dlr", "https://host/stage/x"] {
            let url = url(plain);
            assert!(!is_secret(&url) && without_secret(&url) == url && shown(&url) == plain, "{plain}");
        }
    }

    #[test]
    fn loopback_addresses_are_recognized() {
        let is_loopback = |text: &str| is_loopback(&CallbackUrl::parse(text).unwrap().address);
        for local in ["http://localhost:4566/mo", "http://127.0.0.1/mo", "http://[::1]:1/mo"] {
            assert!(is_loopback(local), "{local}");
        }
        assert!(!is_loopback("https://localhost.example/mo"));
    }
}
