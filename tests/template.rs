//! The rules that `infra/template.yaml` must keep, so that it can be operated.

use std::cell::RefCell;
use std::collections::BTreeSet;

use saphyr::{LoadableYamlNode, Scalar, Yaml};
use serde_json::{Map, Value, json};

/// The template as JSON, its short tags in their long form: `!Ref X` is `{"Ref": "X"}`.
pub(crate) fn template() -> Value {
    let path = format!("{}/../infra/template.yaml", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(path).unwrap();
    to_json(&Yaml::load_from_str(&text).unwrap()[0])
}

fn to_json(yaml: &Yaml<'_>) -> Value {
    match yaml {
        Yaml::Value(Scalar::Null) => Value::Null,
        Yaml::Value(Scalar::Boolean(value)) => json!(value),
        Yaml::Value(Scalar::Integer(value)) => json!(value),
        Yaml::Value(Scalar::FloatingPoint(value)) => json!(**value),
        Yaml::Value(Scalar::String(value)) => json!(value),
        Yaml::Sequence(values) => values.iter().map(to_json).collect(),
        Yaml::Mapping(members) => {
            let name = |key: &Yaml<'_>| to_json(key).as_str().unwrap().to_owned();
            Value::Object(members.iter().map(|(key, value)| (name(key), to_json(value))).collect::<Map<_, _>>())
        }
        Yaml::Tagged(tag, value) => match &*tag.suffix {
            "Ref" | "Condition" => json!({&*tag.suffix: to_json(value)}),
            function => json!({format!("Fn::{function}"): to_json(value)}),
        },
        other => panic!("the template has no {other:?}"),
    }
}

/// The resources of a type, with their names.
fn resources(of_type: &str) -> Vec<(String, Value)> {
    let template = template();
    let all = template["Resources"].as_object().unwrap().clone();
    let found: Vec<_> = all.into_iter().filter(|(_, resource)| resource["Type"] == of_type).collect();
    assert!(!found.is_empty(), "the template has a {of_type}");
    found
}

fn resource(name: &str) -> Value {
    template()["Resources"][name]["Properties"].clone()
}

/// The names that `read` asks for, when each of them is set to something usable.
fn asked<T, E: std::fmt::Debug>(read: impl Fn(&dyn Fn(&str) -> Option<String>) -> Result<T, E>) -> BTreeSet<String> {
    let names = RefCell::new(BTreeSet::new());
    let var = |name: &str| {
        names.borrow_mut().insert(name.to_owned());
        Some(match name {
            "CALLBACK_CREDENTIALS" => format!("shop:{}", "0".repeat(64)),
            "RETENTION_DAYS" => "30".to_owned(),
            _ => "x".to_owned(),
        })
    };
    read(&var).unwrap();
    names.into_inner()
}

#[test]
fn each_function_is_given_exactly_the_settings_it_asks_for() {
    let door = asked(|var| ingress::Settings::read(var));
    let fanout = asked(|var| fanout::Settings::read(var));
    let recover = asked(|var| recover::Settings::read(var));
    for (function, expected) in [("Mo", &door), ("Dlr", &door), ("Fanout", &fanout), ("Recover", &recover)] {
        let given = resource(function)["Environment"]["Variables"].clone();
        let given: BTreeSet<String> = given.as_object().unwrap().keys().cloned().collect();
        assert_eq!(&given, expected, "{function}");
    }
    // And all of them one that the SDK's configuration knows, if the deployment says so.
    let common = template()["Globals"]["Function"]["Environment"]["Variables"].clone();
    let chosen = json!({"Fn::If": ["HasCertificateFile", {"Ref": "CertificateFile"}, {"Ref": "AWS::NoValue"}]});
    assert_eq!(common, json!({"SSL_CERT_FILE": chosen}));
}

#[test]
fn the_stream_is_read_with_partial_answers_finite_retries_and_a_failure_destination() {
    let source = resource("Fanout")["Events"]["Stored"]["Properties"].clone();
    assert_eq!(source["FunctionResponseTypes"], json!(["ReportBatchItemFailures"]));
    assert_eq!(source["BisectBatchOnFunctionError"], true);
    assert_eq!(source["StartingPosition"], "TRIM_HORIZON");
    assert!(source["MaximumRetryAttempts"].as_i64().unwrap() > 0);
    let age = source["MaximumRecordAgeInSeconds"].as_i64().unwrap();
    assert!((1..24 * 60 * 60).contains(&age), "the stream keeps a record for 24 h");
    let destination = &source["DestinationConfig"]["OnFailure"]["Destination"];
    assert_eq!(destination, &json!({"Fn::GetAtt": "DeadLetterQueue.Arn"}));
    let pattern = source["FilterCriteria"]["Filters"][0]["Pattern"].as_str().unwrap();
    let pattern: Value = serde_json::from_str(pattern).unwrap();
    assert_eq!(pattern["eventName"], json!(["INSERT"]));
    assert_eq!(pattern["dynamodb"]["Keys"]["pk"]["S"], json!([{"prefix": "MO#"}, {"prefix": "DLR#"}]));
}

#[test]
fn every_function_logs_json_to_a_group_that_forgets_and_nothing_below_info() {
    let globals = template()["Globals"]["Function"]["LoggingConfig"].clone();
    assert_eq!((&globals["LogFormat"], &globals["SystemLogLevel"]), (&json!("JSON"), &json!("WARN")));
    assert_eq!(globals["ApplicationLogLevel"], json!({"Ref": "LogLevel"}));
    assert_eq!(template()["Parameters"]["LogLevel"]["AllowedValues"], json!(["INFO", "WARN", "ERROR"]));
    for (name, function) in resources("AWS::Serverless::Function") {
        let group = function["Properties"]["LoggingConfig"]["LogGroup"]["Ref"].as_str().unwrap();
        assert!(resource(group)["RetentionInDays"].is_object(), "{name}");
    }
    for (name, group) in resources("AWS::Logs::LogGroup") {
        assert_eq!(group["Properties"]["RetentionInDays"], json!({"Ref": "LogRetentionDays"}), "{name}");
    }
}

#[test]
fn every_function_is_built_from_its_folder_and_waits_longer_than_it_may_answer() {
    for (name, function) in resources("AWS::Serverless::Function") {
        assert_eq!(function["Metadata"]["BuildMethod"], "rust-cargolambda", "{name}");
        assert_eq!(function["Properties"]["CodeUri"], format!("../functions/{}", name.to_lowercase()));
    }
    let kept = store::OBJECT_DEADLINE + store::PUT_DEADLINE + store::SPILL_DEADLINE;
    let kept = i64::try_from(kept.as_millis()).unwrap();
    for (function, integration) in [("Mo", "MoIntegration"), ("Dlr", "DlrIntegration")] {
        let timeout = resource(function)["Timeout"].as_i64().unwrap() * 1000;
        assert!(kept < 4000 && 4000 < timeout, "{function}");
        assert!(timeout < resource(integration)["TimeoutInMillis"].as_i64().unwrap(), "{function}");
        assert_eq!(resource(integration)["PayloadFormatVersion"], "2.0");
    }
}

#[test]
fn each_role_has_exactly_the_actions_and_resources_that_its_function_uses() {
    let logs = |group: &str| (json!(["logs:CreateLogStream", "logs:PutLogEvents"]), json!({"Fn::GetAtt": group}));
    let allow = |action: &str, resource: Value| (json!(action), resource);
    let get_att = |attribute: &str| json!({"Fn::GetAtt": attribute});
    let objects = || json!({"Fn::Sub": "${Bucket.Arn}/*"});
    let put = allow("dynamodb:PutItem", get_att("Events.Arn"));
    let park = allow("sqs:SendMessage", get_att("DeadLetterQueue.Arn"));
    let keep = [put.clone(), allow("s3:PutObject", objects()), allow("sqs:SendMessage", get_att("SpillQueue.Arn"))];
    let receive = json!(["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"]);
    let stream = json!(["dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator"]);
    let expected = [
        ("MoRole", [&keep[..], &[logs("MoLogs.Arn")]].concat()),
        ("DlrRole", [&keep[..], &[logs("DlrLogs.Arn")]].concat()),
        ("RecoverRole", vec![(receive, get_att("SpillQueue.Arn")), put, park.clone(), logs("RecoverLogs.Arn")]),
        (
            "FanoutRole",
            vec![
                (stream, get_att("Events.StreamArn")),
                (json!("dynamodb:ListStreams"), json!({"Fn::Sub": "${Events.Arn}/stream/*"})),
                allow("dynamodb:Query", get_att("Events.Arn")),
                allow("s3:GetObject", objects()),
                allow("s3:ListBucket", get_att("Bucket.Arn")),
                (json!("sns:Publish"), json!([{"Ref": "MoTopic"}, {"Ref": "DlrTopic"}])),
                park,
                logs("FanoutLogs.Arn"),
            ],
        ),
    ];
    assert_eq!(resources("AWS::IAM::Role").len(), expected.len());
    for (role, expected) in expected {
        let policies = resource(role)["Policies"].clone();
        let statements = policies[0]["PolicyDocument"]["Statement"].as_array().unwrap().clone();
        let given: Vec<_> =
            statements.iter().map(|statement| (statement["Action"].clone(), statement["Resource"].clone())).collect();
        assert_eq!(given, expected, "{role}");
        assert_eq!(policies.as_array().unwrap().len(), 1);
        assert_eq!(resource(role)["ManagedPolicyArns"], Value::Null);
    }
}

#[test]
fn the_table_keeps_what_it_has_when_the_stack_is_deleted() {
    let (_, table) = resources("AWS::DynamoDB::Table").remove(0);
    assert_eq!((&table["DeletionPolicy"], &table["UpdateReplacePolicy"]), (&json!("Retain"), &json!("Retain")));
    let table = &table["Properties"];
    assert_eq!(table["BillingMode"], "PAY_PER_REQUEST");
    assert_eq!(table["StreamSpecification"]["StreamViewType"], "NEW_IMAGE");
    assert_eq!(table["TimeToLiveSpecification"], json!({"AttributeName": "expires_at", "Enabled": true}));
    assert_eq!(table["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"], true);
}

#[test]
fn the_spill_queue_is_read_with_partial_answers_and_gives_up_after_its_reader() {
    let source = resource("Recover")["Events"]["Spilled"]["Properties"].clone();
    assert_eq!(source["FunctionResponseTypes"], json!(["ReportBatchItemFailures"]));
    let queue = resource("SpillQueue");
    let visibility = queue["VisibilityTimeout"].as_u64().unwrap();
    let timeout = resource("Recover")["Timeout"].as_u64().unwrap();
    assert!(store::PUT_DEADLINE.as_secs_f64() < timeout as f64 - 1.0);
    assert_eq!(visibility, 6 * timeout, "as Lambda advises");
    assert_eq!(queue["RedrivePolicy"]["deadLetterTargetArn"], json!({"Fn::GetAtt": "DeadLetterQueue.Arn"}));
    let limit = queue["RedrivePolicy"]["maxReceiveCount"].as_u64().unwrap();
    assert!(u64::from(recover::MAX_RECEIVES) < limit, "the function parks with a reason before the queue does without");
    assert_eq!(queue["MaximumMessageSize"], models::MAX_SPILL_BYTES);
}

#[test]
fn the_bucket_is_encrypted_private_and_forgets_as_the_table_does() {
    let (_, bucket) = resources("AWS::S3::Bucket").remove(0);
    assert_eq!((&bucket["DeletionPolicy"], &bucket["UpdateReplacePolicy"]), (&json!("Retain"), &json!("Retain")));
    let bucket = &bucket["Properties"];
    let encryption = &bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"][0];
    assert_eq!(encryption["ServerSideEncryptionByDefault"]["SSEAlgorithm"], "AES256");
    let block = bucket["PublicAccessBlockConfiguration"].as_object().unwrap();
    assert!(block.len() == 4 && block.values().all(|blocked| *blocked == true));
    assert_eq!(bucket["LifecycleConfiguration"]["Rules"][0]["ExpirationInDays"], json!({"Ref": "RetentionDays"}));
}

/// The statements that refuse plain http, by what they protect.
#[test]
fn queues_topics_and_bucket_are_reached_over_tls_only() {
    let policies = ["AWS::SQS::QueuePolicy", "AWS::SNS::TopicPolicy", "AWS::S3::BucketPolicy"].map(resources).concat();
    let protected: Vec<String> = policies
        .iter()
        .map(|(name, policy)| {
            let statement = &policy["Properties"]["PolicyDocument"]["Statement"][0];
            assert_eq!((&statement["Effect"], &statement["Principal"]), (&json!("Deny"), &json!("*")), "{name}");
            assert_eq!(statement["Condition"], json!({"Bool": {"aws:SecureTransport": false}}), "{name}");
            statement["Resource"].to_string()
        })
        .collect();
    for name in
        ["AWS::SQS::Queue", "AWS::SNS::Topic", "AWS::S3::Bucket"].map(resources).concat().iter().map(|(name, _)| name)
    {
        assert!(protected.iter().any(|resource| resource.contains(name.as_str())), "{name}");
    }
}

#[test]
fn credentials_are_demanded_and_never_shown() {
    let parameter = template()["Parameters"]["CallbackCredentials"].clone();
    assert_eq!((&parameter["NoEcho"], &parameter["Default"]), (&json!(true), &Value::Null));
    let outputs = template()["Outputs"].to_string();
    assert!(!outputs.contains("CallbackCredentials"));
}

#[test]
fn every_dead_letter_queue_is_encrypted_keeps_two_weeks_and_wakes_someone() {
    let alarms = resources("AWS::CloudWatch::Alarm");
    for (name, queue) in resources("AWS::SQS::Queue") {
        assert_eq!(queue["Properties"]["MessageRetentionPeriod"], 14 * 24 * 60 * 60, "{name}");
        assert_eq!(queue["Properties"]["SqsManagedSseEnabled"], true, "{name}");
        let dimension = json!([{"Name": "QueueName", "Value": {"Fn::GetAtt": format!("{name}.QueueName")}}]);
        let watches = |alarm: &Value| alarm["Properties"]["Dimensions"] == dimension;
        assert!(alarms.iter().any(|(_, alarm)| watches(alarm)), "{name} has an alarm");
    }
    for (name, alarm) in &alarms {
        let properties = &alarm["Properties"];
        assert!(properties["AlarmActions"].to_string().contains("AlarmTopicArn"), "{name}");
        assert!(properties["AlarmDescription"].as_str().unwrap().len() > 20, "{name} says what it means");
    }
}

#[test]
fn the_log_level_that_lambda_sets_is_the_one_that_is_read() {
    for function in ["mo", "dlr", "fanout", "recover"] {
        let main =
            std::fs::read_to_string(format!("{}/../functions/{function}/src/main.rs", env!("CARGO_MANIFEST_DIR")));
        let main = main.unwrap();
        assert!(main.contains(r#"var("AWS_LAMBDA_LOG_LEVEL")"#), "{function}");
        assert!(main.lines().count() <= 30, "{function}: main is wiring");
    }
}
