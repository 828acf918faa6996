//! The roots that the functions trust verify the endpoints that they call.

use super::{Facts, Found};
use crate::doctor::roots::{self, Verified};
use crate::doctor::{Finding, roots::last_day};

/// The services that the functions call.
const SERVICES: [&str; 4] = ["dynamodb", "s3", "sns", "sqs"];

const CHECK: &str = "roots";
const SEE: &str = "security.md, Trusted certificates";

pub(super) async fn check(facts: &Facts<'_>) -> Found {
    if facts.stack.is_local() {
        return Ok(vec![Finding::skipped(CHECK, "the local stack's functions don't use TLS")]);
    }
    if let Some(file) = facts.parameter("CertificateFile") {
        return Ok(vec![Finding::skipped(CHECK, format!("the functions trust the certificates of {file}"))]);
    }
    let region = facts.stack.sdk.region().map(ToString::to_string).unwrap_or_default();
    let domain = if region.starts_with("cn-") { "amazonaws.com.cn" } else { "amazonaws.com" };
    let hosts = SERVICES.map(|service| format!("{service}.{region}.{domain}"));
    let verified = hosts.map(|host| tokio::task::spawn_blocking(move || (roots::verify(&host), host)));
    let verified = futures_util::future::join_all(verified).await.into_iter().flatten().collect::<Vec<_>>();
    Ok(vec![judge(&verified, last_day(), facts)])
}

fn judge(verified: &[(Verified, String)], last_day: Option<jiff::Timestamp>, facts: &Facts<'_>) -> Finding {
    let untrusted = verified.iter().find_map(|(verified, host)| match verified {
        Verified::No(reason) => Some(format!("{host} isn't verified by the roots that the functions trust: {reason}")),
        Verified::Yes | Verified::Unknown(_) => None,
    });
    if let Some(what) = untrusted {
        let mends = facts.commands.deploy("CertificateFile=/etc/pki/tls/certs/ca-bundle.crt");
        return Finding::problem(CHECK, what).mended_by(mends).see(SEE);
    }
    let unreachable = verified.iter().find_map(|(verified, host)| match verified {
        Verified::Unknown(reason) => Some(format!("{host} can't be reached from here: {reason}")),
        Verified::Yes | Verified::No(_) => None,
    });
    if let Some(why) = unreachable {
        return Finding::unknown(CHECK, why);
    }
    let until =
        last_day.map_or_else(String::new, |last| format!("; the first root ends on {}", last.strftime("%Y-%m-%d")));
    Finding::ok(CHECK, format!("Amazon's roots verify {}{until}", SERVICES.join(", ")))
}
