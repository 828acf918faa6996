//! What the gateway hears from `mo` and `dlr` (README, "Answers"), in this process.

use std::time::{Duration, Instant};

use lambda_http::{Body, Response};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::fake_aws::{door, dynamodb_error, sdk, sdk_at, taken_by};
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
        "/mo" => mo::handle(&door(&sdk), request).await,
        "/dlr" => dlr::handle(&door(&sdk), request).await,
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
    assert_eq!(calls.lock().unwrap().len(), 0, "nothing is stored of what is refused");
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

#[tokio::test]
async fn a_body_that_fits_no_item_is_too_large() {
    let right = basic(USER, PASSWORD);
    let callback = |bytes: usize| json!({"id": "secret", "content": "x".repeat(bytes)}).to_string().into_bytes();
    check_refused("/mo", Some(&right), &callback(400 * 1024), 413, "too_large").await;
    check_refused("/mo", Some(&right), &callback(5_000_000), 413, "too_large").await;
}

#[tokio::test]
async fn a_new_callback_is_stored_with_one_call() {
    let (sdk, calls) = sdk(STORED);
    let body = mo_text("7c1f").to_string();
    let response = mo::handle(&door(&sdk), request("/mo", Some(&basic(USER, PASSWORD)), body.as_bytes())).await;
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
    let digest = models::Digest::of(&dlr("4711", "received").to_string());
    let there = json!({"digest": {"S": digest.as_str()}});
    let (sdk, calls) = sdk(move |_, _| taken_by(&there));
    let again = r#"{ "status": "received",  "reference": "order-17", "id": "4711" }"#;
    let response = dlr::handle(&door(&sdk), request("/dlr", Some(&basic(USER, PASSWORD)), again.as_bytes())).await;
    assert_eq!((response.status().as_u16(), &json_of(&response)["outcome"]), (200, &json!("duplicate")));
    assert_eq!(calls.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn another_body_under_the_same_key_is_stored_beside_the_first() {
    let there = json!({"digest": {"S": "0".repeat(64)}});
    let (sdk, calls) = sdk(move |_, put| if put.contains("EVENT#") { STORED("", "") } else { taken_by(&there) });
    let body = mo_text("7c1f").to_string();
    let response = mo::handle(&door(&sdk), request("/mo", Some(&basic(USER, PASSWORD)), body.as_bytes())).await;
    assert_eq!((response.status().as_u16(), &json_of(&response)["outcome"]), (200, &json!("stored")));
    let second: Value = serde_json::from_str(&calls.lock().unwrap()[1].1).unwrap();
    let short = models::Digest::of(&body).short().to_owned();
    assert_eq!(second["Item"]["sk"]["S"], format!("EVENT#{short}"));
}

#[tokio::test]
async fn a_variant_again_is_a_duplicate() {
    let there = json!({"digest": {"S": "0".repeat(64)}});
    let (sdk, calls) = sdk(move |_, _| taken_by(&there));
    let body = mo_text("7c1f").to_string();
    let response = mo::handle(&door(&sdk), request("/mo", Some(&basic(USER, PASSWORD)), body.as_bytes())).await;
    assert_eq!((response.status().as_u16(), &json_of(&response)["outcome"]), (200, &json!("duplicate")));
    assert_eq!(calls.lock().unwrap().len(), 2);
}

/// Posts to a door whose table is out of order, and checks that the gateway is asked to come again in time.
async fn check_unavailable(sdk: platform::SdkConfig) {
    let door = door(&sdk);
    let body = mo_text(&fresh_id("down")).to_string();
    let started = Instant::now();
    let response = mo::handle(&door, request("/mo", Some(&basic(USER, PASSWORD)), body.as_bytes())).await;
    assert!(started.elapsed() < Duration::from_secs(4), "{:?}", started.elapsed());
    assert_eq!((response.status().as_u16(), &json_of(&response)["code"]), (503, &json!("unavailable")));
    assert_eq!(response.headers()["retry-after"], "5");
}

#[tokio::test]
async fn a_table_that_cannot_be_reached_is_answered_503_within_4_seconds() {
    let unused = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    check_unavailable(sdk_at(&format!("http://{unused}"))).await;
}

#[tokio::test]
async fn a_table_that_never_answers_is_answered_503_within_4_seconds() {
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    check_unavailable(sdk_at(&format!("http://{}", silent.local_addr().unwrap()))).await;
}

#[tokio::test]
async fn a_table_that_refuses_is_answered_503() {
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
    let there = json!({"digest": {"S": models::Digest::of(&body).as_str()}});
    let tries = std::sync::atomic::AtomicUsize::new(0);
    let (sdk, _) = sdk(move |_, _| match tries.fetch_add(1, std::sync::atomic::Ordering::Relaxed) {
        0 => dynamodb_error(500, "InternalServerError"),
        _ => taken_by(&there),
    });
    let response = mo::handle(&door(&sdk), request("/mo", Some(&basic(USER, PASSWORD)), body.as_bytes())).await;
    assert_eq!((response.status().as_u16(), &json_of(&response)["outcome"]), (200, &json!("duplicate")));
}

#[test]
fn a_function_without_usable_settings_refuses_to_start() {
    let good = |name: &str| match name {
        "TABLE_NAME" => Some("events".to_owned()),
        "CALLBACK_CREDENTIALS" => Some(format!("shop:{}", "0".repeat(64))),
        "RETENTION_DAYS" => Some("30".to_owned()),
        _ => None,
    };
    assert!(ingress::Settings::read(good).is_ok());
    for (broken, value) in [
        ("TABLE_NAME", ""),
        ("CALLBACK_CREDENTIALS", ""),
        ("CALLBACK_CREDENTIALS", "shop:secret"),
        ("RETENTION_DAYS", "for ever"),
    ] {
        for value in [None, Some(value.to_owned())] {
            let error = ingress::Settings::read(|name| if name == broken { value.clone() } else { good(name) });
            let error = error.unwrap_err();
            assert_eq!(error.name, broken);
            assert!(!error.to_string().contains("secret"));
        }
    }
}
