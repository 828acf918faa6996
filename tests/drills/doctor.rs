//! `wab doctor` and `wab status` on the local stack: nothing on a healthy one, and each planted fault by its name.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use aws_sdk_sqs::types::QueueAttributeName;
use clap::Parser;
use serde_json::{Value, json};
use wab::stack::queue_policy;
use wab_events::Kind;

use crate::requests::{fresh_id, mo_text};
use crate::stack::{PATIENCE, Stack, run_wab};

/// A finding that needs action: the check, and what it found.
type Found = (String, String);

/// The stack, and a directory in which `wab` finds it.
struct Clinic {
    stack: Stack,
    sqs: aws_sdk_sqs::Client,
    logs: aws_sdk_cloudwatchlogs::Client,
    directory: PathBuf,
}

impl Clinic {
    async fn open() -> Self {
        let stack = Stack::connect().await;
        let sdk = stack.file.sdk_config();
        let directory = std::env::temp_dir().join(format!("wab-doctor-{}", std::process::id()));
        let clinic = Self {
            sqs: aws_sdk_sqs::Client::new(&sdk),
            logs: aws_sdk_cloudwatchlogs::Client::new(&sdk),
            stack,
            directory,
        };
        clinic.write_stack_file(|_| {});
        clinic.clean().await;
        clinic
    }

    /// Writes the stack file that `wab` finds, changed by `edit`.
    fn write_stack_file(&self, edit: impl FnOnce(&mut Value)) {
        let text = std::fs::read(std::env::var("WAB_STACK").unwrap()).unwrap();
        let mut file: Value = serde_json::from_slice(&text).unwrap();
        edit(&mut file);
        std::fs::create_dir_all(self.directory.join(".local")).unwrap();
        std::fs::write(self.directory.join(".local/stack.json"), file.to_string()).unwrap();
    }

    /// Removes what other tests left: subscriptions, and messages in the queues.
    async fn clean(&self) {
        for topic in [&self.stack.file.mo_topic_arn, &self.stack.file.dlr_topic_arn] {
            let listed = self.stack.sns.list_subscriptions_by_topic().topic_arn(topic).into_paginator().items().send();
            let listed: Vec<_> = listed.try_collect().await.unwrap();
            for arn in listed.iter().filter_map(|listed| listed.subscription_arn()) {
                self.unsubscribe(arn).await;
            }
        }
        for queue in [&self.stack.file.dead_letter_queue_url, &self.stack.file.spill_queue_url] {
            self.sqs.purge_queue().queue_url(queue).send().await.unwrap();
        }
    }

    async fn doctor(&self, arguments: &[&str]) -> Vec<Found> {
        let (code, printed) = run_wab(&self.directory, &[&["doctor", "--json"], arguments].concat()).await;
        let report: Value = serde_json::from_str(&printed).unwrap();
        let findings = report["findings"].as_array().unwrap();
        for command in findings.iter().filter_map(|finding| finding["mends"].as_str()) {
            parses(command);
        }
        let needs_action = |finding: &&Value| ["warning", "problem"].contains(&finding["verdict"].as_str().unwrap());
        let text = |finding: &Value, key: &str| finding[key].as_str().unwrap().to_owned();
        let found: Vec<_> = findings
            .iter()
            .filter(needs_action)
            .map(|finding| (text(finding, "check"), text(finding, "what")))
            .collect();
        assert_eq!(code, u8::from(!found.is_empty()), "{printed}");
        found
    }

    /// What needs action, but for the alarms that other faults have set off.
    async fn findings(&self, arguments: &[&str]) -> Vec<Found> {
        self.doctor(arguments).await.into_iter().filter(|(check, _)| check != "alarms").collect()
    }

    /// Checks that exactly these findings are there.
    #[track_caller]
    fn check(found: &[Found], expected: &[(&str, &str)]) {
        let is_expected = found.len() == expected.len()
            && expected
                .iter()
                .all(|(check, part)| found.iter().any(|(name, what)| name == check && what.contains(part)));
        assert!(is_expected, "{expected:?} were planted, and found: {found:#?}");
    }

    /// Waits until nothing needs action.
    async fn healthy(&self) {
        let give_up = Instant::now() + PATIENCE;
        loop {
            let found = self.findings(&[]).await;
            if found.is_empty() {
                return;
            }
            assert!(Instant::now() < give_up, "{found:?}");
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    }

    /// A queue to which both topics may send. Returns its URL and ARN.
    async fn queue(&self) -> (String, String) {
        let url = self.stack.queue().await;
        let get = self.sqs.get_queue_attributes().queue_url(&url).attribute_names(QueueAttributeName::QueueArn);
        let arn = get.send().await.unwrap().attributes.unwrap().remove(&QueueAttributeName::QueueArn).unwrap();
        let policy = queue_policy(&arn, &[&self.stack.file.mo_topic_arn, &self.stack.file.dlr_topic_arn]);
        let set = self.sqs.set_queue_attributes().queue_url(&url).attributes(QueueAttributeName::Policy, policy);
        set.send().await.unwrap();
        (url, arn)
    }

    /// Subscribes an endpoint to the topic of messages. Returns the subscription's ARN.
    async fn subscribe(&self, protocol: &str, endpoint: &str, attributes: &[(&str, String)]) -> String {
        let topic = &self.stack.file.mo_topic_arn;
        let mut subscribe = self.stack.sns.subscribe().topic_arn(topic).protocol(protocol).endpoint(endpoint);
        for (name, value) in attributes {
            subscribe = subscribe.attributes(*name, value);
        }
        subscribe.return_subscription_arn(true).send().await.unwrap().subscription_arn.unwrap()
    }

    async fn unsubscribe(&self, arn: &str) {
        self.stack.sns.unsubscribe().subscription_arn(arn).send().await.unwrap();
    }

    async fn enable_mapping(&self, function: &str, enabled: bool) {
        let list = self.stack.lambda.list_event_source_mappings().function_name(function).send().await.unwrap();
        let uuid = list.event_source_mappings.unwrap().remove(0).uuid.unwrap();
        self.stack.lambda.update_event_source_mapping().uuid(uuid).enabled(enabled).send().await.unwrap();
    }

    async fn protect(&self, enabled: bool) {
        let update = self.stack.dynamodb.update_table().table_name(&self.stack.file.table);
        update.deletion_protection_enabled(enabled).send().await.unwrap();
    }
}

/// A printed command of `wab` is one that `wab` accepts.
#[track_caller]
fn parses(command: &str) {
    if command.starts_with("wab ") {
        let parsed = wab::Cli::try_parse_from(command.split_whitespace());
        assert!(parsed.is_ok(), "{command}");
    }
}

fn redrive(arn: &str) -> (&'static str, String) {
    ("RedrivePolicy", json!({"deadLetterTargetArn": arn}).to_string())
}

#[tokio::test]
#[ignore = "needs the local stack: make test"]
async fn doctor_finds_each_planted_fault() {
    let _alone = crate::ALONE.lock().await;
    let clinic = Clinic::open().await;
    let file = &clinic.stack.file;
    clinic.healthy().await;
    let found = async || clinic.findings(&[]).await;

    clinic.stack.send(&file.dead_letter_queue_url, "{}").await;
    Clinic::check(&found().await, &[("dead-letter queue", "holds 1 ")]);
    clinic.stack.take_all(&file.dead_letter_queue_url).await;
    clinic.clean().await;

    clinic.enable_mapping(&file.recover_function, false).await;
    clinic.stack.send(&file.spill_queue_url, "{}").await;
    let spilled = [("event sources", "recover is disabled"), ("spill queue", "holds 1 ")];
    Clinic::check(&found().await, &spilled);
    clinic.clean().await;
    clinic.enable_mapping(&file.recover_function, true).await;

    clinic.enable_mapping(&file.fanout_function, false).await;
    Clinic::check(&found().await, &[("event sources", "fanout is disabled")]);
    clinic.enable_mapping(&file.fanout_function, true).await;

    let stop = clinic.stack.lambda.put_function_concurrency().function_name(&file.fanout_function);
    stop.reserved_concurrent_executions(0).send().await.unwrap();
    Clinic::check(&found().await, &[("concurrency", "fanout is stopped")]);
    let start = clinic.stack.lambda.delete_function_concurrency().function_name(&file.fanout_function);
    start.send().await.unwrap();

    let wrong = file.mo_url.replacen("://", "://gateway:wrong@", 1);
    let rejected = [("mo url", "401 with the given"), ("dlr url", "401 with the given")];
    Clinic::check(&clinic.findings(&["--url", &wrong]).await, &rejected);

    clinic.write_stack_file(|file| file["version"] = "0.0.1".into());
    Clinic::check(&found().await, &[("versions", "template 0.0.1")]);
    clinic.write_stack_file(|_| {});

    clinic.protect(false).await;
    Clinic::check(&found().await, &[("table", "deletion protection is off")]);
    clinic.protect(true).await;

    let group = format!("/aws/lambda/{}/dlr", file.stack_name);
    clinic.logs.delete_retention_policy().log_group_name(&group).send().await.unwrap();
    Clinic::check(&found().await, &[("logs", "dlr keeps its lines for ever")]);
    clinic.logs.put_retention_policy().log_group_name(&group).retention_in_days(30).send().await.unwrap();

    let tags = [("wab:listen", &*file.stack_name), ("wab:last-used", "2020-01-01T00:00:00Z")];
    let tags = tags.map(|(key, value)| (key.to_owned(), value.to_owned())).into_iter().collect();
    let name = format!("wab-listen-{}-gone", file.stack_name);
    let queue = clinic.sqs.create_queue().queue_name(name).set_tags(Some(tags)).send().await.unwrap();
    Clinic::check(&found().await, &[("listen queues", "gone hasn't been used for")]);
    clinic.sqs.delete_queue().set_queue_url(queue.queue_url).send().await.unwrap();

    clinic.healthy().await;
    std::fs::remove_dir_all(&clinic.directory).unwrap();
}

#[tokio::test]
#[ignore = "needs the local stack: make test"]
async fn doctor_finds_subscriptions_that_lose_events() {
    let _alone = crate::ALONE.lock().await;
    let clinic = Clinic::open().await;
    clinic.healthy().await;
    let (url, arn) = clinic.queue().await;
    let (dead_letters_url, dead_letters) = clinic.queue().await;
    let found = async || clinic.findings(&[]).await;

    let whole = clinic.subscribe("sqs", &arn, &[redrive(&dead_letters)]).await;
    assert!(found().await.is_empty());
    clinic.unsubscribe(&whole).await;

    let bare = clinic.subscribe("sqs", &arn, &[]).await;
    Clinic::check(&found().await, &[("subscriptions", "has no dead-letter queue")]);
    clinic.unsubscribe(&bare).await;

    let filter = ("FilterPolicy", json!({"sender": ["+6421000001"]}).to_string());
    let deaf = clinic.subscribe("sqs", &arn, &[redrive(&dead_letters), filter]).await;
    Clinic::check(&found().await, &[("subscriptions", "filters by sender, which no event has")]);
    clinic.unsubscribe(&deaf).await;

    let hook = async || clinic.subscribe("http", "http://127.0.0.1:9/hook", &[redrive(&dead_letters)]).await;
    hook().await;
    Clinic::check(&found().await, &[("subscriptions", "127.0.0.1 on topic mo isn't confirmed")]);
    // The emulator names the ARN of a subscription that isn't confirmed only once it is made again.
    clinic.unsubscribe(&hook().await).await;

    let whole = clinic.subscribe("sqs", &arn, &[redrive(&dead_letters)]).await;
    clinic.sqs.delete_queue().queue_url(&dead_letters_url).send().await.unwrap();
    Clinic::check(&found().await, &[("subscriptions", "has a dead-letter queue that is gone")]);
    clinic.sqs.delete_queue().queue_url(&url).send().await.unwrap();
    Clinic::check(&found().await, &[("subscriptions", "is gone: SNS drops what it should get")]);
    clinic.unsubscribe(&whole).await;

    clinic.healthy().await;
    std::fs::remove_dir_all(&clinic.directory).unwrap();
}

#[tokio::test]
#[ignore = "needs the local stack: make test"]
async fn status_and_doctor_show_a_firing_alarm_and_its_end() {
    let _alone = crate::ALONE.lock().await;
    let clinic = Clinic::open().await;
    let status = async |arguments: &[&str]| {
        let (code, printed) = run_wab(&clinic.directory, &[&["status", "--json"], arguments].concat()).await;
        (code, serde_json::from_str::<Value>(&printed).unwrap())
    };
    let until = async |is_firing: bool| {
        let give_up = Instant::now() + PATIENCE;
        loop {
            let (code, report) = status(&["Quarantine"]).await;
            if report["state"]["is_firing"] == is_firing {
                return (code, report);
            }
            assert!(Instant::now() < give_up, "{report:#}");
            tokio::time::sleep(Duration::from_millis(300)).await;
        }
    };
    until(false).await;

    let body = format!("{{\"id\": \"{}\",", fresh_id("broken"));
    assert_eq!(clinic.stack.post(Kind::Mo, body.as_str()).await.status, 400);
    let (code, report) = until(true).await;
    assert_eq!((code, report["verdict"].as_str()), (1, Some("problem")));
    let wanted = "callback rejected, body quarantined: the body is not JSON";
    let causes = report["causes"].as_array().unwrap();
    let is_named = causes.iter().any(|cause| cause["reason"].as_str().unwrap().starts_with(wanted));
    assert!(is_named, "{report:#}");
    assert!(!report.to_string().contains("broken"), "{report:#}");

    let (_, screen) = status(&[]).await;
    // With short periods, the alarm may have ended already.
    let quarantined =
        screen["signals"].as_array().unwrap().iter().find(|signal| signal["name"] == "quarantined").unwrap();
    assert_ne!(quarantined["verdict"], "ok", "{screen:#}");
    let signals = screen["signals"].as_array().unwrap();
    for command in signals.iter().flat_map(|signal| [&signal["shows"], &signal["mends"]]).filter_map(Value::as_str) {
        parses(command);
    }

    let (code, report) = until(false).await;
    assert_eq!((code, report["verdict"].as_str()), (0, Some("over")), "{report:#}");
    clinic.stack.post_ok(Kind::Mo, &mo_text(&fresh_id("accepted"))).await;
    // A metric is there once its line was read.
    let give_up = Instant::now() + PATIENCE;
    while !status(&[]).await.1["last_accepted"].is_string() {
        assert!(Instant::now() < give_up, "the accepted callback isn't shown");
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
    std::fs::remove_dir_all(&clinic.directory).unwrap();
}
