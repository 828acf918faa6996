//! `wab send`: acts as the gateway. Posts one callback and prints the receiver's answer.

use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context;
use clap::Subcommand;
use ureq::Agent;
use uuid::Uuid;
use wab_events::Kind;
use wab_ingress::basic_authorization;

use crate::answer::{Answer, SHOWN_HEADERS, Verdict};
use crate::callback_url::is_loopback;
use crate::samples::{Dlr, MessageType, Mo};
use crate::target::{self, Target};

/// Time limit from the DNS look-up to the last byte of the answer. The receiver itself needs 4 s at most.
const TIMEOUT: Duration = Duration::from_secs(10);

/// A longer answer is cut.
const MAX_ANSWER_BYTES: u64 = 64 * 1024;

/// Act as the gateway: post a callback and print the answer
#[derive(clap::Args)]
#[command(after_help = EXIT_CODES)]
pub(crate) struct Args {
    #[command(subcommand)]
    callback: Callback,
}

#[derive(Subcommand)]
enum Callback {
    Mo(MoArgs),
    Dlr(DlrArgs),
}

/// Post an MO callback: a message from a WhatsApp user
///
/// Posts a made-up message of the given type, each time a new one, or the bytes of a file.
#[derive(clap::Args)]
#[command(after_help = [MO_EXAMPLES, EXIT_CODES].concat())]
struct MoArgs {
    /// Type of the made-up message
    #[arg(long = "type", value_name = "TYPE", default_value = "text")]
    message_type: MessageType,
    /// The gateway's message id [default: a random UUID]
    #[arg(long, value_name = "ID")]
    id: Option<String>,
    /// Sender
    #[arg(long, value_name = "NUMBER")]
    source: Option<String>,
    /// Recipient
    #[arg(long, value_name = "NUMBER")]
    destination: Option<String>,
    /// Reference of the sent message that this one replies to
    #[arg(long)]
    reference: Option<String>,
    /// Text, caption or button title
    #[arg(long, allow_hyphen_values = true)]
    text: Option<String>,
    /// Post the bytes of this file, unchanged. `-` is standard input
    #[arg(long, conflicts_with_all = ["message_type", "id", "source", "destination", "reference", "text"])]
    file: Option<PathBuf>,
    #[command(flatten)]
    target: target::Args,
}

/// Post a DLR callback: a delivery receipt
///
/// Posts a made-up receipt with the given status, each time a new one, or the bytes of a file.
#[derive(clap::Args)]
#[command(after_help = [DLR_EXAMPLES, EXIT_CODES].concat())]
struct DlrArgs {
    /// Status. Any word is accepted. The gateway uses accepted, queued, submitted, sent, received, blocked,
    /// deficient, frozen, rejected, failed, dead and expired
    #[arg(long, value_name = "WORD", default_value = "received")]
    status: String,
    /// The gateway's id of the sent message [default: a random UUID]
    #[arg(long, value_name = "ID")]
    id: Option<String>,
    /// Reference of the sent message
    #[arg(long)]
    reference: Option<String>,
    /// Post the bytes of this file, unchanged. `-` is standard input
    #[arg(long, conflicts_with_all = ["status", "id", "reference"])]
    file: Option<PathBuf>,
    #[command(flatten)]
    target: target::Args,
}

const EXIT_CODES: &str = "\
Exit codes:
  0  accepted: 200, whether stored, duplicate or deferred
  1  rejected: 4xx except 429, or an unexpected answer
  2  usage error: nothing was posted
  3  retry later: 429, 5xx, or no answer within 10 s";

const MO_EXAMPLES: &str = "\
Examples:
  wab send mo
  wab send mo --type image --text 'Look at this'
  wab send mo --id 7c1f && wab send mo --id 7c1f    (the second is a duplicate)
  wab send mo --file recorded.json
  wab send mo --url 'https://gateway:PASSWORD@abc123.execute-api.ap-southeast-2.amazonaws.com/mo'

";

const DLR_EXAMPLES: &str = "\
Examples:
  wab send dlr
  wab send dlr --status expired --reference order-1042
  wab send dlr --id 7c1f --status sent && wab send dlr --id 7c1f    (two events of one message)
  echo '{\"id\": 4711, \"status\": \"sent\"}' | wab send dlr --file -
  wab send dlr --url 'https://gateway:PASSWORD@abc123.execute-api.ap-southeast-2.amazonaws.com/dlr'

";

pub(crate) fn run(args: Args, directory: &Path, out: &mut impl Write) -> anyhow::Result<u8> {
    let (target, body) = match args.callback {
        Callback::Mo(mo) => (mo.target.resolve(Kind::Mo, directory)?, mo.body()?),
        Callback::Dlr(dlr) => (dlr.target.resolve(Kind::Dlr, directory)?, dlr.body()?),
    };
    let caller = target.login.as_ref().map_or("without credentials".to_owned(), |login| format!("as {}", login.user));
    writeln!(out, "POST {} {caller}, {} bytes\n", target.address, body.len())?;
    let verdict = match post(&target, &body) {
        Ok(answer) => answer.show(out)?,
        Err(error) => {
            writeln!(out, "No answer ({error}). {}", after_failure(&error))?;
            Verdict::Retry
        }
    };
    Ok(verdict.exit_code())
}

impl MoArgs {
    fn body(self) -> anyhow::Result<Vec<u8>> {
        if let Some(file) = self.file {
            return read(&file);
        }
        let mut sample = Mo::new(self.message_type, &id(self.id))?;
        if let Some(source) = self.source {
            sample = sample.with_source(source)?;
        }
        if let Some(destination) = self.destination {
            sample = sample.with_destination(destination);
        }
        if let Some(reference) = self.reference {
            sample = sample.with_reference(reference);
        }
        if let Some(text) = self.text {
            sample = sample.with_text(self.message_type, text)?;
        }
        sample.body()
    }
}

impl DlrArgs {
    fn body(self) -> anyhow::Result<Vec<u8>> {
        match self.file {
            Some(file) => read(&file),
            None => Dlr::new(id(self.id), self.status, self.reference)?.body(),
        }
    }
}

fn id(given: Option<String>) -> String {
    given.unwrap_or_else(|| Uuid::new_v4().to_string())
}

fn read(file: &Path) -> anyhow::Result<Vec<u8>> {
    if file == Path::new("-") {
        let mut body = Vec::new();
        io::stdin().lock().read_to_end(&mut body).context("cannot read standard input")?;
        return Ok(body);
    }
    std::fs::read(file).with_context(|| format!("cannot read {}", file.display()))
}

fn post(target: &Target, body: &[u8]) -> Result<Answer, ureq::Error> {
    let mut request = agent(target).post(target.address.as_str()).header("content-type", "application/json");
    if let Some(login) = &target.login {
        request = request.header("authorization", basic_authorization(&login.user, &login.password));
    }
    let mut response = request.send(body)?;
    let status = response.status();
    let header =
        |name| response.headers().get(name).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
    let headers = SHOWN_HEADERS.iter().filter_map(|&name| Some((name, header(name)?))).collect();
    let version = format!("{:?}", response.version());
    let mut body = Vec::new();
    response.body_mut().as_reader().take(MAX_ANSWER_BYTES).read_to_end(&mut body)?;
    Ok(Answer { version, status: status.as_u16(), reason: status.canonical_reason().unwrap_or(""), headers, body })
}

/// A client with a time limit that follows no redirects and treats no status as an error.
fn agent(target: &Target) -> Agent {
    let mut config = Agent::config_builder()
        .http_status_as_error(false)
        .max_redirects(0)
        .timeout_global(Some(TIMEOUT))
        .user_agent(concat!("wab/", env!("CARGO_PKG_VERSION")));
    if is_loopback(&target.address) {
        // A proxy can't reach this machine's loopback addresses.
        config = config.proxy(None);
    }
    config.build().new_agent()
}

/// What is known about a callback that wasn't answered.
fn after_failure(error: &ureq::Error) -> &'static str {
    const NOT_POSTED: &str = "Nothing was posted: check that the receiver is up and that the URL is right.";
    match error {
        ureq::Error::HostNotFound | ureq::Error::ConnectionFailed => NOT_POSTED,
        ureq::Error::Io(error) if error.kind() == io::ErrorKind::ConnectionRefused => NOT_POSTED,
        _ => "The callback may or may not be stored: send it again with the same --id.",
    }
}
