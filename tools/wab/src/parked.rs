//! `wab parked`: what waits in the dead-letter queue, and its way back.

mod list;
mod message;
mod reader;
mod redrive;

use std::io::{self, Write};
use std::path::Path;

use clap::Subcommand;

use self::message::{Parked, What};
use crate::aws::Stack;

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

/// Redrives everything in the dead-letter queue of `stack` with the options' defaults but for `margin_minutes`.
pub(crate) async fn redrive_all(stack: &Stack, margin_minutes: u32) -> anyhow::Result<u8> {
    #[derive(clap::Parser)]
    struct Defaults {
        #[command(flatten)]
        args: redrive::Args,
    }
    let margin = margin_minutes.to_string();
    let defaults = <Defaults as clap::Parser>::try_parse_from(["redrive", "--margin", &margin])?;
    redrive::redrive(&defaults.args, stack, &mut io::sink(), &mut io::sink()).await
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
