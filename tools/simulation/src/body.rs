//! The bodies that the gateway sends. Every value is marked, so that logs and errors can be searched for it.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use wab_marked::{NUMBER, WORD};
use wab_models::{Digest, Item, MAX_ITEM_BYTES, MoCallback, Received, ReceivedAt};

use crate::plan::{Callback, Form, Shape};
use crate::stack::USER;

/// Statuses of receipts: all documented ones, an undocumented one, and one with the separator of sort keys.
const STATUSES: [&str; 14] = [
    "accepted",
    "queued",
    "submitted",
    "sent",
    "received",
    "blocked",
    "deficient",
    "frozen",
    "rejected",
    "failed",
    "dead",
    "expired",
    "read",
    "sent#x",
];

/// A sent body, and what must be stored and published for it.
#[derive(Debug, Clone)]
pub(crate) struct Sent {
    /// The key under which it is stored, unless it is a variant. None if it is not a callback.
    pub(crate) key: Option<(String, String)>,
    /// The digest of the body, independent of its layout. Keyed if the stack keeps no content.
    pub(crate) digest: Digest,
    /// The part of the body that a published event with data must contain verbatim, unless the stack keeps no content.
    pub(crate) verbatim: Option<String>,
    /// Whether it fits the table without the bucket.
    pub(crate) fits_the_table: bool,
}

/// Sent bodies by their bytes.
pub(crate) type Bodies = BTreeMap<Vec<u8>, Sent>;

/// The body of a callback, sent to a stack that keeps content or doesn't.
pub(crate) fn of(callback: &Callback, content_free: bool) -> (Vec<u8>, Sent) {
    let (body, key, verbatim, fits_the_table) = match callback.form {
        Form::Mo(shape) => mo(callback, shape),
        Form::Dlr(word) => dlr(callback, word),
        Form::Malformed(which) => (malformed(callback, which), None, None, true),
    };
    let text = String::from_utf8_lossy(&body);
    let digest = if content_free { crate::content_free::key().digest(&text) } else { Digest::of(&text) };
    (body, Sent { key, digest, verbatim, fits_the_table: fits_the_table || content_free })
}

/// A body, its key, its verbatim part, and whether it fits the table.
type Made = (Vec<u8>, Option<(String, String)>, Option<String>, bool);

fn mo(callback: &Callback, shape: Shape) -> Made {
    let Callback { message, edition, .. } = *callback;
    // Each shape has its own ids. Otherwise every second callback would be a variant of another one.
    let id = match shape {
        Shape::NumericId => format!("{NUMBER}{message}"),
        _ => format!("{WORD}-{shape:?}-{message}"),
    };
    let id_raw = if shape == Shape::NumericId { id.clone() } else { format!("\"{id}\"") };
    let id_name = if shape == Shape::NoContent { "message_id" } else { "id" };
    let content = content(shape, edition);
    let mut members = vec![
        (id_name, id_raw),
        ("source", format!("\"+{NUMBER}\"")),
        ("Destination", format!("\"{NUMBER}1\"")),
        ("reference", format!("\"{WORD}-ref-{message}\"")),
        ("brand", format!("\"{edition}\"")),
    ];
    members.extend(content.iter().map(|content| ("content", content.clone())));
    if matches!(shape, Shape::Binary | Shape::LargeBinary | Shape::BinaryAtTheLimit) {
        members.push(("encoding", "\"base64\"".to_owned()));
    }
    if shape == Shape::BinaryAtTheLimit {
        let missing = MAX_ITEM_BYTES.saturating_sub(40 + item_bytes(&object(&members, callback.rearranged)));
        members.push(("operator", format!("\"{}\"", "x".repeat(missing.saturating_sub("\"operator\":\"\",".len())))));
    }
    let body = object(&members, callback.rearranged);
    let verbatim = match shape {
        // SNS rejects these two characters, so they are published as escapes.
        Shape::Noncharacters => None,
        _ => content,
    };
    let fits_the_table = body.len() < MAX_ITEM_BYTES - 1_000 || shape == Shape::BinaryAtTheLimit;
    (body.into_bytes(), Some((format!("MO#{id}"), "EVENT".to_owned())), verbatim, fits_the_table)
}

fn item_bytes(body: &str) -> usize {
    let Ok(callback) = MoCallback::parse(body) else { return 0 };
    let at = ReceivedAt::from_epoch_ms(1_767_571_200_000);
    Item::mo(&callback, Received { body, application: USER, at, expires_at: 1_767_571_200 }).size_bytes()
}

fn content(shape: Shape, edition: u8) -> Option<String> {
    let text = |body: &str| {
        format!(
            r#"{{"from":"{NUMBER}","id":"wamid.{WORD}==","timestamp":"1767571200","type":"text","profile":{{"name":"{WORD} Ana"}},"text":{{"body":"{WORD} {body} {edition}"}}}}"#
        )
    };
    Some(match shape {
        Shape::NoContent => return None,
        Shape::Text | Shape::NumericId => text("Kia ora"),
        Shape::Image => format!(
            r#"{{"type":"image","from":"{NUMBER}","image":{{"id":"{edition}","mime_type":"image/jpeg","sha256":"{WORD}","caption":"{WORD}"}}}}"#
        ),
        Shape::UnknownType => format!(r#"{{"type":"hologram","hologram":["{WORD}",{edition},null,1.50]}}"#),
        Shape::Noncharacters => text("\u{fffe}\u{ffff}\u{200d}"),
        Shape::LoneSurrogate => text(r"half \ud83d of a pair \u0000"),
        Shape::Deep => format!(r#"{{"type":"text","x":{}"{WORD}{edition}"{}}}"#, "[".repeat(200), "]".repeat(200)),
        Shape::DoubleKey => format!(r#"{{"type":"text","text":{{"body":"{WORD}"}},"text":{{"body":"{edition}"}}}}"#),
        Shape::Binary => format!("\"{}\"", STANDARD.encode(format!("GIF89a{WORD}{edition}"))),
        Shape::LargeBinary => format!("\"{}\"", STANDARD.encode(format!("{WORD}{edition}").repeat(1_500))),
        Shape::BinaryAtTheLimit => format!("\"{}\"", STANDARD.encode(format!("{WORD}{edition}").repeat(43_000))),
        Shape::Large => text(&"a long text, ".repeat(700)),
        Shape::Huge => text(&"a very long text, ".repeat(17_000)),
        Shape::Giant => text(&"a text beyond all measure, ".repeat(18_000)),
    })
}

fn dlr(callback: &Callback, word: u8) -> Made {
    let Callback { message, edition, .. } = *callback;
    let status = STATUSES[usize::from(word) % STATUSES.len()];
    let id = format!("{WORD}-sent-{}", message % 3);
    let mut members = vec![
        ("id", format!("\"{id}\"")),
        ("status", format!("\"{status}\"")),
        ("reference", format!("\"{WORD}-order-{}\"", message % 3)),
    ];
    let detail = (edition > 0).then(|| format!("\"{WORD} {edition}\""));
    members.extend(detail.iter().map(|detail| ("detail", detail.clone())));
    let key = (format!("DLR#{id}"), status.to_owned());
    (object(&members, callback.rearranged).into_bytes(), Some(key), detail, true)
}

fn malformed(callback: &Callback, which: u8) -> Vec<u8> {
    let Callback { message, edition, .. } = *callback;
    match which {
        0 => format!("{WORD}{message}{edition}").into_bytes(),
        1 => format!("[\"{WORD}{message}{edition}\"]").into_bytes(),
        2 => format!("{{\"id\":\"{WORD}{message}{edition}").into_bytes(),
        3 => format!("{{\"source\":\"{WORD}{message}{edition}\"}}").into_bytes(),
        4 => [format!("{{\"id\":\"{WORD}{message}{edition}").as_bytes(), b"\xff\"}"].concat(),
        _ => format!("{{\"id\":\"{WORD}{message}{edition}{}\"}}", "x".repeat(9_000)).into_bytes(),
    }
}

fn object(members: &[(&str, String)], rearranged: bool) -> String {
    let mut members: Vec<String> = members.iter().map(|(name, raw)| format!("\"{name}\":{raw}")).collect();
    if rearranged {
        members.reverse();
    }
    format!("{{{}}}", members.join(if rearranged { " , " } else { "," }))
}
