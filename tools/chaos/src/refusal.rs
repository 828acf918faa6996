//! How each service says no, in its own form. Pure.

/// A service that the functions call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Service {
    Dynamodb,
    Sns,
    Sqs,
    S3,
}

impl Service {
    pub(crate) const ALL: [Self; 4] = [Self::Dynamodb, Self::Sns, Self::Sqs, Self::S3];

    /// The environment variable by which a function is led to another endpoint for this service.
    pub(crate) fn endpoint_variable(self) -> &'static str {
        match self {
            Self::Dynamodb => "AWS_ENDPOINT_URL_DYNAMODB",
            Self::Sns => "AWS_ENDPOINT_URL_SNS",
            Self::Sqs => "AWS_ENDPOINT_URL_SQS",
            Self::S3 => "AWS_ENDPOINT_URL_S3",
        }
    }

    /// What the service may say when it refuses.
    pub(crate) fn refusals(self) -> &'static [Refusal] {
        match self {
            Self::Dynamodb => &[
                Refusal { status: 500, code: "InternalServerError" },
                Refusal { status: 400, code: "ProvisionedThroughputExceededException" },
                Refusal { status: 400, code: "ThrottlingException" },
                Refusal { status: 503, code: "ServiceUnavailable" },
            ],
            Self::Sns => &[
                Refusal { status: 500, code: "InternalError" },
                Refusal { status: 503, code: "ServiceUnavailable" },
                Refusal { status: 403, code: "AuthorizationError" },
                Refusal { status: 400, code: "Throttled" },
            ],
            Self::Sqs => &[
                Refusal { status: 500, code: "InternalFailure" },
                Refusal { status: 503, code: "ServiceUnavailable" },
                Refusal { status: 400, code: "RequestThrottled" },
                Refusal { status: 403, code: "AccessDeniedException" },
            ],
            Self::S3 => &[Refusal { status: 503, code: "SlowDown" }, Refusal { status: 500, code: "InternalError" }],
        }
    }

    /// The body and its media type.
    pub(crate) fn body(self, refusal: Refusal) -> (&'static str, String) {
        let Refusal { status, code } = refusal;
        match self {
            Self::Dynamodb => {
                let namespace = match code {
                    "ThrottlingException" => "com.amazon.coral.availability",
                    _ => "com.amazonaws.dynamodb.v20120810",
                };
                ("application/x-amz-json-1.0", json(namespace, code))
            }
            Self::Sqs => ("application/x-amz-json-1.0", json("com.amazonaws.sqs", code)),
            Self::Sns => {
                let fault = if status < 500 { "Sender" } else { "Receiver" };
                let body = format!(
                    r#"<ErrorResponse xmlns="http://sns.amazonaws.com/doc/2010-03-31/"><Error><Type>{fault}</Type><Code>{code}</Code><Message>injected</Message></Error><RequestId>{REQUEST_ID}</RequestId></ErrorResponse>"#
                );
                ("text/xml", body)
            }
            Self::S3 => {
                let body = format!(
                    r#"<?xml version="1.0" encoding="UTF-8"?><Error><Code>{code}</Code><Message>injected</Message><RequestId>{REQUEST_ID}</RequestId></Error>"#
                );
                ("application/xml", body)
            }
        }
    }
}

/// An error answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) status: u16,
    pub(crate) code: &'static str,
}

/// The request id of every answer that is made up here.
pub(crate) const REQUEST_ID: &str = "00000000-0000-0000-0000-000000000000";

fn json(namespace: &str, code: &str) -> String {
    format!(r#"{{"__type":"{namespace}#{code}","message":"injected"}}"#)
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    #[test]
    fn each_service_refuses_in_its_own_form() {
        for service in Service::ALL {
            for &refusal in service.refusals() {
                let (media_type, body) = service.body(refusal);
                if media_type.contains("json") {
                    let body: Value = serde_json::from_str(&body).unwrap();
                    assert!(body["__type"].as_str().unwrap().ends_with(&format!("#{}", refusal.code)));
                } else {
                    assert!(body.contains(&format!("<Code>{}</Code>", refusal.code)), "{body}");
                }
                assert!(refusal.status >= 400);
            }
        }
    }

    #[test]
    fn the_table_refuses_for_itself_and_for_too_much() {
        let [own, too_much, ..] = Service::Dynamodb.refusals() else { panic!("two") };
        assert_eq!(
            Service::Dynamodb.body(*own).1,
            r#"{"__type":"com.amazonaws.dynamodb.v20120810#InternalServerError","message":"injected"}"#
        );
        assert_eq!((own.status, too_much.status), (500, 400));
    }
}
