//! `wab conversation`: the messages of one contact in order, with the receipts of what they reply to.

mod contact;
mod gather;
mod page;
mod render;

use std::io::Write;

use anyhow::ensure;
use jiff::ZonedDateTime;

pub(crate) use self::contact::Contact;
use self::page::Page;
use crate::mask::Mask;
use crate::shell::Shell;
use crate::stack::{Meter, StackArgs};
use crate::times::Moment;
use crate::{aws, style, window};

/// Show the messages of one contact in order, with the receipts of what they reply to
///
/// A reaction, an edit and a deletion are shown with the message that they are about. A message that was sent is shown, with
/// its receipts, if one of the messages replies to it: its text is not known, because wab stores what the gateway calls back
/// for.
///
/// Without --since the newest messages are shown. The last line says how to get the next page.
#[derive(clap::Args)]
#[command(after_help = AFTER)]
pub(crate) struct Args {
    /// A number with its country code in any spelling, or a user id such as NZ.1349
    #[arg(value_name = "CONTACT")]
    contact: Contact,
    /// Only messages received at this time or later, oldest page first: RFC 3339, a local time or date, or a span (2h, 3d)
    #[arg(long, value_name = "TIME")]
    since: Option<Moment>,
    /// Only messages received before this time
    #[arg(long, value_name = "TIME")]
    until: Option<Moment>,
    /// Maximum number of messages
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    limit: u32,
    /// Print the newest message first
    #[arg(long)]
    newest_first: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    mask: Mask,
    #[command(flatten)]
    stack: StackArgs,
}

const AFTER: &str = "\
Examples:
  wab conversation '+64 21 000 001'
  wab conversation 0064-21-000-001 --since 1d --reveal
  wab conversation NZ.13491208655302741918 --until 2026-11-23T09:00:00Z --json

Exit codes:
  0  shown
  1  no message of the contact is stored in this time
  2  usage error
  3  a call to AWS failed";

pub(crate) fn run(args: &Args, shell: &mut Shell<'_>) -> anyhow::Result<u8> {
    let now = ZonedDateTime::now();
    let bound = |moment: Option<Moment>| moment.map(|moment| moment.resolve(&now)).transpose();
    let (since, until) = (bound(args.since)?, bound(args.until)?);
    if let (Some(since), Some(until)) = (since, until) {
        ensure!(since < until, "--since is not before --until");
    }
    let page = Page {
        since: since.map(window::received_at),
        until: until.map(window::received_at),
        limit: usize::try_from(args.limit)?,
    };
    aws::block_on(async {
        let stack = args.stack.connect(shell.directory).await?;
        writeln!(shell.err, "{}", stack.place)?;
        let meter = Meter::default();
        let mut conversation = gather::gather(&stack, &args.contact, &page, args.mask, &meter).await?;
        if args.newest_first {
            conversation.entries.reverse();
        }
        if args.json {
            style::json(&conversation, &mut shell.out)?;
        } else if !conversation.entries.is_empty() {
            write!(shell.out, "{}", render::render(&conversation, now.timestamp(), now.time_zone()))?;
        }
        if conversation.without_key {
            writeln!(shell.err, "the configuration of mo can't be read: messages stored without content aren't found")?;
        }
        if conversation.messages == 0 {
            writeln!(shell.err, "no message of this contact is stored in this time")?;
        }
        if let Some(next) = &conversation.next {
            writeln!(shell.err, "there are {} messages: go on with {next}", next.adjective())?;
        }
        writeln!(shell.err, "{}", conversation.cost)?;
        Ok(u8::from(conversation.messages == 0))
    })
}
