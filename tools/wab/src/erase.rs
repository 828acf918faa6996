//! `wab erase`: deletes what the stack holds on one person, and says what it can't reach.

mod found;
mod person;
mod removal;

use std::io::Write;

use anyhow::Context;
use comfy_table::CellAlignment;
use serde::Serialize;

use self::found::{Found, find};
use crate::conversation::Contact;
use crate::estimate::Estimate;
use crate::mask::Mask;
use crate::progress::Progress;
use crate::shell::Shell;
use crate::stack::{Consent, Cost, Meter, StackArgs};
use crate::{FAILED, aws, style};

/// Delete what is stored of a person, and report what is out of reach
///
/// Deletes the contact's messages with their variants, the receipts of the sent messages that they reply to, quarantined
/// bodies that name the contact, and what waits of all this in the spill queue and the dead-letter queue. An object of the
/// bucket goes too, unless a message of someone else has the same content.
///
/// A message may call its sender by a number, by user ids, or by both. All names that the contact's messages lead to are
/// the same person. A number may have had another holder before: to erase one of them, give a user id. Then messages of that
/// number with another user id stay.
///
/// The command reads the whole table, once more for each further name: half a read unit for every 4 KB, 131 072 for a GB. It
/// prints what it found, and asks before it deletes anything on AWS. A repetition finds nothing, or what has arrived
/// meanwhile. After an interruption, the same command finishes the work.
///
/// With --tombstones, the key of each event stays until the event would have expired, with hashes of what it held. If the
/// gateway sends the same callback again, it is answered as a duplicate, and neither stored nor published.
#[derive(clap::Args)]
#[command(after_help = AFTER)]
pub(crate) struct Args {
    /// A number with its country code in any spelling, or a user id such as NZ.1349
    #[arg(value_name = "CONTACT")]
    contact: Contact,
    /// Count what would be deleted, and delete nothing
    #[arg(long, conflicts_with = "tombstones")]
    dry_run: bool,
    /// Keep the keys of the events, so that a late repeat of a callback isn't stored
    #[arg(long)]
    tombstones: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    mask: Mask,
    #[command(flatten)]
    consent: Consent,
    #[command(flatten)]
    stack: StackArgs,
}

const AFTER: &str = "\
Examples:
  wab erase '+64 21 000 001' --dry-run
  wab erase '+64 21 000 001' --stack wab --profile production
  wab erase NZ.13491208655302741918 --tombstones --yes

Exit codes:
  0  everything that was found was deleted, also if there was nothing
  1  something may be left: a message that another reader hides, an item of a newer layout, or one without content
     that can't be compared
  2  usage error: nothing was deleted
  3  a call to AWS failed: the same command finishes the work";

/// What no command can delete, and what happens to it.
const OUT_OF_REACH: [(&str, &str); 6] = [
    ("backups", "point-in-time recovery has the table of the last 35 days; on-demand backups stay until deleted"),
    ("stream", "its records end after 24 h; an event that is being retried is still published, or parked"),
    ("subscribers", "their queues, dead-letter queues and systems, and those of `wab listen`, have what was published"),
    ("gateway", "a callback that it sends again is stored, unless --tombstones was given: repeat the command later"),
    ("receipts", "those of messages that nobody replied to don't say whose they are: an id, a status, a reference"),
    ("logs, metrics", "hold nothing of a person"),
];

/// What was erased, or with `dry_run` would be.
#[derive(Debug, Serialize)]
struct Report {
    dry_run: bool,
    /// The names by which messages call the person, the contact first.
    names: Vec<String>,
    #[serde(flatten)]
    counts: Counts,
    left: Left,
    out_of_reach: Vec<OutOfReach>,
    cost: Cost,
}

#[derive(Debug, Default, PartialEq, Eq, Serialize)]
struct Counts {
    messages: usize,
    variants: usize,
    receipts: usize,
    quarantined: usize,
    objects: usize,
    spilled: usize,
    parked: usize,
    /// Of whomever: items that an interrupted erasure left, and objects of erased messages that a late repeat brought back.
    unfinished: usize,
}

/// What names the person, or may do so, and stays.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
struct Left {
    /// Objects that messages of others point at too.
    shared_objects: usize,
    /// References of sent messages that others reply to as well, or that several sent messages have.
    shared_references: usize,
    /// Messages of others in which the person is named.
    mentions: u64,
    /// Items of a newer layout in which the person is named.
    unreadable: u64,
    /// Messages stored without content whose sender can't be compared, because `ContentKey` can't be read.
    unmatched: u64,
    /// Messages of the queues that another reader hides.
    hidden: u64,
}

#[derive(Debug, Serialize)]
struct OutOfReach {
    what: &'static str,
    why: &'static str,
}

pub(crate) fn run(args: &Args, shell: &mut Shell<'_>) -> anyhow::Result<u8> {
    aws::block_on(async {
        let stack = args.stack.connect(shell.directory).await?;
        writeln!(shell.err, "{}", stack.place)?;
        let meter = Meter::default();
        let estimate = Estimate::scan(&stack.table.size(None).await?);
        writeln!(shell.err, "{} (list prices of us-east-1)", estimate.reading())?;
        let mut progress = Progress::new(estimate.items, shell.answers.is_some());
        let mut found = find(&stack, &args.contact, &mut progress, shell.err, &meter).await?;
        drop(progress);
        let counts = Counts::of(&found);
        if !args.dry_run && !counts.is_empty() {
            let names = args.mask_names(&found).join(", ");
            let action = format!("delete for good what is stored of {names}: {}", counts.phrase());
            stack.confirm(&action, args.consent, shell)?;
            removal::erase(&stack, &mut found, args.tombstones, &meter)
                .await
                .context("the same command finishes the work")?;
        }
        let report = Report {
            dry_run: args.dry_run,
            names: args.mask_names(&found),
            counts: Counts::of(&found),
            left: Left::of(&found),
            out_of_reach: OUT_OF_REACH.into_iter().map(|(what, why)| OutOfReach { what, why }).collect(),
            cost: meter.cost(),
        };
        match args.json {
            true => style::json(&report, &mut shell.out)?,
            false => report.show(shell.columns(), &mut shell.out)?,
        }
        writeln!(shell.err, "{}", report.cost)?;
        Ok(report.exit_code())
    })
}

impl Args {
    fn mask_names(&self, found: &Found) -> Vec<String> {
        found.person.names().iter().map(|name| self.mask.contact(name).into_owned()).collect()
    }
}

impl Counts {
    fn of(found: &Found) -> Self {
        let variants = found.messages.iter().filter(|held| held.is_variant).count();
        let (objects, shared) = found.objects();
        Self {
            messages: found.messages.len() - variants,
            variants,
            receipts: found.receipts.len(),
            quarantined: found.quarantined.len(),
            objects: objects - shared,
            spilled: found.spilled,
            parked: found.parked,
            unfinished: found.unfinished(),
        }
    }

    fn rows(&self) -> [(&'static str, usize); 8] {
        [
            ("messages", self.messages),
            ("variants", self.variants),
            ("receipts", self.receipts),
            ("quarantined", self.quarantined),
            ("objects", self.objects),
            ("spilled", self.spilled),
            ("parked", self.parked),
            ("unfinished", self.unfinished),
        ]
    }

    fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// `3 messages, 1 parked`
    fn phrase(&self) -> String {
        let found = self.rows().into_iter().filter(|(_, count)| *count > 0);
        found.map(|(what, count)| format!("{count} {what}")).collect::<Vec<_>>().join(", ")
    }
}

impl Left {
    fn of(found: &Found) -> Self {
        Self {
            shared_objects: found.objects().1,
            shared_references: found.shared_references,
            mentions: found.mentions,
            unreadable: found.unreadable,
            unmatched: found.unmatched,
            hidden: found.hidden,
        }
    }
}

impl Report {
    fn exit_code(&self) -> u8 {
        if self.left.unreadable + self.left.unmatched + self.left.hidden == 0 { 0 } else { FAILED }
    }

    fn show(&self, width: Option<u16>, out: &mut dyn Write) -> anyhow::Result<()> {
        writeln!(out, "{}", self.names.join(", "))?;
        if self.counts.is_empty() {
            writeln!(out, "nothing is stored of this contact")?;
        } else {
            let mut table = style::table([if self.dry_run { "would be erased" } else { "erased" }, ""], width);
            for (what, count) in self.counts.rows().into_iter().filter(|(_, count)| *count > 0) {
                table.add_row([what, &count.to_string()]);
            }
            if let Some(column) = table.column_mut(1) {
                column.set_cell_alignment(CellAlignment::Right);
            }
            writeln!(out, "{}", table.trim_fmt())?;
        }
        let Left { shared_objects, shared_references, mentions, unreadable, unmatched, hidden } = &self.left;
        let mut left = |count: u64, what: &str| match count {
            0 => Ok(()),
            count => writeln!(out, "left: {count} {what}"),
        };
        left(u64::try_from(*shared_objects)?, "objects with content that messages of others have too")?;
        left(u64::try_from(*shared_references)?, "references that several messages share, with their receipts")?;
        left(*mentions, "messages of others in which the contact is named")?;
        left(*unreadable, "items with a layout that is newer than this wab: a newer one erases them")?;
        left(
            *unmatched,
            "messages stored without content, whose senders can't be compared: mo's configuration has no key",
        )?;
        left(*hidden, "messages in the queues that another reader hides for a moment: run it again")?;
        let mut table = style::table(["out of reach", ""], width);
        for OutOfReach { what, why } in &self.out_of_reach {
            table.add_row([*what, *why]);
        }
        Ok(writeln!(out, "\n{}", table.trim_fmt())?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(counts: Counts, left: Left) -> Report {
        Report {
            dry_run: false,
            names: vec!["+64…01".to_owned()],
            counts,
            left,
            out_of_reach: OUT_OF_REACH.into_iter().map(|(what, why)| OutOfReach { what, why }).collect(),
            cost: Cost::default(),
        }
    }

    fn shown(report: &Report) -> (String, u8) {
        let mut out = Vec::new();
        report.show(None, &mut out).unwrap();
        (String::from_utf8(out).unwrap(), report.exit_code())
    }

    #[test]
    fn report_says_what_was_erased_and_what_is_left() {
        let counts = Counts { messages: 3, objects: 1, ..Counts::default() };
        assert_eq!(counts.phrase(), "3 messages, 1 objects");
        let (out, code) = shown(&report(counts, Left { shared_objects: 2, mentions: 1, ..Left::default() }));
        assert!(out.starts_with("+64…01\n") && out.contains("messages  3"), "{out}");
        assert!(out.contains("left: 2 objects with content") && out.contains("left: 1 messages of others"), "{out}");
        assert!(out.contains("35 days") && out.contains("hold nothing of a person"), "{out}");
        assert_eq!(code, 0, "what belongs to others is not left over");
    }

    #[test]
    fn hidden_and_unreadable_entries_are_no_success() {
        for left in [
            Left { hidden: 1, ..Left::default() },
            Left { unreadable: 1, ..Left::default() },
            Left { unmatched: 1, ..Left::default() },
        ] {
            let (out, code) = shown(&report(Counts::default(), left));
            assert!(out.contains("nothing is stored of this contact\nleft: 1 ") && code == 1, "{out}");
        }
    }
}
