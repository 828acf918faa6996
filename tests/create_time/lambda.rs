//! AWS Lambda: functions, their event source mappings, and their roles.

use serde_json::Value;

use super::{REFERENCE_BYTES, bytes, check, check_found, properties, sources, statements, strings, target, within};

/// "Creating and configuring an Amazon SQS event source mapping": Lambda rejects a mapping if the function's timeout is
/// longer than the queue's visibility timeout, 30 s by default.
#[test]
fn visibility_timeout_covers_the_function_timeout() {
    let keeps = |template: &Value, source: &Value| {
        let hidden = properties(template, &source["Queue"])["VisibilityTimeout"].as_i64().unwrap_or(30);
        source["Function"]["Timeout"].as_i64().unwrap_or(3) <= hidden
    };
    check_found(sources("SQS"), keeps, &["{Queue: !GetAtt SpillQueue.Arn, Function: {Timeout: 31}}"]);
}

/// "CreateEventSourceMapping": batches of more than 10 messages need a batching window and a standard queue.
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

/// "Control which events Lambda sends to your function": at most 5 filters. A pattern is JSON of at most 4,096
/// characters whose leaves are lists.
#[test]
fn stream_filter_is_accepted_by_lambda() {
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

/// "Process DynamoDB records with Lambda" and "Creating and configuring an Amazon SQS event source mapping": Lambda
/// looks for these permissions when the mapping is created. SAM adds them to the role that it generates.
#[test]
fn role_can_read_its_source_and_report_failures() {
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

/// "Working with Lambda environment variables": names, reserved names, and 4 KB for all variables of a function. A
/// text parameter without a `MaxLength` is unlimited; a number has 20 digits at most.
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
                (None, Some("Number")) => 20,
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

/// "IAM and AWS STS quotas": 10,240 characters for all inline policies of a role.
#[test]
fn inline_policies_fit_their_role() {
    let keeps = |_: &Value, role: &Value| bytes(&role["Policies"]) <= 10_240;
    let statement = format!("{{Effect: Allow, Resource: [{}]}}", ["!Ref MoTopic"; 41].join(", "));
    let bad = format!("{{Policies: [{{PolicyDocument: {{Statement: [{statement}]}}}}]}}");
    check("AWS::IAM::Role", keeps, &[&bad]);
}

/// The same page: 6,144 characters for a managed policy, without white space. "AWS::IAM::ManagedPolicy": the description
/// has at most 1,000.
#[test]
fn managed_policy_is_small_enough() {
    let keeps = |_: &Value, policy: &Value| {
        bytes(&policy["PolicyDocument"]) <= 6_144
            && policy["Description"].as_str().is_none_or(|text| text.len() <= 1_000)
    };
    let statement = format!("{{Effect: Allow, Resource: [{}]}}", ["!Ref MoTopic"; 25].join(", "));
    let bad = [
        format!("{{PolicyDocument: {{Statement: [{statement}]}}}}"),
        format!("{{Description: {}}}", "x".repeat(1_001)),
    ];
    check("AWS::IAM::ManagedPolicy", keeps, &bad.each_ref().map(String::as_str));
}
