//! One deployed stack as the commands see it: its dead-letter queue, its table, its function `fanout`. The only
//! module that knows the SDK.

use std::collections::HashMap;
use std::error::Error;
use std::future::Future;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, anyhow, bail};
use aws_config::retry::RetryConfig;
use aws_config::stalled_stream_protection::StalledStreamProtectionConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnConsumedCapacity, Select};
use aws_sdk_lambda::primitives::Blob;
use aws_sdk_sqs::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_sqs::types::{
    ChangeMessageVisibilityBatchRequestEntry, Message, MessageSystemAttributeName, QueueAttributeName,
};
use aws_smithy_http_client::Connector;
use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::tls::Provider;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use jiff::Timestamp;
use wab_events::Kind;
use wab_models::Key;
use wab_platform::Reason;

use crate::stack::StackFile;

/// The stack that is meant if none is named and no local one is there: README, "Deploy it".
const DEFAULT_STACK: &str = "wab";

/// `fanout` may take a minute (`Timeout` in the template), and its answer comes at the end.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(75);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// The most that one call receives, or changes (SQS API reference).
const MAX_MESSAGES: usize = 10;

#[derive(Debug, Default, clap::Args)]
#[group(skip)] // its name would be that of the command's own arguments
pub(crate) struct Args {
    /// The CloudFormation stack, reached as the AWS CLI would: environment, profiles, SSO
    ///
    /// With none of --stack, --profile and --region, it is the local stack that `make up` started, if there is one
    /// (.local/stack.json, looked for here and in the directories above), and else the stack `wab`.
    #[arg(long, value_name = "NAME")]
    stack: Option<String>,
    /// The profile of the AWS configuration
    #[arg(long, value_name = "NAME")]
    profile: Option<String>,
    /// The AWS region of the stack
    #[arg(long, value_name = "REGION")]
    region: Option<String>,
}

/// AWS couldn't be asked, or didn't do what it was asked for. Holds nothing of what was sent or received.
#[derive(Debug, thiserror::Error)]
#[error("{what}: {why}")]
pub(crate) struct Unavailable {
    what: &'static str,
    why: String,
}

impl Unavailable {
    fn new<E, R>(what: &'static str) -> impl FnOnce(SdkError<E, R>) -> Self
    where
        E: ProvideErrorMetadata + Error + 'static,
        R: std::fmt::Debug + 'static,
    {
        move |error| {
            let mut why = Reason::of(&error).to_string();
            if let Some(cause) = cause(&error) {
                why = format!("{why}: {cause}");
            }
            Self { what, why }
        }
    }
}

/// What a person can do something about: AWS's own explanation, or why there are no credentials.
fn cause<E: ProvideErrorMetadata, R>(error: &SdkError<E, R>) -> Option<String> {
    match error {
        SdkError::ServiceError(service) => service.err().message().map(str::to_owned),
        SdkError::DispatchFailure(failure) => {
            let mut source: Option<&(dyn Error + 'static)> = failure.as_connector_error()?.source();
            let mut cause = None;
            while let Some(error) = source {
                cause = Some(error.to_string());
                if let (true, Some(inner)) = (error.is::<CredentialsError>(), error.source()) {
                    return Some(format!("no credentials: {inner}"));
                }
                source = error.source();
            }
            cause
        }
        _ => None,
    }
}

/// Runs what speaks to AWS, on a runtime that lives as long as it does.
pub(crate) fn block_on<T>(work: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().context("no runtime")?;
    runtime.block_on(work)
}

/// The parts of a stack that the commands use.
#[derive(Debug)]
pub(crate) struct Stack {
    /// How a person would call it.
    pub(crate) name: String,
    dynamodb: aws_sdk_dynamodb::Client,
    lambda: aws_sdk_lambda::Client,
    sqs: aws_sdk_sqs::Client,
    parts: Parts,
}

/// Where the parts of a stack are.
#[derive(Debug, Clone)]
pub struct Parts {
    /// The table's name.
    pub table: String,
    /// The dead-letter queue's URL.
    pub dead_letter_queue_url: String,
    /// The spill queue's URL.
    pub spill_queue_url: Option<String>,
    /// The name of the function `fanout`.
    pub fanout_function: String,
}

impl Args {
    /// The stack that the arguments mean in `directory`.
    pub(crate) async fn connect(&self, directory: &Path) -> anyhow::Result<Stack> {
        let aws_is_meant = self.stack.is_some() || self.profile.is_some() || self.region.is_some();
        match StackFile::find(directory) {
            Some(file) if !aws_is_meant => Ok(local_stack(&StackFile::read(&file)?)),
            _ => self.deployed_stack().await,
        }
    }

    async fn deployed_stack(&self) -> anyhow::Result<Stack> {
        let mut loader = aws_config::defaults(BehaviorVersion::latest())
            .http_client(http_client(ProxyConfig::from_env()))
            .timeout_config(timeouts())
            .retry_config(RetryConfig::standard());
        if let Some(profile) = &self.profile {
            loader = loader.profile_name(profile);
        }
        if let Some(region) = &self.region {
            loader = loader.region(Region::new(region.clone()));
        }
        let sdk = loader.load().await;
        let region = sdk.region().context("no AWS region: give --region, or set AWS_REGION or the profile's")?;
        let name = self.stack.as_deref().unwrap_or(DEFAULT_STACK);
        let parts = stack_parts(&sdk, name).await?;
        Ok(Stack::new(format!("stack {name} in {region}"), &sdk, parts))
    }
}

/// What the stack's outputs say.
async fn stack_parts(sdk: &SdkConfig, name: &str) -> anyhow::Result<Parts> {
    let describe = aws_sdk_cloudformation::Client::new(sdk).describe_stacks().stack_name(name).send().await;
    let described = match describe {
        Err(error) if error.code() == Some("ValidationError") => {
            bail!("there is no stack {name} in this account and region: --stack names it");
        }
        described => described.map_err(Unavailable::new("cannot look up the stack"))?,
    };
    let outputs = described.stacks().first().map(|stack| stack.outputs()).unwrap_or_default();
    let optional = |key: &str| {
        let output = outputs.iter().find(|output| output.output_key() == Some(key));
        output.and_then(|output| output.output_value()).map(str::to_owned)
    };
    let required = |key: &str| {
        optional(key)
            .ok_or_else(|| anyhow!("the stack {name} has no output {key}: it isn't one of infra/template.yaml"))
    };
    Ok(Parts {
        table: required("TableName")?,
        dead_letter_queue_url: required("DeadLetterQueueUrl")?,
        spill_queue_url: optional("SpillQueueUrl"),
        fanout_function: required("FanoutFunction")?,
    })
}

fn local_stack(file: &StackFile) -> Stack {
    let parts = Parts {
        table: file.table.clone(),
        dead_letter_queue_url: file.dead_letter_queue_url.clone(),
        spill_queue_url: Some(file.spill_queue_url.clone()),
        fanout_function: file.fanout_function.clone(),
    };
    Stack::new(format!("local stack at {}", file.endpoint), &patient(&file.sdk_config()), parts)
}

/// A configuration for the local stack, without a proxy and without time limits.
pub(crate) fn local(endpoint: &str, region: &str, access_key_id: &str, secret_access_key: &str) -> SdkConfig {
    let credentials = Credentials::new(access_key_id, secret_access_key, None, None, "local stack");
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(region.to_owned()))
        .endpoint_url(endpoint)
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .http_client(http_client(ProxyConfig::disabled()))
        .timeout_config(TimeoutConfig::disabled())
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
        .retry_config(RetryConfig::standard())
        .build()
}

/// The same configuration with this tool's time limits.
pub(crate) fn patient(sdk: &SdkConfig) -> SdkConfig {
    sdk.to_builder().timeout_config(timeouts()).retry_config(RetryConfig::standard()).build()
}

fn timeouts() -> TimeoutConfig {
    TimeoutConfig::builder().connect_timeout(CONNECT_TIMEOUT).operation_attempt_timeout(ATTEMPT_TIMEOUT).build()
}

/// TLS by ring, as in the functions; it trusts what this machine trusts.
fn http_client(proxy: ProxyConfig) -> SharedHttpClient {
    aws_smithy_http_client::Builder::new().build_with_connector_fn(move |settings, _| {
        let mut connector = Connector::builder().proxy_config(proxy.clone());
        connector.set_connector_settings(settings.cloned());
        connector.tls_provider(Provider::Rustls(CryptoMode::Ring)).build()
    })
}

/// A message of the dead-letter queue, as it was received.
#[derive(Debug, Clone)]
pub(crate) struct Received {
    /// The message's id, the same each time it is received.
    pub(crate) id: String,
    /// By which it is deleted or released, until it is received again.
    pub(crate) handle: String,
    pub(crate) sent_at: Option<Timestamp>,
    /// How often it has been received, this time included.
    pub(crate) times: u32,
    pub(crate) body: String,
}

impl Received {
    fn read(message: Message) -> Option<Self> {
        let attribute = |name| message.attributes.as_ref()?.get(&name);
        let sent_at = attribute(MessageSystemAttributeName::SentTimestamp)
            .and_then(|epoch_ms| Timestamp::from_millisecond(epoch_ms.parse().ok()?).ok());
        let times = attribute(MessageSystemAttributeName::ApproximateReceiveCount);
        let times = times.and_then(|times| times.parse().ok()).unwrap_or(1);
        let Message { message_id, receipt_handle, body, .. } = message;
        Some(Self { id: message_id?, handle: receipt_handle?, sent_at, times, body: body.unwrap_or_default() })
    }
}

/// Which items of the table are read: received at `from` or later, and before `to`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Range<'a> {
    pub(crate) from: &'a str,
    pub(crate) to: &'a str,
    pub(crate) kind: Option<Kind>,
    /// Whether only to count them. It costs the same.
    pub(crate) count_only: bool,
}

/// Where the next page begins.
#[derive(Debug)]
pub(crate) struct Start(HashMap<String, AttributeValue>);

/// One page of a scan: what is found in one megabyte of the table.
#[derive(Debug)]
pub(crate) struct Page {
    pub(crate) items: Vec<serde_dynamo::Item>,
    pub(crate) count: u64,
    pub(crate) scanned: u64,
    pub(crate) read_units: f64,
    pub(crate) next: Option<Start>,
}

/// What a function answered.
#[derive(Debug)]
pub(crate) enum Invoked {
    Answered(Vec<u8>),
    /// It crashed, timed out, or returned an error.
    Failed,
}

/// What the spill queue said.
#[derive(Debug)]
pub(crate) enum Sent {
    Taken,
    Refused,
}

impl Stack {
    pub(crate) fn new(name: String, sdk: &SdkConfig, parts: Parts) -> Self {
        Self {
            name,
            dynamodb: aws_sdk_dynamodb::Client::new(sdk),
            lambda: aws_sdk_lambda::Client::new(sdk),
            sqs: aws_sdk_sqs::Client::new(sdk),
            parts,
        }
    }

    /// About how many messages the dead-letter queue holds, hidden ones included.
    pub(crate) async fn parked_messages(&self) -> Result<u64, Unavailable> {
        let names = [
            QueueAttributeName::ApproximateNumberOfMessages,
            QueueAttributeName::ApproximateNumberOfMessagesNotVisible,
            QueueAttributeName::ApproximateNumberOfMessagesDelayed,
        ];
        let get = self.sqs.get_queue_attributes().queue_url(&self.parts.dead_letter_queue_url);
        let got = get.set_attribute_names(Some(names.to_vec())).send().await;
        let got = got.map_err(Unavailable::new("cannot ask the dead-letter queue"))?;
        let number = |name| got.attributes.as_ref()?.get(name)?.parse::<u64>().ok();
        Ok(names.iter().filter_map(number).sum())
    }

    /// Receives up to ten messages of the dead-letter queue, which hides them for a while.
    pub(crate) async fn receive(&self, hidden: Duration) -> Result<Vec<Received>, Unavailable> {
        let received = self
            .sqs
            .receive_message()
            .queue_url(&self.parts.dead_letter_queue_url)
            .max_number_of_messages(10)
            .visibility_timeout(seconds(hidden))
            .wait_time_seconds(1)
            .message_system_attribute_names(MessageSystemAttributeName::SentTimestamp)
            .message_system_attribute_names(MessageSystemAttributeName::ApproximateReceiveCount)
            .send()
            .await
            .map_err(Unavailable::new("cannot read the dead-letter queue"))?;
        Ok(received.messages.unwrap_or_default().into_iter().filter_map(Received::read).collect())
    }

    /// Hides messages for so long from now. Those that can't be any more are back already, which does no harm.
    pub(crate) async fn hide(&self, handles: &[&str], hidden: Duration) -> Result<(), Unavailable> {
        for handles in handles.chunks(MAX_MESSAGES) {
            let entries = handles.iter().enumerate().filter_map(|(number, handle)| {
                let entry = ChangeMessageVisibilityBatchRequestEntry::builder().id(number.to_string());
                entry.receipt_handle(*handle).visibility_timeout(seconds(hidden)).build().ok()
            });
            let change = self.sqs.change_message_visibility_batch().queue_url(&self.parts.dead_letter_queue_url);
            let changed = change.set_entries(Some(entries.collect())).send().await;
            changed.map_err(Unavailable::new("cannot hide or release messages of the dead-letter queue"))?;
        }
        Ok(())
    }

    /// Deletes a message of the dead-letter queue.
    pub(crate) async fn delete(&self, handle: &str) -> Result<(), Unavailable> {
        let delete = self.sqs.delete_message().queue_url(&self.parts.dead_letter_queue_url).receipt_handle(handle);
        delete.send().await.map_err(Unavailable::new("cannot delete from the dead-letter queue"))?;
        Ok(())
    }

    /// Sends a message to the spill queue; none if the stack hasn't got one.
    pub(crate) async fn spill(&self, message: &str) -> Result<Option<Sent>, Unavailable> {
        let Some(url) = &self.parts.spill_queue_url else { return Ok(None) };
        match self.sqs.send_message().queue_url(url).message_body(message).send().await {
            Ok(_) => Ok(Some(Sent::Taken)),
            Err(SdkError::ServiceError(_)) => Ok(Some(Sent::Refused)),
            Err(error) => Err(Unavailable::new("cannot send to the spill queue")(error)),
        }
    }

    /// The item under a key, read consistently.
    pub(crate) async fn item(&self, key: &Key) -> Result<Option<serde_dynamo::Item>, Unavailable> {
        let get = self.dynamodb.get_item().table_name(&self.parts.table).consistent_read(true);
        let get = get.key("pk", AttributeValue::S(key.pk.clone())).key("sk", AttributeValue::S(key.sk.clone()));
        let got = get.send().await.map_err(Unavailable::new("cannot read the table"))?;
        Ok(got.item.map(serde_dynamo::Item::from))
    }

    /// One page of the events in a range.
    pub(crate) async fn events(&self, range: Range<'_>, start: Option<Start>) -> Result<Page, Unavailable> {
        let received = "received_at >= :from AND received_at < :to";
        let mut scan = self
            .dynamodb
            .scan()
            .table_name(&self.parts.table)
            .set_exclusive_start_key(start.map(|Start(key)| key))
            .expression_attribute_values(":from", AttributeValue::S(range.from.to_owned()))
            .expression_attribute_values(":to", AttributeValue::S(range.to.to_owned()))
            .return_consumed_capacity(ReturnConsumedCapacity::Total);
        // Whatever else is in the table is no event.
        let prefix = |kind| AttributeValue::S(format!("{}#", if kind == Kind::Mo { "MO" } else { "DLR" }));
        scan = match range.kind {
            Some(kind) => scan
                .filter_expression(format!("{received} AND begins_with(pk, :kind)"))
                .expression_attribute_values(":kind", prefix(kind)),
            None => scan
                .filter_expression(format!("{received} AND (begins_with(pk, :mo) OR begins_with(pk, :dlr))"))
                .expression_attribute_values(":mo", prefix(Kind::Mo))
                .expression_attribute_values(":dlr", prefix(Kind::Dlr)),
        };
        if range.count_only {
            scan = scan.select(Select::Count);
        }
        let page = scan.send().await.map_err(Unavailable::new("cannot read the table"))?;
        let next = page.last_evaluated_key.filter(|key| !key.is_empty()).map(Start);
        Ok(Page {
            count: u64::try_from(page.count).unwrap_or(0),
            scanned: u64::try_from(page.scanned_count).unwrap_or(0),
            read_units: page.consumed_capacity.and_then(|capacity| capacity.capacity_units).unwrap_or(0.0),
            items: page.items.unwrap_or_default().into_iter().map(serde_dynamo::Item::from).collect(),
            next,
        })
    }

    /// The table's ARN.
    pub(crate) async fn table_arn(&self) -> anyhow::Result<String> {
        let described = self.dynamodb.describe_table().table_name(&self.parts.table).send().await;
        let described = described.map_err(Unavailable::new("cannot describe the table"))?;
        described.table.and_then(|table| table.table_arn).context("the table has no ARN")
    }

    /// Hands an event to `fanout` and waits for its answer.
    pub(crate) async fn invoke_fanout(&self, event: String) -> Result<Invoked, Unavailable> {
        let invoke = self.lambda.invoke().function_name(&self.parts.fanout_function).payload(Blob::new(event));
        // Lambda's explanation may quote the event.
        let invoked = invoke.send().await.map_err(|error| Unavailable {
            what: "cannot invoke the function fanout",
            why: Reason::of(&error).to_string(),
        })?;
        Ok(match (invoked.function_error, invoked.payload) {
            (None, Some(payload)) => Invoked::Answered(payload.into_inner()),
            _ => Invoked::Failed,
        })
    }
}

fn seconds(duration: Duration) -> i32 {
    i32::try_from(duration.as_secs()).unwrap_or(i32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn aws_that_does_not_answer_is_unavailable() {
        let file: StackFile = serde_json::from_value(crate::stack::example::json()).unwrap();
        let asked = block_on(async { Ok(local_stack(&file).parked_messages().await?) });
        let error = asked.unwrap_err();
        assert!(error.is::<Unavailable>());
        assert!(error.to_string().starts_with("cannot ask the dead-letter queue: no connection: "), "{error}");
    }
}
