//! Posts one callback, as the gateway does.

use std::io::{self, Read};
use std::time::{Duration, Instant};

use ureq::Agent;
use wab_events::Kind;
use wab_ingress::basic_authorization;

use crate::answer::{Answer, SHOWN_HEADERS};
use crate::target::Target;

/// Time limit from the DNS look-up to the last byte of the answer. The receiver itself needs 4 s at most.
const TIMEOUT: Duration = Duration::from_secs(10);

/// A longer answer is cut.
const MAX_ANSWER_BYTES: u64 = 64 * 1024;

/// A connection to the receiver. It stays open between callbacks.
pub(crate) struct Sender {
    agent: Agent,
}

/// What became of a callback.
pub(crate) struct Posted {
    pub(crate) answer: Result<Answer, ureq::Error>,
    pub(crate) took: Duration,
}

impl Sender {
    /// A client with a time limit that follows no redirects and treats no status as an error.
    pub(crate) fn new(target: &Target) -> Self {
        let mut config = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .timeout_global(Some(TIMEOUT))
            .user_agent(concat!("wab/", env!("CARGO_PKG_VERSION")));
        if target.is_loopback() {
            // A proxy can't reach this machine's loopback addresses.
            config = config.proxy(None);
        }
        Self { agent: config.build().new_agent() }
    }

    pub(crate) fn post(&self, target: &Target, kind: Kind, body: &[u8]) -> Posted {
        let started = Instant::now();
        let answer = self.answer(target, kind, body);
        Posted { answer, took: started.elapsed() }
    }

    fn answer(&self, target: &Target, kind: Kind, body: &[u8]) -> Result<Answer, ureq::Error> {
        let mut request = self.agent.post(target.url(kind).as_str()).header("content-type", "application/json");
        if let Some(login) = &target.login {
            request = request.header("authorization", basic_authorization(&login.user, &login.password));
        }
        let mut response = request.send(body)?;
        let status = response.status();
        let header =
            |name| response.headers().get(name).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
        let headers = SHOWN_HEADERS.iter().filter_map(|&name| Some((name, header(name)?))).collect();
        let version = format!("{:?}", response.version());
        let mut body = Vec::new();
        response.body_mut().as_reader().take(MAX_ANSWER_BYTES).read_to_end(&mut body)?;
        Ok(Answer { version, status: status.as_u16(), reason: status.canonical_reason().unwrap_or(""), headers, body })
    }
}

/// What is known about a callback that wasn't answered.
pub(crate) fn after_failure(error: &ureq::Error) -> &'static str {
    const NOT_POSTED: &str = "Nothing was posted: check that the receiver is up and that the URL is right.";
    match error {
        ureq::Error::HostNotFound | ureq::Error::ConnectionFailed => NOT_POSTED,
        ureq::Error::Io(error) if error.kind() == io::ErrorKind::ConnectionRefused => NOT_POSTED,
        _ => "The callback may or may not be stored: send it again with the same --id.",
    }
}
