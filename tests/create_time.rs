//! What CloudFormation and the services reject when a stack is created, although `sam validate --lint` passes. Each
//! rule cites an AWS page, is checked against both templates, and is shown to fail for counterexamples.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::template::{load, parse};

const TEMPLATES: [&str; 2] = ["infra/template.yaml", "examples/subscriber/template.yaml"];
/// The assumed size of an ARN, a URL or a generated name.
const REFERENCE_BYTES: usize = 256;

/// Checks that every resource of `of_type` keeps the rule and each of `bad` breaks it. A rule gets the whole template
/// and the resource's properties.
#[track_caller]
fn check(of_type: &str, keeps: impl Fn(&Value, &Value) -> bool, bad: &[&str]) {
    check_found(|template| resources(template, of_type), keeps, bad);
}

#[track_caller]
fn check_found(find: impl Fn(&Value) -> Vec<(String, Value)>, keeps: impl Fn(&Value, &Value) -> bool, bad: &[&str]) {
    let templates = TEMPLATES.map(load);
    let mut found = 0;
    for (path, template) in TEMPLATES.iter().zip(&templates) {
        for (name, subject) in find(template) {
            assert!(keeps(template, &subject), "{path}: {name} would be rejected at creation");
            found += 1;
        }
    }
    assert!(found > 0, "the rule concerns nothing");
    for bad in bad {
        assert!(!keeps(&templates[0], &parse(bad)), "the rule would accept {bad}");
    }
}

fn resources(template: &Value, of_type: &str) -> Vec<(String, Value)> {
    let all = template["Resources"].as_object().unwrap().iter();
    let found = all.filter(|(_, resource)| resource["Type"] == of_type);
    found.map(|(name, resource)| (name.clone(), resource["Properties"].clone())).collect()
}

/// The event sources of a kind, each with its function's properties as `Function`.
fn sources(kind: &str) -> impl Fn(&Value) -> Vec<(String, Value)> {
    move |template| {
        let mut found = Vec::new();
        for (name, function) in resources(template, "AWS::Serverless::Function") {
            for (event, source) in function["Events"].as_object().into_iter().flatten() {
                if source["Type"] == kind {
                    let mut subject = source["Properties"].clone();
                    subject["Function"] = function.clone();
                    found.push((format!("{name}.{event}"), subject));
                }
            }
        }
        found
    }
}

/// The resource or parameter that `!Ref` or `!GetAtt` names.
fn target(value: &Value) -> Option<&str> {
    let name = value["Ref"].as_str().or(value["Fn::GetAtt"].as_str())?;
    name.split('.').next()
}

fn properties<'a>(template: &'a Value, value: &Value) -> &'a Value {
    target(value).map_or(&Value::Null, |name| &template["Resources"][name]["Properties"])
}

/// All that a number can be, a parameter's limits included.
fn numbers(template: &Value, value: &Value) -> Vec<i64> {
    let number = |value: &Value| value.as_i64().or_else(|| value.as_str()?.parse().ok());
    if let Some(literal) = number(value) {
        return vec![literal];
    }
    if let Some(map) = value["Fn::FindInMap"][0].as_str() {
        let rows = template["Mappings"][map].as_object().unwrap().values();
        return rows.flat_map(|row| row.as_object().unwrap().values().filter_map(number)).collect();
    }
    let parameter = target(value).map_or(&Value::Null, |name| &template["Parameters"][name]);
    let limits = ["Default", "MinValue", "MaxValue"].map(|limit| &parameter[limit]);
    limits.into_iter().chain(parameter["AllowedValues"].as_array().into_iter().flatten()).filter_map(number).collect()
}

/// Whether a property, if given, is always within the range.
fn within(template: &Value, value: &Value, range: std::ops::RangeInclusive<i64>) -> bool {
    let all = numbers(template, value);
    value.is_null() || (!all.is_empty() && all.iter().all(|number| range.contains(number)))
}

fn strings(value: &Value) -> Vec<String> {
    let one_or_more = if value.is_array() { value.as_array().unwrap().clone() } else { vec![value.clone()] };
    one_or_more.iter().map(|value| value.as_str().unwrap_or_default().to_owned()).collect()
}

fn statements(policy: &Value) -> Vec<Value> {
    policy["PolicyDocument"]["Statement"].as_array().cloned().unwrap_or_default()
}

/// The size of a value with every reference at its longest.
fn bytes(value: &Value) -> usize {
    match value {
        Value::Object(members)
            if members.len() == 1 && members.keys().all(|key| key == "Ref" || key.starts_with("Fn::")) =>
        {
            REFERENCE_BYTES
        }
        Value::Object(members) => 2 + members.iter().map(|(key, value)| key.len() + 4 + bytes(value)).sum::<usize>(),
        Value::Array(values) => 2 + values.iter().map(|value| 1 + bytes(value)).sum::<usize>(),
        other => other.to_string().len(),
    }
}

// ── SNS ───────────────────────────────────────────────────────────────────────────────────────────────────────────

/// "Amazon SNS API permissions: Actions and resources reference": a topic's policy is about that topic. Several fail with
/// `Policy statement must apply to a single resource!`.
#[test]
fn topic_policy_covers_one_topic() {
    let keeps = |_: &Value, policy: &Value| {
        let topics = policy["Topics"].as_array().unwrap();
        topics.len() == 1 && statements(policy).iter().all(|statement| statement["Resource"] == topics[0])
    };
    let bad = [
        "{Topics: [!Ref MoTopic, !Ref DlrTopic], PolicyDocument: {Statement: [{Resource: !Ref MoTopic}]}}",
        "{Topics: [!Ref MoTopic], PolicyDocument: {Statement: [{Resource: [!Ref MoTopic, !Ref DlrTopic]}]}}",
        "{Topics: [!Ref MoTopic], PolicyDocument: {Statement: [{Resource: !Ref DlrTopic}]}}",
        "{Topics: [!Ref MoTopic], PolicyDocument: {Statement: [{Resource: '*'}]}}",
    ];
    check("AWS::SNS::TopicPolicy", keeps, &bad);
}

/// The same page: only actions on a topic. Others fail with `Policy statement action out of service scope!`.
#[test]
fn topic_policy_takes_only_topic_actions() {
    const ACTIONS: [&str; 11] = [
        "sns:AddPermission",
        "sns:DeleteTopic",
        "sns:GetDataProtectionPolicy",
        "sns:GetTopicAttributes",
        "sns:ListSubscriptionsByTopic",
        "sns:ListTagsForResource",
        "sns:Publish",
        "sns:PutDataProtectionPolicy",
        "sns:RemovePermission",
        "sns:SetTopicAttributes",
        "sns:Subscribe",
    ];
    let keeps = |_: &Value, policy: &Value| {
        let actions = statements(policy).into_iter().flat_map(|statement| strings(&statement["Action"]));
        actions.into_iter().all(|action| ACTIONS.contains(&action.as_str()))
    };
    let with = |action: &str| format!("{{PolicyDocument: {{Statement: [{{Action: {action}}}]}}}}");
    let bad = ["'sns:*'", "'*'", "sns:ListTopics", "[sns:Publish, sns:Unsubscribe]"].map(with);
    check("AWS::SNS::TopicPolicy", keeps, &bad.each_ref().map(String::as_str));
}

/// "Amazon SNS subscription filter policies": at most 5 attributes and 150 combinations of their values.
#[test]
fn filter_policy_is_small_enough() {
    let keeps = |_: &Value, subscription: &Value| {
        let policy = subscription["FilterPolicy"].as_object().unwrap();
        let combinations: usize = policy.values().map(|values| values.as_array().map_or(0, Vec::len)).product();
        policy.len() <= 5 && (1..=150).contains(&combinations)
    };
    let bad = [
        "{FilterPolicy: {a: [1], b: [1], c: [1], d: [1], e: [1], f: [1]}}",
        "{FilterPolicy: {type: text}}",
        "{FilterPolicy: {a: [1,2,3,4,5,6], b: [1,2,3,4,5,6], c: [1,2,3,4,5,6]}}",
    ];
    check("AWS::SNS::Subscription", keeps, &bad);
}

/// "Amazon SNS dead-letter queues": the target is a queue of the topic's own kind, here a standard one, in its region.
#[test]
fn subscription_redrives_to_a_standard_queue() {
    let keeps = |template: &Value, subscription: &Value| {
        let redrive = &subscription["RedrivePolicy"];
        redrive.is_null()
            || target(&redrive["deadLetterTargetArn"]).is_some_and(|name| {
                let queue = &template["Resources"][name];
                queue["Type"] == "AWS::SQS::Queue" && queue["Properties"]["FifoQueue"] != true
            })
    };
    let bad = [
        "{RedrivePolicy: {deadLetterTargetArn: !Ref MoTopic}}",
        "{RedrivePolicy: {deadLetterTargetArn: !GetAtt Missing.Arn}}",
        "{RedrivePolicy: {}}",
    ];
    check("AWS::SNS::Subscription", keeps, &bad);
}

// ── SQS ───────────────────────────────────────────────────────────────────────────────────────────────────────────

/// "SetQueueAttributes" (Amazon SQS API Reference).
#[test]
fn queue_attributes_are_within_their_ranges() {
    let keeps = |template: &Value, queue: &Value| {
        within(template, &queue["MessageRetentionPeriod"], 60..=1_209_600)
            && within(template, &queue["VisibilityTimeout"], 0..=43_200)
            && within(template, &queue["MaximumMessageSize"], 1_024..=1_048_576)
            && within(template, &queue["DelaySeconds"], 0..=900)
            && within(template, &queue["ReceiveMessageWaitTimeSeconds"], 0..=20)
    };
    let bad = [
        "{MessageRetentionPeriod: 1209601}",
        "{VisibilityTimeout: 43201}",
        "{MaximumMessageSize: 2097152}",
        "{DelaySeconds: 901}",
        "{ReceiveMessageWaitTimeSeconds: 21}",
    ];
    check("AWS::SQS::Queue", keeps, &bad);
}

/// "Using dead-letter queues in Amazon SQS": the dead-letter queue of a FIFO queue is FIFO, of a standard one standard.
/// "SetQueueAttributes": at most 1,000 receives.
#[test]
fn queue_redrives_to_a_queue_of_its_kind() {
    let keeps = |template: &Value, queue: &Value| {
        let redrive = &queue["RedrivePolicy"];
        let dead_letters = properties(template, &redrive["deadLetterTargetArn"]);
        redrive.is_null()
            || (within(template, &redrive["maxReceiveCount"], 1..=1_000)
                && dead_letters.is_object()
                && (dead_letters["FifoQueue"] == true) == (queue["FifoQueue"] == true))
    };
    let bad = [
        "{RedrivePolicy: {deadLetterTargetArn: !GetAtt DeadLetterQueue.Arn, maxReceiveCount: 1001}}",
        "{RedrivePolicy: {deadLetterTargetArn: !GetAtt DeadLetterQueue.Arn, maxReceiveCount: 0}}",
        "{FifoQueue: true, RedrivePolicy: {deadLetterTargetArn: !GetAtt DeadLetterQueue.Arn, maxReceiveCount: 5}}",
        "{RedrivePolicy: {deadLetterTargetArn: !GetAtt Missing.Arn, maxReceiveCount: 5}}",
    ];
    check("AWS::SQS::Queue", keeps, &bad);
}

/// "CreateQueue": a FIFO queue's name ends in `.fifo`, and only that. The attribute is absent from a standard queue:
/// `false` fails with `Unknown Attribute FifoQueue.`
#[test]
fn queue_name_shows_its_kind() {
    let keeps = |_: &Value, queue: &Value| {
        let fifo = queue["FifoQueue"] == true;
        queue["FifoQueue"] != false
            && (fifo || queue["ContentBasedDeduplication"].is_null())
            && queue["QueueName"].as_str().is_none_or(|name| name.len() <= 80 && name.ends_with(".fifo") == fifo)
    };
    let bad = [
        "{QueueName: replies, FifoQueue: true}",
        "{QueueName: replies.fifo}",
        "{FifoQueue: false}",
        "{ContentBasedDeduplication: true}",
    ];
    check("AWS::SQS::Queue", keeps, &bad);
}

/// "Amazon SQS policy quotas": at most 20 statements, 7 actions each, and "Overview of managing access in Amazon SQS":
/// the resource is a queue.
#[test]
fn queue_policy_is_within_its_quotas() {
    let keeps = |_: &Value, policy: &Value| {
        let queues = policy["Queues"].as_array().unwrap();
        let named: Vec<_> = queues.iter().filter_map(target).collect();
        let statements = statements(policy);
        let fits = |statement: &Value| {
            let actions = strings(&statement["Action"]);
            let resource = target(&statement["Resource"]);
            actions.len() <= 7
                && actions.iter().all(|action| action.starts_with("sqs:"))
                && resource.is_some_and(|name| named.contains(&name))
        };
        (1..=20).contains(&statements.len()) && statements.iter().all(fits)
    };
    let bad = [
        "{Queues: [!Ref SpillQueue], PolicyDocument: {Statement: [{Action: 'sns:Publish', Resource: !GetAtt SpillQueue.Arn}]}}",
        "{Queues: [!Ref SpillQueue], PolicyDocument: {Statement: [{Action: 'sqs:*', Resource: !GetAtt DeadLetterQueue.Arn}]}}",
        "{Queues: [!Ref SpillQueue], PolicyDocument: {Statement: [{Action: ['sqs:a','sqs:b','sqs:c','sqs:d','sqs:e','sqs:f','sqs:g','sqs:h'], Resource: !GetAtt SpillQueue.Arn}]}}",
    ];
    check("AWS::SQS::QueuePolicy", keeps, &bad);
}

// ── event source mappings ─────────────────────────────────────────────────────────────────────────────────────────

/// "Creating and configuring an Amazon SQS event source mapping": Lambda rejects a mapping whose function may run longer
/// than the queue hides a message, 30 s unless the queue says otherwise.
#[test]
fn queue_hides_messages_as_long_as_its_function_runs() {
    let keeps = |template: &Value, source: &Value| {
        let hidden = properties(template, &source["Queue"])["VisibilityTimeout"].as_i64().unwrap_or(30);
        source["Function"]["Timeout"].as_i64().unwrap_or(3) <= hidden
    };
    check_found(sources("SQS"), keeps, &["{Queue: !GetAtt SpillQueue.Arn, Function: {Timeout: 31}}"]);
}

/// "CreateEventSourceMapping": batches of more than 10 messages need a window, and are for standard queues.
/// "ScalingConfig": 2 to 1,000 concurrent invocations.
#[test]
fn queue_is_read_within_the_limits() {
    let keeps = |template: &Value, source: &Value| {
        let window = source["MaximumBatchingWindowInSeconds"].as_i64().unwrap_or(0);
        let fifo = properties(template, &source["Queue"])["FifoQueue"] == true;
        let largest = if window >= 1 && !fifo { 10_000 } else { 10 };
        within(template, &source["BatchSize"], 1..=largest)
            && (0..=300).contains(&window)
            && within(template, &source["ScalingConfig"]["MaximumConcurrency"], 2..=1_000)
    };
    let bad = [
        "{Queue: !GetAtt SpillQueue.Arn, BatchSize: 11}",
        "{Queue: !GetAtt SpillQueue.Arn, BatchSize: 10001, MaximumBatchingWindowInSeconds: 1}",
        "{Queue: !GetAtt SpillQueue.Arn, ScalingConfig: {MaximumConcurrency: 1}}",
        "{Queue: !GetAtt SpillQueue.Arn, MaximumBatchingWindowInSeconds: 301}",
    ];
    check_found(sources("SQS"), keeps, &bad);
}

/// "CreateEventSourceMapping".
#[test]
fn stream_is_read_within_the_limits() {
    let keeps = |template: &Value, source: &Value| {
        let age = &source["MaximumRecordAgeInSeconds"];
        within(template, &source["BatchSize"], 1..=10_000)
            && (within(template, age, 60..=604_800) || *age == -1)
            && within(template, &source["MaximumRetryAttempts"], -1..=10_000)
            && within(template, &source["ParallelizationFactor"], 1..=10)
            && within(template, &source["MaximumBatchingWindowInSeconds"], 0..=300)
            && ["TRIM_HORIZON", "LATEST"].contains(&source["StartingPosition"].as_str().unwrap_or_default())
    };
    let bad = [
        "{StartingPosition: LATEST, BatchSize: 10001}",
        "{StartingPosition: LATEST, MaximumRecordAgeInSeconds: 59}",
        "{StartingPosition: LATEST, MaximumRecordAgeInSeconds: 604801}",
        "{StartingPosition: LATEST, MaximumRetryAttempts: 10001}",
        "{StartingPosition: LATEST, ParallelizationFactor: 11}",
        "{StartingPosition: AT_TIMESTAMP}",
    ];
    check_found(sources("DynamoDB"), keeps, &bad);
}

/// "Control which events Lambda sends to your function": at most 5 filters, patterns of at most 4,096 characters that
/// are JSON with a list at each end.
#[test]
fn stream_filter_is_a_pattern_that_lambda_accepts() {
    fn ends_in_lists(pattern: &Value) -> bool {
        match pattern {
            Value::Object(members) => !members.is_empty() && members.values().all(ends_in_lists),
            Value::Array(values) => !values.is_empty(),
            _ => false,
        }
    }
    let keeps = |_: &Value, source: &Value| {
        let filters = source["FilterCriteria"]["Filters"].as_array().unwrap();
        let accepted = |filter: &Value| {
            let pattern = filter["Pattern"].as_str().unwrap();
            let parsed = serde_json::from_str::<Value>(pattern);
            pattern.len() <= 4_096 && parsed.is_ok_and(|parsed| ends_in_lists(&parsed))
        };
        (1..=5).contains(&filters.len()) && filters.iter().all(accepted)
    };
    let with = |pattern: &str| format!("{{FilterCriteria: {{Filters: [{{Pattern: '{pattern}'}}]}}}}");
    let long = format!(r#"{{"a": ["{}"]}}"#, "x".repeat(4_096));
    let bad = [r#"{"eventName": "INSERT"}"#, r#"{"eventName": }"#, "{}", &long].map(with);
    check_found(sources("DynamoDB"), keeps, &bad.each_ref().map(String::as_str));
    let six = format!("{{FilterCriteria: {{Filters: [{}]}}}}", [r#"{Pattern: '{"a": ["b"]}'}"#; 6].join(", "));
    check_found(sources("DynamoDB"), keeps, &[&six]);
}

/// "Process DynamoDB records with Lambda" and "Creating and configuring an Amazon SQS event source mapping": Lambda looks
/// for these permissions in the role when the mapping is created. Without a role of its own SAM adds them.
#[test]
fn role_may_read_its_event_source_and_write_its_failures() {
    fn allows(template: &Value, role: &Value, action: &str) -> bool {
        let policies = properties(template, role)["Policies"].as_array().cloned().unwrap_or_default();
        let statements: Vec<Value> = policies.iter().flat_map(statements).collect();
        statements.iter().any(|statement| {
            statement["Effect"] == "Allow" && strings(&statement["Action"]).contains(&action.to_owned())
        })
    }
    let read = |actions: &'static [&str]| {
        move |template: &Value, source: &Value| {
            let role = &source["Function"]["Role"];
            let failures = source["DestinationConfig"]["OnFailure"].is_object();
            role.is_null()
                || (actions.iter().all(|action| allows(template, role, action))
                    && (!failures || allows(template, role, "sqs:SendMessage")))
        }
    };
    let queue = read(&["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"]);
    check_found(sources("SQS"), queue, &["{Function: {Role: !GetAtt MoRole.Arn}}"]);
    let stream =
        read(&["dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator", "dynamodb:ListStreams"]);
    check_found(sources("DynamoDB"), stream, &["{Function: {Role: !GetAtt RecoverRole.Arn}}"]);
}

// ── Lambda ────────────────────────────────────────────────────────────────────────────────────────────────────────

/// "Lambda quotas" and "CreateFunction".
#[test]
fn function_is_within_the_quotas() {
    let keeps = |template: &Value, function: &Value| {
        within(template, &function["Timeout"], 1..=900)
            && within(template, &function["MemorySize"], 128..=10_240)
            && function["Description"].as_str().is_none_or(|text| text.len() <= 256)
    };
    let long = format!("{{Description: {}}}", "x".repeat(257));
    check("AWS::Serverless::Function", keeps, &["{Timeout: 901}", "{MemorySize: 127}", &long]);
}

/// "Working with Lambda environment variables": names, reserved names, and 4 KB for all of a function's variables. A
/// parameter without a greatest length could be any size.
#[test]
fn environment_fits_and_uses_no_reserved_name() {
    const RESERVED: [&str; 8] = [
        "_HANDLER",
        "_X_AMZN_TRACE_ID",
        "AWS_DEFAULT_REGION",
        "AWS_REGION",
        "AWS_EXECUTION_ENV",
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN",
    ];
    let keeps = |template: &Value, function: &Value| {
        let common = template["Globals"]["Function"]["Environment"]["Variables"].as_object();
        let own = function["Environment"]["Variables"].as_object();
        let size = |value: &Value| {
            let chosen = if value["Fn::If"].is_array() { &value["Fn::If"][1] } else { value };
            let parameter = target(chosen).map_or(&Value::Null, |name| &template["Parameters"][name]);
            match (chosen.as_str(), parameter["Type"].as_str()) {
                (Some(literal), _) => literal.len(),
                (None, Some("String")) => parameter["MaxLength"].as_u64().map_or(usize::MAX / 2, |max| max as usize),
                (None, _) => REFERENCE_BYTES,
            }
        };
        let mut total = 0_usize;
        let named = common.into_iter().chain(own).flatten().all(|(name, value)| {
            total = total.saturating_add(name.len()).saturating_add(size(value));
            let mut letters = name.chars();
            letters.next().is_some_and(|first| first.is_ascii_alphabetic())
                && letters.all(|letter| letter.is_ascii_alphanumeric() || letter == '_')
                && !RESERVED.contains(&name.as_str())
                && !name.starts_with("AWS_LAMBDA_")
        });
        named && total <= 4_096
    };
    let bad = [
        "{Environment: {Variables: {AWS_REGION: us-east-1}}}",
        "{Environment: {Variables: {AWS_LAMBDA_LOG_LEVEL: INFO}}}",
        "{Environment: {Variables: {1ST: x}}}",
        "{Environment: {Variables: {ALARMS: !Ref AlarmTopicArn}}}",
        &format!("{{Environment: {{Variables: {{LONG: {}}}}}}}", "x".repeat(4_096)),
    ];
    check("AWS::Serverless::Function", keeps, &bad);
}

// ── API Gateway ───────────────────────────────────────────────────────────────────────────────────────────────────

/// "Quotas for configuring and running an HTTP API in API Gateway": 30 s at most. "Create AWS Lambda proxy integrations
/// for HTTP APIs": POST, whatever the route's method.
#[test]
fn integration_is_one_that_an_http_api_accepts() {
    let keeps = |template: &Value, integration: &Value| {
        within(template, &integration["TimeoutInMillis"], 50..=30_000)
            && integration["IntegrationMethod"] == "POST"
            && ["1.0", "2.0"].contains(&integration["PayloadFormatVersion"].as_str().unwrap_or_default())
    };
    let bad = [
        "{IntegrationMethod: POST, PayloadFormatVersion: '2.0', TimeoutInMillis: 30001}",
        "{IntegrationMethod: GET, PayloadFormatVersion: '2.0'}",
        "{IntegrationMethod: POST, PayloadFormatVersion: 2.0}",
    ];
    check("AWS::ApiGatewayV2::Integration", keeps, &bad);
}

/// "Create routes for HTTP APIs in API Gateway".
#[test]
fn route_key_is_a_method_and_a_path() {
    let keeps = |_: &Value, route: &Value| {
        let key = route["RouteKey"].as_str().unwrap();
        let methods = ["ANY", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"];
        let parts = key.split_once(' ');
        key == "$default" || parts.is_some_and(|(method, path)| methods.contains(&method) && path.starts_with('/'))
    };
    check("AWS::ApiGatewayV2::Route", keeps, &["{RouteKey: /mo}", "{RouteKey: POST mo}", "{RouteKey: post /mo}"]);
}

/// "Customize HTTP API access logs": these variables. "Configure logging for HTTP APIs": one line, with the request's id.
#[test]
fn access_log_format_uses_known_variables() {
    const KNOWN: [&str; 14] = [
        "requestId",
        "requestTime",
        "domainName",
        "routeKey",
        "status",
        "responseLatency",
        "responseLength",
        "error.responseType",
        "error.message",
        "integration.requestId",
        "integration.status",
        "integration.latency",
        "integration.error",
        "integration.integrationStatus",
    ];
    let keeps = |_: &Value, stage: &Value| {
        let format = stage["AccessLogSettings"]["Format"].as_str().unwrap();
        let used: Vec<_> = format
            .split("$context.")
            .skip(1)
            .map(|rest| rest.split(|letter: char| !(letter.is_ascii_alphanumeric() || letter == '.')).next().unwrap())
            .collect();
        used.iter().all(|name| KNOWN.contains(name))
            && used.contains(&"requestId")
            && !format.contains('\n')
            && serde_json::from_str::<Value>(format).is_ok()
    };
    let bad = [
        r#"{AccessLogSettings: {Format: '{"status":"$context.status"}'}}"#,
        r#"{AccessLogSettings: {Format: '{"requestId":"$context.requestId","body":"$context.body"}'}}"#,
        r#"{AccessLogSettings: {Format: '{"requestId":"$context.requestId",}'}}"#,
    ];
    check("AWS::ApiGatewayV2::Stage", keeps, &bad);
}

// ── DynamoDB and S3 ───────────────────────────────────────────────────────────────────────────────────────────────

/// "CreateTable": attributes are defined that keys use, and no others. On demand, neither table nor index has a
/// throughput. A key is a hash and at most a range.
#[test]
fn table_defines_exactly_the_attributes_of_its_keys() {
    let keeps = |_: &Value, table: &Value| {
        let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
        let names = |attributes: Vec<Value>| -> BTreeSet<String> {
            attributes.iter().map(|it| it["AttributeName"].as_str().unwrap().to_owned()).collect()
        };
        let indexes = list(&table["GlobalSecondaryIndexes"]);
        let keys: Vec<Vec<Value>> =
            std::iter::once(table).chain(&indexes).map(|keyed| list(&keyed["KeySchema"])).collect();
        let key_types: Vec<Vec<&str>> =
            keys.iter().map(|key| key.iter().filter_map(|part| part["KeyType"].as_str()).collect()).collect();
        let on_demand = table["BillingMode"] == "PAY_PER_REQUEST";
        names(list(&table["AttributeDefinitions"])) == names(keys.concat())
            && key_types.iter().all(|types| types == &["HASH"] || types == &["HASH", "RANGE"])
            && indexes.len() <= 20
            && std::iter::once(table).chain(&indexes).all(|it| it["ProvisionedThroughput"].is_null() == on_demand)
    };
    let bad = [
        "{BillingMode: PAY_PER_REQUEST, AttributeDefinitions: [{AttributeName: pk}, {AttributeName: body}], KeySchema: [{AttributeName: pk, KeyType: HASH}]}",
        "{BillingMode: PAY_PER_REQUEST, AttributeDefinitions: [], KeySchema: [{AttributeName: pk, KeyType: HASH}]}",
        "{BillingMode: PAY_PER_REQUEST, AttributeDefinitions: [{AttributeName: pk}], KeySchema: [{AttributeName: pk, KeyType: RANGE}]}",
        "{BillingMode: PAY_PER_REQUEST, ProvisionedThroughput: {}, AttributeDefinitions: [{AttributeName: pk}], KeySchema: [{AttributeName: pk, KeyType: HASH}]}",
    ];
    check("AWS::DynamoDB::Table", keeps, &bad);
}

/// "Lifecycle configuration elements": each rule does something, after at least a day, under an id of its own.
#[test]
fn lifecycle_rules_are_complete() {
    let keeps = |template: &Value, bucket: &Value| {
        let rules = bucket["LifecycleConfiguration"]["Rules"].as_array().unwrap();
        let ids: BTreeSet<_> = rules.iter().map(|rule| rule["Id"].as_str().unwrap_or_default()).collect();
        let complete = |rule: &Value| {
            !rule["ExpirationInDays"].is_null()
                && within(template, &rule["ExpirationInDays"], 1..=i64::from(i32::MAX))
                && within(template, &rule["AbortIncompleteMultipartUpload"]["DaysAfterInitiation"], 1..=3_650)
                && rule["Status"] == "Enabled"
        };
        ids.len() == rules.len() && ids.iter().all(|id| (1..=255).contains(&id.len())) && rules.iter().all(complete)
    };
    let bad = [
        "{LifecycleConfiguration: {Rules: [{Id: a, Status: Enabled}]}}",
        "{LifecycleConfiguration: {Rules: [{Id: a, Status: Enabled, ExpirationInDays: 0}]}}",
        "{LifecycleConfiguration: {Rules: [{Id: a, Status: Enabled, ExpirationInDays: 1}, {Id: a, Status: Enabled, ExpirationInDays: 2}]}}",
        "{LifecycleConfiguration: {Rules: [{Id: a, Status: Enabled, ExpirationInDays: !Ref SilenceMinutes}]}}",
    ];
    check("AWS::S3::Bucket", keeps, &bad);
}

// ── IAM ───────────────────────────────────────────────────────────────────────────────────────────────────────────

/// "IAM and AWS STS quotas": 10,240 characters for all inline policies of a role.
#[test]
fn inline_policies_fit_their_role() {
    let keeps = |_: &Value, role: &Value| bytes(&role["Policies"]) <= 10_240;
    let statement = format!("{{Effect: Allow, Resource: [{}]}}", ["!Ref MoTopic"; 41].join(", "));
    let bad = format!("{{Policies: [{{PolicyDocument: {{Statement: [{statement}]}}}}]}}");
    check("AWS::IAM::Role", keeps, &[&bad]);
}

// ── CloudWatch ────────────────────────────────────────────────────────────────────────────────────────────────────

/// "PutMetricAlarm": a period is 10, 20, 30 or whole minutes; all periods together are at most a day, or 7 days from an
/// hour a period on.
#[test]
fn alarm_looks_back_no_further_than_it_may() {
    let keeps = |template: &Value, alarm: &Value| {
        let metrics = alarm["Metrics"].as_array().into_iter().flatten();
        let periods = std::iter::once(&alarm["Period"]).chain(metrics.map(|metric| &metric["MetricStat"]["Period"]));
        let periods: Vec<i64> = periods.flat_map(|period| numbers(template, period)).collect();
        // A parameter's 0 is for no alarm at all.
        let evaluated = &alarm["EvaluationPeriods"];
        let evaluated = numbers(template, evaluated).into_iter().filter(|count| *count != 0 || evaluated.is_number());
        let (evaluated, longest) = (evaluated.collect::<Vec<_>>(), periods.iter().max().copied().unwrap_or(0));
        let most = if longest < 3_600 { 86_400 } else { 604_800 };
        let counted = numbers(template, &alarm["DatapointsToAlarm"]);
        !periods.is_empty()
            && periods.iter().all(|period| [10, 20, 30].contains(period) || (*period > 0 && period % 60 == 0))
            && !evaluated.is_empty()
            && evaluated.iter().all(|count| *count >= 1 && count * longest <= most)
            && counted.iter().all(|count| evaluated.iter().all(|periods| (1..=*periods).contains(count)))
    };
    let bad = [
        "{Period: 90, EvaluationPeriods: 1}",
        "{Period: 60, EvaluationPeriods: 1441}",
        "{Period: 3600, EvaluationPeriods: 169}",
        "{Period: 60, EvaluationPeriods: 0}",
        "{Period: 60, EvaluationPeriods: 2, DatapointsToAlarm: 3}",
        "{Period: 3600, EvaluationPeriods: !Ref SilenceMinutes}",
        "{EvaluationPeriods: 1}",
        "{Metrics: [{MetricStat: {Period: 300}}], EvaluationPeriods: 289}",
    ];
    check("AWS::CloudWatch::Alarm", keeps, &bad);
}

/// "PutMetricAlarm" and "MetricDataQuery": either one metric or a list of which exactly one returns data, at most 10, each
/// with an id of its own that begins with a small letter, and expressions of at most 1,024 characters that name them.
#[test]
fn alarm_watches_one_number() {
    let keeps = |_: &Value, alarm: &Value| {
        let Some(metrics) = alarm["Metrics"].as_array() else {
            return ["Namespace", "MetricName", "Statistic"].iter().all(|given| !alarm[given].is_null());
        };
        let ids: BTreeSet<_> = metrics.iter().map(|metric| metric["Id"].as_str().unwrap()).collect();
        let named = |id: &&str| {
            id.starts_with(|first: char| first.is_ascii_lowercase())
                && id.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '_')
        };
        let known = |expression: &str| {
            let words = expression.split(|letter: char| !(letter.is_ascii_alphanumeric() || letter == '_'));
            let mut names = words.filter(|word| word.starts_with(|first: char| first.is_ascii_lowercase()));
            expression.len() <= 1_024 && names.all(|name| ids.contains(name))
        };
        let is_one = |metric: &Value| match (metric["Expression"].as_str(), metric["MetricStat"].is_object()) {
            (Some(expression), false) => known(expression),
            (None, stat) => stat,
            (Some(_), true) => false,
        };
        metrics.len() <= 10
            && ids.len() == metrics.len()
            && ids.iter().all(named)
            && metrics.iter().all(is_one)
            && metrics.iter().filter(|metric| metric["ReturnData"] != false).count() == 1
            && ["Namespace", "MetricName", "Statistic", "Period", "Dimensions"].iter().all(|it| alarm[it].is_null())
    };
    let bad = [
        "{Namespace: AWS/SQS, Statistic: Sum}",
        "{Metrics: [{Id: a, MetricStat: {}}, {Id: b, Expression: a + 1}]}",
        "{Metrics: [{Id: a, MetricStat: {}, ReturnData: false}]}",
        "{Metrics: [{Id: Total, MetricStat: {}}]}",
        "{Metrics: [{Id: a, MetricStat: {}, ReturnData: false}, {Id: b, Expression: a + c}]}",
        "{Metrics: [{Id: a, MetricStat: {}}], Period: 60}",
        "{Metrics: [{Id: a, MetricStat: {}, Expression: a}]}",
    ];
    check("AWS::CloudWatch::Alarm", keeps, &bad);
}

/// "PutMetricAlarm": a description of at most 1,024 characters, 5 actions a state, 30 dimensions of different names, and a
/// static threshold where no anomaly is looked for.
#[test]
fn alarm_is_within_its_limits() {
    let keeps = |_: &Value, alarm: &Value| {
        let actions = |name: &str| alarm[name].as_array().map_or(0, Vec::len);
        let dimensions = alarm["Dimensions"].as_array().cloned().unwrap_or_default();
        let names: BTreeSet<_> = dimensions.iter().map(|dimension| dimension["Name"].to_string()).collect();
        let comparisons = ["GreaterThan", "GreaterThanOrEqualTo", "LessThan", "LessThanOrEqualTo"];
        alarm["AlarmDescription"].as_str().unwrap_or_default().len() <= 1_024
            && ["AlarmActions", "OKActions", "InsufficientDataActions"].iter().all(|name| actions(name) <= 5)
            && names.len() == dimensions.len()
            && names.len() <= 30
            && alarm["Threshold"].is_number()
            && comparisons.iter().any(|it| alarm["ComparisonOperator"] == format!("{it}Threshold"))
            && ["breaching", "notBreaching", "ignore", "missing"].iter().any(|it| alarm["TreatMissingData"] == *it)
    };
    let rest = "Threshold: 0, ComparisonOperator: GreaterThanThreshold, TreatMissingData: ignore";
    let bad = [
        format!("{{AlarmDescription: {}, {rest}}}", "x".repeat(1_025)),
        format!("{{AlarmActions: [a, b, c, d, e, f], {rest}}}"),
        format!("{{Dimensions: [{{Name: a, Value: b}}, {{Name: a, Value: c}}], {rest}}}"),
        "{ComparisonOperator: GreaterThanThreshold, TreatMissingData: ignore}".to_owned(),
        "{Threshold: 0, ComparisonOperator: Greater, TreatMissingData: ignore}".to_owned(),
    ];
    check("AWS::CloudWatch::Alarm", keeps, &bad.each_ref().map(String::as_str));
}

/// "PutMetricFilter" and "MetricTransformation": one transformation, a pattern of at most 1,024 characters, at most 3
/// dimensions, which only a pattern for JSON has and which exclude a default value; a namespace that isn't AWS's.
#[test]
fn metric_filter_is_one_that_logs_accepts() {
    let keeps = |_: &Value, filter: &Value| {
        let pattern = filter["FilterPattern"].as_str().unwrap();
        let transformations = filter["MetricTransformations"].as_array().unwrap();
        let accepted = |it: &Value| {
            let dimensions = it["Dimensions"].as_array().cloned().unwrap_or_default();
            let fields = dimensions.iter().all(|dimension| dimension["Value"].as_str().unwrap().starts_with("$."));
            dimensions.len() <= 3
                && fields
                && (dimensions.is_empty() || (pattern.starts_with('{') && it["DefaultValue"].is_null()))
                && it["MetricNamespace"]
                    .as_str()
                    .is_none_or(|name| !name.starts_with("AWS/") && !name.contains([':', '*', '$']))
        };
        pattern.len() <= 1_024
            && pattern.starts_with('{') == pattern.ends_with('}')
            && transformations.len() == 1
            && transformations.iter().all(accepted)
    };
    let with = |transformation: &str| {
        format!("{{FilterPattern: '{{ $.a = \"*\" }}', MetricTransformations: [{transformation}]}}")
    };
    let bad = [
        with("{MetricNamespace: a}, {MetricNamespace: b}"),
        with("{DefaultValue: 0, Dimensions: [{Key: a, Value: $.a}]}"),
        with("{Dimensions: [{Key: a, Value: $.a}, {Key: b, Value: $.b}, {Key: c, Value: $.c}, {Key: d, Value: $.d}]}"),
        with("{Dimensions: [{Key: a, Value: a}]}"),
        with("{MetricNamespace: AWS/Lambda}"),
        "{FilterPattern: ERROR, MetricTransformations: [{Dimensions: [{Key: a, Value: $.a}]}]}".to_owned(),
        format!("{{FilterPattern: {}, MetricTransformations: [{{}}]}}", "x".repeat(1_025)),
    ];
    check("AWS::Logs::MetricFilter", keeps, &bad.each_ref().map(String::as_str));
}

/// "CreateLogGroup": letters, digits and `_-/.#`. "PutRetentionPolicy": one of these numbers of days.
#[test]
fn log_group_has_a_name_and_a_retention_that_logs_accepts() {
    const DAYS: [i64; 22] = [
        1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1_096, 1_827, 2_192, 2_557, 2_922, 3_288, 3_653,
    ];
    let keeps = |template: &Value, group: &Value| {
        let name = group["LogGroupName"]["Fn::Sub"].as_str().or(group["LogGroupName"].as_str()).unwrap();
        let name = name.replace("${AWS::StackName}", "stack");
        let days = numbers(template, &group["RetentionInDays"]);
        name.len() <= 512
            && name.chars().all(|letter| letter.is_ascii_alphanumeric() || "_-/.#".contains(letter))
            && !days.is_empty()
            && days.iter().all(|day| DAYS.contains(day))
    };
    let bad = [
        "{LogGroupName: 'wab:mo', RetentionInDays: 30}",
        "{LogGroupName: !Sub '/aws/${Api}/mo', RetentionInDays: 30}",
        "{LogGroupName: wab, RetentionInDays: 31}",
        "{LogGroupName: wab, RetentionInDays: !Ref RetentionDays}",
    ];
    check("AWS::Logs::LogGroup", keeps, &bad);
}

// ── CloudFormation ────────────────────────────────────────────────────────────────────────────────────────────────

/// "CloudFormation quotas", and "Mappings" for the keys' letters.
#[test]
fn template_is_within_the_quotas_of_cloudformation() {
    let keeps = |_: &Value, template: &Value| {
        let named = |section: &str| {
            template[section].as_object().into_iter().flatten().map(|(name, _)| name.clone()).collect::<Vec<_>>()
        };
        let alphanumeric = |name: &String| name.len() <= 255 && name.chars().all(|it| it.is_ascii_alphanumeric());
        let mappings = template["Mappings"].as_object().into_iter().flatten();
        let rows = mappings.map(|(_, rows)| rows.as_object().unwrap());
        let mapped = rows
            .clone()
            .flatten()
            .flat_map(|(key, row)| std::iter::once(key.clone()).chain(row.as_object().unwrap().keys().cloned()));
        let key = |key: String| key.chars().all(|it| it.is_ascii_alphanumeric() || it == '-' || it == '.');
        let described = |value: &Value, most: usize| value.as_str().is_none_or(|text| text.len() <= most);
        let sections = [("Parameters", 200), ("Resources", 500), ("Outputs", 200), ("Mappings", 200)];
        sections.iter().all(|(section, most)| named(section).len() <= *most && named(section).iter().all(alphanumeric))
            && described(&template["Description"], 1_024)
            && template["Parameters"]
                .as_object()
                .into_iter()
                .flatten()
                .all(|(_, it)| described(&it["Description"], 4_000))
            && template["Outputs"].as_object().into_iter().flatten().all(|(_, it)| described(&it["Description"], 1_024))
            && rows.clone().all(|rows| rows.len() <= 200)
            && mapped.into_iter().all(key)
    };
    let bad = [
        format!("{{Description: {}}}", "x".repeat(1_025)),
        format!("{{Parameters: {{A: {{Description: {}}}}}}}", "x".repeat(4_001)),
        "{Resources: {a_b: {}}}".to_owned(),
        "{Mappings: {A: {'30 days': {Days: 1}}}}".to_owned(),
        format!("{{Outputs: {{{}}}}}", (0..201).map(|n| format!("A{n}: {{}}")).collect::<Vec<_>>().join(", ")),
    ];
    let whole = |template: &Value| vec![("the template".to_owned(), template.clone())];
    check_found(whole, keeps, &bad.each_ref().map(String::as_str));
}

/// "Parameters": a default is one of the allowed values and within the limits.
#[test]
fn parameter_defaults_are_allowed() {
    let keeps = |_: &Value, parameter: &Value| {
        let default = &parameter["Default"];
        let allowed = parameter["AllowedValues"].as_array().is_none_or(|allowed| allowed.contains(default));
        let limit = |name: &str, or: f64| parameter[name].as_f64().unwrap_or(or);
        let number = default.as_f64().unwrap_or(0.0);
        default.is_null() || (allowed && (limit("MinValue", number)..=limit("MaxValue", number)).contains(&number))
    };
    let bad = [
        "{Default: 31, AllowedValues: [30, 60]}",
        "{Default: true, AllowedValues: ['true', 'false']}",
        "{Default: 0, MinValue: 1}",
        "{Default: 1441, MaxValue: 1440}",
    ];
    let parameters = |template: &Value| {
        let all = template["Parameters"].as_object().unwrap().iter();
        all.map(|(name, parameter)| (name.clone(), parameter.clone())).collect()
    };
    check_found(parameters, keeps, &bad);
}

/// "DeletionPolicy attribute" and "UpdateReplacePolicy attribute": both are literals. CloudFormation doesn't ask for the
/// second where the first is given; without it a replacement deletes what a deletion keeps.
#[test]
fn retained_resources_are_also_retained_when_replaced() {
    let keeps = |_: &Value, resource: &Value| {
        let (deleted, replaced) = (&resource["DeletionPolicy"], &resource["UpdateReplacePolicy"]);
        deleted == replaced && (deleted.is_null() || *deleted == "Retain")
    };
    let all = |template: &Value| {
        let all = template["Resources"].as_object().unwrap().iter();
        all.map(|(name, resource)| (name.clone(), resource.clone())).collect()
    };
    let bad = ["{DeletionPolicy: Retain}", "{DeletionPolicy: !Ref Policy, UpdateReplacePolicy: !Ref Policy}"];
    check_found(all, keeps, &bad);
}
