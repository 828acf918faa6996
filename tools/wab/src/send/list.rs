//! `wab send --list`: what can be sent.

use std::io::Write;

use clap::ValueEnum;
use serde::Serialize;
use wab_events::DeliveryStatus;

use super::scenario::Scenario;
use crate::samples::{MessageType, about_status};

#[derive(Serialize)]
pub(crate) struct Entry {
    pub(crate) kind: &'static str,
    /// The message's type, the receipt's status, or the scenario's name.
    pub(crate) name: String,
    about: String,
}

pub(super) fn show(json: bool, out: &mut impl Write) -> anyhow::Result<()> {
    if json {
        writeln!(out, "{}", serde_json::to_string_pretty(&entries())?)?;
        return Ok(());
    }
    for Entry { kind, name, about } in entries() {
        writeln!(out, "{kind:<9} {name:<16} {about}")?;
    }
    writeln!(out, "\nA receipt may have any other status.")?;
    Ok(())
}

pub(crate) fn entries() -> Vec<Entry> {
    let named = |kind, value: Option<clap::builder::PossibleValue>| {
        let value = value?;
        let about = value.get_help().map(ToString::to_string).unwrap_or_default();
        Some(Entry { kind, name: value.get_name().to_owned(), about })
    };
    let messages = MessageType::value_variants().iter().filter_map(|value| named("mo", value.to_possible_value()));
    let receipts = DeliveryStatus::KNOWN.iter().map(|status| Entry {
        kind: "dlr",
        name: status.as_str().to_owned(),
        about: about_status(status).to_owned(),
    });
    let scenarios = Scenario::value_variants().iter().filter_map(|value| named("scenario", value.to_possible_value()));
    messages.chain(receipts).chain(scenarios).collect()
}
