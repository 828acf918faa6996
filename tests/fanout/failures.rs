//! What `fanout` does when a topic, the bucket, the table or the dead-letter queue fails (docs/operations.md, "When
//! something fails").

use std::time::{Duration, UNIX_EPOCH};

use aws_smithy_async::time::StaticTimeSource;
use serde_json::{Value, json};
use tokio::time::Instant;
use wab_models::{Counts, StreamBatch};

use super::{aws_with_bucket, calls_without_queries, fan_out, object_record};
use crate::fake_aws::{aws, dynamodb_error, events, fanout, paced_sdk, published, s3_error, sdk, sent, sns_error};
use crate::records::{aged, dlr_record, mo_item, mo_record, plenty, record};

#[tokio::test]
async fn unpublishable_records_are_parked_and_the_others_published() {
    let mut newer_layout = mo_record(2, "b");
    newer_layout["dynamodb"]["NewImage"]["v"]["N"] = "99".into();
    let mut no_body = dlr_record(3, "c");
    no_body["dynamodb"]["NewImage"].as_object_mut().unwrap().remove("body");
    let mut other_body = dlr_record(4, "d");
    other_body["dynamodb"]["NewImage"]["body"]["S"] = "no JSON".into();
    let no_record = json!({"dynamodb": {"SequenceNumber": "5"}, "what": "is this"});
    let records = vec![mo_record(1, "a"), newer_layout, no_body, other_body, no_record, dlr_record(6, "e")];
    let (failures, calls) = fan_out(records, aws(|request| published(request, &[]))).await;
    assert_eq!(failures, [""; 0]);
    assert_eq!(calls_without_queries(&calls)[..2], ["PublishBatch", "PublishBatch"], "publishing comes before parking");
    let key = |pk: &str, sk: &str| json!({"pk": pk, "sk": sk});
    assert_eq!(
        sent(&calls),
        [
            json!({"reason": "the item's layout is not known", "key": key("MO#b", "EVENT"), "sequence_number": "2"}),
            json!({"reason": "the item's layout is not known", "key": key("DLR#c", "sent"), "sequence_number": "3"}),
            json!({"reason": "the body is not the callback that the key says", "key": key("DLR#d", "sent"),
                   "sequence_number": "4"}),
            json!({"reason": "the record is no stream record", "sequence_number": "5",
                   "record": {"dynamodb": {"SequenceNumber": "5"}, "what": "is this"}}),
        ]
    );
}

#[tokio::test]
async fn body_of_another_callback_is_parked() {
    let under = |mut record: Value, pk: &str, sk: &str| {
        for place in ["Keys", "NewImage"] {
            record["dynamodb"][place]["pk"]["S"] = pk.into();
            record["dynamodb"][place]["sk"]["S"] = sk.into();
        }
        record
    };
    let records = vec![
        under(mo_record(1, "other"), "MO#poison5", "EVENT"),
        under(dlr_record(2, "other"), "DLR#poison5", "sent"),
        under(dlr_record(3, "a"), "DLR#a", "received"),
        under(mo_record(4, "b"), "MO#b", "EVENT#0123456789ab"),
        mo_record(5, "c"),
    ];
    let (failures, calls) = fan_out(records, aws(|request| published(request, &[]))).await;
    assert_eq!(failures, [""; 0]);
    assert_eq!(events(&calls).iter().map(|event| &event["subject"]).collect::<Vec<_>>(), ["c"]);
    assert_eq!(sent(&calls).len(), 4);
    for message in sent(&calls) {
        assert_eq!(message["reason"], "the body is not the callback that the key says");
    }
}

#[tokio::test]
async fn entry_that_sns_rejects_is_parked() {
    let records = vec![mo_record(1, "a"), mo_record(2, "b"), mo_record(3, "c")];
    let answer = aws(|request| published(request, &[(1, "InvalidParameter", true)]));
    let (failures, calls) = fan_out(records, answer).await;
    assert_eq!(failures, [""; 0]);
    let expected = json!({"reason": "InvalidParameter", "key": {"pk": "MO#b", "sk": "EVENT"}, "sequence_number": "2"});
    assert_eq!(sent(&calls), [expected]);
}

#[tokio::test]
async fn entries_all_rejected_are_parked_after_one_call() {
    let records = vec![mo_record(1, "a"), mo_record(2, "b")];
    let rejected = [(0, "InvalidParameter", true), (1, "InvalidParameter", true)];
    let (failures, calls) = fan_out(records, aws(move |request| published(request, &rejected))).await;
    assert_eq!(failures, [""; 0]);
    assert_eq!(calls_without_queries(&calls), ["PublishBatch", "SendMessage", "SendMessage"]);
}

#[tokio::test]
async fn entry_with_a_transient_error_is_retried() {
    for (code, sender_fault) in [
        ("InternalError", false),
        ("Throttled", true),
        ("KMSThrottling", true),
        ("AuthorizationError", true),
        ("NeverDocumented", true),
    ] {
        let records = vec![mo_record(1, "a"), mo_record(2, "b"), mo_record(3, "c")];
        let answer = aws(move |request| published(request, &[(1, code, sender_fault)]));
        let (failures, calls) = fan_out(records, answer).await;
        assert_eq!(failures, ["2"], "{code}");
        assert_eq!(sent(&calls), [Value::Null; 0], "{code}");
    }
}

#[tokio::test]
async fn entry_missing_from_the_answer_is_retried() {
    let answer = aws(|_| {
        let first = "<member><Id>0</Id><MessageId>m</MessageId></member>";
        (
            200,
            format!(
                "<PublishBatchResponse><PublishBatchResult><Successful>{first}</Successful></PublishBatchResult></PublishBatchResponse>"
            ),
        )
    });
    let (failures, _) = fan_out(vec![mo_record(1, "a"), mo_record(2, "b")], answer).await;
    assert_eq!(failures, ["2"]);
}

#[tokio::test]
async fn failed_call_is_retried_from_its_first_record() {
    for (status, code) in [
        (403, "AuthorizationError"),
        (404, "NotFound"),
        (400, "KMSAccessDenied"),
        (403, "InvalidClientTokenId"),
        (400, "Throttled"),
        (500, "InternalError"),
    ] {
        let records = vec![dlr_record(1, "a"), mo_record(2, "b"), dlr_record(3, "c")];
        let answer = aws(move |request| match request.contains("MO_TOPIC_ARN") {
            true => sns_error(status, code),
            false => published(request, &[]),
        });
        let (failures, calls) = fan_out(records, answer).await;
        assert_eq!(failures, ["2"], "{code}: the receipts around it are published");
        assert_eq!(sent(&calls), [Value::Null; 0], "{code}");
    }
}

#[tokio::test]
async fn rejected_batch_is_published_entry_by_entry() {
    let records = vec![mo_record(1, "a"), mo_record(2, "b"), mo_record(3, "c")];
    let answer = aws(|request| match request.contains("MO%23") || request.contains("%22subject%22%3A%22b%22") {
        true => sns_error(400, "InvalidParameter"),
        false => published(request, &[]),
    });
    let (failures, calls) = fan_out(records, answer).await;
    assert_eq!(failures, [""; 0]);
    assert_eq!(
        calls_without_queries(&calls),
        ["PublishBatch", "PublishBatch", "PublishBatch", "PublishBatch", "SendMessage"]
    );
    assert_eq!(sent(&calls)[0]["key"], json!({"pk": "MO#b", "sk": "EVENT"}));
}

#[tokio::test]
async fn lone_rejected_event_is_parked_after_one_call() {
    let (failures, calls) = fan_out(vec![mo_record(1, "a")], aws(|_| sns_error(400, "InvalidParameter"))).await;
    assert_eq!(failures, [""; 0]);
    assert_eq!(calls_without_queries(&calls), ["PublishBatch", "SendMessage"]);
}

#[tokio::test]
async fn record_that_cannot_be_parked_is_retried() {
    let mut poison = mo_record(2, "b");
    poison["dynamodb"]["NewImage"] = json!({});
    let records = vec![mo_record(1, "a"), poison, mo_record(3, "c")];
    let (failures, _) = fan_out(records, |operation, request| match operation {
        "PublishBatch" => published(request, &[]),
        _ => (400, json!({"__type": "com.amazonaws.sqs#QueueDoesNotExist", "message": "made up"}).to_string()),
    })
    .await;
    assert_eq!(failures, ["2"]);
}

#[tokio::test]
async fn batch_without_sequence_number_is_retried_whole() {
    let (sdk, _) = sdk(|_, _| (500, String::new()));
    let batch: StreamBatch = serde_json::from_value(json!({"Records": [{"no": "record"}]})).unwrap();
    assert!(wab_fanout::handle(&fanout(&sdk), batch, plenty(), None).await.is_err());
}

#[tokio::test]
async fn event_with_a_missing_object_is_parked() {
    let (record, _) = object_record(1, "large", 100_000);
    let gone = s3_error(404, "NoSuchKey");
    let (failures, calls) = fan_out(vec![record], aws_with_bucket(gone)).await;
    assert_eq!(failures, [""; 0]);
    assert_eq!(sent(&calls)[0]["reason"], "the body's object is gone");
    assert_eq!(sent(&calls)[0]["key"], json!({"pk": "MO#large", "sk": "EVENT"}));
}

#[tokio::test]
async fn receipt_waits_for_the_table_and_messages_do_not() {
    let others = aws(|request| published(request, &[]));
    let answer = move |operation: &str, request: &str| match operation {
        "Query" => dynamodb_error(400, "AccessDeniedException"),
        _ => others(operation, request),
    };
    let (failures, calls) = fan_out(vec![mo_record(1, "a"), dlr_record(2, "b"), mo_record(3, "c")], answer).await;
    assert_eq!(failures, ["2"]);
    assert_eq!(events(&calls).len(), 2);
}

#[tokio::test]
async fn missing_topic_blocks_its_shard_for_ten_minutes() {
    let answer = || {
        aws(|request| match request.contains("MO_TOPIC_ARN") {
            true => sns_error(404, "NotFound"),
            false => published(request, &[]),
        })
    };
    let minutes = |minutes: u64| Duration::from_secs(60 * minutes);
    let young = vec![aged(mo_record(1, "a"), minutes(9)), dlr_record(2, "b")];
    let (failures, calls) = fan_out(young, answer()).await;
    assert_eq!((failures, sent(&calls)), (vec!["1".to_owned()], vec![]));

    let old = vec![aged(mo_record(1, "a"), minutes(11)), dlr_record(2, "b"), aged(mo_record(3, "c"), minutes(9))];
    let (failures, calls) = fan_out(old, answer()).await;
    assert_eq!(failures, ["3"]);
    let expected = json!({"reason": "NotFound", "key": {"pk": "MO#a", "sk": "EVENT"}, "sequence_number": "1"});
    assert_eq!(sent(&calls), [expected]);
}

#[tokio::test]
async fn lone_withheld_event_is_parked_after_ten_minutes() {
    let minutes = |minutes: u64| Duration::from_secs(60 * minutes);
    for code in ["AuthorizationError", "NotFound", "KMSDisabled"] {
        let alone = |age| vec![aged(mo_record(1, "a"), age)];
        let (failures, calls) = fan_out(alone(minutes(9)), aws(move |_| sns_error(400, code))).await;
        assert_eq!((failures, sent(&calls)), (vec!["1".to_owned()], vec![]), "{code}");
        let (failures, calls) = fan_out(alone(minutes(11)), aws(move |_| sns_error(400, code))).await;
        assert_eq!((failures.len(), sent(&calls).len()), (0, 1), "{code}");
        let (failures, calls) = fan_out(vec![mo_record(1, "a")], aws(move |_| sns_error(400, code))).await;
        assert_eq!((failures, sent(&calls)), (vec!["1".to_owned()], vec![]), "{code}: a record without an age waits");
    }
}

#[tokio::test]
async fn throttled_event_is_retried_for_20_hours() {
    let hours = |hours: u64| Duration::from_secs(3600 * hours);
    let batch = |age| vec![aged(mo_record(1, "a"), age), aged(mo_record(2, "b"), age), dlr_record(3, "c")];
    for code in ["Throttled", "KMSThrottling", "InternalError"] {
        let answer = || aws(move |request| published(request, &[(0, code, true)]));
        let (failures, calls) = fan_out(batch(hours(19)), answer()).await;
        assert_eq!((failures, sent(&calls)), (vec!["1".to_owned()], vec![]), "{code}");
        let (_, calls) = fan_out(batch(hours(20)), answer()).await;
        assert_eq!(sent(&calls)[0]["reason"], code);
    }
}

#[tokio::test]
async fn receipt_denied_its_history_is_parked_after_ten_minutes() {
    let old = |id| vec![aged(dlr_record(1, id), Duration::from_secs(11 * 60))];
    let answer = |code: &'static str| {
        let others = aws(|request| published(request, &[]));
        move |operation: &str, request: &str| match operation {
            "Query" => dynamodb_error(400, code),
            _ => others(operation, request),
        }
    };
    for code in ["AccessDeniedException", "ResourceNotFoundException"] {
        let (failures, calls) = fan_out(old("a"), answer(code)).await;
        assert_eq!((failures.len(), &sent(&calls)[0]["reason"]), (0, &json!(code)));
    }
    for code in ["ThrottlingException", "ProvisionedThroughputExceededException", "ValidationException"] {
        let (failures, calls) = fan_out(old("a"), answer(code)).await;
        assert_eq!((failures, sent(&calls)), (vec!["1".to_owned()], vec![]), "{code}");
    }
}

#[tokio::test]
async fn withheld_topic_does_not_block_the_other() {
    // Each message fills a call, so the call with the receipt is in the second wave.
    let large = |number: usize| {
        let body = json!({"id": number.to_string(), "content": "x".repeat(200_000)}).to_string();
        record(number, &mo_item(&body))
    };
    for (code, receipts) in [("NotFound", 1), ("Throttled", 0)] {
        let records = (1..=10).map(large).chain([dlr_record(11, "r")]).collect();
        let answer = aws(move |request| match request.contains("MO_TOPIC_ARN") {
            true => sns_error(400, code),
            false => published(request, &[]),
        });
        let (failures, calls) = fan_out(records, answer).await;
        assert_eq!(failures, ["1"], "{code}");
        let calls = calls.lock().unwrap();
        assert_eq!(calls.iter().filter(|(_, form)| form.contains("DLR_TOPIC_ARN")).count(), receipts, "{code}");
    }
}

#[tokio::test]
async fn events_behind_a_waiting_event_are_published_once() {
    let (sdk, calls) = sdk(aws(|request| match request.contains("MO_TOPIC_ARN") {
        true => sns_error(404, "NotFound"),
        false => published(request, &[]),
    }));
    let fanout = fanout(&sdk);
    let receipts = || {
        let calls = calls.lock().unwrap();
        calls.iter().filter(|(operation, form)| operation == "PublishBatch" && form.contains("DLR_TOPIC_ARN")).count()
    };
    let fan_out = async |records: Vec<Value>, count: bool| {
        let batch = serde_json::from_value(json!({"Records": records, "count": count})).unwrap();
        let answer = wab_fanout::handle(&fanout, batch, plenty(), None).await.unwrap();
        answer.batch_item_failures.first().map(|failure| failure.item_identifier.clone())
    };
    let minutes = |minutes: u64| Duration::from_secs(60 * minutes);
    let batch = |age| vec![aged(mo_record(1, "a"), age), dlr_record(2, "b")];
    for _ in 0..3 {
        assert_eq!(fan_out(batch(minutes(9)), false).await.as_deref(), Some("1"));
    }
    assert_eq!(receipts(), 1);
    assert_eq!(fan_out([batch(minutes(9)), vec![dlr_record(3, "c")]].concat(), false).await.as_deref(), Some("1"));
    assert_eq!(receipts(), 2, "new events are published");
    fan_out(batch(minutes(9)), true).await;
    assert_eq!(receipts(), 3, "a replay publishes again");
    assert_eq!(fan_out(batch(minutes(11)), false).await, None, "the waiting event is parked");
    assert_eq!((receipts(), sent(&calls).len()), (3, 1), "events behind it aren't published again");
}

#[tokio::test]
async fn events_of_an_outage_are_retried_for_20_hours() {
    let hours = |hours: u64| Duration::from_secs(3600 * hours);
    let records = vec![aged(mo_record(1, "a"), hours(21)), aged(mo_record(2, "b"), hours(19))];
    let (failures, calls) = fan_out(records, aws(|_| sns_error(500, "InternalError"))).await;
    assert_eq!(failures, ["2"]);
    assert_eq!(sent(&calls).len(), 1);
}

#[tokio::test]
async fn poison_behind_a_waiting_event_is_not_parked_yet() {
    let mut poison = mo_record(2, "b");
    poison["dynamodb"]["NewImage"] = json!({});
    let records = vec![mo_record(1, "a"), poison];
    let (failures, calls) = fan_out(records, aws(|_| sns_error(500, "InternalError"))).await;
    assert_eq!((failures, sent(&calls)), (vec!["1".to_owned()], vec![]), "it is retried with the event before it");
}

#[tokio::test(start_paused = true)]
async fn silent_sns_leaves_time_for_the_answer() {
    let now = UNIX_EPOCH + Duration::from_secs(1_763_889_302);
    let (sdk, _) = paced_sdk(|_| None);
    let sdk = sdk.into_builder().time_source(StaticTimeSource::new(now)).build();
    let batch = serde_json::from_value(json!({"Records": [mo_record(1, "a")], "count": true})).unwrap();
    let started = Instant::now();
    let answer = wab_fanout::handle(&fanout(&sdk), batch, now + Duration::from_millis(2_500), None).await;
    // The last two seconds before the deadline are reserved for the answer.
    assert!(started.elapsed() <= Duration::from_millis(505), "{:?}", started.elapsed());
    let answer = answer.unwrap();
    assert_eq!(answer.batch_item_failures[0].item_identifier, "1");
    assert_eq!(answer.tally.unwrap().counts, Counts { published: 0, parked: 0 });
}

#[tokio::test]
async fn unreadable_record_is_parked_up_to_500_kib() {
    let record = |bytes: usize| json!({"dynamodb": {"SequenceNumber": "5"}, "what": "x".repeat(bytes)});
    let around = record(0).to_string().len();
    for (bytes, is_kept) in [(500 * 1024, true), (500 * 1024 + 1, false)] {
        let record = record(bytes - around);
        assert_eq!(record.to_string().len(), bytes);
        let (failures, calls) = fan_out(vec![record.clone()], aws(|_| panic!("nothing is published"))).await;
        assert_eq!(failures, [""; 0]);
        let parked = sent(&calls);
        assert_eq!((parked.len(), &parked[0]["sequence_number"]), (1, &json!("5")));
        assert_eq!(parked[0].get("record"), is_kept.then_some(&record), "{bytes}");
    }
}
