//! The operational rules of `infra/template.yaml`.

mod alarms;
mod dashboard;

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::time::Duration;

use saphyr::{LoadableYamlNode, Scalar, Yaml};
use serde_json::{Map, Value, json};
use wab_ingress::{ANSWER_TIME, MIN_PUT_TIME, PUT_TIME};

pub(crate) fn template() -> Value {
    load("infra/template.yaml")
}

/// A template of this repository as JSON.
pub(crate) fn load(path: &str) -> Value {
    parse(&text(path))
}

fn text(path: &str) -> String {
    std::fs::read_to_string(format!("{}/../{path}", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

/// Converts YAML to JSON, with short tags in their long form: `!Ref X` becomes `{"Ref": "X"}`.
pub(crate) fn parse(yaml: &str) -> Value {
    to_json(&Yaml::load_from_str(yaml).unwrap()[0])
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

/// The names that `read` looks up if each of them has a usable value.
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
fn each_function_gets_exactly_the_settings_it_reads() {
    let receiver = asked(|var| wab_ingress::Settings::read(var));
    let fanout = asked(|var| wab_fanout::Settings::read(var));
    let recover = asked(|var| wab_recover::Settings::read(var));
    for (function, expected) in [("Mo", &receiver), ("Dlr", &receiver), ("Fanout", &fanout), ("Recover", &recover)] {
        let given = resource(function)["Environment"]["Variables"].clone();
        let given: BTreeSet<String> = given.as_object().unwrap().keys().cloned().collect();
        // Lambda sets the others.
        let expected: BTreeSet<String> = expected.iter().filter(|name| !name.starts_with("AWS_")).cloned().collect();
        assert_eq!(given, expected, "{function}");
    }
    // All functions also get one that the SDK's configuration knows, if the deployment sets it.
    let common = template()["Globals"]["Function"]["Environment"]["Variables"].clone();
    let chosen = json!({"Fn::If": ["HasCertificateFile", {"Ref": "CertificateFile"}, {"Ref": "AWS::NoValue"}]});
    assert_eq!(common, json!({"SSL_CERT_FILE": chosen}));
}

#[test]
fn stream_is_retried_until_an_age_then_parked() {
    let source = resource("Fanout")["Events"]["Stored"]["Properties"].clone();
    assert_eq!(source["FunctionResponseTypes"], json!(["ReportBatchItemFailures"]));
    assert_eq!(source["BisectBatchOnFunctionError"], true);
    assert_eq!(source["StartingPosition"], "TRIM_HORIZON");
    assert_eq!(source["MaximumRetryAttempts"], -1, "age alone ends the retries");
    let age = source["MaximumRecordAgeInSeconds"].as_i64().unwrap();
    // Later than `fanout` parks an event, at 20 h, and earlier than the stream forgets a record, at 24 h.
    assert!((21 * 60 * 60..24 * 60 * 60).contains(&age));
    let destination = &source["DestinationConfig"]["OnFailure"]["Destination"];
    assert_eq!(destination, &json!({"Fn::GetAtt": "DeadLetterQueue.Arn"}));
    let pattern = source["FilterCriteria"]["Filters"][0]["Pattern"].as_str().unwrap();
    let pattern: Value = serde_json::from_str(pattern).unwrap();
    assert_eq!(pattern["eventName"], json!(["INSERT"]));
    assert_eq!(pattern["dynamodb"]["Keys"]["pk"]["S"], json!([{"prefix": "MO#"}, {"prefix": "DLR#"}]));
}

#[test]
fn every_function_logs_json_with_retention_from_info_up() {
    let globals = template()["Globals"]["Function"]["LoggingConfig"].clone();
    assert_eq!((&globals["LogFormat"], &globals["SystemLogLevel"]), (&json!("JSON"), &json!("WARN")));
    // A higher level would hide lines that metric filters count.
    assert_eq!(globals["ApplicationLogLevel"], "INFO");
    for (name, function) in resources("AWS::Serverless::Function") {
        let group = function["Properties"]["LoggingConfig"]["LogGroup"]["Ref"].as_str().unwrap();
        assert!(resource(group)["RetentionInDays"].is_object(), "{name}");
    }
    for (name, group) in resources("AWS::Logs::LogGroup") {
        assert_eq!(group["Properties"]["RetentionInDays"], json!({"Ref": "LogRetentionDays"}), "{name}");
    }
}

#[test]
fn every_function_has_its_folder_and_a_longer_timeout() {
    for (name, function) in resources("AWS::Serverless::Function") {
        assert_eq!(function["Metadata"]["BuildMethod"], "rust-cargolambda", "{name}");
        assert_eq!(function["Properties"]["CodeUri"], format!("../functions/{}", name.to_lowercase()));
    }
    // Table and spill queue keep their reserved time, however long a callback has waited. A slow table doesn't use the
    // spill queue's time.
    assert!(wab_store::TABLE_TIME + wab_store::SPILL_TIME <= MIN_PUT_TIME);
    assert!(wab_store::PUT_DEADLINE + wab_store::SPILL_TIME <= PUT_TIME);
    assert!(wab_store::SPILL_TIME_OF_OBJECT < wab_store::SPILL_TIME);
    let answered = PUT_TIME + Duration::from_millis(400);
    assert!(answered < Duration::from_secs(4), "too little time is left for the answer");
    for (function, integration) in [("Mo", "MoIntegration"), ("Dlr", "DlrIntegration")] {
        let timeout = resource(function)["Timeout"].as_i64().unwrap() * 1000;
        // Lambda's timeout counts only the invocation. A callback that didn't wait has all of its time.
        let until_timeout = Duration::from_millis(timeout.try_into().unwrap()) - ANSWER_TIME;
        assert!(PUT_TIME <= until_timeout, "{function}");
        assert!(timeout < resource(integration)["TimeoutInMillis"].as_i64().unwrap(), "{function}");
        assert_eq!(resource(integration)["PayloadFormatVersion"], "2.0");
    }
}

#[test]
fn each_role_has_exactly_the_permissions_its_function_uses() {
    let logs = |group: &str| (json!(["logs:CreateLogStream", "logs:PutLogEvents"]), json!({"Fn::GetAtt": group}));
    let allow = |action: &str, resource: Value| (json!(action), resource);
    let get_att = |attribute: &str| json!({"Fn::GetAtt": attribute});
    let objects = || json!({"Fn::Sub": "${Bucket.Arn}/*"});
    let with_fifo = |value: Value| json!({"Fn::If": ["HasFifoTopics", value, {"Ref": "AWS::NoValue"}]});
    let fifo = |topic: &str| with_fifo(json!({"Ref": topic}));
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
                (
                    json!("dynamodb:Query"),
                    json!([get_att("Events.Arn"), with_fifo(json!({"Fn::Sub": "${Events.Arn}/index/by-source"}))]),
                ),
                allow("dynamodb:GetItem", get_att("Events.Arn")),
                allow("s3:GetObject", objects()),
                allow("s3:ListBucket", get_att("Bucket.Arn")),
                (
                    json!("sns:Publish"),
                    json!([{"Ref": "MoTopic"}, {"Ref": "DlrTopic"}, fifo("MoFifoTopic"), fifo("DlrFifoTopic")]),
                ),
                park,
                logs("FanoutLogs.Arn"),
            ],
        ),
    ];
    assert_eq!(resources("AWS::IAM::Role").len(), expected.len());
    for (role, expected) in expected {
        let policies = resource(role)["Policies"].clone();
        let statements = policies[0]["PolicyDocument"]["Statement"].as_array().unwrap().clone();
        // The statement for FIFO topics is `Fn::If`: condition, statement, nothing.
        let given = statements.iter().map(|statement| statement["Fn::If"].get(1).unwrap_or(statement));
        let given: Vec<_> =
            given.map(|statement| (statement["Action"].clone(), statement["Resource"].clone())).collect();
        assert_eq!(given, expected, "{role}");
        let conditions = statements.iter().filter_map(|statement| statement["Fn::If"].get(0));
        let conditions: Vec<&Value> = conditions.collect();
        assert_eq!(conditions, vec!["HasFifoTopics"; usize::from(role == "FanoutRole")], "{role}");
        let key = &policies[1]["Fn::If"];
        assert_eq!((&key[0], &key[2]), (&json!("HasKmsKey"), &json!({"Ref": "AWS::NoValue"})), "{role}");
        let statement = &key[1]["PolicyDocument"]["Statement"];
        let use_key = json!(["kms:Decrypt", "kms:GenerateDataKey"]);
        assert_eq!(
            statement,
            &json!([{"Effect": "Allow", "Action": use_key, "Resource": {"Ref": "KmsKeyArn"}}]),
            "{role}"
        );
        let tracing = &policies[2]["Fn::If"];
        assert_eq!((&tracing[0], &tracing[2]), (&json!("Traces"), &json!({"Ref": "AWS::NoValue"})), "{role}");
        let statement = &tracing[1]["PolicyDocument"]["Statement"];
        let traces = json!(["xray:PutTraceSegments", "xray:PutTelemetryRecords"]);
        assert_eq!(statement, &json!([{"Effect": "Allow", "Action": traces, "Resource": "*"}]), "{role}");
        assert_eq!(policies.as_array().unwrap().len(), 3);
        assert_eq!(resource(role)["ManagedPolicyArns"], Value::Null);
    }
}

/// Every action in the policies of people that read.
#[test]
fn watcher_and_reader_change_nothing_and_only_the_reader_sees_messages() {
    let actions = |policy: &str| -> Vec<String> {
        let statements = resource(policy)["PolicyDocument"]["Statement"].as_array().unwrap().clone();
        let chosen = |statement: Value| match &statement["Fn::If"] {
            Value::Array(chosen) => chosen[1].clone(),
            _ => statement,
        };
        let of_statement = |statement: Value| match &statement["Action"] {
            Value::Array(actions) => actions.clone(),
            action => vec![action.clone()],
        };
        let actions = statements.into_iter().map(chosen).flat_map(of_statement);
        actions.map(|action| action.as_str().unwrap().to_owned()).collect()
    };
    const READS: [&str; 7] = ["BatchGet", "Decrypt", "Describe", "Filter", "Get", "List", "Query"];
    for policy in ["WatcherPolicy", "ReaderPolicy"] {
        for action in actions(policy) {
            let verb = action.split(':').nth(1).unwrap();
            assert!(verb == "Scan" || READS.iter().any(|read| verb.starts_with(read)), "{policy}: {action}");
        }
    }
    let content = ["BatchGetItem", "GetItem", "Query", "Scan", "GetObject", "ReceiveMessage"];
    let reads_content = |policy| actions(policy).iter().any(|action| content.iter().any(|name| action.ends_with(name)));
    assert!(!reads_content("WatcherPolicy") && reads_content("ReaderPolicy"));
}

/// Without the parameter, AWS's keys are used: each resource names one, or its service's default.
#[test]
fn own_key_encrypts_whatever_holds_data() {
    let own = json!({"Fn::If": ["HasKmsKey", {"Ref": "KmsKeyArn"}, {"Ref": "AWS::NoValue"}]});
    for (kind, property) in [("AWS::Logs::LogGroup", "KmsKeyId"), ("AWS::SQS::Queue", "KmsMasterKeyId")] {
        for (name, resource) in resources(kind) {
            assert_eq!(resource["Properties"][property], own, "{name}");
        }
    }
    for (name, topic) in resources("AWS::SNS::Topic") {
        let key = json!({"Fn::If": ["HasKmsKey", {"Ref": "KmsKeyArn"}, "alias/aws/sns"]});
        assert_eq!(topic["Properties"]["KmsMasterKeyId"], key, "{name}");
    }
    let template = template();
    assert_eq!(template["Globals"]["Function"]["KmsKeyArn"], own);
    assert_eq!(template["Resources"]["Events"]["Properties"]["SSESpecification"]["KMSMasterKeyId"], own);
    assert_eq!(template["Parameters"]["KmsKeyArn"]["Default"], "");
    let chosen = json!({"Fn::Not": [{"Fn::Equals": [{"Ref": "KmsKeyArn"}, ""]}]});
    assert_eq!(template["Conditions"]["HasKmsKey"], chosen);
}

#[test]
fn stores_of_events_survive_the_stack() {
    for (name, resource) in ["AWS::DynamoDB::Table", "AWS::S3::Bucket", "AWS::SQS::Queue"].map(resources).concat() {
        let policies = (&resource["DeletionPolicy"], &resource["UpdateReplacePolicy"]);
        assert_eq!(policies, (&json!("Retain"), &json!("Retain")), "{name}");
    }
}

#[test]
fn table_expires_items_and_streams_new_ones() {
    let (_, table) = resources("AWS::DynamoDB::Table").remove(0);
    let table = &table["Properties"];
    assert_eq!(table["BillingMode"], "PAY_PER_REQUEST");
    assert_eq!(table["StreamSpecification"]["StreamViewType"], "NEW_IMAGE");
    assert_eq!(table["TimeToLiveSpecification"], json!({"AttributeName": "expires_at", "Enabled": true}));
    assert_eq!(table["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"], true);
}

#[test]
fn spill_queue_outlasts_its_reader_and_takes_partial_answers() {
    let source = resource("Recover")["Events"]["Spilled"]["Properties"].clone();
    assert_eq!(source["FunctionResponseTypes"], json!(["ReportBatchItemFailures"]));
    let queue = resource("SpillQueue");
    let visibility = queue["VisibilityTimeout"].as_u64().unwrap();
    let timeout = resource("Recover")["Timeout"].as_u64().unwrap();
    assert!(wab_store::PUT_DEADLINE.as_secs_f64() < timeout as f64 - 1.0);
    assert_eq!(visibility, 6 * timeout, "as Lambda advises");
    assert_eq!(queue["RedrivePolicy"]["deadLetterTargetArn"], json!({"Fn::GetAtt": "DeadLetterQueue.Arn"}));
    let limit = queue["RedrivePolicy"]["maxReceiveCount"].as_u64().unwrap();
    assert!(
        u64::from(wab_recover::MAX_RECEIVES) < limit,
        "the function parks with a reason before the queue parks without one"
    );
    assert_eq!(queue["MaximumMessageSize"], wab_models::MAX_SPILL_BYTES);
}

#[test]
fn bucket_is_encrypted_and_private() {
    let (_, bucket) = resources("AWS::S3::Bucket").remove(0);
    let bucket = &bucket["Properties"];
    let encryption = &bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"][0]["Fn::If"];
    assert_eq!(encryption[0], "HasKmsKey");
    let own = json!({"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": {"Ref": "KmsKeyArn"}});
    assert_eq!(encryption[1], json!({"ServerSideEncryptionByDefault": own, "BucketKeyEnabled": true}));
    assert_eq!(encryption[2], json!({"ServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}));
    let block = bucket["PublicAccessBlockConfiguration"].as_object().unwrap();
    assert!(block.len() == 4 && block.values().all(|blocked| *blocked == true));
}

#[test]
fn objects_outlive_items_that_expire_late() {
    let (_, bucket) = resources("AWS::S3::Bucket").remove(0);
    let expiration = &bucket["Properties"]["LifecycleConfiguration"]["Rules"][0]["ExpirationInDays"];
    assert_eq!(expiration, &json!({"Fn::FindInMap": ["ObjectRetention", {"Ref": "RetentionDays"}, "Days"]}));
    let template = template();
    let choices = template["Parameters"]["RetentionDays"]["AllowedValues"].as_array().unwrap();
    let rows = template["Mappings"]["ObjectRetention"].as_object().unwrap();
    assert_eq!(choices.len(), rows.len());
    for days in choices {
        let kept = rows[&days.to_string()]["Days"].as_u64().unwrap();
        assert_eq!(kept, days.as_u64().unwrap() + 7, "one week more, because TTL can be days late");
    }
}

/// The statements of the policies of queues, topics and the bucket, each with the policy's name.
fn resource_statements() -> Vec<(String, Value)> {
    let policies = ["AWS::SQS::QueuePolicy", "AWS::SNS::TopicPolicy", "AWS::S3::BucketPolicy"].map(resources).concat();
    let of_policy = |(name, policy): (String, Value)| {
        let statements = policy["Properties"]["PolicyDocument"]["Statement"].as_array().unwrap().clone();
        statements.into_iter().map(move |statement| (name.clone(), statement)).collect::<Vec<_>>()
    };
    policies.into_iter().flat_map(of_policy).collect()
}

#[test]
fn queues_topics_and_bucket_require_tls_and_grant_nothing() {
    let mut protected = Vec::new();
    for (name, statement) in resource_statements() {
        assert_eq!((&statement["Effect"], &statement["Principal"]), (&json!("Deny"), &json!("*")), "{name}");
        if statement["Sid"] == "TlsOnly" {
            assert_eq!(statement["Condition"], json!({"Bool": {"aws:SecureTransport": false}}), "{name}");
            protected.push(statement["Resource"].to_string());
        }
    }
    for name in
        ["AWS::SQS::Queue", "AWS::SNS::Topic", "AWS::S3::Bucket"].map(resources).concat().iter().map(|(name, _)| name)
    {
        assert!(protected.iter().any(|resource| resource.contains(name.as_str())), "{name}");
    }
}

#[test]
fn topics_and_dead_letter_queue_accept_only_the_functions_that_send() {
    let role = |name: &str| json!({"Fn::GetAtt": format!("{name}Role.Arn")});
    let unless = |principals: Value| json!({"ArnNotEquals": {"aws:PrincipalArn": principals}});
    let senders = |sid: &str| -> Vec<Value> {
        let found = resource_statements().into_iter().map(|(_, statement)| statement);
        found.filter(|statement| statement["Sid"] == sid).collect()
    };
    let fanout_only = senders("FanoutOnly");
    assert_eq!(fanout_only.len(), resources("AWS::SNS::Topic").len());
    for statement in fanout_only {
        assert_eq!((&statement["Action"], &statement["Condition"]), (&json!("sns:Publish"), &unless(role("Fanout"))));
    }
    let [statement] = &senders("FunctionsOnly")[..] else { panic!("one queue") };
    assert_eq!(statement["Resource"], json!({"Fn::GetAtt": "DeadLetterQueue.Arn"}));
    assert_eq!(statement["Action"], "sqs:SendMessage");
    assert_eq!(statement["Condition"], unless(json!([role("Fanout"), role("Recover")])));
}

#[test]
fn table_and_bucket_cannot_be_deleted_while_the_stack_exists() {
    assert_eq!(resource("Events")["DeletionProtectionEnabled"], true);
    let statements = resource_statements();
    let deletion = statements.iter().find(|(_, statement)| statement["Sid"] == "NoDeletion").unwrap();
    assert_eq!(deletion.0, "BucketPolicy");
    assert_eq!(
        (&deletion.1["Action"], &deletion.1["Resource"]),
        (&json!("s3:DeleteBucket"), &json!({"Fn::GetAtt": "Bucket.Arn"}))
    );
}

#[test]
fn credentials_are_required_and_never_shown() {
    let parameter = template()["Parameters"]["CallbackCredentials"].clone();
    assert_eq!((&parameter["NoEcho"], &parameter["Default"]), (&json!(true), &Value::Null));
    let outputs = template()["Outputs"].to_string();
    assert!(!outputs.contains("CallbackCredentials"));
}

#[test]
fn one_architecture_is_built_and_deployed() {
    let makefile = text("Makefile");
    let commands: Vec<&str> = makefile.lines().filter(|line| line.starts_with('\t')).collect();
    let of = |command: &str| commands.iter().find(|line| line.contains(command)).unwrap();
    assert!(of("sam build").ends_with("Architecture=$(ARCH)"));
    assert!(of("infra/deploy.py").contains("--arch $(ARCH) "));
}

#[test]
fn domain_alone_leaves_the_default_endpoint_open() {
    let template = template();
    assert_eq!(resource("Api")["DisableExecuteApiEndpoint"], json!({"Fn::If": ["ClosesDefaultEndpoint", true, false]}));
    let asked = json!({"Fn::Equals": [{"Ref": "DisableDefaultEndpoint"}, "true"]});
    let both = json!({"Fn::And": [{"Condition": "HasDomain"}, asked]});
    assert_eq!(template["Conditions"]["ClosesDefaultEndpoint"], both);
    assert_eq!(template["Parameters"]["DisableDefaultEndpoint"]["Default"], "false");
    let format = resource("ApiStage")["AccessLogSettings"]["Format"].as_str().unwrap().to_owned();
    assert!(format.contains("$context.domainName"), "the log shows the called domain");
}

#[test]
fn concurrency_is_reserved_only_on_request() {
    for (function, parameter) in
        [("Mo", "CallbackConcurrency"), ("Dlr", "CallbackConcurrency"), ("Fanout", "FanoutConcurrency")]
    {
        let condition = format!("Has{parameter}");
        let chosen = json!({"Fn::If": [condition, {"Ref": parameter}, {"Ref": "AWS::NoValue"}]});
        assert_eq!(resource(function)["ReservedConcurrentExecutions"], chosen, "{function}");
        assert_eq!(template()["Parameters"][parameter]["Default"], "", "{function}");
    }
}

#[test]
fn examples_differ_only_in_the_function() {
    let without_function = |language: &str| {
        let mut template = load(&format!("examples/{language}/template.yaml"));
        let function = template["Resources"].as_object_mut().unwrap().remove("Subscriber").unwrap();
        let shared = ["CodeUri", "Architectures", "Timeout", "Environment", "Events"];
        (template, shared.map(|property| function["Properties"][property].clone()))
    };
    assert_eq!(without_function("typescript"), without_function("rust"));
    assert_eq!(without_function("python"), without_function("rust"));
}

#[test]
fn example_subscription_keeps_what_cannot_be_delivered() {
    let resources = load("examples/rust/template.yaml")["Resources"].clone();
    let topic = &resources["Subscription"]["Properties"]["TopicArn"];
    for (queue, policy) in [("Texts", "TextsPolicy"), ("Undelivered", "UndeliveredPolicy")] {
        let statement = &resources[policy]["Properties"]["PolicyDocument"]["Statement"][0];
        assert_eq!(statement["Principal"], json!({"Service": "sns.amazonaws.com"}), "{queue}");
        assert_eq!(statement["Action"], "sqs:SendMessage", "{queue}");
        assert_eq!(statement["Resource"], json!({"Fn::GetAtt": format!("{queue}.Arn")}), "{queue}");
        assert_eq!(&statement["Condition"]["ArnEquals"]["aws:SourceArn"], topic, "{queue}");
    }
    let redrive = &resources["Subscription"]["Properties"]["RedrivePolicy"];
    assert_eq!(redrive, &json!({"deadLetterTargetArn": {"Fn::GetAtt": "Undelivered.Arn"}}));
}

#[test]
fn fifo_topics_are_added_on_request() {
    let template = template();
    let asked = json!({"Fn::Equals": [{"Ref": "FifoTopics"}, "true"]});
    assert_eq!(template["Conditions"]["HasFifoTopics"], asked);
    assert_eq!(template["Parameters"]["FifoTopics"]["Default"], "false");
    for kind in ["Mo", "Dlr"] {
        let topic = &template["Resources"][format!("{kind}FifoTopic")];
        assert_eq!((&topic["Condition"], &topic["Properties"]["FifoTopic"]), (&json!("HasFifoTopics"), &json!(true)));
        let name = topic["Properties"]["TopicName"]["Fn::Sub"].as_str().unwrap();
        assert!(name.ends_with(".fifo"), "SNS requires it");
        assert_eq!(topic["Properties"]["KmsMasterKeyId"], resource(&format!("{kind}Topic"))["KmsMasterKeyId"]);
        let variable =
            &resource("Fanout")["Environment"]["Variables"][format!("{}_FIFO_TOPIC_ARN", kind.to_uppercase())];
        let topic = json!({"Ref": format!("{kind}FifoTopic")});
        assert_eq!(variable, &json!({"Fn::If": ["HasFifoTopics", topic, {"Ref": "AWS::NoValue"}]}));
    }
}

#[test]
fn functions_are_traced_only_on_request() {
    let template = template();
    let chosen = json!({"Fn::If": ["Traces", "Active", "PassThrough"]});
    assert_eq!(template["Globals"]["Function"]["Tracing"], chosen);
    assert_eq!(template["Conditions"]["Traces"], json!({"Fn::Equals": [{"Ref": "Tracing"}, "true"]}));
    assert_eq!(template["Parameters"]["Tracing"]["Default"], "false");
}

#[test]
fn version_of_the_template_is_the_workspaces() {
    assert_eq!(template()["Outputs"]["Version"]["Value"], env!("CARGO_PKG_VERSION"));
}

#[test]
fn mains_are_wiring_and_log_their_final_error() {
    for function in ["mo", "dlr", "fanout", "recover"] {
        let main =
            std::fs::read_to_string(format!("{}/../functions/{function}/src/main.rs", env!("CARGO_MANIFEST_DIR")));
        let main = main.unwrap();
        assert!(main.contains("wab_platform::exit_code("), "{function}: the final error is logged");
        assert!(main.lines().count() <= 30, "{function}: main is wiring");
    }
}
