//! Clients of the deployed stack on the local emulator: gateway, subscriber and administrator.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use aws_sdk_dynamodb::types::AttributeValue;
use aws_sdk_sqs::types::QueueAttributeName;
use clap::Parser;
use serde_json::Value;
use wab::stack::{StackFile, queue_policy};
use wab_events::Kind;

use crate::marked::{check_printed, check_unmarked};
use crate::requests::{basic, dlr, fresh_id, mo_text};

/// The time after which a test that waits has failed. Everything takes far less.
pub(crate) const PATIENCE: Duration = Duration::from_secs(90);

/// A running stack, and AWS clients with an administrator's rights.
#[derive(Debug, Clone)]
pub(crate) struct Stack {
    pub(crate) file: StackFile,
    pub(crate) dynamodb: aws_sdk_dynamodb::Client,
    pub(crate) sns: aws_sdk_sns::Client,
    pub(crate) sqs: aws_sdk_sqs::Client,
    pub(crate) s3: aws_sdk_s3::Client,
    pub(crate) lambda: aws_sdk_lambda::Client,
}

/// The answer to a callback.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: Value,
}

impl Stack {
    /// The stack that `WAB_STACK` names.
    pub(crate) async fn connect() -> Self {
        let path = std::env::var("WAB_STACK").expect("WAB_STACK names the stack.json of a stack: run `make test`");
        Self::of(StackFile::read(path.as_ref()).unwrap())
    }

    pub(crate) fn of(file: StackFile) -> Self {
        let sdk = file.sdk_config();
        Self {
            dynamodb: aws_sdk_dynamodb::Client::new(&sdk),
            sns: aws_sdk_sns::Client::new(&sdk),
            sqs: aws_sdk_sqs::Client::new(&sdk),
            s3: aws_sdk_s3::Client::from_conf(aws_sdk_s3::config::Builder::from(&sdk).force_path_style(true).build()),
            lambda: aws_sdk_lambda::Client::new(&sdk),
            file,
        }
    }

    /// Posts a callback with the first credentials.
    pub(crate) async fn post(&self, kind: Kind, body: impl Into<Vec<u8>>) -> Answer {
        let authorization = basic(&self.file.username, &self.file.password);
        self.post_as(kind, Some(&authorization), body).await
    }

    /// Posts a callback with any `Authorization` header.
    pub(crate) async fn post_as(&self, kind: Kind, authorization: Option<&str>, body: impl Into<Vec<u8>>) -> Answer {
        let url = match kind {
            Kind::Mo => self.file.mo_url.clone(),
            Kind::Dlr => self.file.dlr_url.clone(),
        };
        let authorization = authorization.map(str::to_owned);
        let body = body.into();
        tokio::task::spawn_blocking(move || post(&url, authorization.as_deref(), &body)).await.unwrap()
    }

    /// Posts a callback and checks that the answer is 200. Returns the outcome.
    pub(crate) async fn post_ok(&self, kind: Kind, body: &Value) -> String {
        let answer = self.post(kind, body.to_string()).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        answer.body["outcome"].as_str().unwrap().to_owned()
    }

    /// The items under a partition key, in the order of their sort keys.
    pub(crate) async fn items(&self, pk: &str) -> Vec<BTreeMap<String, String>> {
        let query = self
            .dynamodb
            .query()
            .table_name(&self.file.table)
            .key_condition_expression("pk = :pk")
            .expression_attribute_values(":pk", AttributeValue::S(pk.to_owned()))
            .consistent_read(true);
        let items = query.send().await.unwrap().items.unwrap_or_default();
        let text = |value: AttributeValue| match value {
            AttributeValue::S(text) | AttributeValue::N(text) => text,
            AttributeValue::M(members) => format!("{members:?}"),
            other => panic!("an item has only strings, numbers and a map: {other:?}"),
        };
        items.into_iter().map(|item| item.into_iter().map(|(name, value)| (name, text(value))).collect()).collect()
    }

    /// The bytes of an object in the bucket.
    pub(crate) async fn object(&self, key: &str) -> Vec<u8> {
        let object = self.s3.get_object().bucket(&self.file.bucket).key(key).send().await.unwrap();
        object.body.collect().await.unwrap().to_vec()
    }

    /// Sends a message to the spill queue.
    pub(crate) async fn spill(&self, message: &str) {
        self.sqs.send_message().queue_url(&self.file.spill_queue_url).message_body(message).send().await.unwrap();
    }

    /// Invokes a function through Lambda's API.
    pub(crate) async fn invoke(&self, function: &str, event: &str) -> Value {
        let blob = aws_sdk_lambda::primitives::Blob::new(event);
        let result = self.lambda.invoke().function_name(function).payload(blob).send().await.unwrap();
        let payload = String::from_utf8(result.payload.unwrap().into_inner()).unwrap();
        assert_eq!(result.function_error, None, "{payload}");
        serde_json::from_str(&payload).unwrap()
    }

    /// A new queue, subscribed to both topics with raw delivery.
    pub(crate) async fn subscribe(&self, filter_policy: Option<Value>) -> Subscriber {
        let queue = self.sqs.create_queue().queue_name(fresh_id("subscriber")).send().await.unwrap();
        let url = queue.queue_url.unwrap();
        let topics = [&self.file.mo_topic_arn, &self.file.dlr_topic_arn];
        let arn = self.queue_arn(&url).await;
        let policy = queue_policy(&arn, &topics.map(String::as_str));
        let set = self.sqs.set_queue_attributes().queue_url(&url);
        set.attributes(QueueAttributeName::Policy, policy).send().await.unwrap();
        for topic in topics {
            let mut subscription = self.sns.subscribe().topic_arn(topic).protocol("sqs").endpoint(&arn);
            subscription = subscription.attributes("RawMessageDelivery", "true");
            if let Some(policy) = &filter_policy {
                subscription = subscription.attributes("FilterPolicy", policy.to_string());
            }
            subscription.send().await.unwrap();
        }
        Subscriber { stack: self.clone(), url }
    }

    /// A new queue.
    pub(crate) async fn queue(&self) -> String {
        self.sqs.create_queue().queue_name(fresh_id("queue")).send().await.unwrap().queue_url.unwrap()
    }

    /// Sends a message to a queue.
    pub(crate) async fn send(&self, queue: &str, message: &str) {
        self.sqs.send_message().queue_url(queue).message_body(message).send().await.unwrap();
    }

    /// Receives all messages of a queue as a subscriber does.
    pub(crate) async fn delivered(&self, queue: &str) -> Vec<Delivered> {
        let subscriber = Subscriber { stack: self.clone(), url: queue.to_owned() };
        let mut delivered = Vec::new();
        loop {
            let got = subscriber.receive().await;
            if got.is_empty() {
                return delivered;
            }
            delivered.extend(got);
        }
    }

    /// Receives all messages of a queue.
    pub(crate) async fn take_all(&self, queue: &str) -> Vec<String> {
        let mut messages = Vec::new();
        loop {
            let receive = self.sqs.receive_message().queue_url(queue).max_number_of_messages(10).wait_time_seconds(1);
            let got = receive.send().await.unwrap().messages.unwrap_or_default();
            if got.is_empty() {
                return messages;
            }
            messages.extend(got.into_iter().filter_map(|message| message.body));
        }
    }

    async fn queue_arn(&self, url: &str) -> String {
        let get = self.sqs.get_queue_attributes().queue_url(url).attribute_names(QueueAttributeName::QueueArn);
        get.send().await.unwrap().attributes.unwrap().remove(&QueueAttributeName::QueueArn).unwrap()
    }

    /// Waits until the dead-letter queue holds a message for which `wanted` is true. Deletes and returns it.
    pub(crate) async fn parked(&self, wanted: impl Fn(&Value) -> bool) -> Value {
        let url = &self.file.dead_letter_queue_url;
        let give_up = Instant::now() + PATIENCE;
        while Instant::now() < give_up {
            // Other messages become visible again soon, for the tests that wait for them.
            let receive = self.sqs.receive_message().queue_url(url).max_number_of_messages(10);
            let got = receive.visibility_timeout(3).wait_time_seconds(1).send().await.unwrap();
            for message in got.messages.unwrap_or_default() {
                let parked = serde_json::from_str(&message.body.unwrap()).unwrap();
                if wanted(&parked) {
                    let delete = self.sqs.delete_message().queue_url(url);
                    delete.receipt_handle(message.receipt_handle.unwrap()).send().await.unwrap();
                    return parked;
                }
            }
        }
        panic!("nothing was parked within {PATIENCE:?}");
    }
}

/// An HTTP client that returns every answer, whatever its status.
pub(crate) fn agent() -> ureq::Agent {
    ureq::Agent::config_builder().http_status_as_error(false).timeout_global(Some(PATIENCE)).build().into()
}

fn post(url: &str, authorization: Option<&str>, body: &[u8]) -> Answer {
    let mut request = agent().post(url).content_type("application/json");
    if let Some(authorization) = authorization {
        request = request.header("authorization", authorization);
    }
    let mut response = request.send(body).unwrap();
    let headers = response.headers().iter();
    let headers = headers.map(|(name, value)| (name.to_string(), value.to_str().unwrap_or_default().to_owned()));
    let headers = headers.collect();
    let (status, body) = (response.status().as_u16(), response.body_mut().read_to_string().unwrap());
    if status != 200 {
        check_unmarked(&body);
    }
    Answer { status, headers, body: serde_json::from_str(&body).unwrap() }
}

/// An event as a subscriber receives it.
#[derive(Debug, Clone)]
pub(crate) struct Delivered {
    /// The message's text.
    pub(crate) text: String,
    pub(crate) event: Value,
    pub(crate) attributes: BTreeMap<String, String>,
}

impl Delivered {
    pub(crate) fn subject(&self) -> &str {
        self.event["subject"].as_str().unwrap()
    }
}

/// A queue that is subscribed to both topics.
#[derive(Debug)]
pub(crate) struct Subscriber {
    stack: Stack,
    pub(crate) url: String,
}

impl Subscriber {
    /// The events of all callbacks posted before this call. The stream is read in order: once a marker has arrived on
    /// both topics, earlier events are in the same invocation at the latest.
    pub(crate) async fn everything_so_far(&self) -> Vec<Delivered> {
        let marker = fresh_id("marker");
        self.stack.post_ok(Kind::Mo, &mo_text(&marker)).await;
        self.stack.post_ok(Kind::Dlr, &dlr(&marker, "sent")).await;
        self.until(&marker, 2).await
    }

    /// Collects events until `count` of `subject` have arrived. Returns the others.
    pub(crate) async fn until(&self, subject: &str, count: usize) -> Vec<Delivered> {
        let mut events = Vec::new();
        let mut seen = 0;
        let give_up = Instant::now() + PATIENCE;
        while Instant::now() < give_up {
            let got = self.receive().await;
            // Also collects what the queue holds at that time.
            if got.is_empty() && seen >= count {
                return events;
            }
            for delivered in got {
                if delivered.subject() == subject {
                    seen += 1;
                } else {
                    events.push(delivered);
                }
            }
        }
        panic!("{seen} of {count} events of {subject} arrived within {PATIENCE:?}");
    }

    async fn receive(&self) -> Vec<Delivered> {
        let receive = self.stack.sqs.receive_message().queue_url(&self.url).max_number_of_messages(10);
        let got = receive.message_attribute_names("All").wait_time_seconds(1).send().await.unwrap();
        let mut events = Vec::new();
        for message in got.messages.unwrap_or_default() {
            let delete = self.stack.sqs.delete_message().queue_url(&self.url);
            delete.receipt_handle(message.receipt_handle.unwrap()).send().await.unwrap();
            let attributes = message.message_attributes.unwrap_or_default().into_iter();
            let text = message.body.unwrap();
            events.push(Delivered {
                event: serde_json::from_str(&text).unwrap(),
                text,
                attributes: attributes.map(|(name, value)| (name, value.string_value.unwrap())).collect(),
            });
        }
        events
    }
}

/// Runs `wab` in a directory. Returns the exit code, and the output or the error. Without `--reveal`, it must print no
/// value that it masks.
pub(crate) async fn run_wab(directory: &Path, arguments: &[&str]) -> (u8, String) {
    let cli = wab::Cli::try_parse_from([&["wab"], arguments].concat()).unwrap();
    let directory = directory.to_owned();
    let ran = tokio::task::spawn_blocking(move || {
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let mut shell = wab::Shell {
            directory: &directory,
            out: wab::Output::new(&mut out),
            err: &mut err,
            answers: None,
            width: None,
        };
        let (code, printed) = match cli.run(&mut shell) {
            Ok(code) => (code, String::from_utf8(out).unwrap()),
            Err(error) => (wab::exit_code(&error), format!("{error:#}")),
        };
        (code, printed, String::from_utf8(err).unwrap())
    });
    let (code, printed, reports) = ran.await.unwrap();
    check_printed(arguments, &printed);
    check_printed(arguments, &reports);
    (code, printed)
}
