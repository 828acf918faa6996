//! The runbook's sections, each with its fault.
//!
//! Two people work at the same time, one on callbacks and one on fan-out, so that the waiting overlaps. The emulator runs
//! with short periods (`ALARM_PERIOD_SECONDS`), and the seconds that are printed are its.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use aws_sdk_sqs::types::QueueAttributeName;
use clap::Parser;
use clap::error::ErrorKind;
use serde_json::json;
use tokio::sync::Mutex;
use wab_events::Kind;

use crate::ALONE;
use crate::document::Document;
use crate::faults::{events, gateway, hand_over, put_message, repeat, spill};
use crate::lane::{Drill, Lane};
use crate::requests::{fresh_id, mo_text};

/// Alarms without a drill, and why.
const NOT_DRILLED: [(&str, &str); 0] = [];

fn alarms() -> BTreeSet<String> {
    let template =
        std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../infra/template.yaml")).unwrap();
    let names = template.lines().filter_map(|line| line.strip_prefix("  ")?.strip_suffix("Alarm:"));
    names.filter(|name| !name.starts_with(' ')).map(str::to_owned).collect()
}

/// Splits a command into words as bash does, as far as the runbook needs it.
fn words(command: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let (mut quoted, mut inside) = (false, false);
    for character in command.split("  #").next().unwrap_or_default().chars() {
        match character {
            '\'' => quoted = !quoted,
            ' ' | '\n' | '\\' if !quoted => {
                inside = false;
                continue;
            }
            _ => {
                if !inside {
                    words.push(String::new());
                }
                words.last_mut().unwrap().push(character);
            }
        }
        if !inside && character == '\'' {
            words.push(String::new());
        }
        inside = true;
    }
    words
}

#[test]
fn runbook_commands_are_complete_and_parse() {
    let runbook = Document::read("runbook.md");
    let mut checked = 0;
    for section in &runbook.sections {
        let (fenced, spans) = (section.commands(), section.spans());
        let tools = ["wab ", "aws ", "make ", "sam "];
        let commands = fenced.iter().chain(&spans);
        for command in commands.filter(|text| tools.iter().any(|tool| text.starts_with(tool)) && !text.contains('…'))
        {
            let syntax = std::process::Command::new("bash").args(["-n", "-c", command]).status().unwrap();
            assert!(syntax.success(), "{}: `{command}`", section.title);
            checked += 1;
            if command.starts_with("wab ") {
                check_arguments(&section.title, command);
            }
        }
    }
    assert!(checked > 60, "only {checked} commands");
}

/// In running text, a command may be named without its arguments.
#[track_caller]
fn check_arguments(section: &str, command: &str) {
    let Err(error) = wab::Cli::try_parse_from(words(command)) else { return };
    let incomplete = [
        ErrorKind::MissingRequiredArgument,
        ErrorKind::MissingSubcommand,
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand,
    ];
    assert!(incomplete.contains(&error.kind()), "{section}: `{command}`: {error}");
}

#[test]
fn words_are_split_as_in_bash() {
    assert_eq!(
        words("wab conversation '+64 21' --stack $STACK   # a note"),
        ["wab", "conversation", "+64 21", "--stack", "$STACK"]
    );
}

#[test]
#[ignore = "needs the local stack: make test"]
fn every_alarm_is_raised_shown_mended_and_over() {
    let _alone = ALONE.blocking_lock();
    let runbook = Arc::new(Document::read("runbook.md"));
    let began = std::time::Instant::now();
    let turn = Mutex::new(());
    let mut finished = broken_functions(&runbook);
    finished.extend(std::thread::scope(|scope| {
        let lanes = [scope.spawn(|| callbacks(&runbook, &turn)), scope.spawn(|| fan_out(&runbook, &turn))];
        lanes.into_iter().flat_map(|lane| lane.join().unwrap()).collect::<Vec<_>>()
    }));
    let took = began.elapsed();
    print_table(&finished, took);
    let drilled: BTreeSet<String> = finished.iter().map(|drill| drill.alarm.to_owned()).collect();
    let missing: BTreeSet<String> = NOT_DRILLED.iter().map(|(alarm, _)| (*alarm).to_owned()).collect();
    assert!(drilled.is_disjoint(&missing));
    assert_eq!(&drilled | &missing, alarms());
}

fn print_table(finished: &[Drill], took: Duration) {
    let mut out = std::io::stderr().lock();
    writeln!(out, "| alarm | went off after | cause known after | over after |\n|---|---:|---:|---:|").unwrap();
    for drill in finished {
        let Drill { alarm, alarmed, known, over, .. } = drill;
        writeln!(out, "| `{alarm}` | {alarmed:.0} s | {known:.0} s | {over:.0} s |").unwrap();
    }
    writeln!(out, "{} drills in {:.0} s", finished.len(), took.as_secs_f64()).unwrap();
}

fn block_on<T>(work: impl Future<Output = T>) -> T {
    // The worker runs the gateway while this thread waits for a command.
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    runtime.worker_threads(1).enable_all().build().unwrap().block_on(work)
}

/// All functions lose a setting: nothing can start.
fn broken_functions(runbook: &Arc<Document>) -> Vec<Drill> {
    block_on(async {
        let mut lane = Lane::open(runbook).await;
        let mut drills = Vec::new();
        for alarm in ["Unanswered", "MoErrors", "DlrErrors", "FanoutErrors", "RecoverErrors"] {
            drills.push(lane.begin(alarm).await);
        }
        let file = lane.stack.file.clone();
        for function in [&file.mo_function, &file.dlr_function, &file.fanout_function, &file.recover_function] {
            lane.remove_setting(function, "TABLE_NAME").await;
        }
        let id = fresh_id("drill");
        assert_eq!(lane.stack.post(Kind::Mo, mo_text(&id).to_string()).await.status, 500);
        let traffic = (gateway(&lane.stack), events(&lane.stack));
        spill(&lane.stack, &id).await;
        for drill in &mut drills {
            lane.alarmed(drill).await;
        }
        for drill in &mut drills {
            lane.show(drill, &["function cannot start"]);
        }
        drop(traffic);
        lane.follow("Restoring what someone changed");
        for drill in drills {
            lane.over(drill).await;
        }
        lane.finished
    })
}

/// What goes wrong between the gateway and the table.
fn callbacks(runbook: &Arc<Document>, turn: &Mutex<()>) -> Vec<Drill> {
    block_on(async {
        let mut lane = Lane::open(runbook).await;
        let _turn = turn.lock().await;
        quarantine(&mut lane).await;
        variant(&mut lane).await;
        throttled(&mut lane).await;
        rate_limited(&mut lane).await;
        too_large(&mut lane).await;
        unauthorized(&mut lane).await;
        forbidden(&mut lane).await;
        table_rejects(&mut lane).await;
        silence(&mut lane).await;
        fifo_notifications_fail(&mut lane).await;
        lane.finished
    })
}

async fn quarantine(lane: &mut Lane) {
    let mut drill = lane.begin("Quarantine").await;
    let bodies = repeat(&lane.stack, |stack| async move {
        assert_eq!(stack.post(Kind::Mo, r#"{"id": "cut o"#).await.status, 400);
    });
    lane.alarmed(&mut drill).await;
    drop(bodies);
    lane.show(&mut drill, &["the body is not JSON"]);
    lane.over(drill).await;
}

async fn variant(lane: &mut Lane) {
    let mut drill = lane.begin("Variant").await;
    let id = fresh_id("drill");
    let mut other = mo_text(&id);
    other["content"]["text"]["body"] = "Ka kite".into();
    lane.stack.post_ok(Kind::Mo, &mo_text(&id)).await;
    let answer = lane.stack.post(Kind::Mo, other.to_string()).await;
    lane.alarmed(&mut drill).await;
    lane.show(&mut drill, &[answer.body["event_id"].as_str().unwrap()]);
    let shown = lane.run("Variant", "wab show ID", &[("ID", &format!("{id} --stack $STACK"))]);
    assert!(shown.out.to_lowercase().contains("variant"), "{}", shown.out);
    lane.over(drill).await;
}

async fn throttled(lane: &mut Lane) {
    let (mut mo, mut dlr_drill) = (lane.begin("MoThrottles").await, lane.begin("DlrThrottles").await);
    for function in [&lane.stack.file.mo_function, &lane.stack.file.dlr_function] {
        lane.reserve_none(function).await;
    }
    let traffic = gateway(&lane.stack);
    for drill in [&mut mo, &mut dlr_drill] {
        lane.alarmed(drill).await;
    }
    for drill in [&mut mo, &mut dlr_drill] {
        lane.show(drill, &["\"ReservedConcurrentExecutions\": 0"]);
        lane.mend(drill);
    }
    lane.over(mo).await;
    lane.over(dlr_drill).await;
    drop(traffic);
}

async fn rate_limited(lane: &mut Lane) {
    lane.bash.exits("make deploy PARAMETERS='ThrottleRate=1 ThrottleBurst=1'", &[0]);
    let mut drill = lane.begin("RateLimited").await;
    let traffic = (gateway(&lane.stack), gateway(&lane.stack), gateway(&lane.stack));
    lane.alarmed(&mut drill).await;
    lane.show(&mut drill, &["429"]);
    lane.run("RateLimited", "make deploy", &[]);
    lane.over(drill).await;
    drop(traffic);
}

async fn too_large(lane: &mut Lane) {
    let mut drill = lane.begin("TooLarge").await;
    assert_eq!(lane.stack.post(Kind::Mo, vec![b'x'; 10_000_001]).await.status, 413);
    lane.alarmed(&mut drill).await;
    lane.show(&mut drill, &["413"]);
    lane.over(drill).await;
}

async fn unauthorized(lane: &mut Lane) {
    let mut drill = lane.begin("Unauthorized").await;
    let stranger = repeat(&lane.stack, |stack| async move {
        assert_eq!(stack.post_as(Kind::Mo, None, mo_text("drill").to_string()).await.status, 401);
    });
    lane.alarmed(&mut drill).await;
    lane.show(&mut drill, &["401"]);
    lane.follow("The gateway gets 401");
    drop(stranger);
    lane.over(drill).await;
}

/// The gateway moves to another network.
async fn forbidden(lane: &mut Lane) {
    lane.bash.exits("make deploy PARAMETERS='AllowedNetworks=198.51.100.0/24'", &[0]);
    let mut drill = lane.begin("Forbidden").await;
    let traffic = repeat(&lane.stack, |stack| async move {
        let answer = stack.post(Kind::Mo, mo_text(&fresh_id("drill")).to_string()).await;
        assert!([200, 403].contains(&answer.status), "{}", answer.body);
    });
    lane.alarmed(&mut drill).await;
    lane.show(&mut drill, &["127.0.0.1 is in no allowed network"]);
    lane.run(
        "Forbidden",
        "make deploy PARAMETERS='AllowedNetworks=OLD,NEW'",
        &[("OLD,NEW", "198.51.100.0/24,127.0.0.0/8")],
    );
    assert_eq!(lane.stack.post(Kind::Mo, mo_text(&fresh_id("drill")).to_string()).await.status, 200);
    lane.over(drill).await;
    drop(traffic);
    lane.run("Forbidden", "make deploy PARAMETERS='AllowedNetworks=\"\"'", &[]);
}

async fn table_rejects(lane: &mut Lane) {
    lane.withdraw("dynamodb:PutItem").await;
    let (mut deferred, mut spill_lag) = (lane.begin("Deferred").await, lane.begin("SpillLag").await);
    let traffic = gateway(&lane.stack);
    lane.alarmed(&mut deferred).await;
    lane.show(&mut deferred, &["AccessDeniedException"]);
    drop(traffic);
    lane.alarmed(&mut spill_lag).await;
    lane.show(&mut spill_lag, &["AccessDeniedException"]);
    lane.follow("Restoring what someone changed");
    lane.over(deferred).await;
    lane.over(spill_lag).await;
}

async fn silence(lane: &mut Lane) {
    let mut drill = Drill::new("Silence");
    lane.bash.exits("make deploy PARAMETERS='SilenceMinutes=3'", &[0]);
    lane.alarmed(&mut drill).await;
    lane.show(&mut drill, &["Silence"]);
    // The gateway calls again.
    let traffic = gateway(&lane.stack);
    lane.over(drill).await;
    drop(traffic);
    lane.bash.exits("make deploy PARAMETERS='SilenceMinutes=0'", &[0]);
}

/// A team deletes the queue that got its events in order.
async fn fifo_notifications_fail(lane: &mut Lane) {
    lane.bash.exits("make deploy PARAMETERS='FifoTopics=true'", &[0]);
    let mut drill = lane.begin("FifoNotificationsFailed").await;
    let topic = lane.stack.file.mo_topic_arn.rsplit_once(':').unwrap().0.to_owned();
    let topic = format!("{topic}:{}-mo.fifo", lane.stack.file.stack_name);
    let name = format!("{}.fifo", fresh_id("team"));
    let queue = lane.stack.sqs.create_queue().queue_name(&name).attributes(QueueAttributeName::FifoQueue, "true");
    let queue = queue.send().await.unwrap().queue_url.unwrap();
    let arn = format!("arn:aws:sqs:{}:000000000000:{name}", lane.stack.file.region);
    lane.stack.sns.subscribe().topic_arn(&topic).protocol("sqs").endpoint(arn).send().await.unwrap();
    lane.stack.sqs.delete_queue().queue_url(queue).send().await.unwrap();
    let events = events(&lane.stack);
    lane.alarmed(&mut drill).await;
    lane.show(&mut drill, &[&name]);
    drop(events);
    unsubscribe(lane, &name);
    lane.over(drill).await;
    lane.bash.exits("make deploy PARAMETERS='FifoTopics=false'", &[0]);
}

/// What goes wrong between the table and the subscribers.
fn fan_out(runbook: &Arc<Document>, turn: &Mutex<()>) -> Vec<Drill> {
    block_on(async {
        let mut lane = Lane::open(runbook).await;
        // Its alarm looks back at twelve periods, so it is over long after it was mended.
        let stopped = fanout_stopped(&mut lane).await;
        fanout_throttled(&mut lane).await;
        notifications_fail(&mut lane).await;
        dead_letters(&mut lane).await;
        lane.over(stopped).await;
        // It restores the whole stack.
        let _turn = turn.lock().await;
        fanout_lags(&mut lane).await;
        lane.finished
    })
}

async fn fanout_throttled(lane: &mut Lane) {
    let mut drill = lane.begin("FanoutThrottles").await;
    let function = lane.stack.file.fanout_function.clone();
    lane.reserve_none(&function).await;
    let events = events(&lane.stack);
    lane.alarmed(&mut drill).await;
    lane.show(&mut drill, &["\"ReservedConcurrentExecutions\": 0"]);
    lane.mend(&drill);
    lane.over(drill).await;
    drop(events);
}

/// Nobody may publish. The emulator can't make a record of the stream older, so `fanout` is handed an old one.
async fn fanout_lags(lane: &mut Lane) {
    let subscriber = lane.stack.subscribe(None).await;
    lane.withdraw("sns:Publish").await;
    let mut drill = lane.begin("FanoutLag").await;
    let id = fresh_id("drill");
    put_message(&lane.stack, &id).await;
    let old = repeat(&lane.stack, |stack| async move {
        hand_over(&stack, "old", Duration::from_secs(400)).await;
    });
    lane.alarmed(&mut drill).await;
    lane.show(&mut drill, &["AuthorizationError"]);
    drop(old);
    lane.follow("Restoring what someone changed");
    subscriber.until(&id, 1).await;
    lane.over(drill).await;
}

/// A team deletes its queue and leaves the subscriptions.
async fn notifications_fail(lane: &mut Lane) {
    let (mut mo, mut dlr_drill) =
        (lane.begin("MoNotificationsFailed").await, lane.begin("DlrNotificationsFailed").await);
    let team = lane.stack.subscribe(None).await.url;
    lane.stack.sqs.delete_queue().queue_url(&team).send().await.unwrap();
    let lost = jiff::Timestamp::now();
    let name = team.rsplit('/').next().unwrap();
    let events = events(&lane.stack);
    for drill in [&mut mo, &mut dlr_drill] {
        lane.alarmed(drill).await;
    }
    for drill in [&mut mo, &mut dlr_drill] {
        lane.show(drill, &[name]);
    }
    drop(events);
    unsubscribe(lane, name);
    // The team makes a new queue, and gets what was lost.
    let new = lane.stack.queue().await;
    // `wab` takes the emulator for AWS, and recognises a queue by its URL there.
    let url = format!("https://sqs.us-east-1.amazonaws.com/000000000000/{}", new.rsplit('/').next().unwrap());
    let window = [lost, jiff::Timestamp::now()].map(|time| format!("{time:.0}"));
    for (alarm, kind) in [("MoNotificationsFailed", "mo"), ("DlrNotificationsFailed", "dlr")] {
        let [command] = &lane.runbook.section(alarm).mend()[..] else { panic!("one command") };
        let mut command = command.replace("QUEUE_URL", &url);
        for (placeholder, value) in ["2026-11-23T09:00:00Z", "2026-11-23T10:30:00Z"].iter().zip(&window) {
            command = command.replace(placeholder, value);
        }
        assert!(command.contains(&format!("--kind {kind}")));
        lane.bash.exits(&command, &[0]);
    }
    assert!(lane.stack.take_all(&new).await.len() >= 2);
    lane.over(mo).await;
    lane.over(dlr_drill).await;
}

/// Deletes the subscriptions of a queue.
fn unsubscribe(lane: &mut Lane, queue: &str) {
    let subscriptions = format!(
        "aws sns list-subscriptions --query \"Subscriptions[?contains(Endpoint, '{queue}')].SubscriptionArn\" --output text"
    );
    for arn in lane.bash.exits(&subscriptions, &[0]).out.split_whitespace() {
        lane.bash.exits(&format!("aws sns unsubscribe --subscription-arn {arn}"), &[0]);
    }
}

/// A subscriber's event was parked: the topic was missing for longer than 10 minutes.
async fn dead_letters(lane: &mut Lane) {
    let mut drill = lane.begin("DeadLetters").await;
    let subscriber = lane.stack.subscribe(None).await;
    let id = fresh_id("drill");
    put_message(&lane.stack, &id).await;
    subscriber.until(&id, 1).await;
    let parked = json!({"reason": "AuthorizationError", "key": {"pk": format!("MO#{id}"), "sk": "EVENT"}});
    lane.stack.send(&lane.stack.file.dead_letter_queue_url, &parked.to_string()).await;
    lane.alarmed(&mut drill).await;
    lane.show(&mut drill, &["AuthorizationError"]);
    lane.mend(&drill);
    subscriber.until(&id, 1).await;
    lane.over(drill).await;
}

async fn fanout_stopped(lane: &mut Lane) -> Drill {
    // An hour of the alarm: an earlier invocation doesn't matter, stored events do.
    let mut drill = lane.begin("FanoutStopped").await;
    lane.disable_stream().await;
    let traffic = gateway(&lane.stack);
    lane.alarmed(&mut drill).await;
    drop(traffic);
    lane.show(&mut drill, &["Disabled"]);
    lane.mend(&drill);
    drill
}
