//! Which events a subscriber wants: the options, and the filter policy of each topic that they mean. Pure.

use anyhow::ensure;
use clap::builder::NonEmptyStringValueParser;
use serde_json::Value;
use wab_events::Kind;
use wab_events::message::PhoneNumber;

use crate::mask::Mask;
use crate::stack::FilterPolicy;

#[derive(Clone, Default, clap::Args)]
#[group(skip)] // its name would be that of the command's own arguments
pub(crate) struct Selection {
    /// Only messages of these types, such as text or image; comma-separated or repeated
    #[arg(long = "type", value_name = "TYPE", value_delimiter = ',', value_parser = NonEmptyStringValueParser::new())]
    types: Vec<String>,
    /// Only receipts with these statuses, such as received or expired
    #[arg(long = "status", value_name = "STATUS", value_delimiter = ',', value_parser = NonEmptyStringValueParser::new())]
    statuses: Vec<String>,
    /// Only messages from these numbers, in any spelling with the country code, or user ids. Receipts have no number
    #[arg(
        long = "contact",
        value_name = "CONTACT",
        value_delimiter = ',',
        allow_hyphen_values = true,
        value_parser = NonEmptyStringValueParser::new()
    )]
    contacts: Vec<String>,
    /// Only events of these gateway applications: user names of the callback credentials
    #[arg(
        long = "application",
        value_name = "NAME",
        value_delimiter = ',',
        value_parser = NonEmptyStringValueParser::new()
    )]
    applications: Vec<String>,
}

impl Selection {
    /// The topics that are needed, each with its filter policy. Without `kinds`, options about messages alone select
    /// messages, and options about receipts alone select receipts.
    ///
    /// # Errors
    /// If an option selects events of a kind that isn't among `kinds`.
    pub(crate) fn policies(&self, kinds: Option<&[Kind]>) -> anyhow::Result<Vec<(Kind, FilterPolicy)>> {
        let of_messages = !self.types.is_empty() || !self.contacts.is_empty();
        let of_receipts = !self.statuses.is_empty();
        if let Some(kinds) = kinds {
            ensure!(
                kinds.contains(&Kind::Mo) || !of_messages,
                "--type and --contact select messages, but only receipts (dlr) are wanted"
            );
            ensure!(
                kinds.contains(&Kind::Dlr) || !of_receipts,
                "--status selects receipts, but only messages (mo) are wanted"
            );
        }
        let is_wanted = |kind: &Kind| match (kinds, kind) {
            (Some(kinds), kind) => kinds.contains(kind),
            (None, Kind::Mo) => of_messages || !of_receipts,
            (None, Kind::Dlr) => of_receipts || !of_messages,
        };
        Ok(Kind::ALL.into_iter().filter(is_wanted).map(|kind| (kind, self.policy(kind))).collect())
    }

    fn policy(&self, kind: Kind) -> FilterPolicy {
        let sources: Vec<String> = self.contacts.iter().flat_map(|contact| spellings(contact)).collect();
        let attributes = match kind {
            Kind::Mo => [("type", &self.types), ("source", &sources), ("application", &self.applications)],
            Kind::Dlr => [("status", &self.statuses), ("application", &self.applications), ("type", &Vec::new())],
        };
        let attributes = attributes.into_iter().filter(|(_, values)| !values.is_empty());
        attributes.map(|(name, values)| (name.to_owned(), values.clone().into())).collect()
    }
}

/// How the gateway may spell a contact (docs/gateway.md part 1). SNS compares text.
fn spellings(contact: &str) -> Vec<String> {
    match PhoneNumber::parse(contact) {
        Some(number) => vec![number.e164(), number.digits().to_owned()],
        None => vec![contact.to_owned()],
    }
}

/// A filter policy in which numbers are masked.
pub(crate) fn masked(policy: &FilterPolicy, mask: Mask) -> FilterPolicy {
    let attributes = policy.iter().map(|(name, accepted)| {
        let is_contact = name == "source" || name == "destination";
        let accepted = match accepted {
            Value::Array(values) if is_contact => values.iter().map(|value| masked_contact(value, mask)).collect(),
            other => other.clone(),
        };
        (name.clone(), accepted)
    });
    attributes.collect()
}

fn masked_contact(value: &Value, mask: Mask) -> Value {
    match value {
        Value::String(contact) => mask.contact(contact).into(),
        pattern => mask.json(pattern),
    }
}

/// A filter policy for people: `type text or image, source +64…01`.
pub(crate) fn describe(policy: &FilterPolicy, mask: Mask) -> String {
    if policy.is_empty() {
        return "all".to_owned();
    }
    let policy = masked(policy, mask);
    let attributes = policy.iter().map(|(name, accepted)| {
        let accepted = accepted.as_array().map(Vec::as_slice).unwrap_or_default();
        let accepted = accepted.iter().map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned));
        format!("{name} {}", accepted.collect::<Vec<_>>().join(" or "))
    });
    attributes.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn selection(types: &[&str], statuses: &[&str], contacts: &[&str], applications: &[&str]) -> Selection {
        let owned = |words: &[&str]| words.iter().map(|&word| word.to_owned()).collect();
        Selection {
            types: owned(types),
            statuses: owned(statuses),
            contacts: owned(contacts),
            applications: owned(applications),
        }
    }

    #[track_caller]
    fn check(selection: &Selection, kinds: Option<&[Kind]>, expected: &Value) {
        let policies = selection.policies(kinds).unwrap();
        let policies: FilterPolicy =
            policies.into_iter().map(|(kind, policy)| (kind.as_str().to_owned(), policy.into())).collect();
        assert_eq!(Value::from(policies), *expected);
    }

    #[test]
    fn options_select_topics_and_attributes() {
        let all = selection(&[], &[], &[], &[]);
        check(&all, None, &json!({"mo": {}, "dlr": {}}));
        check(&all, Some(&[Kind::Dlr]), &json!({"dlr": {}}));
        check(&selection(&["text", "image"], &[], &[], &[]), None, &json!({"mo": {"type": ["text", "image"]}}));
        check(&selection(&[], &["sent"], &[], &[]), None, &json!({"dlr": {"status": ["sent"]}}));
        let both = selection(&["text"], &["sent"], &[], &["shop"]);
        let expected = json!({"mo": {"type": ["text"], "application": ["shop"]},
                              "dlr": {"status": ["sent"], "application": ["shop"]}});
        check(&both, None, &expected);
        check(&selection(&["text"], &[], &[], &[]), Some(&Kind::ALL), &json!({"mo": {"type": ["text"]}, "dlr": {}}));
    }

    #[test]
    fn contact_is_matched_in_both_spellings() {
        let source = |contact: &str| selection(&[], &[], &[contact], &[]);
        let number = json!({"mo": {"source": ["+6421000001", "6421000001"]}});
        for spelling in ["+64 21 000 001", "6421000001", "0064-21-000-001"] {
            check(&source(spelling), None, &number);
        }
        check(&source("NZ.1349"), None, &json!({"mo": {"source": ["NZ.1349"]}}));
    }

    #[test]
    fn option_of_the_other_kind_is_an_error() {
        assert!(selection(&["text"], &[], &[], &[]).policies(Some(&[Kind::Dlr])).is_err());
        assert!(selection(&[], &[], &["6421000001"], &[]).policies(Some(&[Kind::Dlr])).is_err());
        assert!(selection(&[], &["sent"], &[], &[]).policies(Some(&[Kind::Mo])).is_err());
    }

    #[test]
    fn described_policy_masks_numbers() {
        let policy = |json: Value| json.as_object().unwrap().clone();
        let mask = Mask::default();
        assert_eq!(describe(&policy(json!({})), mask), "all");
        let filter = policy(json!({"type": ["text", "image"], "source": ["+6421000001"]}));
        assert_eq!(describe(&filter, mask), "type text or image, source +64…01");
        assert_eq!(describe(&policy(json!({"type": [{"prefix": "te"}]})), mask), r#"type {"prefix":"te"}"#);
        let by_prefix = policy(json!({"source": [{"prefix": "+6421"}]}));
        assert_eq!(describe(&by_prefix, mask), r#"source {"prefix":"(5 characters)"}"#);
        assert_eq!(
            (masked(&by_prefix, Mask::OFF), masked(&filter, mask)),
            (by_prefix, policy(json!({"type": ["text", "image"], "source": ["+64…01"]})))
        );
    }
}
