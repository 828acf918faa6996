//! How `mo` and `dlr` answer the gateway (docs/operations.md, "Answers").

use std::time::{Duration, UNIX_EPOCH};

use aws_smithy_async::time::StaticTimeSource;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use lambda_http::{Body, Context, LambdaEvent, Response};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::time::Instant;
use wab_events::Kind;
use wab_ingress::{Admission, HttpEvent, Receiver, Verifier};
use wab_models::MAX_BODY_BYTES;

use crate::fake_aws::{
    check_answer, dynamodb_error, json_of, no_table, post, put, receiver, receiver_settings, sdk, sdk_at, sent,
    success, taken_by,
};
use crate::requests::{PASSWORD, USER, at_path, basic, dlr, fresh_id, mo_text, probing, request};

/// Posts `body`, and checks the rejection: status, code, headers, quarantine, and that it reveals nothing of the body.
async fn check_rejected(path: &str, authorization: Option<&str>, body: &[u8], status: u16, code: &str) {
    let (sdk, calls) = sdk(success);
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
    // An unreadable body of the gateway is quarantined. Unauthenticated and oversized bodies aren't stored.
    let [quarantined] = &put(&calls)[..] else {
        assert!(status != 400 && calls.lock().unwrap().is_empty(), "{status}: nothing is stored");
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
async fn unauthenticated_callers_are_rejected_before_parsing() {
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
            check_rejected("/mo", authorization.as_deref(), body, 401, "unauthorized").await;
            check_rejected("/dlr", authorization.as_deref(), body, 401, "unauthorized").await;
        }
    }
}

/// The answer of a receiver that accepts these networks, and the number of calls to AWS. The requests of these tests
/// come from 192.0.2.1.
async fn answer_from(networks: &'static str, request: LambdaEvent<HttpEvent>) -> (Response<Body>, usize) {
    let (sdk, calls) = sdk(success);
    let settings = receiver_settings(|name| (name == "ALLOWED_NETWORKS").then(|| networks.to_owned()));
    let response = wab_mo::handle(&Receiver::new(settings, &sdk), request).await;
    let calls = calls.lock().unwrap().len();
    (response, calls)
}

#[tokio::test]
async fn other_networks_are_rejected_before_authentication() {
    let (right, callback) = (basic(USER, PASSWORD), mo_text("secret").to_string());
    for networks in ["192.0.2.2/32", "198.51.100.0/24,2001:db8::/32"] {
        for authorization in [Some(&*right), Some("Basic secret!"), None] {
            for request in [request("/mo", authorization, callback.as_bytes()), probing("/mo", authorization, b"")] {
                let (response, calls) = answer_from(networks, request).await;
                check_answer(&response, 403, "forbidden");
                assert_eq!(response.headers()["content-type"], "application/problem+json");
                assert!(!response.headers().contains_key("www-authenticate"));
                let text = String::from_utf8_lossy(response.body()).into_owned();
                assert!(!text.contains("secret") && !text.contains("192.0.2"), "{text}");
                assert_eq!(calls, 0);
            }
        }
    }
}

#[tokio::test]
async fn allowed_network_still_needs_credentials() {
    let callback = mo_text("7c1f").to_string();
    for networks in ["192.0.2.0/24", "2001:db8::/32,192.0.2.1/32"] {
        let (response, _) =
            answer_from(networks, request("/mo", Some(&basic(USER, PASSWORD)), callback.as_bytes())).await;
        check_answer(&response, 200, "stored");
        let (response, calls) = answer_from(networks, request("/mo", None, callback.as_bytes())).await;
        check_answer(&response, 401, "unauthorized");
        assert_eq!(calls, 0);
    }
}

/// Posts a message to a receiver with the secret paths of two applications.
async fn post_to_path(segment: Option<&str>, authorization: Option<&str>) -> (Response<Body>, Vec<Value>) {
    let (sdk, calls) = sdk(success);
    let paths = [("bank", "B4NK"), ("shop", "SH0P")].map(|(user, word)| Verifier::new(user, word).unwrap().to_string());
    let settings = receiver_settings(|name| (name == "SECRET_PATHS").then(|| paths.join(",")));
    let request = at_path("/mo", segment, authorization, mo_text("7c1f").to_string().as_bytes());
    let response = wab_mo::handle(&Receiver::new(settings, &sdk), request).await;
    let put = put(&calls);
    (response, put)
}

#[tokio::test]
async fn secret_path_is_enough_and_names_the_application() {
    for authorization in [None, Some("Bearer x".to_owned()), Some(basic(USER, "wrong"))] {
        let (response, put) = post_to_path(Some("SH0P"), authorization.as_deref()).await;
        check_answer(&response, 200, "stored");
        assert_eq!(put[0]["application"]["S"], "shop");
    }
    let (response, put) = post_to_path(Some("SH0P"), Some(&basic(USER, PASSWORD))).await;
    check_answer(&response, 200, "stored");
    assert_eq!(put[0]["application"]["S"], USER, "credentials come first");
}

#[tokio::test]
async fn wrong_secret_path_is_no_secret_path() {
    for segment in [None, Some(""), Some("sh0p"), Some("shop"), Some("SH0P%20"), Some("0")] {
        let (response, put) = post_to_path(segment, None).await;
        check_answer(&response, 401, "unauthorized");
        assert!(put.is_empty());
        let (response, _) = post_to_path(segment, Some(&basic(USER, PASSWORD))).await;
        check_answer(&response, 200, "stored");
    }
    // Without the setting, a segment opens nothing.
    let (sdk, _) = sdk(success);
    let response = wab_mo::handle(&receiver(&sdk), at_path("/mo", Some("SH0P"), None, b"{}")).await;
    check_answer(&response, 401, "unauthorized");
}

#[tokio::test]
async fn invalid_callback_is_answered_400_and_quarantined() {
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
        check_rejected("/mo", Some(&right), body, 400, code).await;
        check_rejected("/dlr", Some(&right), body, 400, code).await;
    }
    check_rejected("/dlr", Some(&right), br#"{"id":"secret"}"#, 400, "no_status").await;
}

#[tokio::test]
async fn body_over_the_lambda_limit_is_answered_413() {
    let right = basic(USER, PASSWORD);
    let too_large = json!({"id": "secret", "content": "x".repeat(MAX_BODY_BYTES)}).to_string();
    check_rejected("/mo", Some(&right), too_large.as_bytes(), 413, "too_large").await;
}

#[test]
fn body_may_be_6_mb() {
    let (sdk, _) = sdk(success);
    let receiver = receiver(&sdk);
    let admitted = |bytes: usize| {
        let request = request("/mo", Some(&basic(USER, PASSWORD)), &vec![b'x'; bytes]);
        match receiver.admit(Kind::Mo, request.payload, &request.context) {
            Admission::Callback(inbound) => Some(inbound.body.len()),
            Admission::Answered(_) => None,
        }
    };
    assert_eq!(admitted(MAX_BODY_BYTES), Some(MAX_BODY_BYTES));
    assert_eq!(admitted(MAX_BODY_BYTES + 1), None);
}

/// Sends a probe with this body. Returns the answer, and the number of calls to AWS.
async fn probe(path: &str, authorization: Option<&str>, body: &[u8]) -> (Response<Body>, usize) {
    let (sdk, calls) = sdk(success);
    let receiver = receiver(&sdk);
    let request = probing(path, authorization, body);
    let response = match path {
        "/mo" => wab_mo::handle(&receiver, request).await,
        _ => wab_dlr::handle(&receiver, request).await,
    };
    let calls = calls.lock().unwrap().len();
    (response, calls)
}

#[tokio::test]
async fn probe_is_answered_and_stores_nothing() {
    let callback = mo_text("7c1f").to_string();
    for path in ["/mo", "/dlr"] {
        for body in [&b""[..], b"not JSON", callback.as_bytes()] {
            let (response, calls) = probe(path, Some(&basic(USER, PASSWORD)), body).await;
            assert_eq!((response.status().as_u16(), calls), (200, 0));
            let version = env!("CARGO_PKG_VERSION");
            assert_eq!(json_of(&response), json!({"outcome": "probe", "version": version, "application": USER}));
        }
    }
}

#[tokio::test]
async fn probe_without_valid_credentials_is_answered_401() {
    for path in ["/mo", "/dlr"] {
        for authorization in [None, Some(basic(USER, "wrong"))] {
            let (response, calls) = probe(path, authorization.as_deref(), b"").await;
            check_answer(&response, 401, "unauthorized");
            assert_eq!(calls, 0);
        }
    }
}

#[tokio::test]
async fn new_callback_is_stored_with_one_call() {
    let (sdk, calls) = sdk(success);
    let body = mo_text("7c1f").to_string();
    let response = post(&sdk, &body).await;
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

/// The `received_at` and `expires_at` of a callback with this `timeEpoch`. The function's clock reads
/// 2026-01-01T00:00:00.250Z.
async fn received_at(time: Value) -> (Value, Value) {
    let (sdk, calls) = sdk(success);
    let now = UNIX_EPOCH + Duration::from_millis(1_767_225_600_250);
    let sdk = sdk.into_builder().time_source(StaticTimeSource::new(now)).build();
    let event = json!({
        "headers": {"authorization": basic(USER, PASSWORD)},
        "requestContext": {"timeEpoch": time},
        "body": mo_text("7c1f").to_string(),
    });
    let request = LambdaEvent::new(serde_json::from_str::<HttpEvent>(&event.to_string()).unwrap(), Context::default());
    assert_eq!(wab_mo::handle(&receiver(&sdk), request).await.status(), 200);
    let item = &put(&calls)[0];
    (item["received_at"]["S"].clone(), item["expires_at"]["N"].clone())
}

#[tokio::test]
async fn request_without_a_time_gets_the_clocks_time() {
    let thirty_days = 30 * 86_400;
    let by_clock = (json!("2026-01-01T00:00:00.250Z"), json!((1_767_225_600 + thirty_days).to_string()));
    for none in [json!(null), json!(0), json!(-1)] {
        assert_eq!(received_at(none.clone()).await, by_clock, "{none}");
    }
    let by_request = (json!("1970-01-01T00:00:00.001Z"), json!(thirty_days.to_string()));
    assert_eq!(received_at(json!(1)).await, by_request);
}

#[tokio::test]
async fn rejection_has_the_lambda_request_id() {
    let (sdk, _) = sdk(success);
    let mut context = Context::default();
    let event = r#"{"headers":{},"requestContext":{}}"#;
    context.request_id = "af9c3624".to_owned();
    let request = LambdaEvent::new(serde_json::from_str::<HttpEvent>(event).unwrap(), context);
    let answer: Value = serde_json::from_slice(wab_mo::handle(&receiver(&sdk), request).await.body()).unwrap();
    assert_eq!(answer["request_id"], "af9c3624");
}

#[tokio::test]
async fn repeated_callback_is_answered_duplicate_whatever_its_layout() {
    let digest = wab_models::Digest::of(&dlr("4711", "received").to_string());
    let there = json!({"digest": {"S": digest.as_str()}});
    let (sdk, calls) = sdk(move |_, _| taken_by(&there));
    let again = format!(r#"{{ "status": "received",  "reference": "{}", "id": "4711" }}"#, wab_marked::name("order"));
    let response =
        wab_dlr::handle(&receiver(&sdk), request("/dlr", Some(&basic(USER, PASSWORD)), again.as_bytes())).await;
    check_answer(&response, 200, "duplicate");
    assert_eq!(calls.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn different_body_under_the_same_key_is_stored_as_variant() {
    let there = json!({"digest": {"S": "0".repeat(64)}});
    let (sdk, calls) = sdk(move |_, put| if put.contains("EVENT#") { success("", "") } else { taken_by(&there) });
    let body = mo_text("7c1f").to_string();
    let response = post(&sdk, &body).await;
    check_answer(&response, 200, "stored");
    let second: Value = serde_json::from_str(&calls.lock().unwrap()[1].1).unwrap();
    let short = wab_models::Digest::of(&body).short().to_owned();
    assert_eq!(second["Item"]["sk"]["S"], format!("EVENT#{short}"));
}

#[tokio::test]
async fn repeated_variant_is_answered_duplicate() {
    let there = json!({"digest": {"S": "0".repeat(64)}});
    let (sdk, calls) = sdk(move |_, _| taken_by(&there));
    let body = mo_text("7c1f").to_string();
    let response = post(&sdk, &body).await;
    check_answer(&response, 200, "duplicate");
    assert_eq!(calls.lock().unwrap().len(), 2);
}

#[tokio::test]
async fn event_rejected_by_the_table_is_spilled() {
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
async fn quarantined_body_is_spilled_if_the_table_fails() {
    let (sdk, calls) = sdk(no_table("InternalServerError"));
    let response = post(&sdk, "no callback").await;
    check_answer(&response, 400, "not_json");
    assert_eq!(sent(&calls)[0]["quarantine"]["body"], "no callback");
}

#[tokio::test]
async fn unstored_quarantined_body_is_answered_503() {
    let (sdk, _) = sdk(|_, _| dynamodb_error(400, "AccessDeniedException"));
    let response = post(&sdk, "no callback").await;
    check_answer(&response, 503, "unavailable");
}

/// Posts to a receiver whose AWS services all fail, and checks that the answer is 503 in time.
async fn check_unavailable(sdk: wab_platform::SdkConfig) {
    let started = Instant::now();
    let response = post(&sdk, &mo_text(&fresh_id("down")).to_string()).await;
    assert!(started.elapsed() < Duration::from_secs(4), "{:?}", started.elapsed());
    check_answer(&response, 503, "unavailable");
    assert_eq!(response.headers()["retry-after"], "5");
}

#[tokio::test]
async fn unreachable_aws_is_answered_503_within_4_seconds() {
    let unused = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    check_unavailable(sdk_at(&format!("http://{unused}"))).await;
}

#[tokio::test(start_paused = true)]
async fn failing_table_and_spill_queue_are_answered_503() {
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
async fn put_with_a_lost_answer_is_answered_duplicate() {
    let body = mo_text("7c1f").to_string();
    let there = json!({"digest": {"S": wab_models::Digest::of(&body).as_str()}});
    let tries = std::sync::atomic::AtomicUsize::new(0);
    let (sdk, _) = sdk(move |_, _| match tries.fetch_add(1, std::sync::atomic::Ordering::Relaxed) {
        0 => dynamodb_error(500, "InternalServerError"),
        _ => taken_by(&there),
    });
    let response = post(&sdk, &body).await;
    check_answer(&response, 200, "duplicate");
}

#[test]
fn missing_or_malformed_setting_is_an_error() {
    let good = |name: &str| match name {
        "TABLE_NAME" | "BUCKET_NAME" | "SPILL_QUEUE_URL" => Some("there".to_owned()),
        "CALLBACK_CREDENTIALS" => Some(format!("shop:{}", "0".repeat(64))),
        "RETENTION_DAYS" => Some("30".to_owned()),
        "CONTENT" => Some("none".to_owned()),
        "CONTENT_KEY" => Some("0".repeat(64)),
        _ => None,
    };
    assert!(wab_ingress::Settings::read(good).is_ok());
    let full = |name: &str| match name {
        "CONTENT" => Some("full".to_owned()),
        "CONTENT_KEY" => None,
        name => good(name),
    };
    assert!(wab_ingress::Settings::read(full).is_ok());
    for (broken, value) in [
        ("TABLE_NAME", ""),
        ("BUCKET_NAME", ""),
        ("SPILL_QUEUE_URL", ""),
        ("CALLBACK_CREDENTIALS", ""),
        ("CALLBACK_CREDENTIALS", "shop:secret"),
        ("RETENTION_DAYS", "for ever"),
        ("SECRET_PATHS", "shop:secret"),
        ("ALLOWED_NETWORKS", "192.0.2.0/24,secret"),
        ("CONTENT", "some"),
        ("CONTENT_KEY", "secret"),
    ] {
        let is_optional = ["SECRET_PATHS", "ALLOWED_NETWORKS"].contains(&broken);
        for value in [None, Some(value.to_owned())].into_iter().skip(usize::from(is_optional)) {
            let error = wab_ingress::Settings::read(|name| if name == broken { value.clone() } else { good(name) });
            let error = error.unwrap_err();
            assert_eq!(error.name, broken);
            assert!(!error.to_string().contains("secret"));
        }
    }
}

/// Every callback pays for a large future, which is moved and kept on the stack. Rare paths are boxed instead.
#[test]
fn future_of_a_callback_stays_small() {
    let (sdk, _) = sdk(success);
    let receiver = receiver(&sdk);
    let future = wab_mo::handle(&receiver, request("/mo", None, b"{}"));
    assert!(size_of_val(&future) < 40_000, "{} bytes", size_of_val(&future));
}
