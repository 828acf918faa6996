//! A stack that keeps no content (docs/operations.md, "Without content"): what the functions store, send and publish.

use serde_json::{Value, json};
use wab_ingress::Receiver;
use wab_models::{ContentKey, Digest, MoCallback, Spilled};

use crate::fake_aws::{
    CONTENT_KEY, check_answer, content_free_receiver, events, fanout, formerly_content_free_receiver, no_table,
    operations, published, put, receiver, sdk, sent, success, taken_by,
};
use crate::fanout::{calls_without_queries, fan_out};
use crate::records::{plenty, record};
use crate::requests::{PASSWORD, USER, basic, request};

/// A callback in which every value that may not be kept has this word or this number.
const SECRET: &str = "secret";
const NUMBER: &str = "21000001";

fn mo_body(text: &str) -> String {
    json!({
        "id": "7c1f",
        "source": format!("+64{NUMBER}"),
        "Destination": "6421000002",
        "operator": SECRET,
        "reply_to": "99",
        "reference": "order-17",
        "undocumented": SECRET,
        "content": {"from": format!("64{NUMBER}"), "id": "wamid.secret", "timestamp": "1763889301", "type": "text",
                    "text": {"body": format!("{SECRET} {text}")}},
    })
    .to_string()
}

fn dlr_body() -> String {
    json!({"id": "4711", "status": "received", "reference": "order-17", "detail": SECRET, "undocumented": SECRET})
        .to_string()
}

fn key() -> ContentKey {
    CONTENT_KEY.parse().unwrap()
}

async fn post(receiver: &Receiver, path: &str, body: &[u8]) -> lambda_http::Response<lambda_http::Body> {
    let request = request(path, Some(&basic(USER, PASSWORD)), body);
    match path {
        "/mo" => wab_mo::handle(receiver, request).await,
        _ => wab_dlr::handle(receiver, request).await,
    }
}

#[track_caller]
fn check_without_content(sent: &Value) {
    let text = sent.to_string();
    assert!(!text.contains(SECRET) && !text.contains(NUMBER), "{text}");
}

#[tokio::test]
async fn callback_is_stored_without_its_content() {
    // A large body isn't put into the bucket, and neither is binary content.
    let binary = json!({"id": "7c1f", "encoding": "base64", "content": "R0lGODlh"}).to_string();
    let large = mo_body(&"x".repeat(300_000));
    for (path, body) in [("/mo", mo_body("")), ("/mo", large), ("/mo", binary), ("/dlr", dlr_body())] {
        let (sdk, calls) = sdk(success);
        check_answer(&post(&content_free_receiver(&sdk), path, body.as_bytes()).await, 200, "stored");
        assert_eq!(operations(&calls), ["PutItem"]);
        let item = &put(&calls)[0];
        check_without_content(item);
        assert_eq!((&item["v"]["N"], &item["body_bytes"]["N"]), (&json!("3"), &json!(body.len().to_string())));
        for attribute in ["body", "body_key", "body_base64", "binary"] {
            assert_eq!(item[attribute], Value::Null, "{attribute}");
        }
        assert_ne!(item["digest"]["S"], Digest::of(&body).as_str(), "a plain hash of a short body can be searched");
    }
}

#[tokio::test]
async fn metadata_of_a_message_is_kept() {
    let (sdk, calls) = sdk(success);
    post(&content_free_receiver(&sdk), "/mo", mo_body("").as_bytes()).await;
    let item = &put(&calls)[0];
    for (attribute, expected) in
        [("destination", "6421000002"), ("type", "text"), ("reply_to", "99"), ("reference", "order-17")]
    {
        assert_eq!(item[attribute]["S"], expected);
    }
    assert_eq!(item["source"]["S"], key().contact(&format!("64{NUMBER}")));
    assert_eq!(item["sent_at"]["N"], "1763889301");
}

#[tokio::test]
async fn unreadable_body_is_quarantined_without_it() {
    let large = [b"\xff", SECRET.repeat(10_000).as_bytes()].concat();
    for body in [SECRET.as_bytes(), b"{\"id\":\"secret\xff\"}", &large] {
        for path in ["/mo", "/dlr"] {
            let (sdk, calls) = sdk(success);
            check_answer(&post(&content_free_receiver(&sdk), path, body).await, 400, "not_json");
            assert_eq!(operations(&calls), ["PutItem"]);
            let item = &put(&calls)[0];
            check_without_content(item);
            assert_eq!(item["body_bytes"]["N"], body.len().to_string());
            assert!(item["reason"]["S"].is_string() && item["body"].is_null() && item["body_base64"].is_null());
        }
    }
}

#[tokio::test]
async fn spilled_item_has_no_content_and_is_recovered_without() {
    for (path, body) in [("/mo", mo_body("")), ("/dlr", dlr_body()), ("/mo", SECRET.to_owned())] {
        let (sdk_without_table, calls) = sdk(no_table("AccessDeniedException"));
        post(&content_free_receiver(&sdk_without_table), path, body.as_bytes()).await;
        let [message] = &sent(&calls)[..] else { panic!("one message") };
        check_without_content(message);
        let spilled: Spilled<'_> = serde_json::from_str(&message.to_string()).unwrap();
        let (sdk, calls) = sdk(success);
        let settings = wab_recover::Settings::read(|name| Some(format!("http://localhost/{name}"))).unwrap();
        let recover = wab_recover::Recover::new(settings, &sdk);
        let record = json!({"messageId": "1", "body": spilled.to_message().unwrap(),
                            "attributes": {"ApproximateReceiveCount": "1"}});
        let batch = serde_json::from_value(json!({"Records": [record]})).unwrap();
        assert_eq!(wab_recover::handle(&recover, batch).await.batch_item_failures.len(), 0);
        check_without_content(&put(&calls)[0]);
        assert_eq!(put(&calls)[0]["v"]["N"], "3");
    }
}

#[tokio::test]
async fn repeat_is_a_duplicate_whichever_mode_stored_it() {
    let (body, other) = (mo_body(""), mo_body("other"));
    let there = |digest: &str| json!({"digest": {"S": digest}});
    let (plain, keyed) = (Digest::of(&body), key().digest(&body));
    for digest in [&plain, &keyed] {
        for of in [content_free_receiver, formerly_content_free_receiver] {
            let there = there(digest.as_str());
            let (sdk, calls) = sdk(move |_, _| taken_by(&there));
            check_answer(&post(&of(&sdk), "/mo", body.as_bytes()).await, 200, "duplicate");
            assert_eq!(put(&calls).len(), 1);
        }
    }
    // Another body is a variant in either mode.
    let there = there(keyed.as_str());
    let is_variant = |put: &str| put.contains("EVENT#");
    let (sdk, calls) = sdk(move |_, put| if is_variant(put) { success("", "") } else { taken_by(&there) });
    check_answer(&post(&content_free_receiver(&sdk), "/mo", other.as_bytes()).await, 200, "stored");
    let variant = &put(&calls)[1];
    check_without_content(variant);
    assert_eq!(variant["sk"]["S"], format!("EVENT#{}", key().digest(&other).short()));
}

#[tokio::test]
async fn repeat_of_an_expired_item_is_a_duplicate_until_it_is_deleted() {
    let body = mo_body("");
    let there = json!({"digest": {"S": Digest::of(&body).as_str()}, "expires_at": {"N": "1"}});
    let (sdk, calls) = sdk(move |_, _| taken_by(&there));
    check_answer(&post(&receiver(&sdk), "/mo", body.as_bytes()).await, 200, "duplicate");
    assert_eq!(put(&calls).len(), 1);
}

#[tokio::test]
async fn event_without_content_is_published_with_what_is_known() {
    let (sdk_of_mo, calls) = sdk(success);
    post(&content_free_receiver(&sdk_of_mo), "/mo", mo_body("").as_bytes()).await;
    post(&content_free_receiver(&sdk_of_mo), "/dlr", dlr_body().as_bytes()).await;
    let image = |item: &Value| {
        json!({"eventName": "INSERT", "dynamodb": {
            "Keys": {"pk": item["pk"], "sk": item["sk"]}, "NewImage": item, "SequenceNumber": "1"}})
    };
    let records = put(&calls).iter().map(image).collect();
    let (failures, calls) = fan_out(records, crate::fake_aws::aws(|request| published(request, &[]))).await;
    assert_eq!(failures, [""; 0]);
    assert_eq!(calls_without_queries(&calls), ["PublishBatch"; 2], "nothing is read from the bucket");
    let [mo, dlr] = &events(&calls)[..] else { panic!("two events") };
    [mo, dlr].into_iter().for_each(check_without_content);
    assert_eq!(mo["data"]["omitted"]["type"], "text");
    assert_eq!((&mo["data"]["content"], &mo["data"]["source"]), (&Value::Null, &Value::Null));
    assert_eq!((&dlr["data"]["status"], &dlr["data"]["delivery"]["current"]), (&json!("received"), &json!("received")));
    assert_eq!(dlr["data"]["omitted"]["bytes"], dlr_body().len());
}

/// After a change of the mode, a batch has events of both.
#[tokio::test]
async fn events_with_and_without_content_share_a_batch() {
    let body = mo_body("");
    let callback = MoCallback::parse(&body).unwrap();
    let none = wab_models::ContentMode::None(key());
    let records = [none, wab_models::ContentMode::Full(Some(key()))].map(|mode| {
        let item = mode.mo(&callback, crate::records::received(&body));
        record(1, &item)
    });
    let (sdk, calls) = sdk(crate::fake_aws::aws(|request| published(request, &[])));
    let batch = serde_json::from_value(json!({"Records": records})).unwrap();
    wab_fanout::handle(&fanout(&sdk), batch, plenty(), None).await.unwrap();
    let [without, with] = &events(&calls)[..] else { panic!("two events") };
    check_without_content(without);
    assert_eq!(with["data"]["content"]["type"], "text");
}
