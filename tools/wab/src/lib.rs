//! `wab`: the command-line tool of people who run the receiver.
//!
//! Each command is a module with its arguments and a `run` that writes to what it is given. Only `main.rs`
//! knows the process: its arguments, its working directory, its output and its exit code.

mod answer;
mod aws;
mod callback_url;
mod check;
mod credentials;
mod handover;
mod parked;
mod random;
mod replay;
mod samples;
mod send;
pub mod stack;
mod target;

use std::io::Write;
use std::path::Path;

pub use aws::Parts;
use clap::{Parser, Subcommand};

/// What a command exits with if it can't be carried out as it was given. Clap uses the same number.
pub const USAGE: u8 = 2;

/// What a command exits with if AWS couldn't be reached, or refused what it was asked for.
const UNAVAILABLE: u8 = 3;

/// What `wab parked redrive` does with these parts of a stack, reached with this configuration. For the simulation, which
/// has no stack to connect to. Returns the command's exit code.
///
/// # Errors
/// If AWS can't be reached or refuses.
pub async fn redrive(sdk: &wab_platform::SdkConfig, parts: Parts, margin_minutes: u32) -> anyhow::Result<u8> {
    let sdk = aws::patient(sdk);
    parked::redrive_all(&aws::Stack::new("simulation".to_owned(), &sdk, parts), margin_minutes).await
}

/// Looks after a receiver of WhatsApp gateway callbacks.
#[derive(Parser)]
#[command(version, after_help = EXAMPLES)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

const EXAMPLES: &str = "\
Examples:
  wab credentials --url https://abc123.execute-api.ap-southeast-2.amazonaws.com
  wab send mo --type image
  wab send dlr --status expired
  wab check captured.jsonl --explain
  wab parked list
  wab parked redrive
  wab replay --from 2026-11-23T09:00:00Z --to 2026-11-23T10:30:00Z

`wab help COMMAND` tells more of each, with its exit codes.";

#[derive(Subcommand)]
enum Command {
    Check(check::Args),
    Credentials(credentials::Args),
    Parked(parked::Args),
    Replay(replay::Args),
    Send(send::Args),
}

impl Cli {
    /// Carries the command out in `directory`, writes what comes of it to `out` and how it goes to `err`, and gives
    /// the exit code.
    ///
    /// # Errors
    /// If it can't be carried out; then [`exit_code`] has the exit code.
    pub fn run(self, directory: &Path, out: &mut impl Write, err: &mut impl Write) -> anyhow::Result<u8> {
        match self.command {
            Command::Check(args) => check::run(&args, directory, out),
            Command::Credentials(args) => credentials::run(args, out),
            Command::Parked(args) => parked::run(&args, directory, out, err),
            Command::Replay(args) => replay::run(&args, directory, out, err),
            Command::Send(args) => send::run(args, directory, out),
        }
    }
}

/// What the process exits with after an error.
#[must_use]
pub fn exit_code(error: &anyhow::Error) -> u8 {
    if error.is::<aws::Unavailable>() { UNAVAILABLE } else { USAGE }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;
    use wab_events::DeliveryStatus;

    use super::*;

    #[test]
    fn the_arguments_are_consistent() {
        Cli::command().debug_assert();
    }

    #[track_caller]
    fn refused(args: &[&str]) {
        let error = Cli::try_parse_from(args).err().unwrap();
        assert_eq!(error.exit_code(), i32::from(USAGE), "{args:?}");
    }

    #[test]
    fn what_does_not_go_together_is_a_usage_error() {
        refused(&["wab"]);
        refused(&["wab", "send"]);
        refused(&["wab", "send", "mo", "--type", "telegram"]);
        refused(&["wab", "send", "mo", "--status", "sent"]);
        refused(&["wab", "send", "mo", "--user", "a"]);
        refused(&["wab", "send", "mo", "--password", "a"]);
        refused(&["wab", "send", "mo", "--file", "a.json", "--type", "text"]);
        refused(&["wab", "send", "mo", "--file", "a.json", "--id", "1"]);
        refused(&["wab", "send", "dlr", "--file", "a.json", "--status", "sent"]);
        refused(&["wab", "check"]);
        refused(&["wab", "parked"]);
        refused(&["wab", "parked", "redrive", "--only", "telegram"]);
        refused(&["wab", "parked", "redrive", "--json"]);
        refused(&["wab", "parked", "list", "--max", "0"]);
        refused(&["wab", "replay"]);
        refused(&["wab", "replay", "--from", "yesterday"]);
        refused(&["wab", "replay", "--from", "2026-11-23T09:00:00"]);
        refused(&["wab", "replay", "--from", "2026-11-23T09:00:00Z", "--kind", "text"]);
        refused(&["wab", "check", "--json", "--explain", "a.json"]);
    }

    #[test]
    fn a_password_may_begin_with_a_hyphen() {
        assert!(Cli::try_parse_from(["wab", "send", "mo", "--user", "a", "--password", "-b"]).is_ok());
    }

    #[test]
    fn the_help_of_dlr_lists_every_known_status() {
        let mut command = Cli::command();
        let dlr = command.find_subcommand_mut("send").and_then(|send| send.find_subcommand_mut("dlr")).unwrap();
        let help = dlr.render_long_help().to_string();
        for status in DeliveryStatus::KNOWN {
            assert!(help.contains(status.as_str()), "{status:?}");
        }
    }
}
