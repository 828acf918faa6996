//! The events of the functions, with made-up callbacks: from API Gateway, the table's stream and the spill queue.

use anyhow::Context;
use bytes::Bytes;
use serde_json::{Value, json};
use wab_models::{Item, MoCallback, Received, ReceivedAt, Spilled};

/// The verifier of `shop:password`, and that pair as HTTP Basic credentials.
pub(crate) const VERIFIER: &str = "shop:5e884898da28047151d0e56f8dc6292773603d0d6aabbdd62a11ef721d1542d8";
const AUTHORIZATION: &str = "Basic c2hvcDpwYXNzd29yZA==";

/// The size of a typical text message.
const TEXT_BYTES: usize = 650;
const RECEIVED_AT_EPOCH_MS: i64 = 1_763_889_302_417;

/// The body of the `number`th text message, of this size.
fn mo_body(number: u64, size_bytes: usize) -> String {
    let body = |text: &str| {
        json!({
            "id": format!("7c1f0c1e-5a52-4d0e-9b86-{number:012}"),
            "source": "+6421000001",
            "destination": "6421000002",
            "content": {
                "from": "6421000001", "id": format!("wamid.made-up-{number:012}"), "timestamp": "1763889301",
                "type": "text", "text": {"body": text},
            },
        })
        .to_string()
    };
    let rest = size_bytes.saturating_sub(body("").len());
    body(&"Kia ora. ".repeat(rest / 9 + 1).chars().take(rest).collect::<String>())
}

pub(crate) fn mo(number: u64) -> Bytes {
    request("/mo", mo_body(number, TEXT_BYTES))
}

/// A message that is too large for an item. Its body goes to the bucket.
pub(crate) fn mo_3_mb(number: u64) -> Bytes {
    request("/mo", mo_body(number, 3_000_000))
}

pub(crate) fn dlr(number: u64) -> Bytes {
    let id = format!("7c1f0c1e-5a52-4d0e-9b86-{number:012}");
    request("/dlr", json!({"id": id, "status": "delivered", "reference": "order-1"}).to_string())
}

/// The event of an HTTP API's request (payload format 2.0).
fn request(path: &str, body: String) -> Bytes {
    let event = json!({
        "version": "2.0",
        "routeKey": format!("POST {path}"),
        "rawPath": path,
        "rawQueryString": "",
        "headers": {
            "accept": "*/*", "authorization": AUTHORIZATION, "content-length": body.len().to_string(),
            "content-type": "application/json", "host": "abc123defg.execute-api.us-east-1.amazonaws.com",
            "user-agent": "gateway", "x-amzn-trace-id": "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700",
            "x-forwarded-for": "192.0.2.1", "x-forwarded-port": "443", "x-forwarded-proto": "https",
        },
        "requestContext": {
            "accountId": "123456789012", "apiId": "abc123defg",
            "domainName": "abc123defg.execute-api.us-east-1.amazonaws.com", "domainPrefix": "abc123defg",
            "http": {
                "method": "POST", "path": path, "protocol": "HTTP/1.1", "sourceIp": "192.0.2.1", "userAgent": "gateway",
            },
            "requestId": "JKJaXmPLvHcESHA=", "routeKey": format!("POST {path}"), "stage": "$default",
            "time": "23/Nov/2025:09:15:02 +0000", "timeEpoch": RECEIVED_AT_EPOCH_MS,
        },
        "body": body,
        "isBase64Encoded": false,
    });
    Bytes::from(event.to_string())
}

/// A batch of the table's stream with `records` new text messages.
pub(crate) fn stream_batch(first: u64, records: u64) -> anyhow::Result<Bytes> {
    let records: Vec<Value> = (first..first + records).map(stream_record).collect::<Result<_, _>>()?;
    Ok(Bytes::from(json!({"Records": records}).to_string()))
}

fn stream_record(number: u64) -> anyhow::Result<Value> {
    let body = mo_body(number, TEXT_BYTES);
    let item = serde_json::to_value(item(&body)?)?;
    let attributes = item.as_object().context("an item is an object")?.iter().map(|(name, value)| {
        let value = match value {
            Value::Number(number) => json!({"N": number.to_string()}),
            other => json!({"S": other}),
        };
        (name.clone(), value)
    });
    let image: serde_json::Map<String, Value> = attributes.collect();
    Ok(json!({
        "eventID": format!("{number:032}"), "eventName": "INSERT", "eventVersion": "1.1",
        "eventSource": "aws:dynamodb", "awsRegion": "us-east-1",
        "dynamodb": {
            "ApproximateCreationDateTime": 1_763_889_302,
            "Keys": {"pk": image.get("pk"), "sk": image.get("sk")},
            "NewImage": image, "SequenceNumber": format!("{number:021}"), "SizeBytes": 1_000,
            "StreamViewType": "NEW_IMAGE",
        },
        "eventSourceARN": "arn:aws:dynamodb:us-east-1:123456789012:table/events/stream/2025-11-23T00:00:00.000",
    }))
}

/// A batch of the spill queue with `records` text messages.
pub(crate) fn spill_batch(first: u64, records: u64) -> anyhow::Result<Bytes> {
    let records: Vec<Value> = (first..first + records).map(spilled).collect::<Result<_, _>>()?;
    Ok(Bytes::from(json!({"Records": records}).to_string()))
}

fn spilled(number: u64) -> anyhow::Result<Value> {
    let body = mo_body(number, TEXT_BYTES);
    Ok(json!({
        "messageId": format!("059f36b4-87a3-44ab-83d2-{number:012}"), "receiptHandle": "AQEBwJnKyrHigUMZj6rYigCgxlaS3SLy0a",
        "body": Spilled::Event(item(&body)?).to_message()?,
        "attributes": {
            "ApproximateReceiveCount": "1", "SentTimestamp": "1763889302417", "SenderId": "AIDAIENQZJOLO23YVJ4VO",
            "ApproximateFirstReceiveTimestamp": "1763889302418",
        },
        "messageAttributes": {}, "md5OfBody": "e4e68fb7bd0e697a0ae8f1bb342846b3", "eventSource": "aws:sqs",
        "eventSourceARN": "arn:aws:sqs:us-east-1:123456789012:wab-Spill", "awsRegion": "us-east-1",
    }))
}

fn item(body: &str) -> anyhow::Result<Item<'_>> {
    let at = ReceivedAt::from_epoch_ms(RECEIVED_AT_EPOCH_MS);
    let received = Received { body, application: "shop", at, expires_at: 1_766_481_302 };
    Ok(Item::mo(&MoCallback::parse(body)?, received))
}

/// Whether a callback was accepted, or no record of a batch must be retried.
pub(crate) fn is_success(response: &[u8]) -> bool {
    let Ok(response) = serde_json::from_slice::<Value>(response) else { return false };
    match response.get("statusCode") {
        Some(status) => *status == 200,
        None => response.get("batchItemFailures").and_then(Value::as_array).is_some_and(Vec::is_empty),
    }
}
