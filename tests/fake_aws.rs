//! A fake AWS behind the SDK's HTTP client, for answers that the emulator can't give.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_smithy_http_client::test_util::infallible_client_fn;
use aws_smithy_runtime_api::client::http::{HttpConnector, HttpConnectorFuture, SharedHttpConnector, http_client_fn};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use lambda_http::Body;
use lambda_http::http::{Request, Response};
use percent_encoding::percent_decode_str;
use serde_json::{Value, json};
use wab_fanout::Fanout;
use wab_ingress::{Receiver, Settings, Verifier};
use wab_platform::SdkConfig;
use wab_store::Store;

use crate::log_lines::keep_log;
use crate::requests::{PASSWORD, USER, basic, request};

/// The calls to AWS: operation, and body of the request.
pub(crate) type Calls = Arc<Mutex<Vec<(String, String)>>>;

/// The functions' configuration, with `answer` in place of the network. `answer` gets the operation's name and the
/// body of the request, and returns a status and a body.
pub(crate) fn sdk(answer: impl Fn(&str, &str) -> (u16, String) + Send + Sync + 'static) -> (SdkConfig, Calls) {
    let calls = Calls::default();
    let seen = Arc::clone(&calls);
    let client = infallible_client_fn(move |request: Request<_>| {
        let body = String::from_utf8_lossy(request.body().bytes().unwrap_or_default()).into_owned();
        let operation = operation(&request, &body);
        seen.lock().unwrap().push((operation.clone(), body.clone()));
        let (status, answer) = answer(&operation, &body);
        Response::builder().status(status).body(answer).unwrap()
    });
    (base().into_builder().http_client(client).build(), calls)
}

/// A request to AWS.
#[derive(Debug, Clone)]
pub(crate) struct Sent {
    pub(crate) method: String,
    /// Path and query.
    pub(crate) path: String,
    pub(crate) content_type: Option<String>,
    pub(crate) body: String,
}

impl Sent {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }
}

/// The functions' configuration. Each request is recorded, and gets this answer.
pub(crate) fn recorded(status: u16, answer: &'static str) -> (SdkConfig, Arc<Mutex<Vec<Sent>>>) {
    let requests = Arc::<Mutex<Vec<Sent>>>::default();
    let seen = Arc::clone(&requests);
    let client = infallible_client_fn(move |request: Request<_>| {
        let header = |name| Some(request.headers().get(name)?.to_str().unwrap().to_owned());
        let sent = Sent {
            method: request.method().to_string(),
            path: request.uri().to_string().replacen("http://localhost", "", 1),
            content_type: header("content-type"),
            body: String::from_utf8_lossy(request.body().bytes().unwrap_or_default()).into_owned(),
        };
        seen.lock().unwrap().push(sent);
        Response::builder().status(status).body(answer).unwrap()
    });
    (sdk_at("http://localhost").into_builder().http_client(client).build(), requests)
}

/// The only request that was recorded.
pub(crate) fn sent_once(requests: &Arc<Mutex<Vec<Sent>>>) -> Sent {
    let [sent] = &requests.lock().unwrap()[..] else { panic!("one request") };
    sent.clone()
}

/// The delay and the answer of a call. None if it is never answered.
pub(crate) type Pace = Option<(Duration, (u16, String))>;

/// As [`sdk`], with a delay for each call.
pub(crate) fn paced_sdk(answer: impl Fn(&str) -> Pace + Send + Sync + 'static) -> (SdkConfig, Calls) {
    let calls = Calls::default();
    let paced = SharedHttpConnector::new(Paced { answer: Arc::new(answer), calls: Arc::clone(&calls) });
    (base().into_builder().http_client(http_client_fn(move |_, _| paced.clone())).build(), calls)
}

#[derive(Clone)]
struct Paced {
    answer: Arc<dyn Fn(&str) -> Pace + Send + Sync>,
    calls: Calls,
}

impl std::fmt::Debug for Paced {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Paced")
    }
}

impl HttpConnector for Paced {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let request = request.try_into_http1x().unwrap();
        let body = String::from_utf8_lossy(request.body().bytes().unwrap_or_default()).into_owned();
        let operation = operation(&request, &body);
        let answer = (self.answer)(&operation);
        self.calls.lock().unwrap().push((operation, body));
        HttpConnectorFuture::new(async move {
            let Some((after, (status, answer))) = answer else { return std::future::pending().await };
            tokio::time::sleep(after).await;
            Ok(HttpResponse::new(status.try_into().unwrap(), answer.into()))
        })
    }
}

/// The functions' configuration, with `endpoint` in place of AWS.
pub(crate) fn sdk_at(endpoint: &str) -> SdkConfig {
    base().into_builder().endpoint_url(endpoint).build()
}

/// The functions' configuration in a minimal environment.
fn base() -> SdkConfig {
    keep_log();
    let var = |name: &str| match name {
        "AWS_REGION" => Some("us-east-1".to_owned()),
        "AWS_ACCESS_KEY_ID" | "AWS_SECRET_ACCESS_KEY" => Some("test".to_owned()),
        _ => None,
    };
    wab_platform::sdk_config(var).unwrap()
}

/// A receiver with the tests' credentials.
pub(crate) fn receiver(sdk: &SdkConfig) -> Receiver {
    Receiver::new(receiver_settings(|_| None), sdk)
}

/// The key of [`content_free_receiver`].
pub(crate) const CONTENT_KEY: &str = "0f0e0d0c0b0a090807060504030201000f0e0d0c0b0a09080706050403020100";

/// A receiver of a stack that keeps no content.
pub(crate) fn content_free_receiver(sdk: &SdkConfig) -> Receiver {
    let var = |name: &str| match name {
        "CONTENT" => Some("none".to_owned()),
        "CONTENT_KEY" => Some(CONTENT_KEY.to_owned()),
        _ => None,
    };
    Receiver::new(receiver_settings(var), sdk)
}

/// A receiver of a stack that keeps content, and didn't before.
pub(crate) fn formerly_content_free_receiver(sdk: &SdkConfig) -> Receiver {
    Receiver::new(receiver_settings(|name| (name == "CONTENT_KEY").then(|| CONTENT_KEY.to_owned())), sdk)
}

/// A receiver with these verifiers.
pub(crate) fn receiver_with(sdk: &SdkConfig, verifiers: &str) -> Receiver {
    Receiver::new(receiver_settings(|name| (name == "CALLBACK_CREDENTIALS").then(|| verifiers.to_owned())), sdk)
}

/// The settings of a receiver: those that `var` knows, and the tests' own.
pub(crate) fn receiver_settings(var: impl Fn(&str) -> Option<String>) -> Settings {
    let settings = Settings::read(|name| {
        var(name).or_else(|| match name {
            "TABLE_NAME" => Some("events".to_owned()),
            "BUCKET_NAME" => Some("bucket".to_owned()),
            "SPILL_QUEUE_URL" => Some("http://localhost/spill".to_owned()),
            "CALLBACK_CREDENTIALS" => Some(Verifier::new(USER, PASSWORD).unwrap().to_string()),
            "RETENTION_DAYS" => Some("30".to_owned()),
            "CONTENT" => Some("full".to_owned()),
            _ => None,
        })
    });
    settings.unwrap()
}

/// The name of the operation. JSON protocols have it in a header, the query protocol in the form. S3's is the method.
fn operation<B>(request: &Request<B>, body: &str) -> String {
    let target = request.headers().get("x-amz-target").and_then(|target| target.to_str().ok());
    let target = target.and_then(|target| target.rsplit('.').next());
    let action = || body.split('&').find_map(|pair| pair.strip_prefix("Action="));
    let object = || match request.method().as_str() {
        "PUT" => "PutObject",
        "GET" => "GetObject",
        _ => "",
    };
    target.or_else(action).unwrap_or_else(object).to_owned()
}

/// DynamoDB's answer if `item` has the key already.
pub(crate) fn taken_by(item: &Value) -> (u16, String) {
    let error = json!({
        "__type": "com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException",
        "message": "The conditional request failed",
        "Item": item,
    });
    (400, error.to_string())
}

/// The messages sent to a queue.
pub(crate) fn sent(calls: &Calls) -> Vec<Value> {
    let calls = calls.lock().unwrap();
    let sent = calls.iter().filter(|(operation, _)| operation == "SendMessage");
    sent.map(|(_, request)| {
        let request: Value = serde_json::from_str(request).unwrap();
        serde_json::from_str(request["MessageBody"].as_str().unwrap()).unwrap()
    })
    .collect()
}

/// SQS's answer to a message that it accepts.
pub(crate) fn queued() -> (u16, String) {
    (200, json!({"MessageId": "m", "MD5OfMessageBody": ""}).to_string())
}

/// The items put into the table.
pub(crate) fn put(calls: &Calls) -> Vec<Value> {
    let calls = calls.lock().unwrap();
    let puts = calls.iter().filter(|(operation, _)| operation == "PutItem");
    puts.map(|(_, request)| serde_json::from_str::<Value>(request).unwrap()["Item"].clone()).collect()
}

/// An error answer of DynamoDB.
pub(crate) fn dynamodb_error(status: u16, code: &str) -> (u16, String) {
    let error = json!({"__type": format!("com.amazonaws.dynamodb.v20120810#{code}"), "message": "made up"});
    (status, error.to_string())
}

/// Posts `body` to `mo` with the tests' credentials.
pub(crate) async fn post(sdk: &SdkConfig, body: impl AsRef<[u8]>) -> Response<Body> {
    wab_mo::handle(&receiver(sdk), request("/mo", Some(&basic(USER, PASSWORD)), body.as_ref())).await
}

pub(crate) fn json_of(response: &Response<Body>) -> Value {
    serde_json::from_slice(response.body()).expect("every answer is JSON")
}

/// Checks the status of an answer, and its outcome or code.
#[track_caller]
pub(crate) fn check_answer(response: &Response<Body>, status: u16, word: &str) {
    let answer = json_of(response);
    let member = if status == 200 { "outcome" } else { "code" };
    assert_eq!((response.status().as_u16(), answer[member].as_str()), (status, Some(word)), "{answer}");
}

/// A `fanout` whose topics and bucket are named as their variables.
pub(crate) fn fanout(sdk: &SdkConfig) -> Fanout {
    fanout_with(sdk, |name| !name.contains("FIFO"))
}

/// As [`fanout`], with FIFO topics.
pub(crate) fn fanout_in_order(sdk: &SdkConfig) -> Fanout {
    fanout_with(sdk, |_| true)
}

fn fanout_with(sdk: &SdkConfig, is_set: impl Fn(&str) -> bool) -> Fanout {
    let settings = wab_fanout::Settings::read(|name| match name {
        "DEAD_LETTER_QUEUE_URL" => Some("http://localhost/dead".to_owned()),
        _ => is_set(name).then(|| name.to_owned()),
    });
    Fanout::new(settings.unwrap(), sdk)
}

pub(crate) fn store(sdk: &SdkConfig) -> Store {
    Store::new(sdk, wab_store::Settings::read(|name| Some(format!("http://localhost/{name}"))).unwrap())
}

/// The names of the calls, in order.
pub(crate) fn operations(calls: &Calls) -> Vec<String> {
    calls.lock().unwrap().iter().map(|(operation, _)| operation.clone()).collect()
}

/// Accepts every call.
pub(crate) fn success(_: &str, _: &str) -> (u16, String) {
    (200, "{}".to_owned())
}

/// An AWS whose bucket denies access. Everything else succeeds.
pub(crate) fn no_bucket(operation: &str, _: &str) -> (u16, String) {
    match operation {
        "PutObject" => s3_error(403, "AccessDenied"),
        "SendMessage" => queued(),
        _ => (200, "{}".to_owned()),
    }
}

/// A table that fails with `code`. The spill queue and the bucket accept everything.
pub(crate) fn no_table(code: &'static str) -> impl Fn(&str, &str) -> (u16, String) {
    move |operation, _| match operation {
        "SendMessage" => queued(),
        "PutObject" => (200, String::new()),
        _ => dynamodb_error(400, code),
    }
}

pub(crate) fn s3_error(status: u16, code: &str) -> (u16, String) {
    (status, format!("<Error><Code>{code}</Code></Error>"))
}

pub(crate) fn sns_error(status: u16, code: &str) -> (u16, String) {
    let answer = format!(
        "<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>made up</Message></Error></ErrorResponse>"
    );
    (status, answer)
}

/// SNS's answer to a batch: each entry in `failed` has its code, the others succeed.
pub(crate) fn published(request: &str, failed: &[(usize, &str, bool)]) -> (u16, String) {
    let entries = request.matches(".Message=").count();
    let mut successful = String::new();
    let mut rejected = String::new();
    for number in 0..entries {
        match failed.iter().find(|(failed, ..)| *failed == number) {
            Some((_, code, sender_fault)) => rejected.push_str(&format!(
                "<member><Id>{number}</Id><Code>{code}</Code><SenderFault>{sender_fault}</SenderFault></member>"
            )),
            None => successful.push_str(&format!("<member><Id>{number}</Id><MessageId>m</MessageId></member>")),
        }
    }
    let answer = format!(
        "<PublishBatchResponse><PublishBatchResult><Successful>{successful}</Successful><Failed>{rejected}</Failed>\
         </PublishBatchResult></PublishBatchResponse>"
    );
    (200, answer)
}

/// An SNS that answers `PublishBatch` by `publish`, a dead-letter queue that accepts everything, and an empty table.
pub(crate) fn aws(publish: impl Fn(&str) -> (u16, String)) -> impl Fn(&str, &str) -> (u16, String) {
    move |operation, request| match operation {
        "PublishBatch" => publish(request),
        "Query" => (200, json!({"Items": [], "Count": 0}).to_string()),
        "SendMessage" => queued(),
        other => panic!("fanout must not call {other}"),
    }
}

/// The events that SNS was asked to publish.
pub(crate) fn events(calls: &Calls) -> Vec<Value> {
    let calls = calls.lock().unwrap();
    let batches = calls.iter().filter(|(operation, _)| operation == "PublishBatch");
    let messages = batches.flat_map(|(_, form)| form.split('&').filter_map(|pair| pair.split_once(".Message=")));
    messages
        .map(|(_, event)| serde_json::from_str(&percent_decode_str(event).decode_utf8().unwrap()).unwrap())
        .collect()
}
