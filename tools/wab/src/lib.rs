//! `wab`: the command-line tool for operators of the receiver.
//!
//! Each command is a module with its arguments and a `run` in a [`Shell`]. What it finds out is gathered into a report, a
//! plain struct, and then shown as text or JSON. Only `main.rs` knows the process: arguments, working directory, terminal,
//! outputs and exit code. [`stack`] has typed access to the AWS resources, and is also used by the tests and by chaos.

mod answer;
mod aws;
mod callback_url;
mod check;
mod console;
mod conversation;
mod credentials;
mod delivery;
mod doctor;
mod erase;
mod estimate;
mod event_line;
mod forward;
mod handover;
mod health;
mod listen;
mod mask;
mod parked;
mod progress;
mod quarantine;
mod reference;
mod replay;
mod resend;
mod samples;
mod send;
mod shell;
mod shell_files;
mod show;
pub mod stack;
mod status;
mod stop;
mod stored;
mod style;
mod subscribe;
mod target;
mod timeline;
mod times;
mod window;

use clap::{Parser, Subcommand};
pub use shell::{Output, Shell};
pub use stack::Resources;

/// Exit code of a usage error. Clap uses the same.
pub const USAGE: u8 = 2;

/// Exit code of a command that did less than it was asked to.
pub(crate) const FAILED: u8 = 1;

/// Exit code of a failed call to AWS.
const UNAVAILABLE: u8 = 3;

/// Exit code of a command that Ctrl-C or SIGTERM ended, as shells have it.
pub(crate) const INTERRUPTED: u8 = 130;

/// Runs `wab parked redrive --margin MINUTES` against these resources, and returns the command's exit code. For the
/// simulation, which has no stack to connect to.
///
/// # Errors
/// If a call to AWS fails.
pub async fn redrive(sdk: &wab_platform::SdkConfig, resources: Resources, margin_minutes: u32) -> anyhow::Result<u8> {
    let sdk = aws::with_time_limits(sdk);
    parked::redrive_all(&stack::Stack::new(stack::Place::Simulated, &sdk, resources), margin_minutes).await
}

/// Operate a receiver of WhatsApp gateway callbacks
#[derive(Parser)]
#[command(version, after_help = EXAMPLES)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

const EXAMPLES: &str = "\
Examples:
  wab status
  wab doctor
  wab credentials --url https://abc123.execute-api.ap-southeast-2.amazonaws.com
  wab credentials rotate --stack wab
  wab send mo --type image
  wab send dlr --status expired
  wab show 7c1f0c1e-5a52-4d0e-9b86-0d6a1f1c7d11
  wab conversation '+64 21 000 001'
  wab listen --forward-to http://localhost:8080/events
  wab check captured.jsonl --explain
  wab parked list
  wab parked redrive
  wab replay --from 2026-11-23T09:00:00Z --until 2026-11-23T10:30:00Z
  wab erase '+64 21 000 001' --dry-run

Run `wab help COMMAND` for the details and exit codes of a command.";

#[derive(Subcommand)]
enum Command {
    Check(check::Args),
    Completions(shell_files::CompletionsArgs),
    Console(console::Args),
    Conversation(conversation::Args),
    Credentials(credentials::Args),
    Doctor(doctor::Args),
    Erase(erase::Args),
    Listen(listen::Args),
    Man(shell_files::ManArgs),
    Parked(parked::Args),
    Quarantine(quarantine::Args),
    Reference(reference::Args),
    Replay(replay::Args),
    Resend(resend::Args),
    Send(send::Args),
    Show(show::Args),
    Status(status::Args),
    Subscribe(subscribe::Args),
}

impl Cli {
    /// Runs the command, and returns its exit code.
    ///
    /// # Errors
    /// If the command fails. [`exit_code`] maps the error to the exit code.
    pub fn run(self, shell: &mut Shell<'_>) -> anyhow::Result<u8> {
        match self.command {
            Command::Check(args) => check::run(&args, shell.directory, &mut shell.out),
            Command::Completions(args) => shell_files::completions(&args, shell),
            Command::Console(args) => console::run(&args, shell),
            Command::Conversation(args) => conversation::run(&args, shell),
            Command::Credentials(args) => credentials::run(args, shell),
            Command::Doctor(args) => doctor::run(&args, shell),
            Command::Erase(args) => erase::run(&args, shell),
            Command::Listen(args) => listen::run(&args, shell),
            Command::Man(args) => shell_files::man(&args, shell),
            Command::Parked(args) => parked::run(&args, shell),
            Command::Quarantine(args) => quarantine::run(args, shell),
            Command::Reference(args) => reference::run(&args, shell),
            Command::Replay(args) => replay::run(&args, shell),
            Command::Resend(args) => resend::run(&args, shell),
            Command::Send(args) => send::run(args, shell),
            Command::Show(args) => show::run(&args, shell),
            Command::Status(args) => status::run(&args, shell),
            Command::Subscribe(args) => subscribe::run(&args, shell),
        }
    }
}

/// The exit code after an error.
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
    fn arguments_are_consistent() {
        Cli::command().debug_assert();
    }

    #[track_caller]
    fn rejected(args: &[&str]) {
        let error = Cli::try_parse_from(args).err().unwrap();
        assert_eq!(error.exit_code(), i32::from(USAGE), "{args:?}");
    }

    #[test]
    fn conflicting_arguments_are_a_usage_error() {
        rejected(&["wab"]);
        rejected(&["wab", "send"]);
        rejected(&["wab", "send", "mo", "--type", "telegram"]);
        rejected(&["wab", "send", "mo", "--status", "sent"]);
        rejected(&["wab", "send", "mo", "--user", "a"]);
        rejected(&["wab", "send", "mo", "--password", "a"]);
        rejected(&["wab", "send", "mo", "--file", "a.json", "--type", "text"]);
        rejected(&["wab", "send", "mo", "--file", "a.json", "--id", "1"]);
        rejected(&["wab", "send", "dlr", "--file", "a.json", "--status", "sent"]);
        rejected(&["wab", "check"]);
        rejected(&["wab", "parked"]);
        rejected(&["wab", "parked", "redrive", "--only", "telegram"]);
        rejected(&["wab", "parked", "discard"]);
        rejected(&["wab", "parked", "show", "7c1f", "--raw"]);
        rejected(&["wab", "quarantine", "discard"]);
        rejected(&["wab", "resend"]);
        rejected(&["wab", "replay", "--from", "2026-11-23T09:00:00Z", "--rate", "0"]);
        rejected(&["wab", "parked", "list", "--max", "0"]);
        rejected(&["wab", "replay"]);
        rejected(&["wab", "replay", "--from", "yesterday"]);
        rejected(&["wab", "replay", "--from", "2026-11-23T09:00:00"]);
        rejected(&["wab", "replay", "--from", "2026-11-23T09:00:00Z", "--kind", "text"]);
        rejected(&["wab", "check", "--json", "--explain", "a.json"]);
        rejected(&["wab", "show"]);
        rejected(&["wab", "show", "a", "--raw"]);
        rejected(&["wab", "show", "a", "--item", "1"]);
        rejected(&["wab", "show", "a", "--raw", "--reveal", "--json"]);
        rejected(&["wab", "show", "a", "--from", "1h"]);
        rejected(&["wab", "show", "--until", "1h"]);
        rejected(&["wab", "show", "--from", "soon"]);
        rejected(&["wab", "show", "--from", "1h", "--event"]);
        rejected(&["wab", "conversation"]);
        rejected(&["wab", "conversation", "021 000 001"]);
        rejected(&["wab", "conversation", "+6421000001", "--limit", "0"]);
        rejected(&["wab", "reference"]);
        rejected(&["wab", "erase"]);
        rejected(&["wab", "erase", "021 000 001"]);
        rejected(&["wab", "erase", "+6421000001", "--dry-run", "--tombstones"]);
        rejected(&["wab", "credentials", "--user", "shop", "rotate"]);
        rejected(&["wab", "credentials", "rotate", "--dry-run", "--print"]);
        rejected(&["wab", "credentials", "rotate", "--idle", "soon"]);
    }

    #[test]
    fn password_may_begin_with_a_hyphen() {
        assert!(Cli::try_parse_from(["wab", "send", "mo", "--user", "a", "--password", "-b"]).is_ok());
    }

    #[test]
    fn help_of_dlr_lists_every_known_status() {
        let mut command = Cli::command();
        let dlr = command.find_subcommand_mut("send").and_then(|send| send.find_subcommand_mut("dlr")).unwrap();
        let help = dlr.render_long_help().to_string();
        for status in DeliveryStatus::KNOWN {
            assert!(help.contains(status.as_str()), "{status:?}");
        }
    }
}
