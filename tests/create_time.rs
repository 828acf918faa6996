//! What CloudFormation and the services reject when a stack is created, although `sam validate --lint` passes. Each
//! rule cites an AWS page, is checked against each template, and is shown to fail for counterexamples.

mod api_gateway;
mod cloudwatch;
mod lambda;
mod sns;
mod sqs;
mod storage;

use serde_json::Value;

use crate::template::{load, parse};

const TEMPLATES: [&str; 9] = [
    "infra/template.yaml",
    "examples/archive/template.yaml",
    "examples/eventbridge/template.yaml",
    "examples/fifo/template.yaml",
    "examples/lambda/template.yaml",
    "examples/python/template.yaml",
    "examples/rust/template.yaml",
    "examples/typescript/template.yaml",
    "tools/wab/golden/subscribe.yaml",
];

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
    assert!(found > 0, "no resource is subject to the rule");
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

/// Every value that a number can have, including a parameter's limits.
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

/// Whether every value of a property is within the range. True if it is missing.
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

/// The size of a value, with [`REFERENCE_BYTES`] for each reference.
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

/// "CloudFormation quotas". "Mappings": the characters of keys.
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
        let all = template["Parameters"].as_object().into_iter().flatten();
        all.map(|(name, parameter)| (name.clone(), parameter.clone())).collect()
    };
    check_found(parameters, keeps, &bad);
}

/// "DeletionPolicy attribute" and "UpdateReplacePolicy attribute": both are literals. CloudFormation accepts the first
/// without the second, but then a replacement deletes the old resource.
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
