//! `wab quarantine show`: one quarantined body.

use std::io::Write;

use jiff::tz::TimeZone;
use serde::Serialize;
use serde_json::Value;
use wab_models::QuarantinedBody;

use super::item::{Row, body, check, find, no_body};
use crate::mask::{Mask, printable};
use crate::shell::Shell;
use crate::stack::StackArgs;
use crate::{FAILED, aws, style, times};

/// Show a quarantined body
///
/// A body that is JSON is shown with its keys, and the values masked. Of any other body only the length is shown. With
/// --reveal, everything is shown.
#[derive(clap::Args)]
#[command(after_help = AFTER)]
pub(crate) struct Args {
    /// Id of the body, as `wab quarantine list` shows it
    #[arg(value_name = "ID")]
    id: String,
    /// Print the body byte for byte, and nothing else. Needs --reveal
    #[arg(long, requires = "reveal", conflicts_with = "json")]
    raw: bool,
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
  wab quarantine show 2026-11-23T09:15:02.417Z-0123456789ab
  wab quarantine show 2026-11-23T09:15:02.417Z-0123456789ab --raw --reveal > body.json

Exit codes:
  0  shown
  1  there is no such body, the bucket no longer has it, or --raw asks for one that isn't kept
  2  usage error
  3  a call to AWS failed";

#[derive(Serialize)]
struct Report {
    #[serde(flatten)]
    row: Row,
    /// Where the body is: `table`, `bucket`, or `nowhere` if the content isn't kept.
    body_in: &'static str,
    /// Whether this version would accept it now. None without a body.
    #[serde(skip_serializing_if = "Option::is_none")]
    accepted_now: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    body: Option<Value>,
}

pub(crate) fn run(args: &Args, shell: &mut Shell<'_>) -> anyhow::Result<u8> {
    aws::block_on(async {
        let stack = args.stack.connect(shell.directory).await?;
        writeln!(shell.err, "{}", stack.place)?;
        let Some(item) = find(&stack, &args.id).await? else {
            writeln!(shell.err, "there is no such body: it may have expired")?;
            return Ok(FAILED);
        };
        let body = body(&stack, &item).await?;
        let is_kept = !matches!(item.body, QuarantinedBody::NotKept { .. });
        if body.is_none() && (is_kept || args.raw) {
            writeln!(shell.err, "there is no body: {}", no_body(&item))?;
            return Ok(FAILED);
        }
        if let (true, Some(bytes)) = (args.raw, &body) {
            shell.out.write_all(bytes)?;
            return Ok(0);
        }
        let report = Report {
            row: Row::of(&item),
            body_in: match item.body {
                QuarantinedBody::Text(_) | QuarantinedBody::Base64(_) => "table",
                QuarantinedBody::Object(_) => "bucket",
                QuarantinedBody::NotKept { .. } => "nowhere",
            },
            accepted_now: body.as_ref().map(|bytes| check(item.kind, bytes).is_ok()),
            body: body.as_ref().map(|bytes| shown(bytes, args.mask)),
        };
        match args.json {
            true => style::json(&report, &mut shell.out)?,
            false => report.show(&TimeZone::system(), &mut shell.out)?,
        }
        Ok(0)
    })
}

/// The body, in which what may be people's data is masked.
fn shown(body: &[u8], mask: Mask) -> Value {
    let text = String::from_utf8_lossy(body);
    match serde_json::from_slice(body) {
        Ok(json) => mask.json(&json),
        Err(_) => mask.text(&text).into(),
    }
}

impl Report {
    fn show(&self, zone: &TimeZone, out: &mut dyn Write) -> anyhow::Result<()> {
        let Row { id, kind, since, application, bytes, reason, expires_at } = &self.row;
        let mut line = |name: &str, value: &str| writeln!(out, "{name:<12}{}", printable(value));
        line("of", kind.as_str())?;
        line("id", id)?;
        if let Some(since) = since {
            line("since", &times::local(*since, zone))?;
        }
        line("application", application)?;
        line("reason", reason)?;
        let place = if self.body.is_some() { format!("in the {}", self.body_in) } else { "not kept".to_owned() };
        line("bytes", &format!("{bytes}, {place}"))?;
        if let Some(at) = expires_at {
            line("kept until", &times::local(*at, zone))?;
        }
        let (Some(accepted_now), Some(body)) = (self.accepted_now, &self.body) else { return Ok(()) };
        line("sent as is", if accepted_now { "would be accepted" } else { "would be rejected again" })?;
        let body = match body {
            Value::String(text) => text.lines().map(printable).collect::<Vec<_>>().join("\n"),
            json => serde_json::to_string_pretty(json)?.lines().map(printable).collect::<Vec<_>>().join("\n"),
        };
        Ok(writeln!(out, "body        {body}")?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn body_is_masked_whether_json_or_not() {
        let json = shown(br#"{"source": "+6421000001"}"#, Mask::default());
        assert_eq!(json, serde_json::json!({"source": "(11 characters)"}));
        assert_eq!(shown(b"{\"source\": \"+6421", Mask::default()), "(17 characters)");
        assert_eq!(shown(b"a\xff", Mask::OFF), "a\u{fffd}");
    }
}
