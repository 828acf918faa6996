//! Amazon API Gateway: the HTTP API.

use serde_json::Value;

use super::{check, within};

/// "Quotas for configuring and running an HTTP API in API Gateway": 30 s at most. "Create AWS Lambda proxy integrations
/// for HTTP APIs": POST, regardless of the route's method.
#[test]
fn integration_is_accepted_by_an_http_api() {
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

/// "Customize HTTP API access logs": the variables. "Configure logging for HTTP APIs": one line, with the request id.
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
