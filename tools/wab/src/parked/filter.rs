//! The options that select messages of the dead-letter queue.

use super::message::{Parked, ParkedKind};

#[derive(Default, clap::Args)]
#[group(skip)] // its name would be that of the command's own arguments
pub(crate) struct Filter {
    /// Only messages whose reason contains this text
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    /// Only the messages of the event with this id
    #[arg(long, value_name = "ID")]
    event_id: Option<String>,
    /// Only messages of this kind
    #[arg(long, value_name = "KIND")]
    only: Option<ParkedKind>,
}

impl Filter {
    pub(crate) fn picks(&self, parked: &Parked, reason: Option<&str>) -> bool {
        self.only.is_none_or(|kind| kind == parked.kind())
            && self.reason.as_ref().is_none_or(|text| reason.is_some_and(|reason| reason.contains(text)))
            && self.event_id.as_ref().is_none_or(|id| parked.key().is_some_and(|key| key.event_id() == *id))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parked::message;

    #[test]
    fn filter_picks_messages_that_meet_all_conditions() {
        let (parked, reason) = message::classify(include_str!("../../golden/parked-event.json"));
        let picks = |filter: &Filter| filter.picks(&parked, reason.as_deref());
        assert!(picks(&Filter::default()));
        let mut filter = Filter {
            reason: Some("layout".to_owned()),
            event_id: Some("2261d224ea3b4a40860397f823cb7d66".to_owned()),
            only: Some(ParkedKind::Event),
        };
        assert!(picks(&filter));
        assert!(!filter.picks(&parked, None));
        filter.only = Some(ParkedKind::Spilled);
        assert!(!picks(&filter));
        assert!(!picks(&Filter { event_id: Some("0".to_owned()), ..Filter::default() }));
    }
}
