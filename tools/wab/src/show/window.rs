//! What was received in a range of time, one line each.

use std::collections::BTreeMap;

use comfy_table::Table;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::Serialize;
use serde_dynamo::AttributeValue;
use wab_events::Kind;
use wab_models::{Key, kind_and_id};

use super::shown_time;
use crate::mask::{Mask, printable};
use crate::stack::{Meter, Stack};
use crate::style;
use crate::window::Window as Range;

/// What to list.
#[derive(Debug)]
pub(super) struct Window {
    pub(super) from: Timestamp,
    pub(super) to: Timestamp,
    pub(super) kind: Option<Kind>,
    pub(super) limit: usize,
}

/// The first rows of a range, oldest first.
#[derive(Serialize)]
pub(super) struct List {
    pub(super) rows: Vec<Row>,
    /// The number of rows in the range, shown or not.
    pub(super) total: u64,
    /// Where the rest begins; none if everything is shown.
    pub(super) next: Option<Timestamp>,
}

#[derive(Clone, Serialize)]
pub(super) struct Row {
    received_at: Option<Timestamp>,
    /// `mo`, `dlr`, `quarantined`, or `other` for an item that this project doesn't write.
    kind: &'static str,
    /// The type of a message, the status of a receipt, the reason of a quarantined body.
    what: String,
    contact: Option<String>,
    destination: Option<String>,
    reference: Option<String>,
    application: Option<String>,
    id: Option<String>,
    event_id: Option<String>,
}

impl Row {
    /// Reads a row from an item of any layout.
    fn of(item: &serde_dynamo::Item, mask: Mask) -> Option<Self> {
        let text = |name: &str| match item.get(name) {
            Some(AttributeValue::S(text)) => Some(text.as_str()),
            _ => None,
        };
        let key: Key = Key { pk: text("pk")?.to_owned(), sk: text("sk")?.to_owned() };
        let contact = |name| text(name).map(|contact| mask.contact(contact).into_owned());
        let (kind, what, id) = match kind_and_id(&key.pk) {
            Some((Kind::Mo, id)) => ("mo", text("type").map_or_else(|| binary(item), str::to_owned), Some(id)),
            Some((Kind::Dlr, id)) => ("dlr", text("status").unwrap_or(&key.sk).to_owned(), Some(id)),
            None if key.pk.starts_with("QUARANTINE#") => {
                ("quarantined", format!("{}: {}", text("kind").unwrap_or("?"), text("reason").unwrap_or("?")), None)
            }
            None => ("other", String::new(), None),
        };
        Some(Self {
            received_at: text("received_at").and_then(|at| at.parse().ok()),
            kind,
            what,
            contact: contact("source"),
            destination: contact("destination"),
            reference: text("reference").map(|reference| mask.id(reference).into_owned()),
            application: text("application").map(str::to_owned),
            event_id: id.map(|_| key.event_id()),
            id: id.map(|id| mask.id(id).into_owned()),
        })
    }
}

fn binary(item: &serde_dynamo::Item) -> String {
    if item.contains_key("binary") { "(binary)".to_owned() } else { "(no type)".to_owned() }
}

/// Reads the whole table, and keeps the first rows of the range. A scan has no order, so all of it is read before the
/// first row is known.
pub(super) async fn gather(
    stack: &Stack,
    window: &Window,
    mask: Mask,
    progress: &mut dyn FnMut(u64),
    meter: &Meter,
) -> anyhow::Result<List> {
    let (from, to) = Range { from: window.from, to: window.to }.bounds();
    let mut first: BTreeMap<(String, String, String), Row> = BTreeMap::new();
    let mut total = 0;
    let mut start = None;
    // The first row that is left out.
    let mut left: Option<Timestamp> = None;
    loop {
        let (items, next) = stack.table.heads(&from, &to, start, meter).await?;
        for item in &items {
            let Some(row) = Row::of(item, mask) else { continue };
            if window.kind.is_some_and(|kind| kind.as_str() != row.kind) {
                continue;
            }
            total += 1;
            first.insert(place(item), row);
            if first.len() > window.limit
                && let Some((_, row)) = first.pop_last()
            {
                left = [left, row.received_at].into_iter().flatten().min();
            }
        }
        progress(total);
        start = next;
        if start.is_none() {
            break;
        }
    }
    let mut rows: Vec<Row> = first.into_values().collect();
    // The next page begins at a point in time, so that one is never cut in two.
    if let Some(left) = left
        && rows.first().is_some_and(|row| row.received_at != Some(left))
    {
        rows.retain(|row| row.received_at != Some(left));
    }
    Ok(List { rows, total, next: left })
}

/// The order of rows: by time, then by key.
fn place(item: &serde_dynamo::Item) -> (String, String, String) {
    let text = |name: &str| match item.get(name) {
        Some(AttributeValue::S(text)) => text.clone(),
        _ => String::new(),
    };
    (text("received_at"), text("pk"), text("sk"))
}

pub(super) fn table(list: &List, zone: &TimeZone, width: Option<u16>) -> Table {
    let mut table = style::table(["time", "kind", "what", "contact", "reference", "id", "event"], width);
    for row in &list.rows {
        let contact = match (&row.contact, &row.destination) {
            (Some(contact), Some(destination)) => format!("{contact} → {destination}"),
            (contact, destination) => contact.clone().or_else(|| destination.clone()).unwrap_or_default(),
        };
        let text = |text: &Option<String>| printable(text.as_deref().unwrap_or_default()).into_owned();
        table.add_row([
            shown_time(row.received_at, zone),
            row.kind.to_owned(),
            printable(&row.what).into_owned(),
            printable(&contact).into_owned(),
            text(&row.reference),
            text(&row.id),
            text(&row.event_id),
        ]);
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(golden: &str, mask: Mask) -> Row {
        let item: serde_json::Value = serde_json::from_str(golden).unwrap();
        Row::of(&serde_dynamo::to_item(item).unwrap(), mask).unwrap()
    }

    #[test]
    fn every_layout_has_a_row() {
        let mo = row(include_str!("../../../../shared/models/golden/item-v1-mo.json"), Mask::default());
        assert_eq!(
            (mo.kind, &*mo.what, mo.contact.as_deref(), mo.id.as_deref()),
            ("mo", "text", Some("+64…01"), Some("7c1f"))
        );
        assert_eq!(mo.event_id.as_deref(), Some("2261d224ea3b4a40860397f823cb7d66"));
        let object = row(include_str!("../../../../shared/models/golden/item-v2-mo-object.json"), Mask::OFF);
        assert_eq!((object.kind, object.contact.as_deref()), ("mo", Some("+6421000001")));
        let content_free = row(include_str!("../../../../shared/models/golden/item-v3-mo.json"), Mask::default());
        assert_eq!((&*content_free.what, content_free.destination.as_deref()), ("text", Some("64…02")));
        assert!(content_free.contact.unwrap().starts_with("hmac:"));
        let dlr = row(include_str!("../../../../shared/models/golden/item-v1-dlr.json"), Mask::default());
        assert_eq!((dlr.kind, &*dlr.what, dlr.reference.as_deref()), ("dlr", "received", Some("order-17")));
        let quarantined =
            row(include_str!("../../../../shared/models/golden/quarantined-v1-text.json"), Mask::default());
        assert_eq!((quarantined.kind, quarantined.event_id), ("quarantined", None));
        assert_eq!(quarantined.what, "mo: the body is not JSON: line 1, column 1");
        let other = row(r#"{"pk":"LOCK","sk":"1","v":7}"#, Mask::default());
        assert_eq!((other.kind, other.received_at), ("other", None));
    }
}
