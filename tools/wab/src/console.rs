//! `wab console`: a page on this machine that shows the system live, and acts on it.
//!
//! The page shows what the other commands gather, and acts by running them (`command`). Only the list of events as they
//! are published (`live`) and the faults of a local stack (`faults`) are the console's own. `server` decides who may ask.

mod command;
mod cost;
mod faults;
mod live;
mod rows;
mod server;
mod web;

use std::io::Write;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, ensure};
use tokio::net::TcpListener;

use self::faults::Faults;
use self::rows::Rows;
use crate::aws;
use crate::shell::{Shell, interrupted};
use crate::stack::{Consent, Place, Stack, StackArgs, StackFile};

/// Open a page on this machine that shows the system live, and acts on it
///
/// Prints an address that holds a secret: open it in a browser on this machine. The page shows callbacks, answers and
/// queues, each event as it is published, messages and conversations, and what `wab doctor` finds. It sends samples,
/// resends events, and redrives or discards what is parked or quarantined. It shows each command before it runs it.
///
/// Only programs on this machine can reach the page, and only with the secret. Numbers, names and texts are masked until
/// they are revealed. With --read-only, nothing is changed but the console's own queue, which receives the events. The
/// console deletes the queue when it ends.
///
/// On a stack on AWS, the open page reads the metrics once a minute: 0.0003 USD each time.
#[derive(clap::Args)]
#[command(after_help = AFTER)]
pub(crate) struct Args {
    /// Port of the page
    #[arg(long, value_name = "PORT", default_value_t = 4590)]
    port: u16,
    /// Show, but change nothing
    #[arg(long)]
    read_only: bool,
    #[command(flatten)]
    consent: Consent,
    #[command(flatten)]
    stack: StackArgs,
}

const AFTER: &str = "\
Examples:
  wab console
  wab console --port 0
  wab console --stack wab --profile production --read-only

Exit codes:
  0  ended by Ctrl-C or SIGTERM
  2  usage error, not confirmed, or the port is in use
  3  a call to AWS failed";

const GONE: &str = "the local stack was stopped";

/// What the parts of the console share.
struct Console {
    directory: PathBuf,
    stack: StackArgs,
    place: Place,
    read_only: bool,
    rows: Rows,
    /// None unless the stack is local and may be changed.
    faults: Option<Faults>,
}

impl Console {
    fn new(args: &Args, directory: &Path, stack: &Stack) -> Self {
        let may_break = stack.is_local() && !args.read_only;
        Self {
            directory: directory.to_owned(),
            stack: args.stack.pinned(&stack.place),
            place: stack.place.clone(),
            read_only: args.read_only,
            rows: Rows::default(),
            faults: may_break.then(|| Faults::new(stack)),
        }
    }

    /// Whether the console's stack was local and its file is gone. Its options would then name a stack on AWS, which nobody
    /// has agreed to change.
    fn is_gone(&self) -> bool {
        self.is_local() && StackFile::find(&self.directory).is_none()
    }

    async fn connect(&self) -> anyhow::Result<Stack> {
        ensure!(!self.is_gone(), GONE);
        self.stack.connect(&self.directory).await
    }

    fn is_local(&self) -> bool {
        matches!(self.place, Place::Local { .. })
    }
}

pub(crate) fn run(args: &Args, shell: &mut Shell<'_>) -> anyhow::Result<u8> {
    aws::block_on(async {
        let stack = args.stack.connect(shell.directory).await?;
        writeln!(shell.err, "{}", stack.place)?;
        stack.confirm("make a queue for the console and subscribe it to the topics", args.consent, shell)?;
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, args.port)).await;
        let listener = listener.with_context(|| format!("port {} is in use: give another --port, or 0", args.port))?;
        let port = listener.local_addr()?.port();
        let token = server::Token::random()?;
        let console = Arc::new(Console::new(args, shell.directory, &stack));
        writeln!(shell.out, "http://127.0.0.1:{port}/#token={token}")?;
        shell.out.flush()?;
        writeln!(shell.err, "open this address in a browser on this machine; Ctrl-C ends the console")?;
        let serving = axum::serve(listener, server::router(Arc::clone(&console), token, port));
        tokio::select! {
            served = serving => served.context("the page's server failed")?,
            () = live::listen(&console) => {}
            () = interrupted() => {}
        }
        if let Some(faults) = &console.faults {
            faults.end_all().await;
        }
        live::remove_queue(&console).await?;
        Ok(0)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn console(place: Place, stack: &StackArgs) -> Console {
        Console {
            directory: PathBuf::from("/"),
            stack: stack.pinned(&place),
            place,
            read_only: false,
            rows: Rows::default(),
            faults: None,
        }
    }

    #[tokio::test]
    async fn stopped_local_stack_is_not_taken_for_one_on_aws() {
        let console = console(Place::Local { endpoint: "http://localhost:1".to_owned() }, &StackArgs::default());
        assert_eq!(console.connect().await.unwrap_err().to_string(), GONE);
    }

    #[test]
    fn stack_on_aws_is_named_in_each_command() {
        let [account, region, name] = ["123456789012", "us-east-1", "wab"].map(str::to_owned);
        let console = console(Place::Deployed { account, region, name }, &StackArgs::default());
        assert!(!console.is_gone());
        assert_eq!(console.stack.to_options(), ["--stack=wab", "--region=us-east-1"]);
    }
}
