//! `wab check`: reports how much of captured callbacks the typed message model understands.
//!
//! It prints keys, places and types, but never a value, so its output may be pasted into a ticket.

mod document;
mod values;

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anyhow::Context;
use comfy_table::{CellAlignment, Table, presets};
use serde::Serialize;
use termtree::Tree;
use wab_events::message::{Message, MessageKind, Payload};

use self::document::{Document, documents};

/// Check how much of captured callbacks the message model understands
///
/// Reads callback bodies, published events (also in SNS's envelope), bare message objects, or records with a message
/// object under "message". They may be JSON lines, a JSON array, or what `aws sqs receive-message` prints. One of them is
/// in memory at a time.
///
/// For each message type it counts how many messages are typed, of an unrecognised type, or malformed, and which share of
/// the JSON leaves (strings, numbers, booleans, nulls) the typed view names. It prints keys and places, never a value.
#[derive(clap::Args)]
#[command(after_help = AFTER)]
pub(crate) struct Args {
    /// Files to read. `-` is standard input
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Print a tree of problems and unnamed keys for each type
    #[arg(long)]
    explain: bool,
    /// Print JSON
    #[arg(long, conflicts_with = "explain")]
    json: bool,
}

const AFTER: &str = "\
Examples:
  wab check captured.jsonl
  wab check --explain bodies/*.json
  aws sqs receive-message --queue-url URL --max-number-of-messages 10 --output json | wab check -

Exit codes:
  0  no message is malformed
  1  a message is malformed
  2  usage error: a file can't be read, or there is nothing to check";

/// The counts of one message type.
#[derive(Default, Serialize)]
struct Counts {
    messages: usize,
    typed: usize,
    unrecognized: usize,
    malformed: usize,
    leaves: usize,
    named: usize,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    places: BTreeMap<String, Place>,
}

/// A place in messages of one type.
#[derive(Default, Serialize)]
struct Place {
    /// What is malformed there. None if the model merely doesn't name the key.
    #[serde(skip_serializing_if = "Option::is_none")]
    fault: Option<String>,
    times: usize,
    leaves: usize,
    first: String,
}

#[derive(Default, Serialize)]
struct Report {
    total: Counts,
    types: BTreeMap<String, Counts>,
}

pub(crate) fn run(args: &Args, directory: &Path, out: &mut impl Write) -> anyhow::Result<u8> {
    let mut report = Report::default();
    for file in &args.files {
        report.read(file, directory)?;
    }
    report.sum();
    if report.total.messages == 0 {
        anyhow::bail!("nothing to check: the input is empty");
    }
    if args.json {
        serde_json::to_writer_pretty(&mut *out, &report)?;
        writeln!(out)?;
    } else {
        writeln!(out, "{}", report.table())?;
        if args.explain {
            for tree in report.trees() {
                write!(out, "\n{tree}")?;
            }
        }
    }
    Ok(u8::from(report.total.malformed > 0))
}

impl Report {
    fn read(&mut self, file: &Path, directory: &Path) -> anyhow::Result<()> {
        if file == Path::new("-") {
            let input = io::stdin().lock();
            return documents(input, |line, document| self.add(&format!("-:{line}"), &document))
                .context("cannot read standard input");
        }
        let name = file.display();
        let input = File::open(directory.join(file)).with_context(|| format!("cannot read {name}"))?;
        documents(input, |line, document| self.add(&format!("{name}:{line}"), &document))
            .with_context(|| format!("cannot read {name}"))
    }

    fn add(&mut self, at: &str, document: &Document) {
        match document {
            Document::Message { message, within, outer } => {
                let counts = self.types.entry(type_of(message)).or_default();
                counts.add_leaves(outer.leaves + message.leaves());
                match message.kind() {
                    MessageKind::Known(_) => counts.typed += 1,
                    MessageKind::Unrecognized { .. } => counts.unrecognized += 1,
                    MessageKind::Malformed { at: place, problem, .. } => {
                        counts.malformed += 1;
                        counts.note(&in_place(within, &place.pattern()), at, 0, Some(problem.to_string()));
                    }
                }
                for (place, json) in message.unrecognized() {
                    counts.note(&in_place(within, &place.pattern()), at, json.leaves(), None);
                }
                for (key, leaves) in &outer.unnamed {
                    counts.note(&format!("$.{key}"), at, *leaves, None);
                }
                counts.messages += 1;
            }
            Document::Other { label, outer } => {
                let counts = self.types.entry((*label).to_owned()).or_default();
                counts.messages += 1;
                counts.typed += 1;
                counts.add_leaves(outer.leaves);
                for (key, leaves) in &outer.unnamed {
                    counts.note(&format!("$.{key}"), at, *leaves, None);
                }
            }
            Document::Malformed { label, problem, leaves } => {
                let counts = self.types.entry((*label).to_owned()).or_default();
                counts.messages += 1;
                counts.malformed += 1;
                counts.add_leaves(*leaves);
                counts.note("$", at, *leaves, Some(problem.clone()));
            }
        }
    }

    fn sum(&mut self) {
        let mut total = Counts::default();
        for counts in self.types.values() {
            total.messages += counts.messages;
            total.typed += counts.typed;
            total.unrecognized += counts.unrecognized;
            total.malformed += counts.malformed;
            total.leaves += counts.leaves;
            total.named += counts.named;
        }
        self.total = total;
    }

    fn table(&self) -> Table {
        let mut table = Table::new();
        table.load_style(presets::NOTHING);
        table.set_header(["type", "messages", "typed", "unrecognised", "malformed", "leaves", "named"]);
        for (name, counts) in self.types.iter().map(|(name, counts)| (name.as_str(), counts)) {
            table.add_row(counts.row(name));
        }
        table.add_row(self.total.row("all"));
        for column in table.column_iter_mut().skip(1) {
            column.set_cell_alignment(CellAlignment::Right);
        }
        table
    }

    fn trees(&self) -> impl Iterator<Item = Tree<String>> {
        self.types.iter().filter(|(_, counts)| !counts.places.is_empty()).map(|(name, counts)| {
            let leaf = |(place, found): (&String, &Place)| {
                let what = found.fault.clone().unwrap_or_else(|| format!("not named, {} leaves", found.leaves));
                let place = place.split_once(' ').map_or(place.as_str(), |(place, _)| place);
                Tree::new(format!("{place}: {what} ({} times, first {})", found.times, found.first))
            };
            Tree::new(name.clone()).with_leaves(counts.places.iter().map(leaf))
        })
    }
}

impl Counts {
    fn add_leaves(&mut self, leaves: usize) {
        self.leaves += leaves;
        self.named += leaves;
    }

    /// Counts a place whose leaves the model doesn't name.
    fn note(&mut self, place: &str, at: &str, leaves: usize, fault: Option<String>) {
        self.named = self.named.saturating_sub(leaves);
        // One place may have several problems.
        let key = fault.as_ref().map_or_else(|| place.to_owned(), |fault| format!("{place} {fault}"));
        let place = self.places.entry(key).or_default();
        if place.times == 0 {
            at.clone_into(&mut place.first);
            place.fault = fault;
        }
        place.times += 1;
        place.leaves += leaves;
    }

    fn row(&self, name: &str) -> [String; 7] {
        // Tenths of a percent, rounded down, so that 100 % means all.
        let tenths = (self.named * 1000).checked_div(self.leaves).unwrap_or(1000);
        [
            name.to_owned(),
            self.messages.to_string(),
            self.typed.to_string(),
            self.unrecognized.to_string(),
            self.malformed.to_string(),
            self.leaves.to_string(),
            format!("{}.{} %", tenths / 10, tenths % 10),
        ]
    }
}

/// A place in a message, as a place in its document.
fn in_place(within: &str, place: &str) -> String {
    place.replacen('$', within, 1)
}

/// The type under which a message is counted.
fn type_of(message: &Message) -> String {
    match message.kind() {
        MessageKind::Known(Payload::Status(_)) => "(status)".to_owned(),
        MessageKind::Known(Payload::Interactive(interactive)) => match &interactive.reply_type {
            Some(reply_type) => format!("interactive:{reply_type}"),
            None => "interactive".to_owned(),
        },
        _ => message.message_type().unwrap_or("(no type)").to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    /// Checks a file with this text. Returns the exit code and the output.
    fn checked(name: &str, text: &str, explain: bool, json: bool) -> (u8, String) {
        let directory = std::env::temp_dir().join(format!("wab-check-{}", std::process::id()));
        std::fs::create_dir_all(&directory).unwrap();
        std::fs::write(directory.join(name), text).unwrap();
        let mut out = Vec::new();
        let args = Args { files: vec![name.into()], explain, json };
        let code = run(&args, &directory, &mut out).unwrap();
        (code, String::from_utf8(out).unwrap())
    }

    #[test]
    fn problems_are_explained_without_values() {
        let text = r#"{"type":"text","text":{"body":"secret"},"extra":{"a":"secret","b":[1,2]}}
{"type":"contacts","contacts":[{},{"phones":"secret"}]}
{"type":"poll","poll":{"question":"secret"}}
not json"#;
        let (code, out) = checked("explain.jsonl", text, true, false);
        assert_eq!(code, 1);
        assert!(!out.contains("secret"), "{out}");
        for line in [
            "$.extra: not named, 3 leaves (1 times, first explain.jsonl:1)",
            "$.contacts[*].phones: expected an array, found a string (1 times, first explain.jsonl:2)",
            "$.poll: not named, 1 leaves (1 times, first explain.jsonl:3)",
            "$: not JSON at column 2 (1 times, first explain.jsonl:4)",
        ] {
            assert!(out.contains(line), "{line} in {out}");
        }
    }

    #[test]
    fn exit_code_is_1_only_if_malformed() {
        let (code, out) = checked("new.json", r#"{"type":"poll","poll":{"question":"x"}}"#, false, true);
        let report: serde_json::Value = serde_json::from_str(&out).unwrap();
        assert_eq!(code, 0);
        assert_eq!(report["total"]["unrecognized"], 1);
        assert_eq!((&report["total"]["leaves"], &report["total"]["named"]), (&2.into(), &1.into()));
        assert_eq!(checked("bad.json", r#"{"type":"text","text":7}"#, false, false).0, 1);
    }

    #[test]
    fn unreadable_or_empty_file_is_a_usage_error() {
        let mut out = Vec::new();
        let args = |file: &str| Args { files: vec![file.into()], explain: false, json: false };
        assert!(run(&args("missing.json"), Path::new("/nonexistent"), &mut out).is_err());
        assert!(run(&args("/dev/null"), Path::new("/"), &mut out).is_err());
    }
}
