//! Labelled values, masked as they are added. Pure.

use jiff::Timestamp;
use serde::Serialize;
use wab_events::message::{Decimal, Id};

use crate::mask::Mask;

/// A value with its label, ready to be shown.
#[derive(Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Detail {
    pub(crate) label: String,
    /// A time is in UTC.
    pub(crate) value: String,
    /// The value, if it is a time.
    #[serde(skip)]
    pub(crate) at: Option<Timestamp>,
}

impl Detail {
    pub(super) fn new(label: String, value: String) -> Self {
        Self { label, value, at: None }
    }
}

/// Collects details. Each method adds a value of one class of privacy, if there is a value.
pub(super) struct Details {
    pub(super) mask: Mask,
    prefix: String,
    list: Vec<Detail>,
}

impl Details {
    pub(super) fn new(mask: Mask) -> Self {
        Self { mask, prefix: String::new(), list: Vec::new() }
    }

    pub(super) fn into_list(self) -> Vec<Detail> {
        self.list
    }

    /// Adds what `add` adds, with `prefix` before each label.
    pub(super) fn within(&mut self, prefix: &str, add: impl FnOnce(&mut Self)) {
        let outer = self.prefix.len();
        self.prefix.push_str(prefix);
        self.prefix.push(' ');
        add(self);
        self.prefix.truncate(outer);
    }

    /// A word of a vocabulary, a time, or anything else that isn't a person's.
    pub(super) fn word(&mut self, label: &str, value: Option<impl Into<String>>) {
        if let Some(value) = value {
            self.list.push(Detail::new(format!("{}{label}", self.prefix), value.into()));
        }
    }

    /// WhatsApp's time, or its text if it isn't a number of seconds.
    pub(super) fn time(&mut self, label: &str, value: Option<&wab_events::message::Timestamp>) {
        let Some(value) = value else { return };
        let at = value.at();
        let text = at.map_or_else(|| value.as_str().to_owned(), |at| at.to_string());
        self.list.push(Detail { at, ..Detail::new(format!("{}{label}", self.prefix), text) });
    }

    /// What someone wrote, or a name.
    pub(super) fn text(&mut self, label: &str, value: Option<&str>) {
        self.word(label, value.filter(|value| !value.is_empty()).map(|value| self.mask.text(value).into_owned()));
    }

    pub(super) fn contact(&mut self, label: &str, value: Option<&Id>) {
        self.word(label, value.map(|value| self.mask.contact(value.as_str()).into_owned()));
    }

    pub(super) fn id(&mut self, label: &str, value: Option<&Id>) {
        self.word(label, value.map(|value| self.mask.id(value.as_str()).into_owned()));
    }

    /// A number that belongs to a person: a price, a coordinate.
    pub(super) fn number(&mut self, label: &str, value: Option<&Decimal>) {
        self.word(label, value.map(|value| number(self.mask, value)));
    }

    pub(super) fn flag(&mut self, label: &str, value: Option<bool>) {
        self.word(label, value.map(|value| if value { "yes" } else { "no" }));
    }
}

pub(super) fn number(mask: Mask, value: &Decimal) -> String {
    if mask.is_off() { value.as_str().to_owned() } else { "…".to_owned() }
}
