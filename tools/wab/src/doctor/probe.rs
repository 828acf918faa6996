//! Calls to the callback URLs that store nothing.

use std::time::Duration;

use serde::Deserialize;
use url::Url;
use wab_ingress::basic_authorization;

use crate::callback_url::Login;

/// Time limit from the DNS look-up to the last byte of the answer.
const TIMEOUT: Duration = Duration::from_secs(10);

const MAX_ANSWER_BYTES: u64 = 16 * 1024;

/// The header of a probe. The receiver answers it without storing anything, and counts it apart (docs/operations.md,
/// "Answers").
const PROBE: &str = "wab-probe";

#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Answer {
    /// The receiver recognised the probe and its credentials.
    Probe {
        version: String,
    },
    /// The receiver accepts no callback from this machine's network.
    Forbidden,
    Status(u16),
    /// There was no answer, and why.
    None(String),
}

/// The receiver's answer to a probe.
#[derive(Deserialize)]
struct Body {
    outcome: String,
    version: String,
}

/// The receiver's answer to a request that it rejects.
#[derive(Deserialize)]
struct Problem {
    code: String,
}

/// Posts a probe. Blocks.
pub(crate) fn probe(address: &Url, login: Option<&Login>) -> Answer {
    let agent: ureq::Agent = ureq::Agent::config_builder()
        .http_status_as_error(false)
        .max_redirects(0)
        .timeout_global(Some(TIMEOUT))
        .build()
        .into();
    let mut request = agent.post(address.as_str()).header(PROBE, "1").content_type("application/json");
    if let Some(login) = login {
        request = request.header("authorization", basic_authorization(&login.user, &login.password));
    }
    match request.send("{}") {
        Err(error) => Answer::None(error.to_string()),
        Ok(mut response) => {
            let status = response.status().as_u16();
            let text = response.body_mut().with_config().limit(MAX_ANSWER_BYTES).read_to_string().unwrap_or_default();
            let probe = serde_json::from_str::<Body>(&text).ok().filter(|body| body.outcome == "probe");
            let problem = serde_json::from_str::<Problem>(&text).ok();
            match (status, probe, problem) {
                (200, Some(Body { version, .. }), _) => Answer::Probe { version },
                (403, _, Some(Problem { code })) if code == "forbidden" => Answer::Forbidden,
                _ => Answer::Status(status),
            }
        }
    }
}
