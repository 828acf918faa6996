//! Posts events to an HTTP endpoint as SNS does (SNS developer guide, "HTTP/HTTPS headers", "HTTP/HTTPS notification JSON
//! format" and "Raw message delivery").

use std::collections::BTreeMap;
use std::fmt;
use std::time::{Duration, Instant};

use anyhow::Context;
use jiff::Timestamp;
use serde_json::{Value, json};
use ureq::Agent;
use wab_ingress::basic_authorization;

use crate::callback_url::{CallbackUrl, is_loopback};

/// SNS waits as long for an answer ("Amazon SNS message delivery retries").
const TIMEOUT: Duration = Duration::from_secs(15);

/// How the body is written.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    /// The event alone, as with raw message delivery.
    Raw,
    /// SNS's JSON envelope around the event.
    Envelope,
}

/// An event as SNS delivers it.
#[derive(Clone)]
pub(crate) struct Notification {
    pub(crate) message_id: String,
    /// Empty if the event didn't come from a topic.
    pub(crate) topic_arn: String,
    /// Empty if the event didn't come from a subscription.
    pub(crate) subscription_arn: String,
    pub(crate) event: String,
    pub(crate) attributes: BTreeMap<String, String>,
    pub(crate) published_at: Timestamp,
    /// The envelope that SNS wrote and signed, if the event came in one.
    pub(crate) envelope: Option<String>,
}

impl Notification {
    /// The body of a delivery. An envelope that SNS didn't write has an empty signature.
    fn body(&self, format: Format) -> String {
        match (format, &self.envelope) {
            (Format::Raw, _) => self.event.clone(),
            (Format::Envelope, Some(envelope)) => envelope.clone(),
            (Format::Envelope, None) => {
                let attributes = self.attributes.iter();
                let attributes =
                    attributes.map(|(name, value)| (name.clone(), json!({"Type": "String", "Value": value})));
                json!({
                    "Type": "Notification",
                    "MessageId": self.message_id,
                    "TopicArn": self.topic_arn,
                    "Message": self.event,
                    "Timestamp": format!("{:.3}", self.published_at),
                    "SignatureVersion": "1",
                    "Signature": "",
                    "SigningCertURL": "",
                    "UnsubscribeURL": "",
                    "MessageAttributes": attributes.collect::<serde_json::Map<String, Value>>(),
                })
                .to_string()
            }
        }
    }

    fn headers(&self, format: Format) -> Vec<(&'static str, &str)> {
        let mut headers = vec![
            ("content-type", "text/plain; charset=UTF-8"),
            ("user-agent", "Amazon Simple Notification Service Agent"),
            ("x-amz-sns-message-type", "Notification"),
            ("x-amz-sns-message-id", &self.message_id),
            ("x-amz-sns-topic-arn", &self.topic_arn),
            ("x-amz-sns-subscription-arn", &self.subscription_arn),
        ];
        if format == Format::Raw {
            headers.push(("x-amz-sns-rawdelivery", "true"));
        }
        headers.retain(|(_, value)| !value.is_empty());
        headers
    }
}

/// An `http` or `https` URL that events are posted to. It may hold a user and a password.
#[derive(Clone)]
pub(crate) struct Endpoint {
    address: String,
    authorization: Option<String>,
    format: Format,
    agent: Agent,
}

/// The outcome of a delivery.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Posted {
    Answered {
        status: u16,
        took: Duration,
    },
    /// Nobody listens at the address.
    Unreachable {
        reason: &'static str,
    },
    /// The answer didn't come in time, or broke off.
    Unanswered {
        reason: String,
        took: Duration,
    },
}

impl Posted {
    /// Whether the endpoint took the event. SNS counts no other answer as a success.
    pub(crate) fn is_delivered(&self) -> bool {
        matches!(self, Self::Answered { status: 200..=299, .. })
    }
}

impl fmt::Display for Posted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Answered { status, took } => write!(f, "{status} in {} ms", took.as_millis()),
            Self::Unreachable { reason } => write!(f, "no connection ({reason})"),
            Self::Unanswered { reason, took } => write!(f, "no answer in {} ms ({reason})", took.as_millis()),
        }
    }
}

impl Endpoint {
    /// # Errors
    /// If the text isn't an http or https URL. The error doesn't quote it.
    pub(crate) fn parse(text: &str, format: Format) -> anyhow::Result<Self> {
        let CallbackUrl { address, login } = CallbackUrl::parse(text)?;
        address.host_str().context("the URL names no host")?;
        let mut config =
            Agent::config_builder().http_status_as_error(false).max_redirects(0).timeout_global(Some(TIMEOUT));
        if is_loopback(&address) {
            // A proxy can't reach this machine's loopback addresses.
            config = config.proxy(None);
        }
        let authorization = login.map(|login| basic_authorization(&login.user, &login.password));
        Ok(Self { address: address.into(), authorization, format, agent: config.build().new_agent() })
    }

    /// The URL without its credentials.
    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// Posts an event and waits for the answer. Blocks.
    pub(crate) fn post(&self, notification: &Notification) -> Posted {
        let started = Instant::now();
        let mut request = self.agent.post(&self.address);
        for (name, value) in notification.headers(self.format) {
            request = request.header(name, value);
        }
        if let Some(authorization) = &self.authorization {
            request = request.header("authorization", authorization);
        }
        match request.send(notification.body(self.format)) {
            Ok(response) => Posted::Answered { status: response.status().as_u16(), took: started.elapsed() },
            Err(error) => match unreachable(&error) {
                Some(reason) => Posted::Unreachable { reason },
                None => Posted::Unanswered { reason: error.to_string(), took: started.elapsed() },
            },
        }
    }
}

/// Why nobody was reached, if that is so.
fn unreachable(error: &ureq::Error) -> Option<&'static str> {
    match error {
        ureq::Error::HostNotFound => Some("no such host"),
        ureq::Error::ConnectionFailed => Some("connection failed"),
        ureq::Error::Io(error) if error.kind() == std::io::ErrorKind::ConnectionRefused => Some("connection refused"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn notification(envelope: Option<&str>) -> Notification {
        Notification {
            message_id: "22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324".to_owned(),
            topic_arn: "arn:aws:sns:us-east-1:123456789012:mo".to_owned(),
            subscription_arn: String::new(),
            event: r#"{"id":"a"}"#.to_owned(),
            attributes: BTreeMap::from([("kind".to_owned(), "mo".to_owned())]),
            published_at: "2026-11-23T09:15:02.4Z".parse().unwrap(),
            envelope: envelope.map(str::to_owned),
        }
    }

    #[test]
    fn raw_delivery_is_the_event_alone() {
        let notification = notification(Some("signed"));
        assert_eq!(notification.body(Format::Raw), r#"{"id":"a"}"#);
        let headers = notification.headers(Format::Raw);
        assert!(headers.contains(&("x-amz-sns-rawdelivery", "true")));
        assert!(!headers.iter().any(|(name, _)| *name == "x-amz-sns-subscription-arn"), "unknown");
    }

    #[test]
    fn envelope_is_the_one_that_sns_signed() {
        assert_eq!(notification(Some("signed")).body(Format::Envelope), "signed");
        let headers = notification(Some("signed"))
            .headers(Format::Envelope)
            .into_iter()
            .map(|(name, _)| name)
            .collect::<Vec<_>>();
        assert!(headers.contains(&"x-amz-sns-message-type") && !headers.contains(&"x-amz-sns-rawdelivery"));
    }

    #[test]
    fn own_envelope_reads_back_as_the_event() {
        let envelope: Value = serde_json::from_str(&notification(None).body(Format::Envelope)).unwrap();
        let expected = json!({
            "Type": "Notification", "MessageId": "22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324",
            "TopicArn": "arn:aws:sns:us-east-1:123456789012:mo", "Message": r#"{"id":"a"}"#,
            "Timestamp": "2026-11-23T09:15:02.400Z", "SignatureVersion": "1", "Signature": "", "SigningCertURL": "",
            "UnsubscribeURL": "", "MessageAttributes": {"kind": {"Type": "String", "Value": "mo"}},
        });
        assert_eq!(envelope, expected);
    }

    #[test]
    fn only_http_urls_are_endpoints() {
        for url in ["ftp://localhost/", "localhost:8080", "/tmp/socket", "file:///etc/passwd", ""] {
            assert!(Endpoint::parse(url, Format::Raw).is_err(), "{url}");
        }
        let endpoint = Endpoint::parse("http://user:secret@localhost:8080/events", Format::Raw).unwrap();
        assert_eq!(endpoint.address(), "http://localhost:8080/events");
        assert!(endpoint.authorization.is_some());
    }

    #[test]
    fn closed_port_is_unreachable() {
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let endpoint = Endpoint::parse(&format!("http://{free}"), Format::Raw).unwrap();
        let posted = endpoint.post(&notification(None));
        assert!(matches!(posted, Posted::Unreachable { .. }) && !posted.is_delivered(), "{posted}");
    }
}
