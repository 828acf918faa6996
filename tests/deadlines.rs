//! How the time of a callback is divided when services are slow or silent (docs/operations.md, "When something fails").
//! Tokio's paused clock makes these tests fast and their times exact.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_smithy_async::time::StaticTimeSource;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::Instant;
use wab_models::{Spilled, StreamBatch};
use wab_platform::SdkConfig;
use wab_recover::{Recover, SpillBatch};
use wab_store::SpillQueue;

use crate::fake_aws::{
    Calls, Pace, dynamodb_error, events, fanout, json_of, paced_sdk, published, queued, receiver, sdk_at,
};
use crate::records::{mo_item, mo_item_with_object, record};
use crate::requests::{PASSWORD, USER, basic, mo_of, mo_text, request};

/// The `timeEpoch` of the tests' requests.
const RECEIVED_MS: i64 = 1_763_889_302_417;

const SILENT: Pace = None;

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

fn after(time: u64, answer: (u16, String)) -> Pace {
    Some((ms(time), answer))
}

fn stored() -> (u16, String) {
    (200, "{}".to_owned())
}

/// The status of an answer, its outcome or code, and the time that it took.
struct Answer {
    status: u16,
    word: String,
    retry_after: Option<String>,
    took: Duration,
}

/// Posts a callback of this size that API Gateway received `waited_ms` before the invocation.
async fn post(bytes: usize, waited_ms: i64, aws: impl Fn(&str) -> Pace + Send + Sync + 'static) -> (Answer, Calls) {
    post_with_timeout(bytes, waited_ms, None, aws).await
}

/// As [`post`], but Lambda ends the invocation after `timeout`.
async fn post_with_timeout(
    bytes: usize,
    waited_ms: i64,
    timeout: Option<Duration>,
    aws: impl Fn(&str) -> Pace + Send + Sync + 'static,
) -> (Answer, Calls) {
    let (sdk, calls) = paced_sdk(aws);
    let now = UNIX_EPOCH + ms((RECEIVED_MS + waited_ms).try_into().unwrap());
    let sdk = sdk.into_builder().time_source(StaticTimeSource::new(now)).build();
    let mut request = request("/mo", Some(&basic(USER, PASSWORD)), mo_of(bytes).as_bytes());
    if let Some(timeout) = timeout {
        let end = (now + timeout).duration_since(UNIX_EPOCH).unwrap();
        request.context.deadline = end.as_millis().try_into().unwrap();
    }
    let receiver = receiver(&sdk);
    let started = Instant::now();
    let response = wab_mo::handle(&receiver, request).await;
    let took = started.elapsed();
    let body = json_of(&response);
    let word = body.get("outcome").or(body.get("code")).and_then(Value::as_str).unwrap().to_owned();
    let retry_after = response.headers().get("retry-after").map(|value| value.to_str().unwrap().to_owned());
    (Answer { status: response.status().as_u16(), word, retry_after, took }, calls)
}

#[track_caller]
fn check(answer: &Answer, status: u16, word: &str, at_most_ms: u64) {
    assert_eq!((answer.status, &*answer.word), (status, word), "after {:?}", answer.took);
    assert_eq!(answer.retry_after.as_deref(), (status == 503).then_some("5"));
    // Tokio's timers end on a whole millisecond.
    assert!(answer.took <= ms(at_most_ms + 5), "{:?}", answer.took);
}

/// Checks that the answer took all of its time.
#[track_caller]
fn check_took(answer: &Answer, time_ms: u64) {
    assert_eq!(answer.took.as_millis() / 100, u128::from(time_ms) / 100, "{:?}", answer.took);
}

/// The time between the request and the invocation: none, or a cold start.
const WAITED_MS: [i64; 2] = [0, 1_000];

#[tokio::test(start_paused = true)]
async fn slow_spill_queue_has_time_after_a_silent_table() {
    for waited in WAITED_MS {
        let (answer, _) = post(100, waited, |operation| match operation {
            "SendMessage" => after(1_400, queued()),
            _ => SILENT,
        })
        .await;
        check(&answer, 200, "deferred", 3_500 - waited.unsigned_abs());
    }
}

#[tokio::test(start_paused = true)]
async fn silent_table_is_given_up_after_1500_ms() {
    let (answer, _) = post(100, 0, |operation| match operation {
        "SendMessage" => after(0, queued()),
        _ => SILENT,
    })
    .await;
    check(&answer, 200, "deferred", 1_500);
}

#[tokio::test(start_paused = true)]
async fn silent_table_and_spill_queue_are_answered_in_time() {
    for bytes in [100, 300_000, 1_000_000] {
        for waited in WAITED_MS {
            let (answer, _) = post(bytes, waited, |_| SILENT).await;
            check(&answer, 503, "unavailable", 3_500 - waited.unsigned_abs());
        }
    }
}

#[tokio::test(start_paused = true)]
async fn slow_bucket_leaves_time_for_table_and_spill_queue() {
    let (answer, calls) = post(300_000, 0, |operation| match operation {
        "SendMessage" => after(1_400, queued()),
        _ => SILENT,
    })
    .await;
    check(&answer, 200, "deferred", 3_500);
    let calls = calls.lock().unwrap();
    assert!(calls.iter().any(|(operation, _)| operation == "PutItem"), "the table is called");
}

#[tokio::test(start_paused = true)]
async fn bucket_gets_more_time_for_bodies_over_400_kb() {
    let (answer, calls) = post(1_000_000, 0, |operation| match operation {
        "PutObject" => after(1_900, stored()),
        "SendMessage" => after(900, queued()),
        _ => SILENT,
    })
    .await;
    check(&answer, 200, "deferred", 3_500);
    let objects = calls.lock().unwrap().iter().filter(|(operation, _)| operation == "PutObject").count();
    assert_eq!(objects, 1, "one attempt gets all of the time");
    let (answer, _) = post(1_000_000, 0, |operation| match operation {
        "PutObject" => after(1_900, stored()),
        "PutItem" => after(400, stored()),
        _ => SILENT,
    })
    .await;
    check(&answer, 200, "stored", 2_400);
}

/// A table that answers the first put so and accepts later ones. The other services are silent.
fn first_put(first: Pace) -> impl Fn(&str) -> Pace + Send + Sync + 'static {
    let tries = AtomicUsize::new(0);
    move |operation| match operation {
        "PutItem" if tries.fetch_add(1, Ordering::Relaxed) == 0 => first.clone(),
        "PutItem" => after(10, stored()),
        _ => SILENT,
    }
}

#[tokio::test(start_paused = true)]
async fn put_whose_first_attempt_is_lost_is_retried() {
    let (answer, _) = post(100, 0, first_put(SILENT)).await;
    check(&answer, 200, "stored", 1_100);
}

#[tokio::test(start_paused = true)]
async fn put_that_fails_once_is_retried() {
    let (answer, _) = post(100, 0, first_put(after(10, dynamodb_error(500, "InternalServerError")))).await;
    check(&answer, 200, "stored", 100);
}

#[tokio::test(start_paused = true)]
async fn failed_send_to_the_spill_queue_is_retried() {
    let tries = AtomicUsize::new(0);
    let (answer, _) = post(100, 0, move |operation| match operation {
        "SendMessage" => match tries.fetch_add(1, Ordering::Relaxed) {
            0 => after(10, dynamodb_error(500, "InternalFailure")),
            _ => after(10, queued()),
        },
        _ => after(10, dynamodb_error(400, "AccessDeniedException")),
    })
    .await;
    check(&answer, 200, "deferred", 500);
}

#[tokio::test(start_paused = true)]
async fn clock_skew_leaves_every_callback_its_time() {
    for (waited, at_most) in [(-3_600_000, 3_500), (0, 3_500), (1_400, 2_100), (3_600_000, 2_000)] {
        let (answer, _) = post(100, waited, |_| SILENT).await;
        check(&answer, 503, "unavailable", at_most);
        check_took(&answer, at_most);
    }
    let (answer, _) = post(100, 3_600_000, |operation| match operation {
        "SendMessage" => after(1_400, queued()),
        _ => SILENT,
    })
    .await;
    check(&answer, 200, "deferred", 2_000);
}

#[tokio::test(start_paused = true)]
async fn earlier_lambda_timeout_shortens_the_deadline() {
    // Lambda ends the invocation in 2.7 s of the 5 s that it may take. 1.2 s are reserved for the answer.
    for waited in [0, 3_600_000] {
        let (answer, _) = post_with_timeout(300_000, waited, Some(ms(2_700)), |_| SILENT).await;
        check(&answer, 503, "unavailable", 1_500);
        check_took(&answer, 1_500);
    }
}

#[tokio::test(start_paused = true)]
async fn silent_service_delays_a_start_by_500_ms() {
    let (sdk, calls) = paced_sdk(|_| SILENT);
    let started = Instant::now();
    receiver(&sdk).store.warm_up().await;
    assert!(started.elapsed() <= ms(505), "{:?}", started.elapsed());
    fanout(&sdk).warm_up().await;
    assert!(started.elapsed() <= ms(1_010), "{:?}", started.elapsed());
    assert_eq!(calls.lock().unwrap().len(), 2);
}

/// The number of connections that a call opens to a listener that accepts them and never answers the TLS handshake.
async fn connections(call: impl AsyncFnOnce(SdkConfig)) -> usize {
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let sdk = sdk_at(&format!("https://{}", silent.local_addr().unwrap()));
    let mut open = Vec::new();
    let accept = async {
        loop {
            open.push(silent.accept().await.unwrap());
        }
    };
    tokio::select! {
        () = call(sdk) => {}
        () = accept => {}
    }
    open.len()
}

#[tokio::test]
async fn slow_handshake_leaves_the_spill_queue_its_time() {
    let spill = connections(async |sdk| {
        let body = mo_text("a").to_string();
        let item = mo_item(&body);
        let queue = SpillQueue::new(&sdk, "https://localhost/spill".to_owned());
        assert!(queue.send(&Spilled::Event(item), Instant::now() + ms(1_200)).await.is_err());
    });
    let table = connections(async |sdk| {
        let body = mo_text("a").to_string();
        let item = mo_item(&body);
        let table = wab_store::EventTable::new(&sdk, "events".to_owned());
        assert!(table.put_once(&item, Instant::now() + ms(10_000)).await.is_err());
    });
    let (spill, table) = tokio::join!(spill, table);
    assert_eq!(spill, 1, "one handshake gets all of the time");
    assert!(table > 1, "with time for a retry, a handshake is aborted after 500 ms");
}

/// An AWS that answers `PublishBatch`. It starts to answer any other request, but never finishes.
async fn stalling_aws() -> SdkConfig {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let sdk = sdk_at(&format!("http://{}", listener.local_addr().unwrap()));
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            tokio::spawn(answer_or_stall(stream));
        }
    });
    sdk
}

async fn answer_or_stall(mut stream: TcpStream) {
    let mut request = Vec::new();
    while !request.starts_with(b"GET ") && !request.windows(14).any(|bytes| bytes == b"PublishBatch&V") {
        assert_ne!(stream.read_buf(&mut request).await.unwrap(), 0);
    }
    if request.starts_with(b"GET ") {
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{").await.unwrap();
        return std::future::pending().await;
    }
    let (_, answer) = published(".Message=", &[]);
    let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", answer.len());
    stream.write_all([head, answer].concat().as_bytes()).await.unwrap();
    while stream.read_buf(&mut request).await.is_ok_and(|read| read > 0) {}
}

#[tokio::test]
async fn stalled_body_is_published_by_reference() {
    let body = json!({"id": "large", "content": "x".repeat(10_000)}).to_string();
    let batch = json!({"Records": [record(1, &mo_item_with_object(&body))], "count": true});
    let batch: StreamBatch = serde_json::from_value(batch).unwrap();
    // Of these four seconds, two are reserved for the answer and one for SNS.
    let deadline = SystemTime::now() + Duration::from_secs(4);
    let answer = wab_fanout::handle(&fanout(&stalling_aws().await), batch, deadline, None).await.unwrap();
    assert_eq!(answer.tally.unwrap().counts.published, 1);
}

#[tokio::test(start_paused = true)]
async fn slow_body_is_published_inline() {
    let body = json!({"id": "large", "content": "x".repeat(10_000)}).to_string();
    let object = body.clone();
    let (sdk, calls) = paced_sdk(move |operation| match operation {
        "GetObject" => after(200, (200, object.clone())),
        _ => after(200, published(".Message=", &[])),
    });
    let batch = json!({"Records": [record(1, &mo_item_with_object(&body))]});
    let deadline = SystemTime::now() + Duration::from_secs(60);
    let answer =
        wab_fanout::handle(&fanout(&sdk), serde_json::from_value(batch).unwrap(), deadline, None).await.unwrap();
    assert!(answer.batch_item_failures.is_empty());
    assert_eq!(events(&calls)[0]["data"], serde_json::from_str::<Value>(&body).unwrap());
}

#[tokio::test(start_paused = true)]
async fn silent_table_leaves_recover_time_to_answer() {
    let (sdk, _) = paced_sdk(|_| None);
    let settings = wab_recover::Settings::read(|name| Some(format!("http://localhost/{name}"))).unwrap();
    let body = mo_text("7c1f").to_string();
    let message = Spilled::Event(mo_item(&body)).to_message().unwrap();
    let message = json!({"messageId": "m", "body": message, "attributes": {"ApproximateReceiveCount": "1"}});
    let batch: SpillBatch = serde_json::from_value(json!({"Records": [message]})).unwrap();
    let started = Instant::now();
    let answer = wab_recover::handle(&Recover::new(settings, &sdk), batch).await;
    assert_eq!(answer.batch_item_failures.len(), 1);
    assert!(started.elapsed() <= wab_store::PUT_DEADLINE + Duration::from_millis(5), "{:?}", started.elapsed());
}
