//! `wab listen`: shows each event as it is published, and forwards it to a local program on request.
//!
//! A listener has a queue of its own, which keeps events while it isn't running. A message is deleted from the queue only
//! after its line was written, and with `--forward-to` after the program took it.

pub(crate) mod delivery;
pub(crate) mod feed;
mod lines;
pub(crate) mod mailbox;

use std::pin::pin;
use std::process::Command;

use wab_events::Kind;

use self::feed::{Ended, Feed};
use self::lines::Lines;
use self::mailbox::{Change, Connected, RETENTION_DAYS};
use crate::aws;
use crate::forward::{Endpoint, Format};
use crate::mask::Mask;
use crate::shell::{Shell, interrupted};
use crate::stack::{Consent, Queue, Stack, StackArgs};
use crate::subscribe::selection::{Selection, describe};

/// Show each event as it is published
///
/// Makes a queue of its own, subscribes it to the topics, and prints one line for each event until Ctrl-C. The queue
/// stays and keeps what is published meanwhile, for 4 days: the next `wab listen` shows it. `--new` drops it,
/// `--remove` deletes the queue.
///
/// "connected" is printed once SNS has confirmed the subscriptions and the queue was read. Two listeners with the same
/// name share one queue, so that each shows a part of the events: give one of them another `--name`.
///
/// Numbers, texts and ids that may hold a number are masked, also in JSON, unless `--reveal` is given. A mark in
/// brackets says that an event is a variant, was replayed, or was shown before in this run (`again`).
///
/// With `--forward-to`, each event is posted to a program as SNS would post it: the event alone, as with raw message
/// delivery, or with `--envelope` SNS's own envelope and signature. The line shows the answer. An event that isn't
/// answered 2xx is posted again after 1 s, 2 s, 4 s and so on up to 5 minutes. At the end it stays in the queue, and
/// the next `wab listen` begins with it. SNS itself doesn't retry after a 4xx other than 429.
#[derive(clap::Args)]
#[command(after_help = AFTER)]
pub(crate) struct Args {
    /// Only messages (mo) or only receipts (dlr)
    #[arg(long, value_name = "KIND", value_parser = kind)]
    kind: Option<Kind>,
    #[command(flatten)]
    selection: Selection,
    /// Post each event to this http or https URL as well
    #[arg(long, value_name = "URL")]
    forward_to: Option<String>,
    /// Post SNS's envelope instead of the event alone
    #[arg(long, requires = "forward_to")]
    envelope: bool,
    /// Print one JSON object a line
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    mask: Mask,
    /// Name of the listener, and of its queue [default: user and host]
    #[arg(long, value_name = "NAME", value_parser = listener_name)]
    name: Option<String>,
    /// Drop the events that wait in the queue
    #[arg(long)]
    new: bool,
    /// Unsubscribe and delete the queue, and end
    #[arg(long, conflicts_with_all = ["kind", "types", "statuses", "contacts", "applications", "forward_to", "json", "reveal", "new"])]
    remove: bool,
    #[command(flatten)]
    consent: Consent,
    #[command(flatten)]
    stack: StackArgs,
}

const AFTER: &str = "\
Examples:
  wab listen
  wab listen --reveal --contact '+64 21 000 001'
  wab listen --status expired,failed --json
  wab listen --forward-to http://localhost:8080/events
  wab listen --stack wab --profile production --type order
  wab listen --remove

Exit codes:
  0  ended by Ctrl-C or SIGTERM, or because the output was closed
  1  the same, but events are left that the program of --forward-to didn't take
  2  usage error, or not confirmed
  3  a call to AWS failed";

/// Maximum length of a listener's name.
const MAX_NAME: usize = 40;

fn kind(text: &str) -> Result<Kind, String> {
    Kind::ALL.into_iter().find(|kind| kind.as_str() == text).ok_or_else(|| "mo or dlr".to_owned())
}

fn listener_name(text: &str) -> Result<String, String> {
    let is_valid = |char: char| char.is_ascii_alphanumeric() || matches!(char, '-' | '_');
    if (1..=MAX_NAME).contains(&text.len()) && text.chars().all(is_valid) {
        Ok(text.to_owned())
    } else {
        Err(format!("1 to {MAX_NAME} letters, digits, hyphens and underscores"))
    }
}

pub(crate) fn run(args: &Args, shell: &mut Shell<'_>) -> anyhow::Result<u8> {
    let kinds = args.kind.map(|kind| [kind]);
    let wanted = args.selection.policies(kinds.as_ref().map(<[Kind; 1]>::as_slice))?;
    let format = if args.envelope { Format::Envelope } else { Format::Raw };
    let endpoint = args.forward_to.as_deref().map(|url| Endpoint::parse(url, format)).transpose()?;
    aws::block_on(async {
        let stack = args.stack.connect(shell.directory).await?;
        writeln!(shell.err, "{}", stack.place)?;
        let listener = args.name.clone().unwrap_or_else(user_and_host);
        let name = mailbox::queue_name(&stack.resources.stack_name, &listener);
        let existing = Queue::find(&stack.sdk, &name).await?;
        if args.remove {
            return remove(args, &stack, &name, existing, shell).await;
        }
        if existing.is_none() {
            let action = format!("make the queue {name} and subscribe it to the topics");
            stack.confirm(&action, args.consent, shell)?;
        }
        let mailbox::Mailbox { queue, first, connected } = mailbox::connect(&stack, &name, existing, &wanted).await?;
        let mut stop = pin!(interrupted());
        // From here on, a signal ends the listener in order. The first poll installs the handlers.
        tokio::select! {
            biased;
            () = &mut stop => return Ok(0),
            () = std::future::ready(()) => {}
        }
        report(&connected, &stack, args, endpoint.as_ref(), shell)?;
        let arns = connected.topics.into_iter().map(|topic| (topic.arn, topic.subscription_arn)).collect();
        let feed =
            Feed { queue: &queue, subscription_arns: arns, drop_before: args.new.then_some(connected.since), endpoint };
        let ended = feed.run(first, stop, &mut Lines::new(shell, args.mask, args.json)).await?;
        mailbox::note_use(&queue).await?;
        conclude(&ended, &stack, &listener, shell)?;
        Ok(u8::from(!ended.kept.is_empty()))
    })
}

async fn remove(
    args: &Args,
    stack: &Stack,
    name: &str,
    existing: Option<Queue>,
    shell: &mut Shell<'_>,
) -> anyhow::Result<u8> {
    let Some(queue) = existing else {
        writeln!(shell.err, "there is no queue {name}: nothing to remove")?;
        return Ok(0);
    };
    stack.confirm(&format!("unsubscribe and delete the queue {name} with the events in it"), args.consent, shell)?;
    mailbox::remove(stack, &queue).await?;
    writeln!(shell.err, "removed the queue {name} and its subscriptions")?;
    Ok(0)
}

/// The default name of a listener.
pub(crate) fn user_and_host() -> String {
    let user = ["USER", "USERNAME"].into_iter().find_map(|name| std::env::var(name).ok()).unwrap_or_default();
    // Every system has this program, and the standard library has no other way to ask.
    let host = Command::new("hostname").output().map(|output| output.stdout).unwrap_or_default();
    let host = String::from_utf8_lossy(&host);
    let host = host.trim().split('.').next().unwrap_or_default();
    let mut name: String =
        format!("{user}-{host}").chars().map(|char| if char.is_ascii_alphanumeric() { char } else { '-' }).collect();
    name.truncate(MAX_NAME);
    name.trim_matches('-').to_owned()
}

fn report(
    connected: &Connected,
    stack: &Stack,
    args: &Args,
    endpoint: Option<&Endpoint>,
    shell: &mut Shell<'_>,
) -> anyhow::Result<()> {
    let is_new = if connected.is_new { " (new)" } else { "" };
    let waiting = match (connected.waiting, args.new) {
        (0, _) => "no events waiting".to_owned(),
        (waiting, true) => format!("about {waiting} waiting events are dropped"),
        (1, false) => "1 event waiting".to_owned(),
        (waiting, false) => format!("about {waiting} events waiting"),
    };
    writeln!(shell.err, "connected: queue {}{is_new}, {waiting}", connected.queue)?;
    for topic in &connected.topics {
        let changed = match topic.change {
            Change::Changed => " (filter changed)",
            Change::Made | Change::Kept => "",
        };
        writeln!(shell.err, "  {:<3}  {}{changed}", topic.kind.as_str(), describe(&topic.filter, args.mask))?;
    }
    for kind in &connected.left {
        writeln!(shell.err, "  {:<3}  none (unsubscribed)", kind.as_str())?;
    }
    // SNS developer guide, "Amazon SNS subscription filter policies".
    let is_filter_fresh = |topic: &mailbox::Topic| match topic.change {
        Change::Made => !topic.filter.is_empty(),
        Change::Changed => true,
        Change::Kept => false,
    };
    if !stack.is_local() && connected.topics.iter().any(is_filter_fresh) {
        writeln!(
            shell.err,
            "SNS applies a new filter within 15 minutes; until then other events may be missing or shown"
        )?;
    }
    if let Some(endpoint) = endpoint {
        writeln!(shell.err, "forwarding to {}", endpoint.address())?;
    }
    Ok(())
}

fn conclude(ended: &Ended, stack: &Stack, listener: &str, shell: &mut Shell<'_>) -> anyhow::Result<()> {
    let dropped = if ended.dropped > 0 { format!(", {} dropped", ended.dropped) } else { String::new() };
    let plural = if ended.shown == 1 { "" } else { "s" };
    writeln!(shell.err, "{} event{plural} shown{dropped}", ended.shown)?;
    if !ended.kept.is_empty() {
        writeln!(shell.err, "not delivered, and kept in the queue for the next `wab listen`: {}", ended.kept.len())?;
        for kept in &ended.kept {
            writeln!(shell.err, "  {kept}")?;
        }
    }
    if stack.is_local() {
        return Ok(()); // the queue ends with the emulator
    }
    writeln!(
        shell.err,
        "the queue keeps new events for {RETENTION_DAYS} days; `wab listen --remove --name {listener}` deletes it"
    )?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn listener_names_fit_a_queue_name() {
        for name in ["ana", "ana_laptop-2", &"a".repeat(MAX_NAME)] {
            assert!(listener_name(name).is_ok(), "{name}");
        }
        for name in ["", "a b", "a.b", "ä", &"a".repeat(MAX_NAME + 1)] {
            assert!(listener_name(name).is_err(), "{name}");
        }
        assert!(listener_name(&user_and_host()).is_ok(), "{}", user_and_host());
    }
}
