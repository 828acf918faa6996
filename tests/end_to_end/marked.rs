//! What was sent is in the table, the bucket, the queues and the topics, and nowhere else.
//!
//! `infra/local/test.py` runs this test on each stack after the others, so that it searches what they have left. Only the
//! tests of the console's page come later, because they end with an empty stack. It also plants a value in each place and
//! has to find it there: a search that looks in the wrong place fails too.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use aws_sdk_cloudwatch::types::{ComparisonOperator, Dimension, MetricDatum, Statistic};
use aws_sdk_cloudwatchlogs::types::InputLogEvent;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use serde_json::{Value, json};
use wab_events::Kind;
use wab_marked::{NAME, NUMBER, RECIPIENT, SENDER, WORD};

use super::one;
use crate::marked::EVERYTHING;
use crate::requests::{basic, fresh_id};
use crate::stack::{PATIENCE, Stack};

/// The namespace and the log group of what is planted.
const PLANTED: &str = "planted";

/// Everything around the stack that may be seen by more people than its messages.
struct Surroundings {
    stack: Stack,
    logs: aws_sdk_cloudwatchlogs::Client,
    cloudwatch: aws_sdk_cloudwatch::Client,
    cloudformation: aws_sdk_cloudformation::Client,
}

/// A text, and where it is.
type Placed = (String, String);

impl Surroundings {
    fn of(stack: &Stack) -> Self {
        let sdk = stack.file.sdk_config();
        Self {
            stack: stack.clone(),
            logs: aws_sdk_cloudwatchlogs::Client::new(&sdk),
            cloudwatch: aws_sdk_cloudwatch::Client::new(&sdk),
            cloudformation: aws_sdk_cloudformation::Client::new(&sdk),
        }
    }

    /// The lines of all log groups: of the functions and of the API.
    async fn log_lines(&self) -> Vec<Placed> {
        let mut placed = Vec::new();
        let mut groups = self.logs.describe_log_groups().into_paginator().items().send();
        while let Some(group) = groups.next().await {
            let name = group.unwrap().log_group_name.unwrap();
            let mut pages = self.logs.filter_log_events().log_group_name(&name).into_paginator().send();
            while let Some(page) = pages.next().await {
                for line in page.unwrap().events.unwrap_or_default() {
                    let text = format!("{} {}", line.log_stream_name.unwrap(), line.message.unwrap());
                    placed.push((format!("log {name}"), text));
                }
            }
        }
        placed
    }

    /// The names and dimensions of all metrics.
    async fn metrics(&self) -> Vec<Placed> {
        let mut pages = self.cloudwatch.list_metrics().into_paginator().send();
        let mut placed = Vec::new();
        while let Some(page) = pages.next().await {
            let metrics = page.unwrap().metrics.unwrap_or_default().into_iter();
            placed.extend(metrics.map(|metric| ("metrics".to_owned(), format!("{metric:?}"))));
        }
        placed
    }

    /// The alarms with their reasons, which CloudWatch also sends to the topic of alarms.
    async fn alarms(&self) -> Vec<Placed> {
        let mut pages = self.cloudwatch.describe_alarms().into_paginator().send();
        let mut placed = Vec::new();
        while let Some(page) = pages.next().await {
            let alarms = page.unwrap().metric_alarms.unwrap_or_default().into_iter();
            placed.extend(alarms.map(|alarm| ("alarms".to_owned(), format!("{alarm:?}"))));
        }
        placed
    }

    /// The names of queues, topics and objects.
    async fn names(&self) -> Vec<Placed> {
        let Stack { sqs, sns, s3, file, .. } = &self.stack;
        let mut placed = Vec::new();
        let mut queues = sqs.list_queues().max_results(1000).into_paginator().items().send();
        while let Some(url) = queues.next().await {
            placed.push(("queue names".to_owned(), url.unwrap()));
        }
        let mut topics = sns.list_topics().into_paginator().items().send();
        while let Some(topic) = topics.next().await {
            placed.push(("topic names".to_owned(), topic.unwrap().topic_arn.unwrap()));
        }
        let mut pages = s3.list_objects_v2().bucket(&file.bucket).into_paginator().send();
        while let Some(page) = pages.next().await {
            let keys = page.unwrap().contents.unwrap_or_default().into_iter().filter_map(|object| object.key);
            placed.extend(keys.map(|key| ("object keys".to_owned(), key)));
        }
        placed
    }

    /// The events, parameters and outputs of the stack, and the variables of its functions.
    async fn configuration(&self) -> Vec<Placed> {
        let file = &self.stack.file;
        let described = self.cloudformation.describe_stacks().stack_name(&file.stack_name).send().await.unwrap();
        let mut placed = vec![("stack".to_owned(), format!("{described:?}"))];
        let mut events =
            self.cloudformation.describe_stack_events().stack_name(&file.stack_name).into_paginator().items().send();
        while let Some(event) = events.next().await {
            placed.push(("stack events".to_owned(), format!("{:?}", event.unwrap())));
        }
        for function in [&file.mo_function, &file.dlr_function, &file.fanout_function, &file.recover_function] {
            let got = self.stack.lambda.get_function_configuration().function_name(function).send().await.unwrap();
            placed.push(("functions".to_owned(), format!("{:?}", got.environment.unwrap().variables.unwrap())));
        }
        placed
    }

    async fn everything(&self) -> Vec<Placed> {
        let configuration = self.configuration().await;
        [self.log_lines().await, self.metrics().await, self.alarms().await, self.names().await, configuration].concat()
    }

    /// Puts a marked value into each place that this test may write to. Returns the places.
    async fn plant(&self) -> BTreeSet<String> {
        let Stack { sqs, sns, s3, file, .. } = &self.stack;
        let (group, stream) = (PLANTED, "stream");
        // They are there if an earlier run was interrupted.
        let _ = self.logs.create_log_group().log_group_name(group).send().await;
        let _ = self.logs.create_log_stream().log_group_name(group).log_stream_name(stream).send().await;
        let line = format!("reason: {}", STANDARD.encode(wab_marked::text("Kia ora")));
        let line = InputLogEvent::builder().timestamp(Timestamp::now().as_millisecond()).message(line).build().unwrap();
        let put = self.logs.put_log_events().log_group_name(group).log_stream_name(stream).log_events(line);
        put.send().await.unwrap();

        let dimension = Dimension::builder().name("source").value(SENDER).build();
        let datum = MetricDatum::builder().metric_name("Planted").dimensions(dimension).value(1.0).build();
        self.cloudwatch.put_metric_data().namespace(PLANTED).metric_data(datum).send().await.unwrap();
        // In its description, because each evaluation replaces the reason.
        let alarm = self.cloudwatch.put_metric_alarm().alarm_name(PLANTED).namespace(PLANTED).metric_name("Planted");
        let alarm = alarm.alarm_description(format!("because of {}", wab_marked::wamid("")));
        let alarm = alarm.statistic(Statistic::Sum).period(60).evaluation_periods(1).threshold(1e9);
        alarm.comparison_operator(ComparisonOperator::GreaterThanThreshold).send().await.unwrap();

        sqs.create_queue().queue_name(format!("{PLANTED}-{NUMBER}")).send().await.unwrap();
        sns.create_topic().name(wab_marked::name(PLANTED)).send().await.unwrap();
        s3.put_object().bucket(&file.bucket).key(format!("{PLANTED}/{WORD}")).send().await.unwrap();
        let places = ["log planted", "metrics", "alarms", "queue names", "topic names", "object keys"];
        places.map(str::to_owned).into()
    }

    /// Removes what was planted. Metrics can't be deleted.
    async fn uproot(&self) {
        let Stack { sqs, sns, s3, file, .. } = &self.stack;
        self.logs.delete_log_group().log_group_name(PLANTED).send().await.unwrap();
        self.cloudwatch.delete_alarms().alarm_names(PLANTED).send().await.unwrap();
        let queue = sqs.get_queue_url().queue_name(format!("{PLANTED}-{NUMBER}")).send().await.unwrap().queue_url;
        sqs.delete_queue().set_queue_url(queue).send().await.unwrap();
        // Creating a topic that is there returns its ARN.
        let topic = sns.create_topic().name(wab_marked::name(PLANTED)).send().await.unwrap().topic_arn;
        sns.delete_topic().set_topic_arn(topic).send().await.unwrap();
        s3.delete_object().bucket(&file.bucket).key(format!("{PLANTED}/{WORD}")).send().await.unwrap();
    }
}

/// A message in which every field has a marked value.
fn message(id: &str) -> Value {
    json!({
        "id": id, "source": SENDER, "Destination": RECIPIENT, "operator": wab_marked::text("operator"),
        "reply_to": wab_marked::name("sent"), "reference": wab_marked::name("order"), WORD: {WORD: WORD},
        "content": {
            "from": &SENDER[1..], "id": wab_marked::wamid("A=="), "timestamp": "1763889302", "type": "contacts",
            "context": {"from": RECIPIENT, "id": wab_marked::wamid("B==")},
            "contacts": [{"name": {"formatted_name": wab_marked::text("Ana")}, "phones": [{"phone": SENDER}]}],
        },
    })
}

/// Sends marked values on each way through the functions, and waits until they are published and logged.
async fn send(stack: &Stack, surroundings: &Surroundings) {
    let subscriber = stack.subscribe(None).await;
    let (id, sent) = (format!("{}-{NAME}", fresh_id("mo")), format!("{}-{NAME}", fresh_id("dlr")));
    let (whole, mut other) = (message(&id), message(&id));
    other["content"]["contacts"][0]["name"]["formatted_name"] = wab_marked::text("Ben").into();
    let mut large = message(&format!("{id}-large"));
    large["content"]["note"] = wab_marked::text(&WORD.repeat(50_000)).into();
    let content = STANDARD.encode([b"GIF89a", WORD.repeat(2_000).as_bytes()].concat());
    let binary = json!({"id": format!("{id}-binary"), "source": SENDER, "encoding": "base64", "content": content});
    for (body, outcome) in
        [(&whole, "stored"), (&whole, "duplicate"), (&other, "stored"), (&large, "stored"), (&binary, "stored")]
    {
        assert_eq!(stack.post_ok(Kind::Mo, body).await, outcome);
    }
    let receipt = json!({"id": sent, "status": wab_marked::text("status"), "reference": wab_marked::name("order"),
                         "detail": wab_marked::text("to") + SENDER, WORD: WORD});
    assert_eq!(stack.post_ok(Kind::Dlr, &receipt).await, "stored");

    let (user, password) = (&*stack.file.username, &*stack.file.password);
    for (authorization, body, status) in [
        (basic(user, password), format!("{{\"id\": \"{WORD}"), 400),
        (
            basic(user, password),
            format!("{{\"source\": \"{SENDER}\", \"{WORD}\": \"{}\"}}", wab_marked::wamid("")),
            400,
        ),
        (basic(user, password), json!({"id": format!("{WORD}{}", "x".repeat(600))}).to_string(), 400),
        (basic(user, &format!("{WORD}-wrong")), whole.to_string(), 401),
        (basic(WORD, password), whole.to_string(), 401),
        (format!("Bearer {password}"), whole.to_string(), 401),
    ] {
        for kind in Kind::ALL {
            let answer = stack.post_as(kind, Some(&authorization), body.clone()).await;
            assert_eq!(answer.status, status, "{}", answer.body);
        }
    }

    let events = subscriber.everything_so_far().await;
    let published = one(&events, &sent);
    assert!([WORD, NAME, NUMBER].iter().all(|mark| published.text.contains(mark)), "{}", published.text);
    // A line of the function that stored it, and all lines before.
    let event_id = published.event["id"].as_str().unwrap();
    let give_up = Instant::now() + PATIENCE;
    while !surroundings.log_lines().await.iter().any(|(_, line)| line.contains(event_id)) {
        assert!(Instant::now() < give_up, "the callback isn't logged");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

#[tokio::test]
#[ignore = "needs the local stack: make test"]
async fn what_was_sent_is_nowhere_else() {
    let stack = Stack::connect().await;
    let surroundings = Surroundings::of(&stack);
    send(&stack, &surroundings).await;
    let planted = surroundings.plant().await;
    let everything = surroundings.everything().await;
    surroundings.uproot().await;

    let read: BTreeSet<&str> = everything.iter().map(|(place, _)| place.as_str()).collect();
    for function in ["mo", "dlr", "fanout"] {
        assert!(read.contains(&*format!("log /aws/lambda/{}/{function}", stack.file.stack_name)), "{read:?}");
    }
    assert!(read.contains("stack events") && read.contains("functions"), "{read:?}");
    let mut found = BTreeSet::new();
    for (place, text) in &everything {
        if let Some(what) = EVERYTHING.find(text) {
            assert!(
                planted.contains(place) && (text.contains(PLANTED) || place.contains(PLANTED)),
                "{what} is in {place}: {text}"
            );
            found.insert(place.clone());
        }
    }
    assert_eq!(found, planted, "what was planted must be found");
}
