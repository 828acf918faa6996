//! `wab status`: the whole stack on one screen.

mod alarm;
mod causes;
mod readings;
mod render;
mod report;
mod spell;

use std::io::Write;

use clap::builder::PossibleValuesParser;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::Serialize;

use crate::aws;
use crate::shell::Shell;
use crate::stack::StackArgs;

/// Show the whole stack on one screen, or what one alarm reports and why
///
/// The screen has, from top to bottom: callbacks by outcome, rejections, what waits, what subscribers didn't get, and the
/// alarms that are firing. Each line is `ok`, `over` (wrong within the last 24 hours, with its times), `warning` or
/// `problem`. The last two name the command that shows the cause, and the one that mends it, if there is one.
///
/// With the name of an alarm, the command shows its state, the minutes in which something was wrong, the reasons that the
/// logs give with their counts and up to ten event ids each, and what `wab doctor` finds about it.
///
/// The command only reads. The screen takes about seven calls: the last 24 hours of some 30 metrics by the minute
/// (0.0003 USD), the alarms, and the lengths of two queues. A metric can be three minutes late, and it takes five quiet
/// minutes until something is called `over`.
#[derive(clap::Args)]
#[command(after_help = AFTER)]
pub(crate) struct Args {
    /// An alarm, by its name in docs/runbook.md, such as `Deferred`
    #[arg(value_parser = PossibleValuesParser::new(alarm::names()), hide_possible_values = true, ignore_case = true)]
    alarm: Option<String>,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    stack: StackArgs,
}

const AFTER: &str = "\
Examples:
  wab status
  wab status Deferred
  wab status --stack wab --region ap-southeast-2 --json

Exit codes:
  0  nothing needs action now
  1  something needs action: a line is `warning` or `problem`, or an alarm is firing. Of one alarm: it is firing, or
     something was wrong within the last 15 minutes
  2  usage error
  3  a call to AWS failed, and nothing else needs action";

pub(crate) fn run(args: &Args, shell: &mut Shell<'_>) -> anyhow::Result<u8> {
    let now = Timestamp::now();
    if let Some(name) = &args.alarm {
        let report = aws::block_on(async {
            let stack = args.stack.connect(shell.directory).await?;
            alarm::gather(&stack, name, now).await
        })?;
        if args.json {
            json(&report, &mut shell.out)?;
        } else {
            render::show_alarm(&report, &TimeZone::system(), &mut shell.out)?;
        }
        return Ok(report.verdict.exit_code());
    }
    let report = aws::block_on(async {
        let stack = args.stack.connect(shell.directory).await?;
        report::gather(&stack, now).await
    })?;
    if args.json {
        json(&report, &mut shell.out)?;
    } else {
        render::show(&report, &TimeZone::system(), &mut shell.out)?;
    }
    Ok(report.verdict().exit_code())
}

fn json(report: &impl Serialize, out: &mut dyn Write) -> anyhow::Result<()> {
    serde_json::to_writer_pretty(&mut *out, report)?;
    Ok(writeln!(out)?)
}
