//! The CloudFormation stack itself: status, parameters, resources and drift.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::Context;
use aws_config::SdkConfig;
use aws_sdk_cloudformation::types::{self, Capability, Parameter, StackDriftDetectionStatus, StackResourceDriftStatus};

use crate::aws::Unavailable;

/// How long a detection of drift is waited for.
const MAX_DETECTION: Duration = Duration::from_secs(60);

/// How long an update of the stack is waited for.
const MAX_UPDATE: Duration = Duration::from_secs(15 * 60);
const POLL: Duration = Duration::from_secs(2);

pub(crate) struct CloudFormation {
    client: aws_sdk_cloudformation::Client,
    stack: String,
}

#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Resource {
    pub(crate) logical_id: String,
    pub(crate) physical_id: String,
    pub(crate) kind: String,
}

#[derive(Clone, Default)]
pub(crate) struct Description {
    pub(crate) status: String,
    pub(crate) parameters: BTreeMap<String, String>,
}

impl Description {
    /// The value of a parameter that isn't empty.
    pub(crate) fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }
}

#[derive(PartialEq, Eq)]
pub(crate) enum Drift {
    /// The logical ids of resources that were changed or deleted, and how.
    Detected(Vec<(String, &'static str)>),
    /// CloudFormation didn't finish in time, or failed.
    Unfinished,
}

impl CloudFormation {
    pub(crate) fn new(sdk: &SdkConfig, stack: &str) -> Self {
        Self { client: aws_sdk_cloudformation::Client::new(sdk), stack: stack.to_owned() }
    }

    async fn describe(&self) -> anyhow::Result<types::Stack> {
        let described = self.client.describe_stacks().stack_name(&self.stack).send().await;
        let described = described.map_err(Unavailable::new("cannot look up the stack"))?;
        described.stacks.into_iter().flatten().next().context("CloudFormation describes no stack")
    }

    pub(crate) async fn description(&self) -> anyhow::Result<Description> {
        let stack = self.describe().await?;
        let parameters = stack.parameters().iter().filter_map(|parameter| {
            Some((parameter.parameter_key()?.to_owned(), parameter.parameter_value()?.to_owned()))
        });
        Ok(Description {
            status: stack.stack_status().map(|status| status.as_str().to_owned()).unwrap_or_default(),
            parameters: parameters.collect(),
        })
    }

    /// Changes one parameter, and waits until the stack is updated. The template and the other parameters stay as they
    /// are, also those that CloudFormation doesn't show.
    pub(crate) async fn set_parameter(&self, name: &str, value: &str) -> anyhow::Result<()> {
        const PROBLEM: &str = "cannot update the stack";
        let stack = self.describe().await?;
        let keys = stack.parameters().iter().filter_map(|parameter| parameter.parameter_key());
        let others =
            keys.filter(|key| *key != name).map(|key| Parameter::builder().parameter_key(key).use_previous_value(true));
        let changed = Parameter::builder().parameter_key(name).parameter_value(value);
        let update = self.client.update_stack().stack_name(&self.stack).use_previous_template(true);
        let update = others.chain([changed]).fold(update, |update, parameter| update.parameters(parameter.build()));
        // The template has roles, and is one of AWS SAM's, which CloudFormation expands.
        let update = update.capabilities(Capability::CapabilityIam).capabilities(Capability::CapabilityAutoExpand);
        update.send().await.map_err(Unavailable::new(PROBLEM))?;
        let give_up = Instant::now() + MAX_UPDATE;
        loop {
            tokio::time::sleep(POLL).await;
            let status = self.description().await.context("cannot see how the update is going")?.status;
            match &*status {
                "UPDATE_COMPLETE" | "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS" => return Ok(()),
                "UPDATE_IN_PROGRESS" if Instant::now() < give_up => {}
                "UPDATE_IN_PROGRESS" => return Err(Unavailable::failed(PROBLEM, "it is still in progress").into()),
                _ => return Err(Unavailable::failed(PROBLEM, format!("it ended as {status}")).into()),
            }
        }
    }

    /// All resources, a hundred a call.
    pub(crate) async fn resources(&self) -> Result<Vec<Resource>, Unavailable> {
        let mut resources = Vec::new();
        let mut next = None;
        loop {
            let list = self.client.list_stack_resources().stack_name(&self.stack).set_next_token(next);
            let page = list.send().await.map_err(Unavailable::new("cannot list the stack's resources"))?;
            resources.extend(page.stack_resource_summaries().iter().filter_map(|resource| {
                Some(Resource {
                    logical_id: resource.logical_resource_id()?.to_owned(),
                    physical_id: resource.physical_resource_id()?.to_owned(),
                    kind: resource.resource_type()?.to_owned(),
                })
            }));
            next = page.next_token;
            if next.is_none() {
                return Ok(resources);
            }
        }
    }

    /// Compares the resources with the template. CloudFormation does it in the background, and takes seconds to minutes.
    pub(crate) async fn drift(&self) -> anyhow::Result<Drift> {
        let detect = self.client.detect_stack_drift().stack_name(&self.stack).send().await;
        let detection = detect.map_err(Unavailable::new("cannot detect drift"))?.stack_drift_detection_id;
        let detection = detection.context("CloudFormation names no detection of drift")?;
        let give_up = Instant::now() + MAX_DETECTION;
        loop {
            let describe = self.client.describe_stack_drift_detection_status().stack_drift_detection_id(&detection);
            let described = describe.send().await.map_err(Unavailable::new("cannot read the detection of drift"))?;
            match described.detection_status() {
                Some(StackDriftDetectionStatus::DetectionComplete) => break,
                Some(StackDriftDetectionStatus::DetectionInProgress) if Instant::now() < give_up => {
                    tokio::time::sleep(POLL).await;
                }
                _ => return Ok(Drift::Unfinished),
            }
        }
        let mut drifted = Vec::new();
        let mut next = None;
        loop {
            let describe = self.client.describe_stack_resource_drifts().stack_name(&self.stack).set_next_token(next);
            let describe = describe
                .stack_resource_drift_status_filters(StackResourceDriftStatus::Modified)
                .stack_resource_drift_status_filters(StackResourceDriftStatus::Deleted);
            let page = describe.send().await.map_err(Unavailable::new("cannot read the drift"))?;
            drifted.extend(page.stack_resource_drifts().iter().filter_map(|drift| {
                let is_deleted = drift.stack_resource_drift_status() == Some(&StackResourceDriftStatus::Deleted);
                Some((drift.logical_resource_id()?.to_owned(), if is_deleted { "deleted" } else { "changed" }))
            }));
            next = page.next_token;
            if next.is_none() {
                return Ok(Drift::Detected(drifted));
            }
        }
    }
}
