//! The load: the callbacks of one fault, generated from a seed. All their values are marked. Pure.

use std::ops::Range;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use fastrand::Rng;
use serde_json::{Value, json};
use wab_events::Kind;
use wab_marked::{NAME, WORD};
use wab_models::Digest;

use crate::account::Key;

const STATUSES: [&str; 6] = ["submitted", "sent", "received", "rejected", "expired", "frozen"];
const WORDS: [&str; 12] =
    ["kia", "ora", "moana", "aroha", "whenua", "rangi", "waka", "tūī", "koru", "pounamu", "haka", "👋🏽"];

#[derive(Debug, Clone)]
pub(crate) struct Callback {
    pub(crate) kind: Kind,
    pub(crate) body: Bytes,
    /// None if it is malformed on purpose.
    pub(crate) event: Option<Named>,
}

/// The event of a well-formed callback.
#[derive(Debug, Clone)]
pub(crate) struct Named {
    pub(crate) key: Key,
    pub(crate) digest: Digest,
    /// The body's `reference`, unique in the run.
    pub(crate) marker: String,
}

/// A body before it is serialized.
#[derive(Debug, Clone)]
struct Draft {
    kind: Kind,
    key: Key,
    body: Value,
    marker: String,
}

/// Generates `count` callbacks whose ids begin with `prefix`, as many MOs as receipts. One in ten repeats an earlier
/// callback, often a recent one, some in another layout and a few with another body. One in fifty is malformed.
pub(crate) fn plan(prefix: &str, count: usize, seed: u64) -> Vec<Callback> {
    let mut maker = Maker { prefix, random: Rng::with_seed(seed), receipts: Vec::new(), made: Vec::new() };
    (0..count).map(|number| maker.callback(number)).collect()
}

struct Maker<'a> {
    prefix: &'a str,
    random: Rng,
    /// Receipts still to be sent: message id and status.
    receipts: Vec<(String, &'static str)>,
    made: Vec<Draft>,
}

impl Maker<'_> {
    fn callback(&mut self, number: usize) -> Callback {
        match self.random.u8(..100) {
            0..10 if !self.made.is_empty() => self.repeat(number),
            10..12 => self.malformed(number),
            _ => {
                let draft = if self.random.bool() { self.mo(number) } else { self.dlr(number) };
                let callback = write(&draft, Value::to_string);
                self.made.push(draft);
                callback
            }
        }
    }

    fn repeat(&mut self, number: usize) -> Callback {
        // Half of them repeat one of the last eight callbacks, which may still be in progress.
        let reach = if self.random.bool() { 8 } else { self.made.len() };
        let back = self.random.usize(..reach.min(self.made.len()));
        let Some(mut draft) = self.made.iter().nth_back(back).cloned() else { return self.malformed(number) };
        match self.random.u8(..10) {
            0..6 => write(&draft, Value::to_string),
            6..8 => write(&draft, |body| format!("\n{body:#}\n")),
            _ => {
                draft.marker = format!("{}-v", self.marker(number));
                if let Some(body) = draft.body.as_object_mut() {
                    body.insert("reference".to_owned(), draft.marker.clone().into());
                }
                write(&draft, Value::to_string)
            }
        }
    }

    fn mo(&mut self, number: usize) -> Draft {
        let (id, marker) = (self.id("mo", number), self.marker(number));
        let source = format!("+{}", wab_marked::number(&format!("{:05}", self.random.u32(..100_000))));
        let content = match self.random.u8(..100) {
            0..80 => Some(4..600),
            80..86 => None,
            86..94 => Some(20_000..20_001),
            94..98 => Some(100_000..100_001),
            _ => Some(300_000..900_000),
        };
        let body = match content {
            Some(bytes) => json!({
                "id": id,
                "source": source,
                "Destination": wab_marked::number("02"),
                "reference": marker,
                "content": self.text(bytes),
            }),
            None => json!({
                "id": id,
                "source": source,
                "Destination": wab_marked::number("02"),
                "reference": marker,
                "encoding": "base64",
                "content": self.base64(),
            }),
        };
        Draft { kind: Kind::Mo, key: Key::mo(&id), body, marker }
    }

    fn base64(&mut self) -> String {
        let bytes: Vec<u8> = (0..self.random.usize(100..3_000)).map(|_| self.random.u8(..)).collect();
        STANDARD.encode(bytes)
    }

    fn text(&mut self, bytes: Range<usize>) -> Value {
        let bytes = self.random.usize(bytes);
        let mut text = format!("{WORD} ");
        while text.len() < bytes {
            text.push_str(self.random.choice(WORDS).unwrap_or_default());
            text.push(' ');
        }
        json!({
            "from": wab_marked::number("01"),
            "id": wab_marked::wamid(&format!("{:016X}", self.random.u64(..))),
            "timestamp": "1763889302",
            "profile": {"name": wab_marked::text("Ana")},
            "type": "text",
            "text": {"body": text},
        })
    }

    fn dlr(&mut self, number: usize) -> Draft {
        if self.receipts.len() < 12 {
            let id = self.id("dlr", number);
            let statuses = self.random.choose_multiple(STATUSES, self.random.clone().usize(1..=4));
            self.receipts.extend(statuses.into_iter().map(|status| (id.clone(), status)));
        }
        let at = self.random.usize(..self.receipts.len());
        let (id, status) = self.receipts.swap_remove(at);
        let marker = self.marker(number);
        let body = json!({"id": id, "status": status, "reference": marker});
        Draft { kind: Kind::Dlr, key: Key::dlr(&id, status), body, marker }
    }

    fn malformed(&mut self, number: usize) -> Callback {
        let id = self.id("malformed", number);
        let (kind, body) = match self.random.u8(..5) {
            0 => (Kind::Mo, format!(r#"{{"id": "{id}", "content": {{"type": "{WORD}"#)),
            1 => (Kind::Mo, format!(r#"["{id} {WORD}"]"#)),
            2 => (Kind::Mo, format!(r#"{{"source": "{id}", "content": {{}}}}"#)),
            3 => (Kind::Dlr, format!(r#"{{"id": "{id}", "reference": "no status"}}"#)),
            _ => (Kind::Dlr, format!("id={id}&status=sent")),
        };
        Callback { kind, body: body.into(), event: None }
    }

    fn id(&self, what: &str, number: usize) -> String {
        format!("{}{what}-{number}-{NAME}", self.prefix)
    }

    fn marker(&self, number: usize) -> String {
        format!("{}body-{number}-{NAME}", self.prefix)
    }
}

fn write(draft: &Draft, layout: impl FnOnce(&Value) -> String) -> Callback {
    let body = layout(&draft.body);
    let named = Named { key: draft.key.clone(), digest: Digest::of(&body), marker: draft.marker.clone() };
    Callback { kind: draft.kind, body: body.into(), event: Some(named) }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use wab_models::{DlrCallback, MoCallback};

    use super::*;

    #[test]
    fn same_seed_gives_same_callbacks() {
        let bodies = |seed| plan("a-", 50, seed).into_iter().map(|callback| callback.body).collect::<Vec<_>>();
        assert_eq!(bodies(1), bodies(1));
        assert_ne!(bodies(1), bodies(2));
    }

    #[test]
    fn load_is_mixed_as_documented() {
        let load = plan("a-", 1_000, 7);
        let share = |of: &dyn Fn(&Callback) -> bool| load.iter().filter(|callback| of(callback)).count();
        let malformed = share(&|callback| callback.event.is_none());
        let large = share(&|callback| callback.body.len() > 90_000);
        let mo = share(&|callback| callback.kind == Kind::Mo);
        assert!((8..40).contains(&malformed), "{malformed}");
        assert!((12..60).contains(&large), "{large}");
        assert!((400..600).contains(&mo), "{mo}");

        let mut seen = BTreeSet::new();
        let mut bodies: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
        let mut repeats = 0;
        for named in load.iter().filter_map(|callback| callback.event.as_ref()) {
            let new = seen.insert(named.key.clone());
            bodies.entry(named.key.clone()).or_default().insert(named.digest.as_str().to_owned());
            repeats += usize::from(!new);
        }
        assert!((70..130).contains(&repeats), "{repeats}");
        assert!(bodies.values().any(|bodies| bodies.len() > 1));
    }

    #[test]
    fn only_malformed_callbacks_fail_to_parse() {
        for callback in plan("a-", 300, 3) {
            let body = std::str::from_utf8(&callback.body).unwrap();
            let readable = match callback.kind {
                Kind::Mo => MoCallback::parse(body).is_ok(),
                Kind::Dlr => DlrCallback::parse(body).is_ok(),
            };
            assert_eq!(readable, callback.event.is_some(), "{body}");
        }
    }

    #[test]
    fn each_body_has_its_own_marker() {
        let mut digests = BTreeMap::new();
        for named in plan("a-", 500, 5).into_iter().filter_map(|callback| callback.event) {
            let digest = named.digest.as_str().to_owned();
            assert_eq!(digests.entry(named.marker).or_insert_with(|| digest.clone()), &digest);
        }
    }
}
