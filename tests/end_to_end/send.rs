//! `wab send` and `wab check` against the stack.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Instant;

use serde_json::{Value, json};
use wab_events::Kind;
use wab_marked::{RECIPIENT, SENDER};

use super::of;
use crate::requests::fresh_id;
use crate::stack::{Delivered, PATIENCE, Stack, Subscriber, run_wab};

/// Runs `wab send WHAT` with the stack's URLs and credentials.
async fn send(stack: &Stack, what: &str, arguments: &[&str]) -> (u8, String) {
    let url = if what == "dlr" { &stack.file.dlr_url } else { &stack.file.mo_url };
    let target = ["--url", url, "--user", &stack.file.username, "--password", &stack.file.password];
    run_wab(Path::new("/"), &[&["send", what], arguments, &target].concat()).await
}

async fn send_json(stack: &Stack, what: &str, arguments: &[&str]) -> (u8, Value) {
    let (code, out) = send(stack, what, &[arguments, &["--json"]].concat()).await;
    (code, serde_json::from_str(&out).unwrap_or_else(|error| panic!("{error}: {out}")))
}

/// A seed that no other test and no earlier run has used.
fn fresh_seed() -> String {
    (getrandom::u64().unwrap() >> 12).to_string()
}

/// How often an answer is in a report.
fn count(report: &Value, status: u16, outcome: &str) -> u64 {
    let answers = report["answers"].as_array().unwrap();
    let answer = answers.iter().find(|answer| answer["http_status"] == status && answer["outcome"] == outcome);
    answer.map_or(0, |answer| answer["count"].as_u64().unwrap())
}

/// How many callbacks were answered as new. A busy emulator defers some.
fn new(report: &Value) -> u64 {
    count(report, 200, "stored") + count(report, 200, "deferred")
}

fn malformed(report: &Value) -> u64 {
    ["not_json", "not_an_object", "no_id"].iter().map(|code| count(report, 400, code)).sum()
}

/// Waits for the events of all callbacks of a report.
async fn events(subscriber: &Subscriber, report: &Value) -> Vec<Delivered> {
    let expected = new(report);
    let callbacks = report["callbacks"].as_array().unwrap();
    let ids: BTreeSet<&str> = callbacks.iter().map(|callback| callback["id"].as_str().unwrap()).collect();
    let give_up = Instant::now() + PATIENCE;
    let mut events = Vec::new();
    while Instant::now() < give_up {
        events.extend(subscriber.everything_so_far().await);
        events.retain(|delivered| ids.contains(delivered.subject()));
        if events.len() as u64 >= expected {
            return events;
        }
    }
    panic!("{} of {expected} events arrived within {PATIENCE:?}", events.len());
}

#[tokio::test]
#[ignore = "needs the local stack: make test"]
async fn send_reports_a_single_answer_as_json() {
    let stack = Stack::connect().await;
    let id = fresh_id("json");
    let (code, report) = send_json(&stack, "mo", &["--id", &id]).await;
    assert_eq!((code, &report["verdict"], &report["answer"]["status"]), (0, &json!("accepted"), &json!(200)));
    assert_eq!((&report["kind"], &report["answer"]["body"]["id"]), (&json!("mo"), &json!(id)));
    assert!(report["latency_ms"].as_f64().unwrap() > 0.0);
}

#[tokio::test]
#[ignore = "needs the local stack: make test"]
async fn values_that_are_set_arrive() {
    let stack = Stack::connect().await;
    let subscriber = stack.subscribe(None).await;
    let (id, body) = (fresh_id("set"), wab_marked::text("Ata mārie"));
    let mo = ["--id", &id, "--set", &format!("content.text.body={body}"), "--set", "brand.new=[1]"];
    assert_eq!(send(&stack, "mo", &mo).await.0, 0);
    let dlr = ["--set", &format!("id={id}"), "--status", "failed", "--set", "detail=No connection"];
    assert_eq!(send(&stack, "dlr", &dlr).await.0, 0);
    let events = subscriber.everything_so_far().await;
    let mut data: Vec<_> = of(&events, &id).into_iter().map(|delivered| &delivered.event["data"]).collect();
    data.sort_by_key(|data| data["content"].is_null());
    let [mo, dlr] = data[..] else { panic!("{data:?}") };
    assert_eq!((&mo["content"]["text"]["body"], &mo["unrecognized"]), (&json!(body), &json!({"brand": {"new": [1]}})));
    assert_eq!((&dlr["status"], &dlr["detail"]), (&json!("failed"), &json!("No connection")));
}

#[tokio::test]
#[ignore = "needs the local stack: make test"]
async fn options_of_a_callback_arrive() {
    let stack = Stack::connect().await;
    let subscriber = stack.subscribe(None).await;
    let (id, text) = (fresh_id("options"), wab_marked::text("Look at this"));
    let (answered, reported) = (wab_marked::name("order-1042"), wab_marked::name("order-1043"));
    let mo = ["--id", &id, "--type", "image", "--source", SENDER, "--destination", RECIPIENT];
    let mo = [&mo[..], &["--reference", &answered, "--text", &text]].concat();
    assert_eq!(send(&stack, "mo", &mo).await.0, 0);
    assert_eq!(send(&stack, "dlr", &["--id", &id, "--reference", &reported]).await.0, 0);
    let events = subscriber.everything_so_far().await;
    let mut data: Vec<_> = of(&events, &id).into_iter().map(|delivered| &delivered.event["data"]).collect();
    data.sort_by_key(|data| data["content"].is_null());
    let [mo, dlr] = data[..] else { panic!("{data:?}") };
    assert_eq!((&mo["source"], &mo["destination"]), (&json!(SENDER), &json!(RECIPIENT)));
    assert_eq!((&mo["reference"], &dlr["reference"]), (&json!(answered), &json!(reported)));
    assert_eq!(mo["content"]["image"]["caption"], text);
}

#[tokio::test]
#[ignore = "needs the local stack: make test"]
async fn file_is_posted_byte_for_byte() {
    let stack = Stack::connect().await;
    let file = std::env::temp_dir().join(fresh_id("recorded"));
    for (what, partition) in [("mo", "MO"), ("dlr", "DLR")] {
        let id = fresh_id("file");
        let body = format!("{{ \"id\":\"{id}\",\n \"status\": \"sent\", \"content\": \"\\u00e9\" }}");
        std::fs::write(&file, &body).unwrap();
        assert_eq!(send(&stack, what, &["--file", file.to_str().unwrap()]).await.0, 0);
        let [item] = &stack.items(&format!("{partition}#{id}")).await[..] else { panic!("one item") };
        assert_eq!(item["body"], body);
    }
    std::fs::remove_file(file).unwrap();
}

#[tokio::test]
#[ignore = "needs the local stack: make test"]
async fn scenario_is_repeated_at_a_rate_with_faults() {
    let stack = Stack::connect().await;
    let mix = ["delivered", "--count", "10", "--duplicates", "10%", "--malformed", "10%", "--rate", "15"];
    let (code, report) = send_json(&stack, "scenario", &mix).await;
    assert_eq!((code, &report["posted"]), (0, &json!(30 + 3 + 3)), "{:#}", report["answers"]);
    assert_eq!((new(&report) + count(&report, 200, "duplicate"), malformed(&report)), (33, 3));
    assert_eq!(report["references"].as_array().unwrap().len(), 10);
    // A run without a rate takes far less than a second.
    let seconds = report["seconds"].as_f64().unwrap();
    assert!(seconds >= 35.0 / 15.0, "{seconds} s for 36 callbacks, 15 a second");
}

#[tokio::test]
#[ignore = "needs the local stack: make test"]
async fn mixed_run_stores_each_callback_once() {
    let stack = Stack::connect().await;
    let seed = fresh_seed();
    let mix = ["--count", "100", "--duplicates", "10%", "--malformed", "5%", "--shuffle", "--seed", &seed];
    let (code, report) = send_json(&stack, "dlr", &[&mix[..], &["--rate", "200"]].concat()).await;
    assert_eq!(code, 0, "{:#}", report["answers"]);
    assert_eq!((&report["posted"], report["seed"].to_string()), (&json!(115), seed.clone()));
    // A repeat of a deferred callback is deferred too.
    assert_eq!((new(&report) + count(&report, 200, "duplicate"), malformed(&report)), (110, 5));
    let [p50, p99, max] = ["p50", "p99", "max"].map(|name| report["latency_ms"][name].as_f64().unwrap());
    assert!(0.0 < p50 && p50 <= p99 && p99 <= max, "{}", report["latency_ms"]);
    let ids = |report: &Value| {
        let callbacks = report["callbacks"].as_array().unwrap().clone();
        callbacks.into_iter().map(|callback| callback["id"].clone()).collect::<Vec<_>>()
    };
    let distinct: BTreeSet<_> = ids(&report).iter().filter_map(|id| id.as_str().map(str::to_owned)).collect();
    assert_eq!(distinct.len(), 100);
    let (code, again) = send_json(&stack, "dlr", &mix).await;
    assert_eq!((code, ids(&again)), (0, ids(&report)), "the seed repeats the run");
    assert!(count(&again, 200, "duplicate") >= count(&report, 200, "stored"), "{:#}", again["answers"]);
}

#[tokio::test]
#[ignore = "needs the local stack: make test"]
async fn delivered_scenario_ends_as_received() {
    let stack = Stack::connect().await;
    let subscriber = stack.subscribe(None).await;
    let (code, report) = send_json(&stack, "scenario", &["delivered"]).await;
    assert_eq!((code, new(&report)), (0, 3));
    let events = events(&subscriber, &report).await;
    let mut statuses: Vec<_> =
        events.iter().map(|delivered| delivered.event["data"]["status"].as_str().unwrap()).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, ["received", "sent", "submitted"]);
    let last = events.iter().find(|delivered| delivered.event["data"]["status"] == "received").unwrap();
    assert_eq!(last.event["data"]["delivery"]["current"], "received");
    assert_eq!(json!([last.event["data"]["reference"]]), report["references"]);
}

#[tokio::test]
#[ignore = "needs the local stack: make test"]
async fn failed_scenario_arrives_with_its_detail() {
    let stack = Stack::connect().await;
    let subscriber = stack.subscribe(None).await;
    let (code, report) = send_json(&stack, "scenario", &["failed", "--shuffle"]).await;
    assert_eq!((code, new(&report)), (0, 3));
    let events = events(&subscriber, &report).await;
    let failed = events.iter().find(|delivered| delivered.event["data"]["status"] == "failed").unwrap();
    assert_eq!(failed.event["data"]["detail"], "No connection to the carrier");
}

#[tokio::test]
#[ignore = "needs the local stack: make test"]
async fn conversation_scenario_is_linked() {
    let stack = Stack::connect().await;
    let subscriber = stack.subscribe(None).await;
    let (code, report) = send_json(&stack, "scenario", &["conversation"]).await;
    assert_eq!((code, new(&report)), (0, 9));
    let events = events(&subscriber, &report).await;
    let data = |index: usize| {
        let id = report["callbacks"][index]["id"].as_str().unwrap();
        &of(&events, id)[0].event["data"]
    };
    let (question, receipt, reaction, reply) = (data(0), data(1), data(4), data(5));
    assert_eq!(report["contacts"], json!([question["source"]]));
    for answer in [reaction, reply] {
        assert_eq!((&answer["reply_to"], &answer["reference"]), (&receipt["id"], &receipt["reference"]));
        assert_eq!(answer["source"], question["source"]);
    }
}

#[tokio::test]
#[ignore = "needs the local stack: make test"]
async fn storm_scenario_is_answered_as_it_should_be() {
    let stack = Stack::connect().await;
    let (code, report) = send_json(&stack, "scenario", &["storm", "--seed", &fresh_seed()]).await;
    assert_eq!(code, 0, "{:#}", report["answers"]);
    let posted = report["posted"].as_u64().unwrap();
    let (new, duplicates, malformed) = (new(&report), count(&report, 200, "duplicate"), malformed(&report));
    assert!(posted > 300 && malformed >= 3, "{:#}", report["answers"]);
    assert_eq!(new + duplicates + malformed, posted, "{:#}", report["answers"]);
}

#[tokio::test]
#[ignore = "needs the local stack: make test"]
async fn wrong_password_decides_the_exit_code_of_a_run() {
    let stack = Stack::connect().await;
    let target = ["--url", &stack.file.mo_url, "--user", &stack.file.username, "--password", "wrong"];
    let (code, out) = run_wab(Path::new("/"), &[&["send", "mo", "--count", "3"], &target[..]].concat()).await;
    assert!(code == 1 && out.contains("401 unauthorized") && out.contains("posted    3, in "), "{out}");
}

#[tokio::test]
#[ignore = "needs the local stack: make test"]
async fn received_events_can_be_checked() {
    let stack = Stack::connect().await;
    let subscriber = stack.subscribe(None).await;
    let mut events = Vec::new();
    for kind in Kind::ALL {
        let (code, report) = send_json(&stack, kind.as_str(), &["--count", "3"]).await;
        assert_eq!((code, new(&report)), (0, 3));
        events.extend(self::events(&subscriber, &report).await);
    }
    let bodies: Vec<_> = events.iter().map(|delivered| delivered.text.as_str()).collect();
    let messages: Vec<_> = bodies.iter().map(|body| json!({"MessageId": "7c1f", "Body": body})).collect();
    let directory = std::env::temp_dir().join(fresh_id("check"));
    std::fs::create_dir_all(&directory).unwrap();
    // The AWS CLI's output as text, and as JSON.
    std::fs::write(directory.join("text"), bodies.join("\t") + "\n").unwrap();
    std::fs::write(directory.join("json"), json!({"Messages": messages}).to_string()).unwrap();
    for file in ["text", "json"] {
        let (code, out) = run_wab(&directory, &["check", "--json", file]).await;
        let report: Value = serde_json::from_str(&out).unwrap();
        assert_eq!((code, &report["total"]["messages"]), (0, &json!(events.len())), "{out}");
        assert_eq!(
            (&report["types"]["text"]["typed"], &report["types"]["(delivery receipt)"]["typed"]),
            (&json!(3), &json!(3))
        );
    }
    std::fs::remove_dir_all(directory).unwrap();
}
