//! One deployed stack: which one it is, where its resources are, and typed access to each.

mod alarms;
mod bucket;
mod certificate;
mod cloudformation;
mod dead_letters;
mod depth;
mod fanout;
mod file;
mod functions;
mod listen_queues;
mod logs;
mod meter;
mod metrics;
mod protection;
mod queue;
mod resources;
mod spill_queue;
mod subscriptions;
mod table;
mod tombstone;
mod topic_state;
mod topics;

use std::fmt;
use std::path::Path;

use anyhow::{Context, bail};
use aws_config::SdkConfig;
use serde::Serialize;
use serde_json::json;
use wab_fanout::Composer;
use wab_models::ContentKey;

pub(crate) use self::alarms::{Alarm, Alarms};
pub(crate) use self::bucket::{Bucket, Object};
pub(crate) use self::certificate::Certificate;
pub(crate) use self::cloudformation::{CloudFormation, Description, Drift, Resource};
pub(crate) use self::dead_letters::{DeadLetters, Received};
pub(crate) use self::depth::Depth;
pub(crate) use self::fanout::{Fanout, Invoked};
pub use self::file::StackFile;
#[cfg(test)]
pub(crate) use self::file::example;
pub(crate) use self::functions::{AccountConcurrency, Configuration, Functions, Mapping};
pub(crate) use self::listen_queues::{ListenQueue, is_listen_queue, of_stack as listen_queues};
pub(crate) use self::logs::{Group, Line, Lines, Logs};
pub(crate) use self::meter::{Cost, Meter};
pub(crate) use self::metrics::{Metric, Metrics, Series};
pub(crate) use self::protection::{Protection, of_table as protection_of_table};
pub(crate) use self::queue::{MAX_MESSAGES, Queue, QueueAttributes, QueueMessage, ReceiveError};
pub use self::resources::Resources;
pub(crate) use self::spill_queue::{Sent, SpillQueue};
pub(crate) use self::subscriptions::{Endpoint, Subscription, Subscriptions};
pub(crate) use self::table::{Dated, Expired, Index, Lookup, Range, Size, Start, Table, partition_key};
pub(crate) use self::tombstone::{ERASED, Erased, Tombstone};
pub(crate) use self::topic_state::TopicState;
pub(crate) use self::topics::{FilterPolicy, QueueSubscription, Topics};
use crate::aws;
use crate::shell::Shell;

/// The stack's name if the options name none and there is no local stack (docs/operations.md, "Deploying").
const DEFAULT_STACK: &str = "wab";

/// The option of a command that may use the local stack only. Commands that a person types don't need it.
pub(crate) const ONLY_LOCAL: &str = "--local";

#[derive(Clone, Default, clap::Args)]
#[group(skip)] // its name would be that of the command's own arguments
pub(crate) struct StackArgs {
    /// Name of the CloudFormation stack, found with the AWS CLI's settings: environment, profiles, SSO
    ///
    /// Without --stack, --profile and --region, the command uses the local stack that `make up` started
    /// (.local/stack.json in the current directory or above). If there is none, it uses the stack `wab`.
    #[arg(long, value_name = "NAME")]
    stack: Option<String>,
    /// Profile in the AWS configuration
    #[arg(long, value_name = "NAME")]
    profile: Option<String>,
    /// AWS region of the stack
    #[arg(long, value_name = "REGION")]
    region: Option<String>,
    /// Fail if there is no local stack, rather than use one on AWS
    #[arg(long = "local", hide = true, conflicts_with_all = ["stack", "profile", "region"])]
    only_local: bool,
}

impl StackArgs {
    /// Options that lead to this place only, also after a local stack has been stopped or started.
    pub(crate) fn pinned(&self, place: &Place) -> Self {
        match place {
            Place::Local { .. } => Self { only_local: true, ..Self::default() },
            Place::Deployed { region, name, .. } => {
                Self { stack: Some(name.clone()), region: Some(region.clone()), ..self.clone() }
            }
            Place::Simulated => self.clone(),
        }
    }

    /// The options on the command line, to pass on to another command.
    pub(crate) fn to_options(&self) -> Vec<String> {
        let options = [("stack", &self.stack), ("profile", &self.profile), ("region", &self.region)];
        let options = options.into_iter().filter_map(|(name, value)| Some(format!("--{name}={}", value.as_ref()?)));
        options.chain(self.only_local.then(|| ONLY_LOCAL.to_owned())).collect()
    }

    pub(crate) async fn connect(&self, directory: &Path) -> anyhow::Result<Stack> {
        let is_deployed = self.stack.is_some() || self.profile.is_some() || self.region.is_some();
        match StackFile::find(directory) {
            Some(path) if !is_deployed => Ok(local(StackFile::read(&path)?)),
            None if self.only_local => bail!("the local stack isn't running: `make local` or `make up` starts it"),
            _ => self.deployed().await,
        }
    }

    async fn deployed(&self) -> anyhow::Result<Stack> {
        let sdk = aws::ambient(self.profile.as_deref(), self.region.as_deref()).await?;
        let region =
            sdk.region().context("no AWS region: give --region, or set AWS_REGION or the region of the profile")?;
        let region = region.to_string();
        let name = self.stack.as_deref().unwrap_or(DEFAULT_STACK).to_owned();
        let resources = Resources::of_stack(&sdk, &name).await?;
        let account = aws::account(&sdk).await?;
        Ok(Stack::new(Place::Deployed { account, region, name }, &sdk, resources))
    }
}

fn local(file: StackFile) -> Stack {
    let place = Place::Local { endpoint: file.endpoint.clone() };
    Stack::new(place, &aws::with_time_limits(&file.sdk_config()), file.into())
}

/// Which stack it is.
#[derive(Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Place {
    /// The local stack, on the emulator at this address.
    Local { endpoint: String },
    /// A stack on AWS.
    Deployed { account: String, region: String, name: String },
    /// The simulation's.
    Simulated,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Local { endpoint } => write!(f, "local stack at {endpoint}"),
            Self::Deployed { account, region, name } => write!(f, "stack {name} in {region}, account {account}"),
            Self::Simulated => f.write_str("simulated stack"),
        }
    }
}

/// The option of commands that change something.
#[derive(Debug, Clone, Copy, Default, clap::Args)]
pub(crate) struct Consent {
    /// Don't ask before acting on a stack on AWS
    #[arg(long)]
    yes: bool,
}

pub(crate) struct Stack {
    pub(crate) place: Place,
    pub(crate) sdk: SdkConfig,
    pub(crate) resources: Resources,
    pub(crate) table: Table,
    pub(crate) bucket: Bucket,
    pub(crate) dead_letters: DeadLetters,
    pub(crate) spill_queue: Option<SpillQueue>,
    pub(crate) fanout: Fanout,
}

impl Stack {
    pub(crate) fn new(place: Place, sdk: &SdkConfig, resources: Resources) -> Self {
        Self {
            place,
            sdk: sdk.clone(),
            table: Table::new(sdk, resources.table.clone()),
            bucket: Bucket::new(sdk, resources.bucket.clone()),
            dead_letters: DeadLetters::new(sdk, resources.dead_letter_queue_url.clone()),
            spill_queue: resources.spill_queue_url.clone().map(|url| SpillQueue::new(sdk, url)),
            fanout: Fanout::new(sdk, resources.fanout_function.clone()),
            resources,
        }
    }

    /// The key of the hashes in items that were stored without content. None if the stack has none.
    ///
    /// # Errors
    /// If the configuration of `mo` can't be read.
    pub(crate) async fn content_key(&self) -> Result<Option<ContentKey>, aws::Unavailable> {
        let configuration = Functions::new(&self.sdk).configuration(&self.resources.mo_function).await?;
        let environment = configuration.and_then(|configuration| configuration.environment).unwrap_or_default();
        Ok(environment.get("CONTENT_KEY").and_then(|key| key.parse().ok()))
    }

    /// Composes messages as `fanout` does.
    pub(crate) fn composer(&self) -> Composer {
        Composer::new(&self.sdk, self.resources.table.clone(), self.resources.bucket.clone())
    }

    pub(crate) fn is_local(&self) -> bool {
        matches!(self.place, Place::Local { .. })
    }

    /// Asks before `action` on a stack on AWS, naming the account, the region and the stack. `action` is an infinitive
    /// without "to", such as `publish 3 events again`.
    ///
    /// # Errors
    /// If the answer isn't yes, or nobody is there to give it.
    pub(crate) fn confirm(&self, action: &str, consent: Consent, shell: &mut Shell<'_>) -> anyhow::Result<()> {
        match self.place {
            Place::Deployed { .. } if !consent.yes => {
                shell.require_confirmation(&format!("On the {}: {action}", self.place))
            }
            _ => Ok(()),
        }
    }
}

/// The policy that lets SNS send from these topics to a queue, as SQS takes it.
#[must_use]
pub fn queue_policy(queue_arn: &str, topic_arns: &[&str]) -> String {
    json!({
        "Version": "2012-10-17",
        "Statement": [{
            "Effect": "Allow",
            "Principal": {"Service": "sns.amazonaws.com"},
            "Action": "sqs:SendMessage",
            "Resource": queue_arn,
            "Condition": {"ArnEquals": {"aws:SourceArn": topic_arns}},
        }],
    })
    .to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shell::Output;

    fn confirmed(place: Place, yes: bool, answer: &str) -> (bool, String) {
        let file: StackFile = serde_json::from_value(example::json()).unwrap();
        let stack = Stack::new(place, &file.sdk_config(), file.clone().into());
        let (mut out, mut err, mut answers) = (Vec::new(), Vec::new(), answer.as_bytes());
        let mut shell = Shell {
            directory: Path::new("."),
            out: Output::new(&mut out),
            err: &mut err,
            answers: Some(&mut answers),
            width: None,
        };
        let confirmed = stack.confirm("publish 3 events again", Consent { yes }, &mut shell).is_ok();
        (confirmed, String::from_utf8(err).unwrap())
    }

    #[tokio::test]
    async fn pinned_options_never_lead_to_another_stack() {
        let directory = example::directory("pinned", &example::json());
        let stack = StackArgs::default().connect(&directory).await.unwrap();
        let pinned = StackArgs::default().pinned(&stack.place);
        assert_eq!(pinned.to_options(), ["--local"]);
        assert!(pinned.connect(&directory).await.unwrap().is_local());
        std::fs::remove_dir_all(&directory).unwrap();
        let error = pinned.connect(Path::new("/nonexistent")).await.err().unwrap();
        assert!(error.to_string().contains("isn't running"), "{error}");

        let name = |text: &str| text.to_owned();
        let aws = Place::Deployed { account: name("123456789012"), region: name("us-east-1"), name: name("wab") };
        let profile = StackArgs { profile: Some(name("ana")), ..StackArgs::default() };
        assert_eq!(profile.pinned(&aws).to_options(), ["--stack=wab", "--profile=ana", "--region=us-east-1"]);
    }

    #[test]
    fn acting_on_aws_is_confirmed_by_name() {
        let name = |text: &str| text.to_owned();
        let aws = || Place::Deployed { account: name("123456789012"), region: name("us-east-1"), name: name("wab") };
        let question = "On the stack wab in us-east-1, account 123456789012: publish 3 events again? [y/N] ".to_owned();
        assert_eq!(confirmed(aws(), false, "y\n"), (true, question.clone()));
        assert_eq!(confirmed(aws(), false, "\n"), (false, question));
        assert_eq!(confirmed(aws(), true, ""), (true, String::new()));
        let local = Place::Local { endpoint: "http://localhost:4566".to_owned() };
        assert_eq!(confirmed(local, false, ""), (true, String::new()));
    }
}
