//! One target that events are sent to in place of their topic, as SNS would deliver them to it raw.

use std::fmt;
use std::time::Duration;

use anyhow::{Context, ensure};
use aws_config::Region;
use aws_sdk_sqs::types::MessageAttributeValue;
use futures_util::{StreamExt, stream};
use jiff::Timestamp;
use url::{Host, Url};
use uuid::Uuid;
use wab_events::Kind;
use wab_fanout::Message;
use wab_platform::Reason;

use crate::forward::{Endpoint, Format, Notification};
use crate::stack::{Place, Stack};
use crate::stop::Stop;

/// The number of messages that are sent at once.
const CONCURRENT_CALLS: usize = 10;

pub(crate) enum Target {
    /// A queue, which gets the event as its body and the attributes as message attributes.
    Queue { sqs: aws_sdk_sqs::Client, url: Url },
    /// Any other http or https URL, to which the event is posted.
    Url { endpoint: Endpoint, mo_topic_arn: String, dlr_topic_arn: String },
}

/// What became of messages that were sent.
#[derive(Default)]
pub(crate) struct Sending {
    /// The indices of the messages that were not accepted.
    pub(crate) left: Vec<usize>,
    /// Why messages are left.
    pub(crate) problem: Option<String>,
    /// Nothing succeeds any more.
    pub(crate) ends: bool,
}

impl Target {
    /// # Errors
    /// If the text isn't an http or https URL.
    pub(crate) fn new(text: &str, stack: &Stack) -> anyhow::Result<Self> {
        let url = Url::parse(text).ok().context("--to is neither the URL of a queue nor an http or https URL")?;
        match region_of_queue(&url, &stack.place) {
            None => Ok(Self::Url {
                endpoint: Endpoint::parse(text, Format::Raw).context("--to")?,
                mo_topic_arn: stack.resources.mo_topic_arn.clone(),
                dlr_topic_arn: stack.resources.dlr_topic_arn.clone(),
            }),
            Some(region) => {
                ensure!(!url.path().ends_with(".fifo"), "--to is a FIFO queue, to which these topics don't deliver");
                let mut sdk = stack.sdk.to_builder();
                if let Some(region) = region {
                    sdk = sdk.region(Region::new(region));
                }
                Ok(Self::Queue { sqs: aws_sdk_sqs::Client::new(&sdk.build()), url })
            }
        }
    }

    /// Sends each message, and retries after each pause. After a request to stop, nothing is retried.
    pub(crate) async fn send_all(&self, messages: &[Message], pauses: &[Duration], stop: &Stop) -> Sending {
        let mut sending = Sending { left: (0..messages.len()).collect(), ..Sending::default() };
        let mut pauses = pauses.iter();
        loop {
            let before = sending.left.len();
            let sent =
                std::mem::take(&mut sending.left).into_iter().filter_map(|index| Some((index, messages.get(index)?)));
            let sent = sent.map(async |(index, message)| (index, self.send(message).await));
            let outcomes: Vec<_> = stream::iter(sent).buffered(CONCURRENT_CALLS).collect().await;
            for (index, outcome) in outcomes {
                if let Err(problem) = outcome {
                    sending.left.push(index);
                    sending.problem = Some(problem);
                }
            }
            if sending.left.is_empty() {
                return Sending::default();
            }
            match pauses.next().filter(|_| !stop.is_requested()) {
                Some(pause) => stop.pause(*pause).await,
                None => {
                    sending.ends = sending.left.len() == before || stop.is_requested();
                    return sending;
                }
            }
        }
    }

    async fn send(&self, message: &Message) -> Result<(), String> {
        match self {
            Self::Queue { sqs, url } => {
                let mut send = sqs.send_message().queue_url(url.as_str()).message_body(&message.text);
                for (name, value) in &message.attributes {
                    let value = MessageAttributeValue::builder().data_type("String").string_value(value).build();
                    send = send.message_attributes(*name, value.map_err(|_| "an attribute can't be sent".to_owned())?);
                }
                let sent = send.send().await;
                // SQS's message may quote what was sent.
                sent.map(|_| ()).map_err(|error| format!("the queue rejects it: {}", Reason::of(&error)))
            }
            Self::Url { endpoint, mo_topic_arn, dlr_topic_arn } => {
                let topic_arn = match message.kind {
                    Kind::Mo => mo_topic_arn,
                    Kind::Dlr => dlr_topic_arn,
                };
                let (endpoint, notification) = (endpoint.clone(), notification(message, topic_arn));
                let posted = tokio::task::spawn_blocking(move || endpoint.post(&notification)).await;
                let posted = posted.map_err(|_| "the post failed".to_owned())?;
                if posted.is_delivered() { Ok(()) } else { Err(posted.to_string()) }
            }
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Queue { url, .. } => write!(f, "the queue {url}"),
            Self::Url { endpoint, .. } => f.write_str(endpoint.address()),
        }
    }
}

fn notification(message: &Message, topic_arn: &str) -> Notification {
    let attributes = message.attributes.iter().map(|(name, value)| ((*name).to_owned(), value.clone()));
    Notification {
        message_id: Uuid::new_v4().to_string(),
        topic_arn: topic_arn.to_owned(),
        subscription_arn: String::new(),
        event: message.text.clone(),
        attributes: attributes.collect(),
        published_at: Timestamp::now(),
        envelope: None,
    }
}

/// The region in a queue's URL; none if the URL isn't a queue's. A local stack's queues have no region in their URL.
fn region_of_queue(url: &Url, place: &Place) -> Option<Option<String>> {
    let mut segments = url.path_segments()?;
    let (account, name, rest) = (segments.next()?, segments.next()?, segments.next());
    let has_path = account.len() == 12 && account.bytes().all(|byte| byte.is_ascii_digit()) && !name.is_empty();
    if !has_path || rest.is_some() {
        return None;
    }
    if let Place::Local { endpoint } = place {
        let endpoint = Url::parse(endpoint).ok()?;
        return (url.port_or_known_default() == endpoint.port_or_known_default()).then_some(None);
    }
    // https://sqs.REGION.amazonaws.com/ACCOUNT/NAME (SQS developer guide, "Amazon SQS queue and message identifiers").
    let Some(Host::Domain(host)) = url.host() else { return None };
    let (region, domain) = host.strip_prefix("sqs.")?.split_once('.')?;
    domain.starts_with("amazonaws.com").then(|| Some(region.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(url: &str, place: &Place, region: Option<Option<&str>>) {
        let found = region_of_queue(&url.parse().unwrap(), place);
        assert_eq!(found, region.map(|region| region.map(str::to_owned)), "{url}");
    }

    #[test]
    fn queue_is_recognised_by_its_url() {
        let text = |text: &str| text.to_owned();
        let aws = Place::Deployed { account: text("123456789012"), region: text("us-east-1"), name: text("wab") };
        check("https://sqs.eu-west-1.amazonaws.com/123456789012/team-b", &aws, Some(Some("eu-west-1")));
        check("https://sqs.cn-north-1.amazonaws.com.cn/123456789012/team-b", &aws, Some(Some("cn-north-1")));
        check("https://example.com/123456789012/team-b", &aws, None);
        check("https://sqs.example.com/123456789012/team-b", &aws, None);
        check("https://sqs.eu-west-1.amazonaws.com/hook", &aws, None);
        check("http://localhost:4566/000000000000/team-b", &aws, None);
        let local = Place::Local { endpoint: text("http://localhost:4566") };
        check("http://localhost:4566/000000000000/team-b", &local, Some(None));
        check("http://sqs.us-east-1.localhost.localstack.cloud:4566/000000000000/team-b", &local, Some(None));
        check("http://localhost:8080/000000000000/team-b", &local, None);
        check("http://localhost:4566/hook", &local, None);
    }
}
