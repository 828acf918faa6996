//! The commands of `wab` that the page may run, and how they are run.

use std::io::Write;
use std::path::Path;

use clap::Parser;
use serde::Serialize;
use serde_json::Value;

use crate::health::quoted;
use crate::stack::ONLY_LOCAL;
use crate::{Cli, Output, Shell, USAGE, exit_code};

/// Commands that only read, by their first words.
const READING: [&str; 10] = [
    "status",
    "doctor",
    "show",
    "conversation",
    "reference",
    "parked list",
    "parked show",
    "quarantine list",
    "quarantine show",
    "send --list",
];

/// Commands that change something.
const ACTING: [&str; 5] = ["resend", "parked redrive", "parked discard", "quarantine send", "quarantine discard"];

/// Commands that post callbacks. They need the gateway's credentials, which only a local stack's file has.
const SENDING: [&str; 3] = ["send mo", "send dlr", "send scenario"];

/// Options that lead to other files, stacks, credentials or places.
const FORBIDDEN: [&str; 8] = ["--file", "--url", "--user", "--password", "--stack", "--profile", "--region", "--raw"];

/// What the page may ask of this console.
#[derive(Debug, Clone, Copy)]
pub(super) struct Policy {
    pub(super) read_only: bool,
    pub(super) is_local: bool,
}

/// A command that the page may run.
#[derive(PartialEq, Eq)]
pub(super) struct Allowed(Vec<String>);

/// Why a command isn't run.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Refused {
    #[error("the console was started with --read-only")]
    ReadOnly,
    #[error("the console doesn't run this command")]
    Unknown,
}

/// What a command did.
#[derive(Serialize)]
pub(super) struct Ran {
    /// The command as a person would type it.
    command: String,
    exit: u8,
    /// Its report, if it printed JSON.
    json: Option<Value>,
    out: String,
    err: String,
}

impl Policy {
    /// Checks a command line without the program's name. `act` is whether a person has confirmed it.
    pub(super) fn check(self, args: Vec<String>, act: bool) -> Result<Allowed, Refused> {
        let options: Vec<&str> = args.iter().map(String::as_str).take_while(|arg| *arg != "--").collect();
        let is_forbidden = |arg: &&str| FORBIDDEN.contains(&arg.split('=').next().unwrap_or_default());
        let is_elsewhere = |arg: &&str| arg.split('=').next() == Some("--to") && options.first() != Some(&"resend");
        if options.iter().any(|arg| is_forbidden(arg) || is_elsewhere(arg)) {
            return Err(Refused::Unknown);
        }
        let begins = |commands: &[&str]| {
            commands.iter().any(|command| {
                let words: Vec<_> = command.split(' ').collect();
                options.starts_with(&words)
            })
        };
        let is_prediction = begins(&["parked redrive"]) && options.contains(&"--dry-run");
        if !act {
            return if begins(&READING) || is_prediction { Ok(Allowed(args)) } else { Err(Refused::Unknown) };
        }
        let may_act = begins(&ACTING) || (self.is_local && begins(&SENDING));
        if !may_act {
            return Err(Refused::Unknown);
        }
        if self.read_only { Err(Refused::ReadOnly) } else { Ok(Allowed(args)) }
    }
}

/// Runs a command as the process `wab` would, on the stack that `stack_options` name. `act` confirms what it changes.
pub(super) fn run(Allowed(args): Allowed, act: bool, directory: &Path, stack_options: &[String]) -> Ran {
    let is_send = args.first().is_some_and(|arg| arg == "send");
    // `send` takes its stack from the working directory only.
    let stack_options = if is_send { &[] } else { stack_options };
    let command = command_line(&args, stack_options);
    let added = match (act, is_send) {
        (true, true) => None,
        (true, false) => Some("--yes".to_owned()),
        (false, _) => Some("--json".to_owned()),
    };
    let added: Vec<String> = added.into_iter().chain(stack_options.iter().cloned()).collect();
    let all = std::iter::once("wab").chain(with_options(&args, &added));
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let exit = match Cli::try_parse_from(all) {
        Ok(cli) => {
            let shell_out = Output::new(&mut out);
            let ended = cli.run(&mut Shell { directory, out: shell_out, err: &mut err, answers: None, width: None });
            ended.unwrap_or_else(|error| {
                // Writing to memory can't fail.
                let _ = writeln!(err, "{error:#}");
                exit_code(&error)
            })
        }
        Err(error) => {
            let _ = write!(err, "{error}");
            USAGE
        }
    };
    let plain = |text: &[u8]| anstream::adapter::strip_str(&String::from_utf8_lossy(text)).to_string();
    let json = if act { None } else { serde_json::from_slice(&out).ok() };
    let out = if json.is_some() { String::new() } else { plain(&out) };
    Ran { command, exit, json, out, err: plain(&err) }
}

/// The command as a person would type it.
fn command_line(args: &[String], stack_options: &[String]) -> String {
    let words = with_options(args, stack_options).filter(|word| *word != ONLY_LOCAL).map(quoted);
    std::iter::once("wab".to_owned()).chain(words).collect::<Vec<_>>().join(" ")
}

/// The arguments with more options. Options stand before `--`, and a value behind it must not be taken for one.
fn with_options<'a>(args: &'a [String], options: &'a [String]) -> impl Iterator<Item = &'a str> {
    let (before, after) = args.split_at(args.iter().position(|arg| arg == "--").unwrap_or(args.len()));
    before.iter().chain(options).chain(after).map(String::as_str)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOCAL: Policy = Policy { read_only: false, is_local: true };

    #[track_caller]
    fn check(policy: Policy, command: &str, act: bool, refused: Option<Refused>) {
        let args: Vec<String> = command.split(' ').map(str::to_owned).collect();
        assert_eq!(policy.check(args, act).err(), refused, "{command}");
    }

    #[test]
    fn reading_commands_are_run_without_confirmation() {
        for command in READING.into_iter().chain(["show -- --file", "parked redrive --dry-run", "status Deferred"]) {
            check(LOCAL, command, false, None);
        }
        for command in ACTING.into_iter().chain(SENDING).chain(["", "parked", "listen", "replay --from 1h", "check a"])
        {
            check(LOCAL, command, false, Some(Refused::Unknown));
        }
    }

    #[test]
    fn acting_commands_need_a_console_that_may_act() {
        let read_only = Policy { read_only: true, ..LOCAL };
        for command in ACTING.into_iter().chain(SENDING).chain(["resend a --to http://localhost:1/events"]) {
            check(LOCAL, command, true, None);
            check(read_only, command, true, Some(Refused::ReadOnly));
        }
        check(Policy { is_local: false, ..LOCAL }, "send mo", true, Some(Refused::Unknown));
        for command in READING.into_iter().chain(["replay", "subscribe", "listen --remove"]) {
            check(LOCAL, command, true, Some(Refused::Unknown));
        }
    }

    #[test]
    fn options_that_lead_elsewhere_are_refused() {
        for option in FORBIDDEN.into_iter().chain(["--to"]) {
            for command in [format!("quarantine send a {option}=b"), format!("quarantine send {option} b a")] {
                check(LOCAL, &command, true, Some(Refused::Unknown));
            }
        }
        check(LOCAL, "show a --raw --reveal", false, Some(Refused::Unknown));
    }

    #[test]
    fn command_is_shown_as_it_is_typed() {
        let args = ["show", "--reveal", "--", "it's"].map(str::to_owned);
        assert_eq!(command_line(&args, &["--stack=wab".to_owned()]), r"wab show --reveal --stack=wab -- 'it'\''s'");
        assert_eq!(command_line(&["status"].map(str::to_owned), &[ONLY_LOCAL.to_owned()]), "wab status");
    }

    #[test]
    fn usage_error_is_reported() {
        let ran = run(Allowed(vec!["show".to_owned()]), false, Path::new("/"), &[]);
        assert_eq!((ran.exit, ran.json), (USAGE, None));
        assert!(ran.err.contains("Usage") || ran.err.contains("required"), "{}", ran.err);
    }
}
