//! `wab quarantine`: bodies that arrived with valid credentials but aren't callbacks.

mod discard;
mod item;
mod list;
mod send;
mod show;

use clap::Subcommand;

pub(crate) use self::item::{body, read};
use crate::shell::Shell;

/// List, show, send or discard quarantined bodies: authenticated, but not a callback
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    List(list::Args),
    Show(show::Args),
    Send(send::Args),
    Discard(discard::Args),
}

pub(crate) fn run(args: Args, shell: &mut Shell<'_>) -> anyhow::Result<u8> {
    match args.command {
        Command::List(args) => list::run(&args, shell),
        Command::Show(args) => show::run(&args, shell),
        Command::Send(args) => send::run(&args, shell),
        Command::Discard(args) => discard::run(&args, shell),
    }
}
