//! `wab parked`: shows the dead-letter queue, and redrives its messages.

mod filter;
mod list;
mod message;
mod predict;
mod reader;
mod redrive;
mod tally;

use std::io;

use clap::Subcommand;

use crate::shell::Shell;
use crate::stack::Stack;
use crate::stop::Stop;

/// List or redrive the messages of the dead-letter queue
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
        Command::Redrive(args) => redrive::run(args, shell),
    }
}
