//! `wab parked`: what waits in the dead-letter queue, and its way back.

mod list;
mod message;
mod reader;
mod redrive;

use std::io::Write;
use std::path::Path;

use clap::Subcommand;

use self::message::{Parked, What};

/// See and bring back what could not be published: the dead-letter queue
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    List(list::Args),
    Redrive(redrive::Args),
}

/// Which messages are meant.
#[derive(Debug, Default, clap::Args)]
struct Filter {
    /// Only those whose reason holds this text
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    /// Only those of the event with this id
    #[arg(long, value_name = "ID")]
    event_id: Option<String>,
    /// Only those of this kind
    #[arg(long, value_name = "KIND")]
    only: Option<What>,
}

pub(crate) fn run(args: &Args, directory: &Path, out: &mut impl Write, err: &mut impl Write) -> anyhow::Result<u8> {
    match &args.command {
        Command::List(args) => list::run(args, directory, out, err),
        Command::Redrive(args) => redrive::run(args, directory, out, err),
    }
}

impl Filter {
    fn picks(&self, parked: &Parked, reason: Option<&str>) -> bool {
        self.only.is_none_or(|what| what == parked.what())
            && self.reason.as_ref().is_none_or(|text| reason.is_some_and(|reason| reason.contains(text)))
            && self.event_id.as_ref().is_none_or(|id| parked.key().is_some_and(|key| key.event_id() == *id))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_picks_what_meets_all_of_it() {
        let (parked, reason) = message::classify(include_str!("../golden/parked-event.json"));
        let picks = |filter: &Filter| filter.picks(&parked, reason.as_deref());
        assert!(picks(&Filter::default()));
        let mut filter = Filter {
            reason: Some("layout".to_owned()),
            event_id: Some("2261d224ea3b4a40860397f823cb7d66".to_owned()),
            only: Some(What::Event),
        };
        assert!(picks(&filter));
        assert!(!filter.picks(&parked, None));
        filter.only = Some(What::Spilled);
        assert!(!picks(&filter));
        assert!(!picks(&Filter { event_id: Some("0".to_owned()), ..Filter::default() }));
    }
}
