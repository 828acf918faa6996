//! A call to AWS, and its answer.

use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use serde_json::{Value, json};

/// A service, recognized by the host of the call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Service {
    DynamoDb,
    S3,
    Sns,
    Sqs,
    Lambda,
}

#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) service: Service,
    pub(crate) operation: String,
    /// The path without its leading slash, for S3 and Lambda.
    pub(crate) path: String,
    pub(crate) body: Vec<u8>,
}

impl Request {
    pub(crate) fn read(http: &HttpRequest) -> Self {
        let url = http.uri();
        let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
        let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
        let service = match host {
            host if host.starts_with("dynamodb.") => Service::DynamoDb,
            host if host.contains(".s3.") => Service::S3,
            host if host.starts_with("sns.") => Service::Sns,
            host if host.starts_with("sqs.") => Service::Sqs,
            host if host.starts_with("lambda.") => Service::Lambda,
            other => panic!("no service is modelled at {other}"),
        };
        let body = http.body().bytes().unwrap_or_default().to_vec();
        let path = path.split('?').next().unwrap_or_default().to_owned();
        let operation = match (http.method(), service) {
            ("GET", _) if path == "ping" => "Ping".to_owned(),
            (_, Service::DynamoDb | Service::Sqs) => {
                let target = http.headers().get("x-amz-target").unwrap_or_default();
                target.rsplit('.').next().unwrap_or_default().to_owned()
            }
            (_, Service::Sns) => form_urlencoded::parse(&body)
                .find(|(name, _)| name == "Action")
                .map(|(_, action)| action.into_owned())
                .unwrap_or_default(),
            ("PUT", Service::S3) => "PutObject".to_owned(),
            ("GET", Service::S3) => "GetObject".to_owned(),
            (_, Service::Lambda) => "Invoke".to_owned(),
            (method, Service::S3) => panic!("S3's {method} is not modelled"),
        };
        Self { service, operation, path, body }
    }

    /// The JSON body of a call.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{}: {error}", self.operation))
    }
}

#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Vec<u8>,
    /// Whether the invoked function failed.
    pub(crate) function_error: bool,
}

impl Answer {
    pub(crate) fn ok(body: impl Into<Vec<u8>>) -> Self {
        Self { status: 200, body: body.into(), function_error: false }
    }

    pub(crate) fn json(body: &Value) -> Self {
        Self::ok(body.to_string())
    }

    /// An error in the form of the service.
    pub(crate) fn error(service: Service, status: u16, code: &str) -> Self {
        let body = match service {
            Service::DynamoDb | Service::Sqs | Service::Lambda => {
                json!({"__type": format!("com.amazonaws#{code}"), "message": "as the plan says"}).to_string()
            }
            Service::Sns => format!(
                "<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>as the plan says</Message></Error></ErrorResponse>"
            ),
            Service::S3 => format!("<Error><Code>{code}</Code><Message>as the plan says</Message></Error>"),
        };
        Self { status, body: body.into_bytes(), function_error: false }
    }

    pub(crate) fn into_http(self) -> HttpResponse {
        let status = self.status.try_into().unwrap_or_else(|_| unreachable!("statuses here are legal"));
        let mut response = HttpResponse::new(status, self.body.into());
        if self.function_error {
            response.headers_mut().insert("x-amz-function-error", "Unhandled");
        }
        response
    }
}
