//! The AWS services behind the proxies, and their error answers. Pure.

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Service {
    Dynamodb,
    Sns,
    Sqs,
    S3,
}

impl Service {
    pub(crate) const ALL: [Self; 4] = [Self::Dynamodb, Self::Sns, Self::Sqs, Self::S3];

    /// The environment variable that gives a function another endpoint for this service.
    pub(crate) fn endpoint_variable(self) -> &'static str {
        match self {
            Self::Dynamodb => "AWS_ENDPOINT_URL_DYNAMODB",
            Self::Sns => "AWS_ENDPOINT_URL_SNS",
            Self::Sqs => "AWS_ENDPOINT_URL_SQS",
            Self::S3 => "AWS_ENDPOINT_URL_S3",
        }
    }

    pub(crate) fn errors(self) -> &'static [ErrorAnswer] {
        match self {
            Self::Dynamodb => &[
                ErrorAnswer { status: 500, code: "InternalServerError" },
                ErrorAnswer { status: 400, code: "ProvisionedThroughputExceededException" },
                ErrorAnswer { status: 400, code: "ThrottlingException" },
                ErrorAnswer { status: 503, code: "ServiceUnavailable" },
            ],
            Self::Sns => &[
                ErrorAnswer { status: 500, code: "InternalError" },
                ErrorAnswer { status: 503, code: "ServiceUnavailable" },
                ErrorAnswer { status: 403, code: "AuthorizationError" },
                ErrorAnswer { status: 400, code: "Throttled" },
            ],
            Self::Sqs => &[
                ErrorAnswer { status: 500, code: "InternalFailure" },
                ErrorAnswer { status: 503, code: "ServiceUnavailable" },
                ErrorAnswer { status: 400, code: "RequestThrottled" },
                ErrorAnswer { status: 403, code: "AccessDeniedException" },
            ],
            Self::S3 => {
                &[ErrorAnswer { status: 503, code: "SlowDown" }, ErrorAnswer { status: 500, code: "InternalError" }]
            }
        }
    }

    /// The media type and body of an error answer.
    pub(crate) fn body(self, error: ErrorAnswer) -> (&'static str, String) {
        let ErrorAnswer { status, code } = error;
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

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ErrorAnswer {
    pub(crate) status: u16,
    pub(crate) code: &'static str,
}

/// The request id of every answer that this process writes.
pub(crate) const REQUEST_ID: &str = "00000000-0000-0000-0000-000000000000";

fn json(namespace: &str, code: &str) -> String {
    format!(r#"{{"__type":"{namespace}#{code}","message":"injected"}}"#)
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    #[test]
    fn error_answers_have_the_form_of_their_service() {
        for service in Service::ALL {
            for &error in service.errors() {
                let (media_type, body) = service.body(error);
                if media_type.contains("json") {
                    let body: Value = serde_json::from_str(&body).unwrap();
                    assert!(body["__type"].as_str().unwrap().ends_with(&format!("#{}", error.code)));
                } else {
                    assert!(body.contains(&format!("<Code>{}</Code>", error.code)), "{body}");
                }
                assert!(error.status >= 400);
            }
        }
    }

    #[test]
    fn table_fails_and_throttles() {
        let [failure, throttle, ..] = Service::Dynamodb.errors() else { panic!("two") };
        assert_eq!(
            Service::Dynamodb.body(*failure).1,
            r#"{"__type":"com.amazonaws.dynamodb.v20120810#InternalServerError","message":"injected"}"#
        );
        assert_eq!((failure.status, throttle.status), (500, 400));
    }
}
