//! The receiver's answer to `wab send`: how it is printed, what it means, and its exit code.

use std::collections::BTreeMap;
use std::io::Write;

use serde::Serialize;
use serde_json::{Value, json};

/// The headers that are printed.
pub(crate) const SHOWN_HEADERS: [&str; 3] = ["content-type", "retry-after", "www-authenticate"];

pub(crate) struct Answer {
    /// Such as `HTTP/1.1`.
    pub(crate) version: String,
    pub(crate) status: u16,
    /// The name of the status code, which may be empty.
    pub(crate) reason: &'static str,
    /// Those of [`SHOWN_HEADERS`] that are present.
    pub(crate) headers: Vec<(&'static str, String)>,
    /// The body, or the beginning of a large one.
    pub(crate) body: Vec<u8>,
}

/// What an answer means to the sender, from the best to the worst. Each verdict has its exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Verdict {
    /// 200, the only answer that the gateway takes as success.
    Accepted,
    /// A retry may succeed.
    Retry,
    /// A retry would be rejected as well.
    Rejected,
}

impl Verdict {
    pub(crate) fn exit_code(self) -> u8 {
        match self {
            Self::Accepted => 0,
            Self::Rejected => 1,
            Self::Retry => 3,
        }
    }
}

impl Answer {
    /// Prints the answer, with its meaning on the last line.
    pub(crate) fn show(&self, out: &mut impl Write) -> anyhow::Result<()> {
        let json = self.body();
        writeln!(out, "{} {} {}", self.version, self.status, self.reason)?;
        for (name, value) in &self.headers {
            writeln!(out, "{name}: {value}")?;
        }
        match &json {
            Some(json) => writeln!(out, "{}", serde_json::to_string_pretty(json)?)?,
            None => writeln!(out, "{}", printable(&self.body))?,
        }
        writeln!(out, "\n{}", self.meaning().1)?;
        Ok(())
    }

    pub(crate) fn json(&self) -> Value {
        let headers: BTreeMap<_, _> = self.headers.iter().cloned().collect();
        let body = self.body().unwrap_or_else(|| printable(&self.body).into());
        json!({"version": self.version, "status": self.status, "headers": headers, "body": body})
    }

    pub(crate) fn meaning(&self) -> (Verdict, &'static str) {
        meaning(self.status, self.body().as_ref())
    }

    /// The receiver's outcome, or its code of an error.
    pub(crate) fn outcome(&self) -> Option<String> {
        let body = self.body()?;
        let word = ["outcome", "code"].iter().find_map(|key| body.get(key)?.as_str())?;
        let is_word = word.len() <= 32 && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
        is_word.then(|| word.to_owned())
    }

    fn body(&self) -> Option<Value> {
        serde_json::from_slice(&self.body).ok()
    }
}

/// The meaning of an answer (docs/operations.md, "Answers").
fn meaning(status: u16, body: Option<&Value>) -> (Verdict, &'static str) {
    let word = |key| body.and_then(|body| body.get(key)).and_then(Value::as_str);
    match (status, word("outcome").or_else(|| word("code"))) {
        (200, Some("stored")) => (Verdict::Accepted, "Stored: the event is durable and will be published."),
        (200, Some("duplicate")) => {
            (Verdict::Accepted, "Duplicate: the event was stored before. Nothing new is stored or published.")
        }
        (200, Some("deferred")) => {
            (Verdict::Accepted, "Deferred: the event is in the spill queue, from which it will be stored.")
        }
        (200, _) => (Verdict::Accepted, "Accepted, but not with an answer of this receiver: check the URL."),
        (400, _) => (Verdict::Rejected, "Rejected: the body is not a valid callback. It is kept in quarantine."),
        (401, _) => (Verdict::Rejected, "Rejected: credentials are missing or wrong. Nothing is stored."),
        (403, Some("forbidden")) => (
            Verdict::Rejected,
            "Rejected: AllowedNetworks doesn't name the network of this machine. Nothing is stored.",
        ),
        (404, _) => (Verdict::Rejected, "Rejected: there is no callback endpoint at this path: check the URL."),
        (413, _) => (Verdict::Rejected, "Rejected: the body is too large. Nothing is stored."),
        (429, _) => (Verdict::Retry, "Retry later: API Gateway throttled the request. Nothing is stored."),
        (503, _) => (Verdict::Retry, "Retry later: neither the table nor the spill queue accepted the event."),
        (500.., _) => (Verdict::Retry, "Retry later: the receiver failed."),
        (400.., _) => (Verdict::Rejected, "Rejected."),
        (..400, _) => (Verdict::Rejected, "Not accepted: the gateway takes only 200 as success. Check the URL."),
    }
}

/// Replaces control characters, so that a body can't inject terminal escapes.
fn printable(body: &[u8]) -> String {
    String::from_utf8_lossy(body).replace(|c: char| c.is_control() && c != '\n', "\u{fffd}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, body: &str) -> Answer {
        let headers = vec![("content-type", "application/json".to_owned())];
        Answer { version: "HTTP/1.1".to_owned(), status, reason: "", headers, body: body.as_bytes().to_vec() }
    }

    #[track_caller]
    fn check(status: u16, body: &str, verdict: Verdict, beginning: &str) {
        let mut out = Vec::new();
        let answer = answer(status, body);
        answer.show(&mut out).unwrap();
        assert_eq!(answer.meaning().0, verdict);
        let out = String::from_utf8(out).unwrap();
        assert!(out.starts_with(&format!("HTTP/1.1 {status}")), "{out}");
        assert!(out.contains("\ncontent-type: application/json\n"), "{out}");
        assert!(out.lines().last().unwrap().starts_with(beginning), "{out}");
    }

    #[test]
    fn receivers_answers_have_a_meaning() {
        check(200, r#"{"id": "1", "outcome": "stored"}"#, Verdict::Accepted, "Stored");
        check(200, r#"{"id": "1", "outcome": "duplicate"}"#, Verdict::Accepted, "Duplicate");
        check(200, r#"{"id": "1", "outcome": "deferred"}"#, Verdict::Accepted, "Deferred");
        check(400, r#"{"code": "no_id"}"#, Verdict::Rejected, "Rejected: the body");
        check(401, "{}", Verdict::Rejected, "Rejected: credentials are missing or wrong");
        check(403, r#"{"code": "forbidden"}"#, Verdict::Rejected, "Rejected: AllowedNetworks doesn't name");
        check(413, "{}", Verdict::Rejected, "Rejected: the body is too large");
        check(429, r#"{"message": "Too Many Requests"}"#, Verdict::Retry, "Retry later: API Gateway throttled");
        check(503, "{}", Verdict::Retry, "Retry later: neither");
    }

    #[test]
    fn other_answers_have_a_meaning() {
        check(200, "<html>", Verdict::Accepted, "Accepted, but");
        check(200, r#"{"outcome": 1}"#, Verdict::Accepted, "Accepted, but");
        check(204, "", Verdict::Rejected, "Not accepted");
        check(302, "", Verdict::Rejected, "Not accepted");
        check(403, "", Verdict::Rejected, "Rejected.");
        check(404, r#"{"message": "Not Found"}"#, Verdict::Rejected, "Rejected: there is no callback");
        check(500, "", Verdict::Retry, "Retry later: the receiver failed");
        check(502, "", Verdict::Retry, "Retry later: the receiver failed");
    }

    #[test]
    fn outcome_is_a_word_of_the_receiver() {
        let outcome = |body: &str| answer(200, body).outcome();
        assert_eq!(outcome(r#"{"id": "1", "outcome": "stored"}"#).as_deref(), Some("stored"));
        assert_eq!(outcome(r#"{"code": "not_json"}"#).as_deref(), Some("not_json"));
        for body in ["", "[]", r#"{"code": 1}"#, r#"{"outcome": "Two words"}"#, r#"{"message": "Forbidden"}"#] {
            assert_eq!(outcome(body), None, "{body}");
        }
    }

    #[test]
    fn body_cannot_inject_terminal_escapes() {
        assert_eq!(printable(b"a\x1b[2J\nb\xff"), "a\u{fffd}[2J\nb\u{fffd}");
    }
}
