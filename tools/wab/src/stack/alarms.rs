//! The stack's alarms and their states.

use aws_config::SdkConfig;
use aws_sdk_cloudwatch::types::{AlarmType, StateValue};
use jiff::Timestamp;
use serde::Serialize;

use super::cloudformation::Resource;
use crate::aws::Unavailable;

/// Maximum number of names in one call (CloudWatch API reference, "DescribeAlarms").
const MAX_NAMES: usize = 100;

/// What the logical ids of alarms in the template end in. The rest is the name of the runbook's section.
const SUFFIX: &str = "Alarm";

#[derive(Debug)]
pub(crate) struct Alarms {
    cloudwatch: aws_sdk_cloudwatch::Client,
}

#[derive(Clone, Serialize)]
pub(crate) struct Alarm {
    /// Its name in the runbook: `Deferred`.
    pub(crate) name: String,
    /// Its name in CloudWatch.
    pub(crate) alarm_name: String,
    pub(crate) is_firing: bool,
    /// When its state last changed.
    pub(crate) since: Option<Timestamp>,
    /// The topics that it notifies when it goes off. None are notified while its actions are disabled.
    pub(crate) topics: Vec<String>,
    pub(crate) has_actions_enabled: bool,
    pub(crate) description: String,
}

impl Alarms {
    pub(crate) fn new(sdk: &SdkConfig) -> Self {
        Self { cloudwatch: aws_sdk_cloudwatch::Client::new(sdk) }
    }

    /// The alarms among a stack's resources, in their order.
    pub(crate) async fn of(&self, resources: &[Resource]) -> Result<Vec<Alarm>, Unavailable> {
        let ours: Vec<_> = resources.iter().filter(|resource| resource.kind == "AWS::CloudWatch::Alarm").collect();
        let mut alarms = Vec::new();
        for ours in ours.chunks(MAX_NAMES) {
            let names = ours.iter().map(|resource| resource.physical_id.clone()).collect();
            let describe = self.cloudwatch.describe_alarms().set_alarm_names(Some(names));
            let describe = describe.alarm_types(AlarmType::MetricAlarm).max_records(100);
            let described = describe.send().await.map_err(Unavailable::new("cannot read the alarms"))?;
            for resource in ours {
                let found =
                    described.metric_alarms().iter().find(|alarm| alarm.alarm_name() == Some(&resource.physical_id));
                let Some(alarm) = found else { continue };
                let since = alarm.state_transitioned_timestamp().or(alarm.state_updated_timestamp());
                alarms.push(Alarm {
                    name: resource.logical_id.strip_suffix(SUFFIX).unwrap_or(&resource.logical_id).to_owned(),
                    alarm_name: resource.physical_id.clone(),
                    is_firing: alarm.state_value() == Some(&StateValue::Alarm),
                    since: since.and_then(|at| Timestamp::from_second(at.secs()).ok()),
                    topics: alarm.alarm_actions().to_vec(),
                    has_actions_enabled: alarm.actions_enabled().unwrap_or(true),
                    description: alarm.alarm_description().unwrap_or_default().to_owned(),
                });
            }
        }
        Ok(alarms)
    }
}
