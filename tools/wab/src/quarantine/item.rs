//! A quarantined item, and the id by which commands name it.
//!
//! The id is the time of arrival and the first digits of the body's checksum. Both are in the item's key, so it is found
//! without a scan. It holds nothing of the body.

use anyhow::Context;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use serde::Serialize;
use wab_events::Kind;
use wab_models::{CallbackError, DlrCallback, Key, MoCallback, Quarantined, QuarantinedBody, utf8};

use crate::stack::{Meter, Object, Stack};

/// The digits of the checksum in an id.
const DIGITS: usize = 12;

/// An item, as lists show it.
#[derive(Clone, Serialize)]
pub(super) struct Row {
    pub(super) id: String,
    /// The callback that was expected.
    pub(super) kind: Kind,
    pub(super) since: Option<Timestamp>,
    /// The user name of the credentials.
    pub(super) application: String,
    pub(super) bytes: usize,
    pub(super) reason: String,
    /// When the table may delete it.
    pub(super) expires_at: Option<Timestamp>,
}

impl Row {
    pub(super) fn of(item: &Quarantined<'_>) -> Self {
        Self {
            id: id_of(&item.key),
            kind: item.kind,
            since: item.received_at.as_str().parse().ok(),
            application: item.application.to_string(),
            bytes: match &item.body {
                QuarantinedBody::Text(text) => text.len(),
                QuarantinedBody::Base64(text) => STANDARD.decode(text).map_or(0, |bytes| bytes.len()),
                QuarantinedBody::Object(object) => object.body_bytes,
                QuarantinedBody::NotKept { body_bytes } => *body_bytes,
            },
            reason: item.reason.to_string(),
            expires_at: Timestamp::from_second(item.expires_at).ok(),
        }
    }
}

/// `2026-11-23T09:15:02.417Z-0123456789ab`, from the sort key `<received_at>#<SHA-256 of the body>`.
fn id_of(key: &Key) -> String {
    match key.sk.split_once('#') {
        Some((at, checksum)) => format!("{at}-{}", checksum.get(..DIGITS).unwrap_or(checksum)),
        None => key.sk.clone(),
    }
}

/// The date and the beginning of the sort key of an item with this id.
fn parse(id: &str) -> Option<(&str, String)> {
    let (at, digits) = id.rsplit_once('-')?;
    at.parse::<Timestamp>().ok()?;
    let is_checksum = digits.len() == DIGITS && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    Some((at.get(..10)?, format!("{at}#{digits}"))).filter(|_| is_checksum)
}

/// Looks up the item with this id.
///
/// # Errors
/// If the id has another form, or a call to AWS fails.
pub(super) async fn find(stack: &Stack, id: &str) -> anyhow::Result<Option<Quarantined<'static>>> {
    let form = || format!("{id} is no id of a quarantined body: `wab quarantine list` shows the ids");
    let (date, sk) = parse(id).with_context(form)?;
    let items = stack.table.quarantined_as(date, &sk).await?;
    Ok(items.into_iter().next().and_then(read))
}

/// None for an item of a layout that this version can't read.
pub(crate) fn read(item: serde_dynamo::Item) -> Option<Quarantined<'static>> {
    serde_dynamo::from_item(item).ok()
}

/// The body as it was received. None if it isn't kept, or the bucket no longer has it.
pub(crate) async fn body(stack: &Stack, item: &Quarantined<'_>) -> anyhow::Result<Option<Vec<u8>>> {
    Ok(match &item.body {
        QuarantinedBody::Text(text) => Some(text.as_bytes().to_vec()),
        QuarantinedBody::Base64(text) => Some(STANDARD.decode(text).context("the item's body is not base64")?),
        QuarantinedBody::Object(object) => match stack.bucket.get(&object.body_key, &Meter::default()).await? {
            Object::Found(bytes) => Some(bytes),
            Object::Gone => None,
        },
        QuarantinedBody::NotKept { .. } => None,
    })
}

/// Why an item has no body.
pub(super) fn no_body(item: &Quarantined<'_>) -> &'static str {
    match item.body {
        QuarantinedBody::NotKept { .. } => "its content isn't kept: the stack was deployed with Content=none",
        QuarantinedBody::Text(_) | QuarantinedBody::Base64(_) | QuarantinedBody::Object(_) => {
            "the bucket no longer has it"
        }
    }
}

/// Whether a body is a callback of this kind, as the receiver decides it.
pub(super) fn check(kind: Kind, body: &[u8]) -> Result<(), CallbackError> {
    let text = utf8(body)?;
    match kind {
        Kind::Mo => MoCallback::parse(text).map(|_| ()),
        Kind::Dlr => DlrCallback::parse(text).map(|_| ()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn id_leads_to_the_key() {
        let key = Key {
            pk: "QUARANTINE#2026-11-23".to_owned(),
            sk: format!("2026-11-23T09:15:02.417Z#0123456789ab{}", "c".repeat(52)),
        };
        let id = id_of(&key);
        assert_eq!(id, "2026-11-23T09:15:02.417Z-0123456789ab");
        let (date, sk) = parse(&id).unwrap();
        assert!(key.pk.ends_with(date) && key.sk.starts_with(&sk), "{date} {sk}");
    }

    #[test]
    fn other_words_are_no_ids() {
        for id in
            ["", "7c1f", "2026-11-23", "2026-11-23T09:15:02.417Z-", "x-0123456789ab", "2026-11-23T09:15:02.417Z-0123"]
        {
            assert!(parse(id).is_none(), "{id}");
        }
    }

    #[test]
    fn body_is_checked_as_the_receiver_does() {
        assert!(check(Kind::Mo, br#"{"id": "7c1f"}"#).is_ok());
        assert!(check(Kind::Dlr, br#"{"id": "7c1f"}"#).is_err() && check(Kind::Mo, b"\xff").is_err());
    }
}
