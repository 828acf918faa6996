//! `wab parked`: shows the dead-letter queue, redrives its messages, and discards them.

mod discard;
mod filter;
mod list;
mod message;
mod predict;
mod reader;
mod redrive;
mod show;
mod tally;

use std::io;

use clap::Subcommand;

pub(crate) use self::message::{Parked, classify};
pub(crate) use self::reader::Reader;
use crate::shell::Shell;
use crate::stack::Stack;
use crate::stop::Stop;

/// List, show, redrive or discard the messages of the dead-letter queue
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    List(list::Args),
    Show(show::Args),
    Redrive(redrive::Args),
    Discard(discard::Args),
}

/// Runs `wab parked redrive --margin MINUTES` on `stack`.
pub(crate) async fn redrive_all(stack: &Stack, margin_minutes: u32) -> anyhow::Result<u8> {
    #[derive(clap::Parser)]
    struct Defaults {
        #[command(flatten)]
        args: redrive::Args,
    }
    let margin = margin_minutes.to_string();
    let defaults = <Defaults as clap::Parser>::try_parse_from(["redrive", "--margin", &margin])?;
    let stop = Stop::default();
    let (tally, result) = redrive::redrive(&defaults.args, stack, &stop, &mut io::sink()).await;
    result?;
    Ok(tally.exit_code())
}

pub(crate) fn run(args: &Args, shell: &mut Shell<'_>) -> anyhow::Result<u8> {
    match &args.command {
        Command::List(args) => list::run(args, shell),
        Command::Show(args) => show::run(args, shell),
        Command::Redrive(args) => redrive::run(args, shell),
        Command::Discard(args) => discard::run(args, shell),
    }
}
