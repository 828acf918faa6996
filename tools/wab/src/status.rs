//! `wab status`: the whole stack on one screen.

mod readings;
mod render;
mod report;
mod spell;

use std::io::Write;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::aws;
use crate::shell::Shell;
use crate::stack::StackArgs;

/// Show the whole stack on one screen: what is wrong, for how long, and what to do
///
/// From top to bottom: callbacks by outcome, rejections, what waits, what subscribers didn't get, and the alarms that
/// are firing. Each line is `ok`, `over` (wrong within the last 24 hours, with its times), `warning` or `problem`. The
/// last two name the command that shows more, and the one that mends it, if there is one.
///
/// The command only reads: the last 24 hours of metrics by the minute, the alarms, and the lengths of two queues. That
/// is seven calls or so, and 0.0003 USD of CloudWatch's price for each metric's data. A metric can be two minutes late.
/// What is over needs 5 quiet minutes to be called so.
#[derive(clap::Args)]
#[command(after_help = AFTER)]
pub(crate) struct Args {
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    stack: StackArgs,
}

const AFTER: &str = "\
Examples:
  wab status
  wab status --stack wab --region ap-southeast-2 --json

Exit codes:
  0  nothing needs action now
  1  something needs action: a line is `warning` or `problem`, or an alarm is firing
  2  usage error
  3  a call to AWS failed, and nothing else needs action";

pub(crate) fn run(args: &Args, shell: &mut Shell<'_>) -> anyhow::Result<u8> {
    let report = aws::block_on(async {
        let stack = args.stack.connect(shell.directory).await?;
        report::gather(&stack, Timestamp::now()).await
    })?;
    if args.json {
        serde_json::to_writer_pretty(&mut shell.out, &report)?;
        writeln!(shell.out)?;
    } else {
        render::show(&report, &TimeZone::system(), &mut shell.out)?;
    }
    Ok(report.verdict().exit_code())
}
