//! `wab credentials rotate`: replaces a pair of credentials in steps, without losing a callback.
//!
//! Nothing is kept between the steps. The verifiers of the functions and the metric `Credentials` say how far a rotation is.

use std::io::Write;

use anyhow::{Context, bail, ensure};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use super::live::{KEPT, Live, Pair, Stage};
use super::{Generated, generate, password};
use crate::aws::Unavailable;
use crate::callback_url::CallbackUrl;
use crate::health::{Command, Commands, clock, quoted, span};
use crate::shell::Shell;
use crate::stack::{CloudFormation, Consent, Place, Stack, StackArgs};
use crate::{FAILED, aws, style};

/// The template's parameter, and the most characters that it takes.
const PARAMETER: &str = "CallbackCredentials";
const MAX_PARAMETER: usize = 2048;

/// Replace the gateway's credentials in steps, without losing a callback
///
/// Each run looks at the stack and does the next step.
///
/// First, it makes a new pair, prints it once, and adds its verifier to the stack. Both pairs are accepted from then on.
///
/// Then you enter the new URLs at the gateway. Until the gateway uses them, and for --idle after it last used the old ones,
/// a run changes nothing and says what it waits for.
///
/// Last, it removes the old verifier. The old pair is answered 401.
///
/// Whether a pair is used is known from the time at which the functions last changed: a deployment starts the wait again.
/// Calls of `wab doctor` are no use of a pair.
///
/// The stack is updated through CloudFormation: its parameter CallbackCredentials, and nothing else. It takes about a
/// minute. --print leaves that to you, for stacks that a pipeline deploys.
#[derive(clap::Args)]
#[command(after_help = AFTER)]
pub(crate) struct Args {
    /// The user name of the pair to replace. Needed only if several are live
    #[arg(long, value_name = "NAME")]
    user: Option<String>,
    /// How long the gateway must not have used a pair before it is removed: 24h, 90m
    #[arg(long, value_name = "SPAN", default_value = "24h", value_parser = idle)]
    idle: SignedDuration,
    /// Replace a new pair that the gateway hasn't used yet by another one, because its password was lost
    #[arg(long)]
    again: bool,
    /// Print the value for the stack, and don't update the stack
    #[arg(long)]
    print: bool,
    /// Say what the next step is, and change nothing
    #[arg(long, conflicts_with = "print")]
    dry_run: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    consent: Consent,
    #[command(flatten)]
    stack: StackArgs,
}

const AFTER: &str = "\
Examples:
  wab credentials rotate --stack wab --dry-run
  wab credentials rotate --stack wab
  wab credentials rotate --stack wab --user shop --idle 2h
  wab credentials rotate --stack wab --print

Exit codes:
  0  the step was done, or with --dry-run there is one to do
  1  nothing was changed: the gateway doesn't use the new pair yet, or it used the old one lately
  2  usage error: nothing was changed
  3  a call to AWS failed: run the same command again, it finds out how far the rotation is";

/// What a run does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Step {
    /// Adds a new pair.
    Begin,
    /// Replaces a new pair whose password was lost.
    BeginAgain,
    Wait,
    /// Removes the older pairs.
    Finish,
}

/// What was found, and what is done about it.
#[derive(Serialize)]
struct Report<'a> {
    stack: &'a Place,
    user: &'a str,
    step: Step,
    /// Why this step, as a sentence.
    reason: String,
    /// From when the use of the pairs is known.
    since: Timestamp,
    pairs: Vec<Row<'a>>,
    /// The new pair. The password is shown only here.
    #[serde(skip_serializing_if = "Option::is_none")]
    generated: Option<Generated>,
    /// With --print: the value of the parameter, and the command that sets it.
    #[serde(skip_serializing_if = "Option::is_none")]
    deploy: Option<Deploy>,
}

#[derive(Serialize)]
struct Row<'a> {
    position: usize,
    user: &'a str,
    /// The first digits of the verifier.
    mark: &'a str,
    callbacks: u64,
    last_used: Option<Timestamp>,
}

#[derive(Serialize)]
struct Deploy {
    value: String,
    command: Command,
}

pub(crate) fn run(args: &Args, shell: &mut Shell<'_>) -> anyhow::Result<u8> {
    aws::block_on(async {
        let stack = args.stack.connect(shell.directory).await?;
        writeln!(shell.err, "{}", stack.place)?;
        let cloudformation = CloudFormation::new(&stack.sdk, &stack.resources.stack_name);
        let status = cloudformation.description().await?.status;
        if status.ends_with("_IN_PROGRESS") {
            return Err(Unavailable::failed("the stack is being updated: run this again later", status).into());
        }
        let now = Timestamp::now();
        let live = Live::read(&stack.sdk, &stack.resources, now).await?;
        let user = args.user(&live)?;
        let stage = live.stage(user, args.idle, now).with_context(|| no_such_user(&live, user))?;
        let step = args.step(stage)?;
        let generated = match step {
            Step::Begin | Step::BeginAgain if !args.dry_run => {
                let api = CallbackUrl::parse(&stack.resources.mo_url)?.address;
                Some(generate(user.to_owned(), password()?, &api)?)
            }
            _ => None,
        };
        let value = next(&live, user, step, generated.as_ref())?;
        let commands = Commands::new(&stack);
        let deploy = value
            .as_ref()
            .filter(|_| args.print)
            .map(|value| Deploy { value: value.clone(), command: commands.deploy(&format!("{PARAMETER}={value}")) });
        let report = Report {
            stack: &stack.place,
            user,
            step,
            reason: reason(&live, user, step, stage, now),
            since: live.since,
            pairs: live.pairs.iter().map(Row::of).collect(),
            generated,
            deploy,
        };
        let update = value.filter(|_| !args.print && !args.dry_run);
        if update.is_some() {
            stack.confirm(&question(&live, user, step, now), args.consent, shell)?;
        }
        // Before the update: an interruption must not lose the password of a pair that the stack accepts.
        match args.json {
            true => style::json(&report, &mut shell.out)?,
            false => report.show(args, now, shell.columns(), &mut shell.out)?,
        }
        let this = commands.wab(&args.words(&live, user));
        if let Some(value) = update {
            writeln!(shell.err, "updating the stack, which takes about a minute")?;
            set(&stack, &cloudformation, &value)
                .await
                .context("run the same command again: it finds out how far the rotation is")?;
        }
        if !args.json {
            writeln!(shell.out, "{}", args.outcome(step, &this))?;
        }
        Ok(if step == Step::Wait { FAILED } else { 0 })
    })
}

/// Updates the stack, and checks that both functions have the new setting.
async fn set(stack: &Stack, cloudformation: &CloudFormation, value: &str) -> anyhow::Result<()> {
    cloudformation.set_parameter(PARAMETER, value).await?;
    let live = Live::read(&stack.sdk, &stack.resources, Timestamp::now()).await?;
    if live.setting() != value {
        let problem = "the functions have other verifiers than the stack's parameter";
        return Err(Unavailable::failed(problem, "someone else updates the stack").into());
    }
    Ok(())
}

fn no_such_user(live: &Live, user: &str) -> String {
    format!("--user: the stack accepts no {user}, but {}", live.users().join(", "))
}

/// The value of the parameter after a step, if the step changes it.
fn next(live: &Live, user: &str, step: Step, generated: Option<&Generated>) -> anyhow::Result<Option<String>> {
    let Some((older, newest)) = live.of_user(user) else { return Ok(None) };
    let value = match (step, generated) {
        (Step::Begin, Some(new)) => live.with(&new.verifier),
        (Step::BeginAgain, Some(new)) => live.without(&[newest.position]).with(&new.verifier),
        (Step::Finish, _) => live.without(&positions(&older)).setting(),
        (Step::Begin | Step::BeginAgain | Step::Wait, _) => return Ok(None),
    };
    ensure!(value.len() <= MAX_PARAMETER, "{PARAMETER} would be longer than {MAX_PARAMETER} characters: remove a pair");
    Ok(Some(value))
}

fn positions(pairs: &[&Pair]) -> Vec<usize> {
    pairs.iter().map(|pair| pair.position).collect()
}

/// The step that is confirmed, as an infinitive without "to".
fn question(live: &Live, user: &str, step: Step, now: Timestamp) -> String {
    let (older, newest) = live.of_user(user).unzip();
    let named = |pairs: Vec<&Pair>| pairs.iter().map(|pair| described(pair, now)).collect::<Vec<_>>().join("; ");
    match step {
        Step::Begin | Step::Wait => format!("accept a new pair of {user}, next to the one that is live"),
        Step::BeginAgain => {
            format!("accept another new pair of {user} instead of {}", named(newest.into_iter().collect()))
        }
        Step::Finish => format!("stop accepting {}", named(older.unwrap_or_default())),
    }
}

/// `pair 1 of shop (3f9a0c12…), last used 26 h ago`
fn described(pair: &Pair, now: Timestamp) -> String {
    let used = match pair.last_used {
        Some(at) => format!("last used {} ago", span(now.duration_since(at))),
        None => "not used".to_owned(),
    };
    format!("pair {} of {} ({}…), {used}", pair.position, pair.user, pair.mark())
}

/// Why this step is next.
fn reason(live: &Live, user: &str, step: Step, stage: Stage, now: Timestamp) -> String {
    let Some((older, newest)) = live.of_user(user) else { return String::new() };
    let new = format!("the new pair {}", newest.position);
    let last = older.iter().filter_map(|pair| pair.last_used).max();
    let ago = |at: Option<Timestamp>| now.duration_since(at.unwrap_or(live.since));
    match (step, stage) {
        (Step::BeginAgain, _) => format!("the gateway hasn't used {new}, and its password was lost"),
        (_, Stage::Settled) => format!("there is one pair of {user}: no rotation is in progress"),
        (_, Stage::NewIsUnused) => format!("the gateway hasn't used {new} since {}", local(live.since, now)),
        (_, Stage::OldIsInUse) => {
            format!("the gateway used the old pair {} ago, after {new}", span(ago(last)))
        }
        (_, Stage::OldIsIdleAt(at)) => {
            format!("the gateway uses {new}; the old one must be idle until {}", local(at, now))
        }
        (_, Stage::Replaced) => format!("the gateway uses {new}, and hasn't used the old one for {}", span(ago(last))),
    }
}

fn local(at: Timestamp, now: Timestamp) -> String {
    clock(at, now, &TimeZone::system())
}

impl Args {
    /// The user whose pair is replaced.
    fn user<'a>(&'a self, live: &'a Live) -> anyhow::Result<&'a str> {
        match (&self.user, &live.users()[..]) {
            (Some(user), _) => Ok(user),
            (None, [user]) => Ok(user),
            (None, users) => bail!("several users are live: name one with --user: {}", users.join(", ")),
        }
    }

    fn step(&self, stage: Stage) -> anyhow::Result<Step> {
        Ok(match (self.again, stage) {
            (true, Stage::NewIsUnused) => Step::BeginAgain,
            (true, Stage::Settled) => bail!("--again: there is no new pair to replace"),
            (true, _) => bail!("--again: the gateway has used the new pair"),
            (false, Stage::Settled) => Step::Begin,
            (false, Stage::NewIsUnused | Stage::OldIsInUse | Stage::OldIsIdleAt(_)) => Step::Wait,
            (false, Stage::Replaced) => Step::Finish,
        })
    }

    /// This command, without the options that name the stack.
    fn words(&self, live: &Live, user: &str) -> String {
        let user = if live.users().len() > 1 { format!(" --user {}", quoted(user)) } else { String::new() };
        format!("credentials rotate{user}")
    }

    /// What was done, or what to do.
    fn outcome(&self, step: Step, this: &Command) -> String {
        let begun = format!(
            "Put the two URLs into the gateway's configuration. Then run this until it has removed the old pair:\n\n  {this}"
        );
        match step {
            Step::Begin if self.dry_run => {
                format!("Next: a new pair is made, and accepted next to the live one:\n\n  {this}")
            }
            Step::BeginAgain if self.dry_run => format!("Next: another new pair is made:\n\n  {this} --again"),
            Step::Finish if self.dry_run => format!("Next: the old pair is removed:\n\n  {this}"),
            Step::Begin | Step::BeginAgain if self.print => format!("Once the stack accepts it: {begun}"),
            Step::Begin | Step::BeginAgain => format!("The stack accepts both pairs now. {begun}"),
            Step::Finish if self.print => "With that, the old pair is answered 401.".to_owned(),
            Step::Finish => "The old pair is removed, and is answered 401 now. The rotation is complete.".to_owned(),
            Step::Wait => format!("Nothing was changed. Run this again later:\n\n  {this}"),
        }
    }
}

fn idle(text: &str) -> Result<SignedDuration, &'static str> {
    let span: SignedDuration = text.parse().map_err(|_| "expected a span such as 24h or 90m")?;
    if span.is_negative() || span > KEPT {
        return Err("expected a span from 0 to 336h: metrics by the minute are kept no longer");
    }
    Ok(span)
}

impl<'a> Row<'a> {
    fn of(pair: &'a Pair) -> Self {
        Self {
            position: pair.position,
            user: &pair.user,
            mark: pair.mark(),
            callbacks: pair.callbacks,
            last_used: pair.last_used,
        }
    }
}

impl Report<'_> {
    fn show(&self, args: &Args, now: Timestamp, width: Option<u16>, out: &mut dyn Write) -> anyhow::Result<()> {
        let since = format!("callbacks since {}", local(self.since, now));
        let mut table = style::table(["pair", "user", "verifier", &*since, "last used"], width);
        for Row { position, user, mark, callbacks, last_used } in &self.pairs {
            let used = last_used.map_or("never".to_owned(), |at| format!("{} ago", span(now.duration_since(at))));
            table.add_row([&*position.to_string(), user, &format!("{mark}…"), &callbacks.to_string(), &used]);
        }
        writeln!(out, "{}\n\n{}.\n", table.trim_fmt(), capitalised(&self.reason))?;
        if let Some(generated) = &self.generated {
            generated.show_secrets(out)?;
            if !args.print {
                writeln!(out, "Don't enter it yet: the stack doesn't accept it before this command says so.\n")?;
            }
        }
        if let Some(Deploy { value, command }) = &self.deploy {
            writeln!(out, "For the stack, as the template parameter {PARAMETER}:\n\n  {value}\n")?;
            writeln!(out, "With `make deploy`:\n\n  {command}\n")?;
        }
        Ok(())
    }
}

fn capitalised(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::live::example;
    use super::*;
    use crate::health::check_command;
    use crate::shell::Output;

    fn now() -> Timestamp {
        "2026-11-29T02:50:00Z".parse().unwrap()
    }

    fn args(options: &[&str]) -> Args {
        #[derive(clap::Parser)]
        struct Rotate {
            #[command(flatten)]
            args: Args,
        }
        clap::Parser::try_parse_from([&["rotate"], options].concat()).map(|Rotate { args }| args).unwrap()
    }

    fn new() -> Generated {
        let api = CallbackUrl::parse("https://host/mo").unwrap().address;
        generate("shop".to_owned(), "s3cret".to_owned(), &api).unwrap()
    }

    #[test]
    fn rotation_is_begun_awaited_and_finished() {
        let step = |pairs: &[(&str, Option<i64>)], options: &[&str]| {
            let (live, args) = (example(pairs, now()), args(options));
            let user = args.user(&live)?.to_owned();
            args.step(live.stage(&user, args.idle, now()).context("no such user")?)
        };
        let one = [("shop", Some(1))];
        let unused = [("shop", Some(1)), ("shop", None)];
        let used = [("shop", Some(120)), ("shop", Some(1))];
        assert_eq!(step(&one, &[]).unwrap(), Step::Begin);
        assert_eq!(step(&unused, &[]).unwrap(), Step::Wait);
        assert_eq!(step(&unused, &["--again"]).unwrap(), Step::BeginAgain);
        assert_eq!(step(&used, &[]).unwrap(), Step::Wait);
        assert_eq!(step(&used, &["--idle", "2h"]).unwrap(), Step::Finish);
        assert_eq!(step(&used, &["--idle", "121m"]).unwrap(), Step::Wait);
        assert!(step(&used, &["--again"]).unwrap_err().to_string().contains("has used the new pair"));
        assert!(step(&one, &["--again"]).unwrap_err().to_string().contains("no new pair"));
        assert!(step(&one, &["--user", "bank"]).is_err());
        let two = [("shop", Some(1)), ("bank", Some(1))];
        assert!(step(&two, &[]).unwrap_err().to_string().ends_with("shop, bank"));
        assert_eq!(step(&two, &["--user", "bank"]).unwrap(), Step::Begin);
    }

    #[test]
    fn only_the_pairs_of_the_user_change() {
        let live = example(&[("shop", Some(1)), ("bank", Some(1)), ("shop", None)], now());
        let [old, bank, unused] = [0, 1, 2].map(|number: usize| live.pairs[number].verifier.clone());
        let new = new();
        let next = |step| next(&live, "shop", step, Some(&new)).unwrap();
        assert_eq!(next(Step::Begin), Some(format!("{old},{bank},{unused},{}", new.verifier)));
        assert_eq!(next(Step::BeginAgain), Some(format!("{old},{bank},{}", new.verifier)));
        assert_eq!(next(Step::Finish), Some(format!("{bank},{unused}")));
        assert_eq!(next(Step::Wait), None);
        let many = vec![("shop", None); 40];
        let error = super::next(&example(&many, now()), "shop", Step::Begin, Some(&new)).unwrap_err();
        assert!(error.to_string().contains("2048"), "{error}");
    }

    #[test]
    fn idle_is_a_span_within_what_metrics_remember() {
        assert_eq!(idle("24h"), Ok(SignedDuration::from_hours(24)));
        assert_eq!((idle("90m"), idle("0s")), (Ok(SignedDuration::from_mins(90)), Ok(SignedDuration::ZERO)));
        for wrong in ["", "24", "-1h", "337h", "soon"] {
            assert!(idle(wrong).is_err(), "{wrong}");
        }
    }

    fn shown(options: &[&str], pairs: &[(&str, Option<i64>)], generated: Option<Generated>) -> String {
        let (live, args) = (example(pairs, now()), args(options));
        let place = Place::Local { endpoint: "http://localhost:1".to_owned() };
        let stage = live.stage("shop", args.idle, now()).unwrap();
        let step = args.step(stage).unwrap();
        let value = next(&live, "shop", step, generated.as_ref()).unwrap().filter(|_| args.print);
        let commands = Commands::example();
        let deploy = value.map(|value| Deploy { command: commands.deploy(&value), value });
        let reason = reason(&live, "shop", step, stage, now());
        let pairs = live.pairs.iter().map(Row::of).collect();
        let report = Report { stack: &place, user: "shop", step, reason, since: live.since, pairs, generated, deploy };
        let mut out = Vec::new();
        report.show(&args, now(), None, &mut out).unwrap();
        let this = commands.wab(&args.words(&live, "shop"));
        check_command(&this);
        writeln!(out, "{}", args.outcome(step, &this)).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn new_pair_is_shown_once_with_what_to_do() {
        let out = shown(&[], &[("shop", Some(1))], Some(new()));
        assert_eq!(out.matches("https://shop:s3cret@host/").count(), 2, "{out}");
        assert!(out.contains("Don't enter it yet") && out.contains("wab credentials rotate"), "{out}");
        let out = shown(&["--print"], &[("shop", Some(1))], Some(new()));
        assert!(out.contains("parameter CallbackCredentials") && !out.contains("Don't enter it yet"), "{out}");
    }

    #[test]
    fn wait_has_its_reason_and_no_secret() {
        let out = shown(&[], &[("shop", Some(180)), ("bank", None), ("shop", None)], None);
        assert!(out.contains("The gateway hasn't used the new pair 3 since "), "{out}");
        assert!(out.contains("Nothing was changed") && out.contains("rotate --user shop"), "{out}");
        let out = shown(&[], &[("shop", Some(1)), ("shop", Some(5))], None);
        assert!(out.contains("The gateway used the old pair 60 s ago, after the new pair 2."), "{out}");
        let out = shown(&["--idle", "1h"], &[("shop", Some(180)), ("shop", Some(5))], None);
        assert!(out.contains("hasn't used the old one for 3 h") && out.contains("complete"), "{out}");
    }

    #[test]
    fn removal_is_confirmed_with_the_last_use_of_the_pair() {
        let live = example(&[("shop", Some(1_560)), ("shop", Some(1))], now());
        let question = |step| question(&live, "shop", step, now());
        assert_eq!(question(Step::Finish), "stop accepting pair 1 of shop (00000000…), last used 26 h ago");
        assert!(question(Step::BeginAgain).ends_with("instead of pair 2 of shop (00000000…), last used 60 s ago"));
    }

    #[test]
    fn stack_that_is_not_there_is_an_error() {
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let directory = Path::new("/nonexistent");
        let mut shell = Shell { directory, out: Output::new(&mut out), err: &mut err, answers: None, width: None };
        let error = run(&args(&["--local"]), &mut shell).unwrap_err();
        assert!(error.to_string().contains("isn't running"), "{error}");
        assert!(out.is_empty());
    }
}
