//! One deployed stack: which one it is, where its resources are, and typed access to each.

mod dead_letters;
mod fanout;
mod file;
mod resources;
mod spill_queue;
mod table;

use std::path::Path;

use anyhow::Context;
use aws_config::SdkConfig;
use serde_json::json;

pub(crate) use self::dead_letters::{DeadLetters, Received};
pub(crate) use self::fanout::{Fanout, Invoked};
pub use self::file::StackFile;
#[cfg(test)]
pub(crate) use self::file::example;
pub use self::resources::Resources;
pub(crate) use self::spill_queue::{Sent, SpillQueue};
pub(crate) use self::table::{Page, Range, Table};
use crate::aws;

/// The stack's name if the options name none and there is no local stack (docs/operations.md, "Deploying").
const DEFAULT_STACK: &str = "wab";

#[derive(Debug, Default, clap::Args)]
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
}

impl StackArgs {
    pub(crate) async fn connect(&self, directory: &Path) -> anyhow::Result<Stack> {
        let is_deployed = self.stack.is_some() || self.profile.is_some() || self.region.is_some();
        match StackFile::find(directory) {
            Some(path) if !is_deployed => Ok(local(StackFile::read(&path)?)),
            _ => self.deployed().await,
        }
    }

    async fn deployed(&self) -> anyhow::Result<Stack> {
        let sdk = aws::ambient(self.profile.as_deref(), self.region.as_deref()).await;
        let region =
            sdk.region().context("no AWS region: give --region, or set AWS_REGION or the region of the profile")?;
        let name = self.stack.as_deref().unwrap_or(DEFAULT_STACK);
        let resources = Resources::of_stack(&sdk, name).await?;
        Ok(Stack::new(format!("stack {name} in {region}"), &sdk, resources))
    }
}

fn local(file: StackFile) -> Stack {
    let name = format!("local stack at {}", file.endpoint);
    Stack::new(name, &aws::with_time_limits(&file.sdk_config()), file.into())
}

#[derive(Debug)]
pub(crate) struct Stack {
    /// What a person calls it.
    pub(crate) name: String,
    pub(crate) table: Table,
    pub(crate) dead_letters: DeadLetters,
    pub(crate) spill_queue: Option<SpillQueue>,
    pub(crate) fanout: Fanout,
}

impl Stack {
    pub(crate) fn new(name: String, sdk: &SdkConfig, resources: Resources) -> Self {
        Self {
            name,
            table: Table::new(sdk, resources.table),
            dead_letters: DeadLetters::new(sdk, resources.dead_letter_queue_url),
            spill_queue: resources.spill_queue_url.map(|url| SpillQueue::new(sdk, url)),
            fanout: Fanout::new(sdk, resources.fanout_function),
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
