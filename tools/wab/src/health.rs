//! What `wab status` and `wab doctor` share: verdicts, and commands that show or mend something.

use anstyle::Style;
use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use serde::Serialize;

use crate::stack::{Place, Stack};
use crate::style;

/// From best to worst.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Verdict {
    Ok,
    /// It doesn't apply to this stack, or wasn't asked for.
    Skipped,
    /// It was wrong within the last 24 hours.
    Over,
    /// It couldn't be found out.
    Unknown,
    Warning,
    Problem,
}

impl Verdict {
    /// A mark and a word, so that nothing is said by colour alone.
    pub(crate) fn painted(self) -> String {
        let (mark, word, style) = match self {
            Self::Ok => ("✔", "ok", style::GOOD),
            Self::Skipped => ("–", "skipped", style::DIM),
            Self::Over => ("○", "over", style::WARNING),
            Self::Unknown => ("?", "unknown", style::WARNING),
            Self::Warning => ("▲", "warning", style::WARNING),
            Self::Problem => ("✘", "problem", style::BAD),
        };
        padded(style, &format!("{mark} {word}"), 9)
    }

    /// The exit code of a command that found nothing worse: 1 if something needs action, 3 if it can't be known.
    pub(crate) fn exit_code(self) -> u8 {
        match self {
            Self::Ok | Self::Skipped | Self::Over => 0,
            Self::Unknown => crate::UNAVAILABLE,
            Self::Warning | Self::Problem => 1,
        }
    }
}

fn padded(style: Style, text: &str, width: usize) -> String {
    let padding = " ".repeat(width.saturating_sub(text.chars().count()));
    format!("{}{padding}", style::paint(style, text))
}

/// A command as it can be pasted into a shell.
#[derive(Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub(crate) struct Command(String);

impl std::fmt::Display for Command {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// A word as POSIX shells read it.
pub(crate) fn quoted(word: &str) -> String {
    let is_plain = |char: char| char.is_ascii_alphanumeric() || "-_=+.,:/@%".contains(char);
    if !word.is_empty() && word.chars().all(is_plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

/// Writes commands for one stack.
pub(crate) struct Commands {
    place: Place,
}

impl Commands {
    pub(crate) fn new(stack: &Stack) -> Self {
        Self { place: stack.place.clone() }
    }

    #[cfg(test)]
    pub(crate) fn example() -> Self {
        Self { place: Place::Local { endpoint: "http://localhost:1".to_owned() } }
    }

    /// A command of this tool, without the options that name the stack.
    pub(crate) fn wab(&self, words: &str) -> Command {
        Command(match &self.place {
            Place::Deployed { region, name, .. } => format!("wab {words} --stack {name} --region {region}"),
            Place::Local { .. } | Place::Simulated => format!("wab {words}"),
        })
    }

    /// A command of the AWS CLI.
    pub(crate) fn aws(&self, words: &str) -> Command {
        Command(match &self.place {
            Place::Deployed { region, .. } => format!("aws {words} --region {region}"),
            Place::Local { endpoint } => format!("aws {words} --endpoint-url {endpoint}"),
            Place::Simulated => format!("aws {words}"),
        })
    }

    /// Deploys again, with these parameters changed. The local stack's parameters are fixed.
    pub(crate) fn deploy(&self, parameters: &str) -> Command {
        Command(match (&self.place, parameters) {
            (Place::Local { .. }, _) => "make down && make up".to_owned(),
            (_, "") => "make deploy".to_owned(),
            (_, parameters) => format!("make deploy PARAMETERS='{parameters}'"),
        })
    }
}

/// A time as a person nearby reads it. The day is left out if it is less than half a day away.
pub(crate) fn clock(at: Timestamp, now: Timestamp, zone: &TimeZone) -> String {
    let is_near = at.duration_since(now).abs() < SignedDuration::from_hours(12);
    at.to_zoned_datetime(zone.clone()).strftime(if is_near { "%H:%M" } else { "%Y-%m-%d %H:%M" }).to_string()
}

/// A time span in its largest unit: `40 min`.
pub(crate) fn span(span: SignedDuration) -> String {
    let seconds = span.as_secs().max(0);
    match seconds {
        0..=119 => format!("{seconds} s"),
        120..=7_199 => format!("{} min", seconds / 60),
        7_200..=172_799 => format!("{} h", seconds / 3_600),
        _ => format!("{} days", seconds / 86_400),
    }
}

/// Whether a command's spelling is one that a test holds: of this tool, of the AWS CLI or of the Makefile.
#[cfg(test)]
#[track_caller]
pub(crate) fn check_command(Command(command): &Command) {
    use clap::Parser;

    let mut words = command.split_whitespace();
    match words.next() {
        Some("wab") => {
            let parsed = crate::Cli::try_parse_from(command.split_whitespace());
            assert!(parsed.is_ok(), "{command}: {}", parsed.err().unwrap());
        }
        Some("aws") => {
            let (service, operation) = (words.next().unwrap(), words.next().unwrap());
            // The operations of the AWS CLI that are used (AWS CLI command reference).
            let known = [
                "acm describe-certificate",
                "cloudwatch enable-alarm-actions",
                "dynamodb update-continuous-backups",
                "dynamodb update-table",
                "dynamodb update-time-to-live",
                "lambda delete-function-concurrency",
                "lambda update-event-source-mapping",
                "logs filter-log-events",
                "logs put-retention-policy",
                "service-quotas request-service-quota-increase",
                "sns set-subscription-attributes",
                "sns subscribe",
                "sns unsubscribe",
            ];
            assert!(known.contains(&&*format!("{service} {operation}")), "{command}");
        }
        Some("make") => {
            let makefile = include_str!("../../../Makefile");
            let target = words.next().unwrap();
            assert!(makefile.contains(&format!("\n.PHONY: {target}\n")), "{command}");
        }
        Some("cargo") => assert_eq!(command, "cargo install --path tools/wab --locked"),
        _ => panic!("{command}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn word_is_quoted_for_a_shell() {
        assert_eq!((quoted("shop-1"), quoted("it's")), ("shop-1".to_owned(), r"'it'\''s'".to_owned()));
    }

    #[test]
    fn commands_name_the_stack() {
        let name = |text: &str| text.to_owned();
        let aws = Commands {
            place: Place::Deployed { account: name("123456789012"), region: name("us-east-1"), name: name("shop") },
        };
        assert_eq!(aws.wab("parked list").0, "wab parked list --stack shop --region us-east-1");
        assert_eq!(aws.aws("sns unsubscribe").0, "aws sns unsubscribe --region us-east-1");
        assert_eq!(aws.deploy("A=1 B=2").0, "make deploy PARAMETERS='A=1 B=2'");
        let local = Commands { place: Place::Local { endpoint: name("http://localhost:1") } };
        assert_eq!(local.wab("parked list").0, "wab parked list");
        assert_eq!(local.aws("sns unsubscribe").0, "aws sns unsubscribe --endpoint-url http://localhost:1");
        assert_eq!(local.deploy("A=1").0, "make down && make up");
    }

    #[test]
    fn times_are_short_for_people() {
        let now: Timestamp = "2026-11-29T02:50:00Z".parse().unwrap();
        let near = clock("2026-11-29T02:10:00Z".parse().unwrap(), now, &TimeZone::UTC);
        let far = clock("2026-11-28T02:10:00Z".parse().unwrap(), now, &TimeZone::UTC);
        assert_eq!((&*near, &*far), ("02:10", "2026-11-28 02:10"));
        let spans = [59, 119, 120, 3_600, 7_200, 172_800].map(|seconds| span(SignedDuration::from_secs(seconds)));
        assert_eq!(spans, ["59 s", "119 s", "2 min", "60 min", "2 h", "2 days"]);
        assert_eq!(span(SignedDuration::from_secs(-5)), "0 s");
    }

    #[test]
    fn exit_code_is_that_of_the_worst_verdict() {
        let worst = |verdicts: &[Verdict]| verdicts.iter().max().unwrap().exit_code();
        assert_eq!(worst(&[Verdict::Ok, Verdict::Over, Verdict::Skipped]), 0);
        assert_eq!(worst(&[Verdict::Ok, Verdict::Unknown]), 3);
        assert_eq!(worst(&[Verdict::Warning, Verdict::Unknown]), 1);
        assert_eq!(worst(&[Verdict::Problem]), 1);
    }
}
