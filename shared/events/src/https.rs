//! What SNS posts to an HTTPS endpoint, and the proof that it comes from SNS.
//!
//! Anyone can post to a public URL. An [`Endpoint`] takes a request's body in two steps, so that it needs neither an
//! HTTP client nor a clock: [`Endpoint::check`] refuses what can't come from the topic and says where the certificate
//! is, and [`Unverified::verify`] checks the signature with that certificate.
//!
//! ```no_run
//! # fn fetch(url: &str) -> String { unimplemented!() }
//! # fn handle(event: &wab_events::Event) {}
//! # fn answer(endpoint: &wab_events::https::Endpoint, body: &str) -> Result<(), wab_events::https::Rejected> {
//! use wab_events::https::Post;
//!
//! let unverified = endpoint.check(body, jiff::Timestamp::now())?;
//! let certificate = fetch(unverified.certificate_url()); // keep it by its URL: SNS changes it rarely
//! match unverified.verify(&certificate)? {
//!     Post::Event(event) => handle(&event),
//!     // SNS posts no event until this URL is requested.
//!     Post::Confirm { subscribe_url } => drop(fetch(&subscribe_url)),
//!     Post::Unsubscribed => {}
//! }
//! # Ok(())
//! # }
//! ```
//!
//! Answer 2xx once the event is handled or kept, and 4xx to whatever is [`Rejected`]. After an answer of 5xx, or none
//! within 15 seconds, SNS posts the same event again: deduplicate by [`Event::id`].
//!
//! Sources: SNS developer guide, "Verifying the signatures of Amazon SNS messages" and "Parsing Amazon SNS message
//! formats".

use std::fmt;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use jiff::{SignedDuration, Timestamp};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;
use serde::Deserialize;

use crate::{Event, EventError};

/// How old a post may be, unless [`Endpoint::with_window`] says otherwise. A delivery policy of SNS retries for at most an
/// hour, and a retry has the time of publication.
pub const WINDOW: SignedDuration = SignedDuration::from_hours(1);

/// How far the clocks of SNS and of this machine may be apart.
const CLOCK_SKEW: SignedDuration = SignedDuration::from_mins(5);

/// An HTTPS endpoint that is subscribed to topics of wab.
#[derive(Debug, Clone)]
pub struct Endpoint {
    topic_arns: Vec<String>,
    window: SignedDuration,
}

/// A post that may come from one of the endpoint's topics, until its signature is checked.
pub struct Unverified {
    message: Message,
}

/// A post whose signature is SNS's.
#[derive(Clone, PartialEq, Eq)]
pub enum Post {
    /// An event. A repeated post has the same [`Event::id`].
    Event(Box<Event>),
    /// The endpoint was subscribed. Request this URL, which is one of SNS, to confirm it. SNS asks for three days.
    Confirm {
        /// Holds a secret, so don't log it.
        subscribe_url: String,
    },
    /// The subscription was deleted. There is nothing to do.
    Unsubscribed,
}

/// Why a post isn't taken. Contains nothing of the post, so it may be logged.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Rejected {
    /// The body isn't a message of SNS. With raw message delivery none is: SNS then posts the event alone, unsigned.
    #[error("the body is not a message of SNS")]
    NotFromSns,
    /// The message is of a topic that the endpoint doesn't name.
    #[error("the message is of another topic")]
    OtherTopic,
    /// The signature is of version 1, which is SHA-1. wab's topics sign with version 2.
    #[error("the signature's version is not 2")]
    SignatureVersion,
    /// The certificate, or the URL that confirms a subscription, isn't at SNS in the topic's region.
    #[error("a URL of the message is not one of SNS in the topic's region")]
    ForeignUrl,
    /// The message is older than the window, or from the future.
    #[error("the message's time is outside the window")]
    Time,
    /// The certificate isn't one in PEM.
    #[error("the certificate is not readable")]
    Certificate,
    /// The signature isn't that of the certificate's key.
    #[error("the signature is wrong")]
    Signature,
    /// SNS signed the message, but it holds no event of wab.
    #[error(transparent)]
    Event(#[from] EventError),
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Message {
    r#type: Type,
    message_id: String,
    topic_arn: String,
    subject: Option<String>,
    message: String,
    timestamp: String,
    token: Option<String>,
    #[serde(rename = "SubscribeURL")]
    subscribe_url: Option<String>,
    signature_version: String,
    signature: String,
    #[serde(rename = "SigningCertURL")]
    signing_cert_url: String,
}

#[derive(Debug, Clone, Copy, Deserialize)]
enum Type {
    Notification,
    SubscriptionConfirmation,
    UnsubscribeConfirmation,
}

impl Type {
    fn name(self) -> &'static str {
        match self {
            Self::Notification => "Notification",
            Self::SubscriptionConfirmation => "SubscriptionConfirmation",
            Self::UnsubscribeConfirmation => "UnsubscribeConfirmation",
        }
    }
}

impl fmt::Debug for Unverified {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Unverified").field("message_id", &self.message.message_id).finish_non_exhaustive()
    }
}

impl fmt::Debug for Post {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Event(event) => f.debug_tuple("Event").field(event).finish(),
            Self::Confirm { .. } => f.debug_struct("Confirm").finish_non_exhaustive(),
            Self::Unsubscribed => f.write_str("Unsubscribed"),
        }
    }
}

impl Endpoint {
    /// An endpoint of these topics: the stack's outputs `MoTopicArn` and `DlrTopicArn`.
    pub fn new(topic_arns: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self { topic_arns: topic_arns.into_iter().map(Into::into).collect(), window: WINDOW }
    }

    /// Takes posts up to this age. A stolen one can be posted again for as long.
    #[must_use]
    pub fn with_window(self, window: SignedDuration) -> Self {
        Self { window, ..self }
    }

    /// Checks everything but the signature.
    ///
    /// # Errors
    /// If the body can't be a post of one of the topics, or is too old.
    pub fn check(&self, body: &str, now: Timestamp) -> Result<Unverified, Rejected> {
        let message: Message = serde_json::from_str(body).map_err(|_| Rejected::NotFromSns)?;
        if !self.topic_arns.contains(&message.topic_arn) {
            return Err(Rejected::OtherTopic);
        }
        if message.signature_version != "2" {
            return Err(Rejected::SignatureVersion);
        }
        let certificate = message.path_at_sns(&message.signing_cert_url).ok_or(Rejected::ForeignUrl)?;
        let name = certificate.strip_prefix("SimpleNotificationService-").and_then(|rest| rest.strip_suffix(".pem"));
        let is_certificate = name.is_some_and(|name| name.bytes().all(|byte| byte.is_ascii_alphanumeric()));
        if !is_certificate || message.subscribe_url.as_deref().is_some_and(|url| message.path_at_sns(url).is_none()) {
            return Err(Rejected::ForeignUrl);
        }
        let sent_at: Timestamp = message.timestamp.parse().map_err(|_| Rejected::NotFromSns)?;
        let age = now.duration_since(sent_at);
        if age > self.window || age < -CLOCK_SKEW {
            return Err(Rejected::Time);
        }
        Ok(Unverified { message })
    }
}

impl Unverified {
    /// Where the certificate is: a URL of SNS in the topic's region, by HTTPS.
    #[must_use]
    pub fn certificate_url(&self) -> &str {
        &self.message.signing_cert_url
    }

    /// Checks the signature with the certificate, in PEM, that the URL answered.
    ///
    /// # Errors
    /// If the certificate can't be read, the signature is wrong, or SNS signed something other than an event.
    pub fn verify(self, certificate: &str) -> Result<Post, Rejected> {
        let Self { message } = self;
        let signature = BASE64_STANDARD.decode(&message.signature).map_err(|_| Rejected::Signature)?;
        let certificate = CertificateDer::from_pem_slice(certificate.as_bytes()).map_err(|_| Rejected::Certificate)?;
        let certificate = webpki::EndEntityCert::try_from(&certificate).map_err(|_| Rejected::Certificate)?;
        certificate
            .verify_signature(webpki::ring::RSA_PKCS1_2048_8192_SHA256, message.signed_text().as_bytes(), &signature)
            .map_err(|_| Rejected::Signature)?;
        Ok(match message.r#type {
            Type::Notification => Post::Event(Box::new(Event::parse(&message.message)?)),
            Type::SubscriptionConfirmation => {
                Post::Confirm { subscribe_url: message.subscribe_url.ok_or(Rejected::NotFromSns)? }
            }
            Type::UnsubscribeConfirmation => Post::Unsubscribed,
        })
    }
}

impl Message {
    /// The path and query of a URL if it is at SNS in the topic's region: a certificate of elsewhere could be anyone's.
    fn path_at_sns<'url>(&self, url: &'url str) -> Option<&'url str> {
        // arn:aws:sns:us-east-1:123456789012:name
        let mut arn = self.topic_arn.split(':').skip(1);
        let (partition, region) = (arn.next()?, arn.nth(1)?);
        let domain = if partition == "aws-cn" { "amazonaws.com.cn" } else { "amazonaws.com" };
        url.strip_prefix("https://sns.")?
            .strip_prefix(region)?
            .strip_prefix('.')?
            .strip_prefix(domain)?
            .strip_prefix('/')
    }

    /// The fields that are signed, in alphabetical order, each as two lines. Those that are absent are left out.
    fn signed_text(&self) -> String {
        let is_notification = matches!(self.r#type, Type::Notification);
        let fields = [
            ("Message", Some(self.message.as_str())),
            ("MessageId", Some(&self.message_id)),
            ("Subject", self.subject.as_deref().filter(|_| is_notification)),
            ("SubscribeURL", self.subscribe_url.as_deref().filter(|_| !is_notification)),
            ("Timestamp", Some(&self.timestamp)),
            ("Token", self.token.as_deref().filter(|_| !is_notification)),
            ("TopicArn", Some(&self.topic_arn)),
            ("Type", Some(self.r#type.name())),
        ];
        let present = fields.into_iter().filter_map(|(name, value)| Some((name, value?)));
        present.fold(String::new(), |text, (name, value)| text + name + "\n" + value + "\n")
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    const CERTIFICATE: &str = include_str!("../golden/sns/certificate.pem");
    const NOTIFICATION: &str = include_str!("../golden/sns/notification.json");
    const CONFIRMATION: &str = include_str!("../golden/sns/subscription-confirmation.json");
    const UNSUBSCRIBED: &str = include_str!("../golden/sns/unsubscribe-confirmation.json");
    const TOPIC: &str = "arn:aws:sns:us-east-1:123456789012:wab-MoTopic";

    fn now() -> Timestamp {
        "2026-11-23T09:15:03Z".parse().unwrap()
    }

    fn take(body: &str, now: Timestamp) -> Result<Post, Rejected> {
        Endpoint::new([TOPIC]).check(body, now)?.verify(CERTIFICATE)
    }

    /// The message with this field changed, or without it.
    fn with(message: &str, field: &str, value: Value) -> String {
        let mut message: Value = serde_json::from_str(message).unwrap();
        if value.is_null() {
            message.as_object_mut().unwrap().remove(field).unwrap();
        } else {
            message[field] = value;
        }
        message.to_string()
    }

    #[test]
    fn signed_messages_are_taken() {
        let Post::Event(event) = take(NOTIFICATION, now()).unwrap() else { panic!("an event") };
        assert_eq!(event.id(), "b48e0ae6ab12d6a90aab59f0ecf2e500");
        let confirm = take(CONFIRMATION, now()).unwrap();
        assert!(matches!(confirm, Post::Confirm { subscribe_url } if subscribe_url.contains("ConfirmSubscription")));
        assert_eq!(take(UNSUBSCRIBED, now()), Ok(Post::Unsubscribed));
        // Members that aren't signed don't matter, and neither does their order.
        assert!(take(&with(NOTIFICATION, "UnsubscribeURL", Value::Null), now()).is_ok());
    }

    #[test]
    fn changed_message_is_rejected() {
        for (message, field, value) in [
            (NOTIFICATION, "Message", json!("{}")),
            (NOTIFICATION, "MessageId", json!("1")),
            (NOTIFICATION, "Subject", json!("added")),
            (NOTIFICATION, "Timestamp", json!("2026-11-23T09:15:02.501Z")),
            (NOTIFICATION, "Type", json!("UnsubscribeConfirmation")),
            (NOTIFICATION, "Signature", json!("c2lnbmF0dXJl")),
            (NOTIFICATION, "Signature", json!("%")),
            (CONFIRMATION, "Token", json!("1")),
            (CONFIRMATION, "Token", Value::Null),
            (CONFIRMATION, "SubscribeURL", json!("https://sns.us-east-1.amazonaws.com/?Action=Publish")),
        ] {
            assert_eq!(take(&with(message, field, value.clone()), now()), Err(Rejected::Signature), "{field}: {value}");
        }
    }

    #[test]
    fn foreign_certificate_is_never_fetched() {
        let name = "SimpleNotificationService-0123456789abcdef.pem";
        for url in [
            format!("http://sns.us-east-1.amazonaws.com/{name}"),
            format!("https://sns.eu-west-1.amazonaws.com/{name}"),
            format!("https://sns.us-east-1.amazonaws.com.example.com/{name}"),
            format!("https://sns.us-east-1.amazonaws.com@example.com/{name}"),
            format!("https://example.com/sns.us-east-1.amazonaws.com/{name}"),
            format!("https://sns.us-east-1.amazonaws.com:8443/{name}"),
            format!("https://bucket.s3.us-east-1.amazonaws.com/{name}"),
            format!("https://sns.us-east-1.amazonaws.com/../{name}"),
            format!("https://sns.us-east-1.amazonaws.com/?Action=GetTopicAttributes&{name}"),
            "https://sns.us-east-1.amazonaws.com/SimpleNotificationService-x.pem?Action=Publish&.pem".to_owned(),
        ] {
            let body = with(NOTIFICATION, "SigningCertURL", json!(url));
            assert_eq!(take(&body, now()), Err(Rejected::ForeignUrl), "{url}");
        }
        let body = with(CONFIRMATION, "SubscribeURL", json!("https://example.com/"));
        assert_eq!(take(&body, now()), Err(Rejected::ForeignUrl));
    }

    #[test]
    fn what_is_not_of_the_topic_or_old_is_rejected() {
        let other = with(NOTIFICATION, "TopicArn", json!(format!("{TOPIC}2")));
        assert_eq!(take(&other, now()), Err(Rejected::OtherTopic));
        assert_eq!(take(&with(NOTIFICATION, "SignatureVersion", json!("1")), now()), Err(Rejected::SignatureVersion));
        for body in [
            "",
            "{}",
            "[]",
            "null",
            &with(NOTIFICATION, "Type", json!("Other")),
            &with(NOTIFICATION, "Message", json!(1)),
        ] {
            assert_eq!(take(body, now()), Err(Rejected::NotFromSns), "{body}");
        }
        let sent: Timestamp = "2026-11-23T09:15:02.500Z".parse().unwrap();
        let at = |offset: SignedDuration| take(NOTIFICATION, sent.checked_add(offset).unwrap());
        assert!(at(WINDOW).is_ok() && at(-CLOCK_SKEW).is_ok());
        let instant = SignedDuration::from_millis(1);
        assert_eq!(at(WINDOW + instant), Err(Rejected::Time));
        assert_eq!(at(-CLOCK_SKEW - instant), Err(Rejected::Time));
        let narrow = Endpoint::new([TOPIC]).with_window(SignedDuration::ZERO);
        assert_eq!(narrow.check(NOTIFICATION, now()).err(), Some(Rejected::Time));
    }

    #[test]
    fn certificate_must_be_readable_and_the_right_one() {
        let verify = |certificate: &str| Endpoint::new([TOPIC]).check(NOTIFICATION, now()).unwrap().verify(certificate);
        for certificate in ["", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"] {
            assert_eq!(verify(certificate), Err(Rejected::Certificate));
        }
        // A readable one of another key.
        let other = rcgen::generate_simple_self_signed(["sns.amazonaws.com".to_owned()]).unwrap();
        assert_eq!(verify(&other.cert.pem()), Err(Rejected::Signature));
    }
}
