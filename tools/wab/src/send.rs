//! `wab send`: acts as the gateway. Posts a callback and prints the receiver's answer, or posts many and reports the
//! answers.

mod change;
pub(crate) mod list;
mod load;
mod plan;
mod post;
mod report;
mod scenario;
#[cfg(test)]
mod server;

use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::Subcommand;
use fastrand::Rng;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::json;
use uuid::Builder;
use wab_events::Kind;

pub(crate) use self::change::Change;
use self::load::Pace;
use self::plan::{Callback, Mix, Percent, Plan};
use self::post::Posted;
pub(crate) use self::post::{Sender, after_failure};
use self::scenario::Scenario;
use crate::answer::{Answer, Verdict};
use crate::callback_url::shown;
use crate::samples::{Dlr, MessageType, Mo};
use crate::shell::{Shell, interrupted};
use crate::target::{self, Target};
use crate::{INTERRUPTED, aws};

/// Act as the gateway: post callbacks and print the answers
#[derive(clap::Args)]
#[command(
    after_help = [EXAMPLES, EXIT_CODES].concat(),
    args_conflicts_with_subcommands = true,
    arg_required_else_help = true,
    subcommand_negates_reqs = true
)]
pub(crate) struct Args {
    #[command(subcommand)]
    what: Option<What>,
    /// List the made-up callbacks and the scenarios
    #[arg(long, required = true)]
    list: bool,
    /// Print JSON
    #[arg(long, requires = "list")]
    json: bool,
}

#[derive(Subcommand)]
enum What {
    Mo(MoArgs),
    Dlr(DlrArgs),
    Scenario(ScenarioArgs),
}

/// Post MO callbacks: messages from a WhatsApp user
///
/// Posts a made-up message of the given type, each time a new one, or the bytes of a file.
#[derive(clap::Args)]
#[command(after_help = [MO_EXAMPLES, EXIT_CODES].concat())]
struct MoArgs {
    /// Type of the made-up message. `wab send --list` describes them
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
    #[command(flatten)]
    body: BodyArgs,
    /// Post the bytes of this file, unchanged. `-` is standard input
    #[arg(
        long,
        conflicts_with_all = ["message_type", "id", "source", "destination", "reference", "text", "changes", "Mix"]
    )]
    file: Option<PathBuf>,
    #[command(flatten)]
    run: RunArgs,
}

/// Post DLR callbacks: delivery receipts
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
    #[command(flatten)]
    body: BodyArgs,
    /// Post the bytes of this file, unchanged. `-` is standard input
    #[arg(long, conflicts_with_all = ["status", "id", "reference", "changes", "Mix"])]
    file: Option<PathBuf>,
    #[command(flatten)]
    run: RunArgs,
}

/// Post callbacks that belong together
///
/// The receipts of a message share its id and reference. Replies name the message that they answer in reply_to,
/// reference and WhatsApp's own context. Except for `storm`, callbacks are posted one after the other, in the order in
/// which the gateway would know them, unless --rate or --shuffle is given.
#[derive(clap::Args)]
#[command(after_help = [SCENARIO_EXAMPLES, EXIT_CODES].concat())]
struct ScenarioArgs {
    /// The scenario
    #[arg(value_name = "NAME")]
    scenario: Scenario,
    #[command(flatten)]
    run: RunArgs,
}

#[derive(clap::Args)]
struct BodyArgs {
    /// Set a value of the body, such as content.text.body=Hello. A value that is JSON is set as JSON, any other as text.
    /// Missing objects are created. May be repeated
    #[arg(long = "set", value_name = "PATH=VALUE", allow_hyphen_values = true)]
    changes: Vec<Change>,
}

#[derive(clap::Args)]
struct RunArgs {
    #[command(flatten)]
    mix: Mix,
    /// Post this many a second [default: as fast as they are answered]
    #[arg(long, value_name = "PER_SECOND", value_parser = rate)]
    rate: Option<f64>,
    /// Print JSON
    #[arg(long)]
    json: bool,
    /// Don't ask before posting several callbacks to another machine
    #[arg(long)]
    yes: bool,
    #[command(flatten)]
    target: target::Args,
}

const EXIT_CODES: &str = "\
Exit codes:
  0    accepted: 200, whether stored, duplicate or deferred
  1    rejected: 4xx except 429, or an unexpected answer
  2    usage error: nothing was posted
  3    retry later: 429, 5xx, or no answer within 10 s
  130  interrupted by Ctrl-C

Of several callbacks, a rejected one decides, then one to retry. A malformed body of --malformed is to be answered
400.";

const EXAMPLES: &str = "\
Examples:
  wab send --list
  wab send mo --type image
  wab send dlr --status expired
  wab send scenario conversation

";

const MO_EXAMPLES: &str = "\
Examples:
  wab send mo
  wab send mo --type image --text 'Look at this'
  wab send mo --set content.text.body='Kia ora' --set content.context.id=wamid.MQ==
  wab send mo --id 7c1f && wab send mo --id 7c1f    (the second is a duplicate)
  wab send mo --count 1000 --rate 50 --duplicates 10% --malformed 1%
  wab send mo --file recorded.json
  wab send mo --url 'https://gateway:PASSWORD@abc123.execute-api.ap-southeast-2.amazonaws.com/mo'

";

const DLR_EXAMPLES: &str = "\
Examples:
  wab send dlr
  wab send dlr --status expired --reference order-1042
  wab send dlr --status failed --set detail='No connection to the carrier'
  wab send dlr --id 7c1f --status sent && wab send dlr --id 7c1f    (two events of one message)
  echo '{\"id\": 4711, \"status\": \"sent\"}' | wab send dlr --file -
  wab send dlr --url 'https://gateway:PASSWORD@abc123.execute-api.ap-southeast-2.amazonaws.com/dlr'

";

const SCENARIO_EXAMPLES: &str = "\
Examples:
  wab send scenario delivered
  wab send scenario delivered --shuffle
  wab send scenario conversation --count 100 --rate 20
  wab send scenario storm --seed 7 && wab send scenario storm --seed 7    (the second are duplicates)

";

pub(crate) fn run(args: Args, shell: &mut Shell<'_>) -> anyhow::Result<u8> {
    match args.what {
        Some(What::Mo(args)) => mo(args, shell),
        Some(What::Dlr(args)) => dlr(args, shell),
        Some(What::Scenario(args)) => args.run(shell),
        None => {
            list::show(args.json, &mut shell.out)?;
            Ok(0)
        }
    }
}

fn mo(args: MoArgs, shell: &mut Shell<'_>) -> anyhow::Result<u8> {
    let plan = match &args.file {
        Some(file) => Plan::of_one(Callback::new(Kind::Mo, read(file)?)),
        None => args.run.mix.plan(|rng| Ok(vec![Callback::new(Kind::Mo, args.body(rng)?)]))?,
    };
    args.run.post(Some(Kind::Mo), plan, false, shell)
}

fn dlr(args: DlrArgs, shell: &mut Shell<'_>) -> anyhow::Result<u8> {
    let plan = match &args.file {
        Some(file) => Plan::of_one(Callback::new(Kind::Dlr, read(file)?)),
        None => args.run.mix.plan(|rng| Ok(vec![Callback::new(Kind::Dlr, args.body(rng)?)]))?,
    };
    args.run.post(Some(Kind::Dlr), plan, false, shell)
}

impl MoArgs {
    fn body(&self, rng: &mut Rng) -> anyhow::Result<Vec<u8>> {
        let mut sample = Mo::new(self.message_type, &self.id.clone().unwrap_or_else(|| random_id(rng)))?;
        if let Some(source) = &self.source {
            sample = sample.with_source(source.clone())?;
        }
        if let Some(destination) = &self.destination {
            sample = sample.with_destination(destination.clone());
        }
        if let Some(reference) = &self.reference {
            sample = sample.with_reference(reference.clone());
        }
        if let Some(text) = &self.text {
            sample = sample.with_text(self.message_type, text.clone())?;
        }
        sample.body(&self.body.changes)
    }
}

impl DlrArgs {
    fn body(&self, rng: &mut Rng) -> anyhow::Result<Vec<u8>> {
        let id = self.id.clone().unwrap_or_else(|| random_id(rng));
        Dlr::new(id, self.status.clone(), self.reference.clone())?.body(&self.body.changes)
    }
}

impl ScenarioArgs {
    fn run(mut self, shell: &mut Shell<'_>) -> anyhow::Result<u8> {
        let mix = &mut self.run.mix;
        if self.scenario == Scenario::Storm {
            mix.shuffle = true;
            mix.duplicates = mix.duplicates.or(Some(Percent::new(10)));
            mix.malformed = mix.malformed.or(Some(Percent::new(1)));
        }
        let plan = mix.plan(|rng| self.scenario.callbacks(rng))?;
        let is_ordered = !mix.shuffle;
        self.run.post(None, plan, is_ordered, shell)
    }
}

impl RunArgs {
    fn post(&self, kind: Option<Kind>, plan: Plan, is_ordered: bool, shell: &mut Shell<'_>) -> anyhow::Result<u8> {
        let target = self.target.resolve(kind, shell.directory)?;
        if let [callback] = &plan.callbacks[..] {
            return self.post_one(&target, callback, &mut shell.out);
        }
        let count = plan.callbacks.len();
        if !target.is_loopback() && !self.yes {
            let host = target.url(Kind::Mo).host_str().unwrap_or_default().to_owned();
            shell.require_confirmation(&format!("Post {count} callbacks to {host}"))?;
        }
        let pace = match self.rate {
            Some(rate) => Pace::PerSecond(rate),
            None if is_ordered => Pace::InOrder,
            None => Pace::Unpaced,
        };
        if !self.json {
            writeln!(shell.out, "POST {}, {count} callbacks, seed {}\n", to(&target, kind), plan.seed)?;
        }
        let progress = progress(count, shell);
        let report = aws::block_on(load::post(&target, plan, pace, interrupted(), || progress.inc(1)))?;
        progress.finish_and_clear();
        // The callbacks are posted, whether or not anyone reads what follows.
        let code = if report.is_interrupted { INTERRUPTED } else { report.verdict.exit_code() };
        if self.json {
            writeln!(shell.out, "{}", serde_json::to_string_pretty(&report)?)?;
        } else {
            report.show(&mut shell.out)?;
        }
        Ok(code)
    }

    fn post_one(&self, target: &Target, callback: &Callback, out: &mut impl Write) -> anyhow::Result<u8> {
        let Callback { kind, body, .. } = callback;
        if !self.json {
            writeln!(out, "POST {}, {} bytes\n", to(target, Some(*kind)), body.len())?;
        }
        let Posted { answer, took } = Sender::new(target).post(target, *kind, body);
        let (verdict, meaning) = match &answer {
            Ok(answer) => answer.meaning(),
            Err(error) => (Verdict::Retry, after_failure(error)),
        };
        if self.json {
            let report = json!({
                "kind": kind,
                "url": shown(target.url(*kind)),
                "bytes": body.len(),
                "answer": answer.as_ref().ok().map(Answer::json),
                "error": answer.as_ref().err().map(ToString::to_string),
                "latency_ms": load::in_ms(took),
                "verdict": verdict,
                "meaning": meaning,
            });
            writeln!(out, "{}", serde_json::to_string_pretty(&report)?)?;
        } else {
            match &answer {
                Ok(answer) => answer.show(out)?,
                Err(error) => writeln!(out, "No answer ({error}). {meaning}")?,
            }
        }
        Ok(verdict.exit_code())
    }
}

/// Where callbacks of this kind, or of both, are posted, and as whom.
fn to(target: &Target, kind: Option<Kind>) -> String {
    let url = match kind {
        Some(kind) => shown(target.url(kind)),
        None => format!("{} and {}", shown(target.url(Kind::Mo)), shown(target.url(Kind::Dlr))),
    };
    let caller = target.login.as_ref().map_or("without credentials".to_owned(), |login| format!("as {}", login.user));
    format!("{url} {caller}")
}

/// A bar on standard error, if someone is there to see it.
fn progress(count: usize, shell: &Shell<'_>) -> ProgressBar {
    let target = if shell.answers.is_some() { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
    let bar = ProgressBar::with_draw_target(u64::try_from(count).ok(), target);
    match ProgressStyle::with_template("{wide_bar} {pos} of {len}, {eta} left") {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}

/// A random UUID.
fn random_id(rng: &mut Rng) -> String {
    Builder::from_random_bytes(rng.u128(..).to_be_bytes()).into_uuid().to_string()
}

fn rate(text: &str) -> anyhow::Result<f64> {
    let rate = text.parse().ok().filter(|rate: &f64| *rate > 0.0 && rate.is_finite());
    rate.context("not a rate: write how many a second, such as 50 or 0.5")
}

fn read(file: &Path) -> anyhow::Result<Vec<u8>> {
    if file == Path::new("-") {
        let mut body = Vec::new();
        io::stdin().lock().read_to_end(&mut body).context("cannot read standard input")?;
        return Ok(body);
    }
    std::fs::read(file).with_context(|| format!("cannot read {}", file.display()))
}

#[cfg(test)]
mod tests {
    use clap::Parser;
    use serde_json::Value;

    use super::server::Server;
    use super::*;
    use crate::{Cli, Output, USAGE, exit_code};

    /// Runs `wab send`. Returns the exit code or the error, and what was printed.
    fn sent(arguments: &[&str], mut answers: Option<&[u8]>) -> (anyhow::Result<u8>, String) {
        let cli = Cli::try_parse_from([&["wab", "send"], arguments].concat()).unwrap();
        let mut out = Vec::new();
        let result = cli.run(&mut Shell {
            directory: Path::new("/nonexistent"),
            out: Output::new(&mut out),
            err: &mut io::sink(),
            answers: answers.as_mut().map(|answers| answers as &mut dyn io::BufRead),
            width: None,
        });
        (result, String::from_utf8(out).unwrap())
    }

    /// Runs `wab send` against this server. Returns the exit code, and the output without the server's address and times.
    fn posted(server: &Server, arguments: &[&str]) -> (u8, String) {
        let (code, out) = sent(&[arguments, &["--url", &server.url(arguments[0])]].concat(), None);
        let out = out.replace(&server.address(), "host");
        let out = anstream::adapter::strip_str(&out).to_string();
        (code.unwrap(), out.lines().map(without_times).collect::<Vec<_>>().join("\n"))
    }

    /// Replaces the numbers with a decimal point, and the spaces that align them.
    fn without_times(line: &str) -> String {
        let mut kept = String::new();
        for word in line.split_inclusive(' ') {
            if word.contains('.') && word.trim().parse::<f64>().is_ok() {
                kept.truncate(kept.trim_end().len());
                kept.push_str(" 0.0 ");
            } else {
                kept.push_str(word);
            }
        }
        kept
    }

    fn json(server: &Server, arguments: &[&str]) -> (u8, Value) {
        let (code, out) = sent(&[arguments, &["--json", "--url", &server.url(arguments[0])]].concat(), None);
        (code.unwrap(), serde_json::from_str(&out).unwrap())
    }

    #[track_caller]
    fn rejected(arguments: &[&str]) {
        let error = Cli::try_parse_from([&["wab", "send"], arguments].concat()).err().unwrap();
        assert_eq!(error.exit_code(), i32::from(USAGE), "{arguments:?}");
    }

    #[test]
    fn wrong_arguments_are_a_usage_error() {
        rejected(&["--json"]);
        rejected(&["--list", "mo"]);
        rejected(&["scenario"]);
        rejected(&["scenario", "sunny"]);
        rejected(&["scenario", "storm", "--set", "id=1"]);
        rejected(&["mo", "--set", "id"]);
        rejected(&["mo", "--count", "0"]);
        rejected(&["mo", "--count", "100001"]);
        rejected(&["mo", "--rate", "0"]);
        rejected(&["mo", "--rate", "inf"]);
        rejected(&["mo", "--duplicates", "10"]);
        for option in [["--set", "id=1"], ["--count", "2"], ["--duplicates", "1%"], ["--seed", "1"]] {
            rejected(&["mo", "--file", "a.json", option[0], option[1]]);
            rejected(&["dlr", "--file", "a.json", option[0], option[1]]);
        }
    }

    #[test]
    fn list_names_everything_that_can_be_sent() {
        let (code, text) = sent(&["--list"], None);
        assert_eq!(code.unwrap(), 0);
        insta::assert_snapshot!(text);
        let (_, json) = sent(&["--list", "--json"], None);
        let entries: Vec<Value> = serde_json::from_str(&json).unwrap();
        for entry in &entries {
            let name = entry["name"].as_str().unwrap();
            let arguments = match entry["kind"].as_str().unwrap() {
                "mo" => vec!["mo", "--type", name],
                "dlr" => vec!["dlr", "--status", name],
                kind => vec![kind, name],
            };
            assert!(Cli::try_parse_from([vec!["wab", "send"], arguments].concat()).is_ok(), "{entry}");
            assert!(text.contains(name) && text.contains(entry["about"].as_str().unwrap()), "{entry}");
        }
        assert_eq!(entries.len(), text.lines().count() - 2);
    }

    #[test]
    fn single_answer_is_printed_whole() {
        let server = Server::start(|_| (200, "stored"));
        let (code, out) = posted(&server, &["dlr", "--id", "7c1f"]);
        assert_eq!(code, 0);
        insta::assert_snapshot!(out);
    }

    #[test]
    fn single_answer_is_printed_as_json() {
        let server = Server::start(|_| (401, "unauthorized"));
        let (code, mut report) = json(&server, &["mo", "--id", "7c1f"]);
        assert_eq!(code, 1);
        assert!(report["latency_ms"].take().is_number());
        assert!(report["url"].take().as_str().unwrap().ends_with("/mo"));
        insta::assert_snapshot!(serde_json::to_string_pretty(&report).unwrap());
    }

    #[test]
    fn missing_answer_is_reported_as_json() {
        let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let (code, out) = sent(&["mo", "--json", "--url", &format!("http://{closed}/mo")], None);
        let report: Value = serde_json::from_str(&out).unwrap();
        assert_eq!((code.unwrap(), &report["verdict"], &report["answer"]), (3, &json!("retry"), &Value::Null));
        assert!(report["error"].is_string() && report["meaning"].as_str().unwrap().starts_with("Nothing was posted"));
    }

    #[test]
    fn scenario_is_printed_line_by_line() {
        let server = Server::start(|_| (200, "stored"));
        let (code, out) = posted(&server, &["scenario", "conversation", "--seed", "7"]);
        assert_eq!(code, 0);
        insta::assert_snapshot!(out);
        assert_eq!(posted(&server, &["scenario", "conversation", "--seed", "7"]).1, out);
    }

    #[test]
    fn scenario_is_printed_as_json() {
        let server = Server::start(|body| if body.ends_with(b"]") { (400, "not_an_object") } else { (200, "stored") });
        let (code, mut report) = json(&server, &["scenario", "delivered", "--seed", "7"]);
        assert_eq!(code, 0);
        for time in ["latency_ms", "seconds"] {
            assert!(!report[time].take().is_null());
        }
        for callback in report["callbacks"].as_array_mut().unwrap() {
            callback["latency_ms"].take();
        }
        insta::assert_snapshot!(serde_json::to_string_pretty(&report).unwrap());
    }

    #[test]
    fn many_callbacks_are_summed_up() {
        let server = Server::start(|body| match serde_json::from_slice::<Value>(body) {
            Ok(Value::Object(fields)) if fields.contains_key("id") => (200, "stored"),
            Ok(_) => (400, "no_id"),
            Err(_) => (400, "not_json"),
        });
        let arguments = ["--count", "50", "--duplicates", "10%", "--malformed", "6%", "--seed", "7", "--rate", "1000"];
        let (code, out) = posted(&server, &[&["mo"], &arguments[..]].concat());
        assert_eq!(code, 0);
        insta::assert_snapshot!(out);
    }

    #[test]
    fn changes_are_posted() {
        let server = Server::start(|_| (200, "stored"));
        posted(&server, &["mo", "--set", "content.text.body=Ata mārie", "--set", "new.key=[1]"]);
        posted(&server, &["dlr", "--status", "failed", "--set", "detail=No connection", "--set", "id=4711"]);
        let bodies = server.bodies();
        let [mo, dlr]: [Value; 2] = [0, 1].map(|index| serde_json::from_slice(&bodies[index]).unwrap());
        assert_eq!((&mo["content"]["text"]["body"], &mo["new"]["key"]), (&json!("Ata mārie"), &json!([1])));
        let expected = json!({"id": 4711, "status": "failed", "reference": "order-1042", "detail": "No connection"});
        assert_eq!(dlr, expected);
    }

    #[test]
    fn storm_is_mixed_unless_told_otherwise() {
        let server = Server::start(|_| (200, "stored"));
        let malformed = |report: &Value| {
            let callbacks = report["callbacks"].as_array().unwrap();
            callbacks.iter().filter(|callback| callback["malformed"] == true).count()
        };
        let (code, storm) = json(&server, &["scenario", "storm", "--seed", "7"]);
        assert_eq!((code, malformed(&storm)), (1, 3), "200 is the wrong answer to a malformed body");
        let calm = ["scenario", "storm", "--seed", "7", "--duplicates", "0%", "--malformed", "0%"];
        let (code, calm) = json(&server, &calm);
        assert_eq!((code, malformed(&calm)), (0, 0));
        assert!(storm["posted"].as_u64() > calm["posted"].as_u64());
    }

    #[test]
    fn several_callbacks_elsewhere_need_a_yes() {
        let far = ["--url", "https://host.example/mo"];
        for arguments in [&["mo", "--count", "2"][..], &["scenario", "delivered"]] {
            let (error, out) = sent(&[arguments, &far].concat(), None);
            let error = error.unwrap_err();
            assert!(format!("{error:#}").contains("callbacks to host.example: nobody is there"), "{error:#}");
            assert_eq!((exit_code(&error), out), (USAGE, String::new()));
            let (error, out) = sent(&[arguments, &far].concat(), Some(b"n\n"));
            assert!(error.unwrap_err().to_string().contains("not confirmed"));
            assert_eq!(out, "");
        }
    }

    #[test]
    fn error_in_a_change_posts_nothing() {
        let server = Server::start(|_| (200, "stored"));
        let (error, _) = sent(&["mo", "--set", "id.x=1", "--url", &server.url("mo")], None);
        assert!(error.unwrap_err().to_string().contains("--set: id is neither"));
        assert!(server.bodies().is_empty());
    }
}
