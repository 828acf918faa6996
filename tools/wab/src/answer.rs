//! What came back of a callback that `wab send` posted: how it is shown, what it means, and what the
//! command exits with.

use std::io::Write;

use serde_json::Value;

/// Headers that say something about the answer. Others are left out.
pub(crate) const SHOWN_HEADERS: [&str; 3] = ["content-type", "retry-after", "www-authenticate"];

/// The receiver's answer.
pub(crate) struct Answer {
    /// The protocol's version, such as `HTTP/1.1`.
    pub(crate) version: String,
    /// The status code.
    pub(crate) status: u16,
    /// The status code's usual name, which may be empty.
    pub(crate) reason: &'static str,
    /// Those of [`SHOWN_HEADERS`] that are there.
    pub(crate) headers: Vec<(&'static str, String)>,
    /// The body, or its beginning.
    pub(crate) body: Vec<u8>,
}

/// What an answer is to the one who sent the callback. Each has its exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// 200: the only answer that the gateway takes as success.
    Accepted,
    /// The same callback will be refused again.
    Refused,
    /// The same callback may be taken later.
    NotNow,
}

impl Verdict {
    pub(crate) fn exit_code(self) -> u8 {
        match self {
            Self::Accepted => 0,
            Self::Refused => 1,
            Self::NotNow => 3,
        }
    }
}

impl Answer {
    /// Shows the answer, and what it means as the last line.
    pub(crate) fn show(&self, out: &mut impl Write) -> anyhow::Result<Verdict> {
        let json: Option<Value> = serde_json::from_slice(&self.body).ok();
        writeln!(out, "{} {} {}", self.version, self.status, self.reason)?;
        for (name, value) in &self.headers {
            writeln!(out, "{name}: {value}")?;
        }
        match &json {
            Some(json) => writeln!(out, "{}", serde_json::to_string_pretty(json)?)?,
            None => writeln!(out, "{}", printable(&self.body))?,
        }
        let (verdict, meaning) = meaning(self.status, json.as_ref());
        writeln!(out, "\n{meaning}")?;
        Ok(verdict)
    }
}

/// What an answer means (docs/operations.md, "Answers").
fn meaning(status: u16, body: Option<&Value>) -> (Verdict, &'static str) {
    let outcome = body.and_then(|body| body.get("outcome")).and_then(Value::as_str);
    match (status, outcome) {
        (200, Some("stored")) => (Verdict::Accepted, "Stored: the event is kept, and will be published."),
        (200, Some("duplicate")) => (Verdict::Accepted, "Duplicate: stored before; nothing new is kept or published."),
        (200, Some("deferred")) => (Verdict::Accepted, "Deferred: kept in the spill queue, and stored from there."),
        (200, _) => (Verdict::Accepted, "Accepted, but not in this receiver's words: is it the right URL?"),
        (400, _) => (Verdict::Refused, "Refused: the body is no callback that can be read; it is kept in quarantine."),
        (401, _) => (Verdict::Refused, "Refused: no or wrong credentials; nothing is kept."),
        (404, _) => (Verdict::Refused, "Refused: no callback is taken at this path."),
        (413, _) => (Verdict::Refused, "Refused: larger than the receiver takes; nothing is kept."),
        (429, _) => (Verdict::NotNow, "Not now: throttled before the receiver; nothing is kept. Send it again."),
        (503, _) => (Verdict::NotNow, "Not now: nothing durable took the callback. Send it again."),
        (500.., _) => (Verdict::NotNow, "Not now: the receiver failed. Send it again."),
        (400.., _) => (Verdict::Refused, "Refused."),
        (..400, _) => (Verdict::Refused, "Not accepted: only 200 is success to the gateway. Is it the right URL?"),
    }
}

/// Text that does nothing to a terminal.
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
        assert_eq!(answer(status, body).show(&mut out).unwrap(), verdict);
        let out = String::from_utf8(out).unwrap();
        assert!(out.starts_with(&format!("HTTP/1.1 {status}")), "{out}");
        assert!(out.contains("\ncontent-type: application/json\n"), "{out}");
        assert!(out.lines().last().unwrap().starts_with(beginning), "{out}");
    }

    #[test]
    fn every_answer_of_the_receiver_has_a_meaning() {
        check(200, r#"{"id": "1", "outcome": "stored"}"#, Verdict::Accepted, "Stored");
        check(200, r#"{"id": "1", "outcome": "duplicate"}"#, Verdict::Accepted, "Duplicate");
        check(200, r#"{"id": "1", "outcome": "deferred"}"#, Verdict::Accepted, "Deferred");
        check(400, r#"{"code": "no_id"}"#, Verdict::Refused, "Refused: the body");
        check(401, "{}", Verdict::Refused, "Refused: no or wrong credentials");
        check(413, "{}", Verdict::Refused, "Refused: larger");
        check(429, r#"{"message": "Too Many Requests"}"#, Verdict::NotNow, "Not now: throttled");
        check(503, "{}", Verdict::NotNow, "Not now: nothing durable");
    }

    #[test]
    fn answers_of_others_have_one_too() {
        check(200, "<html>", Verdict::Accepted, "Accepted, but");
        check(200, r#"{"outcome": 1}"#, Verdict::Accepted, "Accepted, but");
        check(204, "", Verdict::Refused, "Not accepted");
        check(302, "", Verdict::Refused, "Not accepted");
        check(403, "", Verdict::Refused, "Refused.");
        check(404, r#"{"message": "Not Found"}"#, Verdict::Refused, "Refused: no callback");
        check(500, "", Verdict::NotNow, "Not now: the receiver failed");
        check(502, "", Verdict::NotNow, "Not now: the receiver failed");
    }

    #[test]
    fn a_body_can_not_drive_the_terminal() {
        assert_eq!(printable(b"a\x1b[2J\nb\xff"), "a\u{fffd}[2J\nb\u{fffd}");
    }
}
