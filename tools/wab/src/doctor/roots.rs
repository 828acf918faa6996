//! Amazon's root certificates, as the functions trust them.

use std::time::Duration;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use ureq::tls::{PemItem, RootCerts, TlsConfig, parse_pem};
use wab_platform::AMAZON_ROOTS;

const TIMEOUT: Duration = Duration::from_secs(5);

/// Whether an endpoint's certificate is one of Amazon's.
#[derive(Clone, PartialEq, Eq)]
pub(super) enum Verified {
    Yes,
    No(String),
    /// There was no connection.
    Unknown(String),
}

fn certificates() -> Vec<ureq::tls::Certificate<'static>> {
    let items = parse_pem(AMAZON_ROOTS.as_bytes()).filter_map(|item| match item {
        Ok(PemItem::Certificate(certificate)) => Some(certificate),
        _ => None,
    });
    items.collect()
}

/// Connects with Amazon's roots only. Blocks.
pub(super) fn verify(host: &str) -> Verified {
    let tls = TlsConfig::builder().root_certs(RootCerts::new_with_certs(&certificates())).build();
    let agent: ureq::Agent = ureq::Agent::config_builder()
        .http_status_as_error(false)
        .max_redirects(0)
        .timeout_global(Some(TIMEOUT))
        .tls_config(tls)
        .build()
        .into();
    match agent.get(format!("https://{host}/ping")).call() {
        Ok(_) => Verified::Yes,
        Err(error) => {
            let reason = error.to_string();
            if reason.contains("certificate") { Verified::No(reason) } else { Verified::Unknown(reason) }
        }
    }
}

/// The first day on which one of the roots ends.
pub(super) fn last_day() -> Option<Timestamp> {
    certificates().iter().filter_map(|certificate| not_after(certificate.der())).min()
}

/// The end of a certificate's validity: the second of two adjacent times in its DER (RFC 5280 section 4.1.2.5). The
/// roots' times are all UTCTime, of 13 characters.
fn not_after(der: &[u8]) -> Option<Timestamp> {
    const UTC_TIME: [u8; 2] = [0x17, 13];
    let validity =
        der.windows(30).find(|window| window.starts_with(&UTC_TIME) && window.get(15..17) == Some(&UTC_TIME))?;
    let text = std::str::from_utf8(validity.get(17..30)?).ok()?;
    let at = DateTime::strptime("%Y%m%d%H%M%SZ", format!("20{text}")).ok()?;
    Some(at.to_zoned_datetime(TimeZone::UTC).ok()?.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roots_end_when_amazon_publishes() {
        // https://www.amazontrust.com/repository/
        let ends: Vec<_> =
            certificates().iter().map(|root| not_after(root.der()).unwrap().strftime("%Y-%m-%d").to_string()).collect();
        assert_eq!(ends, ["2038-01-17", "2040-05-26", "2040-05-26", "2040-05-26", "2037-12-31"]);
        assert_eq!(last_day().unwrap().strftime("%Y").to_string(), "2037");
        assert_eq!(not_after(b"not a certificate"), None);
    }

    #[test]
    fn unreachable_endpoint_is_unknown() {
        assert!(matches!(verify("localhost:1"), Verified::Unknown(_)));
    }
}
