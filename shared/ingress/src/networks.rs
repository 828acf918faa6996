//! The networks from which callbacks are accepted, if the setting names any.

use std::net::IpAddr;
use std::str::FromStr;

use ipnet::{AddrParseError, IpNet};

/// Networks in CIDR notation, of IPv4 and IPv6. Never empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Networks(Vec<IpNet>);

/// The caller's address is in none of the allowed networks, or isn't known.
///
/// Its text has the address as it was parsed, and nothing else of the request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{} is in no allowed network", address.map_or_else(|| "an unknown address".to_owned(), |address| address.to_string()))]
pub struct Forbidden {
    pub address: Option<IpAddr>,
}

impl Networks {
    /// Checks that an address is in one of the networks. An IPv4 address may be given as IPv6 (`::ffff:192.0.2.1`).
    ///
    /// # Errors
    /// If it is in none, or not known.
    pub(crate) fn check(&self, address: Option<IpAddr>) -> Result<(), Forbidden> {
        let address = address.map(|address| address.to_canonical());
        let is_allowed = |address| self.0.iter().any(|network| network.contains(address));
        if address.as_ref().is_some_and(is_allowed) { Ok(()) } else { Err(Forbidden { address }) }
    }
}

impl FromStr for Networks {
    type Err = AddrParseError;

    /// Reads networks, separated by commas.
    fn from_str(text: &str) -> Result<Self, AddrParseError> {
        text.split(',').map(|network| network.trim().parse()).collect::<Result<_, _>>().map(Self)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(networks: &str, address: &str, is_allowed: bool) {
        let networks: Networks = networks.parse().unwrap();
        assert_eq!(networks.check(address.parse().ok()).is_ok(), is_allowed, "{address} in {networks:?}");
    }

    #[test]
    fn address_must_be_in_one_of_the_networks() {
        check("192.0.2.0/24", "192.0.2.0", true);
        check("192.0.2.0/24", "192.0.2.255", true);
        check("192.0.2.0/24", "192.0.3.0", false);
        check("192.0.2.7/32", "192.0.2.7", true);
        check("192.0.2.7/32", "192.0.2.8", false);
        check("192.0.2.7/24", "192.0.2.9", true);
        check("198.51.100.0/25, 2001:db8::/32", "198.51.100.127", true);
        check("198.51.100.0/25,2001:db8::/32", "198.51.100.128", false);
        check("198.51.100.0/25,2001:db8::/32", "2001:db8:ffff::1", true);
        check("198.51.100.0/25,2001:db8::/32", "2001:db9::1", false);
        check("0.0.0.0/0", "203.0.113.9", true);
        check("0.0.0.0/0", "2001:db8::1", false);
        check("::/0", "2001:db8::1", true);
    }

    #[test]
    fn ipv4_address_may_be_written_as_ipv6() {
        check("192.0.2.0/24", "::ffff:192.0.2.1", true);
        check("192.0.2.0/24", "::ffff:192.0.3.1", false);
    }

    #[test]
    fn unknown_address_is_forbidden() {
        let networks: Networks = "0.0.0.0/0,::/0".parse().unwrap();
        let forbidden = networks.check(None).unwrap_err();
        assert_eq!(forbidden.to_string(), "an unknown address is in no allowed network");
    }

    #[test]
    fn reason_names_the_address_as_it_was_parsed() {
        let networks: Networks = "192.0.2.0/24".parse().unwrap();
        let forbidden = networks.check("2001:DB8:0:0::1".parse().ok()).unwrap_err();
        assert_eq!(forbidden.to_string(), "2001:db8::1 is in no allowed network");
    }

    #[test]
    fn unusable_networks_are_rejected() {
        for text in [
            "",
            ",",
            "192.0.2.0",
            "192.0.2.0/",
            "192.0.2.0/33",
            "192.0.2/24",
            "192.0.2.256/24",
            "2001:db8::",
            "2001:db8::/129",
            "2001:db8:::/32",
            "192.0.2.0/24,",
            "192.0.2.0/24;198.51.100.0/24",
            "any",
        ] {
            assert!(text.parse::<Networks>().is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in any::<String>(), address in any::<String>()) {
            if let Ok(networks) = text.parse::<Networks>() {
                let _ = networks.check(address.parse().ok());
            }
        }
    }
}
