//! What the gateway hears from `mo` and `dlr` (docs/operations.md, "Answers"), in this process.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use lambda_http::{Body, Response};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use wab_models::{MAX_BODY_BYTES, ObjectKey};

use crate::fake_aws::{dynamodb_error, put, queued, receiver, sdk, sdk_at, sent, taken_by};
use crate::requests::{PASSWORD, USER, basic, dlr, fresh_id, mo_text, request};

const STORED: fn(&str, &str) -> (u16, String) = |_, _| (200, "{}".to_owned());

fn json_of(response: &Response<Body>) -> Value {
    serde_json::from_slice(response.body()).expect("every answer is JSON")
}

/// Posts `body` to `mo` and checks status and code of the refusal, and that it tells nothing of the body.
async fn check_refused(path: &str, authorization: Option<&str>, body: &[u8], status: u16, code: &str) {
    let (sdk, calls) = sdk(STORED);
    let request = request(path, authorization, body);
    let response = match path {
        "/mo" => wab_mo::handle(&receiver(&sdk), request).await,
        "/dlr" => wab_dlr::handle(&receiver(&sdk), request).await,
        other => panic!("no such path: {other}"),
    };
    let text = String::from_utf8_lossy(response.body()).into_owned();
    assert_eq!((response.status().as_u16(), &json_of(&response)["code"]), (status, &json!(code)), "{text}");
    assert_eq!(response.headers()["content-type"], "application/problem+json");
    assert_eq!(json_of(&response)["status"], status);
    assert_eq!(json_of(&response)["type"], format!("urn:wab:problem:{code}"));
    assert!(json_of(&response)["title"].is_string() && json_of(&response)["request_id"].is_string());
    assert!(!text.contains("secret"), "{text}");
    assert_eq!(response.headers().contains_key("www-authenticate"), status == 401);
    // What the gateway sent and can't be read is kept; of a stranger's or an oversized body nothing is.
    let [quarantined] = &put(&calls)[..] else {
        assert!(status != 400 && calls.lock().unwrap().is_empty(), "{status}: nothing is kept");
        return;
    };
    assert_eq!((status, calls.lock().unwrap().len()), (400, 1));
    assert_eq!(quarantined["pk"]["S"], "QUARANTINE#2025-11-23");
    assert_eq!(quarantined["kind"]["S"], path[1..]);
    match std::str::from_utf8(body) {
        Ok(text) => assert_eq!(quarantined["body"]["S"], text),
        Err(_) => assert_eq!(quarantined["body_base64"]["S"], STANDARD.encode(body)),
    }
}

#[tokio::test]
async fn strangers_are_refused_before_their_body_is_read() {
    let callback = mo_text("secret").to_string();
    for authorization in [
        None,
        Some(basic(USER, "wrong")),
        Some(basic("nobody", PASSWORD)),
        Some("Bearer secret".to_owned()),
        Some("Basic secret!".to_owned()),
        Some(String::new()),
    ] {
        for body in [callback.as_bytes(), b"secret, and not JSON", &[b' '; 500_000]] {
            check_refused("/mo", authorization.as_deref(), body, 401, "unauthorized").await;
            check_refused("/dlr", authorization.as_deref(), body, 401, "unauthorized").await;
        }
    }
}

#[tokio::test]
async fn what_is_no_callback_is_a_bad_request() {
    let right = basic(USER, PASSWORD);
    let long = format!(r#"{{"id":"secret{}","status":"sent"}}"#, "x".repeat(600));
    for (body, code) in [
        (&b""[..], "not_json"),
        (b"secret", "not_json"),
        (br#"{"id":"secret""#, "not_json"),
        (b"{\"id\":\"secret\xff\"}", "not_json"),
        (br#"["secret"]"#, "not_an_object"),
        (br#""secret""#, "not_an_object"),
        (br#"{"source":"secret"}"#, "no_id"),
        (br#"{"id":{"secret":1}}"#, "no_id"),
        (long.as_bytes(), "id_too_long"),
    ] {
        check_refused("/mo", Some(&right), body, 400, code).await;
        check_refused("/dlr", Some(&right), body, 400, code).await;
    }
    check_refused("/dlr", Some(&right), br#"{"id":"secret"}"#, 400, "no_status").await;
}

fn mo_of(bytes: usize) -> String {
    json!({"id": "7c1f", "content": "x".repeat(bytes)}).to_string()
}

#[tokio::test]
async fn a_body_that_lambda_would_not_hand_over_is_too_large() {
    let right = basic(USER, PASSWORD);
    let too_large = json!({"id": "secret", "content": "x".repeat(MAX_BODY_BYTES)}).to_string();
    check_refused("/mo", Some(&right), too_large.as_bytes(), 413, "too_large").await;
}

async fn post(sdk: &wab_platform::SdkConfig, body: &str) -> Response<Body> {
    wab_mo::handle(&receiver(sdk), request("/mo", Some(&basic(USER, PASSWORD)), body.as_bytes())).await
}

#[tokio::test]
async fn a_large_body_is_an_object_and_the_item_points_at_it() {
    let (sdk, calls) = sdk(STORED);
    let body = mo_of(1_000_000);
    let response = post(&sdk, &body).await;
    assert_eq!((response.status().as_u16(), &json_of(&response)["outcome"]), (200, &json!("stored")));
    let calls_made = calls.lock().unwrap().clone();
    let operations: Vec<_> = calls_made.iter().map(|(operation, _)| operation.as_str()).collect();
    assert_eq!(operations, ["PutObject", "PutItem"], "the object is there before anything points at it");
    assert_eq!(calls_made[0].1, body);
    let item = &put(&calls)[0];
    assert_eq!(item["body_key"]["S"], ObjectKey::of_body(body.as_bytes()).as_str());
    assert_eq!((&item["body_bytes"]["N"], &item["body"]), (&json!(body.len().to_string()), &Value::Null));
}

#[tokio::test]
async fn without_the_bucket_a_body_goes_into_the_item_if_that_can_hold_it() {
    let no_bucket = |operation: &str, _: &str| match operation {
        "PutObject" => (503, "<Error><Code>SlowDown</Code></Error>".to_owned()),
        _ => (200, "{}".to_owned()),
    };
    let (sdk, calls) = sdk(no_bucket);
    let body = mo_of(300_000);
    let response = post(&sdk, &body).await;
    assert_eq!((response.status().as_u16(), &json_of(&response)["outcome"]), (200, &json!("stored")));
    assert_eq!(put(&calls)[0]["body"]["S"], body);

    let response = post(&sdk, &mo_of(500_000)).await;
    assert_eq!((response.status().as_u16(), &json_of(&response)["code"]), (503, &json!("unavailable")));
    assert_eq!(response.headers()["retry-after"], "5");
}

#[tokio::test]
async fn binary_content_is_stored_as_the_bytes_it_is() {
    let (sdk, calls) = sdk(STORED);
    let body = r#"{"id":"7c1f","encoding":"base64","content":"R0lGODlh"}"#;
    assert_eq!(post(&sdk, body).await.status(), 200);
    assert_eq!(calls.lock().unwrap()[0], ("PutObject".to_owned(), "GIF89a".to_owned()));
    let item = &put(&calls)[0];
    assert_eq!(item["body"]["S"], body, "and the body stays as it came");
    let binary = &item["binary"]["M"];
    assert_eq!((&binary["bytes"]["N"], &binary["content_type"]["S"]), (&json!("6"), &json!("image/gif")));
    // printf GIF89a | sha256sum
    let sha256 = "610f5ae4d76e332636a17bd357fd6ce99029316a99d320280d4d77a746bf29e8";
    assert_eq!((&binary["sha256"]["S"], &binary["key"]["S"]), (&json!(sha256), &json!(format!("content/{sha256}"))));
}

#[tokio::test]
async fn binary_content_that_the_bucket_does_not_take_is_in_the_body() {
    let (sdk, calls) = sdk(|operation, _| match operation {
        "PutObject" => (403, "<Error><Code>AccessDenied</Code></Error>".to_owned()),
        _ => (200, "{}".to_owned()),
    });
    let body = r#"{"id":"7c1f","encoding":"base64","content":"R0lGODlh"}"#;
    assert_eq!(post(&sdk, body).await.status(), 200);
    let item = &put(&calls)[0];
    assert_eq!((&item["body"]["S"], &item["binary"]["M"]["key"]), (&json!(body), &Value::Null));
}

/// What the attributes count against the size of an item ("DynamoDB item sizes and formats").
fn item_bytes(attributes: &Value) -> usize {
    let attribute = |(name, value): (&String, &Value)| {
        let text = value["S"].as_str().map_or(21, str::len);
        name.len()
            + if value["M"].is_object() {
                3 + value["M"].as_object().unwrap().len() + item_bytes(&value["M"])
            } else {
                text
            }
    };
    attributes.as_object().unwrap().iter().map(attribute).sum()
}

#[tokio::test]
async fn description_of_binary_content_never_makes_an_item_too_large() {
    /// What is stored of this many characters of base64 while the bucket refuses; none if it is answered 503.
    async fn stored(chars: usize) -> Option<Value> {
        let body = json!({"id": "7c1f", "encoding": "base64", "content": "A".repeat(chars)}).to_string();
        let (sdk, calls) = sdk(|operation, _| match operation {
            "PutObject" => (403, "<Error><Code>AccessDenied</Code></Error>".to_owned()),
            _ => (200, "{}".to_owned()),
        });
        let status = post(&sdk, &body).await.status();
        let item = put(&calls).pop();
        assert_eq!(status, if item.is_some() { 200 } else { 503 }, "{chars}");
        item.inspect(|item| assert_eq!(item["body"]["S"], body))
    }
    // As a variant, an item is 13 bytes longer.
    const LARGEST: usize = 400 * 1024 - 13;
    let some = stored(400_000).await.unwrap();
    let described = item_bytes(&some) - 400_000;
    let bare = described - item_bytes(&json!({"binary": some["binary"]}));
    let at_most = |others: usize| (LARGEST - others) / 4 * 4;
    let binary = |item: &Option<Value>| item.as_ref().map(|item| item["binary"].is_object());
    assert_eq!(binary(&stored(at_most(described)).await), Some(true), "described");
    assert_eq!(binary(&stored(at_most(described) + 4).await), Some(false), "only the description is too much");
    assert_eq!(binary(&stored(at_most(bare)).await), Some(false));
    assert_eq!(binary(&stored(at_most(bare) + 4).await), None, "too large");
}

#[tokio::test]
async fn a_new_callback_is_stored_with_one_call() {
    let (sdk, calls) = sdk(STORED);
    let body = mo_text("7c1f").to_string();
    let response = wab_mo::handle(&receiver(&sdk), request("/mo", Some(&basic(USER, PASSWORD)), body.as_bytes())).await;
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["content-type"], "application/json");
    let event_id = "2261d224ea3b4a40860397f823cb7d66";
    assert_eq!(json_of(&response), json!({"id": "7c1f", "event_id": event_id, "outcome": "stored"}));

    let calls = calls.lock().unwrap();
    assert_eq!(calls.len(), 1);
    let (operation, put) = &calls[0];
    let put: Value = serde_json::from_str(put).unwrap();
    assert_eq!(operation, "PutItem");
    assert_eq!(put["Item"]["body"]["S"], body);
    assert_eq!(put["Item"]["received_at"]["S"], "2025-11-23T09:15:02.417Z");
    assert_eq!(put["Item"]["expires_at"]["N"], (1_763_889_302 + 30 * 86_400).to_string());
    assert_eq!(put["Item"]["application"]["S"], USER);
}

#[tokio::test]
async fn the_same_callback_again_is_a_duplicate_whatever_its_layout() {
    let digest = wab_models::Digest::of(&dlr("4711", "received").to_string());
    let there = json!({"digest": {"S": digest.as_str()}});
    let (sdk, calls) = sdk(move |_, _| taken_by(&there));
    let again = r#"{ "status": "received",  "reference": "order-17", "id": "4711" }"#;
    let response =
        wab_dlr::handle(&receiver(&sdk), request("/dlr", Some(&basic(USER, PASSWORD)), again.as_bytes())).await;
    assert_eq!((response.status().as_u16(), &json_of(&response)["outcome"]), (200, &json!("duplicate")));
    assert_eq!(calls.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn another_body_under_the_same_key_is_stored_beside_the_first() {
    let there = json!({"digest": {"S": "0".repeat(64)}});
    let (sdk, calls) = sdk(move |_, put| if put.contains("EVENT#") { STORED("", "") } else { taken_by(&there) });
    let body = mo_text("7c1f").to_string();
    let response = wab_mo::handle(&receiver(&sdk), request("/mo", Some(&basic(USER, PASSWORD)), body.as_bytes())).await;
    assert_eq!((response.status().as_u16(), &json_of(&response)["outcome"]), (200, &json!("stored")));
    let second: Value = serde_json::from_str(&calls.lock().unwrap()[1].1).unwrap();
    let short = wab_models::Digest::of(&body).short().to_owned();
    assert_eq!(second["Item"]["sk"]["S"], format!("EVENT#{short}"));
}

#[tokio::test]
async fn a_variant_again_is_a_duplicate() {
    let there = json!({"digest": {"S": "0".repeat(64)}});
    let (sdk, calls) = sdk(move |_, _| taken_by(&there));
    let body = mo_text("7c1f").to_string();
    let response = wab_mo::handle(&receiver(&sdk), request("/mo", Some(&basic(USER, PASSWORD)), body.as_bytes())).await;
    assert_eq!((response.status().as_u16(), &json_of(&response)["outcome"]), (200, &json!("duplicate")));
    assert_eq!(calls.lock().unwrap().len(), 2);
}

/// A table that refuses, and a spill queue that takes what it gets.
fn no_table(code: &'static str) -> impl Fn(&str, &str) -> (u16, String) {
    move |operation, _| match operation {
        "SendMessage" => queued(),
        "PutObject" => (200, String::new()),
        _ => dynamodb_error(400, code),
    }
}

#[tokio::test]
async fn what_the_table_does_not_take_is_deferred() {
    for code in ["AccessDeniedException", "ResourceNotFoundException", "ThrottlingException", "ValidationException"] {
        let (sdk, calls) = sdk(no_table(code));
        let body = mo_text("7c1f").to_string();
        let response = post(&sdk, &body).await;
        assert_eq!(response.status(), 200);
        assert_eq!(json_of(&response), json!({"id": "7c1f", "outcome": "deferred"}));
        let [spilled] = &sent(&calls)[..] else { panic!("one message") };
        let item = &spilled["event"];
        assert_eq!((&item["pk"], &item["sk"], &item["body"]), (&json!("MO#7c1f"), &json!("EVENT"), &json!(body)));
        assert_eq!(item["received_at"], "2025-11-23T09:15:02.417Z");
    }
}

#[tokio::test]
async fn a_large_body_is_deferred_by_its_pointer() {
    let (sdk, calls) = sdk(no_table("InternalServerError"));
    let body = mo_of(1_000_000);
    assert_eq!(json_of(&post(&sdk, &body).await)["outcome"], "deferred");
    let [spilled] = &sent(&calls)[..] else { panic!("one message") };
    assert_eq!(spilled["event"]["body_bytes"], body.len());
}

#[tokio::test]
async fn a_body_that_is_no_callback_is_quarantined_by_the_spill_queue_if_need_be() {
    let (sdk, calls) = sdk(no_table("InternalServerError"));
    let response = post(&sdk, "no callback").await;
    assert_eq!((response.status().as_u16(), &json_of(&response)["code"]), (400, &json!("not_json")));
    assert_eq!(sent(&calls)[0]["quarantine"]["body"], "no callback");
}

#[tokio::test]
async fn a_body_that_is_no_callback_and_that_nothing_keeps_is_asked_for_again() {
    let (sdk, _) = sdk(|_, _| dynamodb_error(400, "AccessDeniedException"));
    let response = post(&sdk, "no callback").await;
    assert_eq!((response.status().as_u16(), &json_of(&response)["code"]), (503, &json!("unavailable")));
}

/// Posts to a receiver whose AWS services all fail, and checks that the answer is 503 in time.
async fn check_unavailable(sdk: wab_platform::SdkConfig) {
    let started = Instant::now();
    let response = post(&sdk, &mo_text(&fresh_id("down")).to_string()).await;
    assert!(started.elapsed() < Duration::from_secs(4), "{:?}", started.elapsed());
    assert_eq!((response.status().as_u16(), &json_of(&response)["code"]), (503, &json!("unavailable")));
    assert_eq!(response.headers()["retry-after"], "5");
}

#[tokio::test]
async fn an_aws_that_cannot_be_reached_is_answered_503_within_4_seconds() {
    let unused = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    check_unavailable(sdk_at(&format!("http://{unused}"))).await;
}

#[tokio::test]
async fn an_aws_that_never_answers_is_answered_503_within_4_seconds_whatever_the_size() {
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let sdk = sdk_at(&format!("http://{}", silent.local_addr().unwrap()));
    check_unavailable(sdk.clone()).await;
    let started = Instant::now();
    assert_eq!(post(&sdk, &mo_of(300_000)).await.status(), 503);
    assert!(started.elapsed() < Duration::from_secs(4), "{:?}", started.elapsed());
}

#[tokio::test]
async fn what_reading_a_body_took_is_taken_from_the_time_to_keep_it() {
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let sdk = sdk_at(&format!("http://{}", silent.local_addr().unwrap()));
    let mut request = request("/mo", Some(&basic(USER, PASSWORD)), mo_of(300_000).as_bytes());
    // Lambda ends the invocation in 2.7 s, so 2.3 of the 5 are gone.
    let end = SystemTime::now().duration_since(UNIX_EPOCH).unwrap() + Duration::from_millis(2_700);
    request.context.deadline = end.as_millis().try_into().unwrap();
    let started = Instant::now();
    assert_eq!(wab_mo::handle(&receiver(&sdk), request).await.status(), 503);
    assert!(started.elapsed() < Duration::from_millis(1_700), "{:?}", started.elapsed());
    assert!(started.elapsed() > Duration::from_millis(1_300), "the spill queue had its time: {:?}", started.elapsed());
}

#[tokio::test]
async fn a_table_and_a_spill_queue_that_refuse_are_answered_503() {
    for (status, code) in [
        (400, "AccessDeniedException"),
        (400, "ResourceNotFoundException"),
        (400, "ProvisionedThroughputExceededException"),
        (500, "InternalServerError"),
    ] {
        check_unavailable(sdk(move |_, _| dynamodb_error(status, code)).0).await;
    }
}

#[tokio::test]
async fn a_put_whose_answer_was_lost_is_found_again() {
    let body = mo_text("7c1f").to_string();
    let there = json!({"digest": {"S": wab_models::Digest::of(&body).as_str()}});
    let tries = std::sync::atomic::AtomicUsize::new(0);
    let (sdk, _) = sdk(move |_, _| match tries.fetch_add(1, std::sync::atomic::Ordering::Relaxed) {
        0 => dynamodb_error(500, "InternalServerError"),
        _ => taken_by(&there),
    });
    let response = wab_mo::handle(&receiver(&sdk), request("/mo", Some(&basic(USER, PASSWORD)), body.as_bytes())).await;
    assert_eq!((response.status().as_u16(), &json_of(&response)["outcome"]), (200, &json!("duplicate")));
}

#[test]
fn a_function_without_usable_settings_refuses_to_start() {
    let good = |name: &str| match name {
        "TABLE_NAME" | "BUCKET_NAME" | "SPILL_QUEUE_URL" => Some("there".to_owned()),
        "CALLBACK_CREDENTIALS" => Some(format!("shop:{}", "0".repeat(64))),
        "RETENTION_DAYS" => Some("30".to_owned()),
        _ => None,
    };
    assert!(wab_ingress::Settings::read(good).is_ok());
    for (broken, value) in [
        ("TABLE_NAME", ""),
        ("BUCKET_NAME", ""),
        ("SPILL_QUEUE_URL", ""),
        ("CALLBACK_CREDENTIALS", ""),
        ("CALLBACK_CREDENTIALS", "shop:secret"),
        ("RETENTION_DAYS", "for ever"),
    ] {
        for value in [None, Some(value.to_owned())] {
            let error = wab_ingress::Settings::read(|name| if name == broken { value.clone() } else { good(name) });
            let error = error.unwrap_err();
            assert_eq!(error.name, broken);
            assert!(!error.to_string().contains("secret"));
        }
    }
}

/// What is seldom needed must not make every callback's future larger: it is moved about, and kept on the stack.
#[test]
fn a_callbacks_future_has_no_room_for_what_is_seldom_needed() {
    let (sdk, _) = sdk(STORED);
    let receiver = receiver(&sdk);
    let future = wab_mo::handle(&receiver, request("/mo", None, b"{}"));
    assert!(size_of_val(&future) < 40_000, "{} bytes", size_of_val(&future));
}
