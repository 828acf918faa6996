//! A callback URL as the gateway's configuration holds it: `https://user:password@host/mo`, user and
//! password percent-encoded (gateway.md part 3). Put together and taken apart here only.
//!
//! No error of this module holds any of the text: it may be a password.

use std::fmt;

use anyhow::{Context, bail, ensure};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use ureq::http::Uri;

/// All but the unreserved characters of RFC 3986 section 2.3, which never need encoding.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// A URL, and the credentials that it carries. Displays as it is written into the gateway's configuration.
#[derive(Clone)]
pub(crate) struct CallbackUrl {
    /// The URL without the credentials.
    pub(crate) address: Address,
    /// The credentials.
    pub(crate) login: Option<Login>,
}

/// A URL that carries no credentials.
#[derive(Clone)]
pub(crate) struct Address {
    scheme: String,
    /// Host, port, path and query.
    place: String,
}

/// A user and a password, in clear.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Login {
    pub(crate) user: String,
    pub(crate) password: String,
}

impl CallbackUrl {
    /// Takes a callback URL apart.
    pub(crate) fn parse(text: &str) -> anyhow::Result<Self> {
        let (scheme, rest) = text.trim().split_once("://").context("a URL starts with https:// or http://")?;
        let scheme = scheme.to_ascii_lowercase();
        ensure!(matches!(&*scheme, "http" | "https"), "a URL starts with https:// or http://");
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (authority, path) = rest.split_at(end);
        let (login, host) = match authority.rsplit_once('@') {
            Some((userinfo, host)) => (Some(Login::decode(userinfo)?), host),
            None => (None, authority),
        };
        let address = Address { scheme, place: format!("{host}{path}") };
        ensure!(
            address.is_usable(),
            "the URL has no usable host; special characters in its user and password must be percent-encoded"
        );
        Ok(Self { address, login })
    }
}

impl fmt::Display for CallbackUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Address { scheme, place } = &self.address;
        match &self.login {
            Some(Login { user, password }) => write!(f, "{scheme}://{}:{}@{place}", encode(user), encode(password)),
            None => write!(f, "{scheme}://{place}"),
        }
    }
}

impl Address {
    /// This address with `path` behind it. Slashes at its own end don't count, nor does the path of a
    /// callback: what the stack's outputs show can be given as it is.
    pub(crate) fn join(&self, path: &str) -> Self {
        let base = self.place.trim_end_matches('/');
        let base = base.strip_suffix("/mo").or_else(|| base.strip_suffix("/dlr")).unwrap_or(base);
        Self { scheme: self.scheme.clone(), place: format!("{base}/{path}") }
    }

    /// Whether there is anything behind the path.
    pub(crate) fn has_query(&self) -> bool {
        self.place.contains(['?', '#'])
    }

    /// Whether the host is this machine.
    pub(crate) fn is_local(&self) -> bool {
        let uri: Option<Uri> = self.to_string().parse().ok();
        uri.as_ref().and_then(Uri::host).is_some_and(|host| matches!(host, "localhost" | "127.0.0.1" | "[::1]"))
    }

    fn is_usable(&self) -> bool {
        let Ok(uri) = self.to_string().parse::<Uri>() else { return false };
        // A port that is no number is what is left of a password with a slash in it.
        uri.authority().is_some_and(|authority| {
            !authority.host().is_empty() && (authority.port().is_some() || authority.as_str() == authority.host())
        })
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.scheme, self.place)
    }
}

impl Login {
    /// Refuses a user name that HTTP Basic can't send.
    pub(crate) fn new(user: String, password: String) -> anyhow::Result<Self> {
        ensure!(!user.contains(':'), "a user name holds no colon: HTTP Basic ends it there");
        Ok(Self { user, password })
    }

    fn decode(userinfo: &str) -> anyhow::Result<Self> {
        let (user, password) = userinfo.split_once(':').unwrap_or((userinfo, ""));
        Self::new(decode(user)?, decode(password)?)
    }
}

fn encode(text: &str) -> impl fmt::Display {
    utf8_percent_encode(text, RESERVED)
}

fn decode(text: &str) -> anyhow::Result<String> {
    let mut escapes = text.split('%');
    escapes.next(); // What stands before the first one.
    for escape in escapes {
        if !escape.bytes().take(2).map(|byte| byte.is_ascii_hexdigit()).eq([true, true]) {
            bail!("the URL's user or password has a % without two hex digits behind it; a % itself is written %25");
        }
    }
    let decoded = percent_decode_str(text).decode_utf8().context("the URL's user or password is not UTF-8")?;
    Ok(decoded.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, address: &str, login: Option<(&str, &str)>) {
        let url = CallbackUrl::parse(text).unwrap();
        assert_eq!(url.address.to_string(), address);
        assert_eq!(url.login.as_ref().map(|login| (&*login.user, &*login.password)), login);
    }

    #[track_caller]
    fn refused(text: &str, why: &str) {
        let error = format!("{:#}", CallbackUrl::parse(text).err().unwrap());
        assert!(error.contains(why), "{text}: {error}");
        assert!(!error.contains("s3cret"), "{error}");
    }

    #[test]
    fn credentials_are_decoded_and_leave_the_address() {
        check("https://host.example/mo", "https://host.example/mo", None);
        check("https://shop:pw@host.example/mo", "https://host.example/mo", Some(("shop", "pw")));
        check("http://a%40b:c%3Ad%2Fe%25@localhost:4566/x/$default/mo", "http://localhost:4566/x/$default/mo", {
            Some(("a@b", "c:d/e%"))
        });
        check("https://%C3%BCn%C3%AF:p%20w@host/mo", "https://host/mo", Some(("ünï", "p w")));
        check("https://shop:a:b@host/mo", "https://host/mo", Some(("shop", "a:b")));
        check("https://shop@host/mo", "https://host/mo", Some(("shop", "")));
        check("https://shop:a+b@host/mo?x=y@z", "https://host/mo?x=y@z", Some(("shop", "a+b")));
        check("HTTPS://shop:pw@[::1]:8443", "https://[::1]:8443", Some(("shop", "pw")));
        check(" https://host/mo\n", "https://host/mo", None);
    }

    #[test]
    fn an_unusable_url_is_refused_without_being_repeated() {
        refused("shop:s3cret@host/mo", "https://");
        refused("ftp://shop:s3cret@host/mo", "https://");
        refused("https://shop:s3cret%@host/mo", "%25");
        refused("https://shop:s3cret%4@host/mo", "%25");
        refused("https://shop:s3cret%+1@host/mo", "%25");
        refused("https://shop:s3cret%ff@host/mo", "UTF-8");
        refused("https://sh%3Aop:s3cret@host/mo", "colon");
        refused("https://shop:s3cret/x@host/mo", "percent-encoded");
        refused("https://shop:s3cret@/mo", "host");
        refused("https:///mo", "host");
        refused("https://ho st/mo", "host");
    }

    #[test]
    fn what_is_put_together_can_be_taken_apart() {
        let address = CallbackUrl::parse("https://host:8443/stage/mo").unwrap().address;
        for (user, password) in [("gateway", "abc-_.~"), ("ünï @/?#%", "p:a@s/s?w#o%r&d+ "), ("a", "")] {
            let login = Login::new(user.to_owned(), password.to_owned()).unwrap();
            let text = CallbackUrl { address: address.clone(), login: Some(login.clone()) }.to_string();
            assert!(text.is_ascii());
            let parsed = CallbackUrl::parse(&text).unwrap();
            assert_eq!(parsed.address.to_string(), address.to_string());
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
    fn a_path_is_joined_to_the_api_or_replaces_a_callback() {
        let join = |base: &str| CallbackUrl::parse(base).unwrap().address.join("dlr").to_string();
        for base in ["https://host", "https://host/", "https://host/mo", "https://host/dlr", "https://host/mo/"] {
            assert_eq!(join(base), "https://host/dlr");
        }
        assert_eq!(join("http://localhost:1/_aws/$default/"), "http://localhost:1/_aws/$default/dlr");
    }

    #[test]
    fn this_machine_is_told_from_others() {
        let is_local = |url: &str| CallbackUrl::parse(url).unwrap().address.is_local();
        assert!(
            is_local("http://localhost:4566/mo") && is_local("http://127.0.0.1/mo") && is_local("http://[::1]:1/mo")
        );
        assert!(!is_local("https://localhost.example/mo"));
    }
}
