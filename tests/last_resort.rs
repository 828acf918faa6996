//! How the time of a callback is divided when services are slow or silent (docs/operations.md, "When something fails").
//! On tokio's paused clock a test takes no time and measures exactly.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_smithy_async::time::StaticTimeSource;
use lambda_http::Response;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::Instant;
use wab_fanout::{Fanout, Settings};
use wab_models::{Item, MoCallback, ObjectKey, StreamBatch};
use wab_platform::SdkConfig;
use wab_store::SpillQueue;

use crate::fake_aws::{Calls, Pace, dynamodb_error, paced_sdk, queued, sdk_at};
use crate::fanout_rules::{published, received, record};
use crate::requests::{PASSWORD, USER, basic, mo_text, request};

/// When API Gateway received the tests' requests: their `timeEpoch`.
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

/// What a callback came to: its status and outcome or code, and how long that took.
struct Outcome {
    status: u16,
    says: String,
    took: Duration,
}

/// Posts a callback of this size that API Gateway received `waited_ms` before the function begins with it.
async fn post(bytes: usize, waited_ms: i64, answer: impl Fn(&str) -> Pace + Send + Sync + 'static) -> (Outcome, Calls) {
    let (sdk, calls) = paced_sdk(answer);
    let now = UNIX_EPOCH + ms((RECEIVED_MS + waited_ms).try_into().unwrap());
    let sdk = sdk.into_builder().time_source(StaticTimeSource::new(now)).build();
    let body = json!({"id": "7c1f", "content": "x".repeat(bytes)}).to_string();
    let receiver = crate::fake_aws::receiver(&sdk);
    let started = Instant::now();
    let response: Response<_> =
        wab_mo::handle(&receiver, request("/mo", Some(&basic(USER, PASSWORD)), body.as_bytes())).await;
    let took = started.elapsed();
    let answer: Value = serde_json::from_slice(response.body()).unwrap();
    let says = answer.get("outcome").or(answer.get("code")).and_then(Value::as_str).unwrap().to_owned();
    (Outcome { status: response.status().as_u16(), says, took }, calls)
}

#[track_caller]
fn check(outcome: &Outcome, status: u16, says: &str, at_most: u64) {
    assert_eq!((outcome.status, &*outcome.says), (status, says), "after {:?}", outcome.took);
    // Tokio's timers end on a whole millisecond.
    assert!(outcome.took <= ms(at_most + 5), "{:?}", outcome.took);
}

/// What a callback can have waited before the function begins with it: nothing, or a cold start.
const WAITED_MS: [i64; 2] = [0, 1_000];

#[tokio::test(start_paused = true)]
async fn slow_spill_queue_still_takes_what_a_silent_table_leaves() {
    for waited in WAITED_MS {
        let (outcome, _) = post(100, waited, |operation| match operation {
            "SendMessage" => after(1_400, queued()),
            _ => SILENT,
        })
        .await;
        check(&outcome, 200, "deferred", 3_500 - waited.unsigned_abs());
    }
}

#[tokio::test(start_paused = true)]
async fn silent_table_is_given_up_after_1500_ms() {
    let (outcome, _) = post(100, 0, |operation| match operation {
        "SendMessage" => after(0, queued()),
        _ => SILENT,
    })
    .await;
    check(&outcome, 200, "deferred", 1_500);
}

#[tokio::test(start_paused = true)]
async fn silent_table_and_spill_queue_are_answered_in_time() {
    for bytes in [100, 300_000, 1_000_000] {
        for waited in WAITED_MS {
            let (outcome, _) = post(bytes, waited, |_| SILENT).await;
            check(&outcome, 503, "unavailable", 3_500 - waited.unsigned_abs());
        }
    }
}

#[tokio::test(start_paused = true)]
async fn slow_bucket_leaves_table_and_spill_queue_their_time() {
    let (outcome, calls) = post(300_000, 0, |operation| match operation {
        "SendMessage" => after(1_400, queued()),
        _ => SILENT,
    })
    .await;
    check(&outcome, 200, "deferred", 3_500);
    let calls = calls.lock().unwrap();
    assert!(calls.iter().any(|(operation, _)| operation == "PutItem"), "the table was asked");
}

#[tokio::test(start_paused = true)]
async fn bucket_gets_more_where_only_an_object_can_hold_the_body() {
    let (outcome, calls) = post(1_000_000, 0, |operation| match operation {
        "PutObject" => after(1_900, stored()),
        "SendMessage" => after(900, queued()),
        _ => SILENT,
    })
    .await;
    check(&outcome, 200, "deferred", 3_500);
    let objects = calls.lock().unwrap().iter().filter(|(operation, _)| operation == "PutObject").count();
    assert_eq!(objects, 1, "one attempt has all of the time");
    let (outcome, _) = post(1_000_000, 0, |operation| match operation {
        "PutObject" => after(1_900, stored()),
        "PutItem" => after(400, stored()),
        _ => SILENT,
    })
    .await;
    check(&outcome, 200, "stored", 2_400);
}

/// A table whose first answer is this one, and that takes what it gets from then on. No other service answers.
fn first_put(
    first: Option<(Duration, (u16, String))>,
) -> impl Fn(&str) -> Option<(Duration, (u16, String))> + Send + Sync + 'static {
    let tries = std::sync::atomic::AtomicUsize::new(0);
    move |operation| match operation {
        "PutItem" if tries.fetch_add(1, std::sync::atomic::Ordering::Relaxed) == 0 => first.clone(),
        "PutItem" => after(10, stored()),
        _ => SILENT,
    }
}

#[tokio::test(start_paused = true)]
async fn put_whose_first_attempt_is_lost_is_retried() {
    let (outcome, _) = post(100, 0, first_put(SILENT)).await;
    check(&outcome, 200, "stored", 1_100);
}

#[tokio::test(start_paused = true)]
async fn put_that_fails_once_is_retried() {
    let (outcome, _) = post(100, 0, first_put(after(10, dynamodb_error(500, "InternalServerError")))).await;
    check(&outcome, 200, "stored", 100);
}

#[tokio::test(start_paused = true)]
async fn quick_failure_of_the_last_resort_is_retried() {
    let tries = std::sync::atomic::AtomicUsize::new(0);
    let (outcome, _) = post(100, 0, move |operation| match operation {
        "SendMessage" => match tries.fetch_add(1, std::sync::atomic::Ordering::Relaxed) {
            0 => after(10, dynamodb_error(500, "InternalFailure")),
            _ => after(10, queued()),
        },
        _ => after(10, dynamodb_error(400, "AccessDeniedException")),
    })
    .await;
    check(&outcome, 200, "deferred", 500);
}

#[tokio::test(start_paused = true)]
async fn clock_skew_takes_no_callback_its_time() {
    for (waited, at_most) in [(-3_600_000, 3_500), (0, 3_500), (1_400, 2_100), (3_600_000, 2_000)] {
        let (outcome, _) = post(100, waited, |_| SILENT).await;
        check(&outcome, 503, "unavailable", at_most);
        assert_eq!(outcome.took.as_millis() / 100, u128::from(at_most) / 100, "and no less: waited {waited} ms");
    }
    let (outcome, _) = post(100, 3_600_000, |operation| match operation {
        "SendMessage" => after(1_400, queued()),
        _ => SILENT,
    })
    .await;
    check(&outcome, 200, "deferred", 2_000);
}

#[tokio::test(start_paused = true)]
async fn silent_service_delays_a_start_by_half_a_second() {
    let (sdk, calls) = paced_sdk(|_| SILENT);
    let started = Instant::now();
    crate::fake_aws::receiver(&sdk).store.warm_up().await;
    assert!(started.elapsed() <= ms(505), "{:?}", started.elapsed());
    fanout(&sdk).warm_up().await;
    assert!(started.elapsed() <= ms(1_010), "{:?}", started.elapsed());
    assert_eq!(calls.lock().unwrap().len(), 2);
}

/// How many connections a call opens to a listener that accepts and then keeps silent, where TLS would begin.
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
async fn slow_handshake_does_not_rule_out_the_last_resort() {
    let spill = connections(async |sdk| {
        let body = mo_text("a").to_string();
        let item = Item::mo(&MoCallback::parse(&body).unwrap(), received(&body));
        let queue = SpillQueue::new(&sdk, "https://localhost/spill".to_owned());
        assert!(queue.send(&wab_models::Spilled::Event(item), Instant::now() + ms(1_200)).await.is_err());
    });
    let table = connections(async |sdk| {
        let body = mo_text("a").to_string();
        let item = Item::mo(&MoCallback::parse(&body).unwrap(), received(&body));
        let table = wab_store::EventTable::new(&sdk, "events".to_owned());
        assert!(table.put_once(&item, Instant::now() + ms(10_000)).await.is_err());
    });
    let (spill, table) = tokio::join!(spill, table);
    assert_eq!(spill, 1, "one handshake has all of the time");
    assert!(table > 1, "where time is left to try again, a handshake is given up after 500 ms");
}

fn fanout(sdk: &SdkConfig) -> Fanout {
    Fanout::new(Settings::read(|name| Some(format!("http://localhost/{name}"))).unwrap(), sdk)
}

/// Answers `PublishBatch`, and begins the answer to anything else without ever ending it.
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
    let item = Item::mo(&MoCallback::parse(&body).unwrap(), received(&body));
    let item = item.with_object(ObjectKey::of_body(body.as_bytes()), body.len());
    let batch = json!({"Records": [record(1, &item)], "count": true});
    let batch: StreamBatch = serde_json::from_value(batch).unwrap();
    // Of the four seconds that are left, two are for the answer, and one for SNS.
    let deadline = SystemTime::now() + Duration::from_secs(4);
    let answer = wab_fanout::handle(&fanout(&stalling_aws().await), batch, deadline).await.unwrap();
    assert_eq!(answer.counts.unwrap().published, 1);
}
